# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.service.model import retrying
from odoo.tools.misc import format_date

from ..forms import tell_forms
from ..overdue import StepKind

_logger = logging.getLogger(__name__)

# Later in the same night, for contracts that somebody held on to.
AGAIN = timedelta(minutes=15)


class SaperxOverdueCase(models.Model):
    """How the steps of a day are taken."""

    _inherit = "saperx.overdue.case"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _cron_take_steps(self):
        """The nightly task: every contract goes one step further at most.

        Each step has a transaction of its own, so that neither a failure nor the end of
        the process takes back, or does again, what was done for others.
        """
        planned = self._get_planned()
        is_skipped = False
        for index, (contract_id, case_id) in enumerate(planned):
            is_skipped |= not self._take_alone(contract_id, case_id)
            left = len(planned) - index - 1
            if not self.env["ir.cron"]._commit_progress(1, remaining=left):
                break
        if is_skipped:
            cron = self.env.ref("saperx_voip.ir_cron_overdue")
            cron._trigger(fields.Datetime.now() + AGAIN)

    @api.model
    def _get_planned(self):
        """Ids of contracts with a step that is due, and of their cases, or False."""
        planned = []
        for company in self.env["res.company"].search(
            [("saperx_overdue_active", "=", True)]
        ):
            planned += [
                (foreseen.contract.id, foreseen.case.id)
                for foreseen in self._foresee(company, company._get_telephony_today())
                if foreseen.obstacle in (None, "notice_waiting")
            ]
        return planned

    def _take_alone(self, contract_id, case_id):
        """Take a step so that its failure stops nobody else's.

        :return: whether the contract was free to be dealt with
        """
        # By their ids: what was read before the last commit is read no more, and
        # certainly not for all the others along with it.
        contract = self.env["contract.contract"].browse(contract_id)
        contract = contract._in_language_of_responsible()
        try:
            return retrying(lambda: contract._take_overdue_step(case_id), self.env)
        except Exception as error:  # the others' steps are due as well
            _logger.exception("the overdue step of contract %s failed", contract_id)
            why = str(error)
            self.env.cr.rollback()
            retrying(lambda: contract._note_failed_overdue_step(why), self.env)
        return True

    @api.model
    def _open(self, contract, today):
        moves = self._get_overdue_moves(contract, today)
        case = self.create(
            {
                "contract_id": contract.id,
                "opened_on": today,
                "due_date": today,
                "move_ids": [Command.set(moves.ids)],
            }
        )
        case._follow_due_date()
        return case

    @api.model
    def _get_overdue_moves(self, contract, today):
        """Posted, unpaid customer invoices of the contract with an item that is due."""
        items = self.env["account.move.line"].search(
            [
                ("contract_line_id.contract_id", "=", contract.id),
                ("move_id.move_type", "=", "out_invoice"),
                (
                    "move_id.commercial_partner_id",
                    "in",
                    contract._get_paying_partners().ids,
                ),
                ("parent_state", "=", "posted"),
                ("move_id.payment_state", "in", ("not_paid", "partial")),
            ]
        )
        return items.move_id.filtered(lambda move: self._get_due_items_of(move, today))

    def _take(self, kind, today):
        self.ensure_one()
        if kind != StepKind.NOTICE and self.notice_state == "waiting":
            self.notice_state = "failed"
            self._ask_somebody(
                self.env._(
                    "The notice of overdue payment has not left the mail queue: no "
                    "further step is taken until somebody tells the customer and "
                    "registers it here."
                )
            )
        else:
            self.last_step_on = today
            getattr(self, f"_take_{kind}")(today)
        self._plan()

    def _take_notice(self, today):
        self.noticed_on = today
        self._send_notice("notice")

    def _take_last_notice(self, today):
        self.last_noticed_on = today
        self._send_notice("last_notice")

    def _take_partial(self, today):
        self.partial_on = today
        self._block("partial")

    def _take_full(self, today):
        self.full_on = today
        self._block("full")

    def _take_cancel(self, today):
        contract = self.contract_id
        reason = self.env.ref("saperx_voip.terminate_reason_overdue")
        self._close("cancelled")
        contract._terminate_contract(
            reason,
            self.env._("Overdue since %s.", format_date(self.env, self.due_date)),
            today,
            True,
        )
        self._send("cancel")
        self._ask_somebody(
            self.env._(
                "The contract was cancelled for overdue payment. What is left to do: "
                "the debt, the final charge, equipment at the customer's."
            )
        )

    def _send_notice(self, name):
        self.notice_state = "waiting"
        self.notice_message_id = self._send(name)
        self._follow_notice()

    def _send(self, name):
        """Tell the customer by the template of a step, through the contract's chatter.

        :return: the message
        """
        template = self.env.ref(f"saperx_voip.mail_template_overdue_{name}")
        # What the mail says comes from here: it must stand there before.
        self._plan()
        message = self.contract_id.message_post_with_source(
            template, subtype_xmlid="mail.mt_comment", force_send=False
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return message

    def _block(self, level):
        self.write({"level": level, "blocked_since": fields.Datetime.now()})
        self._follow_lines()
        self._send(level)
        tell_forms(self.contract_id)


class ContractContract(models.Model):
    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    def _take_overdue_step(self, case_id):
        """Take the contract's next step, if it is still due.

        :param case_id: that was open when the step was found due, or False
        :return: whether nobody else held the contract
        """
        self.ensure_one()
        if not self.try_lock_for_update(allow_referencing=True):
            return False
        company, case = self.company_id, self.saperx_overdue_case_id
        if case.id != case_id or not company.saperx_overdue_active:
            return True  # somebody was faster
        today = company._get_telephony_today()
        case._follow()
        case = case.filtered(lambda case: case.state == "open")
        if not case_id:
            case = self._open_overdue_case(today)
        if not case:
            return True
        step = case._get_next_step()
        obstacle = case._get_obstacle(step, today, company._get_overdue_calendar())
        if obstacle in (None, "notice_waiting"):
            case._take(step.kind, today)
        elif not case_id:
            case.unlink()  # not due any more: there is nothing to tell
        return True

    def _open_overdue_case(self, today):
        """A case about what is unpaid, or none if nothing is or nobody has to pay."""
        self.ensure_one()
        cases = self.env["saperx.overdue.case"]
        is_over = self._is_dead(today) or not self._has_living_lines()
        if is_over or self._is_held(today):
            return cases
        if not cases._get_overdue_moves(self, today):
            return cases
        return cases._open(self, today)

    def _note_failed_overdue_step(self, why):
        self._ask_somebody_about_overdue(
            self.env._(
                "The next step for overdue payment failed and is tried again tomorrow: "
                "%s",
                why,
            )
        )
