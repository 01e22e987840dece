"""A real Odoo server, a real platform over HTTP, and what a test makes in them."""

import itertools
import os
from datetime import date

import pytest
from demo.client import OdooClient
from demo.server import OdooServer
from environment import databases, odoo, paths, postgres
from sandbox.process import running

from .world import World


@pytest.fixture(scope="session")
def database():
    """A fresh database with the addon installed, for this process's tests alone."""
    name = f"saperx_e2e_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    databases.fresh(name)
    log = paths.LOGS / f"{name}-install.log"
    odoo.run(["-d", name, "-i", paths.ADDON], f"Installing {paths.ADDON}", log)
    yield name
    databases.drop(name)


@pytest.fixture(scope="session")
def server(database):
    with OdooServer(database, log=paths.LOGS / f"{database}.log") as server:
        yield server


@pytest.fixture
def second_server(server):
    """Another Odoo on the same database; may be killed."""
    log = paths.LOGS / f"{server.database}-second.log"
    with OdooServer(server.database, log=log) as second:
        yield second


@pytest.fixture
def sandbox(tmp_path):
    with running(tmp_path / "sandbox") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def admin(server):
    client = OdooClient(server.url, server.database, "admin", "admin")
    client.write(
        "res.users", [client.user_id], {"lang": "pt_BR", "tz": "America/Sao_Paulo"}
    )
    return client


_numbers = itertools.count(1)


@pytest.fixture
def world(server, sandbox, admin, database):
    """An integration with the sandbox, a billing plan, and makers for the rest."""
    world = World(
        admin,
        sandbox,
        name=f"Test {next(_numbers)}",
        sql=lambda statement: postgres.query(statement, database),
        today=date.today(),
    )
    yield world
    # Another test's crons need not speak to a platform that is gone.
    sandbox.clear_faults()
    admin.write("saperx.integration", [world.integration], {"active": False})
