# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def write(self, vals):
        """A cancelled invoice frees its charges; one that comes back takes them."""
        res = super().write(vals)
        if "state" in vals:
            charges = self.invoice_line_ids.saperx_charge_id.sudo()
            if vals["state"] == "cancel":
                charges._free_if_uninvoiced()
            elif charges:
                charges._mark_invoiced()
        return res

    def unlink(self):
        """A deleted draft gives the contract's lines their dates back."""
        drafts = self.filtered(
            lambda move: (
                move.state == "draft"
                or (move.state == "cancel" and not move.posted_before)
            )
        )
        drafts.invoice_line_ids._give_back_contract_dates()
        return super().unlink()
