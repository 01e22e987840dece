# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class SaperxPlan(models.Model):
    """A tariff plan registered on the platform."""

    _name = "saperx.plan"
    _description = "Platform plan"
    _inherit = "saperx.remote.record"

    scope = fields.Selection(
        [("national", "National"), ("international", "International")],
        required=True,
        readonly=True,
    )

    _remote_unique = models.UniqueIndex("(integration_id, remote_id)")

    @api.model
    def _prepare_synced(self, remote):
        return {
            **super()._prepare_synced(remote),
            "active": remote.active,
            "scope": remote.scope,
        }
