# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from zoneinfo import ZoneInfo

from odoo import fields, models

from ..rating import local_date


class ResCompany(models.Model):
    _inherit = "res.company"

    saperx_invoice_patience_days = fields.Integer(
        string="Days that a charge waits for the contract's next invoice",
        default=10,
        help="When nothing of the contract falls due within so many days of the "
        "charge, it is invoiced alone.",
    )
    saperx_quarantine_days = fields.Integer(
        string="Days that a freed number rests",
        default=180,
        help="A number of the stock that leaves its line is given to nobody else for "
        "so many days. 0: it is available at once.",
    )

    _saperx_quarantine_days_not_negative = models.Constraint(
        "CHECK (saperx_quarantine_days >= 0)",
        "A number cannot rest for less than no day.",
    )

    def _has_number_ranges(self):
        """Whether the company controls its stock of numbers."""
        self.ensure_one()
        return bool(
            self.env["saperx.number.range"]
            .sudo()
            .search_count([("company_id", "=", self.id)], limit=1)
        )

    def _get_telephony_today(self):
        """Today in the company's own time zone, whoever asks."""
        self.ensure_one()
        timezone = ZoneInfo(self.partner_id.tz or "America/Sao_Paulo")
        return local_date(fields.Datetime.now(), timezone)
