"""The forms in which the contract writes money, durations and timestamps.

The contract allows several forms of one value. The sandbox mixes them, the choice
depending on the record and field alone, so that a client meets all of them and a
test meets the same ones each time.
"""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from zlib import crc32

#: Money is kept as whole ten-thousandths of a real.
MONEY_UNITS = 10_000
#: More than ten digits of reais is a slip, not an amount.
LARGEST_MONEY = 10**10 * MONEY_UNITS - 1

#: The account's local time. Brazil has had no summer time since 2019, so a fixed
#: offset serves, and no time zone data is needed.
ACCOUNT_ZONE = timezone(timedelta(hours=-3))

_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}")
_PLAIN_MONEY = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?")
_BRAZILIAN_MONEY = re.compile(
    r"-?([0-9]{1,15}|[0-9]{1,3}(\.[0-9]{3}){1,4}),[0-9]{1,10}"
)


def choice(key: str, options: int) -> int:
    """A number below ``options`` that depends on ``key`` alone."""
    # The last bits of a CRC of similar keys run in step; a product spreads them.
    return (crc32(key.encode("utf-8", "replace")) * 2654435761 >> 7) % options


def money(units: int, key: str) -> float | str:
    """Ten-thousandths of a real as number, plain string or Brazilian string."""
    form = choice(key, 3)
    if form == 0:
        return units / MONEY_UNITS
    if form == 1:
        return plain_money(units)
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), MONEY_UNITS)
    # Two decimals where they hold the value, as the contract's example has it.
    decimals = f"{rest:04d}" if rest % 100 else f"{rest // 100:02d}"
    return f"{sign}{whole:,}".replace(",", ".") + f",{decimals}"


def plain_money(units: int) -> str:
    """Ten-thousandths of a real as "1234.5600"."""
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), MONEY_UNITS)
    return f"{sign}{whole}.{rest:04d}"


def parse_money(value: object) -> int | None:
    """Any form of the contract to ten-thousandths; None if it is none of them."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if _BRAZILIAN_MONEY.fullmatch(value):
            value = value.replace(".", "").replace(",", ".")
        elif not _PLAIN_MONEY.fullmatch(value):
            return None
    elif not isinstance(value, int | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    # Before it becomes an integer: 1E999999 would be a very long one.
    if not number.is_finite() or number.adjusted() > 12:
        return None
    units = round(number * MONEY_UNITS)
    return units if abs(units) <= LARGEST_MONEY else None


def duration(seconds: int, key: str) -> int | str:
    """Whole seconds, or 'HH:MM:SS' with hours that may pass 24."""
    if choice(key, 3):
        return seconds
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02d}:{minute:02d}:{second:02d}"


def timestamp(moment: str, key: str) -> str:
    """'YYYY-MM-DD HH:MM:SS', or the same with a 'T'.

    :param moment: the first of the two forms
    """
    return moment if choice(key, 4) else moment.replace(" ", "T")


def parse_timestamp(value: object) -> datetime | None:
    """Either form of a timestamp; None if it is neither, or no date."""
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def sortable(moment: datetime) -> str:
    """The one form in which the state keeps timestamps: text order is time order."""
    return moment.isoformat(sep=" ", timespec="seconds")


def local_now() -> str:
    """The account's local time, in the form that the state keeps."""
    return sortable(datetime.now(ACCOUNT_ZONE).replace(tzinfo=None))


def epoch(moment: datetime) -> int:
    """Seconds since 1970 of an account-local moment."""
    return int(moment.replace(tzinfo=ACCOUNT_ZONE).timestamp())
