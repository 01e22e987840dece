"""When tasks run: the guide's entries, both kinds of days, and clocks that change."""

from datetime import datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import every_minute
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from schedule import ENTRIES, Misentry, Misfit, Problem, Timetable, pause_after

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
NEW_YORK = ZoneInfo("America/New_York")

# Days on which clocks changed, by an hour, by half an hour, at midnight, twice around
# Ramadan, and by a whole day.
CHANGES = [
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/Sao_Paulo", "2019-02-16"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Australia/Lord_Howe", "2026-10-04"),
    ("Africa/Casablanca", "2026-02-15"),
    ("Africa/Casablanca", "2026-03-22"),
    ("America/Scoresbysund", "2024-03-31"),
    ("Pacific/Apia", "2011-12-30"),
    ("Asia/Kathmandu", "2026-06-01"),
    ("UTC", "2024-02-29"),
]


def timetable(**entries):
    every = dict.fromkeys(ENTRIES, "Todos")
    return Timetable(**{**every, "minute": "0", "hour": "0", **entries})


def first_runs(table, moment, count=5, zone=SAO_PAULO):
    runs = islice(table.runs_after(datetime.fromisoformat(moment), zone), count)
    return [str(run) for run in runs]


def test_an_example_of_the_guide_half_past_seven_from_monday_to_friday():
    # Thursday, 26 November 2026; the zone is three hours behind.
    table = timetable(hour="7", minute="30", weekday="1-5")
    assert first_runs(table, "2026-11-26 10:30", 4) == [
        "2026-11-27 10:30:00",
        "2026-11-30 10:30:00",
        "2026-12-01 10:30:00",
        "2026-12-02 10:30:00",
    ]


def test_day_of_month_and_weekday_must_both_fit():
    # The first Monday of each month.
    table = timetable(day="1-7", weekday="1")
    assert first_runs(table, "2026-11-26 00:00", 3) == [
        "2026-12-07 03:00:00",
        "2027-01-04 03:00:00",
        "2027-02-01 03:00:00",
    ]


def test_day_31_does_not_run_in_a_short_month():
    assert first_runs(timetable(day="31"), "2026-08-01 00:00", 4) == [
        "2026-08-31 03:00:00",
        "2026-10-31 03:00:00",
        "2026-12-31 03:00:00",
        "2027-01-31 03:00:00",
    ]


def test_sunday_is_0_and_7():
    sundays = first_runs(timetable(weekday="0"), "2026-11-26 00:00")
    assert sundays == first_runs(timetable(weekday="7"), "2026-11-26 00:00")
    assert sundays[0] == "2026-11-29 03:00:00"
    assert timetable(weekday="5-7").weekdays == {5, 6, 0}


def test_a_leap_day_on_a_monday_is_waited_for():
    table = timetable(day="29", month="2", weekday="1")
    assert first_runs(table, "2026-11-26 00:00", 1) == ["2044-02-29 03:00:00"]


def test_a_time_that_clocks_leave_out_runs_once_when_they_go_on():
    table = timetable(minute="0,15,30,45", hour="2")
    assert first_runs(table, "2026-03-08 05:00", 2, NEW_YORK) == [
        "2026-03-08 07:00:00",
        "2026-03-09 06:00:00",
    ]


def test_a_time_that_comes_twice_runs_the_first_time_only():
    table = timetable(minute="30", hour="1")
    # Also asked between the two.
    assert first_runs(table, "2026-11-01 05:00", 2, NEW_YORK) == [
        "2026-11-01 05:30:00",
        "2026-11-02 06:30:00",
    ]
    assert first_runs(table, "2026-11-01 06:10", 1, NEW_YORK) == ["2026-11-02 06:30:00"]


@pytest.mark.parametrize(
    "name, text, problem, part",
    [
        ("minute", "60", Problem.OUT_OF_RANGE, "60"),
        ("hour", "24", Problem.OUT_OF_RANGE, "24"),
        ("day", "0", Problem.OUT_OF_RANGE, "0"),
        ("day", "1-32", Problem.OUT_OF_RANGE, "32"),
        ("month", "13", Problem.OUT_OF_RANGE, "13"),
        ("weekday", "8", Problem.OUT_OF_RANGE, "8"),
        ("weekday", "5-1", Problem.BACKWARDS, "5-1"),
        ("hour", "", Problem.EMPTY, ""),
        ("hour", None, Problem.EMPTY, ""),
        ("hour", " , ", Problem.EMPTY, ""),
        ("hour", "7,", Problem.UNREADABLE, "7,"),
        ("hour", "sete", Problem.UNREADABLE, "sete"),
        ("hour", "7:30", Problem.UNREADABLE, "7:30"),
        ("hour", "-7", Problem.UNREADABLE, "-7"),
        ("hour", "*/2", Problem.UNREADABLE, "*/2"),
        ("hour", "٧", Problem.UNREADABLE, "٧"),
        ("hour", "00007", Problem.UNREADABLE, "00007"),
    ],
)
def test_what_cannot_be_taken_is_named(name, text, problem, part):
    with pytest.raises(Misentry) as caught:
        timetable(**{name: text})
    error = caught.value
    assert (error.entry.name, error.problem, error.part) == (name, problem, part)


@pytest.mark.parametrize(
    "days, months", [("31", "2"), ("30-31", "2"), ("31", "2,4,6,9,11")]
)
def test_a_day_that_no_year_has_is_refused(days, months):
    with pytest.raises(Misentry) as caught:
        timetable(day=days, month=months)
    assert caught.value.problem is Problem.NEVER


def test_29_february_is_a_day():
    assert timetable(day="29-31", month="2").days == {29, 30, 31}


@pytest.mark.parametrize(
    "text, kept",
    [
        (" 1 - 5 ; 07,20 ", "1-5,7,20"),
        ("1–5", "1-5"),
        ("TODOS", "*"),
        ("all", "*"),
        ("5,Todos", "*"),
        ("1-31", "*"),
        ("1-15, 16-31", "*"),
    ],
)
def test_entries_are_kept_in_one_spelling(text, kept):
    assert ENTRIES["day"].tidy(text) == kept
    assert ENTRIES["day"].parse(kept) == ENTRIES["day"].parse(text)


@pytest.mark.parametrize(
    "entries, daily, monthly",
    [
        ({}, None, Misfit.MORE_THAN_MONTHLY),
        ({"hour": "6,18"}, None, Misfit.MORE_THAN_MONTHLY),
        ({"weekday": "1-5"}, Misfit.NOT_EVERY_DAY, Misfit.MORE_THAN_MONTHLY),
        ({"weekday": "1-7"}, None, Misfit.MORE_THAN_MONTHLY),
        ({"day": "1"}, Misfit.NOT_EVERY_DAY, None),
        ({"day": "1-7", "weekday": "1"}, Misfit.NOT_EVERY_DAY, None),
        ({"day": "1", "hour": "6,18"}, Misfit.NOT_EVERY_DAY, Misfit.MORE_THAN_MONTHLY),
        ({"day": "29"}, Misfit.NOT_EVERY_DAY, Misfit.NOT_EVERY_MONTH),
        ({"day": "1", "weekday": "1"}, Misfit.NOT_EVERY_DAY, Misfit.NOT_EVERY_MONTH),
        ({"day": "1", "month": "1-6"}, Misfit.NOT_EVERY_DAY, Misfit.NOT_EVERY_MONTH),
    ],
)
def test_a_timetable_is_held_against_the_import_period(entries, daily, monthly):
    table = timetable(**entries)
    assert table.misfit("daily") is daily
    assert table.misfit("monthly") is monthly


def test_pauses_grow_from_minutes_to_an_hour():
    minutes = [pause_after(n).total_seconds() / 60 for n in (1, 2, 3, 4, 5, 6, 99)]
    assert minutes == [2, 5, 10, 20, 60, 60, 60]


@st.composite
def texts(draw, entry):
    """Lists and intervals, rather many numbers so that something runs."""
    if draw(st.booleans()):
        return "Todos"
    number = st.integers(entry.least, entry.greatest)
    parts = []
    for _ in range(draw(st.integers(1, 4))):
        first, last = sorted((draw(number), draw(number)))
        parts.append(draw(st.sampled_from([f"{first}", f"{first}-{last}"])))
    return ", ".join(parts)


def meant(name, text):
    """The numbers of a text, read in the simplest way."""
    entry = ENTRIES[name]
    if text == "Todos":
        text = f"{entry.least}-{entry.greatest}"
    numbers = set()
    for part in text.split(", "):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return {n % 7 for n in numbers} if name == "weekday" else numbers


@settings(deadline=None)
@given(
    change=st.sampled_from(CHANGES),
    before=st.integers(0, 48 * 60),
    seconds=st.sampled_from([0, 0, 1, 59]),
    entries=st.fixed_dictionaries({n: texts(entry) for n, entry in ENTRIES.items()}),
)
def test_the_runs_are_those_of_asking_every_minute(change, before, seconds, entries):
    name, day = change
    zone = ZoneInfo(name)
    begin = datetime.fromisoformat(day) + timedelta(
        days=1, minutes=-before, seconds=seconds
    )
    end = begin + timedelta(days=2)
    numbers = {name: meant(name, text) for name, text in entries.items()}
    try:
        table = Timetable(**entries)
    except Misentry as error:
        assert error.problem is Problem.NEVER
        assert every_minute.runs(numbers, begin, end, zone) == []
        return
    found = takewhile(lambda run: run <= end, table.runs_after(begin, zone))
    assert list(found) == every_minute.runs(numbers, begin, end, zone)
