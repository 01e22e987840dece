# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user

from .common import SaperxCase

MODELS = (
    "saperx.integration",
    "saperx.plan",
    "saperx.group",
    "saperx.tariff",
    "saperx.tariff.rate",
    "saperx.tariff.allowance",
    "saperx.line",
    "saperx.line.profile",
    "saperx.line.block",
    "saperx.line.period",
    "saperx.line.activity",
    "saperx.line.registration",
    "saperx.did",
    "saperx.number.range",
    "saperx.number",
    "saperx.cdr",
    "saperx.cdr.import",
    "saperx.schedule",
    "saperx.recalculation",
    "saperx.charge",
    "saperx.charge.class",
    "saperx.charge.hold",
    "saperx.charging",
    "saperx.api.log",
    "saperx.sentinel",
    "saperx.sentinel.call",
    "saperx.sentinel.balance",
    "saperx.fraud.alert",
    "saperx.circuit",
    "saperx.circuit.reading",
    "saperx.line.difference",
    "saperx.adoption",
    "saperx.adoption.row",
    "saperx.adoption.proposal",
    "saperx.allowance.opening",
    "saperx.api.diagnosis",
    "saperx.api.diagnosis.path",
    "saperx.api.diagnosis.finding",
)


class TestAccess(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._make_user(role)
            for role in ("user", "technician", "billing", "manager")
        }
        cls.users["employee"] = new_test_user(
            cls.env,
            "saperx-employee",
            groups="base.group_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        cls.users["portal"] = new_test_user(
            cls.env,
            "saperx-portal",
            groups="base.group_portal",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _as(self, role, records):
        return records.with_user(self.users[role]).with_context(tracking_disable=False)

    def test_nobody_outside_the_roles_sees_anything(self):
        for role in ("employee", "portal"):
            for model in MODELS:
                with self.assertRaises(AccessError, msg=f"{role} {model}"):
                    self._as(role, self.env[model]).search([])

    def test_every_role_reads_lines_and_their_contracts(self):
        for role in ("user", "technician", "billing", "manager"):
            line = self._as(role, self.line)
            self.assertTrue(line.read(["display_name", "state", "partner_id"]))
            self.assertTrue(line.contract_id.read(["name", "contract_line_ids"]))

    def test_a_technician_makes_and_ends_a_line_and_its_numbers(self):
        lines = self._as("technician", self.env["saperx.line"])
        line = lines.create(
            {
                "contract_id": self.contract.id,
                "integration_id": self.integration.id,
                "plan_id": self.plan.id,
                "credit_limit": 100,
                "did_ids": [Command.create({"number": "551130001000"})],
                "password": "Given-by-hand-1",
            }
        )
        line.write(
            {
                "is_active": False,
                "did_ids": [Command.create({"number": "551130001001"})],
            }
        )
        line.password = line.generate_password()
        line.action_cancel()
        self.assertEqual(line.state, "cancelled")

    def test_a_technician_prices_and_charges_nothing(self):
        with self.assertRaises(AccessError):
            self._as("technician", self.tariff).name = "Mine"
        with self.assertRaises(AccessError):
            self._as("technician", self.env["saperx.charge.wizard"]).create({})
        with self.assertRaises(AccessError):
            self._as("technician", self.integration).name = "Mine"

    def test_a_stranger_does_not_learn_who_has_a_number(self):
        for role in ("employee", "user", "billing"):
            with self.assertRaises(AccessError):
                self._as(role, self.env["saperx.did"]).create(
                    {"line_id": self.line.id, "number": self.line.main_number}
                )

    def test_a_technician_blocks_and_lifts_and_makes_no_profile(self):
        block = self._as("technician", self.env["saperx.line.block"]).create(
            {"line_id": self.line.id, "reason": "fraud"}
        )
        self.assertEqual(block.user_id, self.users["technician"])
        block.action_lift()
        self.assertFalse(self.line.block_level)
        with self.assertRaises(AccessError):
            block.unlink()
        with self.assertRaises(AccessError):
            self._as("technician", self.env["saperx.line.profile"]).create(
                {"name": "Mine", "integration_id": self.integration.id}
            )

    def test_a_user_changes_nothing_and_sees_no_password(self):
        line = self._as("user", self.line)
        block = self.env["saperx.line.block"].create({"line_id": self.line.id})
        for change in (
            lambda: self._as("user", block).action_lift(),
            lambda: self._as("user", block).copy(),
            lambda: line.write({"is_active": False}),
            lambda: line.action_cancel(),
            lambda: line.action_reveal_password(),
            lambda: line.generate_password(),
            lambda: line.action_retry_push(),
            lambda: line.read(["password"]),
            lambda: line.did_ids.write({"monthly_fee": 1}),
            lambda: line.did_ids.unlink(),
        ):
            with self.assertRaises(AccessError):
                change()

    def test_billing_charges_and_invoices_with_only_its_role(self):
        self._import(self._make_call(1))
        wizard = self._as("billing", self.env["saperx.charge.wizard"]).create({})
        self.assertEqual(wizard.charged_total, 0.12)
        wizard.action_generate()
        charge = self.env["saperx.charge"].search([])
        self._as("billing", self.contract).action_invoice_telephony()
        self.assertEqual(charge.state, "invoiced")
        self._as("billing", self.tariff).rate_ids[0].price_per_minute = 0.2
        with self.assertRaises(AccessError):
            self._as("billing", self.line).is_active = False

    def test_accounting_without_a_role_here_invoices_contracts_as_ever(self):
        self._import(self._make_call(1))
        self._charge()
        accountant = new_test_user(
            self.env,
            "saperx-accountant",
            groups="account.group_account_manager,base.group_partner_manager,"
            "contract_termination.can_terminate_contract",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.env.invalidate_all()
        contract = self.contract.with_user(accountant)
        draft = contract.recurring_create_invoice()
        draft.unlink()
        move = contract.recurring_create_invoice()
        self.assertTrue(move.invoice_line_ids.filtered("saperx_charge_id"))
        move.action_post()
        contract.partner_id.name = "Maria Silva"
        reason = self.env["contract.terminate.reason"].create({"name": "Moved"})
        contract._terminate_contract(
            reason.with_user(accountant), "x", date(2026, 11, 16), True
        )
        self.assertEqual(self.line.state, "cancelled")

    def test_billing_imports_and_cannot_touch_calls(self):
        wizard = self._as("billing", self.env["saperx.import.wizard"]).create(
            {
                "integration_id": self.integration.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-31",
            }
        )
        action = wizard.action_import()
        run = self.env["saperx.cdr.import"].browse(action["res_id"])
        self.assertEqual(str(run.date_from), "2026-10-01 03:00:00")
        self.assertEqual(str(run.date_to), "2026-11-01 03:00:00")
        self._import(self._make_call(1))
        with self.assertRaises(AccessError):
            self._as("billing", self._get_call(1)).write({"charged_amount": 0})
        self._as("billing", self._get_call(1)).action_reassess()
        with self.assertRaises(AccessError):
            self._as("technician", self._get_call(1)).action_reassess()

    def test_what_the_machine_keeps_is_written_by_nobody(self):
        self._import(self._make_call(1))
        charge = self._charge()
        run = self.env["saperx.cdr.import"].search([], limit=1)
        for role, record, values in (
            ("billing", charge, {"amount": 999}),
            ("manager", charge, {"state": "invoiced"}),
            ("billing", run, {"state": "done"}),
        ):
            with self.assertRaises(AccessError):
                self._as(role, record).write(values)
        line = self._as("technician", self.line)
        for values in (
            {"remote_id": 5},
            {"sync_state": "synced"},
            {"revision": 0},
            {"reference": "x"},
            {"state": "draft"},
        ):
            with self.assertRaises(UserError):
                line.write(values)
        for values in ({"active": False}, {"held_until": "2026-01-01 00:00:00"}):
            with self.assertRaises(UserError):
                line.did_ids.write(values)
        self._as("billing", charge).action_cancel()
        with self.assertRaises(AccessError):
            self._as("technician", charge).action_cancel()

    def test_billing_of_another_company_invoices_nothing_here(self):
        self._import(self._make_call(1))
        self._charge()
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "saperx-stranger-billing",
            groups="saperx_voip.group_billing",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        contract = self.contract.with_user(stranger)
        with self.assertRaises(AccessError):
            contract.with_context(
                allowed_company_ids=other.ids
            ).action_invoice_telephony()

    def test_contracts_are_read_whole_by_whoever_read_them_before(self):
        accountant = new_test_user(
            self.env,
            "saperx-reader",
            groups="account.group_account_invoice",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.assertTrue(self.contract.with_user(accountant).read())

    def test_tokens_are_shown_to_nobody_but_as_a_date(self):
        self.assertNotIn("access", self.env["saperx.token"]._fields)
        for role in ("user", "technician", "billing"):
            with self.assertRaises(AccessError):
                self._as(role, self.env["saperx.token"]).search([])

    def test_another_company_sees_nothing_of_this_one(self):
        self._import(self._make_call(1))
        self._charge()
        self.env["saperx.line.block"].create({"line_id": self.line.id})
        self.env["saperx.line.profile"].create(
            {"name": "Ours", "integration_id": self.integration.id}
        )
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("manager", other)
        for model in MODELS:
            records = self.env[model].with_user(stranger)
            records = records.with_context(allowed_company_ids=other.ids)
            self.assertFalse(records.search([]), model)
            ours = self.env[model].with_context(active_test=False).search([], limit=1)
            if ours:
                with self.assertRaises(AccessError, msg=model):
                    records.browse(ours.id).read(["display_name"])

    def test_each_model_that_is_of_a_company_has_its_rule(self):
        models = self.env["ir.model"].search([("model", "=like", "saperx.%")])
        without = []
        for model in models:
            records = self.env[model.model]
            if records._abstract or records._transient:
                continue
            if "company_id" not in records._fields or not model.access_ids:
                continue
            rules = self.env["ir.rule"].search([("model_id", "=", model.id)])
            of_company = [
                rule for rule in rules
                if "company_ids" in (rule.domain_force or "") and not rule.groups
            ]  # fmt: skip
            if not of_company:
                without.append(model.model)
        self.assertFalse(without)
