"""Who held a line, an account code or a number at a moment.

Pure: built from plain values, asked once for every call.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from .cycle import local_date

SMALLEST_TIME = timedelta(microseconds=1)
Steps = tuple[list[datetime], list]
"""Moments in order, and what holds before the first and from each of them on."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A period of a line. Moments are naive UTC; None is open: since or for ever."""

    period_id: int
    line_id: int
    contract_id: int
    partner_id: int
    tariff_id: int | None
    closing_day: int
    prepaid: bool
    since: datetime | None
    until: datetime | None
    """Exclusive."""

    def covers(self, moment: datetime) -> bool:
        return (self.since is None or self.since <= moment) and (
            self.until is None or moment < self.until
        )

    def days_of(self, first: date, last: date, timezone: ZoneInfo) -> tuple[date, date]:
        """The part of some local days, inclusive, that lies in it."""
        if self.since is not None:
            first = max(first, local_date(self.since, timezone))
        if self.until is not None:
            last = min(last, local_date(self.until - SMALLEST_TIME, timezone))
        return first, last


def with_terms(
    holdings: Iterable[Holding],
    moment: datetime,
    terms: Mapping[str, object],
    new_ids: Iterator[int],
) -> list[Holding]:
    """The periods of a line as they are once other terms hold from a moment on.

    :param moment: naive UTC; ``datetime.min``: since ever
    :param terms: fields of ``Holding`` that become others
    :param new_ids: for the part that is split off the period of that moment
    """
    changed = []
    for held in holdings:
        if (held.since or datetime.min) >= moment:
            changed.append(replace(held, **terms))
        elif held.covers(moment):
            later = replace(held, period_id=next(new_ids), since=moment, **terms)
            changed += [replace(held, until=moment), later]
        else:
            changed.append(held)
    return changed


@dataclass(frozen=True, slots=True)
class LineKeys:
    """What identifies a line in a call record."""

    line_id: int
    remote_id: int | None
    account_code: str | None


@dataclass(frozen=True, slots=True)
class NumberHolding:
    """A number on a line from a moment to another, as ``Holding`` has them."""

    number: str
    line_id: int
    since: datetime | None
    until: datetime | None
    is_main: bool = False
    """Of a number that has left its line: whether it was until then."""

    covers = Holding.covers


class Directory:
    """Finds the holding that a call belongs to: design §6, *Matching*."""

    def __init__(
        self,
        lines: Iterable[LineKeys],
        holdings: Iterable[Holding],
        numbers: Iterable[NumberHolding],
    ):
        self._by_remote_id: dict[int, int] = {}
        self._by_account: dict[str, list[int]] = defaultdict(list)
        self._holdings: dict[int, list[Holding]] = defaultdict(list)
        self._by_number: dict[str, list[NumberHolding]] = defaultdict(list)
        self._numbers_of: dict[int, list[NumberHolding]] = defaultdict(list)
        self._area_codes: dict[int, Steps] = {}
        self._callers: dict[tuple[int | None, str | None], Steps] = {}
        for line in lines:
            if line.remote_id is not None:
                self._by_remote_id[line.remote_id] = line.line_id
            if line.account_code:
                self._by_account[line.account_code].append(line.line_id)
        for holding in holdings:
            self._holdings[holding.line_id].append(holding)
        for number in numbers:
            self._by_number[number.number].append(number)
            self._numbers_of[number.line_id].append(number)

    def under(self, tariff_id: int) -> "Directory":
        """The same holdings, all under one tariff."""
        other = self._without_holdings()
        other._holdings = {
            line_id: [replace(held, tariff_id=tariff_id) for held in holdings]
            for line_id, holdings in self._holdings.items()
        }
        return other

    def held(self, holdings: Iterable[Holding]) -> "Directory":
        """The same lines and numbers, held otherwise."""
        other = self._without_holdings()
        for holding in holdings:
            other._holdings[holding.line_id].append(holding)
        return other

    def _without_holdings(self) -> "Directory":
        other = copy(self)
        other._holdings = defaultdict(list)
        other._callers = {}
        return other

    def find(
        self,
        remote_id: int | None,
        account_code: str | None,
        own_number: str | None,
        moment: datetime,
    ) -> Holding | None:
        """The holding by circuit, else by account code, else by number.

        A key that names a line which nobody held at that moment names nothing:
        the next key is tried.
        """
        return self.find_by_line(
            remote_id, account_code, moment
        ) or self.find_by_number(own_number, moment)

    def find_by_line(
        self, remote_id: int | None, account_code: str | None, moment: datetime
    ) -> Holding | None:
        line_id = self._by_remote_id.get(remote_id) if remote_id is not None else None
        if line_id is not None and (holding := self._held(line_id, moment)):
            return holding
        holdings = (
            self._held(line_id, moment)
            for line_id in self._by_account.get(account_code, ())
        )
        # A code that was given again: who has ended since then had it first.
        return min(
            filter(None, holdings),
            key=lambda held: held.until or datetime.max,
            default=None,
        )

    def find_caller(
        self, remote_id: int | None, account_code: str | None, moment: datetime
    ) -> tuple[Holding | None, str | None]:
        """As ``find_by_line``, and the ``area_code`` of what it finds.

        Remembered by line from one moment at which they may change to the next, since
        a line has many calls.
        """
        by_remote_id = self._by_remote_id.get(remote_id)
        by_account = self._by_account.get(account_code)
        if by_remote_id is None and by_account is None:
            return None, None
        # What names no line is whatever the platform sends: of that there is no end.
        key = by_remote_id and remote_id, by_account and account_code
        steps = self._callers.get(key)
        if steps is None:
            steps = self._callers[key] = self._caller_steps(*key)
        moments, callers = steps
        return callers[bisect_right(moments, moment)]

    def _caller_steps(self, remote_id: int | None, account_code: str | None) -> "Steps":
        line_ids = {
            self._by_remote_id.get(remote_id),
            *self._by_account.get(account_code, ()),
        }
        moments = sorted(
            {
                moment
                for line_id in line_ids
                for held in (
                    *self._holdings.get(line_id, ()),
                    *self._numbers_of.get(line_id, ()),
                )
                for moment in (held.since, held.until)
                if moment is not None
            }
        )
        callers = []
        for moment in (datetime.min, *moments):
            holding = self.find_by_line(remote_id, account_code, moment)
            area_code = holding and self.area_code(holding.line_id, moment)
            callers.append((holding, area_code))
        return moments, callers

    def find_by_number(
        self, own_number: str | None, moment: datetime
    ) -> Holding | None:
        for number in self._by_number.get(own_number, ()):
            if number.covers(moment) and (
                holding := self._held(number.line_id, moment)
            ):
                return holding
        return None

    def area_code(self, line_id: int, moment: datetime) -> str | None:
        """The DDD that the line calls from: that of its main number."""
        steps = self._area_codes.get(line_id)
        if steps is None:
            steps = self._area_codes[line_id] = self._area_code_steps(line_id)
        moments, area_codes = steps
        return area_codes[bisect_right(moments, moment)]

    def _area_code_steps(self, line_id: int) -> Steps:
        numbers = self._numbers_of.get(line_id, ())
        bounds = {moment for n in numbers for moment in (n.since, n.until)} - {None}
        moments = sorted(bounds)
        return moments, [
            self._area_code(line_id, moment) for moment in (datetime.min, *moments)
        ]

    def _area_code(self, line_id: int, moment: datetime) -> str | None:
        for number in self._presented(line_id, moment):
            if number.number.startswith("55"):
                return number.number[2:4]
        return None

    def _presented(self, line_id: int, moment: datetime) -> list[NumberHolding]:
        """The numbers that the line had at a moment, the main one first."""
        numbers = self._numbers_of.get(line_id, [])
        held = [n for n in numbers if n.covers(moment)]
        if held:
            # The next one becomes main when the main one leaves: of several, who left
            # first was it first.
            return sorted(held, key=lambda n: (not n.is_main, n.until or datetime.max))
        # A line that has lost its numbers still calls from where it was.
        lost = [n for n in numbers if n.until and n.until <= moment]
        lost.sort(key=lambda n: (n.until, n.is_main), reverse=True)
        return [*lost, *numbers]

    def _held(self, line_id: int, moment: datetime) -> Holding | None:
        for holding in self._holdings.get(line_id, ()):
            if holding.covers(moment):
                return holding
        return None
