# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..rating import Allowance

UNITS = [("minutes", "Minutes"), ("reais", "Reais")]
# Whole parts of one unit that allowances are reckoned in: seconds, centavos.
PARTS = {"minutes": 60, "reais": 100}


class SaperxTariffAllowance(models.Model):
    """A franquia: what a billing plan gives each cycle before calls cost anything."""

    _name = "saperx.tariff.allowance"
    _description = "Allowance of a billing plan"
    _order = "tariff_id, sequence, id"

    tariff_id = fields.Many2one(
        "saperx.tariff", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="tariff_id.company_id", store=True, index=True)
    name = fields.Char(
        compute="_compute_name", store=True, readonly=False, precompute=True
    )
    sequence = fields.Integer(default=10)
    unit = fields.Selection(UNITS, required=True, default="minutes")
    quantity = fields.Float(
        digits=(12, 2), required=True, default=0.0, help="Of each cycle."
    )
    call_classes = fields.Char(
        help="Codes of the classes that it fits, between commas. Empty: every class."
    )
    prefixes = fields.Char(
        help="First digits of the numbers that it fits, as rates have them, between "
        "commas. Empty: every number."
    )
    is_shared = fields.Boolean(
        string="Shared by the contract",
        help="One allowance for all lines that the contract has under this plan, which "
        "must have one closing day. Off: each line has its own.",
    )
    carries_over = fields.Boolean(
        help="What is left of a cycle's own quantity goes into the next cycle, once."
    )
    is_pro_rata = fields.Boolean(
        string="Pro rata",
        help="In proportion to the days that the line has in the cycle.",
    )
    date_from = fields.Date(string="Valid from")
    date_to = fields.Date(string="Valid to", help="Last day, inclusive.")

    _quantity_not_negative = models.Constraint(
        "CHECK (quantity >= 0)", "The quantity of an allowance cannot be negative."
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from <= date_to)",
        "An allowance cannot end before it begins.",
    )

    @api.depends("unit", "quantity")
    def _compute_name(self):
        for allowance in self:
            allowance.name = allowance._format_quantity(allowance._get_parts())

    @api.constrains("unit", "tariff_id")
    def _check_unit(self):
        if self.filtered(
            lambda allowance: (
                allowance.unit == "minutes"
                and allowance.tariff_id.amount_source == "platform"
            )
        ):
            raise ValidationError(
                self.env._(
                    "A billing plan that charges the platform's amounts has no "
                    "allowance in minutes: give it one in reais."
                )
            )

    def _get_parts(self):
        """The quantity in whole seconds or centavos."""
        self.ensure_one()
        return int(Decimal(f"{self.quantity:.2f}") * PARTS[self.unit])

    def _format_quantity(self, parts):
        """A quantity of this allowance as people write it.

        :param int parts: seconds or centavos
        """
        self.ensure_one()
        if self.unit == "minutes":
            minutes, seconds = divmod(parts, 60)
            return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
        return self.tariff_id.currency_id.format(parts / 100)

    def _get_rating_allowance(self):
        """The allowance as the pure core takes it."""
        self.ensure_one()
        return Allowance(
            id=self.id,
            sequence=self.sequence,
            unit=self.unit,
            quantity=self._get_parts(),
            call_classes=frozenset(_split(self.call_classes)),
            prefixes=tuple(_split(self.prefixes)),
            date_from=self.date_from or None,
            date_to=self.date_to or None,
            is_shared=self.is_shared,
            carries_over=self.carries_over,
            is_pro_rata=self.is_pro_rata,
        )


def _split(text):
    return [part.strip() for part in (text or "").split(",") if part.strip()]
