# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxHoliday(models.Model):
    """A holiday of the company's own, such as the town's: those of the country and of
    the state are known."""

    _name = "saperx.holiday"
    _description = "Holiday"
    _order = "day desc"

    name = fields.Char(required=True)
    day = fields.Date(required=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )

    _one_a_day = models.UniqueIndex(
        "(company_id, day)", "This day is a holiday already."
    )
