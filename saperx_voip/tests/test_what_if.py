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

    def _what_if(self, date_from="2026-09-01", date_to="2026-10-31", lines=None):
        return self.env["saperx.cdr"]._what_if(
            lines or self.line,
            date.fromisoformat(date_from),
            date.fromisoformat(date_to),
            self.other,
        )

    def _get_amount(self, *days):
        """What the line's calls of October would cost."""
        return sum(
            row["charged_amount"]
            for row in self._what_if(*days)
            if row["cycle_end"] == date(2026, 10, 31)
        )

    def _charge_under_other(self):
        """What is charged for October once the line has always been under the plan."""
        self.line.period_ids.tariff_id = self.other
        self.env["saperx.cdr"]._reassess([("line_id", "=", self.line.id)])
        charges = self._charge()
        return charges.filtered(lambda c: c.cycle_end == date(2026, 10, 31)).amount

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

    def test_days_before_the_line_was_in_use_give_nothing(self):
        allowance = self.other.allowance_ids
        allowance.write({"quantity": 31, "is_pro_rata": True})
        self._import(
            self._make_call(1, start="2026-10-31 15:00:00", talk_seconds=300),
        )
        for values in (
            {"in_use_since": "2026-10-30"},
            {"in_use_since": False, "charge_calls_from": "2026-10-30 03:00:00"},
        ):
            self.line.write(values)
            # Two minutes of five; as much is charged.
            self.assertEqual(self._get_amount(), Decimal("0.90"))
        self.assertEqual(self._charge_under_other(), 0.90)

    def test_cycles_before_the_line_was_in_use_leave_nothing(self):
        self.other.allowance_ids.carries_over = True
        self.line.in_use_since = "2026-10-01"
        self._import(self._make_call(1, talk_seconds=300))
        self.assertEqual(self._get_amount("2026-08-01"), Decimal("1.20"))
        self.assertEqual(self._charge_under_other(), 1.20)

    def test_a_line_with_calls_from_before_its_beginning_was_there(self):
        self.other.allowance_ids.write({"quantity": 2, "carries_over": True})
        self.line.in_use_since = "2026-11-01"
        self._import(
            self._make_call(1, start="2026-08-15 12:00:00"),
            self._make_call(2, start="2026-10-15 12:00:00", talk_seconds=300),
        )
        # September had two minutes that nobody used.
        self.assertEqual(self._get_amount("2026-08-01"), Decimal("0.30"))
        # It does not count when it lies before the days that were asked for.
        self.assertEqual(self._get_amount("2026-10-01"), Decimal("0.90"))
        self.assertEqual(self._charge_under_other(), 0.30)

    def test_the_first_cycle_has_the_days_that_were_asked_for(self):
        self.other.allowance_ids.write({"quantity": 31, "is_pro_rata": True})
        self._import(self._make_call(1, "2026-10-31 15:00:00", talk_seconds=300))
        for in_use_since in (False, "2026-05-01", "2026-11-05"):
            self.line.in_use_since = in_use_since
            self.assertEqual(self._get_amount("2026-10-30"), Decimal("0.90"))

    def _share(self):
        """Another line of the contract, that is under the plan and shares."""
        self.other.allowance_ids.is_shared = True
        return self._make_line(self.contract, "555433335555", tariff_id=self.other.id)

    def test_what_others_of_the_contract_took_of_a_shared_allowance_is_gone(self):
        sharer = self._share()
        self._import(
            self._make_call(1, start="2026-10-20 12:00:00"),
            self._make_call(2, caller="555433335555"),
        )
        self._charge()
        [row] = self._what_if()
        self.assertEqual(row["line_id"], self.line.id)
        self.assertEqual(row["charged_amount"], Decimal("0.30"))
        # Whoever is under another plan does not share.
        sharer.period_ids.tariff_id = self.tariff
        self.assertEqual(self._get_amount(), 0)
        # All lines asked for at once are under it.
        rows = self._what_if(lines=self.line | sharer)
        self.assertEqual(
            {row["line_id"]: row["charged_amount"] for row in rows},
            {self.line.id: Decimal("0.30"), sharer.id: 0},
        )

    def test_lines_of_two_integrations_share_once(self):
        far = self._make_integration(name="Far")
        plan = self.plan.copy({"integration_id": far.id, "remote_id": 9})
        self.other.allowance_ids.is_shared = True
        line = self._make_line(
            self.contract, "555433335555", integration_id=far.id, plan_id=plan.id
        )
        self._import(self._make_call(1))
        run = self._make_run(integration_id=far.id)
        run._merge([self._make_call(2, caller="555433335555")])
        rows = self._what_if(lines=self.line | line)
        self.assertEqual(
            sorted(row["charged_amount"] for row in rows), [0, Decimal("0.30")]
        )

    def test_a_cycle_that_is_not_charged_leaves_all_to_the_next(self):
        self.other.allowance_ids.carries_over = True
        self.integration.charge_only_active_lines = True
        self.env["saperx.line.activity"].search([]).date_from = "2026-10-02 12:00:00"
        self._import(
            self._make_call(1, start="2026-09-15 12:00:00", talk_seconds=300),
            self._make_call(2, talk_seconds=300),
        )
        self.assertEqual(self._get_amount(), Decimal("0.90"))
        self.line.in_use_since = False
        self.assertEqual(self._charge_under_other(), 0.90)
