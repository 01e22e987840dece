"""A push where the platform is not what it should be."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from gateway import (
    Conflict,
    DidTerms,
    LineStatus,
    NotUnderstood,
    RequestRefused,
    WantedLine,
    begin_push,
    finish_push,
)
from gateway_lines import make_settings
from gateway_server import make_client

SETTINGS = make_settings("mine", credit_limit=Decimal(0))
WANTED = WantedLine(SETTINGS, LineStatus.ACTIVE, (), None, None, False)
FINAL = replace(WANTED, status=LineStatus.INACTIVE, final=True)


def circuit(number, reference="mine", **more):
    return {
        "id": number, "conta": "100001", "status": "ativo", "referencia": reference,
        "nome": "A", "plano_id": 1, "tipo": "pos_pago", "plano_tipo": "stfc",
        "dids": [], **more,
    }  # fmt: skip


def listing(*lines):
    return {"data": list(lines), "meta": {"current_page": 1, "last_page": 1}}


def push(server, wanted):
    with make_client(server.url) as client:
        return finish_push(client, begin_push(client, wanted))


def asked(server):
    return [key for key, *_rest in server.requests if "/auth/" not in key]


def test_a_line_of_another_reference_is_never_taken_for_ours(server):
    server.routes["POST /circuitos"] = (409, {"message": "conta em uso", "id": 7})
    server.routes["GET /circuitos/7"] = (200, circuit(7, "theirs"))
    outcome = push(server, WANTED)
    assert isinstance(outcome.error, Conflict) and outcome.remote_id is None
    assert asked(server) == ["POST /circuitos", "GET /circuitos/7"]


def test_a_conflict_that_gives_no_id_is_looked_up(server):
    server.routes["POST /circuitos"] = (409, {"message": "já existe"})
    server.routes["GET /circuitos"] = (
        200,
        listing(circuit(6, "theirs"), circuit(7), circuit(8, "others")),
    )
    server.routes["PUT /circuitos/7"] = (200, circuit(7))
    outcome = push(server, WANTED)
    assert outcome.error is None and outcome.remote_id == 7


def test_a_platform_that_ignores_the_filter_gets_no_other_line_cancelled(server):
    server.routes["GET /circuitos"] = (200, listing(circuit(6, "theirs")))
    outcome = push(server, FINAL)
    assert outcome.error is None and outcome.remote_id is None
    assert asked(server) == ["GET /circuitos"]


def test_a_cancelled_line_that_may_be_among_the_unreadable_is_not_done(server):
    server.routes["GET /circuitos"] = (200, listing(circuit(7, status="?")))
    assert isinstance(push(server, FINAL).error, NotUnderstood)


def test_closing_does_not_wait_for_settings_that_are_refused(server):
    server.routes["GET /circuitos/7"] = (200, circuit(7))
    closed = circuit(7, status="bloqueado")
    server.routes["PUT /circuitos/7/status"] = (200, closed)
    server.routes["PUT /circuitos/7"] = (422, {"message": "nome longo"})
    outcome = push(server, replace(WANTED, remote_id=7, status=LineStatus.BLOCKED))
    assert isinstance(outcome.error, RequestRefused)
    assert outcome.status is LineStatus.BLOCKED
    assert asked(server)[1:] == ["PUT /circuitos/7/status", "PUT /circuitos/7"]


def test_a_new_line_is_not_set_twice(server):
    server.routes["POST /circuitos"] = (201, circuit(7))
    assert push(server, WANTED).error is None
    assert asked(server) == ["POST /circuitos"]
    sent = json.loads(server.requests[-1][2])
    assert sent["limite_credito"] == "0" and "senha" not in sent


def test_a_cancelled_line_that_goes_away_meanwhile_is_done(server):
    server.routes["GET /circuitos/7"] = (200, circuit(7))
    server.routes["PUT /circuitos/7/status"] = (404, {"message": "sumiu"})
    outcome = push(server, replace(FINAL, remote_id=7))
    assert outcome.error is None and outcome.remote_id is None


def test_a_number_whose_terms_cannot_be_read_is_freed_all_the_same(server):
    number = {"numero": "551133334444", "status": "??", "valor": "caro"}
    server.routes["GET /circuitos/7"] = (200, circuit(7, dids=[number, 5]))
    path = "/circuitos/7/dids/551133334444"
    server.routes[f"DELETE {path}"] = (204, b"")
    server.routes["PUT /circuitos/7/status"] = (200, circuit(7, status="inativo"))
    # Still listed by us: a cancelled line keeps none.
    terms = DidTerms("551133334444", Decimal(1), False)
    outcome = push(server, replace(FINAL, remote_id=7, dids=(terms,)))
    assert outcome.error is None and outcome.dids == ()
    assert asked(server)[-1] == f"DELETE {path}"


def test_a_cancelled_line_frees_what_it_had_where_the_platform_does_not_tell(server):
    silent = {k: v for k, v in circuit(7, status="inativo").items() if k != "dids"}
    server.routes["GET /circuitos/7"] = (200, silent)
    numbers = ("551133334444", "551133334445")
    for number in numbers:
        server.routes[f"DELETE /circuitos/7/dids/{number}"] = (204, b"")
    terms = DidTerms(numbers[0], Decimal(1), False)
    wanted = replace(FINAL, remote_id=7, dids=(terms,), released=numbers[1:])
    assert push(server, wanted).error is None
    assert sorted(asked(server)[1:]) == [
        f"DELETE /circuitos/7/dids/{n}" for n in numbers
    ]


def test_a_number_that_is_no_number_leads_nowhere_else(server):
    bad = {"numero": "../../x", "status": "em_uso"}
    server.routes["GET /circuitos/7"] = (200, circuit(7, dids=[bad]))
    outcome = push(server, replace(WANTED, remote_id=7))
    assert isinstance(outcome.error, RequestRefused)
    assert asked(server) == ["GET /circuitos/7"]


def test_a_refused_number_does_not_keep_the_others_away(server):
    terms = tuple(DidTerms(f"55113333444{n}", Decimal(1), False) for n in range(3))
    server.routes["POST /circuitos"] = (201, circuit(7))
    for one in terms:
        server.routes[f"PUT /circuitos/7/dids/{one.number}"] = (
            200,
            {"numero": one.number, "status": "em_uso", "valor": 1, "a_cobrar": False},
        )
    first = f"PUT /circuitos/7/dids/{terms[0].number}"
    server.routes[first] = (409, {"message": "de outro"})
    outcome = push(server, replace(WANTED, dids=terms))
    assert isinstance(outcome.error, Conflict)
    assert outcome.conflicting_number == terms[0].number
    assert [did.number for did in outcome.dids] == [t.number for t in terms[1:]]


@pytest.mark.parametrize("answer", [(201, b"{}"), (201, b"<html>"), (204, b"")])
def test_a_creation_whose_answer_is_lost_is_found_the_next_time(server, answer):
    server.routes["POST /circuitos"] = answer
    assert isinstance(push(server, WANTED).error, NotUnderstood)
    server.routes["POST /circuitos"] = (409, {"message": "já existe", "id": 7})
    server.routes["GET /circuitos/7"] = (200, circuit(7))
    server.routes["PUT /circuitos/7"] = (200, circuit(7))
    assert push(server, WANTED).remote_id == 7
