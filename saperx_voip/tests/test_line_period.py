# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import random
from datetime import date, datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user

from .common import SaperxCase, moment

ONE_DAY = timedelta(days=1)
OTHER_NUMBER = "551130001000"
WIZARD = "saperx.line.change.wizard"


class PeriodCase(SaperxCase):
    """Today is Monday 2026-11-16; the line closes on 10, its running cycle began on
    2026-11-11 at 03:00 UTC and ends with 2026-12-10."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.line.closing_day = 10
        cls.line.in_use_since = False
        cls.line._write_sync({"was_claimed": True})
        cls.dear = cls.env["saperx.tariff"].create(
            {"name": "Dear", "rate_ids": [Command.create({"price_per_minute": 1})]}
        )
        cls.heir = cls.env["res.partner"].create({"name": "João"})
        cls.heirs_contract = cls._make_contract(cls.heir)

    def _periods(self, line=None):
        periods = (line or self.line).period_ids
        return periods.sorted(lambda p: p.date_from or datetime.min)

    def _bounds(self, line=None):
        return [
            (p.date_from and str(p.date_from), p.date_to and str(p.date_to))
            for p in self._periods(line)
        ]

    def _change(self, lines=None, **values):
        """Fill in the wizard as a person does. :return: the wizard, not applied"""
        action = (lines or self.line).action_change_terms()
        form = Form(self.env[WIZARD].with_context(**action["context"]))
        for name, value in values.items():
            setattr(form, name, value)
        return form.save()

    def _apply(self, lines=None, **values):
        wizard = self._change(lines, **values)
        wizard.action_apply()
        return wizard

    def _run_cron(self, at):
        with self.enter_registry_test_mode(), freeze_time(at):
            self.env.ref("saperx_voip.ir_cron_moments").method_direct_trigger()
        self.env.invalidate_all()

    def _charge_all(self, at):
        with freeze_time(at):
            self.integration.imported_until = moment(at)
            return self._charge()


class TestChangeNow(PeriodCase):
    def test_a_plan_splits_at_the_moment_once_there_are_calls(self):
        self._import(self._make_call(1, start="2026-11-16 14:59:59"))
        self._apply(tariff_id=self.dear, when="now")
        self._import(self._make_call(2, start="2026-11-16 15:00:00"))
        self.assertEqual(
            self._bounds(),
            [(False, "2026-11-16 15:00:00"), ("2026-11-16 15:00:00", False)],
        )
        self.assertEqual(self.line.tariff_id, self.dear)
        self.assertEqual(self._get_call(1).charged_amount, 0.12)
        self.assertEqual(self._get_call(2).charged_amount, 1)

    def test_a_customer_is_not_charged_for_calls_that_come_late_of_the_one_before(self):
        self._apply(contract_id=self.heirs_contract, when="now")
        self._import(self._make_call(1, start="2026-11-16 14:59:59"))
        self._import(self._make_call(2, start="2026-11-16 15:00:01"))
        self.assertEqual(self._get_call(1).partner_id, self.partner)
        self.assertEqual(self._get_call(2).partner_id, self.heir)
        self.assertEqual(self._get_call(2).contract_id, self.heirs_contract)

    def test_each_customer_is_charged_for_its_own_part_of_the_cycle(self):
        self._import(self._make_call(1, start="2026-11-16 14:59:59"))
        self._apply(contract_id=self.heirs_contract, when="now")
        self._import(self._make_call(2, start="2026-11-16 15:00:00"))
        charges = self._charge_all("2026-12-20 15:00:00").sorted("cycle_start")
        self.assertEqual(
            [(c.contract_id, c.partner_id, c.amount, c.cycle_start) for c in charges],
            [
                (self.contract, self.partner, 0.12, date(2026, 11, 11)),
                (self.heirs_contract, self.heir, 0.12, date(2026, 11, 16)),
            ],
        )

    def test_what_was_said_today_is_corrected_as_if_it_had_never_been_said(self):
        self._apply(contract_id=self.heirs_contract, when="now")
        with freeze_time("2026-11-16 17:00:00"):
            self._apply(tariff_id=self.dear, when="now")
        self.assertEqual(len(self.line.period_ids), 2)
        self.assertEqual(self._periods()[1].tariff_id, self.dear)

    def test_a_plan_given_later_rates_the_calls_of_its_period(self):
        self.line.tariff_id = False
        line = self._make_line(self.contract, number=OTHER_NUMBER, tariff_id=False)
        self._import(self._make_call(1, caller=OTHER_NUMBER))
        self.assertEqual(self._get_call(1).state, "not_chargeable")
        wizard = self._change(line, tariff_id=self.dear, when="now")
        self.assertTrue(wizard.rates_past)
        wizard.action_apply()
        self.assertEqual(self._get_call(1).charged_amount, 1)
        self.assertEqual(self._bounds(line), [(False, False)])

    def test_a_plan_given_later_rates_the_calls_before_a_change_of_closing_day(self):
        line = self._make_line(
            self.contract, number=OTHER_NUMBER, tariff_id=False, closing_day=10
        )
        line.in_use_since = False
        line._write_sync({"was_claimed": True})
        self._import(
            self._make_call(1, caller=OTHER_NUMBER),
            self._make_call(2, start="2026-11-12 12:00:00", caller=OTHER_NUMBER),
        )
        line.closing_day = 15
        line.tariff_id = self.dear
        self.assertEqual(
            [(p.closing_day, p.tariff_id) for p in self._periods(line)],
            [(10, self.dear), (15, self.dear)],
        )
        charges = self._charge_all("2026-12-20 15:00:00")
        self.assertEqual(charges.mapped("amount"), [1, 1])

    def test_a_plan_given_later_rates_no_call_of_another_customer(self):
        self._import(
            self._make_call(1), self._make_call(2, start="2026-11-12 12:00:00")
        )
        self.line.period_ids.tariff_id = False
        self.line.with_context(saperx_taking_over=True).tariff_id = False
        with freeze_time("2026-11-13 15:00:00"):
            self.line.contract_id = self.heirs_contract
        self.line.tariff_id = self.dear
        self.assertEqual(
            self._periods().mapped(lambda p: p.tariff_id.id), [False, self.dear.id]
        )

    def test_a_closing_day_makes_one_short_cycle_from_the_last_closing(self):
        self._import(
            self._make_call(1, start="2026-11-11 02:59:59"),
            self._make_call(2, start="2026-11-11 03:00:00"),
            self._make_call(3, start="2026-11-16 02:59:59"),
            self._make_call(4, start="2026-11-16 03:00:00"),
        )
        self.line.closing_day = 15
        self.assertEqual(
            [self._get_call(number).cycle_end for number in (1, 2, 3, 4)],
            [
                date(2026, 11, 10),
                date(2026, 11, 15),
                date(2026, 11, 15),
                date(2026, 12, 15),
            ],
        )
        charges = self._charge_all("2026-12-20 15:00:00")
        self.assertEqual(
            sorted(
                (c.cycle_start, c.cycle_end, c.call_count, c.amount) for c in charges
            ),
            [
                (date(2026, 10, 11), date(2026, 11, 10), 1, 0.12),
                (date(2026, 11, 11), date(2026, 11, 15), 2, 0.24),
                (date(2026, 11, 16), date(2026, 12, 15), 1, 0.12),
            ],
        )

    def test_a_closing_day_still_to_come_ends_the_running_cycle_early(self):
        self.line.closing_day = 25
        period = self._periods()[-1]
        self.assertEqual(
            period._get_cycle(date(2026, 11, 25)),
            (date(2026, 11, 11), date(2026, 11, 25)),
        )
        self.assertEqual(
            period._get_cycle(date(2026, 12, 25)),
            (date(2026, 11, 26), date(2026, 12, 25)),
        )

    def test_plan_and_closing_day_take_effect_each_where_it_belongs(self):
        self._import(
            self._make_call(1, start="2026-11-10 12:00:00"),
            self._make_call(2, start="2026-11-12 12:00:00"),
        )
        self._apply(tariff_id=self.dear, closing_day=15, when="now")
        self.assertEqual(
            [(p.closing_day, p.tariff_id, p.date_to) for p in self._periods()],
            [
                (10, self.tariff, moment("2026-11-11 03:00:00")),
                (15, self.tariff, moment("2026-11-16 15:00:00")),
                (15, self.dear, False),
            ],
        )
        self.assertEqual(self._get_call(2).charged_amount, 0.12)

    def test_every_period_of_the_running_cycle_closes_on_the_new_day(self):
        self._import(self._make_call(1, start="2026-11-12 12:00:00"))
        with freeze_time("2026-11-13 15:00:00"):
            self.line.tariff_id = self.dear
        self.line.closing_day = 15
        self.assertEqual(
            self._periods().mapped("closing_day"),
            [10, 15, 15],
        )
        self.assertEqual(self._get_call(1).cycle_end, date(2026, 11, 15))

    def test_a_running_cycle_that_was_charged_keeps_its_closing_day(self):
        self._import(self._make_call(1, start="2026-11-12 12:00:00"))
        self.env.cr.execute("UPDATE saperx_cdr SET state = 'billed'")
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "charged already"):
            self.line.closing_day = 15

    def test_a_contract_left_behind_keeps_its_recurring_fee(self):
        self.line.contract_line_id = self.contract.contract_line_ids[0]
        self._apply(contract_id=self.heirs_contract, when="now")
        self.assertFalse(self.line.contract_line_id)
        self.assertEqual(self.line.partner_id, self.heir)
        self.assertTrue(self.heirs_contract.contract_line_ids.filtered("is_telephony"))

    def test_the_new_contracts_fee_may_be_chosen(self):
        fee = self.heirs_contract.contract_line_ids[0]
        self._apply(contract_id=self.heirs_contract, contract_line_id=fee, when="now")
        self.assertEqual(self.line.contract_line_id, fee)

    def test_the_platform_learns_of_it(self):
        before = self.line.revision
        self._apply(closing_day=15, when="now")
        self.assertGreater(self.line.revision, before)

    def test_a_new_customer_of_the_contract_reaches_what_is_planned_too(self):
        self._import(self._make_call(1))
        self._apply(tariff_id=self.dear)
        self.contract.partner_id = self.heir
        self.assertEqual(
            [(p.partner_id, p.tariff_id) for p in self._periods()],
            [
                (self.partner, self.tariff),
                (self.heir, self.tariff),
                (self.heir, self.dear),
            ],
        )
        self.assertEqual(self.line.planned_period_id, self._periods()[-1])

    def test_a_new_customer_of_the_contract_to_come_reaches_the_plan(self):
        self._apply(contract_id=self.heirs_contract)
        self.heirs_contract.partner_id = self.partner_b
        self.assertEqual(
            self._periods().mapped("partner_id"), self.partner | self.partner_b
        )


class TestPlannedChange(PeriodCase):
    def test_from_the_next_cycle_nothing_changes_until_it_begins(self):
        before = self.line.revision
        self._apply(tariff_id=self.dear, closing_day=15, billing_type="prepaid")
        self.assertEqual(
            self._bounds(),
            [(False, "2026-12-11 03:00:00"), ("2026-12-11 03:00:00", False)],
        )
        self.assertEqual(self.line.revision, before)
        self.assertEqual(self.line.tariff_id, self.tariff)
        self.assertEqual(self.line.closing_day, 10)
        self.assertIn("plan Dear, closing day 15", self.line.planned_change)
        self._run_cron("2026-12-11 02:59:59")
        self.assertEqual(self.line.closing_day, 10)
        self._run_cron("2026-12-11 03:00:00")
        with freeze_time("2026-12-11 03:00:00"):
            self.assertEqual(
                (self.line.tariff_id, self.line.closing_day, self.line.billing_type),
                (self.dear, 15, "prepaid"),
            )
            self.assertFalse(self.line.planned_change)
        self.assertGreater(self.line.revision, before)
        self.assertEqual(len(self.line.period_ids), 2)

    def test_both_sides_charge_every_call_exactly_once(self):
        self._apply(tariff_id=self.dear, closing_day=15)
        starts = (
            "2026-11-10 12:00:00",
            "2026-11-30 12:00:00",
            "2026-12-11 02:59:59",  # the last second of the last day there
            "2026-12-11 03:00:00",
            "2026-12-16 02:59:59",
            "2026-12-16 03:00:00",
        )
        with freeze_time("2026-12-17 15:00:00"):
            # The cron is late: calls go by the periods.
            self._import(
                *(self._make_call(i, start=start) for i, start in enumerate(starts))
            )
        charges = self._charge_all("2027-02-01 15:00:00")
        self.assertEqual(
            sorted(
                (c.cycle_start, c.cycle_end, c.call_count, c.amount) for c in charges
            ),
            [
                (date(2026, 10, 11), date(2026, 11, 10), 1, 0.12),
                (date(2026, 11, 11), date(2026, 12, 10), 2, 0.24),
                (date(2026, 12, 11), date(2026, 12, 15), 2, 2),
                (date(2026, 12, 16), date(2027, 1, 15), 1, 1),
            ],
        )
        calls = self.env["saperx.cdr"].search([])
        self.assertEqual(set(calls.mapped("state")), {"billed"})
        self.assertFalse(self._charge_all("2027-02-02 15:00:00"))

    def test_from_a_date_on_it_is_the_local_day_that_begins_it(self):
        self._apply(tariff_id=self.dear, when="date", date=date(2026, 11, 20))
        self.assertEqual(self._bounds()[1][0], "2026-11-20 03:00:00")

    def test_the_zone_of_the_integration_says_when_a_day_begins(self):
        self.integration.timezone = "America/Noronha"
        self._apply(tariff_id=self.dear, when="date", date=date(2026, 11, 20))
        self.assertEqual(self._bounds()[1][0], "2026-11-20 02:00:00")

    def test_the_zone_is_fixed_once_terms_change_where_its_days_begin(self):
        """A day of the old zone would lie in two cycles."""
        self._apply(tariff_id=self.dear, when="date", date=date(2026, 11, 20))
        with self.assertRaisesRegex(UserError, "3333-4444 change with.*11/20/2026"):
            self.integration.timezone = "America/Manaus"
        self.integration.timezone = "America/Sao_Paulo"
        self.line.action_cancel_planned_change()
        self.integration.timezone = "America/Manaus"

    def test_the_zone_is_fixed_once_a_closing_day_has_changed(self):
        self.line.closing_day = 15
        with self.assertRaisesRegex(UserError, "is fixed"):
            self.integration.timezone = "America/Manaus"

    def test_terms_that_changed_within_a_day_do_not_fix_the_zone(self):
        self._import(self._make_call(1))
        self._apply(tariff_id=self.dear, when="now")
        self.integration.timezone = "America/Manaus"
        self.assertEqual(len(self.line.period_ids), 2)

    def test_from_today_on_is_from_now_on(self):
        self._import(self._make_call(1))
        self._apply(tariff_id=self.dear, when="date", date=date(2026, 11, 16))
        self.assertEqual(self._bounds()[1][0], "2026-11-16 15:00:00")
        self.assertEqual(self.line.tariff_id, self.dear)

    def test_a_day_in_the_past_is_refused(self):
        wizard = self._change(tariff_id=self.dear, when="date", date=date(2026, 11, 15))
        self.assertIn("in the past", wizard.obstacle)
        with self.assertRaisesRegex(UserError, "in the past"):
            wizard.action_apply()

    def test_a_closing_day_changes_where_a_cycle_begins(self):
        wizard = self._change(closing_day=15, when="date", date=date(2026, 12, 5))
        self.assertIn("12/11/2026", wizard.obstacle)
        self._apply(closing_day=15, when="date", date=date(2027, 1, 11))
        self.assertEqual(
            self._periods()[1]._get_cycle(date(2027, 1, 15)),
            (date(2027, 1, 11), date(2027, 1, 15)),
        )

    def test_nothing_else_changes_while_a_change_is_planned(self):
        self._apply(tariff_id=self.dear)
        for values in (
            {"tariff_id": False},
            {"closing_day": 20},
            {"contract_id": self.heirs_contract.id},
            {"billing_type": "prepaid"},
        ):
            with self.assertRaisesRegex(UserError, r"12/11/2026: billing plan Dear"):
                self.line.write(values)
        self.assertIn("Cancel that", self._change(closing_day=20).obstacle)
        # What is no change is none; what is no term is free.
        self.line.write({"tariff_id": self.tariff.id, "simultaneous_calls": 2})
        self.assertEqual(len(self.line.period_ids), 2)

    def test_a_planned_change_that_is_cancelled_leaves_no_trace_in_the_periods(self):
        self._import(self._make_call(1))
        self._apply(tariff_id=self.dear)
        self.line.action_cancel_planned_change()
        self.assertEqual(self._bounds(), [(False, False)])
        self.assertFalse(self.line.planned_change)
        with self.assertRaisesRegex(UserError, "no planned change"):
            self.line.action_cancel_planned_change()
        self._run_cron("2026-12-12 03:00:00")
        self.assertEqual(self.line.tariff_id, self.tariff)

    def test_what_came_into_force_a_moment_ago_cannot_be_cancelled(self):
        self._apply(tariff_id=self.dear)
        with freeze_time("2026-12-11 03:00:00"):
            with self.assertRaisesRegex(UserError, "came into force"):
                self.line.action_cancel_planned_change()

    def test_calls_told_of_by_a_clock_ahead_go_back_with_it(self):
        self._apply(tariff_id=self.dear, when="date", date=date(2026, 11, 17))
        self._import(self._make_call(1, start="2026-11-17 03:00:01"))
        self.assertEqual(self._get_call(1).charged_amount, 1)
        self.line.action_cancel_planned_change()
        self.assertEqual(self._get_call(1).period_id, self.line.period_ids)
        self.assertEqual(self._get_call(1).charged_amount, 0.12)

    def test_a_line_that_is_cancelled_has_nothing_planned(self):
        self._apply(tariff_id=self.dear)
        self.line.action_cancel()
        self.assertEqual(self._bounds(), [(False, "2026-11-16 15:00:00")])
        self._run_cron("2026-12-12 03:00:00")
        self.assertEqual(self.line.tariff_id, self.tariff)

    def test_a_late_line_takes_over_before_anything_else_changes_on_it(self):
        self._apply(tariff_id=self.dear)
        with freeze_time("2026-12-11 09:00:00"):
            self.line.billing_type = "prepaid"
            self.assertEqual(self.line.tariff_id, self.dear)
            self.assertEqual(
                [(p.tariff_id, p.billing_type) for p in self._periods()],
                [(self.tariff, "postpaid"), (self.dear, "prepaid")],
            )

    def test_whoever_dies_half_way_is_followed_by_the_next_run(self):
        self._apply(closing_day=15)
        line_model = type(self.line)
        with patch.object(line_model, "_follow_moments", side_effect=MemoryError):
            with self.assertRaises(MemoryError), self.cr.savepoint():
                with freeze_time("2026-12-11 03:00:00"):
                    self.line._follow_clock()
        self.line.invalidate_recordset()
        self.assertEqual(self.line.closing_day, 10)
        self._run_cron("2026-12-11 03:15:00")
        self.assertEqual(self.line.closing_day, 15)
        # A run that was committed and is run again does nothing.
        revision = self.line.revision
        self._run_cron("2026-12-11 03:15:00")
        self.assertEqual(self.line.revision, revision)
        self.assertEqual(len(self.line.period_ids), 2)

    def test_one_line_that_is_refused_stops_no_other(self):
        self.contract.user_id = new_test_user(
            self.env, "saperx-seller", groups="saperx_voip.group_user"
        )
        other = self._make_line(self.contract, number=OTHER_NUMBER, closing_day=10)
        (self.line | other)._write_sync({"was_claimed": True})
        self._apply(self.line, closing_day=15)
        self._apply(other, billing_type="prepaid")
        self.env["saperx.line.period"].browse(other.planned_period_id.id).write(
            {"closing_day": 10, "billing_type": "postpaid", "tariff_id": self.dear.id}
        )
        # As older versions allowed.
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        self.env.cr.execute(
            "UPDATE saperx_tariff SET company_id = %s WHERE id = %s",
            [elsewhere.id, self.dear.id],
        )
        self.dear.invalidate_recordset()
        with self.assertLogs("odoo.addons.saperx_voip.models.saperx_line_change"):
            self._run_cron("2026-12-11 03:00:00")
        self.assertEqual(self.line.closing_day, 15)
        self.assertEqual(other.tariff_id, self.tariff)
        self.assertTrue(other.activity_ids)
        # Its calls are right all the same.
        with freeze_time("2026-12-12 03:00:00"):
            self._import(
                self._make_call(1, start="2026-12-11 03:00:00", caller=OTHER_NUMBER)
            )
        self.assertEqual(self._get_call(1).period_id.tariff_id, self.dear)

    def test_a_line_moves_when_its_old_contract_ends(self):
        self.contract.contract_line_ids.filtered(
            lambda fee: not fee.is_telephony
        ).write({"date_end": "2026-12-10", "is_auto_renew": False})
        self._apply(contract_id=self.heirs_contract)
        with self.enter_registry_test_mode(), freeze_time("2026-12-11 03:10:00"):
            # Before the cron of the moments has run.
            self.env.ref("saperx_voip.ir_cron_contract_life").method_direct_trigger()
        self.assertEqual(self.line.state, "active")
        self.assertEqual(self.line.contract_id, self.heirs_contract)

    def test_nothing_is_planned_beyond_the_contracts_end(self):
        self.contract.contract_line_ids.filtered(
            lambda fee: not fee.is_telephony
        ).write({"date_end": "2026-12-01", "is_auto_renew": False})
        self.assertIn("before 12/11/2026", self._change(tariff_id=self.dear).obstacle)

    def test_a_contract_that_ended_takes_no_line_now_or_later(self):
        self.heirs_contract.contract_line_ids.write(
            {"date_end": "2026-12-05", "is_auto_renew": False}
        )
        wizard = self._change(contract_id=self.heirs_contract)
        self.assertIn("has ended", wizard.obstacle)
        with self.assertRaisesRegex(UserError, "has ended"):
            wizard.action_apply()

    def test_a_line_stays_if_the_contract_to_come_dies_before(self):
        self._apply(contract_id=self.heirs_contract)
        self.heirs_contract.active = False
        self.assertEqual(self._bounds(), [(False, False)])
        self.assertEqual(self.line.state, "active")
        self.assertIn("has ended", self.line.message_ids[0].body)

    def test_a_line_stays_if_the_contract_to_come_died_unseen(self):
        self._apply(contract_id=self.heirs_contract)
        self.env.cr.execute(
            "UPDATE contract_contract SET active = FALSE WHERE id = %s",
            self.heirs_contract.ids,
        )
        self.env.invalidate_all()
        with freeze_time("2026-12-11 02:00:00"):
            self._import(self._make_call(1, start="2026-12-11 03:00:01"))
        self._run_cron("2026-12-11 03:00:05")
        self.assertEqual(self.line.contract_id, self.contract)
        self.assertEqual(self._bounds(), [(False, False)])
        self.assertEqual(self._get_call(1).partner_id, self.partner)

    def test_the_fee_chosen_for_the_contract_to_come_is_taken_over(self):
        fee = self.heirs_contract.contract_line_ids[0]
        self._apply(contract_id=self.heirs_contract, contract_line_id=fee)
        self._run_cron("2026-12-11 03:00:00")
        self.assertEqual(self.line.contract_line_id, fee)

    def test_a_change_taken_back_while_its_calls_were_being_stored(self):
        """Their transactions do not see each other; the import's next one does."""
        self._import(
            self._make_call(1, start="2026-12-11 03:00:01"),
            self._make_call(2, start="2026-12-11 03:00:02"),
        )
        self._apply(tariff_id=self.dear)
        planned = self.line.planned_period_id
        assessor = self.integration._get_assessor()
        self.line.action_cancel_planned_change()
        run = self._make_run(
            date_from="2026-12-10 03:00:00", date_to="2026-12-12 03:00:00"
        )
        run._start()
        # A new one and one that the platform corrected.
        run._merge(
            [
                self._make_call(2, start="2026-12-11 03:00:02", talk_seconds=120),
                self._make_call(3, start="2026-12-11 03:00:03"),
            ],
            assessor,
        )
        self.env.invalidate_all()
        calls = self._get_call(2) | self._get_call(3)
        self.assertEqual(set(calls.mapped("period_id.id")), set(planned.ids))
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            run.with_env(self.env(cr=cr))._reassess_what_changed_meanwhile()
        self.env.invalidate_all()
        self.assertEqual(calls.period_id, self._periods())
        self.assertEqual(calls.mapped("charged_amount"), [0.24, 0.12])
        self.assertEqual(len(self.env["saperx.charge"]._get_ripe_groups()), 1)

    def test_lines_with_a_planned_change_are_found(self):
        self._apply(tariff_id=self.dear)
        found = self.env["saperx.line"].search([("period_ids.date_from", ">", "now")])
        self.assertEqual(found, self.line)


class TestSeveralLines(PeriodCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._make_line(cls.contract, number=OTHER_NUMBER, closing_day=10)
        cls.lines = cls.line | cls.other

    def _share(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": 100, "is_shared": True}
        )

    def test_lines_of_one_contract_change_together(self):
        self._apply(self.lines, tariff_id=self.dear)
        self._run_cron("2026-12-11 03:00:00")
        self.assertEqual(self.lines.tariff_id, self.dear)

    def test_lines_of_two_contracts_do_not(self):
        stranger = self._make_line(self.heirs_contract, number="551130001001")
        with self.assertRaisesRegex(UserError, "one contract"):
            (self.line | stranger).action_change_terms()

    def test_each_keeps_what_they_do_not_have_in_common(self):
        self.other.closing_day = 20
        wizard = self._apply(self.lines, tariff_id=self.dear)
        self.assertEqual(wizard.closing_day, 0)
        self.assertEqual(self._bounds(self.other)[1][0], "2026-11-21 03:00:00")
        self._run_cron("2026-12-11 03:00:00")
        self.assertEqual(self.lines.mapped("closing_day"), [10, 20])
        self.assertEqual(self.lines.tariff_id, self.dear)

    def test_lines_that_share_an_allowance_close_together(self):
        self._share()
        wizard = self._change(self.line, closing_day=15, when="now")
        self.assertEqual(wizard.companion_ids, self.other)
        wizard.action_apply()
        self.assertEqual(self.lines.mapped("closing_day"), [15, 15])

    def test_lines_that_share_an_allowance_close_together_later_too(self):
        self._share()
        self._apply(self.line, closing_day=15)
        self._run_cron("2026-12-11 03:00:00")
        self.assertEqual(self.lines.mapped("closing_day"), [15, 15])
        self.assertEqual(self.lines.tariff_id, self.tariff)

    def test_a_cycle_shared_with_a_cancelled_line_closes_as_it_would_have(self):
        """The allowance would be given once for each closing day."""
        self._share()
        with freeze_time("2026-11-12 15:00:00"):
            self.other._cancel()
        with self.assertRaisesRegex(UserError, "from the next cycle on"):
            self.line.closing_day = 15
        self._apply(self.line, closing_day=15)
        self._run_cron("2026-12-11 03:00:00")
        self.assertEqual(self.line.closing_day, 15)

    def test_a_line_cancelled_in_a_cycle_before_is_no_obstacle(self):
        self._share()
        with freeze_time("2026-11-10 15:00:00"):
            self.other._cancel()
        self.line.closing_day = 15

    def test_a_cycle_shared_with_a_line_that_left_closes_as_it_would_have(self):
        self._share()
        self.lines._write_sync({"was_claimed": True})
        self.other.in_use_since = False
        with freeze_time("2026-11-12 15:00:00"):
            self.other.tariff_id = self.dear
        for line in self.lines:
            with self.assertRaisesRegex(UserError, "from the next cycle on"):
                line.closing_day = 15
        self.lines.closing_day = 15
        self.assertEqual(
            [p.closing_day for line in self.lines for p in self._periods(line)],
            [10, 15, 10, 15, 15],
        )

    def test_whoever_comes_to_share_must_close_with_the_others(self):
        self._share()
        late = self._make_line(
            self.contract,
            number="551130001001",
            tariff_id=self.dear.id,
            closing_day=20,
        )
        wizard = self._change(late, tariff_id=self.tariff)
        self.assertIn("same day", wizard.obstacle)
        self._apply(late, tariff_id=self.tariff, closing_day=10)

    def test_they_close_with_whoever_comes_to_share_some_day(self):
        self._share()
        late = self._make_line(
            self.contract,
            number="551130001001",
            tariff_id=self.dear.id,
            closing_day=10,
        )
        self._apply(late, tariff_id=self.tariff)
        with self.assertRaisesRegex(ValidationError, "take its planned change back"):
            self.lines.closing_day = 15

    def test_whoever_comes_to_share_is_of_the_time_zone_of_the_others(self):
        self._share()
        far = self._make_integration(name="Far", timezone="America/Manaus")
        plan = self.plan.copy({"integration_id": far.id, "remote_id": 9})
        late = self._make_line(
            self.contract,
            number="551130001001",
            integration_id=far.id,
            plan_id=plan.id,
            tariff_id=self.dear.id,
            closing_day=10,
        )
        wizard = self._change(late, tariff_id=self.tariff)
        self.assertIn("one time zone", wizard.obstacle)

    def test_who_will_share_no_more_then_does_not_come_along(self):
        self._share()
        self._apply(self.other, tariff_id=self.dear)
        wizard = self._change(self.line, closing_day=15)
        self.assertFalse(wizard.companion_ids)
        self.assertFalse(wizard.obstacle)
        now = self._change(self.line, closing_day=15, when="now")
        self.assertIn(self.other.display_name, now.obstacle)

    def test_a_sharer_with_a_planned_change_holds_up_the_others(self):
        self._share()
        self._apply(self.other, billing_type="prepaid")
        self.assertIn(
            self.other.display_name, self._change(self.line, closing_day=15).obstacle
        )


class TestPreview(PeriodCase):
    """Two calls of the running cycle and one of the cycle before are to be charged."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._import(
            cls._make_call(1, start="2026-11-01 12:00:00"),
            cls._make_call(2, start="2026-11-12 12:00:00"),
            cls._make_call(3, start="2026-11-16 12:00:00"),
        )

    def _show(self, rows):
        return [
            (str(row.date_from), str(row.date_to), row.calls, row.amount)
            for row in rows
        ]

    def _sides(self, wizard):
        self.assertFalse(wizard.obstacle)
        return self._show(wizard.before_ids), self._show(wizard.after_ids)

    def _assert_charged_as_shown(self, wizard):
        """What the preview shows of calls is what is charged after the change."""
        shown = sorted(row for side in self._sides(wizard) for row in side if row[2])
        wizard.action_apply()
        charges = self._charge_all("2027-02-20 15:00:00")
        self.assertEqual(
            sorted(
                (str(c.cycle_start), str(c.last_day), c.call_count, c.amount)
                for c in charges
            ),
            shown,
        )

    BEFORE = ("2026-10-11", "2026-11-10", 1, 0.12)
    UP_TO_NOW = ("2026-11-11", "2026-11-16", 2, 0.24)
    UP_TO_CLOSING = ("2026-11-11", "2026-12-10", 2, 0.24)
    FROM_NOW = ("2026-11-16", "2026-12-10", 0, 0)
    NEXT = ("2026-12-11", "2027-01-10", 0, 0)

    def test_another_plan_now_charges_the_rest_of_the_cycle(self):
        wizard = self._change(tariff_id=self.dear, when="now")
        self.assertEqual(
            self._sides(wizard), ([self.BEFORE, self.UP_TO_NOW], [self.FROM_NOW])
        )
        self.assertEqual(wizard.before_ids.tariff_id, self.tariff)
        self.assertEqual(wizard.after_ids.tariff_id, self.dear)
        self.assertEqual(wizard.after_ids.remark, "From then on")
        self._assert_charged_as_shown(wizard)

    def test_another_plan_from_the_next_cycle_leaves_it_the_running_one(self):
        wizard = self._change(tariff_id=self.dear)
        self.assertEqual(
            self._sides(wizard), ([self.BEFORE, self.UP_TO_CLOSING], [self.NEXT])
        )
        self.assertEqual(wizard.after_ids.tariff_id, self.dear)
        self.assertEqual(
            wizard.estimate_ids.mapped(lambda r: (r.amount, r.estimated_amount)),
            [(0.12, 1)],
        )
        self.assertEqual(self._bounds(), [(False, False)])
        self._assert_charged_as_shown(wizard)

    def test_another_contract_now_splits_the_cycle_between_the_customers(self):
        wizard = self._change(contract_id=self.heirs_contract, when="now")
        self.assertEqual(
            self._sides(wizard), ([self.BEFORE, self.UP_TO_NOW], [self.FROM_NOW])
        )
        for side, contract in (
            (wizard.before_ids, self.contract),
            (wizard.after_ids, self.heirs_contract),
        ):
            self.assertEqual(side.contract_id, contract)
            self.assertEqual(side.partner_id, contract.partner_id)
        self.assertFalse(wizard.estimate_ids)
        self._assert_charged_as_shown(wizard)

    def test_another_contract_from_the_next_cycle_begins_with_it(self):
        wizard = self._change(contract_id=self.heirs_contract)
        self.assertEqual(
            self._sides(wizard), ([self.BEFORE, self.UP_TO_CLOSING], [self.NEXT])
        )
        self.assertEqual(wizard.after_ids.partner_id, self.heir)
        self._assert_charged_as_shown(wizard)

    def test_another_closing_day_now_has_the_calls_of_the_running_cycle(self):
        """No cycle of the new closing day stands with the present terms."""
        wizard = self._change(closing_day=15, when="now")
        self.assertEqual(
            self._sides(wizard),
            (
                [self.BEFORE],
                [
                    ("2026-11-11", "2026-11-15", 1, 0.12),
                    ("2026-11-16", "2026-12-15", 1, 0.12),
                ],
            ),
        )
        self.assertFalse(any(wizard.after_ids.mapped("remark")))
        self._assert_charged_as_shown(wizard)

    def test_another_closing_day_from_the_next_cycle_makes_that_one_short(self):
        wizard = self._change(closing_day=15)
        self.assertEqual(
            self._sides(wizard),
            (
                [self.BEFORE, self.UP_TO_CLOSING],
                [("2026-12-11", "2026-12-15", 0, 0)],
            ),
        )
        self._assert_charged_as_shown(wizard)

    def test_another_type_now_charges_what_was_called_until_then(self):
        wizard = self._change(billing_type="prepaid", when="now")
        self.assertEqual(
            self._sides(wizard), ([self.BEFORE, self.UP_TO_NOW], [self.FROM_NOW])
        )
        self.assertIn("Prepaid", wizard.after_ids.remark)
        self._assert_charged_as_shown(wizard)

    def test_another_type_from_the_next_cycle_charges_the_running_one(self):
        wizard = self._change(billing_type="prepaid")
        self.assertEqual(
            self._sides(wizard), ([self.BEFORE, self.UP_TO_CLOSING], [self.NEXT])
        )
        self.assertIn("Prepaid", wizard.after_ids.remark)
        self._assert_charged_as_shown(wizard)

    def test_plan_and_closing_day_now_each_hold_from_their_own_moment(self):
        wizard = self._change(tariff_id=self.dear, closing_day=15, when="now")
        self.assertEqual(
            self._sides(wizard),
            (
                [self.BEFORE],
                [
                    ("2026-11-11", "2026-11-15", 1, 0.12),
                    ("2026-11-16", "2026-11-16", 1, 0.12),
                    ("2026-11-16", "2026-12-15", 0, 0),
                ],
            ),
        )
        self.assertEqual(wizard.after_ids.mapped("tariff_id.name"), ["Excess", "Dear"])
        self._assert_charged_as_shown(wizard)

    def test_a_call_told_of_by_a_clock_ahead_is_the_new_sides(self):
        self._import(self._make_call(4, start="2026-12-11 03:00:01"))
        wizard = self._change(tariff_id=self.dear)
        self.assertEqual(self._sides(wizard)[1], [("2026-12-11", "2027-01-10", 1, 1)])
        self.assertFalse(wizard.after_ids.remark)

    def test_a_plan_given_later_charges_the_calls_so_far(self):
        line = self._make_line(
            self.contract, number=OTHER_NUMBER, tariff_id=False, closing_day=10
        )
        self._import(
            self._make_call(5, start="2026-11-12 12:00:00", caller=OTHER_NUMBER)
        )
        wizard = self._change(line, tariff_id=self.dear, when="now")
        self.assertEqual(
            self._sides(wizard), ([], [("2026-11-11", "2026-12-10", 1, 1)])
        )
        later = self._change(line, tariff_id=self.dear)
        self.assertIn("No billing plan", later.before_ids.remark)
        self.assertEqual(later.before_ids.calls, 0)

    def test_each_side_has_its_allowance_whole_or_pro_rata(self):
        """The cycle has 30 days: the present side has 6 of them, the new one 25, since
        a day that was begun counts."""
        self.tariff.allowance_ids = [
            Command.create({"quantity": 1, "is_pro_rata": True}),
            Command.create({"quantity": 0.03, "unit": "reais", "name": "Bonus"}),
        ]
        self.dear.allowance_ids = [Command.create({"quantity": 100})]
        wizard = self._change(tariff_id=self.dear, when="now")
        self.assertEqual(
            wizard.before_ids[-1].remark,
            "Allowance 1 min (pro rata: 12 s)\nAllowance Bonus (whole)",
        )
        self.assertEqual(
            wizard.after_ids.remark, "From then on\nAllowance 100 min (whole)"
        )
        # 108 s of 2 calls, less the reais.
        self.assertEqual(wizard.before_ids[-1].amount, 0.18)
        self.env["saperx.recalculation"].search([]).unlink()
        self._assert_charged_as_shown(wizard)

    def test_what_is_carried_over_is_named(self):
        self.tariff.allowance_ids = [
            Command.create({"quantity": 3, "carries_over": True})
        ]
        wizard = self._change(closing_day=15)
        self.assertEqual(
            wizard.before_ids[-1].remark,
            "Allowance 3 min (whole) + 3 min carried over",
        )

    def test_whoever_shares_the_allowance_draws_along(self):
        self.tariff.allowance_ids = [Command.create({"quantity": 1, "is_shared": True})]
        self._make_line(self.contract, number=OTHER_NUMBER, closing_day=10)
        self._import(
            self._make_call(6, start="2026-11-11 12:00:00", caller=OTHER_NUMBER)
        )
        wizard = self._change(tariff_id=self.dear)
        self.assertEqual(
            self._show(wizard.before_ids),
            [("2026-10-11", "2026-11-10", 1, 0), self.UP_TO_CLOSING],
        )

    def test_a_cycle_in_which_the_line_was_not_active_says_that_it_is_not_charged(self):
        self.integration.charge_only_active_lines = True
        self.line.activity_span_ids.date_from = "2026-11-11 03:00:00"
        wizard = self._change(tariff_id=self.dear)
        self.assertEqual(
            wizard.before_ids.mapped(lambda row: row.remark or ""),
            ["Line not active: not charged", ""],
        )

    def test_every_amount_has_its_currency(self):
        wizard = self._change(tariff_id=self.dear)
        for row in (wizard.before_ids, wizard.after_ids, wizard.estimate_ids):
            self.assertEqual(row.currency_id, self.company.currency_id)

    def test_only_lines_that_change_are_shown(self):
        other = self._make_line(
            self.contract, number=OTHER_NUMBER, tariff_id=self.dear.id, closing_day=10
        )
        wizard = self._change(self.line | other, tariff_id=self.dear)
        self.assertEqual((wizard.before_ids | wizard.after_ids).line_id, self.line)

    def test_a_new_line_is_compared_by_its_running_cycle(self):
        line = self._make_line(self.contract, number=OTHER_NUMBER, closing_day=10)
        self._import(
            self._make_call(1, start="2026-11-16 12:00:00", caller=OTHER_NUMBER)
        )
        wizard = self._change(line, tariff_id=self.dear)
        self.assertEqual(wizard.estimate_ids.estimated_amount, 1)

    def test_a_line_made_today_never_closed_on_another_day(self):
        line = self._make_line(self.contract, number=OTHER_NUMBER, closing_day=10)
        wizard = self._change(line, closing_day=25, when="now")
        self.assertEqual(wizard.after_ids.date_to, date(2026, 11, 25))
        wizard.action_apply()
        self.assertEqual(self._bounds(line), [(False, False)])
        self.assertEqual(
            line.period_ids._get_cycle(date(2026, 11, 16)),
            (date(2026, 10, 26), date(2026, 11, 25)),
        )

    def test_a_line_without_calls_has_a_row_of_its_running_cycle(self):
        line = self._make_line(self.contract, number=OTHER_NUMBER, closing_day=10)
        line.in_use_since = False
        line._write_sync({"was_claimed": True})
        wizard = self._change(line, contract_id=self.heirs_contract)
        self.assertEqual(
            self._sides(wizard),
            ([("2026-11-11", "2026-12-10", 0, 0)], [self.NEXT]),
        )

    def test_it_says_when_nothing_changes(self):
        wizard = self._change()
        self.assertFalse(wizard.has_changes)
        with self.assertRaisesRegex(UserError, "as it was"):
            wizard.action_apply()


class TestWhoChangesTerms(PeriodCase):
    def _as(self, role, company=None):
        company = company or self.company
        user = new_test_user(
            self.env,
            f"saperx-{role}-{company.id}",
            groups=f"saperx_voip.group_{role}",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        return self.env(
            user=user,
            context={"allowed_company_ids": company.ids},
            su=False,
        )

    def test_technicians_and_billing_change_terms_now_and_later(self):
        self._import(self._make_call(1))
        for role in ("technician", "billing"):
            line = self.line.with_env(self._as(role))
            action = line.action_change_terms()
            form = Form(line.env[WIZARD].with_context(**action["context"]))
            form.tariff_id = self.dear
            wizard = form.save()
            self.assertEqual(wizard.estimate_ids.estimated_amount, 1, role)
            wizard.action_apply()
            self.assertIn("Dear", line.planned_change)
            line.action_cancel_planned_change()
            form = Form(line.env[WIZARD].with_context(**action["context"]))
            form.billing_type = (
                "prepaid" if self.line.billing_type == "postpaid" else "postpaid"
            )
            form.when = "now"
            form.save().action_apply()
            self.assertEqual(self.line.billing_type, form.billing_type, role)

    def test_the_estimate_knows_what_others_take_of_a_shared_allowance(self):
        self.dear.allowance_ids = [
            Command.create({"quantity": 1, "is_shared": True, "carries_over": True})
        ]
        self._make_line(
            self.contract, "555433335555", tariff_id=self.dear.id, closing_day=10
        )
        self._import(
            self._make_call(1),
            self._make_call(2, start="2026-10-14 12:00:00", caller="555433335555"),
        )
        for role in ("technician", "billing"):
            self.env.invalidate_all()
            line = self.line.with_env(self._as(role))
            action = line.action_change_terms()
            form = Form(line.env[WIZARD].with_context(**action["context"]))
            form.tariff_id = self.dear
            self.assertEqual(form.save().estimate_ids.estimated_amount, 1, role)

    def test_others_do_not(self):
        self._apply(tariff_id=self.dear)
        env = self._as("user")
        line = self.line.with_env(env)
        self.assertIn("Dear", line.planned_change)
        for change in (
            line.action_change_terms,
            line.action_cancel_planned_change,
            lambda: env[WIZARD].create({"line_ids": line.ids}),
            lambda: env[WIZARD].new({"line_ids": line.ids}).before_ids,
        ):
            with self.assertRaises(AccessError):
                change()

    def test_nor_do_those_of_another_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        env = self._as("manager", other)
        line = self.line.with_env(env)
        for change in (
            line.action_change_terms,
            line.action_cancel_planned_change,
            lambda: env[WIZARD].create({"line_ids": line.ids}).before_ids,
            lambda: env[WIZARD].new({"line_ids": line.ids}).before_ids,
        ):
            with self.assertRaises(AccessError):
                change()

    def test_what_one_prepares_another_does_not_read(self):
        wizard = self._change(tariff_id=self.dear)
        with self.assertRaises(AccessError):
            wizard.with_env(self._as("billing")).read(["line_ids"])


class TestEveryDayOnce(PeriodCase):
    def _check_days(self, line, first, last):
        """Every local day lies in one cycle, and the cycles do not overlap."""
        holder = {}
        cycles = set()
        day = first
        while day <= last:
            begins = self.integration._get_start_of_day(day)
            period = line.period_ids.filtered(lambda p, at=begins: p._covers(at))
            cycle = period._get_cycle(day)
            self.assertTrue(cycle[0] <= day <= cycle[1], (day, cycle))
            self.assertEqual(period._get_cycle(cycle[1]), cycle)
            cycles.add(cycle)
            holder[day] = cycle
            day += ONE_DAY
        days = sorted(cycles)
        for (_first, ends), (begins, _last) in zip(days, days[1:], strict=False):
            self.assertEqual(begins, ends + ONE_DAY, days)

    def test_whatever_changes_every_day_lies_in_one_cycle(self):
        """And whatever changes, its preview has shown what there is to charge then."""
        tariffs = self.tariff | self.dear
        self.tariff.allowance_ids = [
            Command.create({"quantity": 2, "is_pro_rata": True, "carries_over": True})
        ]
        self.dear.allowance_ids = [Command.create({"quantity": 0.4, "unit": "reais"})]
        contracts = self.contract | self.heirs_contract
        for seed in range(12):
            chance = random.Random(seed)
            number = f"5511300020{seed:02}"
            now = datetime(2026, 12, 1, 12)
            with freeze_time(now):
                line = self._make_line(
                    self.contract,
                    number=number,
                    closing_day=chance.randint(1, 31),
                    in_use_since=False,
                )
                line._write_sync({"was_claimed": True})
            for number_of_change in range(8):
                now += timedelta(
                    days=chance.randint(0, 70), hours=chance.randint(0, 23)
                )
                with freeze_time(now):
                    self._change_something(line, chance, tariffs, contracts)
                    if chance.random() < 0.5:
                        self._import(
                            self._make_call(
                                f"{seed}-{number_of_change}",
                                start=str(now - timedelta(hours=chance.randint(1, 99))),
                                caller=number,
                            )
                        )
            with self.subTest(seed=seed):
                self.env.invalidate_all()
                self._check_days(line, date(2026, 11, 1), date(2028, 10, 31))
                self._check_calls(line)

    def _change_something(self, line, chance, tariffs, contracts):
        values = {
            "closing_day": chance.randint(1, 31),
            "tariff_id": chance.choice(tariffs),
            "contract_id": chance.choice(contracts),
        }
        for name in chance.sample(sorted(values), chance.randint(0, 2)):
            values.pop(name)
        values["when"] = chance.choice(["now", "next_cycle"])
        if line._get_planned_periods() and chance.random() < 0.5:
            line.action_cancel_planned_change()
        wizard = self._change(line, **values)
        if wizard.has_changes and not wizard.obstacle:
            shown = [
                (row.date_from, row.calls, row.amount)
                for row in wizard.before_ids | wizard.after_ids
                if row.calls
            ]
            wizard.action_apply()
            self.assertEqual(sorted(shown), sorted(self._read_unbilled(line)))

    def _read_unbilled(self, line):
        """As the preview of a change shows it."""
        self.env["saperx.cdr"]._draw_allowances(line.ids)
        charge_model = self.env["saperx.charge"]
        for group in charge_model._read_unbilled_groups([("id", "=", line.id)]):
            begins = charge_model._prepare_charge(group)["cycle_start"]
            yield begins, group["calls"], group["amount"]

    def _check_calls(self, line):
        for call in self.env["saperx.cdr"].search([("line_id", "=", line.id)]):
            self.assertTrue(call.period_id._covers(call.start))
            day = call.period_id._get_local_day(call.start)
            self.assertEqual(call.period_id._get_cycle(day)[1], call.cycle_end)
            self.assertEqual(call.contract_id, call.period_id.contract_id)
