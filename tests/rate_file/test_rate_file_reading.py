"""Whole files: as people and programs make them, and as nobody should."""

import io
import time
import zipfile
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rate_file import Problem, RateFileError, read
from rate_file.const import MOST_BYTES, MOST_RATES
from rate_file_samples import workbook

SIMPLE = "prefixo;classe;preço/min\r\n55;LC;0,05\r\n"


def refusal(content, **options):
    with pytest.raises(RateFileError) as caught:
        read(content, **options)
    return caught.value.code


def problems(text, **options):
    return [
        (problem.line, problem.column, problem.code)
        for problem in read(text.encode(), **options).problems
    ]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"],
)
def test_every_usual_encoding_gives_the_same_rate(encoding):
    (row,) = read(SIMPLE.encode(encoding)).rows
    assert row.values == {
        "prefix": "55",
        "call_class": "lc",
        "price_per_minute": Decimal("0.05"),
    }


@pytest.mark.parametrize("separator", [";", ",", "\t", "|"])
def test_the_separator_is_recognised_by_the_header(separator):
    lines = (
        ("Tarifa", "Prefixo", "Válido até"),
        ("0.5", "55", "31/12/2026"),
        ("0.25", "1", ""),
    )
    text = "\n".join(map(separator.join, lines))
    found = read(text.encode())
    assert (found.separator, found.decimal) == (separator, ".")
    assert [row.values["price_per_minute"] for row in found.rows] == [
        Decimal("0.5"),
        Decimal("0.25"),
    ]
    assert found.rows[0].values["date_to"] == date(2026, 12, 31)
    assert found.rows[1].values["date_to"] is None


def test_titles_above_empty_lines_between_and_unknown_columns_do_no_harm():
    found = read(b"Tabela de prices\n\nOperadora;Classe;Price\n;;\nX;VC1;0,4\n\n;;\n")
    assert found.ignored == ["Operadora"]
    assert [(row.line, row.values["call_class"]) for row in found.rows] == [(5, "vc1")]


def test_all_that_is_wrong_is_told_at_once_by_line_and_column():
    assert problems(
        "prefix;class;price;step;valid from;valid to\n"
        "5x;VC9;;0;1/1/26;\n"
        "55;LC;0,05;6;02/01/2026;01/01/2026\n"
        "55;LC;-1;x;;\n"
        "55;LC;=1+1;6;;\n"
        "55;LC;0,05;6;;;extra\n"
        "55;LC;0,05;6;;\n"
    ) == [
        (2, "prefix", "not_digits"),
        (2, "call_class", "class_unknown"),
        (2, "price_per_minute", "price_missing"),
        (2, "step_seconds", "step_zero"),
        (2, "date_from", "not_a_date"),
        (3, "date_to", "dates_reversed"),
        (4, "price_per_minute", "negative"),
        (4, "step_seconds", "not_whole"),
        (5, "price_per_minute", "formula"),
        (6, None, "extra_cells"),
    ]


def test_a_decimal_comma_in_a_file_of_commas_is_no_other_price():
    assert problems("prefix,price\n55,0,05\n") == [(2, None, "extra_cells")]


def test_an_unclear_decimal_symbol_is_asked_for():
    content = b"prefix;price\n55;1,234\n"
    assert refusal(content) == "decimal_unclear"
    (row,) = read(content, decimal=",").rows
    assert row.values["price_per_minute"] == Decimal("1.234")
    # The other symbol alone does not make thousands of it.
    assert [one.code for one in read(content, decimal=".").problems] == ["ambiguous"]


def test_with_two_decimal_symbols_one_is_chosen_and_the_other_is_wrong():
    content = b"price\n0,05\n0.05\n"
    assert refusal(content) == "decimal_unclear"
    assert read(content, decimal=",").problems == [
        Problem(3, "price_per_minute", "not_a_number", "0.05")
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "blank"),
        (b" \n", "blank"),
        (b"prefix;price\n", "empty"),
        (b"a;b\n1;2\n", "no_header"),
        (b"prefix;class\n55;LC\n", "no_header"),
        (b"price;tarifa\n1;2\n", "header_twice"),
        (b'prefix;price\n"55;1\n', "broken_csv"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not_text"),
        (b"%PDF-1.7\n\x01\x02", "not_text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_excel"),
        (b"PK\x03\x04 not a zip", "not_a_workbook"),
        (b"x" * (MOST_BYTES + 1), "too_large"),
        (b"price\n" + b"1\n" * (MOST_RATES + 1), "too_many_rates"),
        (b"price\n" + b"\n" * 300_000, "too_many_lines"),
    ],
)
def test_what_is_no_rate_file_is_refused_with_the_reason(content, code):
    assert refusal(content) == code


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_read_or_refused(content):
    for start in (b"", b"prefix;price\n", b"PK\x03\x04"):
        try:
            read(start + content)
        except RateFileError:
            pass


def test_a_workbook_with_numbers_and_real_dates():
    found = read(
        workbook(
            ["Prefixo", "Classe", "Preço/min", "Mínimo", "Válido de"],
            [5511, "vc1", 0.1 + 0.2, 30.0, date(2026, 12, 1)],
            [None, None, None, None, None],
            ["0800", "free", "R$ 1.000,50", None, "31/12/2026"],
        )
    )
    assert (found.kind, found.separator, found.problems) == ("xlsx", None, [])
    assert [(row.line, row.values) for row in found.rows] == [
        (
            2,
            {
                "prefix": "5511",
                "call_class": "vc1",
                "price_per_minute": Decimal("0.3"),
                "minimum_seconds": 30,
                "date_from": date(2026, 12, 1),
            },
        ),
        (
            4,
            {
                "prefix": "0800",
                "call_class": "free",
                "price_per_minute": Decimal("1000.5"),
                "date_from": date(2026, 12, 31),
            },
        ),
    ]


def test_formulas_errors_and_truths_of_a_workbook_are_no_values():
    content = workbook(["price"], ["=A1*2"], ["#N/A"], [True], [date(2026, 5, 1)])
    assert [problem.code for problem in read(content).problems] == [
        "formula",
        "cell_error",
        "cell_error",
        "is_date",
    ]


def repack(content, replace) -> bytes:
    """The workbook with the parts that ``replace`` gives, by name."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, replace(name, old.read(name)))
    return stream.getvalue()


def test_a_zip_bomb_is_not_unpacked():
    bomb = repack(
        workbook(["price"], [1]),
        lambda name, part: b" " * 10**8 if "sheet1" in name else part,
    )
    assert len(bomb) < 10**6
    assert refusal(bomb) == "too_large"


def test_a_bomb_of_entities_is_not_parsed():
    bomb = repack(
        workbook(["price"], [1]),
        lambda name, part: (
            b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + part
            if "sheet1" in name
            else part
        ),
    )
    assert refusal(bomb) == "unsafe"


def test_a_workbook_that_lies_about_its_size_or_is_cut_is_refused_or_read():
    content = workbook(["price"], [1])
    lying = repack(
        content, lambda name, part: part.replace(b'ref="A1:A2"', b'ref="A1:XFD1048576"')
    )
    assert len(read(lying).rows) == 1
    far = repack(content, lambda name, part: part.replace(b'r="2"', b'r="1048576"'))
    assert refusal(far) == "too_many_lines"
    for part in range(0, len(content), 97):
        with pytest.raises(RateFileError):
            read(content[:part])
    empty_zip = io.BytesIO()
    with zipfile.ZipFile(empty_zip, "w") as archive:
        archive.writestr("x.txt", "x")
    assert refusal(empty_zip.getvalue()) == "not_a_workbook"


def test_ten_thousand_rates_are_read_within_seconds():
    lines = [[f"55{number:05}", "LC", "0,05"] for number in range(10_000)]
    header = ["prefixo", "classe", "preço/min"]
    text = "\n".join(map(";".join, [header, *lines]))
    for content in (text.encode(), workbook(header, *lines)):
        began = time.process_time()
        assert len(read(content).rows) == 10_000
        assert time.process_time() - began < 10
