"""Rates written as ``read`` reads them."""

import csv
import io
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from .const import COLUMNS, DATES, MONEY

# A spreadsheet would run what begins so.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
WIDTHS = {"prefix": 16, "date_from": 13, "date_to": 13}


def header(language: str) -> list[str]:
    """:param language: as ``pt_BR``; anything but Portuguese gives English"""
    place = 0 if language.startswith("pt") else 1
    return [names[place] for names in COLUMNS.values()]


def write_csv(
    rates: Iterable[dict], language: str, separator: str = ";", decimal: str = ","
) -> bytes:
    """:param rates: dicts with all of ``COLUMNS``. :return: UTF-8 with a mark"""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator="\r\n")
    writer.writerow(header(language))
    writer.writerows(
        [_guarded(_text(rate[column], decimal, language)) for column in COLUMNS]
        for rate in map(_named, rates)
    )
    return stream.getvalue().encode("utf-8-sig")


def write_xlsx(rates: Iterable[dict], language: str) -> bytes:
    """Prefixes as texts, so that no zero is lost; prices as exact numbers; dates."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Tarifas" if language.startswith("pt") else "Rates")
    sheet.freeze_panes = "A2"
    for place, column in enumerate(COLUMNS):
        letter = openpyxl.utils.get_column_letter(place + 1)
        sheet.column_dimensions[letter].width = WIDTHS.get(column, 12)
    titles = [WriteOnlyCell(sheet, value=title) for title in header(language)]
    for title in titles:
        title.font = Font(bold=True)
    sheet.append(titles)
    for rate in map(_named, rates):
        sheet.append([_cell(sheet, column, rate[column]) for column in COLUMNS])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _named(rate: dict) -> dict:
    return {**rate, "call_class": (rate["call_class"] or "").upper()}


def _cell(sheet, column, value):
    if value is None or value == "":
        return None
    cell = WriteOnlyCell(
        sheet, value=_guarded(value) if isinstance(value, str) else value
    )
    if column in MONEY:
        cell.number_format = "0.00####"
    elif column in DATES:
        cell.number_format = "dd/mm/yyyy"
    elif column == "prefix":
        cell.number_format = "@"
    return cell


def _text(value, decimal: str, language: str) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        whole, _point, fraction = f"{value:f}".partition(".")
        return f"{whole}{decimal}{fraction.rstrip('0'):0<2}"
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}" if language.startswith("pt") else value.isoformat()
    return str(value)


def _guarded(text: str) -> str:
    """With the apostrophe that makes a text of it, which ``read`` takes off again."""
    is_number = text[1:].isdigit()
    return f"'{text}" if text.startswith(DANGEROUS) and not is_number else text
