# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from .common import SaperxCase

TODAY = date(2026, 11, 16)


class TerminationMoneyCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.partner_id.tz = "America/Sao_Paulo"
        cls.reason = cls.env["contract.terminate.reason"].create(
            {"name": "Moved", "terminate_comment_required": False}
        )
        cls.product_a.taxes_id = False
        cls.fee = cls.contract._get_product_lines()

    def _make_invoice(self, due="2026-11-30", contract=None, post=True, **line):
        """An invoice of 100 of the contract's fee, outside of OCA's run."""
        contract = contract or self.contract
        move = self.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": contract.partner_id.id,
                "invoice_date": min(due, str(TODAY)),
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "journal_id": contract.journal_id.id,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Internet",
                            "quantity": 1,
                            "price_unit": 100,
                            "tax_ids": [],
                            "contract_line_id": contract._get_product_lines()[:1].id,
                            **line,
                        }
                    )
                ],
            }
        )
        if post:
            move.action_post()
        return move

    def _pay(self, move, amount):
        return (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"amount": amount, "payment_date": TODAY})
            ._create_payments()
        )

    def _make_charged_invoice(self, post=True):
        """The contract's next invoice, with a charge. :return: both"""
        self._import(self._make_call(1), self._make_call(2))
        charge = self._charge()
        move = self.contract.recurring_create_invoice()
        if post:
            move.action_post()
        return move, charge

    def _open(self, choice="cancel_all", day=TODAY, user=None, **values):
        wizard = (
            self.env["contract.contract.terminate"]
            .with_user(user or self.env.user)
            .create(
                {
                    "contract_id": self.contract.id,
                    "terminate_reason_id": self.reason.id,
                    "terminate_date": day,
                    "open_invoices": choice,
                    **values,
                }
            )
        )
        # What it shows is what it was when it was opened.
        self.env.flush_all()
        return wizard

    def _terminate(self, choice="cancel_all", **values):
        wizard = self._open(choice, **values)
        wizard.terminate_contract()
        return wizard

    def _get_last_message(self):
        return str(self.contract.message_ids.sorted("id")[-1].body)

    def _get_fee_invoice(self):
        return self.contract._get_related_invoices().filtered("is_saperx_fee")


class TestOpenInvoices(TerminationMoneyCase):
    """What becomes of a contract's open invoices with it."""

    def _check(self, move, outcome, remark=""):
        """What the wizard shows of a move, and does."""
        wizard = self._open()
        row = wizard.invoice_row_ids.filtered(lambda row: row.move_id == move)
        self.assertEqual(row.outcome, outcome)
        self.assertIn(remark, row.remark or "")
        wizard.terminate_contract()
        self.assertTrue(self.contract.is_terminated)
        return row

    def test_nothing_is_touched_unless_somebody_asks(self):
        draft, posted = self._make_invoice(post=False), self._make_invoice()
        wizard = self._terminate("keep")
        self.assertEqual(set(wizard.invoice_row_ids.mapped("outcome")), {"keep"})
        self.assertEqual((draft.state, posted.state), ("draft", "posted"))
        self.assertEqual(posted.payment_state, "not_paid")
        self.assertEqual(self.line.state, "cancelled")
        self.assertNotIn("with its money", self._get_last_message())

    def test_a_draft_is_cancelled(self):
        move = self._make_invoice(post=False)
        row = self._check(move, "cancel")
        self.assertEqual((row.amount, row.due_date), (100, date(2026, 11, 30)))
        self.assertEqual(move.state, "cancel")

    def test_a_posted_unpaid_one_is_cancelled_without_a_credit_note(self):
        move = self._make_invoice()
        self._check(move, "cancel")
        self.assertEqual(move.state, "cancel")
        self.assertFalse(move.reversal_move_ids)
        self.assertIn(move.name, self._get_last_message())
        self.assertIn("Cancelled: ", self._get_last_message())

    def test_a_partly_paid_one_is_credited_for_exactly_the_open_part(self):
        move = self._make_invoice()
        self._pay(move, 33.33)
        row = self._check(move, "credit", "partly paid")
        self.assertEqual(row.amount, 66.67)
        self.assertEqual(move.state, "posted")
        credit = move.reversal_move_ids
        self.assertEqual((credit.state, credit.amount_total), ("posted", 66.67))
        self.assertEqual((move.amount_residual, credit.amount_residual), (0, 0))
        self.assertEqual(credit.invoice_line_ids.contract_line_id, self.fee)
        self.assertIn(credit.name, self._get_last_message())

    def test_taxes_of_a_partly_paid_one_are_credited_in_proportion(self):
        tax = self.company_data["default_tax_sale"]
        for price, paid in ((100, 15), (99.99, 0.01), (33.33, 12.34), (0.07, 0.05)):
            with self.subTest(price=price, paid=paid), self.cr.savepoint():
                move = self._make_invoice(price_unit=price, tax_ids=tax.ids)
                self._pay(move, paid)
                left = move.amount_residual
                credit = move._credit_open_part()
                self.assertEqual(credit.amount_total, left)
                self.assertEqual((move.amount_residual, credit.amount_residual), (0, 0))
                part = left / move.amount_total
                self.assertAlmostEqual(
                    credit.amount_tax, move.amount_tax * part, delta=0.011
                )

    def test_a_paid_one_is_not_even_listed(self):
        move = self._make_invoice()
        self._pay(move, 100)
        wizard = self._open()
        self.assertFalse(wizard.invoice_row_ids)
        wizard.terminate_contract()
        self.assertEqual((move.state, move.amount_residual), ("posted", 0))
        self.assertFalse(move.reversal_move_ids)

    def test_one_in_a_locked_period_is_credited_today(self):
        move = self._make_invoice(due="2026-10-20")
        self.company.sale_lock_date = "2026-10-31"
        self._check(move, "credit", "locked")
        credit = move.reversal_move_ids
        self.assertEqual(move.payment_state, "reversed")
        self.assertEqual((credit.amount_total, credit.date), (100, TODAY))

    def test_one_in_a_period_whose_taxes_are_locked_is_credited(self):
        tax = self.company_data["default_tax_sale"]
        move = self._make_invoice(due="2026-10-20", tax_ids=tax.ids)
        self.company.tax_lock_date = "2026-10-31"
        self._check(move, "credit", "locked")
        self.assertEqual(move.payment_state, "reversed")

    def test_one_of_a_journal_that_allows_no_change_is_credited(self):
        self.contract.journal_id.restrict_mode_hash_table = True
        move = self._make_invoice()
        self.assertTrue(move.inalterable_hash)
        self._check(move, "credit", "allows no change")
        self.assertEqual((move.state, move.payment_state), ("posted", "reversed"))

    def test_one_that_was_sent_is_credited(self):
        move = self._make_invoice()
        move.is_move_sent = True
        self._check(move, "credit", "sent to the customer")
        self.assertEqual(move.payment_state, "reversed")

    def test_one_that_the_tax_authority_knows_is_credited(self):
        move = self._make_invoice()
        with patch.object(type(move), "_need_cancel_request", lambda self: True):
            move.invalidate_recordset(["need_cancel_request"])
            self._check(move, "credit", "tax authority")
        self.assertEqual(move.payment_state, "reversed")

    def test_one_that_is_shared_with_another_contract_is_left_to_a_person(self):
        other = self._make_contract(self.partner, name="Second home")
        move = self._make_invoice(post=False)
        move.write(
            {
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Internet",
                            "price_unit": 50,
                            "contract_line_id": other._get_product_lines().id,
                        }
                    )
                ]
            }
        )
        self._check(move, "ask", "Second home")
        self.assertEqual((move.state, move.amount_untaxed), ("draft", 150))
        self.assertIn("somebody must decide", self._get_last_message())

    def test_one_that_a_former_customer_owes_is_left_to_a_person(self):
        move = self._make_invoice()
        other = self.env["res.partner"].create({"name": "João"})
        former = self.contract.partner_id
        self.contract.write({"partner_id": other.id, "invoice_partner_id": other.id})
        self._check(move, "ask", former.name)
        self.assertEqual(move.state, "posted")

    def test_one_in_another_currency_is_left_to_a_person(self):
        move = self._make_invoice(post=False)
        move.currency_id = euro = self.setup_other_currency("EUR")
        self._check(move, "ask", euro.name)
        self.assertEqual(move.state, "draft")

    def test_one_whose_payment_is_under_way_is_left_to_a_person(self):
        move = self._make_invoice()
        move.payment_state = "in_payment"
        self._check(move, "ask", "under way")
        self.assertEqual(move.state, "posted")

    def test_one_with_a_credit_note_in_draft_is_left_to_a_person(self):
        move = self._make_invoice()
        credit = move._reverse_moves()
        self._check(move, "ask", "in draft")
        self.assertEqual((move.state, credit.state), ("posted", "draft"))

    def test_invoices_of_other_contracts_and_credit_notes_are_none_of_its_business(
        self,
    ):
        other = self._make_contract(self.partner, name="Second home")
        theirs = self._make_invoice(contract=other)
        credit = self._make_invoice()._reverse_moves()
        credit.reversed_entry_id = False
        wizard = self._open()
        self.assertNotIn(theirs, wizard.invoice_row_ids.move_id)
        self.assertNotIn(credit, wizard.invoice_row_ids.move_id)
        wizard.terminate_contract()
        self.assertEqual((theirs.state, credit.state), ("posted", "draft"))

    def test_due_is_what_was_due_before_the_companys_day(self):
        late, today, ahead = (
            self._make_invoice(due=due)
            for due in ("2026-11-15", "2026-11-16", "2026-11-30")
        )
        # 23:30 in São Paulo, where it is still the 16th.
        with freeze_time("2026-11-17 02:30:00"):
            self._terminate("cancel_not_due")
        self.assertEqual(late.state, "posted")
        self.assertEqual((today.state, ahead.state), ("cancel", "cancel"))
        self.assertIn("due already", self._get_last_message())

    def test_with_a_first_part_due_an_invoice_is_due(self):
        move = self._make_invoice(post=False)
        move.invoice_payment_term_id = self.pay_terms_b
        move.invoice_date = "2026-11-01"
        move.action_post()
        self.assertGreater(move.invoice_date_due, TODAY)
        self._terminate("cancel_not_due")
        self.assertEqual(move.state, "posted")

    # === Telephony on them ===

    def test_a_cancelled_invoice_writes_its_telephony_off(self):
        move, charge = self._make_charged_invoice()
        wizard = self._open()
        self.assertIn("0.24", wizard.invoice_row_ids.remark)
        wizard.terminate_contract()
        self.assertEqual((move.state, charge.state), ("cancel", "written_off"))
        self.assertIn("written off", self._get_last_message())
        # Its calls stay billed, and nothing charges them again.
        self.assertEqual(self._get_call(1).state, "billed")
        self.assertFalse(self._charge())
        self.assertFalse(self.contract._invoice_telephony())
        with self.assertRaisesRegex(UserError, "written off stays so"):
            charge.action_cancel()

    def test_cancelled_by_hand_it_frees_its_telephony_as_ever(self):
        move, charge = self._make_charged_invoice()
        move.button_cancel()
        self.assertEqual(charge.state, "confirmed")

    def test_a_credited_invoice_keeps_its_telephony(self):
        move, charge = self._make_charged_invoice()
        move.is_move_sent = True
        self._terminate()
        self.assertEqual(charge.state, "invoiced")
        self.assertEqual(charge.move_id, move)

    def test_calls_that_are_not_charged_yet_are_charged_on_a_final_invoice(self):
        _move, charge = self._make_charged_invoice()
        self._terminate()
        self._import(self._make_call(3, start="2026-10-20 12:00:00"))
        last = self._charge()
        self.assertEqual((charge.state, last.state), ("written_off", "confirmed"))
        self.assertEqual(self.contract._invoice_telephony().amount_total, 0.12)

    def test_an_invoice_that_is_taken_out_of_its_cancellation_takes_it_back(self):
        move, charge = self._make_charged_invoice()
        self._terminate()
        move.button_draft()
        self.assertEqual(charge.state, "invoiced")

    def test_deleting_the_cancelled_draft_later_invoices_no_fee_again(self):
        move, charge = self._make_charged_invoice(post=False)
        invoiced_until = self.fee.last_date_invoiced
        self._terminate()
        move.unlink()
        self.assertEqual(charge.state, "written_off")
        self.assertEqual(self.fee.last_date_invoiced, invoiced_until)
        self.assertFalse(self.contract.recurring_create_invoice())

    # === Once, and whole ===

    def test_a_second_press_does_nothing_more(self):
        move = self._make_invoice()
        self._pay(move, 40)
        first, second = self._open(), self._open()
        first.terminate_contract()
        for wizard in (first, second):
            with self.assertRaisesRegex(UserError, "since you opened"):
                wizard.terminate_contract()
        self.assertEqual(len(move.reversal_move_ids), 1)

    def test_what_has_changed_since_it_was_shown_does_not_happen(self):
        move = self._make_invoice()
        wizard = self._open()
        self._pay(move, 40)
        with self.assertRaisesRegex(UserError, "have changed since"):
            wizard.terminate_contract()
        self.assertFalse(self.contract.is_terminated)
        self.assertFalse(move.reversal_move_ids)

    def test_a_contract_that_somebody_holds_waits(self):
        wizard = self._open()
        nobody = self.contract.browse()
        with (
            patch.object(
                type(nobody), "try_lock_for_update", lambda *_args, **_kwargs: nobody
            ),
            self.assertRaisesRegex(UserError, "try again"),
        ):
            wizard.terminate_contract()
        self.assertFalse(self.contract.is_terminated)

    def test_a_failure_leaves_nothing_half_done(self):
        cancelled = self._make_invoice(due="2026-11-20")
        refused = self._make_invoice(due="2026-11-30")
        button_cancel = type(refused).button_cancel
        why = "The bank has it."

        def refuse(move):
            if move == refused:
                raise UserError(why)
            return button_cancel(move)

        wizard = self._open()
        with (
            patch.object(type(refused), "button_cancel", refuse),
            self.assertRaisesRegex(UserError, "The bank has it.\nNothing was done"),
            self.cr.savepoint(),
        ):
            wizard.terminate_contract()
        self.env.invalidate_all()
        self.assertEqual((cancelled.state, refused.state), ("posted", "posted"))
        self.assertFalse(self.contract.is_terminated)
        self.assertEqual(self.line.state, "active")

    def test_the_money_of_a_contract_that_has_ended_can_be_settled_later(self):
        move = self._make_invoice()
        self.contract._terminate_contract(self.reason, "", TODAY)
        self.assertEqual(move.state, "posted")
        self._terminate()
        self.assertEqual(move.state, "cancel")

    def test_a_terminated_contract_whose_invoices_went_is_not_told_to_be_restored(self):
        self.company.saperx_overdue_active = True
        self.company.saperx_block_lines_with_contract = True
        self._make_invoice(due="2026-10-01")
        overdue = self.env["saperx.overdue.case"]
        case = overdue._open(self.contract, TODAY)
        case._take_partial(TODAY)
        self._terminate()
        with patch.object(type(case), "_send") as send:
            case._follow()
        send.assert_not_called()
        self.assertEqual(case.closed_because, "ended")

    def test_the_automatic_cancellation_touches_no_money(self):
        move = self._make_invoice(due="2026-10-01")
        case = self.env["saperx.overdue.case"]._open(self.contract, TODAY)
        case._take_cancel(TODAY)
        self.assertTrue(self.contract.is_terminated)
        self.assertEqual((move.state, move.amount_residual), ("posted", 100))

    # === Who may ===

    def _make_terminator(self, groups):
        return new_test_user(
            self.env,
            "saperx-terminator",
            groups=f"contract_termination.can_terminate_contract{groups}",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def test_an_accountant_without_a_role_in_telephony_can_do_all_of_it(self):
        move, charge = self._make_charged_invoice()
        partly = self._make_invoice()
        self._pay(partly, 40)
        user = self._make_terminator(",account.group_account_manager")
        self._terminate(
            user=user,
            generates_remaining=True,
            remaining_by="fine",
            fine_amount=50,
        )
        self.assertEqual((move.state, charge.state), ("cancel", "written_off"))
        self.assertEqual(partly.payment_state, "paid")
        self.assertEqual(self._get_fee_invoice().amount_total, 50)
        self.contract.with_user(user).action_cancel_contract_termination()
        self.assertIn("by hand", self._get_last_message())

    def test_who_may_not_change_contracts_is_told_what_is_missing(self):
        user = self._make_terminator("")
        wizard = self._open(user=user)
        self.assertIn("Administrator", wizard.obstacle)
        with self.assertRaisesRegex(UserError, "you need the accounting role"):
            wizard.terminate_contract()
        self.assertFalse(self.contract.is_terminated)

    def test_billing_alone_does_not_terminate(self):
        with self.assertRaises(AccessError):
            self._open(user=self._make_user("billing"))


class TestRemainingFinancial(TerminationMoneyCase):
    """What leaving early costs: proposed, entered, invoiced or waived."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fee.write({"recurring_next_date": "2026-10-01"})

    def _get_remaining(self, **values):
        wizard = self._open("keep", generates_remaining=True, **values)
        return [(row.date_from, row.date_to, row.amount) for row in wizard.fee_row_ids]

    def test_without_a_term_nothing_is_proposed(self):
        self.assertFalse(self._get_remaining())

    def test_fees_are_proposed_from_after_the_last_full_period_to_the_minimum_term(
        self,
    ):
        self.contract.saperx_minimum_term_until = "2027-02-14"
        # November is invoiced in full; then 31, 31 and 14 of 28 days.
        expected = [(date(2026, 12, 1), date(2027, 2, 14), 250)]
        self.assertEqual(self._get_remaining(), expected)

    def test_what_is_invoiced_beyond_the_date_is_not_demanded_again(self):
        self.contract.saperx_minimum_term_until = "2027-02-28"
        for _month in range(3):
            self.contract.recurring_create_invoice()
        self.assertEqual(self.fee.last_date_invoiced, date(2026, 12, 31))
        expected = [(date(2027, 1, 1), date(2027, 2, 28), 200)]
        self.assertEqual(self._get_remaining(), expected)

    def test_the_lines_own_end_counts_and_the_minimum_term_ends_it_earlier(self):
        self.fee.date_end = "2027-01-31"
        january = [(date(2026, 12, 1), date(2027, 1, 31), 200)]
        self.assertEqual(self._get_remaining(), january)
        self.contract.saperx_minimum_term_until = "2026-12-31"
        december = [(date(2026, 12, 1), date(2026, 12, 31), 100)]
        self.assertEqual(self._get_remaining(), december)

    def test_a_line_that_renews_itself_is_bound_by_the_minimum_term_alone(self):
        self.fee.write({"date_end": "2026-12-31", "is_auto_renew": True})
        self.contract.saperx_minimum_term_until = "2027-01-31"
        expected = [(date(2026, 12, 1), date(2027, 1, 31), 200)]
        self.assertEqual(self._get_remaining(), expected)

    def test_a_term_that_is_over_leaves_nothing(self):
        self.contract.saperx_minimum_term_until = "2026-11-30"
        self.assertFalse(self._get_remaining())

    def test_a_cancelled_line_and_that_of_telephony_owe_nothing(self):
        self.contract.saperx_minimum_term_until = "2026-12-31"
        self.contract._ensure_telephony_line(self.integration.product_id)
        self.fee.copy({"name": "Other"}).cancel()
        self.assertEqual(len(self._get_remaining()), 1)

    def test_the_term_is_remembered_once_the_contract_has_ended(self):
        self.fee.date_end = "2026-12-31"
        self.contract._terminate_contract(self.reason, "", TODAY)
        expected = [(date(2026, 12, 1), date(2026, 12, 31), 100)]
        self.assertEqual(self._get_remaining(), expected)

    def test_the_amounts_that_a_person_enters_become_a_draft_of_the_contract(self):
        self.contract.saperx_minimum_term_until = "2027-02-14"
        before = self.fee.recurring_next_date
        form = Form(
            self.env["contract.contract.terminate"].with_context(
                default_contract_id=self.contract.id
            )
        )
        form.terminate_reason_id = self.reason
        self.assertEqual(form.terminate_date, TODAY)
        form.generates_remaining = True
        self.assertEqual(form.remaining_total, 250)
        with form.fee_row_ids.edit(0) as row:
            row.amount = 123.45
        self.assertEqual(form.remaining_total, 123.45)
        form.save().terminate_contract()
        move = self._get_fee_invoice()
        self.assertEqual((move.state, move.amount_total), ("draft", 123.45))
        self.assertEqual(move.partner_id, self.partner)
        self.assertEqual(
            move.invoice_line_ids.product_id,
            self.env.ref("saperx_voip.product_termination_fee"),
        )
        self.assertIn("02/14/2027", move.invoice_line_ids.name)
        self.assertIn("123.45", self._get_last_message())
        # The contract's own invoices go on as if it were not there.
        self.assertEqual(self.fee.recurring_next_date, before)
        self.assertFalse(self.fee.last_date_invoiced)

    def test_the_sum_that_is_shown_is_the_sum_that_is_invoiced_taxes_and_all(self):
        tax = self.company_data["default_tax_sale"]
        product = self.product_b
        product.taxes_id = tax
        self.company.saperx_termination_fee_product_id = product
        self.contract.saperx_minimum_term_until = "2027-02-13"
        self.fee.copy({"name": "More", "price_unit": 33.33, "specific_price": 33.33})
        wizard = self._open("keep", generates_remaining=True)
        self.assertEqual(len(wizard.fee_row_ids), 2)
        shown = wizard.remaining_total
        self.assertGreater(shown, sum(wizard.fee_row_ids.mapped("amount")))
        wizard.terminate_contract()
        move = self._get_fee_invoice()
        self.assertEqual(move.amount_total, shown)
        self.assertEqual(move.invoice_line_ids.product_id, product)

    def test_a_fine_is_proposed_in_proportion_to_the_time_left(self):
        wizard = self._open(
            "keep",
            generates_remaining=True,
            remaining_by="fine",
            benefit_amount=600,
            benefit_start="2026-01-10",
        )
        self.assertEqual((wizard.proposed_fine, wizard.fine_amount), (90, 90))
        self.assertEqual(wizard.remaining_total, 90)
        wizard.fine_amount = 75
        wizard.terminate_contract()
        self.assertEqual(self._get_fee_invoice().amount_total, 75)

    def test_a_term_of_more_than_a_year_is_refused(self):
        fine = {"remaining_by": "fine", "benefit_amount": 600, "benefit_months": 24}
        wizard = self._open("keep", generates_remaining=True, fine_amount=9, **fine)
        self.assertEqual(wizard.proposed_fine, 0)
        with self.assertRaisesRegex(UserError, "1 to 12 months"):
            wizard.terminate_contract()

    def test_what_makes_no_sense_is_refused(self):
        theirs = self._make_contract(self.partner, name="Other")._get_product_lines()
        for values, error in (
            ({}, "no remaining financial"),
            ({"remaining_by": "fine", "fine_amount": -1}, "not negative"),
            ({"is_waived": True, "waiver_reason": " "}, "Say why"),
            (
                {
                    "fee_row_ids": [
                        Command.create({"contract_line_id": theirs.id, "amount": 9})
                    ]
                },
                "this contract alone",
            ),
        ):
            with self.subTest(error=error), self.assertRaisesRegex(UserError, error):
                self._open(
                    "keep", generates_remaining=True, **values
                ).terminate_contract()
        self.assertFalse(self.contract.is_terminated)

    def test_a_waiver_is_written_on_the_contract_with_its_reason(self):
        self.contract.saperx_minimum_term_until = "2026-12-31"
        self._terminate(
            "keep",
            generates_remaining=True,
            is_waived=True,
            waiver_reason="Customer for ten years",
        )
        self.assertFalse(self._get_fee_invoice())
        self.assertIn("100.00 waived: Customer for ten", self._get_last_message())

    def test_the_remaining_financial_is_invoiced_once(self):
        self.contract.saperx_minimum_term_until = "2026-12-31"
        values = {"generates_remaining": True}
        first, second = self._open("keep", **values), self._open("keep", **values)
        first.terminate_contract()
        later = self._open("keep", **values), self._open("keep", **values)
        for wizard in (first, second):
            with self.assertRaisesRegex(UserError, "since you opened"):
                wizard.terminate_contract()
        # On a terminated contract the first one's invoice is an open one to the other.
        later[0].terminate_contract()
        with self.assertRaisesRegex(UserError, "have changed since"):
            later[1].terminate_contract()
        self.assertEqual(len(self._get_fee_invoice()), 2)

    def test_a_failing_invoice_takes_the_termination_back(self):
        move = self._make_invoice()
        wizard = self._open(
            generates_remaining=True, remaining_by="fine", fine_amount=9
        )
        with (
            patch.object(
                type(self.contract), "_create_invoice_apart", side_effect=UserError("x")
            ),
            self.assertRaises(UserError),
            self.cr.savepoint(),
        ):
            wizard.terminate_contract()
        self.env.invalidate_all()
        self.assertFalse(self.contract.is_terminated)
        self.assertEqual((move.state, self.line.state), ("posted", "active"))

    def test_a_suppliers_contract_has_no_money_to_settle(self):
        contract = self._make_contract(
            self.partner,
            name="Fibre",
            contract_type="purchase",
            journal_id=self.company_data["default_journal_purchase"].id,
        )
        wizard = self._open(contract_id=contract.id)
        self.assertFalse(wizard.invoice_row_ids)
        wizard.terminate_contract()
        self.assertTrue(contract.is_terminated)

    # === The way back ===

    def test_undoing_names_what_is_to_be_undone_by_hand(self):
        cancelled, charge = self._make_charged_invoice()
        partly = self._make_invoice()
        self._pay(partly, 40)
        self._terminate(generates_remaining=True, remaining_by="fine", fine_amount=9)
        self.contract.action_cancel_contract_termination()
        told = self._get_last_message()
        self.assertIn("by hand", told)
        for record in (cancelled, charge, partly.reversal_move_ids, partly):
            self.assertIn(f'data-oe-id="{record.id}"', told)
        self.assertIn("demands the remaining financial", told)
        self.assertEqual((cancelled.state, charge.state), ("cancel", "written_off"))
        self.assertEqual(partly.payment_state, "paid")
        # Once.
        self._terminate("keep")
        self.contract.action_cancel_contract_termination()
        self.assertEqual(told.count("by hand"), 1)
        self.assertNotIn("by hand", self._get_last_message())

    def test_what_was_undone_already_is_not_named(self):
        move = self._make_invoice()
        self._terminate(generates_remaining=True, remaining_by="fine", fine_amount=9)
        move.button_draft()
        self._get_fee_invoice().unlink()
        self.contract.write({"is_terminated": False, "terminate_date": False})
        messages = str(self.contract.message_ids.mapped("body"))
        self.assertNotIn("by hand", messages)
