# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models


class SaperxNumberRange(models.Model):
    """Ranges from a spreadsheet."""

    _name = "saperx.number.range"
    _inherit = ["saperx.number.range", "saperx.spreadsheet.mixin"]

    _spreadsheet_columns = {
        "id": "range_001",
        "name": "Centro",
        "country_code": "55",
        "area_code": "54",
        "first": "33334000",
        "last": "33334999",
    }

    @api.model
    def _find_imported(self, values):
        bounds = {"country_code": "55", "area_code": False, "last": False} | {
            name: values[name]
            for name in ("country_code", "area_code", "first", "last")
            if name in values
        }
        bounds = self._clean(bounds)
        company = values.get("company_id") or self.env.company.id
        return self.search(
            [
                ("company_id", "=", company),
                *((name, "=", value) for name, value in bounds.items()),
            ],
            limit=1,
        )
