# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import UserError


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
        return super().write(vals)

    def _give_back_contract_dates(self):
        """Move the contract lines back to where these lines found them, if these
        were the latest that moved them."""
        moved = self.filtered("saperx_invoiced_until")
        for line in moved.sorted("saperx_invoiced_until", reverse=True):
            contract_line = line.contract_line_id.sudo()
            if contract_line.last_date_invoiced == line.saperx_invoiced_until:
                contract_line.write(
                    {
                        "last_date_invoiced": line.saperx_previous_invoiced_until,
                        "recurring_next_date": line.saperx_previous_next_date,
                    }
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
