"""Rate, charged seconds and amount (§5)."""

from datetime import date, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import product
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import (
    CALL_CLASSES,
    Rated,
    Tariff,
    charged_seconds,
    gross_amount,
    rate_call,
)
from rating_samples import TODAY, cents, make_rate

prices = cents(99, 6)
seconds = st.integers(0, 100_000)
rates = st.builds(
    make_rate,
    price_per_minute=prices,
    connection_fee=st.one_of(st.just(Decimal(0)), cents(9, 6)),
    minimum_seconds=st.integers(0, 120),
    step_seconds=st.integers(1, 120),
    discard_seconds=st.integers(0, 60),
)


class TestChargedSeconds:
    @pytest.mark.parametrize(
        ("talk_seconds", "expected"),
        [
            *((0, 0), (3, 0), (4, 30), (29, 30), (30, 30)),
            *((31, 36), (36, 36), (37, 42), (60, 60)),
        ],
    )
    def test_vectors_of_30_6_3(self, talk_seconds, expected):
        assert charged_seconds(make_rate(), talk_seconds) == expected

    @given(rates, seconds)
    def test_discard_minimum_and_step(self, rate, talk_seconds):
        charged = charged_seconds(rate, talk_seconds)
        if talk_seconds <= rate.discard_seconds:
            assert charged == 0
            return
        assert charged >= max(rate.minimum_seconds, talk_seconds)
        if charged != rate.minimum_seconds:
            assert charged % rate.step_seconds == 0
            assert charged - talk_seconds < rate.step_seconds

    @given(rates, seconds, seconds)
    def test_monotone(self, rate, one, other):
        one, other = sorted((one, other))
        assert charged_seconds(rate, one) <= charged_seconds(rate, other)

    def test_no_talk_costs_nothing_even_without_a_discard(self):
        rate = make_rate(discard_seconds=0)
        assert charged_seconds(rate, 0) == 0
        assert charged_seconds(rate, 1) == 30

    def test_a_minimum_that_is_no_multiple_of_the_step(self):
        rate = make_rate(minimum_seconds=30, step_seconds=7, discard_seconds=0)
        assert charged_seconds(rate, 5) == 30
        assert charged_seconds(rate, 29) == 35


class TestGrossAmount:
    @pytest.mark.parametrize(
        ("price", "cadence", "talk_seconds", "charged", "amount"),
        [
            ("0.05", (30, 6, 0), 45, 48, "0.04"),
            ("0.50", (0, 6, 0), 27, 30, "0.25"),
            ("0.12", (30, 6, 3), 31, 36, "0.07"),
            ("0.29", (30, 6, 3), 60, 60, "0.29"),
            ("0.30", (0, 1, 0), 20, 20, "0.10"),
        ],
    )
    def test_vectors(self, price, cadence, talk_seconds, charged, amount):
        minimum, step, discard = cadence
        rate = make_rate(
            price_per_minute=Decimal(price),
            minimum_seconds=minimum,
            step_seconds=step,
            discard_seconds=discard,
        )
        assert charged_seconds(rate, talk_seconds) == charged
        assert str(gross_amount(rate, charged)) == amount

    def test_no_connection_fee_without_charged_seconds(self):
        rate = make_rate(connection_fee=Decimal("1.00"))
        assert gross_amount(rate, 0) == 0
        assert gross_amount(rate, 60) == Decimal("1.10")

    def test_the_fee_counts_before_the_cut(self):
        rate = make_rate(
            price_per_minute=Decimal("0.005"), connection_fee=Decimal("0.005")
        )
        assert gross_amount(rate, 60) == Decimal("0.01")

    @given(rates, seconds)
    def test_equals_the_exact_fraction_cut(self, rate, charged):
        exact = Fraction(rate.connection_fee)
        exact += Fraction(rate.price_per_minute) * charged / 60
        amount = gross_amount(rate, charged)
        assert Fraction(amount) == (Fraction(floor(exact * 100), 100) if charged else 0)
        assert amount.as_tuple().exponent == -2

    @given(rates, seconds, seconds)
    def test_monotone(self, rate, one, other):
        one, other = sorted((one, other))
        assert gross_amount(rate, one) <= gross_amount(rate, other)

    @given(rates, st.integers(1, 50_000), st.integers(1, 50_000))
    def test_parts_and_whole(self, rate, one, other):
        # Each record is cut on its own: parts lose a centavo at most against the
        # whole, beside the second connection fee.
        parts = gross_amount(rate, one) + gross_amount(rate, other)
        whole = gross_amount(rate, one + other) + rate.connection_fee
        assert Decimal("-0.02") < parts - whole < Decimal("0.01")

    @given(rates, seconds)
    def test_no_decimal_context_changes_it(self, rate, charged):
        expected = gross_amount(rate, charged)
        with localcontext() as context:
            context.prec = 2
            copy = make_rate(
                price_per_minute=rate.price_per_minute,
                connection_fee=rate.connection_fee,
            )
            assert str(gross_amount(copy, charged)) == str(expected)


class TestRate:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("step_seconds", 0),
            ("step_seconds", -6),
            ("minimum_seconds", -1),
            ("discard_seconds", -1),
            ("price_per_minute", Decimal("-0.01")),
            ("price_per_minute", Decimal("NaN")),
            ("price_per_minute", Decimal("Infinity")),
            ("price_per_minute", Decimal("0.0000001")),
            ("connection_fee", Decimal(-1)),
            ("prefix", "+55"),
            ("prefix", "55 11"),
            ("prefix", "٥"),
        ],
    )
    def test_a_value_out_of_range_is_named(self, field, value):
        with pytest.raises(ValueError, match=field):
            make_rate(**{field: value})

    @pytest.mark.parametrize("price", [0.29, 1, "0.29", None])
    def test_a_price_is_a_decimal(self, price):
        with pytest.raises(TypeError, match="price_per_minute"):
            make_rate(price_per_minute=price)

    def test_dates_in_order(self):
        with pytest.raises(ValueError, match="date_to"):
            make_rate(date_from=TODAY, date_to=TODAY - timedelta(days=1))
        make_rate(date_from=TODAY, date_to=TODAY)

    def test_six_decimals_with_zeros_behind(self):
        assert (
            make_rate(price_per_minute=Decimal("0.1234560000")).price_micros == 123456
        )


def choose_naively(all_rates, digits, call_class, on):
    """§5, *Which rate applies*, sentence by sentence."""
    kept = [
        rate
        for rate in all_rates
        if (rate.date_from is None or rate.date_from <= on)
        and (rate.date_to is None or rate.date_to >= on)
        and (rate.prefix == "" or digits.startswith(rate.prefix))
        and (rate.call_class is None or rate.call_class == call_class)
    ]
    if not kept:
        return None
    longest = max(len(rate.prefix) for rate in kept)
    kept = [rate for rate in kept if len(rate.prefix) == longest]
    if any(rate.call_class is not None for rate in kept):
        kept = [rate for rate in kept if rate.call_class is not None]
    lowest = min(rate.sequence for rate in kept)
    kept = [rate for rate in kept if rate.sequence == lowest]
    return min(kept, key=lambda rate: rate.id)


days = st.one_of(st.none(), st.dates(date(2026, 6, 25), date(2026, 7, 6)))


@st.composite
def tariffs_rates(draw):
    found = []
    for number in range(draw(st.integers(0, 12))):
        first, last = draw(days), draw(days)
        if first and last and last < first:
            first, last = last, first
        found.append(
            make_rate(
                id=number + 1,
                sequence=draw(st.integers(1, 3)),
                prefix=draw(st.text(alphabet="015", max_size=4)),
                call_class=draw(st.sampled_from([None, None, "lc", "vc1", "free"])),
                date_from=first,
                date_to=last,
            )
        )
    return draw(st.permutations(found))


class TestChoice:
    @given(
        tariffs_rates(),
        st.text(alphabet="015", max_size=6),
        st.sampled_from(["lc", "vc1", "free", "ldi"]),
        st.dates(date(2026, 6, 25), date(2026, 7, 6)),
    )
    def test_equals_a_naive_scan(self, all_rates, digits, call_class, on):
        expected = choose_naively(all_rates, digits, call_class, on)
        assert Tariff(1, all_rates).choose(digits, call_class, on) is expected

    def chosen(self, *all_rates, digits="5511991234567", call_class="vc1", on=TODAY):
        rate = Tariff(1, all_rates).choose(digits, call_class, on)
        return rate and rate.id

    def test_the_longest_prefix_wins_over_a_class(self):
        by_class = make_rate(id=1, call_class="vc1", sequence=1)
        by_prefix = make_rate(id=2, prefix="55", sequence=9)
        assert self.chosen(by_class, by_prefix) == 2

    def test_then_a_class_then_the_sequence_then_the_id(self):
        plain = make_rate(id=1, prefix="55", sequence=1)
        late = make_rate(id=2, prefix="55", call_class="vc1", sequence=3)
        second = make_rate(id=4, prefix="55", call_class="vc1", sequence=2)
        first = make_rate(id=3, prefix="55", call_class="vc1", sequence=2)
        assert self.chosen(plain, late, second, first) == 3
        assert self.chosen(plain, late, second) == 4
        assert self.chosen(plain, late) == 2
        assert self.chosen(plain) == 1

    def test_a_rate_of_another_class_leaves_the_call_to_a_shorter_prefix(self):
        other = make_rate(id=1, prefix="5511", call_class="lc")
        assert self.chosen(other, make_rate(id=2, prefix="55")) == 2
        assert self.chosen(other) is None

    def test_both_days_are_inclusive(self):
        rate = make_rate(date_from=TODAY, date_to=TODAY)
        day = timedelta(days=1)
        assert self.chosen(rate, on=TODAY) == 1
        assert self.chosen(rate, on=TODAY - day) is None
        assert self.chosen(rate, on=TODAY + day) is None

    def test_prefix_55_never_takes_an_0800(self):
        assert self.chosen(make_rate(prefix="55"), digits="08001234567") is None

    def test_a_call_without_digits_takes_the_default(self):
        assert self.chosen(make_rate(), make_rate(prefix="55"), digits="") == 1

    def test_an_amount_source_is_one_of_two(self):
        with pytest.raises(ValueError, match="amount_source"):
            Tariff(1, [], amount_source="erp")


def call(tariff, **values):
    return rate_call(
        tariff,
        **{
            "prepaid": False,
            "direction": "outgoing",
            "answered": True,
            "is_collect": False,
            "call_class": "vc1",
            "digits": "5511991234567",
            "talk_seconds": 60,
            "local_date": TODAY,
            "platform_amount": None,
            **values,
        },
    )


DEFAULT = Tariff(7, [make_rate(id=5)])
UNBILLED = Rated("unbilled", None, 5, 60, Decimal("0.10"))


class TestChargeability:
    def test_an_answered_outgoing_call(self):
        assert call(DEFAULT) == UNBILLED

    def test_an_accepted_incoming_collect_call(self):
        assert call(DEFAULT, direction="incoming", is_collect=True) == UNBILLED

    @pytest.mark.parametrize(
        ("values", "reason"),
        [
            ({"answered": False}, "not_answered"),
            ({"direction": "incoming"}, "incoming"),
            ({"direction": "incoming", "answered": False}, "not_answered"),
            (
                {"direction": "incoming", "is_collect": True, "answered": False},
                "not_answered",
            ),
            (
                {
                    "direction": "incoming",
                    "is_collect": True,
                    "accepted_collect": False,
                },
                "collect_refused",
            ),
            ({"is_collect": True}, "paid_by_other"),
            ({"prepaid": True}, "prepaid"),
            ({"call_class": "free", "digits": "190"}, "free"),
            ({"call_class": "internal", "digits": "2001"}, "internal"),
        ],
    )
    def test_all_others_cost_nothing(self, values, reason):
        expected = Rated("not_chargeable", reason, None, 0, Decimal(0))
        assert call(DEFAULT, **values) == expected

    def test_without_a_tariff(self):
        assert call(None).reason == "no_tariff"
        assert call(None, prepaid=True).reason == "prepaid"
        assert call(None, answered=False).reason == "not_answered"

    def test_every_combination_against_the_text(self):
        for direction, answered, is_collect, prepaid, has_tariff, kind in product(
            ("outgoing", "incoming"),
            *[(True, False)] * 4,
            ("vc1", "free", "internal"),
        ):
            rated = call(
                DEFAULT if has_tariff else None,
                direction=direction,
                answered=answered,
                is_collect=is_collect,
                prepaid=prepaid,
                call_class=kind,
            )
            chargeable = (
                answered
                and (is_collect == (direction == "incoming"))
                and not prepaid
                and has_tariff
                and kind == "vc1"
            )
            assert (rated.state == "unbilled") == chargeable
            assert (rated.gross_amount > 0) == chargeable
            assert (rated.reason is None) == chargeable

    def test_another_direction_is_refused(self):
        with pytest.raises(ValueError, match="direction"):
            call(DEFAULT, direction="saida")

    @pytest.mark.parametrize("kind", ["free", "internal"])
    def test_free_and_internal_unless_a_rate_names_them_by_prefix(self, kind):
        by_class = make_rate(id=1, call_class=kind)
        by_prefix = make_rate(id=2, prefix="0800")
        assert call(Tariff(1, [by_class]), call_class=kind).reason == kind
        both = Tariff(1, [by_class, by_prefix])
        assert call(both, call_class=kind, digits="08001234567").rate_id == 2
        assert call(both, call_class=kind, digits="190").reason == kind

    def test_a_call_inside_the_discard_is_unbilled_at_nothing(self):
        expected = Rated("unbilled", None, 5, 0, Decimal(0))
        assert call(DEFAULT, talk_seconds=3) == expected
        assert call(DEFAULT, talk_seconds=0) == expected

    def test_a_call_that_no_rate_takes(self):
        tariff = Tariff(1, [make_rate(call_class="lc")])
        assert call(tariff) == Rated("unrated", "no_rate", None, 0, Decimal(0))
        assert call(Tariff(1, [])).state == "unrated"


class TestPlatformAmount:
    TARIFF = Tariff(1, [make_rate()], amount_source="platform")

    @pytest.mark.parametrize(
        ("sent", "amount"),
        [
            ("0.129", "0.12"),
            ("0.12", "0.12"),
            ("0", "0.00"),
            ("3148895.40924", "3148895.40"),
        ],
    )
    def test_it_is_cut(self, sent, amount):
        rated = call(self.TARIFF, platform_amount=Decimal(sent))
        assert (rated.state, str(rated.gross_amount)) == ("unbilled", amount)
        assert rated.rate_id is None

    def test_it_needs_no_rate(self):
        tariff = Tariff(1, [], amount_source="platform")
        assert call(tariff, platform_amount=Decimal(1)).gross_amount == 1

    def test_its_seconds_are_the_platforms(self):
        amount = Decimal(1)
        rated = call(self.TARIFF, platform_amount=amount, platform_seconds=66)
        assert rated.charged_seconds == 66
        assert call(self.TARIFF, platform_amount=amount).charged_seconds == 60

    @pytest.mark.parametrize("sent", [None, Decimal("-0.01"), Decimal("NaN")])
    def test_without_a_usable_amount_it_is_unrated(self, sent):
        rated = call(self.TARIFF, platform_amount=sent)
        assert (rated.state, rated.reason) == ("unrated", "no_platform_amount")

    def test_free_stays_free(self):
        rated = call(
            self.TARIFF, call_class="free", digits="190", platform_amount=Decimal(1)
        )
        assert rated.reason == "free"

    def test_own_rates_ignore_it(self):
        assert call(DEFAULT, platform_amount=Decimal(9)) == UNBILLED


@given(
    st.one_of(st.none(), tariffs_rates()),
    st.sampled_from(CALL_CLASSES),
    st.text(alphabet="015", max_size=6),
    seconds,
)
def test_every_call_has_one_state_and_a_reason_for_it(
    all_rates, call_class, digits, talk_seconds
):
    tariff = None if all_rates is None else Tariff(1, all_rates)
    rated = call(
        tariff, call_class=call_class, digits=digits, talk_seconds=talk_seconds
    )
    assert rated.state in ("unbilled", "unrated", "not_chargeable")
    assert (rated.reason is None) == (rated.state == "unbilled")
    if rated.state != "unbilled":
        assert (rated.rate_id, rated.charged_seconds, rated.gross_amount) == (
            None,
            0,
            0,
        )
