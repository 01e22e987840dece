# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time
from datetime import timedelta
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.service.model import retrying
from odoo.tools import SQL, config

from ..alone import alone
from ..forms import tell_forms
from ..gateway import GatewayError, NotUnderstood, RateLimited
from ..schedule import pause_after
from .saperx_cdr import WITH_DISPUTED

_logger = logging.getLogger(__name__)

# First key of the advisory lock of a run; the second is the integration's id.
IMPORT_LOCK = 0x5A9E
LONG_TRANSACTION = timedelta(minutes=30)
OPEN_STATES = ("pending", "running")


class SaperxCdrImport(models.Model):
    """One run over one window. Killed anywhere and run again, it ends the same."""

    _name = "saperx.cdr.import"
    _inherit = ["saperx.undrawn.mixin"]
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
    phase = fields.Selection(
        [
            ("reading", "Reading the window"),
            ("checking", "Rating again what changed meanwhile"),
            ("drawing", "Drawing allowances"),
        ],
        required=True,
        readonly=True,
        default="reading",
        help="What it is at, or what it goes on with.",
    )
    cursor = fields.Char(readonly=True, help="Where the next page begins.")
    started_at = fields.Datetime(readonly=True)
    ended_at = fields.Datetime(readonly=True)
    next_try_at = fields.Datetime(string="Next attempt", readonly=True)
    failed_attempts = fields.Integer(readonly=True, help="In a row.")
    error = fields.Text(readonly=True)
    waits_for_id = fields.Many2one(
        "saperx.cdr.import",
        string="Waits for",
        compute="_compute_waits_for_id",
        compute_sudo=True,
        help="The import of the same integration that is at work, or comes before.",
    )
    progress = fields.Float(compute="_compute_progress", digits=(5, 1))
    read_count = fields.Integer(string="Read", readonly=True)
    new_count = fields.Integer(string="New", readonly=True)
    known_count = fields.Integer(string="Known", readonly=True)
    changed_count = fields.Integer(string="Changed", readonly=True)
    rejected_count = fields.Integer(string="Rejected", readonly=True)
    unmatched_count = fields.Integer(
        string="Without a line", readonly=True, help="A part of the new ones."
    )

    undrawn_line_ids = fields.Many2many("saperx.line", readonly=True)
    reassessed_until_id = fields.Integer(
        string="Last call rated again",
        readonly=True,
        help="What changed while the window was read is rated again in the order of "
        "its ids: another process goes on after this one.",
    )

    @api.depends("integration_id", "date_from", "date_to")
    def _compute_display_name(self):
        for run in self:
            run.display_name = f"{run.integration_id.name} #{run.id}"

    @api.depends("state", "integration_id.import_ids.state")
    def _compute_waits_for_id(self):
        for run in self:
            others = run.integration_id.import_ids - run
            working = others.filtered(
                lambda other: other.state in ("running", "undoing")
            )
            before = others.filtered(
                lambda other, run=run: other.state == "pending" and other.id < run.id
            )
            waits = run.state == "pending" and run.id
            run.waits_for_id = waits and (working or before)[-1:]

    @api.depends("state", "phase", "read_until", "date_from", "date_to")
    def _compute_progress(self):
        """Of the window, in time: how many calls it holds is known at its end only."""
        for run in self:
            if run.state == "done" or run.phase != "reading":
                run.progress = 100
            elif run.read_until:
                whole = run.date_to - run.date_from
                run.progress = max(0, 100 * (run.read_until - run.date_from) / whole)
            else:
                run.progress = 0

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
        runs.filtered(lambda run: run.state == "pending")._trigger_run()
        return runs

    def _trigger_run(self, at=None):
        """Each integration's runs have an action of their own, so that workers read
        several platforms side by side."""
        for integration in self.integration_id:
            integration.sudo()._get_import_cron()._trigger(at)

    def action_retry(self):
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may import calls."))
        unfinished = (*OPEN_STATES, "failed")
        self.sudo().filtered(lambda run: run.state in unfinished)._hurry()

    def _hurry(self):
        """Go on with these as soon as may be, also with one that gave up."""
        # One that is at work, or waits for its next attempt, is *running*.
        self.filtered(lambda run: run.state == "failed").state = "pending"
        self.write({"next_try_at": False, "error": False})
        self._tell()
        self._trigger_run()

    def _tell(self):
        """Whoever looks at a run, and the task that began it, follow its state."""
        for run in self:
            run.schedule_id._follow(run)
        tell_forms(self)

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
        """Wake every integration that has something to read: also what a crash left,
        or what nobody woke."""
        runs = self._get_due()
        crons = runs.integration_id.sudo().import_cron_id
        # As Odoo does after failures.
        crons.filtered(lambda cron: not cron.active).active = True
        runs._trigger_run()

    @api.model
    def _cron_run_of(self, integration_id):
        """Go on with the runs of one integration, one after the other."""
        cron = self.env["ir.cron"]
        # Something is done: Odoo counts a run without that as failed if it is killed
        # for its length, and in the end switches it off.
        cron._commit_progress(1, remaining=1)
        until = time.monotonic() + get_working_seconds()
        tried = self.browse()
        while run := (self._get_due(integration_id) - tried)[:1]:
            run._run(until)
            if time.monotonic() >= until:
                retrying(run._trigger_run, self.env)
                break
            tried |= run
        cron._commit_progress(remaining=0)

    @api.model
    def _get_due(self, integration_id=None):
        """Runs that are to go on now, the oldest first."""
        domain = [
            ("state", "in", OPEN_STATES),
            ("integration_id.active", "=", True),
            "|",
            ("next_try_at", "=", False),
            ("next_try_at", "<=", fields.Datetime.now()),
        ]
        if integration_id:
            domain.append(("integration_id", "=", integration_id))
        return self.search(domain, order="id")

    def _run(self, until=float("inf")):
        """Read the window to its end, or say why not. Commits batch by batch.

        :param float until: by ``time.monotonic()``: once it is over, the rest is left
            to another call, and the run stays in the state *running*
        """
        self.ensure_one()
        with alone(self.env, IMPORT_LOCK, self.integration_id.id) as is_alone:
            if not is_alone:
                _logger.info("%s: another run is at work", self.display_name)
                return
            if not retrying(self._start, self.env):
                return
            try:
                if self.phase == "reading":
                    self._read_window(until)
                if self.phase == "checking":
                    self._reassess_what_changed_meanwhile(until)
                if self.phase == "drawing" and self._draw_allowances(until):
                    retrying(self._finish, self.env)
            except (GatewayError, UserError) as error:
                # What had not been stored to its end is read again.
                self.env.cr.rollback()
                retrying(lambda e=error: self._stop(e), self.env)
            except Exception as error:
                # Odoo would put off what leaves here, and at last switch it off.
                _logger.exception("An import failed, and will be tried again")
                # Without a connection this raises: whoever is next goes on.
                self.env.cr.rollback()
                retrying(lambda e=error: self._stop(e), self.env)
            # Who found the integration at work left it to us to wake them.
            retrying(self._wake_others, self.env)

    def _wake_others(self):
        (self._get_due(self.integration_id.id) - self)._trigger_run()

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
        self._tell()
        return True

    def _reassess_what_changed_meanwhile(self, until=float("inf")):
        """Whoever gave a line, a number or other terms while the window was read, or
        took a planned change back, did not see the calls that were being stored."""
        domain = [
            "|",
            ("id", "in", retrying(self._get_calls_of_gone_periods, self.env)),
            "&",
            ("import_id", "=", self.id),
            "|",
            "|",
            ("state", "in", ("unmatched", "unrated")),
            ("reason", "=", "no_tariff"),
            # Found beforehand: as a rule there are none, and no call is joined.
            ("period_id", "in", retrying(self._get_changed_periods, self.env)),
        ]
        step = partial(self._reassess_next, domain, {})
        while retrying(step, self.env):
            if time.monotonic() >= until:
                return

    def _reassess_next(self, domain, assessors):
        """:return: whether there were calls left; the phase ends with the last one"""
        # Whose a call is may change though it is in dispute.
        calls = self.env["saperx.cdr"].with_context(**{WITH_DISPUTED: True})
        batch = calls._reassess_batch(domain, assessors, self.reassessed_until_id)
        if not batch.call_count:
            self.phase = "drawing"
            return False
        self._add_undrawn(batch.line_ids)
        self.reassessed_until_id = batch.last_id
        return True

    def _get_changed_periods(self):
        """Ids of the periods whose terms or prices may be others since it began."""
        # A transaction's stamps are of its beginning, before its commit.
        since = self.started_at - LONG_TRANSACTION
        periods = self.env["saperx.line.period"].sudo().with_context(active_test=False)
        return periods.search(
            [
                ("line_id.integration_id", "=", self.integration_id.id),
                "|",
                ("write_date", ">=", since),
                ("tariff_id.rates_changed_at", ">=", since),
            ]
        ).ids

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

    def _draw_allowances(self, until):
        """What would be covered is known once the window was read: a call that comes
        late stands before others, and one that changed may leave more to them.

        :return: whether it came to its end
        """
        while retrying(self._draw_next, self.env):
            if time.monotonic() >= until:
                return False
        return True

    def _get_drawing(self, line_ids):
        """Calls that come or go are drawn where there is an allowance. What one that
        was taken away had covered, whoever took it away says anew: to look for that in
        all calls of a line would take the longer, the more there are."""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT line_id FROM saperx_line_period"
                " JOIN saperx_tariff_allowance USING (tariff_id)"
                " WHERE line_id = ANY(%s)",
                line_ids,
            )
        )
        return [line_id for [line_id] in rows]

    def _finish(self):
        now = fields.Datetime.now()
        self.write(
            {"state": "done", "ended_at": now, "cursor": False, "failed_attempts": 0}
        )
        # What had not yet happened when we read it was not covered.
        self.integration_id._cover(self.date_from, min(self.date_to, self.started_at))
        self.integration_id._record_success()
        self._tell()

    def _stop(self, error):
        """Keep what was read; try again by ourselves if that may help."""
        match error:
            case GatewayError():
                # What is no answer of the platform comes of what stands before it.
                passing = error.transient or isinstance(error, NotUnderstood)
            case UserError():
                passing = False
            case _:
                passing = True
        reader = self.schedule_id._get_reader() or self.create_uid
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
        self._tell()


def get_working_seconds():
    """For how long a scheduled action works at a stretch: Odoo kills one that takes
    longer than its limit."""
    limit = config["limit_time_real_cron"]
    if limit is None or limit < 0:
        limit = config["limit_time_real"]
    return limit / 2 if limit else float("inf")
