"""No password, key or token in anything that is shown, logged or stored."""

import json
import logging
import traceback
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from html import escape
from urllib.parse import quote

import pytest
from gateway import (
    Credentials,
    GatewayError,
    LineSettings,
    MemoryTokenStore,
    Reject,
    RequestRefused,
    Tokens,
)
from gateway_server import Server, make_client

# As awkward as secrets may be; the last one is a part of the first.
CREDENTIALS = Credentials("loja", 'pá"s/s <b>\\wörd&', "key+with/slash==", 'pá"s/s')
TOKENS = {
    "access_token": "eyJ0.access~1",
    "refresh_token": "refresh é/1",
    "expires_in": 900,
}
SECRETS = (
    CREDENTIALS.password,
    CREDENTIALS.api_key,
    CREDENTIALS.api_secret,
    TOKENS["access_token"],
    TOKENS["refresh_token"],
)
SIP_PASSWORD = "sip senha/9"
PAGE = {"current_page": 1, "last_page": 1, "per_page": 100, "total": 1}
SETTINGS = LineSettings(
    reference="r", customer_name="A", customer_document=None, account_code=None,
    plan_remote_id=1, international_plan_remote_id=None, group_remote_id=None,
    closing_day=1, billing_type="postpaid", route="stfc", portability="no",
    caller_id=True, allow_lc=True, allow_ldn=True, allow_ldi=True, allow_vc1=True,
    allow_vc2=True, allow_vc3=True, simultaneous_calls=1, credit_limit=Decimal(1),
    password=SIP_PASSWORD,
)  # fmt: skip

SPELLINGS = {
    "plain": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "html": escape,
    "url": quote,
}


@pytest.fixture
def hostile():
    with Server() as server:
        server.routes["POST /auth/login"] = (200, TOKENS)
        server.routes["POST /auth/refresh"] = (200, TOKENS)
        yield server


def hostile_client(server):
    return make_client(server.url, credentials=CREDENTIALS)


def assert_nothing_shows(text, secrets=SECRETS):
    for secret in secrets:
        for name, spell in SPELLINGS.items():
            assert spell(secret) not in text, f"{secret} as {name}"
    # Nor a good part of one.
    assert "wörd" not in text and "w\\u00f6rd" not in text and "with/slash" not in text


def shown(error):
    """All that a log or a person may see of an error."""
    return "".join(
        [
            str(error),
            repr(error),
            repr(vars(error)),
            *traceback.format_exception(error),
        ]
    )


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("status", [400, 401, 409, 410, 422, 429, 500])
@pytest.mark.parametrize("form", ["contract", "html", "odd"])
def test_an_error_that_repeats_our_secrets_shows_none(
    hostile, status, spell, form, caplog
):
    caplog.set_level(logging.DEBUG, "gateway")
    text = " ".join(map(spell, (*SECRETS, SIP_PASSWORD)))
    body = {
        "contract": {"message": text, "errors": {text: [text], "senha": text}},
        "odd": [text, {"received": {"senha": text}}],
        "html": f"<html><b>Error</b><pre>{text}</pre></html>".encode(),
    }[form]
    for key in ("POST /circuitos", "GET /grupos"):
        hostile.routes[key] = (status, body)
    with hostile_client(hostile) as client:
        for ask, more in (
            (lambda: list(client.iter_groups()), ()),
            (lambda: client.create_line(SETTINGS), (SIP_PASSWORD,)),
        ):
            with pytest.raises(GatewayError) as caught:
                ask()
            assert_nothing_shows(shown(caught.value), (*SECRETS, *more))
        hostile.routes["POST /auth/login"] = (status, body)
        with pytest.raises(GatewayError) as caught:
            client.login()
        # The tokens of before are no longer its business, yet as secret.
        assert_nothing_shows(shown(caught.value), SECRETS[:3])
        assert_nothing_shows(repr(client))
    assert_nothing_shows(caplog.text)


def test_a_record_that_repeats_our_secrets_shows_none(hostile):
    record = {"id": 1, "nome": "A", "tipo": SECRETS[1], "status": SECRETS[1]}
    hostile.routes["GET /planos"] = (200, {"data": [record], "meta": PAGE})
    hostile.routes["GET /ligacoes"] = (200, {"data": [record], "proximo": None})
    line = {
        "id": 1, "conta": "1", "referencia": "r", "nome": "A", "plano_id": 1,
        "tipo": "pos_pago", "plano_tipo": "stfc", "status": SIP_PASSWORD,
    }  # fmt: skip
    hostile.routes["POST /circuitos"] = (201, line)
    with hostile_client(hostile) as client:
        (plan,) = client.iter_plans()
        assert isinstance(plan, Reject)
        assert_nothing_shows(repr(plan))
        (page,) = client.iter_call_pages(datetime(2026, 1, 1), datetime(2026, 2, 1))
        assert len(page.rejects) == 1
        assert_nothing_shows(repr(page))
        with pytest.raises(GatewayError) as caught:
            client.create_line(SETTINGS)
        assert "status" in str(caught.value)
        assert_nothing_shows(shown(caught.value), (*SECRETS, SIP_PASSWORD))


def test_nothing_that_holds_a_secret_shows_it():
    tokens = Tokens(SECRETS[3], SECRETS[4], datetime(2026, 1, 1))
    store = MemoryTokenStore()
    store.renew(None, lambda _stored: tokens)
    with make_client("http://h.example", credentials=CREDENTIALS) as client:
        held = (CREDENTIALS, tokens, store, SETTINGS, client, client._transport)
    for holder in (*held, replace(SETTINGS, closing_day=2)):
        assert_nothing_shows(f"{holder}{holder!r}", (*SECRETS, SIP_PASSWORD))


def test_what_a_server_says_is_short_and_can_be_stored_and_shown(server):
    # A lone surrogate, NUL and controls have no place in a database or a log.
    text = b'"\\u0000\\u001b[31m\\u202e ' + b"x" * 2000 + b'"'
    fields = b",".join(b'"f%d": [%s]' % (n, b",".join([text] * 20)) for n in range(50))
    body = b'{"message": %s, "errors": {%s}}' % (text, fields)
    for given in (body, body + b"}", b"<p>\x00\xff" + text * 9):
        server.routes["POST /auth/login"] = (422, given)
        with make_client(server.url) as client, pytest.raises(RequestRefused) as caught:
            client.login()
        said = str(caught.value)
        assert said.isprintable()
        assert len(caught.value.message) <= 300
        assert len(said) < 50_000


@pytest.mark.parametrize(
    ("body", "message", "errors"),
    [
        ({"message": "não", "errors": {"a": "só um"}}, "não", {"a": ["só um"]}),
        ({"message": "não", "errors": {"a": [1, None]}}, "não", {"a": ["1", "None"]}),
        ({"message": "não", "errors": ["x"]}, "não", {}),
        ({"message": "não", "id": "x"}, "não", {}),
        (b"<p>Inv&aacute;lido<br>sempre</p>", "Inválido sempre", {}),
        (b"", "status 422", {}),
    ],
)
def test_a_refusal_comes_in_the_platforms_words_whatever_its_form(
    server, body, message, errors
):
    server.routes["POST /auth/login"] = (422, body)
    with make_client(server.url) as client, pytest.raises(RequestRefused) as caught:
        client.login()
    assert (caught.value.message, caught.value.errors) == (message, errors)
