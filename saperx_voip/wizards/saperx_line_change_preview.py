# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from ..models.saperx_line_period import ONE_DAY
from ..rating import local_date, with_terms

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
    has_several_lines = fields.Boolean(compute="_compute_preview")
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
            wizard.has_several_lines = len(lines) > 1
            wizard.has_changes = any(map(wizard._get_changes, lines))
            wizard.obstacle = wizard.has_changes and wizard._get_obstacle()
            before, after, estimates = [], [], []
            rates_past = False
            if wizard.has_changes and not wizard.obstacle:
                before, after = wizard._prepare_sides(lines)
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

    def _prepare_sides(self, lines):
        """What each side will be charged, by line, period and cycle: what the present
        terms have left to charge, and what the new ones have from the change on.

        :return: the rows of either side
        """
        begins, holdings, days = {}, [], []
        new_ids = count(-1, -1)
        for line in lines:
            steps = self._get_steps(line)
            if not steps:
                continue
            begins[line.id] = min(moment for moment, _values in steps)
            held = [period._get_holding() for period in line.period_ids]
            for moment, values in steps:
                terms = self._prepare_terms(values)
                held = with_terms(held, moment, terms, new_ids)
            holdings += held
            days += self._get_days_to_show(line, held, begins[line.id])
        changing = lines.browse(begins)
        before, after = [], []
        for cycle in self.env["saperx.cdr"]._foresee(changing, holdings, days):
            begin = begins[cycle.holding.line_id]
            is_new = (cycle.holding.since or datetime.min) >= begin
            rows = after if is_new else before
            rows.append(self._prepare_row(cycle, is_new))
        return before, after

    def _prepare_terms(self, values):
        """Values of a period as fields of a ``Holding``."""
        terms = dict(values)
        if "contract_id" in terms:
            terms["partner_id"] = self.contract_id._origin.sudo().partner_id.id
        if "billing_type" in terms:
            terms["prepaid"] = terms.pop("billing_type") == "prepaid"
        return terms

    @api.model
    def _get_days_to_show(self, line, holdings, begin):
        """Of the running cycle, of the last one before the change, and of the first
        one after it, as pairs of a holding and a day."""
        integration = line.integration_id
        zone = ZoneInfo(integration.timezone)
        now = fields.Datetime.now()
        today = integration._get_local_today()
        pairs = []
        for held in holdings:
            since = held.since or datetime.min
            if since == held.until:
                continue
            if held.covers(now):
                pairs.append((held, today))
            if since >= begin and held.since:
                pairs.append((held, local_date(since, zone)))
            if since < now and held.until and begin >= held.until >= now:
                pairs.append((held, local_date(held.until - ONE_SECOND, zone)))
        return pairs

    def _prepare_row(self, cycle, is_new):
        held = cycle.holding
        return {
            "currency_id": self.currency_id.id,
            "line_id": held.line_id,
            "partner_id": held.partner_id,
            "contract_id": held.contract_id,
            "tariff_id": held.tariff_id,
            "date_from": cycle.first,
            "date_to": cycle.last,
            "calls": cycle.calls,
            "charged_seconds": cycle.charged_seconds,
            "amount": cycle.amount,
            "remark": "\n".join(self._get_remarks(cycle, is_new)),
        }

    def _describe_balance(self, balance):
        """An allowance as a cycle has it: its name, and how much of it is given."""
        allowance = self.env["saperx.tariff.allowance"].sudo()
        allowance = allowance.browse(balance.allowance.id)
        label = self.env._("Allowance %s (whole)", allowance.name)
        if allowance.is_pro_rata:
            label = self.env._(
                "Allowance %(allowance)s (pro rata: %(quantity)s)",
                allowance=allowance.name,
                quantity=allowance._format_quantity(balance.own),
            )
        if balance.carried:
            label = self.env._(
                "%(allowance)s + %(quantity)s carried over",
                allowance=label,
                quantity=allowance._format_quantity(balance.carried),
            )
        return label

    def _get_remarks(self, cycle, is_new):
        """What calls and amount do not say."""
        if cycle.holding.prepaid:
            yield self.env._("Prepaid: not charged")
        elif not cycle.holding.tariff_id:
            yield self.env._("No billing plan: not charged")
        elif cycle.is_left_out:
            yield self.env._("Line not active: not charged")
        else:
            if is_new and not cycle.calls:
                yield self.env._("From then on")
            yield from map(self._describe_balance, cycle.balances)

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
                    "currency_id": self.currency_id.id,
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
