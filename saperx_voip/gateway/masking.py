"""Keeps secrets out of whatever quotes an answer: a server may repeat what it got."""

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
QUOTED_CHARS = 300


def mask(text: str, secrets: Iterable[str | None]) -> str:
    """The text with every secret replaced, also as JSON, HTML or a URL spells it."""
    spellings = {s for secret in secrets if secret for s in _spellings(secret)}
    # The longest first: one secret may be a part of another.
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    return text


def quotable(text: str, secrets: Iterable[str | None]) -> str:
    """One short line, fit for messages, logs and the database, without secrets."""
    secrets = tuple(secrets)
    # Before and after: blanks may stand in a secret, or have come between its parts.
    text = mask(text, secrets)
    text = "".join(c if c.isprintable() else " " for c in text)
    return mask(" ".join(text.split()), secrets)[:QUOTED_CHARS]


def plain(text: str) -> str:
    """A web page's text without its tags."""
    return html.unescape(re.sub(r"<[^>]*>", " ", text))


def _spellings(secret: str) -> Iterable[str]:
    """As a page or a URL may write it, and each of them as JSON does."""
    for text in (
        secret,
        html.escape(secret),
        html.escape(secret, quote=False),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
    ):
        yield text
        for ensure_ascii in (True, False):
            as_json = json.dumps(text, ensure_ascii=ensure_ascii)[1:-1]
            yield as_json
            yield as_json.replace("/", "\\/")
