# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form

from .common import MOBILE_SAME_DDD, TODAY, SaperxCase

DUE = date(2026, 12, 1)


class DisputeCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_a.taxes_id = False
        cls.billing = cls._make_user("billing")
        cls.user = cls._make_user("user")

    def _dispute_calls(self, *numbers, user=None, **values):
        calls = self.env["saperx.cdr"].union(*map(self._get_call, numbers))
        dispute = self.env["saperx.dispute"].with_user(user or self.billing)
        return dispute.create(
            {
                "reason": "price",
                "call_ids": [Command.create({"call_id": call.id}) for call in calls],
                **values,
            }
        )

    def _dispute_charge(self, charge, **values):
        dispute = self.env["saperx.dispute"].with_user(self.billing)
        return dispute.create({"charge_id": charge.id, "reason": "price", **values})

    def _invoice(self, post=False):
        self.env["contract.contract"].cron_recurring_create_invoice(DUE)
        moves = self.contract._get_related_invoices()
        if post:
            moves.filtered(lambda move: move.state == "draft").action_post()
        return moves

    def _get_states(self, *numbers):
        return [self._get_call(number).state for number in numbers]

    def _check_sums(self):
        """What must hold whatever was done: design, §7."""
        for charge in self.env["saperx.charge"].search([]):
            calls = self.env["saperx.cdr"].search([("charge_id", "=", charge.id)])
            if charge.state == "cancelled":
                self.assertFalse(calls)
                continue
            self.assertEqual(set(calls.mapped("state")), {"billed"})
            total = sum(calls.mapped("charged_amount"))
            self.assertAlmostEqual(charge.amount, total, 9)


class TestDisputeOpening(DisputeCase):
    def test_it_has_a_protocol_a_deadline_and_an_activity(self):
        self._import(self._make_call(1))
        first = self._dispute_calls(1, user=self.user)
        self.assertRegex(first.name, r"^2026\d{6}$")
        self.assertEqual(first.partner_id, self.partner)
        self.assertEqual(first.contract_id, self.contract)
        self.assertEqual(first.amount, 0.12)
        self.assertEqual(first.deadline, date(2026, 12, 16))
        activity = first.activity_ids
        self.assertEqual(activity.user_id, self.user)
        self.assertEqual(activity.date_deadline, first.deadline)

    def test_the_company_says_who_answers_and_until_when(self):
        self.company.saperx_dispute_days = 5
        self.company.saperx_dispute_user_id = self.billing
        self._import(self._make_call(1))
        dispute = self._dispute_calls(1, user=self.user)
        self.assertEqual(dispute.deadline, date(2026, 11, 21))
        self.assertEqual(dispute.activity_ids.user_id, self.billing)
        dispute.deadline = date(2026, 11, 18)
        self.assertEqual(dispute.activity_ids.date_deadline, date(2026, 11, 18))

    def test_a_disputed_call_is_not_charged_and_the_rest_of_its_cycle_is(self):
        self._import(self._make_call(1), self._make_call(2, talk_seconds=120))
        self._dispute_calls(1)
        self.assertEqual(self._get_call(1).state, "disputed")
        charge = self._charge()
        self.assertEqual(charge.amount, 0.24)
        self.assertEqual(self._get_states(1, 2), ["disputed", "billed"])
        self.assertFalse(self._charge())
        self._check_sums()

    def test_a_disputed_call_draws_on_nothing_meanwhile(self):
        self.tariff.allowance_ids = [
            Command.create({"unit": "minutes", "quantity": 1, "name": "Franquia"})
        ]
        self._import(
            self._make_call(1), self._make_call(2, start="2026-10-16 12:00:00")
        )
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._get_call(1).charged_amount, 0)
        self.assertEqual(self._get_call(2).charged_amount, 0.12)
        self._dispute_calls(1)
        self.assertEqual(self._get_call(2).charged_amount, 0)

    def test_neither_recalculation_nor_correction_charges_it(self):
        self._import(self._make_call(1), self._make_call(2))
        self._dispute_calls(1)
        self.env["saperx.cdr"]._reassess([])
        self._import(self._make_call(1, talk_seconds=120))
        self.assertEqual(self._get_states(1, 2), ["disputed", "unbilled"])
        self.assertEqual(self._charge().call_count, 1)

    def test_undoing_its_import_keeps_it(self):
        run = self._import(self._make_call(1), self._make_call(2))
        self._dispute_calls(1)
        run._remove_batch()
        self.assertTrue(self._get_call(1))
        self.assertFalse(self._get_call(2))

    def test_a_whole_charge_stays_off_the_invoice(self):
        self._import(self._make_call(1))
        charge = self._charge()
        self._dispute_charge(charge)
        self.assertTrue(charge.is_disputed)
        self.assertFalse(self._invoice().invoice_line_ids.saperx_charge_id)
        self.assertEqual(charge.state, "confirmed")

    def test_a_call_of_a_charge_keeps_it_off_the_invoice(self):
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        self._dispute_calls(1)
        self.assertFalse(self._invoice().invoice_line_ids.saperx_charge_id)
        self.assertEqual(charge.state, "confirmed")

    def test_the_rest_of_such_a_charge_can_be_charged_meanwhile(self):
        self._import(self._make_call(1), self._make_call(2, talk_seconds=120))
        charge = self._charge()
        dispute = self._dispute_calls(1)
        dispute.action_charge_rest()
        self.assertEqual(charge.state, "cancelled")
        self.assertEqual(self._get_states(1, 2), ["disputed", "billed"])
        self.assertEqual(self._get_call(2).charge_id.amount, 0.24)
        self.assertEqual(self._invoice().invoice_line_ids.saperx_charge_id.amount, 0.24)
        self._check_sums()

    def test_nothing_changes_on_an_invoice_until_it_is_decided(self):
        self._import(self._make_call(1))
        charge = self._charge()
        move = self._invoice(post=True)
        self._dispute_charge(charge)
        self.assertEqual(charge.state, "invoiced")
        self.assertEqual(move.amount_total, 100.12)

    def test_a_charge_whose_draft_is_deleted_stays_back(self):
        self._import(self._make_call(1))
        charge = self._charge()
        move = self._invoice()
        self._dispute_charge(charge)
        move.unlink()
        self.assertEqual(charge.state, "confirmed")
        self.assertFalse(self._invoice().invoice_line_ids.saperx_charge_id)

    def test_cancelling_a_disputed_charge_keeps_its_calls_back(self):
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        dispute = self._dispute_charge(charge)
        charge.action_cancel()
        self.assertEqual(self._get_states(1, 2), ["disputed"] * 2)
        self.assertFalse(self._charge())
        dispute.action_reject()
        self.assertEqual(self._charge().amount, 0.24)

    def test_a_call_is_in_one_dispute_at_a_time(self):
        self._import(self._make_call(1), self._make_call(2))
        self._dispute_calls(1)
        with self.assertRaisesRegex(UserError, "already"):
            self._dispute_calls(1)

    def test_a_charge_and_its_calls_are_not_disputed_at_once(self):
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        dispute = self._dispute_calls(1)
        with self.assertRaisesRegex(UserError, "in dispute already"):
            self._dispute_charge(charge)
        dispute.action_withdraw()
        self._dispute_charge(charge)
        with self.assertRaisesRegex(UserError, "as a whole"):
            self._dispute_calls(2)
        with self.assertRaisesRegex(UserError, "as a whole"):
            self._dispute_charge(charge)

    def test_what_costs_nobody_anything_is_not_disputed(self):
        self._import(self._make_call(1, callee="190"))
        with self.assertRaisesRegex(UserError, "nothing to dispute"):
            self._dispute_calls(1)
        with self.assertRaisesRegex(ValidationError, "what is disputed"):
            self.env["saperx.dispute"].create({"reason": "other"})

    def test_one_dispute_is_of_one_customer(self):
        other = self.env["res.partner"].create({"name": "José"})
        number = "555433335555"
        self._make_line(self._make_contract(other), number)
        self._import(self._make_call(1), self._make_call(2, caller=number))
        with self.assertRaisesRegex(UserError, "one customer"):
            self._dispute_calls(1, 2)
        # The button says so before a form is filled in, and whose calls they are.
        calls = self._get_call(1) | self._get_call(2)
        with self.assertRaisesRegex(UserError, "José .*Maria|Maria.*José "):
            calls.with_user(self.user).action_dispute()

    def test_the_form_opens_with_the_chosen_calls_that_cost_something(self):
        self._import(
            self._make_call(1), self._make_call(2), self._make_call(3, callee="190")
        )
        calls = self._get_call(1) | self._get_call(2)
        free = self._get_call(3)
        with self.assertRaisesRegex(UserError, "nothing to dispute"):
            free.action_dispute()
        listed = self.env.ref("saperx_voip.saperx_cdr_action_dispute")
        listed = listed.with_user(self.user).with_context(
            active_model="saperx.cdr", active_ids=calls.ids
        )
        self.assertEqual(listed.run()["res_model"], "saperx.dispute")
        action = (calls | free).with_user(self.user).action_dispute()
        form = Form(
            self.env["saperx.dispute"]
            .with_user(self.user)
            .with_context(**action["context"])
        )
        form.reason = "not_recognised"
        form.note = "Not me"
        dispute = form.save()
        self.assertEqual(dispute.call_ids.call_id, calls)
        self.assertEqual(dispute.amount, 0.24)


class TestDisputeDecision(DisputeCase):
    def test_an_accepted_unbilled_call_is_never_charged(self):
        self._import(self._make_call(1), self._make_call(2))
        dispute = self._dispute_calls(1)
        dispute.action_accept()
        call = self._get_call(1)
        self.assertEqual((call.state, call.reason), ("not_chargeable", "dispute"))
        self.assertEqual(call.charged_amount, 0)
        self.assertEqual(dispute.accepted_amount, 0.12)
        self.assertFalse(dispute.credit_state)
        self.assertFalse(dispute.activity_ids)
        self.env["saperx.cdr"]._reassess([])
        self._import(self._make_call(1, talk_seconds=120))
        self.assertEqual(self._charge().call_count, 1)
        self.assertEqual(self._get_call(1).state, "not_chargeable")

    def test_accepting_gives_the_allowance_to_the_other_calls(self):
        self.tariff.allowance_ids = [
            Command.create({"unit": "minutes", "quantity": 1, "name": "Franquia"})
        ]
        self._import(
            self._make_call(1), self._make_call(2, start="2026-10-16 12:00:00")
        )
        self._dispute_calls(1).action_accept()
        self.assertEqual(self._charge().amount, 0)

    def test_a_confirmed_charge_is_made_again_without_the_call(self):
        self._import(self._make_call(1), self._make_call(2, talk_seconds=120))
        charge = self._charge()
        self._dispute_calls(1).action_accept()
        self.assertEqual(charge.state, "cancelled")
        self.assertEqual(self._get_states(1, 2), ["not_chargeable", "billed"])
        again = self._get_call(2).charge_id
        self.assertEqual((again.state, again.amount), ("confirmed", 0.24))
        self.assertFalse(again.is_disputed)
        self._check_sums()

    def test_a_whole_confirmed_charge_is_dropped(self):
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        dispute = self._dispute_charge(charge)
        dispute.action_accept()
        self.assertEqual(charge.state, "cancelled")
        self.assertEqual(self._get_states(1, 2), ["not_chargeable"] * 2)
        self.assertEqual(dispute.accepted_amount, 0.24)
        self.assertFalse(self._charge())

    def test_a_draft_invoice_is_to_be_deleted_first(self):
        self._import(self._make_call(1))
        self._charge()
        move = self._invoice()
        dispute = self._dispute_calls(1)
        with self.assertRaisesRegex(UserError, "delete that draft"):
            dispute.action_accept()
        move.unlink()
        dispute.action_accept()
        self.assertEqual(self._get_call(1).state, "not_chargeable")

    def test_a_posted_invoice_is_credited_by_exactly_the_calls(self):
        self._import(self._make_call(1), self._make_call(2, talk_seconds=120))
        charge = self._charge()
        move = self._invoice(post=True)
        dispute = self._dispute_calls(1)
        dispute.action_accept()
        credit = dispute.credit_ids
        self.assertEqual((credit.state, credit.amount_total), ("draft", 0.12))
        self.assertEqual(credit.move_type, "out_refund")
        self.assertEqual(credit.reversed_entry_id, move)
        self.assertEqual((charge.state, charge.amount), ("invoiced", 0.36))
        self.assertEqual(self._get_call(1).state, "billed")
        self.assertEqual(dispute.credit_state, "draft")
        credit.action_post()
        self.assertEqual(dispute.credit_state, "posted")
        self._check_sums()

    def _credit_with_tax(self, included):
        tax = self.env["account.tax"].create(
            {
                "name": "ICMS",
                "amount": 17,
                "price_include_override": included,
                "type_tax_use": "sale",
            }
        )
        self.integration.product_id.taxes_id = tax
        self._import(
            self._make_call(1, talk_seconds=3600), self._make_call(2, talk_seconds=1200)
        )
        self._charge()
        self._invoice(post=True)
        dispute = self._dispute_calls(1)
        dispute.action_accept()
        return dispute.credit_ids

    def test_taxes_inside_the_price_are_credited_inside_it(self):
        credit = self._credit_with_tax("tax_included")
        self.assertEqual(credit.amount_total, 7.20)
        self.assertEqual(credit.amount_tax, 1.05)

    def test_taxes_on_top_are_credited_on_top(self):
        credit = self._credit_with_tax("tax_excluded")
        self.assertEqual(credit.amount_untaxed, 7.20)
        self.assertEqual(credit.amount_tax, 1.22)

    def test_each_class_is_credited_on_its_own_line(self):
        self.integration.charge_granularity = "class"
        self._import(
            self._make_call(1),
            self._make_call(2, callee=MOBILE_SAME_DDD),
            self._make_call(3, callee=MOBILE_SAME_DDD),
        )
        self._charge()
        self._invoice(post=True)
        dispute = self._dispute_calls(1, 2)
        dispute.action_accept()
        lines = dispute.credit_ids.invoice_line_ids
        by_text = {"VC1" in line.name: line.price_total for line in lines}
        self.assertEqual(by_text, {True: 0.5, False: 0.12})

    def test_what_was_written_off_meanwhile_is_neither_credited_nor_charged(self):
        self.company.saperx_hold_amount = 0.1
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        whole = self._dispute_charge(charge)
        charge.with_user(self.billing).action_write_off()
        self.assertIn("nobody pays", whole.effect)
        whole.action_accept()
        self.assertEqual((whole.accepted_amount, whole.credit_amount), (0.24, 0))
        self.assertEqual(charge.state, "written_off")

    def test_a_call_of_what_was_written_off_meanwhile_may_be_accepted(self):
        self.company.saperx_hold_amount = 0.1
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        dispute = self._dispute_calls(1)
        charge.with_user(self.billing).action_write_off()
        dispute.call_ids.only_amount = 0.05
        dispute.action_accept()
        self.assertEqual(dispute.credit_amount, 0)
        self.assertEqual(charge.state, "written_off")
        self.assertFalse(self._charge())
        self._check_sums()

    def test_a_part_of_an_invoiced_charge_is_credited(self):
        self.integration.charge_granularity = "class"
        self._import(self._make_call(1), self._make_call(2, callee=MOBILE_SAME_DDD))
        charge = self._charge()
        self._invoice(post=True)
        dispute = self._dispute_charge(charge, only_amount=0.31)
        dispute.action_accept()
        self.assertEqual(dispute.credit_ids.amount_total, 0.31)
        self.assertEqual(len(dispute.credit_ids.invoice_line_ids), 2)
        self.assertEqual(dispute.accepted_amount, 0.31)

    def test_a_part_of_what_is_not_invoiced_is_credited_once_it_is(self):
        self._import(self._make_call(1, talk_seconds=600))
        dispute = self._dispute_calls(1)
        dispute.call_ids.only_amount = 0.5
        dispute.action_accept()
        self.assertEqual(dispute.credit_state, "waiting")
        self.assertEqual(self._get_call(1).state, "unbilled")
        with self.assertRaisesRegex(UserError, "not posted yet"):
            dispute.action_make_credits()
        self.assertEqual(self._charge().amount, 1.2)
        self._invoice(post=True)
        cron = self.env.ref("saperx_voip.ir_cron_dispute_credits")
        woken = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        self.assertTrue(woken)
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_dispute_credits").method_direct_trigger()
        self.assertEqual(dispute.credit_ids.amount_total, 0.5)
        self.assertEqual(dispute.credit_state, "draft")

    def test_a_charge_that_waits_to_be_credited_is_not_cancelled(self):
        self._import(self._make_call(1, talk_seconds=600))
        charge = self._charge().with_user(self.billing)
        dispute = self._dispute_charge(charge)
        dispute.only_amount = 0.5
        dispute.action_accept()
        with self.assertRaisesRegex(UserError, f"0.50 .* dispute {dispute.name}"):
            charge.action_cancel()
        self._invoice(post=True)
        dispute.action_make_credits()
        self.assertEqual(dispute.credit_ids.amount_total, 0.5)

    def test_some_calls_are_accepted_and_others_not(self):
        self._import(self._make_call(1), self._make_call(2, talk_seconds=120))
        dispute = self._dispute_calls(1, 2)
        dispute.call_ids[1].is_accepted = False
        dispute.action_accept()
        self.assertEqual(self._get_states(1, 2), ["not_chargeable", "unbilled"])
        self.assertEqual(dispute.accepted_amount, 0.12)
        self.assertEqual(self._charge().amount, 0.24)

    def test_a_deleted_credit_note_is_made_again(self):
        self._import(self._make_call(1))
        self._charge()
        self._invoice(post=True)
        dispute = self._dispute_calls(1)
        dispute.action_accept()
        dispute.sudo().credit_ids.unlink()
        self.assertEqual(dispute.credit_state, "waiting")
        dispute.action_make_credits()
        self.assertEqual(dispute.credit_ids.amount_total, 0.12)
        with self.assertRaises(UserError):
            dispute.action_make_credits()

    def test_nothing_is_credited_twice(self):
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        self._invoice(post=True)
        self._dispute_calls(1).action_accept()
        whole = self._dispute_charge(charge)
        with (
            self.assertRaisesRegex(UserError, "More would be credited"),
            self.env.cr.savepoint(),
        ):
            whole.action_accept()
        whole.only_amount = 0.12
        whole.action_accept()
        self.assertEqual(whole.credit_ids.amount_total, 0.12)

    def test_a_reversed_invoice_is_not_credited_again(self):
        self._import(self._make_call(1))
        self._charge()
        move = self._invoice(post=True)
        dispute = self._dispute_calls(1)
        move._reverse_moves([{"invoice_date": TODAY[:10]}], cancel=True)
        self.assertEqual(move.payment_state, "reversed")
        with self.assertRaisesRegex(UserError, "credited as a whole"):
            dispute.action_accept()

    def test_a_rejected_call_is_charged_late_with_its_own_allowance(self):
        self.tariff.allowance_ids = [
            Command.create({"unit": "minutes", "quantity": 3, "name": "Franquia"})
        ]
        self._import(
            self._make_call(1, talk_seconds=120),
            self._make_call(2, start="2026-10-16 12:00:00", talk_seconds=120),
        )
        dispute = self._dispute_calls(1)
        first = self._charge()
        self.assertEqual(first.amount, 0)
        dispute.action_reject()
        # One minute of October's three is left.
        late = self._charge()
        self.assertEqual(late.cycle_end, first.cycle_end)
        self.assertEqual(late.amount, 0.12)
        self._check_sums()

    def test_a_rejected_charge_goes_onto_the_next_invoice(self):
        self._import(self._make_call(1))
        charge = self._charge()
        dispute = self._dispute_charge(charge)
        dispute.action_reject()
        self.assertFalse(charge.is_disputed)
        self.assertEqual(self._invoice().invoice_line_ids.saperx_charge_id, charge)

    def test_a_withdrawn_call_is_priced_by_what_holds_now(self):
        self._import(self._make_call(1))
        dispute = self._dispute_calls(1)
        self.tariff.rate_ids[0].price_per_minute = 0.24
        dispute.action_withdraw()
        self.assertEqual(self._get_call(1).charged_amount, 0.24)
        self.assertEqual(self._get_call(1).state, "unbilled")

    def test_a_dispute_is_decided_once(self):
        self._import(self._make_call(1))
        dispute = self._dispute_calls(1)
        dispute.action_accept()
        for decide in (dispute.action_accept, dispute.action_reject):
            with self.assertRaisesRegex(UserError, "decided already"):
                decide()

    def test_a_rejected_call_may_be_disputed_again(self):
        self._import(self._make_call(1))
        self._dispute_calls(1).action_reject()
        again = self._dispute_calls(1)
        self.assertEqual(self._get_call(1).state, "disputed")
        self.assertEqual(again.amount, 0.12)

    def test_who_is_in_dispute_for_all_that_is_due_is_not_overdue(self):
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        move = self.contract._invoice_telephony()
        move.action_post()
        case = self.env["saperx.overdue.case"]
        late = date(2027, 1, 31)
        self.assertTrue(case._get_due_items_of(move, late))
        dispute = self._dispute_calls(1)
        self.assertTrue(case._get_due_items_of(move, late))
        dispute.action_withdraw()
        dispute = self._dispute_charge(charge)
        self.assertFalse(case._get_due_items_of(move, late))
        dispute.action_reject()
        self.assertTrue(case._get_due_items_of(move, late))

    def test_who_has_paid_the_rest_is_not_overdue_for_a_credit_still_in_draft(self):
        self._import(self._make_call(1), self._make_call(2))
        self._charge()
        move = self.contract._invoice_telephony()
        move.action_post()
        case = self.env["saperx.overdue.case"]
        late = date(2027, 1, 31)
        dispute = self._dispute_calls(1)
        dispute.action_accept()
        self.assertEqual(dispute.credit_ids.state, "draft")
        self.assertTrue(case._get_due_items_of(move, late))
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({"amount": 0.12}).action_create_payments()
        self.assertEqual(move.amount_residual, 0.12)
        self.assertFalse(case._get_due_items_of(move, late))
        dispute.credit_ids.button_cancel()
        self.assertTrue(case._get_due_items_of(move, late))

    def test_the_conference_finds_nothing_wrong_with_disputes(self):
        self._import(*(self._make_call(number) for number in range(1, 7)))
        self._dispute_calls(1)
        self._dispute_calls(2).action_accept()
        partly = self._dispute_calls(3)
        partly.call_ids.only_amount = 0.05
        partly.action_accept()
        self._charge()
        self._invoice(post=True)
        self._dispute_calls(4).action_accept()
        self._dispute_calls(5)
        self.env["saperx.audit"].action_start()
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_audit").method_direct_trigger()
        audit = self.env["saperx.audit"].search([], limit=1)
        self.assertEqual(audit.state, "done")
        self.assertFalse(audit.violation_count)

    def test_a_recalculation_leaves_disputes_alone(self):
        self._import(self._make_call(1), self._make_call(2), self._make_call(3))
        self._dispute_calls(1)
        self._dispute_calls(2).action_accept()
        batch = self.env["saperx.cdr"]._reassess_batch([], {})
        self.assertEqual(batch.call_count, 1)
        self.env["saperx.cdr"]._reassess([])
        self.assertEqual(
            self._get_states(1, 2, 3), ["disputed", "not_chargeable", "unbilled"]
        )

    def test_the_invoice_tells_what_of_it_is_in_dispute(self):
        self._import(self._make_call(1), self._make_call(2))
        self._charge()
        move = self._invoice(post=True)
        self.assertFalse(move.saperx_dispute_notice)
        dispute = self._dispute_calls(1)
        self.assertRegex(move.saperx_dispute_notice, rf"0\.12.*{dispute.name}")
        dispute.action_accept()
        self.assertIn("waits to be posted", move.saperx_dispute_notice)
        dispute.credit_ids.action_post()
        self.assertFalse(move.saperx_dispute_notice)

    def test_an_invoice_of_several_additionals_asks_which_is_disputed(self):
        number = "555433335555"
        self._make_line(self.contract, number)
        self._import(self._make_call(1), self._make_call(2, caller=number))
        charges = self._charge()
        move = self._invoice()
        action = move.with_user(self.billing).action_saperx_dispute()
        self.assertEqual(action["res_model"], "saperx.charge")
        self.assertEqual(self.env["saperx.charge"].search(action["domain"]), charges)
        arch = self.env["saperx.charge"].get_view(action["views"][0][0])["arch"]
        self.assertIn("action_dispute", arch)

    def test_the_charge_says_why_it_waits(self):
        self._import(self._make_call(1))
        charge = self._charge()
        self._dispute_charge(charge)
        charge.invalidate_recordset(["waits_for"])
        self.assertIn("in dispute", charge.waits_for)

    def test_the_call_says_that_it_is_in_dispute(self):
        self._import(self._make_call(1))
        dispute = self._dispute_calls(1)
        self.assertIn(dispute.name, self._get_call(1).explanation)
        self.assertEqual(self._get_call(1).dispute_id, dispute)
        dispute.action_accept()
        self.assertIn("Dispute accepted", self._get_call(1).explanation)


class TestDisputeAccess(DisputeCase):
    def setUp(self):
        super().setUp()
        self._import(self._make_call(1), self._make_call(2))

    def test_a_user_opens_and_billing_decides(self):
        dispute = self._dispute_calls(1, user=self.user)
        dispute.note = "He says that it was not him"
        for name in ("accept", "reject", "withdraw", "charge_rest", "make_credits"):
            with self.assertRaises(AccessError):
                getattr(dispute, f"action_{name}")()
        with self.assertRaises(AccessError):
            dispute.answer = "No"
        with self.assertRaises(AccessError):
            dispute.call_ids.is_accepted = False
        dispute.with_user(self.billing).action_accept()
        self.assertEqual(dispute.state, "accepted")

    def test_what_was_decided_is_never_written_from_outside(self):
        dispute = self._dispute_calls(1)
        for values in (
            {"state": "accepted"},
            {"accepted_amount": 5},
            {"partner_id": self.env.user.partner_id.id},
        ):
            with self.assertRaises(UserError):
                dispute.write(values)
        with self.assertRaises(UserError):
            dispute.call_ids.state = "waived"
        with self.assertRaises(UserError):
            dispute.call_ids.call_id = self._get_call(2)
        dispute.action_reject()
        with self.assertRaisesRegex(UserError, "decided already"):
            dispute.reason = "other"
        with self.assertRaises(AccessError):
            dispute.unlink()
        with self.assertRaises(UserError):
            dispute.sudo().unlink()

    def test_values_of_a_decision_are_not_taken_when_it_is_opened(self):
        dispute = self._dispute_calls(1, user=self.user, state="accepted", answer="Yes")
        self.assertEqual(dispute.state, "open")
        self.assertFalse(dispute.sudo().answer)

    def test_calls_of_another_company_are_out_of_reach(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("billing", other)
        rows = [Command.create({"call_id": self._get_call(1).id})]
        disputes = self.env["saperx.dispute"].with_user(stranger)
        disputes = disputes.with_context(allowed_company_ids=other.ids)
        with self.assertRaises(AccessError):
            disputes.create({"reason": "other", "call_ids": rows})
        dispute = self._dispute_calls(2)
        self.assertFalse(
            self.env["saperx.dispute"]
            .with_user(stranger)
            .with_context(allowed_company_ids=other.ids)
            .search([])
        )
        with self.assertRaises(AccessError):
            dispute.with_user(stranger).with_context(
                allowed_company_ids=other.ids
            ).action_accept()
