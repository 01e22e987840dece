# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..rating import local_date
from .saperx_charge_ripe import Scope
from .saperx_charge_sum import CALL_COLUMNS

# Periods of lines whose cycles are charged at a time.
PORTION = 500
QUIET = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
}
SUMS = [
    "call_count",
    "charged_seconds",
    "gross_amount",
    "covered_amount",
    "amount",
    "cost",
]


class SaperxCharge(models.Model):
    """How charges come about: what they take, and what that draws."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _generate(self, domain=(), scope=None):
        """Charge the unbilled calls of every cycle that is ripe, in one transaction.

        Run twice, also at once, it makes nothing twice: calls are taken by an UPDATE
        that the second run finds done, or that makes its transaction start again.

        :param domain: of the lines to charge (``saperx.line``), beside the company's
        :param Scope scope: instead of ``domain``
        :return: the charges made, confirmed unless a rule holds them
        """
        scope = scope or Scope.of_lines(domain)
        charges = self.browse()
        last_id = 0
        while contract_ids := self._get_next_contracts(scope, last_id):
            charges += self._charge_contracts(scope, contract_ids)
            last_id = contract_ids[-1]
        return charges

    @api.model
    def _get_next_contracts(self, scope, after_id=0):
        """The next portion of contracts to look at, in the order of their ids.

        :return: a list of ids, empty at the end
        """
        of_companies = Domain("company_id", "in", self.env.companies.ids)
        periods = self.env["saperx.line.period"].sudo()
        periods.flush_model(["contract_id"])
        query = periods._search(scope.periods & of_companies)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT contract_id, count(*) FROM saperx_line_period
                WHERE id IN %s AND contract_id > %s
                GROUP BY 1 ORDER BY 1 LIMIT %s
                """,
                query.subselect(),
                after_id,
                PORTION,
            )
        )
        ids, found = [], 0
        for contract_id, count in rows:
            ids.append(contract_id)
            found += count
            if found >= PORTION:
                break
        return ids

    @api.model
    def _charge_contracts(self, scope, contract_ids):
        """Charge what is ripe of some contracts: whoever shares an allowance is among
        their lines.

        :return: as ``_generate``
        """
        age_limits = self._get_age_limits()
        groups = self._get_ripe_groups(
            scope=scope.within([("contract_id", "in", contract_ids)]),
            age_limits=age_limits,
        )
        ripe = [group for group in groups if not group["waits_for"]]
        if not ripe:
            return self.browse()
        # Thousands are made at a time, and all say the same.
        charges = self.sudo().with_context(**QUIET)
        charges = charges.create([self._prepare_charge(group) for group in ripe])
        charges._claim_periods()
        charges._take_calls(age_limits)
        charges._hold_by_rules()
        charges.filtered(lambda charge: not charge.hold_ids)._confirm()
        # What these cycles left is known now.
        self.env["saperx.cdr"]._draw_allowances(charges.line_id.ids)
        return charges.with_env(self.env)

    def _claim_periods(self):
        """Let nobody else draw on the same allowances at the same time: whoever comes
        second finds these rows changed, and its transaction starts again."""
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
            "is_aged": group["is_aged"],
        }

    def _take_calls(self, age_limits):
        """Stamp the calls of these drafts and add them up, by set."""
        drafts = SQL(", ").join(
            SQL(
                "%s",
                (
                    draft.id,
                    draft.line_id.id,
                    draft.period_id.id,
                    draft.cycle_end,
                    draft.is_aged,
                ),
            )
            for draft in self
        )
        sums = self._sum_up(
            SQL(
                # Of values PostgreSQL knows that they are few and differ: it goes
                # through the calls as they lie in the table, not charge by charge.
                """
                UPDATE saperx_cdr AS call
                SET charge_id = draft.id, state = 'billed'
                FROM (VALUES %s) AS draft (id, line_id, period_id, cycle_end, is_aged)
                WHERE call.line_id = ANY(%s)
                AND call.line_id = draft.line_id
                AND call.period_id = draft.period_id
                AND call.cycle_end = draft.cycle_end
                AND draft.is_aged = %s
                AND call.state = 'unbilled'
                RETURNING %s
                """,
                drafts,
                self.line_id.ids,
                self._is_aged(age_limits),
                CALL_COLUMNS,
            )
        )
        self.env["saperx.cdr"].invalidate_model()
        self._mark_rates({each.rate_id for each in sums} - {None})
        if changed := self._draw_allowances(sums):
            changed._sum_up_again()
        self._add_up()

    def _add_up(self):
        """Say what the classes of these charges come to in all."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_charge AS charge
                SET call_count = sums.call_count,
                    charged_seconds = sums.charged_seconds,
                    gross_amount = sums.gross_amount,
                    covered_amount = sums.covered_amount,
                    amount = sums.amount,
                    cost = round(sums.cost, 2)
                FROM (
                    SELECT charge_id, sum(call_count) AS call_count,
                           sum(charged_seconds) AS charged_seconds,
                           sum(gross_amount) AS gross_amount,
                           sum(covered_amount) AS covered_amount,
                           sum(amount) AS amount, sum(cost) AS cost
                    FROM saperx_charge_class WHERE charge_id = ANY(%s)
                    GROUP BY charge_id
                ) AS sums
                WHERE charge.id = sums.charge_id
                """,
                self.ids,
            )
        )
        self.invalidate_recordset([*SUMS, "class_ids"])
        # What is computed of them.
        self.modified(SUMS)

    @api.model
    def _mark_rates(self, rate_ids):
        """What priced charged calls explains them from now on."""
        self.env.execute_query(
            SQL(
                "UPDATE saperx_tariff_rate SET is_charged = TRUE"
                " WHERE is_charged IS NOT TRUE AND id = ANY(%s) RETURNING id",
                list(rate_ids),
            )
        )
        self.env["saperx.tariff.rate"].invalidate_model(["is_charged"])
