"""Billing cycles and local days (§5, *Cycle*)."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
ONE_HOUR = timedelta(hours=1)
SMALLEST = timedelta(microseconds=1)


def closing_date(closing_day: int, year: int, month: int) -> date:
    """The day at whose end a month's cycle closes: that day, or the month's last.

    :raise ValueError: closing day not 1 to 31
    """
    if not 1 <= closing_day <= 31:
        raise ValueError(f"closing_day must be 1 to 31, not {closing_day}")
    return date(year, month, min(closing_day, monthrange(year, month)[1]))


@lru_cache(maxsize=16_384)
def cycle_of(
    day: date, closing_day: int, not_before: date | None = None
) -> tuple[date, date]:
    """The cycle that a local date belongs to: first and last day, both inclusive.

    :param not_before: after a change of closing day, the day after the last closing
        under the former one. The cycle that it falls into begins there, so that no day
        is charged twice: the one short cycle of §5. Earlier cycles are those of the
        former closing day and must be asked with it.
    :raise ValueError: closing day not 1 to 31, or a day before ``not_before``
    """
    if not_before is not None and day < not_before:
        raise ValueError(f"{day} is before {not_before}: ask with the closing day then")
    last = closing_date(closing_day, day.year, day.month)
    if day > last:
        last = closing_date(closing_day, *_month_after(day.year, day.month))
    first = closing_date(closing_day, *_month_before(last.year, last.month)) + ONE_DAY
    if not_before is not None and first < not_before:
        first = not_before
    return first, last


def cycles_between(
    first: date, last: date, closing_day: int, not_before: date | None = None
) -> Iterator[tuple[date, date]]:
    """All cycles that hold a day from ``first`` to ``last``, in order.

    :raise ValueError: as ``cycle_of`` does
    """
    while first <= last:
        cycle = cycle_of(first, closing_day, not_before)
        yield cycle
        first = cycle[1] + ONE_DAY


def local_date(moment: datetime, timezone: ZoneInfo | str) -> date:
    """The date on which a moment (naive UTC) falls in a time zone."""
    # Calls come by the hour, and in few hours a date begins.
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return _local_date_of_hour(hour, timezone) or _local_date(moment, timezone)


@lru_cache(maxsize=16_384)
def _local_date_of_hour(hour: datetime, timezone: ZoneInfo | str) -> date | None:
    """None if a date begins within it."""
    first, last = (
        _local_date(moment, timezone) for moment in (hour, hour + ONE_HOUR - SMALLEST)
    )
    return first if first == last else None


def _local_date(moment: datetime, timezone: ZoneInfo | str) -> date:
    return moment.replace(tzinfo=UTC).astimezone(_zone(timezone)).date()


@lru_cache(maxsize=4096)
def bounds_utc(
    first: date, last: date, timezone: ZoneInfo | str
) -> tuple[datetime, datetime]:
    """The moments (naive UTC) from the start of a day to the end of another.

    Half-open: the second moment is the start of the day after ``last``. A moment lies
    between them exactly if its ``local_date`` does. A day whose midnight is skipped
    (summer time in Brazil began so, until 2018) begins when the clock jumps.
    """
    zone = _zone(timezone)
    return _start_of(first, zone), _start_of(last + ONE_DAY, zone)


def _start_of(day: date, zone: ZoneInfo) -> datetime:
    # fold=0: the first of two midnights; in a gap, the offset from before it, which
    # gives the moment of the jump itself.
    midnight = datetime.combine(day, time(), tzinfo=zone)
    return midnight.astimezone(UTC).replace(tzinfo=None)


def _zone(timezone: ZoneInfo | str) -> ZoneInfo:
    return ZoneInfo(timezone) if isinstance(timezone, str) else timezone


def _month_after(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def _month_before(year: int, month: int) -> tuple[int, int]:
    return (year - 1, 12) if month == 1 else (year, month - 1)
