# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from decimal import Decimal

from odoo import Command
from odoo.tests import tagged

from .common import SaperxCase


@tagged("post_install", "-at_install")
class TestWhatIf(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.env["saperx.tariff"].create(
            {
                "name": "Other",
                "rate_ids": [Command.create({"price_per_minute": 0.30})],
                "allowance_ids": [Command.create({"quantity": 1})],
            }
        )

    def _what_if(self, date_from="2026-09-01", date_to="2026-10-31"):
        return self.env["saperx.cdr"]._what_if(
            self.line,
            date.fromisoformat(date_from),
            date.fromisoformat(date_to),
            self.other,
        )

    def test_calls_are_priced_under_another_plan_and_stay_as_they_are(self):
        self._import(
            self._make_call(1),
            self._make_call(2),
            self._make_call(3, start="2026-09-15 12:00:00"),
        )
        self._charge()
        found = {row["cycle_end"]: row for row in self._what_if()}
        september, october = (
            found[date(2026, 9, 30)],
            found[date(2026, 10, 31)],
        )
        self.assertEqual(september["charged_amount"], 0)
        self.assertEqual(october["calls"], 2)
        self.assertEqual(october["gross_amount"], Decimal("0.60"))
        self.assertEqual(october["covered_amount"], Decimal("0.30"))
        self.assertEqual(october["charged_amount"], Decimal("0.30"))
        self.assertEqual(self._get_call(1).charged_amount, 0.12)

    def test_a_line_without_a_plan_is_priced_too(self):
        self.line.tariff_id = False
        self._import(self._make_call(1), self._make_call(2, callee="190"))
        [row] = self._what_if()
        self.assertEqual((row["calls"], row["line_id"]), (1, self.line.id))

    def test_days_are_local_and_inclusive(self):
        # 23:59:59 of the 31st in São Paulo, and the second after it.
        self._import(
            self._make_call(1, start="2026-11-01 02:59:59"),
            self._make_call(2, start="2026-11-01 03:00:00"),
        )
        self.assertEqual(sum(row["calls"] for row in self._what_if()), 1)

    def test_nothing_is_carried_into_the_first_cycle(self):
        self.other.allowance_ids.carries_over = True
        self._import(self._make_call(1), self._make_call(2))
        [row] = self._what_if("2026-10-01")
        self.assertEqual(row["charged_amount"], Decimal("0.30"))
