# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from typing import NamedTuple

from odoo import Command, api, fields, models
from odoo.tools import SQL

from ..forms import tell_forms
from ..overdue import Standing, Step, StepKind, next_step

_logger = logging.getLogger(__name__)


class Planned(NamedTuple):
    """A step that is due for a contract; the case is empty before the first notice."""

    contract: models.Model
    case: models.Model
    step: Step


class SaperxOverdueCase(models.Model):
    """How steps are found and taken, and what payment takes back."""

    _inherit = "saperx.overdue.case"  # pylint: disable=consider-merging-classes-inherited

    # === The steps of a day ===

    @api.model
    def _cron_take_steps(self):
        """The nightly task: every contract goes one step further at most."""
        planned = []
        for company in self.env["res.company"].search(
            [("saperx_overdue_active", "=", True)]
        ):
            planned += self._get_planned(company, company._get_telephony_today())
        for index, plan in enumerate(planned):
            self._take_alone(plan)
            self.env["ir.cron"]._commit_progress(1, remaining=len(planned) - index - 1)

    def _take_alone(self, planned):
        """Take a step so that its failure stops nobody else's."""
        try:
            with self.env.cr.savepoint():
                self._take(planned)
        except Exception as error:  # the others' steps are due as well
            contract = planned.contract
            _logger.exception("the overdue step of contract %s failed", contract.id)
            with self.env.cr.savepoint():
                contract.message_post(
                    body=self.env._(
                        "The step “%(step)s” for overdue payment failed: %(error)s",
                        step=self._label_step(planned.step.kind),
                        error=error,
                    )
                )

    @api.model
    def _get_planned(self, company, day):
        """What is due on a day: the task takes it, and the dry run shows it.

        :param day: of the company's zone
        :return: a list of ``Planned``
        """
        planned = []
        cases = self.search([("state", "=", "open"), ("company_id", "=", company.id)])
        for case in cases:
            step = case._get_next_step()
            if step and step.day <= day and case._may_take(day):
                planned.append(Planned(case.contract_id, case, step))
        rules, calendar = company._get_overdue_rules(), company._get_overdue_calendar()
        for contract, due in self._find_unnoticed(company, day, rules.notice):
            held_until = contract._get_held_until()
            step = next_step(Standing(due, held_until=held_until), rules, calendar)
            if step and step.day <= day and calendar.is_working_day(day):
                planned.append(Planned(contract, self.browse(), step))
        return planned

    def _may_take(self, day):
        """Whether the contract may go a step further on a day."""
        self.ensure_one()
        calendar = self.company_id._get_overdue_calendar()
        step = self._get_next_step()
        is_notice = step.kind in (StepKind.NOTICE, StepKind.LAST_NOTICE)
        fits = calendar.is_working_day if is_notice else calendar.is_cutting_day
        return self.last_step_on != day and fits(day) and bool(self._get_due_items())

    @api.model
    def _find_unnoticed(self, company, day, notice_days):
        """Contracts with a SIP line and an unpaid invoice that is due for so many days.

        Found from the unpaid journal items, of which paid contracts have none.

        :return: pairs of a contract and the due date of its oldest unpaid invoice
        """
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """
                WITH due AS (
                    SELECT item.move_id, min(item.date_maturity) AS due_date
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
                    GROUP BY item.move_id
                )
                SELECT fee.contract_id, min(due.due_date)
                FROM due
                JOIN account_move_line AS item ON item.move_id = due.move_id
                JOIN contract_line AS fee ON fee.id = item.contract_line_id
                WHERE EXISTS (
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
                latest=fields.Date.subtract(day, days=notice_days),
            )
        )
        return [
            (self.env["contract.contract"].browse(contract_id), due_date)
            for contract_id, due_date in rows
        ]

    def _take(self, planned):
        """Take a step, if it is still due and nobody else is taking it."""
        contract = planned.contract
        if not contract.try_lock_for_update(allow_referencing=True):
            return
        today = contract.company_id._get_telephony_today()
        case = planned.case or self._open(contract, today)
        case._follow_notice()
        if case.state == "closed" or not case._get_due_items():
            return
        if planned.step.kind != StepKind.NOTICE and case.notice_state == "waiting":
            case.notice_state = "failed"
            case._ask_somebody(
                self.env._("The notice of overdue payment has not left the mail queue.")
            )
        if planned.case and case._get_next_step() != planned.step:
            return
        case.last_step_on = today
        getattr(case, f"_take_{planned.step.kind}")(today)
        case._plan()

    @api.model
    def _open(self, contract, today):
        moves = self._get_overdue_moves(contract, today)
        due = moves.line_ids.filtered(
            lambda item: item.display_type == "payment_term" and not item.reconciled
        )
        return self.create(
            {
                "contract_id": contract.id,
                "opened_on": today,
                "due_date": min(due.mapped("date_maturity")),
                "move_ids": [Command.set(moves.ids)],
            }
        )

    @api.model
    def _get_overdue_moves(self, contract, today):
        """Posted, unpaid customer invoices of the contract with an item that is due."""
        items = self.env["account.move.line"].search(
            [
                ("contract_line_id.contract_id", "=", contract.id),
                ("move_id.move_type", "=", "out_invoice"),
                ("parent_state", "=", "posted"),
                ("move_id.payment_state", "in", ("not_paid", "partial")),
            ]
        )
        return items.move_id.filtered(
            lambda move: any(
                item.display_type == "payment_term"
                and not item.reconciled
                and item.date_maturity < today
                for item in move.line_ids
            )
        )

    def _take_notice(self, today):
        self.noticed_on = today
        self._send_notice("notice")

    def _take_last_notice(self, today):
        self.last_noticed_on = today
        self._send_notice("last_notice")

    def _take_partial(self, today):
        self.partial_on = self.partial_on or today
        self._block("partial")

    def _take_full(self, today):
        self.full_on = self.full_on or today
        self._block("full")

    def _take_cancel(self, today):
        contract = self.contract_id
        reason = self.env.ref("saperx_voip.terminate_reason_overdue")
        self._close("cancelled")
        contract._terminate_contract(
            reason, self.env._("Overdue since %s.", self.due_date), today, True
        )
        self._send("cancel")

    def _send_notice(self, name):
        self.notice_message_id = self._send(name)
        self.notice_state = "waiting"
        self._follow_notice()

    def _send(self, name):
        """Tell the customer by the template of a step, through the contract's chatter.

        :return: the message
        """
        template = self.env.ref(f"saperx_voip.mail_template_overdue_{name}")
        message = self.contract_id.message_post_with_source(
            template, subtype_xmlid="mail.mt_comment", force_send=False
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
        return message

    def _block(self, level):
        self.write({"level": level, "blocked_since": fields.Datetime.now()})
        self._follow_lines()
        self._send(level)
        tell_forms(self.contract_id)

    # === What payment, a hold or the contract's end takes back ===

    @api.model
    def _look_at_payment(self, moves):
        """Follow soon where a payment may end a block."""
        followed = self.sudo().search_count(
            [("state", "=", "open"), ("move_ids", "in", moves.ids)], limit=1
        )
        if followed:
            self.env.ref("saperx_voip.ir_cron_overdue_follow").sudo()._trigger()

    @api.model
    def _cron_follow(self):
        """Restore what is paid; several times an hour."""
        cases = self.search([("state", "=", "open")])
        for index, case in enumerate(cases):
            try:
                with self.env.cr.savepoint():
                    case._follow()
            except Exception:  # the others have paid as well
                _logger.exception("following the overdue case %s failed", case.id)
            self.env["ir.cron"]._commit_progress(1, remaining=len(cases) - index - 1)

    def _follow(self):
        """Let the case, its contract's block and its lines say what holds now."""
        for case in self.sudo():
            if not case.try_lock_for_update(allow_referencing=True):
                continue
            contract = case.contract_id
            today = case.company_id._get_telephony_today()
            has_lines = any(
                line.state != "cancelled" for line in contract.saperx_line_ids
            )
            case._follow_notice()
            if contract._is_dead(today) or not has_lines:
                # Also when its invoices went with it: nothing is restored.
                case._close("ended")
            elif not case._get_due_items():
                case._restore()
            elif contract._is_held(today):
                case._lift_for_a_while()
            else:
                case._follow_lines()
            case._plan()

    def _restore(self):
        was_blocked = bool(self.level)
        self._close("paid")
        if was_blocked:
            self._send("restored")

    def _lift_for_a_while(self):
        """Held: another last notice precedes the end, should it be broken."""
        if self.level or self.last_noticed_on:
            self.write(
                {"level": False, "blocked_since": False, "last_noticed_on": False}
            )
            self._follow_lines()
            tell_forms(self.contract_id)

    def _close(self, because):
        self.write(
            {
                "state": "closed",
                "level": False,
                "blocked_since": False,
                "closed_on": self.company_id._get_telephony_today(),
                "closed_because": because,
                "next_step": False,
                "next_step_on": False,
            }
        )
        self._follow_lines()
        tell_forms(self.contract_id)

    def _follow_lines(self):
        """Block the contract's lines as it is blocked, if they go together, and lift
        what this case blocked and no longer holds."""
        self.ensure_one()
        together = self.company_id.saperx_block_lines_with_contract
        level = self.level if together else False
        lines = self.contract_id.saperx_line_ids.filtered(
            lambda line: line.state != "cancelled"
        )
        blocks = self.env["saperx.line.block"].search(
            [("overdue_case_id", "=", self.id)]
        )
        now = fields.Datetime.now()
        blocks.filtered(
            lambda block: block.level != level and not block._is_over_at(now)
        ).action_lift()
        if not level:
            return
        # One that somebody lifted on purpose stays lifted until the next step.
        done = blocks.filtered(
            lambda block: block.level == level and block.date_from >= self.blocked_since
        ).line_id
        self.env["saperx.line.block"].create(
            [
                {
                    "line_id": line.id,
                    "reason": "overdue",
                    "level": level,
                    "overdue_case_id": self.id,
                }
                for line in lines - done
            ]
        )

    @api.model
    def _label_step(self, kind):
        labels = self._fields["next_step"]._description_selection(self.env)
        return dict(labels)[kind]
