# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models

from .saperx_line_terms import TERMS


class SaperxLineProfile(models.Model):
    """What new lines of one kind begin with; the first one is proposed."""

    _name = "saperx.line.profile"
    _description = "Line profile"
    _inherit = ["saperx.line.terms"]
    _order = "sequence, id"

    name = fields.Char(required=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )

    @api.model
    def _get_default(self, integration_id):
        """:return: the profile that new lines of this integration begin with"""
        return self.search([("integration_id", "=", integration_id)], limit=1)

    def _prepare_line_values(self):
        """What the profile says, for ``create`` of a line; what it leaves open is
        left out."""
        self.ensure_one()
        values = {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in TERMS
        }
        return {
            name: value
            for name, value in values.items()
            if value or self._fields[name].type == "boolean"
        }
