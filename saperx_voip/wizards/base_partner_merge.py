# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models
from odoo.tools import SQL


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Calls point at their customer without a foreign key."""
        res = super()._update_foreign_keys(src_partners, dst_partner)
        self.env.execute_query(
            SQL(
                "UPDATE saperx_cdr SET partner_id = %s WHERE partner_id = ANY(%s)"
                " RETURNING id",
                dst_partner.id,
                src_partners.ids,
            )
        )
        self.env["saperx.cdr"].invalidate_model(["partner_id"])
        return res
