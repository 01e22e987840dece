"""Files and rates that the tests of rate files share."""

import io
from datetime import date
from decimal import Decimal

import openpyxl
from hypothesis import strategies as st
from rate_file.const import DEFAULTS

CLASSES = (
    None, "lc", "ldn", "ldi", "vc1", "vc2", "vc3", "free", "special", "internal",
    "unknown",
)  # fmt: skip


def workbook(*lines) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def rate_values(prefix="", call_class=None, price="0.10", **values) -> dict:
    return {
        **DEFAULTS,
        "prefix": prefix,
        "call_class": call_class,
        "price_per_minute": Decimal(price),
        **values,
    }


prices = st.integers(0, 10**12 - 1).map(lambda micros: Decimal(micros).scaleb(-6))
seconds = st.integers(0, 3600)
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@st.composite
def rates(draw):
    first, last = draw(st.none() | days), draw(st.none() | days)
    if first and last and last < first:
        first, last = last, first
    return {
        "prefix": draw(st.text("0123456789", max_size=12)),
        "call_class": draw(st.sampled_from(CLASSES)),
        "price_per_minute": draw(prices),
        "connection_fee": draw(prices),
        "minimum_seconds": draw(seconds),
        "step_seconds": draw(st.integers(1, 60)),
        "discard_seconds": draw(seconds),
        "cost_per_minute": draw(prices),
        "date_from": first,
        "date_to": last,
        "sequence": draw(st.integers(-1000, 1000)),
    }
