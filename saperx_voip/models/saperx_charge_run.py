# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter, defaultdict
from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..rating import bounds_utc, local_date


class SaperxCharge(models.Model):
    """How charges come about: what is ripe, what they take, and what that draws."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _generate(self, domain=()):
        """Charge the unbilled calls of every cycle that is ripe.

        Run twice, also at once, it makes nothing twice: calls are taken by an UPDATE
        that the second run finds done, or that makes its transaction start again.

        :param domain: of the lines to charge (``saperx.line``), beside the company's
        :return: the charges made, confirmed
        """
        ripe = [
            group for group in self._get_ripe_groups(domain) if not group["waits_for"]
        ]
        charges = self.sudo().create([self._prepare_charge(group) for group in ripe])
        charges._claim_periods()
        charges._take_calls()
        empty = charges.filtered(lambda charge: not charge.call_count)
        empty.unlink()
        charges -= empty
        charges._confirm()
        # What these cycles left is known now.
        self.env["saperx.cdr"]._draw_allowances(charges.line_id.ids)
        return charges.with_env(self.env)

    def _claim_periods(self):
        """Let nobody else draw on the same allowances at the same time: whoever comes
        second finds these rows changed, and its transaction starts again."""
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """
                UPDATE saperx_line_period AS period
                SET charged_until = greatest(period.charged_until, taken.cycle_end)
                FROM (
                    SELECT held.contract_id, held.tariff_id,
                           max(charge.cycle_end) AS cycle_end
                    FROM saperx_charge AS charge
                    JOIN saperx_line_period AS held ON held.id = charge.period_id
                    WHERE charge.id = ANY(%s)
                    GROUP BY held.contract_id, held.tariff_id
                ) AS taken
                WHERE period.contract_id = taken.contract_id
                AND period.tariff_id IS NOT DISTINCT FROM taken.tariff_id
                RETURNING period.id
                """,
                self.ids,
            )
        )
        self.env["saperx.line.period"].invalidate_model(["charged_until"])

    @api.model
    def _get_ripe_groups(self, domain=()):
        """What there is to charge: unbilled calls by line, period and cycle.

        :return: a list of dicts with ``line``, ``period``, ``cycle_end``, ``calls``,
            ``amount`` and ``waits_for`` (why the cycle cannot be charged yet, or
            None), only-active-lines applied as ``waits_for`` too
        """
        groups = self._read_unbilled_groups(
            [("company_id", "in", self.env.companies.ids), *domain]
        )
        # Lines that share an allowance are charged together: what is left of it is
        # fixed when its cycle is first charged.
        shares = {self._get_share(group) for group in groups} - {None}
        known = {group["line"] for group in groups}
        sharers = self._get_sharing_periods(shares).line_id
        groups += [
            group
            for group in self._read_unbilled_groups([("id", "in", sharers.ids)])
            if self._get_share(group) in shares and group["line"] not in known
        ]
        obstacles = {share: self._get_share_obstacle(*share) for share in shares}
        for group in groups:
            group["waits_for"] = (
                self._get_obstacle(group)
                or obstacles.get(self._get_share(group))
                or self._get_inactivity(group)
            )
        return groups

    @api.model
    def _read_unbilled_groups(self, line_domain):
        return [
            {
                "line": line,
                "period": period,
                "cycle_end": cycle_end,
                "calls": calls,
                "amount": amount,
            }
            for line, period, cycle_end, calls, amount in self.env["saperx.cdr"]
            .sudo()
            ._read_group(
                [("state", "=", "unbilled"), ("line_id", "any", line_domain)],
                ["line_id", "period_id", "cycle_end:day"],
                ["__count", "charged_amount:sum"],
                order="cycle_end:day, line_id, period_id",
            )
        ]

    @api.model
    def _get_share(self, group):
        """What an allowance of the group's plan is shared by in its cycle, or None."""
        period = group["period"]
        if any(period.tariff_id.allowance_ids.mapped("is_shared")):
            return period.contract_id, period.tariff_id, group["cycle_end"]
        return None

    @api.model
    def _get_sharing_periods(self, shares):
        """The periods of all lines that share, with calls or without."""
        period_model = self.env["saperx.line.period"].sudo()
        pairs = {(contract, tariff) for contract, tariff, _cycle_end in shares}
        return period_model.search(
            Domain.OR(
                [("contract_id", "=", contract.id), ("tariff_id", "=", tariff.id)]
                for contract, tariff in pairs
            )
        )

    @api.model
    def _get_share_obstacle(self, contract, tariff, cycle_end):
        """Why a shared cycle is not charged now, in words, or None: it waits for each
        line that may have calls in it."""
        for period in self._get_sharing_periods({(contract, tariff, cycle_end)}):
            group = {"line": period.line_id, "period": period, "cycle_end": cycle_end}
            begins, ends = self._get_bounds(group)
            if (period.date_from and period.date_from >= ends) or (
                period.date_to and period.date_to <= begins
            ):
                continue
            if reason := self._get_obstacle(group):
                return self.env._(
                    "the line %(line)s, which shares its allowance: %(reason)s",
                    line=period.line_id.display_name,
                    reason=reason,
                )
        return None

    @api.model
    def _get_obstacle(self, group):
        """Why a cycle is not charged now, in words, or None."""
        integration = group["line"].integration_id
        cycle_end = group["cycle_end"]
        ends = self._get_bounds(group)[1]
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
        return self._get_bounds(group)[1] + timedelta(days=integration.waiting_days)

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
    def _get_inactivity(self, group):
        """Why a cycle is not charged at all, in words, or None."""
        line = group["line"]
        if line.integration_id.charge_only_active_lines and not line._was_active(
            *self._get_bounds(group)
        ):
            return self.env._("nothing: the line was not active in this cycle")
        return None

    @api.model
    def _get_bounds(self, group):
        """The moments (naive UTC, half open) between which the cycle runs.

        It ends with its line, if nobody holds that any more: no call is to come. Not
        so a change of holder inside the cycle, after which the line goes on.
        """
        cycle_end = group["cycle_end"]
        first, _last = group["period"]._get_cycle(cycle_end)
        timezone = ZoneInfo(group["line"].integration_id.timezone)
        begins, ends = bounds_utc(first, cycle_end, timezone)
        line_ends = self._get_line_end(group)
        if line_ends and begins < line_ends < ends:
            ends = line_ends
        return begins, ends

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

    @api.model
    def _prepare_charge(self, group):
        line, period = group["line"], group["period"]
        cycle_start, _last = period._get_cycle(group["cycle_end"])
        if period.date_from:
            # A period that begins inside a cycle charges from there on.
            timezone = ZoneInfo(line.integration_id.timezone)
            cycle_start = max(cycle_start, local_date(period.date_from, timezone))
        return {
            "line_id": line.id,
            "period_id": period.id,
            "integration_id": line.integration_id.id,
            "contract_id": period.contract_id.id,
            "partner_id": period.partner_id.id,
            "company_id": line.company_id.id,
            "cycle_start": cycle_start,
            # As it stands on the calls, which are found by it.
            "cycle_end": group["cycle_end"],
        }

    def _take_calls(self):
        """Stamp the calls of these drafts and add them up, by set."""
        if not self:
            return
        self.flush_model()
        self.env["saperx.cdr"].flush_model()
        self.env.execute_query(
            SQL(
                """
                UPDATE saperx_cdr AS call
                SET charge_id = charge.id, state = 'billed'
                FROM saperx_charge AS charge
                WHERE charge.id = ANY(%s)
                AND call.line_id = charge.line_id
                AND call.period_id = charge.period_id
                AND call.cycle_end = charge.cycle_end
                AND call.state = 'unbilled'
                RETURNING call.id
                """,
                self.ids,
            )
        )
        self.env["saperx.cdr"].invalidate_model()
        self._mark_rates()
        self._draw_allowances()
        totals = defaultdict(list)
        for charge_id, *values in self.env.execute_query(
            SQL(
                """
                SELECT charge_id, call_class, count(*), sum(charged_seconds),
                       sum(gross_amount), sum(covered_amount), sum(charged_amount),
                       sum(platform_cost)
                FROM saperx_cdr WHERE charge_id = ANY(%s)
                GROUP BY charge_id, call_class ORDER BY call_class
                """,
                self.ids,
            )
        ):
            totals[charge_id].append(values)
        self.env["saperx.charge.class"].create(
            [
                {
                    "charge_id": charge_id,
                    "call_class": call_class,
                    "call_count": calls,
                    "charged_seconds": seconds,
                    "gross_amount": gross,
                    "covered_amount": covered,
                    "amount": amount,
                }
                for charge_id, rows in totals.items()
                for call_class, calls, seconds, gross, covered, amount, _cost in rows
            ]
        )
        for charge in self:
            rows = totals[charge.id]
            charge.write(
                {
                    "call_count": sum(row[1] for row in rows),
                    "charged_seconds": sum(row[2] for row in rows),
                    "gross_amount": sum(row[3] for row in rows),
                    "covered_amount": sum(row[4] for row in rows),
                    "amount": sum(row[5] for row in rows),
                    "cost": sum(row[6] or 0 for row in rows),
                }
            )

    def _mark_rates(self):
        """What priced charged calls explains them from now on."""
        self.env.execute_query(
            SQL(
                """
                UPDATE saperx_tariff_rate SET is_charged = TRUE
                WHERE is_charged IS NOT TRUE AND id IN (
                    SELECT rate_id FROM saperx_cdr WHERE charge_id = ANY(%s)
                )
                RETURNING id
                """,
                self.ids,
            )
        )
        self.env["saperx.tariff.rate"].invalidate_model(["is_charged"])

    def _draw_allowances(self):
        """Let the calls of these charges draw for good, and keep what was drawn."""
        calls_model = self.env["saperx.cdr"].sudo()
        rows = []
        for lines, contract_ids in calls_model._split_by_ledger(self.line_id.ids):
            charges = self.filtered(
                lambda c, lines=lines, ids=contract_ids: (
                    c.line_id in lines and c.contract_id.id in ids
                )
            ).sorted("id")
            ledger, rates = lines._get_ledger()
            calls, stored = calls_model._read_open_calls(
                rates, SQL("call.charge_id = ANY(%s)", charges.ids)
            )
            drawings = list(ledger.draw(calls))
            calls_model._store_drawn(drawings, stored)
            used = Counter()
            for call, drawn in drawings:
                charge_id = stored[call.id][0]
                for allowance_id, quantity in drawn.uses:
                    used[charge_id, allowance_id] += quantity
            rows += charges._prepare_allowances(ledger, used)
        self.env["saperx.charge.allowance"].create(rows)

    def _prepare_allowances(self, ledger, used):
        """The rows by which these charges stand in the ledger.

        :param used: by charge and allowance id, what its calls drew
        """
        return [
            {
                "charge_id": charge.id,
                "allowance_id": key.allowance_id,
                "stretch_id": not balance.allowance.is_shared and key.holder_id,
                "own_quantity": balance.own,
                "carried_quantity": balance.carried,
                "used_quantity": used[charge.id, key.allowance_id],
                "carried_away": balance.carried_away,
            }
            for charge in self
            for key, balance in ledger.close(
                charge.period_id.id, charge.cycle_end
            ).items()
        ]
