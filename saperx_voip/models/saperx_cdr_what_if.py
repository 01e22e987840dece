# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.tools import SQL

from ..rating import Ledger, OpenCall, Stretches, bounds_utc, local_date
from .saperx_cdr import FACT_COLUMNS, fact_of


class SaperxCdr(models.Model):
    """What calls would cost under another billing plan. Writes nothing."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _what_if(self, lines, date_from, date_to, tariff):
        """What the calls of some days would cost, were the lines under a plan.

        Its allowances begin anew with the first of these days. Those that are shared
        are drawn on by the other lines of the contract that are under the plan too.

        :param lines: recordset of ``saperx.line``
        :param date date_from: local, as ``date_to`` inclusive
        :param tariff: a ``saperx.tariff``
        :return: a list of dicts by ``line_id``, ``period_id``, ``cycle_end`` and
            ``call_class``, with ``calls``, ``charged_seconds``, and in reais as
            ``Decimal`` ``gross_amount``, ``covered_amount``, ``charged_amount``
        """
        totals = defaultdict(lambda: [0, 0, Decimal(0), Decimal(0), Decimal(0)])
        lines, tariff = lines.sudo(), tariff.sudo()
        by_zone = lines.grouped(lambda line: line.integration_id.timezone)
        for timezone, some in by_zone.items():
            bounds = bounds_utc(date_from, date_to, ZoneInfo(timezone))
            sharers = self._get_other_sharers(tariff, some)
            calls = self._rate_under(tariff, some, sharers, bounds)
            line_of = {call.id: line_id for call, line_id in calls}
            ledger = self._open_ledger(tariff, some, sharers, calls, date_from)
            drawings = self._draw_beforehand(ledger, [call for call, _line_id in calls])
            asked = set(some.ids)
            for call, drawn in drawings:
                line_id = line_of[call.id]
                if line_id not in asked:
                    continue
                key = line_id, call.period_id, call.cycle_end, call.call_class
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
    def _get_other_sharers(self, tariff, lines):
        """The lines that share the plan's allowances with these of one time zone."""
        if not any(tariff.allowance_ids.mapped("is_shared")):
            return lines.browse()
        periods = self.env["saperx.line.period"].sudo()
        found = periods.search(
            [
                ("contract_id", "in", lines.period_ids.contract_id.ids),
                ("tariff_id", "=", tariff.id),
                ("line_id", "not in", lines.ids),
                (
                    "line_id.integration_id.timezone",
                    "=",
                    lines[0].integration_id.timezone,
                ),
            ]
        )
        return found.line_id

    @api.model
    def _rate_under(self, tariff, lines, sharers, bounds):
        """The calls as the ledger takes them: of these lines, were they under the
        plan; of those that share with them, as far as they are.

        :param bounds: moments (naive UTC, half open)
        :return: the chargeable calls, each with its line's id
        """
        core_tariff = tariff._get_rating_tariff()
        rates = {tariff.id: tariff._get_rates_by_id()}
        which = SQL("start >= %s AND start < %s", *bounds)
        calls = []
        for integration, some in lines.grouped("integration_id").items():
            assessor = integration._get_assessor(lines=some).under(core_tariff)
            calls += self._rate(rates, some, assessor, which)
        for integration, some in sharers.grouped("integration_id").items():
            assessor = integration._get_assessor(lines=some)
            calls += self._rate(rates, some, assessor, which)
        return calls

    @api.model
    def _rate(self, rates, lines, assessor, which):
        """The chargeable calls of lines that are under some plans in an assessor's
        eyes, each with its line's id.

        :param rates: by tariff id its rates by id
        :param SQL which: of the lines' calls
        """
        for call_id, remote_id, *values in self.env.execute_query(
            SQL(
                "SELECT id, remote_id, %s FROM saperx_cdr"
                " WHERE line_id = ANY(%s) AND %s",
                SQL(FACT_COLUMNS),
                lines.ids,
                which,
            )
        ):
            fact = fact_of(values)
            assessment = assessor.assess(fact)
            if assessment.rated.state != "unbilled":
                continue
            if assessment.holding.tariff_id not in rates:
                continue
            rates_of_plan = rates[assessment.holding.tariff_id]
            call = OpenCall(
                id=call_id,
                remote_id=remote_id,
                period_id=assessment.holding.period_id,
                start=fact.start,
                cycle_end=assessment.cycle_end,
                call_class=assessment.call_class,
                digits=assessment.other_party,
                charged_seconds=assessment.rated.charged_seconds,
                gross=assessment.rated.gross_amount,
                rate=rates_of_plan.get(assessment.rated.rate_id),
            )
            yield call, assessment.holding.line_id

    @api.model
    def _open_ledger(self, tariff, lines, sharers, calls, opened):
        """A ledger without a past, for lines of one time zone.

        :param calls: as ``_rate_under`` gives them
        :param date opened: the first day for which anything is given
        """
        timezone = ZoneInfo(lines[0].integration_id.timezone)
        everybody = lines | sharers
        seen = everybody._get_first_days()
        # Also those that are charged under this plan alone.
        for call, line_id in calls:
            day = local_date(call.start, timezone)
            seen[line_id] = min(day, seen.get(line_id, day))
        holdings = [
            replace(period._get_holding(), tariff_id=tariff.id)
            for period in lines.period_ids
        ]
        holdings += [period._get_holding() for period in sharers.period_ids]
        stretches = Stretches(
            holdings,
            timezone,
            since=everybody._get_allowance_starts(),
            seen=seen,
            opened=opened,
        )
        return Ledger(stretches, {tariff.id: tariff._get_rating_allowances()})
