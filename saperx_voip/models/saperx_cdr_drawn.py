# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL


class SaperxCdr(models.Model):
    """The calls behind a figure of an allowance."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    drawn_allowance_id = fields.Many2one(
        "saperx.tariff.allowance",
        string="Drew on the allowance",
        store=False,
        search="_search_drawn_allowance_id",
        help="To search by.",
    )

    @api.model
    def _search_drawn_allowance_id(self, operator, value):
        if operator != "in":
            return NotImplemented
        keys = [str(int(allowance_id)) for allowance_id in value]
        return Domain.custom(
            to_sql=lambda model, alias, query: SQL(
                "%s ?| %s",
                model._field_to_sql(alias, "allowance_uses", query),
                keys,
            )
        )
