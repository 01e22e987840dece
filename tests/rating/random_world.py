"""Random tariffs, lines and calls, in the shapes of ``naive``, and how the core takes
them. All comes from one ``random.Random``, so that a seed tells a whole case."""

from datetime import UTC, date, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import naive
import rating

CLASSES = ("lc", "ldn", "vc1", "free", "special", "internal")
DIGITS = (
    *("5511991234567", "551133334444", "5521981234567", "552122223333", "551"),
    *("08001234567", "40041234", "190", "12125550000", ""),
)
# Summer time begins at a midnight that does not exist, in São Paulo until 2018.
ZONES = ("America/Sao_Paulo", "America/Noronha", "America/Manaus", "Asia/Tokyo", "UTC")
FIRST_DAYS = (
    date(2018, 8, 20),
    date(2024, 1, 25),
    date(2025, 11, 28),
    date(2026, 6, 1),
)


def some_prefix(random):
    digits = random.choice(DIGITS)
    return digits[: random.randint(0, len(digits))]


def validity(random, day):
    """First and last day of something that is mostly valid."""
    first = day + timedelta(random.randint(-30, 80)) if random.random() < 0.2 else None
    last = None
    if random.random() < 0.2:
        last = (first or day) + timedelta(random.randint(0, 90))
    return first, last


def make_rate(random, rate_id, day):
    first, last = validity(random, day)
    return {
        "id": rate_id,
        "sequence": random.randint(1, 3),
        "prefix": random.choice(("", some_prefix(random))),
        "call_class": random.choice((None, random.choice(CLASSES))),
        "price": Fraction(random.choice((290000, 50000, random.randint(0, 10**6))))
        / 10**6,
        "fee": Fraction(random.choice((0, 0, 5000, random.randint(0, 10**6)))) / 10**6,
        "minimum": random.choice((0, 30, random.randint(0, 90))),
        "step": random.choice((1, 6, 60, random.randint(1, 70))),
        "discard": random.choice((0, 3, random.randint(0, 40))),
        "first": first,
        "last": last,
    }


def make_allowance(random, allowance_id, day, unit):
    first, last = validity(random, day)
    if random.random() < 0.7:
        first = last = None
    quantity = random.choice((0, random.randint(1, 90), random.randint(100, 900)))
    return {
        "id": allowance_id,
        "sequence": random.randint(1, 3),
        "unit": unit,
        "quantity": quantity if unit == "minutes" else Fraction(quantity, 100),
        "classes": random.choice(((), tuple(random.sample(CLASSES, 3)))),
        "prefixes": random.choice(
            ((), (), tuple({some_prefix(random), some_prefix(random)} - {""}))
        ),
        "first": first,
        "last": last,
        "shared": random.random() < 0.4,
        "carry": random.random() < 0.6,
        "pro_rata": random.random() < 0.4,
    }


def make_tariff(random, tariff_id, day):
    source = "own" if random.random() < 0.85 else "platform"
    units = ("minutes", "reais") if source == "own" else ("reais",)
    rates = [make_rate(random, i, day) for i in range(1, random.randint(1, 6))]
    if random.random() < 0.8:
        rates.append(
            {
                **make_rate(random, 9, day),
                **{"prefix": "", "call_class": None, "first": None, "last": None},
            }
        )
    random.shuffle(rates)
    allowances = [
        make_allowance(random, tariff_id * 10 + i, day, random.choice(units))
        for i in range(random.randint(0, 4))
    ]
    random.shuffle(allowances)
    return {
        "id": tariff_id,
        "source": source,
        "rates": rates,
        "allowances": allowances,
    }


def make_call(random, call_id, line_id, start):
    amount = Fraction(random.randint(-(10**4), 4 * 10**6), 10**6)
    direction = random.choice(("outgoing", "outgoing", "outgoing", "incoming"))
    return {
        "id": call_id,
        "line": line_id,
        "start": start,
        "direction": direction,
        "answered": random.random() < 0.9,
        "collect": random.random() < (0.1 if direction == "outgoing" else 0.7),
        "accepted": random.random() < 0.9,
        "call_class": random.choice(CLASSES),
        "digits": random.choice(DIGITS),
        "seconds": random.choice((0, 3, random.randint(0, 60), random.randint(0, 400))),
        "platform_amount": random.choice((None, amount, amount, amount)),
        "platform_seconds": random.choice((None, 0, random.randint(1, 400))),
    }


def make_moment(random, day, zone):
    """A moment of a local day, now and then its first or its last."""
    begins, ends = naive.midnight(day, zone), naive.midnight(day + naive.ONE_DAY, zone)
    within = random.choice((0, 1, random.random(), random.random()))
    if within == 1:
        return ends - timedelta(seconds=1)
    return begins + timedelta(seconds=int((ends - begins).total_seconds() * within))


def make_closings(random, begins):
    """Closing days as (from which day on, closing day); each begins a cycle."""
    found = [(date.min, random.choice((31, 30, 10, random.randint(1, 31))))]
    while random.random() < 0.3:
        since, closing_day = found[-1]
        plain = {"zone": "UTC", "periods": [{"closing_day": closing_day}]}
        plain["periods"][0]["start"] = naive.midnight(date(2000, 1, 1), "UTC")
        day = max(since, begins) + timedelta(random.randint(0, 60))
        since = naive.cycle_of(plain, day)[1] + naive.ONE_DAY
        found.append((since, random.randint(1, 31)))
    return found


def make_line(random, line_id, zone, begins, closings, tariffs):
    """A line of some periods, with what changes between them."""
    day = begins + timedelta(random.choice((0, random.randint(0, 75))))
    if len(closings) > 1:
        # All lines that share have the same short cycle.
        day = min(day, closings[1][0] - naive.ONE_DAY)
    changes = [naive.midnight(since, zone) for since, _closing_day in closings[1:]]
    while random.random() < 0.4:
        change = begins + timedelta(random.randint(1, 140))
        changes.append(
            naive.midnight(change, zone)
            if random.random() < 0.6
            else make_moment(random, change, zone)
        )
    first = make_moment(random, day, zone)
    moments = [first, *sorted({moment for moment in changes if moment > first})]
    ends = None
    if random.random() < 0.2:
        ends = moments[-1] + timedelta(random.randint(1, 60))
    periods = []
    tariff, contract = random.choice(tariffs), random.choice((1, 1, 2))
    for number, moment in enumerate(moments):
        if periods and random.random() < 0.4:
            tariff = random.choice((*tariffs, None))
        if periods and random.random() < 0.2:
            contract = random.choice((1, 2))
        local = naive.local_day(moment, zone)
        until = moments[number + 1] if number + 1 < len(moments) else ends
        periods.append(
            {
                "id": line_id * 10 + number,
                "start": moment,
                "end": until,
                "tariff": tariff,
                "closing_day": [d for since, d in closings if since <= local][-1],
                "contract": contract,
            }
        )
    if len(periods) > 2 and random.random() < 0.2:
        before, _gone, after = periods[:3]
        if before["closing_day"] == after["closing_day"]:
            del periods[1]  # nobody held it for a while
    begins_with_day = first == naive.midnight(naive.local_day(first, zone), zone)
    return {
        "id": line_id,
        "zone": zone,
        "prepaid": random.random() < 0.05,
        "periods": periods,
        # Held since ever, as the core has it, and in use since the first day.
        "since_ever": begins_with_day and random.random() < 0.5,
    }


def make_history(random):
    """Lines, calls with the moment of their arrival, and moments of runs."""
    zone, begins = random.choice(ZONES), random.choice(FIRST_DAYS)
    tariffs = [make_tariff(random, i, begins) for i in range(1, random.randint(2, 4))]
    is_shared = any(a["shared"] for tariff in tariffs for a in tariff["allowances"])
    closings = make_closings(random, begins)
    lines = []
    for line_id in range(1, random.randint(2, 4)):
        # The lines that share an allowance have one closing day.
        own = closings if is_shared else make_closings(random, begins)
        lines.append(make_line(random, line_id, zone, begins, own, tariffs))
    busy = [begins + timedelta(random.randint(0, 120)) for _ in range(4)]
    arrivals = []
    for number in range(random.randint(1, 24)):
        day = random.choice(busy) + timedelta(random.randint(0, 12))
        # Text: "9" comes after "10", and "é" after "z".
        call_id = random.choice(("", "z", "é", "\U0001f4de")) + str(number)
        start = make_moment(random, day, zone)
        line = random.choice(lines)
        if line["since_ever"] and start < line["periods"][0]["start"]:
            continue
        call = make_call(random, call_id, line["id"], start)
        late = random.choice((0, 0, random.randint(0, 90)))
        arrivals.append((start + timedelta(late), call))
    runs = sorted(
        naive.midnight(begins + timedelta(random.randint(20, 200)), zone)
        for _ in range(random.randint(1, 4))
    )
    runs.append(naive.midnight(begins + timedelta(400), zone))
    return {"lines": lines, "arrivals": arrivals, "runs": runs}


# What the core takes


def as_decimal(amount, places=6):
    whole = amount * 10**places
    assert whole.denominator == 1
    return Decimal(int(whole)).scaleb(-places)


def as_utc(moment):
    return moment and moment.astimezone(UTC).replace(tzinfo=None)


def core_rate(rate):
    return rating.Rate(
        id=rate["id"],
        sequence=rate["sequence"],
        prefix=rate["prefix"],
        call_class=rate["call_class"],
        price_per_minute=as_decimal(rate["price"]),
        connection_fee=as_decimal(rate["fee"]),
        minimum_seconds=rate["minimum"],
        step_seconds=rate["step"],
        discard_seconds=rate["discard"],
        date_from=rate["first"],
        date_to=rate["last"],
    )


def core_tariff(tariff):
    return tariff and rating.Tariff(
        tariff["id"], map(core_rate, tariff["rates"]), tariff["source"]
    )


def core_allowance(allowance):
    in_minutes = allowance["unit"] == "minutes"
    return rating.Allowance(
        id=allowance["id"],
        sequence=allowance["sequence"],
        unit=allowance["unit"],
        quantity=int(allowance["quantity"] * (1 if in_minutes else 100)),
        call_classes=frozenset(allowance["classes"]),
        prefixes=allowance["prefixes"],
        date_from=allowance["first"],
        date_to=allowance["last"],
        is_shared=allowance["shared"],
        carries_over=allowance["carry"],
        is_pro_rata=allowance["pro_rata"],
    )


def core_rated(tariff, prepaid, call, zone):
    amount = call["platform_amount"]
    return rating.rate_call(
        tariff,
        prepaid=prepaid,
        direction=call["direction"],
        answered=call["answered"],
        is_collect=call["collect"],
        accepted_collect=call["accepted"],
        call_class=call["call_class"],
        digits=call["digits"],
        talk_seconds=call["seconds"],
        local_date=rating.local_date(as_utc(call["start"]), zone),
        platform_amount=None if amount is None else as_decimal(amount),
        platform_seconds=call["platform_seconds"],
    )


class CoreBook:
    """Charging runs on the core, which keeps of them what charges keep: by charge and
    allowance, what there was, what was used and what was carried away."""

    def __init__(self, lines):
        self.zone = ZoneInfo(lines[0]["zone"])
        self.since = {
            line["id"]: naive.local_day(line["periods"][0]["start"], line["zone"])
            for line in lines
            if line["since_ever"]
        }
        self.tariffs, self.allowances, holdings = {}, {}, []
        for line in lines:
            for number, period in enumerate(line["periods"]):
                is_open = line["since_ever"] and number == 0
                tariff = period["tariff"]
                if tariff and tariff["id"] not in self.tariffs:
                    self.tariffs[tariff["id"]] = core_tariff(tariff)
                    self.allowances[tariff["id"]] = [
                        core_allowance(each) for each in tariff["allowances"]
                    ]
                holdings.append(
                    rating.Holding(
                        period_id=period["id"],
                        line_id=line["id"],
                        contract_id=period["contract"],
                        partner_id=period["contract"],
                        tariff_id=tariff and tariff["id"],
                        closing_day=period["closing_day"],
                        prepaid=line["prepaid"],
                        since=None if is_open else as_utc(period["start"]),
                        until=as_utc(period["end"]),
                    )
                )
        self.holdings = holdings
        self.kept = []  # pairs of a Key and {own, carried, used, carried_away}
        self.charged = set()

    def run(self, now, calls):
        """:return: {call id: (OpenCall, Drawn)}"""
        today = rating.local_date(as_utc(now), self.zone)
        open_calls = []
        for number, call in enumerate(calls):
            start = as_utc(call["start"])
            holding = next(
                (
                    held
                    for held in self.holdings
                    if held.line_id == call["line"] and held.covers(start)
                ),
                None,
            )
            if holding is None or call["id"] in self.charged:
                continue
            tariff = self.tariffs.get(holding.tariff_id)
            rated = core_rated(tariff, holding.prepaid, call, self.zone)
            day = rating.local_date(start, self.zone)
            cycle_end = rating.cycle_of(day, holding.closing_day)[1]
            if rated.state != "unbilled" or today <= cycle_end:
                continue
            rates = {rate.id: rate for rate in tariff.rates}
            open_calls.append(
                rating.OpenCall(
                    id=number,
                    remote_id=call["id"],
                    period_id=holding.period_id,
                    start=start,
                    cycle_end=cycle_end,
                    call_class=call["call_class"],
                    digits=call["digits"],
                    charged_seconds=rated.charged_seconds,
                    gross=rated.gross_amount,
                    rate=rates.get(rated.rate_id),
                )
            )
        stretches = rating.Stretches(self.holdings, self.zone, self.since)
        ledger = rating.Ledger(stretches, self.allowances, self.past())
        drawn = {call.remote_id: (call, done) for call, done in ledger.draw(open_calls)}
        self.charged.update(drawn)
        self.keep(ledger, drawn.values())
        return drawn

    def past(self):
        balances = {}
        for key, values in self.kept:
            balance = balances.setdefault(
                key, rating.Balance(values["allowance"], 0, 0, 0, 0)
            )
            balance.own = max(balance.own, values["own"])
            balance.carried = max(balance.carried, values["carried"])
            balance.used += values["used"]
            balance.carried_away = max(balance.carried_away, values["carried_away"])
        return balances

    def keep(self, ledger, drawn):
        used = {}
        for call, done in drawn:
            of_charge = used.setdefault((call.cycle_end, call.period_id), {})
            for allowance_id, quantity in done.uses:
                of_charge[allowance_id] = of_charge.get(allowance_id, 0) + quantity
        for (cycle_end, period_id), of_charge in sorted(used.items()):
            for key, balance in ledger.close(period_id, cycle_end).items():
                self.kept.append(
                    (
                        key,
                        {
                            "allowance": balance.allowance,
                            "own": balance.own,
                            "carried": balance.carried,
                            "used": of_charge.get(key.allowance_id, 0),
                            "carried_away": balance.carried_away,
                        },
                    )
                )
