# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class SaperxOverdueNoticeWizard(models.TransientModel):
    """Register that somebody told the customer, where the mail did not."""

    _name = "saperx.overdue.notice.wizard"
    _description = "Register a notice given by hand"

    case_id = fields.Many2one("saperx.overdue.case", required=True, readonly=True)
    contract_id = fields.Many2one(related="case_id.contract_id")
    currency_id = fields.Many2one(related="case_id.currency_id")
    amount_due = fields.Monetary(related="case_id.amount_due")
    due_date = fields.Date(related="case_id.due_date")
    day = fields.Date(
        string="Told on",
        required=True,
        default=lambda self: self.env.company._get_telephony_today(),
        help="Days until the next step count from here.",
    )
    how = fields.Char(string="How, and whom", required=True)

    @api.constrains("case_id")
    def _check_may_register(self):
        self.contract_id._check_may_hold_overdue()

    def action_register(self):
        self.ensure_one()
        self.contract_id._check_may_hold_overdue()
        self.case_id.sudo()._register_notice(self.day, self.how)
        return {"type": "ir.actions.act_window_close"}
