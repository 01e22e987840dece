# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from contextlib import contextmanager

import psycopg2.errors

from odoo import fields, models, sql_db
from odoo.tools import SQL, sql

from .. import vault
from ..gateway import Tokens, Unreachable

_logger = logging.getLogger(__name__)

LOCK_TIMEOUT = "15s"


class SaperxToken(models.Model):
    """The tokens of one integration.

    Nothing references this table and it references nothing: a renewal locks its
    row while it speaks to the platform, and must not wait for, nor hold up,
    whoever works on the integration or its lines.
    """

    _name = "saperx.token"
    _description = "SaperX access tokens"
    _log_access = False
    _rec_name = "integration_id"

    integration_id = fields.Integer(required=True, readonly=True)
    # Not ``company_id``, which Odoo takes for a record.
    company_key = fields.Integer(readonly=True)
    expires_at = fields.Datetime(readonly=True)

    _integration_unique = models.UniqueIndex("(integration_id)")

    def init(self):
        res = super().init()
        for column in ("access_encrypted", "refresh_encrypted"):
            if not sql.column_exists(self.env.cr, self._table, column):
                self.env.cr.execute(
                    SQL(
                        "ALTER TABLE saperx_token ADD COLUMN %s text",
                        SQL.identifier(column),
                    )
                )
        return res


class DatabaseTokenStore:
    """The gateway's token store, on connections of its own.

    A refresh token is single-use, so what the platform handed out is committed at
    once, whatever becomes of the caller's transaction. Safe from several threads.

    :param str dbname: the database
    :param int integration_id: whose tokens
    :param int company_id: for the company rule
    """

    def __init__(self, dbname, integration_id, company_id):
        self._dbname = dbname
        self._integration_id = integration_id
        self._company_id = company_id

    def get(self):
        with self._cursor() as cr:
            return self._read(cr)

    def renew(self, used, obtain):
        """Compare and swap; see ``gateway.tokens``.

        :raise Unreachable: if another renewal holds the row for too long
        """
        try:
            with self._cursor() as cr:
                cr.execute(
                    "INSERT INTO saperx_token (integration_id, company_key)"
                    " VALUES (%s, %s) ON CONFLICT (integration_id) DO NOTHING",
                    (self._integration_id, self._company_id),
                )
                present = self._read(cr, lock=True)
                if present is not None and present != used:
                    return present
                tokens = obtain(present)
                cr.execute(
                    "UPDATE saperx_token SET access_encrypted = %s,"
                    " refresh_encrypted = %s, expires_at = %s"
                    " WHERE integration_id = %s",
                    (
                        vault.encrypt(tokens.access),
                        vault.encrypt(tokens.refresh),
                        tokens.expires_at,
                        self._integration_id,
                    ),
                )
                return tokens
        except psycopg2.errors.LockNotAvailable as error:
            raise Unreachable("another process is renewing the access token") from error

    def replace(self, tokens):
        """Store tokens that a login just gave, whatever was there."""
        try:
            present = self.get()
            self.renew(present, lambda _present: tokens)
        except Unreachable:
            # Somebody renews at this very moment: those tokens are as good.
            _logger.info("tokens of integration %s kept", self._integration_id)

    def _read(self, cr, lock=False):
        cr.execute(
            SQL(
                "SELECT access_encrypted, refresh_encrypted, expires_at"
                " FROM saperx_token WHERE integration_id = %s %s",
                self._integration_id,
                SQL("FOR UPDATE") if lock else SQL(),
            )
        )
        row = cr.fetchone()
        if row is None or not (row[0] and row[1] and row[2]):
            return None
        try:
            return Tokens(vault.decrypt(row[0]), vault.decrypt(row[1]), row[2])
        except vault.VaultError:
            # Another key: these tokens are lost, a login brings new ones.
            return None

    @contextmanager
    def _cursor(self):
        with sql_db.db_connect(self._dbname).cursor() as cr:
            # Waiting for the row must show what the other one committed.
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
            yield cr
