"""What stands in one cell, and which decimal symbol a file has."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from rate_file.const import COLUMNS
from rate_file.values import (
    Unreadable,
    column_of,
    read_class,
    read_date,
    read_integer,
    read_money,
    read_prefix,
    recognise_decimal,
)
from rate_file_samples import prices


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Prefixo", "prefix"),
        (" PREÇO / MIN ", "price_per_minute"),
        ("preco por minuto", "price_per_minute"),
        ("R$/min", "price_per_minute"),
        ("Tarifa", "price_per_minute"),
        ("CONEXÃO", "connection_fee"),
        ("minimo", "minimum_seconds"),
        ("Passo (s)", "step_seconds"),
        ("descarte", "discard_seconds"),
        ("Custo", "cost_per_minute"),
        ("Válido de", "date_from"),
        ("VALIDO ATE", "date_to"),
        ("valid_to", "date_to"),
        ("Class", "call_class"),
        ("Operadora", None),
        (None, None),
        (5, None),
    ],
)
def test_a_header_is_known_in_any_case_and_without_accents(header, column):
    assert column_of(header) == column


@pytest.mark.parametrize("column", COLUMNS)
def test_no_two_columns_share_a_header(column):
    portuguese, english, others = COLUMNS[column]
    for header in (portuguese, english, *others):
        assert column_of(header) == column


@pytest.mark.parametrize(
    ("text", "decimal", "price"),
    [
        ("0,05", ",", "0.05"),
        ("0.05", ".", "0.05"),
        ("1.234,56", ",", "1234.56"),
        ("1,234.56", ".", "1234.56"),
        ("R$ 0,05", ",", "0.05"),
        ("R$\xa01.234,5", ",", "1234.5"),
        ("1,234", ",", "1.234"),
        (",5", ",", "0.5"),
        ("'0,05", ",", "0.05"),
        ("7", ",", "7"),
        ("0,0500000000", ",", "0.05"),
    ],
)
def test_a_price_in_text(text, decimal, price):
    assert read_money(text, decimal) == Decimal(price)


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("0.05", "not_a_number"),  # the file's symbol is the comma
        ("0.500", "not_a_number"),  # no thousands begin with a zero
        ("012.500,5", "not_a_number"),
        ("0,0000001", "too_many_decimals"),
        ("-1", "negative"),
        ("1000000", "too_large"),
        ("9" * 400, "too_large"),
        ("NaN", "not_a_number"),
        ("1e5", "not_a_number"),
        ("٣", "not_a_number"),
        ("caro", "not_a_number"),
        (float("inf"), "not_a_number"),
        (float("nan"), "not_a_number"),
        (1e300, "too_large"),
        (0.1234567, "too_many_decimals"),
        (1e-7, "too_many_decimals"),
        (date(2026, 5, 1), "is_date"),
    ],
)
def test_what_is_no_price_is_refused(cell, code):
    with pytest.raises(Unreadable, match=code):
        read_money(cell, ",")


def test_the_noise_of_a_spreadsheets_float_is_trimmed():
    assert read_money(0.1 + 0.2, ",") == Decimal("0.3")
    assert read_money(3, ",") == 3


@given(prices)
def test_a_price_as_a_float_is_the_price(price):
    assert read_money(float(price), ",") == price


@pytest.mark.parametrize(
    ("texts", "symbol"),
    [
        (["0,05", "1,234"], ","),
        (["1,234", "0.05"], "."),
        (["1.234,56"], ","),
        (["1,234.56"], "."),
        (["1.234.567"], ","),
        (["R$ 12,5"], ","),
        (["0,123"], ","),
        (["1234,567"], ","),
        (["5", 0.1, None], ","),
        (["1,234"], None),
        (["1.234", "5"], None),
        (["0,05", "0.05"], None),
    ],
)
def test_the_decimal_symbol_is_recognised_or_unclear(texts, symbol):
    assert recognise_decimal(texts)[0] == symbol


@pytest.mark.parametrize(
    ("cell", "prefix"),
    [(5511, "5511"), (5511.0, "5511"), ("0800", "0800"), ("'0800", "0800"),
     ("+55 11", "5511"), ("", "")],
)  # fmt: skip
def test_a_prefix(cell, prefix):
    assert read_prefix(cell) == prefix


@pytest.mark.parametrize(
    ("cell", "code"),
    [(55.5, "not_digits"), ("55a", "not_digits"), ("٣", "not_digits"),
     ("5,51E+12", "scientific"), ("1" * 21, "prefix_too_long")],
)  # fmt: skip
def test_no_prefix(cell, code):
    with pytest.raises(Unreadable, match=code):
        read_prefix(cell)


@pytest.mark.parametrize(
    ("cell", "call_class"),
    [("LC", "lc"), ("ldn", "ldn"), ("Vc1", "vc1"), ("VC1: móvel", "vc1"),
     ("Local", "lc"), ("Internacional", "ldi"), ("", None), ("Todas", None),
     ("*", None), ("Grátis", "free")],
)  # fmt: skip
def test_a_class(cell, call_class):
    assert read_class(cell) == call_class


def test_an_unknown_class_is_refused():
    for cell in ("VC4", "lcd", 7):
        with pytest.raises(Unreadable, match="class_unknown"):
            read_class(cell)


@pytest.mark.parametrize(
    "cell",
    ["01/02/2026", "1/2/2026", "01-02-2026", "2026-02-01", "2026-02-01 00:00:00",
     date(2026, 2, 1)],
)  # fmt: skip
def test_a_date(cell):
    assert read_date(cell) == date(2026, 2, 1)


@pytest.mark.parametrize(
    "cell",
    ["31/02/2026", "12/31/2026", "1/2/26", "0000-01-01", "46054", 46054,
     datetime(2026, 2, 1, 5).isoformat(), "amanhã"],
)  # fmt: skip
def test_no_date(cell):
    with pytest.raises(Unreadable, match="not_a_date"):
        read_date(cell)


def test_whole_seconds():
    assert [read_integer(cell) for cell in (30, 30.0, "30", " 30 s")] == [30] * 4
    for cell, code in ((1.5, "not_whole"), ("x", "not_whole"), (2**31, "too_large")):
        with pytest.raises(Unreadable, match=code):
            read_integer(cell)
