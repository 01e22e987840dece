# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from contextlib import contextmanager
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import retrying
from odoo.tools import SQL

from ..bulk import copy_rows
from ..forms import tell_forms
from ..gateway import CursorExpired, GatewayError, RateLimited, known_call_class
from ..rating import Fact
from ..schedule import pause_after
from .saperx_cdr import ASSESSED_COLUMNS, assessed_values

_logger = logging.getLogger(__name__)

# First key of the advisory lock of a run; the second is the integration's id.
IMPORT_LOCK = 0x5A9E
PAGE_LIMIT = 1000
LONG_TRANSACTION = timedelta(minutes=30)
RESTARTS = 5
OPEN_STATES = ("pending", "running")

PLATFORM_COLUMNS = (
    "integration_id",
    "company_id",
    "remote_id",
    "import_id",
    "fingerprint",
    "line_remote_id",
    "account_code",
    "direction",
    "is_collect",
    "caller",
    "callee",
    "city",
    "start",
    "outcome",
    "total_seconds",
    "talk_seconds",
    "platform_charged_seconds",
    "platform_class",
    "platform_amount",
    "platform_cost",
)
COLUMNS = PLATFORM_COLUMNS + ASSESSED_COLUMNS
KEY_COLUMNS = ("integration_id", "remote_id")


class SaperxCdrImport(models.Model):
    """One run over one window. Killed anywhere and run again, it ends the same."""

    _name = "saperx.cdr.import"
    _description = "Import of calls"
    _order = "id desc"

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    schedule_id = fields.Many2one(
        "saperx.schedule",
        string="Scheduled task",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        help="Empty: somebody began it.",
    )
    origin = fields.Selection(
        [("platform", "The platform"), ("rejects", "Rejected records")],
        required=True,
        readonly=True,
        default="platform",
    )
    date_from = fields.Datetime(string="From", required=True, readonly=True)
    date_to = fields.Datetime(
        string="To", required=True, readonly=True, help="Exclusive."
    )
    state = fields.Selection(
        [
            ("pending", "Waiting"),
            ("running", "Reading"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("undoing", "Being undone"),
            ("undone", "Undone"),
        ],
        required=True,
        readonly=True,
        default="pending",
        index=True,
    )
    cursor = fields.Char(readonly=True, help="Where the next page begins.")
    started_at = fields.Datetime(readonly=True)
    ended_at = fields.Datetime(readonly=True)
    next_try_at = fields.Datetime(string="Next attempt", readonly=True)
    failed_attempts = fields.Integer(readonly=True, help="In a row.")
    error = fields.Text(readonly=True)
    read_count = fields.Integer(string="Read", readonly=True)
    new_count = fields.Integer(string="New", readonly=True)
    known_count = fields.Integer(string="Known", readonly=True)
    changed_count = fields.Integer(string="Changed", readonly=True)
    rejected_count = fields.Integer(string="Rejected", readonly=True)
    unmatched_count = fields.Integer(
        string="Without a line", readonly=True, help="A part of the new ones."
    )

    @api.depends("integration_id", "date_from", "date_to")
    def _compute_display_name(self):
        for run in self:
            run.display_name = f"{run.integration_id.name} #{run.id}"

    @api.constrains("date_from", "date_to")
    def _check_window(self):
        for run in self:
            if run.date_from >= run.date_to:
                raise ValidationError(
                    self.env._("The window must end after it begins.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        runs = super().create(vals_list)
        if any(not run.schedule_id for run in runs):
            runs._trigger_run()
        return runs

    @api.model
    def _trigger_run(self, at=None):
        self.env.ref("saperx_voip.ir_cron_import").sudo()._trigger(at)

    def _get_driver(self):
        """The scheduled task that goes on with this run by itself, or none."""
        self.ensure_one()
        schedule = self.schedule_id
        drives = schedule.active and schedule._is_at_work_on(self)
        return schedule if drives else schedule.browse()

    def action_retry(self):
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may import calls."))
        unfinished = ("pending", "running", "failed")
        runs = self.sudo().filtered(lambda run: run.state in unfinished)
        runs.write({"state": "pending", "next_try_at": False, "error": False})
        for run in runs:
            run._get_driver()._run_soon()
        self._trigger_run()

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {**action, "domain": [("import_id", "=", self.id)], "context": {}}

    def action_view_rejects(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_reject_action"
        )
        domain = [("integration_id", "=", self.integration_id.id)]
        if self.origin == "rejects":
            domain = [("closing_import_id", "=", self.id)]
        # A record that an earlier run kept was rejected by this one as well.
        return {**action, "domain": domain, "context": {}}

    @api.model
    def _cron_run(self):
        """Go on with every run that is not done; also those that a crash left.

        Those of scheduled tasks run in their tasks' own actions, side by side."""
        now = fields.Datetime.now()
        runs = self.search(
            [
                ("state", "in", OPEN_STATES),
                ("integration_id.active", "=", True),
                "|",
                ("next_try_at", "=", False),
                ("next_try_at", "<=", now),
            ],
            order="id",
        ).filtered(lambda run: not run._get_driver())
        for index, run in enumerate(runs):
            run._run()
            remaining = len(runs) - index - 1
            if not self.env["ir.cron"]._commit_progress(1, remaining=remaining):
                break

    def _run(self):
        """Read the window to its end, or say why not. Commits page by page."""
        self.ensure_one()
        with self._only_run(self.integration_id) as is_alone:
            if not is_alone:
                _logger.info("%s: another run is at work", self.display_name)
                return
            if not retrying(self._start, self.env):
                return
            try:
                self._read_window()
            except (GatewayError, UserError) as error:
                # What a page had not finished storing is read again.
                self.env.cr.rollback()
                retrying(lambda e=error: self._stop(e), self.env)
            else:
                self._reassess_what_changed_meanwhile()
                self._draw_allowances()
                retrying(self._finish, self.env)

    @contextmanager
    def _only_run(self, integration):
        """Whether no other run of the integration is at work, on any host.

        The lock is the connection's: it survives commits, and dies with the process.
        """
        key = SQL("%s, %s", IMPORT_LOCK, integration.id)
        [[is_alone]] = retrying(
            lambda: self.env.execute_query(SQL("SELECT pg_try_advisory_lock(%s)", key)),
            self.env,
        )
        try:
            yield is_alone
        finally:
            if is_alone:
                # Whatever broke off before this was not committed and is void.
                self.env.cr.rollback()
                self.env.execute_query(SQL("SELECT pg_advisory_unlock(%s)", key))

    def _start(self):
        """:return: whether there is anything to read: another worker may have come to
        its end since this one looked"""
        self.invalidate_recordset(["state"])
        if self.state not in OPEN_STATES:
            return False
        self.write(
            {
                "state": "running",
                "started_at": self.started_at or fields.Datetime.now(),
                "error": False,
                "next_try_at": False,
            }
        )
        tell_forms(self)
        return True

    def _reassess_what_changed_meanwhile(self):
        """Whoever gave a line, a number or other terms while the window was read, or
        took a planned change back, did not see the calls that were being stored."""
        self.env["saperx.cdr"]._reassess(
            [
                "|",
                ("id", "in", retrying(self._get_calls_of_gone_periods, self.env)),
                "&",
                ("import_id", "=", self.id),
                "|",
                "|",
                "|",
                ("state", "in", ("unmatched", "unrated")),
                ("reason", "=", "no_tariff"),
                # A transaction's stamps are of its beginning, before its commit.
                ("period_id.write_date", ">=", self.started_at - LONG_TRANSACTION),
                (
                    "period_id.tariff_id.rates_changed_at",
                    ">=",
                    self.started_at - LONG_TRANSACTION,
                ),
            ],
            commit=True,
        )

    def _get_calls_of_gone_periods(self):
        """Ids of the calls in the window whose period is not there any more."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT call.id
                FROM saperx_cdr AS call
                LEFT JOIN saperx_line_period AS period ON period.id = call.period_id
                WHERE call.integration_id = %s
                  AND call.start >= %s AND call.start < %s
                  AND call.period_id IS NOT NULL AND period.id IS NULL
                """,
                self.integration_id.id,
                self.date_from,
                self.date_to,
            )
        )
        return [call_id for [call_id] in rows]

    def _draw_allowances(self):
        """What would be covered is known once the window was read: a call that comes
        late stands before others, and one that changed may leave more to them."""
        line_ids = retrying(self._get_line_ids, self.env)
        self.env["saperx.cdr"]._draw_in_batches(line_ids, commit=True)

    def _get_line_ids(self):
        """Ids of the lines that have calls in the window."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT line_id FROM saperx_cdr"
                " WHERE integration_id = %s AND start >= %s AND start < %s"
                " AND line_id IS NOT NULL",
                self.integration_id.id,
                self.date_from,
                self.date_to,
            )
        )
        return [line_id for [line_id] in rows]

    def _finish(self):
        now = fields.Datetime.now()
        self.write({"state": "done", "ended_at": now, "cursor": False})
        # What had not yet happened when we read it was not covered.
        self.integration_id._cover(self.date_from, min(self.date_to, self.started_at))
        self.integration_id._record_success()
        tell_forms(self)

    def _stop(self, error):
        """Keep what was read; try again by ourselves if that may help."""
        passing = isinstance(error, GatewayError) and error.transient
        reader = self.schedule_id.create_uid or self.create_uid
        failures = self.failed_attempts + 1
        values = {
            "error": self.integration_id._explain(error, reader),
            "failed_attempts": failures,
        }
        if passing:
            asked = error.retry_after if isinstance(error, RateLimited) else None
            pause = max(pause_after(failures), timedelta(seconds=asked or 0))
            values["next_try_at"] = fields.Datetime.now() + pause
            self._trigger_run(values["next_try_at"])
        else:
            values |= {"state": "failed", "ended_at": fields.Datetime.now()}
        self.write(values)
        self.integration_id._record_error(error)
        tell_forms(self)

    def _read_window(self):
        integration = self.integration_id
        assessor = None
        for attempt in range(RESTARTS + 1):
            try:
                # Its secrets are read in a transaction that ends here.
                with retrying(integration._get_client, self.env) as client:
                    pages = client.iter_call_pages(
                        self.date_from,
                        self.date_to,
                        cursor=self.cursor or None,
                        limit=PAGE_LIMIT,
                    )
                    retrying(lambda: None, self.env)
                    for page in pages:
                        assessor = retrying(
                            lambda p=page, a=assessor: self._store_page(p, a), self.env
                        )
                return
            except CursorExpired:
                if attempt == RESTARTS:
                    raise
                # Reading again from the beginning adds nothing twice.
                retrying(lambda: self.write({"cursor": False}), self.env)

    def _store_page(self, page, assessor=None):
        """Merge a page; its calls, counts and cursor are one transaction.

        :param assessor: that of the page before
        :return: the assessor by which the page was rated
        """
        calls = {call.remote_id: call for call in page.calls}
        assessor = self.integration_id._get_assessor(assessor)
        new, changed, unmatched = self._merge(list(calls.values()), assessor)
        rejected = len(page.rejects)
        self.env["saperx.cdr.reject"]._supersede(self, calls)
        self.env["saperx.cdr.reject"]._keep(self, page.rejects)
        read = len(page.calls) + rejected
        self.write(
            {
                "cursor": page.cursor or False,
                "failed_attempts": 0,
                "read_count": self.read_count + read,
                "new_count": self.new_count + new,
                "changed_count": self.changed_count + changed,
                "known_count": self.known_count + read - new - changed - rejected,
                "rejected_count": self.rejected_count + rejected,
                "unmatched_count": self.unmatched_count + unmatched,
            }
        )
        tell_forms(self)
        return assessor

    def _merge(self, calls, assessor=None):
        """Bring calls into the table by set.

        :param assessor: one that holds; None: it is made
        :return: how many were new, changed, and new without a line
        """
        if not calls:
            return 0, 0, 0
        assessor = assessor or self.integration_id._get_assessor()
        cr = self.env.cr
        columns = SQL(", ").join(map(SQL.identifier, COLUMNS))
        cr.execute(
            SQL(
                "CREATE TEMP TABLE saperx_cdr_stage ON COMMIT DROP AS"
                " SELECT %s FROM saperx_cdr WITH NO DATA",
                columns,
            )
        )
        copy_rows(
            cr,
            "saperx_cdr_stage",
            COLUMNS,
            (self._prepare_row(call, assessor) for call in calls),
        )
        assignments = SQL(", ").join(
            SQL("%s = EXCLUDED.%s", SQL.identifier(name), SQL.identifier(name))
            for name in COLUMNS
            if name not in (*KEY_COLUMNS, "import_id")
        )
        cr.execute(
            SQL(
                """
                WITH merged AS (
                    INSERT INTO saperx_cdr (%(columns)s)
                    SELECT %(columns)s FROM saperx_cdr_stage
                    ON CONFLICT (integration_id, remote_id) DO UPDATE
                    SET %(assignments)s
                    WHERE saperx_cdr.fingerprint IS DISTINCT FROM EXCLUDED.fingerprint
                    AND saperx_cdr.charge_id IS NULL
                    RETURNING xmax = 0 AS is_new, state
                )
                SELECT count(*) FILTER (WHERE is_new),
                       count(*) FILTER (WHERE NOT is_new),
                       count(*) FILTER (WHERE is_new AND state = 'unmatched')
                FROM merged
                """,
                columns=columns,
                assignments=assignments,
            )
        )
        new, changed, unmatched = cr.fetchone()
        # What was billed stays as billed; that the platform thinks otherwise now
        # is shown.
        changed += self.env["saperx.cdr.change"]._keep_staged("saperx_cdr_stage", self)
        cr.execute("DROP TABLE saperx_cdr_stage")
        self.env["saperx.cdr"].invalidate_model()
        return new, changed, unmatched

    def _prepare_row(self, call, assessor):
        fact = Fact(
            line_remote_id=call.line_remote_id,
            account_code=call.account_code,
            direction=call.direction.value,
            is_collect=call.is_collect,
            answered=call.outcome.value == "answered",
            caller=call.caller,
            callee=call.callee,
            start=call.start,
            talk_seconds=call.talk_seconds,
            platform_class=known_call_class(call.platform_class),
            platform_amount=call.platform_amount,
            platform_seconds=call.platform_charged_seconds,
        )
        return (
            self.integration_id.id,
            self.company_id.id,
            call.remote_id,
            self.id,
            call.fingerprint.hex(),
            call.line_remote_id,
            call.account_code,
            call.direction.value,
            call.is_collect,
            call.caller,
            call.callee,
            call.city,
            call.start,
            call.outcome.value,
            call.total_seconds,
            call.talk_seconds,
            call.platform_charged_seconds,
            call.platform_class,
            call.platform_amount,
            call.platform_cost,
            *assessed_values(assessor.assess(fact)),
        )
