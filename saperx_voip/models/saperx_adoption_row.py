# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

CERTAINTIES = [
    ("certain", "Certain"),
    ("likely", "Likely"),
    ("possible", "Possible"),
    ("none", "Nothing found"),
]
# What a person decides, and only until it is done.
DECISIONS = {"contract_id", "contract_line_id", "tariff_id", "is_chosen"}
STILL_OPEN = ("open", "failed")


class SaperxAdoptionRow(models.Model):
    """One circuit without a line here, with the contracts proposed for it."""

    _name = "saperx.adoption.row"
    _description = "Circuit to adopt"
    _order = "adoption_id, certainty, id"
    _rec_name = "circuit_id"
    _check_company_auto = True

    adoption_id = fields.Many2one(
        "saperx.adoption", required=True, index=True, ondelete="cascade", readonly=True
    )
    circuit_id = fields.Many2one(
        "saperx.circuit", required=True, index=True, ondelete="cascade", readonly=True
    )
    integration_id = fields.Many2one(related="adoption_id.integration_id")
    company_id = fields.Many2one(
        related="adoption_id.company_id", store=True, index=True
    )
    customer_name = fields.Char(
        related="circuit_id.customer_name", string="Name on the platform"
    )
    customer_document = fields.Char(
        related="circuit_id.customer_document", string="CPF/CNPJ"
    )
    numbers = fields.Char(related="circuit_id.numbers", string="Numbers")
    account_code = fields.Char(related="circuit_id.account_code")
    status = fields.Selection(related="circuit_id.status", string="Status")
    plan_description = fields.Char(
        related="circuit_id.plan_description", string="Plan on the platform"
    )
    closing_day = fields.Integer(related="circuit_id.closing_day", aggregator=False)
    billing_type = fields.Selection(related="circuit_id.billing_type")

    certainty = fields.Selection(
        CERTAINTIES, required=True, readonly=True, default="none", index=True
    )
    is_ambiguous = fields.Boolean(
        string="Several fit", readonly=True, help="Nothing is chosen: say which it is."
    )
    proposal_ids = fields.One2many("saperx.adoption.proposal", "row_id", readonly=True)
    reasons = fields.Char(
        compute="_compute_reasons", help="What speaks for the first proposal."
    )
    is_by_hand = fields.Boolean(
        string="Contract set by hand",
        readonly=True,
        help="A person said which contract it is: new proposals leave it alone.",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
        domain="[('contract_type', '=', 'sale'), ('company_id', '=', company_id)]",
    )
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer")
    contract_line_id = fields.Many2one(
        "contract.line",
        string="Recurring fee",
        index="btree_not_null",
        ondelete="set null",
        domain="[('contract_id', '=', contract_id), ('is_telephony', '=', False)]",
        help="The line lives as long as this fee of the contract. "
        "Empty: as long as the contract.",
    )
    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        index="btree_not_null",
        ondelete="set null",
        check_company=True,
        help="Empty: that of the adoption.",
    )
    is_chosen = fields.Boolean(string="Adopt")
    state = fields.Selection(
        [
            ("open", "To decide"),
            ("waiting", "Being adopted"),
            ("adopted", "Adopted"),
            ("failed", "Not adopted"),
        ],
        required=True,
        readonly=True,
        default="open",
        index=True,
    )
    error = fields.Char(string="Why not", readonly=True)
    line_id = fields.Many2one(
        "saperx.line",
        string="SIP line",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )

    _once = models.UniqueIndex("(circuit_id)")
    _to_adopt = models.Index("(adoption_id, id) WHERE state = 'waiting'")

    @api.depends("proposal_ids.evidence")
    @api.depends_context("lang")
    def _compute_reasons(self):
        for row in self:
            row.reasons = row.proposal_ids[:1].reasons

    @api.constrains("is_chosen", "contract_id", "contract_line_id")
    def _check_choice(self):
        for row in self:
            if row.is_chosen and not row.contract_id:
                raise ValidationError(
                    self.env._(
                        "Say first which contract the circuit %s is of.",
                        row.circuit_id.display_name,
                    )
                )
            fee = row.contract_line_id
            if fee and fee.contract_id != row.contract_id:
                raise ValidationError(
                    self.env._("The recurring fee is none of this contract's.")
                )

    def write(self, vals):
        if DECISIONS & vals.keys() and any(row.state not in STILL_OPEN for row in self):
            raise UserError(
                self.env._("What is adopted, or being adopted, is decided already.")
            )
        if "contract_id" in vals:
            vals = {"contract_line_id": False, **vals}
            vals["is_by_hand"] = bool(vals["contract_id"])
            if not vals["contract_id"]:
                vals["is_chosen"] = False
        return super().write(vals)

    def action_choose(self):
        """Adopt those of these circuits that have a contract."""
        self.check_access("write")
        self.filtered(
            lambda row: row.contract_id and row.state in STILL_OPEN
        ).is_chosen = True

    def action_leave(self):
        """Do not adopt these circuits now."""
        self.check_access("write")
        self.filtered(lambda row: row.state in STILL_OPEN).is_chosen = False

    def action_open_line(self):
        return self.line_id.action_open()


class SaperxAdoptionProposal(models.Model):
    """A contract that a circuit may be of, and what speaks for it."""

    _name = "saperx.adoption.proposal"
    _description = "Contract proposed for a circuit"
    _order = "row_id, sequence, id"
    _rec_name = "contract_id"
    _log_access = False

    row_id = fields.Many2one(
        "saperx.adoption.row", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="row_id.company_id", store=True, index=True)
    sequence = fields.Integer()
    contract_id = fields.Many2one(
        "contract.contract", required=True, index=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer")
    customer_document = fields.Char(
        related="contract_id.partner_id.commercial_partner_id.vat", string="CPF/CNPJ"
    )
    certainty = fields.Selection(CERTAINTIES, required=True)
    evidence = fields.Json(help="Codes of adoption.Evidence, in their order.")
    reasons = fields.Char(compute="_compute_reasons")

    @api.depends("evidence")
    @api.depends_context("lang")
    def _compute_reasons(self):
        words = self._get_words()
        for proposal in self:
            codes = proposal.evidence or ()
            proposal.reasons = ", ".join(words[code] for code in codes if code in words)

    @api.model
    def _get_words(self):
        return {
            "document": self.env._("same CPF/CNPJ"),
            "code": self.env._("same code"),
            "number": self.env._("same number"),
            "name": self.env._("same name"),
            "branch": self.env._("another branch of the same CNPJ"),
            "similar_name": self.env._("similar name"),
            "other_document": self.env._("but another CPF/CNPJ"),
            "other_name": self.env._("but quite another name"),
            "several": self.env._("but several contracts fit as well"),
            "rival": self.env._("but something speaks for another contract"),
        }

    def action_take(self):
        """This contract it is."""
        self.ensure_one()
        self.row_id.write({"contract_id": self.contract_id.id, "is_chosen": True})
