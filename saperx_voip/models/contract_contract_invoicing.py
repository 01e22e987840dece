# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import Command, api, fields, models
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
        return {
            "contract_id": self.id,
            "is_telephony": True,
            "is_canceled": True,
            "is_auto_renew": False,
            "product_id": product.id,
            "name": self.env._("Telephony outside the plan, as charged"),
            "quantity": 1,
            "uom_id": product.uom_id.id,
            "price_unit": 0,
            "sequence": 1000,
            "date_start": self.date or fields.Date.context_today(self),
        }

    def _get_charges_to_invoice(self):
        """Confirmed charges with an amount, locked until this transaction ends.

        Calls are priced in the company's currency: on another's invoice they wait.
        """
        contracts = self.filtered(
            lambda contract: contract.currency_id == contract.company_id.currency_id
        )
        charge_model = self.env["saperx.charge"].sudo()
        charges = charge_model.search(
            charge_model._domain_to_invoice()
            & Domain("contract_id", "in", contracts.ids),
            order="cycle_end, id",
        )
        return charges.try_lock_for_update(allow_referencing=True)

    def _prepare_recurring_invoices_values(self, date_ref=False):
        """Append the confirmed charges to what falls due anyway.

        Contract by contract, since the values of an invoice carry no contract. May
        run twice for one invoice: nothing is marked here.
        """
        invoices_values = []
        for contract in self:
            values = super(
                ContractContract, contract
            )._prepare_recurring_invoices_values(date_ref)
            if values and contract.contract_type == "sale":
                charges = contract._get_charges_to_invoice().filtered(
                    lambda charge: not charge._is_of_former_customer()
                )
                values[0]["invoice_line_ids"] += [
                    Command.create(line) for line in charges._prepare_move_lines()
                ]
            invoices_values += values
        return invoices_values

    def action_invoice_telephony(self):
        """Invoice the confirmed charges now, apart from the recurring lines."""
        self.ensure_one()
        self.check_access("read")
        self.env["saperx.charge"]._check_billing()
        moves = self._invoice_telephony()
        if not moves:
            raise UserError(self.env._("There is no confirmed charge to invoice."))
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": moves[:1].id,
            "views": [(False, "form")],
        }

    def _invoice_telephony(self, only=None):
        """An invoice dated today with each contract's confirmed charges alone.

        :param only: a condition on a charge; None: all of them
        """
        moves = self.env["account.move"].sudo()
        # An archived contract has its last charges invoiced as well.
        for contract in self.sudo().with_context(active_test=False):
            charges = contract._get_charges_to_invoice().filtered(only or bool)
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

    def _next_due_date(self):
        """When OCA's invoicing next makes an invoice of this contract, or None."""
        self.ensure_one()
        if not self.active:
            return None
        dates = [
            line.recurring_next_date
            for line in self.contract_line_ids
            if not line.is_canceled
            and line.recurring_next_date
            and line.next_period_date_start
            and (not line.display_type or line.is_recurring_note)
        ]
        return min(dates, default=None)

    @api.model
    def _cron_invoice_telephony(self):
        """Invoice charges that no recurring invoice takes along in time."""
        charge_model = self.env["saperx.charge"]
        charges = charge_model.search(charge_model._domain_to_invoice())
        by_contract = charges.grouped("contract_id")
        for index, (contract, waiting) in enumerate(by_contract.items()):
            former = waiting.filtered(lambda c: c._is_of_former_customer())
            present = waiting - former
            alone = present and contract._has_nothing_due_in_time(present)
            if former or alone:
                only = None if alone else (lambda c: c._is_of_former_customer())
                try:
                    with self.env.cr.savepoint():
                        contract._invoice_telephony(only)
                    contract._clear_invoice_generation_error()
                except Exception as error:  # one contract must not stop the others
                    contract._record_invoice_generation_error(error, "invoice")
            self.env["ir.cron"]._commit_progress(
                1, remaining=len(by_contract) - index - 1
            )

    def _has_nothing_due_in_time(self, charges):
        self.ensure_one()
        patience = timedelta(days=self.company_id.saperx_invoice_patience_days)
        latest = min(charges.mapped("confirmed_at")).date() + patience
        due = self._next_due_date()
        overdue = self.company_id._get_telephony_today() > latest
        return due is None or due > latest or overdue
