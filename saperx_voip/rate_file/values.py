"""From the cells of a rate file to values."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from .const import (
    CLASS_WORDS,
    COLUMNS,
    MOST_INTEGER,
    MOST_PREFIX_DIGITS,
    PRICE_DECIMALS,
    PRICE_LIMIT,
    THREE_DIGITS,
)
from .sheet import Cell, Mark

MICRO = Decimal(1).scaleb(-PRICE_DECIMALS)
# Noise of binary floats lies far below the sixth decimal.
FLOAT_NOISE = Decimal("1e-9")
SCIENTIFIC = re.compile(r"\d+([.,]\d+)?[eE]\+?\d+")
ONE_SIGN = re.compile(r"(\d*)([.,])(\d*)")
DAY_FIRST = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})")
YEAR_FIRST = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")


class Unreadable(ValueError):
    """A cell that holds no value of its column.

    :param str code: of the problem
    :param readings: of a price that may be either
    """

    def __init__(self, code: str, readings: tuple[Decimal, ...] = ()):
        super().__init__(code)
        self.readings = readings


def words_of(text: str) -> str:
    """Lower case without accents and signs, words one space apart."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(
        sign if sign.isalnum() else " "
        for sign in plain
        if not unicodedata.combining(sign)
    )
    return " ".join(letters.split())


_COLUMN_OF = {
    words_of(header): column
    for column, (portuguese, english, others) in COLUMNS.items()
    for header in (portuguese, english, *others)
}
_CLASS_OF = {word: code for code, words in CLASS_WORDS.items() for word in words}


def column_of(cell: Cell) -> str | None:
    """The column that a header names, None if it is not known."""
    return _COLUMN_OF.get(words_of(cell)) if isinstance(cell, str) else None


def is_empty(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def check_value(cell: Cell) -> None:
    """:raise Unreadable: a formula or an error stands in its place"""
    if cell is Mark.FORMULA:
        raise Unreadable("formula")
    if cell is Mark.ERROR or isinstance(cell, bool):
        raise Unreadable("cell_error")


def read_prefix(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    text = "".join(_text(cell).split()).removeprefix("+")
    if SCIENTIFIC.fullmatch(text):
        raise Unreadable("scientific")
    if text and not (text.isascii() and text.isdigit()):
        raise Unreadable("not_digits")
    if len(text) > MOST_PREFIX_DIGITS:
        raise Unreadable("prefix_too_long")
    return text


def read_class(cell: Cell) -> str | None:
    words = words_of(_text(cell))
    if words in _CLASS_OF:
        return _CLASS_OF[words]
    # "VC1: móvel do mesmo DDD", as the web client shows it.
    first = words.split()[0]
    if first in CLASS_WORDS:
        return first
    raise Unreadable("class_unknown")


def read_money(cell: Cell, decimal: str, three_digits: str | None = None) -> Decimal:
    """A price of six decimals at most.

    :param decimal: the symbol in texts
    :param three_digits: what the other sign means before just three digits, one of
        ``THREE_DIGITS``; None: such a price is ``ambiguous``
    """
    if isinstance(cell, date):
        raise Unreadable("is_date")
    amount = (
        _from_number(cell)
        if isinstance(cell, int | float)
        else _from_text(_text(cell), decimal, three_digits)
    )
    if amount < 0:
        raise Unreadable("negative")
    if amount >= PRICE_LIMIT:
        raise Unreadable("too_large")
    if amount != amount.quantize(MICRO):
        raise Unreadable("too_many_decimals")
    return amount


def _from_number(number: int | float) -> Decimal:
    """A number of a spreadsheet, without the noise of its binary form."""
    amount = Decimal(repr(number))
    if not amount.is_finite():
        raise Unreadable("not_a_number")
    if abs(amount) >= PRICE_LIMIT:
        return amount
    exact = amount.quantize(MICRO)
    if abs(amount - exact) > FLOAT_NOISE:
        raise Unreadable("too_many_decimals")
    return exact


def _from_text(text: str, decimal: str, three_digits: str | None) -> Decimal:
    thousands = "." if decimal == "," else ","
    number = _bare_number(text)
    is_negative = number.startswith("-")
    number = number.removeprefix("-")
    if re.fullmatch(rf"[0-9]{{1,3}}{re.escape(thousands)}[0-9]{{3}}", number):
        if three_digits == "decimal":
            decimal, thousands = thousands, decimal
        elif three_digits is None and number[0] != "0":
            raise Unreadable(
                "ambiguous",
                tuple(_from_text(text, decimal, each) for each in THREE_DIGITS),
            )
    d, t = re.escape(decimal), re.escape(thousands)
    if not re.fullmatch(
        rf"[0-9]+({d}[0-9]*)?|[1-9][0-9]{{0,2}}({t}[0-9]{{3}})+({d}[0-9]*)?|{d}[0-9]+",
        number,
    ):
        raise Unreadable("not_a_number")
    number = number.replace(thousands, "").replace(decimal, ".")
    if len(number) > 30:
        raise Unreadable("too_large")
    return Decimal(f"{'-' if is_negative else ''}{number}")


def recognise_decimal(cells: Iterable[Cell]) -> tuple[str | None, str]:
    """The decimal symbol of the texts of a file.

    :return: the symbol, or None if it is unclear; and a text that shows it
    """
    proofs, unclear = {}, ""
    for cell in cells:
        if not isinstance(cell, str):
            continue
        text = _bare_number(cell).removeprefix("-")
        symbol = _decimal_in(text)
        if symbol:
            proofs.setdefault(symbol, cell)
        elif not text.isdigit() and ONE_SIGN.fullmatch(text):
            unclear = unclear or cell
    if len(proofs) > 1:
        return None, " · ".join(proofs.values())
    if proofs:
        return next(iter(proofs.items()))
    return (None, unclear) if unclear else (",", "")


def _decimal_in(text: str) -> str | None:
    """The symbol that this number alone proves: 1.234,5 · 0.05 · 1.234.567."""
    signs = [sign for sign in text if sign in ".,"]
    if len(set(signs)) == 2:
        return signs[-1]
    if len(signs) > 1:
        return "," if signs[0] == "." else "."
    match = ONE_SIGN.fullmatch(text)
    if match is None:
        return None
    whole, sign, fraction = match.groups()
    is_group = len(fraction) == 3 and 1 <= len(whole) <= 3 and whole[0] != "0"
    return None if is_group else sign


def _bare_number(text: str) -> str:
    return "".join(text.replace("R$", "").removeprefix("'").split())


def read_integer(cell: Cell) -> int:
    if isinstance(cell, date):
        raise Unreadable("is_date")
    if isinstance(cell, float):
        if not cell.is_integer():
            raise Unreadable("not_whole")
        cell = int(cell)
    text = _text(cell).casefold().removesuffix("s").strip()
    if not re.fullmatch(r"-?[0-9]+", text):
        raise Unreadable("not_whole")
    if len(text) > 12 or abs(int(text)) > MOST_INTEGER:
        raise Unreadable("too_large")
    return int(text)


def read_date(cell: Cell) -> date:
    if isinstance(cell, date):
        return cell
    text = _text(cell)
    if match := DAY_FIRST.fullmatch(text):
        day, month, year = match.groups()
    elif match := YEAR_FIRST.fullmatch(text):
        year, month, day = match.groups()
    else:
        raise Unreadable("not_a_date")
    if not 1900 <= int(year) <= 2999:
        raise Unreadable("not_a_date")
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise Unreadable("not_a_date") from None


def _text(cell: Cell) -> str:
    # The apostrophe says "text" to spreadsheets, and guards against formulas.
    return "" if cell is None else str(cell).strip().removeprefix("'").strip()
