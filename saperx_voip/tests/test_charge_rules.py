# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from .common import MOBILE_SAME_DDD, SaperxCase


class TestChargeRules(SaperxCase):
    """What keeps a charge from confirming itself, and what a person does with it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "saperx_hold_times": 0,
                "saperx_hold_floor": 0,
                "saperx_charge_age_days": 0,
            }
        )

    def _reasons(self, charge):
        return charge.hold_ids.mapped("reason")

    def _charge_month(self, month, talk_seconds):
        self._import(
            self._make_call(
                f"{month}-{talk_seconds}",
                start=f"2026-{month}-15 12:00:00",
                talk_seconds=talk_seconds,
            )
        )
        return self._charge()

    def test_nothing_held_confirms_itself(self):
        self._import(self._make_call(1))
        charge = self._charge()
        self.assertEqual(charge.state, "confirmed")
        self.assertTrue(charge.confirmed_at)
        self.assertFalse(charge.confirmed_by_id)
        self.assertFalse(charge.hold_reasons)

    def test_an_amount_above_the_limit_is_held_and_one_at_it_is_not(self):
        self.company.saperx_hold_amount = 0.12
        self._import(self._make_call(1))
        self.assertEqual(self._charge().state, "confirmed")
        self._import(self._make_call(2, talk_seconds=120))
        charge = self._charge()
        self.assertEqual(charge.state, "draft")
        self.assertEqual(self._reasons(charge), ["amount"])
        self.assertIn("0.24", charge.hold_ids.explanation)
        self.assertIn("0.12", charge.hold_ids.explanation)

    def test_what_is_far_above_the_last_three_cycles_is_held(self):
        self.company.saperx_hold_times = 3
        for month in ("07", "08", "09"):
            # No habit, or as ever.
            self.assertEqual(self._charge_month(month, 60).state, "confirmed")
        charge = self._charge_month("10", 240)
        self.assertEqual(self._reasons(charge), ["habit"])
        self.assertEqual(charge.hold_ids.usual_amount, 0.12)
        self.assertEqual(charge.hold_ids.limit_amount, 0.36)

    def test_up_to_the_floor_nothing_is_far_above_the_habit(self):
        self.company.write({"saperx_hold_times": 3, "saperx_hold_floor": 0.48})
        self._charge_month("09", 60)
        self.assertEqual(self._charge_month("10", 240).state, "confirmed")

    def test_only_the_last_three_cycles_that_were_let_pass_make_the_habit(self):
        self.company.saperx_hold_times = 1
        for month, seconds in (("06", 6000), ("07", 60), ("08", 60), ("09", 60)):
            charge = self._charge_month(month, seconds)
            if charge.state == "draft":
                charge.action_confirm()
        charge = self._charge_month("10", 66)
        self.assertEqual(self._reasons(charge), ["habit"])
        self.assertEqual(charge.hold_ids.usual_amount, 0.12)

    def test_calls_without_a_price_beside_them_hold_and_are_not_in_it(self):
        self.tariff.rate_ids.filtered(lambda rate: not rate.call_class).unlink()
        self.env["saperx.recalculation"].search([]).state = "done"
        self._import(
            self._make_call(1),
            self._make_call(2, callee=MOBILE_SAME_DDD),
            # Of another cycle.
            self._make_call(3, callee=MOBILE_SAME_DDD, start="2026-09-15 12:00:00"),
        )
        september, october = self._charge().sorted("cycle_end")
        self.assertEqual(september.state, "confirmed")
        self.assertEqual(self._reasons(october), ["unrated"])
        self.assertEqual(october.hold_ids.call_count, 1)
        self.assertEqual(october.amount, 0.50)
        self.assertEqual(self._get_call(1).state, "unrated")

    def test_without_that_rule_calls_without_a_price_stop_nothing(self):
        self.company.saperx_hold_unrated = False
        self.tariff.rate_ids.filtered(lambda rate: not rate.call_class).unlink()
        self.env["saperx.recalculation"].search([]).state = "done"
        self._import(self._make_call(1), self._make_call(2, callee=MOBILE_SAME_DDD))
        self.assertEqual(self._charge().state, "confirmed")

    def test_old_calls_come_into_a_charge_of_their_own_that_asks(self):
        # Today is 16 November: 30 days back is 17 October.
        self.company.saperx_charge_age_days = 30
        self._import(
            self._make_call(1, start="2026-10-17 02:59:59"),
            self._make_call(2, start="2026-10-17 03:00:00"),
        )
        old, young = self._charge().sorted("is_aged", reverse=True)
        self.assertEqual(young.state, "confirmed")
        self.assertEqual(self._get_call(2).charge_id, young)
        self.assertEqual(old.state, "draft")
        self.assertEqual(self._get_call(1).charge_id, old)
        self.assertEqual(self._reasons(old), ["age"])
        self.assertIn("10/16/2026", old.hold_ids.explanation)
        self.assertFalse(self._charge())

    def test_calls_abroad_have_a_maximum_age_of_their_own(self):
        self.tariff.rate_ids = [
            Command.create({"call_class": "ldi", "price_per_minute": 1})
        ]
        self.env["saperx.recalculation"].search([]).state = "done"
        self.company.write(
            {"saperx_charge_age_days": 10, "saperx_charge_age_days_ldi": 0}
        )
        abroad = self._make_call(1, callee="12125550123", platform_class="ldi")
        self._import(abroad, self._make_call(2))
        self.assertEqual(self._get_call(1).call_class, "ldi")
        charges = self._charge()
        self.assertEqual(len(charges), 2)
        self.assertEqual(self._get_call(1).charge_id.state, "confirmed")
        self.assertEqual(self._get_call(2).charge_id.state, "draft")

    def test_old_and_young_calls_of_a_cycle_share_its_allowance(self):
        self.company.saperx_charge_age_days = 30
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": 1.5}
        )
        self._import(
            self._make_call(1, start="2026-10-10 12:00:00"),
            self._make_call(2, start="2026-10-20 12:00:00"),
        )
        self._charge()
        self.assertEqual(self._get_call(1).charged_amount, 0)
        self.assertEqual(self._get_call(2).charged_amount, 0.06)
        uses = self.env["saperx.charge.allowance"].search([])
        self.assertEqual(sorted(uses.mapped("used_quantity")), [30, 60])

    def test_a_charge_that_is_written_off_is_charged_no_more(self):
        self.company.saperx_charge_age_days = 30
        self._import(self._make_call(1, start="2026-10-10 12:00:00"))
        charge = self._charge()
        charge.action_write_off()
        self.assertEqual(charge.state, "written_off")
        self.assertEqual(self._get_call(1).state, "billed")
        self.assertFalse(self._charge())
        with self.assertRaisesRegex(UserError, "stays so"):
            charge.action_cancel()

    def test_only_a_draft_is_written_off(self):
        self._import(self._make_call(1))
        with self.assertRaisesRegex(UserError, "Only a draft"):
            self._charge().action_write_off()

    def test_a_held_charge_goes_onto_no_invoice_before_somebody_confirms_it(self):
        self.company.saperx_hold_amount = 0.01
        self._import(self._make_call(1))
        charge = self._charge()
        with self.assertRaises(UserError):
            self.contract.action_invoice_telephony()
        charge.action_confirm()
        self.assertEqual(charge.state, "confirmed")
        self.contract.action_invoice_telephony()
        self.assertEqual(charge.state, "invoiced")

    def test_billing_is_asked_and_its_answer_is_kept_with_its_name(self):
        billing = self._make_user("billing")
        self.company.write(
            {"saperx_hold_amount": 0.01, "saperx_charge_user_id": billing.id}
        )
        self._import(self._make_call(1))
        charge = self._charge()
        self.assertEqual(charge.activity_ids.user_id, billing)
        self.assertIn("above the limit", charge.activity_ids.note)
        self.assertEqual(charge.hold_reasons, "High amount")
        found = self.env["saperx.charge"].search(
            [("state", "=", "draft"), ("hold_ids", "!=", False)]
        )
        self.assertEqual(found, charge)
        charge.with_user(billing).action_confirm()
        self.assertFalse(charge.activity_ids)
        self.assertEqual(charge.confirmed_by_id, billing)
        said = charge.message_ids.filtered(lambda m: "in spite of" in m.body)
        self.assertEqual(said.author_id, billing.partner_id)
        self.assertIn("High amount", said.body)

    def test_nobody_of_billing_answers_for_the_contract_nobody_is_asked(self):
        self.company.saperx_hold_amount = 0.01
        self.contract.user_id = self._make_user("technician")
        self._import(self._make_call(1))
        self.assertFalse(self._charge().activity_ids.filtered("user_id"))

    def test_whoever_is_not_of_billing_answers_nothing(self):
        self.company.saperx_hold_amount = 0.01
        self._import(self._make_call(1))
        charge = self._charge().with_user(self._make_user("technician"))
        for answer in (
            charge.action_confirm,
            charge.action_write_off,
            charge.action_cancel,
        ):
            with self.assertRaises(AccessError):
                answer()
        self.assertTrue(charge.hold_ids.explanation)
        with self.assertRaises(AccessError):
            charge.hold_ids.unlink()

    def test_limits_are_not_negative(self):
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError):
            self.company.saperx_hold_amount = -1
            self.env.flush_all()

    def test_rules_are_each_companys_own(self):
        other = self._create_company(name="Other provider")
        other.saperx_hold_amount = 0.01
        self._import(self._make_call(1))
        self.assertEqual(self._charge().state, "confirmed")
