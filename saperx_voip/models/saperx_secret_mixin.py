# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import SQL, sql

from .. import vault

MASK = "••••••••"


class SaperxSecretMixin(models.AbstractModel):
    """Write-only fields whose values are encrypted in columns outside the ORM.

    A model lists its secrets in ``_secrets``; for each secret ``x`` it declares a
    computed field ``x`` (``compute="_compute_secrets"``, an inverse of its own that
    calls ``_store_secret("x")``) and may declare a Char ``x_hint`` (computed by
    ``_compute_secret_hints``) that shows a mask once a value is stored.
    """

    _name = "saperx.secret.mixin"
    _description = "Encrypted, write-only fields"

    _secrets = ()

    def init(self):
        res = super().init()
        if self._abstract:
            return res
        for name in self._secrets:
            column = self._secret_column(name)
            if not sql.column_exists(self.env.cr, self._table, column):
                self.env.cr.execute(
                    SQL(
                        "ALTER TABLE %s ADD COLUMN %s text",
                        SQL.identifier(self._table),
                        SQL.identifier(column),
                    )
                )
        return res

    @api.depends()
    def _compute_secrets(self):
        for name in self._secrets:
            self[name] = False

    @api.depends(lambda self: self._secrets)
    def _compute_secret_hints(self):
        stored = self._stored_secrets()
        for record in self:
            for name in self._secrets:
                hint = f"{name}_hint"
                if hint in self._fields:
                    has_value = name in stored.get(record._origin.id, ())
                    record[hint] = MASK if has_value else False

    def _stored_secrets(self):
        """:return: record id to the set of its secrets that hold a value"""
        ids = tuple(self._origin.ids)
        if not ids:
            return {}
        columns = SQL(", ").join(
            SQL("%s IS NOT NULL", SQL.identifier(self._secret_column(name)))
            for name in self._secrets
        )
        self.env.cr.execute(
            SQL(
                "SELECT id, %s FROM %s WHERE id IN %s",
                columns,
                SQL.identifier(self._table),
                ids,
            )
        )
        return {
            row[0]: {
                name
                for name, there in zip(self._secrets, row[1:], strict=True)
                if there
            }
            for row in self.env.cr.fetchall()
        }

    def _store_secret(self, name):
        """Inverse of the secret field ``name``; an empty value erases it."""
        for record in self:
            record._write_secret(name, record[name])
        # The value must not linger in the cache, where a read would find it.
        self.invalidate_recordset([name], flush=False)

    def _write_secret(self, name, value):
        self.ensure_one()
        self.flush_recordset()
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s = %s WHERE id = %s",
                SQL.identifier(self._table),
                SQL.identifier(self._secret_column(name)),
                vault.encrypt(value) if value else None,
                self.id,
            )
        )
        self.invalidate_recordset(
            [hint for hint in (f"{name}_hint",) if hint in self._fields], flush=False
        )

    def _get_secret(self, name):
        """The secret in clear, or None. Never hand it to a log or a message.

        :raise UserError: if the encryption key is not the one it was stored with
        """
        self.ensure_one()
        assert name in self._secrets
        self.env.cr.execute(
            SQL(
                "SELECT %s FROM %s WHERE id = %s",
                SQL.identifier(self._secret_column(name)),
                SQL.identifier(self._table),
                self.id,
            )
        )
        (token,) = self.env.cr.fetchone()
        if token is None:
            return None
        try:
            return vault.decrypt(token)
        except vault.VaultError as error:
            raise UserError(
                self.env._(
                    "The stored value of “%(field)s” of %(record)s cannot be read: "
                    "%(error)s. Restore the key, or type the value again.",
                    field=self._fields[name].get_description(self.env)["string"],
                    record=self.display_name,
                    error=error,
                )
            ) from error

    @api.model
    def _secret_column(self, name):
        return f"{name}_encrypted"
