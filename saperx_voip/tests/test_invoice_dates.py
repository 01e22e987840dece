# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import Command

from .invoice_common import DUE, WAYS, InvoiceCase

JANUARY = date(2027, 1, 1)


class TestInvoiceDates(InvoiceCase):
    """A draft that is deleted gives the contract's lines their dates back."""

    def _get_dates(self, contract=None):
        return [
            (line.last_date_invoiced, line.recurring_next_date)
            for line in self._get_fees(contract or self.contract)
        ]

    def test_whichever_way_it_was_made(self):
        charge = self._charge_calls(1)
        before = self._get_dates()
        for way in WAYS:
            with self.subTest(way=way):
                move = self._invoice(way)
                self.assertEqual(move.amount_total, 100.12)
                move.unlink()
                self.assertEqual(self._get_dates(), before)
                self.assertEqual(self.contract.recurring_next_date, DUE)
                self.assertEqual(charge.state, "confirmed")

    def test_all_lines_get_their_own_dates_back(self):
        self.contract.write(
            {
                "contract_line_ids": [
                    Command.create(
                        {
                            "name": "Fixed address",
                            "product_id": self.product_a.id,
                            "quantity": 1,
                            "price_unit": 20,
                            "specific_price": 20,
                            "date_start": "2026-10-15",
                            "recurring_next_date": "2026-11-20",
                            "recurring_rule_type": "quarterly",
                            "recurring_invoicing_type": "pre-paid",
                        }
                    )
                ]
            }
        )
        before = self._get_dates()
        move = self._invoice()
        self.assertEqual(move.amount_total, 120)
        move.unlink()
        self.assertEqual(self._get_dates(), before)

    def test_the_latest_first(self):
        before = self._get_dates()
        first, second = self._invoice(), self._invoice(day=JANUARY)
        between = (first.invoice_line_ids.saperx_invoiced_until, JANUARY)
        second.unlink()
        self.assertEqual(self._get_dates(), [between])
        first.unlink()
        self.assertEqual(self._get_dates(), before)

    def test_out_of_order(self):
        before = self._get_dates()
        first, second = self._invoice(), self._invoice(day=JANUARY)
        after = self._get_dates()
        first.unlink()
        self.assertEqual(self._get_dates(), after)
        self.assertIn("Delete the later drafts", self.contract.message_ids[0].body)
        second.unlink()
        self.assertEqual(self._get_dates(), before)
        self.assertEqual(self._invoice().amount_total, 100)

    def test_the_middle_one_of_three(self):
        before = self._get_dates()
        moves = [self._invoice(day=date(2027, month, 1)) for month in (1, 2, 3)]
        moves[1].unlink()
        moves[2].unlink()
        until = moves[0].invoice_line_ids.saperx_invoiced_until
        self.assertEqual(self.fee.last_date_invoiced, until)
        moves[0].unlink()
        self.assertEqual(self._get_dates(), before)

    def test_several_at_once(self):
        before = self._get_dates()
        first, second = self._invoice(), self._invoice(day=JANUARY)
        (first | second).unlink()
        self.assertEqual(self._get_dates(), before)
        self.assertFalse(
            self.contract.message_ids.filtered(
                lambda message: "later drafts" in (message.body or "")
            )
        )

    def test_a_line_that_has_a_successor(self):
        self.fee.stop_plan_successor(JANUARY, date(2027, 1, 31), False)
        steps = [(self._get_dates(), self.contract.contract_line_ids.browse())]
        moves = []
        while move := self._invoice(day=date(2027, 2, 1)):
            moves.append(move)
            steps.append((self._get_dates(), move.invoice_line_ids.contract_line_id))
        self.assertEqual(
            self.env["contract.line"].union(*(lines for _dates, lines in steps)),
            self._get_fees(self.contract),
        )
        for move in reversed(moves):
            move.unlink()
            steps.pop()
            self.assertEqual(self._get_dates(), steps[-1][0])

    def test_a_last_period_that_ended_the_line(self):
        self.fee.write({"date_end": "2026-12-31"})
        before = self._get_dates()
        moves = self._invoice()
        while more := self._invoice(day=JANUARY):
            moves |= more
        self.assertFalse(self.fee.recurring_next_date)
        moves.unlink()
        self.assertEqual(self._get_dates(), before)

    def test_a_contract_whose_recurrence_is_its_own(self):
        contract = self.env["contract.contract"].create(
            {
                "name": "Recurrence at the contract",
                "partner_id": self.partner_b.id,
                "contract_type": "sale",
                "line_recurrence": False,
                "date_start": "2026-12-01",
                "recurring_next_date": "2026-12-01",
                "recurring_rule_type": "monthly",
                "recurring_invoicing_type": "pre-paid",
                "journal_id": self.company_data["default_journal_sale"].id,
                "contract_line_fixed_ids": [
                    Command.create(
                        {
                            "name": "Internet",
                            "product_id": self.product_a.id,
                            "quantity": 1,
                            "price_unit": 50,
                            "specific_price": 50,
                        }
                    )
                ],
            }
        )
        self._make_line(contract, number="551130001000")
        before = (self._get_dates(contract), contract.recurring_next_date)
        for way in WAYS:
            with self.subTest(way=way):
                move = self._invoice(way, contract=contract)
                self.assertEqual(contract.recurring_next_date, JANUARY)
                move.unlink()
                self.assertEqual(
                    (self._get_dates(contract), contract.recurring_next_date), before
                )

    def test_telephony_alone_moves_no_date(self):
        self._charge_calls(1)
        before = self._get_dates()
        self.contract._invoice_telephony().unlink()
        self.assertEqual(self._get_dates(), before)
