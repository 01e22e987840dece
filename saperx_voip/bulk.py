"""Rows into a table by COPY: for calls, which come by the million."""

import io

from odoo.tools import SQL

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_rows(cr, table, columns, rows):
    """Append rows to a table.

    :param cr: an Odoo cursor
    :param str table: its name, ours, never a user's
    :param columns: names, ours
    :param rows: iterable of tuples in the columns' order
    """
    buffer = io.StringIO()
    for row in rows:
        buffer.write("\t".join(map(_encode, row)))
        buffer.write("\n")
    buffer.seek(0)
    names = ", ".join(f'"{name}"' for name in columns)
    cr.copy_expert(f'COPY "{table}" ({names}) FROM STDIN', buffer)


def update_rows(cr, table, columns, rows, condition=None):
    """Write rows of a table anew, by id, in one statement.

    :param table: its name, ours, never a user's
    :param columns: names, ours
    :param rows: iterable of tuples: the id, and values in the columns' order
    :param SQL condition: which of these rows may be written; None: all
    """
    name = SQL.identifier(table)
    cr.execute(
        SQL(
            "CREATE TEMP TABLE saperx_update ON COMMIT DROP AS"
            " SELECT id, %s FROM %s WITH NO DATA",
            SQL(", ").join(map(SQL.identifier, columns)),
            name,
        )
    )
    copy_rows(cr, "saperx_update", ("id", *columns), rows)
    assignments = SQL(", ").join(
        SQL("%s = saperx_update.%s", SQL.identifier(column), SQL.identifier(column))
        for column in columns
    )
    cr.execute(
        SQL(
            "UPDATE %s SET %s FROM saperx_update WHERE %s.id = saperx_update.id AND %s",
            name,
            assignments,
            name,
            condition or SQL("TRUE"),
        )
    )
    cr.execute("DROP TABLE saperx_update")


def _encode(value):
    if value is None:
        return "\\N"
    if value is True:
        return "t"
    if value is False:
        return "f"
    if isinstance(value, str):
        return value.translate(_ESCAPES)
    return str(value)
