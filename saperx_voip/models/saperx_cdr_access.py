# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from itertools import chain

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .unconstrained_many2one import UnconstrainedMany2one

# Fields of a call that its form alone shows: whoever reads them opens it.
OPENING_FIELDS = {
    "explanation",
    "correction",
    "caller",
    "callee",
    "shown_caller",
    "shown_callee",
}
LISTING_FIELDS = {"other_party", "shown_number", "display_name"}
# Groups of these are a list of numbers.
NUMBER_FIELDS = {"other_party", "caller", "callee"}
# More at once are no call that somebody opens, but a list.
MOST_OPENED = 20


class SaperxCdrAccess(models.Model):
    """Who looked at whose calls: once per user, call or line, and day; each export.

    Written by set and rarely, so that looking costs nothing; never changed or deleted.
    Call and line are plain values: the trace outlives them.
    """

    _name = "saperx.cdr.access"
    _description = "Access to call details"
    _order = "accessed_at desc, id desc"
    _log_access = False
    _rec_name = "remote_id"

    user_id = UnconstrainedMany2one("res.users", required=True, readonly=True)
    accessed_at = fields.Datetime(
        string="When", required=True, readonly=True, help="The first time on that day."
    )
    day = fields.Date(required=True, readonly=True)
    kind = fields.Selection(
        [
            ("form", "Opened"),
            ("list", "Listed"),
            ("group", "Grouped by number"),
            ("export", "Exported"),
            ("statement", "Statement"),
        ],
        string="How",
        required=True,
        readonly=True,
    )
    call_key = fields.Integer(readonly=True)
    remote_id = fields.Char(string="Call (id on the platform)", readonly=True)
    line_id = UnconstrainedMany2one(
        "saperx.line",
        string="SIP line",
        readonly=True,
        help="Empty: a list or export of several lines, or calls without a line.",
    )
    call_count = fields.Integer(
        string="Calls", readonly=True, help="Of an export: how many."
    )
    company_id = UnconstrainedMany2one("res.company", required=True, readonly=True)

    _once_a_day = models.UniqueIndex(
        "(user_id, day, kind, call_key, COALESCE(line_id, 0), company_id)"
        " WHERE kind != 'export'"
    )
    _line = models.Index("(line_id)")

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("Traces of access are kept: they are not deleted."))

    @api.model
    def _note(self, calls, kind):
        """Leave a trace of the user's looking at calls, unless it is there already."""
        for company, some in calls.sudo().grouped("company_id").items():
            if kind == "form":
                keys = [
                    (call.id, call.remote_id, call.line_id.id or None) for call in some
                ]
            else:
                line = some.line_id if len(some.line_id) == 1 else some.line_id[:0]
                keys = [(0, None, line.id or None)]
            self._store(company, kind, keys, len(some) if kind == "export" else 0)

    @api.model
    def _store(self, company, kind, keys, call_count):
        """:param keys: tuples of a call's id and platform id and of a line's id, each
        empty if it is none"""
        day = company._get_telephony_today()
        if kind != "export":
            known = self.env.execute_query(
                SQL(
                    "SELECT call_key, coalesce(line_id, 0) FROM saperx_cdr_access"
                    " WHERE user_id = %s AND day = %s AND kind = %s"
                    " AND company_id = %s AND call_key = ANY(%s)",
                    self.env.uid,
                    day,
                    kind,
                    company.id,
                    [call_id for call_id, _remote_id, _line_id in keys],
                )
            )
            keys = [key for key in keys if (key[0], key[2] or 0) not in set(known)]
        if not keys:
            return
        self.env.execute_query(
            SQL(
                """
                INSERT INTO saperx_cdr_access (
                    user_id, accessed_at, day, kind, company_id, call_count, call_key,
                    remote_id, line_id
                )
                SELECT %s, %s, %s, %s, %s, %s, *
                FROM unnest(%s::int[], %s::text[], %s::int[])
                ON CONFLICT DO NOTHING RETURNING id
                """,
                self.env.uid,
                fields.Datetime.now(),
                day,
                kind,
                company.id,
                call_count,
                *(list(column) for column in zip(*keys, strict=True)),
            )
        )
        self.invalidate_model()


class SaperxCdr(models.Model):
    """Looking at calls leaves a trace: see ``saperx.cdr.access``."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    def web_read(self, specification):
        return super().web_read(specification)

    # It writes when a form opens: a replica could not.
    web_read._readonly = False

    def _read_format(self, fnames, load="_classic_read"):
        if not self.env.su and self:
            if OPENING_FIELDS & set(fnames) and len(self) <= MOST_OPENED:
                self.env["saperx.cdr.access"]._note(self, "form")
            elif (OPENING_FIELDS | LISTING_FIELDS) & set(fnames):
                self.env["saperx.cdr.access"]._note(self, "list")
        return super()._read_format(fnames, load)

    def _read_group(self, domain, groupby=(), aggregates=(), *args, **kwargs):
        groups = super()._read_group(domain, groupby, aggregates, *args, **kwargs)
        if groups:
            self._note_grouping(domain, [*groupby, *aggregates])
        return groups

    def _read_grouping_sets(self, domain, grouping_sets, aggregates=(), order=None):
        groups = super()._read_grouping_sets(domain, grouping_sets, aggregates, order)
        if any(groups):
            self._note_grouping(domain, [*chain(*grouping_sets), *aggregates])
        return groups

    def _note_grouping(self, domain, specs):
        """Groups by number, as lists, pivots and graphs ask for them, tell who spoke
        with whom: a trace a line, or one of no line for several."""
        if self.env.su or not NUMBER_FIELDS & {spec.split(":")[0] for spec in specs}:
            return
        lines = {}
        # Of the unknown lines too: they have none.
        for company, line in self._read_group(domain, ["company_id", "line_id"]):
            lines.setdefault(company, []).append(line.id or None)
        for company, line_ids in lines.items():
            line_id = line_ids[0] if len(line_ids) == 1 else None
            self.env["saperx.cdr.access"]._store(
                company, "group", [(0, None, line_id)], 0
            )

    def export_data(self, fields_to_export):
        result = super().export_data(fields_to_export)
        if self:
            self.env["saperx.cdr.access"]._note(self, "export")
        return result
