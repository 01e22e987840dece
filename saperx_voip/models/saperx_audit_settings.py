# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    saperx_audit_user_id = fields.Many2one(
        "res.users",
        string="Whom the audit tells",
        help="Has an activity when the nightly audit finds something. Empty: everybody "
        "of billing.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    saperx_audit_user_id = fields.Many2one(
        related="company_id.saperx_audit_user_id", readonly=False
    )
