"""Three cycles of a provider come to what a second implementation makes of them.

More of it: ``python -m tests.life --seeds 1,2,3 --lines 200`` and
``python -m tests.life.interruption``.
"""

import os
import subprocess
import sys

import pytest
from environment import databases, odoo, paths

LINES = os.environ.get("LIFE_LINES", "12")
SEEDS = os.environ.get("LIFE_SEEDS", "3")


@pytest.fixture(scope="module")
def installed():
    """What each test copies."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"saperx_life_{worker}"
    databases.fresh(name)
    log = paths.LOGS / f"{name}-install.log"
    odoo.run(["-d", name, "-i", paths.ADDON], "Installing the addon", log)
    yield name
    databases.drop(name)


def run(module, installed, *words):
    """In a process of its own, whose clock it sets."""
    names = ["--database", f"{installed}_copy", "--installed", installed]
    done = subprocess.run(
        [sys.executable, "-m", module, *names, *words],
        cwd=paths.PROJECT,
        env={**os.environ, "PYTHONPATH": str(paths.PROJECT / "setup")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


def test_a_quarter_comes_to_what_is_reckoned(installed):
    run("tests.life", installed, "--seeds", SEEDS, "--lines", LINES)


def test_work_that_dies_anywhere_or_is_done_twice_at_once_charges_each_call_once(
    installed,
):
    run("tests.life.interruption", installed, "--rounds", "2")
