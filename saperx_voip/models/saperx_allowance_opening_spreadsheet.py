# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.exceptions import ValidationError


class SaperxAllowanceOpening(models.Model):
    """What the previous system charged against allowances, from a spreadsheet: a row a
    line and allowance; the same row again corrects it."""

    _name = "saperx.allowance.opening"
    _inherit = ["saperx.allowance.opening", "saperx.spreadsheet.mixin"]

    _spreadsheet_columns = {
        "id": "used_001",
        "line_id": "",
        "allowance_id": "",
        "used": 12.5,
    }
    _spreadsheet_relative = ("allowance_id",)

    @api.model
    def _get_spreadsheet_names(self):
        return {
            "line_id": self.env._("One of the line's numbers, or its account code."),
        }

    @api.model
    def _know_again(self, data):
        data["values"] = self._take_plans_own(data["values"])
        return super()._know_again(data)

    @api.model
    def _take_plans_own(self, values):
        """Allowances of several plans mostly have one name: the line's plan is meant.

        :raise ValidationError: if that has several of the name
        """
        plan = self.env["saperx.line"].browse(values.get("line_id")).tariff_id
        named = self.env["saperx.tariff.allowance"].browse(values.get("allowance_id"))
        alike = named.search([("tariff_id", "=", plan.id)]).filtered(
            lambda one: one.display_name == named.display_name
        )
        if len(alike) > 1:
            raise ValidationError(
                self.env._(
                    "The billing plan “%(plan)s” has several allowances "
                    "“%(allowance)s”: give each a name of its own.",
                    plan=plan.display_name,
                    allowance=named.display_name,
                )
            )
        return {**values, "allowance_id": alike.id} if alike else values

    @api.model
    def _find_imported(self, values):
        return self.search(
            [
                ("line_id", "=", values.get("line_id")),
                ("allowance_id", "=", values.get("allowance_id")),
            ],
            limit=1,
        )
