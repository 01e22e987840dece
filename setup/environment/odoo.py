"""Running Odoo's own command line."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from . import paths, ports, postgres, steps
from .steps import Failure


def environment() -> dict[str, str]:
    """What every Odoo started here runs with, pytest's included."""
    path = f"{postgres.program_folder()}:{os.environ.get('PATH', '')}"
    return {**os.environ, **postgres.client_environment(), "PATH": path}


def run(
    arguments: Sequence[str],
    what: str,
    log: Path,
    *,
    may_fail: bool = False,
    port: int = 18069,
) -> int:
    """Run ``odoo ARGUMENTS --stop-after-init`` and write its log anew.

    :param may_fail: leave it to the caller to judge the exit code (failed tests).
    :param port: its HTTP port, or the next free one.
    :raise Failure: it did not end with 0.
    """
    command = ["-c", paths.CONFIG, *arguments, "--stop-after-init"]
    command += ["--http-port", ports.free_port(port)]
    with log.open("w") as output:
        code = _call(command, output)
    if code and not may_fail:
        raise Failure(f"{what} failed: {last_error(log)} (The whole log: {log})")
    return code


def run_script(database: str, script: Path, what: str, log: Path) -> None:
    """Give a script to ``odoo shell`` and append to the log."""
    with script.open() as source, log.open("a") as output:
        command = ["shell", "-c", paths.CONFIG, "-d", database, "--no-http"]
        code = _call(command, output, stdin=source)
    if code or "Traceback (most recent call last)" in log.read_text():
        raise Failure(f"{what} failed: {last_error(log)} (The whole log: {log})")


def run_database_command(*words: str) -> None:
    """``odoo db``: create, duplicate, rename and drop with the filestore."""
    command = [paths.PYTHON, "-m", "odoo", "db", "-c", paths.CONFIG, *words]
    steps.run(command, f"The database command '{' '.join(words)}'", env=environment())


def release() -> str:
    """Identifies the Odoo of the virtual environment."""
    ask = "import odoo.release as r; print(r.__file__, r.version)"
    return steps.run([paths.PYTHON, "-c", ask], "Asking Odoo for its version")


def last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    lines = [line for line in lines if line]
    errors = [line for line in lines if " ERROR " in line or " CRITICAL " in line]
    causes = [line for line in lines if _names_exception(line)]
    return (causes or errors or lines or ["it said nothing"])[-1]


def _names_exception(line: str) -> bool:
    name = line.split(":")[0]
    return name.split(".")[-1].endswith(("Error", "Exception")) and " " not in name


def _call(arguments: Sequence[object], output, stdin=subprocess.DEVNULL) -> int:
    command = [str(word) for word in (paths.PYTHON, "-m", "odoo", *arguments)]
    return subprocess.run(
        command,
        check=False,
        stdin=stdin,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment(),
        cwd=paths.LOCAL,
    ).returncode
