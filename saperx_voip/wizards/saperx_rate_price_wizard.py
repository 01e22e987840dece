# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..models.saperx_tariff_rate import PRICE_DIGITS, SHOWN_DECIMALS

# Taken over from the rate that ends, and open to change.
TERMS = (
    "price_per_minute",
    "connection_fee",
    "minimum_seconds",
    "step_seconds",
    "discard_seconds",
    "cost_per_minute",
)


class SaperxRatePriceWizard(models.TransientModel):
    """*New price from a date*: one rate ends, its follower begins the day after."""

    _name = "saperx.rate.price.wizard"
    _description = "New price from a date"

    rate_id = fields.Many2one("saperx.tariff.rate", required=True, ondelete="cascade")
    tariff_id = fields.Many2one(related="rate_id.tariff_id")
    old_price = fields.Float(
        related="rate_id.price_per_minute",
        string="Price now",
        digits=PRICE_DIGITS,
        min_display_digits=SHOWN_DECIMALS,
    )
    date_from = fields.Date(
        string="From (day)",
        required=True,
        default=lambda self: self.rate_id._get_first_of_next_month(),
    )
    price_per_minute = fields.Float(
        string="New price/min",
        digits=PRICE_DIGITS,
        min_display_digits=SHOWN_DECIMALS,
        compute="_compute_terms",
        store=True,
        readonly=False,
    )
    connection_fee = fields.Float(
        string="Connection fee",
        digits=PRICE_DIGITS,
        min_display_digits=SHOWN_DECIMALS,
        compute="_compute_terms",
        store=True,
        readonly=False,
    )
    minimum_seconds = fields.Integer(
        string="Minimum (seconds)",
        compute="_compute_terms",
        store=True,
        readonly=False,
    )
    step_seconds = fields.Integer(
        string="Step (seconds)", compute="_compute_terms", store=True, readonly=False
    )
    discard_seconds = fields.Integer(
        string="Free seconds",
        compute="_compute_terms",
        store=True,
        readonly=False,
    )
    cost_per_minute = fields.Float(
        string="Cost per minute",
        digits=PRICE_DIGITS,
        min_display_digits=SHOWN_DECIMALS,
        compute="_compute_terms",
        store=True,
        readonly=False,
    )

    @api.depends("rate_id")
    def _compute_terms(self):
        for wizard in self:
            for name in TERMS:
                wizard[name] = wizard.rate_id[name]

    def action_apply(self):
        self.ensure_one()
        rate, day = self.rate_id, self.date_from
        if rate.date_from and day <= rate.date_from:
            raise UserError(
                self.env._(
                    "This rate itself begins on %s: choose a later day.",
                    format_date(self.env, rate.date_from),
                )
            )
        if rate.date_to and day > rate.date_to + timedelta(days=1):
            raise UserError(
                self.env._(
                    "This rate ends on %s already: choose the day after, or an "
                    "earlier one.",
                    format_date(self.env, rate.date_to),
                )
            )
        values = {name: self[name] for name in TERMS}
        if rate.date_to and day > rate.date_to:
            values["date_to"] = False
        rate._follow(day, values)
        return {"type": "ir.actions.act_window_close"}
