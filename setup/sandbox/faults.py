"""Trouble on order: what the platform does wrong, for which requests, how often.

A fault is a JSON object::

    {"method": "POST", "path": "/circuitos", "times": 1, "skip": 0,
     "action": "status", "when": "before", "status": 500, "body": "<html>…"}

``path`` is the contract's path with its braces, or a glob over the real one; both
are without ``/api/v2``. The first fault in order that fits a request is used for it.
``before`` means that the request is not processed, ``after`` that it was processed
and committed and only its answer suffers.

A new kind of fault is one function in ``ACTIONS``.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from .fields import Fields
from .web import Answer, dumps, invalid

METHODS = ("GET", "POST", "PUT", "DELETE", "*")
#: Codes whose answers carry Retry-After in the contract.
WITH_RETRY_AFTER = (429, 503)

Fault = dict[str, Any]


class Cut(ConnectionAbortedError):
    """The connection is closed without an answer."""


def _status(fault: Fault, answer: Answer | None) -> Answer:
    """Answers ``status`` with ``body`` (text, or JSON) and ``headers``."""
    body = fault.get("body", "")
    status = fault["status"]
    headers = {name: str(value) for name, value in fault.get("headers", {}).items()}
    if status in WITH_RETRY_AFTER:
        headers.setdefault("Retry-After", str(fault.get("retry_after", 1)))
    if isinstance(body, str):
        kind = "text/html; charset=utf-8" if body.startswith("<") else "text/plain"
        return Answer(status, body.encode(), headers, kind)
    return Answer(status, dumps(body).encode(), headers)


def _delay(fault: Fault, answer: Answer | None) -> Answer | None:
    """Waits ``seconds``."""
    time.sleep(fault["seconds"])
    return answer


def _cut(fault: Fault, answer: Answer | None) -> Answer:
    """Closes the connection without an answer."""
    raise Cut


#: A ``before`` action that returns None lets the request go on.
ACTIONS: dict[str, Callable[[Fault, Answer | None], Answer | None]] = {
    "status": _status,
    "delay": _delay,
    "cut": _cut,
}
PHASES = ("before", "after")


def apply(fault: Fault | None, phase: str, answer: Answer | None) -> Answer | None:
    """:raises Cut: when no answer may be given"""
    if fault is None or fault["when"] != phase:
        return answer
    return ACTIONS[fault["action"]](fault, answer)


def add(db: sqlite3.Connection, body: Fault) -> int:
    """:raises Refusal: 422 when the fault is not understood"""
    fault = _read(dict(body))
    added = db.execute(
        "INSERT INTO faults (remaining, skip, fault) VALUES (?, ?, ?)",
        (fault.pop("times"), fault.pop("skip"), dumps(fault)),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def _read(fault: Fault) -> Fault:
    action = fault.get("action")
    # `delay_before` says the same as `delay` with `when`.
    if isinstance(action, str) and action.rpartition("_")[2] in PHASES:
        fault["action"], _, fault["when"] = action.rpartition("_")
    fields = Fields(fault)
    fields.choice("action", tuple(ACTIONS), required=True)
    fields.choice("when", PHASES)
    fields.choice("method", METHODS)
    fields.text("path")
    fields.integer("times", nullable=True, low=1)
    fields.integer("skip", low=0)
    if fault.get("action") == "status":
        fields.integer("status", required=True, low=200, high=599)
        if not isinstance(fault.get("headers", {}), dict):
            fields.refuse("headers", "deve ser um objeto")
    if fault.get("action") == "delay":
        try:
            fault["seconds"] = float(fault["seconds"])
        except (KeyError, TypeError, ValueError):
            fields.refuse("seconds", "deve ser um número")
    fields.check()
    unknown = set(fault) - {
        "action", "when", "method", "path", "times", "skip", "status", "body",
        "headers", "retry_after", "seconds",
    }  # fmt: skip
    if unknown:
        # A misspelt member would make a fault that does something else.
        raise invalid({name: ["campo desconhecido"] for name in unknown})
    return {"method": "*", "path": "*", "times": 1, "skip": 0, "when": "before"} | fault


def waiting(db: sqlite3.Connection) -> bool:
    """Whether there is any; spares most requests a write."""
    return db.execute("SELECT 1 FROM faults").fetchone() is not None


def take(db: sqlite3.Connection, method: str, template: str, path: str) -> Fault | None:
    """The first fault that fits the request; it counts as used."""
    for row in db.execute("SELECT * FROM faults ORDER BY id").fetchall():
        fault = json.loads(row["fault"])
        if fault["method"] not in ("*", method) or not (
            fault["path"] == template or fnmatchcase(path, fault["path"])
        ):
            continue
        if row["skip"]:
            db.execute("UPDATE faults SET skip = skip - 1 WHERE id = ?", (row["id"],))
            continue
        if row["remaining"] == 1:
            db.execute("DELETE FROM faults WHERE id = ?", (row["id"],))
        else:
            # NULL, for ever, stays NULL.
            db.execute(
                "UPDATE faults SET remaining = remaining - 1 WHERE id = ?",
                (row["id"],),
            )
        return fault
    return None


def listed(db: sqlite3.Connection) -> list[Fault]:
    return [
        {
            "id": row["id"],
            "times": row["remaining"],
            "skip": row["skip"],
            **json.loads(row["fault"]),
        }
        for row in db.execute("SELECT * FROM faults ORDER BY id")
    ]


def clear(db: sqlite3.Connection) -> int:
    return db.execute("DELETE FROM faults").rowcount
