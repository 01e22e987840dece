# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import Command
from odoo.exceptions import AccessError, UserError

from .common import MOBILE_SAME_DDD
from .invoice_common import InvoiceCase


class TestInvoiceReversal(InvoiceCase):
    """*Estornar e refaturar*, and what frees nothing by itself."""

    def _post(self, *numbers):
        charge = self._charge_calls(*numbers)
        move = self._invoice()
        move.action_post()
        return charge, move

    def _reverse(self, charge, **values):
        wizard = self.env["saperx.charge.reversal.wizard"].browse(
            charge.action_reverse()["res_id"]
        )
        wizard.write({"reason": "Wrong price", **values})
        before = self._get_invoices()
        wizard.action_reverse()
        made = self._get_invoices() - before
        return made.filtered(lambda m: m.move_type == "out_refund"), made.filtered(
            lambda m: m.move_type == "out_invoice"
        )

    def _pay(self, move, amount):
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({"amount": amount}).action_create_payments()

    def test_exactly_the_telephony_is_credited_and_waits_for_the_next_invoice(self):
        charge, move = self._post(1)
        credit, again = self._reverse(charge)
        self.assertFalse(again)
        self.assertEqual(credit.state, "posted")
        self.assertEqual(credit.amount_total, 0.12)
        self.assertEqual(credit.reversed_entry_id, move)
        self.assertIn("Wrong price", credit.ref)
        self.assertEqual(move.amount_residual, 100)
        self.assertEqual(charge.state, "confirmed")
        self.assertFalse(charge.move_id)
        second = self._invoice(day=date(2027, 1, 1))
        self.assertEqual(second.amount_total, 100.12)
        self.assertEqual(charge.move_id, second)
        self.assertEqual(charge.state, "invoiced")

    def test_the_credit_note_stands_with_the_contract_under_the_same_terms(self):
        charge, move = self._post(1)
        line = self._get_telephony(move)
        credit, _again = self._reverse(charge)
        mirror = credit.invoice_line_ids
        for name in ("product_id", "account_id", "tax_ids", "contract_line_id"):
            self.assertEqual(mirror[name], line[name], name)
        self.assertEqual(credit.partner_id, move.partner_id)
        self.assertEqual(credit.fiscal_position_id, move.fiscal_position_id)

    def test_it_may_be_invoiced_again_at_once(self):
        charge, move = self._post(1)
        credit, again = self._reverse(charge, follow="now")
        self.assertEqual(again.amount_total, 0.12)
        self.assertEqual(again.state, "draft")
        self.assertEqual(charge.move_id, again)
        self.assertNotEqual(again, move)

    def test_the_calls_may_be_rated_and_charged_again(self):
        charge, _move = self._post(1)
        self.tariff.rate_ids.write({"price_per_minute": 0.05})
        self._reverse(charge, follow="recalculate")
        self.assertEqual(charge.state, "cancelled")
        new = self._charge()
        self.assertEqual(new.amount, 0.05)
        self.assertEqual(self._invoice(day=date(2027, 1, 1)).amount_total, 100.05)

    def _dispute(self, number):
        return self.env["saperx.dispute"].create(
            {
                "reason": "price",
                "call_ids": [Command.create({"call_id": self._get_call(number).id})],
            }
        )

    def test_a_credit_for_a_dispute_is_told_of_and_stays_the_customers(self):
        charge, move = self._post(1, 2)
        dispute = self._dispute(1)
        dispute.action_accept()
        dispute.credit_ids.action_post()
        wizard = self.env["saperx.charge.reversal.wizard"].browse(
            charge.action_reverse()["res_id"]
        )
        self.assertRegex(wizard.notice, r"accepted disputes R?\$\s?0.12 .* is credited")
        credit, again = self._reverse(charge, follow="now")
        self.assertEqual((credit.amount_total, again.amount_total), (0.24, 0.24))
        again.action_post()
        self.assertEqual(dispute.credit_state, "posted")
        every = move | dispute.credit_ids | credit | again
        # The fee, and the one call that was not disputed with success.
        self.assertAlmostEqual(sum(every.mapped("amount_residual_signed")), 100.12)
        self.assertEqual(len(dispute.credit_ids), 1)

    def test_a_credit_for_a_dispute_is_not_given_twice_after_recalculation(self):
        charge, _move = self._post(1, 2)
        dispute = self._dispute(1)
        dispute.action_accept()
        dispute.credit_ids.action_post()
        self._reverse(charge, follow="recalculate")
        new = self._charge()
        self.assertEqual(new.amount, 0.24)
        self._invoice(day=date(2027, 1, 1)).action_post()
        self.env["saperx.dispute"]._cron_make_credits()
        self.assertEqual(len(dispute.credit_ids), 1)
        with self.assertRaisesRegex(UserError, "in the dispute"):
            self._dispute(1)

    def test_what_is_in_dispute_comes_off_and_waits_for_the_decision(self):
        charge, _move = self._post(1, 2)
        dispute = self._dispute(1)
        wizard = self.env["saperx.charge.reversal.wizard"].browse(
            charge.action_reverse()["res_id"]
        )
        self.assertIn("In dispute", wizard.notice)
        _credit, again = self._reverse(charge, scope="whole", follow="now")
        self.assertEqual(again.amount_total, 100)
        self.assertEqual(charge.state, "confirmed")
        dispute.action_reject()
        self.assertEqual(self._invoice(day=date(2027, 1, 1)).amount_total, 100.24)

    def test_the_whole_invoice_is_credited_and_the_fee_drafted_again(self):
        charge, move = self._post(1)
        until = self.fee.last_date_invoiced
        credit, again = self._reverse(charge, scope="whole", follow="now")
        self.assertEqual(credit.amount_total, 100.12)
        self.assertEqual(move.payment_state, "reversed")
        self.assertEqual(again.amount_total, 100.12)
        self.assertEqual(charge.move_id, again)
        self.assertEqual(self.fee.last_date_invoiced, until)
        # The fee stands on the new draft alone, and comes back with it.
        again.unlink()
        self.assertLess(self.fee.last_date_invoiced or date.min, until)
        self.assertEqual(charge.state, "confirmed")
        self.assertEqual(self._invoice().amount_total, 100.12)

    def test_the_whole_invoice_without_the_telephony_for_now(self):
        charge, _move = self._post(1)
        credit, again = self._reverse(charge, scope="whole")
        self.assertEqual(credit.amount_total, 100.12)
        self.assertEqual(again.amount_total, 100)
        self.assertEqual(charge.state, "confirmed")

    def test_one_charge_of_an_invoice_with_several(self):
        self.integration.charge_granularity = "class"
        self._make_line(self.contract, number="551130001000")
        self._import(
            self._make_call(1),
            self._make_call(2, callee=MOBILE_SAME_DDD),
            self._make_call(3, caller="551130001000", talk_seconds=120),
        )
        charges = self._charge()
        mine = charges.filtered(lambda charge: charge.line_id == self.line)
        move = self._invoice()
        move.action_post()
        credit, _again = self._reverse(mine)
        self.assertEqual(len(credit.invoice_line_ids), 2)
        self.assertEqual(credit.amount_total, 0.62)
        self.assertEqual(mine.state, "confirmed")
        self.assertEqual((charges - mine).state, "invoiced")
        self.assertEqual(move._get_live_charges(), charges - mine)
        self._reverse(charges - mine)
        self.assertFalse(move.saperx_has_live_charges)

    def test_a_paid_invoice_leaves_the_customer_a_credit(self):
        charge, move = self._post(1)
        self._pay(move, 100.12)
        self.assertIn("paid", "".join(move._explain_credit()))
        credit, _again = self._reverse(charge)
        self.assertEqual(credit.amount_residual, 0.12)
        self.assertIn(move.payment_state, ("paid", "in_payment"))

    def test_a_partly_paid_invoice_is_settled_as_far_as_it_is_open(self):
        charge, move = self._post(1)
        self._pay(move, 100.05)
        self.assertIn("partly paid", "".join(move._explain_credit()))
        credit, _again = self._reverse(charge)
        self.assertAlmostEqual(credit.amount_residual, 0.05)
        self.assertTrue(self.company.currency_id.is_zero(move.amount_residual))

    def test_a_locked_period_is_left_alone(self):
        charge, move = self._post(1)
        move.button_draft()
        move.write({"invoice_date": "2026-10-05", "date": "2026-10-05"})
        move.action_post()
        self.company.fiscalyear_lock_date = "2026-10-31"
        self.assertIn("locked", "".join(move._explain_credit()))
        credit, _again = self._reverse(charge)
        self.assertEqual(credit.date, date(2026, 11, 16))
        self.assertEqual(move.date, date(2026, 10, 5))
        self.assertEqual(charge.state, "confirmed")

    def test_it_is_done_once(self):
        charge, _move = self._post(1)
        action = charge.action_reverse()
        wizard = self.env["saperx.charge.reversal.wizard"].browse(action["res_id"])
        wizard.reason = "Twice"
        wizard.action_reverse()
        with self.assertRaisesRegex(UserError, "none of these"):
            wizard.action_reverse()
        with self.assertRaisesRegex(UserError, "one posted invoice"):
            charge.action_reverse()

    def test_a_draft_is_deleted_instead(self):
        charge = self._charge_calls(1)
        self._invoice()
        with self.assertRaisesRegex(UserError, "A draft is deleted"):
            charge.action_reverse()

    def test_only_billing_does_it(self):
        charge, _move = self._post(1)
        with self.assertRaises(AccessError):
            charge.with_user(self._make_user("technician")).action_reverse()
        billing = self._make_user("billing")
        self._reverse(charge.with_user(billing), follow="now")
        self.assertEqual(charge.state, "invoiced")

    def test_a_credit_note_taken_back_puts_the_charge_back_on_its_invoice(self):
        charge, move = self._post(1)
        credit, _again = self._reverse(charge)
        credit.button_draft()
        self.assertEqual(charge.state, "invoiced")
        self.assertEqual(charge.move_id, move)
        credit.action_post()
        self.assertEqual(charge.state, "confirmed")
        credit.button_draft()
        credit.button_cancel()
        self.assertEqual(charge.move_id, move)
        self.assertFalse(self._get_telephony(self._invoice(day=date(2027, 1, 1))))

    def test_a_credit_note_stays_while_its_charge_is_on_another_invoice(self):
        charge, _move = self._post(1)
        credit, again = self._reverse(charge, follow="now")
        with (
            self.assertRaisesRegex(UserError, "cannot be on two invoices"),
            self.cr.savepoint(),
        ):
            credit.button_draft()
        again.unlink()
        credit.button_draft()
        self.assertEqual(charge.state, "invoiced")

    def test_a_credit_note_stays_once_its_calls_were_let_go(self):
        charge, _move = self._post(1)
        credit, _again = self._reverse(charge, follow="recalculate")
        with self.assertRaisesRegex(UserError, "was cancelled"):
            credit.button_draft()

    def test_odoos_own_credit_note_frees_nothing(self):
        charge, move = self._post(1)
        wizard = self._make_odoos_wizard(move)
        wizard.refund_moves()
        credit = wizard.new_move_ids
        self.assertFalse(credit.invoice_line_ids.saperx_charge_id)
        credit.action_post()
        self.assertEqual(charge.state, "invoiced")
        self.assertEqual(charge.move_id, move)
        self.assertFalse(self.contract._invoice_telephony())

    def test_after_odoos_own_credit_note_nothing_is_credited_twice(self):
        charge, move = self._post(1)
        wizard = self._make_odoos_wizard(move)
        wizard.refund_moves()
        own = wizard.new_move_ids
        self.assertIn("in draft already", "".join(move._explain_credit()))
        own.action_post()
        self.assertEqual(move.payment_state, "reversed")
        wizard = self.env["saperx.charge.reversal.wizard"].browse(
            charge.action_reverse()["res_id"]
        )
        self.assertEqual(wizard.amount, 0)
        self.assertIn("without another credit note", wizard.notice)
        credit, again = self._reverse(charge, follow="now")
        self.assertFalse(credit)
        self.assertEqual(again.amount_total, 0.12)
        self.assertEqual(charge.move_id, again)
        with self.assertRaisesRegex(UserError, "cannot be on two invoices"):
            own.button_draft()

    def test_reverse_and_create_copies_no_charge(self):
        charge, move = self._post(1)
        wizard = self._make_odoos_wizard(move)
        wizard.modify_moves()
        copy = wizard.new_move_ids
        self.assertEqual(copy.amount_total, 100.12)
        self.assertFalse(copy.invoice_line_ids.saperx_charge_id)
        copy.unlink()
        self.assertEqual(charge.state, "invoiced")
        self.assertEqual(charge.move_id, move)

    def _make_odoos_wizard(self, move):
        return (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"reason": "x", "journal_id": move.journal_id.id})
        )
