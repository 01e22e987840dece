# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter, defaultdict
from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..rating import scale
from .saperx_charge_dispute import _decimal


class SaperxDispute(models.Model):
    """The credit notes of accepted disputes, one an invoice, in draft.

    An invoice that is not posted, or not there yet, is credited once it is.
    """

    _inherit = "saperx.dispute"  # pylint: disable=consider-merging-classes-inherited

    credit_ids = fields.One2many(
        "account.move", "saperx_dispute_id", string="Credit notes", readonly=True
    )
    credit_count = fields.Integer(compute="_compute_credit_count", compute_sudo=True)
    credit_state = fields.Selection(
        [
            ("waiting", "Waits for the invoice"),
            ("draft", "In draft"),
            ("posted", "Credited"),
        ],
        string="Credit",
        compute="_compute_credit_state",
        compute_sudo=True,
        store=True,
    )

    @api.depends("credit_ids.state")
    def _compute_credit_count(self):
        for dispute in self:
            dispute.credit_count = len(dispute._get_live_credits())

    @api.depends("credit_amount", "credit_ids.state", "credit_ids.invoice_line_ids")
    def _compute_credit_state(self):
        for dispute in self:
            credits = dispute._get_live_credits()
            lines = credits.invoice_line_ids
            credited = sum((line._get_stated_amount() for line in lines), Decimal(0))
            if not dispute.credit_amount:
                dispute.credit_state = False
            elif credited < _decimal(dispute.credit_amount):
                dispute.credit_state = "waiting"
            elif "draft" in credits.mapped("state"):
                dispute.credit_state = "draft"
            else:
                dispute.credit_state = "posted"

    def _get_live_credits(self):
        return self.credit_ids.filtered(lambda credit: credit.state != "cancel")

    def action_make_credits(self):
        """Make the credit notes that are missing, of invoices that are posted."""
        self._check_billing()
        made = self.env["account.move"].sudo()
        for dispute in self:
            made |= dispute.sudo()._make_credits()
        if not made:
            raise UserError(
                self.env._("There is nothing to credit: the invoice is not posted yet.")
            )

    @api.model
    def _cron_make_credits(self):
        """Credit what waited for its invoice."""
        waiting = self.search([("credit_state", "=", "waiting")])
        for index, dispute in enumerate(waiting):
            dispute._make_credits()
            remaining = len(waiting) - index - 1
            if not self.env["ir.cron"]._commit_progress(1, remaining=remaining):
                break

    def _make_credits(self):
        """:return: the credit notes made, in draft"""
        self.ensure_one()
        made = self.env["account.move"]
        if self.credit_state != "waiting" or not self.try_lock_for_update():
            return made
        done = self._get_live_credits().reversed_entry_id
        for move, parts in self._get_parts_by_invoice().items():
            if move.state == "posted" and move not in done:
                move_model = self.env["account.move"].with_company(move.company_id)
                made |= move_model.create(move._prepare_dispute_credit(self, parts))
        # A task has no language of its own.
        told = self.with_context(lang=self.user_id.lang or self.decided_by_id.lang)
        for credit in made:
            told.message_post(
                body=told.env._(
                    "Credit note of %s made, in draft.",
                    credit.reversed_entry_id.display_name,
                )
            )
        return made

    def _get_parts_by_invoice(self):
        """:return: by invoice, Decimal amounts by its line"""
        by_charge = defaultdict(Counter)
        for row in self.call_ids.filtered(lambda row: row.state == "credited"):
            call = row.call_id
            amount = _decimal(row.accepted_amount)
            if call.charge_id:
                by_charge[call.charge_id][call.call_class] += amount
        if not self.call_ids:
            by_charge[self.charge_id] = self._spread_over_classes()
        by_invoice = defaultdict(Counter)
        for charge, amounts in by_charge.items():
            for line, amount in charge._split_by_move_line(amounts).items():
                if line and amount:
                    by_invoice[line.move_id][line] += amount
        return by_invoice

    def _spread_over_classes(self):
        """What is credited of a whole charge, by class."""
        classes = self.charge_id.class_ids.filtered("amount")
        parts = scale(
            [_decimal(item.amount) for item in classes],
            _decimal(self.credit_amount),
            _decimal(self.charge_id.amount),
        )
        return dict(zip(classes.mapped("call_class"), parts, strict=True))


class AccountMove(models.Model):
    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    saperx_dispute_id = fields.Many2one(
        "saperx.dispute",
        string="Dispute",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="restrict",
    )
    saperx_has_charges = fields.Boolean(
        string="Has telephony additionals",
        compute="_compute_saperx_has_charges",
        compute_sudo=True,
    )

    @api.depends("invoice_line_ids.saperx_charge_id")
    def _compute_saperx_has_charges(self):
        for move in self:
            move.saperx_has_charges = bool(move.invoice_line_ids.saperx_charge_id)

    def write(self, vals):
        res = super().write(vals)
        if vals.get("state") == "posted":
            charges = self.invoice_line_ids.saperx_charge_id.sudo()
            if charges and any(charge._get_credited_amount() for charge in charges):
                self.env.ref("saperx_voip.ir_cron_dispute_credits").sudo()._trigger()
        return res

    def action_saperx_dispute(self):
        """Open the form of a new dispute of what this invoice charges."""
        self.ensure_one()
        self.check_access("read")
        charges = self.invoice_line_ids.saperx_charge_id
        if len(charges) == 1:
            return charges.action_dispute()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Which additional is disputed?"),
            "res_model": "saperx.charge",
            "views": [
                (self.env.ref("saperx_voip.saperx_charge_list_to_dispute").id, "list"),
                (False, "form"),
            ],
            "domain": [("id", "in", charges.ids)],
        }

    def action_view_saperx_calls(self):
        """The calls behind this invoice: some of them can be chosen and disputed."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        charges = self.invoice_line_ids.saperx_charge_id
        return {
            **action,
            "domain": [("charge_id", "in", charges.ids)],
            "context": {},
        }

    def _prepare_dispute_credit(self, dispute, parts):
        """Values of a draft that credits parts of this invoice's lines, under their
        own taxes.

        :param dict parts: Decimal by line, stated as the line states its amount
        """
        self.ensure_one()
        customer = self.with_context(lang=self.partner_id.lang or self.env.lang)
        lines = [
            {
                **line._prepare_credit_line(amount),
                "name": customer.env._(
                    "Dispute %(protocol)s: %(line)s",
                    protocol=dispute.name,
                    line=line.name,
                ),
            }
            for line, amount in parts.items()
        ]
        return {
            "move_type": "out_refund",
            "reversed_entry_id": self.id,
            "saperx_dispute_id": dispute.id,
            "partner_id": self.partner_id.id,
            "currency_id": self.currency_id.id,
            "journal_id": self.journal_id.id,
            "fiscal_position_id": self.fiscal_position_id.id,
            "invoice_payment_term_id": False,
            "invoice_origin": dispute.name,
            "ref": customer.env._(
                "Dispute %(protocol)s of %(invoice)s",
                protocol=dispute.name,
                invoice=self.name,
            ),
            "invoice_line_ids": [Command.create(line) for line in lines],
        }
