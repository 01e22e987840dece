"""An allowance from the platform's calls to the invoice, and two runs at once."""

from functools import partial

from .world import at_once

CALL_SECONDS = 60


def give(world, minutes, **values):
    world.odoo.call(
        "saperx.tariff",
        "write",
        [world.tariff],
        {"allowance_ids": [(0, 0, {"quantity": minutes, **values})]},
    )


def charge_at_once(world, count=4):
    """So many runs at the same time; those that find nothing left say so."""
    wizards = [world.charge_wizard() for _ in range(count)]
    outcomes = at_once(
        *(
            partial(
                world.odoo.call, "saperx.charge.wizard", "action_generate", [wizard]
            )
            for wizard in wizards
        )
    )
    assert None in outcomes


def covered_seconds(world):
    return sum(call["covered_seconds"] for call in world.calls())


def test_an_import_shows_what_is_covered_and_the_invoice_has_the_rest(world):
    give(world, 2)
    contract = world.contract()
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(number, line) for number in range(3)])
    world.import_calls()
    amounts = {call["remote_id"]: call["charged_amount"] for call in world.calls()}
    assert [amount for _key, amount in sorted(amounts.items())] == [0, 0, 0.12]
    world.charge()
    world.odoo.call("contract.contract", "recurring_create_invoice", [contract])
    # OCA's scheduled action may have made an invoice of the fee meanwhile.
    total = sum(move["amount_total"] for move in world.moves(contract))
    assert round(total, 2) == 100.12


def test_a_call_that_comes_late_in_order_takes_its_place_while_nothing_is_charged(
    world,
):
    give(world, 1)
    line = world.line(world.contract())
    world.wait_synced(line)
    world.sandbox.add_calls([world.record("b", line)])
    world.import_calls()
    world.sandbox.add_calls([world.record("a", line, inicio=f"{world.first} 10:00:00")])
    world.import_calls()
    amounts = {call["remote_id"]: call["charged_amount"] for call in world.calls()}
    assert amounts == {f"{world.name}-a": 0, f"{world.name}-b": 0.12}


def test_runs_at_once_draw_no_second_twice(world):
    give(world, 30, is_shared=True)
    contract = world.contract()
    lines = [world.line(contract) for _ in range(3)]
    world.wait_synced(*lines)

    def add_calls(part):
        world.sandbox.add_calls(
            [
                world.record(f"{part}-{n}-{line}", line, tempo_real=CALL_SECONDS)
                for line in lines
                for n in range(8)
            ]
        )
        world.import_calls()

    add_calls("first")
    charge_at_once(world)
    assert covered_seconds(world) == 24 * CALL_SECONDS
    # Late: six minutes are left for all three.
    add_calls("late")
    charge_at_once(world)
    assert covered_seconds(world) == 30 * 60
    assert {call["state"] for call in world.calls()} == {"billed"}
    assert round(sum(call["charged_amount"] for call in world.calls()), 2) == 2.16
