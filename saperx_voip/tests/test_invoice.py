# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time
from lxml import etree

from odoo import Command
from odoo.exceptions import UserError

from .common import MOBILE_SAME_DDD, SaperxCase

DUE = date(2026, 12, 1)


class TestInvoice(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fee = cls.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        )
        # So that the fee's price stands as it is.
        cls.product_a.taxes_id = False

    def _charge_calls(self, *numbers):
        self._import(*(self._make_call(number) for number in numbers))
        return self._charge()

    def _invoice_cron(self, day=DUE):
        self.env["contract.contract"].cron_recurring_create_invoice(day)
        return self._get_invoices()

    def _get_invoices(self, contract=None):
        return (contract or self.contract)._get_related_invoices()

    def test_the_contracts_invoice_carries_the_charge(self):
        charge = self._charge_calls(1, 2)
        move = self._invoice_cron()
        line = move.invoice_line_ids.filtered("saperx_charge_id")
        self.assertEqual(line.price_total, 0.24)
        self.assertEqual(line.quantity, 1)
        self.assertEqual(line.product_id, self.integration.product_id)
        self.assertEqual(move.amount_total, 100.24)
        self.assertEqual(charge.state, "invoiced")
        self.assertEqual(charge.move_id, move)
        self.assertIn("(54) 3333-4444", line.name)

    def test_one_line_per_class_if_so_set(self):
        self.integration.charge_granularity = "class"
        self._import(
            self._make_call(1),
            self._make_call(2, callee=MOBILE_SAME_DDD),
            self._make_call(3, callee="5521999998888", talk_seconds=1),
        )
        charge = self._charge()
        lines = self._invoice_cron().invoice_line_ids.filtered("saperx_charge_id")
        self.assertEqual(sorted(lines.mapped("price_total")), [0.12, 0.5])
        self.assertEqual(sum(lines.mapped("price_total")), charge.amount)

    def test_the_button_and_the_wizard_carry_it_too(self):
        self._charge_calls(1)
        move = self.contract.recurring_create_invoice()
        self.assertEqual(move.amount_total, 100.12)
        self._charge_calls(2)
        wizard = self.env["contract.manually.create.invoice"].create(
            {"invoice_date": "2027-01-01"}
        )
        wizard.create_invoice()
        self.assertEqual((self._get_invoices() - move).amount_total, 100.12)

    def test_a_zero_charge_makes_no_invoice_line(self):
        self._import(self._make_call(1, talk_seconds=2))
        self._charge()
        self.assertFalse(self._invoice_cron().invoice_line_ids.saperx_charge_id)

    def test_a_charge_is_invoiced_once(self):
        self._charge_calls(1)
        first = self._invoice_cron()
        second = self._invoice_cron(date(2027, 1, 1)) - first
        self.assertEqual(second.amount_total, 100)

    def test_deleting_the_draft_gives_back_charge_and_monthly_fee(self):
        charge = self._charge_calls(1)
        before = (self.fee.last_date_invoiced, self.fee.recurring_next_date)
        self._invoice_cron().unlink()
        self.assertEqual(charge.state, "confirmed")
        self.assertEqual(
            (self.fee.last_date_invoiced, self.fee.recurring_next_date), before
        )
        self.assertEqual(self._invoice_cron().amount_total, 100.12)

    def test_cancelling_the_draft_before_deleting_it_gives_back_both_too(self):
        self._charge_calls(1)
        before = (self.fee.last_date_invoiced, self.fee.recurring_next_date)
        move = self._invoice_cron()
        move.button_cancel()
        move.unlink()
        self.assertEqual(
            (self.fee.last_date_invoiced, self.fee.recurring_next_date), before
        )

    def test_a_charge_is_on_an_invoice_whole_or_not_at_all(self):
        self.integration.charge_granularity = "class"
        self._import(self._make_call(1), self._make_call(2, callee=MOBILE_SAME_DDD))
        charge = self._charge()
        lines = self._invoice_cron().invoice_line_ids.filtered("saperx_charge_id")
        with (
            self.assertRaisesRegex(UserError, "all of its lines together"),
            self.cr.savepoint(),
        ):
            lines[0].unlink()
        with self.assertRaisesRegex(UserError, "keeps its telephony"):
            lines[0].saperx_charge_id = False
        lines.unlink()
        self.assertEqual(charge.state, "confirmed")

    def test_deleting_an_older_draft_does_not_move_the_dates_back(self):
        first = self._invoice_cron()
        self._invoice_cron(date(2027, 1, 1))
        latest = self.fee.last_date_invoiced
        first.unlink()
        self.assertEqual(self.fee.last_date_invoiced, latest)

    def test_deleting_the_line_alone_frees_the_charge(self):
        charge = self._charge_calls(1)
        move = self._invoice_cron()
        move.invoice_line_ids.filtered("saperx_charge_id").unlink()
        self.assertEqual(charge.state, "confirmed")
        self.assertEqual(move.amount_total, 100)

    def test_a_cancelled_invoice_frees_its_charge_and_cannot_take_it_twice(self):
        charge = self._charge_calls(1)
        cancelled = self._invoice_cron()
        cancelled.button_cancel()
        self.assertEqual(charge.state, "confirmed")
        alone = self.contract._invoice_telephony()
        self.assertEqual(charge.move_id, alone)
        with self.assertRaisesRegex(UserError, "cannot be on two invoices"):
            cancelled.button_draft()

    def test_a_cancelled_invoice_that_comes_back_takes_its_charge_back(self):
        charge = self._charge_calls(1)
        move = self._invoice_cron()
        move.button_cancel()
        move.button_draft()
        self.assertEqual(charge.state, "invoiced")
        self.assertFalse(self.contract._invoice_telephony())

    def test_posting_keeps_and_a_copy_or_reversal_takes_nothing(self):
        charge = self._charge_calls(1)
        move = self._invoice_cron()
        move.action_post()
        self.assertEqual(charge.state, "invoiced")
        self.assertFalse(move.copy().invoice_line_ids.saperx_charge_id)
        self.assertFalse(move._reverse_moves().invoice_line_ids.saperx_charge_id)
        self.assertEqual(charge.move_id, move)

    def test_an_invoiced_charge_is_not_cancelled(self):
        charge = self._charge_calls(1)
        self._invoice_cron()
        with self.assertRaisesRegex(UserError, "deleting or cancelling its invoice"):
            charge.action_cancel()

    def test_a_yearly_contract_with_nothing_due_gets_an_invoice_of_its_own(self):
        self.fee.write(
            {"recurring_rule_type": "yearly", "recurring_next_date": "2027-10-01"}
        )
        charge = self._charge_calls(1)
        # OCA does what it would do without us: nothing.
        self.assertFalse(self._invoice_cron())
        with self.enter_registry_test_mode():
            self.env.ref(
                "saperx_voip.ir_cron_invoice_telephony"
            ).method_direct_trigger()
        move = self._get_invoices()
        self.assertEqual(move.amount_total, 0.12)
        self.assertEqual(move.invoice_date, date(2026, 11, 16))
        self.assertEqual(charge.state, "invoiced")
        self.assertEqual(self.fee.recurring_next_date, date(2027, 10, 1))

    def test_a_finished_contract_gets_its_last_charge_invoiced(self):
        self._import(self._make_call(1))
        self.fee.write(
            {
                "date_end": "2026-11-10",
                "recurring_next_date": False,
                "last_date_invoiced": "2026-11-10",
            }
        )
        self.assertEqual(self.line.state, "cancelled")
        self._charge()
        self.assertFalse(self.contract.recurring_create_invoice())
        with self.enter_registry_test_mode():
            self.env.ref(
                "saperx_voip.ir_cron_invoice_telephony"
            ).method_direct_trigger()
        self.assertEqual(self._get_invoices().amount_total, 0.12)

    def test_a_contract_that_falls_due_in_time_is_left_to_it(self):
        self.company.saperx_invoice_patience_days = 20
        charge = self._charge_calls(1)
        with self.enter_registry_test_mode():
            cron = self.env.ref("saperx_voip.ir_cron_invoice_telephony")
            cron.method_direct_trigger()
            self.assertEqual(charge.state, "confirmed")
            with freeze_time("2026-12-08 15:00:00"):
                cron.method_direct_trigger()
        self.assertEqual(charge.state, "invoiced")

    def test_the_second_pass_after_a_failed_batch_invoices_once(self):
        broken = self._make_contract(self.partner_b)
        charge = self._charge_calls(1)
        prepare_invoice = type(broken)._prepare_invoice

        def refuse(contract, *args, **kwargs):
            if contract == broken:
                raise ZeroDivisionError
            return prepare_invoice(contract, *args, **kwargs)

        with (
            patch.object(type(broken), "_prepare_invoice", refuse),
            self.assertLogs("odoo.addons.contract.models.contract", "WARNING"),
        ):
            moves = self._invoice_cron()
        self.assertTrue(broken.invoice_generation_error)
        self.assertEqual(moves.amount_total, 100.12)
        self.assertEqual(charge.move_line_ids.move_id, moves)

    def test_a_product_whose_tax_comes_on_top_is_warned_of(self):
        product = self.integration.product_id.product_tmpl_id
        self.assertFalse(product.saperx_has_added_tax)
        product.taxes_id = self.company_data["default_tax_sale"]
        self.assertTrue(product.saperx_has_added_tax)

    def test_a_former_customer_pays_what_it_called(self):
        mine = self._charge_calls(1)
        other = self.env["res.partner"].create({"name": "João"})
        self.contract.write({"partner_id": other.id, "invoice_partner_id": other.id})
        self._import(self._make_call(2, start="2026-10-16 12:00:00"))
        # The period that the calls began in was Maria's.
        self.assertEqual(self._charge().partner_id, self.partner)
        move = self._invoice_cron()
        self.assertEqual(move.partner_id, other)
        self.assertFalse(move.invoice_line_ids.saperx_charge_id)
        with self.enter_registry_test_mode():
            self.env.ref(
                "saperx_voip.ir_cron_invoice_telephony"
            ).method_direct_trigger()
        self.assertEqual(mine.move_id.partner_id, self.partner)
        self.assertEqual(mine.move_id.amount_total, 0.24)

    def test_a_new_customer_pays_though_only_the_customer_was_written(self):
        payer = self.env["res.partner"].create({"name": "Matriz"})
        other = self.env["res.partner"].create({"name": "João"})
        paid_by_third = self._make_contract(self.partner)
        self._make_line(paid_by_third, "555433335555")
        paid_by_third.invoice_partner_id = payer
        (self.contract | paid_by_third).write({"partner_id": other.id})
        self.assertEqual(self.contract.invoice_partner_id, other)
        self.assertEqual(paid_by_third.invoice_partner_id, payer)

    def test_only_who_may_open_invoices_has_a_link_to_them(self):
        for role, is_link in (
            ("user", False),
            ("technician", False),
            ("billing", True),
        ):
            charges = self.env["saperx.charge"].with_user(self._make_user(role))
            form = etree.fromstring(charges.get_view(view_type="form")["arch"])
            shown = form.xpath("//field[@name='move_id'][not(ancestor::list)]")
            self.assertEqual(len(shown), 2)
            for node in shown:
                self.assertEqual("no_open" not in node.get("options", ""), is_link)

    def test_a_charge_is_not_put_on_just_any_invoice(self):
        charge = self._charge_calls(1)
        telephony_line = self.contract.contract_line_ids.filtered("is_telephony")
        sound = {
            "name": "x",
            "quantity": 1,
            "price_unit": 0.12,
            "tax_ids": [],
            "saperx_charge_id": charge.id,
            "contract_line_id": telephony_line.id,
        }
        for partner, changes in (
            (self.partner_b, {}),
            (self.partner, {"price_unit": 0}),
            (self.partner, {"contract_line_id": False}),
        ):
            with (
                self.subTest(changes=changes),
                self.assertRaisesRegex(UserError, "from its contract"),
                self.env.cr.savepoint(),
            ):
                self.env["account.move"].create(
                    {
                        "move_type": "out_invoice",
                        "partner_id": partner.id,
                        "invoice_line_ids": [Command.create({**sound, **changes})],
                    }
                )
        self.env.invalidate_all()
        self.assertEqual(charge.state, "confirmed")
