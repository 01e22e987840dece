"""The core against a second implementation of §5, which shares no code with it."""

from collections import Counter
from datetime import timedelta
from fractions import Fraction
from random import Random

import naive
import pytest
import random_world as world

CASES = 10_000
BLOCKS = 20
STATES = {"rated": "unbilled", "unrated": "unrated", "nothing": "not_chargeable"}


def seeds_of(block):
    return range(block, CASES, BLOCKS)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_single_calls(block):
    seen = Counter()
    for seed in seeds_of(block):
        random = Random(f"call {seed}")
        day, zone = random.choice(world.FIRST_DAYS), random.choice(world.ZONES)
        tariff = random.choice((world.make_tariff(random, 1, day),) * 20 + (None,))
        core_tariff = world.core_tariff(tariff)
        for number in range(5):
            start = world.make_moment(random, day + timedelta(30 * number), zone)
            call = world.make_call(random, str(number), 1, start)
            prepaid = random.random() < 0.05
            expected = naive.rate_one(tariff, prepaid, call, zone)
            found = world.core_rated(core_tariff, prepaid, call, zone)
            seen[found.state] += 1
            assert (
                found.state,
                found.rate_id,
                found.charged_seconds,
                Fraction(found.gross_amount),
            ) == (
                STATES[expected["state"]],
                expected["rate"] and expected["rate"]["id"],
                expected["seconds"],
                expected["gross"],
            ), f"seed {seed}, call {number}"
    assert min(seen[state] for state in STATES.values()) > 100


def differences(history):
    """What the two make of one history, run by run, where they differ."""
    one, other = naive.Book(history["lines"]), world.CoreBook(history["lines"])
    for number, now in enumerate(history["runs"]):
        calls = [call for arrives, call in history["arrivals"] if arrives <= now]
        expected = {
            each["call"]["id"]: {
                "cycle_end": each["last"],
                "seconds": each["seconds"],
                "gross": each["gross"],
                "amount": each["amount"],
                "covered_seconds": each["covered_seconds"],
                "uses": sum_by_allowance(each["uses"]),
            }
            for each in one.run(now, calls)
        }
        found = {
            call_id: {
                "cycle_end": call.cycle_end,
                "seconds": call.charged_seconds,
                "gross": Fraction(call.gross),
                "amount": Fraction(drawn.charged_amount),
                "covered_seconds": drawn.covered_seconds,
                "uses": dict(drawn.uses),
            }
            for call_id, (call, drawn) in other.run(now, calls).items()
        }
        for key, balance in other.past().items():
            # What is left; the naive one knows it of what was drawn on or carried.
            is_shared = balance.allowance.is_shared
            holder = ("contract" if is_shared else "stretch", key.holder_id)
            left = one.balances.get((key.allowance_id, holder, key.cycle_end))
            if left is not None:
                parts = 1 if balance.allowance.unit == "minutes" else 100
                expected[key] = left["own"] * parts, left["carried"] * parts
                found[key] = balance.own_left, balance.carried_left
        if found != expected:
            return number, found, expected
    return None


def sum_by_allowance(uses):
    """Whole seconds or centavos by allowance, as the core has them."""
    summed = Counter()
    for allowance, _part, quantity in uses:
        in_minutes = allowance["unit"] == "minutes"
        summed[allowance["id"]] += quantity if in_minutes else quantity * 100
    return dict(summed)


@pytest.mark.parametrize("block", range(BLOCKS))
def test_histories(block):
    for seed in seeds_of(block):
        assert differences(world.make_history(Random(f"history {seed}"))) is None, seed
