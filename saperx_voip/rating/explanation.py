"""Why a call costs what it costs: the steps of §5, as values without words.

Nothing is decided here. Each function goes again the way that ``tariff`` and
``allowance`` go, and keeps what lies on it; the last step is their result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from .allowance import Allowance
from .tariff import (
    MICRO,
    Rate,
    Tariff,
    charged_seconds,
    from_centavos,
    gross_amount,
    to_centavos,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rate takes a call, and why that one."""

    rate: Rate | None
    why: str
    """With a rate, what set it before the next one that fits: ``only`` (none other
    fits), ``prefix`` (longer), ``class`` (has one), ``order`` (sequence, then id).
    Without: the last thing in the way of some rate: ``date``, ``class``, ``prefix``,
    or ``empty`` (there is no rate)."""
    others: tuple[Rate, ...] = ()
    """Those that fit too and lost; without a rate, those that ``why`` kept away."""


def explain_choice(tariff: Tariff, digits: str, call_class: str, on: date) -> Choice:
    """How ``Tariff.choose`` came to its rate, or to none."""
    named = [rate for rate in tariff.rates if digits.startswith(rate.prefix)]
    of_class = [rate for rate in named if rate.call_class in (None, call_class)]
    fitting = [rate for rate in of_class if rate.is_valid(on)]
    if not fitting:
        why, others = next(
            (why, rates)
            for why, rates in (
                ("date", of_class),
                ("class", named),
                ("prefix", tariff.rates),
                ("empty", None),
            )
            if rates or rates is None
        )
        return Choice(None, why, tuple(others or ()))
    taken = tariff.choose(digits, call_class, on)
    others = tuple(rate for rate in fitting if rate is not taken)
    if not others:
        why = "only"
    elif all(len(rate.prefix) < len(taken.prefix) for rate in others):
        why = "prefix"
    elif taken.call_class and all(
        rate.call_class is None
        for rate in others
        if len(rate.prefix) == len(taken.prefix)
    ):
        why = "class"
    else:
        why = "order"
    return Choice(taken, why, others)


@dataclass(frozen=True, slots=True)
class Cadence:
    """From the conversation to the seconds that are charged."""

    talk_seconds: int
    discard_seconds: int
    minimum_seconds: int
    step_seconds: int
    stepped_seconds: int
    """The conversation in whole steps."""
    charged_seconds: int

    @property
    def is_discarded(self) -> bool:
        return self.talk_seconds <= self.discard_seconds


def explain_cadence(rate: Rate, talk_seconds: int) -> Cadence:
    step = rate.step_seconds
    return Cadence(
        talk_seconds=talk_seconds,
        discard_seconds=rate.discard_seconds,
        minimum_seconds=rate.minimum_seconds,
        step_seconds=step,
        stepped_seconds=-(-talk_seconds // step) * step,
        charged_seconds=charged_seconds(rate, talk_seconds),
    )


@dataclass(frozen=True, slots=True)
class Priced:
    """Connection fee + price * seconds / 60, before and after the cut. In reais."""

    connection_fee: Decimal
    price_per_minute: Decimal
    seconds: int
    exact: Fraction
    amount: Decimal


def explain_price(rate: Rate, seconds: int) -> Priced:
    micros_60 = rate.fee_micros_60 + rate.price_micros * seconds if seconds else 0
    return Priced(
        connection_fee=rate.connection_fee,
        price_per_minute=rate.price_per_minute,
        seconds=seconds,
        exact=Fraction(micros_60, 60 * MICRO),
        amount=gross_amount(rate, seconds),
    )


@dataclass(frozen=True, slots=True)
class Use:
    """What a call drew of an allowance: seconds or centavos, by its unit."""

    allowance_id: int
    unit: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A use, and what it left to pay."""

    use: Use
    seconds_left: int
    """Not covered by minutes so far."""
    amount_left: Decimal


def explain_draws(
    rate: Rate | None, charged_seconds: int, gross: Decimal, uses: Iterable[Use]
) -> tuple[Draw, ...]:
    """What each use left, in the order in which ``draw`` made them.

    :param rate: what priced the call; None if the platform did
    :raise ValueError: uses that these seconds or this amount do not allow
    """
    seconds, amount = charged_seconds, gross
    draws = []
    for use in uses:
        if use.unit == "minutes":
            if rate is None:
                raise ValueError("minutes do not cover a call that the platform priced")
            seconds -= use.quantity
            if seconds < 0:
                raise ValueError("more seconds drawn than there are")
            amount = gross_amount(rate, seconds)
        else:
            centavos = to_centavos(amount) - use.quantity
            if centavos < 0:
                raise ValueError("more centavos drawn than there are")
            amount = from_centavos(centavos)
        draws.append(Draw(use, seconds, amount))
    return tuple(draws)


def explain_untouched(
    allowance: Allowance,
    call_class: str,
    digits: str,
    on: date,
    seconds_left: int,
    amount_left: Decimal,
) -> str:
    """Why ``draw`` took nothing of an allowance for a call with charged seconds.

    :param seconds_left: not covered by any minutes
    :param amount_left: left to pay, in reais
    :return: ``class``, ``prefix`` or ``date`` (it does not fit); ``covered`` (it fits,
        and nothing was left to cover); ``empty`` (it fits, and nothing was left of it)
    """
    if obstacle := allowance.obstacle(call_class, digits, on):
        return obstacle
    wanted = seconds_left if allowance.unit == "minutes" else amount_left
    return "empty" if wanted else "covered"


def explain_class(
    platform_class: str | None, own_class: str | None, call_class: str | None
) -> str:
    """Why this class rules (§4), of the three that were kept with the call.

    :param platform_class: in our own codes, None if it sent none that we know
    :return: ``agreed``; ``own`` (the platform's is not known); ``platform`` (its
        wins); ``free`` and ``local_area`` (the two exceptions); ``other``
    """
    if platform_class in (None, "unknown"):
        return "own"
    if platform_class == call_class:
        return "agreed" if own_class == call_class else "platform"
    if call_class == "free":
        return "free"
    if (platform_class, call_class) == ("ldn", "lc"):
        return "local_area"
    return "other"


def in_order_of_draw(
    uses: dict[int, int], allowances: Sequence
) -> tuple[Use, ...] | None:
    """The uses that a call keeps by allowance id, in the order in which it drew.

    :param allowances: in ``in_drawing_order``
    :return: None if one of them is not among the allowances
    """
    drawn = tuple(
        Use(allowance.id, allowance.unit, uses[allowance.id])
        for allowance in allowances
        if allowance.id in uses
    )
    return drawn if len(drawn) == len(uses) else None
