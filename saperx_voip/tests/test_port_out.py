# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .common import NUMBER, SaperxCase, moment

OTHER_NUMBER = "555433334445"
WINDOW = "2026-11-20 12:00:00"


@tagged("post_install", "-at_install")
class TestPortOut(SaperxCase):
    """A line with the first two of an own range of ten numbers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.saperx_quarantine_days = 90
        cls.env["saperx.number.range"].create(
            {
                "name": "Own",
                "area_code": "54",
                "first": "33334444",
                "last": "33334453",
            }
        )
        # As if the platform knew it.
        cls.line._write_sync({"remote_id": 7})
        cls.line.did_ids = [Command.create({"number": OTHER_NUMBER})]
        cls.did = cls.line.did_ids.filtered(lambda did: did.number == NUMBER)
        cls.other_did = cls.line.did_ids - cls.did

    def _stock(self, number=NUMBER):
        return self.env["saperx.number"].search([("number", "=", number)])

    def _wizard(self, dids=None, user=None, **values):
        return (
            self.env["saperx.did.port.out.wizard"]
            .with_user(user or self.env.user)
            .create(
                {
                    "did_ids": [Command.set((dids or self.did).ids)],
                    "port_out_operator": "Vivo",
                    "port_out_protocol": "123",
                    **values,
                }
            )
        )

    def _plan(self, dids=None, window=WINDOW, **values):
        self._wizard(dids, port_out_at=window, **values).action_port_out()

    def _follow(self, when=WINDOW):
        with self.enter_registry_test_mode(), freeze_time(when):
            self.env.ref("saperx_voip.ir_cron_moments").method_direct_trigger()

    def _messages(self, record):
        return " ".join(str(body) for body in record.message_ids.mapped("body"))

    def test_a_number_leaves_at_once_and_is_given_to_nobody_here(self):
        before = self.line.revision
        self._wizard().action_port_out()
        self.assertFalse(self.did.active)
        self.assertEqual(self.did.held_until, moment("2026-11-16 15:00:00"))
        self.assertEqual(self._stock().state, "ported_out")
        self.assertFalse(self._stock().did_id)
        self.assertGreater(self.line.revision, before)
        # The line goes on with the number that it still has.
        self.assertEqual(self.line.state, "active")
        self.assertEqual(self.line.main_number, OTHER_NUMBER)
        for record in (self.line, self.contract):
            self.assertIn("(54) 3333-4444 to Vivo", self._messages(record))
            self.assertIn("protocol 123", self._messages(record))
        with self.assertRaisesRegex(UserError, "ported out"):
            self.line.did_ids = [Command.create({"number": NUMBER})]

    def test_a_window_in_the_past_is_at_once(self):
        wizard = self._wizard(port_out_at="2026-11-16 12:00:00")
        self.assertTrue(wizard.is_now)
        wizard.action_port_out()
        self.assertEqual(self.did.held_until, moment("2026-11-16 15:00:00"))

    def test_calls_until_then_are_the_lines(self):
        self._wizard().action_port_out()
        self._import(
            self._make_call(1, start="2026-11-16 14:59:00"),
            self._make_call(2, start="2026-11-16 15:01:00"),
        )
        self.assertEqual(self._get_call(1).line_id, self.line)
        self.assertFalse(self._get_call(2).line_id)

    def test_a_planned_one_waits_for_its_window(self):
        self._plan()
        self.assertTrue(self.did.active)
        self.assertIn("to Vivo", self.line.port_out_summary)
        triggers = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref("saperx_voip.ir_cron_moments").id)]
        )
        self.assertIn(moment(WINDOW), triggers.mapped("call_at"))
        self._follow("2026-11-20 11:59:59")
        self.assertTrue(self.did.active)
        # Certain, though the trigger was lost.
        triggers.unlink()
        self._follow()
        self.assertFalse(self.did.active)
        self.assertEqual(self.did.port_out_operator, "Vivo")
        self.assertEqual(self._stock().state, "ported_out")
        self.assertFalse(self.line.port_out_summary)

    def test_a_withdrawn_one_stays(self):
        self._plan()
        self.did.action_withdraw_port_out()
        self._follow()
        self.assertTrue(self.did.active)
        self.assertEqual(self._stock().state, "in_use")
        self.assertIn("withdrawn", self._messages(self.line))
        with self.assertRaisesRegex(UserError, "withdrawn already"):
            self.did.action_withdraw_port_out()

    def test_of_two_who_port_a_number_at_once_the_second_is_told(self):
        first, second = self._wizard(), self._wizard()
        planned = self._wizard(self.other_did, port_out_at=WINDOW)
        again = self._wizard(self.other_did)
        first.action_port_out()
        self.assertIn("has left", second.obstacle)
        with self.assertRaisesRegex(UserError, "has left"):
            second.action_port_out()
        planned.action_port_out()
        with self.assertRaisesRegex(UserError, "already"):
            again.action_port_out()

    # === The only number of a line ===

    def test_the_last_number_ends_its_line_and_shows_the_final_charge(self):
        self.integration.waiting_days = 2
        self._import(self._make_call(1, start="2026-11-10 12:00:00"))
        wizard = self._wizard(self.line.did_ids)
        self.assertEqual(wizard.emptied_line_ids, self.line)
        self.assertEqual(wizard.charge_ids.amount, 0.12)
        self.assertEqual(wizard.charge_ids.charged_from, date(2026, 11, 18))
        wizard.action_port_out()
        self.assertEqual(self.line.state, "cancelled")
        self.assertEqual(self.line.portability, "out")
        stock = self._stock() | self._stock(OTHER_NUMBER)
        self.assertEqual(set(stock.mapped("state")), {"ported_out"})
        self.assertIn("Vivo", self.line.end_comment)

    def test_or_leaves_it_without_a_number(self):
        wizard = self._wizard(self.line.did_ids, port_out_ends_line=False)
        self.assertFalse(wizard.charge_ids)
        wizard.action_port_out()
        self.assertEqual(self.line.state, "active")
        self.assertFalse(self.line.did_ids.filtered("active"))
        self.assertEqual(self.line.portability, "no")

    def test_numbers_that_leave_one_by_one_end_the_line_with_the_last(self):
        self._plan()
        wizard = self._wizard(self.other_did, port_out_at="2026-11-21 12:00:00")
        self.assertEqual(wizard.emptied_line_ids, self.line)
        wizard.action_port_out()
        self._follow()
        self.assertEqual(self.line.state, "active")
        self._follow("2026-11-21 12:00:00")
        self.assertEqual(self.line.state, "cancelled")

    def test_a_number_that_came_meanwhile_keeps_the_line(self):
        self._plan(self.line.did_ids)
        self.line.did_ids = [Command.create({"number": "555433334446"})]
        self._follow()
        self.assertEqual(self.line.state, "active")
        self.assertEqual(self.line.main_number, "555433334446")

    # === What comes before the window ===

    def test_a_contract_that_ends_before_lets_the_number_go_with_it(self):
        self._plan()
        self.contract.active = False
        self.assertEqual(self.line.state, "cancelled")
        self.assertEqual(self._stock().state, "ported_out")
        self.assertEqual(self._stock(OTHER_NUMBER).state, "quarantine")
        self._follow()
        self.assertEqual(self._stock().state, "ported_out")

    def test_a_line_whose_number_is_to_leave_goes_to_no_other_contract_unasked(self):
        other = self._make_contract(self.partner_b)
        self._plan()
        with self.assertRaisesRegex(UserError, "lose a number"):
            self.line.contract_id = other
        self.did.action_withdraw_port_out()
        self.line._plan_terms({"contract_id": other.id}, moment("2026-11-18 03:00:00"))
        with self.assertRaisesRegex(UserError, "planned already"):
            self._plan()

    def test_a_number_that_is_to_leave_moves_to_no_other_line(self):
        other = self._make_line(self.contract, number="555433334447")
        self._plan()
        move = self.env["saperx.did.move.wizard"].create(
            {
                "line_id": self.line.id,
                "target_line_id": other.id,
                "did_ids": [Command.set(self.did.ids)],
            }
        )
        with self.assertRaisesRegex(UserError, "withdraw that first"):
            move.action_move()

    def test_a_number_removed_before_its_window_is_no_free_one(self):
        self._plan()
        self.did.unlink()
        self.assertEqual(self._stock().state, "ported_out")

    # === From where, and by whom ===

    def test_the_stock_ports_a_held_number_out(self):
        action = self._stock().action_port_out()
        form = Form(
            self.env["saperx.did.port.out.wizard"].with_context(**action["context"])
        )
        form.port_out_operator = "Vivo"
        form.save().action_port_out()
        self.assertEqual(self._stock().state, "ported_out")
        with self.assertRaisesRegex(UserError, "In use"):
            self._stock().action_port_out()

    def test_a_number_outside_the_stock_leaves_without_a_trace_there(self):
        line = self._make_line(self.contract, number=None, portability="in")
        line.did_ids = [
            Command.create(
                {"number": "551130001000", "porting_at": "2026-11-01 12:00:00"}
            )
        ]
        self._wizard(line.did_ids, port_out_ends_line=False).action_port_out()
        self.assertFalse(line.did_ids.filtered("active"))
        self.assertFalse(self._stock("551130001000"))

    def test_a_number_that_waits_for_its_own_window_does_not_leave(self):
        line = self._make_line(self.contract, number=None, portability="in")
        line.did_ids = [Command.create({"number": "551130001000"})]
        self.assertIn("not live", self._wizard(line.did_ids).obstacle)
        with self.assertRaisesRegex(UserError, "not live"):
            self._plan(line.did_ids)

    def test_a_technician_ports_out_and_nobody_else_does(self):
        technician = self._make_user("technician")
        self._wizard(user=technician, port_out_at=WINDOW).action_port_out()
        self.did.with_user(technician).action_withdraw_port_out()
        self._plan()
        for role in ("user", "billing"):
            user = self._make_user(role)
            for action in ("action_port_out", "action_withdraw_port_out"):
                with self.assertRaises(AccessError):
                    getattr(self.did.with_user(user), action)()
            with self.assertRaises(AccessError):
                self._stock().with_user(user).action_port_out()
            with self.assertRaises(AccessError):
                self._wizard(user=user)
        self._wizard(self.other_did, user=technician).action_port_out()
        self.assertFalse(self.other_did.active)

    def test_what_is_told_of_a_port_out_is_nobodys_to_write(self):
        with self.assertRaises(UserError):
            self.did.port_out_at = WINDOW
