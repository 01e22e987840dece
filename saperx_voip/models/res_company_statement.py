# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

FORMATS = {"pdf": ("pdf",), "pdf_csv": ("pdf", "csv")}


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    saperx_statement_on_invoice = fields.Selection(
        [
            ("none", "Not attached"),
            ("pdf", "PDF attached"),
            ("pdf_csv", "PDF and CSV attached"),
        ],
        string="Statement of calls when an invoice is sent",
        default="none",
        help="An invoice with telephony additionals takes the statement of their calls "
        "along when it is sent by e-mail.",
    )

    def _get_saperx_statement_formats(self):
        return FORMATS.get(self.saperx_statement_on_invoice, ())


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"  # pylint: disable=consider-merging-classes-inherited

    saperx_statement_on_invoice = fields.Selection(
        related="company_id.saperx_statement_on_invoice", readonly=False
    )
