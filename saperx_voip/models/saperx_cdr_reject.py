# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import hashlib
import re

from odoo import api, fields, models
from odoo.tools import SQL

from .unconstrained_many2one import UnconstrainedMany2one

# Where a reason names the record's field: at its beginning, or quoted, or as a path.
FIELD_IN_REASON = re.compile(
    r"^'?(?P<first>\w+)'?: |field `(?P<missing>\w+)`|\$\.(?P<path>\w+)"
)
FEW_OPEN = 1000


class SaperxCdrReject(models.Model):
    """A call record that could not be read: kept once, with the reason.

    It stays open until it was read, by processing it again
    (``saperx_cdr_reject_again.py``) or since the platform sent a better one.
    """

    _name = "saperx.cdr.reject"
    _description = "Rejected call record"
    _order = "id desc"
    _rec_name = "reason"

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    digest = fields.Char(required=True, readonly=True)
    remote_id = fields.Char(string="Id on the platform", readonly=True)
    raw = fields.Text(string="Record", required=True, readonly=True)
    reason = fields.Char(required=True, readonly=True)
    field_name = fields.Char(
        string="Field at fault",
        readonly=True,
        help="The record's field that could not be read, as the platform names it.",
    )
    import_id = UnconstrainedMany2one(
        "saperx.cdr.import", string="First read by", readonly=True
    )
    state = fields.Selection(
        [
            ("open", "To be solved"),
            ("read", "Processed"),
            ("superseded", "Sent well since"),
        ],
        required=True,
        readonly=True,
        default="open",
        help="Sent well since: the platform itself sent a record of this call that "
        "could be read.",
    )
    closed_at = fields.Datetime(string="Solved at", readonly=True)
    closed_by_id = UnconstrainedMany2one("res.users", string="Solved by", readonly=True)
    closing_import_id = UnconstrainedMany2one(
        "saperx.cdr.import",
        string="Solved in",
        readonly=True,
        help="The run that brought the call in.",
    )

    _distinct = models.UniqueIndex("(integration_id, digest)")
    _open = models.Index("(integration_id, remote_id) WHERE state = 'open'")

    @api.model
    def _keep(self, run, rejects):
        """Store those that are not kept yet.

        :param run: the import that read them
        :param rejects: ``gateway.Reject`` records of one page
        """
        if not rejects:
            return
        integration = run.integration_id
        by_digest = {
            hashlib.sha256(reject.raw.encode(errors="replace")).hexdigest(): reject
            for reject in rejects
        }
        known = set(
            self.search(
                [
                    ("integration_id", "=", integration.id),
                    ("digest", "in", list(by_digest)),
                ]
            ).mapped("digest")
        )
        self.create(
            [
                {
                    "integration_id": integration.id,
                    "digest": digest,
                    "remote_id": _storable(reject.remote_id),
                    "raw": _storable(reject.raw),
                    "reason": _storable(reject.reason),
                    "field_name": field_in(reject.reason),
                    "import_id": run.id,
                }
                for digest, reject in by_digest.items()
                if digest not in known
            ]
        )

    @api.model
    def _supersede(self, run, remote_ids):
        """The platform sent these calls, and they could be read: what it had sent of
        them before needs nobody any more, and is not brought in over them.

        :param run: the import that reads them
        :param remote_ids: ids on the platform, of one page, as a set or mapping
        """
        self.flush_model(["state", "remote_id"])
        query = SQL(
            "SELECT id, remote_id FROM saperx_cdr_reject WHERE integration_id = %s"
            " AND state = 'open' AND remote_id IS NOT NULL",
            run.integration_id.id,
        )
        # Few are open as a rule: to ask for them costs less than to name the page's.
        rows = self.env.execute_query(SQL("%s LIMIT %s", query, FEW_OPEN + 1))
        if len(rows) > FEW_OPEN:
            rows = self.env.execute_query(
                SQL("%s AND remote_id = ANY(%s)", query, list(remote_ids))
            )
        if found := [row[0] for row in rows if row[1] in remote_ids]:
            self.browse(found).write(
                {
                    "state": "superseded",
                    "closed_at": fields.Datetime.now(),
                    "closing_import_id": run.id,
                }
            )


def field_in(reason):
    """The record's field that a reason of the gateway names, or False."""
    found = FIELD_IN_REASON.search(reason)
    return _storable(found[found.lastgroup]) if found else False


def _storable(text):
    """PostgreSQL takes no NUL and no lone surrogate."""
    if text is None:
        return False
    return (
        text.encode(errors="replace")
        .decode()
        .replace("\x00", "\N{REPLACEMENT CHARACTER}")
    )
