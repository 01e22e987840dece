"""What every path needs: the request, its checked parts, and answers."""

import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from werkzeug.wrappers import Request

from . import forms
from .options import Options

JSON_TYPE = "application/json"
#: Key of a request's environment: a fault orders the page before once more.
REPEAT_PAGE = "sandbox.repeat_page"
LARGEST_INTEGER = 2**63 - 1


@dataclass
class Answer:
    """One HTTP answer; ``body`` is what goes over the wire."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = JSON_TYPE


def _plain(value: Any) -> Any:
    """Decimals come from request bodies, which are read without rounding."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


#: JSON as the sandbox writes it: compact, UTF-8. One encoder, since a month of calls
#: would make it by the million.
dumps: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_plain
).encode


def json_answer(value: Any, status: int = 200) -> Answer:
    return Answer(status, dumps(value).encode("utf-8", "replace"))


class Refusal(Exception):
    """An error answer of the contract's form: ``{message, errors?}``.

    :param extra: further members of the body, as the ``id`` of a 409
    """

    def __init__(
        self,
        status: int,
        message: str,
        errors: dict[str, list[str]] | None = None,
        headers: dict[str, str] | None = None,
        extra: dict[str, Any] | None = None,
    ):
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.headers = headers or {}
        self.extra = extra or {}

    def answer(self) -> Answer:
        body: dict[str, Any] = {"message": self.message, **self.extra}
        if self.errors:
            body["errors"] = self.errors
        answer = json_answer(body, self.status)
        answer.headers.update(self.headers)
        return answer


def invalid(errors: dict[str, list[str]]) -> Refusal:
    """422 with what is wrong per field."""
    return Refusal(422, "Os dados informados são inválidos.", errors)


def not_found(what: str) -> Refusal:
    return Refusal(404, f"{what} não encontrado.")


@dataclass
class Context:
    """One request on its way: what was asked, and the state to answer from."""

    request: Request
    body: bytes
    db: sqlite3.Connection
    options: Options
    #: What the history says of a write besides its path: referencia, id, numero.
    subject: dict[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> float:
        return time.time()

    @property
    def repeats_page(self) -> bool:
        return REPEAT_PAGE in self.request.environ

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object.

        :raises Refusal: 422 when it is anything else
        """
        if self.request.mimetype != JSON_TYPE:
            raise Refusal(422, f"O corpo deve ser {JSON_TYPE}.")
        value = parse_json(self.body)
        if not isinstance(value, dict):
            raise Refusal(422, "O corpo deve ser um objeto JSON.")
        return value

    def query(self, *names: str) -> "Query":
        return Query(self.request, names)


def parse_json(body: bytes) -> Any:
    """JSON with exact numbers.

    :raises Refusal: 422 when it is not JSON, or holds text that is not Unicode
    """
    try:
        text = body.decode("utf-8")
        value = json.loads(text, parse_float=Decimal, parse_constant=_no_constant)
        # A lone surrogate can be written in JSON, but neither stored nor sent.
        dumps(value).encode("utf-8")
    except (ValueError, RecursionError):
        raise Refusal(422, "O corpo não é JSON válido.") from None
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class Query:
    """Query parameters, checked one by one; what is wrong is gathered.

    Call :meth:`check` after the last one was read.
    """

    def __init__(self, request: Request, names: Iterable[str]):
        self.errors: dict[str, list[str]] = {}
        self._values: dict[str, str] = {}
        for name in names:
            values = request.args.getlist(name)
            if len(values) > 1:
                self._wrong(name, "informado mais de uma vez")
            elif values:
                self._values[name] = values[0]

    def _wrong(self, name: str, message: str) -> None:
        self.errors.setdefault(name, []).append(message)

    def text(self, name: str) -> str | None:
        return self._values.get(name)

    def matching(self, name: str, pattern: str, message: str) -> str | None:
        value = self._values.get(name)
        if value is not None and not re.fullmatch(pattern, value):
            self._wrong(name, message)
        return value

    def integer(
        self, name: str, low: int, high: int, default: int | None = None
    ) -> int | None:
        value = self._values.get(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?[0-9]{1,400}", value):
            self._wrong(name, "deve ser um número inteiro")
            return default
        number = int(value)
        if not low <= number <= high:
            self._wrong(name, f"deve estar entre {low} e {high}")
            return default
        return number

    def moment(self, name: str, required: bool = False) -> datetime | None:
        value = self._values.get(name)
        if value is None:
            if required and name not in self.errors:
                self._wrong(name, "é obrigatório")
            return None
        moment = forms.parse_timestamp(value)
        if moment is None:
            self._wrong(name, "deve ter a forma AAAA-MM-DD HH:MM:SS")
        return moment

    def refuse(self, name: str, message: str) -> None:
        self._wrong(name, message)

    def check(self) -> None:
        """:raises Refusal: 422 if any parameter was wrong"""
        if self.errors:
            raise invalid(self.errors)


PAGE_PARAMETERS = ("page", "per_page")


def paged(
    context: Context,
    query: Query,
    table: str,
    where: str,
    values: tuple,
    order: str,
    build: Callable[[list[sqlite3.Row]], list[dict[str, Any]]],
) -> Answer:
    """One page in the contract's ``Page`` form.

    :param query: holds ``page`` and ``per_page`` beside the path's own parameters
    :param where: condition on ``table``, its values in ``values``
    :param build: rows to records
    """
    page = query.integer("page", 1, 10**400, 1) or 1
    per_page = query.integer("per_page", 1, 500, 100) or 100
    query.check()
    if context.repeats_page:
        page = max(1, page - 1)
    total = context.db.execute(
        f"SELECT count(*) FROM {table} WHERE {where}", values
    ).fetchone()[0]
    last_page = max(1, -(-total // per_page))
    rows: list[sqlite3.Row] = []
    if page <= last_page:
        rows = context.db.execute(
            f"SELECT * FROM {table} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?",
            (*values, per_page, (page - 1) * per_page),
        ).fetchall()
    meta = {
        "current_page": page,
        "last_page": last_page,
        "per_page": per_page,
        "total": total,
    }
    return json_answer({"data": build(rows), "meta": meta})
