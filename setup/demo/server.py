"""A real Odoo server on one database, as a process of its own."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import requests
from environment import paths

START_SECONDS = 120


class OdooServer:
    """Runs inside a ``with`` block, or between ``start()`` and ``stop()``.

    :param database: the only one that it serves
    :param port: 0 for a free one
    :param cron_threads: workers for scheduled actions; 0 for none
    :param workers: processes that answer, as in use; 0: one process, with threads
    :param preloads: whether the database is loaded before anybody asks; else the server
        knows it by its filter alone
    :param options: of Odoo's own, beside these
    """

    def __init__(
        self,
        database: str,
        *,
        port: int = 0,
        cron_threads: int = 2,
        workers: int = 0,
        preloads: bool = True,
        options: Sequence[str] = (),
        log: Path | None = None,
    ):
        self.database = database
        self.port = port or _any_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log or paths.LOGS / f"{database}.log"
        self._cron_threads = cron_threads
        self._workers = workers
        self._preloads = preloads
        self._options = options
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [
                paths.PYTHON,
                "-m",
                "odoo",
                f"--config={paths.CONFIG}",
                *([f"--database={self.database}"] if self._preloads else []),
                f"--db-filter=^{self.database}$",
                f"--http-port={self.port}",
                f"--gevent-port={_any_free_port()}",
                f"--max-cron-threads={self._cron_threads}",
                f"--workers={self._workers}",
                f"--logfile={self.log}",
                "--no-database-list",
                *self._options,
            ],
            # Its own group: stopping it leaves no child behind, and an interrupt
            # of the one who started it is his to pass on.
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"Odoo stopped at once: see {self.log}")
            try:
                if requests.get(f"{self.url}/web/health", timeout=5).ok:
                    return
            except requests.RequestException:
                time.sleep(0.2)
        self.kill()
        raise RuntimeError(f"Odoo did not answer in {START_SECONDS} s: see {self.log}")

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """As a crash: no chance to clean up."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exc):
        self.stop()


def _any_free_port() -> int:
    """One that nobody else is likely to take before Odoo does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
