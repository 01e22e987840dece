"""What a file would change in a plan, before anything is written."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
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


@dataclass(slots=True)
class Changes:
    """What is to be written, and what stands against it."""

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
    matched, first_lines = set(), {}
    for row in rows:
        values = {**DEFAULTS, **row.values}
        key = values["prefix"], values["call_class"]
        same_days = (*key, values["sequence"], values["date_from"], values["date_to"])
        first_line = first_lines.setdefault(same_days, row.line)
        if first_line != row.line:
            changes.problems.append(
                Problem(row.line, None, "duplicate", str(first_line))
            )
            continue
        rate = _find_same(there[key], row, matched)
        if rate:
            matched.add(rate.id)
            _update(changes, rate, row.line, row.values)
        elif any(
            other.values["sequence"] == values["sequence"]
            and other.id not in matched
            and _overlap(other.values, values)
            for other in there[key]
        ):
            changes.problems.append(Problem(row.line, None, "overlaps"))
        else:
            changes.create.append(values)
    return changes


def new_prices(
    known: Iterable[Known], rows: Sequence[Row], day: date, end_absent: bool = False
) -> Changes:
    """Let the prices of the file hold from a day on.

    Of each prefix and class, the rates that run on that day end the day before if the
    file has another price, and are left alone if it has the same. What the file does
    not state (cadence, connection fee, cost) is taken over from the rate that ends. A
    price that was planned for a later day still begins then.

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
        for place, (begins, row) in enumerate(group):
            if place and _reaches(group[place - 1][1], begins):
                other = group[place - 1][1].line
                changes.problems.append(
                    Problem(row.line, None, "duplicate", str(other))
                )
            else:
                _set_price(changes, there[key], row, begins, ended)
    if end_absent:
        for key, rates in there.items():
            if key not in wanted:
                for rate in rates:
                    first = rate.values["date_from"]
                    if rate.is_valid(day) and (first is None or first < day):
                        ended[rate.id] = day - ONE_DAY
    changes.end = sorted(ended.items())
    return changes


def _set_price(changes, rates, row, begins, ended):
    running = [rate for rate in rates if rate.is_valid(begins) and rate.id not in ended]
    ruling = running[0] if running else None
    wanted = dict(row.values)
    wanted.pop("date_from", None)
    wanted.pop("sequence", None)
    if ruling and not _differences(ruling, wanted):
        changes.unchanged += 1
        return
    if ruling and not _differences(ruling, wanted, but=("date_to",)):
        # The price is the same and ends on another day.
        _update(changes, ruling, row.line, wanted)
        return
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
    for rate in running:
        if rate.values["date_from"] != begins:
            ended[rate.id] = begins - ONE_DAY
    if ruling and ruling.values["date_from"] == begins:
        _update(changes, ruling, row.line, wanted)
    else:
        inherited = ruling.values if ruling else {}
        changes.create.append(
            {**DEFAULTS, **inherited, **wanted, "date_from": begins}
            | ({} if ruling else _stated(row, "sequence"))
        )


def _update(changes, rate, line, wanted):
    """Let a rate become what a row says, if no charged call stands against it."""
    different = _differences(rate, wanted)
    if not different:
        changes.unchanged += 1
    elif rate.is_charged and not different.keys().isdisjoint(PRICING):
        changes.problems.append(Problem(line, None, "charged"))
    else:
        changes.update.append((rate.id, different))


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


def _differences(rate: Known, wanted: dict, but=()) -> dict:
    return {
        name: value
        for name, value in wanted.items()
        if name not in but and rate.values[name] != value
    }


def _stated(row: Row, name: str) -> dict:
    return {name: row.values[name]} if name in row.values else {}


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
