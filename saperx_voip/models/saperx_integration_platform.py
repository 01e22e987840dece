# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tools import format_list

from ..forms import tell_forms
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
    read_call,
)
from .saperx_api_log import RequestLog
from .saperx_token import DatabaseTokenStore

CREDENTIALS = ("username", "password", "api_key", "api_secret")


class SaperxIntegration(models.Model):
    """How an integration speaks with its platform, and tells what came of it."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    def _check_login(self):
        """Log in with the stored credentials; keep the tokens once committed.

        :raise UserError: in words that say which of the entries is wrong
        """
        for integration in self:
            # This transaction holds the record's row: it must not wait for the
            # token's, so the login goes round the token store.
            with integration._get_client(MemoryTokenStore()) as client:
                try:
                    tokens = client.login()
                except GatewayError as error:
                    raise UserError(integration._explain_login(error)) from error
            store = integration._get_token_store()
            self.env.cr.postcommit.add(lambda s=store, t=tokens: s.replace(t))
            integration.sudo()._record_success()
            tell_forms(integration)

    def _explain_login(self, error):
        match error:
            case CredentialsRefused():
                named = error.fields or CREDENTIALS
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
            case GatewayError() | UserError():
                text = str(error)
            case _:
                text = record.env._("Something unexpected happened: %s", error)
        return text

    # The one hook that knows which platform answers: another gateway extends the
    # selection and this method; see docs/fitting.md.
    def _get_client(self, token_store=None):
        """A client of the platform; close it after use.

        :param token_store: by default, that of this record's tokens
        :raise UserError: if a credential is missing or cannot be decrypted
        """
        self.ensure_one()
        log = self._get_request_log()
        return Client(
            self.base_url,
            self._get_credentials(),
            token_store or self._get_token_store(),
            timezone=self.timezone,
            on_exchange=log.add,
            on_close=log.flush,
        )

    def _read_call(self, text):
        """One call record by itself, as the platform wrote it.

        :return: a ``gateway.Call``, or a ``gateway.Reject`` that says why it is none
        """
        self.ensure_one()
        return read_call(text, ZoneInfo(self.timezone))

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

    def _record_success(self):
        """The platform answers. Lines that waited for that need wait no longer."""
        down = self.filtered("down_since")
        if down:
            self.env["saperx.line"]._retry_waiting(down)
        self.write({"last_success_at": fields.Datetime.now(), "down_since": False})

    def _record_error(self, error):
        now = fields.Datetime.now()
        # Who asks for a pause is not down, nor one whose credentials are missing here.
        is_down = isinstance(error, GatewayError) and not isinstance(
            error, RateLimited | RequestRefused
        )
        for integration in self:
            integration.write(
                {
                    "last_error_at": now,
                    "last_error": integration._explain(error, integration.create_uid),
                    "down_since": integration.down_since or (is_down and now),
                }
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
                plans, groups = self._read_plans_and_groups(client)
        except GatewayError as error:
            raise UserError(self._explain_login(error)) from error
        self._store_plans_and_groups(plans, groups)
        return self._notify(
            self.env._(
                "%(plans)s plans and %(groups)s groups are on the platform.",
                plans=len(plans),
                groups=len(groups),
            )
        )

    @api.model
    def _cron_sync_plans(self):
        """Daily, so that a plan that vanished there shows on its lines."""
        self.search([])._sync_in_background(
            lambda integration, client: integration._read_plans_and_groups(client),
            lambda integration, found: integration._store_plans_and_groups(*found),
        )

    def _sync_in_background(self, read, store):
        """For scheduled actions: each platform by itself, with no transaction open
        while it is asked. Trouble is written on its integration.

        :param read: of integration and client; :return: what was found
        :param store: of integration and what was found
        """
        for integration in self:
            try:
                # Its secrets are read in a transaction that ends here.
                with retrying(integration._get_client, self.env) as client:
                    found = read(integration, client)
                retrying(lambda i=integration, f=found: store(i, f), self.env)
            except (GatewayError, UserError) as error:
                self.env.cr.rollback()
                retrying(
                    lambda i=integration, e=error: i.sudo()._record_error(e), self.env
                )

    def _read_plans_and_groups(self, client):
        """:raise GatewayError: also if one of them cannot be read"""
        plans = self._only_read(client.iter_plans())
        return plans, self._only_read(client.iter_groups())

    def _store_plans_and_groups(self, plans, groups):
        self.env["saperx.plan"].sudo()._sync(self, plans)
        self.env["saperx.group"].sudo()._sync(self, groups)
        self.sudo()._record_success()

    def _only_read(self, records):
        """All records of a listing; one that cannot be read stops the sync, since
        archiving what merely could not be read would be wrong."""
        records = list(records)
        for record in records:
            if isinstance(record, Reject):
                raise NotUnderstood(record.reason)
        return records
