# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re

from odoo import models

# In a language that divides thousands by points.
THOUSANDS = re.compile(r"[^\d]*[1-9]\d{0,2}(\.\d{3})+[^\d]*")


class BaseImport(models.TransientModel):
    _inherit = "base_import.import"

    def _infer_separators(self, value, options):
        """What a number says itself goes before what the screen assumes of the file:
        by default that would make 990,00 of a fee of 9,90."""
        mixin = self.env.registry["saperx.spreadsheet.mixin"]
        if not issubclass(self.env.registry[self.res_model], mixin):
            return super()._infer_separators(value, options)
        commas, points = value.count(","), value.count(".")
        if commas and points:
            is_comma_decimal = value.rindex(",") > value.rindex(".")
        elif commas:
            is_comma_decimal = commas == 1
        else:
            # A spreadsheet's own numbers always come with a point.
            is_text = (self.file_name or "").lower().endswith(".csv")
            is_comma_decimal = points > 1 or (
                is_text
                and self.env["res.lang"]._get_data(code=self.env.lang).decimal_point
                == ","
                and bool(THOUSANDS.fullmatch(value))
            )
        return (".", ",") if is_comma_decimal else (",", ".")

    def execute_import(self, fields, columns, options, dryrun=False):
        """A file with secrets goes with its import: Odoo would keep it for half a
        day, in clear."""
        result = super().execute_import(fields, columns, options, dryrun=dryrun)
        secrets = getattr(self.env[self.res_model], "_secrets", ())
        is_done = result.get("ids") and not result.get("nextrow") and not dryrun
        if is_done and any(name in secrets for name in fields):
            self.file = False
        return result
