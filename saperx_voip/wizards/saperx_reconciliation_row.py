# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from zoneinfo import ZoneInfo

from odoo import fields, models

from ..models.call_class import CALL_CLASSES
from ..rating import bounds_utc


class SaperxReconciliationRow(models.TransientModel):
    """Calls of one integration, closing day, class and state, in figures."""

    _name = "saperx.reconciliation.row"
    _description = "Row of the reconciliation"
    _order = "day, integration_id, id"
    _rec_name = "call_class"

    wizard_id = fields.Many2one(
        "saperx.reconciliation.wizard",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    integration_id = fields.Many2one("saperx.integration", readonly=True)
    day = fields.Date(
        string="Closing",
        readonly=True,
        help="Last day of the cycle; of calls without a line, their own day.",
    )
    cycle_end = fields.Date(string="Cycle until", readonly=True)
    call_class = fields.Selection(CALL_CLASSES, string="Class", readonly=True)
    state = fields.Selection(
        selection=lambda self: (
            self.env["saperx.cdr"]._fields["state"]._description_selection(self.env)
        ),
        readonly=True,
    )
    call_count = fields.Integer(string="Calls", readonly=True)
    charged_seconds = fields.Integer(string="Charged (s)", readonly=True)
    platform_charged_seconds = fields.Integer(
        string="Charged by the platform (s)", readonly=True
    )
    gross_amount = fields.Monetary(
        readonly=True, help="Our price of the calls, before any allowance."
    )
    covered_amount = fields.Monetary(string="Allowance used", readonly=True)
    amount = fields.Monetary(
        string="Our amount", readonly=True, help="What customers pay."
    )
    platform_amount = fields.Float(
        string="Amount on the platform", digits=(16, 6), readonly=True
    )
    cost = fields.Float(string="Cost on the platform", digits=(16, 6), readonly=True)
    difference = fields.Float(
        digits=(16, 6),
        readonly=True,
        help="Our price before any allowance, less the platform's amount.",
    )
    margin = fields.Float(
        digits=(16, 6), readonly=True, help="Our amount less the platform's cost."
    )
    correction_count = fields.Integer(
        string="Corrections pending",
        readonly=True,
        help="Charged calls that the platform tells otherwise now, and that nobody "
        "looked at. All other figures are as charged.",
    )
    correction_amount = fields.Monetary(
        string="Our price, corrected",
        readonly=True,
        help="By how much our price would change by the corrections pending.",
    )
    correction_platform_amount = fields.Float(
        string="Platform's amount, corrected",
        digits=(16, 6),
        readonly=True,
        help="By how much the platform's amount changes by the corrections pending.",
    )
    correction_cost = fields.Float(
        string="Cost, corrected",
        digits=(16, 6),
        readonly=True,
        help="By how much the cost changes by the corrections pending.",
    )

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {**action, "domain": self._get_call_domain(), "context": {}}

    def _get_call_domain(self):
        domain = [
            (name, "=", self[name].id if name == "integration_id" else self[name])
            for name in ("integration_id", "call_class", "state", "cycle_end")
        ]
        if not self.cycle_end:
            zone = ZoneInfo(self.integration_id.timezone)
            begins, ends = bounds_utc(self.day, self.day, zone)
            domain += [("start", ">=", begins), ("start", "<", ends)]
        return domain

    def action_view_corrections(self):
        self.ensure_one()
        calls = self.env["saperx.cdr"]._search(self._get_call_domain())
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "saperx_voip.saperx_cdr_change_action"
            ),
            "domain": [("state", "=", "open"), ("call_id", "in", list(calls))],
            "context": {},
        }
