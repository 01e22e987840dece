# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64

from odoo import fields, models

from ..rate_file import write_csv, write_xlsx


class SaperxRateExportWizard(models.TransientModel):
    """The rates of a plan as a file that the import reads."""

    _name = "saperx.rate.export.wizard"
    _description = "Export rates"

    tariff_id = fields.Many2one(
        "saperx.tariff", string="Billing plan", required=True, ondelete="cascade"
    )
    file_format = fields.Selection(
        [("xlsx", "XLSX"), ("csv", "CSV")],
        string="Format",
        required=True,
        default="xlsx",
    )
    with_ended = fields.Boolean(
        string="Ended rates too", help="Those that ended before today."
    )
    file = fields.Binary(attachment=False, readonly=True)
    filename = fields.Char(readonly=True)

    def action_export(self):
        self.ensure_one()
        self.file = base64.b64encode(self._get_content())
        self.filename = f"{self._get_stem()}.{self.file_format}"
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/file"
            "?download=true&filename_field=filename",
            # Of "download" the web client would not close the dialog.
            "target": "new",
            "close": True,
        }

    def _get_content(self):
        rates = self.tariff_id.rate_ids
        if not self.with_ended:
            rates = rates.filtered(lambda rate: not self.tariff_id._is_over(rate))
        values = [rate._get_file_values() for rate in rates]
        language = self.env.user.lang or "en_US"
        if self.file_format == "xlsx":
            return write_xlsx(values, language)
        if self.env["res.lang"]._get_data(code=language).decimal_point == ",":
            return write_csv(values, language, ";", ",")
        return write_csv(values, language, ",", ".")

    def _get_stem(self):
        """The plan's name as a file may have it."""
        return "".join(
            sign if sign.isalnum() or sign in " -_" else "_"
            for sign in self.tariff_id.name
        )
