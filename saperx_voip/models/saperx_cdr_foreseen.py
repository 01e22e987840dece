# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.tools import SQL

from ..rating import Holding, bounds_utc


@dataclass(slots=True)
class ForeseenCycle:
    """What a period of a line comes to in a cycle, were all charged now."""

    holding: Holding
    first: date
    """Local, as ``last`` inclusive; of the part that lies in the period."""
    last: date
    calls: int = 0
    charged_seconds: int = 0
    amount: Decimal = Decimal(0)
    """In reais, after allowances."""
    is_left_out: bool = False
    """It is not charged, since the line was not active in it."""
    balances: list = field(default_factory=list)
    """What it has of allowances: ``rating.Balance``."""


class SaperxCdr(models.Model):
    """What lines will be charged for once their terms have changed. Writes nothing."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _foresee(self, lines, holdings, days):
        """What the calls that are not charged come to, were the periods of these lines
        others than they are.

        Whoever shares an allowance with them draws along.

        :param lines: recordset of ``saperx.line``
        :param holdings: all periods of the lines, as ``Holding``
        :param days: pairs of a holding and a local day of it: the cycles that are told
            of even without calls
        :return: a list of ``ForeseenCycle``, by line in order of time
        """
        cycles = []
        by_zone = lines.sudo().grouped(lambda line: line.integration_id.timezone)
        for timezone, some in by_zone.items():
            of_some = set(some.ids)
            cycles += self._foresee_in_zone(
                some,
                [held for held in holdings if held.line_id in of_some],
                [pair for pair in days if pair[0].line_id in of_some],
                ZoneInfo(timezone),
            )
        order = {line_id: place for place, line_id in enumerate(lines.ids)}
        cycles.sort(
            key=lambda cycle: (
                order[cycle.holding.line_id],
                cycle.holding.since or datetime.min,
                cycle.first,
            )
        )
        return cycles

    @api.model
    def _foresee_in_zone(self, lines, holdings, days, zone):
        everybody = lines | self._get_sharers_of(holdings, lines)
        others = everybody - lines
        everything = [
            *holdings,
            *(period._get_holding() for period in others.period_ids),
        ]
        ledger, rates = everybody._get_ledger(everything)
        calls = self._rate_held(everybody, everything, rates)
        by_period = {held.period_id: held for held in holdings}
        line_of = {held.period_id: held.line_id for held in everything}

        def is_left_out(period_id, cycle_end):
            line = everybody.browse(line_of[period_id])
            first, _last = ledger.bounds(period_id, cycle_end)
            return (
                line.integration_id.charge_only_active_lines
                and not line._was_active(*bounds_utc(first, cycle_end, zone))
            )

        found = {
            (held.period_id, ledger.bounds(held.period_id, day)[1]): []
            for held, day in days
        }
        for call, drawn in self._draw_beforehand(ledger, calls, is_left_out):
            if call.period_id in by_period:
                key = call.period_id, call.cycle_end
                found.setdefault(key, []).append((call, drawn))
        for (period_id, cycle_end), drawings in found.items():
            held = by_period[period_id]
            first, last = held.days_of(*ledger.bounds(period_id, cycle_end), zone)
            yield ForeseenCycle(
                held,
                first,
                last,
                calls=len(drawings),
                charged_seconds=sum(call.charged_seconds for call, _drawn in drawings),
                amount=sum(
                    (drawn.charged_amount for _call, drawn in drawings), Decimal(0)
                ),
                is_left_out=is_left_out(period_id, cycle_end),
                balances=list(ledger.look(period_id, cycle_end).values()),
            )

    @api.model
    def _get_sharers_of(self, holdings, lines):
        """The other lines that share an allowance with these periods of lines of one
        time zone."""
        tariffs = self.env["saperx.tariff"].sudo()
        tariffs = tariffs.browse({held.tariff_id for held in holdings} - {None})
        shared = tariffs.filtered(lambda t: any(t.allowance_ids.mapped("is_shared")))
        found = self.env["saperx.line"].sudo()
        for tariff in shared:
            contract_ids = {
                held.contract_id for held in holdings if held.tariff_id == tariff.id
            }
            periods = (
                self.env["saperx.line.period"]
                .sudo()
                .search(
                    [
                        ("contract_id", "in", list(contract_ids)),
                        ("tariff_id", "=", tariff.id),
                        ("line_id", "not in", lines.ids),
                        (
                            "line_id.integration_id.timezone",
                            "=",
                            lines[0].integration_id.timezone,
                        ),
                    ]
                )
            )
            found |= periods.line_id
        return found

    @api.model
    def _rate_held(self, lines, holdings, rates):
        """The chargeable calls of lines that are held otherwise, as the ledger takes
        them. Only those that a plan given later may price are not unbilled yet."""
        which = SQL("(state = 'unbilled' OR reason = 'no_tariff')")
        tariffs = self.env["saperx.tariff"].sudo().browse(rates)
        core_tariffs = {tariff.id: tariff._get_rating_tariff() for tariff in tariffs}
        calls = []
        for integration, some in lines.grouped("integration_id").items():
            assessor = integration._get_assessor(lines=some)
            assessor = assessor.held(holdings, core_tariffs)
            rated = self._rate(rates, some, assessor, which)
            calls += [call for call, _line_id in rated]
        return calls
