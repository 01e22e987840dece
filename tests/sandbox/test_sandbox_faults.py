"""Trouble on order."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from sandbox.process import SandboxError, SandboxProcess, request_count, running
from sandbox_client import MONTH, Api


def test_ordered_status_is_answered_so_many_times(
    api: Api, sandbox: SandboxProcess
) -> None:
    body = api.line()
    sandbox.fault(
        "/circuitos", method="POST", times=2, status=502, body="<html>Bad Gateway"
    )
    for _turn in range(2):
        answer = api.post("/circuitos", body)
        assert answer.status_code == 502
        assert answer.text == "<html>Bad Gateway"
        assert answer.headers["Content-Type"].startswith("text/html")
    # Other methods of the path, and the third create, are as ever.
    assert api.get("/circuitos").status_code == 200
    assert api.post("/circuitos", body).status_code == 201
    assert sandbox.faults() == []


def test_history_tells_what_a_fault_kept_from_being_done(
    api: Api, sandbox: SandboxProcess
) -> None:
    sandbox.fault("/circuitos", method="POST", status=500)
    assert api.post("/circuitos", api.line()).status_code == 500
    (entry,) = sandbox.ledger()["history"]
    assert (entry["status"], entry["fault"]) == (None, "status before")
    assert request_count(sandbox.ledger(), "POST", "/circuitos", 500) == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_connection(api: Api, sandbox: SandboxProcess, when: str) -> None:
    body = api.line()
    sandbox.fault("/circuitos", "cut", method="POST", when=when)
    with pytest.raises(requests.ConnectionError):
        api.post("/circuitos", body)
    ledger = sandbox.ledger()
    assert len(ledger["circuitos"]) == (1 if when == "after" else 0)
    (entry,) = ledger["history"]
    assert entry["status"] == (201 if when == "after" else None)
    assert entry["fault"] == f"cut {when}"
    # What a client does next: the repeated create is harmless.
    again = api.post("/circuitos", body)
    assert again.status_code == (409 if when == "after" else 201)
    assert len(sandbox.ledger()["circuitos"]) == 1


def test_delay_after_has_committed_before_it_waits(
    api: Api, sandbox: SandboxProcess
) -> None:
    body = api.line()
    sandbox.fault("/circuitos", "delay_after", method="POST", seconds=60)
    with pytest.raises(requests.Timeout):
        api.request("POST", "/circuitos", json=body, timeout=0.5)
    assert len(sandbox.ledger()["circuitos"]) == 1
    # Nobody else waits meanwhile.
    assert api.post("/circuitos", api.line("linha-2")).status_code == 201


def test_delay_before_waits_and_then_answers(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.fault("/planos", "delay_before", seconds=0.3)
    start = time.monotonic()
    assert api.get("/planos").status_code == 200
    assert time.monotonic() - start >= 0.3


def test_status_after_processing(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.fault("/circuitos", method="POST", when="after", status=504)
    assert api.post("/circuitos", api.line()).status_code == 504
    assert len(sandbox.ledger()["circuitos"]) == 1


def test_path_is_a_template_or_a_glob(api: Api, sandbox: SandboxProcess) -> None:
    api.make_lines(2)
    sandbox.fault("/circuitos/{id}", status=500)
    assert api.get("/circuitos/2").status_code == 500
    sandbox.fault("/circuitos/2*", status=500)
    assert api.get("/circuitos/1/registro").status_code == 200
    assert api.get("/circuitos/2/registro").status_code == 500


def test_faults_apply_in_order_and_can_skip(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.fault("/planos", skip=1, status=500)
    sandbox.fault("/planos", status=502)
    sandbox.fault("/planos", times=None, status=504)
    got = [api.get("/planos").status_code for _turn in range(5)]
    assert got == [502, 500, 504, 504, 504]
    assert sandbox.clear_faults() == 1
    assert api.get("/planos").status_code == 200


@pytest.mark.parametrize(("given", "sent"), [({}, "1"), ({"retry_after": 7}, "7")])
def test_429_carries_a_pause(
    api: Api, sandbox: SandboxProcess, given: dict[str, Any], sent: str
) -> None:
    body = {"message": "devagar"}
    sandbox.fault("/ligacoes", status=429, body=body, **given)
    answer = api.get("/ligacoes", **MONTH)
    assert (answer.status_code, answer.json()) == (429, body)
    assert answer.headers["Retry-After"] == sent


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "explodir"},
        {"action": "status"},
        {"action": "delay", "seconds": "x"},
        {"action": "cut", "tims": 2},
        {"action": "cut", "times": 0},
    ],
)
def test_fault_that_is_not_understood_is_refused(
    sandbox: SandboxProcess, fault: dict[str, Any]
) -> None:
    with pytest.raises(SandboxError, match="422"):
        sandbox.fault(**fault)
    assert sandbox.faults() == []


def test_rate_limit_answers_429_in_both_forms(tmp_path: Path) -> None:
    with running(tmp_path, rate_limit=1) as sandbox:
        api = Api(sandbox).login()
        pauses = []
        for _turn in range(200):
            answer = api.get("/ligacoes", **MONTH)
            if answer.status_code == 429:
                pauses.append(answer.headers["Retry-After"])
            # What the contract does not limit goes on.
            assert api.get("/planos").status_code == 200
            if len(pauses) == 2:
                break
        assert pauses[0].isdigit()
        assert parsedate_to_datetime(pauses[1]).year >= 2024
