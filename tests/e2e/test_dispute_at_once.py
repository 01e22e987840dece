"""Disputes and fees of numbers when two people, or a person and a run, come at once."""

from functools import partial

from .world import at_once


def with_calls(world, customer):
    """:return: ids of a contract and its line, with three calls to charge"""
    contract = world.contract(customer)
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(number, line) for number in range(3)])
    world.import_calls()
    return contract, line


def call_ids(world):
    return sorted(call["id"] for call in world.calls())


def open_dispute(world, call):
    return world.odoo.create(
        "saperx.dispute",
        {"reason": "price", "call_ids": [(0, 0, {"call_id": call})]},
    )


def test_a_call_disputed_while_it_is_charged_is_never_invoiced_undecided(world):
    contract, _line = with_calls(world, "Contesta na hora")
    first = call_ids(world)[0]
    wizards = [world.charge_wizard() for _ in range(2)]
    generate = partial(world.odoo.call, "saperx.charge.wizard", "action_generate")
    at_once(
        *(partial(generate, [wizard]) for wizard in wizards),
        partial(open_dispute, world, first),
    )
    [dispute] = world.odoo.search_read(
        "saperx.dispute", [("call_ids.call_id", "=", first)], ["state"]
    )
    assert dispute["state"] == "open"
    call = next(call for call in world.calls() if call["id"] == first)
    assert call["state"] in ("disputed", "billed")
    world.odoo.call("contract.contract", "recurring_create_invoice", [contract])
    charges = world.odoo.search_read(
        "saperx.charge",
        [("contract_id", "=", contract), ("state", "!=", "cancelled")],
        ["state", "is_disputed", "call_count"],
    )
    held = call["state"] == "billed"
    assert [charge["is_disputed"] for charge in charges] == [held]
    assert charges[0]["state"] == ("confirmed" if held else "invoiced")
    assert charges[0]["call_count"] == (3 if held else 2)


def test_two_people_accept_a_dispute_at_once_and_one_credit_is_made(world):
    contract, _line = with_calls(world, "Aceita duas vezes")
    world.charge()
    world.odoo.call("contract.contract", "recurring_create_invoice", [contract])
    moves = [move["id"] for move in world.moves(contract)]
    world.odoo.call("account.move", "action_post", moves)
    dispute = open_dispute(world, call_ids(world)[0])
    accept = partial(world.odoo.call, "saperx.dispute", "action_accept", [dispute])
    outcomes = at_once(accept, accept, accept)
    assert sorted(map(bool, outcomes)) == [False, True, True]
    credits = world.odoo.search_read(
        "account.move", [("saperx_dispute_id", "=", dispute)], ["amount_total", "state"]
    )
    assert [(c["amount_total"], c["state"]) for c in credits] == [(0.12, "draft")]


def test_a_call_is_disputed_once_though_two_people_do_so_at_once(world):
    with_calls(world, "Contesta duas vezes")
    first = call_ids(world)[0]
    outcomes = at_once(*(partial(open_dispute, world, first) for _ in range(3)))
    assert sorted(map(bool, outcomes)) == [False, True, True]


def test_two_people_add_the_fee_of_a_number_at_once_and_one_is_made(world):
    contract = world.contract("Mensalidade uma vez")
    line = world.line(contract)
    [did] = world.odoo.search_read("saperx.did", [("line_id", "=", line)], ["id"])
    world.odoo.write("saperx.did", [did["id"]], {"monthly_fee": 10})
    add = partial(world.odoo.call, "saperx.did", "action_create_fee_lines", [did["id"]])
    assert at_once(add, add, add) == [None] * 3
    fees = world.odoo.search_read(
        "contract.line",
        [("contract_id", "=", contract), ("is_did_fee", "=", True)],
        ["price_unit"],
    )
    assert [fee["price_unit"] for fee in fees] == [10]
