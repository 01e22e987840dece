"""The sandbox as a process of a test or of the demo, with its levers as methods.

::

    with running(tmp_path) as sandbox:
        client = Client(sandbox.url, …)
        sandbox.generate_calls("2026-10", calls_per_line=60)
        sandbox.kill()
        sandbox.restart()
        assert len(sandbox.ledger()["circuitos"]) == 1
"""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

from .options import API_PREFIX, CONTROL_PREFIX

#: Seconds for the server to listen, and to end after it was told to.
START_SECONDS = 30
STOP_SECONDS = 10
#: Seconds for one control request; a large month takes a while.
CONTROL_SECONDS = 600

_ADDRESS = re.compile(r"http://\S+")


class SandboxError(Exception):
    """The server did not start, or a control request was refused."""


class SandboxProcess:
    """One server process and its state.

    :param state: folder or file of the state; it outlives the process
    :param port: 0 takes a free one, which a restart keeps
    :param stop_with_parent: the server ends when this process ends, however it ends
    :param options: the command's options, as ``token_seconds=5``; True gives a bare
        ``--option``
    """

    def __init__(
        self,
        state: str | Path,
        port: int = 0,
        stop_with_parent: bool = True,
        **options: Any,
    ):
        self._state = Path(state).resolve()
        self._stop_with_parent = stop_with_parent
        self._options = options
        self._session = requests.Session()
        # A proxy of the environment is not meant for a server on this machine.
        self._session.trust_env = False
        self._process: subprocess.Popen[str] | None = None
        self._paused = False
        self.port = port
        self.url = ""
        self.control = ""

    # The process

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self) -> None:
        """:raises SandboxError: when it does not listen; says why"""
        command = [sys.executable, "-m", "sandbox", "--state", str(self._state)]
        command += ["--port", str(self.port)]
        for name, value in self._options.items():
            option = f"--{name.replace('_', '-')}"
            command += [option] if value is True else [option, str(value)]
        if self._stop_with_parent:
            command.append("--stop-with-stdin")
        package = Path(__file__).resolve().parent
        environment = dict(os.environ, PYTHONPATH=str(package.parent))
        # Errors go to a file: a pipe that nobody reads would fill and block it.
        folder = self._state.parent if self._state.suffix else self._state
        folder.mkdir(parents=True, exist_ok=True)
        log = folder / "sandbox.log"
        with log.open("a") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if self._stop_with_parent else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=environment,
                # Ctrl-C in a terminal is for whoever started us to handle.
                start_new_session=True,
            )
        line = self._first_line()
        address = _ADDRESS.search(line)
        if not address:
            self.kill()
            said = log.read_text()[-2000:]
            raise SandboxError(f"the sandbox did not start: {line}{said}")
        self.url = address.group()
        parts = urlsplit(self.url)
        assert parts.port is not None and parts.path == API_PREFIX
        self.port = parts.port
        self.control = urlunsplit(parts._replace(path=CONTROL_PREFIX))

    def _first_line(self) -> str:
        stdout = self._running().stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], START_SECONDS)
        return stdout.readline() if ready else ""

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise SandboxError("the sandbox is not running")
        return self._process

    def stop(self) -> None:
        """End it in the ordinary way; nothing happens if it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(how)
        if self._paused:
            process.send_signal(signal.SIGCONT)
            self._paused = False
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        # Connections of the old process are dead.
        self._session.close()

    def restart(self) -> None:
        """Same port, same state; also after :meth:`kill` or :meth:`stop`."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """A platform that hangs: connections are taken, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)
        self._paused = False

    # The levers

    def _control(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(
            method, self.control + path, timeout=CONTROL_SECONDS, **arguments
        )
        if answer.status_code != 200:
            raise SandboxError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()

    def ledger(self, calls: bool | str = False) -> dict[str, Any]:
        """What the platform holds and did.

        :param calls: True adds the visible call records as ``records``, "all" the
            hidden ones too
        """
        which = {True: "1", False: "0"}.get(calls, calls)  # type: ignore[arg-type]
        return self._control("GET", "/ledger", params={"calls": which})

    def generate_calls(self, month: str, **settings: Any) -> dict[str, int]:
        """:param settings: as in ``POST /_sandbox/calls/generate``"""
        return self._control(
            "POST", "/calls/generate", json={"month": month, **settings}
        )

    def make_lines(self, count: int) -> list[dict[str, Any]]:
        """Active lines with a number each. :return: id, conta,
        numero, nome and documento of each"""
        made = self._control("POST", "/circuitos", json={"count": count})
        return made["circuitos"]

    def add_calls(
        self, records: list[Any] | str, inicio: str | None = None, replace: bool = False
    ) -> int:
        """Add records as they are, visible at once; a text is sent to the letter.

        :param inicio: where a record lies that has no readable start of its own
        :param replace: records of the same id go away first
        """
        parameters = {"replace": str(int(replace))}
        if inicio is not None:
            parameters["inicio"] = inicio
        payload: dict[str, Any] = (
            {"data": records.encode()}
            if isinstance(records, str)
            else {"json": records}
        )
        return self._control("POST", "/calls", params=parameters, **payload)["added"]

    def release_late(self) -> int:
        return self._control("POST", "/calls/release")["released"]

    def fault(self, path: str = "*", action: str = "status", **more: Any) -> int:
        """Order trouble; see :mod:`sandbox.faults`.

        :param path: the contract's path with its braces, or a glob
        """
        fault = {"path": path, "action": action, **more}
        return self._control("POST", "/faults", json=fault)["id"]

    def faults(self, used_up: bool = False) -> list[dict[str, Any]]:
        """What waits, and how often each was ``used``.

        :param used_up: those that wait no more too
        """
        parameters = {"all": str(int(used_up))}
        return self._control("GET", "/faults", params=parameters)["faults"]

    def clear_faults(self) -> int:
        """:return: how many were not used up"""
        return self._control("DELETE", "/faults")["removed"]

    def speak(self, **dialect: Any) -> None:
        """Differ from the contract from now on; see :mod:`sandbox.dialect`. Without
        members: follow it again."""
        self._control("PUT", "/dialect", json=dialect)

    def expire_tokens(self, refresh: bool = False) -> int:
        return self._control("POST", "/tokens/expire", json={"refresh": refresh})[
            "expired"
        ]

    def expire_cursors(self) -> None:
        self._control("POST", "/cursors/expire")

    def reset(self, seed: int | None = None) -> None:
        """As on the first day; tokens are gone too."""
        self._control("POST", "/reset", json={} if seed is None else {"seed": seed})

    # What somebody does on the platform's own panel; see :mod:`sandbox.panel`

    def change_line(self, line_id: int, **changes: Any) -> dict[str, Any]:
        """:param changes: fields of CircuitoEscrita, and ``status``"""
        return self._control("PUT", f"/circuitos/{line_id}", json=changes)

    def remove_line(self, line_id: int) -> bool:
        return self._control("DELETE", f"/circuitos/{line_id}")["removed"]

    def set_registration(self, line_id: int, **members: Any) -> None:
        """:param members: online, ip, latencia_ms, saldo; others are made up again"""
        self._control("PUT", f"/circuitos/{line_id}/registro", json=members)

    def put_plan(self, plan_id: int, nome: str, **members: Any) -> None:
        """:param members: tipo (nacional), ativo (True)"""
        self._control("PUT", f"/planos/{plan_id}", json={"nome": nome, **members})

    def remove_plan(self, plan_id: int) -> bool:
        return self._control("DELETE", f"/planos/{plan_id}")["removed"]

    def put_group(self, group_id: int, nome: str) -> None:
        self._control("PUT", f"/grupos/{group_id}", json={"nome": nome})

    def remove_group(self, group_id: int) -> bool:
        return self._control("DELETE", f"/grupos/{group_id}")["removed"]

    def put_did(self, numero: str, **members: Any) -> dict[str, Any]:
        """:param members: cidade, uf, circuito_id, valor, a_cobrar"""
        return self._control("PUT", f"/dids/{numero}", json=members)

    def remove_did(self, numero: str) -> bool:
        return self._control("DELETE", f"/dids/{numero}")["removed"]

    # What many tests wait for

    def wait_for_requests(
        self, method: str, path: str, count: int = 1, seconds: float = 30
    ) -> None:
        """Wait until the platform has taken ``count`` requests of this sort.

        :param path: the contract's path with its braces
        :raises SandboxError: when they do not come in time
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if request_count(self.ledger(), method, path) >= count:
                return
            time.sleep(0.02)
        raise SandboxError(f"no {count} {method} {path} within {seconds} seconds")


def request_count(
    ledger: dict[str, Any], method: str, path: str, status: int | None = None
) -> int:
    """How many requests of this sort a ledger counts."""
    return sum(
        row["count"]
        for row in ledger["requests"]
        if row["method"] == method
        and row["path"] == path
        and status in (None, row["status"])
    )


@contextmanager
def running(state: str | Path, **options: Any) -> Iterator[SandboxProcess]:
    """A sandbox that runs for the length of a block; its state stays."""
    sandbox = SandboxProcess(state, **options)
    sandbox.start()
    try:
        yield sandbox
    finally:
        sandbox.stop()
