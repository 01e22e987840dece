# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import Command
from odoo.exceptions import ValidationError

from .common import SaperxCase


class TestOcaContract(SaperxCase):
    """What OCA's contract can do goes on with telephony beside it."""

    def _own_lines(self, contract):
        return contract.contract_line_ids.filtered(lambda line: not line.is_telephony)

    def test_a_contract_whose_recurrence_is_its_own_takes_lines_and_charges(self):
        contract = self.env["contract.contract"].create(
            {
                "name": "Recurrence at the contract",
                "partner_id": self.partner_a.id,
                "contract_type": "sale",
                "line_recurrence": False,
                "date_start": "2026-10-01",
                "recurring_next_date": "2026-12-01",
                "recurring_rule_type": "monthly",
                "recurring_invoicing_type": "pre-paid",
                "journal_id": self.company_data["default_journal_sale"].id,
                "contract_line_fixed_ids": [
                    Command.create(
                        {
                            "name": "Internet",
                            "product_id": self.product_b.id,
                            "quantity": 1,
                            "price_unit": 50,
                            "specific_price": 50,
                        }
                    )
                ],
            }
        )
        before = (contract.recurring_next_date, contract.date_end)
        self._make_line(contract, number="551130001000")
        self.assertEqual((contract.recurring_next_date, contract.date_end), before)
        self._import(self._make_call(1, caller="551130001000"))
        self._charge()
        move = contract.recurring_create_invoice()
        self.assertEqual(
            move.invoice_line_ids.filtered("saperx_charge_id").price_total, 0.12
        )
        self.assertEqual(len(move.invoice_line_ids), 2)

    def test_a_copy_of_the_contract_has_no_lines_and_invoices_as_the_other_does(self):
        copy = self.contract.copy()
        self.assertFalse(copy.saperx_line_ids)
        copy.recurring_create_invoice()
        self.assertEqual(
            len(copy._get_related_invoices().invoice_line_ids),
            len(self._own_lines(copy)),
        )

    def test_a_fee_with_a_successor_keeps_the_line_alive(self):
        fee = self._own_lines(self.contract)
        self.line.contract_line_id = fee
        fee.stop_plan_successor(date(2026, 11, 1), date(2026, 11, 30), False)
        self.contract._end_lines_if_dead()
        self.assertEqual(self.line.state, "active")
        self.assertTrue(fee.successor_contract_line_id)

    def test_a_renewed_fee_keeps_the_line_alive(self):
        fee = self._own_lines(self.contract)
        fee.write(
            {
                "date_end": "2026-11-10",
                "is_auto_renew": True,
                "auto_renew_interval": 1,
                "auto_renew_rule_type": "yearly",
            }
        )
        self.line.contract_line_id = fee
        self.env["contract.line"].cron_renew_contract_line()
        self.contract._end_lines_if_dead()
        self.assertEqual(self.line.state, "active")

    def test_a_renewal_by_a_new_line_keeps_the_line_alive(self):
        self.company.create_new_line_at_contract_line_renew = True
        fee = self._own_lines(self.contract)
        fee.write(
            {
                "date_end": "2026-11-10",
                "is_auto_renew": True,
                "auto_renew_interval": 1,
                "auto_renew_rule_type": "yearly",
            }
        )
        self.env["contract.line"].cron_renew_contract_line()
        self.assertTrue(fee.successor_contract_line_id)
        self.assertEqual(self.line.state, "active")

    def test_the_contract_stays_in_the_currency_of_its_calls(self):
        currency = self.setup_other_currency("EUR")
        with self.assertRaisesRegex(ValidationError, "another currency"):
            self.contract.currency_id = currency

    def test_a_suppliers_contract_takes_no_line(self):
        supplier = self._make_contract(
            self.partner_b,
            contract_type="purchase",
            journal_id=self.company_data["default_journal_purchase"].id,
        )
        with self.assertRaisesRegex(ValidationError, "customer's contract"):
            self._make_line(supplier, number="551130001000")

    def test_undoing_a_future_termination_leaves_the_lines_alone(self):
        reason = self.env["contract.terminate.reason"].create({"name": "Moved"})
        self.env.user.group_ids += self.env.ref(
            "contract_termination.can_terminate_contract"
        )
        self.contract._terminate_contract(reason, "x", date(2026, 12, 31), True)
        self.assertEqual(self.line.state, "active")
        self.contract.action_cancel_contract_termination()
        self.assertEqual(self.line.state, "active")

    def test_the_printed_contract_names_telephony_and_costs_what_it_did(self):
        html = self.env["ir.qweb"]._render(
            "contract.report_contract_document",
            {"doc": self.contract, "o": self.contract, "lang": "en_US"},
        )
        self.assertIn("Telephony outside the plan", html)
        self.assertNotIn("100.12", html)
