"""What the platform holds on its first day: plans, groups, a stock of numbers."""

import random
import secrets
import sqlite3
from collections.abc import Iterable

from . import faults, numbers
from .store import set_meta

NATIONAL_PLANS = (
    "Nacional Básico",
    "Nacional 500 minutos",
    "Nacional 1000 minutos",
    "Fixo Local Ilimitado",
    "Fixo Brasil Ilimitado",
    "Fixo e Móvel Brasil",
    "Empresarial 5 canais",
    "Empresarial 30 canais",
    "Call Center Receptivo",
    "Residencial Econômico",
    "Pré-pago Nacional",
    "Plano Antigo 2019",
)
INTERNATIONAL_PLANS = (
    "Internacional Padrão",
    "Mercosul",
    "América do Norte e Europa",
    "Mundo 200 minutos",
    "Internacional Antigo 2019",
)
GROUPS = (
    "Residencial",
    "Comercial",
    "Corporativo",
    "Órgãos Públicos",
    "Revenda Serra",
    "Revenda Litoral",
)

#: DDD, cities and state of the stock. The second city of an area takes the numbers'
#: second half.
STOCK = (
    ("11", ("São Paulo", "Guarulhos"), "SP"),
    ("21", ("Rio de Janeiro", "Niterói"), "RJ"),
    ("31", ("Belo Horizonte", "Contagem"), "MG"),
    ("41", ("Curitiba", "São José dos Pinhais"), "PR"),
    ("48", ("Florianópolis", "São José"), "SC"),
    ("51", ("Porto Alegre", "Canoas"), "RS"),
    ("54", ("Caxias do Sul", "Bento Gonçalves"), "RS"),
    ("85", ("Fortaleza", "Caucaia"), "CE"),
)
STOCK_PER_AREA = 100


def fill(
    db: sqlite3.Connection, seed: int, trouble: Iterable[faults.Fault] = ()
) -> None:
    """Fill empty tables; the same seed gives the same platform.

    :param trouble: faults to begin with
    """
    rng = random.Random(f"platform|{seed}")
    set_meta(db, "seed", seed)
    # Secret, so not from the seed: a client cannot make a cursor of its own.
    set_meta(db, "cursor_key", secrets.token_hex(16))
    set_meta(db, "cursor_epoch", 0)
    set_meta(db, "last_conta", 100_000 + rng.randrange(100) * 100)
    _fill_plans(db, rng)
    db.executemany(
        "INSERT INTO groups VALUES (?, ?)",
        enumerate(GROUPS, start=rng.randrange(1, 50)),
    )
    for ddd, cities, uf in STOCK:
        _fill_area(db, rng, ddd, cities, uf)
    for fault in trouble:
        faults.add(db, fault)


def _fill_plans(db: sqlite3.Connection, rng: random.Random) -> None:
    plan_id = rng.randrange(10, 60)
    for tipo, names in (
        ("nacional", NATIONAL_PLANS),
        ("internacional", INTERNATIONAL_PLANS),
    ):
        for nome in names:
            plan_id += rng.randrange(1, 4)
            db.execute(
                "INSERT INTO plans VALUES (?, ?, ?, ?)",
                (plan_id, nome, tipo, not nome.endswith("Antigo 2019")),
            )


def _fill_area(
    db: sqlite3.Connection,
    rng: random.Random,
    ddd: str,
    cities: tuple[str, str],
    uf: str,
) -> None:
    """One block of consecutive fixed numbers."""
    first = rng.randrange(3_000, 3_999) * 10_000 + rng.randrange(90) * 100
    for offset in range(STOCK_PER_AREA):
        cidade: str | None = cities[offset * 2 // STOCK_PER_AREA]
        # The contract lets the place be unknown: a few numbers have none.
        known = rng.random() >= 0.03
        db.execute(
            "INSERT INTO dids (numero, cidade, uf) VALUES (?, ?, ?)",
            (f"55{ddd}{first + offset}", cidade if known else None, uf),
        )


def city_of(numero: str) -> tuple[str | None, str | None]:
    """City and state of a number that came from elsewhere."""
    ddd = numbers.area_code(numero)
    if ddd is None or numbers.is_mobile(numero):
        return None, None
    return numbers.CITIES[ddd]
