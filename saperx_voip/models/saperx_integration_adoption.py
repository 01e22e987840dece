# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.exceptions import AccessError

UNKNOWN = [("line_id", "=", False), ("gone", "=", False)]


class SaperxIntegration(models.Model):
    """Circuits of the platform that have no line here."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    unknown_circuit_count = fields.Integer(compute="_compute_unknown_circuit_count")

    def _compute_unknown_circuit_count(self):
        counts = dict(
            self.env["saperx.circuit"]._read_group(
                [("integration_id", "in", self.ids), *UNKNOWN],
                ["integration_id"],
                ["__count"],
            )
        )
        for integration in self:
            integration.unknown_circuit_count = counts.get(integration, 0)

    def action_adopt_circuits(self):
        """Open the adoption of this platform's circuits."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_manager"):
            raise AccessError(self.env._("Only managers may adopt lines."))
        adoption = self.env["saperx.adoption"]._get_for(self)
        if not adoption.proposed_at:
            adoption._propose()
        return {
            "type": "ir.actions.act_window",
            "res_model": adoption._name,
            "res_id": adoption.id,
            "views": [(False, "form")],
        }
