# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from decimal import Decimal

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form

from .common import MOBILE_SAME_DDD
from .test_audit import AuditCase


class TestReconciliation(AuditCase):
    """Besides the charges of an audit: 0.10 and 0.04 of each call on the platform."""

    def _reconcile(self, **values):
        wizard = self.env["saperx.reconciliation.wizard"].create(
            {"date_from": "2026-10-01", "date_to": "2026-10-31", **values}
        )
        return self.env["saperx.reconciliation.row"].search(
            wizard.action_show()["domain"]
        )

    def _sum(self, rows, name):
        """Exactly, of numbers that were read from numeric columns."""
        return sum(Decimal(str(value)) for value in rows.mapped(name))

    def test_proposed_is_last_month(self):
        wizard = Form(self.env["saperx.reconciliation.wizard"])
        self.assertEqual(wizard.date_from, date(2026, 10, 1))
        self.assertEqual(wizard.date_to, date(2026, 10, 31))

    def test_each_class_of_a_cycle_stands_beside_what_the_platform_says(self):
        rows = self._reconcile(date_to="2026-11-30")
        charged = rows.filtered(lambda row: row.state == "billed")
        ldn = charged.filtered(lambda row: row.call_class == "ldn")
        # Calls 1, 2 and 7; the allowance took the first of them.
        self.assertEqual(len(ldn), 1)
        self.assertEqual(ldn.cycle_end, date(2026, 10, 31))
        self.assertEqual(ldn.call_count, 3)
        self.assertEqual(ldn.charged_seconds, 180)
        self.assertEqual(self._sum(ldn, "gross_amount"), Decimal("0.36"))
        self.assertEqual(self._sum(ldn, "covered_amount"), Decimal("0.12"))
        self.assertEqual(self._sum(ldn, "amount"), Decimal("0.24"))
        self.assertEqual(self._sum(ldn, "platform_amount"), Decimal("0.3"))
        self.assertEqual(self._sum(ldn, "cost"), Decimal("0.12"))
        self.assertEqual(self._sum(ldn, "difference"), Decimal("0.06"))
        self.assertEqual(self._sum(ldn, "margin"), Decimal("0.12"))
        mobile = charged - ldn
        self.assertEqual(mobile.call_class, "vc1")
        self.assertEqual(self._sum(mobile, "difference"), Decimal("0.4"))
        waiting = rows.filtered(lambda row: row.state == "unbilled")
        self.assertEqual(
            waiting.mapped("cycle_end"), [date(2026, 10, 31), date(2026, 11, 30)]
        )

    def test_calls_of_no_line_count_on_their_own_day(self):
        self._import(
            self._make_call(
                20, "2026-11-01 02:59:59", caller="552133330000", account_code="999999"
            ),
            self._make_call(
                21, "2026-11-01 03:00:00", caller="552133330000", account_code="999999"
            ),
        )
        rows = self._reconcile().filtered(lambda row: row.state == "unmatched")
        self.assertEqual(
            {row.day: row.call_count for row in rows},
            {date(2026, 10, 15): 1, date(2026, 10, 31): 1},
        )
        for row in rows:
            calls = self.env["saperx.cdr"].search(row.action_view_calls()["domain"])
            self.assertEqual(len(calls), 1)

    def test_everything_is_there_once_and_exactly(self):
        tiny = Decimal("0.000001")
        self._import(
            *(
                self._make_call(
                    number,
                    f"2026-10-20 12:00:{number}",
                    platform_amount=tiny,
                    platform_cost=3 * tiny,
                )
                for number in range(30, 40)
            ),
            self._make_call(40, platform_amount=None, platform_cost=None),
        )
        rows = self._reconcile()
        calls = self.env["saperx.cdr"].search([("start", "<", "2026-11-01 03:00:00")])
        self.assertEqual(sum(rows.mapped("call_count")), len(calls))
        self.assertEqual(self._sum(rows, "platform_amount"), Decimal("0.7") + 10 * tiny)
        self.assertEqual(self._sum(rows, "cost"), Decimal("0.28") + 30 * tiny)
        again = self._reconcile()
        self.assertEqual(len(again), len(rows))
        for row in rows:
            found = self.env["saperx.cdr"].search(row.action_view_calls()["domain"])
            self.assertEqual(len(found), row.call_count)

    def test_shown_twice_it_counts_once(self):
        rows = self._reconcile()
        wizard = rows.wizard_id
        wizard.action_show()
        self.assertEqual(len(wizard.row_ids), len(rows))

    def test_only_cycles_that_close_within_the_days(self):
        rows = self._reconcile(date_from="2026-11-01", date_to="2026-11-30")
        self.assertEqual(rows.mapped("call_count"), [1])
        self.line.closing_day = 10
        self.env["saperx.cdr"]._reassess([])
        rows = self._reconcile(date_from="2026-11-01", date_to="2026-11-30")
        self.assertEqual(set(rows.mapped("cycle_end")), {date(2026, 11, 10)})
        with self.assertRaises(ValidationError):
            self._reconcile(date_from="2026-11-01", date_to="2026-10-31")

    def test_of_one_integration(self):
        other = self._make_integration(name="Second")
        self.assertFalse(self._reconcile(integration_id=other.id))
        self.assertTrue(self._reconcile(integration_id=self.integration.id))

    def test_corrections_that_wait_are_told_beside_the_figures(self):
        self._import(
            self._make_call(
                7,
                "2026-10-16 12:00:00",
                talk_seconds=120,
                platform_amount=Decimal("0.20"),
                platform_cost=Decimal("0.07"),
            )
        )
        rows = self._reconcile()
        row = rows.filtered("correction_count")
        self.assertEqual((row.state, row.call_class), ("billed", "ldn"))
        self.assertEqual(row.correction_count, 1)
        self.assertEqual(self._sum(row, "correction_amount"), Decimal("0.12"))
        self.assertEqual(self._sum(row, "correction_platform_amount"), Decimal("0.1"))
        self.assertEqual(self._sum(row, "correction_cost"), Decimal("0.03"))
        # As charged, until somebody decides.
        self.assertEqual(self._sum(row, "platform_amount"), Decimal("0.3"))
        change = self.env["saperx.cdr.change"].search(
            row.action_view_corrections()["domain"]
        )
        self.assertEqual(change.call_id, self._get_call(7))
        change.action_acknowledge()
        self.assertFalse(self._reconcile().filtered("correction_count"))

    def test_roles(self):
        for role in ("billing", "manager"):
            user = self._make_user(role)
            wizard = self.env["saperx.reconciliation.wizard"].with_user(user)
            wizard = wizard.create({})
            rows = self.env["saperx.reconciliation.row"].with_user(user)
            rows = rows.search(wizard.action_show()["domain"])
            self.assertTrue(rows.read(["cost", "margin"]))
            self.assertFalse(
                self.env["saperx.reconciliation.row"]
                .with_user(user.copy({"login": f"{role} again"}))
                .search([])
            )
        for role in ("user", "technician"):
            user = self._make_user(role)
            with self.assertRaises(AccessError), self.cr.savepoint():
                self.env["saperx.reconciliation.wizard"].with_user(user).create({})
            with self.assertRaises(AccessError), self.cr.savepoint():
                self.env["saperx.reconciliation.row"].with_user(user).search([])

    def test_another_companys_calls_are_not_counted(self):
        other = self.env["res.company"].create({"name": "Other"})
        user = self._make_user("billing", other)
        wizard = self.env["saperx.reconciliation.wizard"].with_user(user)
        wizard = wizard.with_context(allowed_company_ids=other.ids).create({})
        self.assertEqual(wizard.company_id, other)
        wizard.action_show()
        self.assertFalse(wizard.row_ids)
        with self.assertRaises(AccessError), self.cr.savepoint():
            wizard.company_id = self.company
            wizard.action_show()

    def test_a_mobile_call_is_of_its_own_class(self):
        self._import(self._make_call(50, "2026-10-18 12:00:00", callee=MOBILE_SAME_DDD))
        rows = self._reconcile().filtered(lambda row: row.state == "unbilled")
        self.assertEqual(rows.mapped("call_class"), ["ldn", "vc1"])
