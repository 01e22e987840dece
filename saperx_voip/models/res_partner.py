# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class ResPartner(models.Model):
    _inherit = "res.partner"

    def write(self, vals):
        """The platform shows the customer's name and document: it must learn them."""
        res = super().write(vals)
        if {"name", "vat", "parent_id"} & vals.keys():
            self.env["saperx.line"].sudo().search(
                [("partner_id", "child_of", self.ids), ("state", "!=", "cancelled")]
            )._raise_revision()
        return res
