# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxCallClass(models.Model):
    """A class of calls, to be chosen several at a time; the codes are the core's."""

    _name = "saperx.call.class"
    _description = "Class of calls"
    _order = "id"

    code = fields.Char(required=True, readonly=True)
    name = fields.Char(required=True, translate=True)

    _code_unique = models.UniqueIndex("(code)")
