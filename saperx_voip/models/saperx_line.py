# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import secrets
import string
import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .call_class import BILLING_TYPES

PASSWORD_LENGTH = 20
PASSWORD_ALPHABET = string.ascii_letters + string.digits

# What stays open on a cancelled line: what the push and the accounts write.
FROZEN_FIELDS = {
    "account_code", "allow_lc", "allow_ldi", "allow_ldn", "allow_vc1", "allow_vc2",
    "allow_vc3", "billing_type", "caller_id", "closing_day", "contract_id",
    "contract_line_id", "credit_limit", "did_ids", "group_id", "integration_id",
    "international_plan_id", "is_active", "password", "plan_id", "portability",
    "route", "simultaneous_calls", "state", "tariff_id",
}  # fmt: skip


class SaperxLine(models.Model):
    """One SIP line of a contract: guide, *Ramal SIP*.

    Odoo holds the wanted state; ``saperx_line_push.py`` makes the platform match.
    """

    _name = "saperx.line"
    _description = "SIP line"
    _inherit = ["mail.thread", "mail.activity.mixin", "saperx.secret.mixin"]
    _order = "contract_id, id"
    _check_company_auto = True

    _secrets = ("password",)

    contract_id = fields.Many2one(
        "contract.contract",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        domain="[('contract_type', '=', 'sale')]",
    )
    contract_line_id = fields.Many2one(
        "contract.line",
        string="Recurring fee",
        index=True,
        ondelete="restrict",
        domain="[('contract_id', '=', contract_id), ('is_telephony', '=', False)]",
        help="The line lives as long as this fee of the contract. "
        "Empty: as long as the contract.",
    )
    partner_id = fields.Many2one(
        related="contract_id.partner_id", string="Customer", store=True, index=True
    )
    company_id = fields.Many2one(
        related="contract_id.company_id", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        index=True,
        ondelete="restrict",
        check_company=True,
        default=lambda self: self._default_integration(),
    )
    reference = fields.Char(
        required=True,
        readonly=True,
        copy=False,
        default=lambda self: str(uuid.uuid4()),
        help="Our key of the line on the platform: a repeated creation finds it.",
    )
    remote_id = fields.Integer(
        string="Id on the platform", readonly=True, copy=False, default=None
    )
    account_code = fields.Char(
        copy=False,
        help="Six digits. Left empty, the platform assigns one.",
    )
    password = fields.Char(
        string="SIP password",
        compute="_compute_secrets",
        inverse="_inverse_password",
        copy=False,
        groups="saperx_voip.group_technician",
    )
    password_hint = fields.Char(compute="_compute_secret_hints")
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("active", "Active"),
            ("inactive", "Inactive"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        copy=False,
        default="active",
        tracking=True,
    )
    is_active = fields.Boolean(
        string="Line active",
        compute="_compute_is_active",
        inverse="_inverse_is_active",
        help="Off: the platform refuses its calls; the line keeps its numbers.",
    )
    cancelled_at = fields.Datetime(readonly=True, copy=False)

    tariff_id = fields.Many2one(
        "saperx.tariff",
        string="Billing plan",
        index=True,
        ondelete="restrict",
        check_company=True,
        tracking=True,
        help="Prices of the calls outside the customer's plan. "
        "Empty: calls are stored and cost nothing.",
    )
    charge_calls_from = fields.Datetime(
        help="Calls of this line that began earlier were charged by the previous "
        "system. Empty: as the integration says."
    )
    portability = fields.Selection(
        [("no", "Not ported"), ("in", "Portability in"), ("out", "Portability out")],
        string="Line type",
        required=True,
        default="no",
    )
    simultaneous_calls = fields.Integer(string="Simultaneous call limit", default=1)
    credit_limit = fields.Monetary(
        help="Postpaid: the most that the platform lets the line use."
    )

    plan_id = fields.Many2one(
        "saperx.plan",
        required=True,
        index=True,
        ondelete="restrict",
        domain="[('integration_id', '=', integration_id), ('scope', '=', 'national')]",
    )
    international_plan_id = fields.Many2one(
        "saperx.plan",
        index=True,
        ondelete="restrict",
        domain="[('integration_id', '=', integration_id),"
        " ('scope', '=', 'international')]",
    )
    group_id = fields.Many2one(
        "saperx.group",
        index=True,
        ondelete="restrict",
        domain="[('integration_id', '=', integration_id)]",
    )
    plan_description = fields.Char(
        readonly=True, copy=False, help="Filled by the platform when the line is saved."
    )
    closing_day = fields.Integer(
        string="Invoice closing day",
        required=True,
        default=31,
        tracking=True,
        help="The cycle ends with this day, or with the month's last one.",
    )
    billing_type = fields.Selection(
        BILLING_TYPES, string="Type", required=True, default="postpaid", tracking=True
    )
    route = fields.Selection(
        [("scm", "SCM"), ("stfc", "STFC"), ("custom", "Custom")],
        string="Plan type",
        required=True,
        default="stfc",
    )
    caller_id = fields.Boolean(string="Caller ID (Bina)", default=True)
    allow_lc = fields.Boolean(
        "LC", default=True, help="Calls to fixed lines of the same area code."
    )
    allow_ldn = fields.Boolean(
        "LDN", default=True, help="Calls to fixed lines of other area codes."
    )
    allow_ldi = fields.Boolean("LDI", help="International calls.")
    allow_vc1 = fields.Boolean(
        "Allow VC1", default=True, help="Calls to mobiles of the same area code."
    )
    allow_vc2 = fields.Boolean(
        "Allow VC2",
        default=True,
        help="Calls to mobiles whose area code begins with the same digit.",
    )
    allow_vc3 = fields.Boolean(
        "Allow VC3",
        default=True,
        help="Calls to mobiles whose area code begins with another digit.",
    )

    did_ids = fields.One2many("saperx.did", "line_id", string="DIDs")
    main_number = fields.Char(compute="_compute_main_number", store=True, index=True)
    period_ids = fields.One2many("saperx.line.period", "line_id", string="Periods")
    activity_span_ids = fields.One2many("saperx.line.activity", "line_id")
    call_count = fields.Integer(compute="_compute_call_count")
    unbilled_amount = fields.Monetary(compute="_compute_call_count")

    _reference_unique = models.UniqueIndex("(reference)")
    _remote_unique = models.UniqueIndex(
        "(integration_id, remote_id) WHERE remote_id IS NOT NULL",
        "Another line here stands for the same line of the platform.",
    )
    _closing_day_in_range = models.Constraint(
        "CHECK (closing_day BETWEEN 1 AND 31)",
        "The closing day must lie between 1 and 31.",
    )
    _limits_not_negative = models.Constraint(
        "CHECK (simultaneous_calls >= 1 AND credit_limit >= 0)",
        "A line takes at least one call at a time, and its credit limit is not "
        "negative.",
    )

    @api.model
    def _default_integration(self):
        return self.env["saperx.integration"].search(
            [("company_id", "=", self.env.company.id)], limit=1
        )

    @api.depends("state")
    def _compute_is_active(self):
        for line in self:
            line.is_active = line.state == "active"

    def _inverse_is_active(self):
        for line in self:
            if line.state != "cancelled":
                line.state = "active" if line.is_active else "inactive"

    def _inverse_password(self):
        self._store_secret("password")

    @api.depends("did_ids.number", "did_ids.is_main", "did_ids.active")
    def _compute_main_number(self):
        for line in self:
            dids = line.did_ids.filtered("active")
            line.main_number = (dids.filtered("is_main") or dids)[:1].number

    @api.depends("main_number", "account_code")
    def _compute_display_name(self):
        did_model = self.env["saperx.did"]
        for line in self:
            line.display_name = (
                (line.main_number and did_model._format_number(line.main_number))
                or line.account_code
                or self.env._("Line without a number")
            )

    def _compute_call_count(self):
        totals = {
            line: (count, amount)
            for line, count, amount in self.env["saperx.cdr"]._read_group(
                [("line_id", "in", self.ids)],
                ["line_id"],
                ["__count", "charged_amount:sum"],
            )
        }
        unbilled = dict(
            self.env["saperx.cdr"]._read_group(
                [("line_id", "in", self.ids), ("state", "=", "unbilled")],
                ["line_id"],
                ["charged_amount:sum"],
            )
        )
        for line in self:
            line.call_count = totals.get(line, (0, 0.0))[0]
            line.unbilled_amount = unbilled.get(line, 0.0)

    @api.constrains("account_code")
    def _check_account_code(self):
        for line in self:
            code = line.account_code
            if code and not (len(code) == 6 and code.isascii() and code.isdigit()):
                raise ValidationError(
                    self.env._("The account code “%s” must be six digits.", code)
                )

    @api.constrains("contract_id")
    def _check_contract(self):
        for line in self.filtered("contract_id"):
            contract = line.contract_id
            if contract._is_dead(contract.company_id._get_telephony_today()):
                raise ValidationError(
                    self.env._(
                        "The contract “%s” has ended: it takes no line.",
                        contract.display_name,
                    )
                )
            if contract.contract_type != "sale":
                raise ValidationError(
                    self.env._("A SIP line belongs to a customer's contract.")
                )
            if contract.currency_id != contract.company_id.currency_id:
                raise ValidationError(
                    self.env._(
                        "The contract “%(contract)s” is in %(currency)s: calls are "
                        "priced in %(own)s and cannot be put on its invoices.",
                        contract=contract.display_name,
                        currency=contract.currency_id.name,
                        own=contract.company_id.currency_id.name,
                    )
                )

    @api.constrains("contract_id", "contract_line_id")
    def _check_contract_line(self):
        for line in self:
            fee = line.contract_line_id
            if fee and (fee.contract_id != line.contract_id or fee.is_telephony):
                raise ValidationError(
                    self.env._("The recurring fee is none of this contract's.")
                )

    @api.constrains("integration_id", "plan_id", "international_plan_id", "group_id")
    def _check_same_platform(self):
        for line in self:
            for record in (line.plan_id, line.international_plan_id, line.group_id):
                if record and record.integration_id != line.integration_id:
                    raise ValidationError(
                        self.env._(
                            "“%(record)s” belongs to another integration.",
                            record=record.display_name,
                        )
                    )
            if line.plan_id.scope != "national" or (
                line.international_plan_id
                and line.international_plan_id.scope != "international"
            ):
                raise ValidationError(
                    self.env._(
                        "The plan must be a national one, and the international plan "
                        "an international one."
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get("state") == "cancelled" for vals in vals_list):
            raise UserError(self.env._("A line cannot begin as cancelled."))
        lines = super().create(vals_list)
        for line in lines:
            # Whoever sells lines need not be allowed to write on contracts.
            line.contract_id.sudo()._ensure_telephony_line(
                line.integration_id.product_id
            )
        lines._open_first_period()
        lines._follow_activity()
        self.env["saperx.cdr"]._trigger_rematch(lines.integration_id)
        return lines

    def write(self, vals):
        if "integration_id" in vals and any(
            line.integration_id.id != vals["integration_id"] for line in self
        ):
            raise UserError(
                self.env._("A line stays with its integration. Make another line.")
            )
        if vals.get("state") == "draft" and self.filtered(
            lambda line: line.state != "draft"
        ):
            raise UserError(
                self.env._("A line that was in use does not become a draft again.")
            )
        if vals.get("credit_limit") == 0 and self.filtered("credit_limit"):
            raise UserError(
                self.env._(
                    "The platform would keep the old credit limit: write another one."
                )
            )
        if vals.get("state") == "cancelled":
            now = fields.Datetime.now()
            self._let_go(now)
            vals = {**vals, "cancelled_at": now}
        res = super().write(vals)
        if not self.env["saperx.line.period"]._values_of_line.isdisjoint(vals):
            self._follow_period()
        if "state" in vals:
            self._follow_activity()
        if "charge_calls_from" in vals:
            self.env["saperx.cdr"]._reassess([("line_id", "in", self.ids)])
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for line in self:
            if line.remote_id or line.was_claimed:
                raise UserError(
                    self.env._(
                        "The line %s is known to the platform and cannot be deleted: "
                        "cancel it.",
                        line.display_name,
                    )
                )

    def action_generate_password(self):
        """Give the line a strong password from the system's random source."""
        self.ensure_one()
        self.check_access("write")
        password = "".join(
            secrets.choice(PASSWORD_ALPHABET) for _unused in range(PASSWORD_LENGTH)
        )
        self.password = password
        return self._show_password(
            self.env._("The new password was saved and goes to the platform.")
        )

    def action_reveal_password(self):
        """Show the password once, and leave a trace of who saw it."""
        self.ensure_one()
        self.check_access("write")
        return self._show_password(self.env._("This line's password"))

    def _show_password(self, title):
        password = self._get_secret("password")
        if not password:
            raise UserError(self.env._("This line has no password here."))
        self.message_post(
            body=self.env._("%s saw the SIP password.", self.env.user.display_name)
        )
        # The answer of this call is the only place where it is in clear.
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "info",
                "sticky": True,
                "title": title,
                "message": password,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_cancel(self):
        self._cancel()

    def action_open(self):
        """Open the line's own form, where it is edited."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def action_view_calls(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {**action, "domain": [("line_id", "=", self.id)], "context": {}}

    def _cancel(self):
        """End the lines for good. Never speaks to the platform: the push follows."""
        lines = self.filtered(lambda line: line.state != "cancelled")
        lines.write({"state": "cancelled"})

    def _let_go(self, moment):
        """A line that ends frees its numbers, and nobody holds it from then on."""
        self.did_ids._release(moment)
        periods = self.sudo().period_ids
        periods.filtered(lambda period: not period.date_to).date_to = moment

    def _check_not_cancelled(self):
        if "cancelled" in self.mapped("state"):
            raise UserError(self.env._("A cancelled line is final. Make another line."))

    def _ensure_main_did(self):
        """Exactly one of a line's numbers is the one that it presents."""
        for line in self.exists():
            dids = line.did_ids.filtered("active")
            if dids and not dids.filtered("is_main"):
                dids[0].is_main = True

    def _open_first_period(self):
        """A new line's first period has no beginning: nobody held the line before,
        so whatever calls the platform knows of it are this holder's."""
        self.env["saperx.line.period"].sudo().create(
            [{"line_id": line.id, **line._prepare_period_values()} for line in self]
        )

    def _prepare_period_values(self):
        self.ensure_one()
        return {
            "contract_id": self.contract_id.id,
            "partner_id": self.partner_id.id,
            "tariff_id": self.tariff_id.id,
            "closing_day": self.closing_day,
            "billing_type": self.billing_type,
        }

    def _follow_period(self):
        """Let the open period say what the line says, or begin another one."""
        for line in self.filtered(lambda line: line.state != "cancelled"):
            period = line.period_ids.filtered(lambda period: not period.date_to)
            period.sudo()._become(line._prepare_period_values())

    def _follow_activity(self):
        """Keep the dates between which the line was active or blocked.

        Like its period, the span that a line is created with has no beginning.
        """
        now = fields.Datetime.now()
        for line in self.sudo():
            spans = line.activity_span_ids
            running = spans.filtered(lambda span: not span.date_to)
            if line.state == "active" and not running:
                spans.create({"line_id": line.id, "date_from": now if spans else False})
            elif line.state != "active" and running:
                running.date_to = now

    def _was_active(self, begins, ends):
        """Whether the line was active at some moment of [begins, ends), naive UTC."""
        self.ensure_one()
        return any(
            (not span.date_from or span.date_from < ends)
            and (not span.date_to or span.date_to > begins)
            for span in self.sudo().activity_span_ids
        )
