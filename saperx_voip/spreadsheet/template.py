"""A workbook: a sheet to be filled, with an example, and one that explains it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import openpyxl
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

TEXT_FORMAT = "@"
# Whatever is told by digits loses its zeros as a number.
TEXT_TYPES = ("char", "text")
SHADE = PatternFill("solid", fgColor="DDE7F0")
NARROWEST, WIDEST = 12, 40


@dataclass(frozen=True, slots=True)
class Column:
    """:param title: as the import recognises it
    :param kind: the field's type
    :param advice: what may stand there
    """

    title: str
    kind: str
    is_required: bool
    advice: str
    example: object


def write_template(
    columns: Sequence[Column], names: tuple[str, str], heads: tuple[str, str, str], must
) -> bytes:
    """
    :param names: of the two sheets
    :param heads: of the explanation: column, required, what may stand there
    :param must: what stands beside a required column
    :return: an XLSX file whose first sheet the import reads
    """
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = names[0]
    sheet.freeze_panes = "A2"
    sheet.append([column.title for column in columns])
    sheet.append([column.example for column in columns])
    for place, column in enumerate(columns, 1):
        head, example = sheet.cell(1, place), sheet.cell(2, place)
        head.font = Font(bold=True)
        head.fill = SHADE
        if column.advice:
            head.comment = Comment(column.advice, "SaperX", width=320, height=140)
        dimension = sheet.column_dimensions[get_column_letter(place)]
        dimension.width = min(max(len(column.title) + 2, NARROWEST), WIDEST)
        if column.kind in TEXT_TYPES:
            # Also the rows that are still to be filled.
            dimension.number_format = example.number_format = TEXT_FORMAT
    _explain(book.create_sheet(names[1]), columns, heads, must)
    for filled in book:
        _leave_as_text(filled)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _leave_as_text(sheet):
    """Names come from people: one that begins with "=" is no formula."""
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type == "f":
                cell.data_type = "s"


def _explain(sheet, columns, heads, must):
    sheet.freeze_panes = "A2"
    sheet.append(list(heads))
    for column in columns:
        sheet.append([column.title, must if column.is_required else "", column.advice])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.fill = SHADE
    for letter, width in zip("ABC", (34, 14, 100), strict=True):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
