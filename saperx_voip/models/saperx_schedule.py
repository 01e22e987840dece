# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import UTC
from itertools import islice
from zoneinfo import ZoneInfo

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools.misc import format_amount, format_date

from ..schedule import (
    ENTRIES,
    EVERY,
    Misentry,
    Misfit,
    Problem,
    Timetable,
    tidied,
)

LOCKED_FIELDS = ("task", "integration_id")
SHOWN_RUNS = 5


class SaperxSchedule(models.Model):
    """A scheduled task: guide, *Agenda de tarefas*.

    Each has a scheduled action of its own, so that tasks run side by side on as many
    workers as there are. How it runs stands in ``saperx_schedule_run``.
    """

    _name = "saperx.schedule"
    _description = "Scheduled task"
    _inherit = ["mail.thread"]
    _order = "integration_id, task, id"

    task = fields.Selection(
        [
            ("import", "Import VoIP calls"),
            ("charge", "Generate the telephony additional"),
        ],
        required=True,
        default="import",
        tracking=True,
    )
    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        index=True,
        ondelete="restrict",
        default=lambda self: self.env["saperx.integration"].search(
            [("company_id", "in", self.env.companies.ids)], limit=1
        ),
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    timezone = fields.Selection(related="integration_id.timezone")
    active = fields.Boolean(default=True, tracking=True)
    minute = fields.Char(required=True, default="0", tracking=True)
    hour = fields.Char(required=True, default="6", tracking=True)
    day = fields.Char(
        string="Day of the month",
        required=True,
        default=EVERY,
        tracking=True,
        help="The day of the week must fit as well. A month without such a day has "
        "no run.",
    )
    month = fields.Char(required=True, default=EVERY, tracking=True)
    weekday = fields.Char(
        string="Day of the week",
        required=True,
        default=EVERY,
        tracking=True,
        help="1 is Monday, 5 is Friday, 6 is Saturday, 7 (or 0) is Sunday. The day of "
        "the month must fit as well.",
    )
    every_minute = fields.Boolean(
        string="Every minute", compute="_compute_every", readonly=False
    )
    every_hour = fields.Boolean(
        string="Every hour", compute="_compute_every", readonly=False
    )
    every_day = fields.Boolean(
        string="Every day of the month", compute="_compute_every", readonly=False
    )
    every_month = fields.Boolean(
        string="Every month", compute="_compute_every", readonly=False
    )
    every_weekday = fields.Boolean(
        string="Every day of the week", compute="_compute_every", readonly=False
    )
    next_runs = fields.Html(
        string="The next five runs", compute="_compute_next_runs", sanitize=False
    )
    misentry = fields.Char(string="What cannot be taken", compute="_compute_next_runs")
    warning = fields.Char(compute="_compute_next_runs")
    next_run_at = fields.Datetime(
        string="Next run (your time zone)", readonly=True, copy=False, index=True
    )
    next_run_there = fields.Char(
        string="Next run",
        compute="_compute_next_run_there",
        help="In the time zone of the integration, which is named if it is not yours.",
    )
    last_run_at = fields.Datetime(string="Last run", readonly=True, copy=False)
    last_state = fields.Selection(
        [
            ("running", "Running"),
            ("waiting", "Will be tried again"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        string="State of the last run",
        readonly=True,
        copy=False,
    )
    last_error = fields.Text(string="What went wrong", readonly=True, copy=False)
    retry_count = fields.Integer(
        string="Failed attempts", readonly=True, copy=False, help="In a row."
    )
    retry_at = fields.Datetime(string="Next attempt", readonly=True, copy=False)
    last_import_id = fields.Many2one(
        "saperx.cdr.import",
        string="Last import",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    last_charging_id = fields.Many2one(
        "saperx.charging",
        string="Last charging run",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )
    charges_after_import = fields.Boolean(
        string="Also after each import",
        default=True,
        help="Cycles that became ripe by an import of the integration are charged as "
        "it ends, without waiting for the hour of the task.",
    )
    last_result = fields.Char(string="Result", compute="_compute_last_result")
    cron_id = fields.Many2one(
        "ir.cron",
        string="Scheduled action",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
        groups="base.group_system",
    )

    @api.depends("task", "integration_id")
    def _compute_display_name(self):
        tasks = dict(self._fields["task"]._description_selection(self.env))
        for schedule in self:
            schedule.display_name = " · ".join(
                filter(None, (tasks.get(schedule.task), schedule.integration_id.name))
            )

    @api.depends(*ENTRIES)
    def _compute_every(self):
        for schedule in self:
            for name in ENTRIES:
                schedule[f"every_{name}"] = schedule._is_every(name)

    def _is_every(self, name):
        try:
            return ENTRIES[name].tidy(self[name]) == EVERY
        except Misentry:
            return False

    @api.depends(*ENTRIES, "task", "timezone", "integration_id.cdr_import_period")
    def _compute_next_runs(self):
        for schedule in self:
            schedule.next_runs = schedule.misentry = schedule.warning = False
            try:
                timetable = schedule._get_timetable()
            except Misentry as error:
                schedule.misentry = schedule._explain_misentry(error)
                continue
            if schedule.timezone:
                schedule.next_runs = schedule._show_next_runs(timetable)
                schedule.warning = schedule._warn_of_misfit(timetable)

    def _show_next_runs(self, timetable):
        zone = ZoneInfo(self.timezone)
        runs = timetable.runs_after(fields.Datetime.now(), zone)
        rows = []
        for run in islice(runs, SHOWN_RUNS):
            local = run.replace(tzinfo=UTC).astimezone(zone)
            day = format_date(self.env, local.date(), date_format="full")
            rows.append(
                Markup("<tr><td>%s</td><td><b>%s</b></td></tr>")
                % (day, local.strftime("%H:%M"))
            )
        return Markup(
            '<table class="table table-sm mb-0 o_saperx_next_runs"><tbody>%s</tbody>'
            "</table>"
        ) % Markup().join(rows)

    @api.depends("next_run_at", "timezone")
    @api.depends_context("lang", "tz")
    def _compute_next_run_there(self):
        """As the timetable has it, and not in the reader's zone: 7:30 is 7:30."""
        for schedule in self:
            schedule.next_run_there = False
            if not schedule.next_run_at:
                continue
            local = schedule.next_run_at.replace(tzinfo=UTC).astimezone(
                ZoneInfo(schedule.timezone)
            )
            words = [
                format_date(self.env, local.date(), date_format="EEE"),
                format_date(self.env, local.date()),
                local.strftime("%H:%M"),
            ]
            if schedule.timezone != (self.env.tz and self.env.tz.zone or "UTC"):
                words.append(f"({schedule.timezone})")
            schedule.next_run_there = " ".join(words)

    def _warn_of_misfit(self, timetable):
        if self.task != "import" or not self.integration_id.cdr_import_period:
            return False
        match timetable.misfit(self.integration_id.cdr_import_period):
            case Misfit.NOT_EVERY_DAY:
                return self.env._(
                    "This integration imports daily, but the task does not run every "
                    "day: the calls of the days between come with the next run."
                )
            case Misfit.NOT_EVERY_MONTH:
                return self.env._(
                    "This integration imports monthly, but the task does not run in "
                    "every month: the calls of the months between come with the next "
                    "run. Days 29, 30 and 31 are missing in short months."
                )
            case Misfit.MORE_THAN_MONTHLY:
                return self.env._(
                    "This integration imports monthly, but the task runs more than "
                    "once a month: each run reads the same month again."
                )
        return False

    @api.depends(
        "task",
        "last_state",
        "last_import_id.read_count",
        "last_import_id.new_count",
        "last_charging_id.charge_count",
        "last_charging_id.held_count",
        "last_charging_id.amount",
    )
    def _compute_last_result(self):
        for schedule in self:
            schedule.last_result = schedule.last_state and schedule._tell_result()

    def _tell_result(self):
        if self.task == "import":
            # Whoever reads the task reads what came of it.
            run = self.last_import_id.sudo()
            return run and self.env._(
                "%(new)s new calls of %(read)s read",
                new=run.new_count,
                read=run.read_count,
            )
        charging = self.last_charging_id.sudo()
        if not charging.charge_count:
            return self.last_state == "done" and self.env._(
                "There was nothing to charge."
            )
        words = {
            "count": charging.charge_count,
            "amount": format_amount(self.env, charging.amount, self.currency_id),
            "held": charging.held_count,
        }
        if charging.held_count:
            return self.env._(
                "Additionals made: %(count)s (%(amount)s), of these held: %(held)s",
                **words,
            )
        return self.env._("Additionals made: %(count)s (%(amount)s)", **words)

    @api.onchange(*(f"every_{name}" for name in ENTRIES))
    def _onchange_every(self):
        """A mark says "all"; taken away, it leaves the value to be typed."""
        # All of them first: to change an entry reckons the marks anew.
        marks = {name: self[f"every_{name}"] for name in ENTRIES}
        for name, mark in marks.items():
            if mark != self._is_every(name):
                self[name] = EVERY if mark else False

    @api.onchange("task", "integration_id")
    def _onchange_integration(self):
        """A monthly import is proposed for the first of the month."""
        if self._origin or not self.integration_id or self.task != "import":
            return
        monthly = self.integration_id.cdr_import_period == "monthly"
        if (self.day, self.month, self.weekday) == (
            EVERY if monthly else "1",
            EVERY,
            EVERY,
        ):
            self.day = "1" if monthly else EVERY

    @api.constrains(*ENTRIES)
    def _check_timetable(self):
        for schedule in self:
            try:
                schedule._get_timetable()
            except Misentry as error:
                raise ValidationError(schedule._explain_misentry(error)) from error

    def _get_timetable(self):
        """:raise Misentry: if what was typed is none"""
        self.ensure_one()
        return Timetable(**{name: self[name] or "" for name in ENTRIES})

    def _explain_misentry(self, error):
        entry = error.entry
        words = {
            "field": self._fields[entry.name].get_description(self.env)["string"],
            "part": error.part,
            "least": entry.least,
            "greatest": entry.greatest,
        }
        match error.problem:
            case Problem.EMPTY:
                return self.env._(
                    "%(field)s: give a value (5), a list (1,15), an interval (1-5), "
                    "or mark “All”.",
                    **words,
                )
            case Problem.UNREADABLE:
                return self.env._(
                    "%(field)s: “%(part)s” is not understood. Give a value (5), a list "
                    "(1,15), an interval (1-5), or mark “All”.",
                    **words,
                )
            case Problem.OUT_OF_RANGE:
                return self.env._(
                    "%(field)s: %(part)s does not lie between %(least)s and "
                    "%(greatest)s.",
                    **words,
                )
            case Problem.BACKWARDS:
                return self.env._(
                    "%(field)s: the interval “%(part)s” runs backwards. Write it as "
                    "two, the lower number first.",
                    **words,
                )
        return self.env._(
            "%(field)s: none of the chosen months has such a day. The task would never "
            "run.",
            **words,
        )

    @api.model_create_multi
    def create(self, vals_list):
        schedules = super().create([self._tidy(vals) for vals in vals_list])
        schedules._make_cron()
        schedules._plan()
        return schedules

    def write(self, vals):
        self._check_locked_fields(vals)
        res = super().write(self._tidy(vals))
        if any(name in vals for name in (*ENTRIES, "active")):
            self._plan()
        return res

    def unlink(self):
        crons = self.sudo().cron_id
        res = super().unlink()
        actions = crons.ir_actions_server_id
        # Refused while the task is at work.
        crons.unlink()
        actions.unlink()
        return res

    def _tidy(self, vals):
        """What was typed, in the spelling in which it is kept."""
        typed = {name: vals[name] for name in ENTRIES if name in vals}
        try:
            return {**vals, **tidied(typed)}
        except Misentry as error:
            raise ValidationError(self._explain_misentry(error)) from error

    def _check_locked_fields(self, vals):
        for name in LOCKED_FIELDS:
            field = self._fields[name]
            for schedule in self:
                present = field.convert_to_write(schedule[name], schedule)
                if name in vals and vals[name] != present:
                    raise UserError(
                        self.env._(
                            "“%(field)s” of a scheduled task is fixed once it was "
                            "saved. Archive this one and make another.",
                            field=field.get_description(self.env)["string"],
                        )
                    )

    def action_run_now(self):
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(
                self.env._("Only billing may import calls and generate charges.")
            )
        for schedule in self:
            if not schedule.active or not schedule.integration_id.active:
                raise UserError(
                    self.env._(
                        "“%s” does not run: the task or its integration is archived.",
                        schedule.display_name,
                    )
                )
            schedule.sudo()._run_soon()

    def action_view_imports(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_import_action"
        )
        return {**action, "domain": [("schedule_id", "=", self.id)], "context": {}}

    def action_view_charges(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_charge_action"
        )
        return {
            **action,
            "domain": [("charging_id.schedule_id", "=", self.id)],
            "context": {},
        }
