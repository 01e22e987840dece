# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang


class ContractContractTerminate(models.TransientModel):
    """The guide's four ways to cancel a contract: alone, with the remaining financial,
    with its open invoices, or with those of them that are not yet due.

    All is shown before it happens; what happened is written on the contract.
    """

    _inherit = "contract.contract.terminate"

    terminate_date = fields.Date(default=lambda self: self._default_terminate_date())
    terminate_with_last_date_invoiced = fields.Boolean(
        compute="_compute_terminate_with_last_date_invoiced",
        store=True,
        readonly=False,
    )
    contract_type = fields.Selection(related="contract_id.contract_type")
    currency_id = fields.Many2one(related="contract_id.currency_id")
    was_terminated = fields.Boolean(
        compute="_compute_was_terminated", store=True, readonly=False
    )
    has_telephony = fields.Boolean(compute="_compute_has_telephony")
    obstacle = fields.Text(compute="_compute_obstacle")
    open_invoices = fields.Selection(
        [
            ("keep", "Keep them"),
            ("cancel_all", "Cancel all"),
            ("cancel_not_due", "Cancel those not yet due"),
        ],
        required=True,
        default="keep",
    )
    invoice_row_ids = fields.One2many(
        "contract.contract.terminate.invoice",
        "wizard_id",
        string="What becomes of them",
        compute="_compute_invoice_row_ids",
        store=True,
        readonly=False,
    )

    @api.model
    def _default_terminate_date(self):
        contract = self.env["contract.contract"].browse(
            self.env.context.get("default_contract_id")
        )
        company = contract.company_id or self.env.company
        return contract.terminate_date or company._get_telephony_today()

    @api.depends("contract_id", "terminate_date")
    def _compute_terminate_with_last_date_invoiced(self):
        """Proposed where the termination would fail without it: contract lines that
        were invoiced beyond the date. SIP lines end on the date all the same."""
        for wizard in self:
            contract = wizard.contract_id.sudo()
            days = contract._get_product_lines().mapped("last_date_invoiced")
            invoiced_until = max(filter(None, days), default=None)
            wizard.terminate_with_last_date_invoiced = bool(
                invoiced_until
                and wizard.terminate_date
                and wizard.terminate_date < invoiced_until
            )

    @api.depends("contract_id")
    def _compute_was_terminated(self):
        for wizard in self:
            wizard.was_terminated = wizard.contract_id.is_terminated

    @api.depends("contract_id")
    def _compute_has_telephony(self):
        for wizard in self:
            wizard.has_telephony = bool(wizard.contract_id.sudo().saperx_line_ids)

    @api.depends("contract_id")
    def _compute_obstacle(self):
        for wizard in self:
            wizard.obstacle = wizard._get_obstacle()

    @api.depends("contract_id", "open_invoices")
    def _compute_invoice_row_ids(self):
        for wizard in self:
            wizard.invoice_row_ids = [
                Command.clear(),
                *(
                    Command.create(wizard._prepare_invoice_row(move, ending))
                    for move, ending in wizard._plan_open_invoices()
                ),
            ]

    def terminate_contract(self):
        for wizard in self:
            wizard._check_may_terminate()
            wizard._check_nothing_changed()
            wizard._check_remaining()
            plan = list(wizard._plan_open_invoices())
            super(ContractContractTerminate, wizard).terminate_contract()
            wizard._settle(plan)
        return True

    def _get_obstacle(self):
        """Why its user cannot terminate contracts, in words, or False."""
        self.ensure_one()
        models_to_write = ("contract.contract", "contract.line")
        if all(self.env[name].has_access("write") for name in models_to_write):
            return False
        return self.env._(
            "Terminating changes the contract and its lines: besides the right to "
            "terminate contracts you need the accounting role “%s”.",
            self.env.ref("account.group_account_manager").sudo().name,
        )

    def _check_may_terminate(self):
        self.ensure_one()
        if obstacle := self._get_obstacle():
            raise UserError(obstacle)
        self.contract_id.check_access("write")

    def _check_nothing_changed(self):
        """Let one person terminate at a time, and what was seen be what happens.

        :raise UserError: if it is otherwise than the wizard showed
        """
        contract = self.contract_id
        if not contract.try_lock_for_update(allow_referencing=True):
            raise UserError(
                self.env._("Somebody else is changing the contract: try again.")
            )
        if contract.is_terminated != self.was_terminated:
            raise UserError(
                self.env._(
                    "The contract was terminated, or taken back, since you opened "
                    "this. Close it and look at the contract."
                )
            )
        shown = {row._get_promise() for row in self.invoice_row_ids}
        now = {
            (move.id, ending.outcome, move._get_open_part())
            for move, ending in self._plan_open_invoices()
        }
        if shown != now:
            raise UserError(
                self.env._(
                    "The open invoices have changed since you opened this. Close it, "
                    "open it again and look at them."
                )
            )

    # === What happens to the money ===

    def _plan_open_invoices(self):
        """As ``contract.contract._plan_open_invoices``; nothing of a supplier's."""
        contract = self.contract_id._origin
        if contract.contract_type != "sale":
            return ()
        return contract._plan_open_invoices(self.open_invoices)

    @api.model
    def _prepare_invoice_row(self, move, ending):
        charges = move.invoice_line_ids.saperx_charge_id.sudo()
        remarks = [ending.reason]
        if ending.outcome == "cancel" and charges:
            amount = formatLang(
                self.env,
                sum(charges.mapped("amount")),
                currency_obj=charges.currency_id,
            )
            remarks.append(self.env._("its telephony of %s is written off", amount))
        return {
            "move_id": move.id,
            "due_date": move._get_open_due_date(),
            "amount": move._get_open_part(),
            "outcome": ending.outcome,
            "remark": "; ".join(filter(None, remarks)),
        }

    def _settle(self, plan):
        """The money, after the contract: a failure takes both back."""
        told = []
        if self.open_invoices != "keep":
            told += self.contract_id._settle_open_invoices(plan)
        told += self._settle_remaining()
        if told:
            self.contract_id._tell_settlement(told)
