"""What each cycle has of its allowances, and what it leaves to the next (§5).

The ledger knows what the charges of each cycle drew. Calls that are to be charged, or
looked at beforehand, draw on what is left; cycles come in order, so that what one
leaves is there for the next.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

from .allowance import Allowance, Balance, Drawn, draw, in_drawing_order
from .cycle import local_date
from .stretch import Cycle, Stretch, Stretches
from .tariff import Rate


class OpenCall(NamedTuple):
    """A call with a price, before it draws on allowances."""

    id: int
    remote_id: str
    period_id: int
    start: datetime
    """Naive UTC."""
    cycle_end: date
    call_class: str
    digits: str
    charged_seconds: int
    gross: Decimal
    """Reais, two decimals."""
    rate: Rate | None
    """None where the platform priced it."""


class Key(NamedTuple):
    """What a balance is of."""

    allowance_id: int
    holder_id: int
    """A stretch, or the contract that shares the allowance."""
    cycle_end: date


class Ledger:
    """The allowances of some lines over their cycles.

    :param allowances: by tariff id
    :param balances: of the cycles that were charged: what their charges used, summed
        up, and what each carried away; changed by ``draw``
    :param before: of cycles that were open when charging began here: what was used of
        them in the previous system
    """

    def __init__(
        self,
        stretches: Stretches,
        allowances: Mapping[int, Iterable[Allowance]],
        balances: Mapping[Key, Balance] | None = None,
        before: Mapping[Key, int] | None = None,
    ):
        self.timezone = stretches.timezone
        self._before = before or {}
        self._stretches = stretches
        self._allowances = {
            tariff_id: in_drawing_order(some) for tariff_id, some in allowances.items()
        }
        self._balances = dict(balances or {})
        self._charged: dict[tuple[int, int], list[date]] = defaultdict(list)
        for *holder, cycle_end in self._balances:
            self._charged[tuple(holder)].append(cycle_end)

    def draw(self, calls: Iterable[OpenCall]) -> Iterator[tuple[OpenCall, Drawn]]:
        """Let calls draw, whatever order they are given in.

        They draw cycle by cycle; within one by start, then by platform id compared as
        text by code point.
        """
        in_order = sorted(calls, key=lambda c: (c.cycle_end, c.start, c.remote_id))
        timezone = self.timezone
        opened: dict[tuple[int, date], list[Balance]] = {}
        for call in in_order:
            cycle = call.period_id, call.cycle_end
            if cycle not in opened:
                # The cycles before are done with: what they left is known.
                opened[cycle] = list(self.look(*cycle).values())
            yield (
                call,
                draw(
                    call_class=call.call_class,
                    digits=call.digits,
                    local_date=local_date(call.start, timezone),
                    charged_seconds=call.charged_seconds,
                    gross=call.gross,
                    rate=call.rate,
                    balances=opened[cycle],
                ),
            )

    def close(self, period_id: int, cycle_end: date) -> dict[Key, Balance]:
        """Fix what a cycle leaves to the next, now that it is charged.

        :return: as ``look`` does
        """
        balances = self.look(period_id, cycle_end)
        for balance in balances.values():
            if balance.carried_away is None:
                rest = balance.own_left if balance.allowance.carries_over else 0
                balance.carried_away = rest
        return balances

    def look(self, period_id: int, cycle_end: date) -> dict[Key, Balance]:
        """The allowances of a cycle as they stand, in drawing order."""
        stretch = self._stretches.of_period(period_id)
        balances = {}
        for allowance in self._allowances.get(stretch.tariff_id, ()):
            holder_id = stretch.contract_id if allowance.is_shared else stretch.id
            key = Key(allowance.id, holder_id, cycle_end)
            if key not in self._balances:
                self._balances[key] = self._open(allowance, stretch, key)
            balances[key] = self._balances[key]
        return balances

    def contract_of(self, period_id: int) -> int:
        return self._stretches.of_period(period_id).contract_id

    def bounds(self, period_id: int, day: date) -> tuple[date, date]:
        """First and last day of the cycle of a period that a day lies in."""
        return self._stretches.of_period(period_id).bounds(day)

    def _open(self, allowance: Allowance, stretch: Stretch, key: Key) -> Balance:
        cycle = self._stretches.cycle(stretch, key.cycle_end, allowance.is_shared)
        own = self._own(allowance, cycle)
        carried = self._carried(allowance, key.holder_id, cycle)
        # Whatever more was used there was paid there.
        before = min(self._before.get(key, 0), own + carried)
        return Balance(
            allowance,
            own=own,
            carried=carried,
            used=before,
            carried_away=self._taken_by_next(allowance, stretch, key),
            before=before,
        )

    def _own(self, allowance: Allowance, cycle: Cycle) -> int:
        if not allowance.is_given(cycle.first, cycle.last):
            return 0
        return allowance.own_quantity(cycle.days, cycle.length)

    def _carried(self, allowance: Allowance, holder_id: int, cycle: Cycle) -> int:
        before = cycle.previous
        if not allowance.carries_over or before is None:
            return 0
        key = Key(allowance.id, holder_id, before.last)
        balance = self._balances.get(key)
        if balance is None:
            # Nobody called in it: all of it is left that was not used elsewhere.
            return max(self._own(allowance, before) - self._before.get(key, 0), 0)
        if balance.carried_away is None:
            return balance.own_left
        return balance.carried_away

    def _taken_by_next(
        self, allowance: Allowance, stretch: Stretch, key: Key
    ) -> int | None:
        """What a cycle without a charge left to the next one, if that was charged: the
        rest of an idle cycle is fixed by it."""
        charged = self._charged.get((key.allowance_id, key.holder_id), ())
        later = [end for end in charged if end > key.cycle_end]
        if not later:
            return None
        cycle = self._stretches.cycle(stretch, min(later), allowance.is_shared)
        if cycle.previous is None or cycle.previous.last != key.cycle_end:
            return None
        return self._balances[key._replace(cycle_end=cycle.last)].carried
