"""The demo's processes that go on after its command has ended."""

import os
import signal
import time
from pathlib import Path

from environment import paths

PIDS = paths.LOCAL / "demo.pids"


def remember(*pids: int) -> None:
    PIDS.write_text("\n".join(map(str, pids)))


def stop() -> bool:
    """:return: whether something of an earlier demo was running"""
    if not PIDS.exists():
        return False
    pids = [int(line) for line in PIDS.read_text().split() if _is_ours(int(line))]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while any(_is_ours(pid) for pid in pids):
        if time.monotonic() > deadline:
            for pid in filter(_is_ours, pids):
                os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.1)
    PIDS.unlink()
    return bool(pids)


def _is_ours(pid: int) -> bool:
    """Whether the process still is one of this project's, not a later one's."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except OSError:
        return False
    return str(paths.VENV).encode() in command and state != "Z"
