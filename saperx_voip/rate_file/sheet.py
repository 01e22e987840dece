"""From the bytes of a file to its cells. Every file is hostile until it is read."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

import openpyxl

from .const import MOST_BYTES, MOST_COLUMNS, MOST_LINES, MOST_PARTS, MOST_UNPACKED_BYTES
from .errors import RateFileError


class Mark(Enum):
    """What stands in a cell instead of a value."""

    FORMULA = "formula"
    ERROR = "error"


Cell = str | int | float | bool | date | Mark | None
Line = tuple[int, list[Cell]]


@dataclass(frozen=True, slots=True)
class Text:
    """A file of text, not yet cut into cells."""

    encoding: str
    text: str

    def lines(self, separator: str) -> Iterator[Line]:
        """:raise RateFileError: ``broken_csv``, ``too_many_lines``"""
        reader = csv.reader(
            io.StringIO(self.text, newline=""), delimiter=separator, strict=True
        )
        number = 1
        try:
            for cells in reader:
                if number > MOST_LINES:
                    raise RateFileError("too_many_lines", most=MOST_LINES)
                yield number, [_marked(cell) for cell in cells]
                number = reader.line_num + 1
        except csv.Error as error:
            raise RateFileError("broken_csv", line=number) from error


def check_size(content: bytes) -> None:
    """:raise RateFileError: ``too_large``, ``blank``"""
    if len(content) > MOST_BYTES:
        raise RateFileError("too_large", most=MOST_BYTES // 2**20)
    if not content.strip():
        raise RateFileError("blank")


def is_workbook(content: bytes) -> bool:
    """Whether it is an XLSX or any other zip.

    :raise RateFileError: ``old_excel`` for the format before 2007
    """
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise RateFileError("old_excel")
    return content.startswith(b"PK")


def decode(content: bytes) -> Text:
    """Text in UTF-8 or UTF-16, with a mark or without; else in Windows-1252.

    :raise RateFileError: ``not_text``
    """
    encoding = _guess_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise RateFileError("not_text") from None
    if any(sign < " " and sign not in "\t\r\n" for sign in set(text)):
        raise RateFileError("not_text")
    return Text(encoding, text)


def _guess_encoding(content: bytes) -> str:
    if content.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # A header is of Latin letters: every other byte of it is zero in UTF-16.
    start = content[:64]
    if b"\0" in start:
        return (
            "utf-16-le" if start[1::2].count(0) > start[::2].count(0) else "utf-16-be"
        )
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def workbook_lines(content: bytes) -> Iterator[Line]:
    """The first sheet of an XLSX.

    :raise RateFileError: ``not_a_workbook``, ``unsafe``, ``too_many_lines``
    """
    try:
        _check_parts(content)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True)
        sheet = book.worksheets[0]
        # What the file says of its own size may be a lie.
        sheet.reset_dimensions()
        for number, cells in enumerate(sheet.iter_rows(max_col=MOST_COLUMNS), 1):
            if number > MOST_LINES:
                raise RateFileError("too_many_lines", most=MOST_LINES)
            yield number, [_workbook_value(cell) for cell in cells]
    except RateFileError:
        raise
    # The library fails in its own dozens of ways on a broken file.
    except Exception as error:
        raise RateFileError("not_a_workbook") from error


def _check_parts(content: bytes) -> None:
    """Refuse what would unpack without end, before anything is parsed."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        if len(parts) > MOST_PARTS or size > MOST_UNPACKED_BYTES:
            raise RateFileError("too_large", most=MOST_BYTES // 2**20)
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                _check_xml(archive.read(part))


def _check_xml(xml: bytes) -> None:
    """Spreadsheet programs declare no entities: bombs do. Nor do they write UTF-16."""
    if (
        b"<!DOCTYPE" in xml
        or b"<!ENTITY" in xml
        or xml.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        or b"\0" in xml[:4]
    ):
        raise RateFileError("unsafe")


def _workbook_value(cell) -> Cell:
    if cell.data_type == "f":
        return Mark.FORMULA
    if cell.data_type == "e":
        return Mark.ERROR
    value = cell.value
    if isinstance(value, datetime):
        # An hour makes no date.
        return value.date() if value.time() == datetime.min.time() else str(value)
    if value is None or isinstance(value, str | int | float | date):
        return _marked(value) if isinstance(value, str) else value
    return str(value)


def _marked(text: str) -> Cell:
    return Mark.FORMULA if text.lstrip().startswith("=") else text
