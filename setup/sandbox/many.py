"""Many lines at once, for tests of volume: ``POST /_sandbox/circuitos``."""

import random
import sqlite3

from . import documents, forms, lines, numbers, seed
from .fields import Fields
from .web import Answer, Context, dumps, json_answer

MOST_LINES = 100_000

FIRST_NAMES = (
    "Ana", "Antônio", "Beatriz", "Carlos", "Cláudia", "Fernanda", "Inês", "João",
    "José", "Luís", "Marcos", "Maria", "Otávio", "Paulo", "Rita", "Sônia",
)  # fmt: skip
SURNAMES = (
    "Almeida", "Araújo", "Conceição", "Costa", "Ferreira", "Gonçalves", "Lima",
    "Magalhães", "Nascimento", "Oliveira", "Pereira", "Ribeiro", "Santos", "Silva",
    "Simões", "Souza",
)  # fmt: skip
TRADES = ("Padaria", "Mercado", "Farmácia", "Oficina", "Clínica", "Hotel")


def make_lines(context: Context) -> Answer:
    """``POST /_sandbox/circuitos {"count": 5000}``: active lines with a number each.

    They come with the customers, areas and numbers that their place says, after those
    that there are, and in no other way than ``POST /circuitos`` would have made them.
    Every tenth has no document.
    """
    fields = Fields(context.json_object())
    count = fields.integer("count", required=True, low=1, high=MOST_LINES)
    fields.only("count")
    fields.check()
    assert count is not None
    made = [_make(context.db, place) for place in _free_places(context.db, count)]
    return json_answer({"circuitos": made})


def _free_places(db: sqlite3.Connection, count: int) -> range:
    (free,) = db.execute(
        "SELECT coalesce(max(CAST(substr(referencia, 6) AS INTEGER)) + 1, 0)"
        " FROM lines WHERE referencia LIKE 'lote-%'"
    ).fetchone()
    return range(free, free + count)


def _make(db: sqlite3.Connection, place: int) -> dict[str, object]:
    rng = random.Random(f"line|{place}")
    plan = db.execute(
        "SELECT id FROM plans WHERE tipo = 'nacional' AND ativo ORDER BY id"
    ).fetchone()
    nome, documento = _customer(place)
    settings = lines.DEFAULTS | {
        "nome": nome,
        "documento": documento,
        "plano_id": plan["id"],
        "tipo": "pos_pago",
        "plano_tipo": "stfc",
        "dia_fechamento": 31,
        "ldi": rng.random() < 0.3,
        "limite_credito": 300 * forms.MONEY_UNITS,
    }
    conta = lines.next_conta(db)
    now = forms.local_now()
    line_id = db.execute(
        "INSERT INTO lines (referencia, conta, status, settings, criado_em,"
        " atualizado_em) VALUES (?, ?, 'ativo', ?, ?, ?)",
        (f"lote-{place}", conta, dumps(settings), now, now),
    ).lastrowid
    # Of 40 areas at most, each with a block that the stock does not use.
    ddd = numbers.DDDS[place % 40]
    numero = f"55{ddd}{20_000_000 + place}"
    # A line that vanished has left it free.
    db.execute(
        "INSERT INTO dids (numero, cidade, uf, circuito_id, portado, valor, a_cobrar)"
        " VALUES (?, ?, ?, ?, 1, 0, ?) ON CONFLICT (numero) DO UPDATE"
        " SET circuito_id = excluded.circuito_id, valor = excluded.valor,"
        " a_cobrar = excluded.a_cobrar",
        (numero, *seed.city_of(numero), line_id, rng.random() < 0.5),
    )
    return {
        "id": line_id,
        "conta": conta,
        "numero": numero,
        "nome": nome,
        "documento": documento,
    }


def _customer(place: int) -> tuple[str, str | None]:
    """Name, and CPF or CNPJ: people, and every fourth a company."""
    rng = random.Random(f"customer|{place}")
    surnames = " ".join(rng.sample(SURNAMES, 2))
    if place % 4 == 3:
        name = f"{rng.choice(TRADES)} {surnames} {place + 1} Ltda"
        document = documents.cnpj(10_000_000 + place)
    else:
        name = f"{rng.choice(FIRST_NAMES)} {rng.choice(FIRST_NAMES)} {surnames}"
        document = documents.cpf(100_000_000 + place * 7)
    return name, None if place % 10 == 9 else document
