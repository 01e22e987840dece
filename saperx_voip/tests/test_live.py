# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..gateway import LastCalls, Outcome, Registration, Unreachable
from .common import FIXED_OTHER_DDD, SaperxCase, moment

SIP_PASSWORD = "Sip-Secret-4711"
ONLINE = Registration(True, "100.64.0.9", 23, Decimal("12.50"))
OFFLINE = Registration(False, None, None, Decimal("12.50"))
BEFORE, NOW, LATER = (moment(f"2026-11-16 {hour}:00:00") for hour in ("13", "15", "17"))


class LiveCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._make_user(role) for role in ("user", "technician", "billing")
        }

    def _as(self, role, records):
        return records.with_user(self.users[role]).with_context(tracking_disable=False)

    def _store(self, outcome, at=NOW, line=None):
        line = line or self.line
        self.env["saperx.line.registration"]._store({line.id: outcome}, at)
        return line.registration

    def _read(self, lines):
        with self.enter_registry_test_mode():
            return lines.read_registrations()


class TestRegistration(LiveCase):
    def _activate(self):
        # Saving would ask the platform, which is not there.
        self.env.flush_all()
        self.env.cr.execute("UPDATE saperx_integration SET active = true")
        self.env.invalidate_all()

    def test_a_reading_is_kept_with_the_meaning_of_its_balance(self):
        self.assertFalse(self.line.registration)
        reading = self._store(ONLINE)
        self.assertEqual(reading["id"], self.line.id)
        self.assertEqual(reading["online"], True)
        self.assertEqual(reading["ip"], "100.64.0.9")
        self.assertEqual(reading["latency_ms"], 23)
        self.assertEqual(reading["balance"], 12.5)
        self.assertEqual(reading["balance_label"], "Amount used")
        self.assertEqual(reading["read_at"], "2026-11-16 15:00:00")
        self.assertIsNone(reading["error"])
        self.line.billing_type = "prepaid"
        self.assertEqual(self.line.registration["balance_label"], "Balance left")
        self.assertEqual(self.line.registration_state, "online")

    def test_a_balance_that_was_not_told_is_not_zero(self):
        reading = self._store(Registration(True, None, None, None))
        self.assertIsNone(reading["balance"])
        reading = self._store(Registration(True, None, 0, Decimal(0)))
        self.assertEqual(reading["balance"], 0)

    def test_since_when_is_when_it_was_first_seen_so(self):
        self.assertEqual(
            self._store(ONLINE, BEFORE)["changed_at"], "2026-11-16 13:00:00"
        )
        self.assertEqual(self._store(ONLINE, NOW)["changed_at"], "2026-11-16 13:00:00")
        reading = self._store(OFFLINE, LATER)
        self.assertEqual(reading["changed_at"], "2026-11-16 17:00:00")
        self.assertEqual(reading["read_at"], "2026-11-16 17:00:00")

    def test_a_failed_reading_says_why_and_keeps_the_last_answer(self):
        reading = self._store("No route", BEFORE)
        self.assertEqual(reading["error"], "No route")
        self.assertIsNone(reading["online"])
        self.assertIsNone(reading["read_at"])
        self.assertFalse(self.line.registration_state)
        self._store(ONLINE, NOW)
        reading = self._store("No route", LATER)
        self.assertEqual(reading["error"], "No route")
        self.assertEqual(reading["online"], True)
        self.assertEqual(reading["balance"], 12.5)
        self.assertEqual(reading["read_at"], "2026-11-16 15:00:00")
        self.assertIsNone(self._store(ONLINE, LATER)["error"])

    def test_reading_a_line_does_not_touch_the_line(self):
        before = self.line.read(["revision", "write_date", "sync_state"])
        self._store(ONLINE)
        self.assertEqual(
            self.line.read(["revision", "write_date", "sync_state"]), before
        )

    def test_lines_are_found_by_what_was_last_read(self):
        offline, unknown = (
            self._make_line(self.contract, number=f"55113000100{n}") for n in range(2)
        )
        self._store(ONLINE)
        self._store(OFFLINE, line=offline)
        lines = self.env["saperx.line"]

        def found(operator, value):
            return lines.search([("registration_state", operator, value)])

        self.assertEqual(found("=", "online"), self.line)
        self.assertEqual(found("=", "offline"), offline)
        self.assertIn(unknown, found("=", False))
        self.assertNotIn(offline, found("=", False))
        self.assertIn(unknown, found("!=", "online"))
        self.assertNotIn(self.line, found("!=", "online"))

    def test_each_line_says_why_it_was_not_read(self):
        known = self._make_line(self.contract, number="551130001000")
        known._write_sync({"remote_id": 77})
        first, second = self._read(self.line | known)
        self.assertIn("does not know this line yet", first["error"])
        self.assertIn("archived", second["error"])
        self._activate()
        (reading,) = self._read(known)
        self.assertIn("does not answer", reading["error"])
        self.assertEqual(known.registration["error"], reading["error"])
        known.integration_id._write_secret("api_key", None)
        (reading,) = self._read(known)
        self.assertIn("API Key", reading["error"])

    def test_every_role_reads_and_nobody_writes(self):
        for role in self.users:
            (reading,) = self._read(self._as(role, self.line))
            self.assertTrue(reading["error"])
            with self.assertRaises(AccessError):
                self._as(role, self.line.registration_ids).write({"online": True})

    def test_another_company_reads_nothing(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("manager", other)
        line = self.line.with_user(stranger).with_context(allowed_company_ids=other.ids)
        for method in (
            "read_registrations",
            "action_diagnose",
            "diagnose",
            "diagnose_registration",
            "diagnose_calls",
            "action_show_ata",
        ):
            with self.assertRaises(AccessError, msg=method):
                getattr(line, method)()


class TestAta(LiveCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.integration.write(
            {"sip_server": "sip.provider.example", "sip_codecs": "G.711a, G.729"}
        )
        cls.line.write({"password": SIP_PASSWORD, "account_code": "123456"})

    def test_the_data_are_shown_to_a_technician_with_a_trace(self):
        line = self._as("technician", self.line)
        line.equipment_mac = "aa-bb-cc-dd-ee-01"
        action = line.action_show_ata()
        self.assertEqual(action["tag"], "saperx_ata_dialog")
        shown = action["params"]
        self.assertEqual(shown["server"], "sip.provider.example")
        self.assertEqual(shown["port"], 5060)
        self.assertEqual(shown["transport"], "udp")
        self.assertEqual(shown["codecs"], "G.711a, G.729")
        self.assertEqual(shown["user"], "123456")
        self.assertEqual(shown["password"], SIP_PASSWORD)
        self.assertEqual(shown["mac"], "AA:BB:CC:DD:EE:01")
        self.assertTrue(shown["qr"].startswith("data:image/svg+xml;base64,"))
        trace = self.line.message_ids[0]
        self.assertIn("data for the ATA, with the SIP password", trace.body)
        self.assertIn(self.users["technician"].name, trace.body)
        self.assertNotIn(SIP_PASSWORD, trace.body)

    def test_who_may_not_write_lines_sees_no_password(self):
        messages = self.line.message_ids
        for role in ("user", "billing"):
            with self.assertRaises(AccessError):
                self._as(role, self.line).action_show_ata()
        self.assertEqual(self.line.message_ids, messages)

    def test_the_password_stays_in_no_table(self):
        self._as("technician", self.line).action_show_ata()
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT table_name FROM information_schema.tables
            WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                AND (table_name LIKE 'saperx_%' OR table_name IN
                    ('mail_message', 'mail_tracking_value', 'ir_attachment',
                     'bus_bus', 'ir_logging'))
            """
        )
        for (table,) in self.env.cr.fetchall():
            self.env.cr.execute(
                f"SELECT count(*) FROM {table} AS t"  # pylint: disable=sql-injection
                " WHERE t::text LIKE %s",
                [f"%{SIP_PASSWORD}%"],
            )
            self.assertEqual(self.env.cr.fetchone(), (0,), table)

    def test_without_a_server_it_is_said_what_is_missing(self):
        self.integration.sip_server = False
        with self.assertRaisesRegex(UserError, "no SIP server yet"):
            self.line.action_show_ata()

    def test_what_is_not_known_yet_is_left_out(self):
        line = self._make_line(self.contract, number="551130001000")
        shown = line.action_show_ata()["params"]
        self.assertEqual(shown["user"], "")
        self.assertEqual(shown["password"], "")
        self.assertIsNone(shown["qr"])
        self.assertNotIn("password", line.message_ids[0].body)

    def test_a_mac_is_written_in_one_form(self):
        for text in ("aabbccddee01", "AA-BB-CC-DD-EE-01", "aabb.ccdd.ee01"):
            self.line.equipment_mac = text
            self.assertEqual(self.line.equipment_mac, "AA:BB:CC:DD:EE:01")
        self.line.equipment_mac = " "
        self.assertFalse(self.line.equipment_mac)

    def test_what_is_no_mac_is_refused_with_the_reason(self):
        for text in ("aabbccddee", "aabbccddee0g", "aabbccddee0102", "１２bbccddee01"):
            with self.assertRaisesRegex(ValidationError, "twelve digits"):
                self.line.equipment_mac = text
        for text in ("FF:FF:FF:FF:FF:FF", "01:00:5e:00:00:01", "0" * 12):
            with self.assertRaisesRegex(ValidationError, "group or for nothing"):
                self.line.equipment_mac = text

    @mute_logger("odoo.sql_db")
    def test_one_equipment_serves_one_line_that_lives(self):
        self.line.equipment_mac = "aabbccddee01"
        values = {"equipment_mac": "AA:BB:CC:DD:EE:01"}
        with self.assertRaises(psycopg2.errors.UniqueViolation), self.cr.savepoint():
            self._make_line(self.contract, number="551130001000", **values)
        self.line.action_cancel()
        self._make_line(self.contract, number="551130001000", **values)

    def test_servers_are_names_or_addresses_alone(self):
        for host in ("sip.provider.example", "10.0.0.1", "sip-1"):
            self.integration.sip_server = host
        for host in ("sip:provider", "http://x", "a b", "host:5060", "-x", "a..b"):
            with self.assertRaisesRegex(ValidationError, "is no SIP server"):
                self.integration.sip_server = host
        self.integration.sip_server = "sip.provider.example"
        for proxy in ("proxy.example", "10.0.0.1:5070", False):
            self.integration.sip_proxy = proxy
        for proxy in ("proxy:0", "proxy:", ":5060", "proxy:70000", "p q", "a:1:2"):
            with self.assertRaisesRegex(ValidationError, "is no outbound proxy"):
                self.integration.sip_proxy = proxy

    @mute_logger("odoo.sql_db")
    def test_ports_and_intervals_lie_in_their_range(self):
        for values in (
            {"sip_port": 0},
            {"sip_port": 65536},
            {"sip_register_seconds": 1},
        ):
            with self.assertRaises(psycopg2.errors.CheckViolation), self.cr.savepoint():
                self.integration.write(values)
                self.integration.flush_recordset()


class TestDiagnosis(LiveCase):
    def _part(self, name):
        (part,) = (part for part in self.line.diagnose() if part["name"] == name)
        return part

    def _registration(self, outcome):
        return self.line._diagnose_registration(self._store(outcome))

    def _balance(self, balance):
        reading = self._store(Registration(True, None, None, balance))
        return self.line._diagnose_balance(reading)

    def _calls(self, *calls, error=None, role="technician"):
        line = self._as(role, self.line)
        part = line._prepare_part("calls", "Calls")
        return line._diagnose_calls(part, LastCalls(calls, 0, error))

    def test_every_role_opens_it_and_others_do_not(self):
        for role in self.users:
            line = self._as(role, self.line)
            self.assertEqual(line.action_diagnose()["params"]["line_id"], self.line.id)
            self.assertEqual(
                [part["name"] for part in line.diagnose()],
                ["state", "permissions", "limits", "numbers"],
            )
        employee = new_test_user(self.env, "live-employee", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.line.with_user(employee).diagnose()

    def test_the_state_and_the_platform_are_judged(self):
        self.assertEqual(self._part("state")["level"], "warning")
        self.line._write_sync({"sync_state": "synced", "pushed_status": "active"})
        self.assertEqual(self._part("state")["level"], "good")
        self.line._write_sync({"pushed_status": "blocked"})
        self.assertIn("Blocked", self._part("state")["sentence"])
        self.assertEqual(self._part("state")["level"], "bad")
        self.line._write_sync({"sync_state": "error", "sync_error": "Bad plan"})
        part = self._part("state")
        self.assertEqual(part["level"], "bad")
        self.assertIn("Bad plan", [fact["value"] for fact in part["facts"]])
        self.assertTrue(part["advice"])
        self.line.is_active = False
        self.assertIn("switched off", self._part("state")["sentence"])
        self.line.action_cancel()
        self.assertIn("cancelled", self._part("state")["sentence"])

    def test_what_is_denied_is_told(self):
        self.assertEqual(self._part("permissions")["level"], "good")
        self.line.write({"allow_vc1": False, "caller_id": False})
        part = self._part("permissions")
        self.assertEqual(part["level"], "warning")
        self.assertIn("VC1", part["sentence"])
        self.assertEqual(
            [fact["label"] for fact in part["facts"]],
            ["LDI", "VC1", "Caller ID (Bina)"],
        )

    def test_a_line_without_a_number_is_told(self):
        self.assertEqual(self._part("numbers")["level"], "good")
        self.line.did_ids.unlink()
        self.assertEqual(self._part("numbers")["level"], "warning")

    def test_a_registration_is_judged(self):
        self.assertEqual(self._registration(ONLINE)["level"], "good")
        far = Registration(True, None, 400, None)
        self.assertEqual(self._registration(far)["level"], "warning")
        part = self._registration(OFFLINE)
        self.assertEqual(part["level"], "bad")
        self.assertIn("wrong password", part["advice"][0])
        part = self._registration("The platform does not answer.")
        self.assertEqual(part["level"], "unknown")
        self.assertEqual(part["sentence"], "The platform does not answer.")

    def test_a_balance_is_judged_by_what_it_means(self):
        self.line.credit_limit = 50
        for balance, level in (("10", "good"), ("45", "warning"), ("50", "bad")):
            self.assertEqual(self._balance(Decimal(balance))["level"], level)
        self.line.billing_type = "prepaid"
        for balance, level in (("45", "good"), ("0", "bad"), ("-1", "bad")):
            self.assertEqual(self._balance(Decimal(balance))["level"], level)
        self.assertEqual(self._balance(Decimal("45"))["title"], "Balance left")
        self.assertEqual(self._balance(None)["level"], "unknown")

    def test_the_calls_are_told_in_the_accounts_time(self):
        part = self._calls(self._make_call(1, talk_seconds=75, platform_class="LDN"))
        (call,) = part["calls"]
        self.assertIn("9:00:00", call["start"])
        self.assertEqual(call["other_party"], FIXED_OTHER_DDD)
        self.assertEqual(call["talk_seconds"], 75)
        self.assertEqual(call["outcome"], "Answered")
        self.assertEqual(call["call_class"], "LDN: national long distance")
        self.assertEqual(part["level"], "good")

    def test_a_user_does_not_see_the_last_digits(self):
        calls = self._make_call(1), self._make_call(2, callee="190")
        for role in ("technician", "billing"):
            shown = self._calls(*calls, role=role)["calls"]
            self.assertEqual(shown[0]["other_party"], FIXED_OTHER_DDD)
        first, second = self._calls(*calls, role="user")["calls"]
        self.assertEqual(first["other_party"], FIXED_OTHER_DDD[:-4] + "••••")
        self.assertEqual(second["other_party"], "190")

    def test_nobody_but_billing_is_told_of_calls_to_reporting_lines(self):
        reported = self._make_call(3, callee="181")
        for role in ("user", "technician"):
            part = self._calls(reported, role=role)
            self.assertFalse(part["calls"], role)
            self.assertIn("No call", part["sentence"])
            told = self._calls(reported, self._make_call(4), role=role)["calls"]
            self.assertEqual([call["id"] for call in told], ["4"])
        (told,) = self._calls(reported, role="billing")["calls"]
        self.assertEqual(told["other_party"], "181")

    def test_outgoing_calls_that_all_fail_are_told(self):
        failed = [self._make_call(n, outcome=Outcome.FAILED) for n in range(3)]
        part = self._calls(*failed)
        self.assertEqual(part["level"], "bad")
        self.assertTrue(part["advice"])
        self.assertEqual(self._calls(*failed[:2])["level"], "good")
        self.assertEqual(self._calls()["level"], "unknown")

    def test_a_platform_that_does_not_answer_leaves_what_was_found(self):
        part = self._calls(self._make_call(1), error=Unreachable("no answer in time"))
        self.assertEqual(part["level"], "unknown")
        self.assertIn("no answer in time", part["sentence"])
        self.assertEqual(len(part["calls"]), 1)

    def test_the_parts_that_are_read_live_say_why_they_were_not(self):
        self.line._write_sync({"remote_id": 77})
        with self.enter_registry_test_mode():
            registration, balance = self.line.diagnose_registration()
        self.assertIn("archived", registration["sentence"])
        self.assertEqual(balance["level"], "unknown")
        self.assertIn("archived", self.line.diagnose_calls()["sentence"])
