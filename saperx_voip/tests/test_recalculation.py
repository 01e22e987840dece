# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user

from odoo.addons.saperx_voip.gateway import CallPage, Outcome

from ..models import saperx_cdr, saperx_recalculation
from .common import MOBILE_SAME_DDD, SaperxCase, moment


class TestRecalculation(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._make_user(role) for role in ("user", "technician", "billing")
        }
        cls.rate = cls.tariff.rate_ids.filtered(lambda rate: not rate.call_class)

    def _recalculate(self, **filters):
        """Through the wizard and the scheduled action. :return: the recalculation"""
        wizard = self.env["saperx.recalculation.wizard"].create(filters)
        action = wizard.action_recalculate()
        self._run_cron()
        return self.env[action["res_model"]].browse(action["res_id"])

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_recalculate").method_direct_trigger()

    def _amounts(self, *numbers):
        return [self._get_call(number).charged_amount for number in numbers]

    def _rows(self):
        """Which version of each call's row there is."""
        self.env.flush_all()
        self.env.cr.execute("SELECT remote_id, ctid::text FROM saperx_cdr")
        return dict(self.env.cr.fetchall())

    def _set_price(self, price):
        """Without the run that a change of prices makes by itself."""
        self.rate.price_per_minute = price
        self.env["saperx.recalculation"].search([("origin", "=", "rates")]).unlink()

    def _spoil_a_rate(self, prefix):
        """As no user can, so that it cannot be read."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE saperx_tariff_rate SET prefix = %s WHERE id = %s",
            [prefix, self.rate.id],
        )
        self.env.invalidate_all()

    # What it does

    def test_calls_take_the_prices_of_now_and_the_run_says_what_changed(self):
        self._import(
            self._make_call(1),
            self._make_call(2, callee=MOBILE_SAME_DDD),
            self._make_call(3, outcome=Outcome.BUSY, talk_seconds=0),
        )
        self._set_price(0.2)
        run = self._recalculate()
        self.assertEqual(self._amounts(1, 2, 3), [0.2, 0.5, 0])
        self.assertEqual(run.state, "done")
        self.assertEqual(
            (run.total_count, run.done_count, run.changed_count), (3, 3, 1)
        )
        self.assertEqual((run.amount_before, run.amount_after), (0.62, 0.7))
        self.assertEqual(run.progress, 100)
        self.assertTrue(run.started_at and run.ended_at)

    def test_calls_are_not_counted_while_it_waits(self):
        self._import(self._make_call(1))
        wizard = self.env["saperx.recalculation.wizard"].create({})
        run = self.env["saperx.recalculation"].browse(
            wizard.action_recalculate()["res_id"]
        )
        self.assertFalse(run.is_counted)
        self._run_cron()
        self.assertTrue(run.is_counted)

    def test_it_says_whether_anything_was_chosen(self):
        run_model = self.env["saperx.recalculation"]
        self.assertFalse(run_model.new({}).has_filter)
        self.assertTrue(run_model.new({"line_id": self.line.id}).has_filter)

    def test_what_is_charged_stays_as_it_is(self):
        self._import(self._make_call(1))
        self._charge()
        self._import(self._make_call(2))
        self._set_price(0.2)
        run = self._recalculate()
        self.assertEqual(self._amounts(1, 2), [0.12, 0.2])
        self.assertEqual(run.total_count, 1)

    def test_what_comes_out_the_same_is_not_written(self):
        self._import(self._make_call(1), self._make_call(2, callee=MOBILE_SAME_DDD))
        before = self._rows()
        self._recalculate()
        self.assertEqual(self._rows(), before)
        self._set_price(0.2)
        self._recalculate()
        changed = {key for key, row in self._rows().items() if row != before[key]}
        self.assertEqual(changed, {"1"})

    def test_batches_leave_no_call_out_and_take_none_twice(self):
        self._import(*(self._make_call(number) for number in range(7)))
        self._set_price(0.2)
        with patch.object(saperx_cdr, "REASSESS_BATCH", 2):
            run = self._recalculate()
        self.assertEqual((run.done_count, run.changed_count), (7, 7))
        self.assertEqual(set(self._amounts(*range(7))), {0.2})

    def test_it_goes_on_where_it_was_killed(self):
        self._import(*(self._make_call(number) for number in range(5)))
        self._set_price(0.2)
        run = self.env["saperx.recalculation"].create({})
        with patch.object(saperx_cdr, "REASSESS_BATCH", 2):
            run._do_piece({})
            run._do_piece({})
        self.assertEqual((run.state, run.done_count), ("running", 2))
        self.assertEqual(run.progress, 40)
        self._run_cron()
        self.assertEqual((run.state, run.done_count), ("done", 5))
        self.assertEqual(set(self._amounts(*range(5))), {0.2})

    def test_trouble_is_shown_and_can_be_tried_again(self):
        self._import(self._make_call(1))
        self._set_price(0.2)
        self._spoil_a_rate("x1")
        with self.assertLogs(saperx_recalculation.__name__, "ERROR"):
            run = self._recalculate()
        self.assertEqual(run.state, "failed")
        self.assertIn("x1", run.error)
        self._spoil_a_rate(None)
        run.with_user(self.users["billing"]).action_retry()
        self._run_cron()
        self.assertEqual((run.state, run.error), ("done", False))
        self.assertEqual(self._amounts(1), [0.2])

    def test_one_that_fails_does_not_stop_the_next(self):
        self._import(self._make_call(1))
        self._spoil_a_rate("x1")
        runs = self.env["saperx.recalculation"]
        first = runs.create({})
        second = runs.create({"date_from": "2026-12-01"})
        with self.assertLogs(saperx_recalculation.__name__, "ERROR"):
            self._run_cron()
        self.assertEqual((first.state, second.state), ("failed", "done"))

    def test_a_change_between_batches_is_honoured_by_the_next(self):
        self._import(self._make_call(1), self._make_call(2))
        calls, assessors = self.env["saperx.cdr"], {}
        with patch.object(saperx_cdr, "REASSESS_BATCH", 1):
            batch = calls._reassess_batch([], assessors)
            self.assertEqual(batch.changed_count, 0)
            self._set_price(0.2)
            batch = calls._reassess_batch([], assessors, batch.last_id)
        self.assertEqual(batch.changed_count, 1)
        self.assertEqual(self._amounts(1, 2), [0.12, 0.2])

    def test_allowances_are_drawn_again(self):
        self.tariff.allowance_ids = [Command.create({"quantity": 1})]
        self._import(self._make_call(1), self._make_call(2, "2026-10-16 12:00:00"))
        self._recalculate()
        self.assertEqual(self._amounts(1, 2), [0, 0.12])
        before = self._rows()
        run = self._recalculate()
        self.assertEqual(self._rows(), before, "drawn anew, and the same")
        self.assertFalse(run.undrawn_line_ids)
        self._set_price(0.2)
        self._recalculate()
        self.assertEqual(self._amounts(1, 2), [0, 0.2])
        self.assertEqual(self._get_call(1).covered_amount, 0.2)

    def test_a_call_that_is_no_longer_chargeable_gives_its_allowance_back(self):
        self.tariff.allowance_ids = [Command.create({"quantity": 1})]
        self._import(self._make_call(1), self._make_call(2, "2026-10-16 12:00:00"))
        self._recalculate()
        self.line.charge_calls_from = moment("2026-10-16 00:00:00")
        self._recalculate()
        self.assertEqual(self._get_call(1).reason, "previous_system")
        self.assertFalse(self._get_call(1).allowance_uses)
        self.assertEqual(self._get_call(1).covered_seconds, 0)

    # Which calls

    def test_each_filter_takes_what_it_says(self):
        other_partner = self.env["res.partner"].create({"name": "Pedro"})
        other_tariff = self.tariff.copy()
        other = self._make_line(
            self._make_contract(other_partner),
            number="551130001000",
            tariff_id=other_tariff.id,
        )
        self._import(
            self._make_call(1),
            self._make_call(2, callee=MOBILE_SAME_DDD),
            self._make_call(3, caller=other.main_number),
            self._make_call(4, outcome=Outcome.BUSY, talk_seconds=0),
            self._make_call(5, caller="552130001000"),
        )
        states = ("with_unbilled", "with_unrated", "with_unmatched")
        for filters, found in (
            ({}, {1, 2, 3, 4, 5}),
            ({"line_id": other.id}, {3}),
            ({"contract_id": self.contract.id}, {1, 2, 4}),
            ({"partner_id": other_partner.id}, {3}),
            ({"tariff_id": self.tariff.id}, {1, 2, 4}),
            ({"tariff_id": other_tariff.id}, {3}),
            ({"call_class": "vc1"}, {2}),
            ({"integration_id": self.integration.id}, {1, 2, 3, 4, 5}),
            ({"integration_id": self._make_integration(name="B").id}, set()),
            (dict.fromkeys(states, False), {4}),
            ({"with_unmatched": False, "with_not_chargeable": False}, {1, 2, 3}),
            (dict.fromkeys([*states, "with_not_chargeable"], False), set()),
        ):
            wizard = self.env["saperx.recalculation.wizard"].create(filters)
            self.assertEqual(wizard.call_count, len(found), filters)
            calls = self.env["saperx.cdr"].search(wizard._get_call_domain())
            self.assertEqual(set(map(int, calls.mapped("remote_id"))), found, filters)

    def test_days_are_local_and_the_last_one_counts(self):
        self._import(
            self._make_call(1, "2026-10-10 02:59:59"),
            self._make_call(2, "2026-10-10 03:00:00"),
            self._make_call(3, "2026-10-12 02:59:59"),
            self._make_call(4, "2026-10-12 03:00:00"),
        )
        days = {"date_from": "2026-10-10", "date_to": "2026-10-11"}
        for more in ({}, {"integration_id": self.integration.id}):
            wizard = self.env["saperx.recalculation.wizard"].create({**days, **more})
            calls = self.env["saperx.cdr"].search(wizard._get_call_domain())
            self.assertEqual(set(calls.mapped("remote_id")), {"2", "3"})

    def test_days_in_the_wrong_order_are_refused(self):
        with self.assertRaises(ValidationError):
            self.env["saperx.recalculation.wizard"].create(
                {"date_from": "2026-10-11", "date_to": "2026-10-10"}
            )

    def test_the_plan_of_a_call_is_that_of_its_time(self):
        self._import(self._make_call(1))
        former = self.tariff
        self.line.tariff_id = former.copy()
        for tariff, count in ((former, 1), (self.line.tariff_id, 0)):
            wizard = self.env["saperx.recalculation.wizard"].create(
                {"tariff_id": tariff.id}
            )
            self.assertEqual(wizard.call_count, count)

    def test_the_wizard_counts_while_it_is_filled_in(self):
        self._import(self._make_call(1), self._make_call(2, callee=MOBILE_SAME_DDD))
        with Form(self.env["saperx.recalculation.wizard"]) as form:
            self.assertEqual(form.call_count, 2)
            form.call_class = "vc1"
            self.assertEqual(form.call_count, 1)

    def test_nothing_found_is_nothing_begun(self):
        wizard = self.env["saperx.recalculation.wizard"].create({})
        with self.assertRaises(UserError):
            wizard.action_recalculate()
        self.assertFalse(self.env["saperx.recalculation"].search([]))

    # Who may

    def test_billing_recalculates_with_only_its_role(self):
        self._import(self._make_call(1))
        wizard = self.env["saperx.recalculation.wizard"]
        wizard = wizard.with_user(self.users["billing"]).create({})
        action = wizard.action_recalculate()
        run = self.env[action["res_model"]].browse(action["res_id"])
        self.assertEqual(run.create_uid, self.users["billing"])
        run = run.with_user(self.users["billing"])
        self.assertTrue(run.read(["state", "filter_summary", "progress"]))
        with self.assertRaises(AccessError):
            run.write({"state": "done"})
        with self.assertRaises(AccessError):
            run.unlink()
        with self.assertRaises(AccessError):
            run.create({})

    def test_nobody_else_recalculates_or_reads_of_it(self):
        run = self.env["saperx.recalculation"].create({})
        for role in ("user", "technician"):
            user = self.users[role]
            for attempt in (
                self.env["saperx.recalculation.wizard"].with_user(user).create,
                self.env["saperx.recalculation"].with_user(user).create,
            ):
                with self.assertRaises(AccessError):
                    attempt({})
            with self.assertRaises(AccessError):
                run.with_user(user).read(["state"])
            with self.assertRaises(AccessError):
                run.with_user(user).action_retry()

    def test_another_company_is_out_of_reach(self):
        self._import(self._make_call(1))
        run = self.env["saperx.recalculation"].create({})
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("billing", other)
        env = self.env(
            user=stranger, context=dict(self.env.context, allowed_company_ids=other.ids)
        )
        self.assertFalse(env["saperx.recalculation"].search([]))
        with self.assertRaises(AccessError):
            run.with_env(env).read(["state"])
        wizard = env["saperx.recalculation.wizard"].create({})
        self.assertEqual(wizard.company_id, other)
        self.assertEqual(wizard.call_count, 0)
        wizard = env["saperx.recalculation.wizard"].create(
            {"company_id": self.company.id}
        )
        with self.assertRaises(AccessError):
            wizard.action_recalculate()


class TestRerating(SaperxCase):
    """Prices that change."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rate = cls.tariff.rate_ids.filtered(lambda rate: not rate.call_class)

    def _run_cron(self):
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_recalculate").method_direct_trigger()

    def _change_price(self, price):
        self.rate.price_per_minute = price
        self.tariff._rates_changed()

    def _get_runs(self):
        return self.env["saperx.recalculation"].search(
            [("tariff_id", "=", self.tariff.id), ("origin", "=", "rates")], order="id"
        )

    def test_new_prices_reach_the_calls_of_the_plan_and_of_no_other(self):
        other_tariff = self.tariff.copy()
        self._make_line(self.contract, number="551130001000", tariff_id=other_tariff.id)
        self._import(self._make_call(1), self._make_call(2, caller="551130001000"))
        other_tariff.rate_ids.price_per_minute = 0.3
        other_tariff.recalculation_ids.unlink()
        self._change_price(0.2)
        self.assertTrue(self.tariff._is_being_rated_again())
        self.assertFalse(other_tariff._is_being_rated_again())
        self._run_cron()
        self.assertFalse(self.tariff._is_being_rated_again())
        self.assertEqual(self._get_call(1).charged_amount, 0.2)
        self.assertEqual(self._get_call(2).charged_amount, 0.12)

    def test_changes_before_it_begins_make_one_run(self):
        self._import(self._make_call(1))
        self._change_price(0.2)
        self._change_price(0.3)
        self.assertEqual(len(self._get_runs()), 1)
        self._run_cron()
        self.assertEqual(self._get_call(1).charged_amount, 0.3)

    def test_a_change_during_the_run_is_not_lost(self):
        self._import(self._make_call(1))
        self._change_price(0.2)
        run = self._get_runs()
        assessors = {}
        run._do_piece(assessors)
        run._do_piece(assessors)
        self.assertEqual(self._get_call(1).charged_amount, 0.2)
        self._change_price(0.3)
        while run.state == "running":
            run._do_piece(assessors)
        self.assertTrue(self.tariff._is_being_rated_again())
        self._run_cron()
        self.assertEqual(self._get_call(1).charged_amount, 0.3)
        self.assertFalse(self.tariff._is_being_rated_again())

    def test_a_run_that_failed_keeps_the_plan_marked_until_it_is_made_good(self):
        self._import(self._make_call(1))
        self._change_price(0.2)
        run = self._get_runs()
        run._do_piece({})
        run._fail("trouble")
        self.assertTrue(self.tariff._is_being_rated_again())
        self._change_price(0.3)
        self.assertEqual(self._get_runs(), run)
        self.assertEqual((run.state, run.done_count), ("waiting", 0))
        self._run_cron()
        self.assertFalse(self.tariff._is_being_rated_again())
        self.assertEqual(self._get_call(1).charged_amount, 0.3)

    def test_a_plan_without_calls_to_rate_waits_for_nothing(self):
        self._change_price(0.2)
        self.assertFalse(self.tariff._is_being_rated_again())
        self._import(self._make_call(1))
        self._charge()
        self._change_price(0.3)
        self.assertFalse(self._get_runs())
        self.assertTrue(self.tariff.rates_changed_at)

    def test_a_call_without_a_price_gets_one(self):
        self.rate.call_class = "ldi"
        self._import(self._make_call(1))
        self.assertEqual(self._get_call(1).state, "unrated")
        self.rate.call_class = False
        self.tariff._rates_changed()
        self._run_cron()
        self.assertEqual(self._get_call(1).charged_amount, 0.12)

    def test_a_free_number_that_gets_a_price_is_charged(self):
        self._import(self._make_call(1, callee="190"))
        self.assertEqual(self._get_call(1).reason, "free")
        self.tariff.rate_ids = [
            Command.create({"prefix": "190", "price_per_minute": 1})
        ]
        self.tariff._rates_changed()
        self._run_cron()
        self.assertEqual(self._get_call(1).charged_amount, 1)

    def test_calls_stored_while_prices_change_are_rated_again_by_their_import(self):
        """The page may have been read by prices that changed before its commit."""
        run = self._make_run()
        run._start()
        self._import(self._make_call(1))
        self._get_call(1).sudo().write({"import_id": run.id})
        self.rate.price_per_minute = 0.2
        self.tariff.rates_changed_at = moment("2026-11-16 14:59:00")
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            run.with_env(self.env(cr=cr))._reassess_what_changed_meanwhile()
        self.env.invalidate_all()
        self.assertEqual(self._get_call(1).charged_amount, 0.2)

    def test_what_an_import_rates_again_stops_in_time_and_goes_on_where_it_was(self):
        run = self._make_run(phase="checking")
        run._start()
        self._import(self._make_call(1), self._make_call(2))
        calls = self._get_call(1) | self._get_call(2)
        calls.sudo().write({"import_id": run.id})
        self.rate.price_per_minute = 0.2
        self.tariff.rates_changed_at = moment("2026-11-16 14:59:00")
        self.patch(saperx_cdr, "REASSESS_BATCH", 1)
        seen = []
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            run = run.with_env(self.env(cr=cr))
            while run.phase == "checking":
                run._reassess_what_changed_meanwhile(until=0)
                seen.append(run.reassessed_until_id)
        self.env.invalidate_all()
        self.assertEqual(seen, [*calls.sorted("id").ids, max(calls.ids)])
        self.assertEqual(calls.mapped("charged_amount"), [0.2, 0.2])

    def test_whoever_charges_only_reads_whether_the_plan_is_rated_again(self):
        self._import(self._make_call(1))
        self._change_price(0.2)
        user = new_test_user(self.env, "rerating-user", groups="saperx_voip.group_user")
        tariff = self.tariff.with_user(user)
        self.assertTrue(tariff._is_being_rated_again())


class TestAssessor(SaperxCase):
    """What calls are rated by is read again exactly when it changed."""

    def setUp(self):
        super().setUp()
        self.assessor = self.integration._get_assessor()

    def _is_known(self):
        return self.integration._get_assessor(self.assessor) is self.assessor

    def test_nothing_changed(self):
        self.assertTrue(self._is_known())

    def test_what_the_platform_hears_of_a_line_is_nothing_to_rating(self):
        self.line._write_sync({"sync_state": "synced"})
        self.line.simultaneous_calls = 7
        self.assertTrue(self._is_known())

    def test_each_change_of_what_rating_needs_is_seen(self):
        period = self.line.period_ids
        for change in (
            lambda: self.line._write_sync({"remote_id": 42}),
            lambda: self.line.write({"account_code": "123456"}),
            lambda: self.line.write({"charge_calls_from": "2026-10-01 00:00:00"}),
            lambda: self._make_line(self.contract, number="551130001000"),
            lambda: self.line.did_ids.create(
                {"line_id": self.line.id, "number": "551130001001"}
            ),
            lambda: period.write({"closing_day": 5}),
            lambda: period.write({"date_to": "2026-11-01 00:00:00"}),
            lambda: period.write({"date_to": "2026-11-02 00:00:00"}),
            lambda: self.tariff.rate_ids[0].write({"price_per_minute": 0.3}),
            lambda: self.tariff.rate_ids[0].write({"price_per_minute": 0.4}),
            lambda: self.tariff.rate_ids[0].unlink(),
            lambda: self.tariff.write({"amount_source": "platform"}),
            lambda: self.integration.write({"timezone": "America/Manaus"}),
            lambda: self.integration.write(
                {"charge_calls_from": "2026-10-01 00:00:00"}
            ),
            lambda: self.env.cr.execute("UPDATE saperx_line_period SET partner_id = 1"),
        ):
            change()
            self.assertFalse(self._is_known())
            self.assessor = self.integration._get_assessor()
            self.assertTrue(self._is_known())

    def test_an_import_reads_a_change_between_two_pages(self):
        run = self._make_run()
        page = self._import_page(1)
        assessor = run._store_page(page)
        self.assertIs(run._store_page(self._import_page(2), assessor), assessor)
        self.tariff.rate_ids.price_per_minute = 0.2
        self.assertIsNot(run._store_page(self._import_page(3), assessor), assessor)
        self.assertEqual(
            [self._get_call(number).charged_amount for number in (1, 2, 3)],
            [0.12, 0.12, 0.2],
        )

    def _import_page(self, number):
        return CallPage((self._make_call(number),), (), None)
