# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging

from odoo import api, fields, models
from odoo.exceptions import ValidationError

_logger = logging.getLogger(__name__)

LIFE_FIELDS = {"is_terminated", "terminate_date", "active"}


class ContractContract(models.Model):
    """When a contract is over, and its lines with it."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    def write(self, vals):
        res = super().write(vals)
        if LIFE_FIELDS & vals.keys():
            self._end_lines_if_dead()
        return res

    def _is_dead(self, day):
        """Whether the contract is over on a day of its company's zone.

        It is, once its termination date has come, or it is archived, or every
        product line is cancelled or closed without a successor. A line that waits
        for its renewal lives; sections, notes and our own line do not count.
        """
        self.ensure_one()
        if not self.active:
            return True
        if self.is_terminated:
            return not self.terminate_date or self.terminate_date <= day
        lines = self.contract_line_ids.filtered(
            lambda line: not line.display_type and not line.is_telephony
        )
        return bool(lines) and all(line._is_dead(day) for line in lines)

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
        own = self.company_id.currency_id
        if self.currency_id != own:
            raise ValidationError(
                self.env._(
                    "The contract “%(contract)s” is in %(currency)s: calls are "
                    "priced in %(own)s and cannot be put on its invoices.",
                    contract=self.display_name,
                    currency=self.currency_id.name,
                    own=own.name,
                )
            )

    def _end_lines_if_dead(self):
        """Cancel the SIP lines whose contract, or recurring fee, is over today.

        :return: the lines that were cancelled
        """
        ended = self.env["saperx.line"].sudo()
        for contract in self.sudo().with_context(active_test=False):
            today = contract.company_id._get_telephony_today()
            # Those that are on another contract since a moment ago do not end with it.
            contract.saperx_line_ids._take_over_terms()
            is_dead = contract._is_dead(today)
            if is_dead:
                contract._refuse_planned_lines()
            lines = contract.saperx_line_ids.filtered(
                lambda line: line.state != "cancelled"
            )
            if not lines:
                continue
            if not is_dead:
                lines = lines.filtered(
                    lambda line, day=today: (
                        line.contract_line_id and line.contract_line_id._is_dead(day)
                    )
                )
            lines._cancel()
            ended |= lines
        return ended

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

    @api.model
    def _cron_end_lines(self):
        """Catch what no hook saw: an end date that passed, a direct change."""
        contracts = (
            self.env["saperx.line"]
            .search([("state", "!=", "cancelled")])
            .with_context(active_test=False)
            .contract_id
        )
        for contract in contracts:
            try:
                with self.env.cr.savepoint():
                    contract._sweep_lines()
            except Exception:  # one contract must not keep the others' lines alive
                _logger.exception("ending the lines of contract %s failed", contract.id)
            self.env["ir.cron"]._commit_progress(1)

    def _sweep_lines(self):
        for line in self._end_lines_if_dead():
            _logger.info("line %s ended with its contract", line.id)
            line.message_post(
                body=self.env._("Cancelled by the sweep: the contract had ended.")
            )
