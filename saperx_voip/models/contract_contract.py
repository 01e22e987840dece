# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError, ValidationError

_logger = logging.getLogger(__name__)

# Who reads contracts without a role here reads them as ever.
ROLES = "saperx_voip.group_user"

LIFE_FIELDS = {"is_terminated", "terminate_date", "active"}


class ContractContract(models.Model):
    _inherit = "contract.contract"

    # Whoever works on lines reads contracts, but neither journals nor their items.
    currency_id = fields.Many2one(compute_sudo=True)
    pricelist_id_domain = fields.Binary(compute_sudo=True)
    invoice_count = fields.Integer(compute_sudo=True)
    saperx_line_ids = fields.One2many(
        "saperx.line", "contract_id", string="SIP lines", groups=ROLES
    )
    saperx_line_count = fields.Integer(compute="_compute_saperx_counts", groups=ROLES)
    saperx_charge_count = fields.Integer(compute="_compute_saperx_counts", groups=ROLES)
    saperx_amount_to_invoice = fields.Monetary(
        compute="_compute_saperx_counts", groups=ROLES
    )

    def _compute_saperx_counts(self):
        def count(model, domain, aggregate="__count"):
            return dict(
                self.env[model]._read_group(
                    [("contract_id", "in", self.ids), *domain],
                    ["contract_id"],
                    [aggregate],
                )
            )

        lines = count("saperx.line", [])
        charges = count("saperx.charge", [("state", "!=", "cancelled")])
        amounts = count("saperx.charge", [("state", "=", "confirmed")], "amount:sum")
        for contract in self:
            contract.saperx_line_count = lines.get(contract, 0)
            contract.saperx_charge_count = charges.get(contract, 0)
            contract.saperx_amount_to_invoice = amounts.get(contract, 0.0)

    def write(self, vals):
        if "company_id" in vals:
            self._check_lines_stay(vals["company_id"])
        res = super().write(vals)
        if LIFE_FIELDS & vals.keys():
            self._end_lines_if_dead()
        if "partner_id" in vals:
            self.env["saperx.line.period"].sudo()._follow_customers(self)
            self.sudo().saperx_line_ids._raise_revision()
        return res

    def _check_lines_stay(self, company_id):
        """Lines live on their company's platform, and stay with its contracts."""
        moved = self.filtered(lambda contract: contract.company_id.id != company_id)
        for contract in moved.filtered(lambda c: c.sudo().saperx_line_ids):
            raise UserError(
                self.env._(
                    "The contract “%s” has SIP lines: it stays with its company.",
                    contract.display_name,
                )
            )

    @api.constrains("manual_currency_id", "journal_id", "pricelist_id")
    def _check_saperx_currency(self):
        for contract in self:
            own = contract.company_id.currency_id
            alive = contract.sudo().saperx_line_ids.filtered(
                lambda line: line.state != "cancelled"
            )
            if alive and contract.currency_id != own:
                raise ValidationError(
                    self.env._(
                        "The contract “%(contract)s” has SIP lines, whose calls are "
                        "priced in %(currency)s: it cannot be in another currency.",
                        contract=contract.display_name,
                        currency=own.name,
                    )
                )

    # === Life ===

    def _is_dead(self, day):
        """Whether the contract is over on a day of its company's zone.

        It is, once its termination date has come, or it is archived, or every
        product line is cancelled or closed without a successor. A line that waits
        for its renewal lives; sections, notes and our own line do not count.
        """
        self.ensure_one()
        if not self.active:
            return True
        if self.is_terminated:
            return not self.terminate_date or self.terminate_date <= day
        lines = self.contract_line_ids.filtered(
            lambda line: not line.display_type and not line.is_telephony
        )
        return bool(lines) and all(line._is_dead(day) for line in lines)

    def _check_takes_lines(self, day):
        """Whether SIP lines may be on the contract on a day of its company's zone.

        :raise ValidationError: saying why not
        """
        self.ensure_one()
        if self._is_dead(day):
            raise ValidationError(
                self.env._(
                    "The contract “%s” has ended: it takes no line.", self.display_name
                )
            )
        if self.contract_type != "sale":
            raise ValidationError(
                self.env._("A SIP line belongs to a customer's contract.")
            )
        own = self.company_id.currency_id
        if self.currency_id != own:
            raise ValidationError(
                self.env._(
                    "The contract “%(contract)s” is in %(currency)s: calls are "
                    "priced in %(own)s and cannot be put on its invoices.",
                    contract=self.display_name,
                    currency=self.currency_id.name,
                    own=own.name,
                )
            )

    def _end_lines_if_dead(self):
        """Cancel the SIP lines whose contract, or recurring fee, is over today.

        :return: the lines that were cancelled
        """
        ended = self.env["saperx.line"].sudo()
        for contract in self.sudo().with_context(active_test=False):
            today = contract.company_id._get_telephony_today()
            # Those that are on another contract since a moment ago do not end with it.
            contract.saperx_line_ids._take_over_terms()
            is_dead = contract._is_dead(today)
            if is_dead:
                contract._refuse_planned_lines()
            lines = contract.saperx_line_ids.filtered(
                lambda line: line.state != "cancelled"
            )
            if not lines:
                continue
            if not is_dead:
                lines = lines.filtered(
                    lambda line, day=today: (
                        line.contract_line_id and line.contract_line_id._is_dead(day)
                    )
                )
            lines._cancel()
            ended |= lines
        return ended

    def _refuse_planned_lines(self):
        """Lines that were to come onto these contracts stay where they are."""
        now = fields.Datetime.now()
        moves = (
            self.env["saperx.line.period"]
            .sudo()
            .search([("contract_id", "in", self.ids), ("date_from", ">", now)])
            .filtered(lambda period: period.line_id.contract_id not in self)
        )
        moves.line_id._drop_planned_change(
            self.env._("the contract it was to come to has ended")
        )

    @api.model
    def _cron_end_lines(self):
        """Catch what no hook saw: an end date that passed, a direct change."""
        contracts = (
            self.env["saperx.line"]
            .search([("state", "!=", "cancelled")])
            .with_context(active_test=False)
            .contract_id
        )
        for contract in contracts:
            try:
                with self.env.cr.savepoint():
                    contract._sweep_lines()
            except Exception:  # one contract must not keep the others' lines alive
                _logger.exception("ending the lines of contract %s failed", contract.id)
            self.env["ir.cron"]._commit_progress(1)

    def _sweep_lines(self):
        for line in self._end_lines_if_dead():
            _logger.info("line %s ended with its contract", line.id)
            line.message_post(
                body=self.env._("Cancelled by the sweep: the contract had ended.")
            )

    # === The contract line that carries telephony ===

    def _ensure_telephony_line(self, product):
        """The contract line that links telephony to its invoices.

        It never falls due and counts for no date of the contract: it stands as
        cancelled for OCA's code, and only charges are put on invoices through it.
        """
        self.ensure_one()
        line = self.contract_line_ids.filtered("is_telephony")[:1]
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

    # === Invoicing ===

    def _get_charges_to_invoice(self):
        """Confirmed charges with an amount, locked until this transaction ends.

        Calls are priced in the company's currency: on another's invoice they wait.
        """
        contracts = self.filtered(
            lambda contract: contract.currency_id == contract.company_id.currency_id
        )
        charges = (
            self.env["saperx.charge"]
            .sudo()
            .search(
                [
                    ("contract_id", "in", contracts.ids),
                    ("state", "=", "confirmed"),
                    ("amount", ">", 0),
                ],
                order="cycle_end, id",
            )
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
        for contract in self.sudo():
            charges = contract._get_charges_to_invoice().filtered(only or bool)
            # What a former customer called is theirs.
            for customer, theirs in charges.grouped(
                lambda charge: charge.partner_id.commercial_partner_id
            ).items():
                values = contract._prepare_telephony_invoice(customer)
                values["invoice_line_ids"] = [
                    Command.create(line) for line in theirs._prepare_move_lines()
                ]
                move = moves.with_company(contract.company_id).create(values)
                contract._add_contract_origin(move)
                contract._invoice_followers(move)
                moves |= move
        return moves.with_env(self.env)

    def _prepare_telephony_invoice(self, customer):
        """:param customer: the commercial partner that pays"""
        self.ensure_one()
        values = self._prepare_invoice(self.company_id._get_telephony_today())
        if customer != self.partner_id.commercial_partner_id:
            # Terms of the present customer are not those of the former one.
            for name in ("fiscal_position_id", "invoice_payment_term_id"):
                values.pop(name, None)
            address = customer.address_get(["invoice"])["invoice"]
            values["partner_id"] = address
        return values

    def _next_due_date(self):
        """When OCA's invoicing next makes an invoice of this contract, or None."""
        self.ensure_one()
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
        charges = self.env["saperx.charge"].search(
            [("state", "=", "confirmed"), ("amount", ">", 0)]
        )
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

    # === Actions ===

    def action_new_saperx_line(self):
        """Open a new line's own form: it is never written through the contract."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New SIP line"),
            "res_model": "saperx.line",
            "views": [(False, "form")],
            "context": {"default_contract_id": self.id},
        }

    def _get_saperx_action(self, xmlid):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(xmlid)
        return {**action, "domain": [("contract_id", "=", self.id)], "context": {}}

    def action_view_saperx_calls(self):
        return self._get_saperx_action("saperx_voip.saperx_cdr_action")

    def action_view_saperx_charges(self):
        return self._get_saperx_action("saperx_voip.saperx_charge_action")
