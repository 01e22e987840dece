# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import hashlib

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..gateway import member_text, named_field
from .unconstrained_many2one import UnconstrainedMany2one

FEW_OPEN = 1000
# What the gateway tells (``gateway.Problem``), then what a correction runs into.
PROBLEMS = [
    ("missing", "A field is missing"),
    ("kind", "Another kind of value than expected"),
    ("size", "Too short, too long or out of range"),
    ("word", "A word that is not known"),
    ("amount", "No amount of money"),
    ("duration", "No duration"),
    ("moment", "No date with a time"),
    ("nul", "A character that cannot be stored"),
    ("json", "Not written as a record is (JSON)"),
    ("id_changed", "The correction has another id"),
    ("id_taken", "There is a call with this id already"),
]
# Of what stands there, so much is shown.
FOUND_CHARS = 80


class SaperxCdrReject(models.Model):
    """A call record that could not be read: kept once, with the reason.

    It stays open until it was read, by processing it again
    (``saperx_cdr_reject_again.py``) or since the platform sent a better one.
    """

    _name = "saperx.cdr.reject"
    _description = "Rejected call record"
    _order = "id desc"
    _rec_name = "explanation"

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
    reason = fields.Char(
        string="In the decoder's words",
        required=True,
        readonly=True,
        help="The technical reason, always in English, for whoever mends the decoder.",
    )
    problem = fields.Selection(PROBLEMS, string="Kind of reason", readonly=True)
    found = fields.Char(
        string="What stands there",
        readonly=True,
        help="In the field at fault, as the platform wrote it.",
    )
    explanation = fields.Char(
        string="Reason", compute="_compute_explanation", search="_search_explanation"
    )
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

    @api.depends("problem", "field_name", "found", "reason")
    @api.depends_context("lang")
    def _compute_explanation(self):
        problems = dict(self._fields["problem"]._description_selection(self.env))
        for reject in self:
            # What an older version kept has words alone.
            text = problems.get(reject.problem) or reject.reason
            if reject.problem and (place := reject.field_name):
                text = f"{text}: {place}"
                if reject.found:
                    text = f"{text} = {reject.found}"
            reject.explanation = text

    def _search_explanation(self, operator, value):
        """By the words that it is told with, in any language that is installed."""
        if operator != "ilike" or not isinstance(value, str):
            return NotImplemented
        field, found = self._fields["problem"], set()
        for lang, _name in self.env["res.lang"].get_installed():
            env = self.with_context(lang=lang).env
            for problem, words in field._description_selection(env):
                if value.casefold() in words.casefold():
                    found.add(problem)
        return Domain("problem", "in", list(found)) | Domain.OR(
            Domain(name, "ilike", value) for name in ("reason", "field_name", "found")
        )

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
                    "import_id": run.id,
                    **self._prepare_why(reject, reject.raw),
                }
                for digest, reject in by_digest.items()
                if digest not in known
            ]
        )

    @api.model
    def _prepare_why(self, reject, text):
        """:param reject: the ``gateway.Reject``
        :param text: what it was read from
        """
        field_name = field_in(reject.reason)
        found = field_name and member_text(text, field_name)
        return {
            "reason": _storable(reject.reason),
            "field_name": field_name,
            # Another gateway may know others.
            "problem": reject.problem in dict(PROBLEMS) and reject.problem,
            "found": _storable(found and found[:FOUND_CHARS]),
        }

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
    return _storable(named_field(reason))


def _storable(text):
    """PostgreSQL takes no NUL and no lone surrogate."""
    if not text:
        return False
    return (
        text.encode(errors="replace")
        .decode()
        .replace("\x00", "\N{REPLACEMENT CHARACTER}")
    )
