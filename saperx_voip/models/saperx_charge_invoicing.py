# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import format_date


class SaperxCharge(models.Model):
    """How a charge goes onto an invoice, and comes off it."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _domain_to_invoice(self):
        """Those that the next invoice takes. A zero charge makes no invoice line."""
        return Domain("state", "=", "confirmed") & Domain("amount", ">", 0)

    def _get_live_move_lines(self):
        """Lines of invoices that were not cancelled."""
        return self.sudo().move_line_ids.filtered(
            lambda line: line.parent_state != "cancel"
        )

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
            if not charge._is_whole_on(lines):
                raise UserError(
                    self.env._(
                        "The charge %s goes onto an invoice of its contract and "
                        "customer, whole: invoice it from its contract.",
                        charge.display_name,
                    )
                )
        self.filtered(lambda charge: charge.state != "invoiced").state = "invoiced"

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
        for charge in self:
            telephony_line = charge.contract_id._ensure_telephony_line(
                charge.integration_id.product_id
            )
            for label, amount in charge._get_invoice_amounts():
                values.append(
                    {
                        **telephony_line._prepare_telephony_move_line(),
                        "product_id": charge.integration_id.product_id.id,
                        "product_uom_id": charge.integration_id.product_id.uom_id.id,
                        "name": charge._get_invoice_text(label),
                        # Quantities and unit prices have two decimals: the exact
                        # total stands in the price, once.
                        "quantity": 1,
                        "price_unit": amount,
                        "saperx_charge_id": charge.id,
                    }
                )
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
