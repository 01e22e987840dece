"""What the nightly task for overdue payment takes: ``python -m
tests.performance.overdue_speed``.

A real database with 1,000 contracts, then with 10,000; each with a line, an invoice
that is paid and one that is not due yet. 500 of them are overdue at every stage: 100
whose notice is due, 100 whose partial block is, 100 whose full block is, 100 told and
waiting for their day, 100 held by a promise. Timed are finding what is due (the task
when nothing is to be done, as on most contracts' days), the whole task with its 300
steps (mail, block, lines, chatter, a commit each), and following all open cases. What
counts is the ratio of the larger to the smaller number of contracts: the time is to
grow with what is overdue, not with all.
"""

import time
from dataclasses import dataclass
from datetime import date, timedelta
from unittest.mock import patch

from .recalculation_speed import made_database, make_integration, multiply

COUNTS = (1_000, 10_000)
STAGE = 100
GOAL = 1.5
# A Tuesday: Sundays have no notices.
TODAY = date(2026, 12, 1)


@dataclass(frozen=True)
class Times:
    """Seconds."""

    contracts: int
    find: float
    task: float
    follow: float
    cases: int
    """That are open or about to be."""
    steps: int


def make_contract(env, today: date):
    """The one that all others are copies of, with its two invoices."""
    company = env.company
    journals = env["account.journal"].search([("type", "=", "sale")])
    journals.l10n_latam_use_documents = False
    company.write(
        {
            "saperx_overdue_active": True,
            "saperx_block_lines_with_contract": True,
            "saperx_overdue_spares_rest_days": False,
        }
    )
    make_integration(env)
    contract = env["contract.contract"].search([], limit=1)
    contract.partner_id.email = "maria@example.com"
    contract.contract_line_ids = [
        (
            0,
            0,
            {
                "name": "Internet",
                "quantity": 1,
                "price_unit": 100,
                "specific_price": 100,
                "date_start": today - timedelta(days=300),
                "recurring_next_date": today + timedelta(days=20),
            },
        )
    ]
    return contract


def make_invoice(env, contract, due: date):
    fee = contract.contract_line_ids.filtered(lambda fee: not fee.is_telephony)
    move = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": contract.partner_id.id,
            "invoice_date": due - timedelta(days=10),
            "invoice_date_due": due,
            "invoice_line_ids": [
                (
                    0,
                    0,
                    {
                        "name": "Internet",
                        "price_unit": 100,
                        "tax_ids": [],
                        "contract_line_id": fee.id,
                    },
                )
            ],
        }
    )
    move.action_post()
    return move


def copy_invoices(env, count: int, first: int, **values) -> None:
    """The invoice made last, once for each of the contracts from a place on.

    :param values: SQL of those columns of its items that differ
    """
    place = f"{first} + n - 1"
    multiply(
        env,
        "account_move",
        count,
        name=f"'BENCH/' || {place} || '/' || made.id",
        sequence_number="n",
        access_token="NULL",
    )
    env.cr.execute("SELECT max(id) FROM account_move")
    (last,) = env.cr.fetchone()
    env.cr.execute(
        "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = 'account_move_line' AND column_name <> 'id'"
    )
    names = [name for (name,) in env.cr.fetchall()]
    values = {
        "move_id": f"{last - count} + n",
        "contract_line_id": "CASE WHEN made.contract_line_id IS NOT NULL"
        f" THEN (SELECT fee_id FROM bench_place WHERE place = {place}) END",
    } | values
    columns = ", ".join(f'"{name}"' for name in names)
    copied = ", ".join(values.get(name, f'"{name}"') for name in names)
    env.cr.execute(
        f"INSERT INTO account_move_line ({columns})"
        f" SELECT {copied} FROM generate_series(1, {count}) AS n,"
        f" (SELECT * FROM account_move_line WHERE move_id = {last - count}) AS made"
    )


def make_contracts(env, contract, count: int) -> None:
    """Copies with a fee, a line, a paid invoice and one that is not due yet."""
    first = contract.id
    multiply(env, "contract_contract", count - 1)
    env.cr.execute("SELECT max(id) FROM contract_contract")
    (last,) = env.cr.fetchone()
    of_copy = f"{last - count + 1} + n"
    fee = contract.contract_line_ids.filtered(lambda fee: not fee.is_telephony)
    env.cr.execute("DELETE FROM contract_line WHERE id <> %s", [fee.id])
    multiply(env, "contract_line", count - 1, contract_id=of_copy)
    multiply(
        env,
        "saperx_line",
        count - 1,
        reference="'bench-' || n",
        account_code="100000 + n",
        contract_id=of_copy,
    )
    env.cr.execute(
        "CREATE TABLE bench_place AS SELECT row_number() OVER (ORDER BY c.id) AS place,"
        " c.id AS contract_id, min(f.id) AS fee_id FROM contract_contract c"
        " JOIN contract_line f ON f.contract_id = c.id WHERE c.id >= %s GROUP BY c.id",
        [first],
    )
    env.cr.execute("CREATE UNIQUE INDEX ON bench_place (place)")
    env.invalidate_all()


def make_world(env, count: int) -> None:
    today = TODAY
    contract = make_contract(env, today)
    env.flush_all()
    make_contracts(env, contract, count)
    make_invoice(env, contract, today + timedelta(days=15))
    env.flush_all()
    copy_invoices(env, count, 1)
    env.cr.execute("UPDATE account_move SET payment_state = 'not_paid'")
    copy_invoices(
        env,
        count,
        1,
        reconciled="true",
        amount_residual="0",
        amount_residual_currency="0",
        date_maturity=f"'{today - timedelta(days=40)}'::date",
    )
    env.cr.execute(
        "UPDATE account_move m SET payment_state = 'paid', amount_residual = 0"
        " WHERE EXISTS (SELECT FROM account_move_line i WHERE i.move_id = m.id"
        " AND i.display_type = 'payment_term' AND i.reconciled)"
    )
    copy_invoices(
        env,
        5 * STAGE,
        1,
        reconciled="false",
        amount_residual="CASE WHEN made.display_type = 'payment_term' THEN 100 ELSE 0"
        " END",
        date_maturity=f"'{today - timedelta(days=50)}'::date",
    )
    env.cr.execute(
        "UPDATE account_move m SET payment_state = 'not_paid', amount_residual = 100"
        " WHERE id > (SELECT max(id) - %s FROM account_move)",
        [5 * STAGE],
    )
    env.cr.execute("ANALYZE")
    env.cr.commit()
    env.invalidate_all()
    put_on_their_way(env, today)


def put_on_their_way(env, today: date) -> None:
    """All but the first hundred have been told, at some time or other."""
    cases = env["saperx.overdue.case"]
    found = [c for c, _due in cases._find_unnoticed(env.company, today, 5)]
    assert len(found) == 5 * STAGE, len(found)
    for place, contract in enumerate(found[STAGE:], STAGE):
        case = cases._open(contract, today - timedelta(days=45))
        stage = place // STAGE
        ago = {1: 20, 2: 35, 3: 2, 4: 20}[stage]
        noticed = today - timedelta(days=ago)
        case.write({"noticed_on": noticed, "notice_state": "by_hand"})
        if stage == 2:
            case.write(
                {
                    "partial_on": today - timedelta(days=18),
                    "level": "partial",
                    "blocked_since": today - timedelta(days=18),
                }
            )
        if stage == 4:
            contract.write(
                {
                    "saperx_hold": "promise",
                    "saperx_held_until": today + timedelta(days=9),
                }
            )
        case._plan()
    env.cr.execute("ANALYZE")
    env.cr.commit()
    env.invalidate_all()


def time_of(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def measure_one(count: int) -> Times:
    with (
        made_database() as env,
        patch.object(type(env.company), "_get_telephony_today", lambda company: TODAY),
    ):
        make_world(env, count)
        cases = env["saperx.overdue.case"]

        def find():
            env.invalidate_all()
            return cases._get_planned()

        steps = len(find())
        found = min(time_of(find) for _time in range(5))
        follow = time_of(cases._cron_follow)
        task = time_of(cases._cron_take_steps)
        env.invalidate_all()
        done = cases.search_count([("last_step_on", "!=", False)])
        assert done == steps, (done, steps)
        return Times(count, found, task, follow, 5 * STAGE, steps)


def measure() -> list[Times]:
    return [measure_one(count) for count in COUNTS]


if __name__ == "__main__":
    few, many = measure()
    for times in (few, many):
        print(
            f"{times.contracts:>7,} contracts: find {times.find:.3f} s, task with"
            f" {times.steps} steps {times.task:.1f} s, follow {times.follow:.2f} s"
        )
    for what in ("find", "task", "follow"):
        ratio = getattr(many, what) / getattr(few, what)
        print(f"{what}: {ratio:.2f} of the smaller one's time, at most {GOAL}")
