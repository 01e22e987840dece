# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

PRICE_FIELDS = {"price_unit", "quantity"}


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    saperx_charge_id = fields.Many2one(
        "saperx.charge",
        string="Telephony additional",
        index="btree_not_null",
        readonly=True,
        copy=False,
        ondelete="restrict",
    )
    saperx_reversal_move_id = fields.Many2one(
        "account.move",
        string="Reversed by",
        index="btree_not_null",
        readonly=True,
        copy=False,
        ondelete="set null",
        help="The credit note by which the telephony additional came off the invoice, "
        "to be invoiced again.",
    )
    saperx_invoiced_until = fields.Date(readonly=True, copy=False)
    saperx_previous_invoiced_until = fields.Date(readonly=True, copy=False)
    saperx_previous_next_date = fields.Date(readonly=True, copy=False)

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.saperx_charge_id.sudo()._mark_invoiced()
        return lines

    @api.ondelete(at_uninstall=False)
    def _unlink_except_part_of_charge(self):
        """A charge is on an invoice whole or not at all."""
        siblings = self.saperx_charge_id.sudo().move_line_ids - self.sudo()
        if siblings.filtered(lambda line: line.move_id in self.move_id):
            raise UserError(
                self.env._(
                    "A telephony additional is on an invoice whole or not at all: "
                    "remove all of its lines together."
                )
            )

    def unlink(self):
        charges = self.saperx_charge_id.sudo()
        res = super().unlink()
        charges._free_if_uninvoiced()
        return res

    def write(self, vals):
        if "saperx_charge_id" in vals and any(
            line.saperx_charge_id.id != vals["saperx_charge_id"] for line in self
        ):
            raise UserError(
                self.env._("An invoice line keeps its telephony additional.")
            )
        res = super().write(vals)
        if PRICE_FIELDS & vals.keys():
            self.saperx_charge_id.sudo()._check_whole()
        return res

    def _is_live(self):
        """Whether its charge is on an invoice by it."""
        self.ensure_one()
        return (
            self.parent_state != "cancel"
            and self.saperx_reversal_move_id.state != "posted"
        )

    def _give_back_contract_dates(self):
        """Move the contract lines back to where these lines found them, if these
        were the latest that moved them."""
        moved = self.filtered(
            lambda line: line.saperx_invoiced_until and line.contract_line_id
        )
        for line in moved.sorted("saperx_invoiced_until", reverse=True):
            contract_line = line.contract_line_id.sudo()
            if contract_line.last_date_invoiced == line.saperx_invoiced_until:
                contract_line.write(
                    {
                        "last_date_invoiced": line.saperx_previous_invoiced_until,
                        "recurring_next_date": line.saperx_previous_next_date,
                    }
                )
            else:
                line._leave_to_later_invoice()

    def _leave_to_later_invoice(self):
        """The invoice of the period after this one lives: were that deleted as well,
        the contract's line would go back to before this one."""
        self.ensure_one()
        later = self.sudo().search(
            [
                ("contract_line_id", "=", self.contract_line_id.id),
                ("saperx_previous_invoiced_until", "=", self.saperx_invoiced_until),
            ]
        )
        later.write(
            {
                name: self[name]
                for name in (
                    "saperx_previous_invoiced_until",
                    "saperx_previous_next_date",
                )
            }
        )
        self.contract_line_id.contract_id.sudo().message_post(
            body=self.env._(
                "A draft was deleted whose fee nobody invoices again by himself, since "
                "later periods are invoiced already: “%s”. Delete the later drafts as "
                "well, or invoice it by hand.",
                self.name,
            )
        )

    def _get_stated_amount(self):
        """What the line states before taxes that come on top, exactly."""
        self.ensure_one()
        kept = 100 - Decimal(str(self.discount))
        return Decimal(str(self.price_unit)) * Decimal(str(self.quantity)) * kept / 100

    def _prepare_credit_line(self, amount):
        """Values of a line that credits a part of this one.

        :param amount: stated as this line states its own
        """
        self.ensure_one()
        return {
            "name": self.name,
            "product_id": self.product_id.id,
            "product_uom_id": self.product_uom_id.id,
            "account_id": self.account_id.id,
            "analytic_distribution": self.analytic_distribution,
            "contract_line_id": self.contract_line_id.id,
            "tax_ids": [Command.set(self.tax_ids.ids)],
            "quantity": 1,
            "price_unit": float(amount),
        }

    def _prepare_again(self):
        """Values of the same line on another draft."""
        self.ensure_one()
        if self.display_type != "product":
            return {"display_type": self.display_type, "name": self.name}
        return {
            **self._prepare_credit_line(self.price_unit),
            "quantity": self.quantity,
            "discount": self.discount,
            "saperx_invoiced_until": self.saperx_invoiced_until,
            "saperx_previous_invoiced_until": self.saperx_previous_invoiced_until,
            "saperx_previous_next_date": self.saperx_previous_next_date,
        }
