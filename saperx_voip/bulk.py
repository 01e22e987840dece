"""Rows into a table by COPY: for calls, which come by the million."""

import io

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
