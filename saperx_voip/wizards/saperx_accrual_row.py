# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.fields import Domain

from ..models.call_class import CALL_CLASSES

# How far the calls had come on the day.
SOURCES = [
    ("uncharged", "Not charged on that day"),
    ("disputed", "In dispute, not charged"),
    ("charged", "Charged, not invoiced yet"),
    ("drafted", "On an invoice that is not posted"),
    ("later", "On an invoice of a later date"),
    ("unpriced", "Without a line or a price: worth not known"),
    ("left_out", "Line not active: will not be charged"),
]
# The others are told beside the amount.
COUNTED = ("uncharged", "disputed", "charged", "drafted", "later")


class SaperxAccrualRow(models.TransientModel):
    """Calls up to a day that were not invoiced on it, of one class."""

    _name = "saperx.accrual.row"
    _description = "Row of the telephony not invoiced on a day"
    _order = "id"
    _rec_name = "call_class"

    wizard_id = fields.Many2one(
        "saperx.accrual.wizard",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    day = fields.Date(readonly=True)
    source = fields.Selection(SOURCES, string="How far it had come", readonly=True)
    call_class = fields.Selection(CALL_CLASSES, string="Class", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    contract_id = fields.Many2one("contract.contract", readonly=True)
    call_count = fields.Integer(string="Calls", readonly=True)
    charged_seconds = fields.Integer(string="Charged (s)", readonly=True)
    gross_amount = fields.Monetary(readonly=True)
    covered_amount = fields.Monetary(string="Allowance used", readonly=True)
    amount = fields.Monetary(
        string="To be accrued",
        readonly=True,
        help="What customers will pay, taxes that the price includes among it. As the "
        "allowances stand now.",
    )
    platform_amount = fields.Float(
        string="Amount on the platform", digits=(16, 6), readonly=True
    )
    cost = fields.Float(string="Cost on the platform", digits=(16, 6), readonly=True)

    def action_view_calls(self):
        """The calls behind the row, as they stand now."""
        self.ensure_one()
        wizard = self.wizard_id
        domain = wizard._get_call_domain(self.source)
        domain &= Domain("call_class", "=", self.call_class)
        if wizard.detail != "class":
            domain &= Domain("partner_id", "=", self.partner_id.id)
        if wizard.detail == "contract":
            domain &= Domain("contract_id", "=", self.contract_id.id)
        calls = self.env["saperx.cdr"].sudo().search(domain)
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "saperx_voip.saperx_cdr_action"
            ),
            "domain": [("id", "in", calls.ids)],
            "context": {},
        }
