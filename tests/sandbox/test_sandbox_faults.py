"""Trouble on order."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
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


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [
        ({"action": "explodir"}, "action"),
        ({"action": ["cut"]}, "action"),
        ({"action": "status"}, "status"),
        ({"action": "status", "status": 99}, "status"),
        ({"action": "status", "status": 500, "headers": ["x"]}, "headers"),
        ({"action": "status", "status": 500, "headers": {"x": "a\r\nb"}}, "headers"),
        ({"action": "status", "status": 429, "retry_after": -1}, "retry_after"),
        ({"action": "status", "status": 429, "retry_as": "data"}, "retry_as"),
        (
            {
                "action": "status",
                "status": 429,
                "retry_after": "logo",
                "retry_as": "date",
            },
            "retry_as",
        ),
        ({"action": "delay"}, "seconds"),
        ({"action": "delay", "seconds": "x"}, "seconds"),
        ({"action": "delay", "seconds": -0.1}, "seconds"),
        ({"action": "broken", "body": {}}, "body"),
        ({"action": "cut", "tims": 2}, "tims"),
        ({"action": "cut", "seconds": 2}, "seconds"),
        ({"action": "cut", "times": 0}, "times"),
        ({"action": "cut", "skip": -1}, "skip"),
        ({"action": "cut", "method": "FETCH"}, "method"),
        ({"action": "cut", "path": "planos"}, "path"),
        ({"action": "cut", "when": "now"}, "when"),
        ({"action": "repeat_page", "when": "after"}, "when"),
        ({"action": "cut", "rate": 1.1}, "rate"),
        ({"action": "cut", "rate": -0.1}, "rate"),
        ({"action": "cut", "rate": True}, "rate"),
        ({"action": "cut", "seed": 7}, "seed"),
        ({"action": "cut", "rate": 0.5, "seed": "x"}, "seed"),
    ],
)
def test_fault_that_is_not_understood_is_refused(
    sandbox: SandboxProcess, fault: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(SandboxError, match="422") as refused:
        sandbox.fault(**fault)
    answer = str(refused.value)
    assert list(json.loads(answer[answer.index("{") :])["errors"]) == [wrong]
    assert sandbox.faults() == []


def test_listing_tells_how_often_each_was_used(
    api: Api, sandbox: SandboxProcess
) -> None:
    sandbox.fault("/planos", status=500, times=2)
    sandbox.fault("/grupos", status=500, times=3, skip=1)
    for _turn in range(3):
        api.get("/planos")
        api.get("/grupos")
    (grupos,) = sandbox.faults()
    assert (grupos["path"], grupos["times"], grupos["used"]) == ("/grupos", 1, 2)
    everything = sandbox.faults(used_up=True)
    assert [(fault["times"], fault["used"]) for fault in everything] == [(0, 2), (1, 2)]
    assert sandbox.clear_faults() == 1
    assert sandbox.faults(used_up=True) == []


def struck(api: Api, requests_made: int) -> list[bool]:
    return [api.get("/planos").status_code == 500 for _request in range(requests_made)]


def test_rate_repeats_itself_with_its_seed(api: Api, sandbox: SandboxProcess) -> None:
    rate = {"rate": 0.3, "status": 500}
    runs = []
    for seed in (7, 7, 8):
        sandbox.clear_faults()
        sandbox.fault("/planos", seed=seed, **rate)
        runs.append([])
        for _turn in range(10):
            runs[-1] += struck(api, 10)
            # What does not fit changes no decision.
            api.get("/grupos")
    assert runs[0] == runs[1] != runs[2]
    (fault,) = sandbox.faults()
    assert (fault["seen"], fault["used"]) == (100, sum(runs[2]))
    # Far beyond any luck.
    assert all(10 < sum(run) < 55 for run in runs)


def test_rate_goes_on_over_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as sandbox:
        api = Api(sandbox).login()
        sandbox.fault("/planos", rate=0.5, seed=3, status=500)
        whole = struck(api, 40)
        sandbox.clear_faults()
        sandbox.fault("/planos", rate=0.5, seed=3, status=500)
        begun = struck(api, 20)
        sandbox.kill()
        sandbox.restart()
        assert begun + struck(api, 20) == whole


def test_rate_decides_alike_for_requests_at_once(
    api: Api, sandbox: SandboxProcess
) -> None:
    """However they overlap, so many of the first hundred are struck."""
    counts = []
    for workers in (1, 8):
        sandbox.clear_faults()
        sandbox.fault("/planos", rate=0.4, seed=5, status=500)
        with ThreadPoolExecutor(workers) as pool:
            answers = list(pool.map(lambda _: api.get("/planos"), range(100)))
        counts.append(sum(answer.status_code == 500 for answer in answers))
    assert counts[0] == counts[1] == sandbox.faults()[0]["used"]


def test_rate_can_be_limited_and_leaves_the_rest_to_others(
    api: Api, sandbox: SandboxProcess
) -> None:
    sandbox.fault("/planos", rate=1, times=2, status=500)
    sandbox.fault("/planos", rate=0, status=500)
    sandbox.fault("/planos", status=502)
    got = [api.get("/planos").status_code for _request in range(4)]
    assert got == [500, 500, 502, 200]


def test_faults_of_the_command_line_come_back_with_a_reset(tmp_path: Path) -> None:
    ordered = [{"path": "/planos", "action": "status", "status": 500, "times": 2}]
    with running(tmp_path, faults=json.dumps(ordered)) as sandbox:
        api = Api(sandbox).login()
        assert struck(api, 3) == [True, True, False]
        # A state that exists keeps its own.
        sandbox.restart()
        assert sandbox.faults() == []
        sandbox.reset()
        assert struck(api.login(), 3) == [True, True, False]


@pytest.mark.parametrize("faults", ["x", "{}", "[1]", '[{"action": "explodir"}]'])
def test_faults_of_the_command_line_are_checked(tmp_path: Path, faults: str) -> None:
    with pytest.raises(SandboxError, match="--faults"):
        SandboxProcess(tmp_path, faults=faults).start()


def test_latency_is_each_requests_own(tmp_path: Path) -> None:
    with running(tmp_path, latency=0.5) as sandbox:
        api = Api(sandbox).login()
        start = time.monotonic()
        assert api.get("/planos").status_code == 200
        assert time.monotonic() - start >= 0.5
        start = time.monotonic()
        with ThreadPoolExecutor(32) as pool:
            list(pool.map(lambda _: Api(sandbox).get("/planos"), range(64)))
        # One after the other they would take 32 seconds.
        assert 1 <= time.monotonic() - start < 16
        # The levers have none: twenty would take ten seconds.
        start = time.monotonic()
        for _turn in range(20):
            sandbox.faults()
        assert time.monotonic() - start < 10


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
