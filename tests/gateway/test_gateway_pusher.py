"""Many lines at once: order, silence, pauses, and the time that a claim allows."""

import itertools
import logging
import time
from dataclasses import replace
from decimal import Decimal

import pytest
from gateway import (
    CredentialsRefused,
    DidTerms,
    LineStatus,
    Pusher,
    RateLimited,
    Unreachable,
    WantedLine,
)
from gateway.pusher import BEGIN_SECONDS, SPEAK_SECONDS
from gateway_lines import make_settings
from gateway_server import make_client
from sandbox.process import request_count


@pytest.fixture
def make_wanted(sandbox, client):
    plan = next(p for p in client.iter_plans() if p.scope == "national" and p.active)
    numbers = iter(
        d["numero"] for d in sandbox.ledger()["dids"] if d["status"] == "disponivel"
    )

    def make(name):
        settings = make_settings(
            name,
            customer_name=name,
            plan_remote_id=plan.remote_id,
            simultaneous_calls=1,
        )
        dids = (DidTerms(next(numbers), Decimal(1), False),)
        return WantedLine(settings, LineStatus.ACTIVE, dids, None, None, False)

    return make


def push_all(client, wanted, parallel=3, claimed_at=None):
    """:return: outcomes by key, and the trouble"""
    with Pusher(client, parallel) as pusher:
        pusher.add(wanted, claimed_at or time.monotonic())
        outcomes = {}
        while pusher.is_busy:
            outcomes.update(pusher.take())
        return outcomes, pusher.trouble


def numbers_of(sandbox, remote_id):
    return {
        d["numero"] for d in sandbox.ledger()["dids"] if d["circuito_id"] == remote_id
    }


@pytest.mark.parametrize("parallel", [1, 2, 8])
def test_numbers_go_round_among_lines_of_one_batch(
    sandbox, client, make_wanted, parallel
):
    wanted = {n: make_wanted(f"line-{n}") for n in range(6)}
    outcomes, trouble = push_all(client, wanted, parallel)
    assert trouble is None
    ids = {n: outcome.remote_id for n, outcome in outcomes.items()}
    # Each takes the number of the one before.
    moved = {
        n: replace(wanted[n], remote_id=ids[n], dids=wanted[(n - 1) % 6].dids)
        for n in wanted
    }
    outcomes, _trouble = push_all(client, moved, parallel)
    assert [outcome.error for outcome in outcomes.values()] == [None] * 6
    for n in wanted:
        assert numbers_of(sandbox, ids[n]) == {moved[n].dids[0].number}


def test_a_batch_is_begun_while_another_waits_for_its_numbers(client, make_wanted):
    with Pusher(client, 2) as pusher:
        for first in (0, 10, 20):
            names = range(first, first + 10)
            pusher.add({n: make_wanted(f"n{n}") for n in names}, time.monotonic())
        taken = []
        while pusher.is_busy:
            taken += pusher.take()
    assert sorted(key for key, _outcome in taken) == list(range(30))
    assert all(outcome.error is None for _key, outcome in taken)


def test_it_is_hungry_while_threads_would_soon_be_idle(client, make_wanted, sandbox):
    sandbox.fault(action="delay", seconds=0.2, times=None)
    with Pusher(client, 2) as pusher:
        assert pusher.is_hungry
        pusher.add({n: make_wanted(f"h{n}") for n in range(12)}, time.monotonic())
        assert not pusher.is_hungry
        while pusher.is_busy:
            pusher.take()
        assert pusher.is_hungry


def test_silence_is_met_by_as_many_lines_as_speak_at_a_time(
    sandbox, client, make_wanted
):
    client.ensure_token()
    wanted = {n: make_wanted(f"s{n}") for n in range(20)}
    sandbox.fault("/circuitos", "status", status=502, times=None)
    outcomes, trouble = push_all(client, wanted, parallel=3)
    spoken = [outcome for outcome in outcomes.values() if outcome is not None]
    assert isinstance(trouble, Unreachable)
    assert 3 <= len(spoken) <= 5
    assert request_count(sandbox.ledger(), "POST", "/circuitos") == len(spoken)
    assert len(outcomes) == 20


def test_lines_that_fail_among_others_do_not_make_it_silent(
    sandbox, client, make_wanted
):
    client.ensure_token()
    wanted = {n: make_wanted(f"f{n}") for n in range(12)}
    for skip in range(0, 12, 4):
        sandbox.fault("/circuitos", "status", status=500, skip=skip)
    outcomes, trouble = push_all(client, wanted, parallel=2)
    assert trouble is None
    errors = [outcome.error for outcome in outcomes.values() if outcome.error]
    assert len(errors) == 3


def test_a_fault_on_one_line_keeps_nobody_from_the_others(sandbox, client, make_wanted):
    client.ensure_token()
    sandbox.fault("/circuitos", "status", status=500)
    outcomes, trouble = push_all(
        client, {name: make_wanted(name) for name in "abc"}, parallel=1
    )
    assert trouble is None
    assert [bool(outcomes[name].error) for name in "abc"] == [True, False, False]


def test_one_line_alone_tells_whether_the_platform_is_heard(
    sandbox, client, make_wanted
):
    client.ensure_token()
    sandbox.fault("/circuitos", "status", status=502)
    for name, is_heard in (("first", False), ("second", True)):
        with Pusher(client, 4) as pusher:
            pusher.add({name: make_wanted(name)}, time.monotonic())
            while pusher.is_busy:
                pusher.take()
            assert pusher.trouble is None
            assert (pusher.silence is None) == is_heard


def test_a_pause_that_is_asked_for_stops_what_was_not_begun(
    sandbox, client, make_wanted
):
    client.ensure_token()
    wanted = {n: make_wanted(f"p{n}") for n in range(20)}
    sandbox.fault("/circuitos", "status", status=429, retry_after=9, skip=4)
    outcomes, trouble = push_all(client, wanted, parallel=2)
    assert isinstance(trouble, RateLimited) and trouble.retry_after == 9
    made = [o for o in outcomes.values() if o is not None and o.remote_id]
    assert 4 <= len(made) <= 6
    # What was learnt of those whose numbers were not asked for any more is kept.
    assert {o.remote_id for o in made} == {
        circuit["id"] for circuit in sandbox.ledger()["circuitos"]
    }
    assert any(isinstance(o.error, RateLimited) for o in made)


def test_refused_credentials_stop_what_was_not_begun(sandbox, client, make_wanted):
    client.ensure_token()
    wanted = {n: make_wanted(f"c{n}") for n in range(20)}
    sandbox.expire_tokens(refresh=True)
    sandbox.fault("/auth/login", "status", status=401, times=None)
    outcomes, trouble = push_all(client, wanted, parallel=2)
    assert isinstance(trouble, CredentialsRefused)
    assert sum(outcome is not None for outcome in outcomes.values()) <= 4
    assert not sandbox.ledger()["circuitos"]


def test_a_line_is_not_begun_late(sandbox, client, make_wanted):
    wanted = {n: make_wanted(f"l{n}") for n in range(3)}
    late = time.monotonic() - BEGIN_SECONDS - 1
    assert push_all(client, wanted, claimed_at=late) == (
        dict.fromkeys(wanted),
        None,
    )
    assert not sandbox.ledger()["circuitos"]


def test_nothing_is_asked_for_a_line_when_its_claim_is_over(
    sandbox, client, make_wanted, monkeypatch
):
    # Begun in time, and over before the platform's slow answer.
    monkeypatch.setattr("gateway.pusher.SPEAK_SECONDS", BEGIN_SECONDS)
    sandbox.fault("/circuitos", "delay", when="after", seconds=2, times=None)
    client.ensure_token()
    began = time.monotonic()
    outcomes, _trouble = push_all(
        client, {1: make_wanted("o1")}, claimed_at=began - BEGIN_SECONDS + 1
    )
    assert isinstance(outcomes[1].error, Unreachable)
    assert time.monotonic() - began < 1.9
    assert SPEAK_SECONDS > BEGIN_SECONDS
    assert request_count(sandbox.ledger(), "PUT", "/circuitos/{id}/dids/{numero}") == 0


def test_a_fault_of_ours_stops_no_other_line(client, make_wanted, monkeypatch):
    # Kept from the run's own log, which must hold no error.
    monkeypatch.setattr(logging.getLogger("gateway.pusher"), "propagate", False)
    monkeypatch.setattr(
        logging.getLogger("gateway.pusher"), "handlers", [logging.NullHandler()]
    )
    wanted = {n: make_wanted(f"b{n}") for n in range(4)}
    wanted[2] = replace(wanted[2], settings=None)
    outcomes, trouble = push_all(client, wanted)
    assert trouble is None
    assert outcomes[2].error is not None
    assert all(outcomes[n].error is None for n in (0, 1, 3))


def test_each_line_takes_two_requests(sandbox, client, make_wanted):
    client.ensure_token()
    wanted = {n: make_wanted(f"r{n}") for n in range(10)}
    ledger = sandbox.ledger()["requests"]
    before = sum(row["count"] for row in ledger)
    outcomes, _trouble = push_all(client, wanted)
    again = {
        n: replace(line, remote_id=outcomes[n].remote_id) for n, line in wanted.items()
    }
    push_all(client, again)
    after = sum(row["count"] for row in sandbox.ledger()["requests"])
    # Made and given its number; read and set.
    assert after - before == 10 * 2 * 2


def test_a_client_that_cannot_connect_says_so_once(make_wanted):
    with make_client("http://127.0.0.1:9/api/v2") as nobody:
        wanted = {n: make_wanted(f"x{n}") for n in range(8)}
        outcomes, trouble = push_all(nobody, wanted, parallel=2)
    assert isinstance(trouble, Unreachable)
    spoken = list(itertools.filterfalse(lambda o: o is None, outcomes.values()))
    assert 2 <= len(spoken) <= 4
