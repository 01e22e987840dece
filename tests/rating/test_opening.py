"""What the previous system had charged of a cycle that was open when charging began."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import Allowance, Holding, Key, Ledger, OpenCall, Rate, Stretches

UTC = ZoneInfo("UTC")
JULY, AUGUST = date(2026, 7, 31), date(2026, 8, 31)
RATE = Rate(1, 1, "", None, Decimal("0.30"), Decimal(0), 0, 1, 0)


def make_ledger(before, lines=1, **values):
    allowance = Allowance(
        **{"id": 1, "sequence": 10, "unit": "minutes", "quantity": 600, **values}
    )
    holdings = [
        Holding(n, n, 50, 1, 1, 31, False, None, None) for n in range(1, lines + 1)
    ]
    # The cycle that is open counts from its first day.
    since = {n: date(2026, 7, 1) for n in range(1, lines + 1)}
    stretches = Stretches(holdings, UTC, since=since)
    return Ledger(stretches, {1: [allowance]}, before=before)


def call(number, period_id=1, cycle_end=JULY, seconds=60):
    start = datetime(cycle_end.year, cycle_end.month, 20, 12, number)
    gross = Decimal("0.30") * seconds / 60
    return OpenCall(
        number, str(number), period_id, start, cycle_end, "lc", "", seconds, gross, RATE
    )


def covered(ledger, *calls):
    return [drawn.covered_seconds for _call, drawn in ledger.draw(calls)]


def test_calls_draw_on_what_the_previous_system_left():
    ledger = make_ledger({Key(1, 1, JULY): 510})
    assert covered(ledger, call(1), call(2), call(3)) == [60, 30, 0]
    [balance] = ledger.look(1, JULY).values()
    assert (balance.before, balance.used, balance.own_left) == (510, 600, 0)


def test_the_next_cycle_is_whole():
    ledger = make_ledger({Key(1, 1, JULY): 600})
    assert covered(ledger, call(1), call(2, cycle_end=AUGUST)) == [0, 60]


@pytest.mark.parametrize("was_called", [True, False])
def test_no_more_is_carried_over_than_both_systems_left(was_called):
    ledger = make_ledger({Key(1, 1, JULY): 500}, carries_over=True)
    if was_called:
        assert covered(ledger, call(1)) == [60]
    [balance] = ledger.look(1, AUGUST).values()
    assert balance.carried == (40 if was_called else 100)


def test_what_was_used_beyond_the_allowance_was_paid_there():
    ledger = make_ledger({Key(1, 1, JULY): 5000}, carries_over=True)
    assert covered(ledger, call(1)) == [0]
    [balance] = ledger.look(1, JULY).values()
    assert (balance.before, balance.used) == (600, 600)
    [following] = ledger.look(1, AUGUST).values()
    assert following.carried == 0


def test_lines_that_share_find_it_used_together():
    ledger = make_ledger({Key(1, 50, JULY): 540}, lines=2, is_shared=True)
    assert covered(ledger, call(1, 1), call(2, 2)) == [60, 0]


def test_pro_rata_takes_the_open_cycle_for_whole():
    ledger = make_ledger({Key(1, 1, JULY): 0}, is_pro_rata=True)
    [balance] = ledger.look(1, JULY).values()
    assert balance.own == 600


@given(
    st.integers(0, 700),
    st.lists(st.integers(1, 200), max_size=8),
    st.sampled_from([True, False]),
)
def test_it_is_as_if_those_calls_had_come_first(before, seconds, carries_over):
    """One call of the quantity, ahead of all others, leaves them the same."""
    calls = [call(n, seconds=some) for n, some in enumerate(seconds, 1)]
    with_opening = make_ledger({Key(1, 1, JULY): before}, carries_over=carries_over)
    with_call = make_ledger({}, carries_over=carries_over)
    first = call(0, seconds=before)
    expected = covered(with_call, first, *calls)[1:]
    assert covered(with_opening, *calls) == expected
    carried = [
        next(iter(ledger.look(1, AUGUST).values())).carried
        for ledger in (with_opening, with_call)
    ]
    assert carried[0] == carried[1]
