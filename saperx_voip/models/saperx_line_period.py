# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import datetime, timedelta
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.misc import format_date

from ..rating import Holding, cycle_of, local_date
from .call_class import BILLING_TYPES

ONE_DAY = timedelta(days=1)


class SaperxLinePeriod(models.Model):
    """Who held a line, under which terms, from when to when.

    A call takes the period at its start. The periods of a line follow each other
    without a gap; one that begins later than now is a planned change. The closing day
    changes where a cycle begins, nowhere else.
    """

    _name = "saperx.line.period"
    _description = "Period of a SIP line"
    _order = "line_id, date_from desc nulls last, id"

    _values_of_line = {
        "contract_id",
        "partner_id",
        "tariff_id",
        "closing_day",
        "billing_type",
    }

    line_id = fields.Many2one(
        "saperx.line", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    contract_id = fields.Many2one(
        "contract.contract", required=True, index=True, ondelete="restrict"
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        index=True,
        ondelete="restrict",
    )
    tariff_id = fields.Many2one(
        "saperx.tariff", string="Billing plan", index=True, ondelete="restrict"
    )
    closing_day = fields.Integer(required=True)
    billing_type = fields.Selection(BILLING_TYPES, string="Type", required=True)
    date_from = fields.Datetime(string="From", help="Empty: since ever.")
    date_to = fields.Datetime(string="To", help="Exclusive. Empty: still running.")
    contract_line_id = fields.Many2one(
        "contract.line",
        string="Recurring fee",
        index="btree_not_null",
        ondelete="set null",
        help="That the line lives by once a planned change of contract has come.",
    )

    charged_until = fields.Date(
        readonly=True,
        help="Last day of the latest cycle that the contract was charged for under "
        "this plan.",
    )

    is_over = fields.Boolean(compute="_compute_is_over")
    is_planned = fields.Boolean(compute="_compute_is_over")

    _one_open = models.UniqueIndex(
        "(line_id) WHERE date_to IS NULL", "A line has one running period at most."
    )
    _one_first = models.UniqueIndex(
        "(line_id) WHERE date_from IS NULL", "A line has one first period at most."
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from <= date_to)",
        "A period cannot end before it begins.",
    )

    @api.depends("line_id", "date_from", "date_to")
    def _compute_display_name(self):
        for period in self:
            period.display_name = f"{period.line_id.display_name} #{period.id}"

    @api.depends("date_from", "date_to")
    def _compute_is_over(self):
        now = fields.Datetime.now()
        for period in self:
            period.is_over = bool(period.date_to) and period.date_to <= now
            period.is_planned = bool(period.date_from) and period.date_from > now

    @api.constrains("line_id", "date_from", "date_to")
    def _check_no_overlap(self):
        for period in self:
            domain = [("line_id", "=", period.line_id.id), ("id", "!=", period.id)]
            if period.date_to:
                domain += [
                    "|",
                    ("date_from", "=", False),
                    ("date_from", "<", period.date_to),
                ]
            if period.date_from:
                domain += [
                    "|",
                    ("date_to", "=", False),
                    ("date_to", ">", period.date_from),
                ]
            if self.search_count(domain, limit=1):
                raise ValidationError(
                    self.env._(
                        "Two periods of the line %s overlap.",
                        period.line_id.display_name,
                    )
                )

    def _check_seamless(self):
        """The periods of a line follow each other without a gap."""
        for line in self.line_id:
            periods = line.period_ids.sorted(lambda p: p.date_from or datetime.min)
            for former, period in pairwise(periods):
                if former.date_to != period.date_from:
                    raise ValidationError(
                        self.env._(
                            "The periods of the line %s do not follow each other.",
                            line.display_name,
                        )
                    )

    def _covers(self, moment):
        self.ensure_one()
        return (not self.date_from or self.date_from <= moment) and (
            not self.date_to or moment < self.date_to
        )

    def _become(self, values):
        """Take over the terms that the line has from now on.

        This period takes them itself while nothing was told by it, or if only a
        missing billing plan is given later, which then also rates the time before a
        change of closing day; else a new one begins now. A closing day holds from the
        first day of the running cycle.

        :return: whether there was anything to take over
        """
        self.ensure_one()
        changed = self._get_changes(values)
        if not changed:
            return False
        period, closing_day = self, None
        if not self._is_unsaid():
            closing_day = changed.pop("closing_day", None)
        if changed:
            corrected = self._get_corrected(changed)
            if not corrected:
                corrected = period = self._split_at(fields.Datetime.now())
            corrected.write(changed)
        if closing_day:
            period._change_closing_day(closing_day)
        period._check_seamless()
        return True

    def _get_corrected(self, changed):
        """The periods that take over other terms themselves; none if a new one begins
        now."""
        self.ensure_one()
        if changed.keys() == {"tariff_id"} and not self.tariff_id:
            return self | self._get_formers_without_plan()
        return self if self._is_untouched() else self.browse()

    def _get_formers_without_plan(self):
        """The periods just before this one that only another closing day tells from
        it, as long as they have no billing plan."""
        self.ensure_one()
        formers = self.line_id.period_ids.filtered(
            lambda p: self.date_from and p.date_to and p.date_to <= self.date_from
        ).sorted("date_to", reverse=True)
        holder = ("contract_id", "partner_id", "billing_type")
        alike = takewhile(
            lambda p: not p.tariff_id and all(p[name] == self[name] for name in holder),
            formers,
        )
        return self.browse(former.id for former in alike)

    def _get_changes(self, values):
        """Those of the values that are not the period's own."""
        self.ensure_one()
        return {
            name: value
            for name, value in values.items()
            if self._fields[name].convert_to_write(self[name], self) != value
        }

    def _is_untouched(self):
        """Whether nobody can have called by these terms, as far as is known: they may
        still be corrected as if they had never been said."""
        self.ensure_one()
        if self._has_calls():
            return False
        integration = self.line_id.integration_id
        begins = self.line_id.in_use_since
        if self.date_from:
            begins = self._get_local_day(self.date_from)
        began_today = bool(begins) and begins >= integration._get_local_today()
        return began_today or not self.line_id.was_claimed

    def _is_unsaid(self):
        """Whether the line was never told to close on another day than this."""
        self.ensure_one()
        return not self.date_from and self._is_untouched()

    def _split_at(self, moment):
        """:return: the part of the period from a moment on, a new record"""
        self.ensure_one()
        if self.date_from == moment:
            return self
        values = {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in self._values_of_line
        }
        values |= {
            "line_id": self.line_id.id,
            "date_from": moment,
            "date_to": self.date_to,
        }
        self.date_to = moment
        # Lest two be open for a moment.
        self.flush_recordset()
        return self.create(values)

    def _change_closing_day(self, closing_day):
        """Close on another day from the day after the last closing on, so that one
        short cycle comes of it and no day is charged twice or left out.

        :raise UserError: if calls since that day were charged, or if whoever shares an
            allowance since then goes on closing on the former day
        """
        self.ensure_one()
        begins = self._get_cycle_begin()
        if (
            self.env["saperx.cdr"]
            .sudo()
            .search_count(
                [
                    ("line_id", "=", self.line_id.id),
                    ("state", "=", "billed"),
                    ("start", ">=", begins),
                ],
                limit=1,
            )
        ):
            raise UserError(
                self.env._(
                    "Calls of the running cycle of the line %s are charged already: "
                    "change its closing day from the next cycle on.",
                    self.line_id.display_name,
                )
            )
        periods = self.line_id.period_ids.filtered(
            lambda period: not period.date_to or period.date_to > begins
        )
        for period in periods.filtered(lambda period: period._covers(begins)):
            periods = periods - period | period._split_at(begins)
        periods._check_sharers_close_on(closing_day, begins)
        periods.write({"closing_day": closing_day})

    def _check_sharers_close_on(self, closing_day, begins):
        """Whoever shared an allowance with these periods of a line in the running
        cycle closes it on the same day, or it would be given once for each day. Lines
        that were cancelled or went elsewhere cannot follow.

        :param datetime begins: of the running cycle, naive UTC
        :raise UserError: naming the other line
        """
        for period in self:
            if not any(period.tariff_id.allowance_ids.mapped("is_shared")):
                continue
            others = self.search(
                [
                    ("line_id", "!=", period.line_id.id),
                    ("contract_id", "=", period.contract_id.id),
                    ("tariff_id", "=", period.tariff_id.id),
                    ("closing_day", "!=", closing_day),
                    "|",
                    ("date_to", "=", False),
                    ("date_to", ">", begins),
                ]
            )
            # Those that change together with this line say so already.
            left = others.filtered(
                lambda other: (
                    not other.is_planned
                    and (
                        other.line_id.state == "cancelled"
                        or other.line_id.closing_day != closing_day
                    )
                )
            )
            if left:
                raise UserError(
                    self.env._(
                        "The line %(other)s, cancelled or changed since, shared the "
                        "allowance of the billing plan “%(tariff)s” in the running "
                        "cycle, which closes on day %(day)s: change the closing day of "
                        "the line %(line)s from the next cycle on.",
                        other=left[0].line_id.display_name,
                        tariff=period.tariff_id.display_name,
                        day=left[0].closing_day,
                        line=period.line_id.display_name,
                    )
                )

    def _plan(self, values, moment):
        """Let other terms come at a moment ahead.

        :return: the planned period
        """
        self.ensure_one()
        planned = self._split_at(moment)
        planned.write(values)
        planned._check_seamless()
        self.env["saperx.line"]._look_again_at([moment])
        return planned

    def _take_back(self):
        """Let what these last periods of their lines change not have come."""
        taken_ids = self.ids
        for period in self:
            former = period._get_former()
            date_to = period.date_to
            period.unlink()
            former.date_to = date_to
        # Those that a clock ahead of ours has told of already.
        self.env["saperx.cdr"]._reassess([("period_id", "in", taken_ids)])

    def _get_former(self):
        self.ensure_one()
        return self.line_id.period_ids.filtered(
            lambda period: period != self and period.date_to == self.date_from
        )

    def _get_cycle(self, cycle_end):
        """The cycle that ends on a day, or that a day of this period lies in.

        After a change of closing day it begins no earlier than the day after the last
        closing under the former one.

        :param date cycle_end: local
        :return: its first and last day (local, inclusive)
        """
        self.ensure_one()
        not_before = self._get_closing_day_since()
        if not_before and cycle_end < not_before:
            # Of a call that the present closing day was not told of.
            not_before = None
        return cycle_of(cycle_end, self.closing_day, not_before)

    def _get_closing_day_since(self):
        """The local day from which on the line closes as it does; None: since ever."""
        self.ensure_one()
        since = None
        closing_day = None
        periods = self.line_id.period_ids.sorted(lambda p: p.date_from or datetime.min)
        for period in periods:
            if closing_day and period.closing_day != closing_day:
                since = self._get_local_day(period.date_from)
            closing_day = period.closing_day
            if period == self:
                break
        return since

    def _get_cycle_begin(self):
        """The moment (naive UTC) at which the running cycle has begun."""
        self.ensure_one()
        integration = self.line_id.integration_id
        first, _last = self._get_cycle(integration._get_local_today())
        return integration._get_start_of_day(first)

    def _get_next_cycle_begin(self):
        """The moment (naive UTC) at which the running cycle will be over."""
        self.ensure_one()
        integration = self.line_id.integration_id
        _first, last = self._get_cycle(integration._get_local_today())
        return integration._get_start_of_day(last + ONE_DAY)

    def _get_local_day(self, moment):
        return local_date(moment, ZoneInfo(self.line_id.integration_id.timezone))

    def _describe_change(self):
        """What a planned period changes, and from when on, for people."""
        self.ensure_one()
        former = self._get_former()
        types = dict(self._fields["billing_type"]._description_selection(self.env))
        parts = {
            "tariff_id": self.env._("billing plan %s", self.tariff_id.name or "—"),
            "contract_id": self.env._(
                "contract %(contract)s (%(customer)s)",
                contract=self.contract_id.display_name,
                customer=self.partner_id.display_name,
            ),
            "closing_day": self.env._("closing day %s", self.closing_day),
            "billing_type": types[self.billing_type],
        }
        return self.env._(
            "From %(date)s: %(changes)s",
            date=format_date(self.env, self._get_local_day(self.date_from)),
            changes=", ".join(
                part for name, part in parts.items() if self[name] != former[name]
            ),
        )

    @api.model
    def _follow_customers(self, contracts):
        """Let what runs and what is planned on these contracts have their customers."""
        now = fields.Datetime.now()
        periods = self.search(
            [
                ("contract_id", "in", contracts.ids),
                ("line_id.state", "!=", "cancelled"),
                "|",
                ("date_to", "=", False),
                ("date_to", ">", now),
            ]
        )
        for period in periods:
            values = {"partner_id": period.contract_id.partner_id.id}
            if period._covers(now):
                period._become(values)
            else:
                period.write(values)
        self.env["saperx.cdr"]._reassess([("line_id", "in", periods.line_id.ids)])

    def _has_calls(self):
        return bool(
            self.env["saperx.cdr"]
            .sudo()
            .search_count([("period_id", "in", self.ids)], limit=1)
        )

    def _get_holding(self):
        """The period as the pure core takes it."""
        self.ensure_one()
        return Holding(
            period_id=self.id,
            line_id=self.line_id.id,
            contract_id=self.contract_id.id,
            partner_id=self.partner_id.id,
            tariff_id=self.tariff_id.id or None,
            closing_day=self.closing_day,
            prepaid=self.billing_type == "prepaid",
            since=self.date_from or None,
            until=self.date_to or None,
        )
