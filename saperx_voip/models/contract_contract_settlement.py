# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections.abc import Iterator

from markupsafe import Markup

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from .account_move_ending import OPEN_STATES, Ending


class ContractContract(models.Model):
    """What becomes of a contract's money when somebody terminates it."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    saperx_minimum_term_until = fields.Date(
        string="Minimum term until",
        copy=False,
        tracking=True,
        help="The last day that the customer has promised to stay. Who leaves earlier "
        "may owe the remaining financial.",
    )
    saperx_settled_move_ids = fields.Many2many(
        "account.move",
        "contract_contract_settled_move_rel",
        string="Invoices of the termination",
        readonly=True,
        copy=False,
        groups="account.group_account_invoice",
        help="Cancelled, credited or made when the contract was terminated.",
    )

    def write(self, vals):
        is_undoing = "is_terminated" in vals and not vals["is_terminated"]
        undone = self.filtered("is_terminated") if is_undoing else self.browse()
        res = super().write(vals)
        undone._name_money_to_undo()
        return res

    def action_terminate_contract(self):
        """The wizard shows lists: give it room."""
        action = super().action_terminate_contract()
        return {
            **action,
            "name": self.env._("Terminate contract"),
            "context": {**action["context"], "dialog_size": "extra-large"},
        }

    # === Its open invoices ===

    def _get_open_invoices(self):
        """Customer invoices with a line of this contract that are not paid, drafts
        included, by due date."""
        self.ensure_one()
        items = self.env["account.move.line"].search(
            [
                ("contract_line_id", "in", self.contract_line_ids.ids),
                ("move_id.move_type", "=", "out_invoice"),
                ("move_id.payment_state", "in", OPEN_STATES),
                ("parent_state", "in", ("draft", "posted")),
            ]
        )
        return items.move_id.filtered(lambda move: move._is_open()).sorted(
            lambda move: (move._get_open_due_date() or fields.Date.today(), move.id)
        )

    def _plan_open_invoices(self, choice) -> Iterator[tuple[models.Model, Ending]]:
        """What would become of each open invoice. Nothing is written.

        :param choice: ``keep``, ``cancel_all`` or ``cancel_not_due``
        :return: pairs of an invoice and its ``Ending``
        """
        self.ensure_one()
        today = self.company_id.sudo()._get_telephony_today()
        for move in self._get_open_invoices():
            due = move._get_open_due_date()
            if choice == "keep":
                yield move, Ending("keep")
            elif choice == "cancel_not_due" and due and due < today:
                yield move, Ending("keep", self.env._("it is due already"))
            else:
                yield move, move._get_ending(self)

    def _settle_open_invoices(self, plan):
        """Do what was planned.

        :param plan: pairs as ``_plan_open_invoices`` yields them
        :return: lines of what happened, as markup
        """
        self.ensure_one()
        told = []
        for move, ending in plan:
            try:
                with self.env.cr.savepoint():
                    told.append(self._settle(move, ending))
            except UserError as error:
                raise UserError(
                    self.env._(
                        "%(invoice)s: %(error)s\nNothing was done.",
                        invoice=move.display_name,
                        error=error,
                    )
                ) from error
        return told

    def _settle(self, move, ending):
        link = move._get_html_link()
        why = f" ({ending.reason})" if ending.reason else ""
        if ending.outcome == "cancel":
            charges = move._cancel_for_good()
            self._remember_settled(move)
            return self.env._("Cancelled: %s", link) + self._tell_written_off(charges)
        if ending.outcome == "credit":
            credit = move._credit_open_part()
            self._remember_settled(credit)
            return self.env._(
                "Credited: %(invoice)s by %(credit)s%(why)s",
                invoice=link,
                credit=credit._get_html_link(),
                why=why,
            )
        if ending.outcome == "ask":
            return self.env._(
                "Left as it is, somebody must decide: %(invoice)s%(why)s",
                invoice=link,
                why=why,
            )
        return self.env._("Stays open: %(invoice)s%(why)s", invoice=link, why=why)

    def _tell_written_off(self, charges):
        if not charges:
            return ""
        return Markup(" — ") + self.env._(
            "telephony written off: %s",
            Markup(", ").join(charge._get_html_link() for charge in charges),
        )

    def _remember_settled(self, moves):
        self.sudo().saperx_settled_move_ids |= moves.sudo()

    # === The remaining financial ===

    def _prepare_fee_line(self, contract_line, text, amount):
        """:param amount: as the fee's product states it, in the contract's currency"""
        product = self.company_id.sudo()._get_termination_fee_product()
        return {
            "product_id": product.id,
            "product_uom_id": product.uom_id.id,
            "name": text,
            "quantity": 1,
            "price_unit": amount,
            # By which the invoice is one of the contract; it moves no date.
            "contract_line_id": contract_line.id,
            "analytic_distribution": contract_line.analytic_distribution,
        }

    def _get_fee_total(self, lines):
        """What an invoice of these lines would come to, taxes included."""
        self.ensure_one()
        if not lines:
            return 0.0
        contract = self.sudo()
        customer = contract.partner_id.commercial_partner_id
        values = contract._prepare_invoice_apart(customer, lines)
        move = self.env["account.move"].sudo().with_company(contract.company_id)
        totals = move.new(values).tax_totals
        return totals["total_amount_currency"] if totals else 0.0

    def _invoice_fee(self, lines):
        """A draft of the remaining financial.

        :param lines: values as ``_prepare_fee_line`` has them
        """
        self.ensure_one()
        contract = self.sudo()
        customer = contract.partner_id.commercial_partner_id
        move = contract._create_invoice_apart(customer, lines)
        move.is_saperx_fee = True
        self._remember_settled(move)
        return move.with_env(self.env)

    # === The way back ===

    def _name_money_to_undo(self):
        """A termination that is undone gives no money back: say what is left."""
        for contract in self.sudo():
            moves = contract.saperx_settled_move_ids
            contract.saperx_settled_move_ids = False
            told = list(filter(None, map(contract._tell_to_undo, moves)))
            if told:
                contract.message_post(
                    body=contract._format_told(
                        self.env._(
                            "The termination was undone, but not what it did to the "
                            "money. If it is to be undone, do so by hand:"
                        ),
                        told,
                    )
                )

    def _tell_to_undo(self, move):
        """What is to be undone of an invoice of the termination, or None."""
        link = move._get_html_link()
        if move.move_type == "out_refund":
            if move.state == "cancel" or move.reversal_move_ids:
                return None
            return self.env._(
                "%(credit)s credits %(invoice)s",
                credit=link,
                invoice=move.reversed_entry_id._get_html_link(),
            )
        if move.is_saperx_fee:
            if move.state == "cancel":
                return None
            return self.env._("%s demands the remaining financial", link)
        if move.state != "cancel":
            return None
        charges = move.invoice_line_ids.saperx_charge_id
        return self.env._("%s is cancelled", link) + self._tell_written_off(
            charges.filtered(lambda charge: charge.state == "written_off")
        )

    def _format_told(self, head, told):
        items = Markup().join(Markup("<li>%s</li>") % line for line in told)
        return Markup("<p>%s</p><ul>%s</ul>") % (head, items)

    def _tell_settlement(self, told):
        """Write on the contract what its termination did to its money."""
        self.ensure_one()
        head = self.env._(
            "Terminated on %(date)s, with its money:",
            date=format_date(self.env, self.terminate_date),
        )
        self.message_post(body=self._format_told(head, told))
