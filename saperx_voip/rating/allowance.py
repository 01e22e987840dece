"""What allowances (franquia) take of calls, in order (§5, *Allowance*).

All quantities are whole: seconds of an allowance in minutes, centavos of one in reais.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from .tariff import ZERO, Rate, from_centavos, gross_amount, to_centavos

UNITS = ("minutes", "reais")
"""In the order in which a call draws on them."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a tariff gives each cycle.

    :raise ValueError: a value out of range; the message names its field
    """

    id: int
    sequence: int
    unit: str
    """``minutes`` or ``reais``."""
    quantity: int
    """Of a whole cycle: seconds or centavos."""
    call_classes: frozenset[str] = frozenset()
    """Empty fits every class."""
    prefixes: tuple[str, ...] = ()
    """Digits as ``Number.digits`` has them; empty fits every number."""
    date_from: date | None = None
    date_to: date | None = None
    """Inclusive, as ``date_from``: of the calls that it fits."""
    is_shared: bool = False
    """One for all lines that the contract has under the tariff."""
    carries_over: bool = False
    is_pro_rata: bool = False

    def __post_init__(self):
        if self.unit not in UNITS:
            raise ValueError(f"unit: minutes or reais, not {self.unit!r}")
        if self.quantity < 0:
            raise ValueError("quantity must be 0 or more")
        for prefix in self.prefixes:
            if not (prefix.isascii() and prefix.isdigit()):
                raise ValueError(f"prefixes must hold digits only: {prefix!r}")
        if self.date_from and self.date_to and self.date_to < self.date_from:
            raise ValueError("date_to must not be before date_from")

    def obstacle(self, call_class: str, digits: str, on: date) -> str | None:
        """What keeps a call from drawing on it: its ``class``, its number (``prefix``)
        or its local ``date``. None: it fits."""
        if self.call_classes and call_class not in self.call_classes:
            return "class"
        if self.prefixes and not digits.startswith(self.prefixes):
            return "prefix"
        return None if self.is_given(on, on) else "date"

    def is_given(self, first: date, last: date) -> bool:
        """Whether it is valid on a day of a cycle."""
        return (self.date_from is None or self.date_from <= last) and (
            self.date_to is None or first <= self.date_to
        )

    def own_quantity(self, days: int, days_of_cycle: int) -> int:
        """The quantity of a cycle in which the line has so many days, cut to whole
        seconds or centavos where it is given pro rata."""
        if not self.is_pro_rata:
            return self.quantity
        return self.quantity * days // days_of_cycle


def in_drawing_order(allowances: Iterable[Allowance]) -> list[Allowance]:
    """Minutes first, then reais; each by sequence, then by id."""
    return sorted(allowances, key=lambda a: (UNITS.index(a.unit), a.sequence, a.id))


@dataclass(slots=True)
class Balance:
    """An allowance in a cycle: what there is of it, and what was used."""

    allowance: Allowance
    own: int
    """Given for this cycle."""
    carried: int = 0
    """Left by the cycle before; drawn first, and not carried again."""
    used: int = 0
    """Of both parts."""
    carried_away: int | None = None
    """What goes to the next cycle; None as long as it is not fixed."""
    before: int = 0
    """Of what was used: in the previous system, before calls were charged here."""

    @property
    def carried_left(self) -> int:
        return max(self.carried - self.used, 0)

    @property
    def own_left(self) -> int:
        used = max(self.used - self.carried, 0)
        return max(self.own - used - (self.carried_away or 0), 0)

    def is_used_up(self) -> bool:
        return not (self.carried_left + self.own_left)

    def take(self, wanted: int) -> int:
        """Take what is there of a quantity, and say how much that was."""
        taken = min(wanted, self.carried_left + self.own_left)
        self.used += taken
        return taken


class Drawn(NamedTuple):
    """What is left to pay of a call, and who covered the rest."""

    covered_seconds: int
    covered_amount: Decimal
    """Reais, two decimals, as ``charged_amount``; the two sum to the gross amount."""
    charged_amount: Decimal
    uses: tuple[tuple[int, int], ...] = ()
    """Allowance id and the quantity drawn on it, in order."""


def draw(
    *,
    call_class: str,
    digits: str,
    local_date: date,
    charged_seconds: int,
    gross: Decimal,
    rate: Rate | None,
    balances: Sequence[Balance],
) -> Drawn:
    """Let one call draw on what is left, and say what remains to be paid.

    Calls must come in order of start, then of platform id by code point.

    :param gross: the call's amount without any allowance, in reais
    :param rate: what priced it; None if the platform did, and then no allowance in
        minutes may be among the balances
    :param balances: in ``in_drawing_order``; what is taken is taken from them
    :raise ValueError: an allowance in minutes where the platform priced the call
    """
    # In whole centavos: exact whatever the decimal context of the thread is.
    seconds, whole = charged_seconds, to_centavos(gross)
    left = whole
    uses = []
    if not seconds:
        return Drawn(0, ZERO, gross)
    for balance in balances:
        allowance = balance.allowance
        if balance.is_used_up():
            continue
        if allowance.obstacle(call_class, digits, local_date):
            continue
        if allowance.unit == "minutes":
            if rate is None:
                raise ValueError("minutes do not cover a call that the platform priced")
            taken = balance.take(seconds)
            if taken:
                seconds -= taken
                left = to_centavos(gross_amount(rate, seconds))
        else:
            taken = balance.take(left)
            left -= taken
        if taken:
            uses.append((allowance.id, taken))
    return Drawn(
        charged_seconds - seconds,
        from_centavos(whole - left),
        from_centavos(left),
        tuple(uses),
    )
