# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import datetime
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

CALL_COLUMNS = SQL(
    """
    call.charge_id, call.company_id, call.call_class, call.rate_id, call.start,
    coalesce(call.charged_seconds, 0) AS seconds,
    coalesce(call.gross_amount, 0) AS gross,
    coalesce(call.covered_seconds, 0) AS covered_seconds,
    coalesce(call.covered_amount, 0) AS covered,
    coalesce(call.charged_amount, 0) AS charged,
    coalesce(call.platform_cost, 0) AS cost,
    call.allowance_uses::text AS uses,
    split_part(call.allowance_uses::text, '"', 2) AS allowance
    """
)
# What is stored of a call's drawing, and whether all of it says the same: see
# ``rating.DrawnSum``. Amounts beyond whole centavos are nothing that drawing leaves.
KIND = SQL(
    """
    CASE
    WHEN min_scale(gross) > 2 OR gross < 0 OR seconds < 0
         OR covered + charged <> gross THEN 'odd'
    WHEN uses IS NULL THEN
        CASE WHEN covered_seconds <> 0 OR covered <> 0 THEN 'odd'
             WHEN seconds = 0 THEN 'idle'
             WHEN gross = 0 THEN 'free'
             ELSE 'none' END
    WHEN covered_seconds > 0 THEN
        CASE WHEN uses <> '{"' || allowance || '": ' || covered_seconds || '}'
             THEN 'odd'
             WHEN covered_seconds < seconds THEN 'minutes part'
             WHEN covered_seconds = seconds AND charged = 0 THEN 'minutes'
             ELSE 'odd' END
    WHEN covered_seconds < 0 OR seconds = 0 OR covered <= 0
         OR uses <> '{"' || allowance || '": ' || (covered * 100)::bigint || '}'
         THEN 'odd'
    WHEN charged > 0 THEN 'reais part'
    WHEN charged = 0 THEN 'reais'
    ELSE 'odd'
    END
    """
)


class CallSum(NamedTuple):
    """Calls of a charge that are stored alike."""

    charge_id: int
    call_class: str
    rate_id: int | None
    kind: str
    """As ``rating.DrawnSum`` has it."""
    allowance_id: int | None
    calls: int
    first: datetime
    """Start of the first call and of the last, naive UTC."""
    last: datetime
    seconds: int
    """Charged ones."""
    centavos: int
    """Gross."""
    covered_seconds: int
    covered_centavos: int
    charged_centavos: int


class SaperxCharge(models.Model):
    """What the calls of charges come to."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    def _sum_up(self, calls):
        """Sum up calls, and store what each class of them adds to its charge: one
        statement, that looks at each call once.

        :param SQL calls: a statement that gives ``CALL_COLUMNS`` of calls of charges
            that have no classes yet; it may be what stamps them
        :return: a list of ``CallSum``
        """
        rows = self.env.execute_query(
            SQL(
                """
                WITH taken AS (%(calls)s), told AS (
                    SELECT *, %(kind)s AS kind FROM taken
                ), sums AS MATERIALIZED (
                    SELECT charge_id, company_id, call_class, rate_id, kind, allowance,
                           count(*) AS calls, min(start) AS first, max(start) AS last,
                           sum(seconds) AS seconds, sum(gross) AS gross,
                           sum(covered_seconds) AS covered_seconds,
                           sum(covered) AS covered, sum(charged) AS charged,
                           sum(cost) AS cost
                    FROM told
                    GROUP BY charge_id, company_id, call_class, rate_id, kind, allowance
                ), classes AS (
                    INSERT INTO saperx_charge_class (
                        charge_id, company_id, call_class, call_count, charged_seconds,
                        gross_amount, covered_amount, amount, cost
                    )
                    SELECT charge_id, company_id, call_class, sum(calls), sum(seconds),
                           sum(gross), sum(covered), sum(charged), sum(cost)
                    FROM sums GROUP BY charge_id, company_id, call_class
                    ORDER BY charge_id, call_class
                )
                SELECT charge_id, call_class, rate_id, kind,
                       CASE WHEN kind <> 'odd' THEN allowance::int END,
                       calls, first, last, seconds, (gross * 100)::bigint,
                       covered_seconds, (covered * 100)::bigint,
                       (charged * 100)::bigint
                FROM sums
                """,
                calls=calls,
                kind=KIND,
            )
        )
        return list(map(CallSum._make, rows))

    def _sum_up_again(self):
        """As ``_sum_up``, of the calls of these charges as they are stored now."""
        self.env.cr.execute(
            SQL("DELETE FROM saperx_charge_class WHERE charge_id = ANY(%s)", self.ids)
        )
        self._sum_up(
            SQL(
                "SELECT %s FROM saperx_cdr AS call WHERE call.charge_id = ANY(%s)",
                CALL_COLUMNS,
                self.ids,
            )
        )
