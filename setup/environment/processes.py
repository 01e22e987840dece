"""Servers that stay when the command that started them ends (a demo's Odoo).

Each has a file ``.local/run/<name>.pid`` with its process and the moment that process
started, so that a number which was given to another program is never ended.
"""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import paths

RUN = paths.LOCAL / "run"
PATIENCE_SECONDS = 20


def start(
    name: str, command: Sequence[str | Path], log: Path, env: Mapping[str, str]
) -> int:
    """Start a server in the background, with its output in ``log``.

    :return: its process number.
    """
    stop(name)
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=paths.LOCAL,
            start_new_session=True,
        )
    RUN.mkdir(exist_ok=True)
    _file(name).write_text(f"{process.pid} {_started(process.pid)}")
    return process.pid


def is_running(name: str) -> bool:
    return _process(name) is not None


def stop(name: str) -> bool:
    """:return: whether it was running."""
    process = _process(name)
    if process is not None:
        _end(process)
    _file(name).unlink(missing_ok=True)
    return process is not None


def stop_all() -> list[str]:
    """:return: the names of those that were running."""
    return [file.stem for file in sorted(RUN.glob("*.pid")) if stop(file.stem)]


def _end(process: int) -> None:
    started = _started(process)
    for order in (signal.SIGTERM, signal.SIGKILL):
        os.kill(process, order)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while _started(process) == started and time.monotonic() < deadline:
            time.sleep(0.1)
        if _started(process) != started:
            return


def _process(name: str) -> int | None:
    if not _file(name).exists():
        return None
    number, _, started = _file(name).read_text().partition(" ")
    return int(number) if started and _started(int(number)) == started else None


def _started(process: int) -> str | None:
    """When it started, in the kernel's count; None when it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def _file(name: str) -> Path:
    return RUN / f"{name}.pid"
