"""``make test`` and ``make oca-tests``.

Every log is checked: an install, an upgrade or a test run that logs a warning fails.
"""

import os
import shlex
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import databases, logs, odoo, paths
from .logs import Result
from .steps import Failure, lock, progress, say

OCA_ADDONS = ("contract", "contract_line_successor", "contract_termination")
OCA_TESTS = 125

TROUBLE_TESTS = ("test_import_trouble.py", "test_postgres_restart.py")
WHOLE_MONTH = {
    "IMPORT_TROUBLE_CALLS": "1000000",
    "IMPORT_TROUBLE_LINES": "200",
    "IMPORT_TROUBLE_KILLS": "20",
    "IMPORT_TROUBLE_RESTARTS": "5",
}
ADOPTION_TESTS = ("test_adoption_start.py",)
WHOLE_PLATFORM = {"ADOPTION_LINES": "5000", "ADOPTION_CALLS": "60"}

# Slow tests stand together: whoever has done his own takes of the other's.
IN_PARALLEL = "-n 2 --dist worksteal -q"

# As Odoo writes its own, so that the same tool reads both.
LOG_FORMAT = "%(asctime)s %(process)d %(levelname)s pytest %(name)s: %(message)s"


def test() -> int:
    """Install, upgrade, Odoo's own runner, then the tests that cross the border."""
    with lock("test"):
        database = "saperx_test"
        _install(database)
        clean = _upgrade(database)
        results = _run_odoo_tests(database)
        results.append(_run_pytest("pytest", database, [paths.PROJECT / "tests"]))
        databases.drop(database)
    return _conclude(results, clean)


def trouble() -> int:
    """A whole month imported through trouble of every sort: about an hour."""
    return _run_large("trouble", TROUBLE_TESTS, WHOLE_MONTH)


def adoption() -> int:
    """Thousands of circuits taken over by contracts: about half an hour."""
    return _run_large("adoption", ADOPTION_TESTS, WHOLE_PLATFORM)


def _run_large(name: str, tests: Sequence[str], volume: dict[str, str]) -> int:
    """End-to-end tests with as much as in use.

    :param volume: of the environment, where it does not say otherwise
    """
    with lock("test"):
        database = f"saperx_{name}"
        _install(database)
        folder = paths.PROJECT / "tests" / "e2e"
        os.environ.setdefault("PYTEST_ARGS", "-v -s")
        for variable, value in volume.items():
            os.environ.setdefault(variable, value)
        result = _run_pytest(name, database, [folder / test for test in tests])
        databases.drop(database)
    return _conclude([result], True)


def oca_tests() -> int:
    """OCA's own contract suites, with this addon installed.

    pytest runs them once *everything* is loaded. Odoo's runner would run most of them
    right after loading OCA's addon, when this one is not there yet; and when the
    columns that l10n_br requires are in the database, but not yet in the models.
    """
    with lock("oca-tests"):
        database = "saperx_oca"
        _install(database)
        addons = next(paths.VENV.glob("lib/*/site-packages/odoo/addons"))
        folders = [addons / name / "tests" for name in OCA_ADDONS]
        result = _run_pytest("oca", database, folders)
        databases.drop(database)
    if result.passed < OCA_TESTS:
        say(f"Only {result.passed} of at least {OCA_TESTS} tests passed.")
    return _conclude([result], result.passed >= OCA_TESTS and not result.skipped)


def _install(database: str) -> None:
    databases.fresh(database)
    log = paths.LOGS / f"{database}-install.log"
    with progress(f"Installing {paths.ADDON}"):
        odoo.run(["-d", database, "-i", paths.ADDON], f"Installing {paths.ADDON}", log)
    logs.require_clean(log)


def _upgrade(database: str) -> bool:
    log = paths.LOGS / f"{database}-upgrade.log"
    with progress(f"Upgrading {paths.ADDON}"):
        odoo.run(["-d", database, "-u", paths.ADDON], f"Upgrading {paths.ADDON}", log)
    return logs.is_clean(log)


def _run_odoo_tests(database: str) -> list[Result]:
    """Two halves at once, each in a database of its own: one run fills one core."""
    half = _half_of_the_test_files()
    twin = f"{database}_twin"
    databases.copy(database, twin)
    runs = {
        database: [f"/{paths.ADDON}", *(f"-{file}" for file in half)],
        twin: half,
    }
    with (
        progress(f"Odoo's own runner on {paths.ADDON}/tests"),
        ThreadPoolExecutor() as pool,
    ):
        ports = range(18069, 18069 + 200 * len(runs), 200)
        results = list(pool.map(_run_odoo, runs, runs.values(), ports))
    databases.drop(twin)
    for result in results:
        say("\n".join(result.closing_lines))
    return results


def _half_of_the_test_files() -> list[str]:
    """As Odoo's tags name them; about half of what is written in all of them."""
    files = sorted(
        (paths.PROJECT / paths.ADDON / "tests").glob("test_*.py"),
        key=lambda file: file.stat().st_size,
        reverse=True,
    )
    return [f"/{paths.ADDON}/tests/{file.name}" for file in files[::2]]


def _run_odoo(database: str, tags: Sequence[str], port: int) -> Result:
    log = paths.LOGS / f"{database}-odoo.log"
    arguments = ["-d", database, "-u", paths.ADDON, "--test-tags", ",".join(tags)]
    code = odoo.run(arguments, "Odoo's test run", log, may_fail=True, port=port)
    result = logs.odoo_result(log)
    clean = logs.is_clean(log)
    if not result.failed and (code or not clean):
        result.failed = 1
    return result


def _run_pytest(name: str, database: str, folders: Sequence[Path]) -> Result:
    report = paths.LOGS / f"{name}.xml"
    log = paths.LOGS / f"{name}.log"
    report.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    command = [paths.PYTHON, "-m", "pytest", "-p", "environment.own_tests_only"]
    command += [f"--odoo-config={paths.CONFIG}", f"--odoo-database={database}"]
    command += ["--odoo-http", "--odoo-log-level=warn", f"--junitxml={report}", "-rs"]
    # Workers write one log together, so it is appended to.
    command += [f"--log-file={log}", "--log-file-mode=a", "--log-file-level=WARNING"]
    command += [f"--log-file-format={LOG_FORMAT}"]
    command += ["--log-file-date-format=%Y-%m-%d %H:%M:%S,000"]
    command += [*shlex.split(os.environ.get("PYTEST_ARGS", IN_PARALLEL)), *folders]
    path = f"{paths.PROJECT / 'setup'}:{os.environ.get('PYTHONPATH', '')}".rstrip(":")
    code = subprocess.run(
        [str(word) for word in command],
        check=False,
        stdin=subprocess.DEVNULL,
        env={**odoo.environment(), "PYTHONPATH": path},
        cwd=paths.PROJECT,
    ).returncode
    result = logs.pytest_result(report)
    clean = not log.exists() or logs.is_clean(log, "--no-err-if-empty")
    if not result.failed and (code or not clean):
        result.failed = 1
    return result


def _conclude(results: Sequence[Result], clean: bool) -> int:
    """Print the closing line and give the exit code."""
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    skipped = [line for result in results for line in result.skipped]
    browser = [line for result in results for line in result.skipped_browser_tests]
    if browser:
        say("Browser tests must run, and these were skipped:")
        say("\n".join(f"  {line}" for line in browser))
        failed += len(browser)
    if not clean and not failed:
        failed = 1
    tail = f", {len(skipped)} skipped" if skipped else ""
    say(f"{passed} passed, {failed} failed{tail}")
    if not passed:
        raise Failure("No test ran: see the logs in .local/log.")
    return 1 if failed else 0
