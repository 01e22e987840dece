# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..models.saperx_line_change import PERIOD_TERMS
from ..models.saperx_line_period import ONE_DAY
from ..rating import cycle_of

ONE_SECOND = timedelta(seconds=1)


class SaperxLineChangeWizard(models.TransientModel):
    """What each side of a change of terms will be charged: nothing is written."""

    # pylint: disable=consider-merging-classes-inherited
    _inherit = "saperx.line.change.wizard"

    before_ids = fields.One2many(
        "saperx.line.change.wizard.row",
        "wizard_id",
        compute="_compute_preview",
        string="Under the present terms",
    )
    after_ids = fields.One2many(
        "saperx.line.change.wizard.row",
        "wizard_id",
        compute="_compute_preview",
        string="Under the new terms",
    )
    estimate_ids = fields.One2many(
        "saperx.line.change.wizard.row",
        "wizard_id",
        compute="_compute_preview",
        string="The last cycle under the new plan",
    )
    has_changes = fields.Boolean(compute="_compute_preview")
    obstacle = fields.Text(compute="_compute_preview")
    rates_past = fields.Boolean(
        compute="_compute_preview",
        help="Calls of lines that had no plan are priced under the one given later.",
    )

    @api.depends(
        "line_ids",
        "companion_ids",
        "tariff_id",
        "contract_id",
        "contract_line_id",
        "closing_day",
        "billing_type",
        "when",
        "date",
    )
    def _compute_preview(self):
        self._check_may_change()
        for wizard in self:
            lines = wizard._get_lines()
            wizard.has_changes = any(map(wizard._get_changes, lines))
            wizard.obstacle = wizard.has_changes and wizard._get_obstacle()
            before, after, estimates = [], [], []
            rates_past = False
            if wizard.has_changes and not wizard.obstacle:
                before = wizard._prepare_before_rows(lines)
                after = wizard._prepare_after_rows(lines)
                estimates = wizard._prepare_estimate_rows(lines)
                rates_past = wizard._rates_past(lines)
            wizard.before_ids = [Command.clear(), *map(Command.create, before)]
            wizard.after_ids = [Command.clear(), *map(Command.create, after)]
            wizard.estimate_ids = [Command.clear(), *map(Command.create, estimates)]
            wizard.rates_past = rates_past

    def _get_obstacle(self):
        """Why this cannot be done, in words, or False."""
        try:
            self._check_change()
        except UserError as error:
            return str(error)
        return False

    def _rates_past(self, lines):
        """Whether a plan is given later to a line that had none."""
        return self._is_now() and any(
            values.keys() == {"tariff_id"} and not line.tariff_id
            for line in lines
            for _moment, values in self._get_steps(line)
        )

    def _prepare_before_rows(self, lines):
        """What is unbilled so far, and the running cycle, by line, period and cycle as
        they will be charged."""
        totals = self._get_unbilled(lines)
        rows = []
        for line in lines:
            running = line._get_running_period()
            splits_at = self._get_split(line)
            today = running._get_local_day(fields.Datetime.now())
            groups = defaultdict(lambda: [0, 0.0])
            groups[running, self._get_cycle_after(running, today)]  # even if empty
            for period, day, calls, amount in totals[line.id]:
                total = groups[period, self._get_cycle_after(period, day)]
                total[0] += calls
                total[1] += amount
            for (period, (first, last)), (calls, amount) in sorted(
                groups.items(), key=lambda item: (item[0][1], item[0][0].id)
            ):
                until = period.date_to
                if period == running:
                    until = splits_at
                ends = until and period._get_local_day(until - ONE_SECOND)
                rows.append(
                    {
                        "line_id": line.id,
                        "partner_id": period.partner_id.id,
                        "contract_id": period.contract_id.id,
                        "tariff_id": period.tariff_id.id,
                        "date_from": first,
                        "date_to": min(last, ends or last),
                        "calls": calls,
                        "amount": amount,
                    }
                )
        return rows

    def _get_split(self, line):
        """Until when the running period keeps its terms, or None: a closing day that
        changes now moves its cycles alone."""
        moment, values = self._get_steps(line)[-1]
        return None if self._is_now() and "closing_day" in values else moment

    def _get_unbilled(self, lines):
        """By line id, a list of period, local day, number of calls and amount."""
        totals = defaultdict(list)
        for integration, some in lines.grouped("integration_id").items():
            for line, period, day, calls, amount in (
                self.env["saperx.cdr"]
                .sudo()
                .with_context(tz=integration.timezone)
                ._read_group(
                    [("line_id", "in", some.ids), ("state", "=", "unbilled")],
                    ["line_id", "period_id", "start:day"],
                    ["__count", "charged_amount:sum"],
                )
            ):
                totals[line.id].append((period, day.date(), calls, amount))
        return totals

    def _get_cycle_after(self, period, day):
        """The cycle that a day of a period lies in once the change is made."""
        for moment, values in self._get_steps(period.line_id):
            begins = period._get_local_day(moment)
            if "closing_day" in values and begins <= day:
                return cycle_of(day, values["closing_day"], begins)
        return period._get_cycle(day)

    def _prepare_after_rows(self, lines):
        """The terms to come, and the first cycle under them."""
        rows = []
        for line in lines:
            terms = {name: line[name] for name in PERIOD_TERMS}
            for moment, values in self._get_steps(line):
                terms |= {name: self[name] for name in values}
                period = line._get_running_period()
                day = period._get_local_day(moment)
                first, last = self._get_cycle_after(period, day)
                is_now = self._is_now() and "closing_day" not in values
                rows.append(
                    {
                        "line_id": line.id,
                        "holds_from": self.env._("now")
                        if is_now
                        else format_date(self.env, day),
                        "contract_id": terms["contract_id"]._origin.id,
                        "partner_id": terms["contract_id"].partner_id._origin.id,
                        "tariff_id": terms["tariff_id"]._origin.id,
                        "closing_day": terms["closing_day"],
                        "billing_type": terms["billing_type"],
                        "date_from": max(first, day),
                        "date_to": last,
                    }
                )
        return rows

    def _prepare_estimate_rows(self, lines):
        """What the last closed cycle of lines that get another plan cost, or the
        running one of a new line, and would have cost under it."""
        by_cycle = defaultdict(lines.browse)
        for line in lines:
            if "tariff_id" in self._get_changes(line):
                by_cycle[line.integration_id, self._get_sample_cycle(line)] |= line
        rows = []
        for (_integration, (first, last)), some in by_cycle.items():
            actual = self._get_actual(some, first, last)
            estimated = self._get_estimate(some, first, last)
            rows += [
                {
                    "line_id": line.id,
                    "date_from": first,
                    "date_to": last,
                    "amount": actual.get(line.id, 0.0),
                    "estimated_amount": estimated[line.id],
                }
                for line in some
            ]
        return rows

    @api.model
    def _get_sample_cycle(self, line):
        period = line._get_running_period()
        running = period._get_cycle(line.integration_id._get_local_today())
        last = running[0] - ONE_DAY
        if line.in_use_since and line.in_use_since > last:
            return running
        before = line.period_ids.filtered(
            lambda p: p._covers(line.integration_id._get_start_of_day(last))
        )
        return before._get_cycle(last)

    @api.model
    def _get_actual(self, lines, first, last):
        bounds = [
            lines.integration_id._get_start_of_day(day)
            for day in (first, last + ONE_DAY)
        ]
        return {
            line.id: amount
            for line, amount in self.env["saperx.cdr"]
            .sudo()
            ._read_group(
                [
                    ("line_id", "in", lines.ids),
                    ("state", "in", ("unbilled", "billed")),
                    ("start", ">=", bounds[0]),
                    ("start", "<", bounds[1]),
                ],
                ["line_id"],
                ["charged_amount:sum"],
            )
        }

    def _get_estimate(self, lines, first, last):
        """By line id, what its calls of some local days would cost under the new
        plan."""
        totals = defaultdict(Decimal)
        for group in self.env["saperx.cdr"]._what_if(
            lines, first, last, self.tariff_id._origin
        ):
            totals[group["line_id"]] += group["charged_amount"]
        return totals
