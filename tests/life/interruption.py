"""Charging and invoicing that die at any statement, or are done by two at once.

``python -m tests.life.interruption [--every 1] [--seed 1]``: a small provider whose
calls of some cycles wait to be charged. Work is begun again and again; each time the
process loses its connection at another statement, and does nothing more from then on,
as if it had been killed. After each death the database is checked as it stands; once
the work comes to its end, what was charged and invoiced must be what is reckoned, and
it is taken back and all begins anew.

Whatever statement of a transaction is the last, what the database keeps is the same. So
each transaction dies at its first statement, in its midst, and at its last, just before
it is committed. With ``--every`` every so many statements are tried, whatever they do,
one after another: some ten times as many.
"""

import argparse
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from itertools import pairwise

import psycopg2

from odoo import api
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service.model import retrying
from odoo.sql_db import Cursor

from tests.rating import naive

from . import provider as real
from .quarter import INVARIANTS, Quarter, platforms
from .story import FIRST_DAY, ONE_DAY, ZONE, tell

DATABASE = "saperx_life_cut"
LINES = 8
NOW = date(2026, 9, 20)
AT_ANY_MOMENT = {
    what: statement
    for what, statement in INVARIANTS.items()
    if what != "a charge left over"
}


class Death:
    """Lets this process die at its n-th statement from now on."""

    def __init__(self, statements):
        self.left = statements
        self.is_dead = False
        self.count = 0
        self.commits = [0]
        """After how many statements something was committed."""

    @contextmanager
    def near(self):
        execute, commit = Cursor.execute, Cursor.commit
        death = self

        def counted(cursor, *args, **kwargs):
            death.count += 1
            death.left -= 1
            if death.left <= 0:
                death.is_dead = True
                with suppress(psycopg2.Error):
                    # The server rolls back what it hears nothing more of.
                    cursor._cnx.close()
                raise psycopg2.OperationalError("the connection is gone")
            return execute(cursor, *args, **kwargs)

        def committed(cursor):
            if death.is_dead:
                raise psycopg2.OperationalError("the connection is gone")
            result = commit(cursor)
            if death.count > death.commits[-1]:
                death.commits.append(death.count)
            return result

        Cursor.execute, Cursor.commit = counted, committed
        try:
            yield self
        finally:
            Cursor.execute, Cursor.commit = execute, commit

    def get_turns(self):
        """The first statement of each transaction, one in its midst, and the last."""
        turns = set()
        for before, after in pairwise(self.commits):
            turns |= {before + 1, (before + after + 1) // 2, after}
        return sorted(turns)


class Office:
    """:param work: a function of an environment"""

    def __init__(self, env, quarter):
        self.env = env
        self.quarter = quarter
        self.problems = []
        self.gave_way = 0
        """How often one of two at once did nothing."""

    @contextmanager
    def another_process(self):
        """An environment of its own, as another worker has it."""
        registry = Registry(self.env.cr.dbname)
        cr = registry.cursor()
        try:
            yield api.Environment(cr, self.env.uid, dict(self.env.context))
        finally:
            with suppress(psycopg2.Error):
                cr.close()

    def attempt(self, work, statements=10**9):
        """:return: the ``Death`` that was near"""
        # Ours must neither hold rows nor see an older state than the others leave.
        self.forgive()
        with self.another_process() as env, Death(statements).near() as death:
            try:
                work(env)
                env.cr.commit()
            except Exception:
                if not death.is_dead:
                    raise
        self.env.invalidate_all()
        return death

    def forgive(self):
        """A scheduled action that died three times is passed over once by Odoo."""
        self.env.cr.rollback()
        self.env.cr.execute("DELETE FROM ir_cron_progress")
        self.env.cr.commit()

    def check(self, when):
        for what, statement in AT_ANY_MOMENT.items():
            if rows := self.quarter.query(statement):
                self.problems.append(f"{when}: {what}: {rows[:5]}")

    def die_everywhere(self, name, work, take_back, check_done, every):
        """:param every: how many statements lie between two deaths; None: see above
        :return: at how many statements the work died"""
        # The first time more is asked for, which is remembered from then on.
        self.attempt(work)
        take_back()
        whole = self.attempt(work)
        turns = whole.get_turns()
        if every:
            turns = range(1, whole.count + 1, every)
        print(
            f"{name}: {whole.count} statements, {len(whole.commits)} transactions,"
            f" {len(turns)} deaths",
            flush=True,
        )
        check_done(f"{name}, undisturbed")
        take_back()
        deaths = 0
        for statements in turns:
            is_dead = self.attempt(work, statements).is_dead
            deaths += is_dead
            self.check(f"{name}, dead at {statements} of {whole.count}")
            if is_dead and not every:
                self.attempt(work)
            if not is_dead or not every:
                check_done(f"{name}, dead at {statements} and done again")
                take_back()
            if self.problems:
                return deaths
        self.attempt(work)
        check_done(f"{name}, after all deaths")
        return deaths

    def at_once(self, name, works, take_back, check_done, rounds):
        """Two workers begin at the same moment, each with a work of its own."""
        for number in range(rounds):
            self.env.cr.rollback()
            barrier = threading.Barrier(2)
            troubles = []

            def run(work, barrier=barrier, troubles=troubles):
                with self.another_process() as env:
                    barrier.wait()
                    try:
                        retrying(lambda: work(env), env)
                        env.cr.commit()
                    except (psycopg2.Error, UserError):
                        # OCA's action goes on after any error, also after one that
                        # asks to begin again: then nothing of it is kept.
                        self.gave_way += 1
                    except Exception as trouble:
                        troubles.append(trouble)

            threads = [threading.Thread(target=run, args=[work]) for work in works]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.env.invalidate_all()
            self.check(f"{name}, two at once, {number}")
            self.problems += [f"{name}, two at once: {each!r}" for each in troubles]
            # What one left to the other in vain, the next run takes.
            self.attempt(works[0])
            check_done(f"{name}, two at once, {number}")
            take_back()
            if self.problems:
                return

    # The work, and what becomes of it

    def charge(self, env):
        """By the scheduled task: a transaction for each portion."""
        schedule = self.quarter.provider.schedules["charge", 0].with_env(env)
        schedule.action_run_now()
        env.cr.commit()
        schedule.cron_id.sudo().method_direct_trigger()
        # To see what that made.
        env.cr.commit()
        env.invalidate_all()
        self.confirm(env)

    def charge_by_hand(self, env):
        """By the wizard, in the transaction of whoever asks."""
        wizard = env["saperx.charge.wizard"].create(
            {"integration_id": self.quarter.provider.integrations[0].id}
        )
        wizard.action_generate()
        self.confirm(env)

    def confirm(self, env):
        """What a rule holds."""
        env["saperx.charge"].search([("state", "=", "draft")]).action_confirm()

    def cancel_charges(self):
        charges = self.env["saperx.charge"].search([("state", "!=", "cancelled")])
        charges.action_cancel()
        self.env.cr.commit()
        self.env.invalidate_all()

    def check_charged(self, when):
        self.check(when)
        numbers = self.quarter.numbers()
        found = self.quarter.read_totals(numbers)
        expected = self.quarter.reckoning.totals()
        self.compare(when, expected, found)

    def invoice(self, env):
        """By the scheduled actions, OCA's and ours."""
        env["contract.contract"].cron_recurring_create_invoice()
        env.cr.commit()
        env.ref("saperx_voip.ir_cron_invoice_telephony").method_direct_trigger()

    def invoice_by_hand(self, env):
        """By the button, contract by contract."""
        for contract in self.quarter.provider.contracts.values():
            contract.with_env(env).action_invoice_telephony()
            env.cr.commit()

    def delete_invoices(self):
        drafts = self.env["account.move"].search(
            [("move_type", "=", "out_invoice"), ("state", "=", "draft")]
        )
        for draft in drafts.sorted("id", reverse=True):
            draft.unlink()
        self.env.cr.commit()
        self.env.invalidate_all()

    def check_invoiced(self, when):
        self.check(when)
        numbers = self.quarter.numbers()
        reckoning = self.quarter.reckoning
        self.compare(when, reckoning.invoiced(), self.quarter.read_invoiced(numbers))
        self.compare(when, reckoning.fees(NOW), self.quarter.read_fees(numbers))

    def compare(self, when, expected, found):
        for key in sorted(expected.keys() | found.keys(), key=str):
            if expected.get(key) != found.get(key):
                self.problems.append(
                    f"{when}: {key}: {expected.get(key)} expected, {found.get(key)}"
                    " found"
                )


def prepare(provider, story):
    """Calls of more than two cycles are here, and nothing is charged."""
    provider.set_up()
    story.events.clear()
    quarter = Quarter(provider, story)
    for line in story.lines:
        quarter.reckoning.begin(line)
    # Telephony waits for no fee; one fee of each contract is due at most.
    provider.env.company.saperx_invoice_patience_days = 0
    provider.travel(naive.midnight(NOW - ONE_DAY * 25, ZONE))
    while provider.invoice_fees():
        continue
    provider.travel(naive.midnight(NOW, ZONE) + timedelta(hours=15))
    quarter.send(provider.now())
    quarter.store(0, provider.import_by_hand(0, FIRST_DAY, NOW - ONE_DAY))
    quarter.reckoning.charge(provider.now(), provider.imported_until())
    return quarter


def main(seed, every, rounds, database=DATABASE, installed=None):
    story = tell(seed, LINES, companies=(0,))
    for line in story.lines:
        line.since = FIRST_DAY
    began = time.perf_counter()
    with (
        platforms(story) as sandboxes,
        real.opened(database, installed) as env,
        real.Provider(env, sandboxes, story) as provider,
    ):
        quarter = prepare(provider, story)
        office = Office(env, quarter)
        charging = (office.charge, office.cancel_charges, office.check_charged)
        charged = office.die_everywhere("charging", *charging, every)
        office.cancel_charges()
        works = (office.charge, office.charge_by_hand)
        office.at_once("charging", works, *charging[1:], rounds)
        office.attempt(office.charge)
        invoicing = (office.invoice, office.delete_invoices, office.check_invoiced)
        invoiced = office.die_everywhere("invoicing", *invoicing, every)
        office.delete_invoices()
        works = (office.invoice, office.invoice_by_hand)
        office.at_once("invoicing", works, *invoicing[1:], rounds)
    seconds = time.perf_counter() - began
    print(
        f"seed {seed}: {len(quarter.sent)} calls; died {charged} times in charging and"
        f" {invoiced} times in invoicing; twice {rounds} times two at once, of"
        f" which one gave way {office.gave_way} times; {seconds:.0f} s"
    )
    for problem in office.problems[:20]:
        print("PROBLEM", problem)
    return not office.problems


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", default=DATABASE)
    parser.add_argument("--installed", help="a database with the addon, to copy")
    options = parser.parse_args()
    sys.exit(0 if main(**vars(options)) else 1)
