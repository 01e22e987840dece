# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models

GIVEN_BACK_BY = (
    "saperx_invoiced_until",
    "saperx_previous_invoiced_until",
    "saperx_previous_next_date",
)


class AccountMove(models.Model):
    """How charges come off a posted invoice, to be invoiced again."""

    _inherit = "account.move"  # pylint: disable=consider-merging-classes-inherited

    saperx_has_live_charges = fields.Boolean(
        string="Carries telephony additionals",
        compute="_compute_saperx_has_live_charges",
        compute_sudo=True,
    )

    @api.depends(
        "invoice_line_ids.saperx_charge_id",
        "invoice_line_ids.saperx_reversal_move_id.state",
        "state",
    )
    def _compute_saperx_has_live_charges(self):
        for move in self:
            move.saperx_has_live_charges = bool(move._get_live_charges())

    def _get_live_charges(self):
        """The telephony additionals that it carries."""
        lines = self.sudo().invoice_line_ids.filtered(lambda line: line._is_live())
        return lines.saperx_charge_id.with_env(self.env)

    def action_reverse_charges(self):
        """*Estornar e refaturar*."""
        self.ensure_one()
        return self._get_live_charges().action_reverse()

    def _explain_credit(self):
        """What a credit note of this posted invoice comes to, in sentences."""
        self.ensure_one()
        told = []
        if credits := self._get_whole_credits():
            return [
                self.env._(
                    "It is credited as a whole already (%s): the additionals come off "
                    "it without another credit note, and the rest stays as it is.",
                    ", ".join(credits.mapped("display_name")),
                )
            ]
        if self.currency_id.is_zero(self.amount_residual):
            told.append(
                self.env._(
                    "It is paid: the credit note stays open as the customer's credit, "
                    "to be refunded or set against another invoice."
                )
            )
        elif self.currency_id.compare_amounts(self.amount_residual, self.amount_total):
            told.append(
                self.env._(
                    "It is partly paid: the credit note settles what is open, and what "
                    "is left of it stays the customer's credit."
                )
            )
        drafts = self.reversal_move_ids.filtered(
            lambda credit: credit.state == "draft" and not credit.saperx_dispute_id
        )
        if drafts:
            told.append(
                self.env._(
                    "A credit note of it is in draft already: delete that one, unless "
                    "both are meant."
                )
            )
        if locks := self._get_violated_lock_dates(self.date, self._affect_tax_report()):
            told.append(
                self.env._(
                    "Its period is locked (%s): it stays as it is, and the credit note "
                    "bears today's date.",
                    self.company_id._format_lock_dates(locks),
                )
            )
        return told

    def _get_whole_credits(self):
        """The credit notes that settle all of it, as Odoo's own button makes them."""
        self.ensure_one()
        if self.payment_state != "reversed":
            return self.browse()
        return self._get_reconciled_invoices().sorted("id")

    def _reverse_charges(self, charges, reason):
        """Credit exactly the lines of these charges, which are free afterwards.

        :param reason: what the customer reads on the credit note
        :return: the posted credit note
        """
        self.ensure_one()
        lines = self._get_lines_of(charges)
        if credits := self._get_whole_credits():
            return self._come_off_by(credits[-1], lines)
        credit = self._create_credit(
            self._prepare_credit(reason),
            [
                Command.create(line._prepare_credit_line(line._get_stated_amount()))
                for line in lines
            ],
        )
        return self._post_reversal(credit, lines)

    def _reverse_whole(self, reason):
        """Credit the whole invoice. What is no telephony is drafted again as it was.

        :return: the posted credit note, and the new draft or none
        """
        self.ensure_one()
        lines = self._get_lines_of(self._get_live_charges())
        if credits := self._get_whole_credits():
            # Whoever credited it has seen to the rest.
            return self._come_off_by(credits[-1], lines), self.browse()
        credit = self._reverse_moves([self._prepare_credit(reason)])
        return self._post_reversal(credit, lines), self._draft_rest_again()

    def _get_lines_of(self, charges):
        return self.invoice_line_ids.filtered(
            lambda line: line.saperx_charge_id in charges and line._is_live()
        )

    def _post_reversal(self, credit, lines):
        # The charges come off with its posting.
        lines.saperx_reversal_move_id = credit
        credit._post(soft=False)
        return credit

    def _come_off_by(self, credit, lines):
        """These lines were credited by a posted credit note that others made."""
        lines.saperx_reversal_move_id = credit
        lines.saperx_charge_id.sudo()._follow_invoices()
        return credit

    def _draft_rest_again(self):
        rest = self.invoice_line_ids.filtered(lambda line: not line.saperx_charge_id)
        if not rest.filtered(lambda line: line.display_type == "product"):
            return self.browse()
        draft = self.create(
            {
                **self._prepare_draft_again(),
                "invoice_line_ids": [
                    Command.create(line._prepare_again()) for line in rest
                ],
            }
        )
        # Deleting the new draft makes the fee fall due again, not the credited one.
        rest.write(dict.fromkeys(GIVEN_BACK_BY, False))
        return draft

    def _prepare_draft_again(self):
        return {
            "move_type": self.move_type,
            "company_id": self.company_id.id,
            "journal_id": self.journal_id.id,
            "partner_id": self.partner_id.id,
            "currency_id": self.currency_id.id,
            "fiscal_position_id": self.fiscal_position_id.id,
            "invoice_payment_term_id": self.invoice_payment_term_id.id,
            "invoice_user_id": self.invoice_user_id.id,
            "invoice_origin": self.invoice_origin,
            "ref": self.ref,
            "invoice_date": self.company_id._get_telephony_today(),
        }
