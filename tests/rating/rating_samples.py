"""What several tests of the core rate."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st
from rating import Rate

TODAY = date(2026, 7, 1)


def make_rate(**values):
    return Rate(
        **{
            "id": 1,
            "sequence": 10,
            "prefix": "",
            "call_class": None,
            "price_per_minute": Decimal("0.10"),
            "connection_fee": Decimal(0),
            "minimum_seconds": 30,
            "step_seconds": 6,
            "discard_seconds": 3,
            **values,
        }
    )


def cents(maximum, places):
    return st.decimals(0, maximum, places=places, allow_nan=False)
