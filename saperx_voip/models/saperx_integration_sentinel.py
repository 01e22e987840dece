# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class SaperxIntegration(models.Model):
    """The sentinel of an integration: it has one from the beginning, which only alerts.

    Whoever does not want it archives it.
    """

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    sentinel_ids = fields.One2many("saperx.sentinel", "integration_id")

    @api.model_create_multi
    def create(self, vals_list):
        integrations = super().create(vals_list)
        integrations._give_sentinels()
        return integrations

    def _give_sentinels(self):
        """Those that have none get one, which only alerts. One that was archived, with
        its integration or without it, is one."""
        watched = self.with_context(active_test=False)
        self.env["saperx.sentinel"].sudo().create(
            [
                {"integration_id": integration.id}
                for integration in watched
                if not integration.sentinel_ids
            ]
        )

    def unlink(self):
        # Each has a scheduled action to take along.
        self.sudo().with_context(active_test=False).sentinel_ids.unlink()
        return super().unlink()

    def action_view_sentinel(self):
        """Its sentinel, or the form that makes it one."""
        self.ensure_one()
        sentinel = self.with_context(active_test=False).sentinel_ids
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Sentinel"),
            "res_model": "saperx.sentinel",
            "view_mode": "form",
            "res_id": sentinel.id,
            "context": {"default_integration_id": self.id},
        }
