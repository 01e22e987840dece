# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form
from odoo.tools import mute_logger

from .common import SaperxCase


class TestLineTerms(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.profile = cls.env["saperx.line.profile"].create(
            {
                "name": "Residential",
                "integration_id": cls.integration.id,
                "plan_id": cls.plan.id,
                "tariff_id": cls.tariff.id,
                "credit_limit": 150,
                "simultaneous_calls": 2,
                "closing_day": 20,
                "route": "scm",
                "allow_vc3": False,
            }
        )

    def _minimal(self, **values):
        return {
            "contract_id": self.contract.id,
            "integration_id": self.integration.id,
            **values,
        }

    def test_a_new_line_begins_with_what_the_first_profile_says(self):
        line = self.env["saperx.line"].create(self._minimal())
        self.assertEqual(line.profile_id, self.profile)
        self.assertEqual(line.plan_id, self.plan)
        self.assertEqual(line.tariff_id, self.tariff)
        self.assertEqual(
            (line.credit_limit, line.simultaneous_calls, line.closing_day),
            (150, 2, 20),
        )
        self.assertEqual(line.route, "scm")
        self.assertFalse(line.allow_vc3)
        self.assertTrue(line.allow_vc2)

    def test_what_is_said_for_the_line_goes_before_its_profile(self):
        line = self.env["saperx.line"].create(
            self._minimal(simultaneous_calls=9, allow_vc3=True, tariff_id=False)
        )
        self.assertEqual(line.simultaneous_calls, 9)
        self.assertTrue(line.allow_vc3)
        self.assertFalse(line.tariff_id)

    def test_a_line_may_go_without_a_profile(self):
        line = self._make_line(self.contract, number="551130001000", profile_id=False)
        self.assertFalse(line.profile_id)
        self.assertEqual(line.closing_day, 31)

    def test_the_form_proposes_the_profile_and_follows_another(self):
        other = self.profile.copy({"name": "Office", "simultaneous_calls": 8})
        with Form(
            self.env["saperx.line"].with_context(
                default_contract_id=self.contract.id,
                default_integration_id=self.integration.id,
            )
        ) as form:
            self.assertEqual(form.profile_id, self.profile)
            self.assertEqual(form.plan_id, self.plan)
            self.assertEqual(form.simultaneous_calls, 2)
            form.profile_id = other
            self.assertEqual(form.simultaneous_calls, 8)
        self.assertEqual(form.record.profile_id, other)

    def test_a_postpaid_line_needs_a_credit_limit_unless_told_otherwise(self):
        with self.assertRaisesRegex(ValidationError, "needs a credit limit"):
            self._make_line(self.contract, number="551130001002", credit_limit=0)
        prepaid = self._make_line(
            self.contract, number="551130001000", credit_limit=0, billing_type="prepaid"
        )
        with self.assertRaisesRegex(ValidationError, "needs a credit limit"):
            prepaid.billing_type = "postpaid"
        self.integration.credit_limit_required = False
        self._make_line(self.contract, number="551130001001", credit_limit=0)

    def test_limits_outside_their_range_are_named_with_it(self):
        for values in (
            {"simultaneous_calls": 0},
            {"simultaneous_calls": 10_000},
            {"credit_limit": -1},
            {"credit_limit": 1e20},
            {"closing_day": 32},
        ):
            for record in (self.line, self.profile):
                with (
                    self.subTest(values, model=record._name),
                    self.assertRaisesRegex(ValidationError, "is not between"),
                ):
                    record.write(values)

    def test_a_credit_limit_is_not_taken_back_to_nothing_in_any_spelling(self):
        self.integration.credit_limit_required = False
        for value in (0, False, None, "0", 0.001):
            with (
                self.subTest(value),
                self.assertRaisesRegex(UserError, "keep the old"),
                self.cr.savepoint(),
            ):
                self.line.write({"credit_limit": value})
            self.line.invalidate_recordset()

    def test_a_line_is_found_by_its_number_however_it_is_written(self):
        line_model = self.env["saperx.line"]
        for written in ("(54) 3333-4444", "54 33334444", "555433334444"):
            found = [line_id for line_id, _name in line_model.name_search(written)]
            self.assertIn(self.line.id, found, written)

    @mute_logger("odoo.sql_db")
    def test_an_account_code_is_that_of_one_line_until_it_is_cancelled(self):
        self.line.account_code = "123456"
        values = {"number": "551130001000", "account_code": "123456"}
        with self.assertRaises(psycopg2.errors.UniqueViolation), self.cr.savepoint():
            self._make_line(self.contract, **values)
        self.line.action_cancel()
        self._make_line(self.contract, **values)

    def test_lines_may_wait_for_a_code_of_the_platform_side_by_side(self):
        lines = self.env["saperx.line"].union(
            *(
                self._make_line(self.contract, number=None, account_code=code)
                for code in (False, False, "", "")
            )
        )
        self.env.flush_all()
        self.assertEqual(len(lines), 4)

    def test_the_plans_description_is_filled_when_the_line_is_saved(self):
        self.assertEqual(self.line.plan_description, self.plan.name)
        other = self.plan.copy({"name": "Fale mais", "remote_id": 9})
        self.line.plan_id = other
        self.assertEqual(self.line.plan_description, "Fale mais")

    def test_a_plan_that_vanished_there_shows_on_its_lines(self):
        self.assertFalse(self.line.has_gone_plan)
        self.env["saperx.plan"]._sync(self.integration, [])
        self.assertFalse(self.plan.active)
        self.assertTrue(self.line.has_gone_plan)
        self.assertEqual(self.line.plan_id, self.plan)
        found = self.env["saperx.line"].search([("plan_id.active", "=", False)])
        self.assertIn(self.line, found)
