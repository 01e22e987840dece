# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..overdue import Calendar, Rules
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
    saperx_invoice_minimum = fields.Monetary(
        string="Least telephony to invoice",
        help="Charges of a contract that come to less wait for its next invoice.",
    )
    saperx_invoice_minimum_days = fields.Integer(
        string="Days that little telephony waits at most",
        default=90,
        help="Charges below the minimum are invoiced after so many days all the same, "
        "and at once when the contract has no SIP line left.",
    )
    saperx_quarantine_days = fields.Integer(
        string="Days that a freed number rests",
        default=180,
        help="A number of the stock that leaves its line is given to nobody else for "
        "so many days. 0: it is available at once.",
    )

    saperx_termination_fee_product_id = fields.Many2one(
        "product.product",
        string="Product of the termination fee",
        ondelete="restrict",
        check_company=True,
        help="The remaining financial of a contract that is terminated is invoiced as "
        "this product, under its taxes.",
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

    _saperx_invoice_minimum_in_range = models.Constraint(
        "CHECK (saperx_invoice_minimum >= 0"
        " AND saperx_invoice_minimum_days BETWEEN 0 AND 3650)",
        "The least telephony to invoice is no negative amount, and it waits for 0 to "
        "3650 days.",
    )

    saperx_block_lines_with_contract = fields.Boolean(
        string="Block and unblock lines together with the contract",
        help="The SIP lines follow a block of their contract for overdue payment. A "
        "cancellation they follow always.",
    )
    saperx_overdue_active = fields.Boolean(
        string="Block and cancel overdue contracts",
        help="Contracts with SIP lines whose invoices stay unpaid are told, blocked "
        "and cancelled by a scheduled task.",
    )
    saperx_overdue_notice_days = fields.Integer(
        string="Days from the due date to the notice", default=5
    )
    saperx_overdue_partial_days = fields.Integer(
        string="Days from the notice to the partial block",
        default=15,
        help="0: no partial block.",
    )
    saperx_overdue_full_days = fields.Integer(
        string="Days from the notice to the full block",
        default=30,
        help="0: no full block.",
    )
    saperx_overdue_cancel_days = fields.Integer(
        string="Days from the notice to the cancellation",
        default=75,
        help="0: no contract is cancelled by itself.",
    )
    saperx_overdue_last_notice_days = fields.Integer(
        string="Days from the last notice to the cancellation",
        default=15,
        help="Before a contract is cancelled its customer is told once more. "
        "0: no other notice.",
    )
    saperx_overdue_spares_rest_days = fields.Boolean(
        string="No block from Friday to Sunday, on holidays and their eves",
        default=True,
        help="As Lei 14.015/2020 has it. What falls on such a day waits for the next.",
    )

    saperx_overdue_user_id = fields.Many2one(
        "res.users",
        string="Who is asked about overdue contracts",
        index="btree_not_null",
        ondelete="set null",
        help="Gets the activities where a person must look. Empty: whoever answers for "
        "the contract.",
    )

    @api.constrains(
        "saperx_overdue_notice_days",
        "saperx_overdue_partial_days",
        "saperx_overdue_full_days",
        "saperx_overdue_cancel_days",
        "saperx_overdue_last_notice_days",
    )
    def _check_saperx_overdue_days(self):
        for company in self:
            try:
                company._get_overdue_rules()
            except ValueError as error:
                raise ValidationError(
                    self.env._(
                        "Overdue payment: the notice comes at least one day after the "
                        "due date; partial block, full block and cancellation follow "
                        "in this order, each on a later day. 0 leaves a step out."
                    )
                ) from error

    def _get_overdue_rules(self):
        """:raise ValueError: days that make no sense"""
        self.ensure_one()
        return Rules(
            notice=self.saperx_overdue_notice_days,
            partial=self.saperx_overdue_partial_days or None,
            full=self.saperx_overdue_full_days or None,
            cancel=self.saperx_overdue_cancel_days or None,
            last_notice=self.saperx_overdue_last_notice_days or None,
        )

    def _get_overdue_calendar(self):
        self.ensure_one()
        own = self.env["saperx.holiday"].sudo().search([("company_id", "=", self.id)])
        return Calendar(
            state=self.state_id.code or None,
            own_holidays=own.mapped("day"),
            spares_rest_days=self.saperx_overdue_spares_rest_days,
        )

    def _get_termination_fee_product(self):
        self.ensure_one()
        return self.saperx_termination_fee_product_id or self.env.ref(
            "saperx_voip.product_termination_fee"
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
