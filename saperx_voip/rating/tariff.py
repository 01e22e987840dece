"""What a call costs before any allowance: rate, charged seconds, amount (§5)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from .cycle import ONE_DAY

MICRO = 10**6
"""Prices have six decimals: all amounts are reckoned in whole millionths of a real."""

MICROS_60_IN_A_CENTAVO = 60 * MICRO // 100

ZERO = Decimal("0.00")

# What a rate says of a conversation is remembered up to this length.
REMEMBERED_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Rate:
    """A price of a tariff. Prices in reais, of six decimals at most.

    :raise TypeError: a price is no Decimal (a binary float never comes in here)
    :raise ValueError: a value out of range; the message names its field
    """

    id: int
    sequence: int
    prefix: str
    """Digits as ``Number.digits`` has them; "" fits every number."""
    call_class: str | None
    """None fits every class."""
    price_per_minute: Decimal
    connection_fee: Decimal
    minimum_seconds: int
    step_seconds: int
    discard_seconds: int
    """Conversations of up to so many seconds cost nothing."""
    date_from: date | None = None
    date_to: date | None = None
    """Inclusive, as ``date_from``."""

    price_micros: int = field(init=False, repr=False, compare=False)
    fee_micros_60: int = field(init=False, repr=False, compare=False)
    _rated: dict[int, "Rated"] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self):
        if self.prefix and not (self.prefix.isascii() and self.prefix.isdigit()):
            raise ValueError(f"prefix must hold digits only: {self.prefix!r}")
        for name, least in (
            ("minimum_seconds", 0),
            ("step_seconds", 1),
            ("discard_seconds", 0),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}")
        if self.date_from and self.date_to and self.date_to < self.date_from:
            raise ValueError("date_to must not be before date_from")
        price = _micros("price_per_minute", self.price_per_minute)
        fee = _micros("connection_fee", self.connection_fee)
        object.__setattr__(self, "price_micros", price)
        object.__setattr__(self, "fee_micros_60", fee * 60)

    def rate(self, talk_seconds: int) -> "Rated":
        """What a conversation costs by this rate; remembered, since most are short."""
        rated = self._rated.get(talk_seconds)
        if rated is None:
            seconds = charged_seconds(self, talk_seconds)
            amount = gross_amount(self, seconds)
            rated = Rated("unbilled", None, self.id, seconds, amount)
            if talk_seconds <= REMEMBERED_SECONDS:
                self._rated[talk_seconds] = rated
        return rated

    def is_valid(self, on: date) -> bool:
        return (self.date_from is None or self.date_from <= on) and (
            self.date_to is None or on <= self.date_to
        )


class Tariff:
    """A billing plan, indexed for the choice of a rate.

    :param amount_source: ``own`` (these rates) or ``platform`` (its charged amount)
    :raise ValueError: any other amount source
    """

    __slots__ = ("_by_prefix", "_lengths", "amount_source", "id", "rates")

    def __init__(self, id: int, rates: Iterable[Rate], amount_source: str = "own"):
        if amount_source not in ("own", "platform"):
            raise ValueError(f"amount_source: own or platform, not {amount_source!r}")
        self.id = id
        self.rates = tuple(rates)
        self.amount_source = amount_source
        self._by_prefix: dict[str, list[Rate]] = {}
        # At one prefix: with a call class first, then by sequence, then by id.
        for rate in sorted(
            self.rates, key=lambda r: (r.call_class is None, r.sequence, r.id)
        ):
            self._by_prefix.setdefault(rate.prefix, []).append(rate)
        self._lengths = sorted(set(map(len, self._by_prefix)), reverse=True)

    @property
    def prefix_length(self) -> int:
        """Of a number it looks at no more digits than these."""
        return max(self._lengths, default=0)

    @property
    def turning_days(self) -> set[date]:
        """From which on it may choose another rate than on the day before."""
        days = {rate.date_from for rate in self.rates if rate.date_from}
        ends = {rate.date_to for rate in self.rates if rate.date_to}
        return days | {day + ONE_DAY for day in ends if day < date.max}

    def choose(self, digits: str, call_class: str, on: date) -> Rate | None:
        """The rate that takes a call (§5, *Which rate applies*), None if none does.

        :param digits: the other party, as ``Number.digits``
        :param on: the call's local date
        """
        by_prefix = self._by_prefix
        for length in self._lengths:
            if length > len(digits):
                continue
            for rate in by_prefix.get(digits[:length], ()):
                if rate.call_class in (None, call_class) and rate.is_valid(on):
                    return rate
        return None


def charged_seconds(rate: Rate, talk_seconds: int) -> int:
    """Seconds that a conversation is charged for: discard, minimum, step (§5)."""
    if talk_seconds <= rate.discard_seconds:
        return 0
    step = rate.step_seconds
    return max(rate.minimum_seconds, -(-talk_seconds // step) * step)


def gross_amount(rate: Rate, charged_seconds: int) -> Decimal:
    """Connection fee and charged seconds in reais, cut to the centavo (RGC art. 49).

    0 if there are no charged seconds. The price is multiplied in whole millionths and
    divided once, so that nothing is lost before the cut.
    """
    if charged_seconds <= 0:
        return ZERO
    micros_60 = rate.fee_micros_60 + rate.price_micros * charged_seconds
    return from_centavos(micros_60 // MICROS_60_IN_A_CENTAVO)


class Rated(NamedTuple):
    """What rating says of a call."""

    state: str
    """``unbilled``, ``unrated`` or ``not_chargeable``."""
    reason: str | None
    """Why it is not ``unbilled``; see ``rate_call``."""
    rate_id: int | None
    charged_seconds: int
    gross_amount: Decimal
    """Reais, two decimals."""


def rate_call(
    tariff: Tariff | None,
    *,
    prepaid: bool,
    direction: str,
    answered: bool,
    is_collect: bool,
    call_class: str,
    digits: str,
    talk_seconds: int,
    local_date: date,
    platform_amount: Decimal | None,
    platform_seconds: int | None = None,
    accepted_collect: bool = True,
) -> Rated:
    """Rate one call as §5 has it, up to its gross amount.

    Chargeable are answered outgoing calls and the incoming collect calls that the line
    accepted. The called line pays for a collect call, so an outgoing one costs its
    caller nothing. A call inside the discard is ``unbilled`` at 0, not refused.

    Reasons of ``not_chargeable``, the first that fits: ``not_answered``, ``incoming``,
    ``collect_refused``, ``paid_by_other``, ``prepaid``, ``no_tariff``, ``free``,
    ``internal``. Reasons of ``unrated``: ``no_rate``, ``no_platform_amount``.

    :param tariff: that of the line's period at the call's start
    :param direction: ``outgoing`` or ``incoming``, seen from the line
    :param call_class: the class that rules
    :param digits: the other party, as ``Number.digits``
    :param talk_seconds: the conversation, not the ringing
    :param local_date: the call's date in the integration's time zone
    :param platform_amount: what the platform charged, in reais; counts only if it is
        the tariff's amount source, where a missing or negative one is unrated
    :param platform_seconds: what the platform charged for; the charged seconds of such
        a tariff, the conversation if it was not sent
    :param accepted_collect: False if the line is known to have refused; an answered
        collect call counts as accepted
    :raise ValueError: another direction
    """
    price = find_price(
        tariff,
        prepaid=prepaid,
        direction=direction,
        answered=answered,
        is_collect=is_collect,
        call_class=call_class,
        digits=digits,
        local_date=local_date,
        accepted_collect=accepted_collect,
    )
    return rate_by(price, talk_seconds, platform_amount, platform_seconds)


def find_price(
    tariff: Tariff | None,
    *,
    prepaid: bool,
    direction: str,
    answered: bool,
    is_collect: bool,
    call_class: str,
    digits: str,
    local_date: date,
    accepted_collect: bool = True,
) -> Rate | Rated | None:
    """What of ``rate_call`` does not depend on the length of the conversation.

    :return: the rate that prices the call; or what is said of it, however long it is;
        None: the platform's amount prices it
    """
    reason = _not_chargeable(direction, answered, is_collect, accepted_collect)
    if reason is None and prepaid:
        reason = "prepaid"
    if reason is not None:
        return _refused(reason)
    if tariff is None:
        return _refused("no_tariff")
    rate = tariff.choose(digits, call_class, local_date)
    if call_class in ("free", "internal") and not (rate and rate.prefix):
        # Costs nothing unless a rate names it by prefix.
        return _refused(call_class)
    if tariff.amount_source == "platform":
        # No rate prices it, whichever would have taken it.
        return None
    return rate or NO_RATE


def rate_by(
    price: Rate | Rated | None,
    talk_seconds: int,
    platform_amount: Decimal | None,
    platform_seconds: int | None,
) -> Rated:
    """:param price: as ``find_price`` gives it; the rest as ``rate_call`` takes it"""
    if isinstance(price, Rate):
        return price.rate(talk_seconds)
    if price is None:
        return _as_platform(talk_seconds, platform_amount, platform_seconds)
    return price


NO_RATE = Rated("unrated", "no_rate", None, 0, ZERO)
NO_PLATFORM_AMOUNT = Rated("unrated", "no_platform_amount", None, 0, ZERO)


def _not_chargeable(
    direction: str, answered: bool, is_collect: bool, accepted_collect: bool
) -> str | None:
    if direction not in ("outgoing", "incoming"):
        raise ValueError(f"direction: outgoing or incoming, not {direction!r}")
    if not answered:
        return "not_answered"
    if direction == "outgoing":
        return "paid_by_other" if is_collect else None
    if not is_collect:
        return "incoming"
    return None if accepted_collect else "collect_refused"


def _as_platform(
    talk_seconds: int, amount: Decimal | None, platform_seconds: int | None
) -> Rated:
    if amount is None or not amount.is_finite() or amount < 0:
        return NO_PLATFORM_AMOUNT
    seconds = talk_seconds if platform_seconds is None else platform_seconds
    numerator, denominator = amount.as_integer_ratio()
    return Rated(
        "unbilled", None, None, seconds, from_centavos(numerator * 100 // denominator)
    )


@lru_cache(maxsize=64)
def _refused(reason: str) -> Rated:
    return Rated("not_chargeable", reason, None, 0, ZERO)


@lru_cache(maxsize=4096)
def from_centavos(centavos: int) -> Decimal:
    """Reais, with two decimals."""
    # Through text: exact whatever the decimal context of the thread is.
    return Decimal(f"{centavos // 100}.{centavos % 100:02d}")


def to_centavos(amount: Decimal) -> int:
    """Whole centavos of an amount that has two decimals."""
    numerator, denominator = amount.as_integer_ratio()
    return numerator * 100 // denominator


def _micros(name: str, price: Decimal) -> int:
    if not isinstance(price, Decimal):
        raise TypeError(f"{name} must be a Decimal, not {type(price).__name__}")
    if not price.is_finite() or price < 0:
        raise ValueError(f"{name} must be a price of 0 or more, not {price}")
    numerator, denominator = price.as_integer_ratio()
    micros, rest = divmod(numerator * MICRO, denominator)
    if rest:
        raise ValueError(f"{name} has six decimals at most: {price}")
    return micros
