"""Charging and invoicing by two servers at once, and one of them killed: no call is
charged twice, and none is forgotten."""

import os
import random
import threading
import time
from functools import partial

import pytest
from demo.client import OdooClient, OdooError

from .world import at_once

LINES = 6
CALLS_OF_A_LINE = 30
KILLS = 3
SEED = int(os.environ.get("MONEY_SEED", "1"))


@pytest.fixture
def second(second_server):
    return OdooClient(second_server.url, second_server.database, "admin", "admin")


@pytest.fixture
def charged_later(world):
    """Calls of six lines on three contracts, which wait to be charged; half of the
    lines under an allowance. :return: the contracts"""
    contracts = [world.contract(f"Customer {n}") for n in range(3)]
    generous = world.odoo.create(
        "saperx.tariff",
        {
            "name": f"{world.name} with minutes",
            "rate_ids": [(0, 0, {"price_per_minute": 0.12})],
            "allowance_ids": [(0, 0, {"unit": "minutes", "quantity": 10})],
        },
    )
    lines = [
        world.line(contracts[n % 3], **({"tariff_id": generous} if n % 2 else {}))
        for n in range(LINES)
    ]
    world.wait_synced(*lines)
    circuits = {line: world.circuit(line) for line in lines}
    world.sandbox.add_calls(
        [
            world.record_of(circuits[line], f"{line}-{n}")
            for line in lines
            for n in range(CALLS_OF_A_LINE)
        ]
    )
    world.import_calls()
    return contracts


# 30 calls of R$ 0.12 each; of the generous plan, ten minutes are free.
EXPECTED = LINES // 2 * (30 * 12 + 20 * 12)


def _charge(world, client):
    wizard = client.create(
        "saperx.charge.wizard", {"integration_id": world.integration}
    )
    client.call("saperx.charge.wizard", "action_generate", [wizard])


def _check_charges(world):
    """As they stand at any moment."""
    wrong = world.sql(
        "SELECT charge.id FROM saperx_charge AS charge"
        " LEFT JOIN saperx_cdr AS call ON call.charge_id = charge.id"
        f" WHERE charge.integration_id = {world.integration}"
        " AND charge.state <> 'cancelled'"
        " GROUP BY charge.id HAVING charge.call_count <> count(call.id)"
        " OR charge.amount <> coalesce(sum(call.charged_amount), 0)"
    )
    assert not wrong
    astray = world.sql(
        f"SELECT id FROM saperx_cdr WHERE integration_id = {world.integration}"
        " AND (state = 'billed') <> (charge_id IS NOT NULL)"
    )
    assert not astray


def _charged_centavos(world):
    (found,) = world.sql(
        "SELECT coalesce(sum(amount) * 100, 0)::int FROM saperx_charge"
        f" WHERE integration_id = {world.integration} AND state <> 'cancelled'"
    )
    return int(found)


def _waiting_calls(world):
    (found,) = world.sql(
        f"SELECT count(*) FROM saperx_cdr WHERE integration_id = {world.integration}"
        " AND state <> 'billed'"
    )
    return int(found)


def _invoiced_centavos(world):
    """Each charge on one invoice: a second one would be counted too."""
    (found,) = world.sql(
        "SELECT coalesce(sum(item.price_total) * 100, 0)::int"
        " FROM account_move_line AS item"
        " JOIN saperx_charge AS charge ON charge.id = item.saperx_charge_id"
        f" WHERE charge.integration_id = {world.integration}"
        " AND item.parent_state <> 'cancel'"
    )
    return int(found)


def test_two_servers_charge_at_once(world, second, charged_later):
    troubles = at_once(
        *(partial(_charge, world, client) for client in (world.odoo, second) * 2)
    )
    assert troubles.count(None) >= 1
    _check_charges(world)
    assert _waiting_calls(world) == 0
    assert _charged_centavos(world) == EXPECTED


def test_two_servers_invoice_at_once(world, second, charged_later):
    _charge(world, world.odoo)

    def press(client, contract):
        client.call("contract.contract", "action_invoice_telephony", [contract])

    clients = (world.odoo, second)
    at_once(
        *(partial(press, client, one) for one in charged_later for client in clients)
    )
    assert _invoiced_centavos(world) == EXPECTED
    assert len([move for one in charged_later for move in world.moves(one)]) == 3


def test_killed_while_it_charges_and_invoices_it_loses_nothing(
    world, second_server, charged_later
):
    rng = random.Random(SEED)
    print(f"MONEY_SEED={SEED}")
    for work in (_charge, _invoice):
        for _kill in range(KILLS):
            second = OdooClient(
                second_server.url, second_server.database, "admin", "admin"
            )
            thread = threading.Thread(target=_until_it_dies, args=(work, world, second))
            thread.start()
            time.sleep(rng.uniform(0, 0.6))
            second_server.kill()
            thread.join()
            _check_charges(world)
            second_server.start()
        _until_it_dies(work, world, world.odoo)
    assert _waiting_calls(world) == 0
    assert _charged_centavos(world) == EXPECTED
    assert _invoiced_centavos(world) == EXPECTED


def _invoice(world, client):
    contracts = client.search_read(
        "saperx.charge", [("integration_id", "=", world.integration)], ["contract_id"]
    )
    for contract in sorted({found["contract_id"][0] for found in contracts}):
        try:
            client.call("contract.contract", "action_invoice_telephony", [contract])
        except OdooError:
            continue  # it was invoiced already


def _until_it_dies(work, world, client):
    try:
        work(world, client)
    except (OdooError, OSError):
        return  # or there was nothing left to do
