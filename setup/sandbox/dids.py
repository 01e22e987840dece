"""Numbers: ``/dids`` and ``/circuitos/{id}/dids/{numero}``."""

import re
import sqlite3
from typing import Any

from . import forms, numbers, seed
from .fields import Fields
from .web import PAGE_PARAMETERS, Answer, Context, Refusal, invalid, not_found, paged
from .web import json_answer as answer


def list_dids(context: Context) -> Answer:
    """``GET /dids``"""
    query = context.query("status", "ddd", *PAGE_PARAMETERS)
    status = query.matching(
        "status", "disponivel|em_uso", "deve ser disponivel ou em_uso"
    )
    ddd = query.matching("ddd", "[1-9][0-9]", "deve ter dois dígitos")
    where, values = ["1"], []
    if status is not None:
        free = status == "disponivel"
        where.append(f"circuito_id IS {'' if free else 'NOT '}NULL")
    if ddd is not None:
        where.append("numero BETWEEN ? AND ?")
        values += [f"55{ddd}", f"55{ddd}~"]
    return paged(
        context, query, "dids", " AND ".join(where), tuple(values), "numero", records
    )


def give(context: Context, line_id: int, numero: str) -> Answer:
    """``PUT /circuitos/{id}/dids/{numero}``

    A number that the platform does not hold is taken in as ported, if it is a valid
    Brazilian one.
    """
    context.subject.update(id=line_id, numero=numero)
    fields = Fields(context.json_object())
    valor = fields.money("valor", required=True)
    a_cobrar = fields.boolean("a_cobrar", required=True)
    if not re.fullmatch("[0-9]{10,15}", numero):
        fields.refuse("numero", "deve ter de 10 a 15 dígitos")
    fields.check()
    row = _find(context.db, numero)
    if row is None:
        if numbers.area_code(numero) is None:
            raise invalid({"numero": ["não é um número brasileiro válido"]})
        context.db.execute(
            "INSERT INTO dids (numero, cidade, uf, portado) VALUES (?, ?, ?, 1)",
            (numero, *seed.city_of(numero)),
        )
    elif row["circuito_id"] not in (None, line_id):
        raise Refusal(409, f"O número {numero} pertence a outro circuito.")
    context.db.execute(
        "UPDATE dids SET circuito_id = ?, valor = ?, a_cobrar = ? WHERE numero = ?",
        (line_id, valor, a_cobrar, numero),
    )
    _touch(context.db, line_id)
    given = _find(context.db, numero)
    assert given is not None
    return answer(record(given))


def free(context: Context, line_id: int, numero: str) -> Answer:
    """``DELETE /circuitos/{id}/dids/{numero}``

    Repeatable. A number in another line's hands is not freed, and answers 404.
    """
    context.subject.update(id=line_id, numero=numero)
    if not re.fullmatch("[0-9]{10,15}", numero):
        raise not_found("Número")
    row = _find(context.db, numero)
    if row is not None and row["circuito_id"] not in (None, line_id):
        raise Refusal(404, f"O número {numero} não pertence a este circuito.")
    if row is not None and row["circuito_id"] == line_id:
        if row["portado"]:
            # It goes back to the operator that it came from.
            context.db.execute("DELETE FROM dids WHERE numero = ?", (numero,))
        else:
            context.db.execute(
                "UPDATE dids SET circuito_id = NULL, valor = NULL, a_cobrar = NULL"
                " WHERE numero = ?",
                (numero,),
            )
        _touch(context.db, line_id)
    return Answer(204, content_type=None)


def put(
    db: sqlite3.Connection,
    numero: str,
    cidade: str | None,
    uf: str | None,
    line_id: int | None,
    valor: int | None,
    a_cobrar: bool | None,
) -> sqlite3.Row:
    """A number that is new or changes, whoever has it: the panel may do that."""
    before = _find(db, numero)
    db.execute(
        "INSERT OR REPLACE INTO dids VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            numero,
            cidade,
            uf,
            line_id,
            before and before["portado"] or 0,
            valor,
            a_cobrar,
        ),
    )
    for touched in {line_id, before and before["circuito_id"]} - {None}:
        _touch(db, touched)
    row = _find(db, numero)
    assert row is not None
    return row


def records(rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    return [record(row) for row in rows]


def record(row: sqlite3.Row) -> dict[str, Any]:
    """The contract's ``Did``; a free number has no terms."""
    did: dict[str, Any] = {
        "numero": row["numero"],
        "cidade": row["cidade"],
        "uf": row["uf"],
        "status": "disponivel" if row["circuito_id"] is None else "em_uso",
        "circuito_id": row["circuito_id"],
        "portado": bool(row["portado"]),
    }
    if row["circuito_id"] is not None:
        did["valor"] = forms.money(row["valor"], f"did|{row['numero']}")
        did["a_cobrar"] = bool(row["a_cobrar"])
    return did


def of_lines(
    db: sqlite3.Connection, line_ids: list[int]
) -> dict[int, list[dict[str, Any]]]:
    """The numbers of each line, in the order of the numbers."""
    found: dict[int, list[dict[str, Any]]] = {line_id: [] for line_id in line_ids}
    marks = ", ".join("?" * len(line_ids))
    for row in db.execute(
        f"SELECT * FROM dids WHERE circuito_id IN ({marks}) ORDER BY numero", line_ids
    ):
        found[row["circuito_id"]].append(record(row))
    return found


def _find(db: sqlite3.Connection, numero: str) -> sqlite3.Row | None:
    return db.execute("SELECT * FROM dids WHERE numero = ?", (numero,)).fetchone()


def _touch(db: sqlite3.Connection, line_id: int) -> None:
    db.execute(
        "UPDATE lines SET atualizado_em = ? WHERE id = ?", (forms.local_now(), line_id)
    )
