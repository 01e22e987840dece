# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxLineDifferenceIgnoreWizard(models.TransientModel):
    """Say why differences are left as they are."""

    _name = "saperx.line.difference.ignore.wizard"
    _description = "Ignore differences"

    difference_ids = fields.Many2many(
        "saperx.line.difference",
        "saperx_line_difference_ignore_rel",
        string="Differences",
        readonly=True,
    )
    reason = fields.Char(required=True)

    def action_ignore(self):
        self.ensure_one()
        self.difference_ids._ignore(self.reason)
        return {"type": "ir.actions.act_window_close"}
