# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class SaperxIntegration(models.Model):
    """Its lines as the platform has them."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    difference_count = fields.Integer(
        string="Open differences", compute="_compute_difference_count"
    )
    circuit_ids = fields.One2many("saperx.circuit", "integration_id", readonly=True)

    def _compute_difference_count(self):
        counts = dict(
            self.env["saperx.line.difference"]._read_group(
                [("integration_id", "in", self.ids), ("state", "=", "open")],
                ["integration_id"],
                ["__count"],
            )
        )
        for integration in self:
            integration.difference_count = counts.get(integration, 0)

    def action_view_differences(self):
        self.ensure_one()
        return self._view_own("saperx_voip.saperx_line_difference_action")

    def action_view_comparisons(self):
        self.ensure_one()
        return self._view_own("saperx_voip.saperx_circuit_reading_action")

    def _view_own(self, action):
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(action),
            "domain": [("integration_id", "=", self.id)],
        }

    def action_compare_lines(self):
        """*Compare lines*: read all of its lines in the background."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(
                self.env._("Only technicians may compare with the platform.")
            )
        if not self.active:
            raise UserError(self.env._("The integration “%s” is archived.", self.name))
        reading = self.env["saperx.circuit.reading"]._begin(self)
        reading._trigger_run()
        return {
            "type": "ir.actions.act_window",
            "res_model": reading._name,
            "res_id": reading.id,
            "views": [(False, "form")],
        }
