# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal
from typing import NamedTuple

from odoo import fields, models

from ..rating import remaining_amount
from .saperx_line_period import ONE_DAY


class Remaining(NamedTuple):
    """What a recurring fee would still have cost: its days, and the amount as it is
    stated on the contract."""

    date_from: object
    date_to: object
    amount: float


class ContractLine(models.Model):
    """What is left of a fee's term when its contract ends early."""

    _inherit = "contract.line"  # pylint: disable=consider-merging-classes-inherited

    def _get_remaining(self, day, may_run_longer):
        """From after the last period that is still invoiced up to the end of the term.

        The period that the termination falls in is invoiced in full, and those that
        were invoiced before are.

        :param date day: of the termination
        :param may_run_longer: up to which the line was invoiced, beyond that day
        :return: a ``Remaining``, or None
        """
        self.ensure_one()
        ends, is_over = self._get_own_term()
        if is_over or not ends:
            return None
        last = day
        if may_run_longer and self.last_date_invoiced:
            last = max(last, self.last_date_invoiced)
        start = self.date_start
        if self.last_date_invoiced:
            start = self.last_date_invoiced + ONE_DAY
        while start <= min(last, ends):
            start = self._get_period_end(start) + ONE_DAY
        if start > ends:
            return None
        return Remaining(start, ends, self._get_amount_between(start, ends))

    def _get_own_term(self):
        """Its end, and whether it was over, as they were before a termination.

        The contract's minimum term ends it earlier; a line that would renew itself is
        bound by that term alone, if there is one.

        :return: a date or None, and a boolean
        """
        self.ensure_one()
        contract = self.contract_id
        remembered = (contract.saperx_before_termination or {}).get(str(self.id))
        now = remembered["was"] if remembered else self._read_dates()
        ends = fields.Date.to_date(now["date_end"])
        if contract.is_terminated and not remembered:
            ends = None
        minimum = contract.saperx_minimum_term_until
        if now["is_auto_renew"] and minimum:
            ends = None
        return min(filter(None, (ends, minimum)), default=None), now["is_canceled"]

    def _get_period_end(self, start):
        return self.get_next_period_date_end(
            start, self.recurring_rule_type, self.recurring_interval, max_date_end=False
        )

    def _get_amount_between(self, first, last):
        """Whole periods, and the last one by its days."""
        stretches = []
        while first <= last:
            end = self._get_period_end(first)
            length = (end - first).days + 1
            stretches.append(((min(end, last) - first).days + 1, length))
            first = end + ONE_DAY
        price = Decimal(str(self.price_subtotal))
        unit = Decimal(str(self.currency_id.rounding))
        return float(remaining_amount(price, stretches, unit))
