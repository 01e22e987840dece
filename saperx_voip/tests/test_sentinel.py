# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.sql_db import db_connect
from odoo.tests import Form
from odoo.tools import mute_logger

from odoo.addons.saperx_voip.gateway import (
    CallPage,
    Direction,
    LineStatus,
    Outcome,
    Registration,
    Unreachable,
)

from ..models import saperx_fraud_alert
from ..models.saperx_sentinel_reading import SENTINEL_LOCK
from .common import NUMBER, TODAY, SaperxCase, moment

READING_LOGGER = "odoo.addons.saperx_voip.models.saperx_sentinel_reading"
READ_REGISTRATIONS = (
    "odoo.addons.saperx_voip.models.saperx_sentinel_balance.read_registrations"
)
PORTUGAL = "351211234567"
JAMAICA = "18765551234"


class FakeClient:
    """A platform that answers a reading with pages, or with an error after them."""

    def __init__(self, pages, error=None):
        self.pages, self.error, self.windows = pages, error, []

    def __enter__(self):
        return self

    def __exit__(self, *_args):
        pass

    def deadline(self, _seconds):
        return nullcontext()

    def iter_call_pages(self, start, end, *, limit):
        self.windows.append((start, end))
        for number, calls in enumerate(self.pages, 1):
            cursor = str(number) if number < len(self.pages) or self.error else None
            yield CallPage(tuple(calls), (), cursor)
        if self.error:
            raise self.error


class SentinelCase(SaperxCase):
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
        cls.sentinel = cls.integration.sentinel_ids
        cls.sentinel.write(
            {"sentinel_hour_amount": 50, "sentinel_day_amount": 0, "habit_floor": 20}
        )
        cls.responsible = cls._make_user("billing")
        cls.sentinel.responsible_id = cls.responsible
        cls.line.allow_ldi = True

    def _watch(self, *pages, error=None, at=TODAY):
        """A reading, as a worker does it. :return: the windows that were asked for"""
        client = FakeClient(pages, error)
        with (
            freeze_time(at),
            patch.object(type(self.integration), "_get_client", lambda _self: client),
            self.enter_registry_test_mode(),
        ):
            self.sentinel.cron_id.method_direct_trigger()
        self.env.invalidate_all()
        return client.windows

    def _cost(self, number, amount=30, start="2026-11-16 14:30:00", **values):
        """A call for which the platform asks so much."""
        return self._make_call(
            number, start, platform_amount=Decimal(str(amount)), **values
        )

    def _burst(self, first=1, count=3, **values):
        return [self._cost(number, **values) for number in range(first, first + count)]

    def _alerts(self, **values):
        return self.env["saperx.fraud.alert"].search(
            [(name, "=", value) for name, value in values.items()]
        )

    def _messages(self, word):
        return self.line.message_ids.filtered(lambda one: word in (one.body or ""))

    def _acknowledge(self, alert, user=None, **values):
        wizard = self.env["saperx.fraud.alert.wizard"]
        if user:
            wizard = wizard.with_user(user)
        wizard = wizard.create(
            {"alert_id": alert.id, "note": "His own calls.", **values}
        )
        wizard.action_acknowledge()


class TestSentinelAlert(SentinelCase):
    def test_a_burst_alerts_at_once_with_message_and_activity(self):
        self._watch(self._burst())
        alert = self._alerts()
        self.assertEqual(alert.line_id, self.line)
        self.assertEqual(alert.partner_id, self.partner)
        self.assertEqual(alert.rule, "hour")
        self.assertEqual((alert.figure, alert.limit, alert.amount), (90, 50, 90))
        self.assertEqual(alert.call_count, 3)
        self.assertEqual((alert.state, alert.done), ("open", "nothing"))
        [message] = self._messages("fraud")
        self.assertIn("90.00", message.body)
        self.assertIn("limit", message.body)
        self.assertEqual(self.line.activity_ids.user_id, self.responsible)
        self.assertIn("90.00", self.line.open_fraud_alerts)
        self.assertEqual(self.line.state, "active")
        self.assertFalse(self.line.block_level)

    def test_within_the_limits_nothing_is_said(self):
        self._watch(self._burst(count=1))
        self.assertFalse(self._alerts())
        self.assertFalse(self._messages("fraud"))

    def test_readings_that_find_the_same_say_it_once(self):
        for _reading in range(3):
            self._watch(self._burst())
        self.assertEqual(len(self._alerts()), 1)
        self.assertEqual(len(self._messages("fraud")), 1)
        self.assertEqual(len(self.line.activity_ids), 1)

    def test_it_grows_quietly_and_is_told_again_once_it_has_doubled(self):
        self._watch(self._burst())
        self._watch(self._burst(count=4))
        self.assertEqual(self._alerts().figure, 120)
        self.assertEqual(self._alerts().call_count, 4)
        self.assertEqual(len(self._messages("fraud")), 1)
        self._watch(self._burst(count=6))
        self.assertEqual(self._alerts().figure, 180)
        self.assertEqual(len(self._messages("fraud")), 2)
        self._watch(self._burst(count=6))
        self.assertEqual(len(self._messages("fraud")), 2)

    def test_what_an_alert_keeps_is_bounded_and_all_is_counted(self):
        with patch.object(saperx_fraud_alert, "MOST_CALLS", 3):
            self._watch(self._burst(count=5))
            alert = self._alerts()
            self.assertEqual((alert.call_count, alert.amount), (5, 150))
            self.assertEqual((len(alert.call_ids), alert.unlisted_count), (3, 2))
            # Read again, they are counted no second time.
            self._watch(self._burst(count=5))
            self.assertEqual(self._alerts().call_count, 5)
            late = self._cost(6, start="2026-11-16 14:45:00", callee=f"00{JAMAICA}")
            self._watch([*self._burst(count=5), late])
            alert = self._alerts()
        self.assertEqual((alert.call_count, alert.amount), (6, 180))
        self.assertEqual(len(alert.call_ids), 3)
        self.assertEqual(alert.last_call_at, moment("2026-11-16 14:45:00"))
        self.assertEqual(alert.countries, "JM")
        self._acknowledge(alert)
        self._watch([*self._burst(count=5), late])
        self.assertFalse(self._alerts(state="open"))

    def test_looking_at_an_alert_leaves_a_trace_of_its_line(self):
        self._watch(self._burst())
        user = self._make_user("user")
        alert = self._alerts().with_user(user)
        alert.web_read({"summary": {}})
        traces = self.env["saperx.cdr.access"].search([])
        self.assertFalse(traces)
        alert.web_read({"call_ids": {"fields": {"shown_number": {}}}})
        trace = traces.search([])
        self.assertEqual((trace.user_id, trace.line_id), (user, self.line))

    def test_calls_count_though_they_come_with_several_readings(self):
        self._watch(self._burst(count=1))
        self._watch([self._cost(2, 15)], at="2026-11-16 15:05:00")
        self.assertFalse(self._alerts())
        self._watch([self._cost(3, 15)], at="2026-11-16 15:10:00")
        self.assertEqual(self._alerts().call_count, 3)

    def test_a_call_that_the_platform_corrects_is_looked_at_again(self):
        self._watch([self._cost(1, 40)])
        self.assertFalse(self._alerts())
        self._watch([self._cost(1, 60)])
        self.assertEqual(self._alerts().figure, 60)

    def test_the_price_here_counts_where_it_is_the_greater(self):
        self.tariff.rate_ids.filtered(lambda rate: not rate.call_class).write(
            {"price_per_minute": 60}
        )
        self._watch([self._cost(1, 0.1)])
        self.assertEqual(self._alerts().figure, 60)

    def test_what_cannot_be_fraud_is_not_even_kept(self):
        self._watch(
            [
                self._cost(1, 99, outcome=Outcome.BUSY),
                self._cost(2, 99, talk_seconds=0),
                self._cost(
                    3,
                    99,
                    direction=Direction.INCOMING,
                    caller="551133334444",
                    callee=NUMBER,
                ),
                self._cost(4, 99, callee="181"),
                self._cost(5, 99, caller="552130001000"),
            ]
        )
        self.assertFalse(self._alerts())
        self.assertFalse(self.env["saperx.sentinel.call"].search([]))

    def test_a_collect_call_that_the_line_takes_counts(self):
        collect = self._cost(
            1,
            99,
            direction=Direction.INCOMING,
            is_collect=True,
            caller="551133334444",
            callee=NUMBER,
        )
        self._watch([collect])
        self.assertEqual(self._alerts().figure, 99)

    def test_a_country_is_told_apart_from_others_of_its_code(self):
        portugal, usa = self.env.ref("base.pt"), self.env.ref("base.us")
        self.sentinel.sentinel_country_ids = portugal | usa
        self._watch(
            [
                self._cost(1, 1, callee=f"00{PORTUGAL}"),
                self._cost(2, 1, callee="0012125551234"),
            ]
        )
        self.assertFalse(self._alerts())
        self._watch([self._cost(3, 1, callee=f"00{JAMAICA}")])
        alert = self._alerts()
        self.assertEqual(alert.rule, "country")
        self.assertEqual(alert.countries, "JM")
        self.assertIn("Jamaica", alert.summary)

    def test_long_calls_at_once(self):
        calls = [
            self._cost(number, 1, f"2026-11-16 14:0{number}:00", talk_seconds=900)
            for number in range(3)
        ]
        self._watch(calls)
        self.assertEqual(self._alerts().rule, "simultaneous")
        self.assertEqual(self._alerts().figure, 3)

    def test_far_above_habit_by_the_calls_that_were_imported(self):
        self.integration.imported_until = moment("2026-11-16 03:00:00")
        self._import(
            *(
                self._cost(f"old-{day}", 5, f"2026-11-{day:02} 14:10:00")
                for day in range(1, 15)
            )
        )
        self._watch([self._cost(1, 24)])
        self.assertFalse(self._alerts())
        self._watch([self._cost(1, 24), self._cost(2, 2)])
        alert = self._alerts()
        self.assertEqual((alert.rule, alert.figure), ("habit", 26))
        self.assertEqual(alert.limit, 25)

    def test_few_days_are_no_habit(self):
        self.integration.imported_until = moment("2026-11-16 03:00:00")
        self._import(self._cost("old", 1, "2026-11-12 14:10:00"))
        self._watch([self._cost(1, 45)])
        self.assertFalse(self._alerts())

    def test_a_line_goes_before_its_profile_and_that_before_the_sentinel(self):
        profile = self.env["saperx.line.profile"].create(
            {
                "name": "Offices",
                "integration_id": self.integration.id,
                "sentinel_hour_amount": 200,
                "sentinel_long_calls": 9,
            }
        )
        self.line.profile_id = profile
        limits = self.sentinel._get_limits(self.line)
        self.assertEqual(limits.hour_amount, 200)
        self.assertEqual(limits.long_calls, 9)
        self.assertEqual(limits.long_seconds, 600)
        self.assertIsNone(limits.day_amount)
        self.line.sentinel_hour_amount = 29.99
        limits = self.sentinel._get_limits(self.line)
        self.assertEqual(limits.hour_amount, Decimal("29.99"))
        self._watch(self._burst(count=1))
        self.assertEqual(self._alerts().limit, 29.99)

    def test_a_mail_is_sent_if_a_template_is_set(self):
        self.sentinel.template_id = self.env.ref(
            "saperx_voip.mail_template_fraud_alert"
        )
        self._watch(self._burst())
        [mail] = self.env["mail.mail"].search(
            [("model", "=", "saperx.fraud.alert"), ("res_id", "=", self._alerts().id)]
        )
        self.assertIn("90.00", mail.body_html)
        self.assertEqual(mail.recipient_ids, self.responsible.partner_id)

    def test_billing_s_calls_and_its_reading_stay_as_they_were(self):
        before = self.integration.imported_until
        self._watch(self._burst())
        self.assertFalse(self.env["saperx.cdr"].search([]))
        self.assertEqual(self.integration.imported_until, before)
        self.assertFalse(self.env["saperx.cdr.import"].search([]))


class TestSentinelAction(SentinelCase):
    def test_the_line_is_blocked_for_fraud_and_the_push_follows(self):
        self.sentinel.sentinel_action = "line"
        before = self.line.revision
        self._watch(self._burst())
        self.assertEqual(self.line.block_ids.reason, "fraud")
        self.assertEqual(self.line._get_wanted_status(), LineStatus.BLOCKED)
        self.assertGreater(self.line.revision, before)
        self.assertEqual(self._alerts().done, "line")
        self.assertEqual(self._alerts().block_id, self.line.block_ids)

    def test_several_rules_at_once_make_one_block_and_one_message(self):
        self.sentinel.write({"sentinel_action": "line", "sentinel_day_amount": 60})
        self._watch(self._burst())
        self.assertEqual(set(self._alerts().mapped("rule")), {"hour", "day"})
        self.assertEqual(len(self.line.block_ids), 1)
        self.assertEqual(len(self._messages("looks like fraud")), 1)

    def test_international_calls_are_taken_from_a_line_that_made_them(self):
        self.sentinel.sentinel_action = "international"
        self._watch(self._burst(callee=f"00{JAMAICA}"))
        self.assertFalse(self.line.allow_ldi)
        self.assertEqual(self.line.sync_state, "pending")
        self.assertFalse(self.line.block_ids)
        self.assertEqual(self._alerts().done, "international")

    def test_of_calls_in_the_country_it_only_alerts(self):
        self.sentinel.sentinel_action = "international"
        self._watch(self._burst())
        self.assertTrue(self.line.allow_ldi)
        self.assertEqual(self._alerts().done, "nothing")

    def test_the_lines_own_setting_goes_before(self):
        self.line.sentinel_action = "line"
        self._watch(self._burst())
        self.assertEqual(self.line.block_level, "full")

    def test_far_above_habit_never_blocks(self):
        self.sentinel.sentinel_action = "line"
        self.test_habit_alert()
        self.assertFalse(self.line.block_ids)

    def test_habit_alert(self):
        self.integration.imported_until = moment("2026-11-16 03:00:00")
        self._import(
            *(
                self._cost(f"old-{day}", 1, f"2026-11-{day:02} 14:10:00")
                for day in range(1, 15)
            )
        )
        self._watch([self._cost(1, 45)])
        self.assertEqual(self._alerts().rule, "habit")

    def test_a_cancelled_line_is_only_alerted_of(self):
        self.sentinel.sentinel_action = "line"
        with freeze_time("2026-11-16 14:59:00"):
            self.line.action_cancel()
        self._watch(self._burst())
        self.assertEqual(self._alerts().done, "nothing")

    def test_handled_the_same_calls_raise_nothing_again_and_new_ones_do(self):
        self.sentinel.sentinel_action = "line"
        technician = self._make_user("technician")
        self._watch(self._burst())
        self._acknowledge(self._alerts(), technician, undo=True)
        alert = self._alerts()
        self.assertEqual(alert.state, "acknowledged")
        self.assertEqual(alert.acknowledged_by_id, technician)
        self.assertEqual(alert.note, "His own calls.")
        self.assertFalse(self.line.block_level)
        self.assertFalse(self.line.activity_ids)
        self.assertFalse(self.line.open_fraud_alerts)
        self.assertTrue(self._messages("His own calls."))
        self._watch(self._burst(), at="2026-11-16 15:05:00")
        self.assertFalse(self._alerts(state="open"))
        self.assertFalse(self.line.block_level)
        self._watch(self._burst(first=11), at="2026-11-16 15:10:00")
        self.assertEqual(self._alerts(state="open").call_count, 3)
        self.assertEqual(self.line.block_level, "full")

    def test_a_lifted_block_is_not_made_again_for_the_same_calls(self):
        self.sentinel.sentinel_action = "line"
        technician = self._make_user("technician")
        self._watch(self._burst())
        self.line.block_ids.with_user(technician).action_lift()
        self.assertEqual(self._alerts().acknowledged_by_id, technician)
        self._watch(self._burst(count=3), at="2026-11-16 15:05:00")
        self.assertEqual(len(self.line.block_ids), 1)
        self.assertFalse(self.line.block_level)

    def test_handled_without_lifting_the_block_stays(self):
        self.sentinel.sentinel_action = "line"
        self._watch(self._burst())
        self._acknowledge(self._alerts())
        self.assertEqual(self.line.block_level, "full")

    def test_lifting_gives_back_only_what_the_sentinel_took(self):
        self.sentinel.sentinel_action = "international"
        self._watch(self._burst(callee=f"00{JAMAICA}"))
        overdue = self.env["saperx.line.block"].create(
            {"line_id": self.line.id, "reason": "overdue", "level": "partial"}
        )
        self._acknowledge(self._alerts(), undo=True)
        self.assertTrue(self.line.allow_ldi)
        self.assertTrue(overdue.is_open)

    def test_an_alert_is_handled_once(self):
        self._watch(self._burst())
        alert = self._alerts()
        wizard = self.env["saperx.fraud.alert.wizard"].create(
            {"alert_id": alert.id, "note": "Mine"}
        )
        self._acknowledge(alert)
        with self.assertRaisesRegex(UserError, "already"):
            wizard.action_acknowledge()


class TestSentinelReading(SentinelCase):
    def test_each_reading_goes_back_some_hours_for_calls_that_show_late(self):
        [(start, end)] = self._watch([])
        self.assertEqual(start, moment("2026-11-15 09:00:00"))
        self.assertEqual(end, moment(TODAY))
        [(start, _end)] = self._watch([], at="2026-11-16 15:05:00")
        self.assertEqual(start, moment("2026-11-16 09:00:00"))

    def test_an_outage_is_recorded_and_the_next_reading_loses_nothing(self):
        self._watch([])
        self._watch(error=Unreachable("gone"), at="2026-11-16 15:05:00")
        self.assertIn("gone", self.sentinel.last_error)
        self.assertEqual(self.sentinel.failed_since, moment("2026-11-16 15:05:00"))
        self.assertTrue(self.sentinel.cron_id.active)
        self.assertEqual(self.sentinel.read_until, moment(TODAY))
        [(start, end)] = self._watch(
            self._burst(start="2026-11-17 01:00:00"), at="2026-11-17 15:00:00"
        )
        self.assertEqual(start, moment("2026-11-16 09:00:00"))
        self.assertEqual(end, moment("2026-11-17 15:00:00"))
        self.assertEqual(self._alerts().figure, 90)
        self.assertFalse(self.sentinel.last_error)
        self.assertFalse(self.sentinel.failed_since)

    def test_a_sentinel_that_is_blind_for_long_asks_its_responsible_once(self):
        counts = []
        for minute in ("00", "05", "25", "30", "35", "55"):
            self._watch(error=Unreachable("gone"), at=f"2026-11-16 15:{minute}:00")
            counts.append(len(self.sentinel.activity_ids))
        self.assertEqual(counts, [0, 0, 0, 1, 1, 1])
        self.assertEqual(self.sentinel.activity_ids.user_id, self.responsible)
        self.assertIn("gone", self.sentinel.activity_ids.note)
        self._watch([], at="2026-11-16 16:00:00")
        self.assertFalse(self.sentinel.activity_ids)
        # The next outage is another one.
        for hour in (17, 18):
            self._watch(error=Unreachable("gone"), at=f"2026-11-16 {hour}:00:00")
        self.assertEqual(len(self.sentinel.activity_ids), 1)
        self.sentinel.active = False
        self.assertFalse(self.sentinel.activity_ids)

    def test_integrations_of_before_are_given_a_sentinel_that_only_alerts(self):
        self.sentinel.unlink()
        self.integration._give_sentinels()
        sentinel = self.integration.sentinel_ids
        self.assertEqual(sentinel.sentinel_action, "alert")
        self.assertTrue(sentinel.cron_id.active)
        sentinel.active = False
        self.integration._give_sentinels()
        self.assertFalse(self.integration.sentinel_ids)

    def test_what_came_before_the_platform_broke_off_is_looked_at(self):
        self._watch(self._burst(), error=Unreachable("gone"))
        self.assertEqual(self._alerts().figure, 90)
        self.assertEqual(self.sentinel.read_until, moment("2026-11-16 14:30:00"))
        self.assertIn("gone", self.sentinel.last_error)

    def test_a_record_twice_counts_once(self):
        calls = self._burst(count=1)
        self._watch(calls + calls, calls)
        self.assertFalse(self._alerts())

    def test_dead_before_it_looked_the_next_reading_looks(self):
        with patch.object(type(self.sentinel), "_look"):
            self._watch(self._burst())
        self.assertFalse(self._alerts())
        self._watch([], at="2026-11-16 15:05:00")
        self.assertEqual(self._alerts().figure, 90)

    def test_something_unexpected_is_recorded_and_switches_nothing_off(self):
        with mute_logger(READING_LOGGER):
            self._watch(error=ZeroDivisionError("unexpected"))
        self.assertIn("unexpected", self.sentinel.last_error)
        self.assertTrue(self.sentinel.cron_id.active)
        self.assertFalse(self.sentinel.cron_id.failure_count)

    @contextmanager
    def _locked(self):
        with closing(db_connect(self.env.cr.dbname).cursor()) as other:
            key = [SENTINEL_LOCK, self.integration.id]
            other.execute("SELECT pg_advisory_lock(%s, %s)", key)
            yield
            other.execute("SELECT pg_advisory_unlock(%s, %s)", key)

    def test_two_readings_of_one_integration_never_overlap(self):
        with self._locked():
            self.assertFalse(self._watch(self._burst()))
        self.assertFalse(self._alerts())

    def test_an_archived_integration_is_not_asked(self):
        self.env.cr.execute("UPDATE saperx_integration SET active = FALSE")
        self.env.invalidate_all()
        self.assertFalse(self._watch(self._burst()))
        with self.assertRaisesRegex(UserError, "archived"):
            self.sentinel.action_read_now()

    def test_calls_are_forgotten_unless_an_alert_is_founded_on_them(self):
        self._watch([*self._burst(), self._cost(9, 1, "2026-11-16 09:00:00")])
        self._watch([], at="2026-11-20 15:00:00")
        self.assertEqual(
            self.env["saperx.sentinel.call"].search([]), self._alerts().call_ids
        )

    def test_watched_again_it_does_not_alert_of_what_nobody_watched(self):
        self._watch([])
        self.sentinel.active = False
        self.assertFalse(self.sentinel.cron_id.active)
        self.sentinel.active = True
        self.assertTrue(self.sentinel.cron_id.active)
        [(start, _end)] = self._watch([], at="2026-11-26 15:00:00")
        self.assertEqual(start, moment("2026-11-25 09:00:00"))

    def test_its_scheduled_action_runs_as_often_as_it_says(self):
        cron = self.sentinel.cron_id
        self.assertEqual((cron.interval_number, cron.interval_type), (5, "minutes"))
        self.assertEqual(cron.nextcall, moment(TODAY) + timedelta(minutes=5))
        self.sentinel.interval_minutes = 2
        self.assertEqual(cron.interval_number, 2)
        self.sentinel.unlink()
        self.assertFalse(cron.exists())

    def test_limits_that_make_no_sense_are_refused(self):
        for values in ({"interval_minutes": 0}, {"sentinel_hour_amount": -1}):
            with (
                self.assertRaises(IntegrityError),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                self.sentinel.write(values)
                self.sentinel.flush_recordset()


class TestSentinelBalance(SentinelCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.line._write_sync({"remote_id": 42})
        cls.sentinel.watch_balances = True

    def _weigh(self, *balances, minutes=5):
        """Readings that find these balances, so many minutes apart."""
        for number, balance in enumerate(balances):
            told = Registration(True, None, None, Decimal(str(balance)))
            with patch(READ_REGISTRATIONS, return_value={42: told}) as asked:
                at = moment(TODAY) + timedelta(minutes=minutes * number)
                self._watch([], at=at)
            self.assertEqual(list(asked.call_args.args[1]), [42])

    def test_what_a_line_used_shows_before_its_calls_have_ended(self):
        self._weigh(200, 249)
        self.assertFalse(self._alerts())
        self._weigh(249, 251)
        alert = self._alerts()
        self.assertEqual((alert.rule, alert.figure), ("balance", 51))
        self.assertEqual(alert.call_count, 0)
        self.assertIn("51.00", alert.summary)

    def test_what_is_left_of_a_prepaid_line_falls(self):
        self.line.billing_type = "prepaid"
        self._weigh(100, 200, 149)
        self.assertEqual(self._alerts().figure, 51)

    def test_slowly_it_may(self):
        self._weigh(0, 40, 80, 120, minutes=61)
        self.assertFalse(self._alerts())

    def test_a_new_cycle_is_no_spending(self):
        self._weigh(200, 0, 40)
        self.assertFalse(self._alerts())

    def test_handled_the_same_spending_raises_nothing_again(self):
        self._weigh(0, 60)
        self._acknowledge(self._alerts())
        self._weigh(60, 61)
        self.assertFalse(self._alerts(state="open"))

    def test_a_line_that_cannot_be_read_is_read_next_time(self):
        with patch(READ_REGISTRATIONS, return_value={42: Unreachable("gone")}):
            self._watch([])
        self.assertFalse(self.env["saperx.sentinel.balance"].search([]))

    def test_balances_are_read_only_if_it_is_told_to(self):
        self.sentinel.watch_balances = False
        with patch(READ_REGISTRATIONS) as asked:
            self._watch([])
        self.assertFalse(asked.called)


class TestSentinelAccess(SentinelCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._make_user(role) for role in ("user", "technician", "manager")
        }
        cls.users["billing"] = cls.responsible

    def test_a_user_sees_alerts_without_the_last_digits_and_handles_none(self):
        self._watch(self._burst(callee=f"00{JAMAICA}"))
        alert = self._alerts().with_user(self.users["user"])
        self.assertEqual(alert.summary, self._alerts().summary)
        self.assertEqual(set(alert.call_ids.mapped("shown_number")), {"1876555••••"})
        with self.assertRaises(AccessError):
            alert.call_ids.mapped("other_party")
        with self.assertRaises(AccessError):
            alert.call_ids.search([("other_party", "=", JAMAICA)])
        with self.assertRaises(AccessError):
            self._acknowledge(alert, self.users["user"])
        with self.assertRaises(AccessError):
            self.sentinel.with_user(self.users["user"]).action_read_now()
        self.assertNotIn("5551234", str(self._messages("fraud").mapped("body")))

    def test_technicians_and_billing_see_numbers_and_handle(self):
        for number, role in enumerate(("technician", "billing")):
            self._watch(
                self._burst(first=10 * number, callee=f"00{JAMAICA}"),
                at=f"2026-11-16 15:0{number}:00",
            )
            alert = self._alerts(state="open").with_user(self.users[role])
            self.assertEqual(set(alert.call_ids.mapped("shown_number")), {JAMAICA})
            self._acknowledge(alert, self.users[role])
            self.assertEqual(alert.state, "acknowledged")
            self.assertEqual(alert.acknowledged_by_id, self.users[role])

    def test_billing_that_may_not_write_lines_lifts_what_the_sentinel_did(self):
        self.sentinel.sentinel_action = "line"
        self._watch(self._burst())
        self._acknowledge(self._alerts(), self.users["billing"], undo=True)
        self.assertFalse(self.line.block_level)
        self.assertEqual(self.line.block_ids.ended_by_id, self.users["billing"])

    def test_only_a_manager_sets_a_sentinel_and_nobody_writes_an_alert(self):
        self._watch(self._burst())
        self.sentinel.with_user(self.users["manager"]).sentinel_action = "line"
        for role in ("user", "technician", "billing"):
            with self.assertRaises(AccessError):
                self.sentinel.with_user(self.users[role]).sentinel_action = "alert"
        for role in self.users:
            with self.assertRaises(AccessError):
                self._alerts().with_user(self.users[role]).state = "acknowledged"

    def test_a_manager_opens_the_sentinel_of_an_integration(self):
        action = self.integration.with_user(
            self.users["manager"]
        ).action_view_sentinel()
        self.assertEqual(action["res_id"], self.sentinel.id)
        with Form(self.sentinel.with_user(self.users["manager"])) as form:
            form.sentinel_hour_amount = 75
        self.assertEqual(self.sentinel.sentinel_hour_amount, 75)

    def test_the_line_form_shows_limits_to_a_technician(self):
        with Form(self.line.with_user(self.users["technician"])) as form:
            form.sentinel_hour_amount = 10
            form.sentinel_country_ids = self.env.ref("base.pt")
        self.assertEqual(self.line.sentinel_country_ids, self.env.ref("base.pt"))
        self.line.sentinel_country_ids = [Command.clear()]
