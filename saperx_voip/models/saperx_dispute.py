# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

ACTIVITY = "saperx_voip.mail_activity_dispute"
REASONS = [
    ("not_recognised", "Call not recognised"),
    ("price", "Price or billing plan"),
    ("duration", "Duration"),
    ("twice", "Charged twice"),
    ("service", "Failure of the service"),
    ("other", "Other"),
]
# Kept by opening and deciding, never written from outside.
OWN_FIELDS = {
    "accepted_amount", "amount", "company_id", "contract_id", "credit_amount",
    "credit_state", "decided_by_id", "decided_on", "name", "partner_id", "state",
}  # fmt: skip
DECIDING_FIELDS = {"answer", "only_amount"}


class SaperxDispute(models.Model):
    """What a customer says is charged wrongly: some calls, or a charge as a whole.

    As long as it is open, unbilled calls of it are not charged, and a charge that is
    not invoiced yet stays off the invoices. What is on an invoice stays there until
    billing decides. How it is decided: ``saperx_dispute_decision.py``.
    """

    _name = "saperx.dispute"
    _description = "Dispute"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _mail_post_access = "read"
    _order = "opened_on desc, id desc"
    _check_company_auto = True

    name = fields.Char(string="Protocol", readonly=True, copy=False, index="trigram")
    state = fields.Selection(
        [
            ("open", "Undecided"),
            ("accepted", "Accepted"),
            ("rejected", "Turned down"),
            ("withdrawn", "Withdrawn"),
        ],
        required=True,
        readonly=True,
        copy=False,
        default="open",
        index=True,
        tracking=True,
    )
    charge_id = fields.Many2one(
        "saperx.charge",
        string="Whole charge",
        index="btree_not_null",
        ondelete="restrict",
        domain="[('state', 'in', ('draft', 'confirmed', 'invoiced'))]",
        help="Empty: the calls below.",
    )
    call_ids = fields.One2many("saperx.dispute.call", "dispute_id", string="Calls")
    call_count = fields.Integer(compute="_compute_amount", store=True)
    contract_id = fields.Many2one(
        "contract.contract",
        compute="_compute_whose",
        store=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        compute="_compute_whose",
        store=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company", compute="_compute_whose", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    # Without a default: a form that is only looked at is not saved by itself.
    reason = fields.Selection(REASONS, required=True)
    note = fields.Text(string="What the customer says")
    opened_on = fields.Date(
        required=True,
        default=lambda self: self.env.company._get_telephony_today(),
    )
    deadline = fields.Date(
        compute="_compute_deadline",
        store=True,
        readonly=False,
        tracking=True,
        help="Until when the customer gets an answer.",
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        default=lambda self: self.env.company.saperx_dispute_user_id or self.env.user,
        domain="[('share', '=', False)]",
        index="btree_not_null",
        tracking=True,
    )
    amount = fields.Monetary(
        string="Disputed",
        compute="_compute_amount",
        store=True,
        help="What was charged, or would have been, when the dispute was opened.",
    )
    only_amount = fields.Monetary(
        string="Accept only (0: all)",
        copy=False,
        help="Of a whole charge. Empty: all of it.",
    )
    holds_charge = fields.Boolean(compute="_compute_effect")
    effect = fields.Char(
        compute="_compute_effect", help="What the open dispute holds back."
    )
    answer = fields.Text(string="Answer to the customer")
    decided_on = fields.Date(readonly=True, copy=False)
    decided_by_id = fields.Many2one(
        "res.users", string="Decided by", readonly=True, copy=False
    )
    accepted_amount = fields.Monetary(
        string="Accepted amount", readonly=True, copy=False
    )
    credit_amount = fields.Monetary(
        string="To be credited",
        readonly=True,
        copy=False,
        help="Of what was accepted: the part that is on an invoice, or will be.",
    )

    _open_charge = models.UniqueIndex(
        "(charge_id) WHERE state = 'open' AND charge_id IS NOT NULL",
        "This charge is in dispute already.",
    )
    _deadlines = models.Index("(deadline) WHERE state = 'open'")

    @api.depends("charge_id", "call_ids.call_id")
    def _compute_whose(self):
        for dispute in self:
            of = dispute.charge_id or dispute.call_ids.call_id[:1]
            dispute.contract_id = of.contract_id
            dispute.partner_id = of.partner_id
            dispute.company_id = of.company_id

    @api.depends("opened_on", "company_id")
    def _compute_deadline(self):
        for dispute in self:
            company = dispute.company_id or self.env.company
            days = company.saperx_dispute_days
            dispute.deadline = dispute.opened_on and (
                dispute.opened_on + timedelta(days=days)
            )

    @api.depends("charge_id", "call_ids.amount")
    def _compute_amount(self):
        for dispute in self:
            calls = dispute.call_ids
            charge = dispute.charge_id
            dispute.amount = sum(calls.mapped("amount")) if calls else charge.amount
            dispute.call_count = len(calls) if calls else charge.call_count

    @api.depends("state", "charge_id.state", "call_ids.charge_id.state")
    @api.depends_context("lang")
    def _compute_effect(self):
        for dispute in self:
            calls = dispute.sudo().call_ids
            of_calls = calls.charge_id
            charges = of_calls or (not calls and dispute.sudo().charge_id)
            waiting = charges and charges.filtered(
                lambda charge: charge.state in ("draft", "confirmed")
            )
            dispute.holds_charge = bool(of_calls & waiting) if waiting else False
            if waiting:
                dispute.effect = self.env._(
                    "The telephony additional stays off the invoices until this is "
                    "decided."
                )
            elif charges and set(charges.mapped("state")) == {"written_off"}:
                dispute.effect = self.env._(
                    "The telephony additional was written off: nobody pays it, "
                    "whatever is decided."
                )
            elif charges:
                dispute.effect = self.env._(
                    "What is on an invoice stays there until this is decided."
                )
            else:
                dispute.effect = self.env._(
                    "These calls are not charged until this is decided; the rest of "
                    "their cycle is."
                )

    @api.constrains("charge_id", "call_ids")
    def _check_targets(self):
        for dispute in self.sudo():
            calls = dispute.call_ids.call_id
            if not calls and not dispute.charge_id:
                raise ValidationError(
                    self.env._("Say what is disputed: calls, or a charge.")
                )
            calls._check_one_customer()

    @api.constrains("only_amount")
    def _check_only_amount(self):
        for dispute in self:
            if not 0 <= dispute.only_amount <= dispute.amount:
                raise ValidationError(
                    self.env._("What is accepted lies between 0 and what is disputed.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            for name in OWN_FIELDS:
                vals.pop(name, None)
            if not self._is_billing():
                for name in DECIDING_FIELDS:
                    vals.pop(name, None)
            if charge_id := vals.get("charge_id"):
                self._check_not_disputed(charge_id)
            vals["name"] = self.env["ir.sequence"].sudo().next_by_code(self._name)
        disputes = super().create(vals_list)
        disputes._check_targets()
        for dispute in disputes:
            dispute.charge_id.check_access("read")
            dispute._open_charge_dispute()
            dispute._plan_answer()
        return disputes

    @api.model
    def _check_not_disputed(self, charge_id):
        charge = self.env["saperx.charge"].sudo().browse(charge_id)
        # Who disputes it in the same moment begins again, and is told.
        self.env.execute_query(
            SQL(
                "UPDATE saperx_charge SET write_date = write_date WHERE id = %s"
                " RETURNING id",
                charge.id,
            )
        )
        if dispute := charge._get_open_disputes():
            raise UserError(
                self.env._(
                    "The charge %(charge)s is in dispute as a whole: %(dispute)s.",
                    charge=charge.display_name,
                    dispute=dispute.name,
                )
            )
        if rows := self.env["saperx.dispute.call"].sudo()._get_open_of(charge):
            raise UserError(
                self.env._(
                    "Calls of the charge %(charge)s are in dispute already: "
                    "%(disputes)s.",
                    charge=charge.display_name,
                    disputes=", ".join(rows.dispute_id.mapped("name")),
                )
            )

    def write(self, vals):
        if not self.env.su:
            self._check_write(vals)
        res = super().write(vals)
        if {"deadline", "user_id"} & vals.keys():
            for dispute in self.filtered(lambda dispute: dispute.state == "open"):
                dispute._plan_answer()
        return res

    def _check_write(self, vals):
        """What was decided stays, and only billing decides."""
        if (OWN_FIELDS | {"charge_id"}) & vals.keys():
            raise UserError(
                self.env._("A dispute is decided by its buttons, and keeps its charge.")
            )
        if DECIDING_FIELDS & vals.keys():
            self._check_billing()
        said = {"call_ids", "deadline", "only_amount", "opened_on", "reason"}
        if said & vals.keys() and any(dispute.state != "open" for dispute in self):
            raise UserError(self.env._("This dispute is decided already."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A dispute is withdrawn, not deleted."))

    def _is_billing(self):
        return self.env.su or self.env.user.has_group("saperx_voip.group_billing")

    def _check_billing(self):
        self.check_access("read")
        if not self._is_billing():
            raise AccessError(self.env._("Only billing decides disputes."))

    # === Opening ===

    def _open_charge_dispute(self):
        """Keep the charge off the invoices, if it may be disputed at all."""
        self.ensure_one()
        charge = self.sudo().charge_id
        if not charge:
            return
        if self.call_ids:
            raise UserError(
                self.env._("A dispute is of a whole charge or of calls, not of both.")
            )
        charge._check_may_be_disputed()
        charge._follow_disputes()

    def _plan_answer(self):
        """One activity, at the deadline, for whoever answers."""
        self.ensure_one()
        dispute = self.sudo()
        dispute.activity_unlink([ACTIVITY])
        if dispute.user_id:
            dispute.activity_schedule(
                ACTIVITY, date_deadline=dispute.deadline, user_id=dispute.user_id.id
            )

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        domain = [("charge_id", "=", self.charge_id.id)]
        if self.call_ids:
            domain = [("id", "in", self.call_ids.call_id.ids)]
        return {**action, "domain": domain, "context": {}}

    def action_view_credits(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "account.action_move_out_refund_type"
        )
        return {**action, "domain": [("saperx_dispute_id", "=", self.id)]}
