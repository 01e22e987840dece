"""What the end of a contract costs, as a proposal: pure sums over days and months.

Consumer rules limit a termination fee to the benefit received, in proportion to the
time left, 12 months at most (§4 of the rules, *Remaining financial*).
"""

from calendar import monthrange
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor

CENTAVO = Decimal("0.01")
MAX_MONTHS = 12


def months_left(start: date, months: int, day: date) -> Fraction:
    """Months of a term that are left on the first day without the contract.

    Months run from anniversary to anniversary of the start; the one that the day falls
    in counts by its days.

    :raise ValueError: if the term does not have 1 to 12 months
    """
    if not 1 <= months <= MAX_MONTHS:
        raise ValueError(f"a term has 1 to {MAX_MONTHS} months, not {months}")
    if day <= start:
        return Fraction(months)
    for month in range(months):
        begins, ends = _add_months(start, month), _add_months(start, month + 1)
        if day < ends:
            left = Fraction((ends - day).days, (ends - begins).days)
            return months - month - 1 + left
    return Fraction(0)


def termination_fine(
    benefit: Decimal, start: date, months: int, day: date, unit: Decimal = CENTAVO
) -> Decimal:
    """The benefit, in proportion to the time left, cut to the unit: never above it.

    :param benefit: received for staying the whole term, in money
    :param day: the first one without the contract
    :param unit: of the currency, such as a centavo
    :raise ValueError: for a negative benefit, or a term beyond 1 to 12 months
    """
    if benefit < 0:
        raise ValueError("a benefit is not negative")
    share = months_left(start, months, day) / months
    return _cut(Fraction(benefit) * share, unit)


def remaining_amount(
    price: Decimal, stretches: Iterable[tuple[int, int]], unit: Decimal = CENTAVO
) -> Decimal:
    """A recurring fee over periods, the last of which may be owed in part.

    :param price: of one period
    :param stretches: by period, the days that are owed and the days it has
    """
    periods = sum((Fraction(owed, length) for owed, length in stretches), Fraction(0))
    return _round(Fraction(price) * periods, unit)


def scale(
    amounts: Sequence[Decimal], part: Decimal, whole: Decimal, unit: Decimal = CENTAVO
) -> list[Decimal]:
    """Each amount times part / whole, so that the rounded ones sum to the rounded sum.

    :raise ValueError: if the whole is zero
    """
    if not whole:
        raise ValueError("there is no part of nothing")
    ratio = Fraction(part) / Fraction(whole)
    scaled, sum_before, rounded_before = [], Fraction(0), Decimal(0)
    for amount in amounts:
        sum_before += Fraction(amount) * ratio
        rounded = _round(sum_before, unit)
        scaled.append(rounded - rounded_before)
        rounded_before = rounded
    return scaled


def _add_months(day: date, months: int) -> date:
    """The same day of a later month, or its last one."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _cut(amount: Fraction, unit: Decimal) -> Decimal:
    return floor(amount / Fraction(unit)) * unit


def _round(amount: Fraction, unit: Decimal) -> Decimal:
    """Half a unit counts as one."""
    return _cut(amount + Fraction(unit) / 2, unit)
