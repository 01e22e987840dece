"""Plans and groups: ``/planos``, ``/grupos``."""

import sqlite3
from typing import Any

from .web import PAGE_PARAMETERS, Answer, Context, paged


def list_plans(context: Context) -> Answer:
    """``GET /planos``"""
    query = context.query("tipo", *PAGE_PARAMETERS)
    tipo = query.matching(
        "tipo", "nacional|internacional", "deve ser nacional ou internacional"
    )
    where, values = ("tipo = ?", (tipo,)) if tipo is not None else ("1", ())
    return paged(context, query, "plans", where, values, "id", _plans)


def list_groups(context: Context) -> Answer:
    """``GET /grupos``"""
    query = context.query(*PAGE_PARAMETERS)
    return paged(context, query, "groups", "1", (), "id", _groups)


def _plans(rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    plans = []
    for row in rows:
        plan: dict[str, Any] = {key: row[key] for key in ("id", "nome", "tipo")}
        # `ativo` is true by default, so the contract lets it be left out.
        if not row["ativo"] or row["id"] % 2:
            plan["ativo"] = bool(row["ativo"])
        plans.append(plan)
    return plans


def _groups(rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]
