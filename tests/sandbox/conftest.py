"""One sandbox for all tests of this folder, made new before each of them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "setup"))

from sandbox.process import SandboxProcess, running
from sandbox_client import Api


@pytest.fixture(scope="session")
def sandbox_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[SandboxProcess]:
    with running(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process: SandboxProcess) -> SandboxProcess:
    """A platform on its first day."""
    sandbox_process.reset(seed=1)
    return sandbox_process


@pytest.fixture
def api(sandbox: SandboxProcess) -> Api:
    """Logged in."""
    return Api(sandbox).login()
