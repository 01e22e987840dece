# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from .common import FIXED_OTHER_DDD, NUMBER, SaperxCase, moment

OTHER_NUMBER = "551130001000"


@tagged("post_install", "-at_install")
class TestFinalCharge(SaperxCase):
    """A line that ends at noon of 16 November in a cycle of the whole month. Calls of
    60 s at 0.12 per minute."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.integration.waiting_days = 2
        cls.reason = cls.env["contract.terminate.reason"].create(
            {"name": "Moved", "terminate_comment_required": False}
        )
        cls.fee = cls.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        )
        cls.product_a.taxes_id = False

    def _call(self, remote_id, start="2026-11-16 12:00:00", **values):
        return self._make_call(remote_id, start=start, **values)

    def _give(self, quantity, **values):
        return self.env["saperx.tariff.allowance"].create(
            {
                "tariff_id": self.tariff.id,
                "quantity": quantity,
                "unit": "minutes",
                **values,
            }
        )

    def _waits_for(self):
        return [
            group["waits_for"] for group in self.env["saperx.charge"]._get_ripe_groups()
        ]

    def _charge_later(self, when="2026-11-19 12:00:00"):
        """Once calls are imported up to a moment, and late ones had their time."""
        with freeze_time(when):
            self.integration.imported_until = moment(when)
            return self._charge()

    # === When it is ripe ===

    def test_the_last_cycle_ends_with_its_line(self):
        self._import(self._call(1))
        self.line._cancel()
        charge = self._charge_later()
        self.assertEqual(charge.amount, 0.12)
        self.assertEqual(charge.cycle_start, date(2026, 11, 1))
        self.assertEqual(charge.last_day, date(2026, 11, 16))
        self.assertIn("11/16/2026", charge._get_invoice_text(None))

    def test_a_line_that_lives_waits_for_the_whole_cycle(self):
        self._import(self._call(1))
        self.line.is_active = False
        self.assertFalse(self._charge_later())

    def test_it_waits_for_calls_up_to_the_end_and_for_late_ones(self):
        self._import(self._call(1))
        self.line._cancel()
        with freeze_time("2026-11-18 14:59:00"):
            self.integration.imported_until = moment("2026-11-16 14:59:59")
            self.assertIn("not imported", self._waits_for()[0])
            self.integration.imported_until = moment("2026-11-16 15:00:00")
            self.assertIn("come late, until 11/18/2026", self._waits_for()[0])
        with freeze_time("2026-11-18 15:00:00"):
            self.assertEqual(self._waits_for(), [None])

    def test_a_change_of_holder_inside_the_cycle_is_no_end(self):
        other = self._make_contract(self.partner_b)
        self._import(self._call(1))
        self.line.contract_id = other
        self.assertFalse(self._charge_later())
        with freeze_time("2026-11-20 12:00:00"):
            self._import(self._call(2, start="2026-11-19 12:00:00"))
            self.line._cancel()
        charges = self._charge_later("2026-11-22 12:00:00")
        self.assertEqual(charges.contract_id, self.contract | other)
        self.assertEqual(charges.mapped("amount"), [0.12, 0.12])

    def test_a_line_cancelled_in_its_last_cycle_was_active_in_it(self):
        self.integration.charge_only_active_lines = True
        self._import(self._call(1))
        self.line._cancel()
        self.assertEqual(self._charge_later().amount, 0.12)

    def test_a_line_that_was_off_all_the_cycle_is_left_out_as_ever(self):
        self.integration.charge_only_active_lines = True
        with freeze_time("2026-10-30 12:00:00"):
            self.line.is_active = False
        self._import(self._call(1))
        self.line._cancel()
        self.assertFalse(self._charge_later())

    # === Its calls ===

    def test_calls_told_after_the_end_belong_to_the_line_by_their_start(self):
        self.line._cancel()
        self._import(
            self._call(1),
            # It runs over the moment of the end.
            self._call(2, start="2026-11-16 14:59:59", talk_seconds=600),
            self._call(3, start="2026-11-16 15:00:00"),
        )
        self.assertEqual(self._get_call(3).state, "unmatched")
        charge = self._charge_later()
        self.assertEqual((charge.call_count, charge.amount), (2, 1.32))

    def test_a_call_that_comes_after_the_final_charge_makes_another(self):
        self._import(self._call(1))
        self.line._cancel()
        first = self._charge_later()
        self._import(self._call(2))
        second = self._charge_later()
        self.assertEqual(second.cycle_end, first.cycle_end)
        self.assertEqual((first.amount, second.amount), (0.12, 0.12))

    # === Its allowances ===

    def test_an_allowance_pro_rata_is_given_for_the_days_until_the_end(self):
        # 3 minutes for 30 days, of which the line has 16: 96 seconds.
        self.line.in_use_since = False
        self._give(3, is_pro_rata=True)
        self._import(*(self._call(number) for number in range(3)))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self.line.unbilled_amount, 0)
        self.line._cancel()
        self.line.invalidate_recordset()
        self.assertEqual(self.line.unbilled_amount, 0.16)
        charge = self._charge_later()
        self.assertEqual(charge.allowance_ids.own_quantity, 96)
        self.assertEqual(charge.amount, 0.16)

    def test_what_the_cycle_before_left_is_drawn_in_the_last_one(self):
        self.line.in_use_since = "2026-10-01"
        self._give(1, carries_over=True)
        self._import(
            self._make_call(1, talk_seconds=30), *(self._call(n) for n in (2, 3, 4))
        )
        self.line._cancel()
        october, november = self._charge_later().sorted("cycle_end")
        self.assertEqual(october.allowance_ids.carried_away, 30)
        self.assertEqual(november.allowance_ids.carried_quantity, 30)
        self.assertEqual(november.amount, 0.18)

    def test_a_late_call_draws_on_nothing_that_the_final_charge_fixed(self):
        self.line.in_use_since = False
        self._give(2)
        self._import(self._call(1))
        self.line._cancel()
        self._charge_later()
        self._import(self._call(2), self._call(3))
        charge = self._charge_later()
        self.assertEqual(charge.covered_amount, 0.12)
        self.assertEqual(charge.amount, 0.12)

    def test_a_shared_allowance_waits_for_the_lines_that_go_on(self):
        self.line.in_use_since = False
        self._give(1, is_shared=True)
        self._make_line(self.contract, number=OTHER_NUMBER)
        self._import(self._call(1))
        self.line._cancel()
        self.assertFalse(self._charge_later())
        self.assertEqual(self._charge_later("2026-12-03 12:00:00").amount, 0)

    def test_a_shared_allowance_stays_open_as_long_as_its_contract_lives(self):
        """Another line may come in the same cycle and share what is left."""
        self.line.in_use_since = False
        self._give(2, is_shared=True)
        self._import(self._call(1))
        self.line._cancel()
        self.assertFalse(self._charge_later())
        with freeze_time("2026-11-20 12:00:00"):
            self._make_line(self.contract, number=OTHER_NUMBER)
            self._import(
                self._call(2, start="2026-11-21 12:00:00", caller=OTHER_NUMBER)
            )
        self.assertEqual(
            self._charge_later("2026-12-03 12:00:00").mapped("amount"), [0, 0]
        )

    def test_a_shared_allowance_ends_with_the_last_line_of_an_ended_contract(self):
        self.line.in_use_since = False
        self._give(1, is_shared=True)
        other = self._make_line(self.contract, number=OTHER_NUMBER)
        self._import(
            self._call(1),
            self._call(2, start="2026-11-16 13:00:00", caller=OTHER_NUMBER),
        )
        self.line._cancel()
        with freeze_time("2026-11-18 12:00:00"):
            self.contract.active = False
        self.assertEqual(other.state, "cancelled")
        # Imported past the end of the one, not of the other.
        self.assertFalse(self._charge_later("2026-11-19 12:00:00"))
        charges = self._charge_later("2026-11-20 12:00:00")
        self.assertEqual(sum(charges.mapped("amount")), 0.12)

    # === Its invoice ===

    def _invoice_final(self, charge):
        with self.enter_registry_test_mode(), freeze_time("2026-11-19 13:00:00"):
            self.env.ref(
                "saperx_voip.ir_cron_invoice_telephony"
            ).method_direct_trigger()
        self.assertEqual(charge.state, "invoiced")
        move = charge.move_id
        move.action_post()
        self.assertEqual(move.state, "posted")
        return move

    def _terminate(self, day):
        # The fee is paid in advance, beyond the day.
        self.fee.last_date_invoiced = "2026-11-30"
        for group in (
            "contract_termination.can_terminate_contract",
            "account.group_account_manager",
        ):
            self.env.user.group_ids += self.env.ref(group)
        self.contract._terminate_contract(self.reason, "", day, True)

    def test_a_contract_terminated_today_gets_its_final_invoice(self):
        self._terminate(date(2026, 11, 16))
        self._import(self._call(1))
        move = self._invoice_final(self._charge_later())
        self.assertEqual(move.amount_total, 0.12)
        self.assertEqual(move.partner_id, self.partner)
        self.assertEqual(move.journal_id, self.contract.journal_id)
        self.assertEqual(move.invoice_date, date(2026, 11, 19))

    def test_a_contract_terminated_in_the_past_gets_all_its_calls_invoiced(self):
        self._terminate(date(2026, 11, 1))
        self._import(self._call(1, start="2026-11-10 12:00:00"), self._call(2))
        move = self._invoice_final(self._charge_later())
        self.assertEqual(move.amount_total, 0.24)

    def test_a_last_fee_that_is_still_due_takes_the_final_charge_along(self):
        self._terminate(date(2026, 11, 16))
        self.fee.write({"last_date_invoiced": "2026-10-31", "date_end": "2026-11-30"})
        self._import(self._call(1))
        charge = self._charge_later()
        with freeze_time("2026-12-01 12:00:00"):
            self.env["contract.contract"].cron_recurring_create_invoice()
        self.assertEqual(charge.move_id.amount_total, 100.12)

    def test_an_archived_contract_gets_its_final_invoice(self):
        before = self.env["contract.line"].with_context(active_test=False).search([])
        self.company.saperx_invoice_patience_days = 60
        self.contract.active = False
        self._import(self._call(1))
        move = self._invoice_final(self._charge_later())
        self.assertEqual(move.amount_total, 0.12)
        self.assertEqual(move.invoice_origin, self.contract.name)
        after = self.env["contract.line"].with_context(active_test=False).search([])
        self.assertEqual(after, before)
        # The contract's own fee is left alone.
        self.assertEqual(self.fee.recurring_next_date, date(2026, 12, 1))

    def test_a_former_customer_of_an_ended_contract_pays_what_it_called(self):
        self._import(self._call(1, start="2026-11-15 12:00:00"))
        other = self.env["res.partner"].create({"name": "João"})
        self.contract.write({"partner_id": other.id, "invoice_partner_id": other.id})
        self._import(self._call(2, start="2026-11-16 15:00:01", caller=NUMBER))
        with freeze_time("2026-11-16 16:00:00"):
            self.contract.active = False
        charges = self._charge_later()
        self.assertEqual(len(charges), 2)
        moves = {self._invoice_final(charge).partner_id for charge in charges[:1]}
        moves |= {charge.move_id.partner_id for charge in charges}
        self.assertEqual(moves, {self.partner, other})

    def test_an_ended_line_of_a_living_contract_goes_with_its_next_invoice(self):
        self.company.saperx_invoice_patience_days = 20
        self._import(self._call(1, callee=FIXED_OTHER_DDD))
        self.line._cancel()
        charge = self._charge_later()
        with self.enter_registry_test_mode(), freeze_time("2026-11-19 13:00:00"):
            self.env.ref(
                "saperx_voip.ir_cron_invoice_telephony"
            ).method_direct_trigger()
        self.assertEqual(charge.state, "confirmed")
        with freeze_time("2026-12-01 12:00:00"):
            self.env["contract.contract"].cron_recurring_create_invoice()
        self.assertEqual(charge.move_id.amount_total, 100.12)
        charge.move_id.action_post()
        self.assertEqual(charge.move_id.state, "posted")
