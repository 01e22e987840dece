"""State that outlives the process, and the ledger that tells what happened."""

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from sandbox.process import SandboxError, SandboxProcess, request_count, running
from sandbox_client import ROOT, Api


def test_everything_survives_kill_and_restart(tmp_path: Path) -> None:
    with running(tmp_path) as sandbox:
        api = Api(sandbox).login()
        lines = api.make_lines(3)
        sandbox.generate_calls("2026-10", calls_per_line=50)
        sandbox.fault("/planos", status=500)
        cursor = api.get("/ligacoes", **_month(), limite=5).json()["proximo"]
        before = sandbox.ledger(calls=True)
        port = sandbox.port
        sandbox.kill()
        sandbox.restart()
        assert sandbox.port == port
        assert sandbox.ledger(calls=True) == before
        # The old token and cursor go on, and so does the fault.
        assert api.get(f"/circuitos/{lines[0]['id']}").status_code == 200
        assert api.get("/ligacoes", **_month(), limite=5, cursor=cursor).ok
        assert api.get("/planos").status_code == 500


def _month() -> dict[str, str]:
    return {"inicio": "2026-10-01 00:00:00", "fim": "2026-11-01 00:00:00"}


def test_whatever_was_answered_was_written(tmp_path: Path) -> None:
    """Killed while lines are created, the platform knows each one it confirmed."""
    confirmed: list[str] = []

    def create(api: Api, body: dict[str, Any], prefix: str) -> None:
        for number in range(10_000):
            body = body | {"referencia": f"{prefix}-{number}"}
            try:
                answer = api.post("/circuitos", body)
            except requests.RequestException:
                return
            assert answer.status_code == 201
            confirmed.append(body["referencia"])

    with running(tmp_path) as sandbox:
        for turn in range(3):
            writers = []
            for writer in range(2):
                api = Api(sandbox).login()
                name = f"{turn}-{writer}"
                arguments = (api, api.line(), name)
                writers.append(threading.Thread(target=create, args=arguments))
                writers[-1].start()
            wanted = len(confirmed) + 40
            deadline = time.monotonic() + 20
            while len(confirmed) < wanted and time.monotonic() < deadline:
                time.sleep(0.005)
            sandbox.kill()
            for thread in writers:
                thread.join()
            sandbox.restart()
        ledger = sandbox.ledger()
    known = [line["referencia"] for line in ledger["circuitos"]]
    assert len(confirmed) >= 120
    assert set(confirmed) <= set(known)
    # The history was written with the lines, not beside them.
    assert [entry["referencia"] for entry in ledger["history"]] == known


def test_ledger_tells_each_write_once_and_hides_the_password(
    api: Api, sandbox: SandboxProcess
) -> None:
    line = api.make_line("linha-1", senha="segredo-forte")
    (numero,) = api.free_numbers(1)
    api.put(f"/circuitos/{line['id']}/dids/{numero}", {"valor": 1, "a_cobrar": True})
    api.post("/circuitos", api.line("linha-1"))
    api.put(f"/circuitos/{line['id']}/status", {"status": "bloqueado"})
    api.put("/circuitos/77/status", {"status": "bloqueado"})
    api.get("/circuitos/77")
    ledger = sandbox.ledger()

    (circuit,) = ledger["circuitos"]
    assert circuit["senha_set"] is True and len(circuit["senha_sha256"]) == 64
    assert (circuit["referencia"], circuit["status"]) == ("linha-1", "bloqueado")
    assert "segredo-forte" not in str(ledger)
    history = [
        (entry["method"], entry["template"], entry["status"], entry.get("id"))
        for entry in ledger["history"]
    ]
    assert history == [
        ("POST", "/circuitos", 201, line["id"]),
        ("PUT", "/circuitos/{id}/dids/{numero}", 200, line["id"]),
        ("POST", "/circuitos", 409, line["id"]),
        ("PUT", "/circuitos/{id}/status", 200, line["id"]),
        ("PUT", "/circuitos/{id}/status", 404, None),
    ]
    assert ledger["history"][0]["referencia"] == "linha-1"
    assert ledger["history"][1]["numero"] == numero
    assert ledger["history"][1]["path"] == f"/circuitos/{line['id']}/dids/{numero}"
    assert ledger["history"][1]["body"] == {"valor": 1, "a_cobrar": True}
    assert request_count(ledger, "POST", "/circuitos") == 2
    assert request_count(ledger, "POST", "/circuitos", 201) == 1
    assert request_count(ledger, "GET", "/circuitos/{id}", 404) == 1
    assert request_count(ledger, "POST", "/auth/login") == 1


def test_refused_write_changes_nothing(api: Api, sandbox: SandboxProcess) -> None:
    line = api.make_line()
    before = sandbox.ledger()
    path = f"/circuitos/{line['id']}"
    assert (
        api.put(f"{path}/dids/123", {"valor": 1, "a_cobrar": True}).status_code == 422
    )
    assert api.put(path, api.line(conta="x")).status_code == 422
    after = sandbox.ledger()
    assert (after["circuitos"], after["dids"]) == (before["circuitos"], before["dids"])
    assert len(after["history"]) == len(before["history"]) + 2


def test_reset_forgets_everything(api: Api, sandbox: SandboxProcess) -> None:
    api.make_lines(2)
    sandbox.generate_calls("2026-10", calls_per_line=10)
    sandbox.fault("/planos", status=500)
    sandbox.reset()
    ledger = sandbox.ledger(calls="all")
    for part in ("circuitos", "calls", "requests", "history", "records"):
        assert ledger[part] == []
    assert sandbox.faults() == []
    assert api.get("/planos").status_code == 401
    assert api.login().make_line()["id"] == 1


def test_paused_platform_hangs_and_goes_on(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.pause()
    try:
        with pytest.raises(requests.Timeout):
            api.request("GET", "/planos", timeout=0.3)
    finally:
        sandbox.resume()
    assert api.get("/planos").status_code == 200


def test_connection_is_kept(api: Api) -> None:
    """A hundred requests, good and bad, over one connection."""
    pool = api.session.get_adapter("http://").poolmanager  # type: ignore[attr-defined]
    for _turn in range(25):
        api.get("/planos")
        api.get("/nada")
        api.post("/circuitos", {"nome": "x"})
        api.delete("/planos")
    (host,) = pool.pools.keys()
    assert pool.pools[host].num_connections == 1


def test_server_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """A killed test run leaves no server behind."""
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from sandbox.process import SandboxProcess\n"
        "sandbox = SandboxProcess(sys.argv[2]); sandbox.start()\n"
        "print(sandbox.url, flush=True); os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", program, str(ROOT / "setup"), str(tmp_path)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False
    )
    url = ended.stdout
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            requests.get(url.strip() + "/planos", timeout=5)
        except requests.ConnectionError:
            return
        time.sleep(0.02)
    pytest.fail("the server still answers")


def test_port_in_use_is_said(tmp_path: Path, sandbox: SandboxProcess) -> None:
    other = SandboxProcess(tmp_path / "other", port=sandbox.port)
    with pytest.raises(SandboxError, match="in use"):
        other.start()


def test_state_of_another_version_is_refused(tmp_path: Path) -> None:
    with running(tmp_path):
        pass
    with sqlite3.connect(tmp_path / "sandbox.sqlite3") as db:
        db.execute("UPDATE meta SET value = 0 WHERE key = 'version'")
    db.close()
    with pytest.raises(SandboxError, match="another version"):
        SandboxProcess(tmp_path).start()


def test_state_can_be_a_file(tmp_path: Path) -> None:
    with running(tmp_path / "nova" / "estado.sqlite3"):
        pass
    assert (tmp_path / "nova" / "estado.sqlite3").is_file()
