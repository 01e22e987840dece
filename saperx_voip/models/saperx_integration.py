# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_list

from odoo.addons.base.models.res_partner import _tz_get

from ..gateway import (
    CertificateRefused,
    Client,
    Credentials,
    CredentialsRefused,
    GatewayError,
    MemoryTokenStore,
    NotUnderstood,
    RateLimited,
    Reject,
    RequestRefused,
)
from .saperx_api_log import RequestLog
from .saperx_token import DatabaseTokenStore

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
            "waiting_line_count": [("sync_state", "=", "pending")],
            "refused_line_count": [("sync_state", "=", "error")],
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

    @api.model_create_multi
    def create(self, vals_list):
        integrations = super().create(vals_list)
        integrations.filtered("active")._check_login()
        return integrations

    def write(self, vals):
        self._check_locked_fields(vals)
        res = super().write(vals)
        if any(name in vals for name in LOGIN_FIELDS):
            self.filtered("active")._check_login()
        for level in ("partial", "full"):
            if f"{level}_block_status" in vals:
                self.env["saperx.line"].search(
                    [("integration_id", "in", self.ids), ("block_level", "=", level)]
                )._raise_revision()
        if "charge_calls_from" in vals or "timezone" in vals:
            self.env["saperx.cdr"]._reassess([("integration_id", "in", self.ids)])
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

    def _check_login(self):
        """Log in with the stored credentials; keep the tokens once committed.

        :raise UserError: in words that say which of the entries is wrong
        """
        for integration in self:
            # This transaction holds the record's row: it must not wait for the
            # token's, so the login goes round the token store.
            with integration._make_client(MemoryTokenStore()) as client:
                try:
                    tokens = client.login()
                except GatewayError as error:
                    raise UserError(integration._explain_login(error)) from error
            store = integration._get_token_store()
            self.env.cr.postcommit.add(lambda s=store, t=tokens: s.replace(t))
            integration.sudo()._record_success()
            integration._notify_changed()

    def _explain_login(self, error):
        match error:
            case CredentialsRefused():
                named = error.fields or LOGIN_FIELDS[2:]
                return self.env._(
                    "The platform refused the credentials of “%(name)s”: %(reason)s. "
                    "Correct %(fields)s and save again.",
                    name=self.name,
                    reason=error.message,
                    fields=format_list(
                        self.env,
                        [
                            self._fields[name].get_description(self.env)["string"]
                            for name in named
                        ],
                        style="or",
                    ),
                )
            case CertificateRefused():
                return self.env._(
                    "The certificate of %(host)s cannot be trusted: %(reason)s. "
                    "Check the address, or ask the platform for a valid certificate.",
                    host=urlsplit(self.base_url).hostname,
                    reason=error,
                )
            case NotUnderstood():
                return self.env._(
                    "What answers at %(url)s is no SaperX API: %(reason)s. "
                    "Check the address (it usually ends with /api/v2).",
                    url=self.base_url,
                    reason=error,
                )
            case _:
                return self.env._(
                    "The platform at %(host)s could not be reached: %(reason)s. "
                    "Check the address and the network, and save again.",
                    host=urlsplit(self.base_url).hostname,
                    reason=self._name_cause(error),
                )

    @api.model
    def _name_cause(self, error):
        """Why nothing came of asking, in the words of whoever reads it."""
        match getattr(error, "cause", ""):
            case "timeout":
                return self.env._("no answer in time")
            case "unknown_host":
                return self.env._("the host name is not known")
            case "refused":
                return self.env._("the connection was refused")
            case "broken_off":
                return self.env._("the connection broke off")
            case "insecure":
                return self.env._("there is no secure connection")
            case _:
                return str(error)

    def _explain(self, error, reader):
        """What went wrong in the background, for whoever will read it.

        :param reader: a user: nobody is logged in when a scheduled action speaks
        """
        record = self.with_context(lang=reader.lang or self.env.lang)
        match error:
            case CredentialsRefused():
                text = record.env._("The platform refused the credentials: %s.", error)
            case CertificateRefused():
                text = record.env._(
                    "The platform's certificate cannot be trusted: %s.", error
                )
            case NotUnderstood():
                text = record.env._(
                    "The platform's answer was not understood: %s.", error
                )
            case RateLimited():
                text = record.env._("The platform asks for a pause: %s.", error)
            case GatewayError(transient=True):
                text = record.env._(
                    "The platform does not answer: %s.", record._name_cause(error)
                )
            case RequestRefused():
                text = record.env._("The platform refused the request: %s.", error)
            case _:
                text = str(error)
        return text

    # The one hook that knows which platform answers: another gateway extends the
    # selection and this method.
    def _get_client(self):
        """A client of the platform with this record's tokens; close it after use.

        :raise UserError: if a credential is missing or cannot be decrypted
        """
        self.ensure_one()
        return self._make_client(self._get_token_store())

    def _make_client(self, token_store):
        self.ensure_one()
        log = self._get_request_log()
        return Client(
            self.base_url,
            self._get_credentials(),
            token_store,
            timezone=self.timezone,
            on_exchange=log.add,
            on_close=log.flush,
        )

    def _get_token_store(self):
        return DatabaseTokenStore(self.env.cr.dbname, self.id, self.company_id.id)

    def _get_request_log(self):
        return RequestLog(self.env.cr.dbname, self.id, self.name, self.company_id.id)

    def _get_credentials(self):
        integration = self.sudo()
        secrets = {name: integration._get_secret(name) for name in self._secrets}
        for name, value in secrets.items():
            if not value:
                raise UserError(
                    self.env._(
                        "“%(field)s” of the integration “%(name)s” is missing.",
                        field=self._fields[name].get_description(self.env)["string"],
                        name=self.name,
                    )
                )
        return Credentials(username=self.username, **secrets)

    def _get_status_of_block(self, level):
        """:param level: of a block; :return: the line's status on the platform"""
        self.ensure_one()
        return self[f"{level}_block_status"]

    def _record_success(self):
        """The platform answers. Lines that waited for that need wait no longer."""
        down = self.filtered("down_since")
        if down:
            self.env["saperx.line"]._retry_waiting(down)
        self.write(
            {
                "last_success_at": fields.Datetime.now(),
                "last_error": False,
                "down_since": False,
            }
        )

    def _record_error(self, error):
        now = fields.Datetime.now()
        # Who asks for a pause is not down.
        is_down = not isinstance(error, RateLimited)
        for integration in self:
            integration.write(
                {
                    "last_error_at": now,
                    "last_error": integration._explain(error, integration.create_uid),
                    "down_since": integration.down_since or (is_down and now),
                }
            )

    def _notify_changed(self):
        """Let open forms show what is known once the transaction is committed."""
        for integration in self:
            self.env["bus.bus"]._sendone(
                f"{integration._name}_{integration.id}",
                "saperx_record_changed",
                {"id": integration.id},
            )

    def action_test_connection(self):
        self.ensure_one()
        self.check_access("write")
        self._check_login()
        return self._notify(self.env._("The platform accepted the credentials."))

    def action_sync_plans(self):
        """Bring plans and groups in step with the platform."""
        self.ensure_one()
        self.check_access("write")
        try:
            with self._get_client() as client:
                plans = self._only_read(client.iter_plans())
                groups = self._only_read(client.iter_groups())
        except GatewayError as error:
            raise UserError(self._explain_login(error)) from error
        self.env["saperx.plan"].sudo()._sync(self, plans)
        self.env["saperx.group"].sudo()._sync(self, groups)
        self.sudo()._record_success()
        return self._notify(
            self.env._(
                "%(plans)s plans and %(groups)s groups are on the platform.",
                plans=len(plans),
                groups=len(groups),
            )
        )

    def _only_read(self, records):
        """All records of a listing; one that cannot be read stops the sync, since
        archiving what merely could not be read would be wrong."""
        records = list(records)
        for record in records:
            if isinstance(record, Reject):
                raise NotUnderstood(record.reason)
        return records

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
