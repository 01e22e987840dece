"""What the platform did, written down so that a test can prove things from it."""

import json
import sqlite3
import time
from typing import Any

from . import forms
from .web import Context, dumps

#: Paths whose writes are counted, but change no line or number.
NOT_IN_HISTORY = ("/auth/login", "/auth/refresh")

#: In a request's environment: when it came, in seconds since 1970.
BEGAN = "sandbox.began"


def count(db: sqlite3.Connection, method: str, template: str, status: int) -> None:
    """:param status: 0 when no answer was given"""
    db.execute(
        "INSERT INTO requests VALUES (?, ?, ?, 1)"
        " ON CONFLICT (method, path, status) DO UPDATE SET count = count + 1",
        (method, template, status),
    )


def remember(
    context: Context,
    method: str,
    template: str,
    path: str,
    status: int | None,
    fault: str | None,
) -> None:
    """Add a write to the history, in the transaction of the write itself.

    :param status: None when the request was not processed
    :param fault: the ordered trouble that it met
    """
    if template in NOT_IN_HISTORY:
        return
    entry = {
        "time": forms.local_now(),
        # A delay before counts, one after comes later than what is written here.
        "began": context.request.environ[BEGAN],
        "ended": time.time(),
        "method": method,
        "path": path,
        "template": template,
        "status": status,
        **context.subject,
        "body": _masked(context.body),
    }
    if fault:
        entry["fault"] = fault
    context.db.execute("INSERT INTO history (entry) VALUES (?)", (dumps(entry),))


def _masked(body: bytes) -> Any:
    """The body without a password's text."""
    try:
        value = json.loads(body)
        dumps(value).encode()
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and "senha" in value:
        value["senha"] = "***"
    return value


def text(db: sqlite3.Connection, now: float, which_calls: str | None) -> str:
    """The ledger as JSON.

    :param which_calls: "1" adds the visible records as they are sent, "all" the
        hidden ones too
    """
    parts = {
        "circuitos": dumps(_lines(db)),
        "dids": dumps(_dids(db)),
        "calls": dumps(_calls(db, now)),
        "requests": dumps([dict(row) for row in db.execute("SELECT * FROM requests")]),
        "history": _joined(db, "SELECT entry FROM history ORDER BY id"),
    }
    if which_calls in ("1", "all"):
        visible = int(now) if which_calls == "1" else 2**62
        parts["records"] = _joined(
            db,
            "SELECT record FROM calls WHERE visible_at <= ?"
            " ORDER BY inicio, ident, copy",
            visible,
        )
    return "{" + ",".join(f'"{name}":{part}' for name, part in parts.items()) + "}"


def _joined(db: sqlite3.Connection, select: str, *values: Any) -> str:
    """A JSON array of texts that are JSON already."""
    return "[" + ",".join([row[0] for row in db.execute(select, values)]) + "]"


def _lines(db: sqlite3.Connection) -> list[dict[str, Any]]:
    lines = []
    for row in db.execute("SELECT * FROM lines ORDER BY id"):
        line = dict(row)
        settings = json.loads(line.pop("settings"))
        settings["limite_credito"] = forms.plain_money(settings["limite_credito"])
        line["senha_set"] = line["senha_sha256"] is not None
        lines.append(line | settings)
    return lines


def _dids(db: sqlite3.Connection) -> list[dict[str, Any]]:
    dids = []
    for row in db.execute("SELECT * FROM dids ORDER BY numero"):
        did = dict(row)
        used = did["circuito_id"] is not None
        did["status"] = "em_uso" if used else "disponivel"
        did["portado"] = bool(did["portado"])
        if used:
            did["valor"] = forms.plain_money(did["valor"])
            did["a_cobrar"] = bool(did["a_cobrar"])
        dids.append(did)
    return dids


def _calls(db: sqlite3.Connection, now: float) -> list[dict[str, Any]]:
    return [
        dict(row) | {"visible": bool(row["visible"])}
        for row in db.execute(
            "SELECT substr(inicio, 1, 7) AS month, situacao,"
            " visible_at <= ? AS visible, count(*) AS count"
            " FROM calls GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
            (int(now),),
        )
    ]
