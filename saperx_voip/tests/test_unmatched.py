# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form

from ..gateway import Direction
from ..models import saperx_cdr, saperx_cdr_rematch
from .common import SaperxCase, moment

OTHER = "552130001000"


class TestUnmatched(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._make_user(role) for role in ("user", "technician", "billing")
        }

    def _rows(self, role=None):
        rows = self.env["saperx.cdr.unmatched"]
        rows.invalidate_model()
        if role:
            rows = rows.with_user(self.users[role])
        return rows.search([])

    def _unmatched(self, remote_id, **values):
        return self._make_call(
            remote_id, **{"caller": OTHER, "account_code": "111111", **values}
        )

    def test_calls_are_listed_by_account_code_and_number_with_counts(self):
        self._import(
            self._unmatched(1, start="2026-10-15 12:00:00"),
            self._unmatched(2, start="2026-10-17 12:00:00", talk_seconds=30),
            self._unmatched(
                3,
                start="2026-10-16 12:00:00",
                direction=Direction.INCOMING,
                caller="551133334444",
                callee=OTHER,
            ),
            self._unmatched(4, account_code="222222"),
            self._unmatched(5, caller="552130002000"),
            self._make_call(6),
        )
        first, *others = self._rows()
        self.assertEqual((first.account_code, first.own_number), ("111111", OTHER))
        self.assertEqual(first.call_count, 3)
        # Incoming calls are not charged.
        self.assertEqual(first.talk_seconds, 90)
        self.assertEqual(first.first_start, moment("2026-10-15 12:00:00"))
        self.assertEqual(first.last_start, moment("2026-10-17 12:00:00"))
        self.assertAlmostEqual(first.platform_amount, 0.30)
        self.assertEqual(first.company_id, self.company)
        self.assertEqual([row.call_count for row in others], [1, 1])

    def test_each_row_opens_its_own_calls(self):
        self._import(
            self._unmatched(1),
            self._unmatched(2, caller="", account_code="333333"),
            self._unmatched(3, account_code="", line_remote_id=77),
        )
        opened = {
            tuple(
                self.env["saperx.cdr"]
                .search(row.action_view_calls()["domain"])
                .mapped("remote_id")
            )
            for row in self._rows()
        }
        self.assertEqual(opened, {("1",), ("2",), ("3",)})

    def test_a_line_that_appears_takes_its_calls_by_the_button_too(self):
        self._import(self._unmatched(1), self._unmatched(2, caller="552130002000"))
        line = self._make_line(self.contract, number=OTHER)
        rows = self._rows("billing")
        self.assertEqual(len(rows), 2)
        notice = rows.action_match_again()
        self.assertIn("1 of 2", notice["params"]["message"])
        self.assertEqual(self._get_call(1).line_id, line)
        self.assertEqual(self._rows().own_number, "552130002000")

    def test_a_new_line_is_prepared_with_what_is_known(self):
        self._import(self._unmatched(1))
        action = self._rows("technician").action_new_line()
        form = Form(self.env["saperx.line"].with_context(**action["context"]))
        self.assertEqual(form.account_code, "111111")
        self.assertEqual(form.integration_id, self.integration)
        self.assertEqual(action["context"]["default_did_ids"][0][2]["number"], OTHER)
        line = (
            self.env["saperx.line"]
            .with_context(**action["context"])
            .create(
                {
                    "contract_id": self.contract.id,
                    "plan_id": self.plan.id,
                    "credit_limit": 100,
                    "tariff_id": self.tariff.id,
                }
            )
        )
        self._rematch()
        self.assertEqual(self._get_call(1).line_id, line)

    def _rematch(self):
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_rematch").method_direct_trigger()
        self.env.invalidate_all()

    def test_many_are_matched_over_several_turns_with_their_allowances(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "unit": "minutes", "quantity": 1}
        )
        self._import(*(self._unmatched(number) for number in range(1, 6)))
        self.line.account_code = "111111"
        cron = self.env.ref("saperx_voip.ir_cron_rematch")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        with (
            patch.object(saperx_cdr, "REASSESS_BATCH", 2),
            patch.object(saperx_cdr_rematch, "get_working_seconds", lambda: 0),
        ):
            for left in (3, 1, 0):
                triggers.search([("cron_id", "=", cron.id)]).unlink()
                self._rematch()
                self.assertEqual(sum(self._rows().mapped("call_count")), left)
                # It wakes itself for the rest.
                self.assertTrue(triggers.search([("cron_id", "=", cron.id)]))
            amounts = self.env["saperx.cdr"].search([]).mapped("charged_amount")
            self.assertEqual(sorted(amounts), [0, 0.12, 0.12, 0.12, 0.12])
            triggers.search([("cron_id", "=", cron.id)]).unlink()
            self._rematch()
        self.assertFalse(triggers.search([("cron_id", "=", cron.id)]))

    def test_what_matches_nothing_keeps_nobody_busy(self):
        self._import(*(self._unmatched(number) for number in range(1, 6)))
        cron = self.env.ref("saperx_voip.ir_cron_rematch")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        triggers.unlink()
        with (
            patch.object(saperx_cdr, "REASSESS_BATCH", 2),
            patch.object(saperx_cdr_rematch, "get_working_seconds", lambda: 0),
        ):
            self._rematch()
        self.assertFalse(triggers.search([("cron_id", "=", cron.id)]))
        self.assertEqual(sum(self._rows().mapped("call_count")), 5)

    def test_what_is_no_number_or_code_of_ours_is_not_prepared(self):
        self._import(self._unmatched(1, caller="ramal-7", account_code="000000"))
        context = self._rows().action_new_line()["context"]
        self.assertFalse(context["default_account_code"])
        self.assertNotIn("default_did_ids", context)

    def _choose(self, line, role="technician", **values):
        row = self._rows(role)
        action = row.action_choose_line()
        form = Form(row.env[action["res_model"]].with_context(**action["context"]))
        form.line_id = line.with_env(row.env)
        for name, value in values.items():
            form[name] = value
        return form.save()

    def test_a_chosen_line_is_given_the_account_code_that_it_lacks(self):
        self._import(self._unmatched(1))
        wizard = self._choose(self.line)
        self.assertTrue(wizard.gives_code)
        self.assertFalse(wizard.gives_number)
        wizard.action_choose()
        self.assertEqual(self.line.account_code, "111111")
        self.assertEqual(self._get_call(1).line_id, self.line)
        self.assertEqual(self._get_call(1).charged_amount, 0.12)
        self.assertFalse(self._rows())

    def test_a_line_with_a_code_is_given_the_number(self):
        self.line.account_code = "999999"
        self._import(self._unmatched(1))
        wizard = self._choose(self.line)
        self.assertFalse(wizard.gives_code)
        wizard.action_choose()
        self.assertIn(OTHER, self.line.did_ids.mapped("number"))
        self.assertEqual(self.line.account_code, "999999")
        self.assertEqual(self._get_call(1).line_id, self.line)

    def test_nothing_given_is_refused(self):
        self._import(self._unmatched(1))
        with self.assertRaisesRegex(UserError, "Say what"):
            self._choose(self.line, gives_code=False).action_choose()

    def test_an_account_code_given_by_hand_matches_by_itself(self):
        self._import(self._unmatched(1))
        self.line.account_code = "111111"
        self._rematch()
        self.assertEqual(self._get_call(1).line_id, self.line)

    def test_a_circuit_learnt_from_the_platform_matches_by_itself(self):
        self._import(self._unmatched(1, line_remote_id=42))
        self.line._write_sync({"remote_id": 42})
        self._rematch()
        self.assertEqual(self._get_call(1).line_id, self.line)

    def test_who_held_the_line_at_the_calls_start_is_charged(self):
        other = self._make_contract(self.env["res.partner"].create({"name": "Ana"}))
        self.line.account_code = "999999"
        # What already had calls is not merely put right: others hold it from now on.
        self._import(self._make_call(7))
        self.line.contract_id = other
        self._import(
            self._unmatched(1, start="2026-10-15 12:00:00"),
            self._unmatched(2, start="2026-12-15 12:00:00"),
        )
        self.line.did_ids = [Command.create({"number": OTHER})]
        self._rows("billing").action_match_again()
        self.assertEqual(self._get_call(1).partner_id, self.partner)
        self.assertEqual(self._get_call(2).partner_id.name, "Ana")

    def test_roles_and_companies(self):
        self._import(self._unmatched(1), self._unmatched(2, callee="181"))
        with self.assertRaises(AccessError):
            self._rows("user")
        # Of calls to reporting lines nobody but billing knows.
        self.assertEqual(self._rows("technician").call_count, 1)
        self.assertEqual(self._rows("billing").call_count, 2)
        with self.assertRaises(AccessError):
            self._choose(self.line, role="billing")
        stranger = self._make_user(
            "billing", self.env["res.company"].create({"name": "Other"})
        )
        rows = self.env["saperx.cdr.unmatched"].with_user(stranger)
        rows = rows.with_context(allowed_company_ids=stranger.company_id.ids)
        self.assertFalse(rows.search([]))
