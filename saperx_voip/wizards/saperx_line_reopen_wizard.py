# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError


class SaperxLineReopenWizard(models.TransientModel):
    """Which lines come back, with which numbers, after a termination was undone."""

    _name = "saperx.line.reopen.wizard"
    _description = "Reopen SIP lines"

    contract_id = fields.Many2one("contract.contract", required=True, readonly=True)
    row_ids = fields.One2many(
        "saperx.line.reopen.wizard.row",
        "wizard_id",
        string="SIP lines",
        compute="_compute_row_ids",
        store=True,
        readonly=False,
    )

    @api.depends("contract_id")
    def _compute_row_ids(self):
        for wizard in self:
            lines = wizard.contract_id._origin._get_reopenable_lines()
            wizard.row_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "line_id": line.id,
                            "is_included": not line._explain_not_reopenable(),
                        }
                    )
                    for line in lines
                ),
            ]

    def action_reopen(self):
        self.ensure_one()
        lines = self.row_ids.filtered("is_included").line_id
        if not lines:
            raise UserError(self.env._("Choose the lines to reopen."))
        if lines.contract_id != self.contract_id:
            raise UserError(self.env._("The lines are those of this contract alone."))
        lines.check_access("write")
        lines._reopen()
        return {"type": "ir.actions.act_window_close"}
