"""Section 5 of the domain, a second time, to check the first.

It was written from the text alone and shares no code with ``saperx_voip/rating``.
Slow and plain: dicts, lists, fractions, and the sentences of §5 as comments.

Shapes (money is a Fraction of reais, prices too; every time is an aware datetime):

rate       {id, sequence, prefix, call_class or None, price, fee, minimum, step,
            discard, first date or None, last date or None}
tariff     {id, source: "own" or "platform", rates, allowances}
allowance  {id, sequence, unit: "minutes" or "reais", quantity (seconds or reais),
            classes, prefixes, shared, carry, pro_rata}
period     {start, end or None, tariff or None, closing_day, contract}
line       {id, zone, prepaid, periods}
call       {id, line, start, direction, answered, collect, accepted, call_class,
            digits, seconds, platform_amount}
"""

from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


def cut(amount):
    """The centavos of an amount, the fraction of a centavo dropped."""
    centavos = amount * 100
    return Fraction(centavos.numerator // centavos.denominator, 100)


# One call


def choose(tariff, digits, call_class, day):
    best = None
    for rate in tariff["rates"]:
        # among the tariff's rates valid on the call's local date ...
        if rate["first"] is not None and day < rate["first"]:
            continue
        if rate["last"] is not None and day > rate["last"]:
            continue
        # ... whose prefix is empty or begins those digits ...
        if rate["prefix"] != digits[: len(rate["prefix"])]:
            continue
        # ... and whose call type is empty or equals the call's class.
        if rate["call_class"] is not None and rate["call_class"] != call_class:
            continue
        if best is None or goes_before(rate, best):
            best = rate
    return best


def goes_before(one, other):
    # The longest prefix wins;
    if len(one["prefix"]) != len(other["prefix"]):
        return len(one["prefix"]) > len(other["prefix"])
    # at the same length one with a call type beats one without;
    if (one["call_class"] is None) != (other["call_class"] is None):
        return one["call_class"] is not None
    # then the lower sequence, then the lower id.
    if one["sequence"] != other["sequence"]:
        return one["sequence"] < other["sequence"]
    return one["id"] < other["id"]


def charged_seconds(rate, seconds):
    if seconds <= rate["discard"]:
        return 0
    steps = 0
    while steps * rate["step"] < seconds:
        steps += 1
    return max(rate["minimum"], steps * rate["step"])


def amount_of(rate, seconds):
    if seconds == 0:
        return Fraction(0)  # no connection fee either
    return cut(rate["fee"] + rate["price"] * seconds / 60)


def rate_one(tariff, prepaid, call, zone):
    """What a call costs before allowances.

    {state: "nothing", "unrated" or "rated", rate or None, seconds, gross}
    """
    nothing = {"state": "nothing", "rate": None, "seconds": 0, "gross": Fraction(0)}
    if prepaid or tariff is None or not call["answered"]:
        return nothing
    if call["direction"] == "outgoing" and call["collect"]:
        return nothing  # the other party pays it
    if call["direction"] == "incoming" and not (call["collect"] and call["accepted"]):
        return nothing
    day = call["start"].astimezone(ZoneInfo(zone)).date()
    rate = choose(tariff, call["digits"], call["call_class"], day)
    # Free, emergency and internal calls cost nothing unless a rate names them by
    # prefix.
    if call["call_class"] in ("free", "internal") and (
        rate is None or rate["prefix"] == ""
    ):
        return nothing
    if tariff["source"] == "platform":
        if call["platform_amount"] is None:
            return {**nothing, "state": "unrated"}
        return {
            "state": "rated",
            "rate": None,
            "seconds": call["seconds"],
            "gross": cut(call["platform_amount"]),
        }
    if rate is None:
        return {**nothing, "state": "unrated"}
    seconds = charged_seconds(rate, call["seconds"])
    return {
        "state": "rated",
        "rate": rate,
        "seconds": seconds,
        "gross": amount_of(rate, seconds),
    }


# Drawing


def fits(allowance, call):
    if allowance["classes"] and call["call_class"] not in allowance["classes"]:
        return False
    if not allowance["prefixes"]:
        return True
    return any(call["digits"].startswith(prefix) for prefix in allowance["prefixes"])


def in_order(allowances):
    """Those in minutes, then those in reais; each by sequence, then id."""
    ordered = []
    for unit in ("minutes", "reais"):
        of_unit = [each for each in allowances if each["unit"] == unit]
        ordered += sorted(of_unit, key=lambda each: (each["sequence"], each["id"]))
    return ordered


def take(balance, wanted):
    """Take up to ``wanted`` from a balance, the carried part first."""
    taken = {}
    for part in ("carried", "own"):
        taken[part] = min(balance[part], wanted)
        balance[part] -= taken[part]
        wanted -= taken[part]
    return taken


def draw(call, rated, allowances, balance_of):
    """Draw one rated call on what is left; ``balance_of(allowance)`` is its balance.

    {amount, covered_seconds, uses: [(allowance id, part, seconds or reais)]}
    """
    result = {"amount": rated["gross"], "covered_seconds": 0, "uses": []}
    if rated["seconds"] == 0:
        return result
    uncovered = rated["seconds"]
    for allowance in in_order(allowances):
        if not fits(allowance, call):
            continue
        if allowance["unit"] == "minutes":
            taken = take(balance_of(allowance), uncovered)
            uncovered -= sum(taken.values())
            result["amount"] = amount_of(rated["rate"], uncovered)
        else:
            taken = take(balance_of(allowance), result["amount"])
            result["amount"] -= sum(taken.values())
        for part in ("carried", "own"):
            if taken[part]:
                result["uses"].append((allowance["id"], part, taken[part]))
    result["covered_seconds"] = rated["seconds"] - uncovered
    return result


# Days and cycles


def local_day(moment, zone):
    return moment.astimezone(ZoneInfo(zone)).date()


def midnight(day, zone):
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def period_at(line, moment):
    for period in line["periods"]:
        if period["start"] <= moment and (
            period["end"] is None or moment < period["end"]
        ):
            return period
    return None


def closing_day_on(line, day):
    """The closing day in force at the end of a day; outside all periods, that of
    the last one before, or else of the first."""
    end_of_day = midnight(day + ONE_DAY, line["zone"])
    found = line["periods"][0]
    for period in line["periods"]:
        if period["start"] < end_of_day:
            found = period
    return found["closing_day"]


def closes(line, day):
    """Does a cycle of the line close at the end of this day?"""
    wanted = closing_day_on(line, day)
    is_last_of_month = (day + ONE_DAY).day == 1
    return day.day == wanted or (is_last_of_month and day.day < wanted)


def cycle_of(line, day):
    """First and last day of the cycle that holds a day."""
    first = last = day
    while not closes(line, last):
        last += ONE_DAY
    while not closes(line, first - ONE_DAY):
        first -= ONE_DAY
    return first, last


# Who shares an allowance: a stretch of a line's periods under one tariff and one
# contract, or all the lines of a contract under a tariff.


def stretches(line):
    """Neighbouring periods that change neither tariff nor contract, as one."""
    found = []
    for period in line["periods"]:
        if found and found[-1]["end"] == period["start"]:
            before = found[-1]
            if (before["tariff"] and before["tariff"]["id"], before["contract"]) == (
                period["tariff"] and period["tariff"]["id"],
                period["contract"],
            ):
                before["end"] = period["end"]
                continue
        found.append(dict(period))
    return found


def days_held(stretch, zone, first, last):
    """The days of a cycle that a stretch touches."""
    found = set()
    day = first
    while day <= last:
        begin, end = midnight(day, zone), midnight(day + ONE_DAY, zone)
        if stretch["start"] < end and (
            stretch["end"] is None or begin < stretch["end"]
        ):
            found.add(day)
        day += ONE_DAY
    return found


class Book:
    """What was charged so far, and what that left of every allowance."""

    def __init__(self, lines):
        self.lines = lines
        self.balances = {}  # (allowance id, holder, first, last): {carried, own}
        self.carried_away = {}  # the same key: the rest that went to the next cycle
        self.charged = set()  # ids of calls
        self.charged_cycles = set()  # (line id, first, last)

    def run(self, now, calls):
        """Charge the calls of closed cycles that no run has charged yet.

        :return: charges, {(line id, first, last): {call id: drawn and rated}}
        """
        waiting = []
        for call in calls:
            if call["id"] in self.charged:
                continue
            line = self.line(call["line"])
            period = period_at(line, call["start"])
            tariff = period and period["tariff"]
            rated = rate_one(tariff, line["prepaid"], call, line["zone"])
            if rated["state"] != "rated":
                continue
            first, last = cycle_of(line, local_day(call["start"], line["zone"]))
            if last < local_day(now, line["zone"]):
                waiting.append((first, last, call, line, tariff, rated))
        # An older cycle first: its rest goes into the next one. Text is compared
        # by code point as it is.
        waiting.sort(key=lambda each: (each[1], each[2]["start"], each[2]["id"]))
        charges = {}
        for first, last in sorted(
            {each[:2] for each in waiting}, key=lambda cycle: cycle[1]
        ):
            for each in waiting:
                if each[:2] != (first, last):
                    continue
                call, line, tariff, rated = each[2:]
                drawn = draw(
                    call,
                    rated,
                    tariff["allowances"],
                    lambda allowance, line=line, call=call, cycle=(first, last): (
                        self.balance(allowance, line, call["start"], *cycle)
                    ),
                )
                charge = charges.setdefault((line["id"], first, last), {})
                charge[call["id"]] = {**rated, **drawn}
                self.charged.add(call["id"])
            # The rest is fixed when the cycle is first charged.
            for line_id, *cycle in charges:
                if cycle == [first, last]:
                    self.fix_line(self.line(line_id), first, last)
        return charges

    def line(self, line_id):
        return next(line for line in self.lines if line["id"] == line_id)

    def members(self, contract, tariff_id):
        return [
            (line, stretch)
            for line in self.lines
            for stretch in stretches(line)
            if stretch["tariff"]
            and stretch["tariff"]["id"] == tariff_id
            and stretch["contract"] == contract
        ]

    def holder(self, allowance, line, stretch):
        """Whose allowance it is: a name, and the stretches that hold it."""
        if allowance["shared"]:
            tariff_id = stretch["tariff"]["id"]
            return (
                ("contract", stretch["contract"], tariff_id),
                self.members(stretch["contract"], tariff_id),
            )
        return ("line", line["id"], stretch["start"]), [(line, stretch)]

    def balance(self, allowance, line, moment, first, last):
        stretch = period_at({"periods": stretches(line)}, moment)
        return self.open(allowance, *self.holder(allowance, line, stretch), first, last)

    def open(self, allowance, holder, held_by, first, last):
        """The balance of a cycle, made when it is first needed."""
        key = (allowance["id"], holder, first, last)
        if key not in self.balances:
            self.balances[key] = {
                "own": self.own_quantity(allowance, held_by, first, last),
                "carried": 0,
            }
            if allowance["carry"]:
                before = cycle_of(held_by[0][0], first - ONE_DAY)
                rest = self.fix(allowance, holder, held_by, *before)
                self.balances[key]["carried"] = rest
        return self.balances[key]

    def own_quantity(self, allowance, held_by, first, last):
        held = set()
        for line, stretch in held_by:
            held |= days_held(stretch, line["zone"], first, last)
        if not held:
            return 0
        if not allowance["pro_rata"]:
            return allowance["quantity"]
        part = Fraction(allowance["quantity"]) * len(held) / ((last - first).days + 1)
        if allowance["unit"] == "minutes":
            return part.numerator // part.denominator
        return cut(part)

    def fix(self, allowance, holder, held_by, first, last):
        """Take the rest of a cycle's own quantity out of it, once."""
        key = (allowance["id"], holder, first, last)
        if key not in self.carried_away:
            if not self.own_quantity(allowance, held_by, first, last):
                self.carried_away[key] = 0  # before it was held: nothing to look for
                return 0
            balance = self.open(allowance, holder, held_by, first, last)
            self.carried_away[key] = balance["own"]
            balance["own"] = 0
        return self.carried_away[key]

    def fix_line(self, line, first, last):
        for stretch in stretches(line):
            if not stretch["tariff"] or not days_held(
                stretch, line["zone"], first, last
            ):
                continue
            for allowance in stretch["tariff"]["allowances"]:
                if allowance["carry"]:
                    self.fix(
                        allowance,
                        *self.holder(allowance, line, stretch),
                        first,
                        last,
                    )
