# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

# For so many days the overview shows what the sweep has mended.
MENDED_DAYS = 30


class SaperxLine(models.Model):
    """How a line ended, and the one way back: its contract's termination is undone."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    ended_with_termination = fields.Boolean(
        readonly=True,
        copy=False,
        help="The line was cancelled because its contract was terminated.",
    )
    end_mended_at = fields.Datetime(
        string="End found by the sweep",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="When the sweep cancelled the line, after its end had been missed.",
    )

    @api.model
    def _get_alive_on(self, contracts):
        """The lines of some contracts that are not cancelled."""
        return self.search(
            [("contract_id", "in", contracts.ids), ("state", "!=", "cancelled")]
        )

    @api.model
    def _domain_mended(self):
        since = fields.Datetime.now() - timedelta(days=MENDED_DAYS)
        return [("end_mended_at", ">=", since)]

    # === Reopening ===

    def _reopen(self):
        """Let the lines go on as if their contract had not been terminated.

        The same record: reference, account code and password stay. The last period
        runs on without a gap; the line is active again, and has its numbers again, from
        now on.

        :raise UserError: saying why a line cannot come back
        """
        for line in self:
            if obstacle := line._explain_not_reopenable():
                raise UserError(obstacle)
            dids = line._get_dids_to_take_again()
            line._get_last_period().date_to = False
            line._write_sync(
                {
                    "state": "active",
                    "cancelled_at": False,
                    "end_reason_id": False,
                    "end_comment": False,
                    "ended_with_termination": False,
                    "end_mended_at": False,
                }
            )
            # The contract may be another customer's by now.
            line._follow_period()
            self.env["saperx.did"].create([did._prepare_again() for did in dids])
            line._check_shared_closing_day()
            line._check_credit_limit()
            line._raise_revision()
            line.message_post(
                body=self.env._(
                    "Reopened: the termination of the contract was undone. Numbers: "
                    "%s.",
                    ", ".join(map(dids._format_number, dids.mapped("number"))) or "—",
                )
            )
        self._follow_moments()
        self.contract_id._sweep_when_they_end()
        self.env["saperx.cdr"]._reassess([("line_id", "in", self.ids)])
        self.env["saperx.cdr"]._trigger_rematch(self.integration_id)

    def _explain_not_reopenable(self):
        """Why the line cannot come back, or None."""
        self.ensure_one()
        line = self.sudo()
        today = line.company_id._get_telephony_today()
        fee = line.contract_line_id
        if line.state != "cancelled" or not line.ended_with_termination:
            return self.env._(
                "The line %s did not end with a termination, or is back already.",
                line.display_name,
            )
        try:
            line.contract_id._check_takes_lines(today)
        except UserError as error:
            return str(error)
        if fee and fee._is_dead(today):
            return self.env._("Its recurring fee “%s” has ended.", fee.name)
        holder = line._find_holder_of_code()
        if holder:
            return self.env._(
                "Its account code %(code)s is that of the line %(holder)s by now.",
                code=line.account_code,
                holder=holder.display_name,
            )
        return None

    def _find_holder_of_code(self):
        self.ensure_one()
        if not self.account_code:
            return self.browse()
        return self.search(
            [
                ("integration_id", "=", self.integration_id.id),
                ("account_code", "=", self.account_code),
                ("state", "!=", "cancelled"),
                ("id", "!=", self.id),
            ],
            limit=1,
        )

    def _get_last_period(self):
        """That which ran when the line ended."""
        self.ensure_one()
        periods = self.sudo().period_ids
        return periods.filtered(lambda p: p.date_to == self.cancelled_at).sorted(
            lambda p: (bool(p.date_from), p.date_from)
        )[-1:]

    def _get_last_dids(self):
        """The numbers that the line had when it ended."""
        self.ensure_one()
        holdings = self.with_context(active_test=False).did_ids
        return holdings.filtered(lambda did: did.held_until == self.cancelled_at)

    def _get_dids_to_take_again(self):
        self.ensure_one()
        return self._get_last_dids().filtered(lambda did: not did._explain_not_again())

    def _explain_charged(self):
        """What the charge of the line's end has to do with its coming back."""
        self.ensure_one()
        line = self.sudo()
        day = line._get_last_period()._get_local_day(line.cancelled_at)
        charge = self.env["saperx.charge"].sudo()
        charge = charge.search(
            [
                ("line_id", "=", line.id),
                ("state", "!=", "cancelled"),
                ("cycle_end", ">=", day),
            ],
            order="cycle_end desc",
            limit=1,
        )
        if not charge:
            return None
        return self.env._(
            "The cycle that closes on %s was charged when the line ended: calls that "
            "follow in it make a charge of their own.",
            format_date(self.env, charge.cycle_end),
        )
