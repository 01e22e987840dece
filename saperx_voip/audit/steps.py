"""The steps of an audit, in order."""

from collections.abc import Callable
from dataclasses import dataclass

from odoo.tools import SQL

from . import calls, charges, imports, invoices

LISTED = 1000
"""Violations of one kind that are told one by one; all are counted."""


@dataclass(frozen=True)
class Step:
    """Records of one table that are looked at together."""

    name: str
    table: str
    batch: int
    """Ids looked at in one statement."""
    queries: tuple[tuple[str, Callable[..., SQL]], ...]
    """Model of the records found wrong, and the query: by company id, first and last
    id, and the number of rows to tell of each kind."""
    kinds: tuple[str, ...]
    """What it looks for."""

    def count_query(self, company_id: int, first_id: int, last_id: int) -> SQL:
        return SQL(
            "SELECT count(*) FROM %s WHERE company_id = %s AND id BETWEEN %s AND %s",
            SQL.identifier(self.table),
            company_id,
            first_id,
            last_id,
        )


def _whole(query):
    """A query that looks at all records at once."""
    return lambda company_id, _first_id, _last_id, limit: query(company_id, limit)


_ALL = 2**31 - 1

STEPS: tuple[Step, ...] = (
    Step(
        "calls",
        "saperx_cdr",
        1_000_000,
        ((calls.MODEL, calls.query),),
        (
            "call_state",
            "call_with_line",
            "call_without_line",
            "call_holder",
            "call_company",
            "call_cycle",
            "call_reason",
            "call_without_amount",
            "call_with_amount",
            "call_amount",
            "call_allowance",
            "call_without_charge",
            "call_with_charge",
            "call_of_other_charge",
        ),
    ),
    Step(
        "charges",
        "saperx_charge",
        20_000,
        (
            (charges.MODEL, charges.query),
            (charges.MODEL, charges.class_query),
            (charges.MODEL, charges.use_query),
            (invoices.MODEL, invoices.query),
        ),
        (
            "charge_sum",
            "charge_class",
            "charge_cancelled",
            "charge_holder",
            "allowance_use",
            "invoice_missing",
            "invoice_unexpected",
            "invoice_twice",
            "invoice_sum",
            "invoice_other",
        ),
    ),
    Step(
        "allowances",
        "saperx_charge_allowance",
        _ALL,
        ((charges.MODEL, _whole(charges.balance_query)),),
        ("allowance_exceeded",),
    ),
    Step(
        "imports",
        "saperx_cdr_import",
        _ALL,
        (("saperx.cdr.import", _whole(imports.import_query)),),
        ("import_count",),
    ),
    Step(
        "corrections",
        "saperx_cdr_change",
        _ALL,
        (("saperx.cdr.change", _whole(imports.correction_query)),),
        ("correction_of_uncharged",),
    ),
)
