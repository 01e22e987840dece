# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date, timedelta

from freezegun import freeze_time

from odoo import Command, fields

from .common import SaperxCase


class TestOverdue(SaperxCase):
    """From an unpaid invoice to the end of the contract, and back."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "saperx_overdue_active": True,
                "saperx_block_lines_with_contract": True,
                "saperx_overdue_spares_rest_days": False,
            }
        )
        cls.partner.email = "maria@example.com"
        cls.move = cls._invoice(cls.contract, date(2026, 11, 10))

    @classmethod
    def _invoice(cls, contract, due, amount=100):
        fee = contract.contract_line_ids.filtered(lambda fee: not fee.is_telephony)
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": contract.partner_id.id,
                "invoice_date": due - timedelta(days=10),
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Internet",
                            "quantity": 1,
                            "price_unit": amount,
                            "tax_ids": [],
                            "contract_line_id": fee[:1].id,
                        }
                    )
                ],
            }
        )
        move.action_post()
        return move

    def _pay(self, move, amount=None):
        values = {"amount": amount} if amount else {}
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({"payment_date": fields.Date.today(), **values})._create_payments()

    def _deliver(self):
        """The mail server took what waits."""
        self.env["mail.notification"].search(
            [("notification_status", "=", "ready")]
        ).notification_status = "sent"

    def _run(self, day, deliver=True):
        """The nightly task on a day."""
        with freeze_time(f"{day} 12:00:00"):
            self._trigger("ir_cron_overdue")
            if deliver:
                self._deliver()
            self._trigger("ir_cron_overdue_follow")

    def _trigger(self, name):
        self.env.ref(f"saperx_voip.{name}").method_direct_trigger()

    @property
    def case(self):
        return self.contract.saperx_overdue_case_id

    def test_the_whole_way_to_the_end(self):
        with self.enter_registry_test_mode():
            self._run("2026-11-15")
            self.assertFalse(self.case)
            self._run("2026-11-16")
            self.assertEqual(self.case.noticed_on, date(2026, 11, 16))
            self.assertEqual(self.case.notice_state, "sent")
            self.assertEqual(self.case.move_ids, self.move)
            self._run("2026-11-30")
            self.assertFalse(self.contract.saperx_block_level)
            self._run("2026-12-01")
            self.assertEqual(self.contract.saperx_block_level, "partial")
            self.assertEqual(self.line.block_level, "partial")
            self._run("2026-12-16")
            self.assertEqual(self.line.block_level, "full")
            self.assertEqual(
                (self.contract.saperx_next_step, self.contract.saperx_next_step_on),
                ("last_notice", date(2027, 1, 15)),
            )
            self._run("2027-01-15")
            self._run("2027-01-29")
            self.assertFalse(self.contract.is_terminated)
            self._run("2027-01-30")
        self.assertTrue(self.contract.is_terminated)
        self.assertEqual(self.contract.terminate_date, date(2027, 1, 30))
        self.assertEqual(self.line.state, "cancelled")
        self.assertFalse(self.case)

    def test_payment_restores_what_it_blocked(self):
        with self.enter_registry_test_mode():
            self._run("2026-11-16")
            self._run("2026-12-01")
            case = self.case
            with freeze_time("2026-12-02 12:00:00"):
                self._pay(self.move)
                self._trigger("ir_cron_overdue_follow")
        self.assertEqual((case.state, case.closed_because), ("closed", "paid"))
        self.assertFalse(self.line.block_level)
        self.assertFalse(self.contract.saperx_block_level)
