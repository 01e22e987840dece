"""Who held what: the numbers that a line presented."""

from datetime import date, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from rating import Directory, Holding, NumberHolding, with_terms

OCTOBER = datetime(2026, 10, 15)
NOVEMBER = datetime(2026, 11, 16)
DECEMBER = datetime(2026, 12, 24)
JANUARY = datetime(2027, 1, 10)

LEFT_FIRST = NumberHolding("555433334444", 1, None, NOVEMBER, is_main=True)
LEFT_THEN = NumberHolding("555133334444", 1, None, DECEMBER, is_main=True)
SECOND = NumberHolding("552133334444", 1, None, DECEMBER)
PRESENT = NumberHolding("551133334444", 1, None, None, is_main=True)
FREEPHONE = NumberHolding("08001234567", 1, None, None, is_main=True)


@pytest.mark.parametrize(
    ("numbers", "moment", "area_code"),
    [
        # Who was main then, whoever is now.
        ([PRESENT, SECOND, LEFT_THEN, LEFT_FIRST], OCTOBER, "54"),
        ([PRESENT, SECOND, LEFT_THEN, LEFT_FIRST], NOVEMBER, "51"),
        ([PRESENT, SECOND, LEFT_THEN, LEFT_FIRST], DECEMBER, "11"),
        # A line without numbers is where it last was.
        ([LEFT_FIRST, SECOND, LEFT_THEN], JANUARY, "51"),
        ([LEFT_FIRST], JANUARY, "54"),
        # What has no area code says nothing of it.
        ([FREEPHONE, SECOND], OCTOBER, "21"),
        ([FREEPHONE], OCTOBER, None),
        ([], OCTOBER, None),
    ],
)
def test_a_line_calls_from_where_its_main_number_was(numbers, moment, area_code):
    assert Directory((), (), numbers).area_code(1, moment) == area_code


def _held(period_id, since, until, **terms):
    return Holding(
        period_id=period_id,
        line_id=1,
        contract_id=1,
        partner_id=1,
        since=since,
        until=until,
        **{"tariff_id": 1, "closing_day": 10, "prepaid": False, **terms},
    )


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        # Since ever: all of them, and none is split.
        (datetime.min, [(1, None, NOVEMBER, 15), (2, NOVEMBER, None, 15)]),
        (NOVEMBER, [(1, None, NOVEMBER, 10), (2, NOVEMBER, None, 15)]),
        (
            DECEMBER,
            [
                (1, None, NOVEMBER, 10),
                (2, NOVEMBER, DECEMBER, 10),
                (-1, DECEMBER, None, 15),
            ],
        ),
        (
            datetime(2026, 10, 1),
            [
                (1, None, datetime(2026, 10, 1), 10),
                (-1, datetime(2026, 10, 1), NOVEMBER, 15),
                (2, NOVEMBER, None, 15),
            ],
        ),
    ],
)
def test_other_terms_hold_from_their_moment_on_without_a_gap(moment, expected):
    periods = [_held(1, None, NOVEMBER), _held(2, NOVEMBER, None)]
    changed = with_terms(periods, moment, {"closing_day": 15}, count(-1, -1))
    assert [
        (held.period_id, held.since, held.until, held.closing_day) for held in changed
    ] == expected


def test_a_period_has_the_local_days_in_which_it_was():
    zone = ZoneInfo("America/Sao_Paulo")
    held = _held(1, datetime(2026, 11, 11, 2, 59), datetime(2026, 11, 16, 3))
    assert held.days_of(date(2026, 11, 1), date(2026, 11, 30), zone) == (
        date(2026, 11, 10),
        date(2026, 11, 15),
    )
    whole = _held(1, None, None)
    cycle = date(2026, 11, 1), date(2026, 11, 30)
    assert whole.days_of(*cycle, zone) == cycle
