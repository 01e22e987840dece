"""Bodies that lie about themselves, and web servers that are not the platform."""

import gzip
import json
import threading
import time
import zlib

import pytest
from gateway import NotFound, NotUnderstood, Unreachable
from gateway_server import make_client

GROUPS = {
    "data": [{"id": 1, "nome": "Casa"}],
    "meta": {"current_page": 1, "last_page": 1, "per_page": 100, "total": 1},
}
RAW_GROUPS = json.dumps(GROUPS).encode()


def groups(server, **settings):
    with make_client(server.url, **settings) as client:
        return list(client.iter_groups())


def compressed(server, raw, encoding="gzip"):
    server.routes["GET /grupos"] = lambda h: h.answer(
        200, raw, Content_Encoding=encoding
    )


def test_a_compressed_answer_is_read_also_in_several_members(server):
    half = len(RAW_GROUPS) // 2
    members = gzip.compress(RAW_GROUPS[:half]) + gzip.compress(RAW_GROUPS[half:])
    for raw in (gzip.compress(RAW_GROUPS), members):
        compressed(server, raw)
        assert groups(server)[0].name == "Casa"


def test_a_bomb_is_never_blown_up_whole(server):
    # 200 MB in 200 kB.
    squeeze = zlib.compressobj(9, wbits=31)
    block = bytes(1_000_000)
    bomb = b"".join(squeeze.compress(block) for _ in range(200)) + squeeze.flush()
    compressed(server, bomb)
    began = time.monotonic()
    with pytest.raises(NotUnderstood, match="larger than"):
        groups(server, max_bytes=1_000_000)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "deflate", "x"])
def test_a_compression_that_was_not_asked_for_is_refused(server, encoding):
    compressed(server, gzip.compress(gzip.compress(RAW_GROUPS)), encoding)
    with pytest.raises(NotUnderstood, match="compressed"):
        groups(server)


def test_a_cut_or_broken_compression_is_told(server):
    compressed(server, gzip.compress(RAW_GROUPS)[:-12])
    with pytest.raises(Unreachable, match="broke off"):
        groups(server)
    compressed(server, b"this is no gzip")
    with pytest.raises(Unreachable, match="broke off"):
        groups(server)


@pytest.mark.parametrize("promised", [3, 10**6, 10**30])
def test_a_content_length_that_lies_is_no_answer(server, promised):
    def lie(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(RAW_GROUPS)
        handler.close_connection = True

    server.routes["GET /grupos"] = lie
    with make_client(server.url) as client:
        with pytest.raises((Unreachable, NotUnderstood)):
            list(client.iter_groups())
        # The connection that holds the rest is not used again.
        server.routes["GET /grupos"] = (200, GROUPS)
        assert list(client.iter_groups())[0].name == "Casa"


def test_a_404_of_a_web_server_does_not_say_that_a_line_is_gone(server):
    path = "GET /circuitos/1"
    for body in (b"<html><title>404 Not Found</title></html>", b"", b"[]", b"null"):
        server.routes[path] = (404, body)
        with make_client(server.url) as client, pytest.raises(NotUnderstood):
            client.get_line(1)
    for answer in ({"message": "não encontrado"}, {}, {"message": 5}):
        server.routes[path] = (404, answer)
        with make_client(server.url) as client, pytest.raises(NotFound):
            client.get_line(1)


def test_no_cookie_is_kept(server):
    server.routes["GET /grupos"] = lambda h: h.answer(
        200, GROUPS, Set_Cookie="session=1"
    )
    with make_client(server.url) as client:
        list(client.iter_groups())
        list(client.iter_groups())
    assert not any("Cookie" in headers for _key, headers, _body in server.requests)


def test_the_body_of_a_redirect_is_bounded_too(server):
    stop = threading.Event()

    def pour(handler):
        handler.close_connection = True
        handler.send_response(302)
        handler.send_header("Location", "/api/v2/grupos")
        handler.end_headers()
        try:
            while not stop.is_set():
                handler.wfile.write(b" " * 1_000_000)
        except OSError:
            return

    server.routes["GET /grupos"] = pour
    began = time.monotonic()
    try:
        with pytest.raises(NotUnderstood, match="again and again"):
            groups(server)
    finally:
        stop.set()
    assert time.monotonic() - began < 3
