# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .saperx_line_terms import TERMS

# What stays open on a cancelled line: what the push and the accounts write.
FROZEN_FIELDS = {
    *TERMS,
    "account_code", "contract_id", "contract_line_id", "did_ids", "integration_id",
    "is_active", "password", "portability", "state",
}  # fmt: skip
# In the context: what is demanded of lines that are ordered here is not of what the
# platform has already.
AS_THERE = "saperx_as_there"


class SaperxLine(models.Model):
    """One SIP line of a contract: guide, *Ramal SIP*.

    Odoo holds the wanted state; ``saperx_line_push.py`` makes the platform match.
    """

    _name = "saperx.line"
    _description = "SIP line"
    _inherit = [
        "mail.thread",
        "mail.activity.mixin",
        "saperx.secret.mixin",
        "saperx.line.terms",
    ]
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
    integration_down_since = fields.Datetime(related="integration_id.down_since")
    profile_id = fields.Many2one(
        "saperx.line.profile",
        index=True,
        ondelete="set null",
        copy=False,
        domain="[('integration_id', '=', integration_id)]",
        help="What the line began with; each term may be changed afterwards.",
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

    charge_calls_from = fields.Datetime(
        help="Calls of this line that began earlier were charged by the previous "
        "system. Empty: as the integration says."
    )
    in_use_since = fields.Date(
        default=lambda self: self.env.company._get_telephony_today(),
        copy=False,
        help="From this day on the line has its allowances. Empty: since ever.",
    )
    portability = fields.Selection(
        [("no", "Not ported"), ("in", "Portability in"), ("out", "Portability out")],
        string="Line type",
        required=True,
        default="no",
    )

    tariff_id = fields.Many2one(tracking=True)
    closing_day = fields.Integer(tracking=True)
    billing_type = fields.Selection(tracking=True)
    plan_id = fields.Many2one(required=True)
    has_gone_plan = fields.Boolean(
        compute="_compute_has_gone_plan",
        help="A plan or group of the line is no longer on the platform.",
    )
    plan_description = fields.Char(
        compute="_compute_plan_description",
        store=True,
        help="Filled when the line is saved; afterwards as the platform calls it.",
    )

    did_ids = fields.One2many("saperx.did", "line_id", string="DIDs")
    main_number = fields.Char(compute="_compute_main_number", store=True, index=True)
    period_ids = fields.One2many("saperx.line.period", "line_id", string="Periods")
    activity_span_ids = fields.One2many("saperx.line.activity", "line_id")
    call_count = fields.Integer(compute="_compute_call_count")
    unbilled_amount = fields.Monetary(compute="_compute_call_count")

    # Of one platform: an adopted line keeps the key that it has there.
    _reference_unique = models.UniqueIndex("(integration_id, reference)")
    _remote_unique = models.UniqueIndex(
        "(integration_id, remote_id) WHERE remote_id IS NOT NULL",
        "Another line here stands for the same line of the platform.",
    )
    _account_code_unique = models.UniqueIndex(
        "(integration_id, account_code) WHERE account_code <> ''"
        " AND state <> 'cancelled'",
        "This account code is that of another line.",
    )

    @api.depends("state")
    def _compute_is_active(self):
        for line in self:
            line.is_active = line.state == "active"

    def _inverse_is_active(self):
        for line in self:
            if line.state != "cancelled":
                line.state = "active" if line.is_active else "inactive"

    @api.depends("did_ids.number", "did_ids.is_main", "did_ids.active")
    def _compute_main_number(self):
        for line in self:
            dids = line.did_ids.filtered("active")
            line.main_number = (dids.filtered("is_main") or dids)[:1].number

    @api.depends("plan_id")
    def _compute_plan_description(self):
        for line in self:
            line.plan_description = line.plan_id.name

    @api.depends("plan_id.active", "international_plan_id.active", "group_id.active")
    def _compute_has_gone_plan(self):
        for line in self:
            there = (line.plan_id, line.international_plan_id, line.group_id)
            line.has_gone_plan = any(record and not record.active for record in there)

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

    @api.onchange("integration_id")
    def _onchange_integration_id(self):
        res = super()._onchange_integration_id()
        if self.profile_id.integration_id != self.integration_id:
            self.profile_id = self.profile_id._get_default(self.integration_id.id)
        return res

    @api.onchange("profile_id")
    def _onchange_profile_id(self):
        if self.profile_id:
            self.update(self.profile_id._prepare_line_values())

    @api.constrains("account_code")
    def _check_account_code(self):
        for line in self:
            code = line.account_code
            if code and not (len(code) == 6 and code.isascii() and code.isdigit()):
                raise ValidationError(
                    self.env._("The account code “%s” must be six digits.", code)
                )

    @api.constrains("billing_type", "credit_limit", "integration_id")
    def _check_credit_limit(self):
        if self.env.context.get(AS_THERE):
            return
        for line in self:
            if (
                line.billing_type == "postpaid"
                and not line.credit_limit
                and line.integration_id.credit_limit_required
            ):
                raise ValidationError(
                    self.env._(
                        "A postpaid line of “%s” needs a credit limit.",
                        line.integration_id.name,
                    )
                )

    @api.constrains("contract_id")
    def _check_contract(self):
        for contract in self.contract_id:
            contract._check_takes_lines(contract.company_id._get_telephony_today())

    @api.constrains("contract_id", "contract_line_id")
    def _check_contract_line(self):
        for line in self:
            fee = line.contract_line_id
            if fee and (fee.contract_id != line.contract_id or fee.is_telephony):
                raise ValidationError(
                    self.env._("The recurring fee is none of this contract's.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        if any(vals.get("state") == "cancelled" for vals in vals_list):
            raise UserError(self.env._("A line cannot begin as cancelled."))
        vals_list = [self._complete_from_profile(vals) for vals in vals_list]
        lines = super().create(vals_list)
        lines._ensure_telephony_lines()
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
        limited = self.filtered("credit_limit")
        if "contract_id" in vals and "contract_line_id" not in vals:
            self._leave_contract(vals["contract_id"])
        if vals.get("state") == "cancelled":
            now = fields.Datetime.now()
            self._let_go(now)
            vals = {**vals, "cancelled_at": now}
        res = super().write(vals)
        is_there = self.env.context.get(AS_THERE)
        if not is_there and not all(limited.mapped("credit_limit")):
            raise UserError(
                self.env._(
                    "The platform would keep the old credit limit: write another one."
                )
            )
        if "contract_id" in vals:
            self._ensure_telephony_lines()
        if not self.env["saperx.line.period"]._values_of_line.isdisjoint(vals):
            self._follow_period()
        if "state" in vals:
            # Before whoever takes over the account code in this same transaction.
            self.flush_recordset(["state"])
            self._follow_activity()
        if "charge_calls_from" in vals:
            self.env["saperx.cdr"]._reassess([("line_id", "in", self.ids)])
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_called(self):
        call = (
            self.env["saperx.cdr"].sudo().search([("line_id", "in", self.ids)], limit=1)
        )
        if call:
            raise UserError(
                self.env._(
                    "The line %s has calls and cannot be deleted: cancel it.",
                    call.line_id.display_name,
                )
            )

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

    def action_view_requests(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_api_log_action"
        )
        return {**action, "domain": [("line_id", "=", self.id)], "context": {}}

    def _cancel(self):
        """End the lines for good. Never speaks to the platform: the push follows."""
        lines = self.filtered(lambda line: line.state != "cancelled")
        lines.write({"state": "cancelled"})

    @api.model
    def _complete_from_profile(self, vals):
        """Whatever a new line leaves open, its profile says."""
        profile = self.env["saperx.line.profile"].browse(vals.get("profile_id"))
        if "profile_id" not in vals:
            integration = vals.get("integration_id") or self._default_integration().id
            profile = profile._get_default(integration)
        if not profile:
            return vals
        return {
            "integration_id": profile.integration_id.id,
            **profile._prepare_line_values(),
            "profile_id": profile.id,
            **vals,
        }

    def _let_go(self, moment):
        """A line that ends frees its numbers, and nobody holds it from then on."""
        self.did_ids._release(moment)
        self._get_planned_periods()._take_back()
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

    def _leave_contract(self, contract_id):
        """The fee that a line lives by is one of the contract that it leaves."""
        self.filtered(
            lambda line: line.contract_line_id and line.contract_id.id != contract_id
        ).contract_line_id = False

    def _ensure_telephony_lines(self):
        for line in self:
            # Whoever sells lines need not be allowed to write on contracts.
            line.contract_id.sudo()._ensure_telephony_line(
                line.integration_id.product_id
            )
        self.contract_id._sweep_when_they_end()

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
        """Let the running period say what the line says, or begin another one."""
        followed = self.filtered(
            lambda line: (
                line.state != "cancelled"
                and line._get_running_period()._become(line._prepare_period_values())
            )
        )
        if followed:
            self.env["saperx.cdr"]._reassess([("line_id", "in", followed.ids)])

    def _get_running_period(self):
        self.ensure_one()
        now = fields.Datetime.now()
        return self.sudo().period_ids.filtered(lambda period: period._covers(now))

    def _get_end(self):
        """The moment (naive UTC) from which on nobody holds the line for good, or
        None."""
        self.ensure_one()
        if self.state != "cancelled":
            return None
        return max(self.sudo().period_ids.mapped("date_to"))

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
