"""Cycles tile the calendar; local days tile time (§5)."""

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import bounds_utc, closing_date, cycle_of, cycles_between, local_date

ONE_DAY = timedelta(days=1)
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ZONES = [
    "America/Sao_Paulo",
    "America/Noronha",
    "America/Rio_Branco",
    "America/Santiago",  # jumps at midnight
    "America/Havana",  # goes back to midnight
    "Atlantic/Azores",
    "Asia/Kathmandu",
    "Pacific/Apia",  # has lost a day
    "UTC",
]

closing_days = st.integers(1, 31)
dates = st.dates(date(1995, 1, 1), date(2060, 1, 1))


def days_from(first, last):
    while first <= last:
        yield first
        first += ONE_DAY


def is_closing(day, closing_day):
    """Naive: the day itself, or the end of a month that is too short for it."""
    is_last = (day + ONE_DAY).month != day.month
    return day.day == closing_day or (is_last and closing_day > day.day)


class TestClosingDate:
    @pytest.mark.parametrize(
        ("closing_day", "year", "month", "expected"),
        [
            (31, 2026, 1, date(2026, 1, 31)),
            (31, 2026, 2, date(2026, 2, 28)),
            (31, 2028, 2, date(2028, 2, 29)),
            (30, 2028, 2, date(2028, 2, 29)),
            (29, 2026, 2, date(2026, 2, 28)),
            (29, 2028, 2, date(2028, 2, 29)),
            (28, 2028, 2, date(2028, 2, 28)),
            (31, 2026, 4, date(2026, 4, 30)),
            (1, 2026, 4, date(2026, 4, 1)),
        ],
    )
    def test_the_day_or_the_last_of_the_month(self, closing_day, year, month, expected):
        assert closing_date(closing_day, year, month) == expected

    @pytest.mark.parametrize("closing_day", [0, -1, 32])
    def test_no_other_day(self, closing_day):
        with pytest.raises(ValueError, match="closing_day"):
            closing_date(closing_day, 2026, 1)
        with pytest.raises(ValueError, match="closing_day"):
            cycle_of(date(2026, 1, 1), closing_day)


class TestCycleOf:
    @pytest.mark.parametrize("closing_day", range(1, 32))
    def test_every_day_belongs_to_the_cycle_that_closes_next(self, closing_day):
        first, last = date(2023, 6, 1), date(2029, 6, 1)
        begun = None
        for day in days_from(first, last):
            closes = next(
                d for d in days_from(day, date.max) if is_closing(d, closing_day)
            )
            cycle = cycle_of(day, closing_day)
            assert cycle[1] == closes
            assert is_closing(cycle[0] - ONE_DAY, closing_day)
            assert cycle[0] <= day <= cycle[1]
            # Tiling: a new cycle begins on the day after the last one's end.
            if begun and cycle != begun:
                assert cycle[0] == begun[1] + ONE_DAY == day
            begun = cycle

    @pytest.mark.parametrize(
        ("day", "closing_day", "first", "last"),
        [
            (date(2026, 3, 10), 10, date(2026, 2, 11), date(2026, 3, 10)),
            (date(2026, 3, 11), 10, date(2026, 3, 11), date(2026, 4, 10)),
            (date(2026, 2, 28), 31, date(2026, 2, 1), date(2026, 2, 28)),
            (date(2026, 3, 1), 31, date(2026, 3, 1), date(2026, 3, 31)),
            (date(2026, 3, 1), 29, date(2026, 3, 1), date(2026, 3, 29)),
            (date(2026, 12, 20), 15, date(2026, 12, 16), date(2027, 1, 15)),
            (date(2027, 1, 3), 15, date(2026, 12, 16), date(2027, 1, 15)),
        ],
    )
    def test_cases(self, day, closing_day, first, last):
        assert cycle_of(day, closing_day) == (first, last)


class TestChangeOfClosingDay:
    @pytest.mark.parametrize(
        ("new_day", "last"),
        [
            (25, date(2026, 3, 25)),
            (5, date(2026, 4, 5)),
            (11, date(2026, 3, 11)),
            (10, date(2026, 4, 10)),
        ],
    )
    def test_one_short_cycle(self, new_day, last):
        # Closed on 10 March; the change counts from the day after.
        begins = date(2026, 3, 11)
        assert cycle_of(begins, new_day, begins) == (begins, last)
        after = last + ONE_DAY
        assert cycle_of(after, new_day, begins) == cycle_of(after, new_day)

    def test_earlier_days_belong_to_the_former_closing_day(self):
        with pytest.raises(ValueError, match="2026-03-11"):
            cycle_of(date(2026, 3, 10), 25, date(2026, 3, 11))

    @given(dates, closing_days, closing_days)
    def test_old_and_new_cycles_tile(self, day, old_day, new_day):
        begins = cycle_of(day, old_day)[1] + ONE_DAY
        short = cycle_of(begins, new_day, begins)
        assert short[0] == begins
        assert is_closing(short[1], new_day)
        assert short[1] - short[0] < timedelta(days=31)
        for inside in days_from(*short):
            assert cycle_of(inside, new_day, begins) == short
        assert cycle_of(short[1] + ONE_DAY, new_day, begins)[0] == short[1] + ONE_DAY


class TestCyclesBetween:
    @given(dates, st.integers(-1, 400), closing_days)
    def test_they_tile(self, first, length, closing_day):
        last = first + timedelta(days=length)
        cycles = list(cycles_between(first, last, closing_day))
        assert bool(cycles) == (length >= 0)
        for one, following in pairwise(cycles):
            assert following[0] == one[1] + ONE_DAY
        if cycles:
            assert cycles[0][0] <= first <= cycles[0][1]
            assert cycles[-1][0] <= last <= cycles[-1][1]


class TestLocalDays:
    def test_the_evening_in_utc_is_the_day_before(self):
        assert local_date(datetime(2026, 7, 1, 2, 59, 59), SAO_PAULO) == date(
            2026, 6, 30
        )
        assert local_date(datetime(2026, 7, 1, 3), SAO_PAULO) == date(2026, 7, 1)

    def test_a_zone_may_be_named(self):
        assert local_date(datetime(2026, 7, 1, 2), "America/Sao_Paulo") == date(
            2026, 6, 30
        )

    def test_bounds(self):
        assert bounds_utc(date(2026, 6, 11), date(2026, 7, 10), SAO_PAULO) == (
            datetime(2026, 6, 11, 3),
            datetime(2026, 7, 11, 3),
        )

    def test_a_day_that_begins_at_one(self):
        # 4 November 2018 began at 01:00 in São Paulo and had 23 hours.
        assert bounds_utc(date(2018, 11, 4), date(2018, 11, 4), SAO_PAULO) == (
            datetime(2018, 11, 4, 3),
            datetime(2018, 11, 5, 2),
        )

    def test_a_day_with_25_hours(self):
        assert bounds_utc(date(2018, 2, 17), date(2018, 2, 17), SAO_PAULO) == (
            datetime(2018, 2, 17, 2),
            datetime(2018, 2, 18, 3),
        )

    @pytest.mark.parametrize("zone", ZONES)
    def test_every_day_of_years(self, zone):
        zone = ZoneInfo(zone)
        ends = None
        for day in days_from(date(2010, 1, 1), date(2020, 1, 1)):
            start, end = bounds_utc(day, day, zone)
            assert ends in (None, start)
            ends = end
            if start == end:
                continue  # a day that never was
            second = timedelta(seconds=1)
            assert local_date(start, zone) == local_date(end - second, zone) == day
            assert local_date(start - second, zone) < day < local_date(end, zone)

    @given(st.datetimes(datetime(1995, 1, 1), datetime(2060, 1, 1)), closing_days)
    def test_a_moment_lies_in_the_bounds_of_its_cycle(self, moment, closing_day):
        day = local_date(moment, SAO_PAULO)
        start, end = bounds_utc(*cycle_of(day, closing_day), SAO_PAULO)
        assert start <= moment < end
