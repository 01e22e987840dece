# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import Command

from .invoice_common import WAYS, InvoiceCase


class TestInvoiceTerms(InvoiceCase):
    """A charge stands on the invoice under the terms of the contract's other lines."""

    def _make_tax(self, amount, included):
        return self.env["account.tax"].create(
            {
                "name": f"{amount} % {included}",
                "amount": amount,
                "price_include_override": included,
                "type_tax_use": "sale",
            }
        )

    def _invoice_both(self, tax, **contract):
        """The same product and price, once as the contract's own line and once as a
        charge. :return: both invoice lines"""
        self.contract.write(contract)
        product = self.integration.product_id
        product.taxes_id = tax
        self.fee.write(
            {"product_id": product.id, "price_unit": 0.24, "specific_price": 0.24}
        )
        self._charge_calls(1, 2)
        lines = self._invoice().invoice_line_ids
        telephony = lines.filtered("saperx_charge_id")
        return lines - telephony, telephony

    def _assert_same(self, own, telephony):
        for name in (
            "product_id", "tax_ids", "account_id", "price_unit", "price_subtotal",
            "price_total", "product_uom_id", "discount", "currency_id",
            "analytic_distribution",
        ):  # fmt: skip
            self.assertEqual(telephony[name], own[name], name)
        self.assertEqual(
            telephony.contract_line_id.contract_id, own.contract_line_id.contract_id
        )

    def test_a_tax_that_the_price_includes(self):
        own, telephony = self._invoice_both(self._make_tax(20, "tax_included"))
        self._assert_same(own, telephony)
        self.assertEqual((telephony.price_subtotal, telephony.price_total), (0.2, 0.24))

    def test_a_tax_that_comes_on_top(self):
        own, telephony = self._invoice_both(self._make_tax(50, "tax_excluded"))
        self._assert_same(own, telephony)
        self.assertEqual(telephony.price_total, 0.36)
        # It is the charge all the same, before taxes.
        self.assertEqual(telephony.saperx_charge_id.state, "invoiced")

    def test_a_fiscal_position_maps_taxes_and_accounts(self):
        inside = self._make_tax(20, "tax_included")
        abroad = self._make_tax(0, "tax_included")
        accounts = self.env["account.account"].create(
            [
                {"name": name, "code": name, "account_type": "income"}
                for name in ("SX1", "SX2")
            ]
        )
        self.integration.product_id.property_account_income_id = accounts[0]
        position = self.env["account.fiscal.position"].create(
            {
                "name": "Abroad",
                "account_ids": [
                    Command.create(
                        {
                            "account_src_id": accounts[0].id,
                            "account_dest_id": accounts[1].id,
                        }
                    )
                ],
            }
        )
        abroad.write(
            {
                "fiscal_position_ids": [Command.link(position.id)],
                "original_tax_ids": [Command.link(inside.id)],
            }
        )
        own, telephony = self._invoice_both(inside, fiscal_position_id=position.id)
        self._assert_same(own, telephony)
        self.assertEqual(telephony.move_id.fiscal_position_id, position)
        self.assertEqual(telephony.tax_ids, abroad)
        self.assertEqual(telephony.account_id, accounts[1])

    def test_the_invoice_of_telephony_alone_has_the_contracts_terms(self):
        inside = self._make_tax(20, "tax_included")
        position = self.env["account.fiscal.position"].create({"name": "Here"})
        term = self.env["account.payment.term"].create(
            {
                "name": "10 days",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 100, "nb_days": 10}
                    )
                ],
            }
        )
        journal = self.company_data["default_journal_sale"].copy()
        self.contract.write(
            {
                "fiscal_position_id": position.id,
                "payment_term_id": term.id,
                "journal_id": journal.id,
                "code": "C-1",
            }
        )
        self.integration.product_id.taxes_id = inside
        position.tax_ids = [Command.link(inside.id)]
        self._charge_calls(1)
        alone = self.contract._invoice_telephony()
        with_fee = self._invoice()
        for name in (
            "journal_id", "fiscal_position_id", "invoice_payment_term_id",
            "invoice_origin", "ref", "invoice_user_id", "partner_id", "currency_id",
        ):  # fmt: skip
            self.assertEqual(alone[name], with_fee[name], name)
        self.assertEqual(alone.invoice_line_ids.tax_ids, inside)
        self.assertEqual(str(alone.invoice_date_due), "2026-11-26")

    def test_analytics_of_the_contracts_other_lines(self):
        plan = self.env["account.analytic.plan"].create({"name": "Branches"})
        account = self.env["account.analytic.account"].create(
            {"name": "South", "plan_id": plan.id}
        )
        self.fee.analytic_distribution = {str(account.id): 100}
        for way in WAYS:
            with self.subTest(way=way):
                self._charge_calls(f"a{way}")
                telephony = self._get_telephony(self._invoice(way, date(2027, 6, 1)))
                self.assertEqual(
                    telephony.analytic_distribution, self.fee.analytic_distribution
                )

    def test_analytics_of_its_own_go_before(self):
        plan = self.env["account.analytic.plan"].create({"name": "Branches"})
        south, north = self.env["account.analytic.account"].create(
            [{"name": name, "plan_id": plan.id} for name in ("South", "North")]
        )
        self.fee.analytic_distribution = {str(south.id): 100}
        telephony_line = self.contract.contract_line_ids.filtered("is_telephony")
        telephony_line.analytic_distribution = {str(north.id): 100}
        self._charge_calls(1)
        telephony = self._get_telephony(self._invoice())
        self.assertEqual(telephony.analytic_distribution, {str(north.id): 100})

    def test_the_text_is_in_the_customers_language(self):
        self.env["res.lang"]._activate_lang("pt_BR")
        self.partner.lang = "pt_BR"
        self._charge_calls(1)
        name = self._get_telephony(self._invoice()).name
        self.assertIn("(54) 3333-4444", name)
        self.assertIn("01/10/2026", name)
        self.assertIn("31/10/2026", name)

    def test_the_price_of_a_charge_is_not_changed_on_the_draft(self):
        self._charge_calls(1)
        line = self._get_telephony(self._invoice())
        for change in ({"price_unit": 5}, {"quantity": 2}):
            with (
                self.subTest(change=change),
                self.assertRaisesRegex(Exception, "whole"),
                self.cr.savepoint(),
            ):
                line.write(change)
        line.discount = 50
        self.assertEqual(line.price_total, 0.06)
