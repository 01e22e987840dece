"""What holds of imports and of corrections of charged calls."""

from odoo.tools import SQL

from .rules import Rule, broken_rows, differing


def import_query(company_id, limit):
    """Imports that do not account for every record that they read."""
    return broken_rows(
        [
            differing(
                "import_count",
                "read_count",
                "run.new_count + run.known_count + run.changed_count"
                " + run.rejected_count",
                "run.read_count",
            )
        ],
        SQL("saperx_cdr_import AS run"),
        SQL(
            "run.company_id = %s AND run.state NOT IN ('undoing', 'undone')", company_id
        ),
        SQL("run.id"),
        limit,
    )


def correction_query(company_id, limit):
    """Corrections to be looked at, of calls that are not charged."""
    return broken_rows(
        [
            Rule(
                "correction_of_uncharged",
                "state",
                SQL("'billed'"),
                SQL("call.state"),
                SQL("call.charge_id IS NULL"),
            )
        ],
        SQL(
            "saperx_cdr_change AS change"
            " LEFT JOIN saperx_cdr AS call ON call.id = change.call_id"
        ),
        SQL("change.company_id = %s AND change.state = 'open'", company_id),
        SQL("change.id"),
        limit,
    )
