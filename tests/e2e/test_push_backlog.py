"""Many lines to push: the platform away, two servers, one of them killed, refusals."""

import itertools
import threading
from collections import Counter
from contextlib import suppress

import pytest
import requests
from demo.client import OdooClient, OdooError
from sandbox.process import request_count

BACKLOG = 1000


@pytest.fixture
def second(second_server):
    """A client of the second server."""
    return OdooClient(second_server.url, second_server.database, "admin", "admin")


@pytest.fixture
def second_job(world, second):
    """The push as another scheduled action, of the second server alone: Odoo itself
    keeps two servers from running one at a time."""
    job = second.call("ir.cron", "copy", [world.odoo.ref("saperx_voip.ir_cron_push")])
    (job,) = job if isinstance(job, list) else (job,)
    yield job
    world.wait("the second job is over", lambda: _deleted(world.odoo, job))


def _deleted(odoo, job):
    with suppress(OdooError):
        odoo.call("ir.cron", "unlink", [job])
        return True


@pytest.fixture
def sleeping_cron(world):
    """No worker pushes by itself within the test."""
    job = [world.odoo.ref("saperx_voip.ir_cron_push")]
    world.wait("the push rests", lambda: _written(world.odoo, job, {"active": False}))
    yield
    world.wait("the push is back", lambda: _written(world.odoo, job, {"active": True}))


def _written(odoo, job, values):
    with suppress(OdooError):
        odoo.write("ir.cron", job, values)
        return True


def _in_background(odoo, job):
    """Run a scheduled action on a server that may be killed meanwhile."""

    def run():
        with suppress(requests.RequestException):
            odoo.call("ir.cron", "method_direct_trigger", [job])

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def _writes_of_each_line(world):
    """What the platform was told, in order of arrival."""
    history = sorted(world.sandbox.ledger()["history"], key=lambda e: e["began"])
    found = {}
    for entry in history:
        found.setdefault(entry["id"], []).append(entry)
    return found


def _most_writes_at_once(world):
    """How many requests the platform had in hand at the busiest moment."""
    history = world.sandbox.ledger()["history"]
    steps = [(e["began"], 1) for e in history] + [(e["ended"], -1) for e in history]
    return max(itertools.accumulate(change for _moment, change in sorted(steps)))


def _posts(world):
    return Counter(
        entry["referencia"]
        for entry in world.sandbox.ledger()["history"]
        if entry["method"] == "POST" and entry["status"] == 201
    )


def test_a_backlog_of_a_platform_that_was_down_arrives_whole(world):
    world.sandbox.stop()
    lines = world.many_lines(BACKLOG)
    world.wait(
        "every line says so",
        lambda: not world.count_lines("sync_error IS NULL"),
    )
    assert world.count_lines("sync_state = 'pending'") == BACKLOG
    edited, closed = lines[::5], lines[1::50]
    world.odoo.write("saperx.line", edited, {"simultaneous_calls": 4})
    world.odoo.write("saperx.line", edited, {"simultaneous_calls": 9})
    world.odoo.write("saperx.line", closed, {"is_active": False})
    world.sandbox.start()
    world.let_pauses_end()
    world.wait_all_synced()
    circuits = world.circuits()
    assert len(circuits) == BACKLOG
    assert set(_posts(world).values()) == {1}
    found = world.odoo.call(
        "saperx.line", "read", lines, ["reference", "remote_id", "main_number"]
    )
    for line in found:
        circuit = circuits[line["reference"]]
        assert circuit["id"] == line["remote_id"]
        assert [did["numero"] for did in circuit["dids"]] == [line["main_number"]]
        is_edited, is_closed = line["id"] in edited, line["id"] in closed
        assert circuit["limite_simultaneas"] == (9 if is_edited else 1)
        assert circuit["status"] == ("inativo" if is_closed else "ativo")


def test_two_servers_push_each_line_once_and_never_at_once(world, second, second_job):
    world.sandbox.fault(action="delay", seconds=0.1, times=None)
    world.odoo.write(
        "saperx.integration", [world.integration], {"parallel_requests": 2}
    )
    lines = world.many_lines(80)
    other = _in_background(second, second_job)
    world.trigger_push()
    other.join()
    world.wait_all_synced()
    world.odoo.write("saperx.line", lines, {"simultaneous_calls": 3})
    other = _in_background(second, second_job)
    world.trigger_push()
    other.join()
    world.wait_all_synced()
    # Both were at it at the same time, with two requests each.
    assert _most_writes_at_once(world) > 2
    writes = _writes_of_each_line(world)
    assert len(writes) == len(world.circuits()) == len(lines)
    for entries in writes.values():
        # Created, its number given, changed.
        assert [entry["method"] for entry in entries] == ["POST", "PUT", "PUT"]
        for earlier, later in itertools.pairwise(entries):
            assert earlier["ended"] <= later["began"]


def test_a_server_killed_while_it_pushes_is_replaced_when_its_lease_ends(
    world, second_server, second, second_job, sleeping_cron
):
    world.sandbox.fault(action="delay", seconds=0.3, times=None)
    lines = world.many_lines(60)
    push = _in_background(second, second_job)
    world.sandbox.wait_for_requests("POST", "/circuitos", 6)
    second_server.kill()
    push.join()
    world.sandbox.clear_faults()
    held = world.count_lines("lease IS NOT NULL")
    assert held
    # The other server leaves alone what is not its own, and does the rest.
    world.trigger_push()
    assert world.count_lines("lease IS NOT NULL") == held
    assert world.count_lines("sync_state <> 'synced'") == held
    world.let_leases_end()
    world.wait_all_synced()
    assert len(world.circuits()) == len(lines)
    assert set(_posts(world).values()) == {1}
    assert all(len(circuit["dids"]) == 1 for circuit in world.circuits().values())


def test_a_page_instead_of_answers_is_told_and_heals(world):
    world.sandbox.fault(
        "/circuitos*", status=200, body="<html>Em manutenção</html>", times=None
    )
    world.many_lines(20)
    world.wait(
        "the lines say so",
        lambda: not world.count_lines("sync_error IS NULL"),
    )
    assert world.count_lines("sync_state = 'pending'") == 20
    world.sandbox.clear_faults()
    world.let_pauses_end()
    world.wait_all_synced()
    assert len(world.circuits()) == 20
    assert world.count_lines("sync_error IS NULL") == 20


def test_a_401_in_the_middle_goes_by_unseen(world):
    world.sandbox.fault("/circuitos*", status=401, skip=9, times=3)
    world.many_lines(20)
    world.wait_all_synced()
    assert set(_posts(world).values()) == {1}
    assert len(world.circuits()) == 20


def test_credentials_refused_in_the_middle_are_no_line_s_fault(world):
    world.sandbox.fault("/circuitos*", status=401, skip=9, times=None)
    world.sandbox.fault("/auth/*", status=401, body={"message": "senha"}, times=None)
    world.many_lines(20)
    world.wait(
        "the lines that are left say so",
        lambda: not world.count_lines("sync_error IS NULL AND sync_state = 'pending'"),
    )
    assert not world.count_lines("sync_state = 'error'")
    world.sandbox.clear_faults()
    world.let_pauses_end()
    world.wait_all_synced()
    assert set(_posts(world).values()) == {1}


def test_a_pause_that_the_platform_asks_for_is_kept_by_all_lines(world):
    world.sandbox.fault("/circuitos*", status=429, retry_after=600, skip=6)
    world.many_lines(40)
    world.wait(
        "the platform has asked",
        lambda: world.odoo.read("saperx.integration", world.integration, "last_error")[
            "last_error"
        ],
    )
    world.wait("the push rests", lambda: not world.count_lines("lease IS NOT NULL"))
    waiting = world.count_lines("sync_state = 'pending'")
    assert waiting > 20
    after = "next_sync_at > now() AT TIME ZONE 'UTC' + interval '9 minutes'"
    assert world.count_lines(f"sync_state = 'pending' AND {after}") == waiting
    # Its own wish is no failure.
    assert not world.count_lines("sync_attempts > 0")
    taken = sum(row["count"] for row in world.sandbox.ledger()["requests"])
    world.trigger_push()
    assert sum(row["count"] for row in world.sandbox.ledger()["requests"]) == taken
    world.let_pauses_end()
    world.wait_all_synced()
    assert len(world.circuits()) == 40


def test_a_field_that_is_refused_holds_up_no_other_line(world):
    lines = world.many_lines(20)
    world.wait_all_synced()
    world.sandbox.fault(
        "/circuitos/{id}",
        method="PUT",
        status=422,
        body={"message": "Dados inválidos.", "errors": {"limite_simultaneas": ["max"]}},
        skip=7,
    )
    world.odoo.write("saperx.line", lines, {"simultaneous_calls": 6})
    world.wait(
        "the rest is in step",
        lambda: world.count_lines("sync_state = 'synced'") == 19,
    )
    world.wait("it says so", lambda: world.count_lines("sync_state = 'error'"))
    (refused,) = world.odoo.search_read(
        "saperx.line",
        [("integration_id", "=", world.integration), ("sync_state", "=", "error")],
        ["sync_error"],
    )
    assert "limite_simultaneas" in refused["sync_error"]
    sent = request_count(world.sandbox.ledger(), "PUT", "/circuitos/{id}")
    world.let_pauses_end()
    # It waits for somebody.
    assert request_count(world.sandbox.ledger(), "PUT", "/circuitos/{id}") == sent
    world.odoo.write("saperx.line", [refused["id"]], {"simultaneous_calls": 5})
    world.wait_all_synced()
    limits = Counter(c["limite_simultaneas"] for c in world.circuits().values())
    assert limits == {6: 19, 5: 1}
