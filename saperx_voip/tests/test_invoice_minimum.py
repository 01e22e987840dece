# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tools import mute_logger

from .invoice_common import WAYS, InvoiceCase


class TestInvoiceMinimum(InvoiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.saperx_invoice_minimum = 0.2

    def test_little_telephony_waits_for_the_next_invoice(self):
        first = self._charge_calls(1)
        for way in WAYS:
            with self.subTest(way=way):
                self.assertEqual(self._invoice(way, date(2027, 6, 1)).amount_total, 100)
        self.assertIn("below the minimum", first.waits_for)
        self.assertIn("0.20", first.waits_for)
        second = self._charge_calls(2)
        first.invalidate_recordset()
        self.assertNotIn("below the minimum", first.waits_for)
        move = self._invoice(day=date(2027, 6, 1))
        self.assertEqual(self._get_telephony(move).saperx_charge_id, first | second)
        self.assertEqual(move.amount_total, 100.24)

    def test_exactly_the_minimum_is_invoiced(self):
        self.company.saperx_invoice_minimum = 0.24
        self._charge_calls(1, 2)
        self.assertEqual(self._invoice().amount_total, 100.24)

    def test_little_telephony_makes_no_invoice_of_its_own(self):
        self.fee.recurring_next_date = "2027-10-01"
        first = self._charge_calls(1)
        self.assertFalse(self._invoice_alone())
        with freeze_time("2026-12-20 15:00:00"):
            second = self._charge_calls(2)
            move = self._invoice_alone()
        self.assertEqual(move.amount_total, 0.24)
        self.assertEqual((first | second).move_id, move)

    def test_what_was_carried_forward_still_waits_for_an_invoice_in_time(self):
        self._charge_calls(1)
        with freeze_time("2026-12-28 15:00:00"):
            self.fee.recurring_next_date = "2027-01-01"
            self._charge_calls(2)
            self.assertFalse(self._invoice_alone())

    def test_it_does_not_wait_for_ever(self):
        self.company.saperx_invoice_minimum_days = 30
        charge = self._charge_calls(1)
        self.fee.recurring_next_date = "2027-10-01"
        with freeze_time("2026-12-15 15:00:00"):
            self.assertFalse(self._invoice_alone())
        with freeze_time("2026-12-16 15:00:00"):
            move = self._invoice_alone()
        self.assertEqual(charge.move_id, move)

    def test_a_contract_without_lines_pays_its_last_telephony_however_little(self):
        charge = self._charge_calls(1)
        self.fee.recurring_next_date = "2027-10-01"
        self.line._cancel()
        move = self._invoice_alone()
        self.assertEqual(charge.move_id, move)

    def test_a_person_may_invoice_less(self):
        charge = self._charge_calls(1)
        self.contract.action_invoice_telephony()
        self.assertEqual(charge.state, "invoiced")

    def test_other_contracts_do_not_count(self):
        other = self._make_contract(self.partner_b)
        self._make_line(other, number="551130001000")
        self._charge_calls(1)
        self._charge_calls(2, caller="551130001000")
        self.assertFalse(self._get_telephony(self._invoice()))
        self.assertFalse(self._get_telephony(self._get_invoices(other)))


class TestInvoiceWaits(InvoiceCase):
    def test_a_charge_says_with_which_invoice_it_goes(self):
        self.company.saperx_invoice_patience_days = 20
        charge = self._charge_calls(1)
        self.assertIn("next invoice, on 12/01/2026", charge.waits_for)
        self.assertEqual(
            charge.billing_chain,
            "closes 10/31 → charged 11/16 → invoiced 12/1 → due 12/1",
        )
        self.fee.recurring_next_date = "2027-10-01"
        charge.invalidate_recordset()
        self.assertIn("invoice of its own", charge.waits_for)

    def test_an_invoiced_charge_shows_the_invoices_dates(self):
        charge = self._charge_calls(1)
        self.assertTrue(charge.waits_for)
        self._invoice().invoice_date_due = "2026-12-05"
        self.assertFalse(charge.waits_for)
        self.assertIn("invoiced 12/1 → due 12/5", charge.billing_chain)

    def test_a_zero_charge_says_that_it_makes_no_line(self):
        charge = self._charge_calls(1, talk_seconds=2)
        self.assertIn("no invoice line", charge.waits_for)

    def test_a_line_shows_when_its_running_cycle_is_paid(self):
        self.integration.waiting_days = 2
        self.line.closing_day = 20
        self.fee.recurring_next_date = "2026-11-25"
        self.contract.payment_term_id = self.env["account.payment.term"].create(
            {
                "name": "10 days",
                "line_ids": [
                    (0, 0, {"value": "percent", "value_amount": 100, "nb_days": 10})
                ],
            }
        )
        self.assertEqual(
            self.line.billing_chain,
            "closes 11/20 → charged 11/23 → invoiced 11/25 → due 12/5",
        )
        self.env["res.lang"]._activate_lang("pt_BR")
        self.assertIn("20/11", self.line.with_context(lang="pt_BR").billing_chain)

    def test_a_cycle_that_closes_after_the_invoice_goes_with_the_one_after_it(self):
        self.line.closing_day = 20
        self.company.saperx_invoice_patience_days = 20
        self.integration.waiting_days = 0
        self.fee.recurring_next_date = "2026-11-18"
        self.assertIn(
            "charged 11/21 → invoiced 11/21",
            self.line.billing_chain,
            "nothing falls due within the days that a charge waits",
        )
        self.company.saperx_invoice_patience_days = 30
        self.line.invalidate_recordset()
        self.assertIn("charged 11/21 → invoiced 12/18", self.line.billing_chain)

    def test_a_line_that_is_never_charged_shows_nothing(self):
        self.line.billing_type = "prepaid"
        self.assertFalse(self.line.billing_chain)

    def test_a_contract_in_another_currency_is_refused_with_the_reason(self):
        charge = self._charge_calls(1)
        euro = self.setup_other_currency("EUR")
        # As a journal of another currency, or a company's new one, would do it.
        self.env.cr.execute(
            "UPDATE contract_contract SET manual_currency_id = %s WHERE id = %s",
            [euro.id, self.contract.id],
        )
        self.env.invalidate_all()
        self.assertIn("is in EUR", charge.waits_for)
        self.assertFalse(self._get_telephony(self._invoice()))
        with self.assertRaisesRegex(UserError, "is in EUR"):
            self.contract.action_invoice_telephony()
        with mute_logger("odoo.addons.contract.models.contract"):
            self.assertFalse(self._invoice_alone())
        self.assertIn("is in EUR", self.contract.invoice_generation_error)
        self.assertEqual(charge.state, "confirmed")
        with self.assertRaisesRegex(UserError, "is in EUR"):
            self._make_line(self.contract, number="551130001000")
