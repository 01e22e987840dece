"""Trouble on order: what the platform does wrong, for which requests, how often.

A fault is a JSON object::

    {"method": "POST", "path": "/circuitos", "times": 1, "skip": 0,
     "action": "status", "when": "before", "status": 500, "body": "<html>…"}
    {"path": "*", "rate": 0.2, "seed": 7, "action": "cut"}

``path`` is the contract's path with its braces, or a glob over the real one; both
are without ``/api/v2``. The first fault in order that fits a request is used for it.
``before`` means that the request is not processed, ``after`` that it was processed
and committed and only its answer suffers.

``skip`` lets so many fitting requests pass. Then ``times`` of them get the fault, null
for all: 1 by default. With ``rate`` each of them gets it with that probability, and
``times`` is null by default. The same ``seed`` (1 by default) decides alike for the
first, second, third… fitting request, whatever else happens, also over a restart.

``status``
    that status with ``body`` (text, or JSON) and ``headers``. ``retry_after`` is a
    pause in seconds, sent so or, with ``"retry_as": "date"``, as a moment; a text is
    sent to the letter. 429 and 503 pause a second by themselves.
``delay``
    waits ``seconds``, then goes on.
``silence``
    no answer; the connection stays open until the client goes away.
``cut``
    no answer; the connection is closed.
``cut_body``
    the headers and half of the body, then the connection is closed.
``broken``
    a good status with half of the JSON, or with the text ``body`` instead.
``foreign``
    200 with an HTML page as a captive portal gives it, or with the text ``body``.
``repeat_page``
    the page before once more, as it was: with its ``meta`` or its ``proximo``. Fits
    only requests with a cursor or a page above 1. Always ``before``, although
    processed.
``expire_cursor``
    410. Fits only requests with a cursor. Always ``before``.

``when`` is ``before`` by default, but ``after`` for ``cut_body`` and ``broken``, which
spoil a made-up answer if the request was not processed. ``delay_after`` is short for
``delay`` with ``after``, and so on. The actions themselves are in
:mod:`sandbox.actions`.
"""

import json
import random
import re
import sqlite3
from fnmatch import fnmatchcase
from typing import Any

from werkzeug.wrappers import Request

from .actions import ACTIONS, AFTER, BEFORE, RETRY_FORMS, Fault
from .fields import Fields
from .web import Answer, dumps

METHODS = ("GET", "POST", "PUT", "DELETE", "*")
PHASES = (BEFORE, AFTER)
#: The members that a fault of any action can have.
MEMBERS = ("action", "when", "method", "path", "times", "skip", "rate", "seed")
#: Longer than any test waits.
LONGEST_SECONDS = 86_400


def apply(
    fault: Fault | None, phase: str, answer: Answer | None, request: Request
) -> Answer | None:
    """:raises Cut: when no answer may be given"""
    if fault is None or fault["when"] != phase:
        return answer
    return ACTIONS[fault["action"]].run(fault, answer, request)


def add(db: sqlite3.Connection, body: Fault) -> int:
    """:raises Refusal: 422 when the fault is not understood"""
    fault = read(body)
    added = db.execute(
        "INSERT INTO faults (remaining, skip, fault) VALUES (?, ?, ?)",
        (fault.pop("times"), fault.pop("skip"), dumps(fault)),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def read(body: Fault) -> Fault:
    """The fault with its defaults.

    :raises Refusal: 422 with what is wrong per member
    """
    fault = dict(body)
    name = fault.get("action")
    # `delay_before` says the same as `delay` with `when`.
    if isinstance(name, str) and name.rpartition("_")[2] in PHASES:
        fault["action"], _, fault["when"] = name.rpartition("_")
    fields = Fields(fault)
    name = fields.choice("action", tuple(ACTIONS), required=True)
    fields.choice("method", METHODS)
    fields.text("path", pattern=r"[/*].*", message="deve começar com / ou *")
    fields.integer("times", nullable=True, low=1)
    fields.integer("skip", low=0)
    fields.number("rate", low=0, high=1)
    fields.integer("seed")
    if "seed" in fault and "rate" not in fault:
        fields.refuse("seed", "só vale com rate")
    if name is not None:
        fields.choice("when", ACTIONS[name].phases)
        _read_members(fields, name)
    fields.check()
    assert name is not None
    fault.setdefault("times", None if "rate" in fault else 1)
    if "rate" in fault:
        fault.setdefault("seed", 1)
    defaults = {"method": "*", "path": "*", "skip": 0, "when": ACTIONS[name].phases[0]}
    return defaults | fault


def _read_members(fields: Fields, name: str) -> None:
    """Check what only the action ``name`` has."""
    members = ACTIONS[name].members
    # A misspelt member would make a fault that does something else.
    fields.only(*MEMBERS, *members)
    if "seconds" in members:
        fields.number("seconds", required=True, low=0, high=LONGEST_SECONDS)
    if "status" in members:
        fields.integer("status", required=True, low=200, high=599)
        _read_headers(fields)
        _read_retry_after(fields)
    elif "body" in members:
        fields.text("body")


def _read_headers(fields: Fields) -> None:
    headers = fields.body.get("headers", {})
    if not isinstance(headers, dict):
        fields.refuse("headers", "deve ser um objeto")
    elif not all(re.fullmatch("[ -~]*", f"{name}{headers[name]}") for name in headers):
        fields.refuse("headers", "deve conter só textos ASCII de uma linha")


def _read_retry_after(fields: Fields) -> None:
    if isinstance(fields.body.get("retry_after"), str):
        fields.text("retry_after", pattern=r"[ -~]*", message="deve ser uma linha")
        forms = RETRY_FORMS[:1]
    else:
        fields.integer("retry_after", low=0, high=LONGEST_SECONDS)
        forms = RETRY_FORMS
    fields.choice("retry_as", forms)


_WAITING = "remaining IS NULL OR remaining > 0"


def waiting(db: sqlite3.Connection) -> bool:
    """Whether there is any; spares most requests a write."""
    found = db.execute(f"SELECT 1 FROM faults WHERE {_WAITING}")
    return found.fetchone() is not None


def take(
    db: sqlite3.Connection, request: Request, template: str, path: str
) -> Fault | None:
    """The first fault that fits the request; it counts as used.

    Call it in a writing transaction: requests that come together are counted one
    after the other.
    """
    for row in db.execute(
        f"SELECT * FROM faults WHERE {_WAITING} ORDER BY id"
    ).fetchall():
        fault = json.loads(row["fault"])
        if not _fits(fault, request, template, path):
            continue
        if row["skip"]:
            db.execute("UPDATE faults SET skip = skip - 1 WHERE id = ?", (row["id"],))
            continue
        strikes = _strikes(fault, row["seen"])
        # NULL, for ever, stays NULL.
        db.execute(
            "UPDATE faults SET seen = seen + 1, used = used + ?,"
            " remaining = remaining - ? WHERE id = ?",
            (strikes, strikes, row["id"]),
        )
        if strikes:
            return fault
    return None


def _fits(fault: Fault, request: Request, template: str, path: str) -> bool:
    return (
        fault["method"] in ("*", request.method)
        and (fault["path"] == template or fnmatchcase(path, fault["path"]))
        and ACTIONS[fault["action"]].fits(request)
    )


def _strikes(fault: Fault, seen: int) -> bool:
    """Whether a fault with a rate hits the fitting request after ``seen`` others.

    Drawn from the seed and the place alone, so that there is no generator whose state
    would have to outlive the process.
    """
    if "rate" not in fault:
        return True
    return random.Random(f"{fault['seed']}|{seen}").random() < fault["rate"]


def listed(db: sqlite3.Connection, used_up: bool = False) -> list[Fault]:
    """The faults as they stand now.

    ``times`` and ``skip`` are what is left of them, ``seen`` counts the fitting
    requests since, ``used`` those that got the fault.

    :param used_up: those with no ``times`` left too
    """
    return [_as_listed(row) for row in _rows(db, "1" if used_up else _WAITING)]


def _rows(db: sqlite3.Connection, where: str) -> list[sqlite3.Row]:
    return db.execute(f"SELECT * FROM faults WHERE {where} ORDER BY id").fetchall()


def _as_listed(row: sqlite3.Row) -> dict[str, Any]:
    counts = {name: row[name] for name in ("id", "skip", "seen", "used")}
    return {**counts, "times": row["remaining"], **json.loads(row["fault"])}


def clear(db: sqlite3.Connection) -> int:
    """Drop all, the used ones too.

    :return: how many were not used up
    """
    left = len(_rows(db, _WAITING))
    db.execute("DELETE FROM faults")
    return left
