# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo import Command, fields, sql_db
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..gateway import Exchange
from ..models.saperx_api_log import (
    GATHERED_REQUESTS,
    GATHERED_SECONDS,
    RequestLog,
)
from .common import TODAY, SaperxCase, moment

LOGGER = "odoo.addons.saperx_voip.models.saperx_api_log"
SECRETS = ("very-secret-password", "very-secret-key", "very-secret-secret")


class TestApiLog(SaperxCase):
    def setUp(self):
        super().setUp()
        # What a connection of its own commits stays, whatever becomes of a test.
        self.name = str(uuid.uuid4())
        self.addCleanup(
            self._on_another_connection,
            "DELETE FROM saperx_api_log WHERE integration_name = %s RETURNING id",
        )

    def _on_another_connection(self, statement):
        with sql_db.db_connect(self.env.cr.dbname).cursor() as cr:
            cr.execute("SET LOCAL lock_timeout = '10s'")
            cr.execute(statement, (self.name,))
            return cr.dictfetchall()

    def _committed(self):
        return self._on_another_connection(
            "SELECT * FROM saperx_api_log WHERE integration_name = %s ORDER BY id"
        )

    def _exchange(self, **values):
        return Exchange(
            **{
                "method": "GET",
                "template": "/planos",
                "path": "/planos?page=1",
                "status": 200,
                "milliseconds": 12,
                "error": None,
                "request_body": None,
                "response_body": "{}",
                "line_remote_id": None,
                "reference": None,
                **values,
            }
        )

    def _request_log(self, **values):
        return RequestLog(
            **{
                "dbname": self.env.cr.dbname,
                "integration_id": self.integration.id,
                "integration_name": self.name,
                "company_id": self.company.id,
                **values,
            }
        )

    def _log(self, *exchanges, at=TODAY, **values):
        """Rows of this transaction, which knows the lines. :return: the records"""
        self.env.flush_all()
        gathered = [(moment(at), exchange) for exchange in exchanges]
        self._request_log(**values)._write(self.env.cr, gathered)
        found = self.env["saperx.api.log"].search(
            [], limit=len(exchanges), order="id desc"
        )
        return found.sorted("id")

    def test_a_refused_save_is_undone_and_what_was_asked_stays_known(self):
        # Nothing listens on that port.
        refused = self.assertRaisesRegex(UserError, "could not be reached")
        with refused, self.env.cr.savepoint():
            self._make_integration(active=True, name=self.name)
        self.assertFalse(
            self.env["saperx.integration"].search([("name", "=", self.name)])
        )
        (row,) = self._committed()
        self.assertEqual(row["path"], "/auth/login")
        self.assertEqual((row["status"], row["outcome"]), (None, "trouble"))
        self.assertIn("refused", row["error"])
        self.assertEqual(row["company_key"], self.company.id)
        self.assertTrue(row["integration_id"])
        self.assertIn('"usuario": "sandbox"', row["request_body"])
        for secret in SECRETS:
            self.assertNotIn(secret, str(row))

    def test_outcomes(self):
        for status, error, outcome in (
            (200, None, "ok"),
            (201, None, "ok"),
            (200, "the answer broke off", "trouble"),
            (301, "status 301", "trouble"),
            (401, "no", "refused"),
            (404, "no", "refused"),
            (422, "no", "refused"),
            (429, "wait", "trouble"),
            (500, "broken", "trouble"),
            (None, "no answer in time", "trouble"),
        ):
            row = self._log(self._exchange(status=status, error=error))
            self.assertEqual(row.outcome, outcome, f"{status} {error}")

    def test_requests_are_found_by_line_and_outcome(self):
        other = self._make_line(self.contract, number="551130001000")
        self.line._write_sync({"remote_id": 7, "account_code": "100200"})
        elsewhere = self._make_integration(name="Elsewhere")
        rows = self._log(
            self._exchange(path="/circuitos/7", line_remote_id=7),
            # Just made there: only our reference is known here.
            self._exchange(
                path="/circuitos/8",
                line_remote_id=8,
                reference=other.reference,
                status=422,
                error="no",
            ),
            self._exchange(path="/circuitos/9", line_remote_id=9, reference="\x00"),
            self._exchange(),
        )
        stranger = self._log(
            self._exchange(line_remote_id=7), integration_id=elsewhere.id
        )
        self.assertEqual(rows.mapped("line_id"), [self.line.id, other.id, 0, 0])
        self.assertEqual(
            rows.mapped("line_name"), ["555433334444", "551130001000", False, False]
        )
        self.assertFalse(stranger.line_id)
        log = self.env["saperx.api.log"]
        for line, expected in ((self.line, rows[0]), (other, rows[1])):
            action = line.action_view_requests()
            self.assertEqual(log.search(action["domain"]), expected)
        refused = [("line_name", "ilike", "551130001"), ("outcome", "=", "refused")]
        self.assertEqual(log.search(refused), rows[1])
        action = self.integration.action_view_requests()
        self.assertEqual(log.search(action["domain"]).sorted("id"), rows)

    def test_texts_that_no_column_takes_are_kept_all_the_same(self):
        row = self._log(
            self._exchange(path="/\x00", error="\ud800", response_body="a\x00b")
        )
        self.assertEqual(row.response_body, "a\N{REPLACEMENT CHARACTER}b")

    def test_many_are_written_at_once_and_the_rest_when_all_is_said(self):
        log = self._request_log()
        for _number in range(GATHERED_REQUESTS - 1):
            log.add(self._exchange())
        self.assertEqual(len(self._committed()), 0)
        log.add(self._exchange())
        self.assertEqual(len(self._committed()), GATHERED_REQUESTS)
        log.add(self._exchange(path="/last"))
        log.flush()
        log.flush()
        rows = self._committed()
        self.assertEqual(len(rows), GATHERED_REQUESTS + 1)
        self.assertEqual(rows[-1]["path"], "/last")

    def test_a_slow_platform_is_seen_while_it_is_spoken_to(self):
        log = self._request_log()
        log.add(self._exchange())
        later = moment(TODAY) + timedelta(seconds=GATHERED_SECONDS)
        with freeze_time(later):
            log.add(self._exchange())
        self.assertEqual(
            [row["logged_at"] for row in self._committed()], [moment(TODAY), later]
        )

    def test_several_threads_lose_and_repeat_nothing(self):
        log = self._request_log()
        total = 3 * GATHERED_REQUESTS + 7
        exchanges = [self._exchange(path=f"/{number}") for number in range(total)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(log.add, exchanges))
        log.flush()
        self.assertEqual(
            sorted(row["path"] for row in self._committed()),
            sorted(exchange.path for exchange in exchanges),
        )

    def test_a_log_that_cannot_be_written_stops_nothing(self):
        log = self._request_log()
        log.add(self._exchange())
        with (
            sql_db.db_connect(self.env.cr.dbname).cursor() as cr,
            mute_logger("odoo.sql_db"),
            self.assertLogs(LOGGER, "ERROR") as caught,
        ):
            cr.execute("LOCK TABLE saperx_api_log IN SHARE MODE")
            log.flush()
        self.assertIn("could not be logged", caught.output[0])

    def test_it_is_emptied_by_age_as_each_company_says(self):
        other = self.env["res.company"].create({"name": "Other"})
        self.company.saperx_api_log_days = 5
        self.assertEqual(other.saperx_api_log_days, 30)
        self.env["saperx.api.log"].search([]).unlink()
        now = moment(TODAY)
        for company, days in (
            (self.company.id, 4),
            (self.company.id, 6),
            (other.id, 29),
            (other.id, 31),
            # Companies that are gone.
            (None, 29),
            (None, 31),
            (2**30, 31),
        ):
            self._log(
                self._exchange(path=f"/{company}/{days}"),
                at=fields.Datetime.to_string(now - timedelta(days=days)),
                company_id=company,
            )
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_empty_api_log").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(
            set(self.env["saperx.api.log"].search([]).mapped("path")),
            {f"/{self.company.id}/4", f"/{other.id}/29", "/None/29"},
        )

    def test_it_is_kept_for_one_day_at_least(self):
        with self.assertRaises(IntegrityError), mute_logger("odoo.sql_db"):
            self.company.saperx_api_log_days = 0
            self.env.flush_all()

    def test_technicians_and_managers_read_it_and_nobody_changes_it(self):
        row = self._log(self._exchange())
        for role, may_read in (
            ("user", False),
            ("billing", False),
            ("technician", True),
            ("manager", True),
        ):
            user = new_test_user(
                self.env,
                f"saperx-log-{role}",
                groups=f"saperx_voip.group_{role}",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            mine = row.with_user(user)
            mine.invalidate_recordset()
            if may_read:
                self.assertEqual(mine.read(["path"])[0]["path"], "/planos?page=1")
            else:
                with self.assertRaises(AccessError, msg=role):
                    mine.read(["path"])
            for change in (
                lambda mine=mine: mine.write({"path": "/"}),
                lambda mine=mine: mine.unlink(),
                lambda mine=mine: mine.create(
                    {"logged_at": TODAY, "method": "GET", "path": "/", "outcome": "ok"}
                ),
            ):
                with self.assertRaises(AccessError, msg=role):
                    change()
