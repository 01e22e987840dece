# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class SaperxLineReopenWizardRow(models.TransientModel):
    """A line that may come back, and what is to be said of it."""

    _name = "saperx.line.reopen.wizard.row"
    _description = "SIP line to reopen"

    wizard_id = fields.Many2one(
        "saperx.line.reopen.wizard", required=True, index=True, ondelete="cascade"
    )
    line_id = fields.Many2one(
        "saperx.line", string="SIP line", required=True, index=True, ondelete="cascade"
    )
    account_code = fields.Char(related="line_id.account_code")
    is_included = fields.Boolean(string="Reopen")
    numbers = fields.Char(string="Its numbers", compute="_compute_remarks")
    returning_numbers = fields.Char(
        string="Numbers that come back", compute="_compute_remarks"
    )
    remarks = fields.Text(compute="_compute_remarks")
    is_possible = fields.Boolean(compute="_compute_remarks")

    @api.constrains("line_id")
    def _check_may_change(self):
        """A wizard shows nothing of lines that its user may not change."""
        self.line_id.check_access("write")

    @api.depends("line_id")
    def _compute_remarks(self):
        self.line_id._origin.check_access("write")
        for row in self:
            line = row.line_id._origin
            dids = line._get_last_dids()
            again = line._get_dids_to_take_again()
            obstacle = line._explain_not_reopenable()
            row.numbers = self._join(dids)
            row.returning_numbers = self._join(again)
            row.is_possible = not obstacle
            row.remarks = "\n".join(
                filter(
                    None,
                    [
                        obstacle,
                        *(did._explain_not_again() for did in dids),
                        line._explain_charged(),
                    ],
                )
            )

    @api.model
    def _join(self, dids):
        return ", ".join(map(dids._format_number, dids.mapped("number")))
