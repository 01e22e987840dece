# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools.misc import format_date

from ..rating import bounds_utc, local_date

_logger = logging.getLogger(__name__)

# Of its recurring fee, as they were before that got its end.
FEE_FIELDS = [
    "date_end", "is_auto_renew", "last_date_invoiced", "manual_renew_needed",
    "recurring_next_date",
]  # fmt: skip


class SaperxLine(models.Model):
    """How one line of a living contract ends: now, or on a day ahead.

    The day begins at 00:00 in the company's time zone. A planned end can be withdrawn,
    and comes by the cron of the moments. Whatever ends the line before goes first.
    """

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    end_at = fields.Datetime(
        string="Planned end", readonly=True, copy=False, index="btree_not_null"
    )
    end_date = fields.Date(string="Ends on", compute="_compute_end_date")
    end_summary = fields.Char(compute="_compute_end_date")
    end_reason_id = fields.Many2one(
        "contract.terminate.reason",
        string="Reason of the end",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    end_comment = fields.Text(string="Comment on the end", readonly=True, copy=False)
    port_out_summary = fields.Char(compute="_compute_port_out_summary")
    end_fee_before = fields.Json(
        readonly=True,
        copy=False,
        help="What the recurring fee said before it got its end, to give it back.",
    )

    @api.depends("end_at", "end_reason_id", "end_comment", "company_id")
    def _compute_end_date(self):
        for line in self:
            # A new line has no company before it has a contract.
            company = line.sudo().company_id or self.env.company
            zone = company._get_telephony_zone()
            line.end_date = line.end_at and local_date(line.end_at, zone)
            line.end_summary = line.end_at and line._describe_end()

    @api.depends("did_ids.port_out_at")
    def _compute_port_out_summary(self):
        for line in self:
            leaving = line.did_ids.filtered("port_out_at")
            line.port_out_summary = " ".join(
                did._describe_port_out() for did in leaving
            )

    def write(self, vals):
        if "contract_id" in vals:
            self._check_no_end_planned_elsewhere(vals["contract_id"])
        ending = self.browse()
        if vals.get("state") == "cancelled":
            ending = self.filtered(lambda line: line.state != "cancelled")
        res = super().write(vals)
        if ending:
            ending.filtered("end_at").end_at = False
            ending._draw_until_end()
        return res

    def action_end(self):
        """Ask when and why these lines end, and show what becomes of them."""
        self._check_may_end()
        self._check_not_cancelled()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("End line"),
            "res_model": "saperx.line.end.wizard",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_line_ids": self.ids,
                "dialog_size": "extra-large",
            },
        }

    def action_withdraw_end(self):
        """The line goes on, and so does the fee that was to end with it."""
        self._check_may_end()
        for line in self:
            if not line.end_at:
                raise UserError(
                    self.env._(
                        "The line %s has no planned end: it came or was withdrawn "
                        "already.",
                        line.display_name,
                    )
                )
            line._note_end(
                self.env._("Planned end withdrawn. %s", line._describe_end())
            )
            line.sudo()._give_back_fee()
            line.write({"end_at": False, "end_reason_id": False, "end_comment": False})

    def _check_may_end(self):
        self.check_access("write")
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(self.env._("Only technicians end lines."))

    # === Planning ===

    def _plan_end(self, day, reason, comment):
        """Let the line end on a day ahead.

        :param date day: of the company's zone, at whose 00:00 it ends
        :param reason: ``contract.terminate.reason``, or none
        :raise UserError: saying why it cannot be
        """
        self.ensure_one()
        self._check_end(day)
        self.write(
            {
                "end_at": self._get_end_moment(day),
                "end_reason_id": reason.id,
                "end_comment": comment,
            }
        )
        self._note_end(self.env._("Planned end. %s", self._describe_end()))
        self._look_again_at([self.end_at])

    def _end(self, reason, comment):
        """End the line now, for a reason."""
        self.ensure_one()
        self._check_not_cancelled()
        self.write({"end_reason_id": reason.id, "end_comment": comment})
        self._cancel()
        self._note_end(self.env._("Line ended: %s.", self._describe_why()))

    def _get_end_moment(self, day):
        """The first moment of a day of the company's zone, naive UTC."""
        self.ensure_one()
        return bounds_utc(day, day, self.company_id._get_telephony_zone())[0]

    def _check_end(self, day):
        """:raise UserError: if something else ends the line, or comes, before"""
        self.ensure_one()
        self._check_not_cancelled()
        if self.end_at:
            raise UserError(
                self.env._(
                    "An end of the line %(line)s is planned already. %(end)s Withdraw "
                    "it first.",
                    line=self.display_name,
                    end=self._describe_end(),
                )
            )
        line = self.sudo()
        before = day - timedelta(days=1)
        fee = line.contract_line_id
        if line.contract_id._is_dead(before) or (fee and fee._is_dead(before)):
            raise UserError(
                self.env._(
                    "The line %(line)s ends with its contract before %(date)s.",
                    line=self.display_name,
                    date=format_date(self.env, day),
                )
            )
        self._check_no_move_planned()
        if self._get_planned_periods().filtered(
            lambda period: period.date_from >= self._get_end_moment(day)
        ):
            self._check_nothing_planned()

    def _check_no_move_planned(self):
        """Who takes a line over says whether it ends and what becomes of its numbers.

        :raise UserError: naming the planned change
        """
        for line in self:
            if line._get_planned_periods().contract_id - line.contract_id:
                line._check_nothing_planned()

    def _check_no_end_planned_elsewhere(self, contract_id):
        """As ``_check_no_move_planned``, the other way round.

        :raise UserError: naming the planned end, or the number that is to leave
        """
        for line in self.filtered(lambda line: line.contract_id.id != contract_id):
            end = line._describe_end() if line.end_at else line.port_out_summary
            if end:
                raise UserError(
                    self.env._(
                        "The line %(line)s is to end, or to lose a number. %(end)s "
                        "Withdraw that before it goes to another contract.",
                        line=line.display_name,
                        end=end,
                    )
                )

    def _check_planned_terms(self, values, day):
        res = super()._check_planned_terms(values, day)
        if "contract_id" in values:
            self._check_no_end_planned_elsewhere(values["contract_id"])
        if self.end_at and self._get_end_moment(day) >= self.end_at:
            raise UserError(
                self.env._(
                    "The line %(line)s does not live until then. %(end)s",
                    line=self.display_name,
                    end=self._describe_end(),
                )
            )
        return res

    def _describe_end(self):
        """When and why, for people."""
        self.ensure_one()
        return self.env._(
            "Ends on %(date)s: %(why)s.",
            date=format_date(self.env, self.end_date),
            why=self._describe_why(),
        )

    def _describe_why(self):
        self.ensure_one()
        why = (self.end_reason_id.name, self.end_comment)
        return " – ".join(filter(None, why)) or self.env._("no reason given")

    def _note_end(self, text):
        """Write it on the line and on its contract, which a technician only reads."""
        self.ensure_one()
        self.message_post(body=text)
        self.contract_id.sudo().message_post(
            body=self.env._(
                "Line %(line)s. %(text)s", line=self.display_name, text=text
            )
        )

    # === When the moment has come ===

    @api.model
    def _get_lines_to_end(self):
        return self.search(
            [("end_at", "<=", fields.Datetime.now()), ("state", "!=", "cancelled")]
        )

    @api.model
    def _get_lines_to_follow(self):
        leaving = self.env["saperx.did"]._get_due_port_outs()
        return (
            super()._get_lines_to_follow() | leaving.line_id | self._get_lines_to_end()
        )

    def _follow_clock(self):
        res = super()._follow_clock()
        for line in self.sudo():
            try:
                with self.env.cr.savepoint():
                    line._follow_planned_end()
            except UserError as error:  # one line must not keep the others alive
                _logger.warning("the end of line %s is refused: %s", line.id, error)
                line._note_refused_terms(error)
        return res

    def _follow_planned_end(self):
        """Let numbers go whose window has come, and end if the day has."""
        self.ensure_one()
        now = fields.Datetime.now()
        self.did_ids.filtered(
            lambda did: did.port_out_at and did.port_out_at <= now
        )._port_out()
        if self.state != "cancelled" and self.end_at and self.end_at <= now:
            self._end(self.end_reason_id, self.end_comment)

    def _draw_until_end(self):
        """An allowance given by the day is smaller now that the days are fewer."""
        lines = self.sudo().filtered(
            lambda line: any(
                line.period_ids.tariff_id.allowance_ids.mapped("is_pro_rata")
            )
        )
        if lines:
            self.env["saperx.cdr"].sudo()._draw_allowances(lines.ids)

    # === The recurring fee ===

    def _get_fee_obstacle(self, ending):
        """Why the line's own recurring fee does not end with it, in words, or None.

        :param ending: all lines that end together
        """
        self.ensure_one()
        fee = self.contract_line_id.sudo()
        alive = fee.contract_id.saperx_line_ids.filtered(
            lambda line: line.state != "cancelled"
        )
        others = alive - ending
        today = self.sudo().company_id._get_telephony_today()
        if not fee.is_stop_allowed:
            return self.env._("it has its end already")
        if fee.date_start > today:
            return self.env._("it has not begun yet")
        if others.filtered(lambda line: line.contract_line_id == fee):
            return self.env._("other lines live by it")
        fees = fee.contract_id._get_life_lines()
        going = ending.contract_line_id.sudo()
        if others and all(item._is_dead(today) for item in fees - going):
            return self.env._(
                "it is the contract's last, and other lines live by the contract"
            )
        return None

    def _end_fee(self, day):
        """Let the recurring fee end on a day, or with what is invoiced of it.

        Whoever asks must be allowed to change it.
        """
        self.ensure_one()
        fee = self.contract_line_id
        fee.check_access("write")
        values = fee.read(FEE_FIELDS, load=False)[0]
        self.end_fee_before = json.loads(json.dumps(values, default=str))
        fee.stop(self._get_fee_end(day))

    def _get_fee_end(self, day):
        """Its last day: never one that is past, since a past day means now, nor before
        what is invoiced."""
        today = self.sudo().company_id._get_telephony_today()
        invoiced = self.contract_line_id.sudo().last_date_invoiced
        return max(filter(None, (day, today, invoiced)))

    def _give_back_fee(self):
        """Let the fee go on that was to end with the line, or with one beside it."""
        self.ensure_one()
        fee = self.contract_line_id
        holder = fee.contract_id.saperx_line_ids.filtered(
            lambda line: line.contract_line_id == fee and line.end_fee_before
        )[:1]
        if not holder:
            return
        values = dict(holder.end_fee_before)
        holder.end_fee_before = False
        if fee.is_canceled:
            return
        values.pop("id")
        if values.pop("last_date_invoiced") != (
            fields.Date.to_string(fee.last_date_invoiced)
        ):
            # Invoiced since: what comes next follows from that.
            values.pop("recurring_next_date")
        fee.write(values)
        self.contract_id.message_post(
            body=self.env._("The recurring fee “%s” goes on.", fee.name)
        )
