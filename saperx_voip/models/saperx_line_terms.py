# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal, InvalidOperation

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .call_class import BILLING_TYPES

TERMS = (
    "tariff_id", "plan_id", "international_plan_id", "group_id", "closing_day",
    "billing_type", "route", "caller_id", "allow_lc", "allow_ldn", "allow_ldi",
    "allow_vc1", "allow_vc2", "allow_vc3", "simultaneous_calls", "credit_limit",
)  # fmt: skip


MOST_MONEY = 9_999_999
RANGES = {
    "closing_day": (1, 31),
    "simultaneous_calls": (1, 9999),
    "credit_limit": (0, MOST_MONEY),
}


class SaperxLineTerms(models.AbstractModel):
    """What a line is set up with: guide, *Configurações adicionais* and
    *Configuração SaperX*. A line has them, and a profile proposes them."""

    _name = "saperx.line.terms"
    _description = "Terms of a SIP line"
    _check_company_auto = True

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        default=lambda self: self._default_integration(),
    )
    company_id = fields.Many2one("res.company")
    currency_id = fields.Many2one(related="company_id.currency_id")
    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        index=True,
        ondelete="restrict",
        check_company=True,
        help="Prices of the calls outside the customer's plan. "
        "Empty: calls are stored and cost nothing.",
    )
    simultaneous_calls = fields.Integer(string="Simultaneous call limit", default=1)
    credit_limit = fields.Monetary(
        help="Postpaid: the most that the platform lets the line use."
    )
    plan_id = fields.Many2one(
        "saperx.plan",
        index=True,
        ondelete="restrict",
        domain="[('integration_id', '=', integration_id), ('scope', '=', 'national')]",
    )
    international_plan_id = fields.Many2one(
        "saperx.plan",
        index=True,
        ondelete="restrict",
        domain="[('integration_id', '=', integration_id),"
        " ('scope', '=', 'international')]",
    )
    group_id = fields.Many2one(
        "saperx.group",
        index=True,
        ondelete="restrict",
        domain="[('integration_id', '=', integration_id)]",
    )
    closing_day = fields.Integer(
        string="Invoice closing day",
        required=True,
        default=31,
        help="The cycle ends with this day, or with the month's last one.",
    )
    billing_type = fields.Selection(
        BILLING_TYPES, string="Type", required=True, default="postpaid"
    )
    route = fields.Selection(
        [("scm", "SCM"), ("stfc", "STFC"), ("custom", "Custom")],
        string="Plan type",
        required=True,
        default="stfc",
    )
    caller_id = fields.Boolean(
        string="Caller ID (Bina)",
        default=True,
        help="Shows the line's main number to whoever it calls.",
    )
    allow_lc = fields.Boolean(
        "LC", default=True, help="Calls to fixed lines of the same area code."
    )
    allow_ldn = fields.Boolean(
        "LDN", default=True, help="Calls to fixed lines of other area codes."
    )
    allow_ldi = fields.Boolean("LDI", help="International calls.")
    allow_vc1 = fields.Boolean(
        "Allow VC1", default=True, help="Calls to mobiles of the same area code."
    )
    allow_vc2 = fields.Boolean(
        "Allow VC2",
        default=True,
        help="Calls to mobiles whose area code begins with the same digit.",
    )
    allow_vc3 = fields.Boolean(
        "Allow VC3",
        default=True,
        help="Calls to mobiles whose area code begins with another digit.",
    )

    _closing_day_in_range = models.Constraint(
        "CHECK (closing_day BETWEEN 1 AND 31)",
        "The closing day must lie between 1 and 31.",
    )
    _limits_not_negative = models.Constraint(
        "CHECK (simultaneous_calls BETWEEN 1 AND 9999 AND credit_limit >= 0)",
        "A line takes at least one call at a time, and its credit limit is not "
        "negative.",
    )

    @api.model
    def _default_integration(self):
        return self.env["saperx.integration"].search(
            [("company_id", "=", self.env.company.id)], limit=1
        )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_ranges(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._check_ranges(vals)
        return super().write(vals)

    @api.model
    def _check_ranges(self, vals):
        """Before the database, which would say it in its own words.

        :raise ValidationError: naming field, value and range
        """
        for name in RANGES.keys() & vals.keys():
            least, most = RANGES[name]
            try:
                is_inside = least <= Decimal(str(vals[name] or 0)) <= most
            except InvalidOperation:
                is_inside = False
            if not is_inside:
                raise ValidationError(
                    self.env._(
                        "%(field)s: “%(value)s” is not between %(least)s and %(most)s.",
                        field=self._fields[name].get_description(self.env)["string"],
                        value=vals[name],
                        least=f"{least:,.0f}",
                        most=f"{most:,.0f}",
                    )
                )

    @api.constrains("integration_id", "plan_id", "international_plan_id", "group_id")
    def _check_same_platform(self):
        for record in self:
            for there in (
                record.plan_id,
                record.international_plan_id,
                record.group_id,
            ):
                if there and there.integration_id != record.integration_id:
                    raise ValidationError(
                        self.env._(
                            "“%(record)s” belongs to another integration.",
                            record=there.display_name,
                        )
                    )
            if record.plan_id and record.plan_id.scope != "national":
                raise ValidationError(
                    self.env._("“%s” is no national plan.", record.plan_id.name)
                )
            international = record.international_plan_id
            if international and international.scope != "international":
                raise ValidationError(
                    self.env._("“%s” is no international plan.", international.name)
                )

    @api.onchange("integration_id")
    def _onchange_integration_id(self):
        """What belongs to another platform is let go of."""
        for name in ("plan_id", "international_plan_id", "group_id"):
            if self[name].integration_id != self.integration_id:
                self[name] = False
