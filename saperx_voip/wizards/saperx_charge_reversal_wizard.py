# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_amount


class SaperxChargeReversalWizard(models.TransientModel):
    """*Estornar e refaturar*: charges come off a posted invoice by a credit note, and
    are invoiced again."""

    _name = "saperx.charge.reversal.wizard"
    _description = "Reverse and invoice again"

    move_id = fields.Many2one("account.move", required=True, readonly=True)
    currency_id = fields.Many2one(related="move_id.currency_id")
    charge_ids = fields.Many2many("saperx.charge", string="Telephony additionals")
    scope = fields.Selection(
        [
            ("telephony", "Only the telephony"),
            ("whole", "The whole invoice"),
        ],
        string="Credit",
        required=True,
        default="telephony",
    )
    follow = fields.Selection(
        [
            ("next", "Wait for the contract's next invoice"),
            ("now", "Invoice it again now"),
            ("recalculate", "Let go of the calls, to be rated and charged again"),
        ],
        string="And then",
        required=True,
        default="next",
    )
    # Asked for by the form: it opens without one.
    reason = fields.Char(help="The customer reads it on the credit note.")
    amount = fields.Monetary(
        string="To be credited", compute="_compute_amount", compute_sudo=True
    )
    notice = fields.Text(compute="_compute_notice", compute_sudo=True)

    @api.depends("move_id", "charge_ids", "scope")
    def _compute_amount(self):
        for wizard in self:
            move = wizard.move_id
            lines = move._get_lines_of(wizard.charge_ids._origin)
            if move._get_whole_credits():
                wizard.amount = 0
            elif wizard.scope == "whole":
                wizard.amount = move.amount_total
            else:
                wizard.amount = sum(lines.mapped("price_total"))

    @api.depends("move_id", "charge_ids", "scope")
    @api.depends_context("lang")
    def _compute_notice(self):
        for wizard in self:
            wizard.notice = "\n".join(
                [*wizard.move_id._explain_credit(), *wizard._explain_disputes()]
            )

    def _explain_disputes(self):
        """What disputes mean for what comes off the invoice, in sentences."""
        told = []
        if disputed := self._get_charges_to_reverse().filtered("is_disputed"):
            told.append(
                self.env._(
                    "In dispute: %s. It comes off the invoice like the rest, and is "
                    "not invoiced again before that is decided.",
                    ", ".join(disputed.mapped("display_name")),
                )
            )
        credits = self.move_id.reversal_move_ids.filtered(
            lambda credit: credit.saperx_dispute_id and credit.state != "cancel"
        )
        amount = format_amount(
            self.env, sum(credits.mapped("amount_total")), self.currency_id
        )
        if credits and self.move_id._get_whole_credits():
            told.append(
                self.env._(
                    "Of what is credited, %s is for accepted disputes. The additionals "
                    "are invoiced again with their whole amounts: credit it once more, "
                    "on the new invoice.",
                    amount,
                )
            )
        elif credits:
            told.append(
                self.env._(
                    "For accepted disputes %s of this invoice is credited already. "
                    "That stays the customer's credit, since the additionals are "
                    "credited and invoiced again with their whole amounts: set it "
                    "against the new invoice.",
                    amount,
                )
            )
        return told

    def _get_charges_to_reverse(self):
        charges = self.move_id._get_live_charges()
        # In a form that is not saved the records stand behind new ones.
        return charges if self.scope == "whole" else charges & self.charge_ids._origin

    def action_reverse(self):
        """Credit, and let the charges go where they were told to."""
        self.ensure_one()
        charge_model = self.env["saperx.charge"]
        charge_model._check_billing()
        move = self.move_id.with_company(self.move_id.company_id)
        charges = self._get_charges_to_reverse()
        # Who comes second finds them gone, or starts again.
        charges.sudo().lock_for_update(allow_referencing=True)
        if not self.reason:
            raise UserError(self.env._("Say why: the customer reads it."))
        if not charges or charges - move._get_live_charges() or move.state != "posted":
            raise UserError(
                self.env._(
                    "%s carries none of these additionals any more.", move.display_name
                )
            )
        if self.scope == "whole":
            credit, again = move._reverse_whole(self.reason)
        else:
            credit, again = move._reverse_charges(charges, self.reason), move.browse()
        again |= self._go_on(charges, again)
        for charge in charges.sudo():
            charge.message_post(
                body=self.env._(
                    "Came off %(invoice)s by %(credit)s: %(reason)s",
                    invoice=move._get_html_link(),
                    credit=credit._get_html_link(),
                    reason=self.reason,
                )
            )
        made = credit | again
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Reversed and invoiced again"),
            "res_model": made._name,
            "view_mode": "list,form",
            "domain": [("id", "in", made.ids)],
        }

    def _go_on(self, charges, draft):
        """:param draft: of the rest of the invoice, or none
        :return: the invoices that carry the charges now"""
        if self.follow == "recalculate":
            charges.action_cancel()
        if self.follow != "now":
            return draft.browse()
        if draft:
            # What is in dispute waits.
            waiting = charges.sudo().filtered_domain(charges._domain_to_invoice())
            lines = waiting._prepare_move_lines()
            draft.invoice_line_ids = [Command.create(line) for line in lines]
            return draft
        return charges.contract_id._invoice_telephony(
            lambda waiting: waiting & charges.sudo()
        )
