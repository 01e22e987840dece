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


class ResPartner(models.Model):
    _inherit = "res.partner"

    saperx_dispute_count = fields.Integer(
        string="Open disputes", compute="_compute_saperx_dispute_count", groups=ROLES
    )

    def _compute_saperx_dispute_count(self):
        for partner in self:
            partner.saperx_dispute_count = self.env["saperx.dispute"].search_count(
                [("partner_id", "child_of", partner.ids), ("state", "=", "open")]
            )

    def action_view_saperx_disputes(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_dispute_action"
        )
        domain = [("partner_id", "child_of", self.ids)]
        return {**action, "domain": domain, "context": {}}


class ResCompany(models.Model):
    _inherit = "res.company"

    saperx_dispute_days = fields.Integer(
        string="Days to answer a dispute",
        default=30,
        help="The deadline of a new dispute.",
    )
    saperx_dispute_user_id = fields.Many2one(
        "res.users",
        string="Responsible for disputes",
        domain="[('share', '=', False)]",
        ondelete="set null",
    )

    _saperx_dispute_days_positive = models.Constraint(
        "CHECK (saperx_dispute_days >= 0)",
        "The days to answer a dispute cannot be negative.",
    )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    saperx_dispute_days = fields.Integer(
        related="company_id.saperx_dispute_days", readonly=False
    )
    saperx_dispute_user_id = fields.Many2one(
        related="company_id.saperx_dispute_user_id", readonly=False
    )
