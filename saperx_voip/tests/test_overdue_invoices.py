# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo import Command

from .overdue_common import DUE, OverdueCase


class TestOverdueInvoices(OverdueCase):
    """Which invoices make a contract overdue, and what pays them."""

    def _get_found(self, day="2026-11-16"):
        """The contracts that a notice would go to, from now on without the first."""
        with freeze_time(f"{day} 12:00:00"):
            found = self.env["saperx.overdue.case"]._find_unnoticed(
                self.company, date.fromisoformat(day), 5
            )
        return self.env["contract.contract"].union(*(row[0] for row in found))

    def _make_other(self):
        partner = self.env["res.partner"].create({"name": "Other"})
        contract = self._make_contract(partner)
        self._make_line(contract, number="555433330010")
        return contract

    def test_only_posted_due_unpaid_customer_invoices_count(self):
        other = self._make_other()
        self._invoice(other, DUE, post=False)
        self._invoice(other, DUE).button_cancel()
        self._invoice(other, date(2026, 11, 30))
        paid = self._invoice(other, DUE)
        self._pay(paid)
        self._invoice(other, DUE, move_type="out_refund")
        self._invoice(other, DUE, move_type="in_invoice", invoice_date=DUE)
        self.assertEqual(self._get_found(), self.contract)
        self._invoice(other, DUE)
        self.assertEqual(self._get_found(), self.contract | other)

    def test_an_invoice_of_the_customer_that_is_of_no_contract_does_not_count(self):
        other = self._make_other()
        move = self._invoice(other, DUE, post=False)
        move.invoice_line_ids.contract_line_id = False
        move.action_post()
        self.assertEqual(self._get_found(), self.contract)

    def test_what_a_former_customer_owes_blocks_nobody_else(self):
        self._run_days("2026-11-16", "2026-12-01")
        self.assertEqual(self.line.block_level, "partial")
        other = self.env["res.partner"].create({"name": "João", "email": "j@x.com"})
        self.contract.write({"partner_id": other.id, "invoice_partner_id": other.id})
        case = self.case
        self._follow("2026-12-02")
        self.assertEqual(case.closed_because, "passed_on")
        self.assertFalse(self.line.block_level)
        self.assertFalse(self._count_messages("restored"))
        self._run_days("2026-12-03")
        self.assertFalse(self.case)
        self._invoice(self.contract, DUE)
        self._run_days("2026-12-04")
        self.assertEqual(len(self.case.move_ids), 1)

    def test_whoever_pays_for_the_customer_counts(self):
        payer = self.env["res.partner"].create({"name": "Holding", "is_company": True})
        self.contract.invoice_partner_id = payer
        self.move.button_draft()
        self.move.partner_id = payer
        self.move.action_post()
        self._run_days("2026-11-16")
        self.assertEqual(self.case.move_ids, self.move)

    def test_the_day_on_which_it_falls_due_is_in_time(self):
        self._run_days("2026-11-10", "2026-11-13")
        self.assertFalse(self.case)

    def test_cancelled_or_set_to_draft_later_it_blocks_nobody_any_more(self):
        for undo in ("button_cancel", "button_draft"):
            contract = self._make_overdue(undo, f"5554333300{len(undo)}")
            self._run_days("2026-11-16", "2026-12-01")
            self.assertEqual(contract.saperx_block_level, "partial")
            move = contract.saperx_overdue_case_id.move_ids
            move.button_draft()
            if undo == "button_cancel":
                move.button_cancel()
            self._follow("2026-12-02")
            self.assertFalse(contract.saperx_block_level)

    def test_a_part_that_was_paid_leaves_the_rest_overdue(self):
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self._pay(self.move, 60)
        self._follow("2026-12-02")
        self.assertEqual(self.case.amount_due, 40)
        self.assertEqual(self.contract.saperx_block_level, "partial")
        with freeze_time("2026-12-03 12:00:00"):
            self._pay(self.move)
        self._follow("2026-12-03")
        self.assertFalse(self.contract.saperx_block_level)

    def test_a_credit_note_for_the_whole_pays_it(self):
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self.move._reverse_moves(cancel=True)
        self._follow("2026-12-02")
        self.assertFalse(self.contract.saperx_block_level)

    def _make_instalments(self):
        """Half on 2026-11-10, half on 2026-12-20."""
        term = self.env["account.payment.term"].create(
            {
                "name": "Two",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": days}
                    )
                    for days in (0, 40)
                ],
            }
        )
        contract = self._make_other()
        move = self._invoice(
            contract, DUE, invoice_date=DUE, invoice_payment_term_id=term.id
        )
        return contract, move

    def test_only_the_instalments_that_are_due_count(self):
        contract, move = self._make_instalments()
        self._run_days("2026-11-16", "2026-12-01")
        case = contract.saperx_overdue_case_id
        with freeze_time("2026-12-02 12:00:00"):
            case.invalidate_recordset()
            self.assertEqual(case.amount_due, 50)
            self._pay(move, 50)
        self._follow("2026-12-02")
        self.assertEqual(case.closed_because, "paid")
        self.assertEqual(move.payment_state, "partial")
        self.assertFalse(contract.saperx_block_level)
        # The second has its own notice.
        self._run_days("2026-12-28")
        self.assertEqual(contract.saperx_overdue_case_id.due_date, date(2026, 12, 20))

    def test_an_instalment_that_is_due_later_joins_what_was_told(self):
        contract, move = self._make_instalments()
        self._run_days("2026-11-16", "2026-12-01", "2026-12-21")
        case = contract.saperx_overdue_case_id
        with freeze_time("2026-12-21 12:00:00"):
            case.invalidate_recordset()
            self.assertEqual(case.amount_due, 100)
            self._pay(move, 50)
        self._follow("2026-12-21")
        self.assertEqual(case.due_date, date(2026, 12, 20))

    def test_an_invoice_that_the_notice_did_not_tell_of_needs_its_own(self):
        self._run_days("2026-11-16")
        later = self._invoice(self.contract, date(2026, 11, 20))
        self._run_days("2026-11-26", "2026-12-01")
        self.assertEqual(self.case.move_ids, self.move)
        with freeze_time("2026-12-02 12:00:00"):
            self._pay(self.move)
        self._follow("2026-12-02")
        self.assertFalse(self.contract.saperx_block_level)
        self._run_days("2026-12-03")
        self.assertEqual(self.case.move_ids, later)
        self.assertEqual(self.case.noticed_on, date(2026, 12, 3))

    def test_an_invoice_that_is_paid_leaves_the_case_due_since_the_next(self):
        later = self._invoice(self.contract, date(2026, 11, 12))
        self._run_days("2026-11-18")
        self.assertEqual(self.case.move_ids, self.move | later)
        with freeze_time("2026-11-19 12:00:00"):
            self._pay(self.move)
        self._follow("2026-11-19")
        self.assertEqual(self.case.due_date, date(2026, 11, 12))
        self.assertEqual(self.case.noticed_on, date(2026, 11, 18))
