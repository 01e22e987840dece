# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class ContractContractTerminateInvoice(models.TransientModel):
    """An open invoice of a contract that ends, and what becomes of it."""

    _name = "contract.contract.terminate.invoice"
    _description = "Open invoice of a contract that ends"

    wizard_id = fields.Many2one(
        "contract.contract.terminate", required=True, index=True, ondelete="cascade"
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", required=True, index=True, ondelete="cascade"
    )
    state = fields.Selection(related="move_id.state")
    currency_id = fields.Many2one(related="move_id.currency_id")
    due_date = fields.Date()
    amount = fields.Monetary(string="Open amount")
    outcome = fields.Selection(
        [
            ("keep", "Stays open"),
            ("cancel", "Is cancelled"),
            ("credit", "Is credited"),
            ("ask", "Somebody decides"),
        ],
        string="What happens",
        required=True,
    )
    remark = fields.Char(string="Because")

    def _get_promise(self):
        """What the row told whoever looked at it."""
        self.ensure_one()
        return self.move_id.id, self.outcome, self.amount
