"""Levers for what somebody does on the platform's own panel.

They lie under ``/_sandbox`` like all levers: no request of the contract, so neither
counted nor in the history.
"""

from collections.abc import Callable

from . import dids, lines
from .fields import Fields
from .web import LARGEST_INTEGER, Answer, Context, Refusal, json_answer


def change_line(context: Context, line_id: int) -> Answer:
    """``PUT /_sandbox/circuitos/{id}``: some fields of CircuitoEscrita, ``status``."""
    lines.change_on_panel(context.db, line_id, context.json_object())
    return lines.show(context, line_id)


def set_registration(context: Context, line_id: int) -> Answer:
    """``PUT /_sandbox/circuitos/{id}/registro``: {online, ip, latencia_ms, saldo}.

    What is left out is made up again, as for a line for which nothing was ordered.
    """
    fields = Fields(context.json_object())
    fields.boolean("online")
    fields.text("ip", nullable=True)
    fields.integer("latencia_ms", nullable=True, low=0)
    if "saldo" in fields.body:
        fields.money("saldo", negative=True)
    _refuse_unknown(fields, "online", "ip", "latencia_ms", "saldo")
    fields.check()
    # As it was written, so that the test chooses the form of ``saldo``.
    context.db.execute(
        "INSERT OR REPLACE INTO registrations VALUES (?, ?)",
        (line_id, context.body.decode()),
    )
    return lines.registration(context, line_id)


def put_plan(context: Context, plan: str) -> Answer:
    """``PUT /_sandbox/planos/{plan}``: {nome, tipo, ativo}; new, or changed."""
    fields = Fields(context.json_object())
    nome = fields.text("nome", required=True)
    tipo = fields.choice("tipo", ("nacional", "internacional"))
    ativo = fields.boolean("ativo")
    _refuse_unknown(fields, "nome", "tipo", "ativo")
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
    _refuse_unknown(fields, "nome")
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
    _refuse_unknown(fields, "cidade", "uf", "circuito_id", "valor", "a_cobrar")
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


def _refuse_unknown(fields: Fields, *names: str) -> None:
    for name in sorted(set(fields.body) - set(names)):
        fields.refuse(name, "campo desconhecido")


#: (method, path after ``/_sandbox``) to its function.
ROUTES: dict[tuple[str, str], Callable[..., Answer]] = {
    ("PUT", "/circuitos/{id}"): change_line,
    ("PUT", "/circuitos/{id}/registro"): set_registration,
    ("PUT", "/planos/{plan}"): put_plan,
    ("DELETE", "/planos/{plan}"): remove_plan,
    ("PUT", "/grupos/{group}"): put_group,
    ("DELETE", "/grupos/{group}"): remove_group,
    ("PUT", "/dids/{numero}"): put_did,
    ("DELETE", "/dids/{numero}"): remove_did,
}
