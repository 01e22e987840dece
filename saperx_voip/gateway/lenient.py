"""What can still be read where an answer is not quite JSON.

A lone surrogate, a ``NaN`` or a control character in one record would otherwise take
the whole page with it. Only what was refused comes here, so speed does not matter.
"""

import json
import re

_BLANKS = re.compile(r"[ \t\r\n]*")
# Numbers are passed over, not read: one of 5000 digits is nothing to stumble over.
_scan = json.JSONDecoder(
    strict=False, parse_int=str, parse_float=str, parse_constant=float
).raw_decode


def split_page(body: bytes, name: str) -> tuple[list[bytes], bytes]:
    """The elements of the array ``name`` to the letter, and the body without them.

    :raise ValueError, IndexError, RecursionError: if it cannot be told where they end
    """
    text = body.decode("utf-8", "surrogateescape")
    position = _past(text, 0, "{")
    while True:
        member, position = _scan(text, position)
        position = _past(text, position, ":")
        if member == name:
            break
        _value, position = _scan(text, position)
        position = _past(text, position, ",")
    begin = position = _past(text, position, "[")
    elements = []
    while text[position] != "]":
        if elements:
            position = _past(text, position, ",")
        _value, end = _scan(text, position)
        elements.append(text[position:end].encode("utf-8", "surrogateescape"))
        position = _past(text, end, "")
    rest = text[:begin] + text[position:]
    return elements, rest.encode("utf-8", "surrogateescape")


def members(raw: bytes) -> dict:
    """Of an object, its numbers as text; nothing if it cannot be read at all."""
    try:
        text = raw.decode("utf-8", "surrogateescape")
        value, _end = _scan(text, _past(text, 0, ""))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_clean(value) -> bool:
    """Whether a value is JSON that every reader takes."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def _past(text: str, position: int, sign: str) -> int:
    """The place after ``sign`` and the blanks around it."""
    position = _BLANKS.match(text, position).end()
    if not text.startswith(sign, position):
        raise ValueError(f"no {sign!r} at {position}")
    return _BLANKS.match(text, position + len(sign)).end()
