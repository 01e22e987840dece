# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from zoneinfo import ZoneInfo

from odoo import fields, models

from ..rating import bounds_utc, local_date

# Without a company to ask.
API_LOG_DAYS = 30


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

    saperx_password_required = fields.Boolean(
        string="SIP password mandatory",
        help="No line is active without a SIP password.",
    )
    saperx_password_length = fields.Integer(
        string="Length of generated SIP passwords", default=20
    )
    saperx_password_symbols = fields.Boolean(
        string="Signs in generated SIP passwords",
        help="Besides letters and digits. Some phones do not take them.",
    )

    _saperx_password_length_in_range = models.Constraint(
        "CHECK (saperx_password_length BETWEEN 12 AND 64)",
        "Generated passwords have 12 to 64 characters.",
    )

    saperx_api_log_days = fields.Integer(
        string="Days that requests to the platform are kept",
        default=API_LOG_DAYS,
        help="Older ones are deleted from the request log.",
    )

    _saperx_api_log_days_in_range = models.Constraint(
        "CHECK (saperx_api_log_days BETWEEN 1 AND 3650)",
        "Requests to the platform are kept for 1 to 3650 days.",
    )
    _saperx_days_in_range = models.Constraint(
        "CHECK (saperx_quarantine_days BETWEEN 0 AND 3650)",
        "Numbers rest for 0 to 3650 days.",
    )

    def _has_number_ranges(self):
        """Whether the company controls its stock of numbers."""
        self.ensure_one()
        return bool(
            self.env["saperx.number.range"]
            .sudo()
            .search_count([("company_id", "=", self.id)], limit=1)
        )

    def _get_telephony_zone(self):
        """The company's own time zone, whoever asks."""
        self.ensure_one()
        return ZoneInfo(self.partner_id.tz or "America/Sao_Paulo")

    def _get_telephony_today(self):
        """Today in the company's own time zone, whoever asks."""
        return local_date(fields.Datetime.now(), self._get_telephony_zone())

    def _get_telephony_start_of_day(self, day):
        """The first moment of a day in the company's own time zone, as naive UTC."""
        return bounds_utc(day, day, self._get_telephony_zone())[0]
