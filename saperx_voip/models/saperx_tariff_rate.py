# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..rating import Rate
from .call_class import CALL_CLASSES

PRICE_DIGITS = (12, 6)


class SaperxTariffRate(models.Model):
    """One price of a billing plan; the longest fitting prefix wins."""

    _name = "saperx.tariff.rate"
    _description = "Rate of a billing plan"
    _order = "tariff_id, sequence, id"

    tariff_id = fields.Many2one(
        "saperx.tariff", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="tariff_id.company_id", store=True, index=True)
    sequence = fields.Integer(default=10)
    prefix = fields.Char(
        help="First digits of the other number, country code first (5511…), or as "
        "dialled for 0800, 0300, 4004 and services. Empty: any number."
    )
    call_class = fields.Selection(CALL_CLASSES, help="Empty: any class.")
    price_per_minute = fields.Float(digits=PRICE_DIGITS, required=True, default=0.0)
    connection_fee = fields.Float(digits=PRICE_DIGITS, required=True, default=0.0)
    minimum_seconds = fields.Integer(required=True, default=30)
    step_seconds = fields.Integer(required=True, default=6)
    discard_seconds = fields.Integer(
        string="Free up to (seconds)",
        required=True,
        default=3,
        help="Conversations of up to so many seconds cost nothing.",
    )
    date_from = fields.Date(string="Valid from")
    date_to = fields.Date(string="Valid to", help="Last day, inclusive.")

    _amounts_not_negative = models.Constraint(
        "CHECK (price_per_minute >= 0 AND connection_fee >= 0)",
        "Price and connection fee cannot be negative.",
    )
    _cadence_sound = models.Constraint(
        "CHECK (minimum_seconds >= 0 AND step_seconds > 0 AND discard_seconds >= 0)",
        "The step must be at least one second; minimum and free seconds "
        "cannot be negative.",
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from <= date_to)",
        "A rate cannot end before it begins.",
    )

    @api.depends("prefix", "call_class", "minimum_seconds", "step_seconds")
    def _compute_display_name(self):
        classes = dict(self._fields["call_class"]._description_selection(self.env))
        for rate in self:
            parts = [rate.prefix, classes.get(rate.call_class)]
            parts = [part for part in parts if part] or [self.env._("Default rate")]
            rate.display_name = " · ".join(parts)

    @api.constrains("prefix")
    def _check_prefix(self):
        for rate in self:
            if rate.prefix and not (rate.prefix.isascii() and rate.prefix.isdigit()):
                raise ValidationError(
                    self.env._("The prefix “%s” must hold digits only.", rate.prefix)
                )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if (
            self.env["saperx.cdr"]
            .sudo()
            .search_count([("rate_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A rate that explains calls cannot be deleted: let it end on a day."
                )
            )

    def _get_rating_rate(self):
        self.ensure_one()
        return Rate(
            id=self.id,
            sequence=self.sequence,
            prefix=self.prefix or "",
            call_class=self.call_class or None,
            # Through text: the float's own digits are not the price's.
            price_per_minute=_decimal(self.price_per_minute),
            connection_fee=_decimal(self.connection_fee),
            minimum_seconds=self.minimum_seconds,
            step_seconds=self.step_seconds,
            discard_seconds=self.discard_seconds,
            date_from=self.date_from or None,
            date_to=self.date_to or None,
        )


def _decimal(price):
    return Decimal(f"{price:.{PRICE_DIGITS[1]}f}")
