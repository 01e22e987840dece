# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import Command, fields
from odoo.exceptions import UserError
from odoo.tools import mute_logger

from ..gateway import LineStatus
from .overdue_common import DUE, OverdueCase

RUN_LOG = "odoo.addons.saperx_voip.models.saperx_overdue_run"
FOLLOW_LOG = "odoo.addons.saperx_voip.models.saperx_overdue_follow"


class TestOverdue(OverdueCase):
    """From an unpaid invoice to the end of the contract, and back."""

    def test_the_whole_way_to_the_end(self):
        self.company.saperx_overdue_user_id = self._make_user("billing")
        with self.enter_registry_test_mode():
            self._run("2026-11-15")
            self.assertFalse(self.case)
            self._run("2026-11-16")
            self.assertEqual(self.case.noticed_on, date(2026, 11, 16))
            self.assertEqual(self.case.notice_state, "sent")
            self.assertEqual(self.case.move_ids, self.move)
            self._run("2026-11-30")
            self.assertFalse(self.contract.saperx_block_level)
            self._run("2026-12-01")
            self.assertEqual(self.contract.saperx_block_level, "partial")
            self.assertEqual(self.line.block_level, "partial")
            self._run("2026-12-16")
            self.assertEqual(self.line.block_level, "full")
            self.assertEqual(
                (self.contract.saperx_next_step, self.contract.saperx_next_step_on),
                ("last_notice", date(2027, 1, 15)),
            )
            self._run("2027-01-15")
            self._run("2027-01-29")
            self.assertFalse(self.contract.is_terminated)
            self._run("2027-01-30")
        self.assertTrue(self.contract.is_terminated)
        self.assertEqual(self.contract.terminate_date, date(2027, 1, 30))
        self.assertEqual(self.line.state, "cancelled")
        self.assertFalse(self.case)
        for step in ("notice", "partial", "full", "last_notice", "cancel"):
            self.assertEqual(self._count_messages(step), 1, step)
        self.assertFalse(self._count_messages("restored"))
        self.assertIn("was cancelled", self.activities.note)

    def test_each_mail_reaches_whoever_pays_and_says_what_comes_next(self):
        payer = self.env["res.partner"].create(
            {"name": "Payer", "email": "payer@example.com"}
        )
        self.contract.invoice_partner_id = payer
        self._run_days("2026-11-16")
        message = self.case.notice_message_id
        self.assertEqual(message.notified_partner_ids, payer)
        self.assertEqual(message.notification_ids.notification_type, "email")
        self.assertIn("100.00", message.body)
        self.assertIn("12/01/2026", message.body)

    def test_off_by_default_and_nothing_happens_while_it_is_off(self):
        fresh = self.env["res.company"].create({"name": "Fresh"})
        self.assertFalse(fresh.saperx_overdue_active)
        self.assertFalse(fresh.saperx_block_lines_with_contract)
        self.company.saperx_overdue_active = False
        self._run_days("2026-11-16")
        self.assertFalse(self.contract.saperx_overdue_case_ids)
        self.company.saperx_overdue_active = True
        self._run_days("2026-11-17")
        self.company.saperx_overdue_active = False
        self._run_days("2026-12-20")
        self.assertFalse(self.contract.saperx_block_level)

    def test_a_contract_without_a_living_line_is_never_touched(self):
        partner = self.env["res.partner"].create({"name": "Internet only"})
        without = self._make_contract(partner)
        self._invoice(without, DUE)
        ended = self._make_overdue("Ended", "555433330001")
        ended.saperx_line_ids.action_cancel()
        self._run_days("2026-11-16", "2027-03-01")
        for contract in (without, ended):
            self.assertFalse(contract.saperx_overdue_case_ids)
            self.assertFalse(contract.is_terminated)

    def test_the_last_line_gone_ends_the_case_and_its_block(self):
        self._run_days("2026-11-16", "2026-12-01")
        case = self.case
        self.line.action_cancel()
        self._follow("2026-12-02")
        self.assertEqual((case.state, case.closed_because), ("closed", "ended"))
        self.assertFalse(self.contract.saperx_block_level)

    def test_off_for_a_month_one_step_is_taken_and_the_distances_are_kept(self):
        self._run_days("2026-11-16")
        self._run_days("2027-03-01", "2027-03-02")
        self.assertEqual(self.case.partial_on, date(2027, 3, 1))
        self.assertFalse(self.case.full_on)
        self.assertEqual(self.case.next_step_on, date(2027, 3, 16))
        self.assertEqual(self._count_messages("partial"), 1)

    def test_the_task_twice_a_day_takes_one_step(self):
        self.company.write(
            {"saperx_overdue_partial_days": 1, "saperx_overdue_full_days": 2}
        )
        self._run_days("2026-11-16", "2026-11-16", "2026-11-17", "2026-11-17")
        self.assertEqual(self.contract.saperx_block_level, "partial")
        self.assertEqual(self._count_messages("notice"), 1)
        self.assertEqual(self._count_messages("partial"), 1)

    def test_rest_days_holidays_and_their_eves_are_waited_out(self):
        self.company.saperx_overdue_spares_rest_days = True
        self.company.saperx_overdue_partial_days = 18  # Friday, 4 December
        self.env["saperx.holiday"].create({"name": "Town", "day": "2026-12-08"})
        self._run_days("2026-11-16")
        self.assertEqual(self.case.next_step_on, date(2026, 12, 9))
        self._run_days("2026-12-04", "2026-12-05", "2026-12-06", "2026-12-07")
        self._run_days("2026-12-08")
        self.assertFalse(self.contract.saperx_block_level)
        self._run_days("2026-12-09")
        self.assertEqual(self.contract.saperx_block_level, "partial")

    def test_a_step_that_is_late_does_not_come_on_a_rest_day_either(self):
        self.company.saperx_overdue_spares_rest_days = True
        self._run_days("2026-11-16", "2026-12-05")
        self.assertFalse(self.contract.saperx_block_level)

    # === The notice ===

    def test_a_bounced_notice_stops_the_clock_until_somebody_tells_them(self):
        self.company.saperx_overdue_user_id = self._make_user("billing")
        with self.enter_registry_test_mode():
            self._run("2026-11-16", delivered="bounce")
            self.assertEqual(self.case.notice_state, "failed")
            self.assertFalse(self.case.next_step)
            self.assertIn("did not reach", self.activities.note)
            self._run("2026-12-01")
            self._run("2027-02-01")
            self.assertFalse(self.contract.saperx_block_level)
            self.assertEqual(len(self.activities), 1)
            with freeze_time("2027-02-02 12:00:00"):
                self.case._register_notice(date(2027, 2, 1), "by telephone")
            self.assertFalse(self.activities)
            self.assertEqual(self.case.next_step_on, date(2027, 2, 16))
            self._run("2027-02-16")
        self.assertEqual(self.contract.saperx_block_level, "partial")

    def test_a_bounce_that_comes_days_later_stops_the_clock_too(self):
        self._run_days("2026-11-16")
        self.case.notice_message_id.notification_ids.notification_status = "bounce"
        self._run_days("2026-12-01")
        self.assertEqual(self.case.notice_state, "failed")
        self.assertFalse(self.contract.saperx_block_level)

    def test_a_customer_without_an_address_is_asked_about(self):
        self.partner.email = False
        with self.enter_registry_test_mode():
            self._run("2026-11-16", delivered="exception")
        self.assertEqual(self.case.notice_state, "failed")

    def test_a_notice_that_never_left_blocks_nobody(self):
        with self.enter_registry_test_mode():
            self._run("2026-11-16", delivered=None)
            self.assertEqual(self.case.notice_state, "waiting")
            self._run("2026-12-01", delivered=None)
        self.assertEqual(self.case.notice_state, "failed")
        self.assertFalse(self.contract.saperx_block_level)

    def test_whoever_follows_the_contract_was_not_the_one_to_tell(self):
        """A seller who reads it in the inbox, a colleague whose address is wrong."""
        sellers = self.env["res.users"].create(
            [
                {
                    "name": way,
                    "login": way,
                    "email": f"{way}@example.com",
                    "notification_type": way,
                    "group_ids": [Command.set([self.env.ref("base.group_user").id])],
                }
                for way in ("inbox", "email")
            ]
        )
        self.contract.message_subscribe(sellers.partner_id.ids)
        with self.enter_registry_test_mode():
            self._run("2026-11-16", delivered=None)
        self.assertEqual(self.case.notice_state, "waiting")
        notices = self.case.notice_message_id.notification_ids
        notices.filtered(
            lambda notice: notice.res_partner_id == sellers[1].partner_id
        ).notification_status = "bounce"
        notices.filtered(
            lambda notice: notice.res_partner_id == self.partner
        ).notification_status = "sent"
        self._follow("2026-11-16")
        self.assertEqual(self.case.notice_state, "sent")

    def test_days_count_from_when_the_notice_left_the_queue(self):
        with self.enter_registry_test_mode():
            self._run("2026-11-16", delivered=None)
            with freeze_time("2026-11-20 12:00:00"):
                self._deliver()
        self._follow("2026-11-20")
        self.assertEqual(self.case.noticed_on, date(2026, 11, 20))
        self.assertEqual(self.case.next_step_on, date(2026, 12, 5))

    def test_the_mail_systems_housekeeping_undoes_no_delivery(self):
        self._run_days("2026-11-16")
        self.case.notice_message_id.notification_ids.unlink()
        self._run_days("2026-12-01")
        self.assertEqual(self.contract.saperx_block_level, "partial")

    def test_a_failed_notice_is_sent_again_to_todays_address(self):
        with self.enter_registry_test_mode():
            self._run("2026-11-16", delivered="bounce")
            self.partner.email = "maria.new@example.com"
            with freeze_time("2026-11-20 12:00:00"):
                self.contract.action_send_overdue_notice_again()
                self._deliver()
                self._trigger("ir_cron_overdue_follow")
        self.assertEqual(self.case.notice_state, "sent")
        self.assertEqual(self.case.noticed_on, date(2026, 11, 20))
        self.assertEqual(self._count_messages("notice"), 2)
        self.assertFalse(self.activities)
        with self.assertRaisesRegex(UserError, "did not fail"):
            self.contract.action_send_overdue_notice_again()

    def test_after_a_night_without_mail_all_notices_are_sent_again_at_once(self):
        """From the list, by whoever does billing."""
        billing = self._make_user("billing")
        self._make_overdue("Other", "555433330031")
        with self.enter_registry_test_mode():
            self._run("2026-11-16", delivered="exception")
        cases = self.env["saperx.overdue.case"].search([("state", "=", "open")])
        self.assertEqual(set(cases.mapped("notice_state")), {"failed"})
        arch = cases.with_user(billing).get_view(
            self.env.ref("saperx_voip.saperx_overdue_case_list").id, "list"
        )["arch"]
        self.assertIn('name="action_send_notice_again"', arch)
        with freeze_time("2026-11-17 12:00:00"):
            cases.with_user(billing).action_send_notice_again()
            self._deliver()
            cases._follow()
        self.assertEqual(set(cases.mapped("notice_state")), {"sent"})
        self.assertEqual(set(cases.mapped("noticed_on")), {date(2026, 11, 17)})

    def test_the_last_notice_that_bounced_keeps_the_contract(self):
        with self.enter_registry_test_mode():
            for day in ("2026-11-16", "2026-12-01", "2026-12-16"):
                self._run(day)
            self._run("2027-01-15", delivered="bounce")
            self._run("2027-03-01")
            self.assertFalse(self.contract.is_terminated)
            with freeze_time("2027-03-02 12:00:00"):
                self.case._register_notice(date(2027, 3, 2), "in person")
            self._run("2027-03-16")
            self.assertFalse(self.contract.is_terminated)
            self._run("2027-03-17")
        self.assertTrue(self.contract.is_terminated)

    # === What the lines do ===

    def test_lines_follow_a_block_only_with_the_parameter_but_always_an_end(self):
        self.company.saperx_block_lines_with_contract = False
        self._run_days("2026-11-16", "2026-12-01")
        self.assertEqual(self.contract.saperx_block_level, "partial")
        self.assertEqual(self.line._get_wanted_status(), LineStatus.ACTIVE)
        self._run_days("2026-12-16", "2027-01-15", "2027-01-30")
        self.assertEqual(self.line.state, "cancelled")

    def test_the_parameter_switched_on_or_off_is_followed(self):
        self._run_days("2026-11-16", "2026-12-01")
        self.company.saperx_block_lines_with_contract = False
        self._follow("2026-12-02")
        self.assertFalse(self.line.block_level)
        self.assertEqual(self.contract.saperx_block_level, "partial")
        self.company.saperx_block_lines_with_contract = True
        self._follow("2026-12-03")
        self.assertEqual(self.line.block_level, "partial")

    def test_levels_are_what_the_integration_says_they_are(self):
        self.integration.full_block_status = "partially_blocked"
        self._run_days("2026-11-16", "2026-12-01", "2026-12-16")
        self.assertEqual(self.line.block_level, "full")
        self.assertEqual(self.line._get_wanted_status(), LineStatus.PARTIALLY_BLOCKED)

    def test_collect_calls_are_refused_while_blocked_and_come_back(self):
        self.line.did_ids.accept_collect_calls = True
        self._run_days("2026-11-16", "2026-12-01")
        self.assertFalse(self.line._get_wanted_line().dids[0].accept_collect_calls)
        with freeze_time("2026-12-02 12:00:00"):
            self._pay(self.move)
        self._follow("2026-12-02")
        self.assertTrue(self.line._get_wanted_line().dids[0].accept_collect_calls)

    def test_a_line_that_comes_to_a_blocked_contract_is_blocked(self):
        self._run_days("2026-11-16", "2026-12-01")
        other = self._make_line(self.contract, number="555433330002")
        self._follow("2026-12-02")
        self.assertEqual(other.block_level, "partial")

    def test_a_line_that_goes_to_another_contract_does_not_take_the_block_along(self):
        other = self._make_contract(self.env["res.partner"].create({"name": "João"}))
        self._make_line(self.contract, number="555433330003")
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self.line.contract_id = other
        self._follow("2026-12-02")
        self.assertFalse(self.line.block_level)
        self.assertEqual(self.contract.saperx_block_level, "partial")

    def test_one_that_somebody_lifted_stays_lifted_until_the_next_step(self):
        self._run_days("2026-11-16", "2026-12-01")
        self.line.block_ids.action_lift()
        self._follow("2026-12-02")
        self.assertFalse(self.line.block_level)
        self._run_days("2026-12-16")
        self.assertEqual(self.line.block_level, "full")

    # === Payment ===

    def test_payment_restores_what_it_blocked_and_tells_so(self):
        self._run_days("2026-11-16", "2026-12-01")
        case = self.case
        with freeze_time("2026-12-02 12:00:00"):
            self._pay(self.move)
        self._follow("2026-12-02")
        self.assertEqual((case.state, case.closed_because), ("closed", "paid"))
        self.assertEqual(case.closed_on, date(2026, 12, 2))
        self.assertFalse(self.line.block_level)
        self.assertFalse(self.contract.saperx_block_level)
        self.assertEqual(self._count_messages("restored"), 1)
        self._follow("2026-12-02")
        self.assertEqual(self._count_messages("restored"), 1)

    def test_a_payment_wakes_the_task_that_restores(self):
        self._run_days("2026-11-16", "2026-12-01")
        cron = self.env.ref("saperx_voip.ir_cron_overdue_follow")
        triggers = self.env["ir.cron.trigger"]
        triggers.search([("cron_id", "=", cron.id)]).unlink()
        other = self._invoice(self._make_contract(self.partner), date(2026, 12, 30))
        with freeze_time("2026-12-02 12:00:00"):
            self._pay(other)
            self.assertFalse(triggers.search_count([("cron_id", "=", cron.id)]))
            self._pay(self.move)
        self.assertTrue(triggers.search_count([("cron_id", "=", cron.id)]))

    def test_the_task_restores_within_the_hour(self):
        cron = self.env.ref("saperx_voip.ir_cron_overdue_follow")
        self.assertEqual(cron.interval_type, "minutes")
        self.assertLessEqual(cron.interval_number, 60)

    def test_a_mail_that_cannot_be_written_keeps_nobody_blocked(self):
        """The template was deleted, or somebody broke it."""
        self.company.saperx_overdue_user_id = self._make_user("billing")
        self._run_days("2026-11-16", "2026-12-01")
        self.env.ref("saperx_voip.mail_template_overdue_restored").unlink()
        self._pay(self.move)
        with self.assertLogs(FOLLOW_LOG, "ERROR"):
            self._follow("2026-12-02")
        self.assertFalse(self.line.block_level)
        self.assertFalse(self.case)
        self.assertIn(
            "not be told that its service is back",
            str(self.contract.message_ids.mapped("body")),
        )
        self.assertTrue(self.activities)

    def test_payment_lifts_nobody_elses_block(self):
        fraud = self.env["saperx.line.block"].create(
            {"line_id": self.line.id, "reason": "fraud"}
        )
        manual = self.env["saperx.line.block"].create(
            {"line_id": self.line.id, "reason": "overdue", "level": "partial"}
        )
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self._pay(self.move)
        self._follow("2026-12-02")
        self.assertTrue(fraud.is_open)
        self.assertTrue(manual.is_open)
        self.assertEqual(self.line.block_level, "full")

    def test_paid_before_a_block_is_no_news(self):
        self._run_days("2026-11-16")
        case = self.case
        with freeze_time("2026-11-20 12:00:00"):
            self._pay(self.move)
        self._run_days("2026-12-01")
        self.assertEqual(case.closed_because, "paid")
        self.assertFalse(self._count_messages("restored"))
        self.assertFalse(self._count_messages("partial"))

    def test_overdue_again_is_another_case_with_a_notice_of_its_own(self):
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self._pay(self.move)
        self._follow("2026-12-02")
        later = self._invoice(self.contract, date(2026, 12, 10))
        self._run_days("2026-12-15")
        self.assertEqual(self.case.move_ids, later)
        self.assertFalse(self.contract.saperx_block_level)
        self.assertEqual(self.case.next_step_on, date(2026, 12, 30))
        self.assertEqual(len(self.contract.saperx_overdue_case_ids), 2)

    # === Trouble ===

    def test_a_step_planned_twice_is_taken_once(self):
        for day in ("2026-11-16", "2026-12-01"):
            with self._worker(day) as cases:
                planned = cases._get_planned()
                self.assertEqual(len(planned), 1)
                for _worker in range(2):
                    self.assertTrue(cases._take_alone(*planned[0]))
            self._deliver()
            self._follow(day)
        self.assertEqual(self._count_messages("notice"), 1)
        self.assertEqual(self._count_messages("partial"), 1)
        self.assertEqual(len(self.contract.saperx_overdue_case_ids), 1)
        self.assertEqual(len(self.line.block_ids), 1)

    def test_what_changed_since_it_was_planned_is_looked_at_anew(self):
        self._run_days("2026-11-16")
        with self._worker("2026-12-01") as cases:
            (planned,) = cases._get_planned()
            contract = self.contract.with_env(cases.env)
            contract._hold_overdue("promise", date(2026, 12, 5), "called")
            cases._take_alone(*planned)
            self.assertFalse(contract.saperx_block_level)
            contract._hold_overdue(False, False, False)
        with freeze_time("2026-12-01 12:00:00"):
            self._pay(self.move)
        with self._worker("2026-12-01") as cases:
            cases._take_alone(*planned)
        self.assertFalse(self.contract.saperx_block_level)
        self.assertEqual(self.contract.saperx_overdue_case_ids.state, "closed")

    def test_a_notice_planned_for_what_was_paid_meanwhile_is_not_sent(self):
        with self._worker("2026-11-16") as cases:
            (planned,) = cases._get_planned()
        with freeze_time("2026-11-16 12:00:00"):
            self._pay(self.move)
        with self._worker("2026-11-16") as cases:
            cases._take_alone(*planned)
        self.assertFalse(self.contract.saperx_overdue_case_ids)

    def test_one_that_somebody_holds_on_to_is_tried_again_the_same_night(self):
        cron = self.env.ref("saperx_voip.ir_cron_overdue")
        triggers = self.env["ir.cron.trigger"]
        triggers.search([("cron_id", "=", cron.id)]).unlink()
        contracts = type(self.contract)
        with (
            self.enter_registry_test_mode(),
            patch.object(
                contracts, "try_lock_for_update", lambda self, **kw: self.browse()
            ),
        ):
            self._run("2026-11-16")
        self.assertFalse(self.case)
        trigger = triggers.search([("cron_id", "=", cron.id)])
        self.assertEqual(
            trigger.call_at, fields.Datetime.to_datetime("2026-11-16 12:15:00")
        )

    def test_a_step_that_fails_half_way_leaves_nothing_and_stops_nobody(self):
        self.company.saperx_overdue_user_id = self._make_user("billing")
        other = self._make_overdue("Other", "555433330004")
        self._run_days("2026-11-16")
        send = type(self.case)._send

        def break_down(case, name):
            if case.contract_id == self.contract:
                raise ValueError("no template")
            return send(case, name)

        with (
            patch.object(type(self.case), "_send", break_down),
            mute_logger(RUN_LOG),
        ):
            self._run_days("2026-12-01")
        self.assertFalse(self.contract.saperx_block_level)
        self.assertFalse(self.line.block_ids)
        self.assertFalse(self.case.partial_on)
        self.assertIn("no template", self.activities.note)
        self.assertEqual(other.saperx_block_level, "partial")
        self._run_days("2026-12-02")
        self.assertEqual(self.contract.saperx_block_level, "partial")
        self.assertEqual(self._count_messages("partial", other), 1)

    def test_a_task_that_dies_goes_on_where_it_was(self):
        others = [self._make_overdue(f"Other {n}", f"55543333100{n}") for n in range(3)]
        take = type(self.case)._take
        taken = []

        def die(case, kind, today):
            if len(taken) == 2:
                raise KeyboardInterrupt
            taken.append(case.contract_id)
            return take(case, kind, today)

        with (
            self._worker("2026-11-16") as cases,
            patch.object(type(cases), "_take", die),
            self.assertRaises(KeyboardInterrupt),
        ):
            try:
                cases._cron_take_steps()
            finally:
                cases.env.cr.rollback()
        self.assertEqual(len(taken), 2)
        self._run_days("2026-11-16")
        for contract in (self.contract, *others):
            self.assertEqual(self._count_messages("notice", contract), 1)

    def test_a_case_that_cannot_be_followed_keeps_nobody_else_blocked(self):
        other = self._make_overdue("Other", "555433330005")
        self._run_days("2026-11-16", "2026-12-01")
        follow = type(self.case)._follow_now

        def break_down(case):
            if case.contract_id == self.contract:
                raise ValueError("broken")
            return follow(case)

        with freeze_time("2026-12-02 12:00:00"):
            self._pay(other.saperx_overdue_case_id.move_ids)
        with (
            patch.object(type(self.case), "_follow_now", break_down),
            mute_logger(FOLLOW_LOG),
        ):
            self._follow("2026-12-02")
        self.assertFalse(other.saperx_block_level)
        self.assertEqual(self.contract.saperx_block_level, "partial")

    # === Companies ===

    def test_each_company_has_its_own_switch_days_and_holidays(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.assertFalse(other.saperx_overdue_active)
        other.saperx_overdue_partial_days = 20
        self.assertEqual(self.company.saperx_overdue_partial_days, 15)
        self.env["saperx.holiday"].create(
            {"name": "Theirs", "day": "2026-12-01", "company_id": other.id}
        )
        self.assertTrue(other._get_overdue_calendar().is_holiday(date(2026, 12, 1)))
        self.assertFalse(
            self.company._get_overdue_calendar().is_holiday(date(2026, 12, 1))
        )
        stranger = self._make_user("billing", other)
        self._run_days("2026-11-16")
        theirs = self.env["saperx.overdue.case"].with_user(stranger)
        theirs = theirs.with_context(allowed_company_ids=other.ids)
        self.assertFalse(theirs.search([]))
        preview = theirs.env["saperx.overdue.preview"].create({})
        self.assertFalse(preview.due_ids + preview.waiting_ids)

    def test_a_line_of_another_contract_on_the_same_invoice_counts_for_both(self):
        second = self._make_contract(self.partner, name="Second")
        self._make_line(second, number="555433330006")
        fee = second.contract_line_ids.filtered(lambda fee: not fee.is_telephony)
        move = self._invoice(self.contract, date(2026, 11, 9), post=False)
        move.write(
            {
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Second",
                            "price_unit": 10,
                            "tax_ids": [],
                            "contract_line_id": fee.id,
                        }
                    )
                ]
            }
        )
        move.action_post()
        self._run_days("2026-11-16")
        self.assertEqual(second.saperx_overdue_case_id.move_ids, move)
        self.assertEqual(self.case.move_ids, self.move | move)
        self.assertEqual(self.case.due_date, date(2026, 11, 9))

    def test_templates_are_rendered_of_a_contract_that_owes_nothing(self):
        """As Odoo does of any record when an upgrade brings the templates."""
        templates = self.env["mail.template"].search(
            [("model", "=", "contract.contract")]
        )
        templates = templates.filtered(
            lambda template: "saperx" in (template.get_external_id()[template.id])
        )
        self.assertEqual(len(templates), 6)
        for template in templates:
            body = template._render_field("body_html", self.contract.ids)
            self.assertIn(self.contract.name, body[self.contract.id])
