# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..rating import bounds_utc


class Totals(NamedTuple):
    """Of calls of one class. Amounts in reais, exact."""

    calls: int
    seconds: int
    gross: Decimal
    covered: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Scope:
    """What a run looks at."""

    periods: Domain = Domain.TRUE
    """Of ``saperx.line.period``."""
    closed_from: date | None = None
    """Cycles by their last day, inclusive; None: all."""
    closed_to: date | None = None
    only_active: bool = False
    """*Cobrar somente ramais ativos*, also where the integration does not say so."""

    @classmethod
    def of_lines(cls, domain):
        """:param domain: of ``saperx.line``"""
        return cls(Domain("line_id", "any", list(domain)) if domain else Domain.TRUE)

    def within(self, domain):
        """:param domain: of ``saperx.line.period``"""
        return replace(self, periods=self.periods & Domain(domain))


class SaperxCharge(models.Model):
    """What there is to charge, and what it waits for."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _get_ripe_groups(self, domain=(), scope=None, age_limits=None):
        """What there is to charge: unbilled calls by line, period and cycle.

        :param domain: of the lines (``saperx.line``), beside the company's
        :param Scope scope: instead of ``domain``
        :param age_limits: as ``_get_age_limits`` has them: calls that are too old come
            in groups of their own; None: nobody asks how old they are
        :return: a list of dicts with ``line``, ``period``, ``cycle_end``, ``is_aged``,
            ``classes`` (``Totals`` by class), ``calls``, ``amount``, ``waits_for`` (why
            the cycle is not charged now, or None) and ``is_left_out`` (whether it will
            not be charged at all)
        """
        scope = (scope or Scope.of_lines(domain)).within(
            [("company_id", "in", self.env.companies.ids)]
        )
        groups = self._read_groups(scope, age_limits)
        # Lines that share an allowance are charged together: what is left of it is
        # fixed when its cycle is first charged.
        shares = {self._get_share(group) for group in groups} - {None}
        sharing = self._get_sharing_periods(shares)
        if sharing:
            known = {self._get_key(group) for group in groups}
            everybody = Scope(Domain("id", "in", sharing.ids))
            groups += [
                group
                for group in self._read_groups(everybody, age_limits)
                if self._get_share(group) in shares
                and self._get_key(group) not in known
            ]
        self._tell_what_they_wait_for(groups, sharing, scope.only_active)
        return groups

    def _tell_what_they_wait_for(self, groups, sharing, only_active):
        by_pair = defaultdict(self.env["saperx.line.period"].sudo().browse)
        for period in sharing:
            by_pair[period.contract_id, period.tariff_id] |= period
        obstacles, of_shares = {}, {}
        for group in groups:
            share = self._get_share(group)
            if share and share not in of_shares:
                of_shares[share] = self._get_share_obstacle(
                    by_pair[share[:2]], share[2], obstacles
                )
            left_out = self._get_exclusion(group)
            left_out = left_out or self._get_inactivity(group, only_active)
            waits_for = self._get_known_obstacle(group, obstacles)
            waits_for = waits_for or of_shares.get(share)
            group["is_left_out"] = bool(left_out)
            group["waits_for"] = left_out or waits_for

    @api.model
    def _get_key(self, group):
        return group["period"], group["cycle_end"], group["is_aged"]

    @api.model
    def _read_unbilled_groups(self, line_domain):
        """Unbilled calls of some lines, whatever they wait for: groups as
        ``_get_ripe_groups`` has them."""
        return self._read_groups(Scope.of_lines(line_domain))

    @api.model
    def _read_groups(self, scope, age_limits=None):
        """Unbilled calls by line, period and cycle: one statement for all classes."""
        self.env.flush_all()
        period_model = self.env["saperx.line.period"].sudo()
        query = period_model._search(scope.periods)
        pairs = self.env.execute_query(
            query.select(
                SQL.identifier(period_model._table, "id"),
                SQL.identifier(period_model._table, "line_id"),
            )
        )
        if not pairs:
            return []
        where = SQL(
            # The lines, by whose index the calls are found.
            "call.line_id = ANY(%s) AND call.period_id = ANY(%s)",
            list({line_id for _period, line_id in pairs}),
            [period_id for period_id, _line in pairs],
        )
        if scope.closed_from:
            where = SQL("%s AND call.cycle_end >= %s", where, scope.closed_from)
        if scope.closed_to:
            where = SQL("%s AND call.cycle_end <= %s", where, scope.closed_to)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT call.cycle_end, call.line_id, call.period_id, %s,
                       call.call_class, count(*), sum(call.charged_seconds),
                       coalesce(sum(call.gross_amount), 0)::text,
                       coalesce(sum(call.covered_amount), 0)::text,
                       coalesce(sum(call.charged_amount), 0)::text
                FROM saperx_cdr AS call
                WHERE call.state = 'unbilled' AND %s
                GROUP BY 1, 2, 3, 4, 5
                ORDER BY 1, 2, 3, 4, 5
                """,
                self._is_aged(age_limits or {}),
                where,
            )
        )
        classes = defaultdict(dict)
        for cycle_end, line_id, period_id, is_aged, call_class, *totals in rows:
            calls, seconds, *amounts = totals
            classes[cycle_end, line_id, period_id, is_aged][call_class] = Totals(
                calls, seconds, *map(Decimal, amounts)
            )
        lines = self.env["saperx.line"].sudo()
        lines = lines.browse({key[1] for key in classes})
        periods = period_model.browse({key[2] for key in classes})
        line_of = dict(zip(lines.ids, lines, strict=True))
        period_of = dict(zip(periods.ids, periods, strict=True))
        return [
            {
                "line": line_of[line_id],
                "period": period_of[period_id],
                "cycle_end": cycle_end,
                "is_aged": is_aged,
                "classes": totals,
                "calls": sum(each.calls for each in totals.values()),
                "amount": float(sum(each.amount for each in totals.values())),
            }
            for (cycle_end, line_id, period_id, is_aged), totals in classes.items()
        ]

    @api.model
    def _get_age_limits(self):
        """:return: by company id and class (or None: any other), the moment (naive UTC)
        before which calls are too old to be charged without a question"""
        return {
            (company.id, call_class): moment
            for company in self.env.companies.sudo()
            for call_class, moment in company._get_charge_age_limits().items()
        }

    @api.model
    def _is_aged(self, age_limits: Mapping[tuple[int, str | None], datetime]):
        """SQL that says whether a ``call`` is older than its company allows."""
        if not age_limits:
            return SQL("FALSE")
        # The closer ones, of a class, come first.
        in_order = sorted(age_limits.items(), key=lambda item: item[0][1] is None)
        cases = [
            SQL(
                "WHEN call.company_id = %s AND %s THEN call.start < %s",
                company_id,
                SQL("call.call_class = %s", call_class) if call_class else SQL("TRUE"),
                moment,
            )
            for (company_id, call_class), moment in in_order
        ]
        return SQL("CASE %s ELSE FALSE END", SQL(" ").join(cases))

    @api.model
    def _get_share(self, group):
        """What an allowance of the group's plan is shared by in its cycle, or None."""
        period = group["period"]
        if any(allowance.is_shared for allowance in period.tariff_id.allowance_ids):
            return period.contract_id, period.tariff_id, group["cycle_end"]
        return None

    @api.model
    def _get_sharing_periods(self, shares):
        """The periods of all lines that share, with calls or without."""
        period_model = self.env["saperx.line.period"].sudo()
        if not shares:
            return period_model
        pairs = {(contract, tariff) for contract, tariff, _cycle_end in shares}
        return period_model.search(
            [
                ("contract_id", "in", [contract.id for contract, _tariff in pairs]),
                ("tariff_id", "in", [tariff.id for _contract, tariff in pairs]),
            ]
        ).filtered(lambda period: (period.contract_id, period.tariff_id) in pairs)

    def _get_share_obstacle(self, periods, cycle_end, obstacles):
        """Why a shared cycle is not charged now, in words, or None: it waits for each
        line that may have calls in it."""
        for period in periods:
            group = {"line": period.line_id, "period": period, "cycle_end": cycle_end}
            begins, ends = self._get_bounds(group)
            if (period.date_from and period.date_from >= ends) or (
                period.date_to and period.date_to <= begins
            ):
                continue
            if reason := self._get_known_obstacle(group, obstacles):
                return self.env._(
                    "the line %(line)s, which shares its allowance: %(reason)s",
                    line=period.line_id.display_name,
                    reason=reason,
                )
        return None

    def _get_known_obstacle(self, group, obstacles):
        """As ``_get_obstacle``, which says the same of most groups.

        :param dict obstacles: what was said, kept by the caller
        """
        key = (
            group["line"].integration_id,
            group["period"].tariff_id,
            group["cycle_end"],
            self._get_cycle_end(group),
        )
        if key not in obstacles:
            obstacles[key] = self._get_obstacle(group)
        return obstacles[key]

    @api.model
    def _get_obstacle(self, group):
        """Why a cycle is not charged now, in words, or None."""
        integration = group["line"].integration_id
        cycle_end = group["cycle_end"]
        ends = self._get_cycle_end(group)
        now = fields.Datetime.now()
        if now < ends:
            return self.env._(
                "the cycle runs until %s", format_date(self.env, cycle_end)
            )
        if not integration.imported_until or integration.imported_until < ends:
            return self.env._("its calls are not imported to the end yet")
        ripe_at = self._get_ripe_at(group)
        if now < ripe_at:
            return self.env._(
                "calls that come late, until %s", format_date(self.env, ripe_at.date())
            )
        if self._is_being_rated(group):
            return self.env._("its calls are rated again, since prices changed")
        return None

    @api.model
    def _get_ripe_at(self, group):
        """The moment (naive UTC) until which late calls of a cycle are waited for."""
        integration = group["line"].integration_id
        return self._get_cycle_end(group) + timedelta(days=integration.waiting_days)

    @api.model
    def _is_being_rated(self, group):
        """Whether calls of the group may still have former prices."""
        tariff = group["period"].tariff_id
        reading_since = group["line"].integration_id.reading_since
        return tariff._is_being_rated_again() or bool(
            # A page that was rated before the change may be stored after it; the end
            # of the import's run finds it.
            reading_since
            and tariff.rates_changed_at
            and reading_since <= tariff.rates_changed_at
        )

    @api.model
    def _get_exclusion(self, group):
        """Why calls are never charged, in words, or None. Import and recalculation keep
        those of prepaid lines from being chargeable; this holds if they did not."""
        if group["period"].billing_type == "prepaid":
            return self.env._(
                "nothing: the line is prepaid, it spends its balance on the platform"
            )
        return None

    @api.model
    def _get_inactivity(self, group, only_active=False):
        """Why a cycle is not charged at all, in words, or None.

        :param bool only_active: whatever the integration says
        """
        line = group["line"]
        only_active = only_active or line.integration_id.charge_only_active_lines
        if only_active and not line._was_active(*self._get_bounds(group)):
            return self.env._("nothing: the line was not active in this cycle")
        return None

    @api.model
    def _get_bounds(self, group):
        """The moments (naive UTC, half open) between which the cycle runs."""
        first, _last = group["period"]._get_cycle(group["cycle_end"])
        timezone = ZoneInfo(group["line"].integration_id.timezone)
        begins, _ends = bounds_utc(first, group["cycle_end"], timezone)
        return begins, self._get_cycle_end(group)

    @api.model
    def _get_cycle_end(self, group):
        """The moment (naive UTC) at which the cycle is over.

        It ends with its line, if nobody holds that any more: no call is to come. Not
        so a change of holder inside the cycle, after which the line goes on.
        """
        cycle_end = group["cycle_end"]
        timezone = ZoneInfo(group["line"].integration_id.timezone)
        _begins, ends = bounds_utc(cycle_end, cycle_end, timezone)
        line_ends = self._get_line_end(group)
        if line_ends and line_ends < ends:
            first, _last = group["period"]._get_cycle(cycle_end)
            begins, _ends = bounds_utc(first, cycle_end, timezone)
            if begins < line_ends:
                return line_ends
        return ends

    @api.model
    def _get_line_end(self, group):
        """The moment (naive UTC) from which on no call of the group can begin, or None.
        A group may say itself, as ``line_ends``, when its line is supposed to end.

        An allowance that the contract's lines share is the contract's: as long as that
        lives, another line may come in the same cycle and draw on what is left.
        """
        ends = group.get("line_ends") or group["line"]._get_end()
        if ends and self._get_share(group):
            contract = group["period"].contract_id
            if not contract._is_dead(contract.company_id._get_telephony_today()):
                return None
        return ends
