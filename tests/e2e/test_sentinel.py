"""The sentinel on a real server's workers, against a real platform."""

from datetime import UTC, datetime, timedelta
from threading import Thread
from zoneinfo import ZoneInfo

import pytest
from demo.client import OdooClient, OdooError

from .browser import log_in

ZONE = ZoneInfo("America/Sao_Paulo")
JAMAICA = "0018765551234"


@pytest.fixture
def sentinel(world):
    """The one of the world's integration: a line may cost R$ 50 within an hour."""
    (found,) = world.odoo.search_read(
        "saperx.sentinel",
        [("integration_id", "=", world.integration), ("active", "=", False)],
        ["id"],
    )
    world.odoo.write(
        "saperx.sentinel",
        [found["id"]],
        {
            "active": True,
            "sentinel_hour_amount": 50,
            "sentinel_day_amount": 0,
            "sentinel_habit_factor": 0,
        },
    )
    return found["id"]


def burst(world, line, first, count=3, **changes):
    """Calls of some minutes ago, each of which costs R$ 30."""
    begun = datetime.now(ZONE) - timedelta(minutes=20)
    return [
        world.record(
            number,
            line,
            inicio=f"{begun + timedelta(seconds=number % 600):%Y-%m-%d %H:%M:%S}",
            destino=JAMAICA,
            tipo="LDI",
            valor_cobrado="30.00",
            **changes,
        )
        for number in range(first, first + count)
    ]


def make_line(world):
    line = world.line(world.contract(), allow_ldi=True)
    world.wait_synced(line)
    return line


def alerts(world, line):
    return world.odoo.search_read(
        "saperx.fraud.alert", [("line_id", "=", line)], order="id"
    )


def read_now(world, sentinel):
    """Let a worker read. :return: the sentinel afterwards"""
    before = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    world.odoo.call("saperx.sentinel", "action_read_now", [sentinel])

    def has_read():
        found = world.odoo.read("saperx.sentinel", sentinel)
        until = found["read_until"] or "2000-01-01 00:00:00"
        is_new = datetime.fromisoformat(until) >= before
        return (found["last_error"] or is_new) and found

    return world.wait("the sentinel has read", has_read)


def test_a_burst_blocks_the_line_on_the_platform_within_one_reading(world, sentinel):
    world.odoo.write("saperx.sentinel", [sentinel], {"sentinel_action": "line"})
    line, other = make_line(world), make_line(world)
    world.sandbox.add_calls(burst(world, line, 1) + burst(world, other, 11, count=1))
    read_now(world, sentinel)
    world.wait(
        "the line is blocked on the platform",
        lambda: world.circuit(line)["status"] == "bloqueado",
    )
    (alert,) = alerts(world, line)
    assert (alert["rule"], alert["figure"], alert["done"]) == ("hour", 90, "line")
    assert not alerts(world, other)
    assert world.circuit(other)["status"] == "ativo"
    assert not world.calls()
    assert not world.odoo.read("saperx.integration", world.integration)[
        "imported_until"
    ]


def test_international_calls_are_taken_on_the_platform_and_given_back(world, sentinel):
    world.odoo.write(
        "saperx.sentinel", [sentinel], {"sentinel_action": "international"}
    )
    line = make_line(world)
    assert world.circuit(line)["ldi"]
    world.sandbox.add_calls(burst(world, line, 1))
    read_now(world, sentinel)
    world.wait("they are taken", lambda: not world.circuit(line)["ldi"])
    assert world.circuit(line)["status"] == "ativo"
    (alert,) = alerts(world, line)
    wizard = world.odoo.create(
        "saperx.fraud.alert.wizard",
        {"alert_id": alert["id"], "note": "He called his family", "undo": True},
    )
    world.odoo.call("saperx.fraud.alert.wizard", "action_acknowledge", [wizard])
    world.wait("they are given back", lambda: world.circuit(line)["ldi"])
    read_now(world, sentinel)
    assert len(alerts(world, line)) == 1
    assert world.circuit(line)["ldi"]


def test_an_outage_is_recorded_and_the_next_reading_catches_up(world, sentinel):
    line = make_line(world)
    records = burst(world, line, 1)
    read_now(world, sentinel)
    world.sandbox.add_calls(records)
    world.sandbox.stop()
    world.odoo.call("saperx.sentinel", "action_read_now", [sentinel])
    found = world.wait(
        "the outage is recorded",
        lambda: (
            (now := world.odoo.read("saperx.sentinel", sentinel))["last_error"] and now
        ),
    )
    assert found["last_error"].startswith("A plataforma não responde")
    assert found["failed_since"]
    assert not alerts(world, line)
    world.sandbox.start()

    def has_caught_up():
        world.odoo.call("saperx.sentinel", "action_read_now", [sentinel])
        return alerts(world, line)

    (alert,) = world.wait("the sentinel has caught up", has_caught_up)
    assert alert["figure"] == 90
    assert not world.odoo.read("saperx.sentinel", sentinel)["last_error"]


def test_broken_pages_and_cursors_lose_nothing(world, sentinel):
    line = make_line(world)
    world.sandbox.add_calls(burst(world, line, 1, count=2500))
    world.sandbox.fault("/ligacoes", "status", status=500, times=2)

    def has_read():
        world.odoo.call("saperx.sentinel", "action_read_now", [sentinel])
        found = alerts(world, line)
        return found and found[0]["call_count"] == 2500 and found

    (alert,) = world.wait("all calls are seen", has_read)
    assert alert["figure"] == 75_000
    assert alert["amount"] == 75_000


def test_two_servers_at_once_alert_once(world, sentinel, server, second_server):
    line = make_line(world)
    world.sandbox.add_calls(burst(world, line, 1))
    (found,) = world.odoo.search_read(
        "saperx.sentinel", [("id", "=", sentinel)], ["cron_id"]
    )
    clients = [
        OdooClient(one.url, one.database, "admin", "admin")
        for one in (server, second_server)
    ]

    def trigger(client):
        try:
            client.call("ir.cron", "method_direct_trigger", [found["cron_id"][0]])
        except OdooError:
            # The other one has it.
            return

    for _reading in range(3):
        threads = [Thread(target=trigger, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(alerts(world, line)) == 1
    messages = world.odoo.search_read(
        "mail.message",
        [("model", "=", "saperx.line"), ("res_id", "=", line)],
        ["body"],
    )
    assert sum("90,00" in message["body"] for message in messages) == 1


def test_killed_in_a_reading_the_next_one_finds_the_same(world, sentinel, server):
    line = make_line(world)
    world.sandbox.add_calls(burst(world, line, 1))
    world.sandbox.fault("/ligacoes", "delay_before", seconds=60)
    world.odoo.call("saperx.sentinel", "action_read_now", [sentinel])
    world.wait("it is being read", lambda: not world.sandbox.faults())
    server.kill()
    world.sandbox.clear_faults()
    server.start()

    def has_alert():
        world.odoo.call("saperx.sentinel", "action_read_now", [sentinel])
        return alerts(world, line)

    (alert,) = world.wait("the alert is there", has_alert)
    assert alert["figure"] == 90


def test_a_hanging_platform_delays_no_other_integration(world, sentinel):
    """One is in a request that is not answered while the other one is read."""
    other = world.odoo.create(
        "saperx.integration", world.credentials(name=f"{world.name} B")
    )
    (second,) = world.odoo.search_read(
        "saperx.sentinel", [("integration_id", "=", other)], ["id"]
    )
    world.sandbox.fault("/ligacoes", "delay_before", seconds=20)
    world.odoo.call("saperx.sentinel", "action_read_now", [sentinel])
    world.wait("the first one hangs", lambda: not world.sandbox.faults())
    read_now(world, second["id"])
    assert not world.odoo.read("saperx.sentinel", sentinel)["read_until"]
    world.odoo.write("saperx.integration", [other], {"active": False})


def test_a_technician_handles_an_alert_from_the_line(
    world, sentinel, server, page, users
):
    world.odoo.write("saperx.sentinel", [sentinel], {"sentinel_action": "line"})
    line = make_line(world)
    world.sandbox.add_calls(burst(world, line, 1))
    read_now(world, sentinel)
    world.wait("the alert is there", lambda: alerts(world, line))
    log_in(page, server, "tecnico")
    page.goto(f"{server.url}/odoo/action-saperx_voip.saperx_line_action/{line}")
    banner = page.locator(".alert", has=page.locator("[name=open_fraud_alerts]"))
    banner.wait_for()
    banner.get_by_role("button").click()
    page.locator(".o_data_row").first.click()
    page.locator("[name=call_ids] .o_data_row").first.wait_for()
    assert "18765551234" in page.locator("[name=call_ids]").inner_text()
    page.locator("button[name=action_acknowledge]").click()
    page.locator(".modal [name=undo] input").click()
    page.locator(".modal [name=note] textarea").fill("Cliente confirmou as chamadas")
    page.locator(".modal button[name=action_acknowledge]").click()
    world.wait(
        "the line is open again on the platform",
        lambda: world.circuit(line)["status"] == "ativo",
    )
    (alert,) = alerts(world, line)
    assert alert["state"] == "acknowledged"
    assert alert["note"] == "Cliente confirmou as chamadas"
