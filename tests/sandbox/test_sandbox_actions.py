"""What each kind of ordered trouble does on the wire."""

import json
import socket
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from sandbox.process import SandboxProcess, running
from sandbox_client import MONTH, Api


@pytest.mark.parametrize(("given", "sent"), [({}, "1"), ({"retry_after": 7}, "7")])
def test_429_carries_a_pause(
    api: Api, sandbox: SandboxProcess, given: dict[str, Any], sent: str
) -> None:
    body = {"message": "devagar"}
    sandbox.fault("/ligacoes", status=429, body=body, **given)
    answer = api.get("/ligacoes", **MONTH)
    assert (answer.status_code, answer.json()) == (429, body)
    assert answer.headers["Retry-After"] == sent


def test_pause_as_a_date_lies_ahead(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.fault("/planos", status=429, retry_after=90, retry_as="date")
    pause = api.get("/planos").headers["Retry-After"]
    ahead = parsedate_to_datetime(pause).timestamp() - time.time()
    assert 60 < ahead <= 90


def test_pause_and_headers_go_with_any_status(
    api: Api, sandbox: SandboxProcess
) -> None:
    sandbox.fault("/planos", status=500, retry_after="logo", headers={"X-Fila": 3})
    answer = api.get("/planos")
    assert answer.headers["Retry-After"] == "logo"
    assert answer.headers["X-Fila"] == "3"


@pytest.mark.parametrize("when", ["before", "after"])
def test_silence_holds_up_nobody_else(
    api: Api, sandbox: SandboxProcess, when: str
) -> None:
    body = api.line()
    sandbox.fault("/circuitos", "silence", method="POST", when=when)
    with pytest.raises(requests.Timeout):
        api.request("POST", "/circuitos", json=body, timeout=0.5)
    ledger = sandbox.ledger()
    assert len(ledger["circuitos"]) == (1 if when == "after" else 0)
    assert ledger["history"][0]["fault"] == f"silence {when}"
    assert api.post("/circuitos", api.line("linha-2")).status_code == 201


def test_silent_connections_do_not_keep_the_sandbox_from_stopping(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as sandbox:
        sandbox.fault("/planos", "silence", times=None)
        request = b"GET /api/v2/planos HTTP/1.1\r\nHost: x\r\n\r\n"
        waiting = [
            socket.create_connection(("127.0.0.1", sandbox.port), 30) for _ in range(8)
        ]
        for connection in waiting:
            connection.sendall(request)
        sandbox.wait_for_requests("GET", "/planos", count=8)
        start = time.monotonic()
        sandbox.stop()
        assert time.monotonic() - start < 5
        # They end with the server, and nothing was ever said.
        assert [connection.recv(100) for connection in waiting] == [b""] * 8
        for connection in waiting:
            connection.close()


def test_body_is_cut_off_after_half(api: Api, sandbox: SandboxProcess) -> None:
    whole = api.get("/grupos").content
    sandbox.fault("/grupos", "cut_body")
    answer = api.request("GET", "/grupos", stream=True)
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(whole)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="Incomplete"):
        assert answer.content
    assert api.get("/grupos").content == whole


def test_answer_without_a_body_is_cut_off_at_once(
    api: Api, sandbox: SandboxProcess
) -> None:
    (line,) = api.make_lines(1)
    (did,) = api.get(f"/circuitos/{line['id']}").json()["dids"]
    sandbox.fault("*", "cut_body", method="DELETE")
    with pytest.raises(requests.ConnectionError):
        api.delete(f"/circuitos/{line['id']}/dids/{did['numero']}")
    assert sandbox.ledger()["history"][-1]["status"] == 204


@pytest.mark.parametrize(
    ("given", "made"), [({}, 1), ({"when": "before"}, 0), ({"body": "<ok/>"}, 1)]
)
def test_broken_body_comes_with_a_good_status(
    api: Api, sandbox: SandboxProcess, given: dict[str, Any], made: int
) -> None:
    sandbox.fault("/circuitos", "broken", method="POST", **given)
    answer = api.post("/circuitos", api.line())
    assert answer.status_code == (201 if made else 200)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.text and answer.text == given.get("body", answer.text)
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)
    assert len(sandbox.ledger()["circuitos"]) == made


def test_foreign_page_is_html_with_200(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.fault("/circuitos", "foreign", method="POST", times=2)
    answer = api.post("/circuitos", api.line())
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<form>" in answer.text
    assert sandbox.ledger()["circuitos"] == []
    sandbox.clear_faults()
    sandbox.fault("/planos", "foreign", body="<p>Manutenção</p>")
    assert api.get("/planos").text == "<p>Manutenção</p>"


def test_page_of_a_list_comes_once_more(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.fault("/dids", "repeat_page")
    pages = [
        api.get("/dids", per_page=10, page=number).json() for number in (1, 2, 2, 3)
    ]
    assert pages[1] == pages[0]
    assert [page["meta"]["current_page"] for page in pages] == [1, 1, 2, 3]
    numbers = [did["numero"] for page in pages[1:] for did in page["data"]]
    assert len(set(numbers)) == 30
    assert sandbox.faults() == []


def test_page_of_calls_comes_once_more_and_none_is_lost(
    api: Api, sandbox: SandboxProcess
) -> None:
    api.make_lines(2)
    sandbox.generate_calls("2026-10", calls_per_line=40)
    before = {record["id"] for record in api.calls()}
    # The first page has none before it: the fault waits for the second.
    sandbox.fault("/ligacoes", "repeat_page")
    sandbox.fault("/ligacoes", "repeat_page", skip=2)
    pages: list[list[str]] = []
    parameters = MONTH | {"limite": 7}
    while True:
        page = api.get("/ligacoes", **parameters).json()
        pages.append([record["id"] for record in page["data"]])
        if page["proximo"] is None:
            break
        parameters["cursor"] = page["proximo"]
    assert pages[1] == pages[0]
    assert pages[4] == pages[3] != pages[5]
    assert {ident for page in pages for ident in page} == before
    assert sandbox.faults() == []


def test_cursor_expires_on_order(api: Api, sandbox: SandboxProcess) -> None:
    api.make_lines(1)
    sandbox.generate_calls("2026-10", calls_per_line=20)
    sandbox.fault("/ligacoes", "expire_cursor")
    window = MONTH | {"limite": 5}
    cursor = api.get("/ligacoes", **window).json()["proximo"]
    answer = api.get("/ligacoes", **window, cursor=cursor)
    assert answer.status_code == 410
    assert "expirou" in answer.json()["message"]
    assert api.get("/ligacoes", **window, cursor=cursor).status_code == 200
