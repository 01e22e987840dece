# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user

from .overdue_common import OverdueCase


class TestOverdueHold(OverdueCase):
    """Promises, exemptions and notices by hand, and whose they are to give."""

    def _hold(self, hold="promise", user=None, **values):
        wizards = self.env["saperx.overdue.hold.wizard"]
        if user:
            wizards = wizards.with_user(user)
        wizard = wizards.create(
            {"contract_id": self.contract.id, "hold": hold, **values}
        )
        wizard.action_hold()

    def test_a_promise_restores_at_once_and_puts_everything_off(self):
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self._hold(until=date(2026, 12, 20), note="called, protocol 12")
        self.assertFalse(self.line.block_level)
        self.assertFalse(self.contract.saperx_block_level)
        self._run_days("2026-12-16", "2026-12-20")
        self.assertFalse(self.contract.saperx_block_level)
        self.assertFalse(self.case.full_on)

    def test_a_broken_promise_is_counted_and_brings_back_what_it_lifted(self):
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self._hold(until=date(2026, 12, 20))
        self._run_days("2026-12-21")
        self.assertFalse(self.contract.saperx_hold)
        self.assertEqual(self.case.broken_promises, 1)
        self.assertEqual(self.contract.saperx_block_level, "partial")
        self.assertEqual(self.line.block_level, "partial")
        self.assertEqual(self._count_messages("partial"), 2)
        # It has its days again before it becomes a full one.
        self._run_days("2026-12-22", "2027-01-04")
        self.assertEqual(self.contract.saperx_block_level, "partial")
        self._run_days("2027-01-05")
        self.assertEqual(self.contract.saperx_block_level, "full")

    def test_a_promise_that_was_kept_is_over_and_holds_no_later_debt(self):
        self._run_days("2026-11-16", "2026-12-01")
        case = self.case
        with freeze_time("2026-12-02 12:00:00"):
            self._hold(until=date(2027, 6, 30))
            self._pay(self.move)
        self._follow("2026-12-02")
        self.assertFalse(self.contract.saperx_hold)
        self.assertEqual(case.closed_because, "paid")
        self.assertFalse(case.broken_promises)
        self._invoice(self.contract, date(2026, 12, 10))
        self._run_days("2026-12-15")
        self.assertEqual(self.case.notice_state, "sent")

    def test_a_promise_kept_on_its_last_day_is_kept(self):
        self._run_days("2026-11-16", "2026-12-01")
        case = self.case
        with freeze_time("2026-12-02 12:00:00"):
            self._hold(until=date(2026, 12, 20))
        with freeze_time("2026-12-20 20:00:00"):
            self._pay(self.move)
        self._follow("2026-12-21")
        self.assertFalse(case.broken_promises)

    def test_an_exemption_without_end_holds_until_somebody_ends_it(self):
        self._hold("exempt", note="hospital")
        self._run_days("2026-11-16", "2027-06-01")
        self.assertFalse(self.contract.saperx_overdue_case_ids)
        self.contract.action_end_overdue_hold()
        self._run_days("2027-06-02")
        self.assertEqual(self.case.noticed_on, date(2027, 6, 2))

    def test_an_exemption_until_a_date_ends_with_that_day(self):
        self._hold("exempt", until=date(2026, 11, 30), note="dispute")
        self._run_days("2026-11-16", "2026-11-30")
        self.assertFalse(self.case)
        self._run_days("2026-12-01", "2026-12-02")
        self.assertFalse(self.contract.saperx_hold)
        self.assertIn("exemption", "".join(self.contract.message_ids.mapped("body")))
        self.assertTrue(self.case.noticed_on)

    def test_an_exemption_outlives_the_debt(self):
        self._run_days("2026-11-16")
        self._hold("exempt", note="partner")
        with freeze_time("2026-11-18 12:00:00"):
            self._pay(self.move)
        self._follow("2026-11-18")
        self.assertEqual(self.contract.saperx_hold, "exempt")

    def test_after_a_hold_the_contract_ends_only_after_another_last_notice(self):
        self._run_days("2026-11-16", "2026-12-01", "2026-12-16", "2027-01-15")
        with freeze_time("2027-01-20 12:00:00"):
            self._hold(until=date(2027, 2, 10))
        self._run_days("2027-02-11", "2027-02-12", "2027-03-12")
        self.assertEqual(self.contract.saperx_block_level, "full")
        self.assertEqual(self._count_messages("last_notice"), 1)
        self._run_days("2027-03-15", "2027-03-29")
        self.assertEqual(self._count_messages("last_notice"), 2)
        self.assertFalse(self.contract.is_terminated)
        self._run_days("2027-03-30")
        self.assertTrue(self.contract.is_terminated)

    def test_a_hold_lifts_no_block_of_another_reason(self):
        self.env["saperx.line.block"].create(
            {"line_id": self.line.id, "reason": "fraud"}
        )
        self._run_days("2026-11-16", "2026-12-01")
        with freeze_time("2026-12-02 12:00:00"):
            self._hold(until=date(2026, 12, 20))
        self.assertEqual(self.line.block_level, "full")

    def test_what_makes_no_sense_is_refused(self):
        with self.assertRaisesRegex(UserError, "nothing to promise"):
            self._hold(until=date(2026, 12, 20))
        self._run_days("2026-11-16")
        with self.assertRaisesRegex(UserError, "past"):
            self._hold(until=date(2026, 11, 1))
        with self.assertRaisesRegex(ValidationError, "needs the day"):
            self._hold()
        for day in (date(2026, 11, 10), date(2026, 11, 18)):
            with self.assertRaisesRegex(UserError, "after"), self.cr.savepoint():
                self.case._register_notice(day, "letter")

    def test_billing_and_managers_decide_with_only_their_role(self):
        self._run_days("2026-11-16")
        for role in ("billing", "manager"):
            user = self._make_user(role)
            self._hold("exempt", user=user, note=role)
            self.assertEqual(self.contract.saperx_hold_note, role)
            self.contract.with_user(user).action_end_overdue_hold()
            self.assertFalse(self.contract.saperx_hold)
            self.env["saperx.overdue.notice.wizard"].with_user(user).create(
                {"case_id": self.case.id, "how": f"told by {role}"}
            ).action_register()
            self.assertEqual(self.case.notice_state, "by_hand")
            self.assertIn(user.name, self.contract.message_ids[0].body)

    def test_nobody_else_does(self):
        self._run_days("2026-11-16")
        case = self.case
        for role in ("user", "technician"):
            user = self._make_user(role)
            contract = self.contract.with_user(user)
            for attempt in (
                lambda c=contract: c.action_hold_overdue(),
                lambda c=contract: c.action_exempt_overdue(),
                lambda c=contract: c.action_end_overdue_hold(),
                lambda c=contract: c.action_register_overdue_notice(),
                lambda c=contract: c.action_send_overdue_notice_again(),
                lambda u=user: case.with_user(u).action_send_notice_again(),
                lambda u=user: self._hold("exempt", user=u, note="mine"),
                lambda u=user: (
                    self.env["saperx.overdue.notice.wizard"]
                    .with_user(u)
                    .create({"case_id": case.id, "how": "mine"})
                ),
                lambda u=user: (
                    self.env["saperx.overdue.preview"].with_user(u).create({})
                ),
                lambda c=contract: c.write({"saperx_hold": "exempt"}),
                lambda u=user: case.with_user(u).write({"state": "closed"}),
                lambda u=user: (
                    self.env["saperx.holiday"]
                    .with_user(u)
                    .create({"name": "Mine", "day": "2026-12-01"})
                ),
            ):
                with self.assertRaises(AccessError):
                    attempt()
        self.assertFalse(self.contract.saperx_hold)

    def test_billing_of_another_company_decides_nothing_here(self):
        self._run_days("2026-11-16")
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("billing", other)
        with self.assertRaises(AccessError):
            self._hold("exempt", user=stranger, note="mine")
        with self.assertRaises(AccessError):
            self.contract.with_user(stranger).action_end_overdue_hold()

    def test_whoever_is_asked_must_be_able_to_look(self):
        outsider = new_test_user(self.env, "outsider", groups="base.group_user")
        billing = self._make_user("billing")
        self.contract.user_id = outsider
        self.assertNotEqual(self.contract._get_saperx_responsible(), outsider)
        self.contract.user_id = billing
        self.assertEqual(self.contract._get_saperx_responsible(), billing)
        manager = self._make_user("manager")
        self.company.saperx_overdue_user_id = manager
        self.assertEqual(self.contract._get_saperx_responsible(), manager)
