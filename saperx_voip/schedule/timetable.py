# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""The moments at which a task runs."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cached_property
from zoneinfo import ZoneInfo

from cronsim import CronSim

from .entries import DAY, HOUR, MINUTE, MONTH, WEEKDAY, Misentry, Problem

_MINUTE = timedelta(minutes=1)
# A leap year: the days that each month has at most.
_LONGEST = {month: calendar.monthrange(2000, month)[1] for month in range(1, 13)}
# Days of month and week meet in all their ways within so many years.
_CYCLE = range(2000, 2028)


class Misfit(Enum):
    """How a timetable does not go with an integration's import period."""

    NOT_EVERY_DAY = "not_every_day"
    NOT_EVERY_MONTH = "not_every_month"
    MORE_THAN_MONTHLY = "more_than_monthly"


class _BothDays(CronSim):
    """Day of month *and* weekday must fit (guide, *Agenda de tarefas*); cron takes
    one of them. Fed with naive times, it knows of no zone."""

    def match_day(self, d):
        return self.match_dom(d) and self.match_dow(d)


@dataclass(frozen=True)
class Timetable:
    """Each entry as ``Entry.parse`` takes it.

    :raise Misentry: if an entry cannot be taken, or if no year has such a day
    """

    minute: str
    hour: str
    day: str
    month: str
    weekday: str

    def __post_init__(self):
        months = self.months
        if min(self.days) > max(_LONGEST[month] for month in months):
            raise Misentry(DAY, Problem.NEVER)
        # What else cannot be taken is found by reading.
        _ = self._expression

    @cached_property
    def days(self) -> frozenset[int]:
        return DAY.parse(self.day)

    @cached_property
    def months(self) -> frozenset[int]:
        return MONTH.parse(self.month)

    @cached_property
    def weekdays(self) -> frozenset[int]:
        """Monday is 1, Sunday 0."""
        return WEEKDAY.parse(self.weekday)

    @cached_property
    def _times(self) -> tuple[frozenset[int], frozenset[int]]:
        return MINUTE.parse(self.minute), HOUR.parse(self.hour)

    @cached_property
    def _expression(self) -> str:
        return " ".join(
            ",".join(map(str, sorted(numbers)))
            for numbers in (*self._times, self.days, self.months, self.weekdays)
        )

    def runs_after(self, moment: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """The runs after a moment, without end.

        Clocks that go forward: what falls into the time that is left out runs once,
        as soon as it is over. Clocks that go back: what falls into the time that comes
        twice runs the first time.

        :param moment: naive UTC, as are the runs
        """
        last = moment
        local = moment.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
        for wall in _BothDays(self._expression, local):
            run = _at(wall, zone)
            if run > last:
                yield run
                last = run

    def next_after(self, moment: datetime, zone: ZoneInfo) -> datetime:
        """The first of ``runs_after``."""
        return next(self.runs_after(moment, zone))

    def misfit(self, period: str) -> Misfit | None:
        """Guide: a monthly import runs once a month, a daily one every day.

        :param period: of an integration's import, "daily" or "monthly"
        """
        if period == "daily":
            every = DAY.every, MONTH.every, WEEKDAY.every
            is_daily = (self.days, self.months, self.weekdays) == every
            return None if is_daily else Misfit.NOT_EVERY_DAY
        counts = set(self._count_by_month())
        if max(counts) > 1:
            return Misfit.MORE_THAN_MONTHLY
        return Misfit.NOT_EVERY_MONTH if 0 in counts else None

    def _count_by_month(self) -> Iterator[int]:
        """How many runs the months have, for all kinds of months."""
        minutes, hours = self._times
        for year in _CYCLE:
            for month in range(1, 13):
                first_weekday, length = calendar.monthrange(year, month)
                days = sum(
                    1
                    for day in self.days
                    if day <= length and (first_weekday + day) % 7 in self.weekdays
                )
                fits = month in self.months
                yield days * len(minutes) * len(hours) if fits else 0


def _at(wall: datetime, zone: ZoneInfo) -> datetime:
    """When clocks show this time first, or, if they leave it out, the next that they
    show. :return: naive UTC"""
    while True:
        # ``fold`` is 0: the first of two.
        moment = wall.replace(tzinfo=zone).astimezone(UTC)
        if moment.astimezone(zone).replace(tzinfo=None, fold=0) == wall:
            return moment.replace(tzinfo=None)
        wall += _MINUTE
