"""What an observer of the requests learns, and what it never does."""

import json
import logging
from dataclasses import astuple
from datetime import datetime

import pytest
from gateway import DidTerms, GatewayError, LineStatus, Unreachable, wire
from gateway.exchange import BODY_CHARS, READ_BYTES
from gateway.masking import MASK, mask_fields
from gateway_server import CREDENTIALS, make_client
from test_gateway_secrets import CREDENTIALS as AWKWARD_CREDENTIALS
from test_gateway_secrets import SECRETS as AWKWARD
from test_gateway_secrets import (
    SETTINGS,
    SIP_PASSWORD,
    SPELLINGS,
    TOKENS,
    assert_nothing_shows,
    hostile,  # noqa: F401
)

GROUPS = {
    "data": [{"id": 1, "nome": "Casa"}],
    "meta": {"current_page": 1, "last_page": 1, "per_page": 100, "total": 1},
}
LINE = {
    "id": 7, "conta": "100200", "referencia": "ours-7", "nome": "A", "plano_id": 1,
    "tipo": "pos_pago", "plano_tipo": "stfc", "status": "ativo",
}  # fmt: skip
SECRETS = ("sandbox-senha", "sandbox-key", "sandbox-secret", "access-1", "refresh-1")


@pytest.fixture
def seen():
    return []


def everything(seen):
    return "\n".join(str(field) for exchange in seen for field in astuple(exchange))


def test_each_request_is_told_with_its_outcome_and_no_secret(server, seen):
    server.routes["GET /grupos"] = (200, GROUPS)
    server.routes["GET /circuitos/7"] = (404, {"message": "sumiu"})
    with make_client(server.url, on_exchange=seen.append) as client:
        list(client.iter_groups())
        with pytest.raises(GatewayError):
            client.get_line(7)
    told = [(e.method, e.template, e.path, e.status) for e in seen]
    assert told == [
        ("POST", "/auth/login", "/auth/login", 200),
        ("GET", "/grupos", "/grupos?page=1&per_page=500", 200),
        ("GET", "/circuitos/{id}", "/circuitos/7", 404),
    ]
    login, listing, missing = seen
    assert json.loads(login.request_body)["usuario"] == CREDENTIALS.username
    assert json.loads(listing.response_body) == GROUPS
    assert listing.request_body is None and listing.error is None
    assert "sumiu" in missing.error and "sumiu" in missing.response_body
    assert all(e.milliseconds >= 0 for e in seen)
    for secret in SECRETS:
        assert secret not in everything(seen)


def test_an_answer_that_breaks_off_is_told_as_trouble(server, seen):
    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    server.routes["GET /grupos"] = half
    with make_client(server.url, on_exchange=seen.append) as client:
        with pytest.raises(Unreachable):
            list(client.iter_groups())
    assert seen[-1].status == 200
    assert "broke off" in seen[-1].error


def test_silence_is_told_too(seen):
    url = "http://127.0.0.1:9/api/v2"
    with make_client(url, on_exchange=seen.append) as client:
        with pytest.raises(Unreachable):
            client.login()
    (exchange,) = seen
    assert exchange.status is None and exchange.response_body is None
    assert "refused" in exchange.error


def test_each_request_says_which_line_it_was_about(server, seen):
    for key, answer in (
        ("POST /circuitos", LINE),
        ("PUT /circuitos/7/status", LINE),
        ("PUT /circuitos/7/dids/551130001000", {"numero": "1", "status": "em_uso"}),
        ("DELETE /circuitos/7/dids/551130001000", {}),
        ("PUT /circuitos/8", {**LINE, "id": 8}),
        ("GET /circuitos", {**GROUPS, "data": []}),
        ("GET /grupos", GROUPS),
    ):
        server.routes[key] = (200, answer)
    with make_client(server.url, on_exchange=seen.append) as client:
        client.create_line(SETTINGS)
        client.set_status(7, LineStatus.ACTIVE)
        client.put_did(7, DidTerms("551130001000", None, False))
        client.delete_did(7, "551130001000")
        client.update_line(8, SETTINGS)
        list(client.iter_lines(reference="ours-7"))
        list(client.iter_groups())
    assert [(e.template, e.line_remote_id, e.reference) for e in seen[1:]] == [
        (wire.LINES, None, SETTINGS.reference),
        # Told by our reference, too: Odoo may not know yet what id it got.
        (wire.LINE_STATUS, 7, "ours-7"),
        (wire.LINE_DID, 7, "ours-7"),
        (wire.LINE_DID, 7, "ours-7"),
        (wire.LINE, 8, SETTINGS.reference),
        (wire.LINES, None, "ours-7"),
        (wire.GROUPS, None, None),
    ]


def test_of_calls_nobody_learns_more_than_the_size(server, seen):
    page = {"data": [{"id": 1, "destino": "551199998888"}], "proximo": None}
    server.routes["GET /ligacoes"] = (200, page)
    moments = datetime(2026, 10, 1), datetime(2026, 11, 1)
    with make_client(server.url, on_exchange=seen.append) as client:
        list(client.iter_call_pages(*moments, line_remote_id=7))
        server.routes["GET /ligacoes"] = (422, page)
        with pytest.raises(GatewayError):
            list(client.iter_call_pages(*moments))
    size = len(json.dumps(page))
    assert [e.response_body for e in seen[1:]] == [f"({size} bytes, not kept)"] * 2
    assert "551199998888" not in seen[1].response_body
    assert seen[1].line_remote_id == 7


def test_an_answer_to_a_login_is_not_kept_whatever_it_is(server, seen):
    server.routes["POST /auth/login"] = (200, {"jwt": "another-name-for-a-token"})
    with make_client(server.url, on_exchange=seen.append) as client:
        with pytest.raises(GatewayError):
            client.login()
    assert "another-name" not in everything(seen)


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("status", [200, 401, 422, 500])
@pytest.mark.parametrize("form", ["json", "nested", "html"])
def test_an_answer_that_repeats_our_secrets_tells_none(
    hostile,  # noqa: F811
    status,
    spell,
    form,
    seen,
):
    text = " ".join(map(spell, (*AWKWARD, SIP_PASSWORD)))
    body = {
        "json": {"message": text, "received": {"senha": text}},
        "nested": [[text], {"senha": [text, {"x": text}]}],
        "html": f"<html><pre>{text}</pre></html>".encode(),
    }[form]
    hostile.routes["POST /circuitos"] = (status, body)
    hostile.answers("POST /auth/login", (200, TOKENS), (status, body))
    with make_client(
        hostile.url, credentials=AWKWARD_CREDENTIALS, on_exchange=seen.append
    ) as client:
        with pytest.raises(GatewayError):
            client.create_line(SETTINGS)
        with pytest.raises(GatewayError):
            client.login()
    assert len(seen) > 2
    # The tokens of before are no longer a second login's business.
    assert_nothing_shows(everything(seen), AWKWARD[:3])
    lines = [exchange for exchange in seen if exchange.template == wire.LINES]
    assert_nothing_shows(everything(lines), (*AWKWARD, SIP_PASSWORD))


def test_a_query_string_tells_no_secret(server, seen):
    with make_client(server.url, on_exchange=seen.append) as client:
        with pytest.raises(GatewayError):
            list(client.iter_lines(account_code="sandbox-key"))
    assert seen[-1].path.startswith("/circuitos?page=1")
    assert "sandbox-key" not in everything(seen)


@pytest.mark.parametrize("length", range(READ_BYTES - 12, READ_BYTES + 2, 3))
@pytest.mark.parametrize("filler", ["x", "access-1"])
def test_long_bodies_are_cut_and_hold_no_half_of_a_secret(server, seen, length, filler):
    noise = (filler * length)[:length]
    server.routes["GET /grupos"] = (200, (noise + "refresh-1" * 100).encode())
    with make_client(server.url, on_exchange=seen.append) as client:
        with pytest.raises(GatewayError):
            list(client.iter_groups())
    text = seen[-1].response_body
    assert len(text) <= BODY_CHARS
    assert "ref" not in text and "acc" not in text


def test_an_observer_that_fails_stops_nothing(server, caplog, monkeypatch):
    # Kept from the run's own log, which must hold no error.
    logger = logging.getLogger("gateway.transport")
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "handlers", [caplog.handler])

    def fail(exchange):
        raise RuntimeError(f"cannot keep {exchange.method}")

    server.routes["GET /grupos"] = (200, GROUPS)
    with make_client(server.url, on_exchange=fail) as client:
        assert list(client.iter_groups())[0].name == "Casa"
    assert "cannot keep GET" in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS)


def test_a_client_that_is_closed_says_so_once(server):
    closed = []
    with make_client(server.url, on_close=lambda: closed.append(1)) as client:
        client.login()
        assert not closed
    assert closed == [1]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["senha", "api_key", "api_secret", "SENHA"])
@pytest.mark.parametrize("value", ['sec"ret', "sec\\ret", "", 12345, None, ["secret"]])
def test_secret_fields_are_masked_wherever_they_stand(name, value, indent):
    text = json.dumps({"a": [{"b": "kept", name: value}]}, indent=indent)
    masked = mask_fields(text, wire.SECRET_FIELDS)
    assert json.loads(masked) == {"a": [{"b": "kept", name: MASK}]}
    # Cut anywhere, it is no JSON any more.
    for end in range(text.index("kept"), len(text)):
        cut = mask_fields(text[:end], wire.SECRET_FIELDS)
        assert "ret" not in cut.replace("secret", "", name == "api_secret")


def test_a_name_or_value_with_needless_escapes_is_masked(server, seen):
    body = rb'{"se\u006eha": "hidden", "x": "\u0061ccess-1"}'
    server.routes["GET /grupos"] = (200, body)
    with make_client(server.url, on_exchange=seen.append) as client:
        with pytest.raises(GatewayError):
            list(client.iter_groups())
    assert json.loads(seen[-1].response_body) == {"senha": MASK, "x": MASK}
