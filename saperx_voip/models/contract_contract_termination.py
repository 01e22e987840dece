# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

from .contract_line import SUCCESSION


class ContractContract(models.Model):
    """A termination can be undone: what it changed is given back."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    saperx_before_termination = fields.Json(
        readonly=True,
        copy=False,
        help="By id of a contract line: what it was, and what the termination made of "
        "it.",
    )
    saperx_reopenable_count = fields.Integer(
        compute="_compute_saperx_reopenable_count",
        groups="saperx_voip.group_technician",
        help="SIP lines that ended with a termination that was undone.",
    )

    def _compute_saperx_reopenable_count(self):
        for contract in self:
            contract.saperx_reopenable_count = len(contract._get_reopenable_lines())

    def write(self, vals):
        is_undoing = "is_terminated" in vals and not vals["is_terminated"]
        if is_undoing:
            # Before it is looked whether the contract is over for another reason.
            self.sudo().filtered("is_terminated")._give_dates_back()
        return super().write(vals)

    def _terminate_contract(
        self,
        terminate_reason_id,
        terminate_comment,
        terminate_date,
        terminate_lines_with_last_date_invoiced=False,
    ):
        """Remember what the contract lines were. The SIP lines end with the contract,
        on the date of the termination: not with the fees, which may run for longer if
        they were invoiced already.

        Another date for a contract that is terminated holds for its fees as well: OCA
        stops nothing on it.
        """
        self.ensure_one()
        contract = self.sudo()
        has_telephony = bool(contract.saperx_line_ids)
        is_moved = contract.is_terminated and terminate_date != contract.terminate_date
        is_new = has_telephony and (is_moved or not contract.is_terminated)
        ending = self.with_context(**{SUCCESSION: True})
        was = {}
        if is_new:
            contract._restore_dates()
            was = contract._read_dates()
        if is_new and is_moved:
            for line in ending._get_product_lines():
                line._stop_at(terminate_date, terminate_lines_with_last_date_invoiced)
        res = super(ContractContract, ending)._terminate_contract(
            terminate_reason_id,
            terminate_comment,
            terminate_date,
            terminate_lines_with_last_date_invoiced,
        )
        if is_new:
            became = contract._read_dates()
            contract.saperx_before_termination = {
                line_id: {"was": was[line_id], "became": became[line_id]}
                for line_id in was
                if was[line_id] != became[line_id]
            }
        # Only now is it known which contract lines ended because of it.
        self._end_lines_if_dead()
        return res

    def action_cancel_contract_termination(self):
        """Undo the termination, and offer the SIP lines that ended with it."""
        res = super().action_cancel_contract_termination()
        may_reopen = self.env.user.has_group("saperx_voip.group_technician")
        if may_reopen and self._get_reopenable_lines():
            return self.action_reopen_saperx_lines()
        return res

    def action_reopen_saperx_lines(self):
        """Ask which lines that ended with the termination come back."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Reopen SIP lines"),
            "res_model": "saperx.line.reopen.wizard",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_contract_id": self.id,
                "dialog_size": "extra-large",
            },
        }

    def _get_reopenable_lines(self):
        """SIP lines that ended with a termination of this contract, which lives."""
        self.ensure_one()
        contract = self.sudo()
        lines = contract.saperx_line_ids.filtered("ended_with_termination")
        today = contract.company_id._get_telephony_today()
        is_dead = bool(lines) and contract._is_dead(today)
        return lines.browse() if is_dead else lines.with_env(self.env)

    def _read_dates(self):
        """Values of the contract lines by their id, as JSON has them."""
        self.ensure_one()
        lines = self.with_context(active_test=False)._get_product_lines()
        return {str(line.id): line._read_dates() for line in lines}

    def _give_dates_back(self):
        """As ``_restore_dates``, naming on each contract the lines that stay."""
        for contract in self.with_context(active_test=False):
            if kept := contract._restore_dates():
                contract.message_post(
                    body=self.env._(
                        "The termination was undone. These contract lines were "
                        "changed since and keep their dates: %s. Look at them.",
                        ", ".join(kept.mapped("name")),
                    )
                )

    def _restore_dates(self):
        """Let contract lines be what they were before the termination.

        :return: the lines that somebody changed since, or that the accounts refuse:
            they stay as they are
        """
        self.ensure_one()
        remembered = self.saperx_before_termination or {}
        self.saperx_before_termination = False
        kept = self.env["contract.line"]
        for line in self._get_product_lines():
            dates = remembered.get(str(line.id))
            if dates and not line._go_back(**dates):
                kept |= line
        return kept
