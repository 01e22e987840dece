# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date


class SaperxLineEndWizard(models.TransientModel):
    """*Encerrar linha…*: end lines of living contracts, now or on a day ahead, after a
    look at their numbers, their fees and what is left to charge."""

    _name = "saperx.line.end.wizard"
    _description = "End SIP lines"

    line_ids = fields.Many2many(
        "saperx.line",
        "saperx_line_end_wizard_line_rel",
        string="SIP lines",
        required=True,
    )
    date = fields.Date(
        string="Ends on",
        required=True,
        default=lambda self: self.env.company._get_telephony_today(),
        help="On a day ahead the line ends at its beginning, 00:00.",
    )
    is_now = fields.Boolean(compute="_compute_is_now")
    is_past = fields.Boolean(compute="_compute_is_now")
    reason_id = fields.Many2one("contract.terminate.reason")
    is_comment_required = fields.Boolean(related="reason_id.terminate_comment_required")
    comment = fields.Text()
    ends_fee = fields.Boolean(
        string="End the recurring fee too",
        help="The contract's line that the SIP line lives by ends on the same day.",
    )
    may_end_fee = fields.Boolean(compute="_compute_fee_note")
    fee_note = fields.Text(string="Recurring fee", compute="_compute_fee_note")
    obstacle = fields.Text(compute="_compute_obstacle")
    number_ids = fields.One2many(
        "saperx.line.end.wizard.number",
        "wizard_id",
        compute="_compute_numbers",
        string="Their numbers",
    )
    charge_ids = fields.One2many(
        "saperx.line.end.wizard.charge",
        "wizard_id",
        compute="_compute_charges",
        string="Final charge",
    )

    @api.constrains("line_ids")
    def _check_may_end(self):
        """A wizard shows nothing of lines that its user may not end."""
        self.line_ids._origin._check_may_end()

    @api.depends("line_ids", "date")
    def _compute_is_now(self):
        for wizard in self:
            todays = [
                company._get_telephony_today()
                for company in wizard.line_ids.company_id.sudo()
            ]
            wizard.is_now = bool(todays and wizard.date) and all(
                wizard.date <= today for today in todays
            )
            wizard.is_past = wizard.is_now and wizard.date < min(todays)

    @api.depends("line_ids", "date")
    def _compute_obstacle(self):
        for wizard in self:
            wizard.obstacle = wizard._get_obstacle()

    @api.depends("line_ids", "date", "ends_fee")
    def _compute_fee_note(self):
        self._check_may_end()
        is_allowed = self.env["contract.line"].has_access("write")
        for wizard in self:
            lines = wizard.line_ids._origin.filtered("contract_line_id")
            wizard.may_end_fee = is_allowed and bool(wizard._get_fees_to_end())
            wizard.fee_note = "\n".join(
                wizard._describe_fee(line, is_allowed) for line in lines
            )

    @api.depends("line_ids", "date")
    def _compute_numbers(self):
        self._check_may_end()
        for wizard in self:
            wizard.number_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "number": did._format_number(did.number),
                            "line_id": did.line_id.id,
                            "outcome": did._describe_leaving(wizard.date),
                        }
                    )
                    for did in wizard.line_ids._origin.did_ids
                ),
            ]

    @api.depends("line_ids", "date")
    def _compute_charges(self):
        self._check_may_end()
        row_model = self.env["saperx.line.end.wizard.charge"]
        for wizard in self:
            rows = row_model._prepare_rows(wizard._get_moments())
            wizard.charge_ids = [Command.clear(), *map(Command.create, rows)]

    def action_end(self):
        """End the lines, or plan it.

        :raise UserError: saying which line cannot end so, and why; then none does
        """
        self.ensure_one()
        self._check_may_end()
        self._check_reason()
        lines = self.line_ids._origin
        if self.ends_fee:
            # Before the lines end: a fee that is over ends its lines itself.
            for line in self._get_fees_to_end():
                line._end_fee(self.date)
        for line in lines:
            if self._is_now_for(line):
                line._end(self.reason_id, self.comment)
            else:
                line._plan_end(self.date, self.reason_id, self.comment)
        return {"type": "ir.actions.act_window_close"}

    def _check_reason(self):
        if not self.reason_id and not self.comment:
            raise UserError(self.env._("Say why: choose a reason or write a comment."))
        if self.is_comment_required and not self.comment:
            raise UserError(
                self.env._("The reason “%s” needs a comment.", self.reason_id.name)
            )

    def _is_now_for(self, line):
        """Today and the past mean now: the line worked until this moment."""
        return self.date <= line.company_id.sudo()._get_telephony_today()

    def _get_moments(self):
        """By line, the moment (naive UTC) at which it ends."""
        now = fields.Datetime.now()
        return {
            line: now
            if not self.date or self._is_now_for(line)
            else line._get_end_moment(self.date)
            for line in self.line_ids._origin
        }

    def _get_obstacle(self):
        """Why this cannot be done, in words, or False."""
        try:
            for line in self.line_ids._origin if self.date else ():
                line._check_not_cancelled()
                if not self._is_now_for(line):
                    line._check_end(self.date)
        except UserError as error:
            return str(error)
        return False

    # === Their recurring fees ===

    def _get_fees_to_end(self):
        """One line for each recurring fee that can end with these lines."""
        lines = self.line_ids._origin
        by_fee = lines.filtered("contract_line_id").grouped("contract_line_id")
        return lines.browse(
            some[0].id
            for some in by_fee.values()
            if not some[0]._get_fee_obstacle(lines)
        )

    def _describe_fee(self, line, is_allowed):
        """What becomes of the line's fee, in words."""
        fee = line.contract_line_id.sudo()
        why = line._get_fee_obstacle(self.line_ids._origin)
        if why is None and not is_allowed:
            why = self.env._("who may change contracts ends it")
        if why:
            return self.env._("%(fee)s goes on: %(why)s.", fee=fee.name, why=why)
        if not self.ends_fee or not self.date:
            return self.env._("%s goes on.", fee.name)
        ends = line._get_fee_end(self.date)
        date = format_date(self.env, ends)
        if ends == fee.last_date_invoiced:
            return self.env._(
                "%(fee)s ends on %(date)s, up to which it is invoiced.",
                fee=fee.name,
                date=date,
            )
        return self.env._("%(fee)s ends on %(date)s.", fee=fee.name, date=date)
