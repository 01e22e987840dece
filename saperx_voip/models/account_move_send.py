# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import io
import logging

from psycopg2 import Error as DatabaseError

from odoo import SUPERUSER_ID, api, models

from ..statement import MIMETYPES

_logger = logging.getLogger(__name__)

# On the data of an attachment that is yet to be made: its format.
KEY = "saperx_statement"


class AccountMoveSend(models.AbstractModel):
    """The statement goes with the invoice that it explains, made as that is sent."""

    _inherit = "account.move.send"

    @api.model
    def _get_placeholder_mail_attachments_data(self, move, **kwargs):
        """Show beforehand what will be attached, so that it can be left out."""
        data = super()._get_placeholder_mail_attachments_data(move, **kwargs)
        return data + self._get_saperx_statement_data(move)

    @api.model
    def _get_saperx_statement_data(self, move):
        formats = move.company_id._get_saperx_statement_formats()
        charges = move.sudo().invoice_line_ids.saperx_charge_id
        if not formats or not charges or move.move_type != "out_invoice":
            return []
        statement_model = self.env["saperx.statement"]
        parts = statement_model._get_parts_of_charges(charges)
        if not parts:
            return []
        return [
            {
                "id": f"placeholder_{KEY}_{file_format}",
                "name": statement_model._get_filename(parts, file_format, move),
                "mimetype": MIMETYPES[file_format].partition(";")[0],
                "placeholder": True,
                KEY: file_format,
            }
            for file_format in formats
        ]

    @api.model
    def _get_mail_params(self, move, move_data):
        params = super()._get_mail_params(move, move_data)
        wanted = [
            data[KEY]
            for data in move_data.get("mail_attachments_widget") or []
            if data.get(KEY) and not data.get("skip")
        ]
        if params and wanted:
            # The invoice's own list is not changed.
            params["attachments"] = [
                *params["attachments"],
                *self._make_saperx_statements(move, wanted),
            ]
        return params

    @api.model
    def _make_saperx_statements(self, move, formats):
        """The statements of an invoice's charges. What goes wrong with them does not
        keep the invoice from being sent; it is told on the invoice.

        :return: pairs of a name and bytes
        """
        try:
            with self.env.cr.savepoint():
                return self._write_saperx_statements(move, formats)
        except DatabaseError:
            # The transaction cannot go on, or begins again.
            raise
        except Exception as error:  # whatever it is, the invoice must go out
            _logger.warning("No statement of calls for %s", move.name, exc_info=True)
            self._tell_saperx_statement_failed(move, error)
            return []

    @api.model
    def _write_saperx_statements(self, move, formats):
        statement_model = self.env["saperx.statement"]
        charges = move.sudo().invoice_line_ids.saperx_charge_id
        parts = statement_model._get_parts_of_charges(charges)
        files = []
        for file_format in formats:
            file = io.BytesIO()
            statement_model._write(
                parts, file_format, file, move=move.sudo(), for_customer=True
            )
            name = statement_model._get_filename(parts, file_format, move)
            files.append((name, file.getvalue()))
        if self.env.uid != SUPERUSER_ID:
            statement_model._leave_trace(parts)
        return files

    @api.model
    def _tell_saperx_statement_failed(self, move, error):
        """A note for everybody and a task for whoever can do something about it."""
        move = move.sudo()
        user = self.env.user
        if user.id == SUPERUSER_ID or not user._is_internal():
            # The task that sends invoices reads no activities, and speaks English.
            user = move.invoice_user_id or move.create_uid
        told = self.with_context(lang=user.lang or self.env.lang)
        text = told.env._(
            "The invoice was sent without its statement of calls, which could not be "
            "made: %s",
            error,
        )
        move.message_post(body=text)
        move.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=told.env._("Send the statement of calls"),
            note=text,
            user_id=user.id,
        )
