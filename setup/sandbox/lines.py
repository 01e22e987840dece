"""Lines (circuitos): ``/circuitos`` and what lies under it."""

import hashlib
import json
import sqlite3
from typing import Any

from . import dids, forms
from .fields import Fields
from .store import get_meta, set_meta
from .web import (
    PAGE_PARAMETERS,
    Answer,
    Context,
    Refusal,
    dumps,
    invalid,
    json_answer,
    not_found,
    paged,
)

STATUSES = ("ativo", "bloqueado_parcial", "bloqueado", "inativo")

#: Fields of CircuitoEscrita that are kept as one JSON text, with what they are when
#: a new line leaves them out. None = left out of answers unless the contract lets
#: it be null.
DEFAULTS: dict[str, Any] = {
    "nome": None,
    "documento": None,
    "grupo_id": None,
    "plano_id": None,
    "plano_internacional_id": None,
    "dia_fechamento": 1,
    "tipo": None,
    "plano_tipo": None,
    "portabilidade": "nao",
    "bina": False,
    "lc": True,
    "ldn": True,
    "ldi": False,
    "vc1": True,
    "vc2": True,
    "vc3": True,
    "limite_simultaneas": 1,
    "limite_credito": 0,
}
FLAGS = ("bina", "lc", "ldn", "ldi", "vc1", "vc2", "vc3")
NULLABLE = ("documento", "grupo_id", "plano_internacional_id")


def list_lines(context: Context) -> Answer:
    """``GET /circuitos``"""
    query = context.query("referencia", "conta", "atualizado_desde", *PAGE_PARAMETERS)
    where, values = ["1"], []
    for name in ("referencia", "conta"):
        value = query.text(name)
        if value is not None:
            where.append(f"{name} = ?")
            values.append(value)
    since = query.moment("atualizado_desde")
    if since is not None:
        where.append("atualizado_em >= ?")
        values.append(forms.sortable(since))
    return paged(
        context,
        query,
        "lines",
        " AND ".join(where),
        tuple(values),
        "id",
        lambda rows: records(context.db, rows),
    )


def create(context: Context) -> Answer:
    """``POST /circuitos``: 409 with the id when the referencia is known."""
    body = context.json_object()
    context.subject["referencia"] = body.get("referencia")
    wanted = read(body)
    known = context.db.execute(
        "SELECT id FROM lines WHERE referencia = ?", (wanted["referencia"],)
    ).fetchone()
    if known is not None:
        # Before anything else that could be refused: a repeated create is harmless,
        # also when its plan has gone meanwhile.
        context.subject["id"] = known["id"]
        raise Refusal(
            409,
            "Já existe um circuito com esta referencia.",
            extra={"id": known["id"]},
        )
    _check_relations(context.db, wanted, None)
    settings = {name: wanted.get(name, default) for name, default in DEFAULTS.items()}
    now = forms.local_now()
    added = context.db.execute(
        "INSERT INTO lines (referencia, conta, status, settings, senha_sha256,"
        " criado_em, atualizado_em) VALUES (?, ?, 'ativo', ?, ?, ?, ?)",
        (
            wanted["referencia"],
            wanted.get("conta") or next_conta(context.db),
            dumps(settings),
            _digest(wanted.get("senha")),
            now,
            now,
        ),
    )
    assert added.lastrowid is not None
    context.subject["id"] = added.lastrowid
    return json_answer(_record(context.db, added.lastrowid), 201)


def show(context: Context, line_id: int) -> Answer:
    """``GET /circuitos/{id}``"""
    return json_answer(_record(context.db, line_id))


def change(context: Context, line_id: int) -> Answer:
    """``PUT /circuitos/{id}``: a field left out keeps its value."""
    context.subject["id"] = line_id
    body = context.json_object()
    context.subject["referencia"] = body.get("referencia")
    wanted = read(body)
    row = find(context.db, line_id)
    update(context.db, row, wanted)
    return json_answer(_record(context.db, line_id))


def update(db: sqlite3.Connection, row: sqlite3.Row, wanted: dict[str, Any]) -> None:
    """Change a line.

    :param wanted: what :func:`read` gave
    :raises Refusal: 422
    """
    taken = db.execute(
        "SELECT 1 FROM lines WHERE referencia = ? AND id != ?",
        (wanted["referencia"], row["id"]),
    ).fetchone()
    if taken:
        raise invalid({"referencia": ["já está em uso"]})
    _check_relations(db, wanted, row)
    settings = json.loads(row["settings"])
    settings.update({name: wanted[name] for name in DEFAULTS if name in wanted})
    db.execute(
        "UPDATE lines SET referencia = ?, conta = ?, settings = ?, senha_sha256 = ?,"
        " atualizado_em = ? WHERE id = ?",
        (
            wanted["referencia"],
            wanted.get("conta") or row["conta"],
            dumps(settings),
            _digest(wanted.get("senha")) or row["senha_sha256"],
            forms.local_now(),
            row["id"],
        ),
    )


def set_status(context: Context, line_id: int) -> Answer:
    """``PUT /circuitos/{id}/status``: the line keeps its numbers."""
    context.subject["id"] = line_id
    fields = Fields(context.json_object())
    status = fields.choice("status", STATUSES, required=True)
    fields.check()
    assert status is not None
    write_status(context.db, line_id, status)
    return json_answer(_record(context.db, line_id))


def write_status(db: sqlite3.Connection, line_id: int, status: str) -> None:
    db.execute(
        "UPDATE lines SET status = ?, atualizado_em = ? WHERE id = ?",
        (status, forms.local_now(), line_id),
    )


def find(db: sqlite3.Connection, line_id: int) -> sqlite3.Row:
    """:raises Refusal: 404"""
    row = db.execute("SELECT * FROM lines WHERE id = ?", (line_id,)).fetchone()
    if row is None:
        raise not_found("Circuito")
    return row


def records(db: sqlite3.Connection, rows: list[sqlite3.Row]) -> list[dict[str, Any]]:
    """The contract's ``Circuito`` of each row, with its numbers."""
    numbers = dids.of_lines(db, [row["id"] for row in rows])
    plans = {row["id"]: row["nome"] for row in db.execute("SELECT * FROM plans")}
    return [_as_record(row, numbers[row["id"]], plans) for row in rows]


def _record(db: sqlite3.Connection, line_id: int) -> dict[str, Any]:
    return records(db, [find(db, line_id)])[0]


def _as_record(
    row: sqlite3.Row, numbers: list[dict[str, Any]], plans: dict[int, str]
) -> dict[str, Any]:
    settings = json.loads(row["settings"])
    record = {
        "id": row["id"],
        "referencia": row["referencia"],
        "conta": row["conta"],
        "status": row["status"],
        **{
            name: value
            for name, value in settings.items()
            if value is not None or name in NULLABLE
        },
        "plano_descricao": plans.get(settings["plano_id"], ""),
        "dids": numbers,
        "atualizado_em": forms.timestamp(row["atualizado_em"], f"line|{row['id']}"),
    }
    record["limite_credito"] = forms.money(
        settings["limite_credito"], f"line|{row['id']}"
    )
    return record


def read(body: dict[str, Any]) -> dict[str, Any]:
    """The body as CircuitoEscrita, only the members that it gives a value.

    :raises Refusal: 422
    """
    fields = Fields(body)
    readers = {
        "referencia": lambda name: fields.text(
            name, required=True, pattern=r".*\S.*", message="não pode ser vazia"
        ),
        "conta": lambda name: fields.text(
            name, nullable=True, pattern="[0-9]{6}", message="deve ter seis dígitos"
        ),
        "nome": lambda name: fields.text(
            name, required=True, pattern=r".*\S.*", message="não pode ser vazio"
        ),
        "documento": lambda name: fields.text(
            name,
            nullable=True,
            pattern="[0-9]{11}|[0-9]{14}",
            message="deve ter os 11 dígitos de um CPF ou os 14 de um CNPJ",
        ),
        "senha": lambda name: fields.text(
            name, pattern=".{8,}", message="deve ter ao menos 8 caracteres"
        ),
        "grupo_id": lambda name: fields.integer(name, nullable=True),
        "plano_id": lambda name: fields.integer(name, required=True),
        "plano_internacional_id": lambda name: fields.integer(name, nullable=True),
        "dia_fechamento": lambda name: fields.integer(name, low=1, high=31),
        "tipo": lambda name: fields.choice(
            name, ("pre_pago", "pos_pago"), required=True
        ),
        "plano_tipo": lambda name: fields.choice(
            name, ("scm", "stfc", "personalizado"), required=True
        ),
        "portabilidade": lambda name: fields.choice(name, ("nao", "entrada", "saida")),
        **{name: fields.boolean for name in FLAGS},
        "limite_simultaneas": lambda name: fields.integer(name, low=1),
        "limite_credito": fields.money,
    }
    wanted = {name: read(name) for name, read in readers.items()}
    fields.check()
    return {name: value for name, value in wanted.items() if name in body}


def _check_relations(
    db: sqlite3.Connection, wanted: dict[str, Any], row: sqlite3.Row | None
) -> None:
    """Plans, group and account code against what the platform holds.

    :param row: the line that is changed; None for a new one
    :raises Refusal: 422
    """
    errors: dict[str, list[str]] = {}
    before = json.loads(row["settings"]) if row is not None else {}
    for name, tipo in (
        ("plano_id", "nacional"),
        ("plano_internacional_id", "internacional"),
    ):
        plan_id = wanted.get(name)
        # A plan that was withdrawn stays on the lines that have it.
        if plan_id is None or plan_id == before.get(name):
            continue
        plan = db.execute("SELECT * FROM plans WHERE id = ?", (plan_id,)).fetchone()
        if plan is None or plan["tipo"] != tipo:
            errors[name] = [f"não é um plano {tipo}"]
        elif not plan["ativo"]:
            errors[name] = ["o plano está inativo"]
    group_id = wanted.get("grupo_id")
    if (
        group_id is not None
        and not db.execute("SELECT 1 FROM groups WHERE id = ?", (group_id,)).fetchone()
    ):
        errors["grupo_id"] = ["grupo desconhecido"]
    if db.execute(
        "SELECT 1 FROM lines WHERE conta = ? AND id != ?",
        (wanted.get("conta"), row["id"] if row is not None else 0),
    ).fetchone():
        errors["conta"] = ["já está em uso"]
    if errors:
        raise invalid(errors)


def next_conta(db: sqlite3.Connection) -> str:
    """An account code that no line has."""
    number = get_meta(db, "last_conta")
    while True:
        number = number + 1 if number < 999_999 else 1
        conta = f"{number:06d}"
        if not db.execute("SELECT 1 FROM lines WHERE conta = ?", (conta,)).fetchone():
            set_meta(db, "last_conta", number)
            return conta


def _digest(senha: str | None) -> str | None:
    """The sandbox needs no password, only whether and which one was sent."""
    return hashlib.sha256(senha.encode()).hexdigest() if senha is not None else None
