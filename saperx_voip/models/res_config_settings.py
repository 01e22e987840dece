# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    saperx_invoice_patience_days = fields.Integer(
        related="company_id.saperx_invoice_patience_days", readonly=False
    )
    saperx_termination_fee_product_id = fields.Many2one(
        related="company_id.saperx_termination_fee_product_id", readonly=False
    )
    saperx_password_required = fields.Boolean(
        related="company_id.saperx_password_required", readonly=False
    )
    saperx_password_length = fields.Integer(
        related="company_id.saperx_password_length", readonly=False
    )
    saperx_password_symbols = fields.Boolean(
        related="company_id.saperx_password_symbols", readonly=False
    )
    saperx_quarantine_days = fields.Integer(
        related="company_id.saperx_quarantine_days", readonly=False
    )
    saperx_api_log_days = fields.Integer(
        related="company_id.saperx_api_log_days", readonly=False
    )
