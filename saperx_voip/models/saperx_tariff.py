# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..rating import Tariff


class SaperxTariff(models.Model):
    """A billing plan: what calls outside the customer's plan cost."""

    _name = "saperx.tariff"
    _description = "Billing plan"
    _inherit = ["mail.thread"]
    _order = "name, id"

    name = fields.Char(required=True, tracking=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    amount_source = fields.Selection(
        [("own", "Rates of this plan"), ("platform", "Amount charged by the platform")],
        required=True,
        default="own",
        tracking=True,
    )
    rate_ids = fields.One2many(
        "saperx.tariff.rate",
        "tariff_id",
        string="Rates",
        copy=True,
        default=lambda self: [Command.create({})],
    )
    allowance_ids = fields.One2many(
        "saperx.tariff.allowance", "tariff_id", string="Allowances", copy=True
    )
    line_count = fields.Integer(compute="_compute_line_count")

    def _compute_line_count(self):
        counts = dict(
            self.env["saperx.line"]._read_group(
                [("tariff_id", "in", self.ids)], ["tariff_id"], ["__count"]
            )
        )
        for tariff in self:
            tariff.line_count = counts.get(tariff, 0)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if (
            self.env["saperx.line.period"]
            .sudo()
            .search_count([("tariff_id", "in", self.ids)], limit=1)
        ):
            raise UserError(
                self.env._(
                    "A billing plan that lines have or had cannot be deleted, since it "
                    "explains their charges: archive it."
                )
            )

    def _get_rating_tariff(self):
        """The plan as the pure core takes it."""
        self.ensure_one()
        return Tariff(
            id=self.id,
            rates=tuple(rate._get_rating_rate() for rate in self.rate_ids),
            amount_source=self.amount_source,
        )

    def _get_rating_allowances(self):
        """The plan's allowances as the pure core takes them."""
        self.ensure_one()
        return [allowance._get_rating_allowance() for allowance in self.allowance_ids]

    def _get_rates_by_id(self):
        """By id, the rates that price its calls: none if the platform does."""
        self.ensure_one()
        if self.amount_source == "platform":
            return {}
        return {rate.id: rate._get_rating_rate() for rate in self.rate_ids}

    def _get_rating_tariff_for(self, digits):
        """The plan with no more than the rates whose prefix a number begins with:
        quick to make of a plan of many rates, and prices this number all the same.

        :param digits: the other party, as rates match it
        """
        self.ensure_one()
        prefixes = [digits[:length] for length in range(1, len(digits) + 1)]
        rates = self.env["saperx.tariff.rate"].search(
            [("tariff_id", "=", self.id), ("prefix", "in", [False, "", *prefixes])]
        )
        return Tariff(
            id=self.id,
            rates=tuple(rate._get_rating_rate() for rate in rates),
            amount_source=self.amount_source,
        )
