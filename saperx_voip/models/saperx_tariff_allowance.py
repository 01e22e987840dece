# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..rating import Allowance

UNITS = [("minutes", "Minutes"), ("reais", "Reais")]
# Whole parts of one unit that allowances are reckoned in: seconds, centavos.
PARTS = {"minutes": 60, "reais": 100}
# Charges keep parts as integers of 32 bits, and a cycle may have a quantity twice: its
# own, and as much carried over.
MOST_PARTS = (2**31 - 1) // 2
# What tells which calls drew on it, and in what.
FROZEN_FIELDS = {"tariff_id", "unit", "class_ids", "prefixes", "is_shared"}
# What changes nothing of any price.
NAMES = {"name"}


class SaperxTariffAllowance(models.Model):
    """A franquia: what a billing plan gives each cycle before calls cost anything."""

    _name = "saperx.tariff.allowance"
    _description = "Allowance of a billing plan"
    _order = "tariff_id, sequence, id"

    tariff_id = fields.Many2one(
        "saperx.tariff", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="tariff_id.company_id", store=True, index=True)
    amount_source = fields.Selection(related="tariff_id.amount_source")
    name = fields.Char(
        compute="_compute_name", store=True, readonly=False, precompute=True
    )
    sequence = fields.Integer(default=10)
    unit = fields.Selection(
        UNITS,
        required=True,
        compute="_compute_unit",
        store=True,
        readonly=False,
        precompute=True,
    )
    quantity = fields.Float(
        digits=(12, 2), required=True, default=0.0, help="Of each cycle."
    )
    class_ids = fields.Many2many(
        "saperx.call.class",
        string="Classes",
        help="Classes of calls that it fits. Empty: every class.",
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
        string="Carried over",
        help="What is left of a cycle's own quantity goes into the next cycle, once.",
    )
    is_pro_rata = fields.Boolean(
        string="Pro rata",
        help="In proportion to the days that the line has in the cycle.",
    )
    date_from = fields.Date(string="Valid from")
    date_to = fields.Date(string="Valid to", help="Last day, inclusive.")
    is_used = fields.Boolean(
        compute="_compute_is_used", help="Charges drew on it: what it fits stays."
    )

    _quantity_not_negative = models.Constraint(
        "CHECK (quantity >= 0)", "The quantity of an allowance cannot be negative."
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from <= date_to)",
        "An allowance cannot end before it begins.",
    )

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

    @api.constrains("unit", "quantity")
    def _check_whole_seconds(self):
        for allowance in self.filtered(lambda allowance: allowance.unit == "minutes"):
            if allowance._get_exact_parts() % 1:
                raise ValidationError(
                    self.env._(
                        "%(quantity)s minutes are no whole number of seconds. Three "
                        "seconds are 0.05 minutes: choose a multiple of that.",
                        quantity=f"{allowance.quantity:.2f}",
                    )
                )

    @api.constrains("unit", "quantity")
    def _check_most(self):
        for allowance in self:
            if allowance._get_exact_parts() > MOST_PARTS:
                raise ValidationError(
                    self.env._(
                        "The quantity of the allowance is too large: at most %s.",
                        allowance._format_quantity(MOST_PARTS),
                    )
                )

    @api.constrains("prefixes")
    def _check_prefixes(self):
        for allowance in self:
            if not allowance.prefixes:
                continue
            for prefix in map(str.strip, allowance.prefixes.split(",")):
                if not (prefix.isascii() and prefix.isdigit()):
                    raise ValidationError(
                        self.env._(
                            "“%(prefixes)s”: prefixes are digits only, with commas "
                            "between them, such as 5511, 5521.",
                            prefixes=allowance.prefixes,
                        )
                    )

    @api.constrains("is_shared", "tariff_id")
    def _check_shared_closing_day(self):
        shared = self.filtered("is_shared")
        if shared:
            self.env["saperx.line"].sudo().search(
                [
                    ("tariff_id", "in", shared.tariff_id.ids),
                    ("state", "!=", "cancelled"),
                ]
            )._check_shared_closing_day()

    @api.depends("unit", "quantity")
    def _compute_name(self):
        for allowance in self:
            allowance.name = allowance._format_quantity(allowance._get_parts())

    @api.depends("tariff_id")
    def _compute_unit(self):
        for allowance in self:
            is_platform = allowance.tariff_id.amount_source == "platform"
            allowance.unit = allowance.unit or ("reais" if is_platform else "minutes")

    def _compute_is_used(self):
        used = self._get_used()
        for allowance in self:
            allowance.is_used = allowance._origin in used

    @api.model_create_multi
    def create(self, vals_list):
        allowances = super().create(vals_list)
        allowances.tariff_id._rates_changed()
        return allowances

    def write(self, vals):
        self._check_frozen(vals)
        tariffs = self.tariff_id
        result = super().write(vals)
        if vals.keys() - NAMES:
            (tariffs | self.tariff_id)._rates_changed()
        return result

    def unlink(self):
        tariffs = self.tariff_id
        result = super().unlink()
        tariffs._rates_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if self._get_used():
            raise UserError(
                self.env._(
                    "An allowance that charges drew on cannot be deleted, since it "
                    "explains them: let it end on a day (Valid to)."
                )
            )

    def _check_frozen(self, vals):
        """:raise UserError: what charges drew on would become something else"""
        names = FROZEN_FIELDS & vals.keys()
        for allowance in self._get_used() if names else ():
            new = allowance.new({name: vals[name] for name in names}, origin=allowance)
            if any(_plain(new[name]) != _plain(allowance[name]) for name in names):
                raise UserError(
                    self.env._(
                        "Charges drew on the allowance “%s”: its unit, classes, "
                        "prefixes and sharing stay as they are. Let it end on a day "
                        "(Valid to) and make another that begins on the next.",
                        allowance.display_name,
                    )
                )

    def _get_used(self):
        """Those that charges drew on."""
        used = (
            self.env["saperx.charge.allowance"]
            .sudo()
            ._read_group([("allowance_id", "in", self._origin.ids)], ["allowance_id"])
        )
        return self.browse(allowance.id for (allowance,) in used)

    def _is_plain(self):
        """Whether it is just so many minutes for every call of a line."""
        self.ensure_one()
        return (
            self.unit == "minutes"
            and not self.quantity % 1
            and not (self.class_ids or self.prefixes or self.is_shared)
        )

    def _get_exact_parts(self):
        self.ensure_one()
        return Decimal(f"{self.quantity:.2f}") * PARTS[self.unit or "minutes"]

    def _get_parts(self):
        """The quantity in whole seconds or centavos."""
        return int(self._get_exact_parts())

    def _format_quantity(self, parts):
        """A quantity of this allowance as people write it.

        :param int parts: seconds or centavos
        """
        self.ensure_one()
        if self.unit != "reais":
            minutes, seconds = divmod(parts, 60)
            if not minutes and seconds:
                return f"{seconds} s"
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
            call_classes=frozenset(self.class_ids.mapped("code")),
            prefixes=tuple(_split(self.prefixes)),
            date_from=self.date_from or None,
            date_to=self.date_to or None,
            is_shared=self.is_shared,
            carries_over=self.carries_over,
            is_pro_rata=self.is_pro_rata,
        )


def _split(text):
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def _plain(value):
    """A value of a field, so that a new record's equals a stored one's."""
    return value._origin if isinstance(value, models.BaseModel) else value or False
