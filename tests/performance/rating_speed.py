"""Calls rated per second on one core: ``python tests/performance/rating_speed.py``.

One call is: number read, class computed and ruled, rate chosen, amount cut. Three mixes
of the same 200,000 calls: every number new (no cache can help), a month as customers
make it (80 % of the calls go to a fifth of the numbers), and every number seen before.
The best of five runs counts: the others measure what else the machine did.
"""

import random
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "saperx_voip"))

from rating import AREA_CODES, Rate, Tariff, classify, normalise, rate_call, rule_class
from rating.numbering import _normalise

CALLS = 200_000
RUNS = 5
GOAL = 150_000
TODAY = date(2026, 7, 1)
AREA = "11"


def make_tariff() -> Tariff:
    """Rates as a provider has them: one a class, some prefixes, a default."""
    prices = {"lc": "0.05", "ldn": "0.12", "vc1": "0.35", "vc2": "0.42", "vc3": "0.45"}
    names = [("", call_class, price) for call_class, price in prices.items()]
    names += [(prefix, None, "0.90") for prefix in ("1", "351", "54", "5511", "40")]
    names += [("4004", "special", "0.06"), ("", None, "1.20")]
    return Tariff(
        1,
        [
            Rate(n, n, prefix, call_class, Decimal(price), Decimal(0), 30, 6, 3)
            for n, (prefix, call_class, price) in enumerate(names, 1)
        ],
    )


def make_number(rng: random.Random) -> str:
    area = rng.choice(sorted(AREA_CODES))
    mobile = f"9{rng.randrange(10_000_000, 99_999_999)}"
    fixed = f"{rng.randrange(20_000_000, 59_999_999)}"
    forms = [
        *(f"55{AREA}{mobile}", f"55{area}{mobile}", f"0{area}{mobile}", mobile) * 2,
        *(f"55{AREA}{fixed}", f"0{area}{fixed}", f"021{area}{fixed}", fixed) * 2,
        f"0800{rng.randrange(1_000_000, 9_999_999)}",
        f"4004{rng.randrange(1000, 9999)}",
        f"001{rng.randrange(2_000_000_000, 9_999_999_999)}",
        f"+{area} {fixed}",
    ]
    return rng.choice(forms)


def make_mixes(rng: random.Random) -> dict[str, list[str]]:
    distinct = list(dict.fromkeys(make_number(rng) for _ in range(CALLS * 2)))[:CALLS]
    people = distinct[:40_000]
    often = people[:8_000]
    return {
        "every number new": distinct,
        "a month's habit": [
            rng.choice(often if rng.random() < 0.8 else people) for _ in range(CALLS)
        ],
        "every number known": [rng.choice(often) for _ in range(CALLS)],
    }


def rate_all(numbers: list[str], seconds: list[int], tariff: Tariff) -> float:
    """Seconds that it takes."""
    begin = time.perf_counter()
    for dialled, talk_seconds in zip(numbers, seconds, strict=True):
        number = normalise(dialled, AREA)
        own_class = classify(number, area_code=AREA, on=TODAY)
        call_class = rule_class(None, own_class, number, area_code=AREA, on=TODAY)
        rate_call(
            tariff,
            prepaid=False,
            direction="outgoing",
            answered=True,
            is_collect=number.is_collect,
            call_class=call_class,
            digits=number.digits,
            talk_seconds=talk_seconds,
            local_date=TODAY,
            platform_amount=None,
        )
    return time.perf_counter() - begin


def measure() -> dict[str, tuple[float, float]]:
    """Calls per second on one core, and the share of cache hits, by mix."""
    rng = random.Random(1)
    tariff = make_tariff()
    seconds = [int(rng.expovariate(1 / 150)) for _ in range(CALLS)]
    speeds = {}
    for name, numbers in make_mixes(rng).items():
        best, hits = float("inf"), 0.0
        for _ in range(RUNS):
            _normalise.cache_clear()
            if name == "every number known":
                rate_all(numbers, seconds, tariff)
            before = _normalise.cache_info()
            took = rate_all(numbers, seconds, tariff)
            hits = (_normalise.cache_info().hits - before.hits) / CALLS
            best = min(best, took)
        speeds[name] = CALLS / best, hits
    return speeds


if __name__ == "__main__":
    for name, (speed, hits) in measure().items():
        print(f"{speed:>12,.0f} calls/s  {name} ({hits:.0%} from the cache)")
