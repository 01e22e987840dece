"""What the platform sees of a line's phone: ``/circuitos/{id}/registro``."""

import json
import sqlite3
from typing import Any

from . import forms, lines
from .fields import Fields
from .web import Answer, Context, json_answer


def show(context: Context, line_id: int) -> Answer:
    """``GET /circuitos/{id}/registro``

    Made up from the account code, steady over time; what was ordered goes before.
    """
    row = lines.find(context.db, line_id)
    settings = json.loads(row["settings"])
    key = f"registro|{row['conta']}"
    ordered = _ordered(context.db, line_id)
    online = ordered.get(
        "online", row["status"] != "inativo" and forms.choice(key, 5) > 0
    )
    used = context.db.execute(
        "SELECT coalesce(sum(cobrado), 0) FROM calls"
        " WHERE circuito_id = ? AND visible_at <= ?",
        (line_id, int(context.now)),
    ).fetchone()[0]
    if settings["tipo"] == "pre_pago":
        balance = max(0, settings["limite_credito"] - used)
    else:
        balance = used
    return json_answer(
        {
            "online": online,
            "ip": f"100.64.{line_id % 250}.{forms.choice(key, 250) + 1}"
            if online
            else None,
            "latencia_ms": 4 + forms.choice(key, 90) if online else None,
            "saldo": forms.money(balance, key),
        }
        | ordered
    )


def order(context: Context, line_id: int) -> Answer:
    """``PUT /_sandbox/circuitos/{id}/registro``: {online, ip, latencia_ms, saldo}.

    What is left out is made up again, as for a line for which nothing was ordered.
    """
    fields = Fields(context.json_object())
    fields.boolean("online")
    fields.text("ip", nullable=True)
    fields.integer("latencia_ms", nullable=True, low=0)
    if "saldo" in fields.body:
        fields.money("saldo", negative=True)
    fields.only("online", "ip", "latencia_ms", "saldo")
    fields.check()
    # As it was written, so that the test chooses the form of ``saldo``.
    context.db.execute(
        "INSERT OR REPLACE INTO registrations VALUES (?, ?)",
        (line_id, context.body.decode()),
    )
    return show(context, line_id)


def _ordered(db: sqlite3.Connection, line_id: int) -> dict[str, Any]:
    row = db.execute(
        "SELECT registro FROM registrations WHERE circuito_id = ?", (line_id,)
    ).fetchone()
    return json.loads(row["registro"]) if row else {}
