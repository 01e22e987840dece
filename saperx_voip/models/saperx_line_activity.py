# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxLineActivity(models.Model):
    """A span in which a line was active or blocked, for *charge only active lines*.

    Apart from the line's periods, since those split the cycle and its allowance.
    """

    _name = "saperx.line.activity"
    _description = "Span in which a line was active"
    _order = "line_id, date_from"

    line_id = fields.Many2one(
        "saperx.line", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    date_from = fields.Datetime(help="Empty: since ever.")
    date_to = fields.Datetime(help="Empty: still active.")
