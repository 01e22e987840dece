# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .saperx_cdr import WITH_DISPUTED


class SaperxCdr(models.Model):
    """Calls stand as their disputes say, whatever else is done with them."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    dispute_id = fields.Many2one("saperx.dispute", compute="_compute_dispute_id")

    def _compute_dispute_id(self):
        rows = self.env["saperx.dispute.call"].search(
            [("call_id", "in", self.ids)], order="id"
        )
        latest = {row.call_id.id: row.dispute_id for row in rows}
        whole = self.env["saperx.dispute"].search(
            [("charge_id", "in", self.charge_id.ids)], order="id"
        )
        of_charge = {dispute.charge_id: dispute for dispute in whole}
        for call in self:
            call.dispute_id = latest.get(call.id) or of_charge.get(call.charge_id)

    def action_dispute(self):
        """Open the form of a new dispute of these calls: of those that cost the
        customer something, or will."""
        self.check_access("read")
        calls = self.filtered(lambda call: call.state in ("unbilled", "billed"))
        if not calls:
            raise UserError(
                self.env._(
                    "These calls are neither charged nor to be charged, or are in "
                    "dispute already: there is nothing to dispute."
                )
            )
        calls._check_one_customer()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New dispute"),
            "res_model": "saperx.dispute",
            "views": [(False, "form")],
            "context": {
                "default_call_ids": [
                    fields.Command.create({"call_id": call.id}) for call in calls
                ]
            },
        }

    def _check_one_customer(self):
        """:raise UserError: naming the customers, if a dispute of all these calls would
        be of several"""
        whose = self.grouped(lambda call: (call.contract_id, call.partner_id))
        if len(whose) > 1:
            raise UserError(
                self.env._(
                    "A dispute is of one customer and one contract, these calls are of "
                    "several: %s. Open one for each.",
                    ", ".join(
                        sorted(
                            f"{partner.display_name} ({contract.display_name})"
                            for contract, partner in whose
                        )
                    ),
                )
            )

    @api.model
    def _settle_disputes(self):
        """Whatever made these calls ready to be charged: those in dispute are not, and
        those whose dispute was accepted never are.

        :return: ids of the lines whose calls changed: their allowances are drawn anew
            by the caller
        """
        self.env["saperx.dispute.call"].flush_model()
        self.flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                UPDATE saperx_cdr AS call
                SET state = CASE row.state
                        WHEN 'open' THEN 'disputed' ELSE 'not_chargeable'
                    END,
                    reason = CASE row.state WHEN 'waived' THEN 'dispute' END,
                    gross_amount = CASE row.state
                        WHEN 'open' THEN call.gross_amount ELSE 0
                    END,
                    charged_amount = CASE row.state
                        WHEN 'open' THEN call.gross_amount ELSE 0
                    END,
                    covered_seconds = 0, covered_amount = 0, allowance_uses = NULL
                FROM saperx_dispute_call AS row
                WHERE row.call_id = call.id AND row.state IN ('open', 'waived')
                AND (
                    call.state = 'unbilled'
                    OR call.state = 'disputed' AND row.state = 'waived'
                )
                RETURNING call.line_id
                """
            )
        )
        if rows:
            self.invalidate_model()
        return sorted({line_id for [line_id] in rows})

    def _release_disputed(self):
        """These calls go on as before: they are rated by what holds now, and charged
        late if their cycle was charged meanwhile."""
        self.flush_model()
        released = self.env.execute_query(
            SQL(
                "UPDATE saperx_cdr SET state = 'unbilled'"
                " WHERE id = ANY(%s) AND state = 'disputed' RETURNING id",
                self.ids,
            )
        )
        self.invalidate_model()
        if released:
            self._reassess([("id", "in", [call_id for [call_id] in released])])

    @api.model
    def _reassess(self, domain):
        # Whose a call is may change though it is in dispute; what it costs does not
        # matter meanwhile, and a recalculation leaves it alone.
        calls = self.with_context(**{WITH_DISPUTED: True})
        return super(SaperxCdr, calls)._reassess(domain)

    @api.model
    def _get_reassess_query(self, domain, after_id):
        if not self.env.context.get(WITH_DISPUTED):
            domain = [
                *domain, ("state", "!=", "disputed"), ("reason", "!=", "dispute")
            ]  # fmt: skip
        return super()._get_reassess_query(domain, after_id)

    @api.model
    def _store_assessed(self, rows):
        res = super()._store_assessed(rows)
        self._settle_disputes()
        return res

    # === In words ===

    def _explain_summary(self):
        if self.state == "disputed":
            return self.env._(
                "In dispute (%s): not charged until that is decided.",
                self.sudo().dispute_id.name,
            )
        return super()._explain_summary()

    def _explain_warnings(self, explained):
        if self.state == "disputed" or self.reason == "dispute":
            return []
        return super()._explain_warnings(explained)


class SaperxCdrImport(models.Model):
    _inherit = "saperx.cdr.import"  # pylint: disable=consider-merging-classes-inherited

    def _update_changed(self, rows):
        res = super()._update_changed(rows)
        self.env["saperx.cdr"]._settle_disputes()
        return res
