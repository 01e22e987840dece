# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.exceptions import AccessError, UserError


class SaperxIntegration(models.Model):
    """Its lines as the platform has them."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    circuit_ids = fields.One2many("saperx.circuit", "integration_id", readonly=True)

    def action_compare_lines(self):
        """*Compare with the platform*: read all of its lines in the background."""
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
