"""Three cycles of a provider come to what a second implementation makes of them.

More of it: ``python -m tests.life --seeds 1,2,3 --lines 200`` and
``python -m tests.life.interruption``.
"""

import os
import subprocess
import sys

import pytest
from environment import paths

LINES = os.environ.get("LIFE_LINES", "20")
SEEDS = os.environ.get("LIFE_SEEDS", "1,2").split(",")


def run(module, *words):
    """In a process of its own, whose clock it sets."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    database = f"{module.replace('.', '_')}_{worker}"
    done = subprocess.run(
        [sys.executable, "-m", module, "--database", database, *words],
        cwd=paths.PROJECT,
        env={**os.environ, "PYTHONPATH": str(paths.PROJECT / "setup")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_quarter_comes_to_what_is_reckoned(seed):
    run("tests.life", "--seeds", seed, "--lines", LINES)


def test_work_that_dies_anywhere_or_is_done_twice_at_once_charges_each_call_once():
    every = os.environ.get("LIFE_EVERY", "20")
    run("tests.life.interruption", "--every", every, "--rounds", "2")
