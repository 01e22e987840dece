# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..models.contract_contract_overdue import HOLDS


class SaperxOverdueHoldWizard(models.TransientModel):
    """Take a promise of payment, or exempt a contract from blocks."""

    _name = "saperx.overdue.hold.wizard"
    _description = "Hold what comes for overdue payment"

    contract_id = fields.Many2one("contract.contract", required=True, readonly=True)
    case_id = fields.Many2one(related="contract_id.saperx_overdue_case_id")
    currency_id = fields.Many2one(related="case_id.currency_id")
    amount_due = fields.Monetary(related="case_id.amount_due")
    level = fields.Selection(related="case_id.level")
    broken_promises = fields.Integer(related="case_id.broken_promises")
    hold = fields.Selection(HOLDS, required=True, default="promise")
    until = fields.Date(
        help="The end of this day. A promise needs one; an exemption without it lasts "
        "until somebody ends it."
    )
    note = fields.Char(string="Why")

    @api.constrains("contract_id")
    def _check_may_hold(self):
        """A wizard shows nothing of contracts that are not its user's to hold."""
        self.contract_id._check_may_hold_overdue()

    def action_hold(self):
        self.ensure_one()
        contract = self.contract_id
        contract._check_may_hold_overdue()
        if self.until and self.until < contract.company_id._get_telephony_today():
            raise UserError(self.env._("That day is past."))
        if self.hold == "promise" and not self.case_id:
            raise UserError(
                self.env._("Nothing is overdue here: there is nothing to promise.")
            )
        contract._hold_overdue(self.hold, self.until, self.note)
        return {"type": "ir.actions.act_window_close"}
