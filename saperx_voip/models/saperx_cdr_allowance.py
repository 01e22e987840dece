# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.tools import SQL, split_every

from ..bulk import update_rows
from ..rating import (
    Balance,
    Drawn,
    Key,
    Ledger,
    OpenCall,
    Stretches,
    cycle_of,
    local_date,
)

# Contracts whose calls are in memory at one time.
BATCH = 500
# Lines whose allowances are drawn in one transaction.
DRAW_BATCH = 200

DRAWN_COLUMNS = (
    "covered_seconds",
    "covered_amount",
    "charged_amount",
    "allowance_uses",
)


class SaperxCdr(models.Model):
    """What allowances take of calls: beforehand of the unbilled ones, and for good of
    those that a charge takes."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _draw_allowances(self, line_ids):
        """Say anew what allowances take of the unbilled calls of these lines, and of
        the lines that share with them, were all charged now."""
        self.env.flush_all()
        for lines, contract_ids in self._split_by_ledger(line_ids):
            if not self._has_open_calls(lines):
                continue
            _ledger, drawings, stored = self._draw_open_calls(lines, contract_ids)
            self._store_drawn(drawings, stored)

    @api.model
    def _has_open_calls(self, lines):
        """Whether any of these lines has an unbilled call."""
        [[count]] = self.env.execute_query(
            SQL(
                # Counted, so that PostgreSQL goes by the index: it would look for just
                # one in the whole table, as long as it believes that there are many.
                "SELECT count(*) FROM saperx_cdr"
                " WHERE line_id = ANY(%s) AND state = 'unbilled'",
                lines.ids,
            )
        )
        return bool(count)

    @api.model
    def _draw_in_batches(self, line_ids):
        """As ``_draw_allowances``, of many lines."""
        # What lines of one contract share is reckoned together.
        lines = self.env["saperx.line"].sudo().browse(line_ids)
        lines = lines.sorted(lambda line: (line.contract_id.id, line.id))
        for ids in split_every(DRAW_BATCH, lines.ids):
            self._draw_allowances(ids)

    @api.model
    def _draw_open_calls(self, lines, contract_ids, ends=None):
        """Let the unbilled calls of a batch of ``_split_by_ledger`` draw.

        :param ends: by line id, the moment (naive UTC) at which a line is supposed to
            end; None: as they stand
        :return: the ledger as they leave it, pairs of ``OpenCall`` and ``Drawn``, and
            what is stored of them, as ``_read_open_calls`` gives it
        """
        holdings = lines._read_holdings()
        ledger, rates = lines._get_ledger(list(_until(ends or {}, holdings)))
        calls, stored = self._read_open_calls(
            rates,
            SQL(
                "call.line_id = ANY(%s) AND call.state = 'unbilled'"
                " AND period.contract_id = ANY(%s)",
                lines.ids,
                contract_ids,
            ),
        )
        is_left_out = None
        if any(lines.sudo().integration_id.mapped("charge_only_active_lines")):
            # All at once, not period by period.
            lines.sudo().period_ids.fetch(["line_id", "tariff_id"])
        else:
            is_left_out = _never
        return ledger, list(self._draw_beforehand(ledger, calls, is_left_out)), stored

    @api.model
    def _draw_beforehand(self, ledger, calls, is_left_out=None):
        """Let unbilled calls draw as they would if all were charged now: those of
        cycles that are left out, since the line was not active, draw on nothing.

        :param is_left_out: tells so by period id and last day of the cycle; None: of
            the periods as they are
        :return: as ``Ledger.draw``
        """
        is_left_out = lru_cache(maxsize=None)(is_left_out or self._is_left_out)
        charged, left_out = [], []
        for call in calls:
            kept = left_out if is_left_out(call.period_id, call.cycle_end) else charged
            kept.append(call)
        yield from ledger.draw(charged)
        for call in left_out:
            yield call, Drawn(0, Decimal(0), call.gross)

    @api.model
    def _is_left_out(self, period_id, cycle_end):
        """Whether a cycle is not charged, since its line was not active in it."""
        period = self.env["saperx.line.period"].sudo().browse(period_id)
        group = {"line": period.line_id, "period": period, "cycle_end": cycle_end}
        return bool(self.env["saperx.charge"]._get_inactivity(group))

    @api.model
    def _split_by_ledger(self, line_ids):
        """The contracts in which these lines have allowances, in batches.

        :param line_ids: ids of ``saperx.line``
        :return: an iterator of the lines (of one time zone) that share a batch of
            contracts, and the contracts' ids: what they share is reckoned together
        """
        rows = self.env.execute_query(
            SQL(
                """
                WITH given AS (
                    SELECT DISTINCT contract_id FROM saperx_line_period
                    JOIN saperx_tariff_allowance USING (tariff_id)
                    WHERE line_id = ANY(%(line_ids)s)
                ), others AS (
                    SELECT array_agg(line_id) AS line_ids FROM saperx_line_period
                    WHERE line_id = ANY(%(line_ids)s)
                      AND contract_id NOT IN (SELECT contract_id FROM given)
                ), concerned AS (
                    SELECT contract_id FROM given
                    UNION
                    -- Of an allowance that was taken away.
                    SELECT contract_id FROM saperx_cdr
                    WHERE line_id = ANY((SELECT line_ids FROM others)::int[])
                      AND state = 'unbilled' AND allowance_uses IS NOT NULL
                )
                SELECT DISTINCT integration.timezone, period.contract_id, line.id
                FROM concerned
                JOIN saperx_line_period AS period USING (contract_id)
                JOIN saperx_line AS line ON line.id = period.line_id
                JOIN saperx_integration AS integration
                  ON integration.id = line.integration_id
                ORDER BY integration.timezone, period.contract_id, line.id
                """,
                line_ids=list(line_ids),
            )
        )
        by_zone = defaultdict(lambda: defaultdict(list))
        for timezone, contract_id, line_id in rows:
            by_zone[timezone][contract_id].append(line_id)
        for by_contract in by_zone.values():
            for batch in split_every(BATCH, by_contract.items()):
                ids = sorted({line_id for _contract, some in batch for line_id in some})
                yield (
                    self.env["saperx.line"].sudo().browse(ids),
                    [contract_id for contract_id, _lines in batch],
                )

    @api.model
    def _read_open_calls(self, rates, where):
        """Calls as the ledger takes them, and what is stored of their drawing.

        :param rates: by tariff id what ``_get_rates_by_id`` gives
        :param SQL where: which calls (``call``)
        :return: ``OpenCall`` list, and by call id its charge and stored columns
        """
        calls, stored = [], {}
        for (
            call_id,
            remote_id,
            period_id,
            tariff_id,
            start,
            cycle_end,
            call_class,
            digits,
            charged_seconds,
            gross,
            rate_id,
            charge_id,
            *drawn,
        ) in self.env.execute_query(
            SQL(
                """
                SELECT call.id, call.remote_id, call.period_id, period.tariff_id,
                       call.start, call.cycle_end, call.call_class, call.other_party,
                       call.charged_seconds, call.gross_amount::text, call.rate_id,
                       call.charge_id, call.covered_seconds,
                       call.covered_amount::text, call.charged_amount::text,
                       call.allowance_uses::text
                FROM saperx_cdr AS call
                JOIN saperx_line_period AS period ON period.id = call.period_id
                WHERE %s
                """,
                where,
            )
        ):
            rates_of_plan = rates.get(tariff_id, {})
            if rate_id and rate_id not in rates_of_plan:
                # Rated under another plan, and about to be rated again.
                continue
            stored[call_id] = charge_id, drawn
            calls.append(
                OpenCall(
                    id=call_id,
                    remote_id=remote_id,
                    period_id=period_id,
                    start=start,
                    cycle_end=cycle_end,
                    call_class=call_class,
                    digits=digits or "",
                    charged_seconds=charged_seconds,
                    gross=_amount_of(gross),
                    rate=rates_of_plan.get(rate_id),
                )
            )
        return calls, stored

    @api.model
    def _store_drawn(self, drawings, stored):
        """Write what was drawn where it is not what stands there.

        :param drawings: pairs of ``OpenCall`` and ``Drawn``
        :param stored: as ``_read_open_calls`` gives it
        """
        rows = []
        for call, drawn in drawings:
            _charge_id, (seconds, covered, charged, uses) = stored[call.id]
            new_uses = json.dumps(dict(drawn.uses)) if drawn.uses else None
            same = (
                seconds == drawn.covered_seconds
                and Decimal(covered or 0) == drawn.covered_amount
                and Decimal(charged or 0) == drawn.charged_amount
                and (uses == new_uses or _are_equal(uses, new_uses))
            )
            if not same:
                rows.append(
                    (
                        call.id,
                        drawn.covered_seconds,
                        drawn.covered_amount,
                        drawn.charged_amount,
                        new_uses,
                    )
                )
        if not rows:
            return
        update_rows(self.env.cr, self._table, DRAWN_COLUMNS, rows)
        self.invalidate_model(DRAWN_COLUMNS)


def _never(_period_id, _cycle_end):
    return False


@lru_cache(maxsize=8192)
def _amount_of(text):
    return Decimal(text).quantize(Decimal("0.01"))


def _are_equal(uses, new_uses):
    """Whether two texts of JSON, or None, say the same in whatever order."""
    return json.loads(uses or "null") == json.loads(new_uses or "null")


def _until(ends, holdings):
    """Holdings as they are if lines end at some moments: none of them begins later."""
    for holding in holdings:
        end = ends.get(holding.line_id)
        if end is None or holding.until and holding.until <= end:
            yield holding
        elif holding.since is None or holding.since < end:
            yield replace(holding, until=end)


class SaperxLine(models.Model):
    """The allowances of lines over their cycles."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    def _get_ledger(self, holdings=None):
        """What the cycles of these lines have of allowances, beside what their charges
        drew; lines that share must be together.

        :param holdings: the periods of the lines as they will be; None: as they are
        :return: a ``Ledger``, and by tariff id its rates by id
        """
        if holdings is None:
            holdings = self._read_holdings()
        tariffs = self.env["saperx.tariff"].sudo().with_context(active_test=False)
        tariffs = tariffs.browse({held.tariff_id for held in holdings} - {None})
        # Lines of one batch are of one time zone.
        zone = ZoneInfo(self.integration_id[:1].timezone)
        stretches = Stretches(
            holdings,
            zone,
            since=self._get_allowance_starts(),
            seen=self._get_first_days(),
        )
        allowances = {tariff.id: tariff._get_rating_allowances() for tariff in tariffs}
        ledger = Ledger(
            stretches,
            allowances,
            self._read_balances(allowances),
            self._read_used_before(),
        )
        return ledger, {tariff.id: tariff._get_rates_by_id() for tariff in tariffs}

    def _read_holdings(self):
        """All periods of these lines as the pure core takes them, past the ORM: lines
        are drawn for by the hundred."""
        self.env["saperx.line.period"].flush_model()
        which = SQL("line.id = ANY(%s)", self.ids)
        return self.env["saperx.integration"]._read_holdings(which)

    def _get_allowance_starts(self):
        """By line id, the day from which on it has its allowances, if there is one."""
        starts = {}
        opened = self._get_opened_cycles()
        for line in self:
            zone = ZoneInfo(line.integration_id.timezone)
            charged_from = line._get_charged_from()
            days = [
                line.in_use_since,
                # Whose cycle was open by then was there for all of it.
                opened.get(line.id)
                or (charged_from and local_date(charged_from, zone)),
            ]
            if any(days):
                starts[line.id] = max(filter(None, days))
        return starts

    def _get_first_days(self):
        """By line id, the first day of which there is a charge or an unbilled call."""
        return dict(
            self.env.execute_query(
                SQL(
                    """
                    SELECT line_id, min(day) FROM (
                        SELECT line_id, min(cycle_start) AS day
                        FROM saperx_charge
                        WHERE line_id = ANY(%(ids)s) AND state <> 'cancelled'
                        GROUP BY line_id
                        UNION ALL
                        SELECT line_id,
                               (min(start) AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)
                               ::date
                        FROM saperx_cdr
                        WHERE line_id = ANY(%(ids)s) AND state = 'unbilled'
                        GROUP BY line_id
                    ) AS seen
                    GROUP BY line_id
                    """,
                    ids=self.ids,
                    # Lines of one batch are of one time zone.
                    zone=self.integration_id[:1].timezone,
                )
            )
        )

    def _read_balances(self, allowances):
        """What live charges of these lines drew: the ledger's past."""
        by_id = {
            allowance.id: allowance
            for some in allowances.values()
            for allowance in some
        }
        return {
            Key(allowance_id, holder_id, cycle_end): Balance(
                by_id[allowance_id], *quantities
            )
            for allowance_id, holder_id, cycle_end, *quantities in (
                self.env.execute_query(
                    SQL(
                        """
                        SELECT used.allowance_id,
                               coalesce(used.stretch_id, charge.contract_id),
                               charge.cycle_end,
                               max(used.own_quantity), max(used.carried_quantity),
                               sum(used.used_quantity) + max(used.before_quantity),
                               max(used.carried_away), max(used.before_quantity)
                        FROM saperx_charge_allowance AS used
                        JOIN saperx_charge AS charge ON charge.id = used.charge_id
                        WHERE charge.line_id = ANY(%s)
                          AND charge.state <> 'cancelled'
                          AND used.allowance_id = ANY(%s)
                        GROUP BY 1, 2, 3
                        """,
                        self.ids,
                        list(by_id),
                    )
                )
            )
        }

    def _get_allowance_balances(self, moment=None):
        """What the line has of its allowances in a cycle, were its unbilled calls
        charged now.

        :param datetime moment: of the cycle and of the period that a call belongs to
            (naive UTC); None: now
        :return: pairs of a ``saperx.tariff.allowance`` and a ``rating.Balance``
        """
        self.ensure_one()
        moment = moment or fields.Datetime.now()
        period = self.sudo().period_ids.filtered(lambda p: p._covers(moment))
        cdr_model = self.env["saperx.cdr"].sudo()
        for lines, contract_ids in cdr_model._split_by_ledger(self.ids):
            if period.contract_id.id not in contract_ids:
                continue
            ledger, _drawings, _stored = cdr_model._draw_open_calls(lines, contract_ids)
            day = period._get_local_day(moment)
            last = cycle_of(day, period.closing_day)[1]
            allowance_model = self.env["saperx.tariff.allowance"]
            return [
                (allowance_model.browse(key.allowance_id), balance)
                for key, balance in ledger.look(period.id, last).items()
            ]
        return []
