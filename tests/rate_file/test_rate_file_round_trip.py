"""What is written is read again without loss."""

import csv
import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rate_file import read, write_csv, write_xlsx
from rate_file_samples import rate_values, rates

WRITERS = {
    "csv for Brazil": lambda rows: write_csv(rows, "pt_BR", ";", ","),
    "csv in English": lambda rows: write_csv(rows, "en_US", ",", "."),
    "xlsx for Brazil": lambda rows: write_xlsx(rows, "pt_BR"),
    "xlsx in English": lambda rows: write_xlsx(rows, "en_US"),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@given(rows=st.lists(rates(), min_size=1, max_size=6))
def test_nothing_is_lost(write, rows):
    found = read(write(rows))
    assert found.problems == []
    assert [row.values for row in found.rows] == rows


@given(rows=st.lists(rates(), min_size=1, max_size=6))
def test_no_cell_is_a_formula(rows):
    text = write_csv(rows, "pt_BR").decode("utf-8-sig")
    for line in csv.reader(io.StringIO(text), delimiter=";"):
        for cell in line:
            assert not cell.startswith(("=", "+", "@", "\t")) or cell[1:].isdigit()
    book = openpyxl.load_workbook(io.BytesIO(write_xlsx(rows, "pt_BR")))
    assert all(cell.data_type != "f" for line in book.active for cell in line)


def test_a_dangerous_text_is_guarded_and_comes_back():
    content = write_csv([rate_values(prefix="=1+1")], "pt_BR")
    assert b";'=1+1;" in content.replace(b"\r\n", b";")
    # Guarded it is a text, which is no prefix; it is never run and never a formula.
    assert [problem.code for problem in read(content).problems] == ["not_digits"]


def test_brazil_gets_semicolons_decimal_commas_and_its_own_words():
    content = write_csv([rate_values("55", "lc", "0.05")], "pt_BR")
    header, line, _end = content.decode("utf-8-sig").split("\r\n")
    assert header.startswith("Prefixo;Classe;Preço/min;Conexão;")
    assert line == "55;LC;0,05;0,00;30;6;3;0,00;;;10"
