# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models


class SaperxTariffRate(models.Model):
    """Rates of several billing plans from one spreadsheet. *Importar tarifas* of a
    plan does more: it shows what would change, and lets old prices end on a day."""

    _name = "saperx.tariff.rate"
    _inherit = ["saperx.tariff.rate", "saperx.spreadsheet.mixin"]

    _spreadsheet_columns = {
        "id": "rate_001",
        "tariff_id": "",
        "prefix": "5554",
        "call_class": "vc1",
        "price_per_minute": 0.12,
        "connection_fee": 0,
        "minimum_seconds": 30,
        "step_seconds": 6,
        "discard_seconds": 3,
        "cost_per_minute": 0.05,
        "date_from": "",
        "date_to": "",
    }

    @api.model
    def _find_imported(self, values):
        keys = ("tariff_id", "prefix", "call_class", "date_from")
        return self.search(
            [(key, "=", values.get(key, False)) for key in keys], limit=1
        )
