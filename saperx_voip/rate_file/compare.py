"""What a file would change in a plan, before anything is written."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from .const import DEFAULTS
from .errors import Problem
from .reader import Row

ONE_DAY = timedelta(days=1)
PRICING = (
    "price_per_minute",
    "connection_fee",
    "minimum_seconds",
    "step_seconds",
    "discard_seconds",
)
"""What explains the amount of a charged call, and stays as it is from then on."""


@dataclass(frozen=True, slots=True)
class Known:
    """A rate that the plan has."""

    id: int
    values: dict
    """All of ``COLUMNS``."""
    is_charged: bool = False

    @property
    def key(self):
        return self.values["prefix"], self.values["call_class"]

    def is_valid(self, day: date) -> bool:
        return _overlap(self.values, {"date_from": day, "date_to": day})


@dataclass(frozen=True, slots=True)
class _Then:
    """A rate as it is once the file is in."""

    values: dict
    line: int = 0
    """That says so; 0 if the file leaves the rate alone."""
    before: dict | None = None
    """None if the file makes the rate."""


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one price, as people see it: that of a rate which ends and of the
    one that follows it are one changed price."""

    line: int
    """That says so; 0 for a rate that the file lacks."""
    before: dict | None
    """None for a new rate."""
    after: dict | None
    """None for a rate that ends."""
    last_day: date | None = None
    """Of a rate that ends."""


@dataclass(slots=True)
class Changes:
    """What is to be written, and what stands against it."""

    told: list[Change] = field(default_factory=list)
    """The same for people, in the order of the file; what it lacks comes last."""

    create: list[dict] = field(default_factory=list)
    update: list[tuple[int, dict]] = field(default_factory=list)
    """Ids and the values that become others."""
    end: list[tuple[int, date]] = field(default_factory=list)
    """Ids and last days."""
    unchanged: int = 0
    over: int = 0
    """Rows of the file that end before the day of the new prices."""
    kept_later: int = 0
    """New prices that hold until another begins that was planned before."""
    problems: list[Problem] = field(default_factory=list)

    def __bool__(self):
        return bool(self.create or self.update or self.end)


def add(known: Iterable[Known], rows: Sequence[Row]) -> Changes:
    """Add the rows to the plan.

    A row of the prefix, class and first day of a rate that is there (and of its
    sequence, if the file has one) is that rate.
    """
    changes = Changes()
    there = defaultdict(list)
    for rate in _ordered(known):
        there[rate.key].append(rate)
    matched, created, first_lines = {}, {}, {}
    for row in rows:
        values = {**DEFAULTS, **row.values}
        key = values["prefix"], values["call_class"]
        same_days = (*key, values["sequence"], values["date_from"], values["date_to"])
        first_line = first_lines.setdefault(same_days, row.line)
        if first_line != row.line:
            changes.problems.append(
                Problem(row.line, None, "duplicate", other_line=first_line)
            )
            continue
        rate = _find_same(there[key], row, matched)
        if rate:
            matched[rate.id] = row
            _update(changes, rate, row.line, row.values)
        else:
            created[row.line] = values
    then = [_Then(values, line) for line, values in created.items()]
    for rate in (rate for rates in there.values() for rate in rates):
        row = matched.get(rate.id)
        then.append(
            _Then({**rate.values, **row.values}, row.line, rate.values)
            if row
            else _Then(rate.values, before=rate.values)
        )
    overlaps = _find_overlaps(then)
    changes.problems += overlaps
    refused = {problem.line for problem in overlaps}
    for line, values in created.items():
        if line not in refused:
            changes.create.append(values)
            changes.told.append(Change(line, None, values))
    changes.told.sort(key=_place)
    return changes


def new_prices(
    known: Iterable[Known], rows: Sequence[Row], day: date, end_absent: bool = False
) -> Changes:
    """Let the prices of the file hold from a day on.

    Of each prefix and class, the rates that run on that day end the day before if the
    file has another price, and are left alone if it has the same. What the file does
    not state (cadence, connection fee, cost) is taken over from the rate that ends, or
    from the row before. A price that was planned for a later day still begins then.

    :param end_absent: rates of prefixes and classes that the file lacks end too
    """
    changes = Changes()
    there = defaultdict(list)
    for rate in _ordered(known):
        there[rate.key].append(rate)
    wanted = defaultdict(list)
    for row in rows:
        last = row.values.get("date_to")
        if last and last < day:
            changes.over += 1
            continue
        begins = max(day, row.values.get("date_from") or day)
        wanted[row.values["prefix"], row.values["call_class"]].append((begins, row))
    ended = {}
    for key, group in wanted.items():
        group.sort(key=lambda pair: (pair[0], pair[1].line))
        # As each row leaves them for the next.
        rates = [replace(rate, values=dict(rate.values)) for rate in there[key]]
        previous = taken = None
        for begins, row in group:
            if taken and _reaches(taken, begins):
                changes.problems.append(
                    Problem(row.line, None, "duplicate", other_line=taken.line)
                )
            else:
                previous = _set_price(changes, rates, row, begins, ended, previous)
                taken = row
    if end_absent:
        for key, rates in there.items():
            if key not in wanted:
                for rate in rates:
                    first = rate.values["date_from"]
                    if rate.is_valid(day) and (first is None or first < day):
                        ended[rate.id] = day - ONE_DAY
                        changes.told.append(Change(0, rate.values, None, day - ONE_DAY))
    changes.end = sorted(ended.items())
    changes.told.sort(key=_place)
    return changes


def _set_price(changes, rates, row, begins, ended, previous):
    """Let the price of a row hold from a day on.

    :param rates: that the plan has of its prefix and class; changed as the row says
    :param previous: the rate that the row before led to, None for the first
    :return: the rate that this row leads to
    """
    running = [rate for rate in rates if rate.is_valid(begins)]
    ruling = running[0] if running else None
    wanted = dict(row.values)
    wanted.pop("date_from", None)
    wanted.pop("sequence", None)
    if ruling and not _differences(ruling, wanted):
        changes.unchanged += 1
        return ruling
    is_same_price = ruling and not _differences(ruling, wanted, but=("date_to",))
    last = wanted.get("date_to", ruling and ruling.values["date_to"])
    later = min(
        (
            rate.values["date_from"]
            for rate in rates
            if rate.values["date_from"] and rate.values["date_from"] > begins
        ),
        default=None,
    )
    if later and (last is None or later <= last):
        last = later - ONE_DAY
        changes.kept_later += 1
    wanted["date_to"] = last
    if is_same_price:
        # It only ends on another day.
        _update(changes, ruling, row.line, wanted)
        ruling.values.update(wanted)
        return ruling
    inherited = ruling or previous
    before = dict(inherited.values) if inherited else None
    for rate in running:
        if rate.values["date_from"] != begins:
            rate.values["date_to"] = ended[rate.id] = begins - ONE_DAY
            if rate is not ruling:
                changes.told.append(
                    Change(row.line, dict(rate.values), None, begins - ONE_DAY)
                )
    if ruling and ruling.values["date_from"] == begins:
        _update(changes, ruling, row.line, wanted)
        ruling.values.update(wanted)
        return ruling
    values = {
        **DEFAULTS,
        **(before or {}),
        **wanted,
        "date_from": begins,
    } | ({} if ruling else _stated(row, "sequence"))
    changes.create.append(values)
    changes.told.append(Change(row.line, before, values))
    # It ends before the next row begins, and need not be looked for there.
    return Known(0, values)


def _update(changes, rate, line, wanted):
    """Let a rate become what a row says, if no charged call stands against it."""
    different = _differences(rate, wanted)
    if not different:
        changes.unchanged += 1
    elif rate.is_charged and not different.keys().isdisjoint(PRICING):
        changes.problems.append(Problem(line, None, "charged"))
    else:
        changes.update.append((rate.id, different))
        before = dict(rate.values)
        changes.told.append(Change(line, before, {**before, **different}))


def _find_same(rates, row, matched):
    for rate in rates:
        if (
            rate.id not in matched
            and rate.values["date_from"] == row.values.get("date_from")
            and row.values.get("sequence", rate.values["sequence"])
            == rate.values["sequence"]
        ):
            return rate
    return None


def _find_overlaps(rates: Iterable[_Then]) -> list[Problem]:
    """Rates that the file lets hold on the same days: only one of them would count.

    What overlapped before is none of the file's doing.
    """
    groups = defaultdict(list)
    for rate in rates:
        values = rate.values
        groups[values["prefix"], values["call_class"], values["sequence"]].append(rate)
    problems = {}
    for group in groups.values():
        group.sort(key=lambda rate: (rate.values["date_from"] or date.min, rate.line))
        furthest = None
        for rate in group:
            if furthest and _overlap(furthest.values, rate.values):
                other, last = sorted((furthest, rate), key=lambda one: one.line)
                if last.line and not _overlapped_before(furthest, rate):
                    problems.setdefault(
                        last.line,
                        Problem(last.line, None, "overlaps", other_line=other.line),
                    )
            if furthest is None or _last_day(furthest) < _last_day(rate):
                furthest = rate
    return list(problems.values())


def _overlapped_before(one: _Then, other: _Then) -> bool:
    return bool(one.before and other.before and _overlap(one.before, other.before))


def _last_day(rate: _Then) -> date:
    return rate.values["date_to"] or date.max


def _differences(rate: Known, wanted: dict, but=()) -> dict:
    return {
        name: value
        for name, value in wanted.items()
        if name not in but and rate.values[name] != value
    }


def _stated(row: Row, name: str) -> dict:
    return {name: row.values[name]} if name in row.values else {}


def _place(change: Change) -> tuple:
    """In the order of the file, and below it what the file lacks."""
    return not change.line, change.line


def _ordered(known: Iterable[Known]) -> list[Known]:
    """As rating chooses among those of one prefix and class."""
    return sorted(known, key=lambda rate: (rate.values["sequence"], rate.id))


def _reaches(row: Row, day: date) -> bool:
    last = row.values.get("date_to")
    return last is None or last >= day


def _overlap(one: dict, other: dict) -> bool:
    return _begins_by(one["date_from"], other["date_to"]) and _begins_by(
        other["date_from"], one["date_to"]
    )


def _begins_by(first: date | None, last: date | None) -> bool:
    return first is None or last is None or first <= last
