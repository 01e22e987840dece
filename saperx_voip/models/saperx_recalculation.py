# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from decimal import Decimal

from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.service.model import retrying
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..forms import tell_forms

_logger = logging.getLogger(__name__)

OPEN_STATES = ("waiting", "running")


class SaperxRecalculation(models.Model):
    """*Recalcular*: calls that are not billed are matched and rated again, in the
    background and batch by batch. Killed anywhere, it goes on from there.

    Once all are rated, the allowances of their lines are drawn: those lines wait in
    ``undrawn_line_ids``.
    """

    _name = "saperx.recalculation"
    _description = "Recalculation of calls"
    _inherit = ["saperx.recalculation.filter", "saperx.undrawn.mixin"]
    _order = "id desc"

    origin = fields.Selection(
        [("hand", "By hand"), ("rates", "Prices changed")],
        string="Why",
        required=True,
        readonly=True,
        default="hand",
    )
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("running", "Calculating"),
            ("done", "Done"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="waiting",
        index=True,
    )
    filter_summary = fields.Char(string="Calls", compute="_compute_filter_summary")
    has_filter = fields.Boolean(compute="_compute_filter_summary")
    is_counted = fields.Boolean(compute="_compute_is_counted")
    started_at = fields.Datetime(readonly=True)
    ended_at = fields.Datetime(readonly=True)
    error = fields.Text(readonly=True)
    last_call_id = fields.Integer(readonly=True, help="Up to here it has come.")
    end_call_id = fields.Integer(
        readonly=True, help="The last call that was there when it began."
    )
    total_count = fields.Integer(string="Calls found", readonly=True)
    done_count = fields.Integer(string="Calls calculated", readonly=True)
    changed_count = fields.Integer(string="Calls changed", readonly=True)
    progress = fields.Float(compute="_compute_progress", digits=(5, 1))
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount_before = fields.Monetary(readonly=True, help="Before any allowance.")
    amount_after = fields.Monetary(readonly=True, help="Before any allowance.")
    amount_change = fields.Monetary(
        string="Difference", compute="_compute_amount_change"
    )
    undrawn_line_ids = fields.Many2many(
        "saperx.line",
        "saperx_recalculation_line_rel",
        "recalculation_id",
        "line_id",
        readonly=True,
    )

    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._("Recalculation #%s", run.id)

    @api.depends(lambda self: self._get_filter_fields())
    def _compute_filter_summary(self):
        for run in self:
            labels = run._get_filter_labels()
            run.has_filter = bool(labels)
            run.filter_summary = " · ".join(labels) or self.env._(
                "All that are not charged"
            )

    def _get_filter_labels(self):
        self.ensure_one()
        names = ("tariff_id", "line_id", "contract_id", "partner_id", "integration_id")
        labels = [self[name].display_name for name in names if self[name]]
        if self.call_class:
            classes = self._fields["call_class"]._description_selection(self.env)
            labels.append(dict(classes)[self.call_class])
        if self.date_from:
            day = format_date(self.env, self.date_from)
            labels.append(self.env._("from %s", day))
        if self.date_to:
            day = format_date(self.env, self.date_to)
            labels.append(self.env._("until %s", day))
        return labels

    @api.depends("state", "started_at")
    def _compute_is_counted(self):
        for run in self:
            run.is_counted = run.state != "waiting" and bool(run.started_at)

    @api.depends("done_count", "total_count", "state")
    def _compute_progress(self):
        for run in self:
            if run.state == "done":
                run.progress = 100.0
            else:
                run.progress = 100.0 * run.done_count / (run.total_count or 1)

    @api.depends("amount_before", "amount_after")
    def _compute_amount_change(self):
        for run in self:
            run.amount_change = run.amount_after - run.amount_before

    @api.model_create_multi
    def create(self, vals_list):
        runs = super().create(vals_list)
        self._trigger_run()
        return runs

    @api.model
    def _trigger_run(self):
        self.env.ref("saperx_voip.ir_cron_recalculate").sudo()._trigger()

    def action_retry(self):
        """Go on where it failed."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may rate calls again."))
        for run in self.sudo().filtered(lambda run: run.state == "failed"):
            state = "running" if run.started_at else "waiting"
            run.write({"state": state, "error": False, "ended_at": False})
        self._trigger_run()

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {**action, "domain": self._get_call_domain(), "context": {}}

    def _get_call_domain(self):
        domain = super()._get_call_domain()
        if self.origin == "rates":
            # Prices decide nothing else of what is not chargeable.
            domain += [
                "|",
                ("state", "!=", "not_chargeable"),
                ("reason", "in", ("free", "internal")),
            ]
        return domain

    @api.model
    def _cron_run(self):
        """Do what waits, oldest first, also what a crash left, piece by piece."""
        # Kept between the pieces: what calls are rated by is large.
        assessors = {}
        runs = self.search([("state", "in", OPEN_STATES)], order="id")
        while runs and runs[0]._proceed(assessors):
            runs = runs.filtered(lambda run: run.state in OPEN_STATES)
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(runs)):
                break

    def _proceed(self, assessors):
        """Do the next piece and commit it; trouble is kept where people see it.

        :return: whether to go on now
        """
        self.ensure_one()
        try:
            retrying(lambda: self._do_piece(assessors), self.env)
        except OperationalError as error:
            # Others hold these calls for long, or the database is going down.
            _logger.info("%s goes on later: %s", self.display_name, error)
            self.env.cr.rollback()
            return False
        except Exception as error:
            _logger.exception("%s stopped", self.display_name)
            self.env.cr.rollback()
            message = str(error)
            retrying(lambda: self._fail(message), self.env)
        return True

    def _do_piece(self, assessors):
        if self.state == "waiting":
            self._start()
        elif not self._rate_next(assessors) and not self._draw_next():
            self.write({"state": "done", "ended_at": fields.Datetime.now()})
        tell_forms(self)

    def _start(self):
        """What comes in from now on is rated by the same prices anyway."""
        calls_model = self.env["saperx.cdr"]
        [[end_call_id]] = self.env.execute_query(
            SQL("SELECT coalesce(max(id), 0) FROM saperx_cdr")
        )
        self.write(
            {
                "state": "running",
                "started_at": fields.Datetime.now(),
                "end_call_id": end_call_id,
                "total_count": calls_model.search_count(self._get_call_domain()),
            }
        )

    def _rate_next(self, assessors):
        """:return: whether there were calls left to rate"""
        batch = self.env["saperx.cdr"]._reassess_batch(
            [*self._get_call_domain(), ("id", "<=", self.end_call_id)],
            assessors,
            self.last_call_id,
        )
        if not batch.call_count:
            return False
        self._add_undrawn(batch.line_ids)
        self.write(
            {
                "last_call_id": batch.last_id,
                "done_count": self.done_count + batch.call_count,
                "changed_count": self.changed_count + batch.changed_count,
                "amount_before": _exact(self.amount_before) + batch.amount_before,
                "amount_after": _exact(self.amount_after) + batch.amount_after,
            }
        )
        return True

    def _begin_again(self):
        """As new: what failed half-way is no longer what is wanted."""
        self.write(
            {
                "state": "waiting",
                "error": False,
                "ended_at": False,
                "last_call_id": 0,
                "done_count": 0,
                "changed_count": 0,
                "amount_before": 0,
                "amount_after": 0,
            }
        )
        self._trigger_run()

    def _fail(self, message):
        self.write(
            {"state": "failed", "error": message, "ended_at": fields.Datetime.now()}
        )
        tell_forms(self)


def _exact(amount):
    """An amount of two decimals, not the binary float that stands for it."""
    return Decimal(f"{amount:.2f}")
