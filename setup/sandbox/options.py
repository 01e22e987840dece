"""What can be set when the sandbox starts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

API_PREFIX = "/api/v2"
CONTROL_PREFIX = "/_sandbox"

#: File name of the state when ``--state`` names a directory.
STATE_FILE = "sandbox.sqlite3"


@dataclass(frozen=True)
class Options:
    """Settings of one server process; they are not part of its state."""

    seed: int = 1
    usuario: str = "sandbox"
    senha: str = "sandbox-senha"
    api_key: str = "sandbox-key"
    api_secret: str = "sandbox-secret"
    token_seconds: int = 900
    refresh_seconds: int = 30 * 24 * 3600
    cursor_seconds: int = 3600
    #: Requests a second that the contract's rate-limited paths take; 0 = no limit.
    rate_limit: int = 0
    #: Seconds that every answer takes at least, each request by itself.
    latency: float = 0
    #: Trouble that a new state, or one that was reset, begins with.
    faults: tuple[dict[str, Any], ...] = ()
    #: Whether a following page of calls begins with the last record of the one
    #: before, which the contract allows and a client must fold.
    repeat_records: bool = True


def state_path(state: str | Path) -> Path:
    """The SQLite file meant by ``--state DIR_OR_FILE``; its folder is made."""
    path = Path(state)
    if path.is_dir() or not (path.is_file() or path.suffix):
        path = path / STATE_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.resolve()
