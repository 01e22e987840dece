"""PostgreSQL restarted in the middle of an import, under an Odoo that goes on running.

It runs with workers, as it does in use: a process whose connection is gone ends, and
Odoo starts another in its place, again and again, until the database answers. It has no
``db_name``, since else Odoo 19 itself ends if the database does not answer at once;
whoever sets it has a service manager start Odoo again. (In its one-process mode, which
is made for developing, Odoo's threads for scheduled actions end for good.)
"""

import os
import random
import time

import pytest
from demo.client import OdooClient
from demo.provider import local_today
from demo.server import OdooServer
from environment import paths

from .private_cluster import private_cluster, restart_at_once
from .test_import_trouble import (
    LINES,
    MALFORMED,
    PATIENCE,
    SEED,
    UNKNOWN,
    check_against_ledger,
    check_counts,
    make_calls,
    table,
    undisturbed,
    wait_to_the_end,
)
from .world import World

RESTARTS = int(os.environ.get("IMPORT_TROUBLE_RESTARTS", "2"))


@pytest.fixture
def own_world(database, sandbox, tmp_path):
    """A world in a cluster of its own."""
    name = f"{database}_restart"
    log = paths.LOGS / f"{name}.log"
    with (
        private_cluster(tmp_path, database, name),
        OdooServer(
            name,
            log=log,
            workers=1,
            cron_threads=1,
            preloads=False,
            # Each process loads the database by itself: on a busy machine that takes
            # longer than Odoo gives a scheduled action as a rule.
            options=["--limit-time-real-cron=600"],
        ) as server,
    ):
        admin = OdooClient(server.url, name, "admin", "admin")
        today = local_today()
        yield World(admin, sandbox, name="Restart", database=name, today=today)


def test_postgresql_restarted_in_the_middle_of_an_import(own_world):
    world = own_world
    print(f"IMPORT_TROUBLE_SEED={SEED}")
    rng = random.Random(SEED)
    world.odoo.write(
        "saperx.tariff",
        [world.tariff],
        {"allowance_ids": [(0, 0, {"unit": "minutes", "quantity": 100})]},
    )
    world.wait_synced(*world.many_lines(LINES))
    make_calls(world, late_share=0, unknown=UNKNOWN, malformed=MALFORMED)
    world.sandbox.fault("/ligacoes", "delay", seconds=0.2, times=None)
    run = world.start_import()

    def progress():
        return world.sql(
            f"SELECT state, phase, read_count FROM saperx_cdr_import WHERE id = {run}"
        )

    for _time in range(RESTARTS):
        before = progress()
        world.wait("it reads", lambda before=before: progress() != before)
        time.sleep(rng.uniform(0.1, 1.0))
        restart_at_once()
        read = progress()
        assert not read[0].startswith("done"), "too fast to be disturbed"
        world.wait_for_workers(
            "it goes on", lambda read=read: progress() != read, PATIENCE
        )
    check_counts(wait_to_the_end(world, run))
    check_against_ledger(world)
    found = table(world)
    assert found == undisturbed(world)
