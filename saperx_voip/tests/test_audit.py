# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import Command

from .common import MOBILE_SAME_DDD, SaperxCase


class AuditCase(SaperxCase):
    """A line with an allowance; three calls that were charged and invoiced, one each
    that waits, has no line, has no price, and costs nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_a.taxes_id = False
        cls.tariff.allowance_ids = [Command.create({"unit": "minutes", "quantity": 1})]
        cls._import(
            cls._make_call(1),
            cls._make_call(2, start="2026-10-15 13:00:00"),
            cls._make_call(3, start="2026-10-15 14:00:00", callee=MOBILE_SAME_DDD),
            cls._make_call(4, start="2026-11-02 12:00:00"),
            cls._make_call(5, caller="552133330000", account_code="999999"),
            cls._make_call(6, callee="190"),
        )
        cls.charge = cls.env["saperx.charge"]._generate()
        cls.env["contract.contract"].cron_recurring_create_invoice(date(2026, 12, 1))
        cls.move = cls.charge.move_id
        cls.env.flush_all()

    def _find(self):
        self.env.invalidate_all()
        return self.env["saperx.audit"]._find_violations(self.company)

    def _corrupt(self, table, record, **values):
        assignments = ", ".join(f'"{name}" = %s' for name in values)
        self.env.flush_all()
        self.env.cr.execute(
            f"UPDATE {table} SET {assignments} WHERE id = %s",
            [*values.values(), record.id],
        )
        self.env.invalidate_all()


class TestAudit(AuditCase):
    def test_nothing_is_found_where_everything_agrees(self):
        self.assertEqual(self.charge.state, "invoiced")
        self.assertEqual(self._find(), [])
