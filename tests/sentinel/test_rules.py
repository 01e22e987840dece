"""Each rule by example, and all against the plainest way to say the same."""

import ast
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel import Habit, Limits, SeenCall, find

ZONE = ZoneInfo("America/Sao_Paulo")
START = datetime(2026, 11, 16, 12)
SOURCES = sorted((Path(__file__).parents[2] / "saperx_voip" / "sentinel").glob("*.py"))


def call(key, minutes=0, *, lasts=60, amount="10", country=None):
    """:param minutes: after ``START``; :param lasts: seconds"""
    start = START + timedelta(minutes=minutes)
    return SeenCall(
        key, start, start + timedelta(seconds=lasts), Decimal(amount), country
    )


def only(calls, limits, habit=None):
    found = find(calls, limits, ZONE, habit)
    assert len(found) <= 1
    return found[0] if found else None


def keys(finding):
    return [call.key for call in finding.calls]


def test_reais_per_hour_count_in_any_sixty_minutes():
    limits = Limits(hour_amount=Decimal(25))
    calls = [call(n, 25 * n) for n in range(4)]
    assert keys(only(calls, limits)) == [0, 1, 2, 3]
    assert only(calls, limits).figure == 30
    assert only(calls[:2], limits) is None


def test_a_call_an_hour_later_is_not_in_the_same_hour():
    limits = Limits(hour_amount=Decimal(15))
    assert only([call(1), call(2, 60)], limits) is None
    assert only([call(1), call(2, 59)], limits).figure == 20


def test_what_reaches_a_limit_is_not_beyond_it():
    assert only([call(1)], Limits(hour_amount=Decimal(10))) is None
    assert only([call(1)], Limits(day_amount=Decimal(10))) is None


def test_a_day_is_the_local_one():
    limits = Limits(day_amount=Decimal(15))
    midnight = 15 * 60  # 12:00 UTC is 9:00 there
    assert only([call(1, midnight - 1), call(2, midnight)], limits) is None
    found = only([call(1, midnight), call(2, midnight + 24 * 60 - 1)], limits)
    assert found.figure == 20


def test_countries_are_watched_once_some_are_named():
    calls = [
        call(1, country="PT"),
        call(2, country="JM"),
        call(3, country=""),
        call(4),
    ]
    assert only(calls, Limits()) is None
    found = only(calls, Limits(countries=frozenset({"PT"})))
    assert keys(found) == [2, 3]
    assert (found.figure, found.amount) == (2, 20)


def test_long_calls_count_only_while_they_overlap():
    limits = Limits(long_calls=3, long_seconds=600)
    beside = [call(n, n, lasts=600) for n in range(3)]
    assert only(beside, limits).figure == 3
    assert only(beside[:2], limits) is None
    assert only([call(n, 10 * n, lasts=600) for n in range(9)], limits) is None
    assert only([call(n, 0, lasts=599) for n in range(9)], limits) is None


def test_far_above_habit_is_beyond_the_factor_and_the_floor():
    habit = Habit((Decimal(2),) * 24, (Decimal(100),) * 7)
    limits = Limits(habit_factor=Decimal(5), habit_floor=Decimal(12))
    assert only([call(1)], limits, habit) is None
    assert only([call(1, amount="12")], limits, habit) is None
    found = only([call(1, amount="12.01")], limits, habit)
    assert (found.figure, found.limit) == (Decimal("12.01"), 12)
    assert only([call(1, amount="99")], limits, None) is None


def test_a_day_far_above_habit_counts_though_no_hour_is():
    habit = Habit((Decimal(100),) * 24, (Decimal(2),) * 7)
    limits = Limits(habit_factor=Decimal(5))
    assert only([call(1), call(2, 120)], limits, habit).figure == 20


calls_at_random = st.lists(
    st.builds(
        call,
        st.uuids(),
        st.integers(0, 3000),
        lasts=st.integers(0, 4000),
        amount=st.decimals(0, 50, places=2).map(str),
        country=st.sampled_from([None, "", "PT", "JM", "CU"]),
    ),
    max_size=30,
    unique_by=lambda one: one.key,
)
amounts = st.none() | st.decimals(0, 100, places=2)
limits_at_random = st.builds(
    Limits,
    hour_amount=amounts,
    day_amount=amounts,
    countries=st.frozensets(st.sampled_from(["PT", "JM"])),
    long_calls=st.none() | st.integers(1, 4),
    long_seconds=st.integers(0, 2000),
)


def naive(calls, limits):
    """Rule to (figure, keys), by looking at every moment there is."""

    def total(some):
        return sum((one.amount for one in some), Decimal(0))

    def day(one):
        return one.start.replace(tzinfo=UTC).astimezone(ZONE).date()

    def abroad(one):
        return one.country is not None and one.country not in limits.countries

    found = {}
    if limits.hour_amount is not None:
        hours = [
            [o for o in calls if c.start - timedelta(hours=1) < o.start <= c.start]
            for c in calls
        ]
        found["hour"] = [(total(h), h) for h in hours if total(h) > limits.hour_amount]
    if limits.day_amount is not None:
        days = [[o for o in calls if day(o) == day(c)] for c in calls]
        found["day"] = [(total(d), d) for d in days if total(d) > limits.day_amount]
    if limits.countries and (guilty := list(filter(abroad, calls))):
        found["country"] = [(len(guilty), guilty)]
    if limits.long_calls is not None:
        long = [
            c
            for c in calls
            if (c.end - c.start).total_seconds() >= max(limits.long_seconds, 1)
        ]
        sets = [[o for o in long if o.start <= c.start < o.end] for c in long]
        found["simultaneous"] = [
            (len(s), s) for s in sets if len(s) >= limits.long_calls
        ]
    return {
        rule: (
            max(figure for figure, _calls in hits),
            {one.key for _figure, guilty in hits for one in guilty},
        )
        for rule, hits in found.items()
        if hits
    }


@given(calls_at_random, limits_at_random)
def test_the_rules_find_what_the_plainest_way_finds(calls, limits):
    found = find(calls, limits, ZONE, None)
    assert {f.rule: (f.figure, set(keys(f))) for f in found} == naive(calls, limits)
    for finding in found:
        assert finding.amount == sum(one.amount for one in finding.calls)


@given(calls_at_random, limits_at_random, st.randoms())
def test_the_order_in_which_calls_come_does_not_matter(calls, limits, random):
    mixed = random.sample(calls, len(calls))
    one, other = (find(some, limits, ZONE, None) for some in (calls, mixed))
    assert [(f.rule, f.figure, set(keys(f))) for f in one] == [
        (f.rule, f.figure, set(keys(f))) for f in other
    ]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_it_needs_only_itself_and_the_standard_library_and_holds_no_float(source):
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module]
        else:
            assert not (
                isinstance(node, ast.Constant) and isinstance(node.value, float)
            )
            continue
        assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
