# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo import api, fields, models

from ..gateway import CALL_CLASS_WORDS
from ..models.call_class import CALL_CLASSES
from ..models.saperx_cdr import assessed_values
from ..models.saperx_cdr_columns import ASSESSED_COLUMNS
from ..rating import (
    AREA_CODES,
    Directory,
    Fact,
    Holding,
    LineKeys,
    NumberHolding,
    draw,
    local_date,
    normalise,
)

# Three parts at most, of digits: 90, 1:30, 1:02:03.
_DURATION = re.compile(r"\d{1,6}(:\d{1,2}){0,2}", re.ASCII)
# The only line in the directory that a simulation makes.
SIMULATED = 1
# Of a plan without a line: any day closes its cycle.
CLOSING_DAY = 31


class SaperxSimulationWizard(models.TransientModel):
    """*Simular*: what a call would cost, and why. Nothing is stored.

    The call is assessed as an import does it, and explained as a stored one.
    """

    _name = "saperx.simulation.wizard"
    _description = "Simulation of a call"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    line_id = fields.Many2one(
        "saperx.line",
        string="SIP line",
        domain="[('company_id', '=', company_id)]",
        help="Its plan, number and allowances at that moment. Empty: choose a billing "
        "plan and an area code.",
    )
    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        domain="[('company_id', '=', company_id)]",
        help="Of a call without a line.",
    )
    area_code = fields.Char(string="Area code (DDD)", help="From which the line calls.")
    number = fields.Char(
        string="Dialled number",
        help="As it is dialled or written: with or without 0, carrier, area code. An "
        "incoming call comes from it.",
    )
    start = fields.Datetime(
        string="Moment", required=True, default=lambda self: fields.Datetime.now()
    )
    duration = fields.Char(
        string="Conversation",
        default="1:00",
        help="Minutes and seconds (1:30), or seconds (90).",
    )
    direction = fields.Selection(
        [("outgoing", "Outgoing"), ("incoming", "Incoming")],
        required=True,
        default="outgoing",
    )
    is_collect = fields.Boolean(
        string="Collect",
        help="As the platform tells it: dialling 90 alone makes no collect call.",
    )
    platform_class = fields.Selection(
        [(code, label) for code, label in CALL_CLASSES if code in CALL_CLASS_WORDS],
        string="Class by the platform",
        help="Empty: the number tells.",
    )
    amount_source = fields.Selection(related="used_tariff_id.amount_source")
    platform_amount = fields.Float(
        string="Amount on the platform",
        digits=(16, 6),
        help="What the platform would charge: the plan takes it over.",
    )

    used_tariff_id = fields.Many2one("saperx.tariff", compute="_compute_used_tariff_id")
    problem = fields.Char(compute="_compute_result")
    explanation = fields.Html(compute="_compute_result", sanitize=False)
    balances = fields.Text(
        string="Left of allowances",
        help="In the cycle of that moment, before this call.",
        compute="_compute_result",
    )

    @api.depends("line_id", "tariff_id")
    def _compute_company_id(self):
        for wizard in self:
            chosen = wizard.line_id or wizard.tariff_id
            # Who may not read it is told so later.
            wizard.company_id = (
                chosen.sudo().company_id or wizard.company_id or self.env.company
            )

    @api.depends("line_id", "tariff_id", "start")
    def _compute_used_tariff_id(self):
        for wizard in self:
            period = wizard._get_period()
            wizard.used_tariff_id = period.tariff_id if period else wizard.tariff_id

    @api.depends(
        "line_id",
        "tariff_id",
        "area_code",
        "number",
        "start",
        "duration",
        "direction",
        "is_collect",
        "platform_class",
        "platform_amount",
    )
    def _compute_result(self):
        for wizard in self:
            # Rating reads past the rules: nothing comes of what one may not read.
            wizard.line_id.check_access("read")
            wizard.tariff_id.check_access("read")
            wizard.balances = False
            wizard.explanation = False
            wizard.problem = wizard._get_problem()
            if not wizard.problem:
                wizard._simulate()

    def _get_problem(self):
        """What is missing or cannot be understood, in words; None if nothing is."""
        self.ensure_one()
        if not self.line_id and not self.tariff_id:
            return self.env._("Choose a SIP line, or a billing plan and an area code.")
        if not self.line_id and self.area_code not in AREA_CODES:
            return self.env._("Enter the area code (DDD) from which the line calls.")
        if not self.start:
            return self.env._("Enter the moment of the call.")
        if not (self.number or "").strip():
            return self.env._("Enter the dialled number.")
        if not normalise(self.number, None).digits:
            return self.env._(
                "“%s” is no telephone number: write digits, as they are dialled.",
                self.number,
            )
        if self._get_talk_seconds() is None:
            return self.env._(
                "“%s” is no duration: write minutes and seconds as 1:30, or seconds "
                "as 90.",
                self.duration or "",
            )
        if self.line_id and not self._get_period():
            return self.env._("Nobody held this line at that moment.")
        if not self._get_integration():
            return self.env._("Make an integration first: it gives the time zone.")
        return None

    def _get_talk_seconds(self):
        """``1:30`` and ``90`` as 90; None for anything else."""
        text = (self.duration or "").strip()
        if not _DURATION.fullmatch(text):
            return None
        seconds = 0
        for part in text.split(":"):
            seconds = seconds * 60 + int(part)
        return seconds

    def _get_period(self):
        """The line's period at that moment."""
        periods = self.line_id.period_ids
        return periods.filtered(
            lambda period: self.start and period._covers(self.start)
        )[:1]

    def _get_integration(self):
        """The line's, or one of the company: it knows the time zone."""
        integration_model = self.env["saperx.integration"].with_context(
            active_test=False
        )
        return self.line_id.integration_id or integration_model.search(
            [("company_id", "=", self.company_id.id)], order="active desc, id", limit=1
        )

    def _simulate(self):
        """Assess the call and explain it."""
        call = self._make_call()
        self.explanation = call._render_explanation(
            tariff=self.used_tariff_id,
            area_code=not self.line_id and self.area_code,
            # Whoever simulates a call knows the number.
            mask=str,
        )

    def _make_call(self):
        """The call as a record that is stored nowhere. By ``sudo``: not every user may
        read the numbers of calls, and this one is the user's own."""
        fact = self._prepare_fact()
        assessment = self._assess(fact)
        values = dict(zip(ASSESSED_COLUMNS, assessed_values(assessment), strict=True))
        if not self.line_id:
            values |= dict.fromkeys(
                ("line_id", "period_id", "contract_id", "partner_id")
            )
        elif assessment.rated.state == "unbilled":
            values |= self._draw(fact, assessment)
        call_model = self.env["saperx.cdr"].sudo()
        return call_model.new(
            {
                "company_id": self.company_id.id,
                "integration_id": self._get_integration().id,
                "direction": fact.direction,
                "is_collect": fact.is_collect,
                "caller": fact.caller,
                "callee": fact.callee,
                "start": fact.start,
                "outcome": "answered",
                "talk_seconds": fact.talk_seconds,
                "platform_class": CALL_CLASS_WORDS.get(fact.platform_class),
                "platform_amount": self.platform_amount,
                **values,
            }
        )

    def _prepare_fact(self):
        own = self.line_id.main_number or ""
        other = self.number.strip()
        outgoing = self.direction == "outgoing"
        return Fact(
            line_remote_id=SIMULATED,
            account_code=None,
            direction=self.direction,
            # As in an import the platform alone tells, whatever was dialled.
            is_collect=self.is_collect,
            answered=True,
            caller=own if outgoing else other,
            callee=other if outgoing else own,
            start=self.start,
            talk_seconds=self._get_talk_seconds(),
            platform_class=self.platform_class or None,
            platform_amount=Decimal(f"{self.platform_amount:.6f}")
            if self.platform_amount
            else None,
            platform_seconds=None,
        )

    def _assess(self, fact):
        """Assess as an import does, in a directory of one line."""
        rules = self._get_integration()._get_assessor(lines=self.line_id)
        directory = self._get_directory()
        # How the number is read tells which rates are needed.
        digits = rules.of(directory, {}).assess(fact).other_party
        tariff = self.used_tariff_id
        tariffs = {tariff.id: tariff._get_rating_tariff_for(digits)} if tariff else {}
        return rules.of(directory, tariffs).assess(fact)

    def _get_directory(self):
        line = self.line_id
        if line:
            dids = line.with_context(active_test=False).did_ids
            return Directory(
                [LineKeys(line.id, SIMULATED, None)],
                [period._get_holding() for period in line.period_ids],
                [did._get_holding() for did in dids],
            )
        holding = Holding(
            period_id=SIMULATED,
            line_id=SIMULATED,
            contract_id=SIMULATED,
            partner_id=SIMULATED,
            tariff_id=self.tariff_id.id,
            closing_day=CLOSING_DAY,
            prepaid=False,
            since=None,
            until=None,
        )
        number = NumberHolding(
            f"55{self.area_code}", SIMULATED, since=None, until=None, is_main=True
        )
        return Directory([LineKeys(SIMULATED, SIMULATED, None)], [holding], [number])

    def _draw(self, fact, assessment):
        """What the line's allowances would take of the call, were it the last one."""
        day = local_date(fact.start, ZoneInfo(self.line_id.integration_id.timezone))
        balances = self.line_id._get_allowance_balances(fact.start)
        self.balances = "\n".join(
            self.env._(
                "%(allowance)s: %(left)s left of %(given)s",
                allowance=allowance.display_name,
                left=allowance._format_quantity(
                    balance.carried_left + balance.own_left
                ),
                given=allowance._format_quantity(balance.own + balance.carried),
            )
            for allowance, balance in balances
        )
        rated = assessment.rated
        rate = self.env["saperx.tariff.rate"].browse(rated.rate_id)
        drawn = draw(
            call_class=assessment.call_class,
            digits=assessment.other_party,
            local_date=day,
            charged_seconds=rated.charged_seconds,
            gross=rated.gross_amount,
            rate=rate._get_rating_rate() if rate else None,
            balances=[balance for _allowance, balance in balances],
        )
        return {
            "covered_seconds": drawn.covered_seconds,
            "covered_amount": drawn.covered_amount,
            "charged_amount": drawn.charged_amount,
            "allowance_uses": dict(drawn.uses),
        }
