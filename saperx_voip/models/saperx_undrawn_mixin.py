# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models
from odoo.tools import SQL

from .saperx_cdr_allowance import DRAW_BATCH


class SaperxUndrawnMixin(models.AbstractModel):
    """Long work after which allowances are drawn anew. The lines that it met wait in
    ``undrawn_line_ids``, committed with what made them wait, so that a process that
    dies leaves none out."""

    _name = "saperx.undrawn.mixin"
    _description = "Lines whose allowances are to be drawn"

    def _get_undrawn_relation(self):
        field = self._fields["undrawn_line_ids"]
        return {
            "table": SQL.identifier(field.relation),
            "owner": SQL.identifier(field.column1),
            "line": SQL.identifier(field.column2),
            "id": self.id,
        }

    def _add_undrawn(self, line_ids):
        if not line_ids:
            return
        self.env.cr.execute(
            SQL(
                "INSERT INTO %(table)s (%(owner)s, %(line)s)"
                # Always in one order: nobody waits for whom waits for him.
                " SELECT %(id)s, unnest(%(line_ids)s) ON CONFLICT DO NOTHING",
                **self._get_undrawn_relation(),
                line_ids=sorted(line_ids),
            )
        )
        self.invalidate_recordset(["undrawn_line_ids"])

    def _draw_next(self):
        """:return: whether there were lines left whose allowances are to be drawn"""
        relation = self._get_undrawn_relation()
        rows = self.env.execute_query(
            SQL(
                # What lines of one contract share is reckoned together.
                """
                SELECT line.id FROM %(table)s AS undrawn
                JOIN saperx_line AS line ON line.id = undrawn.%(line)s
                WHERE undrawn.%(owner)s = %(id)s
                ORDER BY line.contract_id, line.id LIMIT %(limit)s
                """,
                **relation,
                limit=DRAW_BATCH,
            )
        )
        line_ids = [line_id for [line_id] in rows]
        if not line_ids:
            return False
        self.env["saperx.cdr"]._draw_allowances(self._get_drawing(line_ids))
        self.env.cr.execute(
            SQL(
                "DELETE FROM %(table)s WHERE %(owner)s = %(id)s"
                " AND %(line)s = ANY(%(line_ids)s)",
                **relation,
                line_ids=line_ids,
            )
        )
        self.invalidate_recordset(["undrawn_line_ids"])
        return True

    def _get_drawing(self, line_ids):
        """:return: the ids of those lines whose allowances have to be drawn"""
        return line_ids
