# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging

from odoo import api, fields, models
from odoo.service.model import retrying
from odoo.tools import SQL

from .saperx_line_period import ONE_DAY

_logger = logging.getLogger(__name__)


class ContractContract(models.Model):
    """Certainty that lines end with their contracts: at the moment, and hourly."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    def _sweep_when_they_end(self):
        """Let the sweep come at the moment at which lines of these contracts end."""
        cron = self.env.ref("saperx_voip.ir_cron_contract_life").sudo()
        contracts = self.env["saperx.line"].sudo()._get_alive_on(self).contract_id
        moments = set()
        for contract in contracts.with_context(active_test=False):
            company = contract.company_id
            today = company._get_telephony_today()
            moments |= {
                company._get_telephony_start_of_day(day)
                for day in contract._get_days_ahead()
                if day > today
            }
        known = self.env["ir.cron.trigger"].sudo()
        known = known.search([("cron_id", "=", cron.id), ("call_at", "in", [*moments])])
        if moments := moments.difference(known.mapped("call_at")):
            cron._trigger(sorted(moments))

    def _get_days_ahead(self):
        """The first days without the contract, or without a part of it."""
        self.ensure_one()
        days = [line._get_end_day() for line in self._get_product_lines()]
        if self.is_terminated:
            days.append(self.terminate_date)
        if not self.line_recurrence and self.date_end:
            days.append(self.date_end + ONE_DAY)
        return filter(None, days)

    @api.model
    def _cron_end_lines(self):
        """Cancel what ends today, and what no hook saw.

        Contract by contract, since one must not keep the lines of others alive.
        """
        try:
            retrying(self.env["saperx.line"].sudo()._retry_refused_ends, self.env)
        except Exception:
            _logger.exception("asking again for refused ends failed")
            self.env.cr.rollback()
        contracts = self._get_contracts_to_sweep()
        for index, contract in enumerate(contracts):
            try:
                retrying(contract._sweep_lines, self.env)
            except Exception:
                _logger.exception("sweeping the contract %s failed", contract.id)
                self.env.cr.rollback()
            left = len(contracts) - index - 1
            if not self.env["ir.cron"]._commit_progress(1, remaining=left):
                break

    @api.model
    def _get_contracts_to_sweep(self):
        """Those with lines that may be over; ``_is_dead`` has the last word.

        Found by set, so that a sweep takes its time from what ends. What failed
        before comes last.
        """
        self.env.flush_all()
        contract_ids = []
        # The lines of a company that was archived live on: they end as well.
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        for company in companies.search([]):
            query = self._query_contracts_to_sweep(
                company, company._get_telephony_today()
            )
            contract_ids += [row for (row,) in self.env.execute_query(query)]
        contracts = self.browse(contract_ids).sudo()
        return contracts.sorted(lambda contract: bool(contract.saperx_end_error))

    @api.model
    def _query_contracts_to_sweep(self, company, today):
        return SQL(
            """
            WITH RECURSIVE alive AS (
                SELECT line.contract_id, line.contract_line_id
                  FROM saperx_line line
                 WHERE line.company_id = %(company)s AND line.state <> 'cancelled'
            ), fee AS (
                -- The fees that lines live by, then their successors.
                SELECT alive.contract_id, fee.id, fee.successor_contract_line_id,
                       %(fee_runs)s AS runs
                  FROM alive JOIN contract_line fee ON fee.id = alive.contract_line_id
                UNION
                SELECT former.contract_id, fee.id, fee.successor_contract_line_id,
                       %(fee_runs)s
                  FROM fee former
                  JOIN contract_line fee ON fee.id = former.successor_contract_line_id
                 WHERE NOT former.runs AND fee.is_canceled IS NOT TRUE
            )
            SELECT contract.id
              FROM contract_contract contract
             WHERE contract.id IN (SELECT contract_id FROM alive)
               AND (
                   contract.active IS NOT TRUE
                   OR contract.is_terminated
                      AND COALESCE(contract.terminate_date, %(today)s) <= %(today)s
                   OR contract.line_recurrence IS NOT TRUE
                      AND contract.date_end < %(today)s
                   OR EXISTS (
                       SELECT FROM contract_line fee
                        WHERE fee.contract_id = contract.id AND %(is_product)s
                   ) AND NOT EXISTS (
                       SELECT FROM contract_line fee
                        WHERE fee.contract_id = contract.id AND %(is_product)s
                          AND %(fee_runs)s
                   )
               )
            UNION
            SELECT fee.contract_id
              FROM fee
              LEFT JOIN contract_line successor
                     ON successor.id = fee.successor_contract_line_id
                    AND successor.is_canceled IS NOT TRUE
             WHERE NOT fee.runs AND successor.id IS NULL
            """,
            company=company.id,
            today=today,
            is_product=SQL(
                "fee.display_type IS NULL AND fee.is_telephony IS NOT TRUE"
                " AND fee.is_did_fee IS NOT TRUE"
            ),
            fee_runs=SQL(
                "(fee.is_canceled IS NOT TRUE AND ("
                " fee.date_end IS NULL OR fee.date_end >= %s"
                " OR fee.is_auto_renew IS TRUE"
                " OR (fee.manual_renew_needed IS TRUE"
                "     AND fee.successor_contract_line_id IS NULL)))",
                today,
            ),
        )

    def _sweep_lines(self):
        """End what is over, and tell what should have ended before."""
        self.ensure_one()
        today = self.company_id._get_telephony_today()
        contract = self.with_context(active_test=False)
        missed = contract._end_lines_if_dead().filtered(
            lambda line: contract._get_end_day(line, today) != today
        )
        if not missed:
            return
        _logger.warning("lines %s had outlived contract %s", missed.ids, self.id)
        missed._write_sync({"end_mended_at": fields.Datetime.now()})
        for line in missed:
            line.message_post(
                body=self.env._(
                    "Found by the sweep: nothing had cancelled the line at its end."
                )
            )
        self.message_post(
            body=self.env._(
                "The sweep cancelled SIP lines whose end had been missed: %s.",
                ", ".join(missed.mapped("display_name")),
            )
        )
