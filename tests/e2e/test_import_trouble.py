"""A month of calls through trouble of every sort ends as an undisturbed one does.

What is compared with is the platform's own ledger: every record that can be read is one
call, with the same price as in an undisturbed import, and every one that cannot is a
reject. The month is smaller here than in use: ``make trouble`` has it whole, kills Odoo
twenty times and restarts PostgreSQL oftener.
"""

import os
import random
import time

import pytest

from .world import WAIT_SECONDS

VOLUME = int(os.environ.get("IMPORT_TROUBLE_CALLS", "20000"))
LINES = int(os.environ.get("IMPORT_TROUBLE_LINES", "40"))
UNKNOWN, MALFORMED = VOLUME // 100, VOLUME * 3 // 1000
# What a whole month may take, undisturbed or not.
PATIENCE = max(WAIT_SECONDS, VOLUME // 250)
# Which moments a random test kills at: printed, so that a failure can be repeated.
SEED = int(os.environ.get("IMPORT_TROUBLE_SEED", str(random.randrange(10**6))))
KILLS = int(os.environ.get("IMPORT_TROUBLE_KILLS", "4"))

COMPARED = """
    remote_id, fingerprint, line_id, period_id, other_party, call_class, cycle_end,
    rate_id, charged_seconds, gross_amount::numeric(9, 2), covered_seconds,
    covered_amount::numeric(9, 2), charged_amount::numeric(9, 2), allowance_uses::text,
    state, reason
"""


@pytest.fixture
def month(world):
    """Lines whose plan has an allowance, and their calls of the closed month."""
    world.odoo.write(
        "saperx.tariff",
        [world.tariff],
        {"allowance_ids": [(0, 0, {"unit": "minutes", "quantity": 100})]},
    )
    lines = world.many_lines(LINES)
    world.wait_synced(*lines)
    return lines


def make_calls(world, count=VOLUME, **settings):
    world.sandbox.generate_calls(
        f"{world.first:%Y-%m}", calls_per_line=count // LINES, seed=5, **settings
    )


def table(world):
    """What is stored of the integration's calls, as text."""
    return world.sql(
        f"SELECT {COMPARED} FROM saperx_cdr"
        f" WHERE integration_id = {world.integration} ORDER BY remote_id"
    )


def undisturbed(world):
    """What a reading without any trouble leaves: the calls imported so far go away, and
    are read again."""
    world.sql(f"DELETE FROM saperx_cdr WHERE integration_id = {world.integration}")
    world.sandbox.clear_faults()
    check_counts(wait_to_the_end(world, world.start_import()))
    return table(world)


def check_counts(run):
    parts = ("new", "known", "changed", "rejected")
    assert run["read_count"] == sum(run[f"{part}_count"] for part in parts)
    assert 0 <= run["unmatched_count"] <= run["new_count"]


def check_against_ledger(world):
    """Every valid record of the platform is a call, once; every other one a reject."""
    texts = world.sandbox.ledger(calls="all")["records"]
    valid, bad = set(), 0
    for record in texts:
        is_bad = "-M" in str(record.get("id", "-M"))
        bad += is_bad
        if not is_bad:
            valid.add(record["id"])
    stored = world.sql(
        f"SELECT remote_id FROM saperx_cdr WHERE integration_id = {world.integration}"
    )
    assert len(stored) == len(set(stored)), "a call is stored twice"
    assert set(stored) == valid
    (rejects,) = world.sql(
        "SELECT count(*) FROM saperx_cdr_reject"
        f" WHERE integration_id = {world.integration}"
    )
    assert int(rejects) == bad == MALFORMED


def hurry(world, run):
    """What time would do: its pauses are over."""
    world.sql(
        "UPDATE saperx_cdr_import SET next_try_at = NULL"
        f" WHERE id = {run} AND next_try_at IS NOT NULL"
    )
    wake(world)


def wake(world):
    """As the common scheduled action does every quarter of an hour."""
    world.sql(
        "INSERT INTO ir_cron_trigger (cron_id, call_at)"
        " SELECT import_cron_id, now() AT TIME ZONE 'UTC' FROM saperx_integration"
        f" WHERE id = {world.integration}"
    )
    world.wake_workers()


def wait_to_the_end(world, run):
    def ended():
        found = world.odoo.read("saperx.cdr.import", run)
        assert found["state"] != "failed", found["error"]
        if found["next_try_at"]:
            hurry(world, run)
        return found["state"] == "done" and found

    return world.wait_for_workers("the import has ended", ended, PATIENCE)


TROUBLE = (
    {"action": "status", "status": 401},
    {"action": "status", "status": 429, "retry_after": 1},
    {"action": "status", "status": 500},
    {"action": "status", "status": 502, "body": "<html>Bad gateway</html>"},
    {"action": "foreign"},
    {"action": "broken"},
    {"action": "cut"},
    {"action": "cut_body"},
    {"action": "repeat_page"},
    {"action": "expire_cursor"},
)


def test_a_month_from_a_platform_that_misbehaves_throughout(world, month):
    make_calls(world, late_share=0.03, unknown=UNKNOWN, malformed=MALFORMED)
    for number, fault in enumerate(TROUBLE):
        world.sandbox.fault("/ligacoes", rate=0.05, seed=number, **fault)
    run = world.start_import()
    check_counts(wait_to_the_end(world, run))
    used = {f["action"] for f in world.sandbox.faults() if f["used"]}
    assert used, "nothing went wrong"
    # What was late stands among what has been read.
    assert world.sandbox.release_late()
    second = wait_to_the_end(world, world.start_import())
    check_counts(second)
    check_against_ledger(world)
    found = table(world)
    assert found == undisturbed(world)
    check_against_ledger(world)


def test_killed_at_random_moments_it_ends_as_if_nothing_had_been(world, month, server):
    print(f"IMPORT_TROUBLE_SEED={SEED}")
    rng = random.Random(SEED)
    make_calls(world, late_share=0, unknown=UNKNOWN, malformed=MALFORMED)
    # Slow enough that it is killed in the middle, also of the last steps.
    world.sandbox.fault("/ligacoes", "delay", seconds=0.1, times=None)
    run = world.start_import()

    def progress():
        return world.sql(
            f"SELECT state, phase, read_count FROM saperx_cdr_import WHERE id = {run}"
        )

    # Spread over all of it.
    longest = max(2.5, VOLUME / 2000 / KILLS)
    for _kill in range(KILLS):
        time.sleep(rng.uniform(0.2, longest))
        server.kill()
        read = progress()
        server.start()
        if not read[0].startswith("done"):
            world.wait_for_workers("it goes on", lambda r=read: progress() != r)
    check_counts(wait_to_the_end(world, run))
    check_against_ledger(world)
    found = table(world)
    assert found == undisturbed(world)


def test_of_two_imports_of_one_integration_one_runs_and_the_other_says_so(world, month):
    make_calls(world, 4000, late_share=0)
    world.sandbox.fault("/ligacoes", "delay", seconds=1, times=4)
    first, second = world.start_import(), world.start_import()
    world.wait(
        "the first reads",
        lambda: (
            world.odoo.read("saperx.cdr.import", first, "state")["state"] == "running"
        ),
    )
    waiting = world.odoo.read("saperx.cdr.import", second, "state", "waits_for_id")
    assert waiting["state"] == "pending"
    assert waiting["waits_for_id"][0] == first
    done = world.wait_import(first)
    after = world.wait_import(second)
    assert (done["new_count"], after["new_count"]) == (4000, 0)
    assert after["started_at"] >= done["ended_at"]


def test_imports_of_two_integrations_run_side_by_side(world, month):
    make_calls(world, 4000, late_share=0)
    values = world.credentials(name=f"{world.name} twin")
    twin = world.odoo.create("saperx.integration", values)
    world.sandbox.fault("/ligacoes", "delay", seconds=1.5, times=None)
    run = world.start_import()
    world.integration, own = twin, world.integration
    beside = world.start_import()
    world.integration = own

    def both_read():
        states = world.odoo.call("saperx.cdr.import", "read", [run, beside], ["state"])
        return {found["state"] for found in states} == {"running"}

    world.wait("both read", both_read)
    world.sandbox.clear_faults()
    assert world.wait_import(run)["new_count"] == 4000
    assert world.wait_import(beside)["unmatched_count"] == 4000
    world.odoo.write("saperx.integration", [twin], {"active": False})
