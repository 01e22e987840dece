# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    saperx_hold_amount = fields.Monetary(
        related="company_id.saperx_hold_amount", readonly=False
    )
    saperx_hold_times = fields.Float(
        related="company_id.saperx_hold_times", readonly=False
    )
    saperx_hold_floor = fields.Monetary(
        related="company_id.saperx_hold_floor", readonly=False
    )
    saperx_hold_unrated = fields.Boolean(
        related="company_id.saperx_hold_unrated", readonly=False
    )
    saperx_charge_age_days = fields.Integer(
        related="company_id.saperx_charge_age_days", readonly=False
    )
    saperx_charge_age_days_ldi = fields.Integer(
        related="company_id.saperx_charge_age_days_ldi", readonly=False
    )
    saperx_charge_user_id = fields.Many2one(
        related="company_id.saperx_charge_user_id", readonly=False
    )
