"""For how long somebody held a plan, and the cycles of that time (§5, *Cycle*).

An allowance is given to a line for as long as it keeps plan, contract and customer: a
*stretch* of its periods. A shared one is given to the contract: to the stretches of all
its lines under the plan.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from .cycle import ONE_DAY, cycle_of, local_date
from .holding import SMALLEST_TIME, Holding


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle as a holder of allowances has it. Days are inclusive."""

    first: date
    last: date
    days: int
    """Those that the holder has in it; a day that was only begun counts."""
    previous: "Cycle | None" = None
    """The one before; None if the holder had no day in it."""

    @property
    def length(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Periods of a line without a break, under one plan, contract and customer."""

    id: int
    """Of its first period."""
    line_id: int
    contract_id: int
    tariff_id: int | None
    first: date | None
    """Local days, inclusive; None: since ever, or for ever."""
    last: date | None
    seen: date | None
    """A day on which the line was in use, though it be before ``first``."""
    closings: tuple[tuple[date | None, int], ...]
    """The closing days of the line: from which day on, and which. In order."""
    opened: date | None = None
    """The first day that counts, whenever it began; None: all do."""

    def bounds(self, day: date) -> tuple[date, date]:
        """First and last day of the cycle that a day lies in."""
        since, closing_day = next(
            (since, closing_day)
            for since, closing_day in reversed(self.closings)
            if since is None or since <= day
        )
        return cycle_of(day, closing_day, since)

    def days_of(self, first: date, last: date) -> tuple[date, date] | None:
        """The part of a cycle that the stretch has."""
        # A line whose calls are older than its beginning was there all the time.
        begins = self.first if self.first and self.first <= last else None
        begins = max(first, begins or first, self.opened or first)
        ends = min(last, self.last or last)
        return (begins, ends) if begins <= ends else None

    def had(self, last: date) -> bool:
        """Whether it had begun by a day that counts, as far as is known."""
        if self.opened and last < self.opened:
            return False
        known = [day for day in (self.first, self.seen) if day]
        return self.first is None or min(known) <= last


class Stretches:
    """The stretches of some lines, and what their holders have of each cycle.

    :param holdings: all periods of the lines, in any order
    :param since: by line id, the day from which on the line has its allowances
    :param seen: by line id, the first day on which it is known to have been in use
    :param opened: the first day that counts: nothing is given for those before
    """

    def __init__(
        self,
        holdings: Iterable[Holding],
        timezone: ZoneInfo,
        since: Mapping[int, date] | None = None,
        seen: Mapping[int, date] | None = None,
        opened: date | None = None,
    ):
        self.timezone = timezone
        self._opened = opened
        self._by_period: dict[int, Stretch] = {}
        self._sharers: dict[tuple[int, int | None], list[Stretch]] = defaultdict(list)
        by_line = defaultdict(list)
        for holding in holdings:
            by_line[holding.line_id].append(holding)
        for line_id, held in by_line.items():
            held.sort(key=lambda h: h.since or datetime.min)
            closings = tuple(self._closings(held))
            for run in _runs(held):
                stretch = self._stretch(
                    run,
                    closings,
                    (since or {}).get(line_id),
                    (seen or {}).get(line_id),
                )
                for holding in run:
                    self._by_period[holding.period_id] = stretch
                key = stretch.contract_id, stretch.tariff_id
                self._sharers[key].append(stretch)
        self.cycle = lru_cache(maxsize=None)(self._cycle)

    def of_period(self, period_id: int) -> Stretch:
        return self._by_period[period_id]

    def _cycle(self, stretch: Stretch, last: date, is_shared: bool) -> Cycle:
        """A cycle by its last day, as the line has it, or the contract."""
        held = [stretch]
        if is_shared:
            held = self._sharers[stretch.contract_id, stretch.tariff_id]
        first, _last = _bounds(held, last) or stretch.bounds(last)
        before = first - ONE_DAY
        previous = None
        if bounds := _bounds(held, before):
            there = [s for s in held if s.had(before)]
            if days := _count_days(there, *bounds):
                previous = Cycle(*bounds, days)
        # Whose calls are looked at was there, even before it is known to have begun.
        there = [s for s in held if s is stretch or s.had(last)]
        return Cycle(first, last, _count_days(there, first, last), previous)

    def _closings(self, held: list[Holding]):
        former = None
        for holding in held:
            if holding.closing_day != former:
                first_of_all = former is None
                former = holding.closing_day
                yield (None if first_of_all else self._day(holding.since)), former

    def _stretch(self, run, closings, since, seen) -> Stretch:
        begins, ends = run[0], run[-1].until
        return Stretch(
            id=begins.period_id,
            line_id=begins.line_id,
            contract_id=begins.contract_id,
            tariff_id=begins.tariff_id,
            first=self._day(begins.since) if begins.since else since,
            last=self._day(ends - SMALLEST_TIME) if ends else None,
            seen=None if begins.since else seen,
            closings=closings,
            opened=self._opened,
        )

    def _day(self, moment: datetime) -> date:
        return local_date(moment, self.timezone)


def _runs(held: list[Holding]):
    """Split the periods of a line, in order, into stretches."""
    run = []
    for holding in held:
        if holding.since is not None and holding.since == holding.until:
            continue
        if run and not _goes_on(run[-1], holding):
            yield run
            run = []
        run.append(holding)
    if run:
        yield run


def _goes_on(former: Holding, holding: Holding) -> bool:
    return former.until == holding.since and all(
        getattr(former, name) == getattr(holding, name)
        for name in ("tariff_id", "contract_id", "partner_id", "prepaid")
    )


def _bounds(held: list[Stretch], day: date) -> tuple[date, date] | None:
    """The cycle of a day as whoever was there first has it: a line that came into a
    short cycle knows of no longer one before. None if nobody was there on that day."""
    there = [s for s in held if s.had(day) and (not s.last or s.last >= day)]
    if not there:
        return None
    return min(there, key=lambda s: s.first or date.min).bounds(day)


def _count_days(held: list[Stretch], first: date, last: date) -> int:
    """Days of a cycle in which at least one of the stretches was there."""
    counted, until = 0, first - ONE_DAY
    for begins, ends in sorted(filter(None, (s.days_of(first, last) for s in held))):
        if ends > until:
            counted += (ends - max(begins, until + ONE_DAY)).days + 1
            until = ends
    return counted
