"""Two servers invoice the same charges at the same moment."""

from contextlib import suppress
from functools import partial

from demo.client import OdooClient, OdooError

from .world import at_once


def make_charges(world, count):
    """:return: contracts with a charge each"""
    contracts = [world.contract(f"Ao mesmo tempo {n}") for n in range(count)]
    lines = [world.line(contract) for contract in contracts]
    world.wait_synced(*lines)
    world.sandbox.add_calls([world.record(n, line) for n, line in enumerate(lines)])
    world.import_calls()
    world.charge()
    return contracts


def test_two_servers_invoice_each_charge_once(world, server, second_server):
    contracts = make_charges(world, 3)
    other = OdooClient(second_server.url, server.database, "admin", "admin")
    press = [
        partial(client.call, "contract.contract", method, [contract])
        for contract in contracts
        for client, method in (
            (world.odoo, "recurring_create_invoice"),
            (other, "action_invoice_telephony"),
        )
    ]
    at_once(*press)
    crons = [
        client.ref(name)
        for client, name in (
            (world.odoo, "contract.contract_cron_for_invoice"),
            (other, "saperx_voip.ir_cron_invoice_telephony"),
        )
    ]
    # What came too late finds nothing, or another's work.
    at_once(
        partial(world.odoo.call, "ir.cron", "method_direct_trigger", [crons[0]]),
        partial(other.call, "ir.cron", "method_direct_trigger", [crons[1]]),
    )
    for contract in contracts:
        with suppress(OdooError):
            world.odoo.call("contract.contract", "action_invoice_telephony", [contract])
    charges = world.odoo.search_read(
        "saperx.charge",
        [("integration_id", "=", world.integration)],
        ["state", "move_line_ids"],
    )
    assert len(charges) == 3
    assert {charge["state"] for charge in charges} == {"invoiced"}
    assert [len(charge["move_line_ids"]) for charge in charges] == [1, 1, 1]
    for contract in contracts:
        total = sum(move["amount_total"] for move in world.moves(contract))
        # Its fee once or, pressed before the scheduled action, for the next month too.
        assert round(total % 100, 2) == 0.12
