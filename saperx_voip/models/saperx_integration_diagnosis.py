# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.exceptions import AccessError

from ..gateway import contract
from ..gateway.diagnosis import diagnose


class SaperxIntegration(models.Model):
    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    diagnosis_ids = fields.One2many("saperx.api.diagnosis", "integration_id")

    def action_diagnose_api(self):
        """*Diagnóstico da API*: begin one, and show how it goes."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(self.env._("Only technicians may diagnose the API."))
        diagnosis = self.env["saperx.api.diagnosis"].sudo()._start(self)
        return {
            "type": "ir.actions.act_window",
            "res_model": diagnosis._name,
            "res_id": diagnosis.id,
            "views": [(False, "form")],
        }

    def action_view_diagnoses(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_api_diagnosis_action"
        )
        return {**action, "domain": [("integration_id", "=", self.id)]}

    # Beside ``_get_client``: another gateway has another contract.
    def _diagnose_api(self, client):
        """:return: an iterable of ``gateway.diagnosis.PathReport``"""
        return diagnose(client, contract.load(), now=fields.Datetime.now())
