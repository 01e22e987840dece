"""What the rules take and give. Times are naive UTC, money is Decimal reais."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One answered call of the line that is watched."""

    key: Hashable
    start: datetime
    end: datetime
    amount: Decimal
    country: str | None = None
    """ISO code of the country called, any other text if none is known; None: not
    abroad."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a line may do. None, or nothing: that is not watched."""

    hour_amount: Decimal | None = None
    """Reais of the calls that begin within any sixty minutes."""
    day_amount: Decimal | None = None
    """Reais of the calls that begin within one local day."""
    countries: frozenset[str] = frozenset()
    """ISO codes of those that may be called; empty: all."""
    long_calls: int | None = None
    """So many calls at once, each of ``long_seconds`` at least, are too many."""
    long_seconds: int = 0
    habit_factor: Decimal | None = None
    """So many times what is usual is far above habit."""
    habit_floor: Decimal = Decimal(0)
    """Up to so many reais nothing is far above habit."""


@dataclass(frozen=True, slots=True)
class Habit:
    """What is usual for a line, of enough days to be a habit."""

    by_hour: tuple[Decimal, ...]
    """Mean reais of each local hour of the day: 24 of them."""
    by_weekday: tuple[Decimal, ...]
    """Mean reais of each day of the week, Monday first: seven of them."""


@dataclass(frozen=True, slots=True)
class Finding:
    rule: str
    figure: Decimal
    """Reais, or a count of calls: the worst that was found."""
    limit: Decimal
    """What the figure went beyond; for ``simultaneous``, what it reached."""
    amount: Decimal
    """Reais of all the calls found."""
    calls: tuple[SeenCall, ...]
    """Those that make the finding, oldest first."""
