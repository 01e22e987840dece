# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools.misc import format_amount

from .saperx_charge_dispute import _decimal


class AccountMove(models.Model):
    """What of an invoice is in dispute, and what follows from it."""

    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    saperx_dispute_notice = fields.Char(
        compute="_compute_saperx_dispute_notice", compute_sudo=True
    )

    @api.depends(
        "invoice_line_ids.saperx_charge_id.is_disputed", "reversal_move_ids.state"
    )
    @api.depends_context("lang")
    def _compute_saperx_dispute_notice(self):
        for move in self:
            charges = move.invoice_line_ids.saperx_charge_id
            notices = []
            if disputed := charges.filtered("is_disputed"):
                names = {
                    dispute.name
                    for charge in disputed
                    for dispute in charge._get_disputes()
                    if dispute.state == "open"
                }
                notices.append(
                    self.env._(
                        "%(amount)s of it is in dispute (%(disputes)s).",
                        amount=format_amount(
                            self.env, move._get_open_disputed_amount(), move.currency_id
                        ),
                        disputes=", ".join(sorted(names)),
                    )
                )
            if drafts := move._get_draft_dispute_credits():
                notices.append(
                    self.env._(
                        "A credit note of %s for an accepted dispute waits to be "
                        "posted.",
                        format_amount(
                            self.env,
                            sum(drafts.mapped("amount_total")),
                            move.currency_id,
                        ),
                    )
                )
            move.saperx_dispute_notice = " ".join(notices)

    def _get_draft_dispute_credits(self):
        """Of what was accepted, as long as nobody posted it."""
        return self.sudo().reversal_move_ids.filtered(
            lambda credit: credit.saperx_dispute_id and credit.state == "draft"
        )

    def _get_disputed_amount(self):
        """What of this invoice is in open disputes, or in a draft that credits an
        accepted one: with taxes, in its currency."""
        self.ensure_one()
        drafts = self._get_draft_dispute_credits()
        return self.currency_id.round(
            self._get_open_disputed_amount() + sum(drafts.mapped("amount_total"))
        )

    def _get_open_disputed_amount(self):
        """What of this invoice is in open disputes, with taxes, in its currency."""
        self.ensure_one()
        total = Decimal(0)
        for line in self.invoice_line_ids:
            charge = line.saperx_charge_id.sudo()
            stated = line._get_stated_amount()
            if not charge.is_disputed or not stated:
                continue
            disputed = charge._get_disputed_by_move_line().get(line, Decimal(0))
            total += _decimal(line.price_total) * disputed / stated
        return self.currency_id.round(float(total))


class SaperxCharge(models.Model):
    _inherit = "saperx.charge"

    def _get_disputed_by_move_line(self):
        """What open disputes dispute of it, in Decimal by invoice line."""
        self.ensure_one()
        if self._get_open_disputes():
            amounts = {
                item.call_class: _decimal(item.amount) for item in self.class_ids
            }
            return self._split_by_move_line(amounts)
        amounts = Counter()
        for row in self.env["saperx.dispute.call"].sudo()._get_open_of(self):
            amounts[row.call_id.call_class] += _decimal(row.amount)
        return self._split_by_move_line(amounts)


class SaperxOverdueCase(models.Model):
    _inherit = "saperx.overdue.case"

    def _fetch_due_items(self):
        res = super()._fetch_due_items()
        self.move_ids.fetch(["reversal_move_ids"])
        self.move_ids.reversal_move_ids.fetch(["state", "saperx_dispute_id"])
        return res

    def _get_due_items_of(self, moves, today):
        """Nobody is blocked for what is in dispute as a whole, nor because nobody has
        posted the credit of what was accepted."""
        items = super()._get_due_items_of(moves, today)
        settled = items.move_id.filtered(
            lambda move: (
                # By what is read of all cases at once.
                (
                    any(move.line_ids.saperx_charge_id.sudo().mapped("is_disputed"))
                    or move._get_draft_dispute_credits()
                )
                and move.currency_id.compare_amounts(
                    move._get_disputed_amount(), move.amount_residual
                )
                >= 0
            )
        )
        return items.filtered(lambda item: item.move_id not in settled)
