"""What is stored of drawings is taken by sums only where drawing again comes to the
same, in histories as ``test_against_naive`` has them."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
import random_world as world
import rating
from rating.tariff import to_centavos

CASES = 2000
BLOCKS = 4


def kind_of(call, drawn):
    """As the statement of ``saperx_charge_drawing.py`` tells it of a row."""
    uses = dict(drawn.uses)
    covered, charged = drawn.covered_amount, drawn.charged_amount
    if covered + charged != call.gross or call.gross < 0 or len(uses) > 1:
        return "odd"
    if not uses:
        if drawn.covered_seconds or covered:
            return "odd"
        if not call.charged_seconds:
            return "idle"
        return "none" if call.gross else "free"
    [quantity] = uses.values()
    if drawn.covered_seconds:
        if quantity != drawn.covered_seconds:
            return "odd"
        if drawn.covered_seconds < call.charged_seconds:
            return "minutes part"
        whole = drawn.covered_seconds == call.charged_seconds and not charged
        return "minutes" if whole else "odd"
    if not call.charged_seconds or covered <= 0 or quantity != to_centavos(covered):
        return "odd"
    return "reais part" if charged else "reais"


def sums_of(pairs):
    """:param pairs: ``OpenCall`` and what is stored of its drawing"""
    groups = defaultdict(list)
    for call, drawn in pairs:
        kind = kind_of(call, drawn)
        allowance_id = dict(drawn.uses).popitem()[0] if drawn.uses else None
        key = call.period_id, call.cycle_end, call.call_class, kind
        groups[(*key, None if kind == "odd" else allowance_id)].append((call, drawn))
    for (*key, kind, allowance_id), some in groups.items():
        starts = [call.start for call, _drawn in some]
        in_minutes = kind.startswith("minutes")
        yield rating.DrawnSum(
            *key,
            kind,
            allowance_id,
            calls=len(some),
            first=min(starts),
            last=max(starts),
            seconds=sum(call.charged_seconds for call, _drawn in some),
            centavos=sum(to_centavos(call.gross) for call, _drawn in some),
            drawn=sum(
                drawn.covered_seconds
                if in_minutes
                else to_centavos(drawn.covered_amount)
                for _call, drawn in some
            ),
            charged_centavos=sum(to_centavos(d.charged_amount) for _c, d in some),
            has_own_rate=all(call.rate for call, _drawn in some),
            rate=some[0][0].rate,
        )


def spoil(random, pairs):
    """As if something had changed since: what was drawn is that of other calls, of
    other prices, or of an allowance that was larger, or another."""
    place = random.randrange(len(pairs))
    call, drawn = pairs[place]
    if random.random() < 0.4:
        # Both as they may be, in another order.
        other = random.randrange(len(pairs))
        pairs[place] = call, pairs[other][1]
        pairs[other] = pairs[other][0], drawn
    elif random.random() < 0.3 or not drawn.uses:
        pairs[place] = call, rating.Drawn(0, Decimal("0.00"), call.gross)
    elif random.random() < 0.3:
        uses = tuple((i + random.choice((-1, 1)), q) for i, q in drawn.uses)
        pairs[place] = call, drawn._replace(uses=uses)
    elif random.random() < 0.5:
        cent = Decimal("0.01")
        pairs[place] = (
            call,
            drawn._replace(
                covered_amount=drawn.covered_amount + cent,
                charged_amount=drawn.charged_amount - cent,
            ),
        )
    else:
        whole = (call.charged_seconds, call.gross, Decimal("0.00"))
        uses = tuple((i, call.charged_seconds) for i, _q in drawn.uses[:1])
        pairs[place] = call, rating.Drawn(*whole, uses)


class Book(world.CoreBook):
    """A ``CoreBook`` that tries to go by sums at each of its runs."""

    def __init__(self, lines, random):
        super().__init__(lines)
        self.random = random
        self.seen = Counter()

    def keep(self, ledger, drawn):
        self.compare(list(drawn))
        super().keep(ledger, drawn)

    def compare(self, drawings):
        calls = [call for call, _drawn in drawings]
        again = {call.id: drawn for call, drawn in drawings}
        pairs = list(drawings)
        for _time in range(self.random.choice((0, 0, 1, 1, 2))):
            if pairs:
                spoil(self.random, pairs)
        by_sums = self.make_ledger()
        one_by_one = self.make_ledger()
        list(one_by_one.draw(calls))
        doubted = rating.take_drawn(by_sums, sums_of(pairs))
        for call, stored in pairs:
            contract_id = by_sums.contract_of(call.period_id)
            same = stored == again[call.id]
            self.seen[contract_id in doubted, same] += 1
            if contract_id in doubted:
                continue
            assert same
            cycle = call.period_id, call.cycle_end
            assert by_sums.close(*cycle) == one_by_one.close(*cycle)

    def make_ledger(self):
        stretches = rating.Stretches(self.holdings, self.zone, self.since)
        return rating.Ledger(stretches, self.allowances, self.past())


@pytest.mark.parametrize("block", range(BLOCKS))
def test_sums_are_believed_only_where_calls_draw_the_same_again(block):
    seen = Counter()
    for seed in range(block, CASES, BLOCKS):
        random = Random(f"sums {seed}")
        history = world.make_history(random)
        book = Book(history["lines"], random)
        for now in history["runs"]:
            book.run(now, [call for at, call in history["arrivals"] if at <= now])
        seen += book.seen
    # Believed, doubted without need, and doubted with reason.
    assert seen[False, True] > 500
    assert seen[True, False] > 100


# One line, one month, one plan


ZONE = ZoneInfo("America/Sao_Paulo")
RATE = rating.Rate(
    id=1,
    sequence=1,
    prefix="",
    call_class=None,
    price_per_minute=Decimal("0.12"),
    connection_fee=Decimal(0),
    minimum_seconds=30,
    step_seconds=6,
    discard_seconds=3,
)
DAY = datetime(2026, 10, 15, 12)
LAST = date(2026, 10, 31)


def make_ledger(*allowances):
    holding = rating.Holding(
        period_id=1,
        line_id=1,
        contract_id=7,
        partner_id=1,
        tariff_id=1,
        closing_day=31,
        prepaid=False,
        since=None,
        until=None,
    )
    return rating.Ledger(rating.Stretches([holding], ZONE), {1: allowances})


def make_allowance(number=1, quantity=90, **values):
    values.setdefault("unit", "minutes")
    return rating.Allowance(id=number, sequence=1, quantity=quantity, **values)


def make_calls(count, **values):
    """Of a minute each, an hour after each other."""
    return [
        rating.OpenCall(
            id=n,
            remote_id=str(n),
            period_id=1,
            start=DAY + timedelta(hours=n),
            cycle_end=LAST,
            call_class="lc",
            digits="551133334444",
            charged_seconds=60,
            gross=Decimal("0.12"),
            rate=RATE,
        )._replace(**values)
        for n in range(count)
    ]


def is_believed(pairs, *allowances):
    return not rating.take_drawn(make_ledger(*allowances), sums_of(pairs))


def drawn_by(calls, *allowances):
    return list(make_ledger(*allowances).draw(calls))


@pytest.mark.parametrize(
    "allowance",
    [
        make_allowance(quantity=0),
        make_allowance(quantity=90),
        make_allowance(quantity=120),
        make_allowance(quantity=10_000),
        make_allowance(quantity=20, unit="reais"),
        make_allowance(call_classes=frozenset(["lc"])),
        make_allowance(call_classes=frozenset(["vc1"])),
        make_allowance(date_from=date(2026, 10, 1)),
        make_allowance(date_to=date(2026, 10, 14)),
        make_allowance(is_shared=True, carries_over=True, is_pro_rata=True),
    ],
)
def test_what_an_import_leaves_is_believed(allowance):
    assert is_believed(drawn_by(make_calls(4), allowance), allowance)


def test_two_allowances_of_different_classes_are_believed():
    some = (
        make_allowance(1, call_classes=frozenset(["lc"])),
        make_allowance(2, call_classes=frozenset(["vc1"]), unit="reais"),
    )
    calls = make_calls(3) + [
        call._replace(id=10 + call.id, remote_id=f"m{call.id}", call_class="vc1")
        for call in make_calls(3)
    ]
    assert is_believed(drawn_by(calls, *some), *some)


@pytest.mark.parametrize(
    "changed",
    [
        make_allowance(quantity=91),
        make_allowance(quantity=89),
        make_allowance(2),
        make_allowance(unit="reais"),
        make_allowance(call_classes=frozenset(["vc1"])),
        make_allowance(date_from=date(2026, 11, 1)),
        # Whether these fit is for each call to say.
        make_allowance(prefixes=("55",)),
        make_allowance(date_from=date(2026, 10, 16)),
    ],
)
def test_an_allowance_that_changed_since_is_drawn_on_anew(changed):
    calls = make_calls(30)
    assert not is_believed(drawn_by(calls, make_allowance()), changed)


def test_what_was_never_drawn_is_not_believed():
    undrawn = [(c, rating.Drawn(0, Decimal(0), c.gross)) for c in make_calls(2)]
    assert not is_believed(undrawn, make_allowance())


def test_a_call_that_came_between_is_not_overlooked():
    late = make_calls(1, id=9, remote_id="9", start=DAY - timedelta(hours=1))
    pairs = drawn_by(make_calls(4), make_allowance())
    pairs += [(late[0], rating.Drawn(0, Decimal(0), late[0].gross))]
    assert not is_believed(pairs, make_allowance())


def test_equal_starts_at_the_end_of_an_allowance_are_drawn_one_by_one():
    allowance = make_allowance(quantity=60)
    calls = make_calls(2, start=DAY)
    assert not is_believed(drawn_by(calls, allowance), allowance)
    # Where the allowance lasts for both, nobody asks which came first.
    plenty = make_allowance(quantity=120)
    assert is_believed(drawn_by(calls, plenty), plenty)


def test_a_call_covered_in_part_at_a_former_price_is_drawn_anew():
    pairs = drawn_by(make_calls(2), make_allowance())
    dearer = replace(RATE, price_per_minute=Decimal("0.18"))
    pairs = [(call._replace(rate=dearer), drawn) for call, drawn in pairs]
    assert not is_believed(pairs, make_allowance())


def test_minutes_are_not_believed_of_calls_without_a_price_of_the_plan():
    pairs = drawn_by(make_calls(1), make_allowance())
    pairs = [(call._replace(rate=None), drawn) for call, drawn in pairs]
    assert not is_believed(pairs, make_allowance())


def test_two_allowances_for_one_call_are_drawn_on_one_by_one():
    some = make_allowance(1), make_allowance(2)
    assert not is_believed(drawn_by(make_calls(3), *some), *some)
    # One that is empty is none.
    some = make_allowance(1, quantity=0), make_allowance(2)
    assert is_believed(drawn_by(make_calls(3), *some), *some)


def covered(call, seconds):
    rest = rating.gross_amount(call.rate, call.charged_seconds - seconds)
    return call, rating.Drawn(seconds, call.gross - rest, rest, ((1, seconds),))


def test_calls_that_drew_in_another_order_are_not_believed():
    first, second = make_calls(2)
    allowance = make_allowance(quantity=90)
    assert is_believed([covered(first, 60), covered(second, 30)], allowance)
    assert not is_believed([covered(first, 30), covered(second, 60)], allowance)


def test_only_one_call_is_covered_in_part():
    allowance = make_allowance(quantity=60)
    for call_class in ("lc", "vc1"):
        first, second = make_calls(2)
        second = second._replace(call_class=call_class)
        pairs = [covered(first, 30), covered(second, 30)]
        assert not is_believed(pairs, allowance)


def test_an_allowance_that_begins_between_the_calls_is_drawn_on_one_by_one():
    """It covers the second and the third: by their sums alone they are as many."""
    calls = [
        call._replace(start=DAY + timedelta(days=call.id)) for call in make_calls(3)
    ]
    late = make_allowance(quantity=120, date_from=date(2026, 10, 16))
    pairs = drawn_by(calls, make_allowance(quantity=120))
    assert not is_believed(pairs, late)


def test_an_allowance_that_gives_way_to_another_is_drawn_on_one_by_one():
    one, other = make_allowance(1, quantity=60), make_allowance(2, quantity=60)
    pairs = drawn_by(make_calls(1), one, other)
    assert not is_believed(pairs, one, other)
