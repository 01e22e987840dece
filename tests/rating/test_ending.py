"""What the end of a contract costs is bounded, falls with time, and adds up (§4)."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import months_left, remaining_amount, scale, termination_fine

CENTAVO = Decimal("0.01")

money = st.decimals(0, 100_000, places=2)
starts = st.dates(date(2000, 1, 1), date(2060, 1, 1))
terms = st.integers(1, 12)
days = st.integers(-400, 800)


class TestTerminationFine:
    @pytest.mark.parametrize(
        ("day", "expected"),
        [
            (date(2026, 1, 10), "600.00"),  # the day it began
            (date(2025, 12, 1), "600.00"),  # not begun yet
            (date(2026, 7, 10), "300.00"),  # half of the term
            (date(2026, 11, 16), "90.00"),  # 24 of November's 30 days, and a month
            (date(2027, 1, 9), "1.61"),  # one of 31 days: 1.6129, cut
            (date(2027, 1, 10), "0.00"),
            (date(2030, 1, 1), "0.00"),
        ],
    )
    def test_benefit_in_proportion_to_the_time_left(self, day, expected):
        fine = termination_fine(Decimal(600), date(2026, 1, 10), 12, day)
        assert str(fine) == expected

    def test_a_month_shorter_than_the_starts_day_ends_on_its_last(self):
        start = date(2026, 1, 31)
        assert months_left(start, 12, date(2026, 2, 28)) == 11
        assert months_left(start, 12, date(2026, 3, 31)) == 10

    @given(money, starts, terms, days)
    def test_is_never_negative_nor_above_the_benefit(
        self, benefit, start, term, offset
    ):
        fine = termination_fine(benefit, start, term, start + timedelta(offset))
        assert 0 <= fine <= benefit
        assert fine == fine.quantize(CENTAVO)

    @given(money, starts, terms, days, st.integers(0, 400))
    def test_falls_with_time(self, benefit, start, term, offset, later):
        day = start + timedelta(offset)
        now = termination_fine(benefit, start, term, day)
        assert termination_fine(benefit, start, term, day + timedelta(later)) <= now

    @given(starts, terms, days)
    def test_every_day_before_the_end_leaves_something_and_none_after(
        self, start, term, offset
    ):
        day = start + timedelta(offset)
        left = months_left(start, term, day)
        following = months_left(start, term, day + timedelta(1))
        if day < start:
            assert left == following == term
        else:
            assert following < left or left == following == 0

    @pytest.mark.parametrize("months", [0, 13, -1])
    def test_a_term_beyond_a_year_is_refused(self, months):
        with pytest.raises(ValueError, match="1 to 12 months"):
            termination_fine(Decimal(1), date(2026, 1, 1), months, date(2026, 2, 1))

    def test_a_negative_benefit_is_refused(self):
        with pytest.raises(ValueError, match="not negative"):
            termination_fine(Decimal(-1), date(2026, 1, 1), 12, date(2026, 2, 1))


class TestRemainingAmount:
    def test_whole_periods_and_a_part_of_one(self):
        stretches = [(31, 31), (28, 28), (15, 31)]
        amount = remaining_amount(Decimal("99.90"), stretches)
        assert str(amount) == "248.14"  # 199.80 and 48.338…

    def test_nothing_left_costs_nothing(self):
        assert remaining_amount(Decimal(100), []) == 0

    @given(money, st.lists(st.integers(28, 31), max_size=24))
    def test_whole_periods_are_their_exact_price(self, price, lengths):
        whole = [(length, length) for length in lengths]
        assert remaining_amount(price, whole) == price * len(lengths)

    @given(money, st.integers(1, 366), st.data())
    def test_a_part_costs_no_more_than_the_whole(self, price, length, data):
        owed = data.draw(st.integers(0, length))
        exact = Fraction(price) * owed / length
        amount = remaining_amount(price, [(owed, length)])
        assert 0 <= amount <= price
        assert abs(Fraction(amount) - exact) <= Fraction(CENTAVO) / 2


class TestScale:
    @given(st.lists(money, min_size=1), st.data())
    def test_parts_sum_to_the_part(self, amounts, data):
        whole = sum(amounts)
        if not whole:
            return
        part = data.draw(st.decimals(0, whole, places=2))
        scaled = scale(amounts, part, whole)
        assert sum(scaled) == part
        for amount, share in zip(amounts, scaled, strict=True):
            exact = Fraction(amount) * Fraction(part) / Fraction(whole)
            assert abs(Fraction(share) - exact) <= Fraction(CENTAVO)

    def test_a_part_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="no part of nothing"):
            scale([Decimal(0)], Decimal(0), Decimal(0))
