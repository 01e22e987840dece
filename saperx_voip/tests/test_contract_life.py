# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import contextmanager
from datetime import date

from freezegun import freeze_time
from lxml import etree

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from .common import SaperxCase

LIFE = "odoo.addons.saperx_voip.models.contract_contract_"


class TestContractLife(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env["contract.terminate.reason"].create(
            {"name": "Moved", "terminate_comment_required": False}
        )
        cls.env.user.group_ids += cls.env.ref(
            "contract_termination.can_terminate_contract"
        )
        cls.env.user.group_ids += cls.env.ref("account.group_account_manager")

    def _terminate(self, day):
        self.contract._terminate_contract(self.reason, "", day, True)

    def test_termination_today_cancels_the_lines_and_tells_the_platform(self):
        before = self.line.revision
        self._terminate(date(2026, 11, 16))
        self.assertEqual(self.line.state, "cancelled")
        self.assertGreater(self.line.revision, before)

    def test_termination_in_the_past_cancels_at_once(self):
        self._terminate(date(2026, 11, 1))
        self.assertEqual(self.line.state, "cancelled")

    def test_a_future_termination_waits_for_its_day_in_the_companys_zone(self):
        self.company.partner_id.tz = "America/Sao_Paulo"
        self._terminate(date(2026, 11, 20))
        self.assertEqual(self.line.state, "active")
        with self.enter_registry_test_mode():
            # Still the 19th there, though the 20th in UTC.
            with freeze_time("2026-11-20 02:00:00"):
                self.env.ref(
                    "saperx_voip.ir_cron_contract_life"
                ).method_direct_trigger()
            self.assertEqual(self.line.state, "active")
            with freeze_time("2026-11-20 03:30:00"):
                self.env.ref(
                    "saperx_voip.ir_cron_contract_life"
                ).method_direct_trigger()
        self.assertEqual(self.line.state, "cancelled")

    def test_what_somebody_ends_before_the_date_of_a_termination_is_over(self):
        """The date of a termination is the latest end, not a reason to live."""
        fee = self.contract._get_product_lines()
        for end in ({"is_canceled": True}, {"date_end": "2026-11-15"}):
            with self.subTest(end), self._undone_afterwards():
                self._terminate(date(2026, 12, 20))
                self.assertEqual(self.line.state, "active")
                fee.write(end)
                self.assertEqual(self.line.state, "cancelled")
                self.assertFalse(self.line.ended_with_termination)

    def test_fees_that_a_termination_keeps_from_renewal_end_nothing_before_its_date(
        self,
    ):
        fee = self.contract._get_product_lines()
        fee.write({"date_end": "2026-11-18", "is_auto_renew": True})
        self._terminate(date(2026, 11, 20))
        self._terminate(date(2026, 11, 25))
        with self.enter_registry_test_mode():
            for day, state in (("24", "active"), ("25", "cancelled")):
                with freeze_time(f"2026-11-{day} 12:00:00"):
                    self.env.ref(
                        "saperx_voip.ir_cron_contract_life"
                    ).method_direct_trigger()
                self.assertEqual(self.line.state, state, day)

    def test_another_date_of_a_termination_holds_for_the_fees_as_well(self):
        """Else what ends earlier is still invoiced, or runs on for nothing."""
        fee = self.contract._get_product_lines()
        self.assertFalse(fee.date_end)
        for day in (date(2026, 12, 20), date(2026, 11, 30), date(2027, 1, 31)):
            self._terminate(day)
            self.assertEqual(fee.date_end, day)
            self.assertEqual(self.line.state, "active")
        self.contract.action_cancel_contract_termination()
        self.assertFalse(fee.date_end)

    def test_a_fee_invoiced_beyond_another_date_ends_with_what_is_invoiced(self):
        fee = self.contract._get_product_lines()
        self._terminate(date(2027, 6, 1))
        fee.write(
            {"last_date_invoiced": "2026-12-31", "recurring_next_date": "2027-01-01"}
        )
        self._terminate(date(2026, 11, 16))
        self.assertEqual(fee.date_end, date(2026, 12, 31))
        self.assertFalse(fee.recurring_next_date)
        self.assertEqual(self.line.state, "cancelled")

    def test_archiving_cancels(self):
        self.contract.active = False
        self.assertEqual(self.line.state, "cancelled")

    def test_the_end_of_every_product_line_cancels_sections_do_not_count(self):
        self.contract.write(
            {
                "contract_line_ids": [
                    Command.create({"display_type": "line_section", "name": "Part"})
                ]
            }
        )
        fee = self.contract.contract_line_ids.filtered("product_id").filtered(
            lambda line: not line.is_telephony
        )
        fee.cancel()
        self.assertEqual(self.line.state, "cancelled")

    def test_a_line_lives_by_its_own_fee(self):
        own_fee = self.env["contract.line"].create(
            {
                "contract_id": self.contract.id,
                "name": "Phone",
                "product_id": self.product_b.id,
                "quantity": 1,
                "price_unit": 20,
                "date_start": "2026-10-01",
                "recurring_next_date": "2026-12-01",
            }
        )
        other = self._make_line(self.contract, number="551130001000")
        self.line.contract_line_id = own_fee
        own_fee.cancel()
        self.assertEqual(self.line.state, "cancelled")
        self.assertEqual(other.state, "active")

    # === The sweep ===

    def _sweep(self):
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_contract_life").method_direct_trigger()

    def _behind_the_hooks(self, statement, record):
        """Change a record as no hook sees it."""
        self.env.flush_all()
        self.env.cr.execute(f"{statement} WHERE id = %s", [record.id])
        self.env.invalidate_all()

    def _get_bodies(self, record):
        return " ".join(str(body) for body in record.message_ids.mapped("body"))

    def test_the_sweep_finds_what_no_hook_saw_and_tells_of_it(self):
        fee = self.contract._get_product_lines()
        missed = {
            "UPDATE contract_line SET date_end = '2026-11-10'": fee,
            "UPDATE contract_line SET is_canceled = TRUE": fee,
            "DELETE FROM contract_line": fee,
            "UPDATE contract_contract SET active = FALSE": self.contract,
            "UPDATE contract_contract SET is_terminated = TRUE": self.contract,
            "UPDATE contract_contract SET is_terminated = TRUE,"
            " terminate_date = '2026-11-15'": self.contract,
        }
        for statement, record in missed.items():
            with self.subTest(statement), self._undone_afterwards():
                if statement.startswith("DELETE"):
                    fee.copy().cancel()
                self._behind_the_hooks(statement, record)
                with self.assertLogs(LIFE + "sweep", "WARNING"):
                    self._sweep()
                self.assertEqual(self.line.state, "cancelled")
                self.assertIn("sweep", self._get_bodies(self.line))
                self.assertIn("sweep", self._get_bodies(self.contract))
                self.assertIn(self.line.display_name, self._get_bodies(self.contract))
                self.assertTrue(self.line.end_mended_at)
                self.integration.invalidate_recordset()
                self.assertEqual(self.integration.mended_line_count, 1)

    @contextmanager
    def _undone_afterwards(self):
        savepoint = self.env.cr.savepoint()
        try:
            yield
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()

    @contextmanager
    def _held_by_the_database(self, line):
        """The line cannot be cancelled, whatever the code does."""
        self.env.flush_all()
        self.env.cr.execute(
            "CREATE FUNCTION saperx_hold() RETURNS trigger LANGUAGE plpgsql AS"
            " 'BEGIN RAISE EXCEPTION ''held by somebody''; END'"
        )
        self.env.cr.execute(
            "CREATE TRIGGER saperx_hold BEFORE UPDATE ON saperx_line FOR EACH ROW"
            " WHEN (NEW.id = %s AND NEW.state = 'cancelled')"
            " EXECUTE FUNCTION saperx_hold()",
            [line.id],
        )
        with mute_logger("odoo.sql_db"):
            yield
        self.env.cr.execute("DROP TRIGGER saperx_hold ON saperx_line")

    def test_an_end_that_the_platform_refuses_is_asked_for_once_a_day(self):
        self._terminate(date(2026, 11, 16))
        refused = {"sync_state": "error", "sync_error": "No", "next_sync_at": False}
        for age, state in (("23 hours", "error"), ("25 hours", "pending")):
            self.line._write_sync(refused)
            self._behind_the_hooks(
                "UPDATE saperx_line SET write_date ="
                f" timestamp '2026-11-16 15:00:00' - interval '{age}'",
                self.line,
            )
            self._sweep()
            self.assertEqual(self.line.sync_state, state, age)

    def test_a_line_that_lives_and_is_refused_waits_for_somebody(self):
        self.line._write_sync({"sync_state": "error", "next_sync_at": False})
        self._behind_the_hooks(
            "UPDATE saperx_line SET write_date = '2026-11-01'", self.line
        )
        self._sweep()
        self.assertEqual(self.line.sync_state, "error")

    def test_the_sweep_comes_to_archived_companies_as_well(self):
        self._terminate(date(2026, 11, 20))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE res_company SET active = FALSE WHERE id = %s", [self.company.id]
        )
        self.env.invalidate_all()
        with freeze_time("2026-11-20 12:00:00"):
            self._sweep()
        self.assertEqual(self.line.state, "cancelled")

    def test_what_was_mended_leaves_the_overview_after_a_month(self):
        self._behind_the_hooks(
            "UPDATE contract_contract SET active = FALSE", self.contract
        )
        with self.assertLogs(LIFE + "sweep", "WARNING"):
            self._sweep()
        lines = self.env["saperx.line"]
        view = lines.get_view(
            self.env.ref("saperx_voip.saperx_line_search").id, "search"
        )
        node = etree.fromstring(view["arch"]).find(".//filter[@name='mended']")
        shown = safe_eval(node.get("domain"))
        self.assertEqual(lines.search(shown), self.line)
        with freeze_time("2026-12-20 12:00:00"):
            self.integration.invalidate_recordset()
            self.assertFalse(self.integration.mended_line_count)
            self.assertFalse(lines.search(shown))

    def test_an_end_whose_day_has_come_is_nothing_that_was_missed(self):
        self._terminate(date(2026, 11, 20))
        with freeze_time("2026-11-20 12:00:00"):
            self._sweep()
        self.assertEqual(self.line.state, "cancelled")
        self.assertFalse(self.line.end_mended_at)
        self.assertIn("the contract ended on", self._get_bodies(self.line))
        self.assertNotIn("sweep", self._get_bodies(self.contract))

    def test_the_sweep_looks_at_what_ends_alone(self):
        """Neither at living contracts, nor at those without a living line, however
        their fees were renewed."""
        living = self._make_contract(self.partner, name="Renewed")
        line = self._make_line(living, number=None)
        fee = living._get_product_lines()
        line.contract_line_id = fee
        self.company.create_new_line_at_contract_line_renew = True
        fee.write({"date_end": "2026-11-10", "is_auto_renew": True})
        renewed = fee.renew()
        self.assertNotEqual(fee, renewed)
        self.env.flush_all()
        contracts = self.env["contract.contract"]
        self.assertFalse(contracts._get_contracts_to_sweep())
        self._terminate(date(2026, 11, 1))
        self.assertFalse(contracts._get_contracts_to_sweep())
        # The successor counts, and so does the date of the company's own day.
        self._behind_the_hooks(
            "UPDATE contract_line SET date_end = '2026-11-15', is_auto_renew = FALSE",
            renewed,
        )
        self.assertEqual(contracts._get_contracts_to_sweep(), living)
        self._behind_the_hooks(
            "UPDATE contract_line SET date_end = '2026-11-16'", renewed
        )
        self.assertFalse(contracts._get_contracts_to_sweep())

    def test_a_contract_that_fails_keeps_its_lines_and_no_others(self):
        second = self._make_contract(self.partner, name="Second")
        other = self._make_line(second, number=None)
        lone = self._make_line(self.contract, number="551130001000")
        failing = self.line
        for contract in (self.contract, second):
            self._behind_the_hooks(
                "UPDATE contract_contract SET is_terminated = TRUE,"
                " terminate_date = '2026-11-16'",
                contract,
            )
        with self._held_by_the_database(failing):
            for _run in range(3):
                with self.assertLogs(LIFE + "life", "ERROR"):
                    self._sweep()
        self.assertEqual(failing.state, "active")
        self.assertEqual((lone.state, other.state), ("cancelled", "cancelled"))
        self.assertIn("held by somebody", self.contract.saperx_end_error)
        # Told once, however often it is tried.
        self.assertEqual(self._get_bodies(self.contract).count("held by somebody"), 1)
        self._sweep()
        self.assertEqual(failing.state, "cancelled")
        self.assertFalse(self.contract.saperx_end_error)

    # === The hooks ===

    def test_a_line_that_cannot_be_cancelled_does_not_stop_the_termination(self):
        other = self._make_line(self.contract, number="551130001000")
        failing = self.line
        with (
            self._held_by_the_database(failing),
            self.assertLogs(LIFE + "life", "ERROR"),
        ):
            self._terminate(date(2026, 11, 16))
        self.assertTrue(self.contract.is_terminated)
        self.assertEqual((failing.state, other.state), ("active", "cancelled"))
        self.assertIn("held by somebody", self.contract.saperx_end_error)

    def test_whoever_may_end_a_contract_ends_its_lines_without_a_role_here(self):
        accountant = new_test_user(
            self.env,
            "saperx-terminator",
            groups="account.group_account_manager,"
            "contract_termination.can_terminate_contract",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        lines = self.line
        for number in range(3):
            contract = self._make_contract(self.partner, name=f"More {number}")
            lines |= self._make_line(contract, number=None)
        first, second, third, fourth = lines.contract_id.with_user(accountant)
        wizard = (
            self.env["contract.contract.terminate"]
            .with_user(accountant)
            .create(
                {
                    "contract_id": first.id,
                    "terminate_reason_id": self.reason.id,
                    "terminate_date": "2026-11-16",
                }
            )
        )
        wizard.terminate_contract()
        second.action_archive()
        fee = third.contract_line_ids.filtered(lambda line: not line.is_telephony)
        fee.stop(date(2026, 11, 15))
        fourth.write({"is_terminated": True, "terminate_date": "2026-11-16"})
        self.assertEqual(lines.mapped("state"), ["cancelled"] * 4)
        # Nor need they know of telephony to undo it: nothing is asked of them.
        self.assertIsNone(first.action_cancel_contract_termination())

    def test_contracts_of_two_companies_in_one_write_end_each_on_its_own_day(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.company.partner_id.tz = "America/Sao_Paulo"
        other.partner_id.tz = "Asia/Tokyo"
        env = self.env(context={"allowed_company_ids": [other.id, self.company.id]})
        integration = self._make_integration(company_id=other.id)
        plan = self.plan.copy({"integration_id": integration.id, "remote_id": 9})
        product = self.product_a.with_env(env)
        theirs = env["contract.contract"].create(
            {
                "name": "Theirs",
                "partner_id": self.partner.id,
                "company_id": other.id,
                "contract_type": "sale",
                "contract_line_ids": [
                    Command.create(
                        {
                            "name": "Internet",
                            "product_id": product.id,
                            "quantity": 1,
                            "price_unit": 1,
                            "date_start": "2026-10-01",
                            "recurring_next_date": "2026-12-01",
                        }
                    )
                ],
            }
        )
        line = env["saperx.line"].create(
            {
                "contract_id": theirs.id,
                "integration_id": integration.id,
                "plan_id": plan.id,
                "credit_limit": 10,
            }
        )
        both = self.contract | theirs.with_env(self.env)
        # The 17th in Tokyo, still the 16th in São Paulo.
        with freeze_time("2026-11-16 16:00:00"):
            both.write({"is_terminated": True, "terminate_date": "2026-11-17"})
        self.assertEqual(line.state, "cancelled")
        self.assertEqual(self.line.state, "active")
        both.write({"active": False})
        self.assertEqual(self.line.state, "cancelled")

    def test_the_flag_is_proposed_where_the_termination_would_fail_without(self):
        plain = self._make_contract(self.partner, name="Without telephony")
        fee = self.contract._get_product_lines()
        (self.contract | plain)._recurring_create_invoice()
        self.assertEqual(fee.last_date_invoiced, date(2026, 12, 31))

        def propose(contract, day):
            return (
                self.env["contract.contract.terminate"]
                .create(
                    {
                        "contract_id": contract.id,
                        "terminate_reason_id": self.reason.id,
                        "terminate_date": day,
                    }
                )
                .terminate_with_last_date_invoiced
            )

        self.assertTrue(propose(self.contract, "2026-11-16"))
        self.assertFalse(propose(self.contract, "2026-12-31"))
        # Whether the contract has telephony or not.
        self.assertTrue(propose(plain, "2026-11-16"))
        self.assertFalse(propose(plain, "2026-12-31"))

    def test_a_coming_end_is_planned_once_also_for_a_line_that_is_made_later(self):
        contract = self._make_contract(self.partner, name="Ends by itself")
        contract._get_product_lines().date_end = "2026-11-30"
        cron = self.env.ref("saperx_voip.ir_cron_contract_life")
        at = [
            ("cron_id", "=", cron.id),
            ("call_at", "=", "2026-12-01 03:00:00"),
        ]
        triggers = self.env["ir.cron.trigger"]
        self.assertFalse(triggers.search(at))
        for _time in range(2):
            self._make_line(contract, number=None)
            self.assertEqual(len(triggers.search(at)), 1)

    # === Deletion ===

    def test_a_contract_with_lines_is_not_deleted(self):
        contract = self._make_contract(self.partner, name="Other")
        line = self._make_line(contract, number=None)
        with self.assertRaisesRegex(UserError, "delete them first"):
            contract.unlink()
        line._write_sync({"was_claimed": True})
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            contract.unlink()

    def test_a_contract_that_a_line_has_left_is_not_deleted(self):
        other = self._make_contract(self.partner, name="Other")
        self.line._write_sync({"was_claimed": True})
        self._import(self._make_call(1))
        self.line.contract_id = other
        with self.assertRaisesRegex(UserError, "cannot be deleted"):
            self.contract.unlink()

    def test_a_contract_whose_unpushed_lines_were_deleted_is_deleted(self):
        contract = self._make_contract(self.partner, name="Mistake")
        self._make_line(contract, number=None).unlink()
        contract.unlink()
        self.assertFalse(contract.exists())

    def test_a_fee_that_a_line_lives_by_is_not_deleted(self):
        self.line.contract_line_id = self.contract._get_product_lines()
        with self.assertRaisesRegex(UserError, "lives by"):
            self.line.contract_line_id.unlink()

    def test_a_line_that_waits_for_renewal_keeps_the_contract_alive(self):
        fee = self.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        )
        fee.write({"date_end": "2026-11-30", "is_auto_renew": True})
        self.assertFalse(self.contract._is_dead(date(2027, 1, 1)))
        fee.is_auto_renew = False
        self.assertTrue(self.contract._is_dead(date(2027, 1, 1)))
        self.assertFalse(self.contract._is_dead(date(2026, 11, 30)))

    def test_our_own_line_counts_for_nothing_that_oca_computes(self):
        plain = self._make_contract(self.partner, name="Without telephony")
        ours = self.contract.contract_line_ids.filtered("is_telephony")
        self.assertTrue(ours)
        for name in ("recurring_next_date", "date_end", "create_invoice_visibility"):
            self.assertEqual(self.contract[name], plain[name], name)
        self.assertFalse(ours._can_be_invoiced(date(2030, 1, 1)))
        self.assertFalse(ours.create_invoice_visibility)
        self.assertFalse(ours.state)
        self.assertFalse(ours.is_un_cancel_allowed)
        fee = self.contract.contract_line_ids - ours
        fee.write({"date_end": "2026-12-31"})
        self.assertEqual(self.contract.date_end, date(2026, 12, 31))
