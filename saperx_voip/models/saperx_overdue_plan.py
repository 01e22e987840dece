# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date, timedelta
from typing import NamedTuple

from odoo import api, models
from odoo.tools import SQL

from ..overdue import Standing, Step, may_be_taken, next_step

# Why a step is not taken on a day.
OBSTACLES = [
    ("not_yet", "Not yet"),
    ("rest_day", "Day of rest"),
    ("held", "Held"),
    ("notice_failed", "Notice not delivered"),
    ("notice_waiting", "Notice still in the mail queue"),
    ("taken", "One step a day"),
    ("paid", "Nothing is unpaid any more"),
    ("last", "No further step"),
]


class Foreseen(NamedTuple):
    """What a day brings for a contract; the case is empty before the first notice.

    :param step: the next step, or None if none comes by itself
    :param obstacle: a key of ``OBSTACLES``: why it is not taken on that day; or None
    """

    contract: models.Model
    case: models.Model
    due: date
    step: Step | None
    obstacle: str | None


class SaperxOverdueCase(models.Model):
    """What comes for whom on a day: the task does it, and the dry run shows it."""

    _inherit = "saperx.overdue.case"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _foresee(self, company, day, notice_days=None):
        """What a day brings for the overdue contracts of a company.

        :param date day: of the company's zone
        :param notice_days: for how many days contracts without a case must be overdue
            to be looked at; by default as many as the notice takes
        :return: a list of ``Foreseen``
        """
        rules = company._get_overdue_rules()
        calendar = company._get_overdue_calendar()
        cases = self.search([("state", "=", "open"), ("company_id", "=", company.id)])
        cases._fetch_due_items()
        foreseen = []
        for case in cases:
            step = next_step(case._get_standing(), rules, calendar)
            obstacle = case._get_obstacle(step, day, calendar)
            foreseen.append(
                Foreseen(case.contract_id, case, case.due_date, step, obstacle)
            )
        if notice_days is None:
            notice_days = rules.notice
        for contract, due in self._find_unnoticed(company, day, notice_days):
            held_until = contract._get_held_until()
            step = next_step(Standing(due, held_until=held_until), rules, calendar)
            obstacle = contract._get_overdue_obstacle(step, day, calendar)
            foreseen.append(Foreseen(contract, self.browse(), due, step, obstacle))
        return foreseen

    def _get_obstacle(self, step, day, calendar):
        """Why a step of this case is not taken on a day; None: it is."""
        self.ensure_one()
        if not self._get_due_items():
            return "paid"
        if self.notice_state == "failed":
            return "notice_failed"
        if obstacle := self.contract_id._get_overdue_obstacle(step, day, calendar):
            return obstacle
        if self.last_step_on == day:
            return "taken"
        return "notice_waiting" if self.notice_state == "waiting" else None

    @api.model
    def _find_unnoticed(self, company, day, notice_days):
        """Contracts with a SIP line and an unpaid invoice that is due for so many days.

        Found from the unpaid journal items that are due, of which paid contracts have
        none. What a former customer of the contract owes does not count.

        :return: pairs of a contract and the due date of its oldest unpaid invoice
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                WITH due AS MATERIALIZED (
                    SELECT item.move_id, move.commercial_partner_id AS debtor_id,
                           min(item.date_maturity) AS due_date
                    FROM account_move_line AS item
                    JOIN account_account AS account ON account.id = item.account_id
                    JOIN account_move AS move ON move.id = item.move_id
                    WHERE account.account_type = 'asset_receivable'
                    AND item.reconciled IS NOT TRUE
                    AND item.parent_state = 'posted'
                    AND item.display_type = 'payment_term'
                    AND item.amount_residual > 0
                    AND item.company_id = %(company)s
                    AND item.date_maturity <= %(latest)s
                    AND move.move_type = 'out_invoice'
                    AND move.payment_state IN ('not_paid', 'partial')
                    GROUP BY item.move_id, move.commercial_partner_id
                )
                SELECT fee.contract_id, min(due.due_date)
                FROM due
                JOIN account_move_line AS item ON item.move_id = due.move_id
                JOIN contract_line AS fee ON fee.id = item.contract_line_id
                JOIN contract_contract AS contract ON contract.id = fee.contract_id
                WHERE due.debtor_id IN (
                    SELECT partner.commercial_partner_id
                    FROM res_partner AS partner
                    WHERE partner.id IN (
                        contract.partner_id, contract.invoice_partner_id
                    )
                )
                AND EXISTS (
                    SELECT 1 FROM saperx_line AS line
                    WHERE line.contract_id = fee.contract_id
                    AND line.state != 'cancelled'
                )
                AND NOT EXISTS (
                    SELECT 1 FROM saperx_overdue_case AS followed
                    WHERE followed.contract_id = fee.contract_id
                    AND followed.state = 'open'
                )
                GROUP BY fee.contract_id
                ORDER BY fee.contract_id
                """,
                company=company.id,
                latest=day - timedelta(days=notice_days),
            )
        )
        contracts = self.env["contract.contract"].browse(row[0] for row in rows)
        return list(zip(contracts, (due for _contract, due in rows), strict=True))


class ContractContract(models.Model):
    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    def _get_overdue_obstacle(self, step, day, calendar):
        """Why a step is not taken on a day, as far as the contract says; None: it is.

        :param step: the contract's next one, or None
        """
        self.ensure_one()
        if self._is_held(day):
            return "held"
        if step is None:
            return "last"
        if step.wanted > day:
            return "not_yet"
        if step.day > day or not may_be_taken(step.kind, day, calendar):
            return "rest_day"
        return None
