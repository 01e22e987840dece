# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter

from odoo import models
from odoo.tools import SQL

from ..rating import DrawnSum, take_drawn

# What is stored of a call's drawing, and whether all of it says the same: see
# ``rating.DrawnSum``. Amounts beyond whole centavos are nothing that drawing leaves.
KIND = SQL(
    """
    CASE
    WHEN min_scale(gross) > 2 OR gross < 0 OR seconds < 0
         OR covered_amount + charged <> gross THEN 'odd'
    WHEN uses IS NULL THEN
        CASE WHEN covered_seconds <> 0 OR covered_amount <> 0 THEN 'odd'
             WHEN seconds = 0 THEN 'idle'
             WHEN gross = 0 THEN 'free'
             ELSE 'none' END
    WHEN covered_seconds > 0 THEN
        CASE WHEN uses <> '{"' || allowance || '": ' || covered_seconds || '}'
             THEN 'odd'
             WHEN covered_seconds < seconds THEN 'minutes part'
             WHEN covered_seconds = seconds AND charged = 0 THEN 'minutes'
             ELSE 'odd' END
    WHEN covered_seconds < 0 OR seconds = 0 OR covered_amount <= 0
         OR uses <> '{"' || allowance || '": ' || (covered_amount * 100)::bigint || '}'
         THEN 'odd'
    WHEN charged > 0 THEN 'reais part'
    WHEN charged = 0 THEN 'reais'
    ELSE 'odd'
    END
    """
)


class SaperxCharge(models.Model):
    """What charges draw on allowances."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    def _draw_allowances(self):
        """Let the calls of these charges draw for good, and keep what was drawn.

        They have drawn beforehand. What is stored of that is looked at by sums, and
        stays if it is certain to be what they draw now; else they draw one by one.
        """
        rows = []
        doubted = self.browse()
        for charges, lines in self._split_by_ledger():
            ledger, rates = lines._get_ledger()
            used, contract_ids = charges._take_drawn(ledger, rates)
            in_doubt = charges.filtered(
                lambda charge, ids=contract_ids: charge.contract_id.id in ids
            )
            rows += (charges - in_doubt)._prepare_allowances(ledger, used)
            doubted += in_doubt
        for charges, lines in doubted._split_by_ledger():
            ledger, rates = lines._get_ledger()
            used = charges._draw_calls(ledger, rates)
            rows += charges._prepare_allowances(ledger, used)
        self.env["saperx.charge.allowance"].create(rows)

    def _split_by_ledger(self):
        """:return: an iterator of some of these charges, and the lines whose ledger
        they draw on"""
        calls_model = self.env["saperx.cdr"].sudo()
        for lines, contract_ids in calls_model._split_by_ledger(self.line_id.ids):
            charges = self.filtered(
                lambda c, lines=lines, ids=contract_ids: (
                    c.line_id in lines and c.contract_id.id in ids
                )
            )
            yield charges.sorted("id"), lines

    def _take_drawn(self, ledger, rates):
        """Draw by what is stored, without looking at each call.

        :param ledger: of these charges; changed
        :param rates: by tariff id what ``_get_rates_by_id`` gives
        :return: by charge and allowance id what was drawn, and the ids of the contracts
            of which it is not certain
        """
        sums, used = [], Counter()
        for charge_id, drawn in self._read_drawn_sums(rates):
            sums.append(drawn)
            if drawn.allowance_id:
                used[charge_id, drawn.allowance_id] += drawn.drawn
        return used, take_drawn(ledger, sums)

    def _read_drawn_sums(self, rates):
        """:param rates: by tariff id and id
        :return: an iterator of pairs of a charge's id and a ``DrawnSum``"""
        by_plan = self.grouped(lambda charge: charge.period_id.tariff_id.id)
        for tariff_id, charges in by_plan.items():
            yield from charges._read_drawn_sums_of_plan(rates.get(tariff_id, {}))

    def _read_drawn_sums_of_plan(self, rates):
        """:param rates: by id, of the plan that these charges are under"""
        by_id = {charge.id: charge for charge in self}
        for (
            charge_id,
            call_class,
            kind,
            allowance,
            calls,
            first,
            last,
            seconds,
            centavos,
            covered_seconds,
            covered_centavos,
            charged_centavos,
            has_own_rate,
            rate_id,
        ) in self.env.execute_query(
            SQL(
                """
                SELECT charge_id, call_class, kind, allowance, count(*), min(start),
                       max(start), sum(seconds), (sum(gross) * 100)::bigint,
                       sum(covered_seconds), (sum(covered_amount) * 100)::bigint,
                       (sum(charged) * 100)::bigint, bool_and(has_own_rate),
                       min(rate_id)
                FROM (
                    SELECT *, %(kind)s AS kind
                    FROM (
                        SELECT call.charge_id, call.call_class, call.start,
                               call.rate_id,
                               coalesce(call.charged_seconds, 0) AS seconds,
                               coalesce(call.gross_amount, 0) AS gross,
                               coalesce(call.covered_seconds, 0) AS covered_seconds,
                               coalesce(call.covered_amount, 0) AS covered_amount,
                               coalesce(call.charged_amount, 0) AS charged,
                               call.allowance_uses::text AS uses,
                               split_part(call.allowance_uses::text, '"', 2)
                                   AS allowance,
                               coalesce(call.rate_id = ANY(%(rate_ids)s), FALSE)
                                   AS has_own_rate
                        FROM saperx_cdr AS call
                        WHERE call.charge_id = ANY(%(ids)s)
                        -- Each text is made once.
                        OFFSET 0
                    ) AS stored
                ) AS told
                GROUP BY charge_id, call_class, kind, allowance
                """,
                kind=KIND,
                ids=self.ids,
                rate_ids=list(rates),
            )
        ):
            charge = by_id[charge_id]
            in_minutes = kind.startswith("minutes")
            yield (
                charge_id,
                DrawnSum(
                    period_id=charge.period_id.id,
                    cycle_end=charge.cycle_end,
                    call_class=call_class,
                    kind=kind,
                    allowance_id=None if kind == "odd" else int(allowance or 0) or None,
                    calls=calls,
                    first=first,
                    last=last,
                    seconds=seconds,
                    centavos=centavos,
                    drawn=covered_seconds if in_minutes else covered_centavos,
                    charged_centavos=charged_centavos,
                    has_own_rate=has_own_rate,
                    rate=rates.get(rate_id),
                ),
            )

    def _draw_calls(self, ledger, rates):
        """Let their calls draw one by one, and write what is stored otherwise.

        :param ledger: of these charges; changed
        :param rates: by tariff id what ``_get_rates_by_id`` gives
        :return: by charge and allowance id, what was drawn
        """
        calls_model = self.env["saperx.cdr"].sudo()
        calls, stored = calls_model._read_open_calls(
            rates, SQL("call.charge_id = ANY(%s)", self.ids)
        )
        drawings = list(ledger.draw(calls))
        calls_model._store_drawn(drawings, stored)
        used = Counter()
        for call, drawn in drawings:
            charge_id = stored[call.id][0]
            for allowance_id, quantity in drawn.uses:
                used[charge_id, allowance_id] += quantity
        return used

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
                "before_quantity": balance.before,
            }
            for charge in self
            for key, balance in ledger.close(
                charge.period_id.id, charge.cycle_end
            ).items()
        ]
