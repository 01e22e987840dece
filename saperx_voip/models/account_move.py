# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class AccountMove(models.Model):
    _inherit = "account.move"

    def write(self, vals):
        """A cancelled invoice frees its charges; one that comes back takes them. So
        does a credit note by which charges came off an invoice, the other way round."""
        res = super().write(vals)
        if "state" in vals:
            lines = self.invoice_line_ids
            if credits := self.filtered(lambda move: move.move_type == "out_refund"):
                lines |= lines.sudo().search(
                    [("saperx_reversal_move_id", "in", credits.ids)]
                )
            lines.saperx_charge_id.sudo()._follow_invoices()
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
