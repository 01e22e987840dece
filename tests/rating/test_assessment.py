"""A call is assessed by the tables that it is given."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from rating import (
    Assessor,
    Directory,
    Fact,
    Holding,
    LineKeys,
    NumberHolding,
    Rate,
    Services,
    Tariff,
)

OWN = "551133334444"
START = datetime(2026, 6, 21, 2, 30)
"""Half past eleven of 20 June in São Paulo: the day before DDD 11 became local."""


def assess(callee, platform_class=None, start=START, **tables):
    assessor = Assessor(
        Directory(
            [LineKeys(1, 7, None)],
            [Holding(1, 1, 1, 1, 1, 31, False, None, None)],
            [NumberHolding(OWN, 1, None, None, is_main=True)],
        ),
        {1: Tariff(1, [Rate(1, 1, "", None, Decimal("0.1"), Decimal(0), 30, 6, 3)])},
        ZoneInfo("America/Sao_Paulo"),
        **tables,
    )
    return assessor.assess(
        Fact(
            line_remote_id=7,
            account_code=None,
            direction="outgoing",
            is_collect=False,
            answered=True,
            caller=OWN,
            callee=callee,
            start=start,
            talk_seconds=60,
            platform_class=platform_class,
            platform_amount=None,
            platform_seconds=None,
        )
    )


@pytest.mark.parametrize(
    ("services", "call_class", "state"),
    [
        ({}, "lc", "unbilled"),
        ({"22221111": "free"}, "free", "not_chargeable"),
        ({"2222*": "special"}, "special", "unbilled"),
    ],
)
def test_services_are_those_that_it_is_given(services, call_class, state):
    assessment = assess("22221111", services=Services(services))
    assert assessment.own_class == assessment.call_class == call_class
    assert assessment.rated.state == state


def test_without_tables_the_defaults_count():
    assert assess("190").call_class == "free"
    assert assess("22221111", "ldn").call_class == "ldn"
    later = START.replace(hour=3)
    assert assess("22221111", "ldn", start=later).call_class == "lc"


@pytest.mark.parametrize(
    ("local_since", "call_class"),
    [
        ({"11": date(2026, 6, 21)}, "ldn"),
        ({"11": date(2026, 6, 20)}, "lc"),
        ({"12": date(2026, 6, 21)}, "lc"),
        ({}, "lc"),
    ],
)
def test_the_days_are_those_that_it_is_given(local_since, call_class):
    assessment = assess("22221111", "ldn", local_since=local_since)
    assert (assessment.own_class, assessment.call_class) == ("lc", call_class)
    # Never those of another DDD.
    assert assess("1222221111", "ldn", local_since=local_since).call_class == "ldn"
