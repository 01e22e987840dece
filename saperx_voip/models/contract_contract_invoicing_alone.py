# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from babel.dates import format_skeleton

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools.misc import babel_locale_parse, get_lang


class ContractContract(models.Model):
    """When telephony is invoiced: with what falls due anyway, or alone."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _cron_invoice_telephony(self):
        """Invoice charges that no recurring invoice takes along in time.

        A transaction for each contract: killed anywhere, the next run goes on.
        """
        contract_ids = self._get_contracts_to_invoice_alone().ids
        for done, contract_id in enumerate(contract_ids, 1):
            # Alone, so that none is read again for each of the others.
            self.browse(contract_id)._try_to_invoice_alone()
            remaining = len(contract_ids) - done
            if not self.env["ir.cron"]._commit_progress(1, remaining=remaining):
                break

    @api.model
    def _get_contracts_to_invoice_alone(self):
        """Those with something to do, and those whose charges are refused."""
        charge_model = self.env["saperx.charge"]
        charges = charge_model.search(charge_model._domain_to_invoice())
        return self.browse(
            contract.id
            for contract, waiting in charges.grouped("contract_id").items()
            if contract._explain_other_currency() or waiting._choose_to_go_alone()
        )

    def _try_to_invoice_alone(self):
        """One contract must not stop the others: what fails is told on it."""
        contract = self.with_company(self.company_id)._in_language_of_responsible()
        try:
            with self.env.cr.savepoint():
                if reason := contract._explain_other_currency():
                    raise UserError(reason)
                contract._invoice_telephony(
                    lambda charges: charges._choose_to_go_alone()
                )
            contract._clear_invoice_generation_error()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            # Somebody else is at it; what they leave is found by the next run.
            return
        except Exception as error:
            contract._record_invoice_generation_error(error, "invoice")

    def _get_charges_by_customer(self):
        """:return: by contract and commercial partner, the charges to invoice, found
        at once and not locked"""
        charge_model = self.env["saperx.charge"].sudo()
        return charge_model.search(
            charge_model._domain_to_invoice() & Domain("contract_id", "in", self.ids)
        ).grouped(lambda c: (c.contract_id, c.partner_id.commercial_partner_id))

    def _next_due_date(self, not_before=None):
        """When OCA's invoicing makes an invoice of this contract, as things stand.

        :param date not_before: look for one on that day or later; None: the next one
        :return: a date, or None
        """
        self.ensure_one()
        if not self.active:
            return None
        days = [
            line._get_due_day(not_before)
            for line in self.contract_line_ids
            if not line.is_canceled
            and line.recurring_next_date
            and line.next_period_date_start
            and (not line.display_type or line.is_recurring_note)
        ]
        return min(filter(None, days), default=None)

    def _get_telephony_day(self, ready):
        """When charges are invoiced, as things stand.

        :param date ready: from when on they may be
        :return: the day, and whether they go alone
        """
        self.ensure_one()
        today = self.company_id._get_telephony_today()
        latest = ready + timedelta(days=self.company_id.saperx_invoice_patience_days)
        due = self._next_due_date(ready)
        if due is None or due > latest or today > latest:
            return max(today, ready), True
        return max(today, due), False

    def _get_payment_day(self, invoice_day):
        """When the first part of an invoice of a day falls due."""
        self.ensure_one()
        return min(
            (item._get_due_date(invoice_day) for item in self.payment_term_id.line_ids),
            default=invoice_day,
        )

    def _format_billing_chain(self, days):
        """:param days: of closing, charge, invoice and due date, as far as known"""
        locale = babel_locale_parse(get_lang(self.env).code)
        texts = [format_skeleton("MMdd", day, locale=locale) for day in days]
        steps = (
            lambda day: self.env._("closes %s", day),
            lambda day: self.env._("charged %s", day),
            lambda day: self.env._("invoiced %s", day),
            lambda day: self.env._("due %s", day),
        )
        return " → ".join(step(text) for step, text in zip(steps, texts, strict=False))
