"""What allowances take of calls (§5, *Allowance*), and what cycles leave of them."""

from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rating import (
    Allowance,
    Balance,
    Holding,
    Key,
    Ledger,
    OpenCall,
    Rate,
    Stretches,
    cycle_of,
    draw,
    gross_amount,
    in_drawing_order,
)

TODAY = date(2026, 7, 1)
CLASSES = ("lc", "vc1", "ldi")
DIGITS = ("551133334444", "5511991234567", "12125550000", "")
UTC = ZoneInfo("UTC")


def make_rate(price="0.30", fee="0"):
    return Rate(1, 1, "", None, Decimal(price), Decimal(fee), 0, 1, 0)


def make_allowance(**values):
    return Allowance(
        **{"id": 1, "sequence": 10, "unit": "minutes", "quantity": 60, **values}
    )


def draw_one(balances, seconds=60, rate=None, **values):
    rate = rate or make_rate()
    return draw(
        **{
            "call_class": "vc1",
            "digits": "5511991234567",
            "local_date": TODAY,
            "charged_seconds": seconds,
            "gross": gross_amount(rate, seconds),
            "rate": rate,
            "balances": balances,
            **values,
        }
    )


def balance_of(carried=0, **values):
    allowance = make_allowance(**values)
    return Balance(allowance, own=allowance.quantity, carried=carried)


class TestDraw:
    @pytest.mark.parametrize(
        ("price", "fee", "seconds", "quantity", "covered", "amount"),
        [
            ("0.30", "0", 60, 40, 40, "0.10"),  # 20 s uncovered, of §5
            ("0.30", "0", 60, 0, 0, "0.30"),
            ("0.30", "0", 60, 60, 60, "0.00"),
            ("0.30", "0", 60, 900, 60, "0.00"),
            ("0.29", "0", 60, 1, 1, "0.28"),  # 0.28516…, cut once
            ("0.05", "0.99", 60, 59, 59, "0.99"),  # the fee stays while a second does
            ("0.05", "0.99", 60, 60, 60, "0.00"),  # and goes with the last one
        ],
    )
    def test_minutes_cover_seconds(
        self, price, fee, seconds, quantity, covered, amount
    ):
        rate = make_rate(price, fee)
        drawn = draw_one([balance_of(quantity=quantity)], seconds, rate)
        assert (drawn.covered_seconds, str(drawn.charged_amount)) == (covered, amount)
        assert drawn.covered_amount + drawn.charged_amount == gross_amount(
            rate, seconds
        )

    @pytest.mark.parametrize(
        ("centavos", "amount"),
        [(0, "0.30"), (1, "0.29"), (29, "0.01"), (30, "0.00"), (900, "0.00")],
    )
    def test_reais_cover_the_amount(self, centavos, amount):
        drawn = draw_one([balance_of(unit="reais", quantity=centavos)])
        assert str(drawn.charged_amount) == amount
        assert drawn.covered_seconds == 0

    def test_reais_cover_what_minutes_left(self):
        minutes = balance_of(id=1, quantity=40)
        reais = balance_of(id=2, unit="reais", quantity=7)
        drawn = draw_one([minutes, reais])
        assert drawn.uses == ((1, 40), (2, 7))
        assert str(drawn.charged_amount) == "0.03"

    def test_reais_cover_what_the_platform_charged(self):
        balance = balance_of(unit="reais", quantity=100)
        drawn = draw_one([balance], gross=Decimal("1.23"), rate=None)
        assert str(drawn.charged_amount) == "0.23"

    def test_minutes_and_the_platforms_amount_do_not_meet(self):
        with pytest.raises(ValueError, match="minutes"):
            draw(
                call_class="vc1",
                digits="",
                local_date=TODAY,
                charged_seconds=60,
                gross=Decimal("1.00"),
                rate=None,
                balances=[balance_of()],
            )

    def test_a_call_without_charged_seconds_draws_nothing(self):
        balances = [balance_of(id=1), balance_of(id=2, unit="reais", quantity=900)]
        drawn = draw_one(balances, seconds=0)
        assert (drawn.uses, drawn.charged_amount) == ((), 0)
        assert [balance.used for balance in balances] == [0, 0]

    @pytest.mark.parametrize(
        ("values", "fits"),
        [
            ({}, True),
            ({"call_classes": frozenset({"vc1", "lc"})}, True),
            ({"call_classes": frozenset({"lc"})}, False),
            ({"prefixes": ("5521", "5511")}, True),
            ({"prefixes": ("0800", "551")}, True),
            ({"prefixes": ("5521",)}, False),
            ({"prefixes": ("55119912345678",)}, False),  # longer than the number
            ({"call_classes": frozenset({"vc1"}), "prefixes": ("5521",)}, False),
            ({"call_classes": frozenset({"lc"}), "prefixes": ("5511",)}, False),
            ({"date_from": TODAY, "date_to": TODAY}, True),
            ({"date_from": TODAY + timedelta(1)}, False),
            ({"date_to": TODAY - timedelta(1)}, False),
        ],
    )
    def test_what_it_fits(self, values, fits):
        assert bool(draw_one([balance_of(**values)]).uses) is fits

    def test_drawing_order(self):
        expected = [
            make_allowance(id=5, sequence=1),
            make_allowance(id=2, sequence=2),
            make_allowance(id=3, sequence=2),
            make_allowance(id=4, sequence=0, unit="reais"),
            make_allowance(id=1, sequence=9, unit="reais"),
        ]
        assert in_drawing_order(reversed(expected)) == expected

    def test_the_carried_part_is_drawn_first(self):
        balance = balance_of(carried=50)
        draw_one([balance], seconds=40)
        assert (balance.carried_left, balance.own_left) == (10, 60)
        draw_one([balance], seconds=40)
        assert (balance.carried_left, balance.own_left) == (0, 30)

    def test_what_was_carried_away_is_not_drawn(self):
        balance = balance_of(carried=50)
        balance.carried_away = 60
        assert draw_one([balance], seconds=90).covered_seconds == 50
        assert draw_one([balance], seconds=90).covered_seconds == 0

    def test_no_decimal_context_changes_it(self):
        balances = [balance_of(quantity=40), balance_of(unit="reais", quantity=3)]
        with localcontext() as context:
            context.prec = 2
            drawn = draw_one(balances, 36_000)
        assert str(drawn.charged_amount) == "179.77"
        assert str(drawn.covered_amount) == "0.23"


class TestAllowance:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("unit", "seconds"),
            ("quantity", -1),
            ("prefixes", ("5511", "+55")),
            ("prefixes", ("٥",)),
        ],
    )
    def test_a_value_out_of_range_is_named(self, field, value):
        with pytest.raises(ValueError, match=field):
            make_allowance(**{field: value})

    def test_dates_in_order(self):
        with pytest.raises(ValueError, match="date_to"):
            make_allowance(date_from=TODAY, date_to=TODAY - timedelta(1))

    @pytest.mark.parametrize(
        ("quantity", "days", "length", "expected"),
        [(100, 15, 30, 50), (100, 10, 31, 32), (100, 31, 31, 100), (100, 0, 31, 0)],
    )
    def test_pro_rata_is_cut(self, quantity, days, length, expected):
        whole = make_allowance(quantity=quantity)
        assert whole.own_quantity(days, length) == quantity
        part = make_allowance(quantity=quantity, is_pro_rata=True)
        assert part.own_quantity(days, length) == expected


# One cycle of random calls

allowances = st.lists(
    st.builds(
        make_allowance,
        id=st.integers(1, 10**6),
        sequence=st.integers(1, 3),
        unit=st.sampled_from(("minutes", "reais")),
        quantity=st.integers(0, 900),
        call_classes=st.frozensets(st.sampled_from(CLASSES)),
        prefixes=st.lists(st.sampled_from(("1", "55", "5511")), max_size=2).map(tuple),
    ),
    max_size=5,
    unique_by=lambda allowance: allowance.id,
)
rates = st.builds(
    make_rate,
    st.decimals(0, 5, places=6).map(str),
    st.one_of(st.just("0"), st.decimals(0, 1, places=6).map(str)),
)
starts = st.datetimes(datetime(2026, 7, 1), datetime(2026, 7, 3))


@st.composite
def some_calls(draw_value):
    """Calls of one cycle in platform order, which is none."""
    calls = []
    for number in range(draw_value(st.integers(1, 12))):
        rate = draw_value(rates)
        seconds = draw_value(st.integers(0, 400))
        calls.append(
            OpenCall(
                id=number,
                remote_id=draw_value(st.sampled_from(("", "z", "é"))) + str(number),
                period_id=1,
                start=draw_value(st.one_of(st.just(datetime(2026, 7, 1)), starts)),
                cycle_end=date(2026, 7, 31),
                call_class=draw_value(st.sampled_from(CLASSES)),
                digits=draw_value(st.sampled_from(DIGITS)),
                charged_seconds=seconds,
                gross=gross_amount(rate, seconds),
                rate=rate,
            )
        )
    return calls


def charge(some_allowances, calls):
    """:return: a ledger, and by call id what was drawn"""
    holdings = [Holding(1, 1, 1, 1, 1, 31, False, datetime(2026, 7, 1), None)]
    ledger = Ledger(Stretches(holdings, UTC), {1: some_allowances})
    return ledger, {call.id: drawn for call, drawn in ledger.draw(calls)}


def total(drawn):
    return sum(each.charged_amount for each in drawn.values())


class TestProperties:
    @given(allowances, some_calls())
    def test_never_more_than_without_and_parts_sum_up(self, some, calls):
        ledger, drawn = charge(some, calls)
        used = dict.fromkeys((allowance.id for allowance in some), 0)
        minutes = {each.id for each in some if each.unit == "minutes"}
        for call in calls:
            done = drawn[call.id]
            assert 0 <= done.charged_amount <= call.gross
            assert done.charged_amount + done.covered_amount == call.gross
            assert 0 <= done.covered_seconds <= call.charged_seconds
            assert all(quantity > 0 for _id, quantity in done.uses)
            seconds = sum(q for id_, q in done.uses if id_ in minutes)
            centavos = sum(q for id_, q in done.uses if id_ not in minutes)
            assert seconds == done.covered_seconds
            # Each call is cut on its own: its uncovered seconds, less the reais.
            left = gross_amount(call.rate, call.charged_seconds - seconds)
            assert done.charged_amount == left - Decimal(centavos).scaleb(-2)
            assert done.charged_amount.as_tuple().exponent == -2
            for allowance_id, quantity in done.uses:
                used[allowance_id] += quantity
        for key, balance in ledger.look(1, date(2026, 7, 31)).items():
            assert balance.used == used[key.allowance_id]
            assert balance.own_left == balance.own - balance.used >= 0

    @given(allowances, some_calls(), st.randoms(use_true_random=False))
    def test_input_order_is_irrelevant(self, some, calls, random):
        _ledger, expected = charge(some, calls)
        random.shuffle(some)
        random.shuffle(calls)
        ledger, drawn = charge(some, calls)
        assert drawn == expected
        # The later call never drew on what an earlier one lacked.
        order = sorted(calls, key=lambda call: (call.start, call.remote_id))
        assert [call.id for call, _drawn in ledger.draw(calls)] == [
            call.id for call in order
        ]

    @given(allowances, some_calls(), st.integers(0, 400), st.data())
    def test_a_longer_call_never_lowers_the_total(self, some, calls, more, data):
        _ledger, before = charge(some, calls)
        place = data.draw(st.integers(0, len(calls) - 1))
        call = calls[place]
        seconds = call.charged_seconds + more
        calls[place] = OpenCall(
            **{name: getattr(call, name) for name in OpenCall._fields}
            | {"charged_seconds": seconds, "gross": gross_amount(call.rate, seconds)}
        )
        _ledger, after = charge(some, calls)
        assert after[call.id].charged_amount >= before[call.id].charged_amount
        assert total(after) >= total(before)

    @given(allowances, some_calls(), st.data())
    def test_a_larger_allowance_never_raises_the_total(self, some, calls, data):
        if not some:
            return
        place = data.draw(st.integers(0, len(some) - 1))
        values = {
            name: getattr(some[place], name)
            for name in ("id", "sequence", "unit", "call_classes", "prefixes")
        }
        quantity = some[place].quantity + data.draw(st.integers(0, 900))
        _ledger, before = charge(some, calls)
        some[place] = make_allowance(**values, quantity=quantity)
        _ledger, after = charge(some, calls)
        assert total(after) <= total(before)

    @given(allowances, some_calls(), st.integers(0, 300))
    def test_carried_before_own_and_minutes_before_reais(self, some, calls, carried):
        balances = [
            Balance(each, own=each.quantity, carried=carried)
            for each in in_drawing_order(some)
        ]
        for call in calls:
            drawn = draw_one(
                balances,
                call.charged_seconds,
                call.rate,
                call_class=call.call_class,
                digits=call.digits,
            )
            for balance in balances:
                assert balance.carried_left == 0 or balance.own_left == balance.own
            fitting = [
                balance
                for balance in balances
                if not balance.allowance.obstacle(call.call_class, call.digits, TODAY)
            ]
            has_minutes_left = any(
                balance.allowance.unit == "minutes"
                and balance.carried_left + balance.own_left
                for balance in fitting
            )
            if has_minutes_left:
                assert drawn.covered_seconds == call.charged_seconds
                assert drawn.charged_amount == 0
            ids = [balance.allowance.id for balance in fitting]
            used = [allowance_id for allowance_id, _quantity in drawn.uses]
            assert used == [each for each in ids if each in used]


# From cycle to cycle


class World:
    """One plan (0.60 a minute) with one allowance, lines of one contract, and runs."""

    def __init__(self, *periods, closing_day=31, **allowance):
        self.allowance = make_allowance(**{"quantity": 100, **allowance})
        self.holdings = [
            Holding(
                period_id=number,
                line_id=values.get("line", 1),
                contract_id=values.get("contract", 1),
                partner_id=1,
                tariff_id=values.get("tariff", 1),
                closing_day=values.get("closing_day", closing_day),
                prepaid=False,
                since=datetime(*values.get("since", (2026, 1, 1))),
                until=datetime(*values["until"]) if "until" in values else None,
            )
            for number, values in enumerate(periods or [{}], start=1)
        ]
        self.past = {}
        self.count = 0

    def run(self, *calls):
        """Charge calls, each (month, day, seconds) or with a period's id as a fourth.

        :return: the seconds (or centavos) that each drew
        """
        rate = make_rate("0.60")
        open_calls = []
        for month, day, seconds, *period in calls:
            self.count += 1
            period_id = period[0] if period else 1
            closing_day = self.holdings[period_id - 1].closing_day
            when = date(2026, month, day)
            open_calls.append(
                OpenCall(
                    id=self.count,
                    remote_id=f"{self.count:04d}",
                    period_id=period_id,
                    start=datetime(2026, month, day, 12),
                    cycle_end=cycle_of(when, closing_day)[1],
                    call_class="lc",
                    digits="551133334444",
                    charged_seconds=seconds,
                    gross=gross_amount(rate, seconds),
                    rate=rate,
                )
            )
        ledger = Ledger(
            Stretches(self.holdings, UTC),
            {1: [self.allowance], 2: [make_allowance(id=2, quantity=7)]},
            self.past,
        )
        drawn = {
            call.id: sum(quantity for _allowance_id, quantity in done.uses)
            for call, done in ledger.draw(open_calls)
        }
        for period_id, cycle_end in {(c.period_id, c.cycle_end) for c in open_calls}:
            self.past.update(ledger.close(period_id, cycle_end))
        return [drawn[call.id] for call in open_calls]


class TestDaysThatCount:
    """Allowances that begin anew with a day, whenever the line began."""

    def look(self, cycle_end, since=None, seen=None):
        holdings = [Holding(1, 1, 1, 1, 1, 31, False, None, None)]
        stretches = Stretches(
            holdings, UTC, {1: since}, {1: seen}, opened=date(2026, 7, 22)
        )
        some = [make_allowance(quantity=3100, is_pro_rata=True, carries_over=True)]
        [balance] = Ledger(stretches, {1: some}).look(1, cycle_end).values()
        return balance.carried, balance.own

    @pytest.mark.parametrize(
        ("since", "seen"),
        [
            (None, None),
            (date(2026, 5, 9), None),
            # It called before it began: it was there all the time.
            (date(2026, 11, 1), date(2026, 5, 9)),
        ],
    )
    def test_the_cycle_of_the_day_is_a_part_and_those_before_are_nothing(
        self, since, seen
    ):
        assert self.look(date(2026, 7, 31), since, seen) == (0, 1000)
        assert self.look(date(2026, 8, 31), since, seen) == (1000, 3100)

    def test_a_line_that_begins_later_has_its_days(self):
        since = date(2026, 8, 30)
        assert self.look(date(2026, 8, 31), since) == (0, 200)
        assert self.look(date(2026, 9, 30), since) == (200, 3100)


class TestCycles:
    def test_each_cycle_has_its_own(self):
        world = World()
        assert world.run((1, 5, 60), (1, 6, 60), (2, 5, 60)) == [60, 40, 60]

    def test_a_late_call_draws_on_what_is_left_of_its_cycle(self):
        world = World()
        assert world.run((1, 5, 60), (2, 5, 60)) == [60, 60]
        assert world.run((1, 2, 60), (1, 3, 60)) == [40, 0]

    def test_the_rest_goes_into_the_next_cycle_only(self):
        world = World(carries_over=True)
        assert world.run((1, 5, 70), (2, 5, 10), (3, 5, 500)) == [70, 10, 200]
        # 30 came from January, 10 of them were used, and 20 went no further.
        assert world.past[Key(1, 1, date(2026, 3, 31))].carried == 100

    def test_a_late_call_draws_on_nothing_that_was_carried_away(self):
        world = World(carries_over=True)
        assert world.run((1, 5, 70)) == [70]
        assert world.run((1, 6, 60)) == [0]
        assert world.run((2, 5, 500)) == [130]

    def test_a_late_call_draws_on_the_carried_part_that_is_left(self):
        world = World(carries_over=True)
        assert world.run((1, 5, 70), (2, 5, 10)) == [70, 10]
        assert world.run((2, 6, 500)) == [20]

    def test_an_idle_cycle_leaves_all_of_it(self):
        world = World(carries_over=True)
        assert world.run((3, 5, 500)) == [200]
        # And its own late calls come too late.
        assert world.run((2, 5, 60)) == [60]  # on what January left
        assert world.run((2, 6, 60)) == [40]
        assert world.run((2, 7, 60)) == [0]

    def test_nothing_comes_from_before_the_line(self):
        world = World({"since": (2026, 2, 10)}, carries_over=True)
        assert world.run((2, 15, 500), (3, 5, 500)) == [100, 100]

    def test_pro_rata_of_a_line_that_came(self):
        world = World({"since": (2026, 2, 15)}, is_pro_rata=True, carries_over=True)
        assert world.run((3, 5, 500)) == [150]

    def test_a_change_of_plan_splits_the_cycle(self):
        world = World(
            {"until": (2026, 1, 11)},
            {"since": (2026, 1, 11), "tariff": 2},
            is_pro_rata=True,
        )
        assert world.run((1, 5, 500), (1, 15, 500, 2)) == [32, 7]

    def test_going_back_to_a_plan_begins_anew(self):
        world = World(
            {"until": (2026, 1, 11)},
            {"since": (2026, 1, 11), "until": (2026, 1, 21), "tariff": 2},
            {"since": (2026, 1, 21)},
            carries_over=True,
        )
        calls = (1, 5, 500), (1, 25, 60, 3), (2, 5, 500, 3)
        assert world.run(*calls) == [100, 60, 140]

    def test_a_new_closing_day_makes_a_short_cycle_and_keeps_what_was_left(self):
        world = World(
            {"until": (2026, 2, 1)},
            {"since": (2026, 2, 1), "closing_day": 10},
            carries_over=True,
            is_pro_rata=True,
        )
        calls = (1, 5, 70), (2, 5, 110, 2), (3, 5, 500, 2)
        assert world.run(*calls) == [70, 110, 120]

    def test_lines_that_share_draw_in_order_of_start(self):
        world = World({}, {"line": 2}, is_shared=True)
        assert world.run((1, 6, 60), (1, 5, 60, 2)) == [40, 60]

    def test_lines_that_do_not_share_each_have_it(self):
        world = World({}, {"line": 2})
        assert world.run((1, 6, 60), (1, 5, 60, 2)) == [60, 60]

    def test_another_contract_does_not_share(self):
        world = World({}, {"line": 2, "contract": 2}, is_shared=True)
        assert world.run((1, 6, 60), (1, 5, 60, 2)) == [60, 60]

    @pytest.mark.parametrize("since", [(2026, 2, 1), (2026, 2, 20), (2026, 3, 9)])
    def test_pro_rata_counts_no_line_that_came_later(self, since):
        # 16 of 31 days: whoever joins in another cycle adds no day to this one.
        periods = {"since": (2026, 1, 16)}, {"line": 2, "since": since}
        world = World(*periods, is_shared=True, is_pro_rata=True)
        assert world.run((1, 20, 500)) == [51]

    def test_nor_in_what_an_idle_cycle_leaves(self):
        periods = {"since": (2026, 1, 16)}, {"line": 2, "since": (2026, 2, 20)}
        world = World(*periods, is_shared=True, is_pro_rata=True, carries_over=True)
        assert world.run((2, 25, 500)) == [151]

    def test_days_on_which_two_lines_share_count_once(self):
        world = World(
            {"until": (2026, 1, 11)},
            {"line": 2, "since": (2026, 1, 6), "until": (2026, 1, 21)},
            is_shared=True,
            is_pro_rata=True,
        )
        assert world.run((1, 5, 500)) == [64]  # 20 of 31 days

    @pytest.mark.parametrize("calls", [(), ((2, 5, 1, 2),)])
    def test_a_line_that_comes_into_a_short_cycle_shares_it(self, calls):
        # The cycle before ended on 31 January, with nothing left, for this line too.
        world = World(
            {"until": (2026, 2, 1)},
            {"since": (2026, 2, 1), "closing_day": 10},
            {"line": 2, "since": (2026, 2, 6), "closing_day": 10},
            is_shared=True,
            carries_over=True,
        )
        assert world.run((1, 5, 500)) == [100]
        assert world.run(*calls, (2, 7, 500, 3))[-1] == 100 - len(calls)

    @pytest.mark.parametrize("calls", [(), ((1, 5, 60),)])
    def test_a_cycle_before_it_is_valid_leaves_nothing(self, calls):
        world = World(carries_over=True, date_from=date(2026, 2, 10))
        world.run(*calls)
        assert world.run((2, 5, 60), (2, 15, 500)) == [0, 100]


# Absurd, and still exact


class TestMagnitudes:
    def test_nothing_of_nothing(self):
        _ledger, drawn = charge([make_allowance(quantity=0)], [])
        assert drawn == {}
        assert draw_one([]).charged_amount == Decimal("0.30")
        assert draw_one([balance_of(quantity=0)]).uses == ()

    @pytest.mark.parametrize("unit", ["minutes", "reais"])
    def test_thousands_of_allowances_of_one_each(self, unit):
        balances = [balance_of(id=i, unit=unit, quantity=1) for i in range(5000)]
        drawn = draw_one(balances, seconds=60_000)
        if unit == "minutes":
            assert drawn.covered_seconds == 5000
            assert drawn.charged_amount == Decimal("275.00")
        else:
            assert drawn.covered_amount == Decimal("50.00")
            assert drawn.charged_amount == Decimal("250.00")
        assert len(drawn.uses) == 5000

    def test_thousands_of_prefixes(self):
        prefixes = tuple(f"{number:05d}" for number in range(20_000))
        balance = balance_of(quantity=60, prefixes=prefixes)
        assert draw_one([balance], digits="199991234").covered_seconds == 60
        assert draw_one([balance], digits="200001234").covered_seconds == 0

    def test_a_thousand_million_reais_less_a_centavo(self):
        gross = Decimal("1000000000.00")
        balance = balance_of(unit="reais", quantity=99_999_999_999)
        drawn = draw_one([balance], gross=gross, rate=None)
        assert str(drawn.charged_amount) == "0.01"
        assert str(drawn.covered_amount) == "999999999.99"

    def test_a_call_of_thirty_years(self):
        seconds = 10**9
        rate = make_rate("99.999999", "0.000001")
        drawn = draw_one([balance_of(quantity=seconds - 1)], seconds, rate)
        assert drawn.covered_seconds == seconds - 1
        assert str(drawn.charged_amount) == "1.66"
        assert drawn.covered_amount + drawn.charged_amount == gross_amount(
            rate, seconds
        )

    def test_twenty_thousand_centavos_one_by_one(self):
        balance = balance_of(unit="reais", quantity=19_999)
        paid = sum(
            draw_one([balance], 1, make_rate("0.60")).charged_amount
            for _ in range(20_000)
        )
        assert (paid, balance.own_left) == (Decimal("0.01"), 0)
