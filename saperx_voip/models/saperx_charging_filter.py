# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tools.misc import format_date

from .saperx_charge_ripe import Scope


class SaperxChargingFilter(models.AbstractModel):
    """What is charged: of the wizard that shows it, and of the run that does it."""

    _name = "saperx.charging.filter"
    _description = "What to charge"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    closed_from = fields.Date(
        string="Cycles closed from",
        help="First closing day. The same day twice: that cycle alone. Empty: any.",
    )
    closed_to = fields.Date(
        string="Cycles closed until", help="Last closing day. Empty: any."
    )
    integration_id = fields.Many2one(
        "saperx.integration",
        index=True,
        ondelete="cascade",
        check_company=True,
        help="Empty: every integration.",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        index=True,
        ondelete="cascade",
        help="Who held the contract when the calls were made. Empty: every one.",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        index=True,
        ondelete="cascade",
        check_company=True,
        domain="[('contract_type', '=', 'sale')]",
        help="Empty: every one.",
    )
    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        index=True,
        ondelete="cascade",
        check_company=True,
        help="Under which the calls were made. Empty: every one.",
    )
    only_active_lines = fields.Boolean(
        help="Cycles in which the line was not active for a moment are left out, also "
        "where the integration does not say so. Their calls are not dropped.",
    )

    @api.constrains("closed_from", "closed_to")
    def _check_closing_days(self):
        for some in self:
            if (
                some.closed_from
                and some.closed_to
                and some.closed_from > some.closed_to
            ):
                raise ValidationError(
                    self.env._("The first closing day must not be after the last.")
                )

    def _get_filter_fields(self):
        return (
            "company_id",
            "closed_from",
            "closed_to",
            "integration_id",
            "partner_id",
            "contract_id",
            "tariff_id",
            "only_active_lines",
        )

    def _get_scope(self):
        """The filter as charging takes it."""
        self.ensure_one()
        periods = Domain("company_id", "=", self.company_id.id)
        if self.integration_id:
            of_integration = Domain("integration_id", "=", self.integration_id.id)
            periods &= Domain("line_id", "any", of_integration)
        if self.partner_id:
            periods &= Domain("partner_id", "child_of", self.partner_id.id)
        for name in ("contract_id", "tariff_id"):
            if self[name]:
                periods &= Domain(name, "=", self[name].id)
        return Scope(
            periods, self.closed_from, self.closed_to, bool(self.only_active_lines)
        )

    def _get_filter_labels(self):
        self.ensure_one()
        names = ("tariff_id", "contract_id", "partner_id", "integration_id")
        labels = [self[name].display_name for name in names if self[name]]
        if self.closed_from:
            day = format_date(self.env, self.closed_from)
            labels.append(self.env._("closed from %s", day))
        if self.closed_to:
            day = format_date(self.env, self.closed_to)
            labels.append(self.env._("closed until %s", day))
        if self.only_active_lines:
            labels.append(self.env._("only active lines"))
        return labels

    def _get_charges(self):
        """``saperx.charge`` of the filter's company, by whoever may not write it."""
        company = self.company_id
        return (
            self.env["saperx.charge"]
            .with_company(company)
            .with_context(allowed_company_ids=company.ids)
        )
