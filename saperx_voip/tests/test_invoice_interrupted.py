# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

import psycopg2.errors

from odoo import api
from odoo.sql_db import Cursor
from odoo.tools import mute_logger

from .invoice_common import DUE, InvoiceCase

OCA_LOG = "odoo.addons.contract.models.contract"


class Killed(BaseException):
    """What no code can catch, as the death of its process."""


class TestInvoiceInterrupted(InvoiceCase):
    """Broken off at whichever statement, the next run ends with every charge on
    exactly one invoice, and every fee invoiced once."""

    # Whether what runs commits by itself; no fee is due then.
    commits = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.second = cls._make_contract(cls.partner_b)
        cls._make_line(cls.second, number="551130001000")
        cls._import(cls._make_call(1), cls._make_call(2, caller="551130001000"))
        cls.charges = cls.env["saperx.charge"]._generate()
        cls.contracts = cls.contract | cls.second

    @contextmanager
    def _break_at(self, number, error):
        """Before the so-manieth statement that writes: reading changes nothing, so
        that all that lies between two of these is the same death.

        :return: in a list, how many there were
        """
        execute = Cursor.execute
        seen = [0]

        def broken(cursor, query, *args, **kwargs):
            text = getattr(query, "code", query)
            if not str(text).lstrip().upper().startswith("SELECT"):
                seen[0] += 1
                if seen[0] == number:
                    raise error("broken off")
            return execute(cursor, query, *args, **kwargs)

        with patch.object(Cursor, "execute", broken):
            yield seen

    def _break_everywhere(self, run, error):
        """:param run: called with nothing; once more after each break"""
        for number in count(1):
            with self.subTest(statement=number), self._undone():
                statements, died = self._run_and_break(run, number, error)
                if statements < number:
                    # It ended before: that was the last.
                    self.assertGreater(number, 10)
                    self._assert_once()
                    return
                self.env.invalidate_all()
                if died and not self.commits:
                    # One transaction: what is left is what there was.
                    self.assertEqual(set(self.charges.mapped("state")), {"confirmed"})
                    self.assertFalse(self.charges.move_line_ids)
                    continue
                run()
                self._assert_once()

    def _run_and_break(self, run, number, error):
        """:return: how many statements there were, and whether it died of this one"""
        savepoint = self.cr.savepoint()
        died = False
        with self._break_at(number, error) as seen:
            try:
                run()
                self.env.flush_all()
            except error:
                died = True
        # What an own cursor committed stays; its own rollback undid the rest.
        savepoint.close(rollback=died and not self.commits)
        return seen[0], died

    @contextmanager
    def _undone(self):
        savepoint = self.cr.savepoint()
        try:
            yield
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    def _assert_once(self):
        self.env.invalidate_all()
        for charge in self.charges:
            self.assertEqual(charge.state, "invoiced")
            lines = charge.move_line_ids
            self.assertEqual(len(lines), 1)
            self.assertEqual(lines.move_id.state, "draft")
            self.assertEqual(lines.price_unit, charge.amount)
        for contract in self.contracts:
            fee = self._get_fees(contract)
            items = self.env["account.move.line"].search(
                [("contract_line_id", "=", fee.id)]
            )
            self.assertEqual(len(items), 0 if self.commits else 1)

    def _run_cron(self):
        self.env["contract.contract"].cron_recurring_create_invoice(DUE)

    def test_the_cron_that_dies(self):
        self._keep_one_contract()
        self._break_everywhere(self._run_cron, Killed)

    def test_the_cron_with_an_error_goes_on_contract_by_contract(self):
        with mute_logger(OCA_LOG, "odoo.sql_db"):
            self._break_everywhere(self._run_cron, psycopg2.errors.DiskFull)

    def test_the_button_that_dies(self):
        self._keep_one_contract()
        self._break_everywhere(self.contract.recurring_create_invoice, Killed)

    def _keep_one_contract(self):
        (self.charges - self.charges[0]).action_cancel()
        self.charges = self.charges[0]
        self.contracts = self.charges.contract_id
        self.contract = self.contracts

    def _run_alone(self):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, self.uid, self.env.context)
            env["contract.contract"]._cron_invoice_telephony()

    def _let_nothing_fall_due(self):
        for contract in self.contracts:
            self._get_fees(contract).recurring_next_date = "2027-10-01"
        self.commits = True

    def test_the_cron_of_telephony_alone_that_dies(self):
        self._let_nothing_fall_due()
        with self.enter_registry_test_mode():
            self._break_everywhere(self._run_alone, Killed)

    def test_the_cron_of_telephony_alone_with_an_error(self):
        self._keep_one_contract()
        self._let_nothing_fall_due()
        with (
            self.enter_registry_test_mode(),
            mute_logger(OCA_LOG, "odoo.sql_db"),
        ):
            self._break_everywhere(self._run_alone, psycopg2.errors.DiskFull)


class TestInvoiceConflict(InvoiceCase):
    def test_a_charge_that_changed_meanwhile_holds_up_neither_fee_nor_others(self):
        self._make_line(self.contract, number="551130001000")
        self._import(self._make_call(1), self._make_call(2, caller="551130001000"))
        charges = self._charge()
        changed = charges[0]
        lock = type(changed)._lock_query

        def refuse(model, query):
            locked = lock(model, query)
            if changed in locked:
                # As PostgreSQL does of a row that somebody else wrote and committed.
                raise psycopg2.errors.SerializationFailure
            return locked

        with patch.object(type(changed), "_lock_query", refuse):
            move = self._invoice()
            self.assertFalse(self._invoice_alone())
        self.assertEqual(move.amount_total, 100.12)
        self.assertEqual(self._get_telephony(move).saperx_charge_id, charges - changed)
        self.assertFalse(self.contract.invoice_generation_error)
        self.assertEqual(changed.state, "confirmed")
