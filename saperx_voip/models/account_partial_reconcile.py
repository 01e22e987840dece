# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models


class AccountPartialReconcile(models.Model):
    _inherit = "account.partial.reconcile"

    @api.model_create_multi
    def create(self, vals_list):
        """A payment is followed at once where it may end a block."""
        partials = super().create(vals_list)
        paid = (partials.debit_move_id | partials.credit_move_id).move_id
        self.env["saperx.overdue.case"]._look_at_payment(paid)
        return partials
