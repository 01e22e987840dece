# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models
from odoo.tools import SQL


class MergePartnerAutomatic(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Calls and their corrections point at their customer without a foreign
        key."""
        res = super()._update_foreign_keys(src_partners, dst_partner)
        for model in ("saperx.cdr", "saperx.cdr.change"):
            table = SQL.identifier(self.env[model]._table)
            self.env.execute_query(
                SQL(
                    "UPDATE %s SET partner_id = %s WHERE partner_id = ANY(%s)"
                    " RETURNING id",
                    table,
                    dst_partner.id,
                    src_partners.ids,
                )
            )
            self.env[model].invalidate_model(["partner_id"])
        return res
