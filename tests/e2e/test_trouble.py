"""Death half-way, silence, and disorder between Odoo and the platform."""

import time

from sandbox.process import request_count


def test_killed_between_the_platforms_201_and_our_commit_leaves_one_circuit(
    world, server, admin
):
    world.sandbox.fault("/circuitos", "delay_after", method="POST", seconds=30)
    line = world.line(world.contract())
    world.sandbox.wait_for_requests("POST", "/circuitos")
    world.wait("the circuit is made", lambda: world.circuits())
    server.kill()
    world.sandbox.clear_faults()
    server.start()
    assert not world.read_line(line, "remote_id")["remote_id"]
    world.let_leases_end()
    world.wait_synced(line)
    (circuit,) = world.circuits().values()
    assert world.read_line(line, "remote_id")["remote_id"] == circuit["id"]


def test_a_contract_is_cancelled_as_fast_while_the_platform_hangs(world):
    reason = world.odoo.create(
        "contract.terminate.reason",
        {"name": "Mudou-se", "terminate_comment_required": False},
    )
    contracts = [world.contract(f"Customer {n}") for n in range(2)]
    lines = [world.line(contract) for contract in contracts]
    world.wait_synced(*lines)

    def cancel(contract):
        wizard = world.odoo.create(
            "contract.contract.terminate",
            {
                "contract_id": contract,
                "terminate_reason_id": reason,
                "terminate_date": world.today.isoformat(),
            },
        )
        began = time.monotonic()
        world.odoo.call("contract.contract.terminate", "terminate_contract", [wizard])
        return time.monotonic() - began

    answering = cancel(contracts[0])
    world.wait_synced(lines[0])
    world.sandbox.pause()
    try:
        # A push hangs at this very moment.
        world.odoo.write("saperx.line", [lines[1]], {"simultaneous_calls": 9})
        world.wait(
            "the push has begun",
            lambda: world.read_line(lines[1], "lease_until")["lease_until"],
        )
        hanging = cancel(contracts[1])
    finally:
        world.sandbox.resume()
    # The platform's silence would be a matter of many seconds.
    assert hanging < answering + 2
    assert world.read_line(lines[1], "state")["state"] == "cancelled"
    world.wait_synced(*lines)
    for line in lines:
        circuit = world.circuit(line)
        assert circuit["status"] == "inativo"
        assert circuit["dids"] == []


def test_a_line_edited_while_its_push_runs_ends_with_the_later_state(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    world.sandbox.fault("/circuitos/{id}", "delay_after", method="PUT", seconds=2)
    before = request_count(world.sandbox.ledger(), "PUT", "/circuitos/{id}")
    world.odoo.write("saperx.line", [line], {"simultaneous_calls": 5})
    world.sandbox.wait_for_requests("PUT", "/circuitos/{id}", before + 1)
    world.odoo.write("saperx.line", [line], {"simultaneous_calls": 7})
    world.wait_synced(line)
    assert world.circuit(line)["limite_simultaneas"] == 7


def test_a_platform_that_was_down_gets_everything_once_it_is_back(world):
    world.sandbox.stop()
    lines = [world.line(world.contract(f"Customer {n}")) for n in range(5)]
    world.wait(
        "the trouble shows",
        lambda: all(
            world.read_line(line, "sync_error")["sync_error"] for line in lines
        ),
    )
    assert {world.read_line(line, "sync_state")["sync_state"] for line in lines} == {
        "pending"
    }
    # In the language of whoever made the line, though a scheduled action said it.
    trouble = world.read_line(lines[0], "sync_error")["sync_error"]
    assert trouble.startswith("A plataforma não responde")
    world.sandbox.start()
    world.odoo.call("saperx.line", "action_retry_push", lines)
    world.wait_synced(*lines)
    assert len(world.circuits()) == 5


def test_a_refusal_is_shown_in_the_platforms_words_and_waits(world):
    # Taken by a line that Odoo does not know: nobody here is about to free it.
    line = world.line(world.contract())
    world.wait_synced(line)
    taken = world.circuit(line)["dids"][0]["numero"]
    world.sql(f"UPDATE saperx_did SET active = FALSE WHERE number = '{taken}'")
    other = world.line(world.contract("Other"), did_ids=[(0, 0, {"number": taken})])
    world.wait_for_workers(
        "the refusal shows",
        lambda: world.read_line(other, "sync_state")["sync_state"] == "error",
    )
    found = world.read_line(other, "sync_error", "remote_id")
    assert "linha" in found["sync_error"].lower() or taken in found["sync_error"]
    # What was learnt before the refusal is kept.
    assert found["remote_id"]
    # Somebody is asked to look, until it is in step again.
    on_line = [("res_model", "=", "saperx.line"), ("res_id", "=", other)]
    (activity,) = world.odoo.search_read("mail.activity", on_line, ["note"])
    assert taken in activity["note"] or "linha" in activity["note"].lower()
    world.sql(f"UPDATE saperx_did SET active = FALSE WHERE line_id = {other}")
    world.odoo.call("saperx.line", "action_retry_push", [other])
    world.wait_synced(other)
    assert not world.odoo.search_read("mail.activity", on_line, ["note"])


def test_an_import_killed_half_way_ends_the_same(world, server):
    line = world.line(world.contract())
    world.wait_synced(line)
    circuit = world.circuit(line)
    world.sandbox.add_calls([world.record_of(circuit, n) for n in range(3500)])
    world.sandbox.fault("/ligacoes", "delay_before", seconds=0.5, times=10)
    run = world.start_import()
    world.wait(
        "the first page is in",
        lambda: world.odoo.read("saperx.cdr.import", run, "cursor")["cursor"],
    )
    server.kill()
    world.sandbox.clear_faults()
    server.start()
    world.odoo.call(
        "ir.cron",
        "method_direct_trigger",
        [world.odoo.ref("saperx_voip.ir_cron_import")],
    )
    found = world.wait_import(run)
    stored = world.odoo.call(
        "saperx.cdr", "search_count", [("integration_id", "=", world.integration)]
    )
    assert stored == 3500
    assert found["new_count"] == 3500
    assert found["read_count"] == found["new_count"] + found["known_count"]


def test_tokens_that_expire_at_any_time_stop_nothing(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    world.sandbox.expire_tokens()
    world.odoo.write("saperx.line", [line], {"simultaneous_calls": 2})
    world.wait_synced(line)
    world.sandbox.expire_tokens(refresh=True)
    world.odoo.write("saperx.line", [line], {"simultaneous_calls": 3})
    world.wait_synced(line)
    assert world.circuit(line)["limite_simultaneas"] == 3


def test_a_plan_given_while_the_calls_are_read_rates_them(world):
    line = world.line(world.contract(), tariff_id=False)
    world.wait_synced(line)
    circuit = world.circuit(line)
    world.sandbox.add_calls([world.record_of(circuit, n) for n in range(1500)])
    # Longer than pages are gathered for: the first one is stored by itself.
    world.sandbox.fault("/ligacoes", "delay", when="before", seconds=2, times=2)
    run = world.start_import()
    world.wait(
        "the first page is in",
        lambda: world.odoo.read("saperx.cdr.import", run, "cursor")["cursor"],
    )
    world.odoo.write("saperx.line", [line], {"tariff_id": world.tariff})
    world.wait_import(run)
    assert {call["state"] for call in world.calls()} == {"unbilled"}
