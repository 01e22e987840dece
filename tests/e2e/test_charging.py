"""Charging on real servers: two at once, one that dies, a task that runs by itself."""

import threading
from contextlib import closing, suppress
from functools import partial

import psycopg2
import pytest
from demo.client import OdooClient
from environment import postgres

from .world import at_once

CALLS = 12


@pytest.fixture
def charged_world(world):
    """A closed month of three lines, imported."""
    lines = [world.line(world.contract(f"Customer {n}")) for n in range(3)]
    world.wait_synced(*lines)
    world.sandbox.add_calls(
        [world.record(f"{line}-{n}", line) for line in lines for n in range(CALLS)]
    )
    world.charged_lines = lines
    return world


def check_each_call_once(world):
    charges = world.odoo.search_read(
        "saperx.charge",
        [("integration_id", "=", world.integration)],
        ["line_id", "call_count", "amount", "state"],
    )
    assert sorted(charge["line_id"][0] for charge in charges) == world.charged_lines
    assert {charge["call_count"] for charge in charges} == {CALLS}
    assert {charge["amount"] for charge in charges} == {1.44}
    calls = world.calls()
    assert {call["state"] for call in calls} == {"billed"}
    assert {call["charge_id"][0] for call in calls} == {
        charge["id"] for charge in charges
    }


def connect(database):
    environment = postgres.client_environment()
    return psycopg2.connect(
        dbname=database,
        host=environment["PGHOST"],
        port=environment["PGPORT"],
        user=environment["PGUSER"],
        password=environment["PGPASSWORD"],
    )


def test_two_servers_at_once_charge_each_call_once(
    charged_world, server, second_server
):
    world = charged_world
    world.import_calls()
    second = OdooClient(second_server.url, server.database, "admin", "admin")
    outcomes = at_once(
        *(
            partial(
                odoo.call,
                "saperx.charge.wizard",
                "action_generate",
                [world.charge_wizard()],
            )
            for odoo in (world.odoo, second, world.odoo, second)
        )
    )
    assert None in outcomes
    check_each_call_once(world)


def test_a_server_that_dies_while_it_charges_leaves_nothing_half_done(
    charged_world, server, second_server
):
    world = charged_world
    world.import_calls()
    second = OdooClient(second_server.url, server.database, "admin", "admin")
    wizard = world.charge_wizard()

    def charge():
        # The connection breaks.
        with suppress(Exception):
            second.call("saperx.charge.wizard", "action_generate", [wizard])

    with closing(connect(world.database)) as somebody:
        # Who keeps one of the calls, so that the stamping of them all waits.
        cursor = somebody.cursor()
        cursor.execute(
            "SELECT id FROM saperx_cdr WHERE integration_id = %s"
            " ORDER BY id DESC LIMIT 1 FOR UPDATE",
            [world.integration],
        )
        charging = threading.Thread(target=charge)
        charging.start()
        world.wait(
            "the calls are being stamped",
            lambda: (
                world.sql(
                    "SELECT count(*) FROM pg_stat_activity"
                    " WHERE wait_event_type = 'Lock'"
                    " AND query LIKE '%UPDATE saperx_cdr AS call%'"
                )
                == ["1"]
            ),
        )
        second_server.kill()
        charging.join()
    assert {call["state"] for call in world.calls()} == {"unbilled"}
    world.charge()
    check_each_call_once(world)


def test_a_task_charges_by_itself_what_an_import_made_ripe(charged_world):
    world = charged_world
    task = world.odoo.create(
        "saperx.schedule",
        {
            "integration_id": world.integration,
            "task": "charge",
            "minute": "0",
            "hour": "3",
            "day": "1",
            "month": "1",
        },
    )
    world.import_calls()
    world.wait_for_workers(
        "the task is done",
        lambda: world.odoo.read("saperx.schedule", task)["last_state"] == "done",
    )
    check_each_call_once(world)
    (run,) = world.odoo.search_read(
        "saperx.charging", [("schedule_id", "=", task)], ["charge_count", "state"]
    )
    assert (run["charge_count"], run["state"]) == (3, "done")
