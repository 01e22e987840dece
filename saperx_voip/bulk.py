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
    copy_text(cr, table, columns, ("\t".join(map(_encode, row)) + "\n" for row in rows))


def copy_text(cr, table, columns, lines):
    """As ``copy_rows``, of rows in the form that COPY reads.

    :param lines: iterable of texts, each with its end; see ``escape``
    """
    names = ", ".join(f'"{name}"' for name in columns)
    text = "".join(lines).encode()
    # In one piece: between pieces it would wait for Python's other threads.
    cr.copy_expert(
        f'COPY "{table}" ({names}) FROM STDIN', io.BytesIO(text), size=len(text) + 1
    )


def escape(text):
    """A text as COPY reads it."""
    return text if is_plain(text) else text.translate(_ESCAPES)


def is_plain(text):
    """Whether COPY reads a text as it is."""
    return text.isprintable() and "\\" not in text


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
        return escape(value)
    return str(value)
