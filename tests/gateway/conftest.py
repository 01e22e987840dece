"""The gateway is tested as the package ``gateway``: no Odoo is imported."""

import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
sys.path[:0] = [str(PROJECT / "saperx_voip"), str(PROJECT / "setup")]

from gateway import Client, Credentials, MemoryTokenStore
from gateway_server import Server
from sandbox.process import running

CREDENTIALS = Credentials("sandbox", "sandbox-senha", "sandbox-key", "sandbox-secret")


def make_client(url, **settings):
    settings = {"timezone": "America/Sao_Paulo", "read_timeout": 5.0, **settings}
    store = settings.pop("token_store", None) or MemoryTokenStore()
    credentials = settings.pop("credentials", CREDENTIALS)
    return Client(url, credentials, store, **settings)


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
