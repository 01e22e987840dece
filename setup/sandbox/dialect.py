"""Another platform's way of saying the same, or of saying it wrongly.

A dialect is a JSON object; all members can be left out::

    {"rename": {"inicio": "data_hora"}, "words": {"atendida": "ANSWERED"},
     "moment": "%d/%m/%Y %H:%M:%S", "as_text": ["tempo_real"], "drop": ["situacao"],
     "add": {"operadora": "X"}, "paging": "offset", "ignore": ["per_page"],
     "newest_first": true, "content_type": "text/plain"}

``rename``
    fields by the contract's names, in answers, bodies and queries.
``words``
    texts, likewise, where they are a whole value.
``moment``
    how dates with times are written (``strftime``), likewise.
``as_text``
    fields whose numbers come as texts.
``drop``, ``add``
    fields that no record has, or that each record has besides.
``paging``
    ``offset``: listings take ``offset`` and ``limit`` and answer ``total`` instead of
    ``meta``.
``ignore``
    parameters of queries that change nothing; an ignored bound takes all.
``newest_first``
    each page of records the other way round.
``content_type``
    of all answers.
"""

import json
import sqlite3
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from werkzeug.wrappers import Request

from . import forms
from .fields import Fields
from .store import get_meta, set_meta
from .web import Answer, dumps

META = "dialect"
PAGINGS = ("offset",)
MEMBERS = {
    "rename": dict,
    "words": dict,
    "moment": str,
    "as_text": list,
    "drop": list,
    "add": dict,
    "paging": str,
    "ignore": list,
    "newest_first": bool,
    "content_type": str,
}
#: What an ignored parameter that is required stands for.
WIDEST = {"inicio": "2000-01-01 00:00:00", "fim": "2099-01-01 00:00:00"}


def store(db: sqlite3.Connection, body: dict[str, Any]) -> None:
    """:raises Refusal: 422 when it is not understood"""
    fields = Fields(body)
    fields.only(*MEMBERS)
    for name, kind in MEMBERS.items():
        if name in body and not isinstance(body[name], kind):
            fields.refuse(name, f"deve ser {kind.__name__}")
    if "paging" in body and isinstance(body["paging"], str):
        fields.choice("paging", PAGINGS)
    fields.check()
    set_meta(db, META, dumps(body))


def current(db: sqlite3.Connection) -> "Dialect | None":
    """None where the contract is spoken."""
    text = get_meta(db, META)
    return Dialect(json.loads(text)) if text and text != "{}" else None


class Dialect:
    def __init__(self, members: dict[str, Any]):
        self._rename = members.get("rename", {})
        self._words = members.get("words", {})
        self._moment = members.get("moment")
        self._as_text = frozenset(members.get("as_text", ()))
        self._drop = frozenset(members.get("drop", ()))
        self._add = members.get("add", {})
        self._by_offset = members.get("paging") == "offset"
        self._ignore = frozenset(members.get("ignore", ()))
        self._newest_first = members.get("newest_first", False)
        self._content_type = members.get("content_type")

    def asked(self, request: Request) -> Request:
        """The request with its query in the contract's words."""
        ours = {theirs: name for name, theirs in self._rename.items()}
        query = {
            ours.get(name, name): self._word_in(value)
            for name, value in parse_qsl(
                request.query_string.decode(), keep_blank_values=True
            )
        }
        if self._by_offset and "offset" in query:
            limit = int(query.pop("limit"))
            query["page"] = str(int(query.pop("offset")) // limit + 1)
            query["per_page"] = str(limit)
        for name in self._ignore & query.keys():
            del query[name]
            if name in WIDEST:
                query[name] = WIDEST[name]
        environ = {**request.environ, "QUERY_STRING": urlencode(query)}
        environ.pop("werkzeug.request", None)
        return Request(environ, populate_request=False)

    def read_body(self, body: bytes) -> bytes:
        """A request's body in the contract's words."""
        try:
            value = json.loads(body)
        except ValueError:
            return body
        ours = {theirs: name for name, theirs in self._rename.items()}
        if isinstance(value, dict):
            value = {ours.get(k, k): self._word_in(v) for k, v in value.items()}
        return dumps(value).encode("utf-8", "replace")

    def said(self, answer: Answer) -> Answer:
        """An answer in this dialect; one that is no JSON stays as it is."""
        if self._content_type is not None:
            answer.content_type = self._content_type
        try:
            value = json.loads(answer.body)
        except ValueError:
            return answer
        if isinstance(value, dict) and answer.status < 300:
            value = self._page(value)
        answer.body = dumps(self._out(value)).encode("utf-8", "replace")
        answer.headers.pop("Content-Length", None)
        return answer

    def _page(self, value):
        records = value.get("data")
        if not isinstance(records, list):
            return value if "access_token" in value else value | self._add
        if self._newest_first:
            records.reverse()
        value["data"] = [
            one | self._add if isinstance(one, dict) else one for one in records
        ]
        if self._by_offset and "meta" in value:
            value["total"] = value.pop("meta")["total"]
        return value

    def _out(self, value, name=None):
        if isinstance(value, dict):
            return {
                self._rename.get(key, key): self._out(one, key)
                for key, one in value.items()
                if key not in self._drop
            }
        if isinstance(value, list):
            return [self._out(one) for one in value]
        if name in self._as_text and type(value) in (int, float):
            return str(value)
        if isinstance(value, str):
            moment = forms.parse_timestamp(value) if self._moment else None
            if moment is not None:
                return moment.strftime(self._moment)
            return self._words.get(value, value)
        return value

    def _word_in(self, value):
        if not isinstance(value, str):
            return value
        if self._moment:
            try:
                return forms.sortable(datetime.strptime(value, self._moment))
            except ValueError:
                pass
        ours = {theirs: word for word, theirs in self._words.items()}
        return ours.get(value, value)
