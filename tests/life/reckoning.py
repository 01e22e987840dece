"""What the quarter should come to, reckoned from what was done and nothing else.

Prices, allowances and cycles are those of ``rating/naive.py``, a second reading of
``domain.md`` §5. Here stands, as plainly, what surrounds them: who holds a line under
which terms, when a cycle may be charged, what is invoiced to whom. No code is shared
with the addon, and nothing is read from it.
"""

from collections import Counter, defaultdict
from copy import deepcopy
from datetime import date, timedelta
from fractions import Fraction

from tests.rating import naive

from .story import ONE_DAY, ZONE, Story, is_shared

WAITING = timedelta(days=2)
FAR_AHEAD = timedelta(days=400)
# Older calls are charged apart from others of their cycle: days by class.
OLD_AFTER = {"ldi": 150}
OLD_AFTER_ELSE = 90


class Reckoning:
    def __init__(self, story: Story):
        self.story = story
        self.tariffs = {tariff["id"]: deepcopy(tariff) for tariff in story.tariffs}
        self.lines: dict[int, dict] = {}
        self.customers = {each.number: each.customer for each in story.contracts}
        self.dead_since: dict[int, object] = {}
        """Contract number to the first day without it."""
        self.held: set[str] = set()
        """Ids of calls in dispute that are not charged before it is decided."""
        self.waived: set[str] = set()
        self.credits: Counter = Counter()
        self.planned_ends: dict[int, object] = {}
        self.arrived: dict[str, dict] = {}
        self.results: dict[str, dict] = {}
        """Of charged calls, as ``naive.Book.run`` has them, with ``period`` and
        ``charge``, which names the charge that took it."""
        self.book = naive.Book(())
        self.runs = 0

    # What is done

    def begin(self, line):
        tariff = self.tariffs.get(line.tariff)
        self.lines[line.number] = {
            "id": line.number,
            "zone": ZONE,
            "platform": line.platform,
            "prepaid": line.is_prepaid,
            "periods": [
                {
                    "id": (line.number, 0),
                    "start": naive.midnight(line.since, ZONE),
                    "end": None,
                    "tariff": tariff,
                    "closing_day": line.closing_day,
                    "contract": line.contract,
                    "customer": self.customers[line.contract],
                }
            ],
        }

    def change(self, number, now, values, when, companions=()):
        """Terms of a line become others. :param values: ``tariff``, ``contract``,
        ``closing_day``, as numbers"""
        for other in companions:
            closing = {"closing_day": values["closing_day"]}
            self._change_one(other, now, closing, when)
        self._change_one(number, now, values, when)

    def _change_one(self, number, now, values, when):
        line = self.lines[number]
        values = dict(values)
        if "tariff" in values:
            values["tariff"] = self.tariffs[values["tariff"]]
        if "contract" in values:
            values["customer"] = self.customers[values["contract"]]
        today = naive.local_day(now, ZONE)
        first, last = naive.cycle_of(line, today)
        if when == "next_cycle":
            self._split(line, naive.midnight(last + ONE_DAY, ZONE), values)
            return
        closing_day = values.pop("closing_day", None)
        if closing_day:
            # A new closing day holds from the first day of the running cycle.
            self._split(line, naive.midnight(first, ZONE), {"closing_day": closing_day})
        running = naive.period_at(line["periods"], now)
        if values.keys() == {"tariff"} and running["tariff"] is None:
            # A tariff given later rates the unbilled calls of its period.
            for period in self._formers_without_plan(line, running):
                period["tariff"] = values["tariff"]
        elif values:
            self._split(line, now, values)

    def _formers_without_plan(self, line, running):
        """The period and those before it that only its closing day tells from it."""
        found = [running]
        for period in reversed(line["periods"]):
            if period["end"] == found[-1]["start"]:
                if period["tariff"] or period["contract"] != running["contract"]:
                    break
                if period["customer"] != running["customer"]:
                    break
                found.append(period)
        return found

    def _split(self, line, moment, values):
        """From a moment on, other terms."""
        for period in list(line["periods"]):
            if period["end"] and period["end"] <= moment:
                continue
            if period["start"] >= moment:
                period.update(values)
                continue
            later = {**period, **values, "start": moment}
            later["id"] = (line["id"], len(line["periods"]))
            period["end"] = moment
            line["periods"].append(later)
        line["periods"].sort(key=lambda period: period["start"])

    def rename(self, contract, customer, now):
        """The contract goes to another customer, with its lines."""
        self.customers[contract] = customer
        for line in self.lines.values():
            for period in list(line["periods"]):
                if period["contract"] != contract:
                    continue
                if period["end"] and period["end"] <= now:
                    continue
                if period["start"] >= now:
                    period["customer"] = customer
                    continue
                later = {**period, "customer": customer, "start": now}
                later["id"] = (line["id"], len(line["periods"]))
                period["end"] = now
                line["periods"].append(later)
            line["periods"].sort(key=lambda period: period["start"])

    def follow_price(self, number, place, day, price):
        """A rate of a tariff ends the day before; from then on another price holds."""
        rates = self.tariffs[number]["rates"]
        rate = rates[place]
        last = rate["last"]
        if last and day > last:
            last = None
        ident = number * 100 + len(rates)
        rates.append({**rate, "id": ident, "first": day, "last": last, "price": price})
        rate["last"] = day - ONE_DAY

    def set_price(self, number, place, price):
        """Calls that are charged keep what they cost."""
        self.tariffs[number]["rates"][place]["price"] = price

    def plan_end(self, number, day):
        """The line is to end when a day begins."""
        self.planned_ends[number] = day

    def terminate(self, contract, day, now):
        """The contract ends when a day begins, and today at once."""
        self.dead_since[contract] = day
        if day <= naive.local_day(now, ZONE):
            self._end_lines_of(contract, now)

    def begin_day(self, day):
        """:return: whether anything was planned for this day"""
        moment = naive.midnight(day, ZONE)
        for number, planned in self.planned_ends.items():
            if planned == day:
                self.end(number, moment)
        for contract, dead_since in self.dead_since.items():
            if dead_since == day:
                self._end_lines_of(contract, moment)
        return (
            day in self.planned_ends.values()
            or day in self.dead_since.values()
            or any(
                period["start"] == moment
                for line in self.lines.values()
                for period in line["periods"]
            )
        )

    def _end_lines_of(self, contract, moment):
        for number, line in self.lines.items():
            held = naive.period_at(line["periods"], moment)
            if held and held["contract"] == contract:
                self.end(number, moment)

    def end(self, number, moment):
        """Nobody holds the line from a moment on, whatever was planned for it."""
        line = self.lines[number]
        if line.get("ended"):
            return
        line["periods"] = [each for each in line["periods"] if each["start"] < moment]
        line["periods"][-1]["end"] = line["ended"] = moment

    def hold(self, ids):
        """Calls that are not charged yet are in dispute."""
        self.held |= set(ids)

    def release(self, ids, is_waived):
        """It is decided: nobody pays them, or they are charged like any other."""
        self.held -= set(ids)
        if is_waived:
            self.waived |= set(ids)

    def credit(self, ids, only=None):
        """What these charged calls cost goes back to whoever paid for them.

        :param only: no more than that, of all of them
        """
        for ident in ids:
            result = self.results[ident]
            period = result["period"]
            payer = period["contract"], period["customer"]
            self.credits[payer] += result["amount"] if only is None else only
            if only is not None:
                break

    def charges_of(self, ids):
        """:return: by charge, the ids of all its calls, of the charges that have taken
        any of these"""
        names = {self.results[each]["charge"] for each in ids if each in self.results}
        found = defaultdict(list)
        for ident, result in self.results.items():
            if result["charge"] in names:
                found[result["charge"]].append(ident)
        return found

    def take_back(self, ids):
        """Charges are cancelled: these are all their calls, which wait again."""
        for charge in self.charges_of(ids).values():
            assert set(charge) <= set(ids), "a part of a charge cannot be cancelled"
        self.book.take_back(ids)
        for ident in ids:
            del self.results[ident]

    def end_of(self, number):
        return self.lines[number].get("ended")

    def arrive(self, call):
        """A call is stored here."""
        self.arrived[call["id"]] = call

    def sharers(self, event, now):
        """Lines that close together with this one, since they share an allowance with
        it under the terms that come."""
        line = self.lines[event.subject]
        if "closing_day" not in event.values or "contract" in event.values:
            return []
        running = naive.period_at(line["periods"], now)
        if not running:
            return []
        tariff = self.tariffs.get(event.values.get("tariff"), running["tariff"])
        if not is_shared(tariff):
            return []
        return [
            number
            for number, other in self.lines.items()
            if other is not line
            and not other.get("ended")
            and (last := other["periods"][-1])["tariff"] is tariff
            and last["contract"] == running["contract"]
            and last["closing_day"] != event.values["closing_day"]
        ]

    # What that comes to

    def period_of(self, call):
        line = self.lines.get(call["line"])
        return line and naive.period_at(line["periods"], call["start"])

    def rate(self, call):
        period = self.period_of(call)
        line = self.lines[call["line"]]
        return naive.rate_one(period and period["tariff"], line["prepaid"], call, ZONE)

    def charge(self, now, imported_until, numbers=None):
        """A run of charging.

        :param imported_until: by platform
        :param numbers: of the lines to charge, and of no others but those that share a
            cycle's allowance with them; None: of all
        :return: ids of the calls that it takes
        """
        calls = self._ripe_calls(now, imported_until)
        if numbers is not None:
            calls = self._only_of(calls, numbers)
        self.runs += 1
        self.book.know(self.lines.values())
        taken = self.book.run(now + FAR_AHEAD, calls)
        for each in taken:
            call = each["call"]
            each["period"] = period = dict(self.period_of(call))
            each["charge"] = (
                *(self.runs, period["id"], each["last"]),
                self._is_old(call, now),
            )
            self.results[call["id"]] = each
        return {each["call"]["id"] for each in taken}

    def _is_old(self, call, now):
        days = OLD_AFTER.get(call["call_class"], OLD_AFTER_ELSE)
        today = naive.local_day(now, ZONE)
        return call["start"] < naive.midnight(today - timedelta(days), ZONE)

    def _only_of(self, calls, numbers):
        def share_of(call):
            period = self.period_of(call)
            day = naive.local_day(call["start"], ZONE)
            _first, last = naive.cycle_of(self.lines[call["line"]], day)
            if not is_shared(period["tariff"]):
                return None
            return period["contract"], period["tariff"]["id"], last

        # What is nothing to charge gives no reason to charge others.
        calls = [call for call in calls if self.rate(call)["state"] == "rated"]
        shares = {share_of(call) for call in calls if call["line"] in numbers} - {None}
        return [
            call
            for call in calls
            if call["line"] in numbers or share_of(call) in shares
        ]

    def _ripe_calls(self, now, imported_until):
        ripe, known = [], {}
        for ident, call in self.arrived.items():
            if ident in self.results or ident in self.held | self.waived:
                continue
            period = self.period_of(call)
            if not period or not period["tariff"]:
                continue
            line = self.lines[call["line"]]
            day = naive.local_day(call["start"], ZONE)
            cycle = naive.cycle_of(line, day)
            key = (line["id"], period["id"], cycle)
            if key not in known:
                known[key] = self._is_ripe(line, period, cycle, now, imported_until)
            if known[key]:
                ripe.append(call)
        return ripe

    def _is_ripe(self, line, period, cycle, now, imported_until):
        """Over, imported to its end, and waited for; of lines that share an allowance,
        all of them."""
        if not self._is_over(line, period, cycle, now, imported_until):
            return False
        if not is_shared(period["tariff"]):
            return True
        sharing = [
            (other, held)
            for other in self.lines.values()
            for held in other["periods"]
            if held["tariff"] is period["tariff"]
            and held["contract"] == period["contract"]
        ]
        for other, held in sharing:
            begins, ends = self._bounds(other, held, cycle, now)
            is_there = held["start"] < ends and not (
                held["end"] and held["end"] <= begins
            )
            if is_there and not self._is_over(other, held, cycle, now, imported_until):
                return False
        return True

    def _is_over(self, line, period, cycle, now, imported_until):
        _begins, ends = self._bounds(line, period, cycle, now)
        imported = imported_until[line["platform"]]
        return imported >= ends and now >= ends + WAITING

    def _bounds(self, line, period, cycle, now):
        begins = naive.midnight(cycle[0], ZONE)
        ends = naive.midnight(cycle[1] + ONE_DAY, ZONE)
        ended = line.get("ended")
        if ended and is_shared(period["tariff"]):
            # Another line may come and draw on it, as long as the contract lives.
            dead = self.dead_since.get(period["contract"])
            if not dead or dead > naive.local_day(now, ZONE):
                ended = None
        if ended and ended <= now and begins < ended < ends:
            ends = ended
        return begins, ends

    # Totals

    def totals(self):
        """By (contract, customer, line, last day of the cycle, class): calls, seconds,
        gross and amount."""
        found = defaultdict(lambda: [0, 0, Fraction(0), Fraction(0)])
        for each in self.results.values():
            period = each["period"]
            key = (
                period["contract"],
                period["customer"],
                each["line"]["id"],
                each["last"],
                each["call"]["call_class"],
            )
            row = found[key]
            row[0] += 1
            row[1] += each["seconds"]
            row[2] += each["gross"]
            row[3] += each["amount"]
        return {key: tuple(row) for key, row in found.items()}

    def invoiced(self):
        """By (contract, customer), what their invoices ask for telephony."""
        found = Counter()
        for (contract, customer, *_rest), row in self.totals().items():
            found[contract, customer] += row[3]
        found.subtract(self.credits)
        return {key: amount for key, amount in found.items() if amount}

    def states(self):
        """By id, what has become of every call that was stored."""
        found = {}
        for ident, call in self.arrived.items():
            period = self.period_of(call)
            if ident in self.results:
                found[ident] = "billed"
            elif ident in self.waived:
                found[ident] = "not_chargeable"
            elif ident in self.held:
                found[ident] = "disputed"
            elif not period:
                found[ident] = "unmatched"
            else:
                state = self.rate(call)["state"]
                found[ident] = {
                    "nothing": "not_chargeable",
                    "unrated": "unrated",
                    "rated": "unbilled",
                }[state]
        return found

    def fees(self, today):
        """What is invoiced of the contracts' monthly fees up to a day. By contract: how
        many fees, of how many periods, and their sum."""
        found = {}
        for contract in self.story.contracts:
            count = 0
            while self._is_fee_due(contract, count, today):
                count += 1
            if count:
                found[contract.number] = (count, count, Fraction(100 * count))
        return found

    def _is_fee_due(self, contract, month, today):
        begins = months_after(contract.fee_from, month)
        last = self.dead_since.get(contract.number)
        if last and begins > last:
            return False
        if contract.is_prepaid_fee:
            return begins <= today
        due = months_after(contract.fee_from, month + 1)
        # OCA's cron leaves a contract alone whose next date lies after its end: the
        # days of a broken period that is paid afterwards are never invoiced.
        return due <= min(last or today, today)


def months_after(day, months):
    """The same day of a later month, or its last."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    for number in range(day.day, 0, -1):
        try:
            return date(year, month + 1, number)
        except ValueError:
            continue
    raise ValueError(day)
