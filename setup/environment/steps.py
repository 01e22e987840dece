"""Steps that are done once, say what they do, and fail with one clear sentence."""

import fcntl
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from . import paths

SPACE_NEEDED_GB = 3
LOG = paths.LOGS / "environment.log"

_NO_SPACE = re.compile(r"no space left on device", re.IGNORECASE)
# What apt, dpkg, pip, initdb and Odoo put before the line that names the cause.
_CAUSE = re.compile(r"^\s*(?:E:|ERROR:|error:|dpkg-deb: error:|\w+: error:|FATAL:)\s*")


class Failure(Exception):
    """What went wrong and what to do about it, in one sentence for a person."""


def say(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


def fingerprint(*parts: object) -> str:
    """Digest of texts and of the content of files (given as ``Path``)."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else str(part).encode()
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def once(name: str, label: str, key: str, action: Callable[[], object]) -> bool:
    """Run ``action`` unless it was already finished with the same ``key``.

    The stamp is removed first and written last, so that an interrupted step is done
    again. Without a label the action shows its own progress.

    :return: whether something was done.
    """
    stamp = paths.STAMPS / name
    if stamp.exists() and stamp.read_text() == key:
        return False
    stamp.unlink(missing_ok=True)
    with progress(label) if label else nullcontext():
        action()
    write_file(stamp, key)
    return True


def forget(name: str) -> None:
    """Have a step done again."""
    (paths.STAMPS / name).unlink(missing_ok=True)


@contextmanager
def progress(label: str):
    """One line a step, with the seconds it took."""
    started = time.monotonic()
    say(f"  {label} ...", end=" ")
    try:
        yield
    except BaseException:
        say("failed")
        raise
    say(f"{time.monotonic() - started:.1f} s")


def write_file(path: Path, content: str, mode: int = 0o644) -> None:
    """Write ``path`` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".partial")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w") as file:
        file.write(content)
    temporary.replace(path)


def run(
    command: Iterable[str | Path],
    what: str,
    hint: str = "",
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
) -> str:
    """Run a program quietly, keep what it prints in the log, return it.

    :param what: how to name this in a failure ("Downloading Odoo").
    :param hint: what the person can do when it fails.
    :raise Failure: the program is missing or did not end with 0.
    """
    words = [str(word) for word in command]
    try:
        result = subprocess.run(
            words,
            check=False,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            encoding="utf-8",
            errors="replace",
        )
    except FileNotFoundError as error:
        raise Failure(f"{what} needs the program {words[0]}: install it.") from error
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {shlex.join(words)}\n{result.stdout}\n")
    if result.returncode:
        raise Failure(_explain(what, hint, result.stdout))
    return result.stdout


def _explain(what: str, hint: str, output: str) -> str:
    if _NO_SPACE.search(output):
        return no_space()
    lines = [line for line in output.splitlines() if line.strip()]
    causes = [line for line in lines if _CAUSE.match(line)] or lines[-1:]
    cause = (
        _CAUSE.sub("", causes[0]).strip().rstrip(".") if causes else "no reason given"
    )
    return f"{what} failed: {cause}. {hint}".strip() + f" (Everything it said: {LOG})"


def no_space() -> str:
    return (
        f"The disk that holds {paths.LOCAL} is full: free {SPACE_NEEDED_GB} GB and "
        "run the command again; it goes on where it stopped."
    )


def require_space() -> None:
    """:raise Failure: there is plainly too little room to build everything."""
    free = shutil.disk_usage(paths.LOCAL).free / 1e9
    if free < SPACE_NEEDED_GB:
        raise Failure(
            f"Building needs about {SPACE_NEEDED_GB} GB and the disk that holds "
            f"{paths.LOCAL} has {free:.1f} GB free: make room and run it again."
        )


@contextmanager
def lock(name: str = "build"):
    """Hold ``.local/<name>.lock``; a second holder waits for the first."""
    paths.LOCAL.mkdir(parents=True, exist_ok=True)
    with (paths.LOCAL / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"  waiting for another {name} in {paths.LOCAL} to finish ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_root() -> bool:
    return os.geteuid() == 0


def run_main(main: Callable[[], int]) -> None:
    """Run a command line's ``main``; whatever goes wrong is said in one sentence."""
    try:
        sys.exit(main())
    except Failure as failure:
        _fail(str(failure))
    except KeyboardInterrupt:
        _fail("Interrupted; run the command again and it goes on.", 130)
    except OSError as error:
        if error.errno == 28:  # ENOSPC
            _fail(no_space())
        place = f" at {error.filename}" if error.filename else ""
        _fail(f"The system refused{place}: {error.strerror or error}.")


def _fail(sentence: str, code: int = 1) -> None:
    print(f"error: {sentence}", file=sys.stderr, flush=True)
    sys.exit(code)
