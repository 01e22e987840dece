"""XLSX with real numbers, dates and times, written row by row."""

from datetime import datetime
from typing import BinaryIO

import xlsxwriter

from .content import Statement
from .table import COLUMNS, billing, guarded, rows, texts

# Of a sheet; what goes beyond begins another.
MOST_ROWS = 1_048_576
MOST_TEXT = 32_767
WIDTHS = {
    "line": 16,
    "number": 24,
    "place": 26,
    "class": 30,
    "status": 18,
    "billing": 26,
}
MONEY = ("gross", "covered", "amount")
DAY_SECONDS = 86_400


def write_xlsx(statement: Statement, file: BinaryIO) -> None:
    """Write a sheet with the totals and one, or more, with a row a call."""
    # Without its memory of earlier rows, so that a million calls fit.
    options = {"constant_memory": True, "default_date_format": "dd/mm/yyyy"}
    book = xlsxwriter.Workbook(file, options)
    # Made again it is the same file.
    book.set_properties({"created": datetime(2000, 1, 1)})
    formats = {
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True}),
        "bold": book.add_format({"bold": True}),
        "money": book.add_format({"num_format": "#,##0.00"}),
        "total": book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1}),
        "sum": book.add_format({"bold": True, "top": 1}),
        "date": book.add_format({"num_format": "dd/mm/yyyy"}),
        "time": book.add_format({"num_format": "hh:mm:ss"}),
        "duration": book.add_format({"num_format": "[h]:mm:ss"}),
        "total_duration": book.add_format(
            {"num_format": "[h]:mm:ss", "bold": True, "top": 1}
        ),
    }
    _write_summary(statement, book, formats)
    _write_calls(statement, book, formats)
    book.close()


def _write_summary(statement, book, formats):
    words = statement.words
    sheet = book.add_worksheet(words["sheet_summary"][:31])
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 6, 15)
    row = 0

    def line(*cells):
        nonlocal row
        for column, (value, name) in enumerate(cells):
            if isinstance(value, str):
                _text(sheet, row, column, value, formats.get(name))
            else:
                sheet.write_number(row, column, value, formats.get(name))
        row += 1

    title = words["title"]
    if statement.is_preview:
        title = f"{title} · {words['watermark']}"
    line((title, "title"))
    line((statement.provider.name, None))
    line((statement.customer.name, None))
    for fact in statement.facts:
        line(*((text, None) for text in fact))
    for section in statement.sections:
        row += 1
        line((words["line"], "bold"), (section.line, "bold"))
        line((words["cycle"], None), (statement.period(section), None))
        line((words["plan"], None), (section.plan, None))
        if section.note:
            line((section.note, None))
        line(*((words[name], "head") for name in SUMMARY))
        listed = [(statement.classes[t.call_class], t) for t in section.classes]
        if section.others:
            listed.append((words["others"], section.others))
        for label, total in listed:
            line(*_totals(label, total, ("money", "duration", None, None)))
        line(
            *_totals(
                words["total"],
                section.total,
                ("total", "total_duration", "sum", "sum"),
            )
        )
        if section.allowances:
            row += 1
            line(*((words[name], "head") for name in ALLOWANCE))
            for use in section.allowances:
                line(
                    *(
                        (text, None)
                        for text in (
                            use.name,
                            use.own,
                            use.carried,
                            use.used,
                            use.used_by_others,
                            use.left,
                            use.carried_away,
                        )
                    )
                )
    if len(statement.sections) > 1:
        row += 1
        names = ("total", "total_duration", "sum", "sum")
        line(*_totals(words["grand_total"], statement.total, names))


SUMMARY = (
    "summary_class",
    "summary_calls",
    "summary_talk",
    "summary_charged",
    "summary_gross",
    "summary_covered",
    "summary_amount",
)
ALLOWANCE = (
    "allowance",
    "allowance_own",
    "allowance_carried",
    "allowance_used",
    "allowance_others",
    "allowance_left",
    "allowance_away",
)


def _totals(label, total, names):
    money, duration, count, text = names
    return (
        (label, text),
        (total.calls, count),
        (total.talk_seconds / DAY_SECONDS, duration),
        (total.charged_seconds / DAY_SECONDS, duration),
        (total.gross, money),
        (total.covered, money),
        (total.amount, money),
    )


def _write_calls(statement, book, formats):
    sheet, row = None, MOST_ROWS
    sheets = 0
    for section, call in rows(statement):
        if row >= MOST_ROWS:
            sheets += 1
            sheet, row = _add_sheet(statement, book, formats, sheets), 1
        _write_call(statement, sheet, row, section, call, formats)
        row += 1
    if sheet is None:
        _add_sheet(statement, book, formats, 1)


def _add_sheet(statement, book, formats, number):
    name = statement.words["sheet_calls"][:27]
    sheet = book.add_worksheet(name if number == 1 else f"{name} {number}")
    for place, column in enumerate(COLUMNS):
        sheet.set_column(place, place, WIDTHS.get(column, 12))
        title = statement.words[f"column_{column}"]
        _text(sheet, 0, place, title, formats["head"])
    sheet.freeze_panes(1, 0)
    return sheet


def _write_call(statement, sheet, row, section, call, formats):
    source = call or section.others
    if call:
        values = texts(statement, section, call)
    else:
        values = {
            "line": guarded(section.line),
            "number": statement.words["others"],
            "status": statement.words["status_charged"],
            "billing": billing(statement),
        }
    for place, column in enumerate(COLUMNS):
        if column in values:
            _text(sheet, row, place, values[column])
        elif column in MONEY:
            sheet.write_number(row, place, getattr(source, column), formats["money"])
        elif column == "cycle_first":
            sheet.write_datetime(row, place, section.first, formats["date"])
        elif column == "cycle_last":
            sheet.write_datetime(row, place, section.last, formats["date"])
        elif not call:
            continue
        elif column == "date":
            sheet.write_datetime(row, place, call.start.date(), formats["date"])
        elif column == "time":
            sheet.write_datetime(row, place, call.start.time(), formats["time"])
        else:
            seconds = call.talk_seconds if column == "talk" else call.charged_seconds
            sheet.write_number(row, place, seconds / DAY_SECONDS, formats["duration"])


def _text(sheet, row, column, text, cell_format=None):
    # Never ``write``, which makes formulas and links of what looks like them.
    sheet.write_string(row, column, guarded(text)[:MOST_TEXT], cell_format)
