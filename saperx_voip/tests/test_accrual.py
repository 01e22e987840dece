# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from decimal import Decimal

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form

from .common import MOBILE_SAME_DDD, SaperxCase

UNCHARGED, CHARGED, DRAFTED, LATER = "uncharged", "charged", "drafted", "later"


class TestAccrual(SaperxCase):
    """Calls of 0.12 (fixed) and 0.50 (mobile) a minute; a charge of October is made
    when the test says so."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_a.taxes_id = False

    def _accrue(self, day="2026-10-31", **values):
        wizard = self.env["saperx.accrual.wizard"].create({"day": day, **values})
        rows = self.env["saperx.accrual.row"].search(wizard.action_show()["domain"])
        return rows

    def _amounts(self, day="2026-10-31", **values):
        """By source and class; amounts as exact texts."""
        return {
            (row.source, row.call_class): f"{row.amount:.2f}"
            for row in self._accrue(day, **values)
        }

    def _charge_on(self, day):
        charge = self._charge()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE saperx_charge SET create_date = %s WHERE id = ANY(%s)",
            [f"{day} 12:00:00", charge.ids],
        )
        self.env.invalidate_all()
        return charge

    def _invoice_on(self, day):
        move = self.contract._invoice_telephony()
        move.invoice_date = day
        return move

    def test_proposed_is_the_end_of_last_month(self):
        form = Form(self.env["saperx.accrual.wizard"])
        self.assertEqual(form.day, date(2026, 10, 31))

    def test_calls_up_to_the_end_of_the_day_where_they_were_made(self):
        self._import(
            self._make_call(1, "2026-11-01 02:59:59"),
            self._make_call(2, "2026-11-01 03:00:00"),
        )
        self.assertEqual(self._amounts(), {(UNCHARGED, "ldn"): "0.12"})
        self.assertEqual(self._amounts("2026-11-01"), {(UNCHARGED, "ldn"): "0.24"})
        self.assertEqual(self._amounts("2026-10-30"), {})

    def test_by_hand(self):
        """October: six calls. One in the allowance; of the others, 0.12 twice and 0.50
        once are charged on 5 November and invoiced on the 20th; 0.24 arrives late."""
        self.tariff.allowance_ids = [Command.create({"unit": "minutes", "quantity": 1})]
        self._import(
            self._make_call(1, "2026-10-02 12:00:00"),
            self._make_call(2, "2026-10-03 12:00:00"),
            self._make_call(3, "2026-10-04 12:00:00"),
            self._make_call(4, "2026-10-05 12:00:00", callee=MOBILE_SAME_DDD),
            self._make_call(5, "2026-10-06 12:00:00", callee="190"),
            self._make_call(9, "2026-11-02 12:00:00", callee=MOBILE_SAME_DDD),
        )
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        whole = {(UNCHARGED, "ldn"): "0.24", (UNCHARGED, "vc1"): "0.50"}
        self.assertEqual(self._amounts(), whole)
        self._charge_on("2026-11-05")
        # On 31 October nothing was charged, and so it is told afterwards as well.
        self.assertEqual(self._amounts(), whole)
        charged = {(CHARGED, "ldn"): "0.24", (CHARGED, "vc1"): "0.50"}
        self.assertEqual(
            self._amounts("2026-11-05"),
            # Call 9 has November's minute.
            {**charged, (UNCHARGED, "vc1"): "0.00"},
        )
        self._import(self._make_call(6, "2026-10-07 12:00:00", talk_seconds=120))
        late = {(UNCHARGED, "ldn"): "0.48", (UNCHARGED, "vc1"): "0.50"}
        self.assertEqual(self._amounts(), late)
        move = self._invoice_on("2026-11-20")
        self.assertEqual(self._amounts(), late)
        self.assertEqual(
            self._amounts("2026-11-20"),
            {
                (UNCHARGED, "ldn"): "0.24",
                (UNCHARGED, "vc1"): "0.00",
                (DRAFTED, "ldn"): "0.24",
                (DRAFTED, "vc1"): "0.50",
            },
        )
        move.action_post()
        self.assertEqual(self._amounts(), late)
        self.assertEqual(
            self._amounts("2026-11-19"),
            {
                (UNCHARGED, "ldn"): "0.24",
                (UNCHARGED, "vc1"): "0.00",
                (LATER, "ldn"): "0.24",
                (LATER, "vc1"): "0.50",
            },
        )
        self.assertEqual(
            self._amounts("2026-11-20"),
            {(UNCHARGED, "ldn"): "0.24", (UNCHARGED, "vc1"): "0.00"},
        )

    def test_what_is_accrued_and_what_was_invoiced_are_the_whole(self):
        calls = [
            self._make_call(
                number,
                f"2026-10-{number:02} 12:00:00",
                talk_seconds=31 + 7 * number,
            )
            for number in range(1, 21)
        ]
        self._import(*calls[:10])
        self._charge_on("2026-11-02")
        self._invoice_on("2026-11-03").action_post()
        self._import(*calls[10:])
        self._charge_on("2026-11-10")
        self._import(self._make_call(30, "2026-11-12 12:00:00"))
        every = self.env["saperx.cdr"].search([("start", "<", "2026-11-01")])
        whole = sum(Decimal(str(amount)) for amount in every.mapped("charged_amount"))
        for day, invoiced in (("2026-10-31", 0), ("2026-11-11", 10)):
            rows = self._accrue(day)
            accrued = sum(Decimal(str(row.amount)) for row in rows)
            posted = sum(
                Decimal(str(call.charged_amount))
                for call in every
                if call.remote_id in [str(n) for n in range(1, invoiced + 1)]
            )
            self.assertEqual(accrued + posted, whole)

    def test_a_cancelled_charge_is_uncharged_and_a_written_off_one_nothing(self):
        self._import(self._make_call(1))
        charge = self._charge_on("2026-10-30")
        self.assertEqual(self._amounts(), {(CHARGED, "ldn"): "0.12"})
        charge.action_cancel()
        self.assertEqual(self._amounts(), {(UNCHARGED, "ldn"): "0.12"})
        self._charge()._write_off()
        self.assertEqual(self._amounts(), {})

    def test_a_cancelled_invoice_is_none(self):
        self._import(self._make_call(1))
        self._charge_on("2026-10-30")
        move = self._invoice_on("2026-10-31")
        move.action_post()
        self.assertEqual(self._amounts(), {})
        move.button_cancel()
        self.assertEqual(self._amounts(), {(CHARGED, "ldn"): "0.12"})

    def test_what_came_off_an_invoice_is_to_be_accrued_from_then_on(self):
        self._import(self._make_call(1))
        self._charge_on("2026-10-30")
        move = self._invoice_on("2026-10-31")
        move.action_post()
        # Dated today, 16 November.
        move._reverse_charges(move._get_live_charges(), "wrong")
        self.assertEqual(self._amounts(), {})
        self.assertEqual(self._amounts("2026-11-15"), {})
        self.assertEqual(self._amounts("2026-11-16"), {(CHARGED, "ldn"): "0.12"})
        again = self._invoice_on("2026-11-20")
        self.assertEqual(self._amounts("2026-11-16"), {(DRAFTED, "ldn"): "0.12"})
        again.action_post()
        self.assertEqual(self._amounts("2026-11-16"), {(LATER, "ldn"): "0.12"})
        self.assertEqual(self._amounts("2026-11-20"), {})

    def test_what_is_in_dispute_has_a_row_of_its_own(self):
        self._import(self._make_call(1), self._make_call(2))
        self.env["saperx.dispute"].create(
            {
                "reason": "not_recognised",
                "call_ids": [Command.create({"call_id": self._get_call(1).id})],
            }
        )
        self.assertEqual(
            self._amounts(),
            {("disputed", "ldn"): "0.12", (UNCHARGED, "ldn"): "0.12"},
        )

    def test_what_has_no_price_is_told_beside_the_amount(self):
        self.tariff.rate_ids.filtered(lambda rate: not rate.call_class).unlink()
        self._import(
            self._make_call(1),
            self._make_call(2, caller="552133330000", account_code="999999"),
        )
        [row] = self._accrue()
        self.assertEqual(row.source, "unpriced")
        self.assertEqual((row.call_count, row.amount), (2, 0))
        self.assertEqual(f"{row.platform_amount:.2f}", "0.20")

    def test_an_inactive_line_whose_calls_are_not_charged_is_told_beside(self):
        self.integration.charge_only_active_lines = True
        self.env["saperx.line.activity"].search([]).unlink()
        self.line.write({"state": "inactive"})
        self.env["saperx.line.activity"].search([]).unlink()
        self._import(self._make_call(1))
        [row] = self._accrue()
        self.assertEqual((row.source, row.amount), ("left_out", 0))
        self.assertEqual(f"{row.gross_amount:.2f}", "0.12")

    def test_by_customer_and_contract(self):
        partner = self.env["res.partner"].create({"name": "João"})
        contract = self._make_contract(partner)
        self._make_line(contract, "555433335555")
        self._import(
            self._make_call(1),
            self._make_call(2, caller="555433335555"),
        )
        [row] = self._accrue()
        self.assertEqual((row.call_count, row.partner_id.ids), (2, []))
        rows = self._accrue(detail="customer")
        self.assertEqual(rows.partner_id, self.partner | partner)
        self.assertFalse(rows.contract_id)
        rows = self._accrue(detail="contract")
        self.assertEqual(rows.contract_id, self.contract | contract)
        self.assertEqual(rows.mapped("amount"), [0.12, 0.12])

    def test_shown_twice_it_counts_once(self):
        self._import(self._make_call(1))
        wizard = self._accrue().wizard_id
        wizard.action_show()
        self.assertEqual(len(wizard.row_ids), 1)

    def test_it_can_be_exported_with_its_day(self):
        self._import(self._make_call(1))
        data = self._accrue().export_data(["day", "call_class", "amount"])["datas"]
        self.assertEqual(data[0][0], date(2026, 10, 31))
        self.assertEqual(data[0][2], 0.12)

    def test_roles(self):
        self._import(self._make_call(1))
        for role in ("billing", "manager"):
            user = self._make_user(role)
            wizard = self.env["saperx.accrual.wizard"].with_user(user).create({})
            wizard.action_show()
            self.assertEqual(wizard.row_ids.mapped("amount"), [0.12])
        for role in ("user", "technician"):
            user = self._make_user(role)
            with self.assertRaises(AccessError), self.cr.savepoint():
                self.env["saperx.accrual.wizard"].with_user(user).create({})
            with self.assertRaises(AccessError), self.cr.savepoint():
                self.env["saperx.accrual.row"].with_user(user).search([])

    def test_another_companys_calls_are_not_counted(self):
        self._import(self._make_call(1))
        other = self.env["res.company"].create({"name": "Other"})
        user = self._make_user("billing", other)
        wizard = self.env["saperx.accrual.wizard"].with_user(user)
        wizard = wizard.with_context(allowed_company_ids=other.ids).create({})
        wizard.action_show()
        self.assertFalse(wizard.row_ids)
        with self.assertRaises(AccessError), self.cr.savepoint():
            wizard.company_id = self.company
            wizard.action_show()
