# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from itertools import compress

from odoo import api, fields, models
from odoo.exceptions import UserError

from .saperx_line import FROZEN_FIELDS
from .saperx_line_terms import TERMS

A_DAY = timedelta(days=1)
PUSHED_FIELDS = {
    *TERMS,
    "account_code", "contract_id", "is_active", "password", "portability", "state",
} - {"tariff_id"}  # fmt: skip

# Written through ``_write_sync`` alone: by the push, by what follows the clock, and by
# the end of a line.
OWN_FIELDS = {
    "asked_status", "block_level", "end_mended_at", "ended_with_termination", "lease",
    "lease_until", "next_sync_at", "password_revision", "pushed_revision",
    "pushed_status", "reference", "remote_id", "revision", "sync_attempts",
    "sync_error", "sync_state", "was_claimed",
}  # fmt: skip


class SaperxLine(models.Model):
    """What the platform must still learn of a line, and how far it has.

    ``saperx_line_push.py`` makes it learn.
    """

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    revision = fields.Integer(default=0, readonly=True, copy=False)
    pushed_revision = fields.Integer(default=0, readonly=True, copy=False)
    password_revision = fields.Integer(
        default=0, readonly=True, copy=False, help="At which the password was changed."
    )
    sync_state = fields.Selection(
        [("pending", "Waiting"), ("synced", "In step"), ("error", "Refused")],
        string="Platform",
        required=True,
        readonly=True,
        copy=False,
        default="pending",
        index=True,
    )
    sync_error = fields.Text(string="Trouble", readonly=True, copy=False)
    sync_attempts = fields.Integer(readonly=True, copy=False)
    next_sync_at = fields.Datetime(string="Next attempt", readonly=True, copy=False)
    pushed_status = fields.Selection(
        [
            ("inactive", "Inactive"),
            ("blocked", "Blocked"),
            ("partially_blocked", "Partially blocked"),
            ("active", "Active"),
        ],
        string="Status on the platform",
        readonly=True,
        copy=False,
        help="As the platform last confirmed it.",
    )
    asked_status = fields.Char(
        readonly=True,
        copy=False,
        help="What somebody set on the platform's panel, and we asked about.",
    )
    was_claimed = fields.Boolean(
        readonly=True, copy=False, help="The platform may know of the line."
    )
    lease = fields.Char(readonly=True, copy=False)
    lease_until = fields.Datetime(readonly=True, copy=False)

    _due_for_push = models.Index("(next_sync_at) WHERE sync_state = 'pending'")

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [
            {name: value for name, value in vals.items() if name not in OWN_FIELDS}
            for vals in vals_list
        ]
        lines = super().create(vals_list)
        lines._raise_revision()
        given = [bool(vals.get("password")) for vals in vals_list]
        lines.browse(compress(lines.ids, given))._note_password()
        return lines

    def write(self, vals):
        if OWN_FIELDS & vals.keys():
            raise UserError(
                self.env._(
                    "%s are kept by the push itself and cannot be written.",
                    ", ".join(sorted(OWN_FIELDS & vals.keys())),
                )
            )
        if FROZEN_FIELDS & vals.keys():
            self._check_not_cancelled()
        res = super().write(vals)
        if PUSHED_FIELDS & vals.keys():
            self._raise_revision()
        if "password" in vals:
            self._note_password()
        return res

    def _write_sync(self, values):
        """Write what only the push keeps, on a cancelled line too: no new revision
        comes of it."""
        # Nothing of it is tracked; looking whether it is takes longer than writing.
        lines = self.with_context(tracking_disable=True)
        return super(SaperxLine, lines).write(values)

    def _note_password(self):
        for revision, lines in self.grouped("revision").items():
            lines._write_sync({"password_revision": revision})

    def _raise_revision(self):
        """Something that the platform must learn has changed, in this transaction."""
        now = fields.Datetime.now()
        ordered = self.filtered(lambda line: line.state != "draft")
        for revision, lines in ordered.grouped("revision").items():
            lines._write_sync(
                {
                    "revision": revision + 1,
                    "sync_state": "pending",
                    "sync_error": False,
                    "sync_attempts": 0,
                    "next_sync_at": now,
                }
            )
        self._trigger_push()

    @api.model
    def _trigger_push(self, at=None):
        self.env.ref("saperx_voip.ir_cron_push").sudo()._trigger(at)

    def action_retry_push(self):
        """*Tentar de novo*: as if the line had been changed just now.

        After a question it is the answer: we know of the status there, and go on.
        """
        self.check_access("write")
        for line in self.filtered("asked_status"):
            line._write_sync(
                {"pushed_status": line.asked_status, "asked_status": False}
            )
        self._raise_revision()

    @api.model
    def _retry_refused_ends(self):
        """What the platform refuses to close is alive there: it is asked once a day,
        besides the person who was told."""
        refused = self.search(
            [
                ("state", "=", "cancelled"),
                ("sync_state", "=", "error"),
                ("write_date", "<=", fields.Datetime.now() - A_DAY),
            ]
        )
        if refused:
            refused._raise_revision()

    @api.model
    def _domain_waiting(self):
        """Lines that the platform must still learn of. What ends a line is learnt
        also of an integration that is out of use."""
        return [
            ("sync_state", "=", "pending"),
            ("state", "!=", "draft"),
            "|",
            ("integration_id.active", "=", True),
            ("state", "=", "cancelled"),
        ]

    @api.model
    def get_sync_counts(self):
        """:return: how many lines wait for the platform, and how many it refused"""
        return {
            "pending": self.search_count(self._domain_waiting()),
            "error": self.search_count([("sync_state", "=", "error")]),
        }
