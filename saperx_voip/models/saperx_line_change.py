# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, plaintext2html
from odoo.tools.misc import format_date

from .saperx_line_period import ONE_DAY
from .saperx_line_push import REFUSED_ACTIVITY

_logger = logging.getLogger(__name__)

# What a line says of its running period.
PERIOD_TERMS = ("contract_id", "tariff_id", "closing_day", "billing_type")

TAKING_OVER = "saperx_taking_over"


class SaperxLine(models.Model):
    """Terms that change: now, or when their moment comes.

    Calls go by the periods, whatever the line says. A planned change is a period that
    begins later than now. When its moment has come, the line takes its terms over, so
    that the platform learns them; however late that is, the calls are right.
    """

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    planned_period_id = fields.Many2one(
        "saperx.line.period",
        string="Planned change",
        compute="_compute_planned_period_id",
        compute_sudo=True,
    )
    planned_change = fields.Char(
        compute="_compute_planned_period_id", compute_sudo=True
    )

    @api.depends("period_ids.date_from")
    def _compute_planned_period_id(self):
        for line in self:
            planned = line._get_planned_periods()
            line.planned_period_id = planned
            line.planned_change = planned._describe_change() if planned else False

    def write(self, vals):
        touches_terms = not set(PERIOD_TERMS).isdisjoint(vals)
        is_ending = vals.get("state") == "cancelled"
        if not self.env.context.get(TAKING_OVER):
            if touches_terms or is_ending:
                self._take_over_terms()
            if touches_terms:
                self._check_nothing_planned(vals)
        return super().write(vals)

    def action_change_terms(self):
        """Ask what changes on these lines of one contract, and from when on."""
        self._check_may_change_terms()
        self.sudo()._take_over_terms()
        self._check_not_cancelled()
        if len(self.contract_id) > 1:
            raise UserError(
                self.env._("Choose lines of one contract: they change together.")
            )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Change terms"),
            "res_model": "saperx.line.change.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_line_ids": self.ids,
                "dialog_size": "extra-large",
            },
        }

    def action_cancel_planned_change(self):
        """The line goes on as it is."""
        self._check_may_change_terms()
        lines = self.sudo()
        for line in lines:
            if not line._get_planned_periods():
                raise UserError(
                    self.env._(
                        "The line %s has no planned change: it came into force or was "
                        "cancelled already.",
                        line.display_name,
                    )
                )
        lines._drop_planned_change(self.env._("cancelled"))

    def _check_may_change_terms(self):
        """Lines are the technicians', plans and closing days billing's: either may."""
        self.check_access("read")
        if not (
            self.env.user.has_group("saperx_voip.group_technician")
            or self.env.user.has_group("saperx_voip.group_billing")
        ):
            raise AccessError(
                self.env._("Only technicians and billing change the terms of lines.")
            )

    def _get_planned_periods(self):
        now = fields.Datetime.now()
        return self.sudo().period_ids.filtered(
            lambda period: period.date_from and period.date_from > now
        )

    def _check_nothing_planned(self, values=None):
        """A line has one planned change at most, and changes in no other way.

        :param dict values: those that are about to be written; None: any
        :raise UserError: naming the planned change and the way out
        """
        for planned in self._get_planned_periods():
            if values is not None and planned.line_id._has_already(values):
                continue
            raise UserError(
                self.env._(
                    "A change of the line %(line)s is planned already. %(change)s. "
                    "Cancel that planned change first, on the line's form.",
                    line=planned.line_id.display_name,
                    change=planned._describe_change(),
                )
            )

    def _has_already(self, values):
        """Whether the line's terms are what these values say of them."""
        self.ensure_one()
        return all(
            self._fields[name].convert_to_cache(values[name], self)
            == self._fields[name].convert_to_cache(self[name], self)
            for name in PERIOD_TERMS
            if name in values
        )

    def _drop_planned_change(self, reason):
        """Let the lines go on as they are.

        :param str reason: why, for the line's history
        """
        for planned in self._get_planned_periods():
            line, change = planned.line_id, planned._describe_change()
            planned._take_back()
            line._note_dropped_change(change, reason)

    def _note_dropped_change(self, change, reason):
        self.message_post(
            body=self.env._(
                "The planned change does not come: %(reason)s. %(change)s",
                reason=reason,
                change=change,
            )
        )

    # === When the moment has come ===

    def _take_over_terms(self):
        """Let the lines say what their running periods say.

        Can be repeated, and does nothing to lines in step. Lines of a contract that
        change alike do so in one write, since they may share an allowance. What is
        refused is told, tried again with the next run, and stops no other line.
        """
        if not self:
            return
        self._drop_dead_moves()
        alike = defaultdict(self.browse)
        for period in self._get_periods_to_take_over(self.contract_id):
            line = period.line_id
            values = {name: period[name] for name in PERIOD_TERMS}
            if period.contract_id != line.contract_id:
                values["contract_line_id"] = period.contract_line_id
            alike[line.contract_id, tuple(values.items())] |= line
        for (_contract, terms), lines in alike.items():
            values = {
                name: self._fields[name].convert_to_write(value, lines)
                for name, value in terms
            }
            try:
                with self.env.cr.savepoint():
                    lines.with_context(**{TAKING_OVER: True}).write(values)
            except UserError as error:
                _logger.warning("lines %s keep their old terms: %s", lines.ids, error)
                lines._note_refused_terms(error)

    def _drop_dead_moves(self):
        """A line stays on its contract if the one it was to come to has ended."""
        for period in self._get_periods_to_take_over(self.contract_id):
            line, contract = period.line_id, period.contract_id
            today = contract.company_id._get_telephony_today()
            if contract != line.contract_id and contract._is_dead(today):
                change = period._describe_change()
                period._take_back()
                line._note_dropped_change(
                    change,
                    self.env._("the contract it was to come to has ended"),
                )

    @api.model
    def _get_periods_to_take_over(self, contracts=None):
        """Running periods that say another thing than their lines.

        :param contracts: of the lines; None: every one
        """
        self.env.flush_all()
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT period.id
                FROM saperx_line_period AS period
                JOIN saperx_line AS line ON line.id = period.line_id
                WHERE period.date_from <= %(now)s
                  AND (period.date_to IS NULL OR period.date_to > %(now)s)
                  AND line.state <> 'cancelled'
                  AND (line.contract_id, line.tariff_id, line.closing_day,
                       line.billing_type)
                      IS DISTINCT FROM
                      (period.contract_id, period.tariff_id, period.closing_day,
                       period.billing_type)
                  AND %(condition)s
                """,
                now=now,
                condition=(
                    SQL("TRUE")
                    if contracts is None
                    else SQL("line.contract_id = ANY(%s)", contracts.ids)
                ),
            )
        )
        return (
            self.env["saperx.line.period"]
            .sudo()
            .browse(period_id for (period_id,) in rows)
        )

    def _note_refused_terms(self, error):
        """Tell whom the lines concern, once."""
        for line in self:
            user = line._get_responsible()
            if not user or line.activity_search([REFUSED_ACTIVITY], user_id=user.id):
                continue
            line.activity_schedule(
                REFUSED_ACTIVITY,
                summary=self.env._("Planned terms could not be taken over"),
                note=plaintext2html(str(error)),
                user_id=user.id,
            )

    # === Planning ===

    def _plan_terms(self, values, moment, contract_line=None):
        """Let other terms come into force at a moment ahead.

        :param dict values: of some ``PERIOD_TERMS``, as for ``write``
        :param datetime moment: naive UTC
        :param contract_line: the recurring fee of a new contract that the line then
            lives by
        :raise UserError: saying why it cannot be
        """
        self.ensure_one()
        line = self.sudo()
        line._check_not_cancelled()
        line._check_nothing_planned()
        period = line._get_running_period()
        values = period._get_changes(values)
        if not values:
            return
        line._check_planned_terms(values, period._get_local_day(moment))
        if "contract_id" in values:
            contract = (
                self.env["contract.contract"].sudo().browse(values["contract_id"])
            )
            values |= {
                "partner_id": contract.partner_id.id,
                "contract_line_id": contract_line and contract_line.id,
            }
        planned = period._plan(values, moment)
        line.message_post(
            body=self.env._("Planned change. %s", planned._describe_change())
        )

    def _check_planned_terms(self, values, day):
        """What would be refused when the day comes is refused now."""
        self.ensure_one()
        former = self.contract_id
        fee = self.contract_line_id
        before = day - ONE_DAY
        if former._is_dead(before) or (fee and fee._is_dead(before)):
            raise UserError(
                self.env._(
                    "The line %(line)s ends with its contract before %(date)s.",
                    line=self.display_name,
                    date=format_date(self.env, day),
                )
            )
        contract = former.browse(values.get("contract_id", former.id))
        contract._check_takes_lines(day)
        tariff = self.tariff_id.browse(values.get("tariff_id", self.tariff_id.id))
        if self.company_id != contract.company_id or (
            tariff and tariff.company_id != self.company_id
        ):
            raise UserError(
                self.env._("Contract and billing plan must be of the line's company.")
            )
        if (
            values.get("billing_type") == "postpaid"
            and not self.credit_limit
            and self.integration_id.credit_limit_required
        ):
            raise UserError(
                self.env._(
                    "A postpaid line of “%s” needs a credit limit.",
                    self.integration_id.name,
                )
            )
