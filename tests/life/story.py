"""What happens in a quarter: drawn from a seed, in the shapes of ``rating/naive.py``.

Knows nothing of Odoo. Money and prices are fractions of reais; days are local.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

ZONE = "America/Sao_Paulo"
ONE_DAY = timedelta(days=1)
# In the database's past, whose own clock writes some of the stamps.
FIRST_DAY = date(2026, 6, 29)
"""The lines come into being; nobody calls before the next day."""
LAST_CALLS = date(2026, 10, 12)
"""By then three cycles of every line are over, whatever its closing day."""
LAST_DAY = date(2026, 11, 10)
LAST_INVOICES = date(2026, 11, 22)
"""After the patience with which a charge waits for an invoice to come anyway."""
CLOSING_DAYS = (5, 10, 15, 20, 25, 28, 31)
FEW_LINES = 50
AREAS = ("11", "19", "21", "31", "54")
COMPANY_OF_PLATFORM = (0, 0, 1)
"""Two platforms of one company, and one of another."""


@dataclass
class Contract:
    number: int
    company: int
    customer: int
    closing_day: int
    fee_from: date
    is_prepaid_fee: bool


@dataclass
class Line:
    number: int
    platform: int
    contract: int
    tariff: int | None
    closing_day: int
    is_prepaid: bool
    since: date
    area: str
    calls_a_month: int

    @property
    def phone(self) -> str:
        return f"55{self.area}3{self.number:07d}"


@dataclass
class Call:
    """``fact``: as naive takes it; ``record``: as the platform sends it, but for who
    called (``circuito_id`` and ``conta``). Platforms give their calls equal ids; those
    of facts say of which platform they are, and are in the same order."""

    fact: dict
    record: dict
    arrives: datetime
    after_end: bool
    """Also made if the line has ended by then."""


@dataclass
class Event:
    """One thing that somebody does, or tries to."""

    day: date
    kind: str
    subject: int
    """Number of a line, of a contract, or of a tariff."""
    values: dict = field(default_factory=dict)
    when: str = "now"


@dataclass
class Story:
    seed: int
    companies: tuple[int, ...]
    """Of each platform."""
    tariffs: list[dict]
    contracts: list[Contract]
    lines: list[Line]
    events: list[Event]
    calls: list[Call]


def tell(seed: int, line_count: int, companies=COMPANY_OF_PLATFORM) -> Story:
    rng = Random(f"quarter {seed}")
    tariffs = [
        {**make(rng, number), "company": company}
        for number, (company, make) in enumerate(
            (company, make)
            for company in sorted(set(companies))
            for make in (TARIFFS if company == 0 else TARIFFS[:4])
        )
    ]
    # Where there are few of them, more happens to each.
    often = 1 if line_count >= FEW_LINES else 3
    contracts = _make_contracts(rng, max(4, line_count * 3 // 8), set(companies))
    lines = [
        _make_line(rng, n, contracts, tariffs, companies) for n in range(line_count)
    ]
    events = sorted(
        _make_events(rng, contracts, lines, tariffs, often), key=lambda event: event.day
    )
    calls = [call for line in lines for call in _make_calls(seed, line, lines)]
    return Story(seed, tuple(companies), tariffs, contracts, lines, events, calls)


# Billing plans


def _millionths(rng, low, high):
    return Fraction(rng.randint(low, high), 10**6)


def _price(rng):
    usual = ("0.05", "0.12", "0.29", "0.30", "0.50")
    return rng.choice((*map(Fraction, usual), _millionths(rng, 10_000, 900_000)))


def _rate(rng, number, prefix="", call_class=None, **values):
    minimum, step, discard = rng.choice(
        ((30, 6, 3), (30, 6, 3), (0, 6, 0), (60, 60, 0), (6, 1, 5))
    )
    return {
        "id": number,
        "sequence": 10,
        "prefix": prefix,
        "call_class": call_class,
        "price": _price(rng),
        "fee": rng.choice((Fraction(0), Fraction(0), _millionths(rng, 0, 90_000))),
        "minimum": minimum,
        "step": step,
        "discard": discard,
        "first": None,
        "last": None,
        **values,
    }


def _allowance(number, unit, quantity, **values):
    """:param quantity: whole minutes or reais"""
    return {
        "id": number,
        "sequence": 10,
        "unit": unit,
        "quantity": quantity * 60 if unit == "minutes" else Fraction(quantity),
        "classes": (),
        "prefixes": (),
        "first": None,
        "last": None,
        "shared": False,
        "carry": False,
        "pro_rata": False,
        **values,
    }


def _tariff(rng, number, *allowances, source="own", default=True):
    rates = [("", c) for c in ("lc", "ldn", "vc1", "vc2", "vc3", "special")]
    rates += [("1", None), ("351", None), ("5521", None), ("5511", "ldn")]
    if default:
        rates.append(("", None))
    rng.shuffle(rates)
    return {
        "id": number,
        "source": source,
        "rates": [
            _rate(rng, number * 100 + place, prefix, call_class)
            for place, (prefix, call_class) in enumerate(rates)
        ],
        "allowances": [
            _allowance(number * 100 + place, *words, **values)
            for place, (*words, values) in enumerate(allowances)
        ],
    }


def _plain(rng, number):
    return _tariff(rng, number)


def _minutes(rng, number):
    """A habit of the market: minutes to fixed lines, which carry over."""
    quantity = rng.choice((5, 10, 20))
    classes = ("lc", "ldn")
    return _tariff(
        rng, number, ("minutes", quantity, {"classes": classes, "carry": True})
    )


def _shared_minutes(rng, number):
    values = {"shared": True, "carry": True, "pro_rata": rng.random() < 0.5}
    return _tariff(rng, number, ("minutes", rng.choice((20, 45, 60)), values))


def _reais(rng, number):
    return _tariff(
        rng,
        number,
        ("reais", rng.choice((3, 7)), {"pro_rata": True}),
        ("reais", 1, {"prefixes": ("5521", "55119"), "carry": True}),
    )


def _everything(rng, number):
    return _tariff(
        rng,
        number,
        ("reais", 2, {"carry": True, "sequence": 3}),
        ("minutes", 4, {"prefixes": ("55",), "pro_rata": True, "carry": True}),
        ("minutes", 3, {"classes": ("vc1", "vc2", "vc3"), "sequence": 5}),
    )


def _platform(rng, number):
    return _tariff(
        rng, number, ("reais", rng.choice((1, 4)), {"carry": True}), source="platform"
    )


def _without_default(rng, number):
    """What it has no rate for stays unrated."""
    return _tariff(rng, number, default=False)


def _shared_reais(rng, number):
    return _tariff(
        rng, number, ("reais", rng.choice((5, 12)), {"shared": True, "pro_rata": True})
    )


TARIFFS = (
    *(_plain, _minutes, _shared_minutes, _reais, _everything, _platform),
    *(_without_default, _shared_reais),
)


def is_shared(tariff) -> bool:
    return bool(tariff) and any(each["shared"] for each in tariff["allowances"])


# Contracts, lines, and what is done with them


def _make_contracts(rng, count, companies):
    return [
        Contract(
            number,
            company=1 if 1 in companies and number % 4 == 3 else 0,
            # One customer in four has two contracts.
            customer=number - 1 if number % 8 == 1 else number,
            closing_day=rng.choice(CLOSING_DAYS),
            fee_from=FIRST_DAY + timedelta(rng.randint(1, 30)),
            is_prepaid_fee=rng.random() < 0.7,
        )
        for number in range(count)
    ]


def _of_company(tariffs, contract):
    return [each for each in tariffs if each["company"] == contract.company]


def _make_line(rng, number, contracts, tariffs, companies):
    # Every contract has one, and some have many.
    place = number
    if number >= len(contracts):
        place = int(len(contracts) * rng.random() ** 2)
    contract = contracts[place]
    tariff = rng.choice(_of_company(tariffs, contract))["id"]
    closing_day = contract.closing_day
    platforms = [
        platform
        for platform, company in enumerate(companies)
        if company == contract.company
    ]
    if not is_shared(tariffs[tariff]) and rng.random() < 0.2:
        closing_day = rng.choice(CLOSING_DAYS)
    return Line(
        number,
        rng.choice(platforms),
        contract.number,
        None if rng.random() < 0.04 else tariff,
        closing_day,
        is_prepaid=rng.random() < 0.03,
        since=FIRST_DAY
        if rng.random() < 0.9
        else FIRST_DAY + timedelta(rng.randint(5, 70)),
        area=rng.choice(AREAS),
        calls_a_month=rng.randint(20, 50),
    )


def _make_events(rng, contracts, lines, tariffs, often):
    """Some cannot be done: whoever tries is refused, and nothing has happened."""

    def day(low=10, high=100):
        return FIRST_DAY + timedelta(rng.randint(low, high))

    def when():
        return rng.choice(("now", "next_cycle"))

    for line in lines:
        begun = (line.since - FIRST_DAY).days
        soon = begun + 4
        own = _of_company(tariffs, contracts[line.contract])
        if begun:
            yield Event(line.since, "line", line.number)
        if line.tariff is None:
            values = {"tariff": rng.choice(own)["id"]}
            yield Event(day(soon, 90), "terms", line.number, values, when())
        if rng.random() < 0.3:
            values = {"tariff": rng.choice(own)["id"]}
            yield Event(day(soon), "terms", line.number, values, when())
        if rng.random() < 0.12 * often:
            values = {"contract": rng.choice(contracts).number}
            if rng.random() < 0.3:
                values["tariff"] = rng.choice(own)["id"]
            yield Event(day(soon), "terms", line.number, values, when())
        if rng.random() < 0.12 * often:
            values = {"closing_day": rng.choice(CLOSING_DAYS)}
            yield Event(day(soon, 80), "terms", line.number, values, when())
        if rng.random() < 0.06 * often:
            ahead = rng.choice((0, 0, rng.randint(1, 20)))
            yield Event(day(soon + 10), "end", line.number, {"ahead": ahead})
    for contract in contracts:
        if rng.random() < 0.08 * often:
            ahead = rng.choice((0, 0, rng.randint(1, 20)))
            yield Event(day(20), "terminate", contract.number, {"ahead": ahead})
        if rng.random() < 0.06 * often:
            values = {"customer": 10_000 + contract.number}
            yield Event(day(20), "customer", contract.number, values)
    yield from _make_prices(rng, tariffs)


def _make_prices(rng, tariffs):
    """Some hold at once for all that is not charged, others from a day on, which may
    be past."""
    for tariff in tariffs:
        for _ in range(3):
            day = FIRST_DAY + timedelta(rng.randint(15, 120))
            place = rng.randrange(len(tariff["rates"]))
            values = {"place": place, "price": _price(rng)}
            ahead = rng.choice((None, 0, rng.randint(-40, 30)))
            if ahead is not None:
                values["ahead"] = ahead
            yield Event(day, "price", tariff["id"], values)


# Calls

_OF_A_HUNDRED = {
    "lc": 27, "vc1": 22, "ldn": 12, "vc2": 4, "vc3": 4, "ldi": 3, "free": 4,
    "special": 2, "internal": 4, "incoming": 12, "collect_in": 3, "collect_out": 1,
    "unanswered": 2,
}  # fmt: skip
_ABROAD = ("13055551234", "351211234567", "541141234567", "390612345678")


def _make_calls(seed, line, lines):
    rng = Random(f"calls {seed} {line.number}")
    of_platform = [each.number for each in lines if each.platform == line.platform]
    place = of_platform.index(line.number)
    day = max(line.since, FIRST_DAY) + ONE_DAY
    number = 0
    while day <= LAST_CALLS:
        count = sum(rng.random() < line.calls_a_month / 90 for _ in range(3))
        for _ in range(count):
            yield _make_call(rng, line, day, f"q{seed}-{place}-{number}")
            number += 1
        day += ONE_DAY


def _make_call(rng, line, day, ident):
    start = _make_start(rng, day)
    kind = rng.choices(list(_OF_A_HUNDRED), list(_OF_A_HUNDRED.values()))[0]
    answered = kind != "unanswered" and rng.random() > 0.08
    if kind == "unanswered":
        kind = "lc"
    digits, call_class = _other_party(rng, line, kind)
    seconds = 0
    if answered:
        seconds = rng.choice((0, 3, 4, 29, 30, 31, *[int(rng.expovariate(0.01))] * 8))
    charged = rng.choice((None, seconds, -(-seconds // 6) * 6))
    units = rng.choice((None, 0, *(seconds * rng.randint(1, 90) for _ in range(6))))
    incoming = kind in ("incoming", "collect_in")
    # Text: it draws in this order within one second.
    ident = rng.choice(("", "z", "é")) + ident
    own = line.phone
    record = {
        "id": ident,
        "sentido": "entrada" if incoming else "saida",
        "origem": digits if incoming else own,
        "destino": own if incoming else digits,
        "inicio": f"{start.replace(tzinfo=None)}",
        "tempo_total": seconds + 7,
        "tempo_real": seconds,
        "tempo_tarifado": charged,
        "valor_cobrado": _money(units),
        "valor_custo": units and _money(units // 2),
        "situacao": "atendida"
        if answered
        else rng.choice(("nao_atendida", "ocupado", "cancelada", "falha")),
        "a_cobrar": kind.startswith("collect"),
        "tipo": _WORDS.get(kind),
    }
    fact = {
        "id": key_of(ident, line.platform),
        "line": line.number,
        "start": start,
        "direction": "incoming" if incoming else "outgoing",
        "answered": answered,
        "collect": kind.startswith("collect"),
        "accepted": True,
        "call_class": call_class,
        "digits": digits,
        "seconds": seconds,
        "platform_amount": None if units is None else Fraction(units, 10**4),
        "platform_seconds": charged,
    }
    late = rng.random() < 0.04
    hours = rng.uniform(24, 24 * 45) if late else 0
    return Call(fact, record, start + timedelta(hours=hours), rng.random() < 0.1)


def key_of(ident, platform):
    """What tells a call from all others: in the order of ids of one platform."""
    return f"{ident}\x01{platform}"


def _money(units):
    return None if units is None else f"{units // 10**4}.{units % 10**4:04d}"


# Where the platform must say it; else it may be silent.
_WORDS = {"internal": "INTERNA", "ldi": "LDI", "ldn": "LDN", "vc3": "VC3"}


def _make_start(rng, day):
    """Now and then a day's first or last second, or that in which things are done."""
    second = rng.choice(
        (0, 86399, 43199, 43200, *[rng.randint(7 * 3600, 22 * 3600)] * 40)
    )
    begins = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE))
    return begins + timedelta(seconds=second)


def _other_party(rng, line, kind):
    """:return: the number as rates match it, which is how it is sent, and its class"""
    area = line.area
    others = [each for each in ("11", "12", "21", "24", "31", "37", "54", "51", "19",
                                "71", "81", "91") if each != area]  # fmt: skip
    fixed, mobile = (
        f"3{rng.randint(0, 9999999):07d}",
        f"9{rng.randint(8 * 10**7, 10**8 - 1)}",
    )
    if kind in ("lc", "collect_out"):
        return f"55{area}{fixed}", "lc"
    if kind == "ldn":
        return f"55{rng.choice(others)}{fixed}", "ldn"
    if kind in ("vc1", "incoming", "collect_in"):
        return f"55{area}{mobile}", "vc1"
    if kind in ("vc2", "vc3"):
        near = [each for each in others if (each[0] == area[0]) == (kind == "vc2")]
        return f"55{rng.choice(near)}{mobile}", kind
    if kind == "ldi":
        return rng.choice(_ABROAD), "ldi"
    if kind == "free":
        return rng.choice(("08007012345", "190")), "free"
    if kind == "special":
        return rng.choice(("40041234", "03001234567")), "special"
    return f"55{area}{fixed}", "internal"
