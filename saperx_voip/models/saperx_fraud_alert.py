# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from markupsafe import Markup

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL, format_amount, format_list

from ..forms import tell_forms

RULES = [
    ("hour", "Reais per hour"),
    ("day", "Reais per day"),
    ("country", "Country that is not allowed"),
    ("simultaneous", "Long calls at once"),
    ("balance", "Balance falls fast"),
    ("habit", "Far above its habit"),
]
# So many times what was last told of is told again.
GROWN = 2
# An alert is founded on so many calls that are kept, the first ones: somebody who
# dials by machine makes thousands an hour. All are counted.
MOST_CALLS = 200
# A line that merely calls more than usual is not cut off by a machine.
NEVER_BLOCKS = ("habit",)
HANDLES_ALERTS = "saperx_voip.group_technician,saperx_voip.group_billing"


class SaperxFraudAlert(models.Model):
    """What the sentinel found on a line by one rule, until somebody has looked at it.

    One open alert a line and rule, however many readings find it again: it grows, and
    is told of again when it has doubled. How it is told and acted on stands in
    ``saperx_fraud_alert_action``.
    """

    _name = "saperx.fraud.alert"
    _description = "Fraud alert"
    _inherit = ["mail.thread"]
    _order = "state desc, found_at desc, id desc"

    sentinel_id = fields.Many2one(
        "saperx.sentinel",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    line_id = fields.Many2one(
        "saperx.line",
        string="SIP line",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    contract_id = fields.Many2one(related="line_id.contract_id")
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        readonly=True,
        index=True,
        help="Who held the line when it was found.",
    )
    rule = fields.Selection(RULES, required=True, readonly=True)
    figure = fields.Float(
        string="Found",
        digits=(16, 2),
        readonly=True,
        help="The worst: reais, or a count of calls, as the rule has it.",
    )
    limit = fields.Float(digits=(16, 2), readonly=True)
    told_figure = fields.Float(digits=(16, 2), readonly=True)
    summary = fields.Char(compute="_compute_summary")
    amount = fields.Monetary(
        string="Amount of the calls",
        readonly=True,
        help="Of all of them, also of those that are not listed.",
    )
    call_ids = fields.Many2many("saperx.sentinel.call", string="Calls", readonly=True)
    call_count = fields.Integer(
        string="Number of calls",
        readonly=True,
        help="All of them, also those that are not listed.",
    )
    unlisted_count = fields.Integer(
        string="Calls that are not listed", compute="_compute_unlisted_count"
    )
    first_call_at = fields.Datetime(string="First call", readonly=True)
    last_call_at = fields.Datetime(string="Last call", readonly=True)
    countries = fields.Char(string="Called countries", readonly=True)
    found_at = fields.Datetime(
        required=True, readonly=True, default=fields.Datetime.now
    )
    state = fields.Selection(
        [("open", "To be handled"), ("acknowledged", "Handled")],
        required=True,
        readonly=True,
        default="open",
        tracking=True,
    )
    done = fields.Selection(
        [
            ("nothing", "Nothing: only the alert"),
            ("international", "International calls blocked"),
            ("line", "Line blocked"),
        ],
        string="What was done",
        required=True,
        readonly=True,
        default="nothing",
    )
    cut_international = fields.Boolean(
        readonly=True, help="The sentinel took the line's permission for them."
    )
    block_id = fields.Many2one(
        "saperx.line.block", readonly=True, index="btree_not_null", ondelete="set null"
    )
    acknowledged_by_id = fields.Many2one(
        "res.users",
        string="Handled by",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    acknowledged_at = fields.Datetime(string="Handled at", readonly=True)
    note = fields.Text(string="Outcome", readonly=True)

    _one_open = models.UniqueIndex("(line_id, rule) WHERE state = 'open'")

    @api.depends("rule", "line_id")
    def _compute_display_name(self):
        rules = dict(self._fields["rule"]._description_selection(self.env))
        for alert in self:
            alert.display_name = f"{alert.line_id.display_name}: {rules[alert.rule]}"

    @api.depends("call_ids", "call_count")
    def _compute_unlisted_count(self):
        for alert in self:
            alert.unlisted_count = max(0, alert.call_count - len(alert.call_ids))

    @api.depends("rule", "figure", "limit", "countries", "currency_id")
    @api.depends_context("lang")
    def _compute_summary(self):
        for alert in self:
            alert.summary = alert._summarize()

    def _summarize(self):
        """What was found, in a sentence without any number that was called."""

        def money(amount):
            return format_amount(self.env, amount, self.currency_id)

        match self.rule:
            case "hour":
                return self.env._(
                    "%(found)s within an hour; the limit is %(limit)s.",
                    found=money(self.figure),
                    limit=money(self.limit),
                )
            case "day":
                return self.env._(
                    "%(found)s within a day; the limit is %(limit)s.",
                    found=money(self.figure),
                    limit=money(self.limit),
                )
            case "balance":
                return self.env._(
                    "%(found)s spent within an hour by its balance; the limit is "
                    "%(limit)s.",
                    found=money(self.figure),
                    limit=money(self.limit),
                )
            case "country":
                return self.env._(
                    "%(found)s calls to countries that are not allowed: %(countries)s.",
                    found=round(self.figure),
                    countries=self._name_countries(),
                )
            case "simultaneous":
                return self.env._(
                    "%(found)s long calls at once; from %(limit)s on they are too "
                    "many.",
                    found=round(self.figure),
                    limit=round(self.limit),
                )
        return self.env._(
            "%(found)s, far above its habit: up to %(limit)s would not be.",
            found=money(self.figure),
            limit=money(self.limit),
        )

    def _name_countries(self):
        codes = (self.countries or "").split(", ")
        countries = self.env["res.country"].search([("code", "in", codes)])
        names = countries.mapped("name")
        if set(codes) - set(countries.mapped("code")):
            names.append(self.env._("unknown"))
        return format_list(self.env, names)

    @api.model
    def _raise(self, sentinel, line, findings):
        """Alert of what is new on a line, and act as its settings say.

        What an open alert says already is said no second time.
        """
        if not findings:
            return
        present = self.search([("line_id", "=", line.id), ("state", "=", "open")])
        alerts = present.grouped("rule")
        news = self.browse()
        for finding in findings:
            alert = alerts.get(finding.rule)
            if not alert:
                news |= self.create(self._prepare_values(sentinel, line, finding))
            elif alert._grow(finding):
                news |= alert
        if news:
            news._act(sentinel._get_action(line))
            news._tell()
        tell_forms(present | news)

    @api.model
    def _prepare_values(self, sentinel, line, finding):
        return {
            "sentinel_id": sentinel.id,
            "line_id": line.id,
            "partner_id": line.partner_id.id,
            "rule": finding.rule,
            "figure": finding.figure,
            "told_figure": finding.figure,
            "limit": finding.limit,
            **self._prepare_calls(finding.calls),
        }

    def _prepare_calls(self, calls):
        """What an alert, or one that is yet to be, says of calls that come to it.

        :param calls: ``sentinel.SeenCall`` records that it does not hold yet
        """
        if not calls:
            return {}
        starts = [call.start for call in calls]
        codes = {call.country for call in calls} | set(
            (self.countries or "").split(", ")
        )
        amount = Decimal(str(self.amount)) + sum(call.amount for call in calls)
        room = max(0, MOST_CALLS - len(self.call_ids))
        return {
            "call_ids": [Command.link(call.key) for call in calls[:room]],
            "call_count": self.call_count + len(calls),
            "amount": amount,
            "first_call_at": min([*starts, self.first_call_at or starts[0]]),
            "last_call_at": max([*starts, self.last_call_at or starts[0]]),
            "countries": ", ".join(sorted(codes - {None, ""})),
        }

    def _get_news(self, calls):
        """Of these calls, those that the alert does not count yet."""
        known = set(self.call_ids.ids)
        calls = [call for call in calls if call.key not in known]
        if not calls or not self.unlisted_count:
            return calls
        # Some that it counts are not listed. Each is looked at once.
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM saperx_sentinel_call"
                " WHERE id = ANY(%s) AND is_checked IS NOT TRUE",
                [call.key for call in calls],
            )
        )
        unseen = {key for [key] in rows}
        return [call for call in calls if call.key in unseen]

    def _grow(self, finding):
        """:return: whether it has become so much more that it is told of again"""
        self.ensure_one()
        values = self._prepare_calls(self._get_news(finding.calls))
        if finding.figure > self.figure:
            values |= {"figure": finding.figure, "limit": finding.limit}
        is_told = finding.figure >= GROWN * self.told_figure
        if is_told:
            values["told_figure"] = finding.figure
        if values:
            self.write(values)
        return is_told

    def action_acknowledge(self):
        """Ask what came of it."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Handle the alert"),
            "res_model": "saperx.fraud.alert.wizard",
            "view_mode": "form",
            "target": "new",
            "context": {"default_alert_id": self.id},
        }

    def _check_may_handle(self):
        self.check_access("read")
        if not self.env.user.has_groups(HANDLES_ALERTS):
            raise AccessError(
                self.env._("Only technicians and billing may handle fraud alerts.")
            )

    def _acknowledge(self, note, undo=False):
        """Somebody has looked at these lines: all that is open on them is handled, and
        no call that is known by now raises an alert again.

        :param undo: lift what the sentinel blocked
        """
        lines = self.line_id
        alerts = self.sudo().search(
            [("line_id", "in", lines.ids), ("state", "=", "open")]
        )
        self.env["saperx.sentinel.call"]._clear(lines)
        self.env["saperx.sentinel.balance"].sudo().search(
            [("line_id", "in", lines.ids)]
        ).unlink()
        alerts.write(
            {
                "state": "acknowledged",
                "acknowledged_by_id": self.env.uid,
                "acknowledged_at": fields.Datetime.now(),
                "note": note,
            }
        )
        if undo:
            alerts._undo()
        alerts._close_activities()
        for line in lines:
            line.sudo().message_post(
                author_id=self.env.user.partner_id.id,
                body=self.env._("Fraud alerts handled: %s", note),
            )
        tell_forms(alerts)
        tell_forms(lines)

    def _describe(self):
        return Markup("<ul>%s</ul>") % Markup().join(
            Markup("<li>%s</li>") % alert.summary for alert in self
        )
