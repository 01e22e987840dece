"""What can still be read where an answer is not quite JSON.

A lone surrogate, a ``NaN`` or a control character in one record would otherwise take
the whole page with it. Only what was refused comes here, so speed does not matter.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress

_BLANKS = re.compile(r"[ \t\r\n]*")
# A text that does not end takes all the rest, so that each byte is looked at once.
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\Z)|[\[\]{}:,]', re.DOTALL)
# Numbers are passed over, not read: one of 5000 digits is nothing to stumble over.
_scan = json.JSONDecoder(strict=False, parse_int=str, parse_float=str).raw_decode


def split_page(body: bytes, name: str) -> tuple[list[bytes], bytes]:
    """The elements of the array ``name`` to the letter, and the body without them.

    Looks at brackets, commas and quotes alone: whatever else is wrong in an element,
    be it a number or how deeply it is nested, is that element's own affair.

    :raise ValueError: if there is no such array, or it does not end
    """
    wanted, depth, tokens = f'"{name}"'.encode(), 0, _TOKEN.finditer(body)
    latest = [b"", b"", b""]
    for token in tokens:
        text = token.group()
        latest = [*latest[1:], text]
        if depth == 1 and latest == [wanted, b":", b"["]:
            elements, end = _elements(body, token.end(), tokens)
            return elements, body[: token.end()] + body[end:]
        depth += (text in b"[{") - (text in b"]}")
    raise ValueError(f"there is no {name}")


def _elements(body: bytes, start: int, tokens) -> tuple[list[bytes], int]:
    elements, depth = [], 0
    for token in tokens:
        text = token.group()
        if depth == 0 and text in b",]":
            elements.append(body[start : token.start()].strip())
            start = token.end()
            if text == b"]":
                return [e for e in elements if e], token.start()
        depth += (text in b"[{") - (text in b"]}")
    raise ValueError("the array does not end")


def members(raw: bytes) -> dict[str, bytes]:
    """Of an object, to the letter; as many as can be told apart."""
    text, found = _text(raw), {}
    with suppress(ValueError, IndexError, RecursionError):
        for member, begin, end in _each_member(text):
            found[str(member)] = _bytes(text[begin:end])
    return found


def _each_member(text: str) -> Iterator[tuple[str, int, int]]:
    position = _past(text, 0, "{")
    while text[position] != "}":
        member, position = _scan(text, position)
        begin = _past(text, position, ":")
        _value, end = _scan(text, begin)
        yield member, begin, end
        position = _next(text, end, "}")


def _next(text: str, position: int, last: str) -> int:
    position = _past(text, position, "")
    return position if text[position] == last else _past(text, position, ",")


def _past(text: str, position: int, sign: str) -> int:
    """The place after ``sign`` and the blanks around it."""
    position = _BLANKS.match(text, position).end()
    if not text.startswith(sign, position):
        raise ValueError(f"no {sign!r} at {position}")
    return _BLANKS.match(text, position + len(sign)).end()


def _text(body: bytes) -> str:
    return body.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
