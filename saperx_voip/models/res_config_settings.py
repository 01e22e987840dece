# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    saperx_invoice_patience_days = fields.Integer(
        related="company_id.saperx_invoice_patience_days", readonly=False
    )
    saperx_invoice_minimum = fields.Monetary(
        related="company_id.saperx_invoice_minimum", readonly=False
    )
    saperx_invoice_minimum_days = fields.Integer(
        related="company_id.saperx_invoice_minimum_days", readonly=False
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
    saperx_block_lines_with_contract = fields.Boolean(
        related="company_id.saperx_block_lines_with_contract", readonly=False
    )
    saperx_overdue_active = fields.Boolean(
        related="company_id.saperx_overdue_active", readonly=False
    )
    saperx_overdue_notice_days = fields.Integer(
        related="company_id.saperx_overdue_notice_days", readonly=False
    )
    saperx_overdue_partial_days = fields.Integer(
        related="company_id.saperx_overdue_partial_days", readonly=False
    )
    saperx_overdue_full_days = fields.Integer(
        related="company_id.saperx_overdue_full_days", readonly=False
    )
    saperx_overdue_cancel_days = fields.Integer(
        related="company_id.saperx_overdue_cancel_days", readonly=False
    )
    saperx_overdue_last_notice_days = fields.Integer(
        related="company_id.saperx_overdue_last_notice_days", readonly=False
    )
    saperx_overdue_spares_rest_days = fields.Boolean(
        related="company_id.saperx_overdue_spares_rest_days", readonly=False
    )
    saperx_overdue_user_id = fields.Many2one(
        related="company_id.saperx_overdue_user_id", readonly=False
    )
