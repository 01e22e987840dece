# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools.misc import format_amount, format_date

from ..rating import local_date


class SaperxCharge(models.Model):
    """What a charge waits for on its way to the customer, and when that will be."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    waits_for = fields.Char(
        string="Next step", compute="_compute_waits_for", compute_sudo=True
    )
    billing_chain = fields.Char(
        string="From closing to due date",
        compute="_compute_waits_for",
        compute_sudo=True,
        help="Day and month of the closing, the charge, the invoice and its due date. "
        "What is to come is as things stand.",
    )

    @api.depends(
        "state",
        "amount",
        "confirmed_at",
        "is_disputed",
        "last_day",
        "move_id",
        "contract_id.currency_id",
    )
    @api.depends_context("lang")
    def _compute_waits_for(self):
        waiting = self.contract_id._get_charges_by_customer()
        for charge in self:
            customer = charge.partner_id.commercial_partner_id
            siblings = waiting.get((charge.contract_id, customer), self.browse())
            is_waiting = charge.state == "confirmed" and charge in siblings
            ready = siblings._get_ready_day() if is_waiting else None
            charge.waits_for = charge._explain_wait(siblings, ready)
            charge.billing_chain = charge._get_billing_chain(ready)

    def _explain_wait(self, siblings, ready):
        """:param siblings: the charges to invoice of its contract and customer
        :param ready: from when on they may be invoiced; None: this one may not
        :return: a sentence, or False
        """
        self.ensure_one()
        if self.state == "draft":
            return self.env._("It waits for somebody to confirm it.")
        if self.state != "confirmed":
            return False
        contract = self.contract_id
        if self.currency_id.compare_amounts(self.amount, 0) <= 0:
            return self.env._("Nothing is to be paid: it makes no invoice line.")
        if self.is_disputed:
            return self.env._("It is in dispute, and waits for the decision.")
        if ready is None:
            return self.env._("It is held back from invoices.")
        if reason := contract._explain_other_currency():
            return reason
        if self._is_of_former_customer():
            return self.env._(
                "An invoice of its own to %s, who held the contract.",
                self.partner_id.commercial_partner_id.display_name,
            )
        if ready > self.company_id._get_telephony_today():
            return self.env._(
                "With %(amount)s, the contract is below the minimum of %(minimum)s: "
                "it waits for more, or for the first invoice from %(date)s on.",
                amount=format_amount(
                    self.env, sum(siblings.mapped("amount")), self.currency_id
                ),
                minimum=format_amount(
                    self.env, self.company_id.saperx_invoice_minimum, self.currency_id
                ),
                date=format_date(self.env, ready),
            )
        day, alone = contract._get_telephony_day(ready)
        if alone:
            return self.env._(
                "An invoice of its own, since nothing of the contract falls due in "
                "time."
            )
        return self.env._(
            "The contract's next invoice, on %s.", format_date(self.env, day)
        )

    def _get_billing_chain(self, ready):
        self.ensure_one()
        contract, move = self.contract_id, self.move_id
        charged = self.confirmed_at or self.create_date
        days = [
            self.last_day,
            local_date(charged, self.company_id._get_telephony_zone()),
        ]
        if move:
            days += [move.invoice_date or move.date, move.invoice_date_due]
        elif ready:
            day, _alone = contract._get_telephony_day(ready)
            days += [day, contract._get_payment_day(day)]
        return contract._format_billing_chain(days)
