"""A price that means one thing or a thousand times that is never guessed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rate_file import THREE_DIGITS, read
from rate_file.values import Unreadable, read_money
from rate_file_samples import workbook

SYMBOLS = st.sampled_from([(",", "."), (".", ",")])
"""The decimal symbol of a file, and the other one."""
WHOLES = st.integers(1, 999)
THREE = st.integers(0, 999)
PLAIN = "0{}09"


def price_file(decimal, *prices):
    return "\n".join(["price", PLAIN.format(decimal), *prices, ""]).encode()


@given(SYMBOLS, WHOLES, THREE, st.sampled_from(["{}", "R$ {}", "'{}", " {} "]))
def test_three_digits_behind_the_other_sign_are_refused_with_both_readings(
    symbols, whole, three, form
):
    decimal, other = symbols
    text = form.format(f"{whole}{other}{three:03}")
    with pytest.raises(Unreadable, match="ambiguous") as caught:
        read_money(text, decimal)
    thousands, fraction = caught.value.readings
    assert thousands == whole * 1000 + three
    assert fraction == whole + Decimal(three) / 1000
    assert [read_money(text, decimal, each) for each in THREE_DIGITS] == [
        thousands,
        fraction,
    ]


@given(SYMBOLS, st.integers(0, 999_999), st.integers(0, 999_999), st.booleans())
def test_any_other_way_to_write_a_price_asks_nothing(
    symbols, whole, micros, is_grouped
):
    decimal, other = symbols
    digits = f"{whole:,}".replace(",", other) if is_grouped else str(whole)
    text = f"{digits}{decimal}{micros:06}"
    price = whole + Decimal(micros).scaleb(-6)
    for choice in (None, *THREE_DIGITS):
        assert read_money(text, decimal, choice) == price
        assert read_money(f"{whole}{decimal}{micros:06}", decimal, choice) == price
        assert read_money(str(whole), decimal, choice) == whole


@given(SYMBOLS, WHOLES, THREE, st.integers(0, 5), st.integers(0, 5))
def test_a_file_with_one_such_price_waits_for_the_choice(
    symbols, whole, three, before, after
):
    decimal, other = symbols
    plain = PLAIN.format(decimal)
    text = f"{whole}{other}{three:03}"
    content = price_file(decimal, *[plain] * before, text, *[plain] * after)
    found = read(content)
    assert found.decimal == decimal
    (problem,) = found.problems
    assert (problem.line, problem.column, problem.code, problem.value) == (
        before + 3,
        "price_per_minute",
        "ambiguous",
        text,
    )
    assert len(found.rows) == 1 + before + after
    for choice, price in zip(THREE_DIGITS, problem.readings, strict=True):
        chosen = read(content, three_digits=choice)
        assert not chosen.problems
        assert chosen.rows[before + 1].values["price_per_minute"] == price


def test_a_decimal_symbol_that_a_person_chose_says_nothing_of_the_other_sign():
    (problem,) = read(b"price\n1.500\n", decimal=",").problems
    assert problem.readings == (Decimal(1500), Decimal("1.5"))
    assert not read(b"price\n1.500\n", decimal=".").problems


def test_every_column_of_money_is_asked_about():
    content = b"price;connection;cost\n0,09;1.500;2.250\n"
    assert [
        (problem.column, problem.readings) for problem in read(content).problems
    ] == [
        ("connection_fee", (Decimal(1500), Decimal("1.5"))),
        ("cost_per_minute", (Decimal(2250), Decimal("2.25"))),
    ]


def test_a_zero_before_the_sign_makes_no_thousands():
    content = price_file(",", "0.500", "1.500")
    codes = [problem.code for problem in read(content, decimal=",").problems]
    assert codes == ["not_a_number", "ambiguous"]
    (problem,) = read(content, decimal=",", three_digits="thousands").problems
    assert (problem.line, problem.code) == (3, "not_a_number")
    rows = read(content, decimal=",", three_digits="decimal").rows
    assert [row.values["price_per_minute"] for row in rows] == [
        Decimal("0.09"),
        Decimal("0.5"),
        Decimal("1.5"),
    ]


def test_a_number_of_a_spreadsheet_is_what_it_is_and_its_text_is_asked_about():
    found = read(workbook(["price"], [1.5], [1500], ["0,09"], ["1.500"]))
    assert [row.values["price_per_minute"] for row in found.rows] == [
        Decimal("1.5"),
        Decimal(1500),
        Decimal("0.09"),
    ]
    assert [(one.line, one.code) for one in found.problems] == [(5, "ambiguous")]
