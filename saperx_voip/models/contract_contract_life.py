# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools.misc import format_date

from .contract_contract import ROLES
from .contract_line import SUCCESSION
from .saperx_line_period import ONE_DAY

_logger = logging.getLogger(__name__)

LIFE_FIELDS = {
    "is_terminated", "terminate_date", "active", "date_end", "line_recurrence"
}  # fmt: skip


class ContractContract(models.Model):
    """When a contract is over, and its lines with it."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    saperx_end_error = fields.Text(
        string="SIP lines that outlive the contract",
        readonly=True,
        copy=False,
        groups=ROLES,
        help="Why they could not be cancelled. It is tried again every hour.",
    )

    def write(self, vals):
        res = super().write(vals)
        if LIFE_FIELDS & vals.keys() and not self.env.context.get(SUCCESSION):
            self._end_lines_if_dead()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_with_telephony(self):
        for contract in self.sudo():
            lines = contract.saperx_line_ids
            held = self.env["saperx.line.period"].sudo()
            held = held.search([("contract_id", "=", contract.id)]).line_id
            if any(line.remote_id or line.was_claimed for line in lines | held):
                raise UserError(
                    self.env._(
                        "The contract “%s” has or had SIP lines that the platform "
                        "knows, with their calls: it cannot be deleted. Terminate or "
                        "archive it.",
                        contract.display_name,
                    )
                )
            if lines | held:
                raise UserError(
                    self.env._(
                        "The contract “%s” has SIP lines: delete them first, or "
                        "terminate or archive the contract.",
                        contract.display_name,
                    )
                )

    # === Whether it is over ===

    def _is_dead(self, day):
        """Whether the contract is over on a day of its company's zone.

        It is, once its termination date has come, or it is archived, or every
        product line is cancelled or closed without a successor, or its own end date
        has passed if the recurrence is its own. A line that waits for its renewal
        lives; sections, notes, our own line and fees of numbers do not count. What a
        coming termination ended lives until its date; what somebody ends before that
        is over.
        """
        self.ensure_one()
        if not self.active or self._is_terminated_on(day):
            return True
        lines = self._get_life_lines()
        if self.is_terminated:
            # Until its date it lives, though no fee runs any more because of it.
            before = self.saperx_before_termination or {}
            if any(line._is_ended_by_termination(before) for line in lines):
                return False
        if not self.line_recurrence and self.date_end and self.date_end < day:
            return not any(line._waits_for_renewal() for line in lines)
        return bool(lines) and all(line._is_dead(day) for line in lines)

    def _is_terminated_on(self, day):
        self.ensure_one()
        return self.is_terminated and (
            not self.terminate_date or self.terminate_date <= day
        )

    def _get_life_lines(self):
        """Those by which a contract lives: a number's fee ends with its line, and so
        keeps none alive."""
        return self._get_product_lines().filtered(lambda line: not line.is_did_fee)

    def _get_product_lines(self):
        """Those that recur, numbers' fees among them."""
        return self.contract_line_ids.filtered(
            lambda line: not line.display_type and not line.is_telephony
        )

    def _get_end_day(self, line, today):
        """The first day without a SIP line that is over; None if no date says so.

        :param date today: in the company's zone
        """
        self.ensure_one()
        if not self.active:
            return None
        if self._is_terminated_on(today):
            return self.terminate_date or None
        if not self._is_dead(today):
            return line.contract_line_id._get_end_day()
        days = [fee._get_end_day() for fee in self._get_life_lines()]
        if not self.line_recurrence and self.date_end:
            days.append(self.date_end + ONE_DAY)
        return max(filter(None, days), default=None)

    def _explain_end(self, line, today):
        """Why a SIP line ends, for its history."""
        self.ensure_one()
        day = self._get_end_day(line, today)
        if not self.active:
            return self.env._("Cancelled: the contract was archived.")
        if not self._is_dead(today):
            return self.env._("Cancelled: its recurring fee has ended.")
        if not day:
            return self.env._("Cancelled: nothing of the contract runs any longer.")
        return self.env._(
            "Cancelled: the contract ended on %s.",
            format_date(
                self.env, day if self._is_terminated_on(today) else day - ONE_DAY
            ),
        )

    def _check_takes_lines(self, day):
        """Whether SIP lines may be on the contract on a day of its company's zone.

        :raise ValidationError: saying why not
        """
        self.ensure_one()
        if self._is_dead(day):
            raise ValidationError(
                self.env._(
                    "The contract “%s” has ended: it takes no line.", self.display_name
                )
            )
        if self.contract_type != "sale":
            raise ValidationError(
                self.env._("A SIP line belongs to a customer's contract.")
            )
        if reason := self._explain_other_currency():
            raise ValidationError(reason)

    # === What ends with it ===

    def _end_lines_if_dead(self):
        """Cancel the SIP lines whose contract, or recurring fee, is over today.

        Never fails because of a line: what cannot be cancelled is told on the
        contract, keeps nothing else alive, and is left to the sweep.

        :return: the lines that were cancelled
        """
        ended = self.env["saperx.line"].sudo()
        for contract in self.sudo().with_context(active_test=False):
            ended |= contract._end_what_is_over()
        self._sweep_when_they_end()
        return ended

    def _end_what_is_over(self):
        self.ensure_one()
        today = self.company_id._get_telephony_today()
        errors = []
        if self.saperx_line_ids:
            # Those that are on another contract since a moment ago do not end with it.
            errors.append(self._try(self.saperx_line_ids._take_over_terms))
        is_dead = self._is_dead(today)
        if is_dead:
            errors.append(self._try(self._refuse_planned_lines))
        ended = self.env["saperx.line"].sudo()
        for line in self.saperx_line_ids:
            fee = line.contract_line_id
            is_over = is_dead or (fee and fee._is_dead(today))
            if line.state != "cancelled" and is_over:
                error = self._try(lambda line=line: self._end_line(line, today))
                errors.append(error)
                if not error:
                    ended |= line
        self._note_end_errors(filter(None, errors))
        return ended

    def _end_line(self, line, today):
        line._cancel()
        if self._is_terminated_on(today):
            line._write_sync({"ended_with_termination": True})
        line.message_post(body=self._explain_end(line, today))

    def _try(self, part):
        """Do a part of an end.

        :return: why it failed, or None
        """
        # What was done before may be refused, and is none of ours.
        self.env.flush_all()
        try:
            with self.env.cr.savepoint():
                part()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise  # somebody was faster: all of it begins again
        except UserError as error:
            _logger.warning("a part of the end of contract %s: %s", self.id, error)
            return str(error)
        except Exception as error:
            _logger.exception("a part of the end of contract %s failed", self.id)
            return f"{type(error).__name__}: {error}".partition("\n")[0]
        return None

    def _note_end_errors(self, errors):
        """Tell once what keeps lines alive, and forget it when nothing does."""
        self.ensure_one()
        text = "\n".join(dict.fromkeys(errors))
        if text == (self.saperx_end_error or ""):
            return
        self.saperx_end_error = text
        if text:
            self.message_post(
                body=self.env._(
                    "SIP lines outlive the contract and are tried again every hour: %s",
                    text,
                )
            )

    def _refuse_planned_lines(self):
        """Lines that were to come onto these contracts stay where they are."""
        now = fields.Datetime.now()
        moves = (
            self.env["saperx.line.period"]
            .sudo()
            .search([("contract_id", "in", self.ids), ("date_from", ">", now)])
            .filtered(lambda period: period.line_id.contract_id not in self)
        )
        moves.line_id._drop_planned_change(
            self.env._("the contract it was to come to has ended")
        )
