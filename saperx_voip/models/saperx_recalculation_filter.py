# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..rating import bounds_utc
from .call_class import CALL_CLASSES

STATE_FIELDS = {
    "with_unbilled": "unbilled",
    "with_unrated": "unrated",
    "with_unmatched": "unmatched",
    "with_not_chargeable": "not_chargeable",
}
EQUAL_FIELDS = ("company_id", "integration_id", "contract_id", "line_id", "call_class")


class SaperxRecalculationFilter(models.AbstractModel):
    """Which calls are matched and rated again: of the wizard that asks, and of the
    recalculation that does it."""

    _name = "saperx.recalculation.filter"
    _description = "Calls to recalculate"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    date_from = fields.Date(string="From", help="Empty: from the first call on.")
    date_to = fields.Date(string="To", help="Last day, inclusive.")
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
        help="Empty: every one.",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        index=True,
        ondelete="cascade",
        check_company=True,
        domain="[('contract_type', '=', 'sale')]",
        help="Empty: every one.",
    )
    line_id = fields.Many2one(
        "saperx.line",
        string="SIP line",
        index=True,
        ondelete="cascade",
        check_company=True,
        help="Empty: every SIP line.",
    )
    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        index=True,
        ondelete="cascade",
        check_company=True,
        help="The one under which the line was when the call began. Empty: every one.",
    )
    call_class = fields.Selection(
        CALL_CLASSES, string="Class", help="As it stands now. Empty: every one."
    )
    with_unbilled = fields.Boolean(string="To be charged", default=True)
    with_unrated = fields.Boolean(string="Without a price", default=True)
    with_unmatched = fields.Boolean(string="Without a line", default=True)
    with_not_chargeable = fields.Boolean(string="Not chargeable", default=True)

    @api.constrains("date_from", "date_to")
    def _check_dates(self):
        for some in self:
            if some.date_from and some.date_to and some.date_from > some.date_to:
                raise ValidationError(
                    self.env._("The first day must not be after the last.")
                )

    def _get_filter_fields(self):
        return (
            *EQUAL_FIELDS,
            *STATE_FIELDS,
            "partner_id",
            "tariff_id",
            "date_from",
            "date_to",
        )

    def _get_call_domain(self):
        """Which calls (``saperx.cdr``); what is billed is never among them."""
        self.ensure_one()
        domain = [
            ("state", "in", [STATE_FIELDS[name] for name in STATE_FIELDS if self[name]])
        ]
        for name in EQUAL_FIELDS:
            value = self[name]
            if value:
                domain.append((name, "=", value if name == "call_class" else value.id))
        if self.partner_id:
            domain.append(("partner_id", "child_of", self.partner_id.id))
        if self.tariff_id:
            of_plan = [("tariff_id", "=", self.tariff_id.id)]
            # The lines too: by them the database finds the calls.
            domain += [
                ("period_id", "any", of_plan),
                ("line_id.period_ids", "any", of_plan),
            ]
        return domain + self._get_moment_domain()

    def _get_moment_domain(self):
        zone = (
            ZoneInfo(self.integration_id.timezone)
            if self.integration_id
            else self.company_id._get_telephony_zone()
        )
        domain = []
        if self.date_from:
            begins = bounds_utc(self.date_from, self.date_from, zone)[0]
            domain.append(("start", ">=", begins))
        if self.date_to:
            ends = bounds_utc(self.date_to, self.date_to, zone)[1]
            domain.append(("start", "<", ends))
        return domain
