# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from datetime import datetime

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..models.call_class import BILLING_TYPES
from ..models.saperx_line_change import PERIOD_TERMS
from ..models.saperx_line_period import ONE_DAY


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
        compute="_compute_companion_ids",
        help="They share an allowance with these lines, and so close on the same day.",
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

    @api.depends("line_ids", "tariff_id", "contract_id", "closing_day", "when", "date")
    def _compute_companion_ids(self):
        self._check_may_change()
        for wizard in self:
            wizard.companion_ids = wizard._get_companions()

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
        begins = line.integration_id._get_start_of_day(self.date)
        return max(begins, fields.Datetime.now())

    def _get_steps(self, line):
        """The terms that a line will have, and from when on.

        :return: a list of (moment, values); the values add up. ``datetime.min``: since
            ever, as they are corrected where they stand
        """
        changes = self._get_changes(line)
        if not self._is_now():
            return [(self._get_moment(line), changes)] if changes else []
        steps = []
        period = line._get_running_period()
        if "closing_day" in changes and not period._is_unsaid():
            # Where the running cycle began: the day after the last closing.
            closing = {"closing_day": changes.pop("closing_day")}
            steps.append((period._get_cycle_begin(), closing))
        if changes:
            corrected = period._get_corrected(changes)
            moment = self._get_moment(line)
            if corrected:
                moment = min(p.date_from or datetime.min for p in corrected)
            steps.append((moment, changes))
        return steps

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
            lambda line: self._get_terms(line).closing_day != closing_day
        )

    def _get_sharers(self, contract, tariff):
        """The contract's lines that share an allowance of a plan, then."""
        lines = self.env["saperx.line"].sudo()
        if not self._is_shared(tariff):
            return lines
        held = [("contract_id", "=", contract.id), ("tariff_id", "=", tariff.id)]
        return lines.search(
            [("state", "!=", "cancelled"), ("period_ids", "any", held)]
        ).filtered(
            lambda line: (
                self._get_terms(line).contract_id == contract
                and self._get_terms(line).tariff_id == tariff
            )
        )

    def _get_terms(self, line):
        """A line, or the planned period whose terms it will have then."""
        return (not self._is_now() and line._get_planned_periods()) or line

    @api.model
    def _is_shared(self, tariff):
        return any(tariff.sudo().allowance_ids.mapped("is_shared"))

    # === What stands against it ===

    def _check_change(self):
        """:raise UserError: saying why this cannot be done"""
        lines = self._get_lines()
        lines._check_not_cancelled()
        if len(self.line_ids.contract_id) != 1:
            raise UserError(
                self.env._("Choose lines of one contract: they change together.")
            )
        if not any(map(self._get_changes, lines)):
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
            if "closing_day" in self._get_changes(line) and (
                self.date not in (today, first)
            ):
                raise UserError(
                    self.env._(
                        "The closing day changes where a cycle begins. Choose "
                        "%(next)s, where the next one of the line %(line)s begins.",
                        line=line.display_name,
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
            if not self._is_shared(tariff):
                continue
            for sharer in self._get_sharers(contract, tariff) - self._get_lines():
                lines |= sharer
                closing_days[sharer] = self._get_terms(sharer).closing_day
            lines[0]._check_one_timezone(lines, tariff)
            if len({closing_days[line] for line in lines}) > 1:
                raise UserError(
                    self.env._(
                        "The lines of “%(contract)s” share an allowance of the plan "
                        "“%(plan)s” and must close on the same day: %(lines)s.",
                        contract=contract.display_name,
                        plan=tariff.name,
                        lines=", ".join(
                            f"{line.display_name} ({closing_days[line]})"
                            for line in lines
                        ),
                    )
                )
