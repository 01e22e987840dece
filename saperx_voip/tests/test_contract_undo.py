# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form

from .common import FIXED_OTHER_DDD as FIXED
from .common import NUMBER, SaperxCase, moment

TODAY = date(2026, 11, 16)
LATER = "2026-11-18 12:00:00"
PORTED = "555132110000"


class TestContractUndo(SaperxCase):
    """A termination that is undone: what comes back, what cannot, and who may."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env["contract.terminate.reason"].create(
            {"name": "Moved", "terminate_comment_required": False}
        )
        cls.env["saperx.number.range"].create(
            {"name": "Ours", "area_code": "54", "first": "33334000", "last": "33334999"}
        )
        cls.line._write_sync(
            {
                "remote_id": 7,
                "was_claimed": True,
                "pushed_revision": cls.line.revision,
                "pushed_status": "active",
                "sync_state": "synced",
            }
        )
        cls.line.account_code = "123456"
        cls.fee = cls.contract._get_product_lines()

    def _terminate(self, day=TODAY, flag=False):
        self.contract._terminate_contract(self.reason, "", day, flag)

    def _undo(self, at=LATER):
        """:return: the wizard, as the button opens it"""
        with freeze_time(at):
            action = self.contract.action_cancel_contract_termination()
            self.assertEqual(action["res_model"], "saperx.line.reopen.wizard")
            return self._open_wizard()

    def _open_wizard(self):
        return self.env["saperx.line.reopen.wizard"].create(
            {"contract_id": self.contract.id}
        )

    def _reopen(self, at=LATER):
        wizard = self._undo(at)
        with freeze_time(at):
            wizard.action_reopen()

    # === Dates of the contract lines ===

    def test_contract_lines_get_back_what_the_termination_took(self):
        self.fee.write({"date_end": "2027-09-30", "is_auto_renew": True})
        before = self.fee._read_dates()
        self._terminate()
        self.assertEqual(self.fee.date_end, TODAY)
        self.contract.action_cancel_contract_termination()
        self.assertEqual(self.fee._read_dates(), before)

    def test_a_write_of_is_terminated_undoes_as_much(self):
        before = self.fee._read_dates()
        self._terminate()
        self.contract.write({"is_terminated": False, "terminate_date": False})
        self.assertEqual(self.fee._read_dates(), before)
        self.assertEqual(self.contract.saperx_reopenable_count, 1)

    def test_a_line_that_had_not_begun_is_there_again(self):
        day = "2027-01-01"
        upcoming = self.fee.copy({"date_start": day, "recurring_next_date": day})
        self._terminate()
        self.assertTrue(upcoming.is_canceled)
        self.contract.action_cancel_contract_termination()
        self.assertFalse(upcoming.is_canceled)

    def test_a_line_that_somebody_changed_since_stays_and_is_named(self):
        self._terminate()
        self.fee.date_end = "2026-12-31"
        self.contract.action_cancel_contract_termination()
        self.assertEqual(self.fee.date_end, date(2026, 12, 31))
        self.assertIn(self.fee.name, self.contract.message_ids[0].body)

    def test_an_invoice_since_moves_the_next_one(self):
        self._terminate(date(2026, 12, 20))
        with freeze_time("2026-12-02 12:00:00"):
            self.contract.recurring_create_invoice()
            self.assertTrue(self.fee.last_date_invoiced)
            self.contract.action_cancel_contract_termination()
        self.assertFalse(self.fee.date_end)
        self.assertGreater(self.fee.recurring_next_date, self.fee.last_date_invoiced)

    def test_contracts_without_telephony_are_left_to_oca(self):
        plain = self._make_contract(self.partner, name="Without telephony")
        plain._terminate_contract(self.reason, "", TODAY)
        plain.action_cancel_contract_termination()
        self.assertEqual(plain.contract_line_ids.date_end, TODAY)

    # === Lines ===

    def test_a_future_termination_undone_in_time_loses_nothing(self):
        before = self.fee._read_dates(), self.line.revision
        self._terminate(date(2026, 11, 20))
        self.assertIsNone(self.contract.action_cancel_contract_termination())
        self.assertEqual((self.fee._read_dates(), self.line.revision), before)
        with freeze_time("2026-11-20 12:00:00"), self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_contract_life").method_direct_trigger()
        self.assertEqual(self.line.state, "active")
        self.assertEqual(self.line.main_number, NUMBER)

    def test_an_upcoming_line_alone_keeps_the_contract_while_it_is_undone(self):
        self.fee.write(
            {"date_start": "2027-01-01", "recurring_next_date": "2027-01-01"}
        )
        self._terminate(date(2026, 11, 20))
        self.assertTrue(self.fee.is_canceled)
        self.assertEqual(self.line.state, "active")
        self.contract.action_cancel_contract_termination()
        self.assertFalse(self.fee.is_canceled)
        self.assertEqual(self.line.state, "active")

    def test_a_reopened_line_is_the_same_and_has_its_number_from_now_on(self):
        kept = ("reference", "account_code", "remote_id", "password_revision")
        before = self.line.read(kept)
        self.line.did_ids.write({"monthly_fee": 12, "accept_collect_calls": True})
        self._terminate()
        ended_at = self.line.cancelled_at
        self.line._write_sync(
            {"sync_state": "synced", "pushed_status": "inactive"}
            | {"pushed_revision": self.line.revision}
        )
        wizard = self._undo()
        row = wizard.row_ids
        self.assertEqual(row.line_id, self.line)
        self.assertTrue(row.is_included and row.is_possible)
        self.assertEqual(row.returning_numbers, "(54) 3333-4444")
        self.assertFalse(row.remarks)
        with freeze_time(LATER):
            wizard.action_reopen()
            self.assertEqual(self.line.read(kept), before)
            self.assertEqual(self.line.state, "active")
            self.assertFalse(self.line.cancelled_at)
            did = self.line.did_ids
            self.assertEqual((did.number, did.held_from), (NUMBER, moment(LATER)))
            self.assertEqual((did.monthly_fee, did.accept_collect_calls), (12, True))
            self.assertTrue(did.is_main)
            # The platform learns it: a status is raised.
            self.assertEqual(self.line.sync_state, "pending")
            self.assertGreater(self.line.revision, self.line.pushed_revision)
            wanted = self.line._get_wanted_line()
            self.assertEqual(wanted.status.value, "active")
            self.assertFalse(wanted.final)
            self.assertIsNone(wanted.settings.password)
            self.assertEqual([terms.number for terms in wanted.dids], [NUMBER])
        # One period without a gap; it was not active in between.
        self.assertEqual(len(self.line.period_ids), 1)
        self.assertFalse(self.line.period_ids.date_to)
        spans = self.line.activity_span_ids.sorted(lambda span: bool(span.date_from))
        self.assertEqual(spans[0].date_to, ended_at)
        self.assertEqual(spans[1].date_from, moment(LATER))
        self.assertFalse(spans[1].date_to)
        number = self.env["saperx.number"].search([("number", "=", NUMBER)])
        self.assertEqual((number.state, number.did_id), ("in_use", did))
        self.assertFalse(self.contract.saperx_reopenable_count)

    def test_calls_of_before_between_and_after_are_this_lines(self):
        self._terminate()
        self._reopen()
        self._import(
            self._make_call(1, "2026-11-10 12:00:00"),
            self._make_call(2, "2026-11-17 12:00:00", caller=FIXED, line_remote_id=7),
            self._make_call(3, "2026-11-18 13:00:00"),
        )
        for remote_id in (1, 2, 3):
            self.assertEqual(self._get_call(remote_id).line_id, self.line)
            self.assertEqual(self._get_call(remote_id).period_id, self.line.period_ids)

    def test_a_number_that_somebody_has_by_now_does_not_come_back(self):
        self.env["saperx.did"].create(
            {"line_id": self.line.id, "number": "555433334001"}
        )
        self._terminate()
        other = self._make_line(
            self._make_contract(self.partner, name="Other"), number=NUMBER
        )
        wizard = self._undo()
        self.assertIn("(54) 3333-4444", wizard.row_ids.remarks)
        self.assertEqual(wizard.row_ids.returning_numbers, "(54) 3333-4001")
        with freeze_time(LATER):
            wizard.action_reopen()
        self.assertEqual(self.line.did_ids.number, "555433334001")
        self.assertTrue(self.line.did_ids.is_main)
        self.assertEqual(other.main_number, NUMBER)

    def test_a_ported_number_is_named_and_needs_a_new_portability(self):
        ported = self._make_line(
            self.contract,
            number=None,
            portability="in",
            did_ids=[Command.create({"number": PORTED, "porting_at": "2026-11-01"})],
        )
        self._terminate()
        wizard = self._undo()
        row = wizard.row_ids.filtered(lambda row: row.line_id == ported)
        self.assertIn("new portability", row.remarks)
        self.assertFalse(row.returning_numbers)
        with freeze_time(LATER):
            wizard.action_reopen()
        self.assertEqual(ported.state, "active")
        self.assertFalse(ported.did_ids)

    def test_numbers_without_a_stock_are_checked_by_their_holders(self):
        # A provider that keeps no stock of numbers.
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM saperx_number")
        self.env.cr.execute("DELETE FROM saperx_number_range")
        self.env.invalidate_all()
        second = self._make_line(self.contract, number="551130001000")
        self._terminate()
        self._make_line(
            self._make_contract(self.partner, name="Other"), number="551130001000"
        )
        self._reopen()
        self.assertEqual(self.line.did_ids.number, NUMBER)
        self.assertFalse(second.did_ids)

    def test_only_chosen_lines_come_back_and_the_others_stay_offered(self):
        second = self._make_line(self.contract, number="555433334001")
        self._terminate()
        self._undo()
        wizards = self.env["saperx.line.reopen.wizard"]
        with Form(wizards.with_context(default_contract_id=self.contract.id)) as form:
            self.assertEqual(len(form.row_ids), 2)
            with form.row_ids.edit(1) as row:
                self.assertEqual(row.line_id, second)
                self.assertEqual(row.returning_numbers, "(54) 3333-4001")
                row.is_included = False
        wizard = form.record
        with freeze_time(LATER):
            wizard.action_reopen()
        self.assertEqual((self.line.state, second.state), ("active", "cancelled"))
        self.assertEqual(self.contract.saperx_reopenable_count, 1)
        with freeze_time("2026-11-19 12:00:00"):
            self._open_wizard().action_reopen()
        self.assertEqual(second.state, "active")

    def test_an_account_code_that_is_anothers_by_now_is_named_and_in_the_way(self):
        self._terminate()
        other = self._make_line(
            self._make_contract(self.partner, name="Other"), number=None
        )
        other.account_code = "123456"
        wizard = self._undo()
        self.assertFalse(wizard.row_ids.is_included or wizard.row_ids.is_possible)
        self.assertIn("123456", wizard.row_ids.remarks)
        wizard.row_ids.is_included = True
        with freeze_time(LATER), self.assertRaisesRegex(UserError, "123456"):
            wizard.action_reopen()

    def test_a_charge_of_the_end_is_named(self):
        self.integration.imported_until = moment("2026-12-05 00:00:00")
        self._import(self._make_call(1, "2026-11-10 12:00:00"))
        self._terminate()
        with freeze_time("2026-12-06 12:00:00"):
            self._charge()
        wizard = self._undo("2026-12-06 13:00:00")
        self.assertIn("was charged when the line ended", wizard.row_ids.remarks)

    def test_the_new_customer_of_the_contract_has_the_line_from_then_on(self):
        self._import(self._make_call(1, "2026-11-10 12:00:00"))
        self._terminate()
        self.contract.partner_id = self.partner_a
        self.env["saperx.number"].search([("number", "=", NUMBER)])._make_available()
        self._reopen()
        former, running = self.line.period_ids.sorted(lambda p: bool(p.date_from))
        self.assertEqual(former.partner_id, self.partner)
        self.assertEqual(running.partner_id, self.partner_a)
        self.assertEqual(former.date_to, running.date_from)

    def test_a_block_that_is_open_still_holds(self):
        self.env["saperx.line.block"].create({"line_id": self.line.id})
        self._terminate()
        self._reopen()
        self.assertEqual(self.line.block_level, "full")
        self.assertEqual(self.line._get_wanted_status().value, "blocked")

    # === Cancelled is final ===

    def test_no_other_cancellation_can_be_taken_back(self):
        for way in ("by hand", "archived"):
            contract = self._make_contract(self.partner, name=way)
            line = self._make_line(contract, number=None)
            if way == "archived":
                contract.active = False
                contract.active = True
            else:
                line.action_cancel()
            self.assertFalse(contract.saperx_reopenable_count, way)
            with self.assertRaises(UserError, msg=way):
                line._reopen()
            with self.assertRaises(UserError, msg=way):
                line.write({"state": "active"})

    def test_a_line_of_a_terminated_contract_stays_cancelled(self):
        self._terminate()
        self.assertFalse(self.contract.saperx_reopenable_count)
        with self.assertRaisesRegex(UserError, "has ended"):
            self.line._reopen()

    def test_the_mark_of_the_way_back_is_written_by_nobody(self):
        self.line.action_cancel()
        technician = self._make_user("technician")
        with self.assertRaises(UserError):
            self.line.with_user(technician).write({"ended_with_termination": True})

    def test_a_contract_that_takes_no_line_any_more_says_so(self):
        self._terminate()
        self.contract.manual_currency_id = self.setup_other_currency("EUR")
        row = self._undo().row_ids
        self.assertFalse(row.is_possible)
        self.assertIn("EUR", row.remarks)

    def test_lines_reopen_once(self):
        self._terminate()
        first, second = self._undo(), self._open_wizard()
        with freeze_time(LATER):
            first.action_reopen()
            with self.assertRaisesRegex(UserError, "is back already"):
                second.action_reopen()

    def test_a_technician_reopens_and_nobody_else(self):
        self._terminate()
        self._undo()
        for role in ("user", "billing"):
            with self.assertRaises(AccessError, msg=role):
                self.env["saperx.line.reopen.wizard"].with_user(
                    self._make_user(role)
                ).create({"contract_id": self.contract.id})
        technician = self._make_user("technician")
        wizard = self.env["saperx.line.reopen.wizard"].with_user(technician)
        wizard = wizard.create({"contract_id": self.contract.id})
        self.assertTrue(wizard.row_ids.returning_numbers)
        wizard.action_reopen()
        self.assertEqual(self.line.state, "active")
        self.assertEqual(self.line.main_number, NUMBER)
