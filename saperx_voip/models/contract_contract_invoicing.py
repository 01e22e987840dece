# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class ContractContract(models.Model):
    """How charges reach the contract's invoices, without breaking OCA's own."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    def _ensure_telephony_line(self, product):
        """The contract line that links telephony to its invoices.

        It never falls due and counts for no date of the contract: it stands as
        cancelled for OCA's code, and only charges are put on invoices through it.
        """
        self.ensure_one()
        # The lines of an archived contract are archived with it.
        lines = self.with_context(active_test=False).contract_line_ids
        line = lines.filtered("is_telephony")[:1].with_env(self.env)
        return line or self.env["contract.line"].create(
            self._prepare_telephony_line(product)
        )

    def _prepare_telephony_line(self, product):
        # Portal customers read it on their contract.
        customer = self.with_context(lang=self.partner_id.lang)
        return {
            "contract_id": self.id,
            "is_telephony": True,
            "is_canceled": True,
            "is_auto_renew": False,
            "product_id": product.id,
            "name": customer.env._("Telephony outside the plan, as charged"),
            "quantity": 1,
            "uom_id": product.uom_id.id,
            "price_unit": 0,
            "sequence": 1000,
            "date_start": self.date or fields.Date.context_today(self),
        }

    def _get_charges_to_invoice(self):
        """The charges that may go onto an invoice, locked until this transaction ends.

        Those of a contract in another currency wait: ``_explain_other_currency``.
        """
        contracts = self.filtered(
            lambda contract: contract.currency_id == contract.company_id.currency_id
        )
        return (
            self.env["saperx.charge"]
            .sudo()
            ._lock_to_invoice(Domain("contract_id", "in", contracts.ids))
        )

    def _explain_other_currency(self):
        """Why no charge goes onto an invoice of this contract, or None."""
        self.ensure_one()
        own = self.company_id.currency_id
        if self.currency_id == own:
            return None
        return self.env._(
            "The contract “%(contract)s” is in %(currency)s: calls are "
            "priced in %(own)s and cannot be put on its invoices.",
            contract=self.display_name,
            currency=self.currency_id.name,
            own=own.name,
        )

    def _prepare_recurring_invoices_values(self, date_ref=False):
        """Append the charges to what falls due anyway.

        Contract by contract, since the values of an invoice carry no contract; the
        charges are found and locked at once. May run twice for one invoice: nothing is
        marked here.
        """
        sold = self.filtered(lambda contract: contract.contract_type == "sale")
        waiting = sold._get_charges_to_invoice().grouped("contract_id")
        invoices_values = []
        for contract in self:
            values = super(
                ContractContract, contract
            )._prepare_recurring_invoices_values(date_ref)
            if values and contract in waiting:
                lines = waiting[contract]._choose_for_recurring()._prepare_move_lines()
                values[0]["invoice_line_ids"] += map(Command.create, lines)
            invoices_values += values
        return invoices_values

    def action_invoice_telephony(self):
        """Invoice what waits now, apart from the recurring lines, however little."""
        self.ensure_one()
        self.check_access("read")
        self.env["saperx.charge"]._check_billing()
        if reason := self.sudo()._explain_other_currency():
            raise UserError(reason)
        moves = self._invoice_telephony()
        if not moves:
            raise UserError(self.env._("There is no confirmed charge to invoice."))
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": moves[:1].id,
            "views": [(False, "form")],
        }

    def _invoice_telephony(self, choose=None):
        """Invoices dated today with each contract's charges alone.

        :param choose: which of a contract's charges; None: all of them
        """
        moves = self.env["account.move"].sudo()
        # An archived contract has its last charges invoiced as well.
        for contract in self.sudo().with_context(active_test=False):
            charges = contract._get_charges_to_invoice()
            if choose:
                charges = choose(charges)
            # What a former customer called is theirs.
            for customer, theirs in charges.grouped(
                lambda charge: charge.partner_id.commercial_partner_id
            ).items():
                moves |= contract._create_invoice_apart(
                    customer, theirs._prepare_move_lines()
                )
        return moves.with_env(self.env)

    def _create_invoice_apart(self, customer, lines):
        """A draft of the contract that disturbs neither its lines nor their dates.

        :param customer: the commercial partner that pays
        :param lines: values of invoice lines
        """
        self.ensure_one()
        moves = self.env["account.move"].with_company(self.company_id)
        move = moves.create(self._prepare_invoice_apart(customer, lines))
        self._add_contract_origin(move)
        self._invoice_followers(move)
        return move

    def _prepare_invoice_apart(self, customer, lines):
        self.ensure_one()
        values = self._prepare_invoice(self.company_id._get_telephony_today())
        if customer != self.partner_id.commercial_partner_id:
            # Terms of the present customer are not those of the former one.
            for name in ("fiscal_position_id", "invoice_payment_term_id"):
                values.pop(name, None)
            address = customer.address_get(["invoice"])["invoice"]
            values["partner_id"] = address
        values["invoice_line_ids"] = [Command.create(line) for line in lines]
        return values
