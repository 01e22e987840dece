# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .saperx_charge_dispute import _decimal
from .saperx_dispute import ACTIVITY


class SaperxDispute(models.Model):
    """How a dispute ends: accepted, whole or in part, rejected, or withdrawn.

    What was accepted and is on no invoice is not charged; what is on one, or is only
    accepted in part, is credited beside a charge that stays.
    """

    _inherit = "saperx.dispute"  # pylint: disable=consider-merging-classes-inherited

    def action_accept(self):
        self._check_billing()
        for dispute in self:
            dispute._lock_open()
            dispute.sudo()._accept()

    def action_reject(self):
        self._check_billing()
        for dispute in self:
            dispute._lock_open()
            dispute.sudo()._let_go("rejected")

    def action_withdraw(self):
        """The customer gave it up, or it was opened by mistake."""
        self._check_billing()
        for dispute in self:
            dispute._lock_open()
            dispute.sudo()._let_go("withdrawn")

    def action_charge_rest(self):
        """Make the charges again that wait for this dispute, without its calls."""
        self._check_billing()
        for dispute in self:
            dispute._lock_open()
            charges = dispute.sudo().call_ids.call_id.charge_id.filtered(
                lambda charge: charge.state in ("draft", "confirmed")
            )
            if not charges:
                raise UserError(
                    self.env._("No charge waits for the calls of this dispute.")
                )
            charges._remake()

    def _lock_open(self):
        """Let nobody else decide at the same time."""
        self.ensure_one()
        if not self.sudo().try_lock_for_update():
            raise UserError(
                self.env._("Somebody is deciding the dispute %s just now.", self.name)
            )
        if self.state != "open":
            raise UserError(self.env._("This dispute is decided already."))

    # === Accepting ===

    def _accept(self):
        self.ensure_one()
        charge = self.charge_id
        charges = charge | self.call_ids.call_id.charge_id
        if charge and not self.call_ids:
            if charge.state == "written_off":
                # While it was in dispute: nobody pays it, and nothing is credited.
                self.accepted_amount = self.only_amount or charge.amount
            elif charge.state != "invoiced" and not self.only_amount:
                self._spread_over_calls()
            else:
                self._accept_of_charge()
        for row in self.call_ids:
            row._accept()
        credited = self.call_ids.filtered(lambda row: row.state == "credited")
        if self.call_ids:
            self.accepted_amount = sum(self.call_ids.mapped("accepted_amount"))
            self.credit_amount = sum(credited.mapped("accepted_amount"))
        self._close("accepted")
        self._check_credits(credited.call_id.charge_id | charge)
        calls = self.env["saperx.cdr"]
        calls._draw_allowances(calls._settle_disputes())
        kept = self.call_ids.filtered(lambda row: row.state != "waived")
        kept.call_id._release_disputed()
        charges._follow_disputes()
        waived = self.call_ids - kept
        waived.call_id.charge_id.filtered(
            lambda charge: charge.state != "written_off"
        )._remake()
        self._make_credits()

    def _accept_of_charge(self):
        """A part of a charge, or all of one that is invoiced, is credited."""
        self.ensure_one()
        self.charge_id._check_not_in_draft(self.only_amount)
        amount = self.only_amount or self.charge_id.amount
        self.write({"accepted_amount": amount, "credit_amount": amount})

    def _spread_over_calls(self):
        """Of the whole charge: now it is of each of its calls."""
        for dispute in self:
            dispute.flush_recordset()
            dispute.env.execute_query(
                SQL(
                    """
                    INSERT INTO saperx_dispute_call (
                        dispute_id, company_id, call_id, amount, is_accepted, state,
                        create_uid, create_date, write_uid, write_date
                    )
                    SELECT %(dispute)s, company_id, id, charged_amount, TRUE, 'open',
                           %(uid)s, now() AT TIME ZONE 'UTC',
                           %(uid)s, now() AT TIME ZONE 'UTC'
                    FROM saperx_cdr AS call WHERE charge_id = %(charge)s
                    AND NOT EXISTS (
                        SELECT FROM saperx_dispute_call
                        WHERE call_id = call.id AND state != 'rejected'
                    )
                    RETURNING id
                    """,
                    dispute=dispute.id,
                    charge=dispute.charge_id.id,
                    uid=dispute.env.uid,
                )
            )
            dispute.invalidate_recordset(["call_ids"])
            dispute.env["saperx.dispute.call"].invalidate_model()

    def _check_credits(self, charges):
        """Nothing is credited twice.

        :raise UserError: with the charge of which more would be credited than charged
        """
        for charge in charges:
            if charge._get_credited_amount() > _decimal(charge.amount):
                raise UserError(
                    self.env._(
                        "More would be credited of the charge %s than was charged: "
                        "see its other disputes.",
                        charge.display_name,
                    )
                )

    # === The other ends ===

    def _let_go(self, state):
        """All goes on as before."""
        self.ensure_one()
        charges = self.charge_id | self.call_ids.call_id.charge_id
        self.call_ids.state = "rejected"
        self._close(state)
        self.call_ids.call_id._release_disputed()
        charges._follow_disputes()

    def _close(self, state):
        self.write(
            {
                "state": state,
                "decided_on": self.company_id._get_telephony_today(),
                "decided_by_id": self.env.uid,
            }
        )
        self.activity_unlink([ACTIVITY])


class SaperxDisputeCall(models.Model):
    _inherit = "saperx.dispute.call"

    def _accept(self):
        """Say what becomes of the call; whoever calls this lets it happen."""
        self.ensure_one()
        if not self.is_accepted:
            self.state = "rejected"
            return
        charge = self.call_id.charge_id
        amount = self.call_id.charged_amount if charge else self.amount
        # Of nothing there is no part.
        part = self.only_amount if self.only_amount < amount else 0
        if charge.state != "written_off" and (part or charge.state == "invoiced"):
            charge._check_not_in_draft(part)
            self.write({"state": "credited", "accepted_amount": part or amount})
        else:
            self.write({"state": "waived", "accepted_amount": amount})


class SaperxCharge(models.Model):
    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    def _check_not_in_draft(self, part):
        """What is on a draft is not credited, but taken off it.

        :param part: an amount, of which the credit waits until the draft is posted
        """
        for charge in self:
            if not part and charge.move_id.state == "draft":
                raise UserError(
                    self.env._(
                        "The charge %(charge)s is on the draft invoice of "
                        "%(customer)s: delete that draft, and accept the dispute then; "
                        "or post it, and it is credited.",
                        charge=charge.display_name,
                        customer=charge.move_id.partner_id.display_name,
                    )
                )
            if charge.move_id.payment_state == "reversed":
                raise UserError(
                    self.env._(
                        "The invoice %s is credited as a whole already.",
                        charge.move_id.display_name,
                    )
                )

    def _remake(self):
        """Cancel these charges and charge their cycles again, without what is in
        dispute or was waived. What cannot be charged now is, by the next run."""
        if not self:
            return
        by_company = self.line_id.grouped("company_id")
        self.action_cancel()
        for company, lines in by_company.items():
            charge_model = self.with_context(allowed_company_ids=company.ids)
            charge_model._generate([("id", "in", lines.ids)])
