"""A statement of calls (extrato, RGC art. 47) as PDF, CSV and XLSX: no Odoo.

``content`` says what a statement holds; each writer takes it and a binary file, and
reads the calls as it goes, so that what it needs of memory grows with pages, not calls.
"""

from .content import AllowanceUse, Call, ClassTotal, Party, Section, Statement
from .csv_file import write_csv
from .pdf_file import write_pdf
from .xlsx_file import write_xlsx

WRITERS = {"pdf": write_pdf, "csv": write_csv, "xlsx": write_xlsx}
MIMETYPES = {
    "pdf": "application/pdf",
    "csv": "text/csv;charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

__all__ = [
    "MIMETYPES",
    "WRITERS",
    "AllowanceUse",
    "Call",
    "ClassTotal",
    "Party",
    "Section",
    "Statement",
    "write_csv",
    "write_pdf",
    "write_xlsx",
]
