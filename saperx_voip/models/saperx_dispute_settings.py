# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    saperx_dispute_days = fields.Integer(
        string="Days to answer a dispute",
        default=30,
        help="The deadline of a new dispute.",
    )
    saperx_dispute_user_id = fields.Many2one(
        "res.users",
        string="Responsible for disputes",
        domain="[('share', '=', False)]",
        ondelete="set null",
    )

    _saperx_dispute_days_positive = models.Constraint(
        "CHECK (saperx_dispute_days >= 0)",
        "The days to answer a dispute cannot be negative.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    saperx_dispute_days = fields.Integer(
        related="company_id.saperx_dispute_days", readonly=False
    )
    saperx_dispute_user_id = fields.Many2one(
        related="company_id.saperx_dispute_user_id", readonly=False
    )
