# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

from .contract_contract import ROLES


class ResPartner(models.Model):
    _inherit = "res.partner"

    saperx_dispute_count = fields.Integer(
        string="Open disputes", compute="_compute_saperx_dispute_count", groups=ROLES
    )

    def write(self, vals):
        """The platform shows the customer's name and document: it must learn them."""
        res = super().write(vals)
        if {"name", "vat", "parent_id"} & vals.keys():
            self.env["saperx.line"].sudo().search(
                [("partner_id", "child_of", self.ids), ("state", "!=", "cancelled")]
            )._raise_revision()
        return res

    def _compute_saperx_dispute_count(self):
        for partner in self:
            partner.saperx_dispute_count = self.env["saperx.dispute"].search_count(
                [("partner_id", "child_of", partner.ids), ("state", "=", "open")]
            )

    def action_view_saperx_disputes(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_dispute_action"
        )
        domain = [("partner_id", "child_of", self.ids)]
        return {**action, "domain": domain, "context": {}}
