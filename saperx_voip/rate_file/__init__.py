"""Rates as CSV and XLSX files: pure Python, no Odoo.

``read`` takes a file's bytes, ``add`` and ``new_prices`` say what it would change in a
plan, ``write_csv`` and ``write_xlsx`` write what ``read`` reads.
"""

from .compare import Change, Changes, Known, add, new_prices
from .const import COLUMNS, DECIMALS, SEPARATORS, THREE_DIGITS
from .errors import Problem, RateFileError
from .reader import RateFile, Row, read
from .writer import write_csv, write_xlsx

__all__ = [
    "COLUMNS",
    "DECIMALS",
    "SEPARATORS",
    "THREE_DIGITS",
    "Change",
    "Changes",
    "Known",
    "Problem",
    "RateFile",
    "RateFileError",
    "Row",
    "add",
    "new_prices",
    "read",
    "write_csv",
    "write_xlsx",
]
