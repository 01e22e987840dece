# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from .overdue_common import OverdueCase

WATCHED = (
    "saperx_overdue_case", "saperx_line_block", "contract_contract", "saperx_line",
    "mail_message", "mail_mail", "mail_activity", "mail_notification",
)  # fmt: skip


class TestOverduePreview(OverdueCase):
    """The dry run says what the task then does, and writes nothing."""

    def _preview(self, day, now=None):
        """As the web client shows it. :return: rows to do, and rows that wait"""
        with freeze_time(f"{now or day} 12:00:00"):
            preview = self.env["saperx.overdue.preview"].new({"day": day})
            return preview.due_ids, preview.waiting_ids

    def _why(self, day, contract=None):
        due, waiting = self._preview(day)
        contract = contract or self.contract
        self.assertFalse(due.filtered(lambda row: row.contract_id == contract))
        return waiting.filtered(lambda row: row.contract_id == contract).obstacle

    def _snapshot(self):
        self.env.flush_all()
        rows = {}
        for table in WATCHED:
            self.env.cr.execute(f"SELECT t::text FROM {table} t ORDER BY id")
            rows[table] = self.env.cr.fetchall()
        return rows

    def test_it_is_tomorrows_by_default_and_writes_nothing(self):
        self._run_days("2026-11-16")
        before = self._snapshot()
        with freeze_time("2026-11-30 12:00:00"):
            preview = self.env["saperx.overdue.preview"].create({})
            self.assertEqual(preview.day, date(2026, 12, 1))
            self.assertEqual(preview.due_ids.step, "partial")
            self.assertEqual(preview.due_ids.contract_id, self.contract)
            self.assertIn("Partial block: 1", preview.summary)
        self.assertEqual(self._snapshot(), before)

    def test_what_it_says_is_what_the_task_does(self):
        other = self._make_overdue("Other", "555433330020")
        for day, step in (
            ("2026-11-16", "notice"),
            ("2026-12-01", "partial"),
            ("2026-12-16", "full"),
            ("2027-01-15", "last_notice"),
            ("2027-01-30", "cancel"),
        ):
            due, waiting = self._preview(day)
            self.assertEqual(due.contract_id, self.contract | other)
            self.assertEqual(set(due.mapped("step")), {step})
            self.assertFalse(waiting)
            self._run_days(day)
            due, _waiting = self._preview(day)
            self.assertFalse(due)

    def test_it_says_why_others_do_not(self):
        self.assertEqual(self._why("2026-11-12"), "not_yet")
        self.assertEqual(self._why("2026-11-15"), "rest_day")
        self.contract._hold_overdue("exempt", False, "hospital")
        self.assertEqual(self._why("2026-11-16"), "held")
        self.contract._hold_overdue(False, False, False)
        self._run_days("2026-11-16")
        self.assertEqual(self._why("2026-11-30"), "not_yet")
        self.company.saperx_overdue_spares_rest_days = True
        self.assertEqual(self._why("2026-12-05"), "rest_day")
        self.case.notice_state = "failed"
        self.assertEqual(self._why("2026-12-01"), "notice_failed")
        self.case.notice_state = "waiting"
        self.assertEqual(self._why("2026-12-01"), "notice_waiting")
        self.case.notice_state = "sent"
        self._pay(self.move)
        self.assertEqual(self._why("2026-12-01"), "paid")

    def test_after_the_last_step_there_is_none(self):
        self.company.saperx_overdue_cancel_days = 0
        self._run_days("2026-11-16", "2026-12-01", "2026-12-16")
        self.assertEqual(self._why("2026-12-17"), "last")

    def test_a_promise_that_ends_before_the_day_holds_nothing_on_it(self):
        self._run_days("2026-11-16")
        self.contract._hold_overdue("promise", date(2026, 12, 5), "called")
        _due, waiting = self._preview("2026-12-05", now="2026-12-01")
        self.assertEqual(waiting.obstacle, "held")
        due, _waiting = self._preview("2026-12-06", now="2026-12-01")
        self.assertEqual(due.step, "partial")

    def test_switched_off_it_shows_what_would_be(self):
        self.company.saperx_overdue_active = False
        due, _waiting = self._preview("2026-11-16")
        self.assertEqual(due.step, "notice")

    def test_billing_sees_it_with_only_its_role_and_its_companies(self):
        billing = self._make_user("billing")
        other = self.env["res.company"].create({"name": "Other"})
        previews = self.env["saperx.overdue.preview"].with_user(billing)
        with freeze_time("2026-11-16 12:00:00"):
            preview = previews.create({"day": "2026-11-16"})
            self.assertEqual(preview.due_ids.contract_id, self.contract)
            foreign = previews.new({"day": "2026-11-16", "company_id": other.id})
            self.assertFalse(foreign._foresee())


class TestOverdueVolume(OverdueCase):
    """What the task asks the database grows with what is overdue, not with all."""

    def _count_queries(self, run):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        run()
        self.env.flush_all()
        return self.cr.sql_log_count - before

    def _plan(self):
        with freeze_time("2026-11-16 12:00:00"):
            return self.env["saperx.overdue.case"]._get_planned()

    def _make_paid(self, count):
        """Contracts with lines whose only invoice is not due, or is paid."""
        for n in range(count):
            partner = self.env["res.partner"].create({"name": f"Paid {n}"})
            contract = self._make_contract(partner)
            self._make_line(contract, number=f"5511300010{n:02}")
            self._invoice(contract, date(2026, 12, 30))
            self._pay(self._invoice(contract, date(2026, 11, 1)))

    def test_contracts_that_are_not_overdue_cost_no_query(self):
        self._plan()
        few = self._count_queries(self._plan)
        self._make_paid(10)
        self.assertEqual(self._count_queries(self._plan), few)

    def test_finding_more_that_are_overdue_costs_hardly_any(self):
        self._make_overdue("Second", "555433330030")
        self._plan()
        few = self._count_queries(self._plan)
        for n in range(10):
            self._make_overdue(f"More {n}", f"55543333004{n}")
        self.assertLessEqual(self._count_queries(self._plan), few + 2)
        self._run_days("2026-11-16")
        self.assertLessEqual(self._count_queries(self._plan), few + 8)

    def test_following_is_by_batches(self):
        for n in range(4):
            self._make_overdue(f"More {n}", f"55543333005{n}")
        self._run_days("2026-11-16")
        cases = self.env["saperx.overdue.case"].search([("state", "=", "open")])
        with freeze_time("2026-11-17 12:00:00"):
            cases[:1]._follow()
            one = self._count_queries(cases[:1]._follow)
            five = self._count_queries(cases._follow)
        self.assertLess(five, one * 3)
