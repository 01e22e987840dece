# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form

from ..models import saperx_charge_run
from ..wizards import saperx_charge_wizard
from .common import MOBILE_SAME_DDD, SaperxCase, moment

LOGGER = "odoo.addons.saperx_voip.models.saperx_charging"
OTHER_NUMBER = "551130001000"


class TestCharging(SaperxCase):
    """Runs of charging: portions, deaths, trouble, previews."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_contract = cls._make_contract(cls.partner_b)
        cls.other_line = cls._make_line(cls.other_contract, number=OTHER_NUMBER)

    def _import_both(self):
        self._import(self._make_call(1), self._make_call(2, caller=OTHER_NUMBER))

    def _begin(self, **values):
        return self.env["saperx.charging"].create(
            {"company_id": self.company.id, **values}
        )

    def _proceed(self, run, until=float("inf")):
        """As a worker does, in transactions of its own."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            has_ended = run.with_env(self.env(cr=cr))._proceed(until)
        self.env.invalidate_all()
        return has_ended

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_charge").method_direct_trigger()
        self.env.invalidate_all()

    def _in_portions_of_one(self):
        return patch.object(saperx_charge_run, "PORTION", 1)

    def _breaking(self, contract):
        """Charging of this contract breaks off."""
        model = type(self.env["saperx.charge"])
        charge = model._charge_contracts

        def fail(charges, scope, contract_ids):
            if contract.id in contract_ids:
                raise RuntimeError("out of luck")
            return charge(charges, scope, contract_ids)

        return patch.object(model, "_charge_contracts", autospec=True, side_effect=fail)

    def _charges(self):
        self.env.invalidate_all()
        return self.env["saperx.charge"].search([])

    def _minutes(self, seconds):
        return self.tariff.allowance_ids._format_quantity(seconds)

    # Runs

    def test_a_run_tells_what_came_of_it(self):
        self.company.saperx_hold_amount = 0.12
        self._import_both()
        self._import(self._make_call(3))
        run = self._begin()
        self._proceed(run)
        self.assertEqual(run.state, "done")
        self.assertEqual(run.charge_ids, self._charges())
        self.assertEqual((run.charge_count, run.held_count, run.amount), (2, 1, 0.36))
        self.assertEqual(run.progress, 100)
        held = self.env["saperx.charge"].search(run.action_view_held()["domain"])
        self.assertEqual(held.line_id, self.line)

    def test_what_time_does_not_suffice_for_is_gone_on_with(self):
        self._import_both()
        run = self._begin()
        with self._in_portions_of_one():
            self.assertFalse(self._proceed(run, 0))
            self.assertEqual(len(self._charges()), 1)
            self.assertEqual(run.state, "running")
            self.assertEqual(run.progress, 50)
            # As another process finds it.
            self.assertFalse(self._proceed(run, 0))
            self.assertTrue(self._proceed(run, 0))
        self.assertEqual(self._charges().line_id, self.line | self.other_line)
        self.assertEqual(run.charge_count, 2)

    def test_a_death_between_portions_forgets_nothing_and_doubles_nothing(self):
        self._import_both()
        run = self._begin()
        model = type(run)
        with self._in_portions_of_one():
            self._proceed(run, 0)
            charge = model._charge_contracts

            def die(self, contract_ids):
                charge(self, contract_ids)
                raise KeyboardInterrupt

            with (
                patch.object(model, "_charge_contracts", die),
                self.assertRaises(KeyboardInterrupt),
            ):
                self._proceed(run)
            self.assertEqual(len(self._charges()), 1)
            self._proceed(run)
        self.assertEqual(sorted(self._charges().mapped("call_count")), [1, 1])
        self.assertEqual(run.charge_count, 2)

    def test_one_contract_in_trouble_keeps_no_other_from_being_charged(self):
        self._import_both()
        run = self._begin()
        with self._breaking(self.contract), self.assertLogs(LOGGER, "ERROR"):
            self._proceed(run)
        self.assertEqual(run.state, "failed")
        self.assertIn(self.contract.display_name, run.error)
        self.assertIn("out of luck", run.error)
        self.assertEqual(self._charges().line_id, self.other_line)
        run.with_user(self._make_user("billing")).action_retry()
        self._run_cron()
        self.assertEqual(run.state, "done")
        self.assertFalse(run.error)
        self.assertEqual(self._charges().line_id, self.line | self.other_line)
        self.assertEqual(run.charge_count, 2)

    def test_the_cron_leaves_the_runs_of_tasks_to_their_own_actions(self):
        self._import_both()
        task = self.env["saperx.schedule"].create(
            {"integration_id": self.integration.id, "task": "charge"}
        )
        run = self._begin(schedule_id=task.id)
        self._run_cron()
        self.assertEqual(run.state, "waiting")
        self.assertFalse(self._charges())

    def test_an_import_that_ends_wakes_the_tasks_that_charge(self):
        tasks = self.env["saperx.schedule"].create(
            [
                {"integration_id": self.integration.id, "task": "charge"},
                {
                    "integration_id": self.integration.id,
                    "task": "charge",
                    "charges_after_import": False,
                },
            ]
        )
        run = self._make_run(state="running", started_at=moment("2026-11-16 14:00:00"))
        run._finish()
        now = moment("2026-11-16 15:00:00")
        self.assertEqual(tasks[0].next_run_at, now)
        self.assertGreater(tasks[1].next_run_at, now)

    # What is charged

    def test_a_cycle_may_be_chosen_by_its_closing_day(self):
        self._import(
            self._make_call(1), self._make_call(2, start="2026-09-10 12:00:00")
        )
        wizard = self.env["saperx.charge.wizard"].create(
            {"closed_from": "2026-09-30", "closed_to": "2026-09-30"}
        )
        self.assertEqual(wizard.charged_total, 0.12)
        wizard.action_generate()
        self.assertEqual(self._charges().cycle_end, date(2026, 9, 30))
        self.assertEqual(self._get_call(1).state, "unbilled")

    def test_the_first_closing_day_is_not_after_the_last(self):
        with self.assertRaisesRegex(ValidationError, "must not be after"):
            self.env["saperx.charge.wizard"].create(
                {"closed_from": "2026-10-01", "closed_to": "2026-09-30"}
            )

    def test_a_plan_and_a_contract_are_those_that_the_calls_were_made_under(self):
        self._import_both()
        former = self.line.tariff_id
        self.line.tariff_id = former.copy({"name": "New"})
        self.env["saperx.recalculation"].search([]).state = "done"
        wizard = self.env["saperx.charge.wizard"].create(
            {"tariff_id": former.id, "contract_id": self.contract.id}
        )
        wizard.action_generate()
        self.assertEqual(self._charges().line_id, self.line)
        self.assertEqual(self._charges().period_id.tariff_id, former)

    def test_only_active_lines_if_the_wizard_says_so(self):
        self.other_line.is_active = False
        self.env["saperx.line.activity"].search(
            [("line_id", "=", self.other_line.id)]
        ).date_to = moment("2026-09-30 12:00:00")
        self._import_both()
        wizard = self.env["saperx.charge.wizard"].create({"only_active_lines": True})
        self.assertEqual(wizard.charged_total, 0.12)
        self.assertEqual(wizard.waiting_total, 0)
        self.assertEqual(wizard.left_out_total, 0.12)
        wizard.action_generate()
        self.assertEqual(self._charges().line_id, self.line)
        self.assertEqual(self._get_call(2).state, "unbilled")

    def test_calls_of_a_prepaid_line_are_never_charged(self):
        self.line.billing_type = "prepaid"
        self._import_both()
        self.assertEqual(self._get_call(1).state, "not_chargeable")
        self.assertEqual(self._charge().line_id, self.other_line)

    def test_not_even_if_a_call_of_a_prepaid_line_were_left_to_be_charged(self):
        self._import_both()
        self.env.cr.execute(
            "UPDATE saperx_line_period SET billing_type = 'prepaid' WHERE line_id = %s",
            [self.line.id],
        )
        self.env.invalidate_all()
        self.assertEqual(self._charge().line_id, self.other_line)
        wizard = self.env["saperx.charge.wizard"].create({})
        self.assertEqual(wizard.left_out_total, 0.12)
        self.assertIn("prepaid", wizard.waiting_ids.waits_for)

    # The preview

    def test_the_preview_has_a_row_for_each_customer_and_class(self):
        self._import(
            self._make_call(1),
            self._make_call(2),
            self._make_call(3, callee=MOBILE_SAME_DDD),
            self._make_call(4, caller=OTHER_NUMBER),
        )
        form = Form(self.env["saperx.charge.wizard"])
        rows = form.preview_ids._records
        self.assertEqual(
            [(row["partner_id"], row["call_class"], row["call_count"]) for row in rows],
            [
                (self.partner.id, "ldn", 2),
                (self.partner.id, "vc1", 1),
                (self.partner_b.id, "lc", 1),
            ],
        )
        self.assertEqual(
            (form.partner_count, form.line_count, form.call_count), (2, 2, 4)
        )
        self.assertEqual(form.charged_seconds, 240)
        self.assertEqual(form.gross_total, 0.86)
        self.assertEqual(form.charged_total, 0.86)
        form.partner_id = self.partner_b
        self.assertEqual(form.charged_total, 0.12)
        self.assertFalse(self._charges())

    def test_the_preview_shows_what_an_allowance_covers(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": 1}
        )
        self._import(self._make_call(1), self._make_call(2))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        wizard = self.env["saperx.charge.wizard"].create({})
        self.assertEqual(wizard.gross_total, 0.24)
        self.assertEqual(wizard.covered_total, 0.12)
        self.assertEqual(wizard.charged_total, 0.12)
        wizard.action_generate()
        self.assertEqual(self._charges().amount, 0.12)

    def test_sums_are_of_all_rows_also_those_that_are_not_shown(self):
        self._import_both()
        with patch.object(saperx_charge_wizard, "SHOWN_ROWS", 1):
            wizard = self.env["saperx.charge.wizard"].create({})
            self.assertEqual(len(wizard.preview_ids), 1)
            self.assertEqual(wizard.hidden_count, 1)
            self.assertEqual(wizard.charged_total, 0.24)

    def test_the_whole_preview_has_each_line_and_what_it_waits_for(self):
        self._import_both()
        self._import(self._make_call(3, start="2026-11-05 12:00:00"))
        billing = self._make_user("billing")
        wizard = self.env["saperx.charge.wizard"].with_user(billing).create({})
        wizard.action_view_all()
        wizard.action_view_all()
        rows = self.env["saperx.charge.preview"].with_user(billing).search([])
        self.assertEqual(rows.mapped("state"), ["charged", "charged", "waiting"])
        self.assertEqual(sum(rows.mapped("amount")), 0.36)
        waiting = rows.filtered("waits_for")
        self.assertIn("runs until", waiting.waits_for)
        calls = self.env["saperx.cdr"].search(waiting.action_view_calls()["domain"])
        self.assertEqual(calls, self._get_call(3))
        other = self._make_user("manager")
        self.assertFalse(self.env["saperx.charge.preview"].with_user(other).search([]))

    def test_many_lines_are_left_to_the_scheduled_action(self):
        self._import_both()
        wizard = self.env["saperx.charge.wizard"].create({})
        with patch.object(saperx_charge_wizard, "LINES_AT_ONCE", 1):
            action = wizard.action_generate()
        run = self.env["saperx.charging"].browse(action["res_id"])
        self.assertEqual(run.state, "waiting")
        cron = self.env.ref("saperx_voip.ir_cron_charge")
        self.assertTrue(self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)]))
        self._run_cron()
        self.assertEqual(run.state, "done")
        self.assertEqual(len(run.charge_ids), 2)

    # What is behind the figures

    def test_the_calls_behind_a_class_and_behind_an_allowance(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": 1}
        )
        self._import(
            self._make_call(1),
            self._make_call(2),
            self._make_call(3, callee=MOBILE_SAME_DDD),
        )
        charge = self._charge()
        found = {
            item.call_class: self.env["saperx.cdr"].search(
                item.action_view_calls()["domain"]
            )
            for item in charge.class_ids
        }
        self.assertEqual(found["vc1"], self._get_call(3))
        self.assertEqual(found["ldn"], self._get_call(1) | self._get_call(2))
        action = charge.allowance_ids.action_view_calls()
        drew = self.env["saperx.cdr"].search(action["domain"])
        self.assertEqual(drew, self._get_call(1))

    def test_what_is_left_of_an_allowance_counts_all_charges_of_the_cycle(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": 5}
        )
        self._import(self._make_call(1))
        first = self._charge()
        self.assertEqual(
            first.allowance_ids.left, self.tariff.allowance_ids._format_quantity(240)
        )
        self._import(self._make_call(2, talk_seconds=120))
        late = self._charge()
        for charge in (first, late):
            charge.allowance_ids.invalidate_recordset()
            self.assertEqual(
                charge.allowance_ids.left,
                self.tariff.allowance_ids._format_quantity(120),
            )
        late.action_cancel()
        first.allowance_ids.invalidate_recordset()
        self.assertEqual(
            first.allowance_ids.left, self.tariff.allowance_ids._format_quantity(240)
        )

    # Who may

    def test_runs_and_previews_are_billings_alone(self):
        self._begin()
        for role in ("user", "technician"):
            user = self._make_user(role)
            for model in (
                "saperx.charging",
                "saperx.charge.wizard",
                "saperx.charge.preview",
            ):
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).search([]).read(["id"])

    def test_another_company_is_neither_seen_nor_charged(self):
        other = self._create_company(name="Other provider")
        stranger = self._make_user("billing", other)
        own_env = self.env(user=stranger, context={"allowed_company_ids": other.ids})
        run = self._begin()
        self._import_both()
        self.assertFalse(own_env["saperx.charging"].search([]))
        with self.assertRaises(AccessError):
            run.with_env(own_env).read(["state"])
        wizard = own_env["saperx.charge.wizard"]
        with self.assertRaises(AccessError):
            wizard.create({"company_id": self.company.id}).action_generate()
        with self.assertRaisesRegex(UserError, "nothing to charge"):
            wizard.create({}).action_generate()
        self.assertFalse(self._charges())
