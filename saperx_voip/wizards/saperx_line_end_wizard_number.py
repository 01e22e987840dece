# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxLineEndWizardNumber(models.TransientModel):
    """What becomes of a number once its line ends."""

    _name = "saperx.line.end.wizard.number"
    _description = "Number of a line that ends"

    wizard_id = fields.Many2one(
        "saperx.line.end.wizard", required=True, index=True, ondelete="cascade"
    )
    line_id = fields.Many2one("saperx.line", string="SIP line")
    number = fields.Char()
    outcome = fields.Char(string="What becomes of it")
