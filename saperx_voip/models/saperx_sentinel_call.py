# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..number_masking import SEES_NUMBERS

# Longer than the longest stretch of time that a rule looks at.
KEPT = timedelta(days=2)
COLUMNS = (
    "sentinel_id",
    "company_id",
    "remote_id",
    "line_id",
    "start",
    "ended_at",
    "amount",
    "call_class",
    "country_code",
    "other_party",
    "own_class",
)
KEY = ("sentinel_id", "remote_id")


class SaperxSentinelCall(models.Model):
    """A recent call as the sentinel saw it: for two days, or as long as an alert is
    founded on it. Not billing's: ``saperx.cdr`` is, and may not have it yet."""

    _name = "saperx.sentinel.call"
    _description = "Call seen by the sentinel"
    _order = "start desc, id desc"
    _log_access = False
    _rec_name = "start"

    sentinel_id = fields.Many2one(
        "saperx.sentinel", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    remote_id = fields.Char(string="Id on the platform", required=True, readonly=True)
    line_id = fields.Many2one(
        "saperx.line", required=True, readonly=True, ondelete="cascade"
    )
    start = fields.Datetime(required=True, readonly=True)
    ended_at = fields.Datetime(string="Call ended at", required=True, readonly=True)
    talk_seconds = fields.Integer(string="Seconds", compute="_compute_talk_seconds")
    amount = fields.Monetary(
        required=True,
        readonly=True,
        help="The greater of its price here, before any allowance, and the platform's.",
    )
    call_class = fields.Char(readonly=True)
    own_class = fields.Char(readonly=True)
    country_code = fields.Char(
        string="Country",
        readonly=True,
        help="Empty: not abroad. “?”: nobody knows which.",
    )
    other_party = fields.Char(readonly=True, groups=SEES_NUMBERS)
    shown_number = fields.Char(
        string="Called",
        compute="_compute_shown_number",
        compute_sudo=True,
        help="Technicians and billing see it whole.",
    )
    is_checked = fields.Boolean(readonly=True)
    is_cleared = fields.Boolean(
        readonly=True, help="Somebody looked at it: it raises no alert any more."
    )
    alert_ids = fields.Many2many("saperx.fraud.alert", readonly=True)

    _remote_unique = models.UniqueIndex("(sentinel_id, remote_id)")
    _line_start = models.Index("(line_id, start)")
    _unchecked = models.Index("(sentinel_id) WHERE is_checked IS NOT TRUE")

    @api.depends("start", "ended_at")
    def _compute_talk_seconds(self):
        for call in self:
            call.talk_seconds = (call.ended_at - call.start).total_seconds()

    @api.depends("other_party", "own_class", "company_id")
    @api.depends_context("uid", "lang")
    def _compute_shown_number(self):
        for company, calls in self.grouped("company_id").items():
            services = self.env["saperx.service.number"]._get_active(company)
            for call in calls:
                mask = self.env["saperx.cdr"]._get_mask(
                    call.other_party, call.own_class, services
                )
                call.shown_number = mask(call.other_party or "")

    @api.model
    def _keep(self, rows):
        """Bring calls in by set; one that is known already and has not changed stays.

        :param rows: in the order of ``COLUMNS``, each key once
        """
        if not rows:
            return
        others = [name for name in COLUMNS if name not in KEY]
        columns, changing = (
            SQL(", ").join(map(SQL.identifier, names)) for names in (COLUMNS, others)
        )
        present, given = (
            SQL(", ").join(SQL.identifier(table, name) for name in others)
            for table in ("present", "excluded")
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO saperx_sentinel_call AS present (%(columns)s)
                VALUES %(rows)s
                ON CONFLICT (sentinel_id, remote_id) DO UPDATE
                SET (%(changing)s) = ROW(%(given)s), is_checked = FALSE
                WHERE (%(present)s) IS DISTINCT FROM (%(given)s)
                """,
                columns=columns,
                rows=SQL(", ").join(SQL("%s", row) for row in rows),
                changing=changing,
                present=present,
                given=given,
            )
        )
        self.invalidate_model()

    @api.model
    def _clear(self, lines):
        """Whatever is known of these lines raises no alert any more."""
        self.env.cr.execute(
            SQL(
                "UPDATE saperx_sentinel_call SET is_cleared = TRUE"
                " WHERE line_id = ANY(%s) AND is_cleared IS NOT TRUE",
                lines.ids,
            )
        )
        self.invalidate_model()

    @api.model
    def _forget(self, sentinel, before):
        """Let go of what no rule looks at any more and no alert is founded on."""
        self.env.cr.execute(
            SQL(
                """
                DELETE FROM saperx_sentinel_call AS call
                WHERE sentinel_id = %s AND start < %s AND is_checked
                  AND NOT EXISTS (
                    SELECT FROM saperx_fraud_alert_saperx_sentinel_call_rel AS founded
                    WHERE founded.saperx_sentinel_call_id = call.id
                  )
                """,
                sentinel.id,
                before,
            )
        )
        self.invalidate_model()
