# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_amount


class SaperxCharge(models.Model):
    """What disputes do to charges. A charge keeps its amount: what is credited of it
    stands beside."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    is_disputed = fields.Boolean(
        string="In dispute",
        readonly=True,
        copy=False,
        tracking=True,
        help="It is not put on an invoice until the dispute is decided.",
    )
    dispute_ids = fields.One2many(
        "saperx.dispute", "charge_id", string="Disputes", readonly=True
    )
    dispute_count = fields.Integer(
        compute="_compute_dispute_count", string="Number of disputes"
    )

    def _compute_dispute_count(self):
        for charge in self:
            charge.dispute_count = len(charge._get_disputes())

    def _get_disputes(self):
        """All of it, or of calls that it holds."""
        self.ensure_one()
        return self.env["saperx.dispute"].search(
            [
                "|",
                ("charge_id", "=", self.id),
                ("call_ids.call_id.charge_id", "=", self.id),
            ]
        )

    def _get_open_disputes(self):
        """The one of all of it that is open, if any."""
        return self.dispute_ids.filtered(lambda dispute: dispute.state == "open")

    @api.model
    def _domain_to_invoice(self):
        return super()._domain_to_invoice() & Domain("is_disputed", "=", False)

    def action_dispute(self):
        """Open the form of a new dispute of the whole charge."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New dispute"),
            "res_model": "saperx.dispute",
            "views": [(False, "form")],
            "context": {"default_charge_id": self.id},
        }

    def action_view_disputes(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_dispute_action"
        )
        return {
            **action,
            "domain": [("id", "in", self._get_disputes().ids)],
            "context": {},
        }

    def action_cancel(self):
        """What is in dispute is not charged again by the next run."""
        charges = self.filtered(lambda charge: charge.state != "cancelled")
        charges._check_no_credit_waits()
        charges._get_open_disputes().sudo()._spread_over_calls()
        res = super().action_cancel()
        calls = self.env["saperx.cdr"].sudo()
        if line_ids := calls._settle_disputes():
            calls._draw_allowances(line_ids)
        charges.sudo()._follow_disputes()
        return res

    def _check_no_credit_waits(self):
        """:raise UserError: if a part of one is credited once it is invoiced: its calls
        would come into another, of which nothing was accepted"""
        waiting = self.env["saperx.dispute"].sudo()
        waiting = waiting.search(
            [("charge_id", "in", self.ids), ("credit_state", "=", "waiting")]
        )
        for dispute in waiting.filtered(lambda dispute: not dispute.call_ids):
            raise UserError(
                self.env._(
                    "The charge %(charge)s stays: %(amount)s of it is credited for the "
                    "dispute %(dispute)s as soon as its invoice is posted.",
                    charge=dispute.charge_id.display_name,
                    amount=format_amount(
                        self.env, dispute.credit_amount, dispute.currency_id
                    ),
                    dispute=dispute.name,
                )
            )

    @api.model
    def _charge_contracts(self, scope, contract_ids):
        # For certainty: nothing in dispute is charged.
        calls = self.env["saperx.cdr"].sudo()
        if line_ids := calls._settle_disputes():
            calls._draw_allowances(line_ids)
        return super()._charge_contracts(scope, contract_ids)

    def _explain_wait(self, siblings, ready):
        if self.is_disputed and self.state in ("draft", "confirmed"):
            return self.env._(
                "It is in dispute: it stays off the invoices until that is decided."
            )
        return super()._explain_wait(siblings, ready)

    def _check_may_be_disputed(self):
        self.ensure_one()
        if self.state not in ("draft", "confirmed", "invoiced"):
            raise UserError(
                self.env._(
                    "The charge %s was cancelled or written off: nobody pays it.",
                    self.display_name,
                )
            )

    def _follow_disputes(self):
        """Remember which of these charges are in dispute.

        Written on the charge, so that an invoice made in the same moment and this do
        not both go through.
        """
        if not self:
            return
        self.env["saperx.dispute"].flush_model()
        self.env["saperx.dispute.call"].flush_model()
        disputed = {
            charge_id
            for [charge_id] in self.env.execute_query(
                SQL(
                    """
                    SELECT charge_id FROM saperx_dispute
                    WHERE state = 'open' AND charge_id = ANY(%(ids)s)
                    UNION
                    SELECT call.charge_id
                    FROM saperx_dispute_call AS row
                    JOIN saperx_cdr AS call ON call.id = row.call_id
                    WHERE row.state = 'open' AND call.charge_id = ANY(%(ids)s)
                    """,
                    ids=self.ids,
                )
            )
        }
        for charge in self.sudo():
            if charge.is_disputed != (charge.id in disputed):
                charge.is_disputed = charge.id in disputed

    # === Credit ===

    def _get_credited_amount(self):
        """What accepted disputes credit, or will credit, of this charge (Decimal)."""
        self.ensure_one()
        whole = self.env["saperx.dispute"].sudo()
        whole = whole.search(
            [("charge_id", "=", self.id), ("credit_amount", ">", 0)]
        ).filtered(lambda dispute: not dispute.call_ids)
        rows = self.env["saperx.dispute.call"].sudo()
        rows = rows.search(
            [("state", "=", "credited"), ("call_id.charge_id", "=", self.id)]
        )
        amounts = whole.mapped("credit_amount") + rows.mapped("accepted_amount")
        return sum((_decimal(amount) for amount in amounts), Decimal(0))

    def _split_by_move_line(self, amounts):
        """On which invoice lines amounts stand.

        :param dict amounts: Decimal by call class
        :return: Decimal by ``account.move.line``
        """
        self.ensure_one()
        lines = self._get_live_move_lines().sorted("id")
        classes = [item.call_class for item in self.class_ids if item.amount]
        by_class = {}
        if len(lines) == len(classes):
            by_class = dict(zip(classes, lines, strict=True))
        split = Counter()
        for call_class, amount in amounts.items():
            split[by_class.get(call_class, lines[:1])] += amount
        return split


def _decimal(amount):
    """Money that Odoo hands out as a float, exactly."""
    return Decimal(str(amount)).quantize(Decimal("0.01"))
