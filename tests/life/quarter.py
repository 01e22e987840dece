"""A story lived by a provider and reckoned beside it, and where the two differ."""

import sys
import tempfile
import time
from collections import Counter, defaultdict
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from random import Random

from sandbox.process import running

from tests.rating import naive

from . import provider as real
from .reckoning import Reckoning
from .story import (
    FEW_LINES,
    FIRST_DAY,
    LAST_DAY,
    LAST_INVOICES,
    ONE_DAY,
    ZONE,
    key_of,
    tell,
)

DATABASE = "saperx_life"
# People work, and calls are read, charged and invoiced, every so many days: of few
# lines that less often, since it takes as long of one.
STEP_DAYS = 5
STEP_DAYS_OF_FEW = 7
RE_READ_STEPS = 4
NOON = timedelta(hours=12)


@dataclass
class Dispute:
    record: object
    ids: list[str]
    """Of the calls that it is of."""
    is_whole: bool
    """Of a charge."""


class Quarter:
    def __init__(self, provider, story):
        self.provider = provider
        self.story = story
        self.rng = Random(f"office {story.seed}")
        self.reckoning = Reckoning(story)
        self.waiting = sorted(story.calls, key=lambda call: call.arrives)
        self.sent = {}
        """By id, the facts of what the platform shows."""
        self.disputes = []
        """That are open."""
        is_small = len(story.lines) < FEW_LINES
        self.step = ONE_DAY * (STEP_DAYS_OF_FEW if is_small else STEP_DAYS)
        self.happened = Counter()
        """Of what is chosen at the office, how often it was done."""
        self.differences = []

    def live(self):
        for line in self.story.lines:
            if line.since == FIRST_DAY:
                self.reckoning.begin(line)
        events = defaultdict(list)
        for event in self.story.events:
            events[event.day].append(event)
        day, step = FIRST_DAY + ONE_DAY, 0
        while day <= LAST_DAY:
            midnight = naive.midnight(day, ZONE)
            if self.reckoning.begin_day(day):
                self.provider.travel(midnight)
                self.provider.begin_day()
            for place, event in enumerate(events[day]):
                moment = midnight + NOON + timedelta(minutes=place)
                self.provider.travel(moment)
                self.happen(event, moment)
            if not (LAST_DAY - day) % self.step:
                self.provider.travel(midnight + timedelta(hours=15))
                self.work(day, step)
                step += 1
            day += ONE_DAY
        self.provider.travel(naive.midnight(LAST_INVOICES, ZONE) + NOON)
        self.provider.invoice()
        # What is credited of a draft is once it is posted.
        self.provider.post_drafts()

    def happen(self, event, now):
        act, there, lines = self.provider.act, self.provider, self.story.lines
        if event.kind == "line":
            line = lines[event.subject]
            if act(there.begin_line, line):
                self.reckoning.begin(line)
                there.push()
            return
        if event.kind == "terms":
            if event.subject not in there.lines:
                return
            companions = self.companions(event, now)
            if act(there.change_terms, event):
                self.reckoning.change(
                    event.subject, now, event.values, event.when, companions
                )
        elif event.kind == "end" and event.subject in there.lines:
            day = event.day + timedelta(event.values["ahead"])
            if act(there.end_line, event, day):
                if day == event.day:
                    self.reckoning.end(event.subject, now)
                else:
                    self.reckoning.plan_end(event.subject, day)
        elif event.kind == "terminate":
            day = event.day + timedelta(event.values["ahead"])
            if act(there.terminate_contract, event, day):
                self.reckoning.terminate(event.subject, day, now)
        elif event.kind == "price":
            self.change_price(event)
        elif event.kind == "customer" and act(there.change_customer, event):
            self.reckoning.rename(event.subject, event.values["customer"], now)

    def change_price(self, event):
        there, reckoning = self.provider, self.reckoning
        which = event.subject, event.values["place"]
        self.happened["price changed"] += 1
        if "ahead" in event.values:
            day = event.day + timedelta(event.values["ahead"])
            if there.act(there.follow_price, event, day):
                reckoning.follow_price(*which, day, event.values["price"])
        elif there.act(there.set_price, event):
            reckoning.set_price(*which, event.values["price"])
        there.recalculate()

    def companions(self, event, now):
        """Lines that share an allowance close together."""
        return self.reckoning.sharers(event, now)

    def work(self, day, step):
        """Calls come in, are charged and invoiced, and somebody is at the office."""
        there, reckoning, rng = self.provider, self.reckoning, self.rng
        self.send(there.now())
        for platform in range(len(self.story.companies)):
            self.read(platform, day, step)
        for platform in range(len(self.story.companies)):
            if rng.random() < 0.5:
                there.charge_by_schedule(platform)
            else:
                there.act(there.charge_by_wizard, platform)
        there.act(there.confirm_charges)
        taken = reckoning.charge(there.now(), there.imported_until())
        self.compare_run(day, taken)
        if rng.random() < 0.3:
            there.delete_drafts(rng)
        if rng.random() < 0.3:
            there.invoice_by_button(rng)
        there.invoice()
        if rng.random() < 0.5:
            there.post_drafts(rng)
        self.decide(day)
        if day < LAST_DAY - 4 * self.step:
            self.complain()
            if rng.random() < 0.3:
                self.reverse()

    def read(self, platform, day, step):
        """Now and then a platform is late, and what shares an allowance waits."""
        there = self.provider
        reads_again = step % RE_READ_STEPS == RE_READ_STEPS - 1 or day == LAST_DAY
        if step and not reads_again and self.rng.random() < 0.1:
            return
        self.store(platform, there.import_by_schedule(platform))
        if reads_again:
            run = there.import_by_hand(platform, FIRST_DAY, day - ONE_DAY)
            self.store(platform, run)

    # Disputes, and charges made again

    def complain(self):
        """A customer says that some calls, or a charge, are wrong."""
        there, rng = self.provider, self.rng
        kind = rng.choice(("unbilled", "confirmed", "invoiced", "charge", None))
        if kind == "charge":
            states = [("state", "in", ("confirmed", "invoiced"))]
            charges = there.env["saperx.charge"].search(states).filtered("amount")
            if not charges:
                return
            charge = charges.browse(rng.choice(charges.ids))
            calls = there.find_calls_of(charge)
            if record := there.act(there.dispute, (), charge):
                self.disputes.append(Dispute(record, there.keys_of(calls), True))
        elif kind:
            where = [("state", "=", "unbilled")]
            if kind == "confirmed":
                where = [("charge_id.state", "=", "confirmed")]
            if kind == "invoiced":
                posted = there.env["account.move"].search([("state", "=", "posted")])
                charges = posted.invoice_line_ids.saperx_charge_id
                live = charges.filtered(lambda charge: charge.move_id in posted)
                where = [("charge_id", "in", live.ids)]
            calls = there.find_calls(where, rng.randint(1, 4), rng)
            ids = there.keys_of(calls)
            if calls and (record := there.act(there.dispute, calls)):
                self.disputes.append(Dispute(record, ids, False))
                if kind == "unbilled":
                    self.reckoning.hold(ids)

    def decide(self, day):
        """Half of what is open, and all of it before the end."""
        for dispute in list(self.disputes):
            is_late = day > LAST_DAY - 3 * self.step
            if is_late or self.rng.random() < 0.5:
                self.decide_one(dispute)

    def decide_one(self, dispute):
        there, reckoning, rng = self.provider, self.reckoning, self.rng
        is_right = rng.random() < 0.6
        only, turned_down = None, []
        if is_right and rng.random() < 0.4:
            if dispute.is_whole:
                only = round(there.money(dispute.record.amount) / 3, 2)
            else:
                turned_down = rng.sample(dispute.ids, len(dispute.ids) // 2)
        stands = there.stands(dispute.ids)
        if not is_right:
            if there.act(dispute.record.action_reject):
                self.disputes.remove(dispute)
                reckoning.release(dispute.ids, is_waived=False)
                self.happened["dispute rejected"] += 1
            return
        if not there.act(there.accept, dispute.record, only, turned_down):
            return
        self.disputes.remove(dispute)
        accepted = [each for each in dispute.ids if each not in turned_down]
        charged = [each for each in accepted if stands[each]]
        credited = [each for each in charged if stands[each] == "invoiced"]
        if only and charged:
            self.happened["charge credited in part"] += 1
            reckoning.credit(charged, only)
            return
        self.happened["credited" if credited else "waived"] += 1
        reckoning.credit(credited)
        reckoning.release(turned_down, is_waived=False)
        reckoning.release([e for e in accepted if e not in credited], is_waived=True)
        if made_again := [each for each in charged if each not in credited]:
            self.happened["confirmed charge made again"] += 1
            self.take_back(made_again)
            lines = {self.sent[each]["line"] for each in made_again}
            reckoning.charge(there.now(), there.imported_until(), lines)

    def take_back(self, ids):
        """The charges of these calls are cancelled. What else of them is in dispute is
        not charged meanwhile."""
        charges = self.reckoning.charges_of(ids)
        gone = [ident for charge in charges.values() for ident in charge]
        self.reckoning.take_back(gone)
        for other in self.disputes:
            self.reckoning.hold(set(other.ids) & set(gone))

    def reverse(self):
        if ids := self.provider.act(self.provider.reverse, self.rng):
            self.happened["reversed and recalculated"] += 1
            self.take_back(ids)

    def send(self, now):
        circuits = self.provider.circuits()
        records = defaultdict(list)
        while self.waiting and self.waiting[0].arrives <= now:
            call = self.waiting.pop(0)
            number = call.fact["line"]
            if number not in circuits:
                continue  # the line was refused
            ended = self.reckoning.end_of(number)
            if ended and call.fact["start"] >= ended and not call.after_end:
                continue
            circuit = circuits[number]
            self.sent[call.fact["id"]] = call.fact
            records[self.story.lines[number].platform].append(
                {**call.record, "circuito_id": circuit["id"], "conta": circuit["conta"]}
            )
        for platform, some in records.items():
            self.provider.sandboxes[platform].add_calls(some)

    def store(self, platform, run):
        """What was to be read of the run's window."""
        first, last = run.date_from, run.date_to
        for fact in self.sent.values():
            if self.story.lines[fact["line"]].platform != platform:
                continue
            start = fact["start"].astimezone(naive.UTC).replace(tzinfo=None)
            if first <= start < last:
                self.reckoning.arrive(fact)

    def compare_run(self, day, taken):
        """The very calls that a run took."""
        charged = {ident for ident, _state in self.read_calls("charge_id IS NOT NULL")}
        expected = self.reckoning.results.keys()
        if charged != expected:
            for ident in sorted(charged ^ expected)[:5]:
                call = self.sent[ident]
                who = "Odoo alone" if ident in charged else "the reckoning alone"
                self.differences.append(
                    f"{day}: {who} charged {ident} of {call['start']}, held by "
                    f"{self.brief(call)}"
                )
            raise Different(self.differences)

    def brief(self, call):
        return [
            {
                **each,
                "tariff": each["tariff"] and each["tariff"]["id"],
                "start": f"{each['start']}",
                "end": f"{each['end']}",
            }
            for each in self.reckoning.lines[call["line"]]["periods"]
        ]

    # At the end

    def numbers(self):
        """By what it is, the numbers of the story by the ids of Odoo."""
        return {
            name: {record.id: number for number, record in records.items()}
            for name, records in (
                ("contract", self.provider.contracts),
                ("customer", self.provider.customers),
                ("line", self.provider.lines),
            )
        }

    def compare(self):
        numbers = self.numbers()
        self.differ("calls", self.reckoning.states(), self.read_states())
        self.differ("charges", self.reckoning.totals(), self.read_totals(numbers))
        self.differ("invoices", self.reckoning.invoiced(), self.read_invoiced(numbers))
        self.differ("fees", self.reckoning.fees(LAST_INVOICES), self.read_fees(numbers))
        self.differ(
            "calls that Odoo has",
            dict.fromkeys(self.sent, 1),
            Counter(ident for ident, _state in self.read_calls()),
        )
        self.check_invariants()

    def differ(self, what, expected, found):
        for key in sorted(expected.keys() | found.keys(), key=str):
            one, other = expected.get(key), found.get(key)
            if one != other:
                self.differences.append(f"{what}: {key}: {one} expected, {other} found")

    def query(self, statement):
        env = self.provider.env
        env.cr.execute(statement)
        return env.cr.fetchall()

    def read_calls(self, where="TRUE"):
        """:return: pairs of what a call is known by, and its state"""
        platforms = {
            integration.id: platform
            for platform, integration in enumerate(self.provider.integrations)
        }
        rows = self.query(
            f"SELECT integration_id, remote_id, state FROM saperx_cdr WHERE {where}"
        )
        return [
            (key_of(ident, platforms[integration]), state)
            for integration, ident, state in rows
        ]

    def read_states(self):
        return dict(self.read_calls())

    def read_totals(self, numbers):
        rows = self.query(
            """
            SELECT charge.contract_id, charge.partner_id, charge.line_id,
                   charge.cycle_end, part.call_class, sum(part.call_count),
                   sum(part.charged_seconds), sum(part.gross_amount)::text,
                   sum(part.amount)::text
              FROM saperx_charge_class AS part
              JOIN saperx_charge AS charge ON charge.id = part.charge_id
             WHERE charge.state <> 'cancelled'
             GROUP BY 1, 2, 3, 4, 5
            """
        )
        return {
            (
                numbers["contract"][contract],
                numbers["customer"][customer],
                numbers["line"][line],
                cycle_end,
                call_class,
            ): (calls, seconds, Fraction(gross), Fraction(amount))
            for contract, customer, line, cycle_end, call_class, calls, seconds, gross,
            amount in rows
        }  # fmt: skip

    def read_invoiced(self, numbers):
        """What customers are asked for, taxes included; less what was credited."""
        rows = self.query(
            """
            SELECT fee.contract_id, move.commercial_partner_id,
                   sum(CASE move.move_type WHEN 'out_refund' THEN -item.price_total
                       ELSE item.price_total END)::text
              FROM account_move_line AS item
              JOIN account_move AS move ON move.id = item.move_id
              JOIN contract_line AS fee ON fee.id = item.contract_line_id
             WHERE fee.is_telephony AND move.state <> 'cancel'
             GROUP BY 1, 2
            """
        )
        return {
            (numbers["contract"][contract], numbers["customer"][customer]): Fraction(
                amount
            )
            for contract, customer, amount in rows
            if Fraction(amount)
        }

    def read_fees(self, numbers):
        rows = self.query(
            """
            SELECT fee.contract_id, count(*), count(DISTINCT item.name),
                   sum(item.price_total)::text
              FROM account_move_line AS item
              JOIN account_move AS move ON move.id = item.move_id
              JOIN contract_line AS fee ON fee.id = item.contract_line_id
             WHERE fee.is_telephony IS NOT TRUE AND move.state <> 'cancel'
               AND move.move_type = 'out_invoice'
               -- Of an invoice that was credited as a whole and made again.
               AND NOT EXISTS (
                   SELECT FROM account_move AS credit
                    WHERE credit.reversed_entry_id = move.id
                      AND credit.state <> 'cancel'
                      AND EXISTS (
                          SELECT FROM account_move_line AS credited
                           WHERE credited.move_id = credit.id
                             AND credited.contract_line_id = fee.id))
             GROUP BY 1
            """
        )
        return {
            numbers["contract"][contract]: (count, periods, Fraction(amount))
            for contract, count, periods, amount in rows
        }

    def check_invariants(self):
        for what, statement in INVARIANTS.items():
            rows = self.query(statement)
            if rows:
                self.differences.append(f"{what}: {rows[:5]} and {len(rows)} in all")


INVARIANTS = {
    "a billed call without a charge, or the reverse": """
        SELECT id FROM saperx_cdr WHERE (state = 'billed') <> (charge_id IS NOT NULL)
        """,
    "a call of a cancelled charge": """
        SELECT call.id FROM saperx_cdr AS call
          JOIN saperx_charge AS charge ON charge.id = call.charge_id
         WHERE charge.state = 'cancelled'
        """,
    "a charge that is not the sum of its calls": """
        SELECT charge.id, charge.amount, sum(call.charged_amount), charge.call_count
          FROM saperx_charge AS charge
          LEFT JOIN saperx_cdr AS call ON call.charge_id = charge.id
         WHERE charge.state <> 'cancelled'
         GROUP BY charge.id
        HAVING charge.amount <> coalesce(sum(call.charged_amount), 0)
            OR charge.call_count <> count(call.id)
        """,
    "a charge that is not the sum of its invoice lines": """
        SELECT charge.id, charge.state, charge.amount, sum(item.price_total)
          FROM saperx_charge AS charge
          LEFT JOIN (account_move_line AS item
                     JOIN account_move AS move
                       ON move.id = item.move_id AND move.state <> 'cancel'
                      AND move.move_type = 'out_invoice'
                     LEFT JOIN account_move AS credit
                       ON credit.id = item.saperx_reversal_move_id)
            ON item.saperx_charge_id = charge.id
           AND credit.state IS DISTINCT FROM 'posted'
         GROUP BY charge.id
        HAVING coalesce(sum(item.price_total), 0) <>
               CASE charge.state WHEN 'invoiced' THEN charge.amount ELSE 0 END
        """,
    "a charge on two live invoices": """
        SELECT item.saperx_charge_id
          FROM account_move_line AS item
          JOIN account_move AS move ON move.id = item.move_id
         WHERE item.saperx_charge_id IS NOT NULL AND move.state <> 'cancel'
           AND move.move_type = 'out_invoice'
           AND NOT EXISTS (
               SELECT FROM account_move AS credit
                WHERE credit.id = item.saperx_reversal_move_id
                  AND credit.state = 'posted')
         GROUP BY 1 HAVING count(DISTINCT item.move_id) > 1
        """,
    "a charge left over": """
        SELECT id, state, amount FROM saperx_charge
         WHERE amount > 0 AND state NOT IN ('invoiced', 'cancelled')
        """,
}


class Different(Exception):
    """The two went apart: what comes after says nothing."""


@contextmanager
def platforms(story):
    """A server for each platform of the story."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                running(stack.enter_context(tempfile.TemporaryDirectory()))
            )
            for _company in story.companies
        ]


def live(seed, line_count, database=DATABASE, installed=None):
    """:return: the quarter, with its ``differences``"""
    story = tell(seed, line_count)
    with (
        platforms(story) as sandboxes,
        real.opened(database, installed) as env,
        real.Provider(env, sandboxes, story) as provider,
    ):
        provider.set_up()
        quarter = Quarter(provider, story)
        try:
            quarter.live()
            quarter.compare()
        except Different:
            pass
        return quarter


def tell_of(quarter, seconds):
    totals = quarter.reckoning.totals()
    amount = float(sum(row[3] for row in totals.values()))
    gross = float(sum(row[2] for row in totals.values()))
    print(
        f"seed {quarter.story.seed}: {len(quarter.story.lines)} lines on"
        f" {len(quarter.story.contracts)} contracts, {len(quarter.sent)} calls:"
        f" {dict(Counter(quarter.reckoning.states().values()))}; R$ {gross:.2f} before"
        f" allowances, R$ {amount:.2f} charged; {dict(quarter.happened)}; refused:"
        f" {dict(quarter.provider.refused)}; {seconds:.0f} s"
    )
    for reason, count in quarter.provider.reasons.most_common(8):
        print(f"   {count} × {reason}")
    for difference in quarter.differences[:20]:
        print("DIFFERENT", difference)
    sys.stdout.flush()


def main(seeds, line_count, database=DATABASE, installed=None):
    """:param installed: as ``provider.opened`` takes it
    :return: whether all came out alike"""
    alike = True
    for seed in seeds:
        began = time.perf_counter()
        quarter = live(seed, line_count, database, installed)
        tell_of(quarter, time.perf_counter() - began)
        alike &= not quarter.differences
    return alike
