"""Section 5 of the domain, a second time, to check the first.

It was written from the text alone and shares no code with ``saperx_voip/rating``.
Slow and plain: dicts, lists, fractions, and the sentences of §5 as comments.

Shapes (money is a Fraction of reais, prices too; every time is an aware datetime):

rate       {id, sequence, prefix, call_class or None, price, fee, minimum, step,
            discard, first date or None, last date or None}
tariff     {id, source: "own" or "platform", rates, allowances}
allowance  {id, sequence, unit: "minutes" or "reais", quantity (seconds or reais),
            classes, prefixes, first date or None, last date or None, shared, carry,
            pro_rata}
period     {id, start, end or None, tariff or None, closing_day, contract; customer, if
            contracts change hands}
line       {id, zone, prepaid, periods}
call       {id, line, start, direction, answered, collect, accepted, call_class,
            digits, seconds, platform_amount or None, platform_seconds or None}

What §5 leaves open is read here as the core reads it:

- An outgoing collect call costs its caller nothing.
- Where the platform sets the amount, no rate is needed and a missing or negative amount
  is unrated. What it charged is due even for no seconds; without seconds, its own or
  else those of the conversation, the call draws nothing.
- A line's allowance begins anew with a change of tariff, contract or customer, and
  nothing is carried past such a change; a change of closing day alone is none.
- A cycle that nobody charged is fixed by the charge of the next one.
- The charge of a cycle takes the rest out of it even if no next cycle takes it in: the
  line was given up, or no line that shares was there at the cycle's end.
- A day that a line had only in part counts. Of lines that share, a day counts if one of
  them had it.
- The dates of an allowance are those of calls, and a cycle without such a day has none
  of it; they do not make it smaller.
"""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
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
        if call["platform_amount"] is None or call["platform_amount"] < 0:
            return {**nothing, "state": "unrated"}
        seconds = call["platform_seconds"]
        return {
            "state": "rated",
            "rate": None,
            "seconds": call["seconds"] if seconds is None else seconds,
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


def fits(allowance, call, day):
    if allowance["first"] is not None and day < allowance["first"]:
        return False
    if allowance["last"] is not None and day > allowance["last"]:
        return False
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


def draw(call, rated, allowances, day, balance_of):
    """Draw one rated call on what is left; ``balance_of(allowance)`` is its balance.

    {amount, covered_seconds, uses: [(allowance, part, seconds or reais)]}
    """
    result = {"amount": rated["gross"], "covered_seconds": 0, "uses": []}
    if rated["seconds"] == 0:
        return result
    uncovered = rated["seconds"]
    for allowance in in_order(allowances):
        if not fits(allowance, call, day):
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
                result["uses"].append((allowance, part, taken[part]))
    result["covered_seconds"] = rated["seconds"] - uncovered
    return result


# Days and cycles


def local_day(moment, zone):
    return moment.astimezone(ZoneInfo(zone)).date()


@cache
def midnight(day, zone):
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return local.astimezone(UTC)


def period_at(periods, moment):
    for period in periods:
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
    """Neighbouring periods that change neither tariff nor holder, as one."""

    def terms(period):
        tariff_id = period["tariff"] and period["tariff"]["id"]
        return tariff_id, period["contract"], period.get("customer")

    found = []
    for period in line["periods"]:
        if found and found[-1]["end"] == period["start"]:
            before = found[-1]
            if terms(before) == terms(period):
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
        self.balances = {}  # (allowance id, holder, last day): {carried, own}
        self.carried_away = {}  # the same key: the rest that went to the next cycle
        self.heirs = {}  # the same key: that of the cycle which looked for its rest
        self.charged = {}  # by id of a call, what ``run`` told of it
        self.know(lines)

    def know(self, lines):
        """Who holds the lines, as one knows it by now."""
        self.lines = {line["id"]: line for line in lines}
        self.stretches = {line["id"]: stretches(line) for line in lines}

    def run(self, now, calls):
        """Charge the calls of closed cycles that no run has charged yet.

        :return: a list of dicts {call, line, first, last, state, rate, seconds,
            gross, amount, covered_seconds, uses, keys}; keys: of the balances that the
            call's cycle has, in the order of the tariff's allowances
        """
        waiting = []
        for call in calls:
            line = self.lines[call["line"]]
            period = period_at(line["periods"], call["start"])
            tariff = period and period["tariff"]
            rated = rate_one(tariff, line["prepaid"], call, line["zone"])
            if rated["state"] != "rated" or call["id"] in self.charged:
                continue
            first, last = cycle_of(line, local_day(call["start"], line["zone"]))
            if last < local_day(now, line["zone"]):
                waiting.append(
                    {"call": call, "line": line, "first": first, "last": last, **rated}
                )
        done = []
        # An older cycle first: its rest goes into the next one.
        for last in sorted({each["last"] for each in waiting}):
            of_cycle = [each for each in waiting if each["last"] == last]
            # Calls draw in order of start, then of platform id compared as text by
            # code point (as Python compares it).
            of_cycle.sort(key=lambda each: (each["call"]["start"], each["call"]["id"]))
            for each in of_cycle:
                each.update(self.draw(each))
                done.append(each)
                self.charged[each["call"]["id"]] = each
            # The rest is fixed when the cycle is first charged.
            for each in of_cycle:
                self.fix_all(each)
        return done

    def draw(self, each):
        stretch = self.stretch_of(each)

        def balance_of(allowance):
            holder = self.holder(allowance, each["line"], stretch)
            return self.open(
                allowance, holder, each["line"], each["first"], each["last"]
            )

        day = local_day(each["call"]["start"], each["line"]["zone"])
        allowances = stretch["tariff"]["allowances"]
        keys = []
        for allowance in allowances:
            name, _sharing = self.holder(allowance, each["line"], stretch)
            keys.append((allowance["id"], name, each["last"]))
        drawn = draw(each["call"], each, allowances, day, balance_of)
        return {**drawn, "keys": keys}

    def take_back(self, idents):
        """Charges are cancelled, all of whose calls these are: what they drew is there
        again. What a cycle left to the next is open again, unless another charge of
        one of the two stands."""
        gone = [self.charged.pop(ident) for ident in idents]
        for each in gone:
            for allowance, part, quantity in each["uses"]:
                [key] = [key for key in each["keys"] if key[0] == allowance["id"]]
                self.balances[key][part] += quantity
        standing = {key for each in self.charged.values() for key in each["keys"]}
        dead = {key for each in gone for key in each["keys"]} - standing
        for key in dead:
            self.balances.pop(key, None)
        idle = {key for key, heir in self.heirs.items() if heir in dead}
        for key in (dead | idle) - standing:
            if self.heirs.get(key) not in standing:
                self.carried_away.pop(key, None)

    def fix_all(self, each):
        stretch = self.stretch_of(each)
        for allowance in stretch["tariff"]["allowances"]:
            if allowance["carry"]:
                holder = self.holder(allowance, each["line"], stretch)
                # What comes from the cycle before is fixed with it, be it drawn on or
                # not, even if that one was idle and never charged.
                self.open(allowance, holder, each["line"], each["first"], each["last"])
                self.fix(allowance, holder, each["first"], each["last"])

    def stretch_of(self, each):
        return period_at(self.stretches[each["line"]["id"]], each["call"]["start"])

    def holder(self, allowance, line, stretch):
        """Whose allowance it is: a name, and the stretches that have it."""
        if not allowance["shared"]:
            return ("stretch", stretch["id"]), [(line, stretch)]
        sharing = []
        for other in self.lines.values():
            for held in self.stretches[other["id"]]:
                if (
                    held["contract"] == stretch["contract"]
                    and held["tariff"] is not None
                    and held["tariff"]["id"] == stretch["tariff"]["id"]
                ):
                    sharing.append((other, held))
        return ("contract", stretch["contract"]), sharing

    def open(self, allowance, holder, line, first, last):
        """The balance of a cycle, made when it is first drawn on."""
        key = (allowance["id"], holder[0], last)
        if key not in self.balances:
            balance = {
                "own": own_quantity(allowance, holder[1], first, last),
                "carried": 0,
            }
            balance["own"] -= self.carried_away.get(key, 0)
            if allowance["carry"]:
                before = cycle_of(line, first - ONE_DAY)
                balance["carried"] = self.fix(allowance, holder, *before)
                self.heirs[allowance["id"], holder[0], before[1]] = key
            self.balances[key] = balance
        return self.balances[key]

    def fix(self, allowance, holder, first, last):
        """Take the rest of a cycle's own quantity out of it, once."""
        key = (allowance["id"], holder[0], last)
        if key not in self.carried_away:
            if key in self.balances:
                self.carried_away[key] = self.balances[key]["own"]
                self.balances[key]["own"] = 0
            else:  # nothing was drawn
                self.carried_away[key] = own_quantity(allowance, holder[1], first, last)
        if not any(days_held(s, line["zone"], last, last) for line, s in holder[1]):
            # Open in §5: of the lines that share, none is there at the cycle's end.
            return 0
        return self.carried_away[key]


def own_quantity(allowance, sharing, first, last):
    held = set()
    for line, stretch in sharing:
        held |= days_held(stretch, line["zone"], first, last)
    if not held:
        return 0
    if allowance["first"] is not None and last < allowance["first"]:
        return 0
    if allowance["last"] is not None and allowance["last"] < first:
        return 0
    if not allowance["pro_rata"]:
        return allowance["quantity"]
    part = Fraction(allowance["quantity"]) * len(held) / ((last - first).days + 1)
    if allowance["unit"] == "minutes":
        return part.numerator // part.denominator
    return cut(part)
