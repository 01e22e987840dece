"""The spellings of money, durations and moments that a platform may send."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

_PLAIN = re.compile(r"[+-]?\d{1,15}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)
_BRAZILIAN = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})*(?:,\d{1,12})?\Z", re.ASCII)
_COMMA_ONLY = re.compile(r"[+-]?\d{1,15},\d{1,12}\Z", re.ASCII)
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d):([0-5]\d)\Z", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\Z", re.ASCII)

LONGEST_SECONDS = 30 * 24 * 3600
LARGEST_AMOUNT = Decimal(10) ** 9


def money(text: str) -> Decimal:
    """Reais from the text of a JSON number, ``1234.5600`` or ``1.234,56``.

    ``1.234`` is a plain decimal: one real and some. :raise ValueError: with why
    """
    text = text.strip()
    if _PLAIN.match(text):
        amount = Decimal(text)
    elif _BRAZILIAN.match(text) or _COMMA_ONLY.match(text):
        amount = Decimal(text.replace(".", "").replace(",", "."))
    else:
        raise ValueError(f"{text[:40]!r} is no amount of money")
    if not 0 <= amount <= LARGEST_AMOUNT:
        raise ValueError(f"{text} is not between 0 and {LARGEST_AMOUNT}")
    return amount


def duration(value: int | str) -> int:
    """Seconds from a whole number or ``HH:MM:SS``. :raise ValueError: with why"""
    if isinstance(value, str):
        if clock := _CLOCK.match(value.strip()):
            hours, minutes, seconds = map(int, clock.groups())
            value = hours * 3600 + minutes * 60 + seconds
        elif value.strip().isascii() and value.strip().isdigit():
            value = int(value)
        else:
            raise ValueError(f"{value[:40]!r} is no duration")
    if not 0 <= value <= LONGEST_SECONDS:
        raise ValueError(f"{value} seconds are not between 0 and {LONGEST_SECONDS}")
    return value


def moment(text: str, zone: ZoneInfo) -> datetime:
    """Local ``YYYY-MM-DD HH:MM:SS`` (or with a T) to naive UTC. :raise ValueError:"""
    if not _MOMENT.match(text):
        raise ValueError(f"{text[:40]!r} is no date and time")
    local = datetime.fromisoformat(text)
    if not 2000 <= local.year <= 2100:
        raise ValueError(f"the year of {text} is not between 2000 and 2100")
    return local.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def local_text(utc: datetime, zone: ZoneInfo) -> str:
    """Naive UTC to the account's local text."""
    return utc.replace(tzinfo=UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
