"""A real Odoo server, a real platform over HTTP, and what a test makes in them."""

import itertools
import os
import resource

import pytest
from demo.client import OdooClient
from demo.provider import local_today
from demo.server import OdooServer
from environment import databases, odoo, paths
from playwright.sync_api import expect, sync_playwright
from sandbox.process import running

from .browser import PASSWORD, ROLES
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
        database=database,
        today=local_today(),
    )
    yield world
    # Another test's crons need not speak to a platform that is gone.
    sandbox.clear_faults()
    admin.write("saperx.integration", [world.integration], {"active": False})


# A first page compiles the web client's assets; other work may share the machine.
BROWSER_PATIENCE = 30_000


@pytest.fixture(scope="module")
def chromium():
    # Odoo bounds the memory of its process, and with it of all that it starts.
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(chromium, request):
    context = chromium.new_context(
        viewport={"width": 1360, "height": 900}, locale="pt-BR"
    )
    context.set_default_timeout(BROWSER_PATIENCE)
    expect.set_options(timeout=BROWSER_PATIENCE)
    page = context.new_page()
    yield page
    for crash in page.locator(".o_technical_modal", has_text="detalhes").all():
        # Past whatever lies above it.
        crash.get_by_text("detalhes").first.evaluate("button => button.click()")
        print(crash.inner_text())
    folder = paths.LOGS / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{request.node.name}.png")
    context.close()


@pytest.fixture(scope="session")
def users(admin):
    for login, groups in ROLES.items():
        admin.create(
            "res.users",
            {
                "name": login.title(),
                "login": login,
                "password": PASSWORD,
                "lang": "pt_BR",
                "tz": "America/Sao_Paulo",
                "group_ids": [(4, admin.ref(group)) for group in groups],
            },
        )
