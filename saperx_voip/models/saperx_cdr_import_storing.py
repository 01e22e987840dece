# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from psycopg2.errors import UniqueViolation

from odoo import models
from odoo.exceptions import ConcurrencyError
from odoo.tools import SQL

from ..bulk import copy_text
from ..forms import tell_forms
from ..gateway import CallPage
from .saperx_cdr_row import COLUMNS, Batch, Rows

# What tells a call, and who brought it, outlive a correction of the platform.
KEPT_COLUMNS = ("integration_id", "remote_id", "import_id")
# So many calls of a batch are looked for, at least, before all are taken for new.
SAMPLE = 100


class SaperxCdrImport(models.Model):
    """How a run stores what it read: by set, past the ORM."""

    _inherit = "saperx.cdr.import"  # pylint: disable=consider-merging-classes-inherited

    def _get_maker(self, known=None):
        """Makes rows of this run by what holds in this transaction.

        :param known: the ``Rows`` of before, which is given back if nothing changed
        """
        assessor = self.integration_id._get_assessor(known and known.assessor)
        if known and known.assessor is assessor:
            return known
        return Rows(assessor, self.integration_id.id, self.company_id.id, self.id)

    def _store_page(self, page, assessor=None):
        """Store a page that is at hand.

        :param assessor: that of the page before
        :return: the assessor by which the page was rated
        """
        batch = Batch(self._get_maker(assessor and self._get_rows(assessor)))
        batch.add(page)
        return self._store_batch(batch).assessor

    def _get_rows(self, assessor):
        return Rows(assessor, self.integration_id.id, self.company_id.id, self.id)

    def _store_batch(self, batch, tells=True):
        """Merge a batch; its calls, counts and cursor are one transaction.

        :param bool tells: whether people who look at the run see it
        :return: the ``Rows`` by which it was made: what holds now
        """
        # Another one, if somebody changed what calls cost or whose they are.
        maker = self._get_maker(batch.maker)
        batch.use(maker)
        new, changed, unmatched = self._merge_rows(batch)
        rejects = self.env["saperx.cdr.reject"]
        # In the order in which they came: what stays open is newer than what is stored.
        rejects._keep(self, batch.overtaken)
        rejects._supersede(self, batch.calls)
        rejects._keep(self, batch.rejects)
        rejected = len(batch.overtaken) + len(batch.rejects)
        read = batch.read_count
        values = {
            "cursor": batch.cursor or False,
            "read_until": batch.read_until or False,
            "failed_attempts": 0,
            "read_count": self.read_count + read,
            "new_count": self.new_count + new,
            "changed_count": self.changed_count + changed,
            "known_count": self.known_count + read - new - changed - rejected,
            "rejected_count": self.rejected_count + rejected,
            "unmatched_count": self.unmatched_count + unmatched,
        }
        if batch.cursor is None:
            values["phase"] = "checking"
        self.write(values)
        if tells:
            tell_forms(self)
        return maker

    def _merge(self, calls, assessor=None):
        """Bring calls into the table by set.

        :param assessor: one that holds; None: it is made
        :return: how many were new, changed, and new without a line
        """
        if not calls:
            return 0, 0, 0
        rows = self._get_rows(assessor or self.integration_id._get_assessor())
        batch = Batch(rows)
        batch.add(CallPage(tuple(calls), (), None))
        return self._merge_rows(batch)

    def _merge_rows(self, batch):
        found = self._add_if_new(batch) or self._merge_with_stored(batch)
        new, changed, line_ids = found
        batch.line_ids = line_ids - {None} - batch.waiting
        self._add_undrawn(batch.line_ids)
        self.env["saperx.cdr"].invalidate_model()
        unmatched = sum(row.state == "unmatched" for row in new)
        return len(new), changed, unmatched

    def _add_if_new(self, batch):
        """Add all of a batch, should the table have none of it.

        As a rule it has none, and to look for each would cost a third of what storing
        it costs; a few are looked for, since an attempt in vain is not free either.

        :return: as ``_merge_with_stored``, or None if that has to be done
        """
        ids = batch.get_ids()
        if self._read_stored(ids[:: 1 + len(ids) // SAMPLE]):
            return None
        rows = batch.get_rows(ids)
        try:
            with self.env.cr.savepoint(flush=False):
                self._copy(rows)
        except UniqueViolation:
            return None
        return rows, 0, {row.line_id for row in rows if row.state == "unbilled"}

    def _merge_with_stored(self, batch):
        """:return: rows of new calls, how many were changed, and the lines concerned"""
        ids = batch.get_ids()
        stored = self._read_stored(ids)
        new = batch.get_rows([some_id for some_id in ids if some_id not in stored])
        others = [
            some_id
            for some_id, (fingerprint, _line_id) in stored.items()
            if fingerprint != batch.calls[some_id].fingerprint.hex()
        ]
        changed = batch.get_rows(others)
        line_ids = {row.line_id for row in new if row.state == "unbilled"}
        line_ids |= {stored[some_id][1] for some_id in others}
        line_ids |= {row.line_id for row in changed}
        try:
            self._copy(new)
        except UniqueViolation as error:
            # Somebody else stored one of them since this transaction began, as who
            # processes rejects again does: it is known to the next one.
            raise ConcurrencyError("a call is stored already") from error
        return new, self._update_changed(changed), line_ids

    def _read_stored(self, remote_ids):
        """Fingerprint and line of those calls that the table has, by id."""
        self.env.cr.execute(
            # The planner would rather read all of a small table that is growing.
            "SET LOCAL enable_seqscan = off"
        )
        rows = self.env.execute_query(
            SQL(
                "SELECT remote_id, fingerprint, line_id FROM saperx_cdr"
                " WHERE integration_id = %s AND remote_id = ANY(%s)",
                self.integration_id.id,
                remote_ids,
            )
        )
        self.env.cr.execute("SET LOCAL enable_seqscan = on")
        return {remote_id: known for remote_id, *known in rows}

    def _copy(self, rows):
        if rows:
            copy_text(self.env.cr, "saperx_cdr", COLUMNS, [row.text for row in rows])

    def _update_changed(self, rows):
        """Rate anew what the platform corrected; what was billed stays as billed, and
        that the platform thinks otherwise now is shown.

        :return: how many were changed
        """
        if not rows:
            return 0
        cr = self.env.cr
        columns = SQL(", ").join(map(SQL.identifier, COLUMNS))
        cr.execute(
            SQL(
                "CREATE TEMP TABLE saperx_cdr_stage ON COMMIT DROP AS"
                " SELECT %s FROM saperx_cdr WITH NO DATA",
                columns,
            )
        )
        copy_text(cr, "saperx_cdr_stage", COLUMNS, (row.text for row in rows))
        cr.execute(
            SQL(
                "UPDATE saperx_cdr AS call SET %s FROM saperx_cdr_stage AS stage"
                " WHERE call.integration_id = stage.integration_id"
                " AND call.remote_id = stage.remote_id AND call.charge_id IS NULL",
                SQL(", ").join(
                    SQL("%s = stage.%s", SQL.identifier(name), SQL.identifier(name))
                    for name in COLUMNS
                    if name not in KEPT_COLUMNS
                ),
            )
        )
        changed = cr.rowcount
        changed += self.env["saperx.cdr.change"]._keep_staged("saperx_cdr_stage", self)
        cr.execute("DROP TABLE saperx_cdr_stage")
        return changed
