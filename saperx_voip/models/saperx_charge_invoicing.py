# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import suppress
from datetime import timedelta

import psycopg2.errors

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..rating import local_date


class SaperxCharge(models.Model):
    """How a charge goes onto an invoice, and comes off it."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    def action_reverse(self):
        """*Estornar e refaturar*, of charges that one posted invoice carries."""
        self._check_billing()
        move = self.move_id
        if len(move) != 1 or move.state != "posted":
            raise UserError(
                self.env._(
                    "Choose additionals of one posted invoice. A draft is deleted "
                    "instead, and its additionals wait for the next one."
                )
            )
        wizard = self.env["saperx.charge.reversal.wizard"].create(
            {"move_id": move.id, "charge_ids": self.ids}
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Reverse and invoice again"),
            "res_model": wizard._name,
            "res_id": wizard.id,
            "views": [(False, "form")],
            "target": "new",
        }

    @api.model
    def _domain_to_invoice(self):
        """Those that the next invoice takes. A zero charge makes no invoice line."""
        return Domain("state", "=", "confirmed") & Domain("amount", ">", 0)

    @api.model
    def _lock_to_invoice(self, domain):
        """Those to invoice, locked until this transaction ends.

        One that somebody else holds, or has changed since this transaction began, is
        left: they invoice it, or the next run does.

        :param Domain domain: which ones
        """
        query = self._search(self._domain_to_invoice() & domain, order="cycle_end, id")
        if query.is_empty():
            return self
        self.env.flush_all()
        try:
            return self._lock_query(query)
        except psycopg2.errors.SerializationFailure:
            charges = self
            for charge in self.browse(query):
                with suppress(psycopg2.errors.SerializationFailure):
                    one = self._search(Domain("id", "=", charge.id))
                    charges |= self._lock_query(one)
            return charges

    def _lock_query(self, query):
        """Find and lock in one statement what nobody else holds."""
        statement = SQL(
            "%s FOR NO KEY UPDATE OF %s SKIP LOCKED",
            query.select(),
            SQL.identifier(self._table),
        )
        with self.env.cr.savepoint():
            # That somebody was faster is expected.
            self.env.cr.execute(statement, log_exceptions=False)
            return self.browse(row[0] for row in self.env.cr.fetchall())

    def _choose_for_recurring(self):
        """Of one contract's charges, those that its recurring invoice takes along."""
        present = self.filtered(lambda charge: not charge._is_of_former_customer())
        today = self.company_id._get_telephony_today()
        if present and present._get_ready_day() <= today:
            # Read together with those of other contracts.
            return present.with_prefetch(self._prefetch_ids)
        return self.browse()

    def _choose_to_go_alone(self):
        """Of one contract's charges, those that are invoiced apart today."""
        former = self.filtered(lambda charge: charge._is_of_former_customer())
        present = self - former
        if present:
            today = self.company_id._get_telephony_today()
            ready = present._get_ready_day()
            _day, alone = present.contract_id._get_telephony_day(ready)
            if ready > today or not alone:
                return former
        return self

    def _get_ready_day(self):
        """From which day on these charges of one contract and customer are worth an
        invoice: when they reached the company's minimum, or have waited long enough,
        or when nothing more is to come."""
        company = self.company_id
        zone = company._get_telephony_zone()
        charges = self.sorted(lambda charge: (charge.confirmed_at, charge.id))
        total = 0
        for charge in charges:
            total += charge.amount
            minimum = company.saperx_invoice_minimum
            if company.currency_id.compare_amounts(total, minimum) >= 0:
                return local_date(charge.confirmed_at, zone)
        first = local_date(charges[0].confirmed_at, zone)
        lines = self.contract_id.saperx_line_ids
        if charges[0]._is_of_former_customer() or all(
            line.state == "cancelled" for line in lines
        ):
            return first
        return first + timedelta(days=company.saperx_invoice_minimum_days)

    def _get_live_move_lines(self):
        """Lines of invoices that were neither cancelled nor reversed for another."""
        return self.sudo().move_line_ids.filtered(lambda line: line._is_live())

    def _follow_invoices(self):
        """Their invoice lines came to life or went: be invoiced, or wait again."""
        live = self.filtered(lambda charge: charge._get_live_move_lines())
        live._mark_invoiced()
        (self - live)._free_if_uninvoiced()

    def _mark_invoiced(self):
        """Their invoice lines exist now.

        :raise UserError: if one of them is on another live invoice already, or on one
            that is not its own
        """
        for charge in self:
            lines = charge._get_live_move_lines()
            if charge.state == "cancelled":
                raise UserError(
                    self.env._(
                        "The charge %s cannot be invoiced: it was cancelled.",
                        charge.display_name,
                    )
                )
            if len(lines.move_id) > 1:
                raise UserError(
                    self.env._(
                        "The charge %(charge)s cannot be on two invoices: "
                        "%(invoices)s.",
                        charge=charge.display_name,
                        invoices=", ".join(lines.move_id.mapped("display_name")),
                    )
                )
            charge._check_whole()
        self.filtered(lambda charge: charge.state != "invoiced").state = "invoiced"

    def _check_whole(self):
        """:raise UserError: if an invoice carries not the charge, or not all of it"""
        for charge in self:
            if not charge._is_whole_on(charge._get_live_move_lines()):
                raise UserError(
                    self.env._(
                        "The charge %s goes onto an invoice of its contract and "
                        "customer, whole: invoice it from its contract.",
                        charge.display_name,
                    )
                )

    def _is_whole_on(self, lines):
        """Whether these invoice lines carry the charge, and nothing else."""
        self.ensure_one()
        move = lines.move_id
        payers = self.partner_id | self.contract_id.invoice_partner_id
        amount = sum(line.price_unit * line.quantity for line in lines)
        return (
            move.company_id == self.company_id
            and move.move_type == "out_invoice"
            and move.commercial_partner_id in payers.commercial_partner_id
            and lines.contract_line_id.contract_id == self.contract_id
            and self.currency_id.compare_amounts(amount, self.amount) == 0
        )

    def _is_of_former_customer(self):
        """Whether the contract has gone to somebody else since."""
        self.ensure_one()
        present = self.contract_id.partner_id.commercial_partner_id
        return self.partner_id.commercial_partner_id != present

    def _free_if_uninvoiced(self):
        """Their invoice lines went: they wait for the next invoice."""
        self.exists().filtered(
            lambda charge: (
                charge.state == "invoiced" and not charge._get_live_move_lines()
            )
        ).state = "confirmed"

    def _write_off(self):
        """Nobody will pay those that were freed just now; their calls stay billed.

        An invoice that is taken out of its cancellation takes them back.

        :return: the charges that were written off
        """
        freed = self.exists().filtered(lambda charge: charge.state == "confirmed")
        freed.state = "written_off"
        return freed

    def _prepare_move_lines(self):
        """:return: values of the invoice lines that carry these charges"""
        values = []
        for contract, charges in self.grouped("contract_id").items():
            product = charges[0].integration_id.product_id
            telephony_line = contract._ensure_telephony_line(product)
            shared = telephony_line._prepare_telephony_move_line()
            for charge in charges:
                product = charge.integration_id.product_id
                values += [
                    {
                        **shared,
                        "product_id": product.id,
                        "product_uom_id": product.uom_id.id,
                        "name": charge._get_invoice_text(label),
                        # Quantities and unit prices have two decimals: the exact
                        # total stands in the price, once.
                        "quantity": 1,
                        "price_unit": amount,
                        "saperx_charge_id": charge.id,
                    }
                    for label, amount in charge._get_invoice_amounts()
                ]
        return values

    def _get_invoice_amounts(self):
        """:return: pairs of a label (or None) and an amount that is not zero"""
        self.ensure_one()
        if self.integration_id.charge_granularity == "total":
            return [(None, self.amount)]
        classes = dict(
            self.env["saperx.charge.class"]
            .with_context(lang=self.partner_id.lang)
            ._fields["call_class"]
            ._description_selection(self.with_context(lang=self.partner_id.lang).env)
        )
        return [
            (classes[item.call_class], item.amount)
            for item in self.class_ids
            if item.amount
        ]

    def _get_invoice_text(self, label):
        self.ensure_one()
        charge = self.with_context(lang=self.partner_id.lang)
        text = charge.env._(
            "Telephony %(number)s, %(start)s to %(end)s",
            number=charge.line_id.display_name,
            start=format_date(charge.env, charge.cycle_start),
            end=format_date(charge.env, charge.last_day),
        )
        return f"{text} · {label}" if label else text
