"""How fast calls are charged: ``python -m tests.performance.charging_speed [calls]``.

A real database with 10,000 lines (ten a contract) and a million calls of a month, rated
and stored as an import does it. *Gerar adicional de telefonia*, as its scheduled task
runs it, charges all of them: under a plan with an allowance that each line draws on
(the calls say already what it covers of them, as an import leaves them), and then under
one without.

The reference, in the same run: one UPDATE that stamps the same rows with the same
charges, which it finds in a table by the id of the call. Before each of them the table
is packed anew, so that all find it alike.
"""

import sys
import time
from dataclasses import dataclass

from environment import postgres

from .import_speed import give_allowance
from .recalculation_speed import (
    DATABASE,
    made_database,
    make_integration,
    make_lines,
    merge,
)

CALLS = 1_000_000
GOAL = 0.5


@dataclass(frozen=True)
class Speeds:
    """Calls per second."""

    calls: int
    stamped: float
    """By one UPDATE."""
    plain: float
    with_allowance: float


def pack(env) -> None:
    env.cr.commit()
    postgres.query("VACUUM FULL ANALYZE saperx_cdr", DATABASE)
    env.invalidate_all()


def make_calls(env, integration, count: int) -> None:
    merge(env, integration, count)
    env["saperx.cdr"]._draw_in_batches(env["saperx.line"].search([]).ids)
    env.cr.execute(
        "UPDATE saperx_integration SET active = TRUE, imported_until = '2026-11-20'"
    )
    env.cr.commit()
    env.invalidate_all()


def count_calls(env, state: str) -> int:
    env.cr.execute("SELECT count(*) FROM saperx_cdr WHERE state = %s", [state])
    return env.cr.fetchone()[0]


def charge(env, integration) -> float:
    """By a task of its own. :return: calls a second"""
    schedule = env["saperx.schedule"].create(
        {"task": "charge", "integration_id": integration.id}
    )
    schedule.action_run_now()
    pack(env)
    count = count_calls(env, "unbilled")
    began = time.perf_counter()
    while schedule._is_unfinished() or not schedule.last_run_at:
        # A run goes on in another once its time is over.
        schedule._run()
    seconds = time.perf_counter() - began
    assert schedule.last_state == "done", schedule.last_error
    assert count_calls(env, "billed") == count and not count_calls(env, "unbilled")
    return count / seconds


def remember_stamps(env) -> None:
    env.cr.execute(
        "CREATE TABLE bench_stamp AS"
        " SELECT id AS call_id, charge_id FROM saperx_cdr WHERE state = 'billed';"
        "ALTER TABLE bench_stamp ADD PRIMARY KEY (call_id)"
    )
    env.cr.commit()


def take_back(env) -> None:
    """As if nothing had been charged, but for the charges, which are empty."""
    env.cr.execute(
        """
        UPDATE saperx_cdr SET charge_id = NULL, state = 'unbilled'
         WHERE state = 'billed';
        UPDATE saperx_charge SET state = 'cancelled';
        UPDATE saperx_line_period SET charged_until = NULL;
        """
    )
    env.cr.commit()
    env.invalidate_all()


def without_allowance(env) -> None:
    """The same calls, as if there had never been one."""
    env.cr.execute(
        """
        DELETE FROM saperx_charge_allowance;
        UPDATE saperx_cdr SET covered_seconds = 0, covered_amount = 0,
               charged_amount = gross_amount, allowance_uses = NULL
         WHERE state = 'unbilled'
        """
    )
    give_allowance(env, 0)


def stamp(env) -> float:
    """:return: calls a second"""
    pack(env)
    began = time.perf_counter()
    env.cr.execute(
        "UPDATE saperx_cdr AS call SET charge_id = bench_stamp.charge_id,"
        " state = 'billed' FROM bench_stamp WHERE bench_stamp.call_id = call.id"
    )
    count = env.cr.rowcount
    env.cr.commit()
    return count / (time.perf_counter() - began)


def measure(count: int = CALLS) -> Speeds:
    with made_database() as env:
        integration = make_integration(env)
        make_lines(env)
        make_calls(env, integration, count)
        with_allowance = charge(env, integration)
        remember_stamps(env)
        take_back(env)
        stamped = stamp(env)
        take_back(env)
        without_allowance(env)
        plain = charge(env, integration)
    return Speeds(count, stamped, plain, with_allowance)


if __name__ == "__main__":
    speeds = measure(*map(int, sys.argv[1:2]))
    print(f"{speeds.stamped:>10,.0f} calls/s stamped by one UPDATE")
    for what, name in (("without", "plain"), ("with", "with_allowance")):
        speed = getattr(speeds, name)
        ratio = speed / speeds.stamped
        print(
            f"{speed:>10,.0f} calls/s charged {what} an allowance, {ratio:.2f} of that"
        )
