"""How fast *Recalcular* is: ``python -m tests.performance.recalculation_speed``.

A real database with 10,000 lines (a number each, ten a contract) and a million calls,
as a month makes them. The calls come into the table as an import's do: pages of 1,000,
each rated, merged and committed, but without HTTP and decoding; that is the reference.
Then all of them are rated again as *Recalcular* does it, by its scheduled action and to
its end: first after every price changed, so that every call is written, then once more,
when nothing is to be written. A number of calls may be given as argument.
"""

import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from environment import databases, odoo, paths

from .rating_speed import make_number

CALLS = 1_000_000
LINES = 10_000
LINES_OF_A_CONTRACT = 10
PAGE = 1000
GOAL = 0.5
DATABASE = "saperx_bench"
FIRST = datetime(2026, 10, 1, 3)
DAYS = 31
FIRST_NUMBER = 551130000000


@dataclass(frozen=True)
class Speeds:
    """Calls per second."""

    calls: int
    merged: float
    """Into the table, as an import's pages."""
    changed: float
    """Rated again, all with another amount than before."""
    unchanged: float


@contextmanager
def made_database() -> Iterator:
    """:return: an environment in which the system itself acts"""
    databases.fresh(DATABASE)
    log = paths.LOGS / f"{DATABASE}.log"
    odoo.run(["-d", DATABASE, "-i", paths.ADDON], "Installing the addon", log)
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.sql_db import close_db
    from odoo.tools import config

    config.parse_config(["-c", str(paths.CONFIG), "--logfile", str(log)])
    try:
        with Registry(DATABASE).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})
    finally:
        close_db(DATABASE)
        databases.drop(DATABASE)


def make_integration(env, **values):
    """With one line, of a plan that has a price for each class and an allowance."""
    integration = env["saperx.integration"].create(
        {
            "name": "Bench",
            "active": False,
            "base_url": "https://bench.example/api/v2",
            "username": "sandbox",
            **values,
        }
    )
    plan = env["saperx.plan"].create(
        {
            "name": "National",
            "scope": "national",
            "remote_id": 1,
            "integration_id": integration.id,
        }
    )
    prices = {"lc": 0.05, "ldn": 0.12, "vc1": 0.35, "vc2": 0.42, "vc3": 0.45}
    rates = [{"call_class": c, "price_per_minute": p} for c, p in prices.items()]
    rates += [{"prefix": p, "price_per_minute": 0.9} for p in ("1", "351", "54", "40")]
    tariff = env["saperx.tariff"].create(
        {
            "name": "Bench",
            "rate_ids": [(0, 0, r) for r in [*rates, {"price_per_minute": 1.2}]],
            "allowance_ids": [(0, 0, {"unit": "minutes", "quantity": 60})],
        }
    )
    contract = env["contract.contract"].create(
        {
            "name": "Bench",
            "partner_id": env["res.partner"].create({"name": "Maria"}).id,
            "contract_type": "sale",
        }
    )
    env["saperx.line"].create(
        {
            "contract_id": contract.id,
            "integration_id": integration.id,
            "plan_id": plan.id,
            "tariff_id": tariff.id,
            "credit_limit": 300,
            "did_ids": [(0, 0, {"number": str(FIRST_NUMBER)})],
        }
    )
    env.flush_all()
    return integration


def multiply(env, table: str, count: int, **values: str) -> None:
    """Copies of a table's only row, or of its last.

    :param values: SQL of those columns that differ, of the copy's number ``n``
    """
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = %s AND column_name <> 'id'",
        [table],
    )
    names = [name for (name,) in env.cr.fetchall()]
    columns = ", ".join(f'"{name}"' for name in names)
    copied = ", ".join(values.get(name, f'"{name}"') for name in names)
    env.cr.execute(
        f"INSERT INTO {table} ({columns})"
        f" SELECT {copied} FROM generate_series(1, {count}) AS n,"
        f" (SELECT * FROM {table} ORDER BY id DESC LIMIT 1) AS made"
    )


def make_lines(env, count: int = LINES) -> None:
    """The one line there is becomes many, in as many contracts as they need."""
    contracts = count // LINES_OF_A_CONTRACT
    first = "(SELECT max(id) FROM contract_contract)"
    multiply(env, "contract_contract", contracts - 1)
    contract = f"{first} - mod(n, {contracts})"
    multiply(
        env,
        "saperx_line",
        count - 1,
        reference="'bench-' || n",
        account_code="100000 + n",
        contract_id=contract,
    )
    line = "(SELECT id FROM saperx_line WHERE reference = 'bench-' || n)"
    multiply(env, "saperx_line_period", count - 1, line_id=line, contract_id=contract)
    number = f"({FIRST_NUMBER} + n)::text"
    multiply(env, "saperx_did", count - 1, line_id=line, number=number)
    env.cr.execute("ANALYZE")
    env.cr.commit()
    env.invalidate_all()


def make_pages(count: int) -> Iterator[list]:
    from odoo.addons.saperx_voip.gateway import Call, Direction, Outcome

    rng = random.Random(1)
    numbers = [make_number(rng) for _ in range(40_000)]
    often = numbers[:8_000]
    for first in range(0, count, PAGE):
        page = []
        for n in range(first, min(first + PAGE, count)):
            talk_seconds = 4 + int(rng.expovariate(1 / 150))
            page.append(
                Call(
                    remote_id=str(n),
                    line_remote_id=None,
                    account_code=None,
                    direction=Direction.OUTGOING,
                    is_collect=False,
                    caller=str(FIRST_NUMBER + rng.randrange(LINES)),
                    callee=rng.choice(often if rng.random() < 0.8 else numbers),
                    start=FIRST + timedelta(days=DAYS) * n / count,
                    total_seconds=talk_seconds + 8,
                    talk_seconds=talk_seconds,
                    platform_charged_seconds=talk_seconds,
                    platform_class=None,
                    outcome=Outcome.ANSWERED,
                    platform_amount=Decimal("0.10"),
                    platform_cost=Decimal("0.04"),
                    city="Porto Alegre",
                    fingerprint=n.to_bytes(16, "big"),
                )
            )
        yield page


def merge(env, integration, count: int) -> float:
    """Seconds that pages take into the table."""
    from odoo.service.model import retrying

    run = env["saperx.cdr.import"].create(
        {
            "integration_id": integration.id,
            "date_from": FIRST,
            "date_to": FIRST + timedelta(days=DAYS),
        }
    )
    env.cr.commit()
    assessor, seconds = None, 0.0

    def store(page, known):
        assessor = integration._get_assessor(known)
        run._merge(page, assessor)
        return assessor

    for page in make_pages(count):
        began = time.perf_counter()
        assessor = retrying(lambda p=page, a=assessor: store(p, a), env)
        seconds += time.perf_counter() - began
    env.cr.execute("ANALYZE saperx_cdr")
    env.cr.commit()
    return seconds


def recalculate(env, count: int, changed: bool) -> float:
    """Seconds that all of them take."""
    runs = env["saperx.recalculation"]
    # A change of prices has asked for one already.
    run = runs.search([("state", "=", "waiting")]) or runs.create({})
    env.cr.commit()
    began = time.perf_counter()
    env["saperx.recalculation"]._cron_run()
    seconds = time.perf_counter() - began
    assert run.state == "done" and run.done_count == count, run.error
    assert run.changed_count >= 0.9 * count if changed else not run.changed_count
    return seconds


def measure(count: int = CALLS) -> Speeds:
    with made_database() as env:
        integration = make_integration(env)
        make_lines(env)
        merged = merge(env, integration, count)
        for rate in env["saperx.tariff.rate"].search([]):
            rate.price_per_minute *= 2
        changed = recalculate(env, count, changed=True)
        unchanged = recalculate(env, count, changed=False)
    return Speeds(count, count / merged, count / changed, count / unchanged)


if __name__ == "__main__":
    speeds = measure(*map(int, sys.argv[1:2]))
    print(f"{speeds.merged:>10,.0f} calls/s merged as an import's pages")
    for what in ("changed", "unchanged"):
        speed = getattr(speeds, what)
        print(f"{speed:>10,.0f} calls/s {what}, {speed / speeds.merged:.2f} of that")
