# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from decimal import Decimal

from odoo import fields
from odoo.exceptions import UserError
from odoo.tests import Form

from .common import MOBILE_SAME_DDD, SaperxCase, moment


class TestCharge(SaperxCase):
    def test_a_charge_is_the_sum_of_its_calls_by_class(self):
        self._import(
            self._make_call(1),
            self._make_call(2, callee=MOBILE_SAME_DDD),
            self._make_call(3, talk_seconds=3),
        )
        charge = self._charge()
        self.assertEqual(charge.state, "confirmed")
        self.assertEqual(charge.line_id, self.line)
        self.assertEqual(charge.cycle_start, date(2026, 10, 1))
        self.assertEqual(charge.cycle_end, date(2026, 10, 31))
        self.assertEqual(charge.call_count, 3)
        self.assertEqual(charge.amount, 0.62)
        self.assertEqual(
            {item.call_class: item.amount for item in charge.class_ids},
            {"ldn": 0.12, "vc1": 0.50},
        )
        calls = self.env["saperx.cdr"].search([("charge_id", "=", charge.id)])
        self.assertEqual(set(calls.mapped("state")), {"billed"})

    def test_a_second_run_makes_nothing(self):
        self._import(self._make_call(1))
        self._charge()
        self.assertFalse(self._charge())

    def test_a_late_call_makes_a_charge_of_its_own_cycle_in_the_next_run(self):
        self._import(self._make_call(1))
        first = self._charge()
        self._import(self._make_call(2, talk_seconds=120))
        second = self._charge()
        self.assertEqual(second.cycle_end, first.cycle_end)
        self.assertEqual(second.amount, 0.24)
        self.assertEqual(first.amount, 0.12)

    def test_each_cycle_has_its_charge(self):
        self.line.closing_day = 20
        self._import(
            self._make_call(1, start="2026-10-21 02:59:59"),
            self._make_call(2, start="2026-10-21 03:00:00"),
            self._make_call(3, start="2026-09-21 12:00:00"),
        )
        charge = self._charge()
        self.assertEqual(charge.cycle_end, date(2026, 10, 20))
        self.assertEqual(charge.call_count, 2)
        self.assertEqual(self._get_call(2).state, "unbilled")

    def test_a_cycle_waits_until_it_is_over_imported_and_late_calls_had_time(self):
        charge_model = self.env["saperx.charge"]

        def obstacle(cycle_end):
            return charge_model._get_obstacle(
                {
                    "line": self.line,
                    "period": self.line.period_ids,
                    "cycle_end": cycle_end,
                }
            )

        self.assertIn("runs until", obstacle(date(2026, 11, 30)))
        self.integration.imported_until = moment("2026-10-31 00:00:00")
        self.assertIn("not imported", obstacle(date(2026, 10, 31)))
        self.integration.imported_until = moment("2026-11-16 00:00:00")
        self.assertIsNone(obstacle(date(2026, 10, 31)))
        self.integration.waiting_days = 16
        self.assertIn("come late", obstacle(date(2026, 10, 31)))

    def test_what_waits_is_not_charged(self):
        self.integration.imported_until = False
        self._import(self._make_call(1))
        self.assertFalse(self._charge())
        self.assertEqual(self._get_call(1).state, "unbilled")

    def test_what_priced_charged_calls_is_marked(self):
        self._import(self._make_call(1))
        default, of_class = self.tariff.rate_ids
        self._charge()
        self.assertTrue(default.is_charged)
        self.assertFalse(of_class.is_charged)

    def test_a_cycle_waits_while_its_calls_are_rated_again(self):
        self._import(self._make_call(1))
        self.tariff.rate_ids[0].price_per_minute = 0.24
        self.assertFalse(self._charge())
        [group] = self.env["saperx.charge"]._get_ripe_groups()
        self.assertIn("rated again", group["waits_for"])

    def test_cost_and_margin_are_of_all_calls_of_the_charge(self):
        self._import(
            self._make_call(1),
            self._make_call(2, talk_seconds=2, platform_cost=Decimal("0.010001")),
        )
        charge = self._charge()
        self.assertEqual(charge.cost, 0.05)
        self.assertEqual(charge.margin, 0.07)

    def test_a_period_that_ends_inside_its_cycle_is_charged_until_then(self):
        self._import(self._make_call(1))
        self.line.period_ids.date_to = moment("2026-10-20 03:00:00")
        charge = self._charge()
        self.assertEqual(charge.last_day, date(2026, 10, 19))
        self.assertIn("10/19/2026", charge._get_invoice_text(None))

    def test_cancelling_a_charge_lets_its_calls_be_charged_again(self):
        self._import(self._make_call(1))
        charge = self._charge()
        charge.action_cancel()
        self.assertEqual(self._get_call(1).state, "unbilled")
        self.assertFalse(self._get_call(1).charge_id)
        again = self._charge()
        self.assertEqual(again.amount, 0.12)
        self.assertNotEqual(again, charge)

    def test_a_cancelled_charge_is_charged_again_at_the_prices_of_now(self):
        self._import(self._make_call(1))
        charge = self._charge()
        self.tariff.rate_ids[0].price_per_minute = 0.24
        charge.action_cancel()
        self.assertEqual(self._get_call(1).charged_amount, 0.24)

    def test_a_cycle_waits_for_a_page_that_may_be_stored_at_former_prices(self):
        run = self._import(self._make_call(1))
        self.tariff.rates_changed_at = fields.Datetime.now()
        run.write({"state": "running", "started_at": moment("2026-11-16 14:59:00")})
        self.assertFalse(self._charge())
        run.state = "done"
        self.assertTrue(self._charge())

    def test_a_call_corrected_after_billing_is_read_anew_once_it_is_free(self):
        self._import(self._make_call(1))
        charge = self._charge()
        corrected = self._make_call(1, talk_seconds=600)
        self._import(corrected)
        charge.action_cancel()
        self._import(corrected)
        self.assertEqual(self._charge().amount, 1.20)
        self.assertFalse(self._get_call(1).is_changed_after_billing)

    def test_calls_are_found_by_the_cycle_that_stands_on_them(self):
        self._import(self._make_call(1))
        self.env.cr.execute("UPDATE saperx_line_period SET closing_day = 20")
        self.env.invalidate_all()
        self.assertEqual(self._charge().amount, 0.12)

    def test_a_charge_with_calls_is_not_deleted(self):
        self._import(self._make_call(1))
        with self.assertRaisesRegex(UserError, "cancelled, not deleted"):
            self._charge().unlink()

    def test_a_zero_charge_is_stored(self):
        self._import(self._make_call(1, talk_seconds=2))
        charge = self._charge()
        self.assertEqual(charge.amount, 0)
        self.assertEqual(charge.call_count, 1)

    def test_only_lines_active_in_the_cycle_if_so_set(self):
        self.line.is_active = False
        self.env["saperx.line.activity"].search(
            [("line_id", "=", self.line.id)]
        ).date_to = moment("2026-09-30 12:00:00")
        self._import(self._make_call(1))
        self.integration.charge_only_active_lines = True
        self.assertFalse(self._charge())
        (group,) = self.env["saperx.charge"]._get_ripe_groups()
        self.assertEqual(group["amount"], 0.12)
        self.assertIn("not active", group["waits_for"])
        self.integration.charge_only_active_lines = False
        self.assertEqual(self._charge().amount, 0.12)

    def test_a_line_active_for_a_moment_of_the_cycle_counts_as_active(self):
        self.line.is_active = False
        self.env["saperx.line.activity"].search(
            [("line_id", "=", self.line.id)]
        ).date_to = moment("2026-10-02 12:00:00")
        self._import(self._make_call(1))
        self.integration.charge_only_active_lines = True
        self.assertEqual(self._charge().amount, 0.12)

    def test_the_wizard_shows_what_it_would_do_and_does_it(self):
        self._import(
            self._make_call(1), self._make_call(2, start="2026-11-05 12:00:00")
        )
        form = Form(self.env["saperx.charge.wizard"])
        self.assertEqual(form.charged_total, 0.12)
        self.assertEqual(form.waiting_total, 0.12)
        wizard = form.save()
        self.assertEqual(wizard.preview_ids.mapped("amount"), [0.12])
        self.assertEqual(wizard.waiting_ids.mapped("amount"), [0.12])
        self.assertIn("runs until", wizard.waiting_ids.waits_for)
        self.assertEqual(wizard.preview_ids.currency_id, self.company.currency_id)
        action = wizard.action_generate()
        charges = self.env["saperx.charge"].search(action["domain"])
        self.assertEqual(charges.amount, 0.12)
        with self.assertRaisesRegex(UserError, "nothing to charge"):
            wizard.action_generate()

    def test_the_wizards_filters_hold(self):
        other_contract = self._make_contract(self.partner_b)
        other = self._make_line(other_contract, number="551130001000")
        self._import(self._make_call(1), self._make_call(2, caller="551130001000"))
        wizard = self.env["saperx.charge.wizard"].create(
            {"partner_id": self.partner_b.id}
        )
        wizard.action_generate()
        self.assertEqual(self.env["saperx.charge"].search([]).line_id, other)
