"""The spellings of money, durations and moments that a platform may send.

Calls come by the million and repeat themselves: what is costly is remembered, but only
of short texts that were understood, so that no answer can fill the memory.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

_PLAIN = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)
_BRAZILIAN = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})*(?:,\d{1,12})?\Z", re.ASCII)
_COMMA_ONLY = re.compile(r"[+-]?\d{1,15},\d{1,12}\Z", re.ASCII)
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)\Z", re.ASCII)
_HOUR_OF_DAY = re.compile(r"20\d\d-\d\d-\d\d[T ]\d\d\Z", re.ASCII)
_AFTER_THE_HOUR = re.compile(r":([0-5]\d):([0-5]\d)\Z", re.ASCII)

_HOUR = timedelta(hours=1)
LONGEST_SECONDS = 30 * 24 * 3600
LARGEST_AMOUNT = Decimal(10) ** 9
_ZERO = Decimal(0)
LONGEST_TEXT = 60


def money(text: str, signed: bool = False) -> Decimal:
    """Reais from the text of a JSON number, ``1234.5600`` or ``1.234,56``.

    ``1.234`` is a plain decimal: one real and some. The same amount is the same
    ``Decimal``, digit for digit. :raise ValueError: with why
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"{text[:40]!r} is too long for an amount of money")
    text = text.strip()
    if _PLAIN.match(text):
        amount = Decimal(text)
    elif _BRAZILIAN.match(text) or _COMMA_ONLY.match(text):
        amount = Decimal(text.replace(".", "").replace(",", "."))
    else:
        raise ValueError(f"{text[:40]!r} is no amount of money")
    least = -LARGEST_AMOUNT if signed else _ZERO
    if not least <= amount <= LARGEST_AMOUNT:
        raise ValueError(f"{text} is not between {least} and {LARGEST_AMOUNT}")
    # The sum takes the exponent from 1E+2, and the sign from -0.
    return amount.normalize() + _ZERO


def duration(value: int | float | str) -> int:
    """Seconds from a whole number or ``HH:MM:SS``. :raise ValueError: with why"""
    if isinstance(value, str):
        value = _duration_of_text(value)
    elif isinstance(value, float) and not value.is_integer():
        raise ValueError(f"{value} is no whole number of seconds")
    if not 0 <= value <= LONGEST_SECONDS:
        raise ValueError(f"not between 0 and {LONGEST_SECONDS} seconds")
    return int(value)


@lru_cache(maxsize=8192)
def _duration_of_text(text: str) -> int:
    if len(text) <= LONGEST_TEXT:
        stripped = text.strip()
        if clock := _CLOCK.match(stripped):
            hours, minutes, seconds = map(int, clock.groups())
            return hours * 3600 + minutes * 60 + seconds
        if stripped.isascii() and stripped.isdigit():
            return int(stripped)
    raise ValueError(f"{text[:40]!r} is no duration")


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Local ``YYYY-MM-DD HH:MM:SS`` (or with a T) to naive UTC. :raise ValueError:

    An hour that the clock shows twice is taken as the first; one that it skipped, as
    if it had not yet been put forward.
    """
    # In two parts, each of which comes again and again.
    try:
        hour, after = _hour(text[:13], zone), _after_the_hour(text[13:])
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no date and time of this century") from None
    if hour is not None:
        return hour + after
    local = datetime.fromisoformat(text)
    return local - local.replace(tzinfo=zone).utcoffset()


@lru_cache(maxsize=4096)
def _hour(text: str, zone: ZoneInfo) -> datetime | None:
    """In UTC, the beginning of a local clock hour, ``YYYY-MM-DD HH``; None if the
    offset changes in it."""
    if not _HOUR_OF_DAY.match(text):
        raise ValueError
    local = datetime.fromisoformat(f"{text}:00:00")
    first = local.replace(tzinfo=zone)
    offset = first.utcoffset()
    is_steady = offset == first.replace(minute=59, second=59).utcoffset()
    return local - offset if is_steady else None


@lru_cache(maxsize=4096)
def _after_the_hour(text: str) -> timedelta:
    """Of ``:MM:SS``."""
    if not (found := _AFTER_THE_HOUR.match(text)):
        raise ValueError
    minutes, seconds = map(int, found.groups())
    return timedelta(minutes=minutes, seconds=seconds)


def local_text(utc: datetime, zone: ZoneInfo) -> str:
    """Naive UTC to the account's local text."""
    return utc.replace(tzinfo=UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def local_bounds(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """Local text of a window of naive UTC that holds all of it.

    Text cannot tell which of two hours of one name is meant, nor parts of a second:
    such a bound moves outwards.
    """
    while _is_ambiguous(start, zone):
        start -= _HOUR
    if end.microsecond:
        end += timedelta(seconds=1)
    while _is_ambiguous(end, zone):
        end += _HOUR
    return local_text(start, zone), local_text(end, zone)


def _is_ambiguous(utc: datetime, zone: ZoneInfo) -> bool:
    local = utc.replace(tzinfo=UTC).astimezone(zone)
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    # In a skipped hour the two differ as well, but no moment is ever there.
    return first != second
