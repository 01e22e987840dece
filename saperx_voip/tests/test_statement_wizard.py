# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import csv
import io

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, HttpCase, new_test_user
from odoo.tools import mute_logger

from .common import FIXED_OTHER_DDD
from .test_statement import StatementCase

ROLES = ("user", "technician", "billing", "manager")


class TestStatementWizard(StatementCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {role: cls._make_user(role) for role in ROLES}
        cls._import(
            cls._make_call(1),
            cls._make_call(2, start="2026-11-05 12:00:00"),
            cls._make_call(3, callee="181"),
        )
        cls.charge = cls.env["saperx.charge"]._generate()

    def _open(self, record, role="billing", **options):
        """The wizard as a button of a record opens it, saved."""
        name = "action_statement"
        if record._name in ("contract.contract", "account.move"):
            name = "action_saperx_statement"
        action = getattr(record.with_user(self.users[role]), name)()
        wizards = self.env[action["res_model"]].with_user(self.users[role])
        form = Form(wizards.with_context(**action["context"]))
        for field, value in options.items():
            setattr(form, field, value)
        return form.save()

    def _download(self, wizard):
        wizard.action_make()
        file = io.BytesIO()
        return wizard._write_file(file), file.getvalue()

    def _rows(self, wizard):
        text = self._download(wizard)[1].decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))

    def _traces(self, role):
        return self.env["saperx.cdr.access"].search(
            [("user_id", "=", self.users[role].id), ("kind", "=", "statement")]
        )

    def test_of_a_charge_it_is_that_charge(self):
        wizard = self._open(self.charge, file_format="csv")
        self.assertEqual(wizard.row_ids.mapped("status"), ["charged"])
        self.assertEqual(wizard.row_ids.amount, 0.12)
        name, _content = self._download(wizard)
        self.assertEqual(name, "Statement (54) 3333-4444 2026-10-31.csv")
        self.assertEqual(len(self._rows(wizard)), 1)

    def test_of_a_line_it_offers_the_cycles_and_the_one_that_runs(self):
        wizard = self._open(self.line, file_format="csv")
        charged, running = wizard.row_ids
        self.assertEqual((charged.status, charged.is_chosen), ("charged", True))
        self.assertEqual((running.status, running.is_chosen), ("preview", False))
        charged.is_chosen, running.is_chosen = False, True
        [row] = self._rows(wizard)
        self.assertEqual(row["Billing state"], "Preview, not yet charged")
        running.is_chosen = False
        with self.assertRaisesRegex(UserError, "Choose a line"):
            wizard.action_make()

    def test_of_a_contract_it_has_all_of_its_lines_and_nothing_of_others(self):
        second = self._make_line(self.contract, "555433335555")
        former = self._make_contract(self.partner)
        self._import(
            self._make_call(4, caller="555433335555"),
            self._make_call(5, caller="555433335555", start="2026-11-16 16:00:00"),
        )
        self.env["saperx.charge"]._generate()
        second.contract_id = former
        wizard = self._open(self.contract, file_format="csv")
        chosen = wizard.row_ids.filtered("is_chosen")
        self.assertEqual(chosen.line_id, self.line | second)
        self.assertEqual(wizard.row_ids.contract_id, self.contract)
        self.assertEqual(len(self._rows(wizard)), 2)
        # The line alone has both contracts, one at a time.
        self.assertEqual(self._open(second).row_ids.contract_id, self.contract | former)

    def test_of_an_invoice_it_is_what_the_invoice_charges(self):
        move = self.contract._invoice_telephony()
        self.assertTrue(move.saperx_has_charges)
        move.action_post()
        wizard = self._open(move)
        name, _content = self._download(wizard)
        self.assertEqual(name, f"Statement {move.name.replace('/', '_')}.pdf")
        content = self.statement._get_content(wizard._get_parts(), wizard._get_move())
        self.assertIn(move.name, dict(content.facts)["Invoice"])

    def test_no_statement_of_a_cancelled_charge(self):
        self.charge.action_cancel()
        with self.assertRaisesRegex(UserError, "cancelled"):
            self.charge.action_statement()

    def test_each_role_sees_numbers_as_it_does_elsewhere(self):
        for role in ROLES:
            [row] = self._rows(self._open(self.charge, role, file_format="csv"))
            shown = "(11) 3333-••••" if role == "user" else "(11) 3333-4444"
            self.assertEqual(row["Destination"], shown)
        for_user = self.statement.with_user(self.users["user"])
        parts = for_user._get_parts_of_charges(self.charge)
        # What goes to the customer is whole, whoever sends it.
        for for_customer, shown in ((False, "3333-••••"), (True, "3333-4444")):
            content = for_user._get_content(parts, None, for_customer)
            [call] = content.sections[0].read_calls(None)
            self.assertEqual(call.number, f"(11) {shown}")

    def test_whoever_makes_one_leaves_a_trace_once_a_day(self):
        self._download(self._open(self.charge))
        self._download(self._open(self.line))
        trace = self._traces("billing")
        self.assertEqual(trace.line_id, self.line)
        self.assertEqual(trace.company_id, self.company)

    def test_nobody_without_a_role_makes_one(self):
        accountant = new_test_user(
            self.env,
            "saperx-accountant",
            groups="account.group_account_manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        with self.assertRaises(AccessError):
            self.env["saperx.statement.wizard"].with_user(accountant).create(
                {"charge_ids": [Command.set(self.charge.ids)]}
            )
        with self.assertRaises(AccessError):
            self.statement.with_user(accountant)._check_may_make(self.charge)

    def test_a_wizard_is_of_who_opened_it(self):
        wizard = self._open(self.charge)
        with self.assertRaises(AccessError):
            wizard.with_user(self.users["user"]).check_access("read")

    def test_other_companies_are_out_of_reach(self):
        other = self._create_company(name="Other provider")
        stranger = self._make_user("billing", other)
        statement = self.statement.with_user(stranger)
        for record in (self.charge, self.line):
            with self.assertRaises(AccessError):
                statement._check_may_make(record.with_user(stranger))
        wizards = self.env["saperx.statement.wizard"].with_user(stranger)
        for values in (
            {"charge_ids": [Command.set(self.charge.ids)]},
            {"line_ids": [Command.set(self.line.ids)]},
        ):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                wizards.create(values).row_ids.mapped("amount")


class TestStatementDownload(HttpCase, StatementCase):
    def test_the_file_comes_to_who_asked_for_it_alone(self):
        self._import(self._make_call(1, callee=FIXED_OTHER_DDD))
        charge = self._charge()
        wizards = self.env["saperx.statement.wizard"]
        wizards = wizards.with_user(self._make_user("billing"))
        wizard = wizards.create({"charge_ids": charge.ids, "file_format": "csv"})
        # As the web client does, which sends the rows along.
        self.assertTrue(wizard.row_ids.is_chosen)
        url = f"/saperx_voip/statement/{wizard.id}"
        self.authenticate(wizards.env.user.login, wizards.env.user.login)
        answer = self.url_open(url)
        self.assertEqual(answer.status_code, 200)
        self.assertIn("attachment; filename", answer.headers["Content-Disposition"])
        self.assertEqual(answer.content, self._make(charge, "csv"))
        self.assertEqual(self.url_open(f"{url}999").status_code, 404)
        other = self._make_user("technician")
        self.authenticate(other.login, other.login)
        with mute_logger("odoo.http"):
            self.assertEqual(self.url_open(url).status_code, 403)
