# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command

from ..gateway import CallPage
from .invoice_common import InvoiceCase

THEIR_NUMBER = "551130001000"


class TestInvoiceCompanies(InvoiceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_category = cls.product_category.sudo()
        cls.other_data = cls.setup_other_company(name="Second provider")
        cls.other = cls.other_data["company"].with_env(cls.env)
        cls.own_env = cls.env
        cls.env = cls.env(
            context={**cls.env.context, "allowed_company_ids": cls.other.ids}
        )
        cls.their_integration = cls._make_integration(
            name="Second", company_id=cls.other.id
        )
        plan = cls.env["saperx.plan"].create(
            {
                "name": "national",
                "scope": "national",
                "remote_id": 1,
                "integration_id": cls.their_integration.id,
            }
        )
        tariff = cls.env["saperx.tariff"].create(
            {
                "name": "Other",
                "company_id": cls.other.id,
                "rate_ids": [Command.create({"price_per_minute": 0.3})],
            }
        )
        cls.theirs = cls._make_contract(
            cls.partner_b,
            company_id=cls.other.id,
            journal_id=cls.other_data["default_journal_sale"].id,
        )
        cls._make_line(
            cls.theirs,
            number=THEIR_NUMBER,
            integration_id=cls.their_integration.id,
            plan_id=plan.id,
            tariff_id=tariff.id,
        )
        run = cls.env["saperx.cdr.import"].create(
            {
                "integration_id": cls.their_integration.id,
                "date_from": "2026-10-01 03:00:00",
                "date_to": "2026-11-01 03:00:00",
            }
        )
        call = cls._make_call(2, caller=THEIR_NUMBER)
        run._store_page(CallPage((call,), (), None))
        cls.their_charge = cls.env["saperx.charge"]._generate()
        cls.env = cls.own_env
        cls.theirs = cls.theirs.with_env(cls.env)
        cls.their_charge = cls.their_charge.with_env(cls.env)
        cls.both = cls.env(
            context={
                **cls.env.context,
                "allowed_company_ids": (cls.company | cls.other).ids,
            }
        )

    def setUp(self):
        super().setUp()
        self.mine = self._charge_calls(1)
        self.env = self.both
        self.contract = self.contract.with_env(self.env)
        product = self.integration.product_id
        product.taxes_id = [
            Command.set(
                (
                    self.company_data["default_tax_sale"]
                    | self.other_data["default_tax_sale"]
                ).ids
            )
        ]

    def _assert_each_has_its_own(self):
        charges = (self.mine | self.their_charge).with_env(self.env)
        for charge, data in zip(
            charges, (self.company_data, self.other_data), strict=True
        ):
            move = charge.move_id
            self.assertEqual(move.company_id, charge.company_id)
            self.assertEqual(move.company_id, data["company"])
            self.assertEqual(move.journal_id, data["default_journal_sale"])
            telephony = self._get_telephony(move)
            self.assertEqual(telephony.saperx_charge_id, charge)
            self.assertEqual(telephony.tax_ids, data["default_tax_sale"])

    def test_the_recurring_invoices_of_each_company_carry_its_charges(self):
        self._invoice()
        self._assert_each_has_its_own()

    def test_the_invoices_of_telephony_alone_too(self):
        for contract in self.contract | self.theirs:
            self._get_fees(contract).recurring_next_date = "2027-10-01"
        self._invoice_alone()
        self._assert_each_has_its_own()

    def test_the_minimum_is_each_companys_own(self):
        self.other.saperx_invoice_minimum = 1
        self._invoice()
        self.assertEqual(self.mine.state, "invoiced")
        self.assertEqual(self.their_charge.state, "confirmed")
