"""Hostile and tired answers, over real HTTP, become errors that mean something."""

import gzip
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from gateway import (
    CertificateRefused,
    CredentialsRefused,
    LoginExpired,
    MemoryTokenStore,
    NotUnderstood,
    RateLimited,
    RequestRefused,
    Tokens,
    Unreachable,
)
from gateway_server import TOKENS, Server, make_client

GROUPS = {
    "data": [{"id": 1, "nome": "Casa"}],
    "meta": {"current_page": 1, "last_page": 1, "per_page": 100, "total": 1},
}
SECRETS = ("sandbox-senha", "sandbox-key", "sandbox-secret", "access-1", "refresh-1")


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


def test_an_answer_is_bounded_also_when_it_was_compressed(server):
    bomb = gzip.compress(b" " * 10_000_000)

    def blow_up(handler):
        handler.answer(200, bomb, Content_Encoding="gzip")

    server.routes["GET /grupos"] = blow_up
    with pytest.raises(NotUnderstood, match="larger than"):
        groups(server, max_bytes=100_000)


def test_credentials_never_follow_a_redirect_to_another_host(server):
    with Server() as other:
        other.routes["GET /grupos"] = (200, GROUPS)

        def send_away(handler):
            handler.answer(302, b"", Location=f"{other.url}/grupos")

        server.routes["GET /grupos"] = send_away
        with pytest.raises(NotUnderstood, match="redirected"):
            groups(server)
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


def test_a_trickling_body_ends_with_the_deadline(server):
    stop = threading.Event()

    def trickle(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100000000")
        handler.end_headers()
        try:
            while not stop.wait(0.05):
                handler.wfile.write(b" " * 70_000)
        except OSError:
            return

    server.routes["GET /grupos"] = trickle
    try:
        with make_client(server.url) as client:
            client.ensure_token()
            with client.deadline(0.5), pytest.raises(Unreachable, match="too long"):
                list(client.iter_groups())
    finally:
        stop.set()


@pytest.mark.parametrize("body", [b"<html>Bad gateway</html>", b"", b'{"message": 1}'])
def test_a_server_error_is_tried_again_later(server, body):
    server.routes["GET /grupos"] = (502, body)
    with pytest.raises(Unreachable) as caught:
        groups(server)
    assert caught.value.transient


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_is_told_in_seconds_or_as_a_date(server, status):
    server.routes["GET /grupos"] = lambda h: h.answer(
        status, {"message": "devagar"}, Retry_After="17"
    )
    with pytest.raises(RateLimited) as caught:
        groups(server)
    assert caught.value.retry_after == 17
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    server.routes["GET /grupos"] = lambda h: h.answer(
        status, {"message": "devagar"}, Retry_After=moment
    )
    with pytest.raises(RateLimited) as caught:
        groups(server)
    assert 50 < caught.value.retry_after <= 60


def test_a_certificate_that_nobody_signed_is_refused(server, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.use_tls(context)
    with make_client(server.url) as client, pytest.raises(CertificateRefused):
        client.login()


def test_nobody_there_and_no_such_host_are_told_apart():
    with make_client("http://127.0.0.1:9/api/v2") as client:
        with pytest.raises(Unreachable, match="refused"):
            client.login()
    with make_client("http://no-such-host.invalid/api/v2") as client:
        with pytest.raises(Unreachable, match="not known"):
            client.login()


def test_what_breaks_off_is_repeated_when_it_is_safe_and_never_a_creation(
    server, caplog
):
    def hang_up(handler):
        handler.close_connection = True
        handler.connection.close()

    for key in ("GET /circuitos/1", "POST /circuitos"):
        server.routes[key] = hang_up
    with make_client(server.url) as client:
        with pytest.raises(Unreachable):
            client.get_line(1)
        with pytest.raises(Unreachable):
            client._send("POST", "/circuitos", body={})
    assert server.count("GET /circuitos/1") > 1
    assert not [r for r in caplog.records if r.levelname == "WARNING"]
    assert server.count("POST /circuitos") == 1


def test_no_netrc_takes_the_place_of_our_token(server, monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.routes["GET /grupos"] = (200, GROUPS)
    groups(server)
    assert server.requests[-1][1]["Authorization"] == "Bearer access-1"
    assert "Authorization" not in server.requests[0][1]


def test_a_server_that_repeats_our_secrets_gets_them_into_no_error(server):
    def echo(handler):
        text = " ".join(SECRETS)
        handler.answer(422, {"message": text, "errors": {"senha": [text]}})

    server.routes["POST /auth/login"] = echo
    with make_client(server.url) as client, pytest.raises(RequestRefused) as caught:
        client.login()
    server.routes["POST /auth/login"] = (200, TOKENS)
    server.routes["GET /grupos"] = echo
    with pytest.raises(RequestRefused) as second:
        groups(server)
    for error in (caught.value, second.value):
        # At a login only the credentials are ours; then the tokens are too.
        ours = SECRETS if error is second.value else SECRETS[:3]
        for secret in ours:
            assert secret not in f"{error} {error!r} {error.errors}"
    assert "sandbox-senha" not in repr(make_client(server.url)) + repr(
        make_client(server.url)._credentials
    )


def test_refused_credentials_come_in_the_platforms_words(server):
    server.routes["POST /auth/login"] = (401, {"message": "senha errada"})
    with make_client(server.url) as client:
        with pytest.raises(CredentialsRefused, match="senha errada"):
            client.login()


def test_a_401_leads_to_one_refresh_then_one_login_then_an_end(server):
    server.routes["GET /grupos"] = (401, {"message": "token vencido"})
    server.routes["POST /auth/refresh"] = (200, TOKENS)
    with pytest.raises(LoginExpired, match="token vencido"):
        groups(server)
    assert server.count("GET /grupos") == 3
    assert server.count("POST /auth/refresh") == 1
    assert server.count("POST /auth/login") == 2


def test_a_refused_refresh_leads_to_a_login(server):
    store = MemoryTokenStore()
    past = datetime(2020, 1, 1)
    store.renew(None, lambda _stored: Tokens("old", "used-up", past))
    server.routes["POST /auth/refresh"] = (401, {"message": "refresh usado"})
    server.routes["GET /grupos"] = (200, GROUPS)
    assert groups(server, token_store=store)
    assert store.get().access == "access-1"


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
