"""What an observer is told about each request."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from .errors import GatewayError
from .masking import longest_spelling, mask, mask_fields
from .wire import SECRET_FIELDS

BODY_CHARS = 4096
PATH_CHARS = 500
# So much of a body is looked at; what is shown is a small part of it.
READ_BYTES = 16 * BODY_CHARS


@dataclass(frozen=True, slots=True)
class Topic:
    """What a request is about.

    :param template: its path with placeholders, e.g. ``/circuitos/{id}``
    :param reference: the line's, ours
    :param is_private: whoever observes learns the size of the answer and no more
    """

    template: str
    line_remote_id: int | None = None
    reference: str | None = None
    is_private: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and what came of it; holds no secret. Bodies are cut."""

    method: str
    template: str
    path: str
    """As it was asked for, with its query."""
    status: int | None
    """None if no answer came."""
    milliseconds: int
    error: str | None
    """Why nothing came of it, also after a status of 2xx: an answer may break off."""
    request_body: str | None
    response_body: str | None
    line_remote_id: int | None
    """The line that it was about, by the platform's id or by our reference."""
    reference: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """An answer to the letter, unmasked: it is looked at and not kept."""

    status: int | None
    """None if no whole answer came."""
    content_type: str
    body: bytes
    milliseconds: int
    error: GatewayError | None


@dataclass(slots=True)
class Draft:
    """A request on its way, and what came back so far."""

    method: str
    path: str
    topic: Topic
    query: dict | None
    body: dict | None
    secrets: tuple[str | None, ...]
    witness: Callable[[int, str, bytes], None] | None = None
    status: int | None = None
    answer: bytes | None = None

    def as_exchange(self, seconds: float, error: Exception | None) -> Exchange:
        """:param seconds: that it took"""
        query = f"?{urlencode(self.query)}" if self.query else ""
        sent = self.body and json.dumps(self.body, ensure_ascii=False)
        return Exchange(
            method=self.method,
            template=self.topic.template,
            path=mask(self.path + query, self.secrets)[:PATH_CHARS],
            status=self.status,
            milliseconds=round(seconds * 1000),
            error=None if error is None else mask(str(error), self.secrets),
            request_body=sent and _shown(sent.encode(errors="replace"), self.secrets),
            response_body=self._shown_answer(),
            line_remote_id=self.topic.line_remote_id,
            reference=self.topic.reference,
        )

    def _shown_answer(self) -> str | None:
        if self.answer is None:
            return None
        if self.topic.is_private:
            return f"({len(self.answer)} bytes, not kept)"
        return _shown(self.answer, self.secrets)


def _shown(body: bytes, secrets: Iterable[str | None]) -> str:
    """The beginning of a body, without secrets."""
    text = mask_fields(body[:READ_BYTES].decode(errors="replace"), SECRET_FIELDS)
    text = mask(text, secrets)
    if len(body) > READ_BYTES:
        # Its end may be the beginning of a secret, which nobody recognizes.
        text = text[: -longest_spelling(secrets)]
    return text[:BODY_CHARS].replace("\x00", "\N{REPLACEMENT CHARACTER}")
