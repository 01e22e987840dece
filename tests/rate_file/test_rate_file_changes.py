"""What a file would change in a plan."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from rate_file import Known, Row, add, new_prices
from rate_file_samples import rate_values
from rating import Rate, Tariff

DAY = date(2027, 1, 1)
EVE = date(2026, 12, 31)


def known(id, *arguments, is_charged=False, **values):
    return Known(id, rate_values(*arguments, **values), is_charged)


def row(line, prefix="", call_class=None, price="0.10", **values):
    return Row(
        line,
        {
            "prefix": prefix,
            "call_class": call_class,
            "price_per_minute": Decimal(price),
            **values,
        },
    )


def rate_of(row, begins):
    """The values of a new rate that a row alone makes."""
    return {**rate_values(), **row.values, "date_from": begins}


def codes(changes):
    return [(problem.line, problem.code) for problem in changes.problems]


class TestAdd:
    def test_new_changed_and_unchanged(self):
        changes = add(
            [known(1, "55", "lc"), known(2, "", "vc1", minimum_seconds=60)],
            [
                row(2, "55", "lc"),
                row(3, "", "vc1", "0.40"),
                row(4, "1", "ldi", "2", step_seconds=60),
            ],
        )
        assert changes.unchanged == 1
        # What the file does not say stays as it is.
        assert changes.update == [(2, {"price_per_minute": Decimal("0.40")})]
        assert changes.create == [rate_values("1", "ldi", "2", step_seconds=60)]
        assert not changes.problems

    def test_a_rate_of_charged_calls_keeps_its_price(self):
        charged = known(1, "55", "lc", is_charged=True)
        assert codes(add([charged], [row(2, "55", "lc", "0.40")])) == [(2, "charged")]
        changes = add([charged], [row(2, "55", "lc", date_from=None, date_to=DAY)])
        assert changes.update == [(1, {"date_to": DAY})]

    def test_the_same_rate_twice(self):
        changes = add([], [row(2, "55", "lc"), row(3, "55", "lc", "0.2")])
        assert codes(changes) == [(3, "duplicate")]

    def test_what_would_never_rule_beside_a_running_rate_is_refused(self):
        later = row(2, "55", "lc", "0.2", date_from=DAY, date_to=None)
        assert codes(add([known(1, "55", "lc")], [later])) == [(2, "overlaps")]
        assert add([known(1, "55", "lc", date_to=EVE)], [later]).create
        first = row(2, "55", "lc", "0.2", date_from=DAY, sequence=5)
        assert add([known(1, "55", "lc")], [first]).create

    def test_rows_of_one_file_that_hold_on_the_same_days(self):
        older = row(2, date_from=date(2026, 1, 1), date_to=None)
        newer = row(3, price="0.20", date_from=date(2026, 6, 1), date_to=None)
        changes = add([], [older, newer])
        assert codes(changes) == [(3, "overlaps")]
        assert changes.problems[0].other_line == 2
        # Whichever stands first.
        newer, older = replace(newer, line=2), replace(older, line=3)
        assert codes(add([], [newer, older])) == [(3, "overlaps")]
        older.values["date_to"] = date(2026, 5, 31)
        assert len(add([], [newer, older]).create) == 2

    def test_a_row_beside_a_rate_that_another_row_matched(self):
        plan = [known(1, date_from=EVE)]
        matching = row(2, price="0.15", date_from=EVE, date_to=None)
        newer = row(3, price="0.20", date_from=DAY, date_to=None)
        changes = add(plan, [matching, newer])
        assert codes(changes) == [(3, "overlaps")]
        assert changes.problems[0].other_line == 2
        # It counts as the file leaves it, wherever the file does so.
        ending = replace(matching, line=4)
        ending.values["date_to"] = EVE
        assert len(add(plan, [newer, ending]).create) == 1

    def test_a_row_that_lengthens_a_rate_into_the_next(self):
        plan = [known(1, date_to=EVE), known(2, date_from=DAY)]
        longer = row(2, date_from=None, date_to=DAY)
        assert codes(add(plan, [longer])) == [(2, "overlaps")]

    def test_what_overlapped_before_comes_back_as_it_was(self):
        plan = [known(1), known(2, price="0.20", date_from=DAY)]
        rows = [Row(line, rate.values) for line, rate in enumerate(plan, 2)]
        changes = add(plan, rows)
        assert not changes.problems
        assert changes.unchanged == 2


class TestNewPrices:
    def test_the_old_ends_the_day_before_and_its_cadence_goes_on(self):
        changes = new_prices(
            [known(1, "55", "lc", step_seconds=60, cost_per_minute=Decimal("0.02"))],
            [row(2, "55", "lc", "0.2")],
            DAY,
        )
        assert changes.end == [(1, EVE)]
        assert changes.create == [
            rate_values(
                "55",
                "lc",
                "0.2",
                step_seconds=60,
                cost_per_minute=Decimal("0.02"),
                date_from=DAY,
            )
        ]

    def test_the_same_price_is_left_alone(self):
        changes = new_prices([known(1, "55", "lc")], [row(2, "55", "lc")], DAY)
        assert not changes
        assert changes.unchanged == 1

    def test_what_the_file_lacks_ends_only_if_asked(self):
        rates = [
            known(1, "55", "lc"),
            known(2, "1"),
            known(3, "2", date_to=EVE),
            known(4, "3", date_from=DAY),
        ]
        rows = [row(2, "55", "lc")]
        assert not new_prices(rates, rows, DAY)
        assert new_prices(rates, rows, DAY, end_absent=True).end == [(2, EVE)]

    def test_a_price_planned_for_later_still_begins_then(self):
        march = date(2027, 3, 1)
        changes = new_prices(
            [known(1, date_to=date(2027, 2, 28)), known(2, price="9", date_from=march)],
            [row(2, price="0.2")],
            DAY,
        )
        assert changes.end == [(1, EVE)]
        assert changes.create[0]["date_to"] == date(2027, 2, 28)
        changes = new_prices(
            [known(2, price="9", date_from=march)], [row(2, price="0.2")], DAY
        )
        assert changes.create[0]["date_to"] == march - timedelta(days=1)
        assert changes.kept_later == 1

    def test_the_same_day_again_corrects_the_price(self):
        rates = [known(1, date_to=EVE), known(2, price="9", date_from=DAY)]
        changes = new_prices(rates, [row(2, price="0.2")], DAY)
        assert changes.update == [(2, {"price_per_minute": Decimal("0.2")})]
        assert not (changes.create or changes.end)
        charged = [known(2, price="9", date_from=DAY, is_charged=True)]
        assert codes(new_prices(charged, [row(2, price="0.2")], DAY)) == [
            (2, "charged")
        ]

    def test_rows_of_the_past_are_over_and_rows_of_the_future_begin_then(self):
        march = date(2027, 3, 1)
        changes = new_prices(
            [known(1)],
            [
                row(2, price="0.1", date_from=None, date_to=EVE),
                row(3, price="0.3", date_from=march, date_to=None),
            ],
            DAY,
        )
        assert changes.over == 1
        assert changes.end == [(1, date(2027, 2, 28))]
        assert changes.create[0]["date_from"] == march

    def test_each_step_takes_over_what_the_file_does_not_state(self):
        cadence = {
            "connection_fee": Decimal("0.05"),
            "minimum_seconds": 60,
            "step_seconds": 60,
            "cost_per_minute": Decimal("0.02"),
            "sequence": 4,
        }
        march = date(2027, 3, 1)
        rows = [
            row(2, price="0.11", date_from=None, date_to=date(2027, 2, 28)),
            row(3, price="0.12", date_from=march, date_to=None),
        ]
        changes = new_prices([known(1, **cadence)], rows, DAY)
        assert changes.end == [(1, EVE)]
        first, second = rate_of(rows[0], DAY), rate_of(rows[1], march)
        assert changes.create == [{**first, **cadence}, {**second, **cadence}]

    def test_one_price_in_two_steps_holds_without_a_gap(self):
        march = date(2027, 3, 1)
        rows = [
            row(2, date_from=None, date_to=date(2027, 2, 28)),
            row(3, date_from=march, date_to=None),
        ]
        changes = new_prices([known(1, step_seconds=60)], rows, DAY)
        assert changes.update == [(1, {"date_to": date(2027, 2, 28)})]
        assert changes.create == [rate_values(step_seconds=60, date_from=march)]
        # A price that the first row leaves as it is hands its cadence on, too.
        plan = [known(1, step_seconds=60, date_to=date(2027, 2, 28))]
        assert new_prices(plan, rows, DAY).create == changes.create

    def test_the_same_price_without_an_end_leaves_room_for_what_was_planned(self):
        february = date(2027, 2, 28)
        plan = [
            known(1, date_to=february),
            known(2, price="9", date_from=date(2027, 3, 1)),
        ]
        changes = new_prices(plan, [row(2, date_from=None, date_to=None)], DAY)
        assert not changes
        assert changes.unchanged == 1

    def test_two_prices_for_one_day(self):
        changes = new_prices([], [row(2), row(3, price="0.2")], DAY)
        assert codes(changes) == [(3, "duplicate")]
        # A short one between does not let the first go on unseen.
        short = row(3, price="0.2", date_from=DAY, date_to=DAY)
        third = row(4, price="0.3", date_from=date(2027, 3, 1))
        changes = new_prices([], [row(2), short, third], DAY)
        assert codes(changes) == [(3, "duplicate"), (4, "duplicate")]


prefixes = st.sampled_from(["", "5", "55", "551"])
classes = st.sampled_from([None, "lc", "vc1"])
cents = st.integers(0, 9).map(lambda n: f"0.0{n}")
days = st.none() | st.dates(date(2026, 12, 20), date(2027, 1, 12))


@st.composite
def plans(draw):
    rates = []
    for number in range(draw(st.integers(0, 8))):
        first, last = draw(days), draw(days)
        if first and last and last < first:
            first, last = last, first
        rates.append(
            known(
                number + 1,
                draw(prefixes),
                draw(classes),
                draw(cents),
                date_from=first,
                date_to=last,
                sequence=draw(st.integers(1, 2)),
            )
        )
    return rates


def tariff_of(rates):
    return Tariff(
        1,
        [
            Rate(id=id, **{k: v for k, v in values.items() if k != "cost_per_minute"})
            for id, values in rates.items()
        ],
    )


@given(
    plans(),
    st.lists(st.tuples(prefixes, classes, cents), unique_by=lambda wanted: wanted[:2]),
    st.sampled_from(["551133334444", "5533", "5", "1"]),
    st.sampled_from(["lc", "vc1", "ldi"]),
)
def test_before_the_day_nothing_changes_and_on_it_the_files_prices_hold(
    plan, wanted, digits, call_class
):
    rows = [row(line, *values) for line, values in enumerate(wanted, 2)]
    changes = new_prices(plan, rows, DAY)
    assert not changes.problems
    after = {rate.id: dict(rate.values) for rate in plan}
    before = tariff_of(after)
    for id, values in changes.update:
        after[id] |= values
    for id, last in changes.end:
        after[id]["date_to"] = last
        assert not after[id]["date_from"] or after[id]["date_from"] <= last
    after |= {100 + place: values for place, values in enumerate(changes.create)}
    then = tariff_of(after)
    for days_before in (1, 5, 12):
        day = DAY - timedelta(days=days_before)
        ruled, rules = (
            tariff.choose(digits, call_class, day) for tariff in (before, then)
        )
        assert (ruled and ruled.id) == (rules and rules.id)
    rate = then.choose(digits, call_class, DAY)
    prices = {values[:2]: Decimal(values[2]) for values in wanted}
    if rate and (rate.prefix, rate.call_class) in prices:
        assert rate.price_per_minute == prices[rate.prefix, rate.call_class]
    # Once done, the file has nothing more to change.
    again = [Known(id, values) for id, values in after.items()]
    assert not new_prices(again, rows, DAY)


class TestTold:
    """What a person is shown of the changes."""

    def told(self, changes):
        return [
            (
                change.line,
                change.before and change.before["price_per_minute"],
                change.after and change.after["price_per_minute"],
            )
            for change in changes.told
        ]

    def test_an_old_price_that_ends_and_its_follower_are_one_changed_price(self):
        changes = new_prices(
            [known(1, "55", "lc"), known(2, "1"), known(3, "2", price="3")],
            [row(2, "7"), row(3, "55", "lc", "0.2"), row(4, "1")],
            DAY,
            end_absent=True,
        )
        ten, twenty = Decimal("0.10"), Decimal("0.2")
        assert self.told(changes) == [(2, None, ten), (3, ten, twenty), (0, 3, None)]
        assert changes.told[1].after["date_from"] == DAY
        assert changes.told[1].before["date_to"] is None
        assert changes.told[2].last_day == EVE
        assert changes.unchanged == 1

    def test_added_rows_are_told_in_the_order_of_the_file(self):
        changes = add(
            [known(1, "55", "lc")],
            [row(2, "7"), row(3, "55", "lc", "0.2"), row(4, "8")],
        )
        ten, twenty = Decimal("0.10"), Decimal("0.2")
        assert self.told(changes) == [(2, None, ten), (3, ten, twenty), (4, None, ten)]

    def test_a_refused_row_is_not_told(self):
        changes = add(
            [known(1), known(2, "1", is_charged=True)],
            [row(2, price="0.2", date_from=DAY), row(3, "1", price="0.2")],
        )
        assert codes(changes) == [(3, "charged"), (2, "overlaps")]
        assert not changes.told

    def test_a_second_rate_that_the_new_price_ends_is_told_by_itself(self):
        changes = new_prices(
            [known(1), known(2, sequence=20, price="5")], [row(2, price="0.2")], DAY
        )
        assert self.told(changes) == [
            (2, 5, None),
            (2, Decimal("0.10"), Decimal("0.2")),
        ]

    def test_prices_in_steps_are_told_from_one_to_the_next(self):
        january = date(2027, 1, 31)
        changes = new_prices(
            [known(1)],
            [
                row(2, price="0.2", date_to=january),
                row(3, price="0.3", date_from=date(2027, 2, 1)),
            ],
            DAY,
        )
        assert self.told(changes) == [
            (2, Decimal("0.10"), Decimal("0.2")),
            (3, Decimal("0.2"), Decimal("0.3")),
        ]
