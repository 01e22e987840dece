"""The body of an answer in pieces of a bounded size, undone of one compression."""

import zlib
from collections.abc import Iterator

import requests

from .errors import NotUnderstood

# What is asked for, and the only thing that is undone. The library would undo others
# too, up to any number inside each other, and its older releases each piece whole.
ACCEPTED_ENCODING = "gzip"


def decoded(response: requests.Response, size: int) -> Iterator[bytes]:
    """Pieces of at most ``size`` bytes.

    :raise NotUnderstood: if it is compressed in a way that was not asked for
    :raise OSError: if it broke off or is compressed wrongly; or what the library raises
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    pieces = _complete(response, size)
    if encoding in ("", "identity"):
        return pieces
    if encoding in ("gzip", "x-gzip"):
        return _inflated(pieces, size)
    raise NotUnderstood("the answer is compressed in a way that was not asked for")


def _complete(response: requests.Response, size: int) -> Iterator[bytes]:
    got = 0
    for piece in response.raw.stream(size, decode_content=False):
        got += len(piece)
        yield piece
    # Older releases of the library do not compare it themselves.
    promised = response.headers.get("Content-Length", "")
    if promised.isascii() and promised.isdigit() and got < int(promised[:18]):
        if "Transfer-Encoding" not in response.headers:
            raise OSError("the answer is shorter than it said")


def _inflated(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    stream, is_empty = zlib.decompressobj(wbits=31), True
    try:
        for piece in pieces:
            while piece:
                is_empty = False
                if stream.eof:
                    stream = zlib.decompressobj(wbits=31)
                yield stream.decompress(piece, size)
                piece = stream.unused_data if stream.eof else stream.unconsumed_tail
        while rest := stream.decompress(b"", size):
            yield rest
    except zlib.error:
        raise OSError("the answer is compressed wrongly") from None
    if not (stream.eof or is_empty):
        raise OSError("the answer ends within its compression")
