"""What is remembered from call to call changes nothing of what is said of any."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from rating import (
    Assessor,
    Directory,
    Fact,
    Holding,
    LineKeys,
    NumberHolding,
    Rate,
    Tariff,
    bounds_utc,
)

ONE_DAY = timedelta(days=1)

ZONES = ("America/Sao_Paulo", "America/St_Johns", "Asia/Kathmandu", "Pacific/Apia")
BEGIN = datetime(2026, 5, 25)
DAYS = 60
RATES_FROM, RATES_TO = date(2026, 6, 10), date(2026, 7, 10)
LOCAL_FROM = date(2026, 7, 1)
NUMBERS = ("555433334444", "551133334444", "552133334444", "08001234567", "200")
DIALLED = (
    "190", "0800123456", "33334444", "999998888", "02154999998888", "", "anonymous",
    "551133335555", "5511999998888", "+13055551234", "4004",
)  # fmt: skip


def some_moment(random):
    return BEGIN + timedelta(seconds=random.randrange(DAYS * 24 * 3600))


def make_holdings(random, line_id):
    """Periods with gaps between them, of an open beginning and end as a rule."""
    bounds = sorted({some_moment(random) for _ in range(2 * random.randrange(3))})
    bounds = [None, *bounds, None]
    for place in range(0, len(bounds) - 1, random.choice((1, 2))):
        yield Holding(
            10 * line_id + place,
            line_id,
            random.randrange(3),
            1,
            random.choice((1, 2, None)),
            random.choice((1, 10, 31)),
            random.random() < 0.1,
            bounds[place],
            bounds[place + 1],
        )


def make_tables(random):
    lines, holdings, numbers = [], [], []
    for line_id in range(1, 7):
        remote_id = random.choice((line_id, None))
        lines.append(LineKeys(line_id, remote_id, random.choice(("a", "b", None))))
        holdings += make_holdings(random, line_id)
        for number in random.sample(NUMBERS, 2):
            since, until = sorted((some_moment(random), some_moment(random)))
            numbers.append(
                NumberHolding(
                    number,
                    line_id,
                    random.choice((since, None)),
                    random.choice((until, None)),
                    random.random() < 0.5,
                )
            )
    return lines, holdings, numbers


def make_tariff(random, tariff_id):
    rates = [
        Rate(
            tariff_id * 100 + n,
            random.randrange(3),
            random.choice(("", "55", "5511", "5511999998888", "1")),
            random.choice((None, "lc", "vc1", "ldn")),
            Decimal(random.randrange(10**6)) / 10**6,
            Decimal(random.randrange(50)) / 100,
            random.choice((0, 30)),
            random.choice((1, 6, 60)),
            random.choice((0, 3)),
            random.choice((None, RATES_FROM)),
            random.choice((None, RATES_TO)),
        )
        for n in range(8)
    ]
    return Tariff(tariff_id, rates, random.choice(("own", "own", "platform")))


def make_fact(random, moments):
    return Fact(
        line_remote_id=random.choice((*range(1, 8), None)),
        account_code=random.choice(("a", "b", "c", None)),
        direction=random.choice(("outgoing", "outgoing", "incoming")),
        is_collect=random.random() < 0.1,
        answered=random.random() < 0.9,
        caller=random.choice(NUMBERS),
        callee=random.choice(DIALLED),
        start=random.choice(moments),
        talk_seconds=random.choice((0, 3, 4, 60, 1800, 1801, random.randrange(5000))),
        platform_class=random.choice(("ldn", "lc", "internal", "free", None)),
        platform_amount=random.choice((None, Decimal("1.239"))),
        platform_seconds=random.choice((None, 60)),
    )


@pytest.mark.parametrize("seed", range(25))
def test_a_call_is_assessed_as_if_it_were_the_only_one(seed):
    random = Random(seed)
    tables = make_tables(random)
    zone = ZoneInfo(random.choice(ZONES))
    charge_from = random.choice((None, some_moment(random)))
    rates = [make_tariff(random, tariff_id).rates for tariff_id in (1, 2)]
    sources = [random.choice(("own", "platform")) for _ in rates]

    def new():
        tariffs = {
            n: Tariff(n, some, source)
            for n, (some, source) in enumerate(zip(rates, sources, strict=True), 1)
        }
        return Assessor(
            Directory(*tables),
            tariffs,
            zone,
            charge_from,
            {3: BEGIN},
            local_since={"54": LOCAL_FROM, "11": LOCAL_FROM},
        )

    # Also the very moments at which something changes.
    moments = [some_moment(random) for _ in range(60)]
    moments += [moment for h in tables[1] for moment in (h.since, h.until) if moment]
    for day in (RATES_FROM, RATES_TO + ONE_DAY, LOCAL_FROM):
        midnight = bounds_utc(day, day, zone)[0]
        moments += [midnight, midnight - timedelta(seconds=1)] * 5
    many = new()
    for _call in range(150):
        fact = make_fact(random, moments)
        assert many.assess(fact) == new().assess(fact), fact


@pytest.mark.parametrize("seed", range(10))
def test_other_holders_are_asked_anew(seed):
    random = Random(seed)
    lines, holdings, numbers = make_tables(random)
    others = [h for line_id in range(1, 7) for h in make_holdings(random, line_id)]
    tariffs = {n: make_tariff(random, n) for n in (1, 2)}
    zone = ZoneInfo(ZONES[0])
    one = Assessor(Directory(lines, holdings, numbers), tariffs, zone)
    other = Assessor(Directory(lines, others, numbers), tariffs, zone)
    facts = [make_fact(random, [some_moment(random)]) for _ in range(60)]
    for fact in facts:
        one.assess(fact)
    held = one.held(others, tariffs)
    under = one.under(tariffs[2])
    alone = Assessor(Directory(lines, holdings, numbers), tariffs, zone).under(
        tariffs[2]
    )
    for fact in facts:
        assert held.assess(fact) == other.assess(fact)
        assert under.assess(fact) == alone.assess(fact)
