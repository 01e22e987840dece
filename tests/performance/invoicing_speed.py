"""How fast contracts are invoiced: ``python -m tests.performance.invoicing_speed
[contracts]``.

1,000 contracts whose monthly fee is due and that have two charges each, through OCA's
own scheduled action; the reference is the same action on as many contracts of a
database *without this addon*, whose invoices get the same three lines from three due
contract lines. Before each a few contracts are invoiced unmeasured, since the first
ones of a process load what later ones find.
"""

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from environment import databases, paths

from .recalculation_speed import made_database, make_integration, multiply

CONTRACTS = 1_000
LINES_OF_A_CONTRACT = 2
FIRST_FEW = 20
DATABASE = "saperx_bench_oca"
GOAL = 1 / 1.2
LATER = date(2099, 1, 1)
AMOUNT = 12.34


@dataclass(frozen=True)
class Speeds:
    """Invoices per second."""

    contracts: int
    alone: float
    """By OCA contract alone."""
    with_charges: float


@contextmanager
def made_without_addon():
    """:return: as ``made_database``, but with what the addon depends on alone"""
    databases.fresh(DATABASE)
    from odoo import SUPERUSER_ID, api
    from odoo.modules.registry import Registry
    from odoo.sql_db import close_db
    from odoo.tools import config

    log = paths.LOGS / f"{DATABASE}.log"
    config.parse_config(["-c", str(paths.CONFIG), "--logfile", str(log)])
    try:
        with Registry(DATABASE).cursor() as cr:
            yield api.Environment(cr, SUPERUSER_ID, {})
    finally:
        close_db(DATABASE)
        databases.drop(DATABASE)


def make_contracts(env, count: int, more_lines=()):
    """:param more_lines: values of contract lines beside the monthly fee"""
    env = env(context={"tracking_disable": True})
    env["account.journal"].search(
        [("type", "=", "sale")]
    ).l10n_latam_use_documents = False
    product = env["product.product"].create(
        {"name": "Internet", "type": "service", "taxes_id": [(5,)]}
    )
    lines = [{"product_id": product.id, "name": "Internet", "price_unit": 100}]
    for line in (*lines, *more_lines):
        line |= {
            "product_id": product.id,
            "quantity": 1,
            "specific_price": line["price_unit"],
            "date_start": date.today(),
            "recurring_next_date": LATER,
            "recurring_rule_type": "monthly",
            "recurring_invoicing_type": "pre-paid",
        }
    contracts = env["contract.contract"].create(
        [
            {
                "name": f"Bench {number}",
                "partner_id": env["res.partner"].create({"name": f"C {number}"}).id,
                "contract_type": "sale",
                "contract_line_ids": [(0, 0, line) for line in (*lines, *more_lines)],
            }
            for number in range(count)
        ]
    )
    env.cr.commit()
    return contracts


def make_charges(env, contracts, integration) -> None:
    """Two lines a contract, and a confirmed charge of each."""
    count = len(contracts) * LINES_OF_A_CONTRACT
    contract = f"{contracts[0].id} + mod(n, {len(contracts)})"
    multiply(
        env,
        "saperx_line",
        count,
        reference="'bench-' || n",
        account_code="100000 + n",
        contract_id=contract,
    )
    line = "(SELECT id FROM saperx_line WHERE reference = 'bench-' || n)"
    customer = f"(SELECT partner_id FROM contract_contract WHERE id = {contract})"
    multiply(
        env,
        "saperx_line_period",
        count,
        line_id=line,
        contract_id=contract,
        partner_id=customer,
    )
    number = "(551140000000 + n)::text"
    multiply(env, "saperx_did", count, line_id=line, number=number)
    env.cr.commit()
    env.invalidate_all()
    for contract in contracts:
        contract.with_env(env)._ensure_telephony_line(integration.product_id)
    env["saperx.charge"].create(
        [
            {
                "line_id": line.id,
                "period_id": line.period_ids.id,
                "integration_id": integration.id,
                "contract_id": line.contract_id.id,
                "partner_id": line.contract_id.partner_id.id,
                "company_id": line.company_id.id,
                "cycle_start": date(2026, 10, 1),
                "cycle_end": date(2026, 10, 31),
                "call_count": 100,
                "amount": AMOUNT,
            }
            for line in env["saperx.line"].search(
                [("contract_id", "in", contracts.ids)]
            )
        ]
    )._confirm()
    env.cr.commit()


def invoice(env, contracts, lines: int) -> float:
    """Seconds that OCA's scheduled action takes for these contracts."""
    ids = [
        line.id
        for line in contracts.contract_line_ids
        if line.recurring_next_date == LATER
    ]
    env.cr.execute(
        "UPDATE contract_line SET recurring_next_date = date_start WHERE id = ANY(%s)",
        [ids],
    )
    env.cr.execute(
        "UPDATE contract_contract SET recurring_next_date = %s WHERE id = ANY(%s)",
        [date.today(), contracts.ids],
    )
    env.cr.execute("ANALYZE")
    env.cr.commit()
    env.invalidate_all()
    moves = env["account.move"].search_count([])
    began = time.perf_counter()
    env["contract.contract"].cron_recurring_create_invoice()
    env.cr.commit()
    seconds = time.perf_counter() - began
    made = env["account.move"].search([], order="id desc", limit=len(contracts))
    assert env["account.move"].search_count([]) - moves == len(contracts)
    assert set(made.mapped(lambda move: len(move.invoice_line_ids))) == {lines}
    assert set(made.mapped("amount_untaxed")) == {100 + AMOUNT * LINES_OF_A_CONTRACT}
    return seconds


def measure_invoices(env, contracts) -> float:
    """Invoices a second."""
    lines = 1 + LINES_OF_A_CONTRACT
    invoice(env, contracts[:FIRST_FEW], lines)
    rest = contracts[FIRST_FEW:]
    return len(rest) / invoice(env, rest, lines)


def measure(count: int = CONTRACTS) -> Speeds:
    count += FIRST_FEW
    with made_without_addon() as env:
        telephony = [
            {"name": f"Telephony {number}", "price_unit": AMOUNT}
            for number in range(LINES_OF_A_CONTRACT)
        ]
        alone = measure_invoices(env, make_contracts(env, count, telephony))
    with made_database() as env:
        integration = make_integration(env)
        contracts = make_contracts(env, count)
        make_charges(env, contracts, integration)
        with_charges = measure_invoices(env, contracts)
    return Speeds(count - FIRST_FEW, alone, with_charges)


if __name__ == "__main__":
    speeds = measure(*map(int, sys.argv[1:2]))
    ratio = speeds.with_charges / speeds.alone
    print(f"{speeds.alone:>8,.1f} invoices/s by OCA contract alone")
    print(f"{speeds.with_charges:>8,.1f} invoices/s with charges, {ratio:.2f} of that")
