"""CSV as Brazilian spreadsheets open it: semicolons, decimal commas, UTF-8 with BOM."""

import csv
import io
from typing import BinaryIO

from .content import Statement
from .table import COLUMNS, billing, guarded, rows, texts


def write_csv(statement: Statement, file: BinaryIO) -> None:
    """Write one row a call, as they come."""
    stream = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    stream.write("\ufeff")
    writer = csv.writer(stream, delimiter=";", lineterminator="\r\n")
    writer.writerow([statement.words[f"column_{column}"] for column in COLUMNS])
    for section, call in rows(statement):
        values = {
            "cycle_first": f"{section.first:%d/%m/%Y}",
            "cycle_last": f"{section.last:%d/%m/%Y}",
        }
        if call:
            values |= texts(statement, section, call)
            values |= {
                "date": f"{call.start:%d/%m/%Y}",
                "time": f"{call.start:%H:%M:%S}",
                "talk": _clock(call.talk_seconds),
                "charged": _clock(call.charged_seconds),
            }
        else:
            values |= {
                "line": guarded(section.line),
                "number": statement.words["others"],
                "status": statement.words["status_charged"],
                "billing": billing(statement),
            }
        source = call or section.others
        for column in ("gross", "covered", "amount"):
            values[column] = f"{getattr(source, column):.2f}".replace(".", ",")
        writer.writerow([values.get(column, "") for column in COLUMNS])
    stream.flush()
    stream.detach()


def _clock(seconds: int) -> str:
    """``00:01:06``: a spreadsheet takes it for a time."""
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
