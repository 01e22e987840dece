# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.tools import SQL

from ..rating import Ledger, OpenCall, Stretches, bounds_utc
from .saperx_cdr import FACT_COLUMNS, fact_of


class SaperxCdr(models.Model):
    """What calls would cost under another billing plan. Writes nothing."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _what_if(self, lines, date_from, date_to, tariff):
        """What the calls of some days would cost, were the lines under a plan.

        Its allowances begin anew with the first of these days.

        :param lines: recordset of ``saperx.line``
        :param date date_from: local, as ``date_to`` inclusive
        :param tariff: a ``saperx.tariff``
        :return: a list of dicts by ``line_id``, ``period_id``, ``cycle_end`` and
            ``call_class``, with ``calls``, ``charged_seconds``, and in reais as
            ``Decimal`` ``gross_amount``, ``covered_amount``, ``charged_amount``
        """
        totals = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0), Decimal(0)])
        for integration, some in lines.sudo().grouped("integration_id").items():
            bounds = bounds_utc(date_from, date_to, ZoneInfo(integration.timezone))
            calls, line_of = self._rate_under(tariff, some, bounds)
            ledger = self._open_ledger(tariff, some, bounds)
            for call, drawn in ledger.draw(calls):
                key = line_of[call.id], call.period_id, call.cycle_end, call.call_class
                total = totals[key]
                total[0] += 1
                total[1] += call.charged_seconds
                total[2] += call.gross
                total[3] += drawn.covered_amount
                total[4] += drawn.charged_amount
        keys = ("line_id", "period_id", "cycle_end", "call_class")
        values = (
            "calls",
            "charged_seconds",
            "gross_amount",
            "covered_amount",
            "charged_amount",
        )
        return [
            dict(zip(keys + values, (*key, *total), strict=True))
            for key, total in totals.items()
        ]

    @api.model
    def _rate_under(self, tariff, lines, bounds):
        """The calls of lines of one integration as the ledger takes them.

        :param bounds: moments (naive UTC, half open)
        :return: the chargeable calls, and the line's id by call id
        """
        core_tariff = tariff.sudo()._get_rating_tariff()
        rates = tariff.sudo()._get_rates_by_id()
        assessor = lines.integration_id._get_assessor(lines=lines).under(core_tariff)
        calls, line_of = [], {}
        for call_id, remote_id, *values in self.env.execute_query(
            SQL(
                "SELECT id, remote_id, %s FROM saperx_cdr"
                " WHERE line_id = ANY(%s) AND start >= %s AND start < %s",
                SQL(FACT_COLUMNS),
                lines.ids,
                *bounds,
            )
        ):
            fact = fact_of(values)
            assessment = assessor.assess(fact)
            if assessment.rated.state != "unbilled":
                continue
            line_of[call_id] = assessment.holding.line_id
            calls.append(
                OpenCall(
                    id=call_id,
                    remote_id=remote_id,
                    period_id=assessment.holding.period_id,
                    start=fact.start,
                    cycle_end=assessment.cycle_end,
                    call_class=assessment.call_class,
                    digits=assessment.other_party,
                    charged_seconds=assessment.rated.charged_seconds,
                    gross=assessment.rated.gross_amount,
                    rate=rates.get(assessment.rated.rate_id),
                )
            )
        return calls, line_of

    @api.model
    def _open_ledger(self, tariff, lines, bounds):
        """A ledger without a past, for the lines of one integration."""
        begins, ends = bounds
        holdings = [
            replace(
                holding,
                tariff_id=tariff.id,
                since=max(holding.since or begins, begins),
            )
            for holding in (period._get_holding() for period in lines.period_ids)
            if (holding.until is None or holding.until > begins)
            and (holding.since is None or holding.since < ends)
        ]
        return Ledger(
            Stretches(holdings, ZoneInfo(lines.integration_id.timezone)),
            {tariff.id: tariff.sudo()._get_rating_allowances()},
        )
