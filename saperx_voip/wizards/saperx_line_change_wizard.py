# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..models.call_class import BILLING_TYPES
from ..models.saperx_line_change import PERIOD_TERMS
from ..models.saperx_line_period import ONE_DAY
from ..rating import cycle_of

ONE_SECOND = timedelta(seconds=1)


class SaperxLineChangeWizard(models.TransientModel):
    """*Alterar…*: change plan, contract, closing day or type of lines of a contract,
    now or later, after a look at what each side will be charged."""

    _name = "saperx.line.change.wizard"
    _description = "Change the terms of SIP lines"

    line_ids = fields.Many2many(
        "saperx.line",
        "saperx_line_change_wizard_line_rel",
        string="SIP lines",
        required=True,
    )
    company_id = fields.Many2one("res.company", compute="_compute_company_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        compute="_compute_terms",
        store=True,
        readonly=False,
        domain="[('company_id', '=', company_id)]",
        help="Empty: each line keeps its own.",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        compute="_compute_terms",
        store=True,
        readonly=False,
        domain="[('contract_type', '=', 'sale'), ('company_id', '=', company_id)]",
        help="Another one of the customer, or of another customer.",
    )
    partner_id = fields.Many2one(related="contract_id.partner_id", string="Customer")
    is_moving = fields.Boolean(compute="_compute_is_moving")
    contract_line_id = fields.Many2one(
        "contract.line",
        string="Recurring fee",
        compute="_compute_contract_line_id",
        store=True,
        readonly=False,
        domain="[('contract_id', '=', contract_id), ('is_telephony', '=', False)]",
        help="The fee of the new contract that the lines live by. Empty: they live as "
        "long as the contract.",
    )
    closing_day = fields.Integer(
        string="Invoice closing day",
        compute="_compute_terms",
        store=True,
        readonly=False,
        help="0: each line keeps its own.",
    )
    billing_type = fields.Selection(
        BILLING_TYPES,
        string="Type",
        compute="_compute_terms",
        store=True,
        readonly=False,
        help="Empty: each line keeps its own.",
    )
    when = fields.Selection(
        [
            ("next_cycle", "From the next cycle"),
            ("now", "Now"),
            ("date", "From a date"),
        ],
        string="Holds",
        required=True,
        default="next_cycle",
    )
    date = fields.Date(string="First day")
    companion_ids = fields.Many2many(
        "saperx.line",
        string="Their closing day changes too",
        compute="_compute_preview",
        help="They share an allowance with these lines, and so close on the same day.",
    )
    obstacle = fields.Text(compute="_compute_preview")
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
    has_estimate = fields.Boolean(compute="_compute_preview")
    rates_past = fields.Boolean(
        compute="_compute_preview",
        help="Calls of lines that had no plan are priced under the one given later.",
    )

    @api.constrains("line_ids", "contract_id", "tariff_id")
    def _check_may_change(self):
        """A wizard shows nothing of lines that its user may not change."""
        for wizard in self:
            for record in (wizard.contract_id, wizard.tariff_id):
                record._origin.check_access("read")
            wizard.line_ids._origin._check_may_change_terms()

    @api.depends("line_ids")
    def _compute_company_id(self):
        for wizard in self:
            wizard.company_id = wizard.line_ids.company_id[:1]

    @api.depends("line_ids")
    def _compute_terms(self):
        """What the lines have in common."""
        for wizard in self:
            for name in PERIOD_TERMS:
                values = {line[name] for line in wizard.line_ids}
                wizard[name] = values.pop() if len(values) == 1 else False

    @api.depends("line_ids", "contract_id")
    def _compute_is_moving(self):
        for wizard in self:
            wizard.is_moving = wizard.contract_id != wizard.line_ids.contract_id

    @api.depends("contract_id")
    def _compute_contract_line_id(self):
        for wizard in self:
            wizard.contract_line_id = False

    @api.depends(
        "line_ids",
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
            wizard.companion_ids = wizard._get_companions()
            wizard.obstacle = wizard._get_obstacle()
            before, after = [], []
            if not wizard.obstacle:
                lines = wizard._get_lines()
                before = wizard._prepare_before_rows(lines)
                after = wizard._prepare_after_rows(lines)
            wizard.before_ids = [Command.clear(), *map(Command.create, before)]
            wizard.after_ids = [Command.clear(), *map(Command.create, after)]
            wizard.has_estimate = any(row["sample"] for row in after)
            wizard.rates_past = wizard._is_now() and any(
                step[1].keys() == {"tariff_id"} and not line.tariff_id
                for line in wizard._get_lines()
                for step in wizard._get_steps(line)
            )

    def action_apply(self):
        self.ensure_one()
        self._check_may_change()
        self.line_ids.sudo()._take_over_terms()
        self._check_change()
        if self._is_now():
            self._change_now()
        else:
            for line in self._get_lines():
                line._plan_terms(
                    self._get_changes(line),
                    self._get_moment(line),
                    self.contract_line_id,
                )
        return {"type": "ir.actions.act_window_close"}

    def _change_now(self):
        """In as few writes as can be, since lines that share an allowance change their
        closing day together."""
        lines = self.line_ids._origin.sudo()
        changes = {}
        for line in lines:
            changes |= self._get_changes(line)
        if "closing_day" in changes and self.companion_ids:
            self._get_lines().write({"closing_day": changes.pop("closing_day")})
        if "contract_id" in changes:
            changes["contract_line_id"] = self.contract_line_id.id
        lines.write(changes)

    # === What changes, where and when ===

    def _get_lines(self):
        """Whoever may use the wizard need not be allowed to write on lines."""
        return (self.line_ids | self.companion_ids)._origin.sudo()

    def _get_changes(self, line):
        """What becomes another thing on a line, as values to write."""
        names = PERIOD_TERMS
        if line not in self.line_ids._origin:
            names = ("closing_day",)
        return {
            name: line._fields[name].convert_to_write(self[name], line)
            for name in names
            if self[name] and self[name] != line[name]
        }

    def _is_now(self):
        """A change from today on is one from now on."""
        return self.when == "now" or (
            self.when == "date"
            and all(
                self.date == line.integration_id._get_local_today()
                for line in self._get_lines()
            )
        )

    def _get_moment(self, line):
        """When the new terms begin to hold for a line, naive UTC."""
        if self.when == "next_cycle":
            return line._get_running_period()._get_next_cycle_begin()
        if self._is_now():
            return fields.Datetime.now()
        return line.integration_id._get_start_of_day(self.date)

    def _get_steps(self, line):
        """The terms that a line will have, and from when on.

        :return: a list of (moment, values), in order; the values add up
        """
        changes = self._get_changes(line)
        moment = self._get_moment(line)
        if not self._is_now() or "closing_day" not in changes:
            return [(moment, changes)] if changes else []
        # Where the running cycle began: the day after the last closing.
        begins = line._get_running_period()._get_cycle_begin()
        steps = [(begins, {"closing_day": changes.pop("closing_day")})]
        return [*steps, (moment, changes)] if changes else steps

    def _get_companions(self):
        """Lines whose closing day has to change with that of the chosen ones."""
        lines = self.line_ids._origin.sudo()
        companions = lines.browse()
        for line in lines if self.closing_day else ():
            changes = self._get_changes(line)
            if "closing_day" in changes and "contract_id" not in changes:
                tariff = self.tariff_id._origin.sudo() or line.tariff_id
                companions |= self._get_sharers(line.contract_id, tariff)
        closing_day = self.closing_day
        return (companions - lines).filtered(
            lambda line: line.closing_day != closing_day
        )

    @api.model
    def _get_sharers(self, contract, tariff):
        """The contract's lines that share an allowance of a plan."""
        if not any(tariff.allowance_ids.mapped("is_shared")):
            return self.env["saperx.line"].sudo()
        return (
            self.env["saperx.line"]
            .sudo()
            .search(
                [
                    ("contract_id", "=", contract.id),
                    ("tariff_id", "=", tariff.id),
                    ("state", "!=", "cancelled"),
                ]
            )
        )

    # === What stands against it ===

    def _get_obstacle(self):
        """Why this cannot be done, in words, or False."""
        try:
            self._check_change()
        except UserError as error:
            return str(error)
        return False

    def _check_change(self):
        """:raise UserError: saying why this cannot be done"""
        lines = self._get_lines()
        lines._check_not_cancelled()
        if len(self.line_ids.contract_id) != 1:
            raise UserError(
                self.env._("Choose lines of one contract: they change together.")
            )
        if not any(self._get_changes(line) for line in lines):
            raise UserError(self.env._("Say what changes: it is all as it was."))
        if self.closing_day and not 1 <= self.closing_day <= 31:
            raise UserError(self.env._("The closing day must lie between 1 and 31."))
        lines._check_nothing_planned()
        if self.when == "date":
            self._check_date(lines)
        for line in lines:
            changes = self._get_changes(line)
            day = line._get_running_period()._get_local_day(self._get_moment(line))
            line._check_planned_terms(changes, day)
        self._check_sharing()

    def _check_date(self, lines):
        if not self.date:
            raise UserError(self.env._("Say from which day on it holds."))
        for line in lines:
            today = line.integration_id._get_local_today()
            if self.date < today:
                raise UserError(self.env._("The first day cannot lie in the past."))
            period = line._get_running_period()
            first, last = period._get_cycle(self.date)
            if "closing_day" in self._get_changes(line) and self.date not in (
                today,
                first,
            ):
                raise UserError(
                    self.env._(
                        "The closing day changes where a cycle begins. The line "
                        "%(line)s begins cycles on %(first)s and on %(next)s.",
                        line=line.display_name,
                        first=format_date(self.env, max(first, today)),
                        next=format_date(self.env, last + ONE_DAY),
                    )
                )

    def _check_sharing(self):
        """Lines that will share an allowance close on the same day."""
        shares = defaultdict(self.env["saperx.line"].sudo().browse)
        closing_days = {}
        for line in self._get_lines():
            terms = {name: line[name] for name in PERIOD_TERMS}
            terms |= {name: self[name] for name in self._get_changes(line)}
            closing_days[line] = terms["closing_day"]
            shares[terms["contract_id"]._origin, terms["tariff_id"]._origin] |= line
        for (contract, tariff), lines in shares.items():
            sharers = self._get_sharers(contract.sudo(), tariff.sudo())
            for sharer in sharers - self._get_lines():
                closing_days[sharer] = (
                    sharer._get_planned_periods() or sharer
                ).closing_day
            if sharers and len({closing_days[s] for s in sharers | lines}) > 1:
                raise UserError(
                    self.env._(
                        "The lines of “%(contract)s” share an allowance of the plan "
                        "“%(plan)s” and must close on the same day: %(lines)s.",
                        contract=contract.display_name,
                        plan=tariff.name,
                        lines=", ".join(
                            f"{line.display_name} ({closing_days[line]})"
                            for line in sharers | lines
                        ),
                    )
                )

    # === The preview ===

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
        estimates = self._get_estimates(lines)
        rows = []
        for line in lines:
            terms = {name: line[name] for name in PERIOD_TERMS}
            for moment, values in self._get_steps(line):
                terms |= {name: self[name] for name in values}
                running = line._get_running_period()
                day = running._get_local_day(moment)
                first, last = self._get_cycle_after(running, day)
                row = {
                    "line_id": line.id,
                    "contract_id": terms["contract_id"]._origin.id,
                    "partner_id": terms["contract_id"].partner_id._origin.id,
                    "tariff_id": terms["tariff_id"]._origin.id,
                    "closing_day": terms["closing_day"],
                    "billing_type": terms["billing_type"],
                    "moment": moment,
                    "date_from": max(first, day),
                    "date_to": last,
                    "sample": False,
                }
                if "tariff_id" in values:
                    row |= estimates.get(line.id, {})
                rows.append(row)
        return rows

    def _get_estimates(self, lines):
        """What the last closed cycle of lines that get another plan cost, or the
        running one of a new line, and would have cost under it.

        :return: by line id, values of a row
        """
        changed = lines.filtered(lambda line: "tariff_id" in self._get_changes(line))
        by_cycle = defaultdict(lines.browse)
        for line in changed:
            by_cycle[self._get_sample_cycle(line)] |= line
        estimates = {}
        for (first, last), some in by_cycle.items():
            actual = self._get_actual(some, first, last)
            estimated = defaultdict(float)
            for group in self._get_estimate(some, first, last):
                estimated[group["line_id"]] += float(group["charged_amount"])
            sample = self.env._(
                "%(first)s to %(last)s",
                first=format_date(self.env, first),
                last=format_date(self.env, last),
            )
            for line in some:
                estimates[line.id] = {
                    "sample": sample,
                    "actual_amount": actual.get(line.id, 0.0),
                    "estimated_amount": estimated[line.id],
                }
        return estimates

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
            lines.integration_id[0]._get_start_of_day(day)
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
        """What calls of some local days would cost under the new plan, by group."""
        return self.env["saperx.cdr"]._what_if(
            lines, first, last, self.tariff_id._origin
        )
