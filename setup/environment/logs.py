"""Reading what Odoo and pytest wrote."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from . import paths
from .steps import Failure, say

KNOWN_LINES = paths.HERE / "checklog-odoo.cfg"

_TOTAL = re.compile(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests when loading")
_SKIPPED = re.compile(r" INFO \S+ \S+: skipped (.+)")
_CLOSING = re.compile(r".* odoo\.tests\.(?:result|stats): .*")
# Odoo skips a browser test, instead of failing it, when it finds no browser.
_BROWSER = re.compile(r"chrom|websocket|browser", re.IGNORECASE)


@dataclass
class Result:
    """How a run of tests ended."""

    passed: int
    failed: int
    skipped: list[str]
    closing_lines: list[str] = field(default_factory=list)
    """What the test runner itself said in the end."""

    @property
    def skipped_browser_tests(self) -> list[str]:
        return [line for line in self.skipped if _BROWSER.search(line)]


def is_clean(log: Path, *options: str) -> bool:
    """Whether a log holds no unknown line of level WARNING or above; else show them.

    :param options: further options of checklog-odoo.
    """
    command = [paths.VENV / "bin/checklog-odoo", "-c", KNOWN_LINES, "--no-echo", log]
    result = subprocess.run(
        [str(word) for word in (*command, *options)],
        check=False,
        capture_output=True,
        text=True,
        cwd=paths.LOCAL,
    )
    if result.returncode:
        say(f"{result.stdout}{result.stderr}(in {log})")
    return not result.returncode


def require_clean(log: Path) -> None:
    if not is_clean(log):
        raise Failure(f"{log} holds warnings or errors; they are shown above.")


def odoo_result(log: Path) -> Result:
    """The totals of Odoo's own test runner."""
    text = log.read_text(errors="replace")
    totals = _TOTAL.findall(text)
    skipped = _SKIPPED.findall(text)
    closing = _CLOSING.findall(text)
    if not totals:
        return Result(0, 1, skipped, closing)
    failures, errors, total = map(int, totals[-1])
    failed = failures + errors
    return Result(max(total - failed - len(skipped), 0), failed, skipped, closing)


def pytest_result(report: Path) -> Result:
    """The totals of pytest's JUnit report; a run without a report counts as failed."""
    if not report.exists():
        return Result(0, 1, [])
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    passed = failed = 0
    skipped = []
    for case in (case for suite in suites for case in suite.iter("testcase")):
        name = f"{case.get('classname')}.{case.get('name')}"
        if (skip := case.find("skipped")) is not None:
            skipped.append(f"{name}: {skip.get('message')}")
        elif case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return Result(passed, failed, skipped)
