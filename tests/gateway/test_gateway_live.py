"""What somebody waits for is bounded, whatever the platform does."""

import time
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from gateway import (
    CredentialsRefused,
    NotFound,
    NotUnderstood,
    RateLimited,
    Registration,
    Unreachable,
    read_last_calls,
    read_registrations,
)
from gateway_server import make_client

NOW = datetime(2026, 11, 20, 15)
ONLINE = {"online": True, "ip": "100.64.0.9", "latencia_ms": 23, "saldo": "1.234,56"}


def key(remote_id):
    return f"GET /circuitos/{remote_id}/registro"


def read(server, remote_ids, **settings):
    settings = {"parallel": 3, "seconds": 5, "answer_seconds": 2, **settings}
    with make_client(server.url) as client:
        return read_registrations(client, remote_ids, **settings)


def test_each_line_has_its_answer_or_its_own_reason(server):
    server.routes[key(1)] = (200, ONLINE)
    server.routes[key(2)] = (404, {"message": "Circuito não encontrado."})
    server.routes[key(3)] = (200, {"online": "talvez"})
    server.routes[key(4)] = (200, {"online": False})
    found = read(server, [1, 2, 3, 4])
    assert list(found) == [1, 2, 3, 4]
    assert found[1] == Registration(True, "100.64.0.9", 23, Decimal("1234.56"))
    assert isinstance(found[2], NotFound)
    assert isinstance(found[3], NotUnderstood)
    assert found[4] == Registration(False, None, None, None)


def test_a_platform_that_is_silent_is_asked_for_no_more_than_a_few_lines(server):
    for number in range(20):
        server.routes[key(number)] = lambda _handler: time.sleep(1.5)
    began = time.monotonic()
    found = read(server, range(20), answer_seconds=0.4)
    assert time.monotonic() - began < 1.5
    assert len(found) == 20
    assert all(isinstance(answer, Unreachable) for answer in found.values())
    # Those under way at once, and what they took up before the last of them gave up.
    assert sum(server.count(key(number)) for number in range(20)) < 2 * 3


def test_a_line_without_an_answer_does_not_hide_the_others(server):
    for number in range(10):
        server.routes[key(number)] = (200, ONLINE)
    server.routes[key(0)] = lambda _handler: time.sleep(1.5)
    found = read(server, range(10), answer_seconds=0.4)
    assert isinstance(found[0], Unreachable)
    assert all(found[number].online for number in range(1, 10))


def test_a_slow_platform_is_left_when_the_time_is_over(server):
    def slowly(handler):
        time.sleep(0.3)
        handler.answer(200, ONLINE)

    for number in range(30):
        server.routes[key(number)] = slowly
    began = time.monotonic()
    found = read(server, range(30), seconds=1)
    assert time.monotonic() - began < 2
    read_ones = [
        answer for answer in found.values() if isinstance(answer, Registration)
    ]
    assert 3 <= len(read_ones) < 30
    assert isinstance(found[29], Unreachable)


def test_a_pause_that_the_platform_asks_for_is_kept(server):
    for number in range(10):
        server.routes[key(number)] = (429, {"message": "Devagar."})
    found = read(server, range(10), parallel=1)
    assert all(isinstance(answer, RateLimited) for answer in found.values())
    assert sum(server.count(key(number)) for number in range(10)) == 1


def test_refused_credentials_are_every_lines_answer_and_asked_for_once(server):
    server.routes["POST /auth/login"] = (401, {"message": "Senha incorreta."})
    found = read(server, range(5))
    assert all(isinstance(answer, CredentialsRefused) for answer in found.values())
    assert server.count("POST /auth/login") == 1


def call(number, start):
    return {
        "id": str(number),
        "circuito_id": 7,
        "conta": "100001",
        "sentido": "saida",
        "origem": "555433334444",
        "destino": "551133334444",
        "inicio": f"{start - timedelta(hours=3):%Y-%m-%d %H:%M:%S}",
        "tempo_total": 70,
        "tempo_real": 60,
        "situacao": "atendida",
    }


@pytest.fixture
def calls(server):
    """The line's calls, listed as the platform does: oldest first, page by page."""
    held = {}

    def listing(handler):
        query = {k: v[0] for k, v in parse_qs(urlsplit(handler.path).query).items()}
        assert query["circuito_id"] == "7"
        fits = sorted(
            (
                record
                for record in held.values()
                if query["inicio"] <= record["inicio"] < query["fim"]
            ),
            key=lambda record: record["inicio"],
        )
        begins = int(query.get("cursor", 0))
        more = begins + 4 < len(fits)
        handler.answer(
            200,
            {
                "data": fits[begins : begins + 4],
                "proximo": str(begins + 4) if more else None,
            },
        )

    server.routes["GET /ligacoes"] = listing
    return lambda *days: held.update(
        (number, call(number, NOW - timedelta(days=day)))
        for number, day in enumerate(days, len(held) + 1)
    )


def last(server, count=5, seconds=5):
    with make_client(server.url) as client:
        return read_last_calls(client, 7, now=NOW, count=count, seconds=seconds)


def test_the_last_calls_come_newest_first_and_no_further_back_than_needed(
    server, calls
):
    calls(*(0.1 * number for number in range(1, 10)), 3, 20)
    found = last(server)
    assert [c.remote_id for c in found.calls] == ["1", "2", "3", "4", "5"]
    assert found.error is None
    # One day, in pages of four.
    assert server.count("GET /ligacoes") == 3


def test_calls_of_thirty_days_are_looked_for_where_a_line_seldom_calls(server, calls):
    calls(20, 0.5, 29, 3, 31)
    found = last(server)
    assert [c.remote_id for c in found.calls] == ["2", "4", "1", "3"]
    assert server.count("GET /ligacoes") == 3


def test_what_was_found_before_the_trouble_is_kept_with_the_reason(server, calls):
    calls(0.5)
    listing = server.routes["GET /ligacoes"]
    answered = []

    def once(handler):
        if answered:
            time.sleep(1.5)
        answered.append(True)
        listing(handler)

    server.routes["GET /ligacoes"] = once
    began = time.monotonic()
    found = last(server, seconds=0.5)
    assert time.monotonic() - began < 1.4
    assert [c.remote_id for c in found.calls] == ["1"]
    assert isinstance(found.error, Unreachable)


def test_records_that_cannot_be_read_are_counted(server, calls):
    server.routes["GET /ligacoes"] = (200, {"data": [{"id": "x"}], "proximo": None})
    found = last(server)
    assert found.calls == ()
    assert found.unreadable == 3
    assert found.error is None
