# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools.misc import format_date


class ContractContractTerminateFee(models.TransientModel):
    """What a recurring fee would have cost up to the end of its term."""

    _name = "contract.contract.terminate.fee"
    _description = "Remaining fee of a contract that ends"

    wizard_id = fields.Many2one(
        "contract.contract.terminate", required=True, index=True, ondelete="cascade"
    )
    contract_line_id = fields.Many2one(
        "contract.line", required=True, index=True, ondelete="cascade"
    )
    name = fields.Char(string="Recurring fee", compute="_compute_name")
    currency_id = fields.Many2one(related="contract_line_id.currency_id")
    date_from = fields.Date(string="From")
    date_to = fields.Date(string="Until")
    amount = fields.Monetary()

    @api.depends("contract_line_id")
    def _compute_name(self):
        for row in self:
            row.name = row._get_name()

    def _get_name(self):
        """Of the fee, in the language of the context: its text holds marks that only
        an invoice of its own would fill."""
        self.ensure_one()
        line = self.contract_line_id
        return line.product_id.display_name or line.name

    def _get_text(self):
        """What stands on the customer's invoice."""
        self.ensure_one()
        lang = self.contract_line_id.contract_id.partner_id.lang
        row = self.sudo().with_context(lang=lang)
        return row.env._(
            "%(fee)s, remaining from %(start)s to %(end)s",
            fee=row._get_name(),
            start=format_date(row.env, row.date_from),
            end=format_date(row.env, row.date_to),
        )
