# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form
from odoo.tools import mute_logger

from ..models import saperx_audit
from .common import MOBILE_SAME_DDD, SaperxCase

# Far from every id that there is.
NOBODY = 999_999_999


class AuditCase(SaperxCase):
    """A line with an allowance, and calls and charges in every state."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_a.taxes_id = False
        cls.tariff.allowance_ids = [Command.create({"unit": "minutes", "quantity": 1})]
        cls.other = cls.env["res.partner"].create({"name": "João"})
        cls._import(
            cls._make_call(1),
            cls._make_call(2, start="2026-10-15 13:00:00"),
            cls._make_call(3, start="2026-10-15 14:00:00", callee=MOBILE_SAME_DDD),
            cls._make_call(4, start="2026-11-02 12:00:00"),
            cls._make_call(5, caller="552133330000", account_code="999999"),
            cls._make_call(6, callee="190"),
        )
        cls.invoiced = cls._generate()
        cls.env["contract.contract"].cron_recurring_create_invoice(date(2026, 12, 1))
        cls.move = cls.invoiced.move_id
        cls.move_line = cls.invoiced.move_line_ids
        cls._import(cls._make_call(7, start="2026-10-16 12:00:00"))
        cls.confirmed = cls._generate()
        cls._import(cls._make_call(8, start="2026-10-17 12:00:00"))
        cls.cancelled = cls._generate()
        cls.cancelled.action_cancel()
        cls.env.flush_all()

    @classmethod
    def _generate(cls):
        return cls.env["saperx.charge"]._generate()

    def _find(self, company=None):
        self.env.invalidate_all()
        return self.env["saperx.audit"]._find_violations(company or self.company)

    def _corrupt(self, records, **values):
        """Write as no user can."""
        assignments = ", ".join(f'"{name}" = %s' for name in values)
        self.env.flush_all()
        self.env.cr.execute(
            f"UPDATE {records._table} SET {assignments} WHERE id = ANY(%s)",
            [*values.values(), records.ids],
        )
        self.env.invalidate_all()

    def _audit(self, origin="hand"):
        """Through the scheduled action. :return: the audit"""
        if origin == "hand":
            self.env["saperx.audit"].action_start()
        else:
            self.env["saperx.audit"]._cron_start()
        self._run_cron()
        return self._get_latest()

    def _get_latest(self, company=None):
        company = company or self.company
        return self.env["saperx.audit"].search(
            [("company_id", "=", company.id)], limit=1
        )

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_audit").method_direct_trigger()


class TestAuditRules(AuditCase):
    def test_nothing_is_found_where_everything_agrees(self):
        states = ("invoiced", "confirmed", "cancelled")
        for state in states:
            self.assertEqual(getattr(self, state).state, state)
        self.assertEqual(
            sorted(self.env["saperx.cdr"].search([]).mapped("state")),
            sorted(["billed"] * 4 + ["unbilled"] * 2 + ["unmatched", "not_chargeable"]),
        )
        self.assertEqual(self._find(), [])

    def _check(self, records, values, *expected):
        """Exactly these are found, once those are written on the records.

        :param expected: pairs of a kind, and the names of the fields told, in order
        """
        with self.subTest(values=values), self.cr.savepoint() as savepoint:
            self._corrupt(records, **values)
            found = {}
            for violation in self._find():
                found.setdefault(violation.kind, []).append(violation.field)
            self.assertEqual(found, dict(expected))
            savepoint.rollback()
        self.env.invalidate_all()

    def test_a_call_that_has_no_state(self):
        self._check(self._get_call(4), {"state": "x"}, ("call_state", ["state"]))

    def test_a_call_whose_line_is_not_what_its_state_says(self):
        self._check(
            self._get_call(5),
            {"line_id": self.line.id},
            ("call_with_line", ["line_id"]),
        )
        for name in ("line_id", "period_id", "contract_id", "partner_id", "cycle_end"):
            self._check(self._get_call(4), {name: None}, ("call_without_line", [name]))

    def test_a_call_that_is_not_its_holders(self):
        call = self._get_call(4)
        contract = self._make_contract(self.other)
        line = self._make_line(contract, "555433334445")
        for name, value in (
            ("partner_id", self.other.id),
            ("contract_id", contract.id),
            ("line_id", line.id),
            ("period_id", NOBODY),
        ):
            self._check(call, {name: value}, ("call_holder", [name]))
        self._check(
            self.line.period_ids,
            {"date_from": "2026-11-10 00:00:00"},
            ("call_holder", ["period_id"] * 7),
        )

    def test_a_call_of_another_integration_or_company(self):
        integration = self._make_integration(name="Second")
        self._check(
            self._get_call(4),
            {"integration_id": integration.id},
            ("call_company", ["integration_id"]),
        )
        other = self.env["res.company"].create({"name": "Other"})
        self._corrupt(self._get_call(4), company_id=other.id)
        self.assertEqual(self._find(), [])
        [found] = self._find(other)
        self.assertEqual((found.kind, found.field), ("call_company", "company_id"))
        self.assertEqual(found.expected, str(self.company.id))

    def test_a_call_outside_its_cycle(self):
        for day in ("2026-11-01", "2026-12-31"):
            self._check(
                self._get_call(4), {"cycle_end": day}, ("call_cycle", ["cycle_end"])
            )

    def test_a_call_whose_reason_does_not_fit(self):
        self._check(self._get_call(6), {"reason": None}, ("call_reason", ["reason"]))
        self._check(self._get_call(4), {"reason": "free"}, ("call_reason", ["reason"]))

    def test_a_call_whose_dispute_does_not_fit(self):
        call = self._get_call(8)
        self._check(call, {"state": "disputed"}, ("call_dispute", ["state"]))
        self.env["saperx.dispute"].create(
            {
                "reason": "not_recognised",
                "call_ids": [Command.create({"call_id": call.id})],
            }
        )
        self.assertEqual(call.state, "disputed")
        self.assertEqual(self._find(), [])
        self._check(call, {"state": "unbilled"}, ("call_dispute", ["state"]))

    def test_a_call_whose_amounts_do_not_fit(self):
        for name in (
            "call_class",
            "charged_seconds",
            "gross_amount",
            "covered_seconds",
            "covered_amount",
            "charged_amount",
        ):
            self._check(
                self._get_call(8), {name: None}, ("call_without_amount", [name])
            )
        for name in ("gross_amount", "covered_amount", "charged_amount"):
            self._check(self._get_call(6), {name: 1}, ("call_with_amount", [name]))
        for name in ("gross_amount", "charged_amount"):
            self._check(
                self._get_call(8), {name: 9}, ("call_amount", ["charged_amount"])
            )
        self._check(
            self._get_call(8),
            {"gross_amount": -1, "charged_amount": -1},
            ("call_amount", ["charged_amount", "gross_amount"]),
        )

    def test_a_call_whose_allowance_does_not_fit(self):
        self.assertTrue(self._get_call(4).allowance_uses)
        self._check(
            self._get_call(4),
            {"allowance_uses": None},
            ("call_allowance", ["allowance_uses"]),
        )
        self._check(
            self._get_call(4),
            {"covered_seconds": 61},
            ("call_allowance", ["covered_seconds"]),
        )

    def test_a_charged_call_in_no_charge_is_missing_from_its_charge_too(self):
        sums = ["amount", "call_count", "charged_seconds", "cost", "gross_amount"]
        self._check(
            self._get_call(7),
            {"charge_id": None},
            ("call_without_charge", ["charge_id"]),
            ("charge_class", sums),
            (
                "charge_sum",
                [
                    "amount",
                    "call_count",
                    "charged_seconds",
                    "cost",
                    "gross_amount",
                    "margin",
                ],
            ),
        )

    def test_a_call_in_a_charge_that_did_not_take_it(self):
        self._check(
            self._get_call(7),
            {"state": "unbilled"},
            ("call_with_charge", ["charge_id"]),
        )

    def test_a_call_in_a_charge_that_is_not_its_own(self):
        self._check(
            self.confirmed,
            {"cycle_end": "2026-11-30"},
            ("call_of_other_charge", ["cycle_end"]),
        )

    def test_a_charge_that_is_not_the_sum_of_its_calls(self):
        for name in (
            "call_count",
            "charged_seconds",
            "gross_amount",
            "covered_amount",
            "amount",
            "cost",
            "margin",
        ):
            self._check(self.confirmed, {name: 99}, ("charge_sum", [name]))

    def test_the_cost_of_a_charge_may_be_rounded_either_way(self):
        exact = 0.045
        self._corrupt(self._get_call(7), platform_cost=exact)
        self._corrupt(self.confirmed.class_ids, cost=exact)
        for cost, margin in ((0.04, 0.08), (0.05, 0.07)):
            self._check(self.confirmed, {"cost": cost, "margin": margin})

    def test_a_class_of_a_charge_that_is_not_the_sum_of_its_calls(self):
        for name in (
            "call_count",
            "charged_seconds",
            "gross_amount",
            "covered_amount",
            "amount",
            "cost",
        ):
            self._check(self.confirmed.class_ids, {name: 99}, ("charge_class", [name]))
        [violation] = self._find_with(self.confirmed.class_ids, {"amount": 99})
        self.assertEqual(violation.detail, "ldn")
        self.assertEqual(violation.record_id, self.confirmed.id)

    def _find_with(self, records, values):
        self._corrupt(records, **values)
        return self._find()

    def test_a_cancelled_charge_that_holds_calls(self):
        self._check(
            self._get_call(8),
            {"state": "billed", "charge_id": self.cancelled.id},
            ("charge_cancelled", ["call_count"]),
        )

    def test_a_charge_that_is_not_its_holders(self):
        self._check(
            self.confirmed,
            {"partner_id": self.other.id},
            ("call_of_other_charge", ["partner_id"]),
            ("charge_holder", ["partner_id"]),
        )

    def test_an_allowance_that_is_not_what_its_calls_drew(self):
        used = self.invoiced.allowance_ids
        self.assertEqual(used.used_quantity, 60)
        self._check(used, {"used_quantity": 30}, ("allowance_use", ["allowance_ids"]))
        # Of one that no call drew on.
        self.env.cr.execute(
            "UPDATE saperx_charge_allowance SET used_quantity = 0 WHERE charge_id = %s",
            [self.confirmed.id],
        )
        self._check(
            self._get_call(1),
            {"allowance_uses": '{"%s": 50}' % used.allowance_id.id},
            ("allowance_use", ["allowance_ids"]),
        )

    def test_an_allowance_of_which_more_was_used_than_there_was(self):
        uses = (self.invoiced | self.confirmed).allowance_ids
        self._check(
            uses, {"own_quantity": 59}, ("allowance_exceeded", ["allowance_ids"])
        )
        self._check(uses, {"own_quantity": 40, "carried_quantity": 20})
        # What went to the next cycle is not there any more.
        self._check(
            uses,
            {"own_quantity": 40, "carried_quantity": 20, "carried_away": 1},
            ("allowance_exceeded", ["allowance_ids"]),
        )

    def test_an_invoiced_charge_without_an_invoice(self):
        self._check(self.move, {"state": "cancel"}, ("invoice_missing", ["state"]))

    def test_a_charge_on_a_live_invoice_that_is_not_invoiced(self):
        for state in ("draft", "confirmed", "written_off"):
            self._check(
                self.invoiced, {"state": state}, ("invoice_unexpected", ["state"])
            )

    def test_a_cancelled_invoice_is_no_live_one(self):
        self.move.button_cancel()
        self.assertEqual(self.invoiced.state, "confirmed")
        self.assertEqual(self._find(), [])

    def test_what_came_off_an_invoice_is_on_it_no_more(self):
        self.move.action_post()
        self.assertEqual(self._find(), [])
        self.move._reverse_charges(self.invoiced, "wrong")
        self.assertEqual(self.invoiced.state, "confirmed")
        self.assertEqual(self._find(), [])
        self.contract._invoice_telephony()
        self.assertEqual(self.invoiced.state, "invoiced")
        self.assertEqual(self._find(), [])

    def test_a_charge_on_two_live_invoices(self):
        copy = self.move.copy().invoice_line_ids
        self._check(
            copy.filtered(lambda line: line.price_unit == self.move_line.price_unit),
            {"saperx_charge_id": self.invoiced.id},
            ("invoice_twice", ["move_id"]),
        )

    def test_an_invoice_whose_lines_are_not_the_charges_amount(self):
        for values in (
            {"price_unit": 99},
            {"quantity": 2},
            {"discount": 10},
        ):
            self._check(self.move_line, values, ("invoice_sum", ["amount"]))

    def test_an_invoice_of_somebody_else(self):
        self._check(
            self.move,
            {"commercial_partner_id": self.other.id},
            ("invoice_other", ["partner_id"]),
        )
        self._check(
            self.move_line,
            {"contract_line_id": None},
            ("invoice_other", ["contract_id"]),
        )
        company = self.env["res.company"].create({"name": "Other"})
        self._check(
            self.move,
            {"company_id": company.id},
            ("invoice_other", ["company_id"]),
        )

    def test_an_import_that_lost_a_record(self):
        self._check(
            self.env["saperx.cdr.import"].search([], limit=1),
            {"read_count": 2},
            ("import_count", ["read_count"]),
        )

    def test_a_correction_of_a_call_that_is_not_charged(self):
        self._import(self._make_call(7, start="2026-10-16 12:00:00", talk_seconds=90))
        self.assertEqual(self._find(), [])
        self.confirmed.action_cancel()
        self.assertEqual(self._find(), [])
        change = self.env["saperx.cdr.change"].search([])
        self._check(change, {"state": "open"}, ("correction_of_uncharged", ["state"]))

    def test_a_thousand_of_one_kind_do_not_hide_another(self):
        self._corrupt(self._get_call(4), charged_amount=9)
        self._corrupt(self._get_call(6), reason=None)
        self._corrupt(self._get_call(8), charged_amount=9)
        with patch.object(saperx_audit, "LISTED", 1):
            self.assertEqual(
                [violation.kind for violation in self._find()],
                ["call_amount", "call_reason"],
            )


class TestAudit(AuditCase):
    def test_an_audit_tells_what_it_looked_at(self):
        audit = self._audit()
        self.assertEqual(audit.state, "done")
        self.assertEqual(audit.result, "agrees")
        self.assertEqual((audit.call_count, audit.charge_count), (8, 3))
        self.assertEqual(audit.unmatched_count, 1)
        self.assertEqual(
            set(audit.check_ids.filtered("checked_count").mapped("step")),
            {"calls", "charges", "allowances", "imports"},
        )

    def test_what_it_finds_is_kept_with_record_values_and_advice(self):
        self._corrupt(self.confirmed, amount=99)
        audit = self._audit()
        self.assertEqual(audit.result, "broken")
        violation = audit.violation_ids
        self.assertEqual(violation.kind, "charge_sum")
        self.assertIn(self.confirmed.display_name, violation.record_name)
        self.assertEqual(violation.field_label, "Amount")
        self.assertIn("0.12", violation.expected)
        self.assertIn("99.00", violation.found)
        self.assertIn("Cancel the additional", violation.advice)
        self.assertEqual(violation.action_open_record()["res_id"], self.confirmed.id)
        # Later runs leave it.
        self._corrupt(self.confirmed, amount=0.12)
        self.assertEqual(self._audit().result, "agrees")
        self.assertEqual(audit.violation_count, 1)

    def test_every_kind_can_be_told(self):
        audit = self._audit()
        kinds = dict(audit.violation_ids._fields["kind"].selection)
        self.assertEqual(set(audit.check_ids.mapped("kind")), set(kinds))
        values = {
            "call_holder": ("saperx.cdr", "partner_id", None, str(self.other.id)),
            "call_cycle": ("saperx.cdr", "cycle_end", "2026-10-31", "2026-12-31"),
            "call_state": ("saperx.cdr", "state", None, "billed"),
            "invoice_twice": ("saperx.charge", "move_id", "1", "A, B"),
            "import_count": ("saperx.cdr.import", "read_count", "1", "2"),
        }
        use = self.invoiced.allowance_ids.allowance_id
        violations = self.env["saperx.audit.violation"].create(
            [
                {
                    "audit_id": audit.id,
                    "kind": kind,
                    "model": model,
                    "record_id": NOBODY,
                    "field_name": name,
                    "expected_value": expected,
                    "found_value": found,
                }
                for kind in kinds
                for model, name, expected, found in [
                    values.get(kind, ("saperx.charge", "amount", None, None))
                ]
            ]
        )
        use = self.env["saperx.audit.violation"].create(
            {
                "audit_id": audit.id,
                "kind": "allowance_use",
                "model": "saperx.charge",
                "record_id": self.invoiced.id,
                "field_name": "allowance_ids",
                "detail": str(use.id),
                "expected_value": "60",
                "found_value": "30",
            }
        )
        self.assertEqual((use.expected, use.found), ("1 min", "30 s"))
        self.assertIn(use.field_label, "Allowances · 1 min")
        for violation in violations:
            self.assertTrue(violation.advice)
            self.assertTrue(violation.expected)
            self.assertTrue(violation.found)
            self.assertIn(f"#{NOBODY}", violation.record_name)
        by_kind = {violation.kind: violation for violation in violations}
        self.assertEqual(by_kind["call_holder"].found, self.other.display_name)
        self.assertEqual(by_kind["call_state"].found, "Charged")
        self.assertEqual(by_kind["call_cycle"].found, "12/31/2026")

    def test_of_one_kind_some_are_listed_and_all_are_counted(self):
        for number in (4, 8):
            self._corrupt(self._get_call(number), charged_amount=9)
        with patch.object(saperx_audit, "LISTED", 1):
            audit = self._audit()
        self.assertEqual(audit.violation_count, 2)
        self.assertEqual(audit.listed_count, 1)
        self.assertEqual(len(audit.violation_ids), 1)

    def test_records_are_looked_at_in_pieces_that_together_are_all(self):
        self._corrupt(self._get_call(1), charged_amount=9)
        self._corrupt(self._get_call(8), charged_amount=9)
        whole = self._audit()
        small = [
            type(step)(step.name, step.table, 1, step.queries, step.kinds)
            if step.name in ("calls", "charges")
            else step
            for step in saperx_audit.STEPS
        ]
        with patch.object(saperx_audit, "STEPS", small):
            pieces = self._audit()
        self.assertEqual(pieces.call_count, whole.call_count)
        self.assertEqual(
            pieces.violation_ids.mapped(lambda v: (v.kind, v.record_id, v.field_name)),
            whole.violation_ids.mapped(lambda v: (v.kind, v.record_id, v.field_name)),
        )

    def test_an_audit_that_broke_off_is_gone_on_with(self):
        self._corrupt(self._get_call(8), charged_amount=9)
        look = type(self.env["saperx.audit"])._look

        def break_off(audit, step, company, after_id):
            if step.name == "charges":
                raise ValueError("the light went out")
            return look(audit, step, company, after_id)

        with (
            patch.object(type(self.env["saperx.audit"]), "_look", break_off),
            self.assertLogs(saperx_audit.__name__, "ERROR"),
        ):
            audit = self._audit()
        self.assertEqual((audit.state, audit.error), ("failed", "the light went out"))
        audit.action_retry()
        self._run_cron()
        self.assertEqual((audit.state, audit.error), ("done", False))
        self.assertEqual((audit.call_count, audit.charge_count), (8, 3))
        self.assertEqual(len(audit.violation_ids), 1)

    def test_pressed_twice_it_is_one_audit(self):
        model = self.env["saperx.audit"]
        first, second = model.action_start(), model.action_start()
        self.assertEqual(first["res_id"], second["res_id"])

    def test_it_looks_at_one_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        self._corrupt(self._get_call(4), charged_amount=9)
        audit = self.env["saperx.audit"].with_company(other)
        audit = audit.browse(audit.action_start()["res_id"])
        self._run_cron()
        self.assertEqual(audit.company_id, other)
        self.assertEqual((audit.call_count, audit.result), (0, "agrees"))

    def test_every_night_each_company_with_an_integration_is_audited(self):
        self.env["res.company"].create({"name": "Without telephony"})
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_audit_start").method_direct_trigger()
        audits = self.env["saperx.audit"].search([])
        self.assertEqual(audits.company_id, self.company)
        self.assertEqual(audits.origin, "schedule")
        # One that is not done yet is gone on with.
        self.env["saperx.audit"]._cron_start()
        self.assertEqual(self.env["saperx.audit"].search([]), audits)

    def test_billing_is_told_of_what_the_night_found_until_it_is_mended(self):
        billing = self._make_user("billing")
        technician = self._make_user("technician")
        self._corrupt(self._get_call(8), charged_amount=9)
        first = self._audit("schedule")
        told = first.activity_ids.user_id
        self.assertIn(billing, told)
        self.assertNotIn(technician, told)
        self.assertIn("gross less allowance", first.activity_ids[0].note)
        self.company.saperx_audit_user_id = billing
        second = self._audit("schedule")
        self.assertFalse(first.activity_ids)
        self.assertEqual(second.activity_ids.user_id, billing)
        self._corrupt(self._get_call(8), charged_amount=0.12)
        self.assertFalse(self._audit("schedule").activity_ids)
        self.assertFalse(second.activity_ids)

    def test_whoever_presses_the_button_sees_it_himself(self):
        self._make_user("billing")
        self._corrupt(self._get_call(8), charged_amount=9)
        self.assertFalse(self._audit().activity_ids)

    def test_roles(self):
        self._corrupt(self._get_call(8), charged_amount=9)
        for role in ("billing", "manager"):
            user = self._make_user(role)
            audit = self.env["saperx.audit"].with_user(user)
            audit = audit.browse(audit.action_start()["res_id"])
            self._run_cron()
            self.assertEqual(audit.result, "broken")
            self.assertTrue(audit.violation_ids.read(["record_name", "advice"]))
            Form(audit.violation_ids)
            Form(audit)
            with self.assertRaises(AccessError), self.cr.savepoint():
                audit.write({"state": "done"})
            with self.assertRaises(AccessError), self.cr.savepoint():
                audit.violation_ids.unlink()
        for role in ("user", "technician"):
            user = self._make_user(role)
            for model in (
                "saperx.audit",
                "saperx.audit.check",
                "saperx.audit.violation",
            ):
                with self.assertRaises(AccessError), self.cr.savepoint():
                    self.env[model].with_user(user).search([])
            with self.assertRaises(AccessError), self.cr.savepoint():
                self.env["saperx.audit"].with_user(user).action_start()

    @mute_logger("odoo.addons.base.models.ir_rule")
    def test_another_company_sees_nothing_of_it(self):
        self._corrupt(self._get_call(8), charged_amount=9)
        audit = self._audit()
        other = self.env["res.company"].create({"name": "Other"})
        user = self._make_user("billing", other)
        for records in (audit, audit.check_ids, audit.violation_ids):
            self.assertTrue(records)
            with self.assertRaises(AccessError), self.cr.savepoint():
                records.with_user(user).read()
