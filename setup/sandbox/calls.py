"""Finished calls: ``/ligacoes``, and how records get into the state."""

import base64
import hashlib
import hmac
import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from . import forms
from .store import get_meta, set_meta
from .web import LARGEST_INTEGER, Answer, Context, Refusal, dumps

#: ``visible_at`` of a call that stays hidden until it is released.
NEVER = 2**60
DEFAULT_LIMIT = 1000
LARGEST_LIMIT = 5000

#: A place in the order of calls: (inicio, ident, copy).
Position = tuple[str, str, int]


class Call(NamedTuple):
    """One row of the table ``calls``; see there."""

    inicio: str
    ident: str
    copy: int
    visible_at: int
    circuito_id: int | None
    situacao: str | None
    cobrado: int
    record: str


def list_calls(context: Context) -> Answer:
    """``GET /ligacoes``: calls of [inicio, fim) by (inicio, id), a page at a time.

    The records are kept as the text that is sent, so a page is joined, not built.
    """
    query = context.query("inicio", "fim", "circuito_id", "cursor", "limite")
    start = query.moment("inicio", required=True)
    end = query.moment("fim", required=True)
    line_id = query.integer("circuito_id", -LARGEST_INTEGER, LARGEST_INTEGER)
    limit = query.integer("limite", 1, LARGEST_LIMIT, DEFAULT_LIMIT)
    if start and end and end < start:
        query.refuse("fim", "deve ser posterior a inicio")
    query.check()
    assert start and end and limit

    window = f"{start}|{end}|{line_id}"
    first = (forms.sortable(start), "", -1)
    before, after = first, first
    cursor = query.text("cursor")
    if cursor is not None:
        before, after = _read_cursor(context, cursor, window)
    if context.repeats_page:
        after = before
    # The record before the page is repeated at its head, which the contract allows; a
    # page of one record could not get on that way.
    repeat = after != first and context.options.repeat_records and limit > 1
    compare = ">=" if repeat else ">"
    where, values = "", []
    if line_id is not None:
        where, values = "AND circuito_id = ?", [line_id]
    rows = context.db.execute(
        "SELECT inicio, ident, copy, record FROM calls"
        f" WHERE (inicio, ident, copy) {compare} (?, ?, ?) AND inicio < ?"
        f" AND visible_at <= ? {where} ORDER BY inicio, ident, copy LIMIT ?",
        (*after, forms.sortable(end), int(context.now), *values, limit + 1),
    ).fetchall()
    following = None
    if len(rows) > limit:
        rows.pop()
        following = _write_cursor(context, (after, tuple(rows[-1])[:3]), window)
    data = ",".join([row[3] for row in rows])
    body = f'{{"data":[{data}],"proximo":{dumps(following)}}}'
    return Answer(body=body.encode("utf-8", "replace"))


def _write_cursor(
    context: Context, places: tuple[Position, Position], window: str
) -> str:
    """:param places: where the page that gives the cursor begins, and where it ends"""
    content = [
        *places,
        _digest(window),
        int(context.now),
        get_meta(context.db, "cursor_epoch"),
    ]
    text = base64.urlsafe_b64encode(dumps(content).encode()).decode()
    return f"{text}.{_sign(context.db, text)}"


def _read_cursor(
    context: Context, cursor: str, window: str
) -> tuple[Position, Position]:
    """The places of :func:`_write_cursor`.

    :raises Refusal: 410 when it has expired, 422 when it is not ours
    """
    text, _, signature = cursor.partition(".")
    wanted = _sign(context.db, text)
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), wanted.encode()):
        raise Refusal(
            422, "Os dados informados são inválidos.", {"cursor": ["inválido"]}
        )
    began, ended, of_window, issued_at, epoch = json.loads(
        base64.urlsafe_b64decode(text)
    )
    if of_window != _digest(window):
        raise Refusal(
            422, "Os dados informados são inválidos.", {"cursor": ["de outra consulta"]}
        )
    if (
        epoch != get_meta(context.db, "cursor_epoch")
        or context.now >= issued_at + context.options.cursor_seconds
    ):
        raise Refusal(410, "O cursor expirou: leia a janela desde o início.")
    return tuple(began), tuple(ended)  # type: ignore[return-value]


def _sign(db: sqlite3.Connection, text: str) -> str:
    key = get_meta(db, "cursor_key").encode()
    return hmac.new(key, text.encode("utf-8", "replace"), "sha256").hexdigest()[:24]


def _digest(window: str) -> str:
    return hashlib.sha256(window.encode()).hexdigest()[:12]


def expire_cursors(db: sqlite3.Connection) -> None:
    set_meta(db, "cursor_epoch", get_meta(db, "cursor_epoch") + 1)


def insert(db: sqlite3.Connection, rows: Iterable[Call]) -> int:
    """:return: how many were added"""
    return db.executemany(
        "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
    ).rowcount


def release_late(db: sqlite3.Connection, now: float) -> int:
    """Make every hidden call visible.

    :return: how many were hidden
    """
    return db.execute(
        "UPDATE calls SET visible_at = 0 WHERE visible_at > max(0, ?)", (int(now),)
    ).rowcount


def add_raw(
    db: sqlite3.Connection, texts: Iterable[str], inicio: str, replace: bool
) -> int:
    """Add records as they are, visible at once.

    :param texts: JSON of each record, kept to the letter
    :param inicio: where a record lies whose own start cannot be read
    :param replace: drop what has the same id first: a record that changed
    :return: how many were added
    """
    added = 0
    for text in texts:
        value = json.loads(text)
        row = _raw_call(value, text, inicio)
        if replace and isinstance(value, dict) and "id" in value:
            db.execute("DELETE FROM calls WHERE ident = ?", (row.ident,))
        copy = db.execute(
            "SELECT coalesce(max(copy) + 1, 0) FROM calls"
            " WHERE inicio = ? AND ident = ?",
            (row.inicio, row.ident),
        ).fetchone()[0]
        added += insert(db, [row._replace(copy=copy)])
    return added


def _raw_call(value: Any, text: str, inicio: str) -> Call:
    members: dict[str, Any] = value if isinstance(value, dict) else {}
    start = forms.parse_timestamp(members.get("inicio"))
    line_id = members.get("circuito_id")
    situacao = members.get("situacao")
    charged = members.get("valor_cobrado")
    return Call(
        forms.sortable(start) if start else inicio,
        _text(members.get("id", _digest(text))),
        0,
        0,
        line_id if type(line_id) is int and abs(line_id) < LARGEST_INTEGER else None,
        situacao if isinstance(situacao, str) else None,
        forms.parse_money(str(charged)) or 0,
        text,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value)


def array_texts(text: str) -> Iterator[str]:
    """The text of each element of a valid JSON array.

    Slicing keeps what parsing and writing again would change: 1.10, 1E2, a member
    that stands twice, the order of members, blanks.
    """
    decoder = json.JSONDecoder()
    position = _skip_blanks(text, text.index("[") + 1)
    while text[position] != "]":
        _value, end = decoder.raw_decode(text, position)
        yield text[position:end]
        position = _skip_blanks(text, end)
        if text[position] == ",":
            position = _skip_blanks(text, position + 1)


def _skip_blanks(text: str, position: int) -> int:
    while text[position] in (" ", "\t", "\n", "\r"):
        position += 1
    return position
