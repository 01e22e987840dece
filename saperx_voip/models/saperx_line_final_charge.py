# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from datetime import timedelta

from odoo import models

ONE_SECOND = timedelta(seconds=1)


class SaperxLine(models.Model):
    """What is left to charge of lines that end: looked at beforehand."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    def _get_final_charges(self, ends):
        """What would be charged of these lines, as far as is known now, were they to
        end. Nothing is written.

        :param dict ends: by line id, the moment (naive UTC)
        :return: a list of groups as ``saperx.charge._get_ripe_groups`` has them, with
            ``ripe_at`` (naive UTC) and ``balances``: pairs of an allowance and a
            ``rating.Balance``
        """
        charge_model = self.env["saperx.charge"].sudo()
        groups = {
            (group["period"], group["cycle_end"]): group
            for group in charge_model._read_unbilled_groups([("id", "in", self.ids)])
        }
        for line in self.sudo():
            if last := line._get_last_group(ends[line.id]):
                groups.setdefault((last["period"], last["cycle_end"]), last)
        amounts, ledgers = self._draw_until(ends)
        for (period, cycle_end), group in groups.items():
            ledger = ledgers.get(period.contract_id.id)
            group["balances"] = []
            if ledger:
                group["amount"] = float(amounts[period.id, cycle_end])
                group["balances"] = [
                    (self.env["saperx.tariff.allowance"].browse(key.allowance_id), left)
                    for key, left in ledger.look(period.id, cycle_end).items()
                ]
            group["line_ends"] = ends[group["line"].id]
            group["ripe_at"] = charge_model._get_ripe_at(group)
        return sorted(
            groups.values(),
            key=lambda group: (
                group["line"].id,
                group["cycle_end"],
                group["period"].id,
            ),
        )

    def _get_last_group(self, ends):
        """The cycle in which the line ends, without calls, or None if nothing is
        charged of it."""
        self.ensure_one()
        before = ends - ONE_SECOND
        period = self.period_ids.filtered(lambda period: period._covers(before))
        if not period.tariff_id or period.billing_type == "prepaid":
            return None
        _first, last = period._get_cycle(period._get_local_day(before))
        return {
            "line": self,
            "period": period,
            "cycle_end": last,
            "calls": 0,
            "amount": 0.0,
        }

    def _draw_until(self, ends):
        """:return: by period id and cycle what unbilled calls would cost, and by
        contract id the ledger as they leave it; both of contracts with allowances"""
        cdr_model = self.env["saperx.cdr"].sudo()
        amounts, ledgers = defaultdict(int), {}
        for lines, contract_ids in cdr_model._split_by_ledger(self.ids):
            ledger, drawings, _stored = cdr_model._draw_open_calls(
                lines, contract_ids, ends
            )
            ledgers |= dict.fromkeys(contract_ids, ledger)
            for call, drawn in drawings:
                amounts[call.period_id, call.cycle_end] += drawn.charged_amount
        return amounts, ledgers
