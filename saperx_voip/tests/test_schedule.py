# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import closing
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.sql_db import db_connect
from odoo.tests import Form

from odoo.addons.saperx_voip.gateway import Unreachable

from ..hooks import uninstall_hook
from ..models.saperx_cdr_import import IMPORT_LOCK
from .common import TODAY, SaperxCase, moment

CHARGING_LOGGER = "odoo.addons.saperx_voip.models.saperx_charging"
IMPORT_LOGGER = "odoo.addons.saperx_voip.models.saperx_cdr_import"


class ScheduleCase(SaperxCase):
    """The clock stands on Monday, 16 November 2026, at noon in São Paulo."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Without a login, which needs a platform.
        cls.env.cr.execute(
            "UPDATE saperx_integration SET active = TRUE WHERE id = %s",
            [cls.integration.id],
        )
        cls.integration.invalidate_recordset()

    @classmethod
    def _make_schedule(cls, **values):
        return cls.env["saperx.schedule"].create(
            {"integration_id": cls.integration.id, "hour": "7", "minute": "30"} | values
        )

    def _triggers(self, schedule):
        """When its scheduled action will be woken."""
        return self._triggers_of(schedule.cron_id)

    def _reading_triggers(self):
        """When the action that reads the integration's calls will be woken."""
        return self._triggers_of(self.integration.sudo().import_cron_id)

    def _triggers_of(self, cron):
        return (
            self.env["ir.cron.trigger"]
            .search([("cron_id", "=", cron.id)], order="call_at")
            .mapped("call_at")
        )

    def _wake(self, schedule, at=TODAY):
        """As workers do: the task, whoever reads for it, and the task as that ends."""
        with freeze_time(at), self.enter_registry_test_mode():
            self._turn(schedule)
            if schedule._is_due():
                self._turn(schedule)

    def _turn(self, schedule):
        schedule.cron_id.method_direct_trigger()
        self._read(schedule.integration_id)
        self.env.invalidate_all()

    def _read(self, integration):
        integration.invalidate_recordset(["import_cron_id"])
        if cron := integration.sudo().import_cron_id:
            cron.method_direct_trigger()

    def _reading(self, *outcomes):
        """Imports that end by themselves, one by one, with an error or without."""
        coming = iter(outcomes)

        def read(run, _until):
            if error := next(coming):
                raise error
            run.phase = "checking"

        return patch.object(
            type(self.env["saperx.cdr.import"]),
            "_read_window",
            autospec=True,
            side_effect=read,
        )

    def _failing(self, error):
        return patch.object(
            type(self.env["saperx.charge"]), "_charge_contracts", side_effect=error
        )


class TestSchedule(ScheduleCase):
    # The form

    def test_the_next_run_is_reckoned_in_the_integrations_zone(self):
        schedule = self._make_schedule()
        self.assertEqual(schedule.next_run_at, moment("2026-11-17 10:30:00"))
        self.assertEqual(self._triggers(schedule), [schedule.next_run_at])
        self.integration.timezone = "America/Manaus"
        self.assertEqual(schedule.next_run_at, moment("2026-11-17 11:30:00"))
        self.assertIn(schedule.next_run_at, self._triggers(schedule))

    def test_a_change_of_hour_holds_from_now_on(self):
        schedule = self._make_schedule()
        schedule.hour = "13"
        self.assertEqual(schedule.next_run_at, moment("2026-11-16 16:30:00"))

    def test_entries_are_kept_in_one_spelling(self):
        schedule = self._make_schedule(day=" 1 - 5 ; 20", weekday="Todos", hour="07")
        self.assertEqual(schedule.day, "1-5,20")
        self.assertEqual(schedule.weekday, "*")
        self.assertEqual(schedule.hour, "7")
        schedule.write({"day": "1-31"})
        self.assertEqual(schedule.day, "*")

    def test_what_cannot_be_taken_is_refused_by_the_name_of_its_field(self):
        for values, words in (
            ({"hour": "25"}, "Hour: 25 does not lie between 0 and 23"),
            ({"hour": ""}, "Hour: give a value"),
            ({"weekday": "5-1"}, "Day of the week: the interval “5-1” runs backwards"),
            ({"minute": "half"}, "Minute: “half” is not understood"),
            ({"day": "31", "month": "2"}, "none of the chosen months has such a day"),
        ):
            with self.assertRaisesRegex(ValidationError, words):
                self._make_schedule(**values)
        schedule = self._make_schedule()
        with self.assertRaisesRegex(ValidationError, "would never run"):
            schedule.write({"day": "30", "month": "2"})

    def test_the_next_five_runs_show_while_it_is_typed(self):
        with Form(self.env["saperx.schedule"]) as form:
            form.integration_id = self.integration
            form.hour = "7"
            form.minute = "30"
            form.every_weekday = False
            form.weekday = "1-5"
            self.assertEqual(form.next_runs.count("<tr>"), 5)
            self.assertIn("Tuesday, November 17, 2026", form.next_runs)
            self.assertIn("Monday, November 23, 2026", form.next_runs)
            self.assertNotIn("Saturday", form.next_runs)
            self.assertIn("07:30", form.next_runs)
            form.hour = "99"
            self.assertFalse(form.next_runs)
            self.assertIn("99 does not lie between 0 and 23", form.misentry)
            form.hour = "8"
            self.assertFalse(form.misentry)

    def test_the_mark_all_takes_the_value_and_gives_it_back_to_be_typed(self):
        with Form(self.env["saperx.schedule"]) as form:
            form.integration_id = self.integration
            self.assertTrue(form.every_day)
            form.every_day = False
            self.assertFalse(form.day)
            self.assertIn("Day of the month: give a value", form.misentry)
            form.day = "1-15"
            self.assertFalse(form.every_day)
            form.every_day = True
            self.assertEqual(form.day, "*")
            form.every_day = False
            form.day = "todos"
            self.assertTrue(form.every_day)
        self.assertEqual(form.record.day, "*")

    def test_a_task_that_does_not_go_with_the_import_period_is_warned_of(self):
        schedule = self._make_schedule()
        self.assertFalse(schedule.warning)
        schedule.weekday = "1-5"
        self.assertIn("does not run every day", schedule.warning)
        self.integration.cdr_import_period = "monthly"
        self.assertIn("more than once a month", schedule.warning)
        schedule.write({"day": "1", "weekday": "*"})
        self.assertFalse(schedule.warning)
        schedule.day = "31"
        self.assertIn("not run in every month", schedule.warning)
        charging = self._make_schedule(task="charge", day="1")
        self.assertFalse(charging.warning)

    def test_a_monthly_import_is_proposed_for_the_first_of_the_month(self):
        self.integration.cdr_import_period = "monthly"
        with Form(self.env["saperx.schedule"]) as form:
            form.integration_id = self.integration
            self.assertEqual(form.day, "1")
            form.task = "charge"
        self.assertFalse(form.record.warning)

    def test_task_and_integration_are_fixed_once_saved(self):
        schedule = self._make_schedule()
        with self.assertRaisesRegex(UserError, "fixed once"):
            schedule.task = "charge"
        schedule.write({"task": "import", "integration_id": self.integration.id})

    # Scheduled actions

    def test_each_task_has_a_parked_action_that_goes_with_it(self):
        first, second = self._make_schedule(), self._make_schedule(task="charge")
        self.assertNotEqual(first.cron_id, second.cron_id)
        self.assertIn(self.integration.name, first.cron_id.name)
        self.assertGreater(first.cron_id.nextcall, moment("2900-01-01 00:00:00"))
        cron = first.cron_id
        action = cron.ir_actions_server_id
        first.unlink()
        self.assertFalse(cron.exists())
        self.assertFalse(first.exists())
        self.assertFalse(action.exists())
        self.assertTrue(second.cron_id.exists())

    def test_the_actions_go_with_the_addon(self):
        cron = self._make_schedule().cron_id
        cron |= self.integration.sudo()._get_import_cron()
        with self.enter_registry_test_mode():
            uninstall_hook(self.env)
        self.assertFalse(cron.exists())

    def test_an_archived_task_does_not_run_and_wakes_up_planned_anew(self):
        schedule = self._make_schedule()
        schedule.active = False
        self.assertFalse(schedule.next_run_at)
        with self._reading() as reading:
            self._wake(schedule, "2026-11-18 12:00:00")
        reading.assert_not_called()
        with freeze_time("2026-11-20 12:00:00"):
            schedule.active = True
        self.assertEqual(schedule.next_run_at, moment("2026-11-21 10:30:00"))

    def test_a_deleted_integration_takes_its_tasks_along(self):
        other = self._make_integration(name="Other", active=False)
        schedule = self._make_schedule(integration_id=other.id)
        cron = schedule.cron_id
        other.unlink()
        self.assertFalse(schedule.exists())
        self.assertFalse(cron.exists())

    # Running

    def test_an_import_runs_at_its_moment_and_is_planned_again(self):
        schedule = self._make_schedule()
        with self._reading(None):
            self._wake(schedule, "2026-11-17 10:30:20")
        run = schedule.last_import_id
        self.assertEqual(schedule.last_state, "done")
        self.assertEqual(run.state, "done")
        self.assertEqual(run.schedule_id, schedule)
        self.assertEqual(run.date_to, moment("2026-11-17 10:30:20"))
        self.assertEqual(self.integration.imported_until, run.date_to)
        self.assertEqual(schedule.next_run_at, moment("2026-11-18 10:30:00"))
        self.assertIn(schedule.next_run_at, self._triggers(schedule))
        self.assertEqual(schedule.last_result, "0 new calls of 0 read")

    def test_woken_too_early_or_once_more_it_does_nothing(self):
        schedule = self._make_schedule()
        with self._reading(None) as reading:
            self._wake(schedule, "2026-11-17 10:29:00")
            reading.assert_not_called()
            self._wake(schedule, "2026-11-17 10:30:00")
            self._wake(schedule, "2026-11-17 10:30:30")
        self.assertEqual(reading.call_count, 1)
        self.assertEqual(self._triggers(schedule).count(schedule.next_run_at), 1)

    def test_missed_runs_are_made_up_once(self):
        schedule = self._make_schedule(hour="*")
        with self._reading(None) as reading:
            self._wake(schedule, "2026-11-20 12:00:00")
            self._wake(schedule, "2026-11-20 12:00:30")
        self.assertEqual(reading.call_count, 1)
        self.assertEqual(schedule.next_run_at, moment("2026-11-20 12:30:00"))
        # What was missed is in it.
        run = schedule.last_import_id
        self.assertLess(run.date_from, moment("2026-11-10 00:00:00"))
        self.assertEqual(run.date_to, moment("2026-11-20 12:00:00"))

    def test_passing_trouble_is_tried_again_within_minutes_and_then_hourly(self):
        schedule = self._make_schedule()
        down = [Unreachable("timeout", "timeout") for _ in range(7)]
        now = moment("2026-11-17 10:30:00")
        pauses = []
        with self._reading(*down, None):
            for _ in down:
                self._wake(schedule, now)
                self.assertEqual(schedule.last_state, "waiting")
                self.assertIn(schedule.retry_at, self._reading_triggers())
                pauses.append((schedule.retry_at - now) // timedelta(minutes=1))
                now = schedule.retry_at
            self.assertEqual(pauses, [2, 5, 10, 20, 60, 60, 60])
            self.assertEqual(schedule.retry_count, 7)
            self.assertIn("does not answer", schedule.last_error)
            self.assertEqual(self.integration.sudo().import_cron_id.failure_count, 0)
            # One run, however often it was tried.
            self.assertEqual(len(self.integration.import_ids), 1)
            self._wake(schedule, now)
        self.assertEqual(schedule.last_state, "done")
        self.assertFalse(schedule.retry_at or schedule.last_error)
        self.assertEqual(schedule.next_run_at, moment("2026-11-18 10:30:00"))

    def test_an_outage_beyond_the_next_run_ends_with_that_run_made_up(self):
        schedule = self._make_schedule(hour="*")
        with self._reading(Unreachable("x"), None, None):
            self._wake(schedule, "2026-11-17 10:30:00")
            self._wake(schedule, "2026-11-17 12:00:00")
        self.assertEqual(schedule.last_state, "done")
        first, second = self.integration.import_ids.sorted("id")
        self.assertEqual(first.state, "done")
        self.assertEqual(second.date_to, moment("2026-11-17 12:00:00"))
        self.assertEqual(schedule.next_run_at, moment("2026-11-17 12:30:00"))

    def test_what_waits_for_a_person_fails_and_comes_again_with_the_next_run(self):
        schedule = self._make_schedule()
        with self._reading(UserError("The password is missing.")):
            self._wake(schedule, "2026-11-17 10:30:00")
        self.assertEqual(schedule.last_state, "failed")
        self.assertIn("password is missing", schedule.last_error)
        self.assertEqual(schedule.cron_id.failure_count, 0)
        with self._reading(None):
            self._wake(schedule, "2026-11-18 10:30:00")
        self.assertEqual(schedule.last_state, "done")
        self.assertFalse(schedule.last_error)

    def test_the_unexpected_is_logged_and_tried_again(self):
        schedule = self._make_schedule(task="charge")
        with (
            self._failing(RuntimeError("out of luck")),
            self.assertLogs(CHARGING_LOGGER, "ERROR"),
        ):
            self._wake(schedule, "2026-11-17 10:30:00")
        self.assertEqual(schedule.last_state, "waiting")
        self.assertIn("out of luck", schedule.last_error)
        self.assertEqual(schedule.retry_at, moment("2026-11-17 10:32:00"))
        self.assertTrue(schedule.cron_id.active)
        self.assertEqual(schedule.cron_id.failure_count, 0)
        self._wake(schedule, "2026-11-17 10:32:00")
        self.assertEqual(schedule.last_state, "done")

    def test_it_is_told_in_the_language_of_whoever_made_the_task(self):
        self.env["res.lang"]._activate_lang("pt_BR")
        maker = self._make_user("manager")
        maker.lang = "pt_BR"
        schedule = self._make_schedule().with_user(maker).copy().sudo()
        with self._reading(Unreachable("x", "timeout")):
            self._wake(schedule, "2026-11-17 10:30:00")
        self.assertIn("A plataforma não responde", schedule.last_error)

    # Who is told

    def _responsible_of(self, schedule):
        """Those who have an activity because of it."""
        return schedule.activity_ids.user_id

    def test_somebody_learns_of_a_task_that_goes_on_failing_once(self):
        manager = self._make_user("manager")
        schedule = self._make_schedule(responsible_id=manager.id)
        down = [Unreachable("timeout", "timeout") for _ in range(6)]
        now = moment("2026-11-17 10:30:00")
        counts = []
        with self._reading(*down, None):
            for _ in down:
                self._wake(schedule, now)
                counts.append(len(schedule.activity_ids))
                now = schedule.retry_at
            # What passes by itself within some minutes is nobody's business.
            self.assertEqual(counts, [0, 0, 1, 1, 1, 1])
            self.assertEqual(self._responsible_of(schedule), manager)
            self.assertIn("does not answer", schedule.activity_ids.note)
            # Who marks it done is not asked again by the next attempt.
            schedule.activity_ids.action_done()
            self._wake(schedule, now)
        self.assertFalse(schedule.activity_ids)

    def test_the_activity_goes_when_the_task_works_again(self):
        manager = self._make_user("manager")
        schedule = self._make_schedule(responsible_id=manager.id)
        with self._reading(UserError("The password is missing."), UserError("x")):
            self._wake(schedule, "2026-11-17 10:30:00")
            self.assertEqual(self._responsible_of(schedule), manager)
            self._wake(schedule, "2026-11-18 10:30:00")
        # Two runs that failed are one thing to do.
        self.assertEqual(len(schedule.activity_ids), 1)
        with self._reading(None):
            self._wake(schedule, "2026-11-19 10:30:00")
        self.assertEqual(schedule.last_state, "done")
        self.assertFalse(schedule.activity_ids)

    def test_what_was_marked_done_and_fails_in_the_next_run_comes_again(self):
        manager = self._make_user("manager")
        schedule = self._make_schedule(responsible_id=manager.id)
        with self._reading(UserError("a"), UserError("b")):
            self._wake(schedule, "2026-11-17 10:30:00")
            schedule.activity_ids.action_done()
            self._wake(schedule, "2026-11-18 10:30:00")
        self.assertEqual(self._responsible_of(schedule), manager)

    def test_an_archived_task_asks_nobody_any_more(self):
        manager = self._make_user("manager")
        schedule = self._make_schedule(responsible_id=manager.id)
        with self._reading(UserError("a")):
            self._wake(schedule, "2026-11-17 10:30:00")
        self.assertTrue(schedule.activity_ids)
        schedule.active = False
        self.assertFalse(schedule.activity_ids)

    def test_a_charging_task_that_fails_asks_too_and_whoever_made_it_stands_in(self):
        maker, gone = self._make_user("manager"), self._make_user("billing")
        schedule = self._make_schedule(task="charge").with_user(maker).copy().sudo()
        schedule.responsible_id = gone
        gone.active = False
        with self._failing(UserError("no")):
            self._wake(schedule, "2026-11-17 10:30:00")
        self.assertEqual(self._responsible_of(schedule), maker)

    # The list

    def test_the_next_run_shows_as_the_timetable_has_it(self):
        schedule = self._make_schedule()
        self.integration.timezone = "America/Manaus"
        for zone, shown in (
            ("America/Manaus", "Tue 11/17/2026 07:30"),
            ("America/Sao_Paulo", "Tue 11/17/2026 07:30 (America/Manaus)"),
        ):
            self.assertEqual(schedule.with_context(tz=zone).next_run_there, shown)
        schedule.active = False
        self.assertFalse(schedule.next_run_there)

    def test_a_dead_process_is_gone_on_for(self):
        schedule = self._make_schedule()
        with freeze_time("2026-11-17 10:30:00"):
            schedule._begin()
        run = schedule.last_import_id
        self.assertEqual(schedule.last_state, "running")
        with self._reading(None):
            self._wake(schedule, "2026-11-17 10:31:00")
        self.assertEqual(run.state, "done")
        self.assertEqual(schedule.last_state, "done")
        self.assertEqual(self.integration.import_ids, run)

    def test_another_import_of_the_integration_is_waited_for(self):
        schedule = self._make_schedule()
        with closing(db_connect(self.env.cr.dbname).cursor()) as other:
            # As the process that reads, on any host.
            key = [IMPORT_LOCK, self.integration.id]
            other.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
            self.assertEqual(other.fetchone(), (True,))
            with self._reading() as reading:
                self._wake(schedule, "2026-11-17 10:30:00")
            other.execute("SELECT pg_advisory_unlock(%s, %s)", key)
        reading.assert_not_called()
        self.assertEqual(schedule.last_state, "running")
        self.assertEqual(schedule.last_import_id.state, "pending")
        with self._reading(None):
            self._wake(schedule, "2026-11-17 10:32:00")
        self.assertEqual(schedule.last_state, "done")

    def test_a_charging_task_charges_its_own_integration(self):
        self.integration.imported_until = moment("2026-11-17 00:00:00")
        self._import(self._make_call(1), self._make_call(2))
        other = self._make_integration(name="Other")
        idle = self._make_schedule(task="charge", integration_id=other.id)
        schedule = self._make_schedule(task="charge")
        self.env.cr.execute("UPDATE saperx_integration SET active = TRUE")
        self.env.invalidate_all()
        self._wake(idle, "2026-11-17 10:30:00")
        self.assertEqual(idle.last_state, "done")
        self.assertEqual(idle.last_result, "There was nothing to charge.")
        self.assertFalse(self.env["saperx.charge"].search([]))
        self._wake(schedule, "2026-11-17 10:30:00")
        charge = self.env["saperx.charge"].search([])
        self.assertEqual(charge.call_count, 2)
        self.assertEqual(schedule.last_charging_id.charge_ids, charge)
        self.assertEqual(schedule.last_charging_id.amount, charge.amount)
        self.assertIn("Additionals made: 1", schedule.last_result)
        self._wake(schedule, "2026-11-18 10:30:00")
        self.assertEqual(self.env["saperx.charge"].search([]), charge)

    def test_an_archived_integration_fails_the_run_and_makes_no_import(self):
        schedule = self._make_schedule()
        self.env.cr.execute("UPDATE saperx_integration SET active = FALSE")
        self.env.invalidate_all()
        self._wake(schedule, "2026-11-17 10:30:00")
        self.assertEqual(schedule.last_state, "failed")
        self.assertIn("archived", schedule.last_error)
        self.assertFalse(self.integration.import_ids)
        self.assertEqual(schedule.next_run_at, moment("2026-11-18 10:30:00"))

    # One way only

    def test_runs_of_a_task_and_by_hand_are_read_one_after_the_other(self):
        schedule = self._make_schedule()
        with freeze_time("2026-11-17 10:30:00"):
            schedule._begin()
        run = schedule.last_import_id
        by_hand = self._make_run()
        self.assertEqual(by_hand.waits_for_id, run)
        with self._reading(None, None) as reading, self.enter_registry_test_mode():
            self._read(self.integration)
        read = [call.args[0].id for call in reading.call_args_list]
        self.assertEqual(read, [run.id, by_hand.id])
        self.env.invalidate_all()
        self.assertEqual((run | by_hand).mapped("state"), ["done", "done"])
        self.assertEqual(schedule.last_state, "done")

    def test_what_an_archived_task_began_is_read_to_its_end(self):
        schedule = self._make_schedule()
        with freeze_time("2026-11-17 10:30:00"):
            schedule._begin()
        schedule.active = False
        with self._reading(None), self.enter_registry_test_mode():
            self._read(self.integration)
        schedule.invalidate_recordset()
        self.assertEqual(schedule.last_state, "done")
        self.assertFalse(schedule.next_run_at)

    def test_no_second_run_is_begun_beside_one_that_has_not_ended(self):
        schedule = self._make_schedule()
        with freeze_time("2026-11-17 10:30:00"):
            schedule._begin()
        run = schedule.last_import_id
        with freeze_time("2026-11-18 10:30:00"), self.enter_registry_test_mode():
            schedule.cron_id.method_direct_trigger()
        schedule.invalidate_recordset()
        self.assertEqual(self.integration.import_ids, run)
        # As it ends, the task is woken for what it missed.
        with freeze_time("2026-11-18 11:00:00"):
            run._start()
            run._finish()
        self.assertIn(moment("2026-11-18 11:00:00"), self._triggers(schedule))

    def test_an_older_run_that_is_tried_again_says_nothing_of_the_last_one(self):
        schedule = self._make_schedule()
        with self._reading(UserError("No password."), None):
            self._wake(schedule, "2026-11-17 10:30:00")
            older = schedule.last_import_id
            self._wake(schedule, "2026-11-18 10:30:00")
        older.action_retry()
        with self._reading(UserError("No password.")), self.enter_registry_test_mode():
            self._read(self.integration)
        self.env.invalidate_all()
        self.assertEqual(older.state, "failed")
        self.assertEqual(schedule.last_state, "done")

    def test_an_undone_run_leaves_the_task_as_it_is(self):
        schedule = self._make_schedule()
        with self._reading(None):
            self._wake(schedule, "2026-11-17 10:30:00")
        run = schedule.last_import_id
        run.action_undo()
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_undo_import").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(run.state, "undone")
        self.assertEqual(schedule.last_state, "done")
        with self._reading(None):
            self._wake(schedule, "2026-11-18 10:30:00")
        self.assertNotEqual(schedule.last_import_id, run)
        self.assertEqual(schedule.last_import_id.state, "done")

    def test_a_run_that_waits_or_is_at_work_is_not_undone(self):
        schedule = self._make_schedule()
        with self._reading(Unreachable("x", "timeout")):
            self._wake(schedule, "2026-11-17 10:30:00")
        with self.assertRaisesRegex(UserError, "cannot be undone"):
            schedule.last_import_id.action_undo()

    def test_the_unexpected_in_an_import_is_logged_and_tried_again(self):
        schedule = self._make_schedule()
        with (
            self._reading(RuntimeError("out of luck"), None),
            self.assertLogs(IMPORT_LOGGER, "ERROR"),
        ):
            self._wake(schedule, "2026-11-17 10:30:00")
            self.assertEqual(schedule.last_state, "waiting")
            self.assertIn("out of luck", schedule.last_error)
            self.assertEqual(schedule.retry_at, moment("2026-11-17 10:32:00"))
            self._wake(schedule, "2026-11-17 10:32:00")
        self.assertEqual(schedule.last_state, "done")

    def test_a_reading_action_that_was_switched_off_is_there_again(self):
        self._make_run()
        cron = self.integration.sudo().import_cron_id
        cron.active = False
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_import").method_direct_trigger()
        cron.invalidate_recordset()
        self.assertTrue(cron.active)

    def test_a_run_that_another_worker_ended_is_not_read_again(self):
        run = self._make_run()
        run.state = "done"
        with (
            self._reading() as reading,
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
        ):
            run.with_env(run.env(cr=cr))._run()
        reading.assert_not_called()

    def test_trying_a_scheduled_run_again_by_hand_is_seen_in_its_task(self):
        schedule = self._make_schedule()
        with self._reading(Unreachable("x"), None):
            self._wake(schedule, "2026-11-17 10:30:00")
            with freeze_time("2026-11-17 10:30:30"):
                schedule.last_import_id.action_retry()
            self.assertEqual(schedule.last_state, "running")
            self._wake(schedule, "2026-11-17 10:30:30")
        self.assertEqual(schedule.last_state, "done")

    # Run now

    def test_run_now_begins_at_once_and_keeps_the_timetable(self):
        schedule = self._make_schedule()
        schedule.action_run_now()
        self.assertEqual(self._triggers(schedule)[0], moment(TODAY))
        with self._reading(None) as reading:
            self._wake(schedule)
        self.assertEqual(reading.call_count, 1)
        self.assertEqual(schedule.next_run_at, moment("2026-11-17 10:30:00"))

    def test_run_now_does_not_wait_for_the_next_attempt(self):
        schedule = self._make_schedule()
        with self._reading(Unreachable("x"), None) as reading:
            self._wake(schedule, "2026-11-17 10:30:00")
            with freeze_time("2026-11-17 10:30:30"):
                schedule.action_run_now()
            self._wake(schedule, "2026-11-17 10:30:30")
        self.assertEqual(reading.call_count, 2)
        self.assertEqual(schedule.next_run_at, moment("2026-11-18 10:30:00"))

    def test_what_is_archived_does_not_run_now(self):
        schedule = self._make_schedule()
        schedule.active = False
        with self.assertRaisesRegex(UserError, "archived"):
            schedule.action_run_now()

    # The watch

    def _watch(self, at=TODAY):
        with freeze_time(at), self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_watch_schedules").method_direct_trigger()
        self.env.invalidate_all()

    def test_a_lost_trigger_is_found_again(self):
        schedule = self._make_schedule()
        self._watch()
        self.assertEqual(len(self._triggers(schedule)), 1)
        self.env["ir.cron.trigger"].search(
            [("cron_id", "=", schedule.cron_id.id)]
        ).unlink()
        self._watch()
        self.assertEqual(self._triggers(schedule), [schedule.next_run_at])

    def test_a_lost_trigger_of_a_moment_that_is_over_wakes_at_once(self):
        schedule = self._make_schedule()
        self.env["ir.cron.trigger"].search([]).unlink()
        self._watch("2026-11-19 12:00:00")
        self.assertEqual(self._triggers(schedule), [moment("2026-11-19 12:00:00")])
        self._watch("2026-11-19 12:15:00")
        self.assertEqual(len(self._triggers(schedule)), 1)

    def test_a_next_attempt_whose_trigger_is_lost_is_found_again(self):
        schedule = self._make_schedule(task="charge")
        with (
            self._failing(RuntimeError("x")),
            self.assertLogs(CHARGING_LOGGER, "ERROR"),
        ):
            self._wake(schedule, "2026-11-17 10:30:00")
        self.env["ir.cron.trigger"].search([]).unlink()
        self._watch("2026-11-17 10:31:00")
        self.assertEqual(self._triggers(schedule), [schedule.retry_at])

    def test_an_action_that_was_switched_off_or_deleted_is_there_again(self):
        off, gone = self._make_schedule(), self._make_schedule(task="charge")
        off.cron_id.active = False
        gone.cron_id.unlink()
        self._watch()
        self.assertTrue(off.cron_id.active)
        self.assertTrue(gone.cron_id.active)
        self.assertEqual(self._triggers(gone), [gone.next_run_at])

    # Who may

    def test_managers_write_and_billing_runs_what_technicians_read(self):
        schedule = self._make_schedule()
        users = {
            role: self._make_user(role)
            for role in ("user", "technician", "billing", "manager")
        }
        with self.assertRaises(AccessError):
            schedule.with_user(users["user"]).read(["task"])
        for role in ("technician", "billing"):
            seen = schedule.with_user(users[role])
            self.assertTrue(seen.read(["task", "next_runs", "warning", "last_result"]))
            with self.assertRaises(AccessError):
                seen.write({"hour": "8"})
            with self.assertRaises(AccessError):
                seen.create({"integration_id": self.integration.id})
            with self.assertRaises(AccessError):
                seen.unlink()
        with self.assertRaises(AccessError):
            schedule.with_user(users["technician"]).action_run_now()
        schedule.with_user(users["billing"]).action_run_now()
        managed = schedule.with_user(users["manager"])
        managed.write({"hour": "8"})
        made = managed.copy()
        self.assertNotEqual(made.sudo().cron_id, schedule.cron_id)
        made.unlink()

    def test_tasks_of_another_company_are_not_seen(self):
        schedule = self._make_schedule()
        company = self.env["res.company"].create({"name": "Other"})
        foreign = schedule.with_user(self._make_user("manager", company))
        foreign = foreign.with_context(allowed_company_ids=company.ids)
        self.assertFalse(foreign.search([("id", "=", schedule.id)]))
        with self.assertRaises(AccessError):
            foreign.read(["task"])

    def test_a_form_shows_what_a_role_may_read(self):
        schedule = self._make_schedule()
        with self._reading(None):
            self._wake(schedule, "2026-11-17 10:30:00")
        for role in ("user", "technician", "billing", "manager"):
            user = self._make_user(role)
            Form(schedule.last_import_id.with_user(user))
            Form(self.integration.with_user(user))
            if role != "user":
                Form(schedule.with_user(user))
