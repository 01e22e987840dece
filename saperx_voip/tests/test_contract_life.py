# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo import Command

from .common import SaperxCase


class TestContractLife(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env["contract.terminate.reason"].create(
            {"name": "Moved", "terminate_comment_required": False}
        )
        cls.env.user.group_ids += cls.env.ref(
            "contract_termination.can_terminate_contract"
        )
        cls.env.user.group_ids += cls.env.ref("account.group_account_manager")

    def _terminate(self, day):
        self.contract._terminate_contract(self.reason, "", day, True)

    def test_termination_today_cancels_the_lines_and_tells_the_platform(self):
        before = self.line.revision
        self._terminate(date(2026, 11, 16))
        self.assertEqual(self.line.state, "cancelled")
        self.assertGreater(self.line.revision, before)

    def test_termination_in_the_past_cancels_at_once(self):
        self._terminate(date(2026, 11, 1))
        self.assertEqual(self.line.state, "cancelled")

    def test_a_future_termination_waits_for_its_day_in_the_companys_zone(self):
        self.company.partner_id.tz = "America/Sao_Paulo"
        self._terminate(date(2026, 11, 20))
        self.assertEqual(self.line.state, "active")
        with self.enter_registry_test_mode():
            # Still the 19th there, though the 20th in UTC.
            with freeze_time("2026-11-20 02:00:00"):
                self.env.ref(
                    "saperx_voip.ir_cron_contract_life"
                ).method_direct_trigger()
            self.assertEqual(self.line.state, "active")
            with freeze_time("2026-11-20 03:30:00"):
                self.env.ref(
                    "saperx_voip.ir_cron_contract_life"
                ).method_direct_trigger()
        self.assertEqual(self.line.state, "cancelled")

    def test_archiving_cancels(self):
        self.contract.active = False
        self.assertEqual(self.line.state, "cancelled")

    def test_the_end_of_every_product_line_cancels_sections_do_not_count(self):
        self.contract.write(
            {
                "contract_line_ids": [
                    Command.create({"display_type": "line_section", "name": "Part"})
                ]
            }
        )
        fee = self.contract.contract_line_ids.filtered("product_id").filtered(
            lambda line: not line.is_telephony
        )
        fee.cancel()
        self.assertEqual(self.line.state, "cancelled")

    def test_a_line_lives_by_its_own_fee(self):
        own_fee = self.env["contract.line"].create(
            {
                "contract_id": self.contract.id,
                "name": "Phone",
                "product_id": self.product_b.id,
                "quantity": 1,
                "price_unit": 20,
                "date_start": "2026-10-01",
                "recurring_next_date": "2026-12-01",
            }
        )
        other = self._make_line(self.contract, number="551130001000")
        self.line.contract_line_id = own_fee
        own_fee.cancel()
        self.assertEqual(self.line.state, "cancelled")
        self.assertEqual(other.state, "active")

    def test_the_sweep_finds_what_no_hook_saw(self):
        fee = self.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        )
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE contract_line SET date_end = '2026-11-10', is_auto_renew = FALSE"
            " WHERE id = %s",
            (fee.id,),
        )
        self.env.invalidate_all()
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_contract_life").method_direct_trigger()
        self.assertEqual(self.line.state, "cancelled")
        self.assertTrue(
            any("sweep" in message.body for message in self.line.message_ids)
        )

    def test_a_line_that_waits_for_renewal_keeps_the_contract_alive(self):
        fee = self.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        )
        fee.write({"date_end": "2026-11-30", "is_auto_renew": True})
        self.assertFalse(self.contract._is_dead(date(2027, 1, 1)))
        fee.is_auto_renew = False
        self.assertTrue(self.contract._is_dead(date(2027, 1, 1)))
        self.assertFalse(self.contract._is_dead(date(2026, 11, 30)))

    def test_our_own_line_counts_for_nothing_that_oca_computes(self):
        plain = self._make_contract(self.partner, name="Without telephony")
        ours = self.contract.contract_line_ids.filtered("is_telephony")
        self.assertTrue(ours)
        for name in ("recurring_next_date", "date_end", "create_invoice_visibility"):
            self.assertEqual(self.contract[name], plain[name], name)
        self.assertFalse(ours._can_be_invoiced(date(2030, 1, 1)))
        self.assertFalse(ours.create_invoice_visibility)
        self.assertFalse(ours.state)
        self.assertFalse(ours.is_un_cancel_allowed)
        fee = self.contract.contract_line_ids - ours
        fee.write({"date_end": "2026-12-31"})
        self.assertEqual(self.contract.date_end, date(2026, 12, 31))
