"""A rate file, read: rows of values, and all that is wrong, line by line."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from .const import DATES, DECIMALS, INTEGERS, MONEY, MOST_RATES, SEPARATORS
from .errors import Problem, RateFileError
from .sheet import Cell, Line, Mark, check_size, decode, is_workbook, workbook_lines
from .values import (
    Unreadable,
    check_value,
    column_of,
    is_empty,
    read_class,
    read_date,
    read_integer,
    read_money,
    read_prefix,
    recognise_decimal,
)

# A title or a company's name may stand above the header.
HEADER_WITHIN = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One rate of a file."""

    line: int
    values: dict
    """``prefix``, ``call_class`` and ``price_per_minute`` always; others only if the
    file states them. A date column states None where it is empty."""


@dataclass(slots=True)
class RateFile:
    """What was recognised and read."""

    kind: str
    """``xlsx`` or ``csv``."""
    encoding: str | None
    separator: str | None
    decimal: str
    columns: list[str]
    """Keys of ``COLUMNS``, in the order of the file."""
    ignored: list[str]
    """Headers that mean nothing here."""
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read(
    content: bytes,
    separator: str | None = None,
    decimal: str | None = None,
    three_digits: str | None = None,
) -> RateFile:
    """Read the rates of a CSV or XLSX file.

    :param separator: of a CSV, None to recognise it
    :param decimal: the decimal symbol of texts, None to recognise it
    :param three_digits: what the other sign means before just three digits, one of
        ``THREE_DIGITS``; None: each such price is a problem
    :raise RateFileError: nothing of it can be read
    """
    check_size(content)
    encoding = None
    if is_workbook(content):
        kind, separator, found = "xlsx", None, _find_header(workbook_lines(content))
    else:
        text = decode(content)
        kind, encoding = "csv", text.encoding
        separator, found = _find_separator(text, separator)
    if found is None:
        raise RateFileError("no_header")
    header, lines = found
    places = _get_places(header)
    table = _take_lines(lines)
    if not table:
        raise RateFileError("empty")
    if decimal not in DECIMALS:
        decimal = _recognise_decimal(places, table)
    result = RateFile(
        kind=kind,
        encoding=encoding,
        separator=separator,
        decimal=decimal,
        columns=list(places),
        ignored=[
            cell.strip()
            for cell in header
            if isinstance(cell, str) and cell.strip() and not column_of(cell)
        ],
    )
    for line, cells in table:
        _read_line(result, places, len(header), line, cells, three_digits)
    return result


def _find_separator(text, separator):
    """The separator under which the header names most columns."""
    best, found = 0, None
    for candidate in SEPARATORS if separator is None else (separator,):
        try:
            header = _find_header(text.lines(candidate))
        except RateFileError:
            # The quotes of another separator's file.
            if separator is not None:
                raise
            continue
        known = sum(map(bool, map(column_of, header[0]))) if header else 0
        if known > best:
            best, separator_found, found = known, candidate, header
    return (separator_found, found) if found else (separator, None)


def _find_header(lines: Iterable[Line]):
    """The header's cells and the lines below it, or None if no line looks like one."""
    lines = iter(lines)
    for line, cells in lines:
        if line > HEADER_WITHIN:
            return None
        columns = set(map(column_of, cells)) - {None}
        named = [cell for cell in cells if not is_empty(cell)]
        if "price_per_minute" in columns and len(columns) * 2 >= len(named):
            while cells and is_empty(cells[-1]):
                cells.pop()
            return cells, lines
    return None


def _get_places(header: list[Cell]) -> dict[str, int]:
    places = {}
    for place, cell in enumerate(header):
        column = column_of(cell)
        if column in places:
            raise RateFileError(
                "header_twice", first=header[places[column]], second=cell
            )
        if column:
            places[column] = place
    return places


def _take_lines(lines: Iterable[Line]) -> list[Line]:
    """The lines that hold something."""
    table = []
    for line, cells in lines:
        if all(map(is_empty, cells)):
            continue
        if len(table) == MOST_RATES:
            raise RateFileError("too_many_rates", most=MOST_RATES)
        table.append((line, cells))
    return table


def _recognise_decimal(places: dict[str, int], table: list[Line]) -> str:
    money = [places[column] for column in MONEY if column in places]
    decimal, sample = recognise_decimal(
        cells[place] for _line, cells in table for place in money if place < len(cells)
    )
    if decimal is None:
        raise RateFileError("decimal_unclear", sample=sample[:40])
    return decimal


def _read_line(result, places, width, line, cells, three_digits):
    values, problems = {"prefix": "", "call_class": None}, []
    for column, place in places.items():
        cell = cells[place] if place < len(cells) else None
        try:
            check_value(cell)
            if is_empty(cell):
                if column == "price_per_minute":
                    raise Unreadable("price_missing")
                if column in DATES:
                    values[column] = None
            else:
                values[column] = _read_cell(column, cell, result.decimal, three_digits)
        except Unreadable as error:
            problems.append(
                Problem(line, column, str(error), _shown(cell), readings=error.readings)
            )
    extra = [cell for cell in cells[width:] if not is_empty(cell)]
    if extra:
        problems.append(Problem(line, None, "extra_cells", _shown(extra[0])))
    problems += _check_together(line, values)
    if problems:
        result.problems += problems
    else:
        result.rows.append(Row(line, values))


def _read_cell(column: str, cell: Cell, decimal: str, three_digits: str | None):
    if column == "prefix":
        return read_prefix(cell)
    if column == "call_class":
        return read_class(cell)
    if column in MONEY:
        return read_money(cell, decimal, three_digits)
    if column in INTEGERS:
        number = read_integer(cell)
        if column == "step_seconds" and number < 1:
            raise Unreadable("step_zero")
        if column != "sequence" and number < 0:
            raise Unreadable("negative")
        return number
    return read_date(cell)


def _check_together(line: int, values: dict) -> list[Problem]:
    first, last = values.get("date_from"), values.get("date_to")
    if first and last and last < first:
        return [Problem(line, "date_to", "dates_reversed", last.isoformat())]
    return []


def _shown(cell: Cell) -> str:
    if cell is None or isinstance(cell, Mark):
        return ""
    if isinstance(cell, float):
        return str(Decimal(repr(cell)))[:40]
    return str(cell).strip()[:40]
