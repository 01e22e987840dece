"""Keeps secrets out of whatever quotes an answer: a server may repeat what it got."""

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
QUOTED_CHARS = 300
SHAPE_CHARS = 60


def mask(text: str, secrets: Iterable[str | None]) -> str:
    """The text with every secret replaced, also as JSON, HTML or a URL spells it."""
    spellings = {s for secret in secrets if secret for s in _spellings(secret)}
    # The longest first: one secret may be a part of another.
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, MASK)
    return text


def longest_spelling(secrets: Iterable[str | None]) -> int:
    """Characters, at least one."""
    found = (len(s) for secret in secrets if secret for s in _spellings(secret))
    return max(found, default=1)


def mask_fields(text: str, names: Iterable[str]) -> str:
    """JSON, maybe cut or broken, with the values of these fields replaced, however
    deep they stand and however their names are written. To be masked afterwards."""
    hidden = frozenset(name.lower() for name in names)
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return _mask_fields_of_text(text, hidden)
    # Written anew: an escape that nobody needs would hide a secret from ``mask``.
    return json.dumps(_without(given, hidden), ensure_ascii=False)


def _without(value, hidden):
    if isinstance(value, dict):
        return {
            name: MASK if name.lower() in hidden else _without(one, hidden)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_without(one, hidden) for one in value]
    return value


def _mask_fields_of_text(text, hidden):
    fields = "|".join(map(re.escape, sorted(hidden)))
    # A list or an object takes what follows with it: no reader can tell its end.
    value = r'(?:"[^"\\]*(?:\\.[^"\\]*)*"?|[\[{].*|[^\s,}\]]+)'
    pattern = rf'("(?:{fields})"\s*:\s*){value}'
    return re.sub(pattern, rf'\1"{MASK}"', text, flags=re.DOTALL | re.IGNORECASE)


def shape(value) -> str:
    """What a value of JSON looks like, without what it says: ``"Aaaa 99"``."""
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    if isinstance(value, str):
        # Of what else than digits stands in a moment, nothing tells of anybody.
        if not _MOMENT_LIKE.fullmatch(value):
            value = "".join(_letter(c) if c.isalpha() else c for c in value)
        value = _without_digits(value)
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = _without_digits(text)
    text = text if len(text) <= SHAPE_CHARS else f"{text[:SHAPE_CHARS]}…"
    # Nothing that stands alone for half a character can be stored.
    return text.encode(errors="replace").decode()


_MOMENT_LIKE = re.compile(r"[0-9TZ:/.+ -]*")


def _without_digits(text):
    return "".join("9" if char.isnumeric() else char for char in text)


def _letter(char):
    return "A" if char.isupper() else "a"


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
