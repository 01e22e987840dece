"""The gateway is tested as the package ``gateway``: no Odoo is imported."""

import logging
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "saperx_voip"))
sys.path.insert(0, str(Path(__file__).parents[2] / "setup"))

from gateway_server import Server, make_client
from sandbox.process import running


@pytest.fixture(autouse=True, scope="session")
def _quiet_about_hostile_headers():
    """The library warns of headers that a test's server gets wrong on purpose."""
    logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory):
    with running(tmp_path_factory.mktemp("sandbox")) as process:
        yield process


@pytest.fixture
def sandbox(sandbox_process):
    """A platform on its first day."""
    sandbox_process.reset(seed=1)
    return sandbox_process


@pytest.fixture
def client(sandbox):
    with make_client(sandbox.url) as client:
        yield client


@pytest.fixture
def server():
    """A platform that answers what the test tells it to, over real HTTP."""
    with Server() as server:
        yield server
