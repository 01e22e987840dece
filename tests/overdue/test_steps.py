"""Which step comes next for an unpaid contract, and when."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from overdue import Calendar, Rules, Standing, Step, StepKind, next_step

# Monday, 2 March 2026; no holiday is near.
DUE = date(2026, 3, 2)
RULES = Rules(notice=5, partial=15, full=30, cancel=75, last_notice=10)
ANY_DAY = Calendar(spares_rest_days=False)
SPARING = Calendar("RS")

DAYS = st.dates(date(2025, 1, 1), date(2027, 12, 31))


@st.composite
def rules(draw):
    partial, full, cancel = sorted(
        draw(st.lists(st.integers(1, 120), min_size=3, max_size=3, unique=True))
    )
    kept = st.booleans()
    return Rules(
        notice=draw(st.integers(1, 30)),
        partial=partial if draw(kept) else None,
        full=full if draw(kept) else None,
        cancel=cancel if draw(kept) else None,
        last_notice=draw(st.integers(1, 30)) if draw(kept) else None,
    )


def take(standing, step, day):
    """The standing after a step that was taken on a day."""
    changes = {
        StepKind.NOTICE: {"noticed": day},
        StepKind.PARTIAL: {"partial": day, "level": "partial"},
        StepKind.FULL: {"full": day, "level": "full"},
        StepKind.LAST_NOTICE: {"last_noticed": day},
    }
    return replace(standing, **changes[step.kind])


def live(standing, given_rules, calendar, lateness=0):
    """All steps to the end, each taken so many days late."""
    steps = []
    while step := next_step(standing, given_rules, calendar):
        day = step.day + timedelta(days=lateness)
        steps.append(Step(step.kind, day))
        if step.kind == StepKind.CANCEL:
            break
        standing = take(standing, step, day)
    return steps


def test_days_count_from_the_notice_not_from_the_due_date():
    standing = Standing(DUE, noticed=date(2026, 3, 20))
    assert next_step(standing, RULES, ANY_DAY) == Step(
        StepKind.PARTIAL, date(2026, 4, 4)
    )


def test_the_whole_way_on_plain_days():
    assert live(Standing(DUE), RULES, ANY_DAY) == [
        Step(StepKind.NOTICE, date(2026, 3, 9)),  # the 7th is a Saturday
        Step(StepKind.PARTIAL, date(2026, 3, 24)),
        Step(StepKind.FULL, date(2026, 4, 8)),
        Step(StepKind.LAST_NOTICE, date(2026, 5, 13)),
        Step(StepKind.CANCEL, date(2026, 5, 23)),
    ]


def test_a_step_that_is_left_out_is_left_out():
    bare = Rules(notice=5, partial=None, full=15, cancel=None, last_notice=10)
    kinds = [step.kind for step in live(Standing(DUE), bare, ANY_DAY)]
    assert kinds == [StepKind.NOTICE, StepKind.FULL]


@pytest.mark.parametrize(
    ("wanted", "day"),
    [
        (date(2026, 3, 5), date(2026, 3, 5)),  # a Thursday
        (date(2026, 3, 6), date(2026, 3, 9)),  # a Friday
        (date(2026, 3, 8), date(2026, 3, 9)),  # a Sunday
        (date(2026, 4, 20), date(2026, 4, 22)),  # the eve of Tiradentes
        (date(2026, 9, 7), date(2026, 9, 8)),  # Independence
        (date(2026, 2, 12), date(2026, 2, 12)),  # before carnival's weekend
        (date(2026, 2, 13), date(2026, 2, 19)),  # carnival, to Ash Wednesday
    ],
)
def test_nobody_is_cut_off_before_or_on_days_of_rest(wanted, day):
    noticed = wanted - timedelta(days=RULES.partial)
    step = next_step(Standing(DUE, noticed=noticed), RULES, SPARING)
    assert step == Step(StepKind.PARTIAL, day)


def test_a_states_holiday_and_the_towns_own_count():
    ragamuffin = date(2026, 9, 20)  # of Rio Grande do Sul, a Sunday
    assert Calendar("RS").is_holiday(ragamuffin)
    assert not Calendar("SP").is_holiday(ragamuffin)
    town = date(2026, 3, 10)
    assert not Calendar("RS", [town]).is_cutting_day(town)
    assert not Calendar("RS", [town]).is_cutting_day(town - timedelta(days=1))
    assert Calendar("RS", [town], spares_rest_days=False).is_cutting_day(town)


def test_a_state_that_does_not_exist_has_the_countrys_holidays():
    assert Calendar("XX").is_holiday(date(2026, 9, 7))


def test_a_due_date_on_a_day_of_rest_is_that_of_the_next_working_day():
    saturday, monday = date(2026, 3, 7), date(2026, 3, 9)
    assert next_step(Standing(saturday), RULES, ANY_DAY) == next_step(
        Standing(monday), RULES, ANY_DAY
    )


def test_a_hold_puts_everything_off_until_it_ends():
    held = Standing(DUE, noticed=date(2026, 3, 9), held_until=date(2026, 5, 1))
    assert next_step(held, RULES, ANY_DAY).day == date(2026, 5, 2)


def test_a_hold_without_end_leaves_nothing_to_come():
    held = Standing(DUE, noticed=date(2026, 3, 9), held_until=date.max)
    assert next_step(held, RULES, SPARING) is None


def test_what_a_broken_promise_had_lifted_comes_back_as_far_as_it_had_come():
    lifted = Standing(
        DUE,
        noticed=date(2026, 3, 9),
        partial=date(2026, 3, 24),
        full=date(2026, 4, 8),
        level=None,
        held_until=date(2026, 4, 20),
    )
    step = next_step(lifted, RULES, SPARING)
    assert step == Step(StepKind.FULL, date(2026, 4, 22))


def test_a_last_notice_that_went_out_late_moves_the_end():
    standing = Standing(
        DUE,
        noticed=date(2026, 3, 9),
        partial=date(2026, 3, 24),
        full=date(2026, 4, 8),
        last_noticed=date(2026, 6, 1),
        level="full",
    )
    assert next_step(standing, RULES, ANY_DAY).day == date(2026, 6, 11)


@pytest.mark.parametrize(
    "values",
    [
        {"notice": 0},
        {"partial": 0},
        {"partial": 30, "full": 30},
        {"full": 80},
        {"last_notice": 0},
    ],
)
def test_rules_that_make_no_sense_are_refused(values):
    with pytest.raises(ValueError):
        replace(RULES, **values)


@given(DAYS, rules(), st.integers(0, 40), st.booleans())
def test_no_step_comes_sooner_than_the_rules_say(due, given_rules, lateness, spares):
    calendar = Calendar("SP", spares_rest_days=spares)
    taken = {
        step.kind: step.day
        for step in live(Standing(due), given_rules, calendar, lateness)
    }
    noticed = taken[StepKind.NOTICE]
    assert noticed >= due + timedelta(days=given_rules.notice)
    since_notice = {
        StepKind.PARTIAL: given_rules.partial,
        StepKind.FULL: given_rules.full,
        StepKind.CANCEL: given_rules.cancel,
    }
    wanted = {kind for kind, days in since_notice.items() if days is not None}
    if given_rules.cancel is not None and given_rules.last_notice is not None:
        wanted.add(StepKind.LAST_NOTICE)
        between = taken[StepKind.CANCEL] - taken[StepKind.LAST_NOTICE]
        assert between.days >= given_rules.last_notice
    assert taken.keys() == wanted | {StepKind.NOTICE}
    for kind, days in since_notice.items():
        if days is None:
            continue
        assert (taken[kind] - noticed).days >= days
        for former, former_days in since_notice.items():
            if former_days is not None and former_days < days:
                assert (taken[kind] - taken[former]).days >= days - former_days


@given(DAYS, rules(), st.booleans())
def test_blocks_and_ends_come_on_cutting_days_and_notices_on_working_days(
    due, given_rules, spares
):
    calendar = Calendar("SP", spares_rest_days=spares)
    for step in live(Standing(due), given_rules, calendar):
        if step.kind in (StepKind.NOTICE, StepKind.LAST_NOTICE):
            assert calendar.is_working_day(step.day)
        else:
            assert calendar.is_cutting_day(step.day)
