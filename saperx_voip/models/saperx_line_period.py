# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..rating import Holding
from .call_class import BILLING_TYPES


class SaperxLinePeriod(models.Model):
    """Who held a line, under which terms, from when to when.

    A call takes the period at its start.
    """

    _name = "saperx.line.period"
    _description = "Period of a SIP line"
    _order = "line_id, date_from desc nulls last, id"

    _values_of_line = {
        "contract_id",
        "partner_id",
        "tariff_id",
        "closing_day",
        "billing_type",
    }

    line_id = fields.Many2one(
        "saperx.line", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    contract_id = fields.Many2one(
        "contract.contract", required=True, index=True, ondelete="restrict"
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="restrict",
    )
    tariff_id = fields.Many2one(
        "saperx.tariff", string="Billing plan", index=True, ondelete="restrict"
    )
    closing_day = fields.Integer(required=True)
    billing_type = fields.Selection(BILLING_TYPES, string="Type", required=True)
    date_from = fields.Datetime(string="From", help="Empty: since ever.")
    date_to = fields.Datetime(string="To", help="Exclusive. Empty: still running.")

    charged_until = fields.Date(
        readonly=True,
        help="Last day of the latest cycle that the contract was charged for under "
        "this plan.",
    )

    _one_open = models.UniqueIndex(
        "(line_id) WHERE date_to IS NULL", "A line has one running period at most."
    )
    _one_first = models.UniqueIndex(
        "(line_id) WHERE date_from IS NULL", "A line has one first period at most."
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from <= date_to)",
        "A period cannot end before it begins.",
    )

    @api.depends("line_id", "date_from", "date_to")
    def _compute_display_name(self):
        for period in self:
            period.display_name = f"{period.line_id.display_name} #{period.id}"

    @api.constrains("line_id", "date_from", "date_to")
    def _check_no_overlap(self):
        for period in self:
            domain = [("line_id", "=", period.line_id.id), ("id", "!=", period.id)]
            if period.date_to:
                domain += [
                    "|",
                    ("date_from", "=", False),
                    ("date_from", "<", period.date_to),
                ]
            if period.date_from:
                domain += [
                    "|",
                    ("date_to", "=", False),
                    ("date_to", ">", period.date_from),
                ]
            if self.search_count(domain, limit=1):
                raise ValidationError(
                    self.env._(
                        "Two periods of the line %s overlap.",
                        period.line_id.display_name,
                    )
                )

    def _become(self, values):
        """Take over the line's terms: in this period while nothing but a missing
        billing plan was told by it, else in a new period that begins now."""
        self.ensure_one()
        changed = {
            name: value
            for name, value in values.items()
            if self._fields[name].convert_to_write(self[name], self) != value
        }
        if not changed:
            return
        plan_given_later = set(changed) == {"tariff_id"} and not self.tariff_id
        if plan_given_later or not self._has_calls():
            self.write(changed)
        else:
            now = fields.Datetime.now()
            self.date_to = now
            # Lest two be open for a moment.
            self.flush_recordset()
            self.create({"line_id": self.line_id.id, "date_from": now, **values})
        self.env["saperx.cdr"]._reassess([("line_id", "=", self.line_id.id)])

    def _has_calls(self):
        return bool(
            self.env["saperx.cdr"]
            .sudo()
            .search_count([("period_id", "in", self.ids)], limit=1)
        )

    def _get_holding(self):
        """The period as the pure core takes it."""
        self.ensure_one()
        return Holding(
            period_id=self.id,
            line_id=self.line_id.id,
            contract_id=self.contract_id.id,
            partner_id=self.partner_id.id,
            tariff_id=self.tariff_id.id or None,
            closing_day=self.closing_day,
            prepaid=self.billing_type == "prepaid",
            since=self.date_from or None,
            until=self.date_to or None,
        )
