# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models

from .saperx_line_period import ONE_DAY


class SaperxLine(models.Model):
    """When the running cycle of a line will be paid."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    billing_chain = fields.Char(
        string="From closing to due date",
        compute="_compute_billing_chain",
        compute_sudo=True,
        help="Day and month at which the running cycle closes, is charged, goes onto "
        "an invoice, and is due, as things stand.",
    )

    @api.depends(
        "closing_day", "billing_type", "tariff_id", "state", "integration_id",
        "contract_id",
    )  # fmt: skip
    @api.depends_context("lang")
    def _compute_billing_chain(self):
        now = fields.Datetime.now()
        for line in self:
            period = line.period_ids.filtered(lambda period: period._covers(now))[:1]
            line.billing_chain = (
                line.state != "cancelled"
                and period.tariff_id
                and period.billing_type != "prepaid"
                and line._get_billing_chain(period)
            )

    def _get_billing_chain(self, period):
        """:param period: the line's terms in the running cycle"""
        self.ensure_one()
        contract, integration = period.contract_id, self.integration_id
        _first, closes = period._get_cycle(integration._get_local_today())
        charged = closes + ONE_DAY + timedelta(days=integration.waiting_days)
        invoiced, _alone = contract._get_telephony_day(charged)
        due = contract._get_payment_day(invoiced)
        return contract._format_billing_chain([closes, charged, invoiced, due])
