# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxLineChangeWizardRow(models.TransientModel):
    """A line in a cycle, on one side of a change of its terms."""

    _name = "saperx.line.change.wizard.row"
    _description = "Line of the preview of a change of terms"

    wizard_id = fields.Many2one(
        "saperx.line.change.wizard", required=True, index=True, ondelete="cascade"
    )
    # Not by way of the wizard, which the web client's new rows do not know.
    currency_id = fields.Many2one("res.currency")
    line_id = fields.Many2one("saperx.line", string="SIP line")
    partner_id = fields.Many2one("res.partner", string="Customer")
    contract_id = fields.Many2one("contract.contract")
    tariff_id = fields.Many2one("saperx.tariff", string="Billing plan")
    date_from = fields.Date(string="Cycle from")
    date_to = fields.Date(string="Cycle until")
    calls = fields.Integer()
    charged_seconds = fields.Integer()
    amount = fields.Monetary()
    remark = fields.Text()
    estimated_amount = fields.Monetary(string="Under the new plan")
