# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date, formatLang

from ..rating import MAX_MONTHS, termination_fine


class ContractContractTerminate(models.TransientModel):
    """The remaining financial: proposed, entered by a person, or waived."""

    _inherit = "contract.contract.terminate"  # pylint: disable=consider-merging-classes-inherited

    generates_remaining = fields.Boolean(string="Generate the remaining financial")
    remaining_by = fields.Selection(
        [
            ("fees", "Recurring fees up to the end of the term"),
            ("fine", "Fine in proportion to a benefit"),
        ],
        string="Remaining financial",
        required=True,
        default="fees",
    )
    fee_row_ids = fields.One2many(
        "contract.contract.terminate.fee",
        "wizard_id",
        string="Remaining fees",
        compute="_compute_fee_row_ids",
        store=True,
        readonly=False,
    )
    benefit_amount = fields.Monetary(
        string="Benefit received",
        help="For staying the whole term: such as a free installation or a discount.",
    )
    benefit_start = fields.Date(string="Start of the benefit")
    benefit_months = fields.Integer(
        string="Term in months", default=MAX_MONTHS, help="1 to 12."
    )
    proposed_fine = fields.Monetary(compute="_compute_proposed_fine")
    fine_amount = fields.Monetary(
        string="Fine", compute="_compute_fine_amount", store=True, readonly=False
    )
    is_waived = fields.Boolean(string="Waive it")
    waiver_reason = fields.Char(string="Reason of the waiver")
    remaining_total = fields.Monetary(
        string="To be invoiced",
        compute="_compute_remaining_total",
        help="Taxes included.",
    )

    @api.depends(
        "contract_id",
        "terminate_date",
        "terminate_with_last_date_invoiced",
        "generates_remaining",
    )
    def _compute_fee_row_ids(self):
        for wizard in self:
            lines = wizard.contract_id._origin._get_product_lines()
            if not wizard.generates_remaining or not wizard.terminate_date:
                lines = lines.browse()
            wizard.fee_row_ids = [Command.clear()]
            for line in lines:
                remaining = line._get_remaining(
                    wizard.terminate_date, wizard.terminate_with_last_date_invoiced
                )
                if remaining:
                    values = {"contract_line_id": line.id, **remaining._asdict()}
                    wizard.fee_row_ids = [Command.create(values)]

    @api.depends("benefit_amount", "benefit_start", "benefit_months", "terminate_date")
    def _compute_proposed_fine(self):
        for wizard in self:
            wizard.proposed_fine = 0
            knows_all = wizard.benefit_start and wizard.terminate_date
            if knows_all and not wizard._get_benefit_obstacle():
                wizard.proposed_fine = float(
                    termination_fine(
                        Decimal(str(wizard.benefit_amount)),
                        wizard.benefit_start,
                        wizard.benefit_months,
                        wizard.terminate_date,
                        Decimal(str(wizard.currency_id.rounding or 0.01)),
                    )
                )

    @api.depends("proposed_fine")
    def _compute_fine_amount(self):
        for wizard in self:
            wizard.fine_amount = wizard.proposed_fine

    @api.depends(
        "generates_remaining",
        "remaining_by",
        "fee_row_ids.amount",
        "fine_amount",
        "terminate_date",
        "contract_id",
    )
    def _compute_remaining_total(self):
        for wizard in self:
            contract = wizard.contract_id._origin
            lines = wizard._prepare_fee_lines() if contract else []
            wizard.remaining_total = contract._get_fee_total(lines) if lines else 0

    def _get_benefit_obstacle(self):
        """Why no fine can be proposed, in words, or None."""
        if self.benefit_amount < 0:
            return self.env._("The benefit is not negative.")
        if not 1 <= self.benefit_months <= MAX_MONTHS:
            return self.env._("The term of a benefit has 1 to 12 months.")
        return None

    def _check_remaining(self):
        """:raise UserError: if what was entered makes no sense"""
        self.ensure_one()
        if not self.generates_remaining:
            return
        if self.contract_type != "sale":
            raise UserError(
                self.env._("Only a customer's contract has a remaining financial.")
            )
        if self.remaining_by == "fine" and (error := self._get_benefit_obstacle()):
            raise UserError(error)
        amounts = [self.fine_amount, *self.fee_row_ids.mapped("amount")]
        if any(amount < 0 for amount in amounts):
            raise UserError(self.env._("The remaining financial is not negative."))
        if self.fee_row_ids.contract_line_id.contract_id - self.contract_id:
            raise UserError(
                self.env._("The remaining fees are those of this contract alone.")
            )
        if self.is_waived and not (self.waiver_reason or "").strip():
            raise UserError(self.env._("Say why the remaining financial is waived."))
        if not self.is_waived and not self._prepare_fee_lines():
            raise UserError(
                self.env._(
                    "There is no remaining financial to generate: enter its amount, "
                    "waive it with a reason, or leave it out."
                )
            )

    def _prepare_fee_lines(self):
        """:return: values of the invoice lines that would be made, or are waived"""
        self.ensure_one()
        if not self.generates_remaining:
            return []
        contract = self.contract_id._origin.sudo()
        if self.remaining_by == "fees":
            return [
                contract._prepare_fee_line(
                    row.contract_line_id._origin.sudo(), row._get_text(), row.amount
                )
                for row in self.fee_row_ids
                if row.amount
            ]
        if not self.fine_amount:
            return []
        customer = contract.with_context(lang=contract.partner_id.lang)
        text = customer.env._(
            "Termination fee: contract ended on %s",
            format_date(customer.env, self.terminate_date),
        )
        line = contract._get_product_lines()[:1] or contract.contract_line_ids[:1]
        return [contract._prepare_fee_line(line, text, self.fine_amount)]

    def _settle_remaining(self):
        """:return: lines of what happened, as markup"""
        self.ensure_one()
        if not self.generates_remaining:
            return []
        if self.is_waived:
            return [
                self.env._(
                    "Remaining financial of %(total)s waived: %(reason)s",
                    total=self._format(self.remaining_total),
                    reason=self.waiver_reason,
                )
            ]
        move = self.contract_id._invoice_fee(self._prepare_fee_lines())
        return [
            self.env._(
                "Remaining financial of %(total)s: draft %(invoice)s",
                total=self._format(move.amount_total),
                invoice=move._get_html_link(),
            )
        ]

    def _format(self, amount):
        return formatLang(self.env, amount, currency_obj=self.currency_id)
