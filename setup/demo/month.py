"""A provider's month: lines go to the platform, calls come back, money is asked."""

import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

from .client import OdooClient
from .provider import Provider

CALLS_PER_LINE = 120
UNKNOWN_CALLS = 8
MALFORMED_RECORDS = 5
WAIT_SECONDS = 180


@dataclass
class Month:
    """What happened, for the account and for the check."""

    first: date
    last: date
    runs: list[int] = field(default_factory=list)
    charges: list[int] = field(default_factory=list)
    early: set[str] = field(default_factory=set)
    """Ids of the calls that were there when the month was charged."""


def closed_month(today: date) -> tuple[date, date]:
    """The latest month whose charging does not wait for late calls any more."""
    last = (today - timedelta(days=3)).replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last


def wait_for_push(odoo: OdooClient, provider: Provider) -> None:
    _wait_until(
        "the lines are on the platform",
        lambda: (
            not odoo.search_read(
                "saperx.line",
                [("id", "in", provider.lines), ("sync_state", "!=", "synced")],
                ["id"],
            )
        ),
    )


def live(odoo: OdooClient, sandbox, provider: Provider, today: date, say) -> Month:
    """One month, and what came late of it; each step as a user would do it."""
    month = Month(*closed_month(today))
    say("Making a month of calls on the platform")
    sandbox.generate_calls(
        f"{month.first:%Y-%m}",
        calls_per_line=CALLS_PER_LINE,
        unknown=UNKNOWN_CALLS,
        malformed=MALFORMED_RECORDS,
        late_share=0.03,
        late_until=f"{today + timedelta(days=30):%Y-%m-%d} 00:00:00",
        seed=1,
    )
    say("Importing the calls")
    import_calls(odoo, provider, month)
    month.early = {
        call["remote_id"] for call in odoo.search_read("saperx.cdr", [], ["remote_id"])
    }
    say("Charging what lies outside the plans, and invoicing")
    charge(odoo, month)
    invoice(odoo)
    say("Late calls appear: importing again, charging them, invoicing them alone")
    sandbox.release_late()
    import_calls(odoo, provider, month)
    charge(odoo, month)
    odoo.call("contract.contract", "cron_recurring_create_invoice", today.isoformat())
    for contract in provider.contracts:
        if odoo.read("contract.contract", contract, "saperx_amount_to_invoice")[
            "saperx_amount_to_invoice"
        ]:
            odoo.call("contract.contract", "action_invoice_telephony", [contract])
    return month


def import_calls(odoo: OdooClient, provider: Provider, month: Month) -> None:
    """*Importar ligações*, by hand, and wait for the run's end."""
    wizard = odoo.create(
        "saperx.import.wizard",
        {
            "integration_id": provider.integration,
            "date_from": month.first.isoformat(),
            "date_to": month.last.isoformat(),
        },
    )
    run = odoo.call("saperx.import.wizard", "action_import", [wizard])["res_id"]
    month.runs.append(run)

    def is_done():
        state = odoo.read("saperx.cdr.import", run, "state", "error")
        if state["state"] == "failed":
            raise RuntimeError(f"the import failed: {state['error']}")
        return state["state"] == "done"

    _wait_until("the import has ended", is_done)


def charge(odoo: OdooClient, month: Month) -> None:
    """*Gerar adicional de telefonia*, for everybody."""
    wizard = odoo.create("saperx.charge.wizard", {})
    action = odoo.call("saperx.charge.wizard", "action_generate", [wizard])
    (condition,) = action["domain"]
    month.charges += condition[2]


def invoice(odoo: OdooClient) -> None:
    """OCA's own scheduled invoicing, then ours for contracts with nothing due."""
    odoo.call("contract.contract", "cron_recurring_create_invoice")
    cron = odoo.ref("saperx_voip.ir_cron_invoice_telephony")
    odoo.call("ir.cron", "method_direct_trigger", [cron])


def summary(odoo: OdooClient, provider: Provider, month: Month) -> dict:
    """Figures for the account, read from Odoo."""
    lines = Counter(
        line["sync_state"]
        for line in odoo.search_read(
            "saperx.line", [("id", "in", provider.lines)], ["sync_state"]
        )
    )
    runs = odoo.call(
        "saperx.cdr.import",
        "read",
        month.runs,
        [
            "read_count",
            "new_count",
            "known_count",
            "changed_count",
            "rejected_count",
            "unmatched_count",
        ],
    )
    calls = {
        row["state"]: (row["__count"], row["charged_amount:sum"])
        for row in odoo.call(
            "saperx.cdr",
            "formatted_read_group",
            [],
            groupby=["state"],
            aggregates=["__count", "charged_amount:sum"],
        )
    }
    charges = odoo.search_read(
        "saperx.charge",
        [("state", "!=", "cancelled")],
        ["state", "amount", "contract_id"],
    )
    moves = odoo.search_read(
        "account.move",
        [("move_type", "=", "out_invoice")],
        ["partner_id", "amount_total", "invoice_line_ids", "invoice_origin"],
        order="id",
    )
    return {
        "lines": lines,
        "runs": runs,
        "calls": calls,
        "charges": charges,
        "moves": moves,
        "rejects": odoo.call("saperx.cdr.reject", "search_count", []),
    }


def _wait_until(what, condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {WAIT_SECONDS} s in vain until {what}")
        time.sleep(0.5)
