"""A month of plausible Brazilian calls for the lines that exist.

The same month, seed and lines give the same calls, id for id. Each line draws from
a random source of its own, so that one line more leaves the others' calls alone,
but for whom an internal call goes to.
"""

import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from . import forms, numbers
from .calls import Call, insert
from .web import dumps

#: What a call can be, and how often in a thousand. The first eleven are outgoing.
KINDS = {
    "LC": 285, "VC1": 225, "LDN": 110, "VC2": 35, "VC3": 40, "LDI": 12,
    "0800": 30, "1XX": 8, "400X": 12, "0300": 3, "INTERNA": 40,
    "A_COBRAR_SAIDA": 3, "ENTRADA": 175, "A_COBRAR_ENTRADA": 22,
}  # fmt: skip
#: Situations of an ordinary call, in a hundred.
SITUATIONS = {
    "atendida": 72, "nao_atendida": 13, "ocupado": 8, "cancelada": 5, "falha": 2,
}  # fmt: skip
#: What the platform charges per minute, in ten-thousandths of a real. What is not
#: named costs nothing.
PRICES = {
    "LC": 600, "LDN": 1_200, "VC1": 2_900, "VC2": 4_500, "VC3": 5_200,
    "400X": 600, "0300": 3_000, "A_COBRAR_ENTRADA": 3_500,
}  # fmt: skip
#: Of what is charged, the share that the platform pays itself, in a hundred.
COSTS = {"LC": 55, "LDN": 60, "VC1": 70, "VC2": 68, "VC3": 66, "LDI": 75}
#: The line's own permission that a kind needs.
PERMISSIONS = {kind: kind.lower() for kind in ("LC", "LDN", "LDI", "VC1", "VC2", "VC3")}

#: Country code, national number's shape (# = any digit), price, city.
COUNTRIES = (
    ("1", "305#######", 4_500, "Miami"),
    ("351", "21#######", 6_900, "Lisboa"),
    ("54", "11########", 8_900, "Buenos Aires"),
    ("598", "2#######", 9_900, "Montevideo"),
    ("39", "06########", 6_900, "Roma"),
    ("595", "21######", 12_900, "Asunción"),
)
CARRIERS = ("14", "15", "21", "31", "41", "43")
#: Kinds that go to one of a few numbers.
SERVICES = {
    "0800": ("08007012345", "08000161616", "0800726010", "08005700011"),
    "1XX": ("190", "190", "190", "192", "193", "100", "181"),
    "400X": ("40041234", "40044848", "40036868", "30032020"),
}
#: What a platform also writes where a known class belongs.
OTHER_TYPES = ("OUTROS", "SERVICO_ESPECIAL", "vc1")

WEEKDAY_WEIGHTS = (10, 11, 11, 11, 10, 4, 2)
HOUR_WEIGHTS = (
    1, 1, 1, 1, 1, 2, 6, 20, 55, 80, 85, 70, 45, 65, 85, 85, 75, 60, 35, 25, 18, 12,
    6, 3,
)  # fmt: skip

#: Rows that are written at once; bounds the memory of a large month.
CHUNK = 20_000
#: For SQLite's pages meanwhile, in KiB: lines come one after the other, so their calls
#: go all over the table. With less, a million calls take three times as long.
CACHE_KIB = 600_000


@dataclass
class Line:
    """What the calls of a line depend on."""

    id: int
    conta: str
    numero: str | None
    accepts_collect: bool
    permissions: dict[str, bool]
    ddd: str = field(init=False)

    def __post_init__(self) -> None:
        # A line without a number calls as if it stood in Caxias do Sul.
        self.ddd = self.numero and numbers.area_code(self.numero) or "54"


@dataclass
class Order:
    """What is to be generated; see ``POST /_sandbox/calls/generate``."""

    start: datetime
    end: datetime
    calls_per_line: int
    seed: int
    line_ids: set[int] | None
    late_share: float
    late_until: int
    unknown: int
    malformed: int


class Month:
    """Days and hours of a month, as likely as people call in them."""

    def __init__(self, order: Order):
        days = (order.end - order.start).days
        self.hours = [
            (order.start + timedelta(days=day, hours=hour))
            for day in range(days)
            for hour in range(24)
        ]
        self._weights = list(
            accumulate(
                WEEKDAY_WEIGHTS[moment.weekday()] * HOUR_WEIGHTS[moment.hour]
                for moment in self.hours
            )
        )

    def moments(self, rng: random.Random, count: int) -> list[str]:
        """Sorted starts of ``count`` calls."""
        hours = rng.choices(self.hours, cum_weights=self._weights, k=count)
        return sorted(
            forms.sortable(hour + timedelta(seconds=int(rng.random() * 3600)))
            for hour in hours
        )


def run(db: sqlite3.Connection, order: Order) -> dict[str, int]:
    """Generate, leaving out what the same month and seed made already.

    :return: how many calls were made, and of which sort
    """
    (cache,) = db.execute("PRAGMA cache_size").fetchone()
    db.execute(f"PRAGMA cache_size = {-CACHE_KIB}")
    try:
        return _run(db, order)
    finally:
        db.execute(f"PRAGMA cache_size = {cache}")
        db.execute("PRAGMA shrink_memory")


def _run(db: sqlite3.Connection, order: Order) -> dict[str, int]:
    lines = _lines(db)
    chosen = [
        line for line in lines if order.line_ids is None or line.id in order.line_ids
    ]
    extensions = [line.numero or line.conta for line in lines]
    month = Month(order)
    counts = dict.fromkeys(
        ("lines", "skipped_lines", "generated", "late", "unknown", "malformed"), 0
    )
    chunk: list[Call] = []
    for line in chosen:
        if not _claim(db, order, f"line|{line.conta}"):
            counts["skipped_lines"] += 1
            continue
        counts["lines"] += 1
        made = list(_line_calls(line, order, month, extensions))
        counts["late"] += sum(1 for call in made if call.visible_at)
        counts["generated"] += len(made)
        chunk += made
        if len(chunk) >= CHUNK:
            _flush(db, chunk)
    _flush(db, chunk)
    if order.unknown and _claim(db, order, "unknown"):
        made = list(_unknown_calls(order, month, {line.conta for line in lines}))
        counts["unknown"] = insert(db, made)
    if order.malformed and _claim(db, order, "malformed"):
        counts["malformed"] = insert(db, _malformed_calls(order, month))
    return counts


def _lines(db: sqlite3.Connection) -> list[Line]:
    numbers_of: dict[int, list[sqlite3.Row]] = {}
    for did in db.execute(
        "SELECT * FROM dids WHERE circuito_id IS NOT NULL ORDER BY numero"
    ):
        numbers_of.setdefault(did["circuito_id"], []).append(did)
    lines = []
    for row in db.execute("SELECT * FROM lines ORDER BY conta"):
        settings = json.loads(row["settings"])
        dids = numbers_of.get(row["id"], [])
        lines.append(
            Line(
                row["id"],
                row["conta"],
                dids[0]["numero"] if dids else None,
                bool(dids and dids[0]["a_cobrar"]),
                {kind: settings[name] for kind, name in PERMISSIONS.items()},
            )
        )
    return lines


def _claim(db: sqlite3.Connection, order: Order, what: str) -> bool:
    key = f"{order.start:%Y-%m}|{order.seed}|{what}"
    return bool(db.execute("INSERT OR IGNORE INTO batches VALUES (?)", (key,)).rowcount)


def _flush(db: sqlite3.Connection, chunk: list[Call]) -> None:
    # In the table's own order, which it takes fastest.
    chunk.sort()
    insert(db, chunk)
    chunk.clear()


def _line_calls(
    line: Line, order: Order, month: Month, extensions: list[str]
) -> Iterator[Call]:
    rng = random.Random(f"calls|{order.start:%Y-%m}|{order.seed}|{line.conta}")
    kinds = rng.choices(
        list(KINDS),
        cum_weights=list(accumulate(KINDS.values())),
        k=order.calls_per_line,
    )
    moments = month.moments(rng, order.calls_per_line)
    prefix = f"{order.start:%y%m}-{order.seed}-{line.conta}"
    late_below = order.late_share * 1_000_000
    for number, (kind, moment) in enumerate(zip(kinds, moments, strict=True), 1):
        ident = f"{prefix}-{number:05d}"
        record, charged = _record(rng, line, kind, ident, moment, extensions)
        late = forms.choice(f"late|{ident}", 1_000_000) < late_below
        yield Call(
            moment,
            ident,
            0,
            order.late_until if late else 0,
            line.id,
            record["situacao"],
            charged,
            dumps(record),
        )


def _record(
    rng: random.Random,
    line: Line,
    kind: str,
    ident: str,
    moment: str,
    extensions: list[str],
) -> tuple[dict[str, Any], int]:
    """One call.

    :return: the contract's ``Ligacao``, and what it charges in ten-thousandths
    """
    incoming = kind in ("ENTRADA", "A_COBRAR_ENTRADA")
    collect = kind.startswith("A_COBRAR")
    other, city, price = _other_party(rng, line, kind, ident, extensions)
    own = line.numero or line.conta
    situacao = _situation(rng, line, kind)
    ringing, talk, tariffed = _durations(rng, situacao, price)
    charged = price * tariffed // 60
    record: dict[str, Any] = {
        "id": ident,
        "circuito_id": line.id,
        "conta": line.conta,
        "sentido": "entrada" if incoming else "saida",
        "origem": other if incoming else own,
        "destino": own if incoming else other,
        "inicio": forms.timestamp(moment, ident),
        "tempo_total": forms.duration(ringing + talk, f"total|{ident}"),
        "tempo_real": forms.duration(talk, f"real|{ident}"),
        "situacao": situacao,
        "tipo": _type(rng, kind, line),
    }
    if kind == "A_COBRAR_ENTRADA" and rng.random() < 0.3 and len(own) == 12:
        # Dialled inside the area: 9090 and the number without its area.
        record["destino"] = f"9090{own[4:]}"
        record["origem"] = f"55{line.ddd}{_local(rng, mobile=True)}"
    if rng.random() < 0.03:
        # Known by its account code alone.
        record["circuito_id"] = None
    # False is the contract's default, so it may be left out.
    if collect or rng.random() < 0.5:
        record["a_cobrar"] = collect
    if situacao == "atendida" or rng.random() < 0.5:
        record["tempo_tarifado"] = forms.duration(tariffed, f"tarifado|{ident}")
        record["valor_cobrado"] = forms.money(charged, f"cobrado|{ident}")
        cost = charged * COSTS.get(kind, 65) // 100
        record["valor_custo"] = forms.money(cost, f"custo|{ident}")
    elif rng.random() < 0.5:
        record["tempo_tarifado"] = None
        record["valor_cobrado"] = record["valor_custo"] = None
    if city is not None or rng.random() < 0.3:
        record["cidade_destino"] = city
    return record, charged


def _situation(rng: random.Random, line: Line, kind: str) -> str:
    if not line.permissions.get(kind, True):
        return "falha"
    if kind == "A_COBRAR_ENTRADA" and not line.accepts_collect:
        return "cancelada"
    if kind == "1XX":
        return "atendida"
    return rng.choices(list(SITUATIONS), list(SITUATIONS.values()))[0]


def _durations(rng: random.Random, situacao: str, price: int) -> tuple[int, int, int]:
    """Seconds of ringing, of conversation, and charged (30/6/3)."""
    if situacao != "atendida":
        ringing = {"nao_atendida": 45, "cancelada": 15}.get(situacao, 1)
        return int(ringing * (0.5 + rng.random())), 0, 0
    ringing = 2 + int(rng.random() * 20)
    if rng.random() < 0.04:
        # Wrong number, voicemail: around the seconds that a cadence gives away.
        talk = int(rng.random() * 6)
    else:
        talk = min(4 * 3600, 1 + int(rng.lognormvariate(4.5, 1.1)))
    tariffed = max(30, -(-talk // 6) * 6) if talk > 3 and price else 0
    return ringing, talk, tariffed


def _type(rng: random.Random, kind: str, line: Line) -> str | None:
    """The platform's own word for the class; at times another one, or none."""
    lot = rng.random()
    if lot < 0.03:
        return None
    if lot < 0.04:
        return rng.choice(OTHER_TYPES)
    if kind == "LC" and lot < 0.05:
        # As before fixed calls inside one area became local.
        return "LDN"
    if kind == "1XX":
        return "EMERGENCIA"
    if kind == "400X":
        return "ESPECIAL"
    if kind == "A_COBRAR_SAIDA":
        return "A_COBRAR"
    if kind == "A_COBRAR_ENTRADA":
        return "A_COBRAR" if lot < 0.5 else None
    if kind == "ENTRADA":
        return "ENTRADA" if lot < 0.5 else None
    return kind


def _other_party(
    rng: random.Random, line: Line, kind: str, ident: str, extensions: list[str]
) -> tuple[str, str | None, int]:
    """Whom the line speaks to.

    :return: the number in one of the contract's forms, the city if the platform
        names it, the price per minute
    """
    price = PRICES.get(kind, 0)
    if kind in ("LC", "VC1"):
        local = _local(rng, mobile=kind == "VC1")
        city = numbers.CITIES[line.ddd][0] if kind == "LC" else None
        if line.numero and rng.random() < 0.1:
            # Inside the area the number alone is dialled.
            return local, city, price
        return _dialled(rng, line.ddd, local), city, price
    if kind in ("LDN", "VC2", "VC3"):
        ddd = _other_area(rng, line.ddd, kind)
        city = numbers.CITIES[ddd][0] if kind == "LDN" else None
        return _dialled(rng, ddd, _local(rng, mobile=kind != "LDN")), city, price
    if kind == "LDI":
        return _abroad(rng)
    if kind in SERVICES:
        return rng.choice(SERVICES[kind]), None, price
    if kind == "0300":
        return f"0300{rng.randrange(10**6, 10**7)}", None, price
    if kind == "INTERNA":
        return _extension(line, ident, extensions), None, price
    if kind == "A_COBRAR_SAIDA":
        return _collect(rng, line), None, price
    return _caller(rng, line, kind), None, price


def _extension(line: Line, ident: str, extensions: list[str]) -> str:
    """Another line; drawn from the call's id, since the number of lines varies."""
    place = forms.choice(f"interna|{ident}", len(extensions))
    for candidate in (extensions[place], extensions[place - 1]):
        if candidate not in (line.numero, line.conta):
            return candidate
    return "200"


def _abroad(rng: random.Random) -> tuple[str, str | None, int]:
    country, shape, price, city = rng.choice(COUNTRIES)
    national = "".join(
        str(rng.randrange(10)) if sign == "#" else sign for sign in shape
    )
    access = f"00{rng.choice(CARRIERS)}" if rng.random() < 0.5 else ""
    return f"{access}{country}{national}", city, price


def _collect(rng: random.Random, line: Line) -> str:
    """A number that is called at its own expense."""
    if rng.random() < 0.5:
        return f"9090{_local(rng, mobile=True)}"
    ddd = _other_area(rng, line.ddd, "LDN")
    return f"90{rng.choice(CARRIERS)}{ddd}{_local(rng, mobile=False)}"


def _caller(rng: random.Random, line: Line, kind: str) -> str:
    """Mostly from the same area; a hidden caller has no number."""
    if kind == "ENTRADA" and rng.random() < 0.02:
        return ""
    ddd = line.ddd if rng.random() < 0.7 else rng.choice(numbers.DDDS)
    return f"55{ddd}{_local(rng, mobile=rng.random() < 0.65)}"


def _dialled(rng: random.Random, ddd: str, local: str) -> str:
    lot = rng.random()
    if lot < 0.6:
        return f"55{ddd}{local}"
    if lot < 0.85:
        return f"0{rng.choice(CARRIERS)}{ddd}{local}"
    return f"0{ddd}{local}"


def _local(rng: random.Random, mobile: bool) -> str:
    """A number without its area."""
    if mobile:
        return f"9{rng.randrange(80_000_000, 99_999_999)}"
    return str(rng.randrange(30_000_000, 39_999_999))


def _other_area(rng: random.Random, ddd: str, kind: str) -> str:
    """Another area, by what the first digit says for a call to a mobile."""
    while True:
        other = rng.choice(numbers.DDDS)
        if other == ddd:
            continue
        near = other[0] == ddd[0]
        if kind == "LDN" or near == (kind == "VC2"):
            return other


def _unknown_calls(order: Order, month: Month, contas: set[str]) -> Iterator[Call]:
    """Calls of accounts that no line has."""
    rng = random.Random(f"unknown|{order.start:%Y-%m}|{order.seed}")
    for number, moment in enumerate(month.moments(rng, order.unknown), 1):
        conta = str(rng.randrange(900_000, 999_999))
        while conta in contas:
            conta = str(rng.randrange(900_000, 999_999))
        line = Line(0, conta, None, False, {})
        ident = f"{order.start:%y%m}-{order.seed}-U{number:05d}"
        record, charged = _record(rng, line, "LC", ident, moment, [conta])
        record["circuito_id"] = None
        yield Call(
            moment, ident, 0, 0, None, record["situacao"], charged, dumps(record)
        )


def _malformed_calls(order: Order, month: Month) -> Iterator[Call]:
    """Records that break the contract, each kind in turn."""
    rng = random.Random(f"malformed|{order.start:%Y-%m}|{order.seed}")
    line = Line(0, "999999", None, False, {})
    for number, moment in enumerate(month.moments(rng, order.malformed)):
        ident = f"{order.start:%y%m}-{order.seed}-M{number:05d}"
        record, _charged = _record(rng, line, "LC", ident, moment, ["999999"])
        record["circuito_id"] = None
        _spoil(record, number, order.start)
        yield Call(moment, ident, 0, 0, None, None, 0, dumps(record))


def _spoil(record: dict[str, Any], number: int, month: datetime) -> None:
    changes: tuple[tuple[str, Any], ...] = (
        ("tempo_real", None),
        ("destino", 5511999998888),
        ("inicio", f"{month:%Y-%m}-32 10:00:00"),
        ("situacao", "desligada"),
        ("tempo_total", "dois minutos"),
        ("conta", None),
        ("valor_cobrado", {"valor": 1}),
        ("sentido", "lateral"),
    )
    missing = ("tempo_real", "inicio", "id", "situacao")
    if number % 3 == 0:
        del record[missing[number // 3 % len(missing)]]
    else:
        name, value = changes[(number - number // 3 - 1) % len(changes)]
        record[name] = value
