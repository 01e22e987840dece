# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

from .saperx_line_period import ONE_DAY

# What OCA ends meanwhile does not end the contract: a successor, or its own end,
# follows.
SUCCESSION = "saperx_succession"

LIFE_FIELDS = {
    "contract_id",
    "date_end",
    "is_canceled",
    "is_auto_renew",
    "manual_renew_needed",
    "successor_contract_line_id",
}


class ContractLine(models.Model):
    _inherit = "contract.line"

    is_telephony = fields.Boolean(
        readonly=True,
        help="Links the contract to its telephony: charges are invoiced through this "
        "line, which never falls due by itself.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.filtered("date_end").contract_id._sweep_when_they_end()
        return lines

    def write(self, vals):
        contracts = self.contract_id
        res = super().write(vals)
        if LIFE_FIELDS & vals.keys() and not self.env.context.get(SUCCESSION):
            (contracts | self.contract_id)._end_lines_if_dead()
        return res

    def unlink(self):
        contracts = self.contract_id
        res = super().unlink()
        contracts._end_lines_if_dead()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_lived_by(self):
        line = self.env["saperx.line"].sudo()
        line = line.search([("contract_line_id", "in", self.ids)], limit=1)
        if line:
            raise UserError(
                self.env._(
                    "The SIP line %(line)s lives by “%(fee)s”: cancel or end that fee "
                    "instead of deleting it.",
                    line=line.display_name,
                    fee=line.contract_line_id.name,
                )
            )

    # OCA ends a line first and makes its successor afterwards: between the two the
    # contract seems over, and is not.

    def renew(self):
        res = super(ContractLine, self.with_context(**{SUCCESSION: True})).renew()
        self.contract_id._end_lines_if_dead()
        return res

    def stop_plan_successor(self, *args, **kwargs):
        lines = self.with_context(**{SUCCESSION: True})
        res = super(ContractLine, lines).stop_plan_successor(*args, **kwargs)
        self.contract_id._end_lines_if_dead()
        return res

    def _is_dead(self, day):
        """Whether this line is over on a day, and nothing takes its place."""
        self.ensure_one()
        successor = self.successor_contract_line_id
        if successor and not successor.is_canceled:
            return successor._is_dead(day)
        if self.is_canceled:
            return True
        is_past = bool(self.date_end and self.date_end < day)
        return is_past and not self._waits_for_renewal()

    def _waits_for_renewal(self):
        self.ensure_one()
        return self.is_auto_renew or (
            self.manual_renew_needed and not self.successor_contract_line_id
        )

    def _get_end_day(self):
        """The first day without this line and its successors; None if no date says
        so."""
        self.ensure_one()
        successor = self.successor_contract_line_id
        if successor and not successor.is_canceled:
            return successor._get_end_day()
        if self.is_canceled or not self.date_end or self._waits_for_renewal():
            return None
        return self.date_end + ONE_DAY

    def _get_due_day(self, not_before=None):
        """When the line is invoiced next, or first from a day on; None: no more."""
        self.ensure_one()
        day, period_end = self.recurring_next_date, self.next_period_date_end
        rule = (
            self.recurring_invoicing_type,
            self.recurring_invoicing_offset,
            self.recurring_rule_type,
            self.recurring_interval,
        )
        while day and not_before and day < not_before and period_end:
            begins = period_end + ONE_DAY
            day = self.get_next_invoice_date(begins, *rule, self.date_end)
            period_end = self.get_next_period_date_end(
                begins, *rule[2:], max_date_end=self.date_end
            )
        return day or None

    def _can_be_invoiced(self, date_ref):
        return not self.is_telephony and super()._can_be_invoiced(date_ref)

    def _compute_create_invoice_visibility(self):
        telephony = self.filtered("is_telephony")
        telephony.create_invoice_visibility = False
        return super(
            ContractLine, self - telephony
        )._compute_create_invoice_visibility()

    @api.depends("is_telephony")
    def _compute_state(self):
        # Neither cancelled nor running: for people it has no state.
        telephony = self.filtered("is_telephony")
        telephony.state = False
        return super(ContractLine, self - telephony)._compute_state()

    @api.depends("is_telephony")
    def _compute_allowed(self):
        res = super()._compute_allowed()
        self.filtered("is_telephony").is_un_cancel_allowed = False
        return res

    def _prepare_invoice_line(self):
        """Remember what OCA forgets: which dates the invoice moved, so that deleting
        its draft can move them back."""
        values = super()._prepare_invoice_line()
        # Accounting may invoice without a role in telephony.
        has_telephony = bool(self.contract_id.sudo().saperx_line_ids)
        if values and has_telephony and not self.is_telephony:
            values |= {
                "saperx_invoiced_until": self.next_period_date_end,
                "saperx_previous_invoiced_until": self.last_date_invoiced,
                "saperx_previous_next_date": self.recurring_next_date,
            }
        return values

    def _prepare_telephony_move_line(self):
        """Values that invoice lines of charges share: product, analytics, link."""
        self.ensure_one()
        values = self._prepare_invoice_line()
        values["analytic_distribution"] = (
            values["analytic_distribution"] or self._get_shared_distribution()
        )
        return {
            name: value
            for name, value in values.items()
            if name not in ("company_id", "company_currency_id", "discount")
        }

    def _get_shared_distribution(self):
        """The analytic distribution of the contract's other lines, if they have one."""
        lines = self.contract_id._get_product_lines()
        distributions = [line.analytic_distribution for line in lines]
        first = distributions[0] if distributions else False
        return first if all(other == first for other in distributions) else False
