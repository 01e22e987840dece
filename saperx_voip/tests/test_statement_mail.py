# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from unittest.mock import patch

from odoo import Command
from odoo.tests import new_test_user

from .test_statement import StatementCase


class TestStatementMail(StatementCase):
    """An invoice that is sent takes the statement of its charges along."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner.email = "maria@example.com"
        cls.company.saperx_statement_on_invoice = "pdf_csv"
        cls._import(cls._make_call(1), cls._make_call(2, callee="181"))
        cls.charge = cls.env["saperx.charge"]._generate()
        cls.move = cls.contract._invoice_telephony()
        cls.move.action_post()
        cls.sender = new_test_user(
            cls.env,
            "saperx-sender",
            groups="account.group_account_invoice",
            email="sender@example.com",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _send(self, move=None, user=None, **settings):
        """:return: the names and contents of what was attached, by name"""
        move = (move or self.move).with_user(user or self.sender)
        send = self.env["account.move.send"].with_user(user or self.sender)
        send._generate_and_send_invoices(move, sending_methods=["email"], **settings)
        message = move.sudo().message_ids.filtered("attachment_ids")[:1]
        return {
            attachment.name: attachment.raw for attachment in message.attachment_ids
        }

    def _get_statements(self, attached):
        return {name for name in attached if name.startswith("Statement")}

    def test_pdf_and_csv_go_along_with_whole_numbers(self):
        attached = self._send()
        stem = f"Statement {self.move.name.replace('/', '_')}"
        self.assertEqual(self._get_statements(attached), {f"{stem}.pdf", f"{stem}.csv"})
        self.assertEqual(len(attached), 3)
        self.assertTrue(attached[f"{stem}.pdf"].startswith(b"%PDF"))
        text = attached[f"{stem}.csv"].decode("utf-8-sig")
        self.assertEqual(len(text.splitlines()), 2)
        self.assertIn("(11) 3333-4444", text)
        self.assertEqual(
            attached[f"{stem}.pdf"], self._make(self.charge, "pdf", move=self.move)
        )

    def test_sent_twice_the_same_goes_twice(self):
        self.assertEqual(self._send(), self._send())

    def test_by_the_setting_pdf_alone_or_nothing(self):
        self.company.saperx_statement_on_invoice = "pdf"
        self.assertEqual(len(self._get_statements(self._send())), 1)
        self.company.saperx_statement_on_invoice = "none"
        self.assertFalse(self._get_statements(self._send()))
        self.assertFalse(
            self.env["account.move.send"]._get_saperx_statement_data(self.move)
        )

    def test_an_invoice_without_telephony_has_none(self):
        move = self.init_invoice("out_invoice", products=self.product_a, post=True)
        move.partner_id.email = "somebody@example.com"
        self.assertFalse(self._get_statements(self._send(move)))

    def test_whoever_sends_may_leave_it_out(self):
        wizard = self.env["account.move.send.wizard"].with_user(self.sender)
        wizard = wizard.with_context(
            active_model="account.move", active_ids=self.move.ids
        ).create({})
        offered = [
            data
            for data in wizard.mail_attachments_widget
            if "saperx_statement" in data
        ]
        self.assertEqual([data["saperx_statement"] for data in offered], ["pdf", "csv"])
        wizard.mail_attachments_widget = [
            {**data, "skip": data.get("saperx_statement") == "csv"}
            for data in wizard.mail_attachments_widget
        ]
        wizard.action_send_and_print()
        message = self.move.message_ids.filtered("attachment_ids")[:1]
        names = self._get_statements(message.attachment_ids.mapped("name"))
        self.assertEqual([name[-4:] for name in names], [".pdf"])

    def test_a_failure_is_told_and_the_invoice_goes(self):
        def fail(*_args, **_options):
            self.env["res.partner"].create({"name": "Half-way"})
            raise ZeroDivisionError("no paper")

        with (
            patch.object(type(self.statement), "_write", fail),
            self.assertLogs("odoo.addons.saperx_voip.models.account_move_send") as logs,
        ):
            attached = self._send()
        self.assertIn("No statement of calls", logs.output[0])
        self.assertEqual(len(attached), 1)
        self.assertTrue(self.move.is_move_sent)
        self.assertIn("no paper", "".join(self.move.message_ids.mapped("body")))
        activity = self.move.activity_ids
        self.assertEqual(activity.user_id, self.sender)
        self.assertIn("no paper", activity.note)
        self.assertFalse(self.env["res.partner"].search([("name", "=", "Half-way")]))

    def test_a_failure_of_the_task_is_told_to_whoever_answers_for_the_invoice(self):
        self.move.invoice_user_id = self.sender
        with (
            patch.object(type(self.statement), "_write", side_effect=ZeroDivisionError),
            self.assertLogs("odoo.addons.saperx_voip.models.account_move_send"),
        ):
            self._send(user=self.env.ref("base.user_root"))
        self.assertEqual(self.move.activity_ids.user_id, self.sender)

    def test_who_sends_it_leaves_a_trace(self):
        self._send()
        access = self.env["saperx.cdr.access"]
        trace = access.search([("user_id", "=", self.sender.id)])
        self.assertEqual((trace.kind, trace.line_id), ("statement", self.line))

    def test_the_scheduled_sending_takes_them_along(self):
        # As the wizard for many invoices leaves it.
        self.move.sending_data = {
            "author_user_id": self.sender.id,
            "author_partner_id": self.sender.partner_id.id,
        }
        with self.enter_registry_test_mode():
            self.env.ref("account.ir_cron_account_move_send").method_direct_trigger()
        message = self.move.message_ids.filtered("attachment_ids")[:1]
        names = self._get_statements(message.attachment_ids.mapped("name"))
        self.assertEqual(len(names), 2)
