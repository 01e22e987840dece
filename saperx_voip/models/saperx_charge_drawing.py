# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter, defaultdict

from odoo import fields, models
from odoo.tools import SQL

from ..bulk import copy_rows
from ..rating import DrawnSum, take_drawn

ALLOWANCE_COLUMNS = (
    "charge_id",
    "company_id",
    "allowance_id",
    "stretch_id",
    "own_quantity",
    "carried_quantity",
    "used_quantity",
    "carried_away",
    "before_quantity",
)
LOG_COLUMNS = ("create_uid", "create_date", "write_uid", "write_date")


class SaperxCharge(models.Model):
    """What charges draw on allowances."""

    _inherit = "saperx.charge"  # pylint: disable=consider-merging-classes-inherited

    def _draw_allowances(self, sums):
        """Let the calls of these charges draw for good, and keep what was drawn.

        They have drawn beforehand. What is stored of that is looked at by sums, and
        stays if it is certain to be what they draw now; else they draw one by one.

        :param sums: ``CallSum`` of all their calls
        :return: the charges whose calls drew one by one
        """
        by_charge = defaultdict(list)
        for each in sums:
            by_charge[each.charge_id].append(each)
        rows = []
        doubted = self.browse()
        for charges, lines in self._split_by_ledger():
            ledger, rates = lines._get_ledger()
            used, contract_ids = charges._take_drawn(ledger, rates, by_charge)
            in_doubt = charges.filtered(
                lambda charge, ids=contract_ids: charge.contract_id.id in ids
            )
            rows += (charges - in_doubt)._prepare_allowances(ledger, used)
            doubted += in_doubt
        if doubted:
            for charges, lines in doubted._split_by_ledger():
                ledger, rates = lines._get_ledger()
                used = charges._draw_calls(ledger, rates)
                rows += charges._prepare_allowances(ledger, used)
        self._store_allowances(rows)
        return doubted

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

    def _take_drawn(self, ledger, rates, sums):
        """Draw by what is stored, without looking at each call.

        :param ledger: of these charges; changed
        :param rates: by tariff id what ``_get_rates_by_id`` gives
        :param sums: by charge id ``CallSum`` of its calls
        :return: by charge and allowance id what was drawn, and the ids of the contracts
            of which it is not certain
        """
        drawn_sums, used = [], Counter()
        for charge in self:
            period, cycle_end = charge.period_id, charge.cycle_end
            period_id, rates_of_plan = period.id, rates.get(period.tariff_id.id, {})
            for each in sums[charge.id]:
                drawn = each.covered_centavos
                if each.kind.startswith("minutes"):
                    drawn = each.covered_seconds
                rate = rates_of_plan.get(each.rate_id)
                drawn_sums.append(
                    DrawnSum(
                        period_id=period_id,
                        cycle_end=cycle_end,
                        call_class=each.call_class,
                        kind=each.kind,
                        allowance_id=each.allowance_id,
                        calls=each.calls,
                        first=each.first,
                        last=each.last,
                        seconds=each.seconds,
                        centavos=each.centavos,
                        drawn=drawn,
                        charged_centavos=each.charged_centavos,
                        has_own_rate=rate is not None,
                        rate=rate,
                    )
                )
                if each.allowance_id:
                    used[charge.id, each.allowance_id] += drawn
        return used, take_drawn(ledger, drawn_sums)

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
        :return: a list of tuples in the order of ``ALLOWANCE_COLUMNS``
        """
        return [
            (
                charge.id,
                charge.company_id.id,
                key.allowance_id,
                None if balance.allowance.is_shared else key.holder_id,
                balance.own,
                balance.carried,
                used[charge.id, key.allowance_id],
                balance.carried_away,
                balance.before,
            )
            for charge in self
            for key, balance in ledger.close(
                charge.period_id.id, charge.cycle_end
            ).items()
        ]

    def _store_allowances(self, rows):
        """:param rows: as ``_prepare_allowances`` gives them"""
        author = self.env.uid, fields.Datetime.now()
        copy_rows(
            self.env.cr,
            "saperx_charge_allowance",
            [*ALLOWANCE_COLUMNS, *LOG_COLUMNS],
            [(*row, *author, *author) for row in rows],
        )
        self.invalidate_recordset(["allowance_ids"])
