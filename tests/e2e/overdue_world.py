"""Overdue contracts in a running Odoo, and the days that pass for them."""

from contextlib import contextmanager, suppress
from datetime import timedelta

from demo.client import OdooError

from .mailbox import mailbox

SWITCHED_ON = {
    "saperx_overdue_active": True,
    "saperx_block_lines_with_contract": True,
    "saperx_overdue_spares_rest_days": False,
}
# A notice goes out on working days alone, and a test runs on any.
GIVE_NOTICE = """
today = record.company_id._get_telephony_today()
record.sudo()._open_overdue_case(today)._take("notice", today)
"""


class OverdueWorld:
    """:param world: the ``World`` whose contracts become overdue"""

    def __init__(self, world, box):
        self.world = world
        self.odoo = world.odoo
        self.box = box
        code = world.name.rpartition(" ")[2]
        (usual,) = self.odoo.search_read(
            "account.journal",
            [("type", "=", "sale"), ("default_account_id", "!=", False)],
            ["default_account_id"],
            limit=1,
        )
        # Without Latin America's document types, which are none of ours.
        self.journal = self.odoo.create(
            "account.journal",
            {
                "name": f"Overdue {code}",
                "code": f"OV{code}",
                "type": "sale",
                "default_account_id": usual["default_account_id"][0],
                "l10n_latam_use_documents": False,
            },
        )

    def contract(self, customer, **line):
        """One with a line, whose invoice of 100 fell due 30 days ago.

        :return: ids of contract, line and invoice
        """
        contract = self.world.contract(customer)
        self.odoo.write(
            "res.partner", [self._partner(contract)], {"email": self.address(customer)}
        )
        line = self.world.line(contract, **line)
        return contract, line, self._invoice(contract)

    def address(self, customer):
        name = customer.lower().replace(" ", ".")
        return f"{name}.{self.world.name.replace(' ', '')}@example.com".lower()

    def _partner(self, contract):
        return self.odoo.read("contract.contract", contract)["partner_id"][0]

    def _invoice(self, contract):
        (fee,) = self.odoo.search_read(
            "contract.line",
            [("contract_id", "=", contract), ("is_telephony", "=", False)],
            ["id"],
        )
        due = self.world.today - timedelta(days=30)
        move = self.odoo.create(
            "account.move",
            {
                "move_type": "out_invoice",
                "partner_id": self._partner(contract),
                "journal_id": self.journal,
                "invoice_date": (due - timedelta(days=10)).isoformat(),
                "invoice_date_due": due.isoformat(),
                "invoice_payment_term_id": False,
                "invoice_line_ids": [
                    (
                        0,
                        0,
                        {
                            "name": "Internet",
                            "price_unit": 100,
                            "tax_ids": [],
                            "contract_line_id": fee["id"],
                        },
                    )
                ],
            },
        )
        self.odoo.call("account.move", "action_post", [move])
        return move

    def give_notice(self, contract):
        """As the nightly task does on a working day."""
        action = self.odoo.create(
            "ir.actions.server",
            {
                "name": "Give notice",
                "model_id": self.odoo.ref("contract.model_contract_contract"),
                "state": "code",
                "code": GIVE_NOTICE,
            },
        )
        self.odoo.call(
            "ir.actions.server",
            "run",
            [action],
            context={
                "active_model": "contract.contract",
                "active_id": contract,
                "active_ids": [contract],
            },
        )

    def let_days_pass(self, days):
        """Everything that happened is so many days older."""
        columns = ("noticed_on", "partial_on", "full_on", "last_noticed_on")
        moved = ", ".join(
            f"{name} = {name} - {days}" for name in (*columns, "last_step_on")
        )
        self.world.sql(f"UPDATE saperx_overdue_case SET {moved} WHERE state = 'open'")

    def run(self, name="ir_cron_overdue"):
        """A scheduled action to its end, whoever else runs it at this moment."""
        cron = self.odoo.ref(f"saperx_voip.{name}")

        def ran():
            with suppress(OdooError):
                self.odoo.call("ir.cron", "method_direct_trigger", [cron])
                return True

        self.world.wait(f"{name} has run", ran)

    def follow(self):
        self.run("ir_cron_overdue_follow")

    def wait_for_mail(self, customer, subject):
        """:return: its body"""

        def arrived():
            found = [
                body
                for title, body in self.box.to(self.address(customer))
                if subject in title
            ]
            return found and found[-1]

        return self.world.wait(f"“{subject}” arrives", arrived)

    def let_bounce(self, contract):
        """The mail system learns that the last notice came back."""
        self.world.sql(
            "UPDATE mail_notification SET notification_status = 'bounce'"
            " WHERE mail_message_id IN (SELECT notice_message_id"
            f" FROM saperx_overdue_case WHERE contract_id = {contract})"
        )

    def pay(self, move):
        wizard = self.odoo.call(
            "account.payment.register",
            "create",
            {"payment_date": self.world.today.isoformat()},
            context={"active_model": "account.move", "active_ids": [move]},
        )
        self.odoo.call("account.payment.register", "action_create_payments", [wizard])

    def case(self, contract):
        """The latest of a contract."""
        return self.odoo.search_read(
            "saperx.overdue.case",
            [("contract_id", "=", contract)],
            [],
            limit=1,
            order="id desc",
        )[0]


@contextmanager
def overdue_world(world):
    """With blocks for overdue payment switched on, and off again."""
    odoo = world.odoo
    company = odoo.search_read("res.company", [], ["id"], limit=1)[0]["id"]
    with mailbox() as box:
        server = odoo.create(
            "ir.mail_server",
            {"name": "Mailbox", "smtp_host": "127.0.0.1", "smtp_port": box.port},
        )
        # Nobody to send from is a notice that fails.
        sender = {"email": "provedor@example.com"}
        odoo.write("res.company", [company], SWITCHED_ON | sender)
        try:
            yield OverdueWorld(world, box)
        finally:
            odoo.write(
                "res.company", [company], dict.fromkeys(list(SWITCHED_ON)[:2], False)
            )
            odoo.write("ir.mail_server", [server], {"active": False})
