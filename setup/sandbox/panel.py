"""Levers for what somebody does on the platform's own panel.

They lie under ``/_sandbox`` like all levers: no request of the contract, so neither
counted nor in the history.
"""

import json
from collections.abc import Callable

from . import dids, forms, lines, registration
from .fields import Fields
from .web import LARGEST_INTEGER, Answer, Context, Refusal, json_answer


def change_line(context: Context, line_id: int) -> Answer:
    """``PUT /_sandbox/circuitos/{id}``: some fields of CircuitoEscrita, ``status``."""
    changes = context.json_object()
    fields = Fields(changes)
    row = lines.find(context.db, line_id)
    status = fields.choice("status", lines.STATUSES) or row["status"]
    fields.only(*lines.DEFAULTS, "referencia", "conta", "senha", "status")
    fields.check()
    settings = json.loads(row["settings"])
    settings["limite_credito"] = forms.plain_money(settings["limite_credito"])
    before = {"referencia": row["referencia"], "conta": row["conta"], **settings}
    lines.update(context.db, row, lines.read(before | changes))
    lines.write_status(context.db, line_id, status)
    return lines.show(context, line_id)


def remove_line(context: Context, line_id: int) -> Answer:
    """``DELETE /_sandbox/circuitos/{id}``: its numbers are free."""
    context.db.execute(
        "UPDATE dids SET circuito_id = NULL, valor = NULL, a_cobrar = NULL"
        " WHERE circuito_id = ?",
        (line_id,),
    )
    return _remove(context, "lines", "id", line_id)


def put_plan(context: Context, plan: str) -> Answer:
    """``PUT /_sandbox/planos/{plan}``: {nome, tipo, ativo}; new, or changed."""
    fields = Fields(context.json_object())
    nome = fields.text("nome", required=True)
    tipo = fields.choice("tipo", ("nacional", "internacional"))
    ativo = fields.boolean("ativo")
    fields.only("nome", "tipo", "ativo")
    fields.check()
    context.db.execute(
        "INSERT OR REPLACE INTO plans VALUES (?, ?, ?, ?)",
        (_id(plan), nome, tipo or "nacional", ativo is not False),
    )
    return json_answer({})


def remove_plan(context: Context, plan: str) -> Answer:
    """``DELETE /_sandbox/planos/{plan}``: lines that have it keep it."""
    return _remove(context, "plans", "id", _id(plan))


def put_group(context: Context, group: str) -> Answer:
    """``PUT /_sandbox/grupos/{group}``: {nome}; new, or changed."""
    fields = Fields(context.json_object())
    nome = fields.text("nome", required=True)
    fields.only("nome")
    fields.check()
    context.db.execute(
        "INSERT OR REPLACE INTO groups VALUES (?, ?)", (_id(group), nome)
    )
    return json_answer({})


def remove_group(context: Context, group: str) -> Answer:
    """``DELETE /_sandbox/grupos/{group}``: lines that are in it keep it."""
    return _remove(context, "groups", "id", _id(group))


def put_did(context: Context, numero: str) -> Answer:
    """``PUT /_sandbox/dids/{numero}``: a number as it stands from now on.

    {cidade, uf, circuito_id, valor, a_cobrar}: free without a ``circuito_id``, and
    taken from the line that has it.
    """
    fields = Fields(context.json_object())
    cidade = fields.text("cidade", nullable=True)
    uf = fields.text("uf", nullable=True)
    line_id = fields.integer("circuito_id", nullable=True)
    valor = fields.money("valor")
    a_cobrar = fields.boolean("a_cobrar")
    fields.only("cidade", "uf", "circuito_id", "valor", "a_cobrar")
    if not numero.isdecimal():
        fields.refuse("numero", "deve ter só dígitos")
    fields.check()
    terms: tuple[int | None, bool | None] = (None, None)
    if line_id is not None:
        lines.find(context.db, line_id)
        terms = (valor or 0, bool(a_cobrar))
    row = dids.put(context.db, numero, cidade, uf, line_id, *terms)
    return json_answer(dids.record(row))


def remove_did(context: Context, numero: str) -> Answer:
    """``DELETE /_sandbox/dids/{numero}``: also out of a line's hands."""
    return _remove(context, "dids", "numero", numero)


def _remove(context: Context, table: str, key: str, value: int | str) -> Answer:
    removed = context.db.execute(f"DELETE FROM {table} WHERE {key} = ?", (value,))
    return json_answer({"removed": bool(removed.rowcount)})


def _id(text: str) -> int:
    """:raises Refusal: 422"""
    if not text.isdecimal() or int(text) > LARGEST_INTEGER:
        raise Refusal(422, "O id deve ser um número inteiro.")
    return int(text)


#: (method, path after ``/_sandbox``) to its function.
ROUTES: dict[tuple[str, str], Callable[..., Answer]] = {
    ("PUT", "/circuitos/{id}"): change_line,
    ("DELETE", "/circuitos/{id}"): remove_line,
    ("PUT", "/circuitos/{id}/registro"): registration.order,
    ("PUT", "/planos/{plan}"): put_plan,
    ("DELETE", "/planos/{plan}"): remove_plan,
    ("PUT", "/grupos/{group}"): put_group,
    ("DELETE", "/grupos/{group}"): remove_group,
    ("PUT", "/dids/{numero}"): put_did,
    ("DELETE", "/dids/{numero}"): remove_did,
}
