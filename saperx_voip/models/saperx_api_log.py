# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import threading
from datetime import timedelta

from odoo import api, fields, models, sql_db
from odoo.fields import Domain
from odoo.tools import SQL

from .res_company import API_LOG_DAYS
from .saperx_cdr_reject import _storable

_logger = logging.getLogger(__name__)

# Killed, a process loses no more than so many requests, or so many seconds of them.
GATHERED_REQUESTS = 50
GATHERED_SECONDS = 5
# The log waits for nobody: whoever speaks to the platform would wait with it.
LOCK_TIMEOUT = "2s"
DELETED_AT_ONCE = 1000

COLUMNS = (
    "logged_at", "integration_id", "integration_name", "company_key", "method",
    "template", "path", "status", "outcome", "milliseconds", "error", "request_body",
    "response_body", "line_id", "line_name",
)  # fmt: skip


class SaperxApiLog(models.Model):
    """One request to the platform and what came of it; see ``RequestLog``.

    No foreign keys: a row outlives what it speaks of, which may be an integration that
    was never saved because the platform refused its credentials.
    """

    _name = "saperx.api.log"
    _description = "Request to the VoIP platform"
    _log_access = False
    _order = "logged_at desc, id desc"
    _rec_name = "path"

    logged_at = fields.Datetime(string="Time", required=True, readonly=True, index=True)
    integration_id = fields.Integer(string="Integration ID", readonly=True)
    integration_name = fields.Char(string="Integration", readonly=True)
    # Not ``company_id``, which Odoo takes for a record.
    company_key = fields.Integer(string="Company ID", readonly=True)
    method = fields.Char(required=True, readonly=True)
    template = fields.Char(
        string="Kind of path", readonly=True, help="The path without ids and numbers."
    )
    path = fields.Char(required=True, readonly=True)
    status = fields.Integer(
        readonly=True, aggregator=None, help="Of HTTP; 0 if no answer came."
    )
    outcome = fields.Selection(
        [("ok", "OK"), ("refused", "Refused"), ("trouble", "Trouble")],
        required=True,
        readonly=True,
        help="Refused: the platform said no. Trouble: it did not answer, broke down, "
        "or asked for a pause.",
    )
    milliseconds = fields.Integer(readonly=True, aggregator="avg")
    error = fields.Text(readonly=True)
    request_body = fields.Text(readonly=True)
    response_body = fields.Text(readonly=True)
    line_id = fields.Integer(string="Line ID", readonly=True, index="btree_not_null")
    line_name = fields.Char(
        string="Line", readonly=True, help="Its number or account when it was asked."
    )

    @api.model
    def _cron_empty(self):
        """Delete what is older than its company keeps it."""
        expired = self._domain_expired()
        remaining = self.search_count(expired)
        while rows := self.search(expired, order="logged_at", limit=DELETED_AT_ONCE):
            done = len(rows)
            rows.unlink()
            remaining -= done
            if not self.env["ir.cron"]._commit_progress(done, remaining=remaining):
                break

    @api.model
    def _domain_expired(self):
        now = fields.Datetime.now()
        company_model = self.env["res.company"].sudo().with_context(active_test=False)
        companies = company_model.search([])

        def older_than(days):
            return Domain("logged_at", "<", now - timedelta(days=days))

        # Of companies that are gone, or never came to be, as well.
        others = Domain("company_key", "not in", companies.ids)
        return Domain.OR(
            [
                others & older_than(API_LOG_DAYS),
                *(
                    Domain("company_key", "=", company.id)
                    & older_than(company.saperx_api_log_days)
                    for company in companies
                ),
            ]
        )


class RequestLog:
    """Gathers the requests of one client and writes many at once.

    On a connection of its own: what was asked stays known, whatever becomes of the
    caller's transaction. Nothing here raises. Safe from several threads.

    :param str dbname: the database
    :param int integration_id: also of a record that is not committed, or never will be
    :param str integration_name: as it was when the client was made
    :param int company_id: for the company rule
    """

    def __init__(self, dbname, integration_id, integration_name, company_id):
        self._dbname = dbname
        self._integration_id = integration_id
        self._integration_name = integration_name
        self._company_id = company_id
        self._lock = threading.Lock()
        self._gathered = []

    def add(self, exchange):
        """:param exchange: a ``gateway.Exchange``"""
        now = fields.Datetime.now()
        with self._lock:
            self._gathered.append((now, exchange))
            since = self._gathered[0][0]
            is_due = (
                len(self._gathered) >= GATHERED_REQUESTS
                or (now - since).total_seconds() >= GATHERED_SECONDS
            )
        if is_due:
            self.flush()

    def flush(self):
        with self._lock:
            gathered, self._gathered = self._gathered, []
        if not gathered:
            return
        try:
            with sql_db.db_connect(self._dbname).cursor() as cr:
                cr.execute(SQL("SET LOCAL lock_timeout = %s", LOCK_TIMEOUT))
                self._write(cr, gathered)
        except Exception:
            _logger.exception(
                "%s requests of integration %s could not be logged",
                len(gathered),
                self._integration_id,
            )

    def _write(self, cr, gathered):
        find_line = self._read_lines(cr, [exchange for _at, exchange in gathered])
        cr.execute_values(
            f"INSERT INTO saperx_api_log ({', '.join(COLUMNS)}) VALUES %s",  # pylint: disable=sql-injection
            [self._prepare_row(*one, find_line(one[1])) for one in gathered],
        )

    def _read_lines(self, cr, exchanges):
        """:return: a function from an exchange to (line id, name, both maybe None)"""
        remote_ids = [e.line_remote_id for e in exchanges if e.line_remote_id]
        references = [_text(e.reference) for e in exchanges if e.reference]
        cr.execute(
            "SELECT id, COALESCE(main_number, account_code), remote_id, reference"
            " FROM saperx_line WHERE integration_id = %s"
            " AND (remote_id = ANY(%s::bigint[]) OR reference = ANY(%s::varchar[]))",
            (self._integration_id, remote_ids, references),
        )
        by_remote_id, by_reference = {}, {}
        for line_id, name, remote_id, reference in cr.fetchall():
            by_remote_id[remote_id] = by_reference[reference] = (line_id, name)

        def find(exchange):
            # A line that was just made there has its id here only a moment later.
            return (
                by_remote_id.get(exchange.line_remote_id or 0)
                or by_reference.get(_text(exchange.reference) or "")
                or (None, None)
            )

        return find

    def _prepare_row(self, logged_at, exchange, line):
        return (
            logged_at,
            self._integration_id,
            self._integration_name,
            self._company_id,
            exchange.method,
            exchange.template,
            _text(exchange.path),
            exchange.status,
            _outcome(exchange),
            exchange.milliseconds,
            _text(exchange.error),
            _text(exchange.request_body),
            _text(exchange.response_body),
            *line,
        )


def _outcome(exchange):
    status = exchange.status or 0
    if 200 <= status < 300 and exchange.error is None:
        return "ok"
    return "refused" if 400 <= status < 500 and status != 429 else "trouble"


def _text(text):
    return _storable(text) or None
