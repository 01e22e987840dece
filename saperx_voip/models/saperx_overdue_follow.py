# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, retrying

from ..forms import tell_forms
from .contract_contract_overdue import ACTIVITY

_logger = logging.getLogger(__name__)

# Cases that share a transaction: few enough that nobody waits for them.
BATCH = 50


class SaperxOverdueCase(models.Model):
    """What payment, a hold or the contract's end takes back."""

    _inherit = "saperx.overdue.case"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _look_at_payment(self, moves):
        """Follow soon where a payment may end a block."""
        followed = self.sudo().search_count(
            [("state", "=", "open"), ("move_ids", "in", moves.ids)], limit=1
        )
        if followed:
            self.env.ref("saperx_voip.ir_cron_overdue_follow").sudo()._trigger()

    @api.model
    def _cron_follow(self):
        """Restore what is paid, end the holds whose day is over; several times an hour.

        In batches, and case by case where a batch fails.
        """
        for contract_id in self.env["contract.contract"]._get_past_holds().ids:
            contract = self.env["contract.contract"].browse(contract_id)
            self._do_apart(
                contract._end_past_hold, f"the hold of contract {contract_id}"
            )
        case_ids = self.search([("state", "=", "open")]).ids
        for begin in range(0, len(case_ids), BATCH):
            batch = case_ids[begin : begin + BATCH]
            if not self._do_apart(self.browse(batch)._follow, f"overdue cases {batch}"):
                for case_id in batch:
                    self._do_apart(
                        self.browse(case_id)._follow, f"overdue case {case_id}"
                    )
            left = len(case_ids) - begin - len(batch)
            if not self.env["ir.cron"]._commit_progress(len(batch), remaining=left):
                break

    def _do_apart(self, part, what):
        """Do a part in a transaction of its own, so that it stops nobody else's.

        :return: whether it worked; if not, nothing of it was done
        """
        try:
            retrying(part, self.env)  # and commit
        except Exception:
            _logger.exception("following %s failed", what)
            self.env.cr.rollback()
            return False
        return True

    def _follow(self):
        """Let the case, its contract's block and its lines say what holds now."""
        self.sudo()._fetch_due_items()
        for case in self.sudo():
            if case.try_lock_for_update(allow_referencing=True):
                contract = case.contract_id._in_language_of_responsible()
                case.with_env(contract.env)._follow_now()

    def _follow_now(self):
        self.ensure_one()
        if self.state == "closed":
            return
        contract = self.contract_id
        today = self.company_id._get_telephony_today()
        self._follow_notice()
        self._follow_due_date()
        if contract._is_dead(today) or not contract._has_living_lines():
            # Also when its invoices went with it: nothing is restored.
            self._close("ended")
        elif not self._get_due_items():
            self._restore()
        elif contract._is_held(today):
            self._lift_for_a_while()
        else:
            self._follow_lines()
        self._plan()

    def _follow_due_date(self):
        """Due since the oldest invoice that is still unpaid."""
        days = self._get_due_items().mapped("date_maturity")
        if days and self.due_date != min(days):
            self.due_date = min(days)

    def _restore(self):
        is_owed = self.contract_id._is_owed_by_its_customer
        if self.move_ids and not self.move_ids.filtered(is_owed):
            # What a former customer owes is not the present one's to pay.
            self._close("passed_on")
            return
        was_blocked = bool(self.level)
        self._close("paid")
        if was_blocked:
            self._tell_restored()

    def _tell_restored(self):
        """Who has paid is not kept blocked by a mail that cannot be written."""
        self.env.flush_all()
        try:
            with self.env.cr.savepoint():
                self._send("restored")
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            _logger.exception("the mail of the end of overdue case %s", self.id)
            self._ask_somebody(
                self.env._(
                    "The customer could not be told that its service is back: %s", error
                )
            )

    def _lift_for_a_while(self):
        """Held: another last notice precedes the end, should it be broken."""
        if self.level or self.last_noticed_on:
            self.write(
                {"level": False, "blocked_since": False, "last_noticed_on": False}
            )
            self._follow_lines()
            tell_forms(self.contract_id)

    def _close(self, because):
        self.write(
            {
                "state": "closed",
                "level": False,
                "blocked_since": False,
                "closed_on": self.company_id._get_telephony_today(),
                "closed_because": because,
                "next_step": False,
                "next_step_on": False,
            }
        )
        self._follow_lines()
        self.contract_id._settle_promise()
        self.contract_id.activity_unlink([ACTIVITY])
        tell_forms(self.contract_id)

    def _follow_lines(self):
        """Block the contract's lines as it is blocked, if they go together, and lift
        what this case blocked and no longer holds."""
        self.ensure_one()
        together = self.company_id.saperx_block_lines_with_contract
        level = self.level if together else False
        lines = self.contract_id.saperx_line_ids.filtered(
            lambda line: line.state != "cancelled"
        )
        blocks = self.env["saperx.line.block"].search(
            [("overdue_case_id", "=", self.id)]
        )
        now = fields.Datetime.now()
        standing = blocks.filtered(lambda block: not block._is_over_at(now))
        # A line that went to another contract does not take its block along.
        obsolete = standing.filtered(
            lambda block: (
                block.level != level or block.line_id.contract_id != self.contract_id
            )
        )
        obsolete._lift()
        if not level:
            return
        # One that somebody lifted on purpose stays lifted until the next step.
        spared = (blocks - standing).filtered(
            lambda block: (
                block.ended_by_id
                and block.level == level
                and block.date_from >= self.blocked_since
            )
        )
        done = (standing - obsolete | spared).line_id
        self.env["saperx.line.block"].create(
            [
                {
                    "line_id": line.id,
                    "reason": "overdue",
                    "level": level,
                    "overdue_case_id": self.id,
                }
                for line in lines - done
            ]
        )
