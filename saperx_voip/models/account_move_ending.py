# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal
from typing import NamedTuple

from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..rating import scale

OPEN_STATES = ("not_paid", "partial", "in_payment", "blocked")


class Ending(NamedTuple):
    """What the end of a contract makes of an open invoice of it, and why."""

    outcome: str
    reason: str = ""


class AccountMove(models.Model):
    """How an open invoice goes with the contract that it was made for."""

    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    is_saperx_fee = fields.Boolean(
        string="Remaining financial",
        readonly=True,
        copy=False,
        help="Made when a contract was terminated.",
    )

    def _is_open(self):
        """Whether something of it is to be paid, or would be once it is posted."""
        self.ensure_one()
        if self.state == "draft":
            return True
        return (
            self.state == "posted"
            and self.payment_state in OPEN_STATES
            and self.amount_residual > 0
        )

    def _get_open_part(self):
        """What is still to be paid, in the invoice's currency."""
        self.ensure_one()
        return self.amount_total if self.state == "draft" else self.amount_residual

    def _get_open_due_date(self):
        """When the first unpaid part is due, or False."""
        self.ensure_one()
        items = self.line_ids.filtered(
            lambda item: item.display_type == "payment_term" and not item.reconciled
        )
        days = filter(None, items.mapped("date_maturity"))
        return min(days, default=self.invoice_date_due)

    def _get_ending(self, contract):
        """How it can be taken back, as accounting allows.

        :param contract: the one that ends
        :return: an ``Ending``: ``cancel``, ``credit``, or ``ask`` somebody
        """
        self.ensure_one()
        if reason := self._explain_not_ours_alone(contract):
            return Ending("ask", reason)
        if self.state == "draft":
            return Ending("cancel")
        if reason := self._explain_not_cancellable():
            return Ending("credit", reason)
        return Ending("cancel")

    def _explain_not_ours_alone(self, contract):
        """Why a person must decide on it, or None."""
        own = contract.company_id.currency_id
        if self.currency_id != own:
            return self.env._("it is in %s", self.currency_id.name)
        if not contract._is_owed_by_its_customer(self):
            return self.env._(
                "%s, a former customer, owes it", self.commercial_partner_id.name
            )
        contracts = self.invoice_line_ids.contract_line_id.contract_id
        if others := contracts - contract:
            names = ", ".join(others.mapped("display_name"))
            return self.env._("it is shared with %s", names)
        if not self.has_access("write"):
            return self.env._("you may not change it")
        is_being_paid = (
            self.payment_state == "in_payment"
            if self.state == "posted"
            else self.payment_state not in ("not_paid", "blocked")
        )
        if is_being_paid:
            return self.env._("a payment of it is under way")
        if "draft" in self.reversal_move_ids.mapped("state"):
            return self.env._("a credit note of it is in draft")
        return None

    def _explain_not_cancellable(self):
        """Why a posted invoice is credited instead, or None."""
        if self.currency_id.compare_amounts(self.amount_residual, self.amount_total):
            return self.env._("it is partly paid")
        if locks := self._get_violated_lock_dates(self.date, self._affect_tax_report()):
            return self.env._(
                "its period is locked: %s", self.company_id._format_lock_dates(locks)
            )
        if self.inalterable_hash:
            return self.env._("its journal allows no change")
        if self.need_cancel_request:
            return self.env._("the tax authority knows it")
        if self.is_move_sent:
            return self.env._("it was sent to the customer")
        return None

    def _cancel_for_good(self):
        """Cancel, and write off the telephony that it carried.

        :return: the charges that were written off
        """
        self.ensure_one()
        charges = self.invoice_line_ids.saperx_charge_id.sudo()
        self.button_cancel()
        # Deleting it later brings no fee back: that period is not invoiced again.
        self.invoice_line_ids.write({"saperx_invoiced_until": False})
        return charges._write_off()

    def _credit_open_part(self):
        """A posted credit note over what is open, which it settles.

        :return: the credit note
        """
        self.ensure_one()
        customer = self.with_context(lang=self.partner_id.lang or self.env.lang)
        values = self._prepare_credit(customer.env._("end of the contract"))
        is_whole = not self.currency_id.compare_amounts(
            self.amount_residual, self.amount_total
        )
        if is_whole:
            credit = self._reverse_moves([values])
        else:
            credit = self._create_credit(values, self._prepare_open_part_lines())
            credit._add_difference(self.amount_residual)
        credit._post(soft=False)
        if not self.currency_id.is_zero(self.amount_residual):
            raise UserError(
                self.env._(
                    "The credit note does not settle %s: credit it by hand.",
                    self.display_name,
                )
            )
        return credit

    def _create_credit(self, values, lines):
        """A draft of a credit note over a part.

        :param values: as ``_prepare_credit`` has them
        :param lines: commands that create its lines
        """
        self.ensure_one()
        return self.create(
            {
                **values,
                "move_type": "out_refund",
                "reversed_entry_id": self.id,
                "partner_id": self.partner_id.id,
                "currency_id": self.currency_id.id,
                "fiscal_position_id": self.fiscal_position_id.id,
                "invoice_line_ids": lines,
            }
        )

    def _prepare_credit(self, reason):
        """:param reason: in the customer's language"""
        today = self.company_id._get_telephony_today()
        customer = self.with_context(lang=self.partner_id.lang or self.env.lang)
        return {
            "ref": customer.env._(
                "Reversal of %(invoice)s: %(reason)s", invoice=self.name, reason=reason
            ),
            "date": today,
            "invoice_date": today,
            "invoice_date_due": today,
            "invoice_payment_term_id": False,
            "invoice_origin": self.invoice_origin,
            "journal_id": self.journal_id.id,
        }

    def _prepare_open_part_lines(self):
        """Every line in proportion, under its own taxes."""
        lines = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product"
        )
        prices = scale(
            [line._get_stated_amount() for line in lines],
            Decimal(str(self.amount_residual)),
            Decimal(str(self.amount_total)),
            Decimal(str(self.currency_id.rounding)),
        )
        return [
            Command.create(line._prepare_credit_line(price))
            for line, price in zip(lines, prices, strict=True)
        ]

    def _add_difference(self, amount):
        """Taxes of parts need not sum to the part of the taxes: a line without taxes
        takes the centavos that are left."""
        difference = self.currency_id.round(amount - self.amount_total)
        if difference:
            line = self.invoice_line_ids[:1]
            values = {
                "name": self.env._("Rounding"),
                "product_id": False,
                "tax_ids": [Command.clear()],
            }
            values = {**line._prepare_credit_line(difference), **values}
            self.write({"invoice_line_ids": [Command.create(values)]})
