"""Hostile and tired answers, over real HTTP, become errors that mean something."""

import gzip
import json
import threading
import time
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from gateway import (
    CertificateRefused,
    CredentialsRefused,
    DidTerms,
    GatewayError,
    LoginExpired,
    MemoryTokenStore,
    NotUnderstood,
    RateLimited,
    Tokens,
    Unreachable,
)
from gateway_server import TOKENS, Server, make_certificate, make_client, raw_server
from sandbox.process import request_count

TERMS = DidTerms("555433334444", Decimal("9.90"), False)

GROUPS = {
    "data": [{"id": 1, "nome": "Casa"}],
    "meta": {"current_page": 1, "last_page": 1, "per_page": 100, "total": 1},
}


def groups(server, **settings):
    with make_client(server.url, **settings) as client:
        return list(client.iter_groups())


def test_a_web_page_instead_of_an_api_is_recognized(server):
    server.routes["POST /auth/login"] = (200, b"<html><body>Hello</body></html>")
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        client.login()
    server.routes.clear()
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        client.login()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": 5}', b"\xff\xfe"])
def test_a_listing_that_is_none_is_not_understood(server, body):
    server.routes["GET /grupos"] = (200, body)
    with pytest.raises(NotUnderstood):
        groups(server)


def test_a_cut_body_is_no_answer(server):
    def cut(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"data"')
        handler.close_connection = True

    server.routes["GET /grupos"] = cut
    with pytest.raises(Unreachable, match="broke off"):
        groups(server)


def test_a_body_longer_than_it_said_spoils_no_other_answer(server):
    def say_less(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "10")
        handler.end_headers()
        handler.wfile.write(json.dumps(GROUPS).encode())

    server.routes["GET /grupos"] = say_less
    server.routes["GET /planos"] = (200, {**GROUPS, "data": []})
    with make_client(server.url) as client:
        with pytest.raises(NotUnderstood):
            list(client.iter_groups())
        assert list(client.iter_plans()) == []


def test_a_body_shorter_than_it_said_is_waited_for_once(server):
    released = threading.Event()

    def say_more(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(b"{")
        released.wait(20)

    server.routes["GET /grupos"] = say_more
    try:
        with pytest.raises(Unreachable, match="broke off"):
            groups(server, read_timeout=0.3)
    finally:
        released.set()
    assert server.count("GET /grupos") == 1


def zipped(layers):
    body = b" " * 30_000_000
    for _layer in range(layers):
        body = gzip.compress(body, 1)
    return body, ", ".join(["gzip"] * layers)


@pytest.mark.parametrize("layers", [1, 2])
def test_an_answer_is_bounded_also_when_it_was_compressed(server, layers):
    bomb, encoding = zipped(layers)
    server.routes["GET /grupos"] = lambda handler: handler.answer(
        200, bomb, Content_Encoding=encoding
    )
    # A second layer was not asked for, and is not even begun.
    with pytest.raises(NotUnderstood, match="larger than|not asked for"):
        groups(server, max_bytes=100_000)


def test_an_answer_without_a_length_is_bounded(server):
    def pour(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            handler.close_connection = True

    server.routes["GET /grupos"] = pour
    with pytest.raises(NotUnderstood, match="larger than"):
        groups(server, max_bytes=1_000_000)


def test_what_says_that_it_is_compressed_and_is_not_is_no_answer(server):
    server.routes["GET /grupos"] = lambda handler: handler.answer(
        200, b"{}", Content_Encoding="gzip"
    )
    with pytest.raises(Unreachable):
        groups(server)


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 99999 X\r\n\r\n",
        b"\x00" * 200_000,
        HEAD + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
        HEAD + b"X: a\r\n" * 1000 + b"\r\n",
        HEAD + b"Content-Length: many\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: 5, 7\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        HEAD + b"Content-Encoding: " + b"gzip," * 50 + b"gzip\r\n\r\nxx",
        HEAD + b": nothing\r\n\xff\xfe: \xff\r\n\r\n{}",
        b"HTTP/1.1 302 X\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: \xff\x01//\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: http://a:99999999/\r\n\r\n",
        b"HTTP/1.1 302 X\r\nLocation: \r\n\r\n",
        b"HTTP/1.1 304 X\r\n\r\n",
        b"HTTP/1.1 204 X\r\n\r\n",
        b'HTTP/1.1 422 X\r\n\r\n{"message": ' + b"[" * 200_000,
    ],
)
def test_no_answer_is_hostile_enough_for_another_error(answer):
    def talk(connection):
        connection.recv(10_000)
        connection.sendall(answer)

    store = MemoryTokenStore()
    store.renew(None, lambda _stored: Tokens("a", "r", datetime(2099, 1, 1)))
    with raw_server(talk) as url, make_client(url, token_store=store) as client:
        with pytest.raises(GatewayError):
            list(client.iter_groups())
        with pytest.raises(GatewayError):
            client.login()


@pytest.mark.parametrize(
    "url",
    ["", "platform", "http://", "http://[::1", "ftp://a.b", "http://" + "a" * 300,
     "http://127.0.0.1:99999", "http://a..b", "https://"],
)  # fmt: skip
def test_what_is_no_address_is_told_as_such(url):
    with pytest.raises(GatewayError), make_client(url) as client:
        client.login()


def test_credentials_never_follow_a_redirect_to_another_host(server):
    with Server() as other:
        other.routes["GET /grupos"] = (200, GROUPS)

        def send_away(handler):
            handler.answer(302, b"", Location=f"{other.url}/grupos")

        server.routes["GET /grupos"] = send_away
        with pytest.raises(NotUnderstood, match="redirected"):
            groups(server)
        assert other.requests == []
        # Not to another port of the same host, nor from a login, nor with a line.
        for method, path in (("POST", "/auth/login"), ("PUT", "/circuitos/1/status")):
            server.routes[f"{method} {path}"] = lambda handler: handler.answer(
                307, b"", Location=f"{other.url}/x"
            )
            with make_client(server.url) as client, pytest.raises(NotUnderstood):
                client._send(method, path, body={"status": "ativo"})
        assert other.requests == []


def test_a_redirect_at_the_same_host_is_followed_for_reading_only(server):
    def move(handler):
        handler.answer(301, b"", Location="/api/v2/novos")

    server.routes["GET /grupos"] = move
    server.routes["GET /novos"] = (200, GROUPS)
    assert groups(server)[0].name == "Casa"
    server.routes["GET /novos"] = lambda h: h.answer(
        301, b"", Location="/api/v2/grupos"
    )
    with pytest.raises(NotUnderstood, match="again and again"):
        groups(server)
    server.routes["DELETE /circuitos/1/dids/555433334444"] = move
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        client.delete_did(1, "555433334444")


def test_silence_is_waited_for_once(server):
    released = threading.Event()
    server.routes["GET /grupos"] = lambda _handler: released.wait(20)
    began = time.monotonic()
    try:
        with pytest.raises(Unreachable, match="in time"):
            groups(server, read_timeout=1.0)
    finally:
        released.set()
    assert time.monotonic() - began < 4
    assert server.count("GET /grupos") == 1


BEGINNINGS = {
    "body": HEAD + b"Content-Length: 1000000\r\n\r\n",
    "endless body": HEAD + b"\r\n",
    "chunk": HEAD + b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n",
    "chunk size": HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    "header": HEAD + b"X: ",
    "status line": b"HTTP/1.1 200 ",
}


@pytest.mark.parametrize("bound", ["deadline", "total_timeout"])
@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_what_comes_byte_by_byte_ends_in_time(beginning, bound):
    def trickle(connection):
        connection.recv(10_000)
        connection.sendall(beginning)
        while True:
            connection.sendall(b"1")
            time.sleep(0.05)

    settings = {"read_timeout": 2.0}
    if bound == "total_timeout":
        settings["total_timeout"] = 0.4
    store = MemoryTokenStore()
    store.renew(None, lambda _stored: Tokens("a", "r", datetime(2099, 1, 1)))
    with raw_server(trickle) as url:
        with make_client(url, token_store=store, **settings) as client:
            began = time.monotonic()
            limit = client.deadline(0.4) if bound == "deadline" else nullcontext()
            with limit, pytest.raises(Unreachable):
                list(client.iter_groups())
            assert time.monotonic() - began < 1.9


def test_a_flood_ends_with_the_deadline(server):
    def pour(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000000")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * 70_000)
                time.sleep(0.02)
        except OSError:
            handler.close_connection = True

    server.routes["GET /grupos"] = pour
    with make_client(server.url) as client:
        client.ensure_token()
        with client.deadline(0.3), pytest.raises(Unreachable, match="too long"):
            list(client.iter_groups())
        with client.deadline(-1), pytest.raises(Unreachable, match="too long"):
            list(client.iter_groups())


def test_a_deadline_within_another_does_not_prolong_it(server):
    with make_client(server.url) as client:
        with client.deadline(-1), client.deadline(60):
            with pytest.raises(Unreachable, match="too long"):
                list(client.iter_groups())


def test_retries_end_with_the_deadline(server):
    server.routes["GET /grupos"] = lambda h: (time.sleep(0.3), hang_up(h))
    with make_client(server.url) as client:
        client.ensure_token()
        with client.deadline(0.2), pytest.raises(Unreachable):
            list(client.iter_groups())
    assert server.count("GET /grupos") == 1


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b'{"message": 1}'])
def test_a_server_error_is_tried_again_later(server, body):
    server.routes["GET /grupos"] = (502, body)
    with pytest.raises(Unreachable) as caught:
        groups(server)
    assert caught.value.transient


def http_date(**later):
    return lambda: format_datetime(datetime.now(UTC) + timedelta(**later), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("17", 17, 17),
        (" 17 ", 17, 17),
        (http_date(hours=2), 6000, 7200),
        ("Mon, 05 Oct 2026 10:00:00 -0000", 0, 24 * 3600),
        (http_date(hours=-2), 0, 0),
        ("9" * 400, None, None),
        ("9" * 200, 24 * 3600, 24 * 3600),
        ("Mon, 01 Jan 9999999999 00:00:00 GMT", None, None),
        ("Mon, 01 Jan 9999 00:00:00 GMT", 24 * 3600, 24 * 3600),
        ("-5", None, None),
        ("\xb2", None, None),
        ("soon", None, None),
    ],
)
def test_a_pause_is_told_in_seconds_or_as_a_date(server, status, header, least, most):
    # Made now, so that the names of the tests do not hang on the clock.
    header = header() if callable(header) else header
    server.routes["GET /grupos"] = lambda h: h.answer(
        status, {"message": "devagar"}, Retry_After=header
    )
    with pytest.raises(RateLimited, match="devagar") as caught:
        groups(server)
    told = caught.value.retry_after
    assert told is None if least is None else least <= told <= most


def test_no_pause_told_is_none(server):
    server.routes["GET /grupos"] = (429, b"")
    with pytest.raises(RateLimited) as caught:
        groups(server)
    assert caught.value.retry_after is None
    server.routes["GET /grupos"] = (503, b"")
    with pytest.raises(Unreachable):
        groups(server)


def test_a_certificate_that_nobody_signed_is_refused(server, tmp_path):
    certificate = make_certificate(tmp_path / "server.pem", "127.0.0.1")
    server.use_tls(certificate)
    server.routes["GET /grupos"] = (200, GROUPS)
    with pytest.raises(CertificateRefused, match="self-signed") as caught:
        groups(server)
    assert not caught.value.transient
    assert server.requests == []
    # Whoever trusts it, as an administrator may, is served.
    assert groups(server, verify=str(certificate))


def test_a_certificate_of_another_host_is_refused(server, tmp_path):
    certificate = make_certificate(tmp_path / "server.pem", "somewhere.example")
    server.use_tls(certificate)
    with pytest.raises(CertificateRefused, match=r"[Hh]ost|IP address"):
        groups(server, verify=str(certificate))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_a_secure_connection_that_breaks_off_is_no_matter_of_certificates(answer):
    def talk(connection):
        connection.recv(1000)
        connection.sendall(answer)

    with raw_server(talk) as url:
        secure = url.replace("http:", "https:")
        with make_client(secure) as client, pytest.raises(Unreachable):
            client.login()


def test_nobody_there_and_no_such_host_are_told_apart():
    with make_client("http://127.0.0.1:9/api/v2") as client:
        with pytest.raises(Unreachable, match="refused"):
            client.login()
    with make_client("http://no-such-host.invalid/api/v2") as client:
        with pytest.raises(Unreachable, match="not known"):
            client.login()


def hang_up(handler):
    handler.close_connection = True
    handler.connection.close()


def test_a_creation_that_breaks_off_is_sent_once(server):
    server.routes["POST /circuitos"] = hang_up
    with make_client(server.url) as client, pytest.raises(Unreachable):
        client._send("POST", "/circuitos", body={})
    assert server.count("POST /circuitos") == 1


@pytest.mark.parametrize(
    ("key", "ask"),
    [
        ("GET /circuitos/1", lambda client: client.get_registration(1)),
        ("PUT /circuitos/1/dids/555433334444", lambda client: client.put_did(1, TERMS)),
        (
            "DELETE /circuitos/1/dids/555433334444",
            lambda client: client.delete_did(1, "555433334444"),
        ),
    ],
)
def test_what_may_be_sent_twice_is_repeated_when_it_breaks_off(
    server, caplog, key, ask
):
    if key.startswith("GET"):
        key += "/registro"
    answer = {"online": True, "numero": "555433334444", "status": "em_uso"}
    talks = [hang_up, lambda handler: handler.answer(200, answer)]
    server.routes[key] = lambda handler: talks.pop(0)(handler)
    with make_client(server.url) as client:
        ask(client)
        assert server.count(key) == 2
        # But not for ever, and it is nothing to warn of.
        server.routes[key] = hang_up
        with pytest.raises(Unreachable):
            ask(client)
    assert server.count(key) == 5
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_no_netrc_takes_the_place_of_our_token(server, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.routes["GET /grupos"] = (200, GROUPS)
    groups(server)
    assert server.requests[-1][1]["Authorization"] == "Bearer access-1"
    assert "Authorization" not in server.requests[0][1]


def test_refused_credentials_come_in_the_platforms_words(server):
    for answer, fields in (
        ({"message": "senha errada"}, ("password",)),
        ({"message": "API Key ou api-secret"}, ("api_key", "api_secret")),
        ({"message": "não", "errors": {"usuario": ["?"]}}, ("username",)),
        ({"message": "credenciais inválidas"}, ()),
    ):
        server.routes["POST /auth/login"] = (401, answer)
        with make_client(server.url) as client:
            with pytest.raises(CredentialsRefused, match=answer["message"]) as caught:
                client.login()
        assert caught.value.fields == fields


def test_a_401_leads_to_one_refresh_then_one_login_then_an_end(server):
    server.routes["GET /grupos"] = (401, {"message": "token vencido"})
    server.routes["POST /auth/refresh"] = (200, TOKENS)
    with pytest.raises(LoginExpired, match="token vencido") as caught:
        groups(server)
    assert caught.value.transient
    assert server.count("GET /grupos") == 3
    assert server.count("POST /auth/refresh") == 1
    assert server.count("POST /auth/login") == 2


def test_a_401_in_the_middle_costs_one_refresh_and_one_repetition(server):
    server.answers("GET /grupos", (401, {"message": "vencido"}), (200, GROUPS))
    fresh = {**TOKENS, "access_token": "access-2", "refresh_token": "refresh-2"}
    server.routes["POST /auth/refresh"] = (200, fresh)
    assert groups(server)
    assert [key for key, *_rest in server.requests] == [
        "POST /auth/login", "GET /grupos", "POST /auth/refresh", "GET /grupos",
    ]  # fmt: skip
    assert json.loads(server.requests[2][2]) == {"refresh_token": "refresh-1"}
    assert server.requests[3][1]["Authorization"] == "Bearer access-2"


def test_the_platforms_own_expiry_is_met_in_the_same_way(sandbox, client):
    list(client.iter_groups())
    sandbox.expire_tokens()
    assert list(client.iter_groups())
    sandbox.expire_tokens(refresh=True)
    assert list(client.iter_groups())
    counted = sandbox.ledger()
    assert request_count(counted, "POST", "/auth/refresh", 200) == 1
    assert request_count(counted, "POST", "/auth/refresh", 401) == 1
    assert request_count(counted, "POST", "/auth/login") == 2


@pytest.mark.parametrize(
    "answer",
    [(401, {"message": "refresh usado"}), (400, b""), (404, b"<html>"), (410, {}),
     (422, {"message": "x"}), (200, b"<html>Login</html>"), (200, {"access_token": 1})],
)  # fmt: skip
def test_a_refused_refresh_leads_to_a_login(server, answer):
    store = MemoryTokenStore()
    past = datetime(2020, 1, 1)
    store.renew(None, lambda _stored: Tokens("old", "used-up", past))
    server.routes["POST /auth/refresh"] = answer
    server.routes["GET /grupos"] = (200, GROUPS)
    assert groups(server, token_store=store)
    assert store.get().access == "access-1"


def test_a_refresh_that_cannot_be_reached_is_no_reason_for_a_login(server):
    store = MemoryTokenStore()
    store.renew(None, lambda _stored: Tokens("old", "refresh", datetime(2020, 1, 1)))
    server.routes["POST /auth/refresh"] = (503, b"")
    with pytest.raises(Unreachable):
        groups(server, token_store=store)
    assert server.count("POST /auth/login") == 0


@pytest.mark.parametrize(
    "change",
    [{"access_token": "a\r\nX-Evil: 1"}, {"access_token": "não"}, {"access_token": ""},
     {"access_token": "a b"}, {"access_token": "a\n"}, {"refresh_token": ""},
     {"expires_in": 0}, {"expires_in": "900"}, {"access_token": "x" * 20_000}],
)  # fmt: skip
def test_tokens_that_cannot_be_used_are_not_taken(server, change):
    server.routes["POST /auth/login"] = (200, {**TOKENS, **change})
    with make_client(server.url) as client, pytest.raises(NotUnderstood) as caught:
        client.login()
    assert not change.get("access_token") or str(change["access_token"]) not in str(
        caught.value
    )


def test_tokens_are_used_until_a_little_before_they_expire(server):
    with make_client(server.url) as client:
        for seconds, least, most in (
            (900, 830, 841),
            (20, 16, 18),
            (10**12, 10**8, 10**9),
        ):
            server.routes["POST /auth/login"] = (200, TOKENS | {"expires_in": seconds})
            now = datetime.now(UTC).replace(tzinfo=None)
            lives = (client.login().expires_at - now).total_seconds()
            assert least <= lives <= most


def test_two_threads_that_find_the_token_expired_refresh_it_once(server):
    store = MemoryTokenStore()
    store.renew(None, lambda _stored: Tokens("old", "refresh-0", datetime(2020, 1, 1)))

    def refresh(handler):
        time.sleep(0.2)
        handler.answer(200, TOKENS)

    server.routes["POST /auth/refresh"] = refresh
    server.routes["GET /grupos"] = (200, GROUPS)
    with make_client(server.url, token_store=store) as client:
        threads = [
            threading.Thread(target=lambda: list(client.iter_groups()))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.count("POST /auth/refresh") == 1
    assert server.count("GET /grupos") == 8
