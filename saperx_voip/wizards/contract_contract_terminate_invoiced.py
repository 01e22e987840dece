# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class ContractContractTerminate(models.TransientModel):
    """Contract lines that were invoiced beyond the date do not stop a termination."""

    _inherit = "contract.contract.terminate"

    terminate_with_last_date_invoiced = fields.Boolean(
        compute="_compute_terminate_with_last_date_invoiced",
        store=True,
        readonly=False,
    )

    @api.depends("contract_id", "terminate_date")
    def _compute_terminate_with_last_date_invoiced(self):
        """Proposed where it is needed, on contracts with telephony: the SIP lines end
        on the date all the same."""
        for wizard in self:
            contract = wizard.contract_id.sudo()
            days = contract._get_product_lines().mapped("last_date_invoiced")
            invoiced_until = max(filter(None, days), default=None)
            wizard.terminate_with_last_date_invoiced = bool(
                contract.saperx_line_ids
                and invoiced_until
                and wizard.terminate_date
                and wizard.terminate_date < invoiced_until
            )
