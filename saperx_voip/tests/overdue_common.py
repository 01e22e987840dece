# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import contextmanager
from datetime import date, timedelta

from freezegun import freeze_time

from odoo import Command, fields

from .common import SaperxCase

# Fell due, so that the notice comes on Monday, 2026-11-16.
DUE = date(2026, 11, 10)


class OverdueCase(SaperxCase):
    """A contract with a line and an invoice that fell due a few days ago.

    Days: notice 2026-11-16, partial block 2026-12-01, full block 2026-12-16, last
    notice 2027-01-15, cancellation 2027-01-30.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write(
            {
                "saperx_overdue_active": True,
                "saperx_block_lines_with_contract": True,
                "saperx_overdue_spares_rest_days": False,
            }
        )
        cls.partner.email = "maria@example.com"
        cls.move = cls._invoice(cls.contract, DUE)

    @classmethod
    def _make_overdue(cls, name, number):
        """Another customer's contract with a line, as overdue as the first."""
        partner = cls.env["res.partner"].create(
            {"name": name, "email": f"{name.lower()}@example.com"}
        )
        contract = cls._make_contract(partner)
        cls._make_line(contract, number=number)
        cls._invoice(contract, DUE)
        return contract

    @classmethod
    def _invoice(cls, contract, due, amount=100, post=True, **values):
        fee = contract.contract_line_ids.filtered(lambda fee: not fee.is_telephony)
        move = cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": contract.partner_id.id,
                "invoice_date": due - timedelta(days=10),
                "invoice_date_due": due,
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    Command.create(
                        {
                            "name": "Internet",
                            "quantity": 1,
                            "price_unit": amount,
                            "tax_ids": [],
                            "contract_line_id": fee[:1].id,
                        }
                    )
                ],
                **values,
            }
        )
        if post:
            move.action_post()
        return move

    def _pay(self, move, amount=None):
        values = {"amount": amount} if amount else {}
        self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=move.ids
        ).create({"payment_date": fields.Date.today(), **values})._create_payments()

    def _deliver(self, status="sent"):
        """The mail server took what waits, or sent it back."""
        self.env["mail.notification"].search(
            [("notification_status", "=", "ready")]
        ).notification_status = status

    def _run(self, day, delivered="sent"):
        """The nightly task on a day, and the one that follows it.

        :param delivered: what became of the mails; None: they are still in the queue
        """
        with freeze_time(f"{day} 12:00:00"):
            self._trigger("ir_cron_overdue")
            if delivered:
                self._deliver(delivered)
            self._trigger("ir_cron_overdue_follow")

    def _run_days(self, *days):
        with self.enter_registry_test_mode():
            for day in days:
                self._run(day)

    def _follow(self, day):
        with self.enter_registry_test_mode(), freeze_time(f"{day} 15:00:00"):
            self._trigger("ir_cron_overdue_follow")

    def _trigger(self, name):
        self.env.ref(f"saperx_voip.{name}").method_direct_trigger()

    def _count_messages(self, template, contract=None):
        """Mails of a step that the customer was told by."""
        template = self.env.ref(f"saperx_voip.mail_template_overdue_{template}")
        start = template.subject.partition("{{")[0]
        contract = contract or self.contract
        return len(
            contract.message_ids.filtered(
                lambda message: (message.subject or "").startswith(start)
            )
        )

    @contextmanager
    def _worker(self, day):
        """The cases as a worker of its own has them on a day."""
        with (
            self.enter_registry_test_mode(),
            freeze_time(f"{day} 12:00:00"),
            self.registry.cursor() as cr,
        ):
            yield self.env["saperx.overdue.case"].with_env(self.env(cr=cr))
            cr.commit()  # pylint: disable=invalid-commit
        self.env.invalidate_all()

    @property
    def case(self):
        return self.contract.saperx_overdue_case_id

    @property
    def activities(self):
        kind = self.env.ref("saperx_voip.mail_activity_overdue")
        return self.contract.activity_ids.filtered(
            lambda activity: activity.activity_type_id == kind
        )
