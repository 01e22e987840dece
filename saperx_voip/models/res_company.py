# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from zoneinfo import ZoneInfo

from odoo import fields, models

from ..rating import local_date

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

    saperx_api_log_days = fields.Integer(
        string="Days that requests to the platform are kept",
        default=API_LOG_DAYS,
        help="Older ones are deleted from the request log.",
    )

    _saperx_api_log_days_positive = models.Constraint(
        "CHECK (saperx_api_log_days >= 1)",
        "Requests to the platform are kept for one day at least.",
    )

    def _get_telephony_today(self):
        """Today in the company's own time zone, whoever asks."""
        self.ensure_one()
        timezone = ZoneInfo(self.partner_id.tz or "America/Sao_Paulo")
        return local_date(fields.Datetime.now(), timezone)
