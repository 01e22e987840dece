# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging

from odoo import fields, models
from odoo.exceptions import UserError

from .contract_line import SUCCESSION

_logger = logging.getLogger(__name__)

# What a termination changes on a contract line.
DATES = ("date_end", "is_auto_renew", "manual_renew_needed", "is_canceled")
MOVED_BY_INVOICES = ("recurring_next_date", "last_date_invoiced")


def is_unchanged(now, became):
    """Whether a contract line is what a termination made of it, by ``_read_dates``."""
    return bool(now) and all(now[name] == became[name] for name in DATES)


class ContractLine(models.Model):
    """What a termination made of a contract line, and the way back."""

    _inherit = "contract.line"  # pylint: disable=consider-merging-classes-inherited

    def _read_dates(self):
        self.ensure_one()
        return {
            name: fields.Date.to_string(self[name]) or False
            if self._fields[name].type == "date"
            else self[name]
            for name in (*DATES, *MOVED_BY_INVOICES)
        }

    def _is_ended_by_termination(self, before):
        """Whether it is what the contract's termination made of it.

        :param dict before: the contract's ``saperx_before_termination``
        """
        self.ensure_one()
        dates = before.get(str(self.id))
        if not dates:
            return False
        return is_unchanged(self._read_dates(), dates["became"])

    def _stop_at(self, day, may_run_longer):
        """Stop as OCA does where it lets: not on a terminated contract.

        :param may_run_longer: up to which it was invoiced, beyond that day
        """
        self.ensure_one()
        if self.is_canceled:
            return
        if may_run_longer and self.last_date_invoiced:
            day = max(day, self.last_date_invoiced)
        if day < self.date_start:
            self.write({"is_canceled": True, "is_auto_renew": False})
        elif not self.date_end or self.date_end > day:
            self.write(self._prepare_value_for_stop(day, False))
        else:
            self.write({"is_auto_renew": False, "manual_renew_needed": False})

    def _go_back(self, was, became):
        """Take back what a termination changed, unless somebody changed it since.

        An invoice in between has moved the date of the next one: it is found anew.

        :param dict was: values of ``_read_dates``
        :param dict became: likewise
        :return: whether the line is what it was
        """
        self.ensure_one()
        now = self._read_dates()
        if not is_unchanged(now, became):
            return False
        values = {name: was[name] for name in DATES}
        if all(now[name] == became[name] for name in MOVED_BY_INVOICES):
            values["recurring_next_date"] = was["recurring_next_date"]
        line = self.with_context(**{SUCCESSION: True})
        try:
            with self.env.cr.savepoint():
                line.write(values)
                line._follow_predecessor()
        except UserError as error:
            _logger.info("contract line %s keeps its dates: %s", self.id, error)
            return False
        return True

    def _follow_predecessor(self):
        """A cancelled line was its predecessor's successor: it is again."""
        former = self.predecessor_contract_line_id
        if former and not self.is_canceled and not former.successor_contract_line_id:
            former.successor_contract_line_id = self
