"""What the three files say, and that nothing in a text does more than be read."""

import csv
import io
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyPDF2 import PdfReader
from statement import WRITERS, ClassTotal, xlsx_file
from statement.content import clock, minutes_of
from statement.table import guarded
from statement_samples import call, section, statement


def made(content, file_format):
    file = io.BytesIO()
    WRITERS[file_format](content, file)
    return file.getvalue()


def csv_rows(content):
    text = made(content, "csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def pdf_pages(content):
    return [
        page.extract_text()
        for page in PdfReader(io.BytesIO(made(content, "pdf"))).pages
    ]


def book(content):
    return openpyxl.load_workbook(io.BytesIO(made(content, "xlsx")))


def test_no_odoo_is_imported():
    folder = Path(__file__).parents[2] / "saperx_voip"
    script = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import statement; "
        "sys.exit(any(name.split('.')[0] == 'odoo' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@given(st.text(max_size=12))
def test_no_text_begins_a_formula(text):
    kept = guarded(text)
    assert not kept.lstrip().startswith(("=", "+", "-", "@"))
    assert kept.endswith(text)


def test_the_csv_of_two_sections_has_each_call_once_with_its_line():
    rows = csv_rows(
        statement(section([call(1), call(2)]), section([call(3)], line="190"))
    )
    assert [row["line"] for row in rows] == ["(54) 3333-4444"] * 2 + ["190"]
    assert rows[0]["date"] + " " + rows[0]["time"] == "02/10/2026 00:00:59"
    assert (rows[0]["talk"], rows[0]["charged"]) == ("00:01:01", "00:01:06")
    assert (rows[0]["gross"], rows[0]["covered"], rows[0]["amount"]) == (
        "0,13",
        "0,03",
        "0,10",
    )
    assert rows[0]["status"] == "status_partly_covered"


def test_a_long_call_has_all_of_its_hours():
    [row] = csv_rows(statement(section([call(1, talk_seconds=90_061)])))
    assert row["talk"] == "25:01:01"
    assert clock(90_061) == "25:01:01"
    assert minutes_of(90_061) == "1501:01"


def test_more_calls_than_a_sheet_holds_go_on_in_the_next(monkeypatch):
    monkeypatch.setattr(xlsx_file, "MOST_ROWS", 4)
    content = statement(section([call(number) for number in range(7)]))
    summary, *sheets = book(content).worksheets
    assert [sheet.max_row for sheet in sheets] == [4, 4, 2]
    assert [sheet.title for sheet in sheets] == ["Chamadas", "Chamadas 2", "Chamadas 3"]
    numbers = [row[5] for sheet in sheets for row in list(sheet.values)[1:]]
    assert numbers == [call(number).number for number in range(7)]
    assert summary.title == "Resumo"


def test_the_xlsx_has_values_that_can_be_reckoned_with():
    [_summary, sheet] = book(statement(section([call(1), call(2)]))).worksheets
    titles, first, second = sheet.values
    row = dict(zip(titles, first, strict=True))
    assert row["date"] == datetime(2026, 10, 2)
    assert isinstance(row["amount"], float)
    assert sum(Decimal(str(line[12])) for line in (first, second)) == Decimal("0.20")


def test_the_pages_of_a_long_statement_have_heads_and_numbers():
    pages = pdf_pages(statement(section([call(number) for number in range(400)])))
    assert len(pages) > 5
    for number, page in enumerate(pages, 1):
        assert f"Página {number} de" in page
        assert "Linha (54) 3333-4444" in page
    # All but the first and the last are of nothing but calls.
    for page in pages[1:-1]:
        assert "call_start" in page
    assert sum(page.count("(11) 3333-") for page in pages) == 400
    assert "40,00" in pages[0]


def test_calls_that_cost_nothing_say_why():
    zero = {"amount": Decimal("0.00")}
    covered = call(1, **zero, covered=Decimal("0.13"))
    free = call(3, **zero, covered=Decimal("0.00"), gross=Decimal("0.00"))
    [page] = pdf_pages(statement(section([covered, free])))
    assert "amount_covered" in page
    assert "amount_free" in page
    statuses = [row["status"] for row in csv_rows(statement(section([covered, free])))]
    assert statuses == ["status_covered", "status_free"]


def test_what_is_not_listed_is_one_amount_in_each_file():
    others = ClassTotal("", 0, 0, 60, Decimal("3.00"), Decimal(0), Decimal("3.00"))
    content = statement(section([call(1)], others=others))
    assert "3,10" in pdf_pages(content)[0]
    *_rest, last = csv_rows(content)
    assert (last["number"], last["amount"], last["charged"]) == ("others", "3,00", "")
    assert list(book(content).worksheets[1].values)[-1][12] == 3


@pytest.mark.parametrize("preview", [True, False])
def test_a_preview_says_so_on_every_page(preview):
    content = statement(
        section([call(number) for number in range(150)]), is_preview=preview
    )
    for page in pdf_pages(content):
        assert ("PRÉVIA" in page) is preview
    billing = {row["billing"] for row in csv_rows(content)}
    assert billing == {"billing_preview" if preview else "billing_done"}
    assert ("PRÉVIA" in book(content).worksheets[0]["A1"].value) is preview


@pytest.mark.parametrize("file_format", WRITERS)
def test_no_calls_at_all_make_a_file_too(file_format):
    assert made(statement(section([])), file_format)


@pytest.mark.parametrize("file_format", WRITERS)
def test_whatever_a_name_holds_the_file_is_made(file_format):
    name = "x" * 40_000 + "\u4e2d\u0416\x0b\ud7ff"
    content = statement(
        section([call(1, place=name, number=name)], line=name),
        logo=b"<svg>no picture</svg>",
        color="no colour",
        fonts=("/no/such/file.ttf", "/no/such/file.ttf"),
    )
    assert made(content, file_format)


def test_made_twice_a_file_is_the_same():
    content = statement(section([call(number) for number in range(20)]))
    for file_format in WRITERS:
        assert made(content, file_format) == made(content, file_format)
