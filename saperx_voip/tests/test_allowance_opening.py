# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import SaperxCase, moment

BEGIN = "2026-10-10 03:00:00"


@tagged("post_install", "-at_install")
class TestAllowanceOpening(SaperxCase):
    """Ten minutes a cycle; charging begins here on 10 October, within a cycle."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.integration.charge_calls_from = moment(BEGIN)
        cls.allowance = cls.env["saperx.tariff.allowance"].create(
            {"tariff_id": cls.tariff.id, "quantity": 10, "unit": "minutes"}
        )

    def _open(self, used, line=None, **values):
        return self.env["saperx.allowance.opening"].create(
            {
                "line_id": (line or self.line).id,
                "allowance_id": self.allowance.id,
                "used": used,
                **values,
            }
        )

    def _amounts(self, *remote_ids):
        self.env.invalidate_all()
        return [self._get_call(number).charged_amount for number in remote_ids]

    def test_calls_find_used_what_the_previous_system_charged(self):
        opening = self._open(8.5)
        self.assertEqual(opening.quantity, 510)
        self.assertEqual(opening.cycle_start, date(2026, 10, 1))
        self.assertEqual(opening.cycle_end, date(2026, 10, 31))
        # The first of them was charged there.
        calls = [self._make_call(1, start="2026-10-05 12:00:00")]
        calls += [self._make_call(n, f"2026-10-1{n} 12:00:00") for n in (2, 3, 4)]
        self._import(*calls)
        charge = self._charge()
        self.assertEqual(self._get_call(1).reason, "previous_system")
        self.assertEqual(self._amounts(2, 3, 4), [0, 0.06, 0.12])
        use = charge.allowance_ids
        self.assertEqual((use.before_quantity, use.used_quantity), (510, 90))
        self.assertEqual((use.before, use.used, use.left), (
            "8 min 30 s", "1 min 30 s", "0 min"
        ))  # fmt: skip
        told = self._get_call(3).explanation
        self.assertIn("8 min 30 s of it were used in the previous system.", told)
        statement = self.env["saperx.statement"]
        part = statement._get_parts_of_charges(charge)[0]
        [told] = statement._get_allowances(part)
        self.assertIn("(8 min 30 s used in the previous system)", told.name)
        self.assertEqual((told.used, told.used_by_others), ("1 min 30 s", "–"))
        self.assertFalse(
            self.env["saperx.audit"]._find_violations(self.company),
        )

    def test_unbilled_calls_follow_what_is_entered(self):
        self._import(self._make_call(1))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._amounts(1), [0])
        opening = self._open(10)
        self.assertEqual(self._amounts(1), [0.12])
        opening.used = 9.5
        self.assertEqual(self._amounts(1), [0.06])
        opening.unlink()
        self.assertEqual(self._amounts(1), [0])

    def test_the_cycle_follows_the_moment_from_which_calls_are_charged(self):
        opening = self._open(10)
        self.line.charge_calls_from = moment("2026-09-10 03:00:00")
        self.assertEqual(opening.cycle_end, date(2026, 9, 30))
        self.line.charge_calls_from = False
        self.assertEqual(opening.cycle_end, date(2026, 10, 31))
        self.integration.charge_calls_from = moment("2026-11-02 03:00:00")
        self.assertEqual(opening.cycle_end, date(2026, 11, 30))

    def test_reais_are_centavos(self):
        self.allowance.unit = "reais"
        self.assertEqual(self._open(0.29).quantity, 29)

    def test_it_stays_once_its_cycle_is_charged(self):
        opening = self._open(2)
        self._import(self._make_call(1))
        charge = self._charge()
        for change in (lambda: opening.write({"used": 3}), opening.unlink):
            with self.assertRaisesRegex(UserError, "charged already"):
                change()
        charge.action_cancel()
        opening.used = 3
        self.assertEqual(opening.quantity, 180)

    def test_nothing_was_used_before_of_what_is_charged_here_since_ever(self):
        self.integration.charge_calls_from = False
        with self.assertRaisesRegex(UserError, "Charge Calls From"):
            self._open(1)

    def test_an_allowance_of_another_plan_is_refused(self):
        other = self.tariff.copy({"name": "Other"})
        stranger = self.env["saperx.tariff.allowance"].create(
            {"tariff_id": other.id, "quantity": 10, "unit": "minutes"}
        )
        with self.assertRaisesRegex(ValidationError, "none of the billing plan"):
            self._open(1, allowance_id=stranger.id)

    @mute_logger("odoo.sql_db")
    def test_it_is_entered_once(self):
        self._open(1)
        with self.assertRaises(IntegrityError):
            self._open(2)

    def test_it_comes_by_csv(self):
        result = self.env["saperx.allowance.opening"].load(
            ["line_id", "allowance_id", "used"],
            [[self.line.display_name, self.allowance.display_name, "7.5"]],
        )
        self.assertFalse(result["messages"])
        self.assertEqual(self.line.opening_ids.quantity, 450)

    def test_a_row_means_the_allowance_of_its_lines_plan(self):
        plan = self.tariff.copy({"name": "Other"})
        self.env["saperx.tariff.allowance"].search(
            [("tariff_id", "=", plan.id)]
        ).unlink()
        own = self.allowance.copy({"tariff_id": plan.id})
        self.assertEqual(own.display_name, self.allowance.display_name)
        other = self._make_line(self.contract, "555433335555", tariff_id=plan.id)
        other.account_code = "000008"
        load = self.env["saperx.allowance.opening"].load
        fields = ["line_id", "allowance_id", "used"]
        rows = [
            [self.line.display_name, own.display_name, "7.5"],
            ["000008", own.display_name, "2"],
        ]
        self.assertFalse(load(fields, rows)["messages"])
        self.assertEqual(self.line.opening_ids.allowance_id, self.allowance)
        self.assertEqual(other.opening_ids.allowance_id, own)
        # The same row again corrects it.
        self.assertFalse(load(fields, [["000008", own.display_name, "3"]])["messages"])
        self.assertEqual(other.opening_ids.mapped("quantity"), [180])
        own.copy({"tariff_id": plan.id})
        [message] = load(fields, rows[1:])["messages"]
        self.assertIn("several allowances", message["message"])

    def test_a_row_that_means_several_lines_is_refused(self):
        second = self._make_integration(name="Second")
        self.line.account_code = "000007"
        self._make_line(
            self.contract,
            "555433335555",
            integration_id=second.id,
            plan_id=self.plan.copy({"integration_id": second.id}).id,
            account_code="000007",
        )
        result = self.env["saperx.allowance.opening"].load(
            ["line_id", "allowance_id", "used"],
            [["000007", self.allowance.display_name, "7.5"]],
        )
        self.assertEqual([m["type"] for m in result["messages"]], ["error"])
        self.assertFalse(self.line.opening_ids)

    def test_billing_enters_it_and_others_read(self):
        billing = self._make_user("billing")
        with Form(self.env["saperx.allowance.opening"].with_user(billing)) as form:
            form.line_id = self.line
            form.allowance_id = self.allowance
            form.used = 5
        opening = form.record
        for role in ("user", "technician"):
            with self.assertRaises(AccessError):
                opening.with_user(self._make_user(role)).used = 6
        elsewhere = self._make_user(
            "billing", self.env["res.company"].create({"name": "Elsewhere"})
        )
        openings = self.env["saperx.allowance.opening"].with_user(elsewhere)
        openings = openings.with_context(allowed_company_ids=elsewhere.company_ids.ids)
        self.assertFalse(openings.search([]))
