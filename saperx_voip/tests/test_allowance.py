# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from ..gateway import CallPage
from .common import SaperxCase, moment


@tagged("post_install", "-at_install")
class TestAllowance(SaperxCase):
    """Calls of 60 s at 0.12 per minute, in cycles of a month."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.integration.imported_until = moment("2026-11-10 00:00:00")

    def _give(self, quantity, unit="minutes", **values):
        return self.env["saperx.tariff.allowance"].create(
            {
                "tariff_id": self.tariff.id,
                "quantity": quantity,
                "unit": unit,
                **values,
            }
        )

    def _amounts(self, *remote_ids):
        self.env.invalidate_all()
        return [self._get_call(number).charged_amount for number in remote_ids]

    def test_calls_draw_in_order_and_what_is_not_covered_is_paid(self):
        allowance = self._give(1.5)
        self._import(
            self._make_call(2, start="2026-10-16 12:00:00"),
            self._make_call(1, start="2026-10-15 12:00:00"),
            self._make_call(3, start="2026-10-17 12:00:00"),
        )
        charge = self._charge()
        self.assertEqual(self._amounts(1, 2, 3), [0, 0.06, 0.12])
        self.assertEqual(charge.amount, 0.18)
        self.assertEqual(charge.gross_amount, 0.36)
        self.assertEqual(charge.covered_amount, 0.18)
        half = self._get_call(2)
        self.assertEqual(half.covered_seconds, 30)
        self.assertEqual(half.allowance_uses, {str(allowance.id): 30})
        self.assertEqual(charge.allowance_ids.used_quantity, 90)
        self.assertEqual(charge.allowance_ids.own_quantity, 90)

    def test_equal_starts_draw_by_platform_id_as_text(self):
        self._give(1)
        # "10" comes before "9".
        self._import(self._make_call(9), self._make_call(10))
        self._charge()
        self.assertEqual(self._amounts(9, 10), [0.12, 0])

    def test_an_unbilled_call_shows_what_would_be_covered(self):
        self._give(1)
        self._import(self._make_call(1), self._make_call(2))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._amounts(1, 2), [0, 0.12])
        [(_allowance, balance)] = self.line._get_allowance_balances(
            moment("2026-10-20 12:00:00")
        )
        self.assertEqual((balance.own, balance.used), (60, 60))
        # Taken away again, it covers nothing.
        self.tariff.allowance_ids.unlink()
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._amounts(1, 2), [0.12, 0.12])

    def test_reais_cover_amounts_up_to_what_is_left(self):
        self._give(0.20, "reais")
        self._import(self._make_call(1), self._make_call(2), self._make_call(3))
        self._charge()
        self.assertEqual(self._amounts(1, 2, 3), [0, 0.04, 0.12])

    def test_classes_and_prefixes_must_both_fit(self):
        mobile = self.env["saperx.call.class"].search([("code", "=", "vc1")])
        self._give(10, prefixes="5511", class_ids=mobile.ids)
        self._give(2, prefixes="5521, 5511")
        self._give(10, prefixes="5521")
        _of_class, both, rio = self.tariff.allowance_ids
        self._import(
            self._make_call(1),
            self._make_call(2, callee="552133334444"),
            self._make_call(3, callee="553133334444"),
        )
        self._charge()
        for remote_id, uses in ((1, {str(both.id): 60}), (2, {str(both.id): 60})):
            self.assertEqual(self._get_call(remote_id).allowance_uses, uses)
        self.assertFalse(self._get_call(3).allowance_uses)
        # What the one lacks, the next one gives.
        self._import(self._make_call(4, callee="552133334444"))
        self._charge()
        self.assertEqual(self._get_call(4).allowance_uses, {str(rio.id): 60})

    def test_a_late_call_draws_on_what_is_left_of_its_cycle(self):
        self._give(3)
        self._import(self._make_call(1), self._make_call(2))
        self._charge()
        self._import(self._make_call(3), self._make_call(4))
        late = self._charge()
        self.assertEqual(self._amounts(1, 2, 3, 4), [0, 0, 0, 0.12])
        self.assertEqual(late.amount, 0.12)
        self.assertEqual(late.cycle_end, date(2026, 10, 31))

    def test_the_rest_goes_into_the_next_cycle_once(self):
        self._give(2, carries_over=True)
        self._import(
            self._make_call(1, start="2026-08-15 12:00:00"),
            *(self._make_call(n, start="2026-09-15 12:00:00") for n in (21, 22)),
            *(self._make_call(n, start="2026-10-15 12:00:00") for n in (31, 32, 33)),
        )
        august, september, october = self._charge().sorted("cycle_end")
        self.assertEqual(august.allowance_ids.carried_away, 60)
        # September: 1 min carried, drawn first; 1 min of its own is left for October.
        self.assertEqual(september.allowance_ids.carried_quantity, 60)
        self.assertEqual(september.allowance_ids.carried_away, 60)
        self.assertEqual(october.allowance_ids.carried_quantity, 60)
        self.assertEqual(october.amount, 0)
        self.assertEqual(october.allowance_ids.carried_away, 0)

    def test_a_late_call_draws_on_nothing_that_was_carried_away(self):
        self._give(2, carries_over=True)
        self._import(self._make_call(1, start="2026-09-15 12:00:00"))
        self._charge()
        self._import(self._make_call(2, start="2026-09-16 12:00:00"))
        late = self._charge()
        self.assertEqual(late.amount, 0.12)
        self._import(*(self._make_call(n) for n in (31, 32, 33, 34)))
        self.assertEqual(self._charge().amount, 0.12)

    def test_an_idle_cycle_carries_all_of_it_and_is_empty_then(self):
        self._give(1, carries_over=True)
        self._import(self._make_call(1, start="2026-08-15 12:00:00"))
        self._charge()
        self._import(self._make_call(31), self._make_call(32), self._make_call(33))
        self.assertEqual(self._charge().amount, 0.12)
        self._import(self._make_call(2, start="2026-09-16 12:00:00"))
        self.assertEqual(self._charge().amount, 0.12)

    def test_lines_of_a_contract_share_and_are_charged_together(self):
        self._give(2, is_shared=True)
        other = self._make_line(self.contract, "555433334445")
        self._import(
            self._make_call(1, start="2026-10-15 12:00:00"),
            self._make_call(2, start="2026-10-16 12:00:00", caller="555433334445"),
            self._make_call(3, start="2026-10-17 12:00:00"),
        )
        charges = self._charge([("id", "=", self.line.id)])
        self.assertEqual(charges.line_id, self.line | other)
        self.assertEqual(self._amounts(1, 2, 3), [0, 0, 0.12])
        self.assertEqual(sum(charges.allowance_ids.mapped("used_quantity")), 120)

    def test_who_shares_waits_for_each_other(self):
        self._give(2, is_shared=True)
        slow = self._make_integration(
            name="Slow", imported_until=moment("2026-10-20 00:00:00")
        )
        plan = self.plan.copy({"integration_id": slow.id, "remote_id": 9})
        self._make_line(
            self.contract, "555433334445", integration_id=slow.id, plan_id=plan.id
        )
        self._import(self._make_call(1))
        run = self._make_run(integration_id=slow.id)
        run._store_page(
            CallPage((self._make_call(2, caller="555433334445"),), (), None)
        )
        self.assertFalse(self._charge())
        groups = self.env["saperx.charge"]._get_ripe_groups()
        self.assertEqual(len(groups), 2)
        self.assertTrue(all("not imported" in g["waits_for"] for g in groups))
        slow.imported_until = moment("2026-11-10 00:00:00")
        self.assertEqual(len(self._charge()), 2)

    def test_a_shared_cycle_waits_for_a_line_without_calls_as_yet(self):
        self._give(2, is_shared=True)
        slow = self._make_integration(
            name="Slow", imported_until=moment("2026-10-20 00:00:00")
        )
        plan = self.plan.copy({"integration_id": slow.id, "remote_id": 9})
        self._make_line(
            self.contract, "555433334445", integration_id=slow.id, plan_id=plan.id
        )
        self._import(self._make_call(1))
        self.assertFalse(self._charge())
        [group] = self.env["saperx.charge"]._get_ripe_groups()
        self.assertIn("not imported", group["waits_for"])

    def _make_far_line(self, **values):
        far = self._make_integration(name="Far", timezone="America/Manaus")
        plan = self.plan.copy({"integration_id": far.id, "remote_id": 9})
        return self._make_line(
            self.contract,
            "555433334445",
            integration_id=far.id,
            plan_id=plan.id,
            **values,
        )

    def test_lines_of_two_time_zones_do_not_share(self):
        """It would be given once for each: their cycles end at different moments."""
        self._give(1, is_shared=True)
        with self.assertRaisesRegex(ValidationError, "Far.*America/Manaus.*SaperX"):
            self._make_far_line()
        other_plan = self.tariff.copy()
        line = self._make_far_line(tariff_id=other_plan.id)
        with self.assertRaisesRegex(ValidationError, "one time zone"):
            line.tariff_id = self.tariff

    def test_nor_does_what_they_have_become_shared(self):
        self._make_far_line()
        with self.assertRaisesRegex(ValidationError, "one time zone"):
            self._give(1, is_shared=True)
        self._give(1)

    def test_nor_does_one_of_them_come_to_another_time_zone(self):
        self._give(1, is_shared=True)
        near = self._make_integration(name="Near")
        plan = self.plan.copy({"integration_id": near.id, "remote_id": 9})
        self._make_line(
            self.contract, "555433334445", integration_id=near.id, plan_id=plan.id
        )
        with self.assertRaisesRegex(ValidationError, "one time zone"):
            near.timezone = "America/Manaus"
        (near | self.integration).timezone = "America/Manaus"

    def test_lines_that_share_with_others_elsewhere_leave_those_alone(self):
        self._give(1, is_shared=True)
        elsewhere = self._make_contract(self.partner_a)
        moved = self._make_line(elsewhere, "555433334446")
        stranger = self._make_line(elsewhere, "555433334447")
        moved.period_ids.date_to = moment("2026-10-16 03:00:00")
        self.env.flush_all()
        moved.period_ids.copy(
            {
                "date_from": moment("2026-10-16 03:00:00"),
                "date_to": False,
                "contract_id": self.contract.id,
            }
        )
        self._import(
            self._make_call(1),
            self._make_call(2, caller="555433334446"),
            self._make_call(3, caller="555433334447"),
        )
        charges = self._charge([("id", "=", self.line.id)])
        self.assertEqual(charges.line_id, self.line)
        charges = self._charge([("id", "=", stranger.id)])
        self.assertEqual(charges.line_id, moved | stranger)

    def test_each_plan_of_a_split_cycle_has_its_own_allowance(self):
        self._give(1)
        other = self.tariff.copy()
        self.line.period_ids.date_to = moment("2026-10-16 03:00:00")
        self.env.flush_all()
        self.line.period_ids.copy(
            {
                "date_from": moment("2026-10-16 03:00:00"),
                "date_to": False,
                "tariff_id": other.id,
            }
        )
        self._import(
            *(self._make_call(n, start="2026-10-15 12:00:00") for n in (1, 2)),
            *(self._make_call(n, start="2026-10-17 12:00:00") for n in (3, 4)),
        )
        charges = self._charge()
        self.assertEqual(len(charges), 2)
        self.assertEqual(self._amounts(1, 2, 3, 4), [0, 0.12, 0, 0.12])

    def test_pro_rata_gives_by_the_days_of_the_line(self):
        self._give(31, is_pro_rata=True)
        self.line.in_use_since = date(2026, 10, 30)
        self._import(
            *(self._make_call(n, start="2026-10-30 15:00:00") for n in (1, 2, 3))
        )
        charge = self._charge()
        self.assertEqual(charge.allowance_ids.own_quantity, 120)
        self.assertEqual(charge.amount, 0.12)

    def test_a_cancelled_charge_gives_back_what_it_drew(self):
        self._give(1)
        self._import(self._make_call(1), self._make_call(2))
        self._charge().action_cancel()
        self._import(self._make_call(0, start="2026-10-01 12:00:00"))
        charge = self._charge()
        self.assertEqual(charge.amount, 0.24)
        self.assertEqual(self._amounts(0, 1, 2), [0, 0.12, 0.12])

    def test_charging_twice_draws_nothing_twice(self):
        self._give(1)
        self._import(self._make_call(1))
        self.assertTrue(self._charge())
        self.assertFalse(self._charge())
        [(_allowance, balance)] = self.line._get_allowance_balances(
            moment("2026-10-20 12:00:00")
        )
        self.assertEqual(balance.used, 60)

    def test_calls_of_the_platforms_amounts_draw_on_reais_alone(self):
        self.tariff.amount_source = "platform"
        self._give(0.15, "reais")
        self._import(self._make_call(1), self._make_call(2))
        self._charge()
        self.assertEqual(self._amounts(1, 2), [0, 0.05])

    def test_a_free_call_draws_on_nothing(self):
        self._give(1)
        self._import(self._make_call(1, callee="190"), self._make_call(2))
        self._charge()
        self.assertEqual(self._get_call(1).covered_seconds, 0)
        self.assertEqual(self._amounts(2), [0])

    def test_the_lines_that_wait_are_those_whose_calls_are_new_or_changed(self):
        other = self._make_line(self.contract, number="551130001000")
        run = self._import(
            self._make_call(1), self._make_call(2, caller="551130001000", callee="190")
        )
        self.assertEqual(run.undrawn_line_ids, self.line)
        self.assertFalse(self._import(self._make_call(1)).undrawn_line_ids)
        run = self._import(self._make_call(1, caller="551130001000", talk_seconds=61))
        self.assertEqual(run.undrawn_line_ids, self.line | other)

    def test_what_a_cycle_that_is_left_out_would_draw_stays_for_the_next(self):
        self._give(2, carries_over=True)
        self.integration.charge_only_active_lines = True
        self.env["saperx.line.activity"].search([]).write(
            {"date_from": "2026-11-02 12:00:00"}
        )
        self._import(
            self._make_call(1, talk_seconds=300),
            self._make_call(2, start="2026-11-05 12:00:00", talk_seconds=300),
        )
        with freeze_time("2026-12-18 12:00:00"):
            self.integration.imported_until = moment("2026-12-18 00:00:00")
            self.env["saperx.cdr"]._draw_allowances(self.line.ids)
            self.assertEqual(self._amounts(1, 2), [0.60, 0.12])
            balances = dict(
                self.line._get_allowance_balances(moment("2026-11-05 12:00:00"))
            )
            [balance] = balances.values()
            self.assertEqual((balance.carried, balance.used), (120, 240))
            self.assertEqual(self._charge().amount, 0.12)
            # Charged after all, it has what November did not take.
            self.integration.charge_only_active_lines = False
            self.assertEqual(self._charge().amount, 0.60)
