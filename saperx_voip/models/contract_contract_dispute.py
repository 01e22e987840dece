# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

from .contract_contract import ROLES


class ContractContract(models.Model):
    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    saperx_dispute_count = fields.Integer(
        string="Open disputes", compute="_compute_saperx_dispute_count", groups=ROLES
    )

    def _compute_saperx_dispute_count(self):
        counts = dict(
            self.env["saperx.dispute"]._read_group(
                [("contract_id", "in", self.ids), ("state", "=", "open")],
                ["contract_id"],
                ["__count"],
            )
        )
        for contract in self:
            contract.saperx_dispute_count = counts.get(contract, 0)

    def action_view_saperx_disputes(self):
        return self._get_saperx_action("saperx_voip.saperx_dispute_action")
