# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError


class SaperxAreaCode(models.Model):
    """One of the 67 area codes (DDD). Numbering knows them: only their date is data."""

    _name = "saperx.area.code"
    _description = "Area code"
    _order = "code"
    _rec_name = "code"
    _rec_names_search = ["code", "region"]

    code = fields.Char(string="Area code", required=True, readonly=True)
    region = fields.Char(required=True, readonly=True, help="Its largest city.")
    local_since = fields.Date(
        string="Local since",
        help="From this day on, calls between fixed lines of this area code are local "
        "(Resolução 768/2024), whatever the platform says. For older calls the "
        "platform's class decides. Empty: they always were local.",
    )

    _code_unique = models.UniqueIndex("(code)")

    @api.depends("code", "region")
    def _compute_display_name(self):
        for area in self:
            area.display_name = f"{area.code} {area.region}"

    def write(self, vals):
        if not self.env.su and vals.keys() - {"local_since"}:
            raise UserError(
                self.env._("Of an area code, only the date can be changed.")
            )
        result = super().write(vals)
        if "local_since" in vals:
            self._rate_again()
        return result

    def _rate_again(self):
        """Calls inside these area codes may be of another class now."""
        tariffs = self.env["saperx.tariff"].sudo().with_context(active_test=False)
        tariffs.search([])._rates_changed()

    @api.model
    def _get_local_since(self):
        """Area code to its date, as the pure core takes it; None where it has none."""
        areas = self.sudo().search([("local_since", "!=", False)])
        return {area.code: area.local_since for area in areas}
