"""The steps of an explanation end where rating and drawing end."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import (
    Allowance,
    Balance,
    Tariff,
    Use,
    draw,
    explain_cadence,
    explain_choice,
    explain_class,
    explain_draws,
    explain_price,
    explain_untouched,
    in_drawing_order,
    in_order_of_draw,
    normalise,
    rate_call,
    rule_class,
)
from rating_samples import TODAY, cents, make_rate

DIGITS = "555133334444"

days = st.one_of(
    st.none(), st.integers(-2, 2).map(lambda days: TODAY + timedelta(days=days))
)


@st.composite
def rate_lists(draw):
    """Rates that compete for calls to ``DIGITS``."""
    rates = []
    for number in range(draw(st.integers(0, 6))):
        date_from, date_to = draw(days), draw(days)
        if date_from and date_to and date_to < date_from:
            date_from, date_to = date_to, date_from
        rates.append(
            make_rate(
                id=number + 1,
                sequence=draw(st.integers(1, 2)),
                prefix=draw(st.sampled_from(["", "55", "5551", "5411"])),
                call_class=draw(st.sampled_from([None, "ldn", "vc1"])),
                price_per_minute=draw(cents(99, 6)),
                connection_fee=draw(cents(9, 6)),
                minimum_seconds=draw(st.integers(0, 120)),
                step_seconds=draw(st.integers(1, 120)),
                discard_seconds=draw(st.integers(0, 60)),
                date_from=date_from,
                date_to=date_to,
            )
        )
    return rates


@st.composite
def balance_lists(draw):
    allowances = in_drawing_order(
        Allowance(
            id=number + 1,
            sequence=draw(st.integers(1, 2)),
            unit=draw(st.sampled_from(["minutes", "reais"])),
            quantity=100_000,
            prefixes=draw(st.sampled_from([(), ("55",), ("54",)])),
        )
        for number in range(draw(st.integers(0, 4)))
    )
    return [
        Balance(allowance, draw(st.integers(0, 300)), draw(st.integers(0, 60)))
        for allowance in allowances
    ]


class TestWholeWay:
    @given(rate_lists(), balance_lists(), st.integers(0, 2000))
    def test_ends_at_the_amount_of_rating_and_drawing(
        self, rates, balances, talk_seconds
    ):
        tariff = Tariff(1, rates)
        rated = rate_call(
            tariff,
            prepaid=False,
            direction="outgoing",
            answered=True,
            is_collect=False,
            call_class="ldn",
            digits=DIGITS,
            talk_seconds=talk_seconds,
            local_date=TODAY,
            platform_amount=None,
        )
        choice = explain_choice(tariff, DIGITS, "ldn", TODAY)
        assert (choice.rate and choice.rate.id) == rated.rate_id
        if choice.rate is None:
            return
        cadence = explain_cadence(choice.rate, talk_seconds)
        priced = explain_price(choice.rate, cadence.charged_seconds)
        assert cadence.charged_seconds == rated.charged_seconds
        assert priced.amount == rated.gross_amount
        drawn = draw(
            call_class="ldn",
            digits=DIGITS,
            local_date=TODAY,
            charged_seconds=rated.charged_seconds,
            gross=rated.gross_amount,
            rate=choice.rate,
            balances=balances,
        )
        # As a call keeps them: by allowance, in no order.
        uses = in_order_of_draw(
            dict(sorted(drawn.uses)), [balance.allowance for balance in balances]
        )
        assert tuple((use.allowance_id, use.quantity) for use in uses) == drawn.uses
        draws = explain_draws(choice.rate, cadence.charged_seconds, priced.amount, uses)
        if draws:
            assert draws[-1].amount_left == drawn.charged_amount
            assert draws[-1].seconds_left == (
                rated.charged_seconds - drawn.covered_seconds
            )
        else:
            assert drawn.charged_amount == priced.amount
        if not rated.charged_seconds:
            return
        seconds_left = rated.charged_seconds - drawn.covered_seconds
        for balance in balances:
            allowance = balance.allowance
            if allowance.id in dict(drawn.uses):
                continue
            why = explain_untouched(
                allowance, "ldn", DIGITS, TODAY, seconds_left, drawn.charged_amount
            )
            assert (why == "prefix") == (allowance.prefixes == ("54",))
            if why == "empty":
                assert balance.carried_left + balance.own_left == 0

    @given(cents(9, 6), cents(9, 6), st.integers(1, 5000))
    def test_the_cut_is_that_of_the_exact_value(self, price, fee, seconds):
        priced = explain_price(
            make_rate(price_per_minute=price, connection_fee=fee), seconds
        )
        assert priced.exact == Fraction(fee) + Fraction(price) * seconds / 60
        assert priced.amount == Decimal(floor(priced.exact * 100)) / 100


class TestChoice:
    @pytest.mark.parametrize(
        ("rates", "rate_id", "why"),
        [
            ([{}], 1, "only"),
            ([{}, {"prefix": "55"}], 2, "prefix"),
            ([{}, {"prefix": "55"}, {"prefix": "5551"}], 3, "prefix"),
            ([{}, {"call_class": "ldn"}], 2, "class"),
            ([{"call_class": "ldn"}, {"prefix": "55"}], 2, "prefix"),
            ([{"sequence": 20}, {}], 2, "order"),
            ([{}, {}], 1, "order"),
            ([{"call_class": "ldn"}, {"call_class": "ldn"}, {}], 1, "order"),
            ([], None, "empty"),
            ([{"prefix": "5411"}], None, "prefix"),
            ([{"call_class": "vc1"}, {"prefix": "5411"}], None, "class"),
            ([{"date_to": date(2026, 6, 30)}], None, "date"),
        ],
    )
    def test_says_what_decided(self, rates, rate_id, why):
        tariff = Tariff(
            1, (make_rate(id=i, **values) for i, values in enumerate(rates, 1))
        )
        choice = explain_choice(tariff, DIGITS, "ldn", TODAY)
        assert (choice.rate and choice.rate.id, choice.why) == (rate_id, why)

    def test_names_the_rates_that_only_their_date_keeps_away(self):
        tariff = Tariff(
            1,
            [
                make_rate(id=1, date_from=date(2026, 7, 2)),
                make_rate(id=2, call_class="vc1"),
            ],
        )
        choice = explain_choice(tariff, DIGITS, "ldn", TODAY)
        assert [rate.id for rate in choice.others] == [1]


class TestCadence:
    def test_shows_each_step_of_the_way(self):
        cadence = explain_cadence(make_rate(), 25)
        assert not cadence.is_discarded
        assert (cadence.stepped_seconds, cadence.charged_seconds) == (30, 30)
        cadence = explain_cadence(make_rate(), 31)
        assert (cadence.stepped_seconds, cadence.charged_seconds) == (36, 36)

    def test_a_discarded_call_costs_nothing_with_a_connection_fee(self):
        rate = make_rate(connection_fee=Decimal("0.20"))
        cadence = explain_cadence(rate, 3)
        assert cadence.is_discarded
        priced = explain_price(rate, cadence.charged_seconds)
        assert (priced.exact, priced.amount) == (0, Decimal("0.00"))


class TestDraws:
    def test_uncovered_seconds_are_priced_with_the_fee(self):
        rate = make_rate(
            price_per_minute=Decimal("0.30"), connection_fee=Decimal("0.05")
        )
        [minutes, reais] = explain_draws(
            rate,
            60,
            Decimal("0.35"),
            [Use(1, "minutes", 40), Use(2, "reais", 4)],
        )
        assert (minutes.seconds_left, minutes.amount_left) == (20, Decimal("0.15"))
        assert (reais.seconds_left, reais.amount_left) == (20, Decimal("0.11"))

    @pytest.mark.parametrize(
        ("rate", "use"),
        [
            (make_rate(), Use(1, "minutes", 61)),
            (make_rate(), Use(1, "reais", 11)),
            (None, Use(1, "minutes", 6)),
        ],
    )
    def test_uses_that_cannot_be_are_refused(self, rate, use):
        with pytest.raises(ValueError):
            explain_draws(rate, 60, Decimal("0.10"), [use])

    def test_an_allowance_that_is_gone_leaves_no_order(self):
        allowance = Allowance(id=1, sequence=1, unit="minutes", quantity=60)
        assert in_order_of_draw({1: 30, 2: 5}, [allowance]) is None
        assert in_order_of_draw({1: 30}, [allowance]) == (Use(1, "minutes", 30),)


class TestUntouched:
    @pytest.mark.parametrize(
        ("values", "left", "why"),
        [
            ({"call_classes": frozenset({"vc1"})}, 60, "class"),
            ({"call_classes": frozenset({"vc1"}), "prefixes": ("54",)}, 60, "class"),
            ({"prefixes": ("54", "5411")}, 60, "prefix"),
            ({"date_to": date(2026, 6, 30)}, 60, "date"),
            ({"call_classes": frozenset({"ldn"}), "prefixes": ("55",)}, 60, "empty"),
            ({}, 0, "covered"),
            ({"unit": "reais"}, 60, "empty"),
            ({"unit": "reais"}, 0, "covered"),
        ],
    )
    def test_says_why_nothing_was_drawn(self, values, left, why):
        allowance = Allowance(
            **{"id": 1, "sequence": 1, "unit": "minutes", "quantity": 60} | values
        )
        amount = Decimal(left) / 100
        assert explain_untouched(allowance, "ldn", DIGITS, TODAY, left, amount) == why


class TestClass:
    @pytest.mark.parametrize(
        ("platform_class", "number", "own_class", "on", "why"),
        [
            ("ldn", "5133334444", "ldn", TODAY, "agreed"),
            (None, "5133334444", "ldn", TODAY, "own"),
            ("unknown", "5133334444", "ldn", TODAY, "own"),
            ("lc", "5133334444", "ldn", TODAY, "platform"),
            ("ldn", "190", "free", TODAY, "free"),
            ("ldn", "5433334444", "lc", TODAY, "local_area"),
            # Before its DDD became one local area.
            ("ldn", "5433334444", "lc", date(2026, 1, 1), "platform"),
        ],
    )
    def test_says_why_a_class_rules(self, platform_class, number, own_class, on, why):
        call_class = rule_class(
            platform_class,
            own_class,
            normalise(number, "54"),
            area_code="54",
            on=on,
        )
        assert explain_class(platform_class, own_class, call_class) == why

    def test_a_class_that_no_rule_of_today_gives_is_said_to_be_so(self):
        assert explain_class("ldn", "vc1", "vc2") == "other"
