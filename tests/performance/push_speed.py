"""How fast a backlog of lines goes: ``python -m tests.performance.push_speed``.

A real Odoo server with one cron thread, PostgreSQL, and the sandbox, which answers each
request after 50 ms (and what it needs itself). 1,000 lines wait, with a number each;
they are released by activating the integration, and pushed by the scheduled action.
Counted are the requests that the sandbox took from then until every line is in step in
the database, and the seconds in between. The reference is what *parallel requests* that
take 50 ms each allow in a second. Two situations: lines that the platform does not know
yet, and a change of all of them.

All of them share the machine: with many parallel requests its cores are the bound. To
tell that apart, bare threads that repeat one reading are measured against the same
sandbox. The goal is for the number that is configured unless somebody changes it.
"""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import requests
from demo.client import OdooClient, OdooError
from demo.provider import local_today
from demo.server import OdooServer
from environment import databases, odoo, paths
from sandbox.process import SandboxProcess, running

from tests.e2e.world import World

LINES = 1000
ANSWER_SECONDS = 0.05
# What an integration has unless told otherwise, and more than two cores can feed.
CONFIGURED, MANY = 4, 16
GOAL = 0.8
DATABASE = "saperx_bench"
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Speed:
    """``requests`` for ``lines`` in ``seconds``."""

    situation: str
    parallel: int
    lines: int
    requests: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    @property
    def allowed_per_second(self) -> float:
        return self.parallel / ANSWER_SECONDS

    @property
    def requests_per_line(self) -> float:
        return self.requests / self.lines

    @property
    def has_goal(self) -> bool:
        return self.parallel == CONFIGURED


@contextmanager
def made_world() -> Iterator[World]:
    """An integration whose lines are not pushed yet, and the platform."""
    databases.fresh(DATABASE)
    log = paths.LOGS / f"{DATABASE}.log"
    odoo.run(["-d", DATABASE, "-i", paths.ADDON], "Installing the addon", log)
    with (
        tempfile.TemporaryDirectory() as state,
        running(state) as sandbox,
        OdooServer(DATABASE, cron_threads=1, log=log) as server,
    ):
        yield World(
            OdooClient(server.url, DATABASE, "admin", "admin"),
            sandbox,
            name="Bench",
            database=DATABASE,
            today=local_today(),
        )
    databases.drop(DATABASE)


def requests_taken(sandbox: SandboxProcess) -> int:
    return sum(row["count"] for row in sandbox.ledger()["requests"])


def push(world: World, lines: list[int], situation: str, parallel: int) -> Speed:
    """Release the backlog, and wait until it is gone."""
    integration = [world.integration]
    world.odoo.write(
        "saperx.integration",
        integration,
        {"active": True, "parallel_requests": parallel},
    )
    waiting = "sync_state <> 'synced'"
    assert world.count_lines(waiting) == len(lines)
    world.sandbox.fault(action="delay", seconds=ANSWER_SECONDS, times=None)
    before, began = requests_taken(world.sandbox), time.monotonic()
    # As its button: the scheduled action wakes.
    world.odoo.call("saperx.line", "action_retry_push", lines[:1])
    while world.count_lines(waiting):
        assert time.monotonic() < began + LONGEST_SECONDS, "the backlog does not go"
        time.sleep(0.1)
    seconds = time.monotonic() - began
    taken = requests_taken(world.sandbox) - before
    world.sandbox.clear_faults()
    world.odoo.write("saperx.integration", integration, {"active": False})
    assert len(world.circuits()) == len(lines), "a line was not made, or made twice"
    return Speed(situation, parallel, len(lines), taken, seconds)


def bare_threads(sandbox: SandboxProcess, parallel: int) -> Speed:
    """What the machine allows to whoever does nothing but ask."""
    login = {
        "usuario": "sandbox",
        "senha": "sandbox-senha",
        "api_key": "sandbox-key",
        "api_secret": "sandbox-secret",
    }
    answer = requests.post(f"{sandbox.url}/auth/login", json=login, timeout=60)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    sandbox.fault(action="delay", seconds=ANSWER_SECONDS, times=None)

    def ask():
        with requests.Session() as session:
            for _ in range(LINES // parallel):
                session.get(f"{sandbox.url}/grupos", headers=headers, timeout=60)

    threads = [threading.Thread(target=ask) for _ in range(parallel)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - began
    sandbox.clear_faults()
    asked = LINES // parallel * parallel
    return Speed("nothing but bare threads", parallel, asked, asked, seconds)


def rest_other_jobs(world: World) -> None:
    """A new database has much to do, such as invoicing the contracts made here."""
    push_job = world.odoo.ref("saperx_voip.ir_cron_push")
    others = world.odoo.search_read("ir.cron", [("id", "!=", push_job)], ["id"])
    ids = [job["id"] for job in others]

    def rest():
        # One that runs at this moment cannot be changed.
        with suppress(OdooError):
            world.odoo.write("ir.cron", ids, {"active": False})
            return True

    world.wait("no other job runs", rest)


def measure_in(world: World, parallel: int) -> list[Speed]:
    rest_other_jobs(world)
    world.odoo.write("saperx.integration", [world.integration], {"active": False})
    lines = world.many_lines(LINES)
    made = push(world, lines, "new lines", parallel)
    world.odoo.write("saperx.line", lines, {"simultaneous_calls": 7})
    changed = push(world, lines, "changed lines", parallel)
    circuits = world.circuits().values()
    assert {circuit["limite_simultaneas"] for circuit in circuits} == {7}
    assert all(len(circuit["dids"]) == 1 for circuit in circuits)
    return [made, changed, bare_threads(world.sandbox, parallel)]


def measure() -> list[Speed]:
    speeds = []
    for parallel in (CONFIGURED, MANY):
        with made_world() as world:
            speeds += measure_in(world, parallel)
    return speeds


if __name__ == "__main__":
    for speed in measure():
        ratio = speed.per_second / speed.allowed_per_second
        print(
            f"{speed.per_second:>8,.1f} requests/s, {ratio:.2f} of what is allowed, "
            f"in {speed.seconds:.1f} s, {speed.requests_per_line:.3f} a line: "
            f"{speed.situation}, {speed.parallel} parallel requests"
        )
