"""What can be wrong with a file, as codes: who shows them has the words."""

from dataclasses import dataclass
from decimal import Decimal


class RateFileError(Exception):
    """The file as a whole cannot be read.

    :param str code: one of ``too_large``, ``too_many_rates``, ``too_many_lines``,
        ``unsafe``, ``old_excel``, ``not_a_workbook``, ``not_text``, ``broken_csv``,
        ``blank``, ``empty``, ``no_header``, ``header_twice``, ``decimal_unclear``
    :param facts: what the words name
    """

    def __init__(self, code: str, **facts):
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one line."""

    line: int
    """As a text editor or a spreadsheet counts: from 1, with the header."""
    column: str | None
    """A key of ``COLUMNS``, None if the whole line is meant."""
    code: str
    value: str = ""
    """What stands there, shortened."""
    other_line: int = 0
    """That this one does not go with; 0 if it is a rate of the plan."""
    readings: tuple[Decimal, ...] = ()
    """Of an ``ambiguous`` price: with a sign of thousands, with a decimal symbol."""
