"""Working days of Brazil, and the days on which nobody may be cut off."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta

import holidays

ONE_DAY = timedelta(days=1)
FRIDAY, SATURDAY = 4, 5


class Calendar:
    """Which days of a company are working days, and on which a service may be cut.

    Holidays are those of the country and of the state, optional ones (carnival, Corpus
    Christi) among them, since banks are closed on them, and the company's own.

    :param state: two letters (UF), or None: the country's holidays alone
    :param own_holidays: further ones, such as those of the town
    :param spares_rest_days: whether nobody is cut off from Friday to Sunday, on
        holidays and on their eves (Lei 14.015/2020)
    """

    def __init__(
        self,
        state: str | None = None,
        own_holidays: Iterable[date] = (),
        spares_rest_days: bool = True,
    ):
        known = holidays.Brazil.subdivisions
        self._holidays = holidays.Brazil(
            subdiv=state if state in known else None, categories=("public", "optional")
        )
        self._own_holidays = frozenset(own_holidays)
        self._spares_rest_days = spares_rest_days

    def is_holiday(self, day: date) -> bool:
        return day in self._own_holidays or day in self._holidays

    def is_working_day(self, day: date) -> bool:
        return day.weekday() < SATURDAY and not self.is_holiday(day)

    def is_cutting_day(self, day: date) -> bool:
        """Whether a service may be cut on a day: Monday to Thursday, neither on a
        holiday nor on the day before one; any day if rest days are not spared."""
        if not self._spares_rest_days:
            return True
        return (
            day.weekday() < FRIDAY
            and not self.is_holiday(day)
            and not self.is_holiday(day + ONE_DAY)
        )

    def working_day_from(self, day: date) -> date:
        """The day itself, or the next working day."""
        return _first(self.is_working_day, day)

    def cutting_day_from(self, day: date) -> date:
        """The day itself, or the next on which a service may be cut."""
        return _first(self.is_cutting_day, day)


def _first(fits: Callable[[date], bool], day: date) -> date:
    while not fits(day):
        day += ONE_DAY
    return day
