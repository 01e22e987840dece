# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ..gateway import Registration


class SaperxLineRegistration(models.Model):
    """What the platform last told of a line's registration and balance.

    A table of its own, written by set: who looks at lines neither waits for nor holds
    up the push, which works on the lines' rows.
    """

    _name = "saperx.line.registration"
    _description = "Registration of a SIP line"
    _log_access = False
    _rec_name = "line_id"

    line_id = fields.Many2one(
        "saperx.line", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    online = fields.Boolean(readonly=True)
    ip = fields.Char(string="IP address", readonly=True)
    latency_ms = fields.Integer(string="Latency (ms)", readonly=True, default=None)
    balance = fields.Monetary(
        string="Balance left or amount used",
        readonly=True,
        help="Prepaid: what is left. Postpaid: what was used.",
    )
    has_balance = fields.Boolean(string="Balance told", readonly=True)
    read_at = fields.Datetime(string="Last answer", readonly=True)
    changed_at = fields.Datetime(
        string="At least since",
        readonly=True,
        help="When a reading first saw the line online, or offline, as it is now.",
    )
    error = fields.Text(readonly=True, help="Why the last reading failed.")

    _line_unique = models.UniqueIndex("(line_id)")

    def _get_reading(self):
        """The row as the widgets take it; see ``saperx.line.read_registrations``."""
        self.ensure_one()
        answered = bool(self.read_at)
        to_string = fields.Datetime.to_string
        return {
            "id": self.line_id.id,
            "online": self.online if answered else None,
            "ip": self.ip or None,
            "latency_ms": self.latency_ms if answered and self.online else None,
            "balance": self.balance if self.has_balance else None,
            "balance_label": self.line_id._get_balance_label(),
            "currency_id": self.currency_id.id,
            "read_at": to_string(self.read_at) or None,
            "changed_at": to_string(self.changed_at) or None,
            "error": self.error or None,
        }

    @api.model
    def _store(self, outcomes, read_at):
        """Keep what was read, and why what was not read was not.

        A failed reading leaves the last answer in place.

        :param outcomes: line id to ``Registration``, or to the text of an error
        :param read_at: naive UTC
        """
        if not outcomes:
            return
        lines = self.env["saperx.line"].browse(sorted(outcomes))
        rows = [self._prepare_row(line, outcomes[line.id], read_at) for line in lines]
        # Two who read the same line at once is no error: the later one does it again.
        self.env.cr.execute(self._query_store(rows), log_exceptions=False)
        self.invalidate_model()
        lines.invalidate_recordset(
            ["registration_ids", "registration", "registration_state"]
        )

    @api.model
    def _prepare_row(self, line, outcome, read_at):
        key = (line.id, line.company_id.id)
        if not isinstance(outcome, Registration):
            return (*key, None, None, None, None, False, None, None, outcome)
        return (
            *key,
            outcome.online,
            outcome.ip,
            outcome.latency_ms,
            outcome.balance,
            outcome.balance is not None,
            read_at,
            read_at,
            None,
        )

    @api.model
    def _query_store(self, rows):
        columns = ("online", "ip", "latency_ms", "balance", "has_balance", "read_at")
        taken = SQL(", ").join(
            SQL(
                "%(column)s = CASE WHEN EXCLUDED.error IS NULL"
                " THEN EXCLUDED.%(column)s ELSE present.%(column)s END",
                column=SQL.identifier(column),
            )
            for column in columns
        )
        return SQL(
            """
            INSERT INTO saperx_line_registration AS present
                (line_id, company_id, %(columns)s, changed_at, error)
            VALUES %(rows)s
            ON CONFLICT (line_id) DO UPDATE SET
                company_id = EXCLUDED.company_id,
                %(taken)s,
                changed_at = CASE
                    WHEN EXCLUDED.error IS NULL
                        AND present.online IS DISTINCT FROM EXCLUDED.online
                    THEN EXCLUDED.read_at ELSE present.changed_at END,
                error = EXCLUDED.error
            """,
            columns=SQL(", ").join(map(SQL.identifier, columns)),
            rows=SQL(", ").join(SQL("%s", row) for row in rows),
            taken=taken,
        )
