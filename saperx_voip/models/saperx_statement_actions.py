# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""The buttons that open the statement's wizard."""

from odoo import api, models
from odoo.exceptions import UserError


class SaperxStatement(models.AbstractModel):
    _inherit = "saperx.statement"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _get_action(self, **defaults):
        """:param defaults: ids of records by the wizard's fields"""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_statement_wizard_action"
        )
        context = {f"default_{name}": value for name, value in defaults.items()}
        return {**action, "context": {**context, "dialog_size": "large"}}


class SaperxLine(models.Model):
    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    def action_statement(self):
        return self.env["saperx.statement"]._get_action(line_ids=self.ids)


class SaperxCharge(models.Model):
    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    def action_statement(self):
        if not self.filtered(lambda charge: charge.state != "cancelled"):
            raise UserError(self.env._("A cancelled charge has no calls to state."))
        return self.env["saperx.statement"]._get_action(charge_ids=self.ids)


class ContractContract(models.Model):
    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    def action_saperx_statement(self):
        """Of every line that the contract has or had."""
        self.ensure_one()
        periods = self.env["saperx.line.period"].search([("contract_id", "=", self.id)])
        lines = self.saperx_line_ids | periods.line_id
        return self.env["saperx.statement"]._get_action(
            line_ids=lines.ids, contract_id=self.id
        )


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    def action_saperx_statement(self):
        self.ensure_one()
        charges = self.invoice_line_ids.saperx_charge_id
        return self.env["saperx.statement"]._get_action(
            charge_ids=charges.ids, move_id=self.id
        )
