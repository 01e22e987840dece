"""Whether calls are stored with what they would draw, told from sums of them.

Where a group of calls fits one allowance alone, its calls draw in order until that is
used up: all before some moment in full, at most one in part, none after it. Sums and
the moments at their ends tell whether that is what is stored, without looking at each
call. Where they do not tell for certain, calls must draw one by one (``Ledger.draw``).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .allowance import Balance
from .cycle import local_date
from .ledger import Key, Ledger
from .tariff import Rate, gross_amount, to_centavos

UNDRAWN = ("idle", "free", "none")
"""Kinds of calls that drew on nothing: without charged seconds; without a price; both
there."""
DRAWN = {
    "minutes": ("minutes", True),
    "minutes part": ("minutes", False),
    "reais": ("reais", True),
    "reais part": ("reais", False),
}
"""By kind the unit that was drawn, and whether it covers the whole call."""


class DrawnSum(NamedTuple):
    """Calls of a period, a cycle and a class that are stored alike."""

    period_id: int
    cycle_end: date
    call_class: str
    kind: str
    """One of ``UNDRAWN`` or ``DRAWN``, where seconds, amounts and the uses of each call
    say so in agreement; else ``odd``."""
    allowance_id: int | None
    """The one that all of them drew on, and on nothing else."""
    calls: int
    first: datetime
    """Start of the first call and of the last, naive UTC."""
    last: datetime
    seconds: int
    """Charged ones."""
    centavos: int
    """Gross."""
    drawn: int
    """Seconds or centavos."""
    charged_centavos: int
    has_own_rate: bool
    """Whether a rate of the period's own plan prices each of them."""
    rate: Rate | None = None
    """Of a single call: what prices it."""


@dataclass(slots=True)
class _Draught:
    """What calls of one cycle took of one allowance."""

    contract_id: int
    balance: Balance
    wanted: int = 0
    drawn: int = 0
    covered: list[DrawnSum] = field(default_factory=list)
    in_part: list[DrawnSum] = field(default_factory=list)
    uncovered: list[DrawnSum] = field(default_factory=list)

    def add(self, group: DrawnSum) -> bool:
        """:return: whether these calls may have drawn on it, as they are stored"""
        unit = self.balance.allowance.unit
        if group.kind == "free" and unit == "reais":
            return True
        if not group.has_own_rate:
            return False
        if group.kind in UNDRAWN:
            self.uncovered.append(group)
        else:
            of_unit, is_whole = DRAWN[group.kind]
            if of_unit != unit or group.allowance_id != self.balance.allowance.id:
                return False
            (self.covered if is_whole else self.in_part).append(group)
            self.drawn += group.drawn
        self.wanted += group.seconds if unit == "minutes" else group.centavos
        return True

    def take(self) -> bool:
        """Take it from the balance.

        :return: whether it is what the calls, in order, take
        """
        if self.balance.take(self.wanted) != self.drawn:
            return False
        if sum(group.calls for group in self.in_part) > 1:
            return False
        # Of equal starts only the calls' ids say which comes first.
        last = max((group.last for group in self.covered), default=datetime.min)
        for group in self.in_part:
            if group.first <= last or not _is_priced(group):
                return False
            last = group.last
        return all(group.first > last for group in self.uncovered)


def take_drawn(ledger: Ledger, sums: Iterable[DrawnSum]) -> set[int]:
    """Take from the allowances what calls drew that are charged now, if drawing again
    would come to the same.

    :param ledger: takes part as by ``Ledger.draw``; useless afterwards for the
        contracts in doubt
    :param sums: of all these calls
    :return: ids of the contracts of which that is not certain
    """
    doubted: set[int] = set()
    by_cycle: dict[date, list[DrawnSum]] = defaultdict(list)
    for group in sums:
        by_cycle[group.cycle_end].append(group)
    for _cycle_end, some in sorted(by_cycle.items()):
        opened: dict[int, dict[Key, Balance]] = {}
        draughts: dict[Key, _Draught] = {}
        for group in some:
            contract_id = ledger.contract_of(group.period_id)
            if group.period_id not in opened:
                # The cycles before are done with, and of this one nothing is taken yet.
                balances = ledger.look(group.period_id, group.cycle_end)
                opened[group.period_id] = {
                    key: balance
                    for key, balance in balances.items()
                    if not balance.is_used_up()
                }
            if group.kind == "idle":
                continue
            fitting = _find_fitting(opened[group.period_id], group, ledger.timezone)
            if fitting == {} and group.kind in UNDRAWN:
                continue
            if fitting is None or len(fitting) != 1 or group.kind == "odd":
                doubted.add(contract_id)
                continue
            [(key, balance)] = fitting.items()
            if key not in draughts:
                draughts[key] = _Draught(contract_id, balance)
            if not draughts[key].add(group):
                doubted.add(contract_id)
        for draught in draughts.values():
            if not draught.take():
                doubted.add(draught.contract_id)
    return doubted


def _find_fitting(
    balances: Mapping[Key, Balance], group: DrawnSum, timezone: ZoneInfo
) -> dict[Key, Balance] | None:
    """Those that every call of the group may draw on; None: some calls may on one."""
    fitting = {}
    for key, balance in balances.items():
        allowance = balance.allowance
        if allowance.call_classes and group.call_class not in allowance.call_classes:
            continue
        if allowance.date_from or allowance.date_to:
            first = local_date(group.first, timezone)
            last = local_date(group.last, timezone)
            if not allowance.is_given(first, last):
                continue
            # Validity has no gaps.
            if not all(allowance.is_given(day, day) for day in (first, last)):
                return None
        if allowance.prefixes:
            return None
        fitting[key] = balance
    return fitting


def _is_priced(group: DrawnSum) -> bool:
    """Whether the rest of a call that was covered in part costs what is stored."""
    if group.kind == "reais part":
        return True
    rest = gross_amount(group.rate, group.seconds - group.drawn)
    return group.charged_centavos == to_centavos(rest)
