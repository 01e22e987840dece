# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools.misc import format_date

from odoo.addons.base.models.res_partner import _tz_get

from ..rating import local_date

BLOCK_STATUSES = [
    ("active", "Nothing: the line goes on"),
    ("partially_blocked", "Partially blocked"),
    ("blocked", "Blocked"),
    ("inactive", "Inactive"),
]
LOCKED_FIELDS = ("gateway", "environment", "company_id")
# A token that dies within so long is renewed by the next request or soon after.
EXPIRING = timedelta(minutes=2)
LOGIN_FIELDS = ("active", "base_url", "username", "password", "api_key", "api_secret")


class SaperxIntegration(models.Model):
    """The account of one company on one platform: guide, *Cadastro da Integração*."""

    _name = "saperx.integration"
    _description = "VoIP integration"
    _inherit = ["mail.thread", "saperx.secret.mixin"]
    _order = "name, id"
    _check_company_auto = True

    _secrets = ("password", "api_key", "api_secret")

    name = fields.Char(string="Description", required=True, tracking=True)
    active = fields.Boolean(default=True, tracking=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    gateway = fields.Selection(
        [("saperx_v2", "SaperX v2")], required=True, default="saperx_v2"
    )
    environment = fields.Selection(
        [("production", "Production"), ("homologation", "Homologation")],
        required=True,
        default="production",
    )
    base_url = fields.Char(
        string="Access URL",
        required=True,
        tracking=True,
        help="Address of the platform's API, as SaperX gave it, "
        "for example https://provider.example/api/v2",
    )
    username = fields.Char(string="Access user", required=True, tracking=True)
    password = fields.Char(
        string="Access password",
        compute="_compute_secrets",
        inverse="_inverse_password",
        copy=False,
    )
    api_key = fields.Char(
        string="API Key",
        compute="_compute_secrets",
        inverse="_inverse_api_key",
        copy=False,
    )
    api_secret = fields.Char(
        string="API Secret",
        compute="_compute_secrets",
        inverse="_inverse_api_secret",
        copy=False,
    )
    password_hint = fields.Char(compute="_compute_secret_hints")
    api_key_hint = fields.Char(compute="_compute_secret_hints")
    api_secret_hint = fields.Char(compute="_compute_secret_hints")
    access_token_state = fields.Selection(
        [
            ("none", "None yet"),
            ("present", "Present"),
            ("expiring", "Present, about to be renewed"),
        ],
        string="Access token",
        compute="_compute_token",
        help="Obtained and renewed by itself, and never shown.",
    )
    token_expires_at = fields.Datetime(
        string="Access token valid until", compute="_compute_token"
    )
    refresh_token_state = fields.Selection(
        [("none", "None yet"), ("present", "Present")],
        string="Refresh token",
        compute="_compute_token",
        help="Renews the access token without another login; never shown.",
    )
    charge_only_active_lines = fields.Boolean(
        help="Yes: the telephony additional is made only for lines that were active "
        "or blocked at some moment of the cycle. No: for every line with calls.",
    )
    cdr_import_period = fields.Selection(
        [("daily", "Daily"), ("monthly", "Monthly")],
        string="CDR import period",
        required=True,
        default="daily",
    )
    timezone = fields.Selection(
        _tz_get,
        required=True,
        default="America/Sao_Paulo",
        help="Time zone of the platform's account: its timestamps carry none.",
    )
    lookback_days = fields.Integer(
        default=3,
        help="Days before the last covered moment that an import reads again, "
        "because calls appear late on the platform.",
    )
    waiting_days = fields.Integer(
        default=2,
        help="Days after the end of a cycle before it is charged, "
        "because calls appear late on the platform.",
    )
    charge_calls_from = fields.Datetime(
        help="Calls that began earlier were charged by the previous system: "
        "they are stored and never charged here."
    )
    imported_until = fields.Datetime(
        readonly=True,
        copy=False,
        help="Every window up to this moment was read to its end.",
    )
    product_id = fields.Many2one(
        "product.product",
        string="Product of the additional",
        required=True,
        check_company=True,
        default=lambda self: self.env.ref(
            "saperx_voip.product_telephony", raise_if_not_found=False
        ),
    )
    charge_granularity = fields.Selection(
        [("total", "One line per charge"), ("class", "One line per call class")],
        string="Invoice lines",
        required=True,
        default="total",
    )
    parallel_requests = fields.Integer(
        default=4, help="So many requests at once reach the platform, at most."
    )
    credit_limit_required = fields.Boolean(
        string="Credit limit mandatory",
        default=True,
        help="On postpaid lines.",
    )
    partial_block_status = fields.Selection(
        BLOCK_STATUSES,
        string="A partial block means",
        required=True,
        default="partially_blocked",
        help="Status on the platform of a line with a partial block.",
    )
    full_block_status = fields.Selection(
        BLOCK_STATUSES,
        string="A full block means",
        required=True,
        default="blocked",
        help="Status on the platform of a line with a full block. Emergency calls "
        "and your own support number outlive a suspension: ask SaperX which status "
        "lets them pass.",
    )
    profile_ids = fields.One2many("saperx.line.profile", "integration_id")
    plan_ids = fields.One2many("saperx.plan", "integration_id")
    import_ids = fields.One2many("saperx.cdr.import", "integration_id")
    down_since = fields.Datetime(
        readonly=True, copy=False, help="Since then nothing was answered as it should."
    )
    last_success_at = fields.Datetime(string="Last success", readonly=True, copy=False)
    last_error_at = fields.Datetime(readonly=True, copy=False)
    last_error = fields.Text(readonly=True, copy=False)
    line_count = fields.Integer(compute="_compute_line_counts")
    blocked_line_count = fields.Integer(compute="_compute_line_counts")
    waiting_line_count = fields.Integer(compute="_compute_line_counts")
    refused_line_count = fields.Integer(compute="_compute_line_counts")
    mended_line_count = fields.Integer(
        compute="_compute_line_counts",
        help="Lines that outlived their contract until the sweep found them, in the "
        "last 30 days.",
    )

    _lookback_days_not_negative = models.Constraint(
        "CHECK (lookback_days >= 0 AND waiting_days >= 0)",
        "Look-back and waiting days cannot be negative.",
    )
    _parallel_requests_in_range = models.Constraint(
        "CHECK (parallel_requests BETWEEN 1 AND 32)",
        "Parallel requests must lie between 1 and 32.",
    )

    def _inverse_password(self):
        self._store_secret("password")

    def _inverse_api_key(self):
        self._store_secret("api_key")

    def _inverse_api_secret(self):
        self._store_secret("api_secret")

    def _compute_token(self):
        tokens = {
            token.integration_id: token.expires_at
            for token in self.env["saperx.token"]
            .sudo()
            .search([("integration_id", "in", self.ids)])
        }
        soon = fields.Datetime.now() + EXPIRING
        for integration in self:
            expires_at = tokens.get(integration.id)
            integration.token_expires_at = expires_at
            integration.refresh_token_state = "present" if expires_at else "none"
            integration.access_token_state = (
                "none"
                if not expires_at
                else "present"
                if expires_at > soon
                else "expiring"
            )

    def _compute_line_counts(self):
        domains = {
            "line_count": [("state", "!=", "cancelled")],
            "blocked_line_count": [
                ("block_level", "!=", False),
                ("state", "=", "active"),
            ],
            "waiting_line_count": self.env["saperx.line"]._domain_waiting(),
            "refused_line_count": [("sync_state", "=", "error")],
            "mended_line_count": self.env["saperx.line"]._domain_mended(),
        }
        for name, domain in domains.items():
            counts = dict(
                self.env["saperx.line"]._read_group(
                    [("integration_id", "in", self.ids), *domain],
                    ["integration_id"],
                    ["__count"],
                )
            )
            for integration in self:
                integration[name] = counts.get(integration, 0)

    @api.constrains("base_url", "environment")
    def _check_base_url(self):
        for integration in self:
            try:
                url = urlsplit(integration.base_url or "")
            except ValueError:
                url = urlsplit("")
            schemes = ("https", "http")[: 1 + (integration.environment != "production")]
            if url.scheme not in schemes or not url.hostname:
                raise ValidationError(
                    self.env._(
                        "“%(url)s” is no address of a platform: it must begin with "
                        "https:// (http:// is accepted in homologation only).",
                        url=integration.base_url,
                    )
                )
            if url.username or url.password:
                raise ValidationError(
                    self.env._(
                        "Keep user and password out of the address: they have "
                        "fields of their own."
                    )
                )

    def copy_data(self, default=None):
        """Secrets are not copied, and without them nobody logs in."""
        return [{**vals, "active": False} for vals in super().copy_data(default)]

    @api.model_create_multi
    def create(self, vals_list):
        integrations = super().create(vals_list)
        integrations.filtered("active")._check_login()
        return integrations

    def write(self, vals):
        self._check_locked_fields(vals)
        if "timezone" in vals:
            self._check_timezone_may_become(vals["timezone"])
        res = super().write(vals)
        if any(name in vals for name in LOGIN_FIELDS):
            self.filtered("active")._check_login()
        for level in ("partial", "full"):
            if f"{level}_block_status" in vals:
                self.env["saperx.line"].search(
                    [("integration_id", "in", self.ids), ("block_level", "=", level)]
                )._raise_revision()
        if "timezone" in vals:
            self.env["saperx.line"].sudo().search(
                [("integration_id", "in", self.ids)]
            )._check_shared_closing_day()
        if "charge_calls_from" in vals or "timezone" in vals:
            self.env["saperx.cdr"]._reassess([("integration_id", "in", self.ids)])
            lines = self.env["saperx.line"].sudo()
            lines.search(
                [("integration_id", "in", self.ids), ("opening_ids", "!=", False)]
            )._follow_openings()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        used = (
            self.env["saperx.cdr"]
            .sudo()
            .search_count([("integration_id", "in", self.ids)], limit=1)
        )
        if used:
            raise UserError(
                self.env._("An integration with calls cannot be deleted: archive it.")
            )

    def unlink(self):
        self.env["saperx.token"].sudo().search(
            [("integration_id", "in", self.ids)]
        ).unlink()
        return super().unlink()

    def _check_locked_fields(self, vals):
        for name in LOCKED_FIELDS:
            if name not in vals:
                continue
            field = self._fields[name]
            for integration in self:
                present = field.convert_to_write(integration[name], integration)
                if vals[name] != present:
                    raise UserError(
                        self.env._(
                            "“%(field)s” of an integration is fixed once it was "
                            "saved. Archive this one and make another.",
                            field=field.get_description(self.env)["string"],
                        )
                    )

    def _check_timezone_may_become(self, timezone):
        """Terms that changed where a local day began would change within one.

        :raise UserError: naming a line with such terms
        """
        for integration in self.filtered(lambda one: one.timezone != timezone):
            periods = (
                self.env["saperx.line.period"]
                .sudo()
                .search(
                    [
                        ("line_id.integration_id", "=", integration.id),
                        ("date_from", "!=", False),
                    ]
                )
            )
            zone = ZoneInfo(integration.timezone)
            for period in periods:
                day = local_date(period.date_from, zone)
                if integration._get_start_of_day(day) == period.date_from:
                    raise UserError(
                        self.env._(
                            "The time zone of “%(integration)s” is fixed: terms of the "
                            "line %(line)s change with the beginning of %(date)s in "
                            "%(timezone)s. Archive this integration and make another.",
                            integration=integration.name,
                            line=period.line_id.display_name,
                            date=format_date(self.env, day),
                            timezone=integration.timezone,
                        )
                    )

    def _get_status_of_block(self, level):
        """:param level: of a block; :return: the line's status on the platform"""
        self.ensure_one()
        return self[f"{level}_block_status"]

    def action_view_lines(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_line_action"
        )
        return {
            **action,
            "domain": [("integration_id", "=", self.id)],
            "context": {
                name: value
                for name, value in self.env.context.items()
                if name.startswith("search_default_")
            },
        }

    def action_view_requests(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_api_log_action"
        )
        return {**action, "domain": [("integration_id", "=", self.id)], "context": {}}

    def _notify(self, message):
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
