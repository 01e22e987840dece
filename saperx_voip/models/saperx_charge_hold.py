# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools.misc import format_amount, format_date


class SaperxChargeHold(models.Model):
    """Why a charge is not confirmed by itself, with the figures of that moment."""

    _name = "saperx.charge.hold"
    _description = "Reason that holds a charge"
    _order = "charge_id, id"
    _rec_name = "reason"

    charge_id = fields.Many2one(
        "saperx.charge", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="charge_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="charge_id.currency_id")
    reason = fields.Selection(
        [
            ("amount", "High amount"),
            ("habit", "Far above the habit"),
            ("unrated", "Calls without a price"),
            ("age", "Old calls"),
        ],
        required=True,
    )
    limit_amount = fields.Monetary(help="Above which it is held.")
    usual_amount = fields.Monetary(help="Average of the last three charged cycles.")
    call_count = fields.Integer(string="Calls")
    since = fields.Date(string="Oldest call")
    explanation = fields.Char(compute="_compute_explanation")

    _reason_once = models.UniqueIndex("(charge_id, reason)")

    @api.depends("reason", "limit_amount", "usual_amount", "call_count", "since")
    @api.depends_context("lang")
    def _compute_explanation(self):
        for hold in self:
            hold.explanation = hold._explain()

    def _explain(self):
        self.ensure_one()

        def money(amount):
            return format_amount(self.env, amount, self.currency_id)

        match self.reason:
            case "amount":
                return self.env._(
                    "%(amount)s is above the limit of %(limit)s.",
                    amount=money(self.charge_id.amount),
                    limit=money(self.limit_amount),
                )
            case "habit":
                return self.env._(
                    "%(amount)s is far above the habit: the line's last charged cycles "
                    "came to %(usual)s on average, and up to %(limit)s is confirmed by "
                    "itself.",
                    amount=money(self.charge_id.amount),
                    usual=money(self.usual_amount),
                    limit=money(self.limit_amount),
                )
            case "unrated":
                return self.env._(
                    "Calls of the same line and cycle without a price, which are not "
                    "in this additional: %s.",
                    self.call_count,
                )
            case "age":
                return self.env._(
                    "Calls older than the maximum age: %(count)s, the oldest of "
                    "%(since)s. Charge them, or write them off?",
                    count=self.call_count,
                    since=format_date(self.env, self.since),
                )
        return False
