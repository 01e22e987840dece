# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxIntegration(models.Model):
    """The scheduled tasks of an integration."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    schedule_ids = fields.One2many("saperx.schedule", "integration_id")
    schedule_count = fields.Integer(
        string="Scheduled tasks", compute="_compute_schedule_count", compute_sudo=True
    )

    def _compute_schedule_count(self):
        counts = dict(
            self.env["saperx.schedule"]._read_group(
                [("integration_id", "in", self.ids)], ["integration_id"], ["__count"]
            )
        )
        for integration in self:
            integration.schedule_count = counts.get(integration, 0)

    def write(self, vals):
        res = super().write(vals)
        if "timezone" in vals:
            self.sudo().schedule_ids._plan()
        return res

    def unlink(self):
        # Each has a scheduled action to take along.
        self.sudo().with_context(active_test=False).schedule_ids.unlink()
        return super().unlink()

    def action_view_schedules(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_schedule_action"
        )
        return {
            **action,
            "domain": [("integration_id", "=", self.id)],
            "context": {"default_integration_id": self.id},
        }
