"""Pages are read to their end, whatever stands in them."""

import itertools
import json
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from gateway import CursorExpired, NotUnderstood, Patience, Plan, Reject
from gateway_server import make_client

WINDOW = (datetime(2026, 10, 1, 3), datetime(2026, 11, 1, 3))
CALL = {
    "id": "1",
    "conta": "100001",
    "sentido": "saida",
    "origem": "555433334444",
    "destino": "551133334444",
    "inicio": "2026-10-05 10:00:00",
    "tempo_total": 70,
    "tempo_real": 60,
    "situacao": "atendida",
}


def page(data, number=1, last=1):
    meta = {"current_page": number, "last_page": last, "per_page": 2, "total": 9}
    return {"data": data, "meta": meta}


def plan(number):
    return {"id": number, "nome": f"Plano {number}", "tipo": "nacional"}


def test_a_bad_element_does_not_take_its_page_with_it(server):
    bad = [5, None, {"id": 2}, {"id": "x", "nome": "A", "tipo": "nacional"}]
    bad += [{"id": 3, "nome": "B", "tipo": "lunar"}]
    server.routes["GET /planos"] = (200, page([plan(1), *bad, plan(4)]))
    with make_client(server.url) as client:
        records = list(client.iter_plans())
    assert [r.remote_id for r in records if isinstance(r, Plan)] == [1, 4]
    rejects = [r for r in records if isinstance(r, Reject)]
    assert len(rejects) == 5
    assert all(reject.reason for reject in rejects)
    assert "tipo" in rejects[-1].reason and "lunar" in rejects[-1].reason


def test_what_moves_to_the_next_page_while_we_read_comes_once(server):
    answers = iter([page([plan(1), plan(2)], 1, 2), page([plan(2), plan(3)], 2, 2)])
    server.routes["GET /planos"] = lambda h: h.answer(200, next(answers))
    with make_client(server.url) as client:
        assert [p.remote_id for p in client.iter_plans()] == [1, 2, 3]


def test_whoever_has_patience_gets_a_page_that_fails_at_first(server):
    first, second = page([LINE], 1, 2), page([{**LINE, "id": 2}], 2, 2)
    server.answers(
        "GET /circuitos",
        (200, first),
        (500, b"<html>"),
        # As a cache on the way gives it.
        (200, first),
        (429, {"message": "devagar"}),
        (200, second),
    )
    with make_client(server.url) as client:
        patience = Patience((0.0, 0.0, 0.0))
        lines = list(client.iter_lines(patience=patience))
        assert [line.remote_id for line in lines] == [1, 2]


LINE = {
    "id": 1, "conta": "100001", "status": "ativo", "referencia": "r", "nome": "A",
    "plano_id": 1, "tipo": "pos_pago", "plano_tipo": "stfc", "valor_novo": {"x": [1]},
}  # fmt: skip
DID = {"numero": "551133334444", "status": "em_uso", "valor": "9,90", "novo": 1}
GROUP = {"id": 1, "nome": "Casa", "cor": "azul"}


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("grupos", GROUP, {"nome": None}),
        ("grupos", GROUP, {"nome": "a\x00b"}),
        ("grupos", GROUP, {"id": 2**31}),
        ("grupos", GROUP, {"id": -1}),
        ("dids", DID, {"status": "perdido"}),
        ("dids", DID, {"valor": "caro"}),
        ("dids", DID, {"numero": ""}),
        ("dids", DID, {"cidade": "\ud800"}),
        ("circuitos", LINE, {"status": "suspenso"}),
        ("circuitos", LINE, {"conta": 100001}),
        ("circuitos", LINE, {"limite_credito": float("nan")}),
        ("circuitos", LINE, {"atualizado_em": "ontem"}),
        ("circuitos", LINE, {"dids": {}}),
        ("circuitos", LINE, {"plano_descricao": "\x00"}),
        ("circuitos", LINE, {"plano_id": 2**31}),
        ("circuitos", LINE, {"grupo_id": 2**63}),
        ("circuitos", LINE, {"dia_fechamento": -1}),
        ("circuitos", LINE, {"limite_simultaneas": 10**12}),
        ("circuitos", LINE, {"referencia": "r" * 3000}),
        ("circuitos", LINE, {"documento": "\x00"}),
    ],
)
def test_every_listing_tells_its_bad_elements_and_goes_on(server, path, good, bad):
    last = {**good, "id": 9, "numero": "551133339999"}
    elements = [good, {**good, **bad}, 5, None, [], "x", last]
    server.routes[f"GET /{path}"] = (200, page(elements))
    with make_client(server.url) as client:
        listing = {
            "grupos": client.iter_groups,
            "dids": client.iter_dids,
            "circuitos": client.iter_lines,
        }[path]
        records = list(listing())
    rejects = [record for record in records if isinstance(record, Reject)]
    assert [r.raw for r in rejects[1:]] == ["5", "null", "[]", '"x"']
    assert next(iter(bad)) in rejects[0].reason
    assert len(records) - len(rejects) == 2


@pytest.mark.parametrize(
    "trouble",
    [b"NaN", b"-Infinity", b'"\\ud800"', b'"\xff"', b'"a\x01b"', b"1" * 5000,
     b'{"a": [NaN, 1, {"b": "]"}]}'],
)  # fmt: skip
def test_a_record_that_is_not_quite_json_does_not_take_its_page_with_it(
    server, trouble
):
    good = json.dumps(CALL).encode()
    bad = json.dumps({**CALL, "id": "2", "cidade_destino": "?"}).encode()
    bad = bad.replace(b'"?"', trouble)
    later = json.dumps({**CALL, "id": "3", "cidade_destino": "]}, \u00e9 \\"}).encode()
    body = b' { "x": [1, "]"], "data" : [ %s , %s,%s ] , "proximo" : "c" } '
    answers = [body % (good, bad, later), b'{"data":[],"proximo":null}']
    server.routes["GET /ligacoes"] = lambda h: h.answer(200, answers.pop(0))
    with make_client(server.url) as client:
        first, _last = client.iter_call_pages(*WINDOW)
    assert [call.remote_id for call in first.calls] == ["1", "3"]
    assert first.calls[1].city == "]}, é \\"
    assert first.cursor == "c"
    (reject,) = first.rejects
    assert reject.remote_id == "2"
    assert "cidade_destino" in reject.reason


@pytest.mark.parametrize(
    "body",
    [b'{"data": [NaN', b'{"data": [NaN}', b'{"data": [NaN]}', b'{"data": NaN}', b"NaN",
     b'{"data": [NaN], "proximo": NaN}', b'{"data": [NaN], "proximo": 5}',
     b'{"data": [NaN], "proximo": "\\ud800"}', b'{"data": [NaN] "proximo": null}',
     b'{"x": {"data": [NaN]}, "proximo": null}', b"[" * 100_000,
     b'{"data": ' + b"[" * 100_000, b'{"data": [], "proximo": ""}',
     b'{"data": [], "proximo": "\\u0000"}', b'{"data": []}'],
)  # fmt: skip
def test_a_page_of_calls_that_is_none_is_not_understood(server, body):
    server.routes["GET /ligacoes"] = (200, body)
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        list(client.iter_call_pages(*WINDOW))


def test_pages_without_end_are_an_error(server):
    def another(handler):
        number = int(handler.path.split("page=")[1].split("&")[0])
        handler.answer(200, page([plan(1)], number, number + 1))

    server.routes["GET /planos"] = another
    with make_client(server.url) as client:
        with pytest.raises(NotUnderstood, match="nothing new"):
            list(client.iter_plans())
    assert server.count("GET /planos") < 100


def test_the_same_page_for_ever_is_an_error(server):
    server.routes["GET /planos"] = (200, page([plan(1)], 1, 99))
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        list(client.iter_plans())


def test_a_cursor_that_leads_nowhere_is_an_error(server):
    server.routes["GET /ligacoes"] = (200, {"data": [CALL], "proximo": "again"})
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        list(client.iter_call_pages(*WINDOW))


def test_cursors_that_go_round_are_an_error(server):
    following = {None: "a", "a": "b", "b": "c", "c": "a"}

    def go_round(handler):
        cursor = parse_qs(urlsplit(handler.path).query).get("cursor", [None])[0]
        handler.answer(
            200, {"data": [{**CALL, "id": f"{cursor}"}], "proximo": following[cursor]}
        )

    server.routes["GET /ligacoes"] = go_round
    with make_client(server.url) as client, pytest.raises(NotUnderstood, match="again"):
        list(client.iter_call_pages(*WINDOW))
    assert server.count("GET /ligacoes") < 10


@pytest.mark.parametrize("data", [[], [CALL], [{**CALL, "inicio": "?"}]])
def test_new_cursors_for_ever_to_nothing_new_are_an_error(server, data):
    numbers = itertools.count()
    server.routes["GET /ligacoes"] = lambda h: h.answer(
        200, {"data": data, "proximo": f"c{next(numbers)}"}
    )
    with make_client(server.url) as client:
        with pytest.raises(NotUnderstood, match="nothing new"):
            list(client.iter_call_pages(*WINDOW))
    assert server.count("GET /ligacoes") < 100


def test_a_page_that_repeats_what_the_one_before_held_is_read_like_any_other(server):
    other = {**CALL, "id": "2"}
    pages = [
        {"data": [CALL, other], "proximo": "a"},
        {"data": [CALL, other], "proximo": "b"},
        {"data": [], "proximo": "c"},
        {"data": [other, {**CALL, "id": "3"}], "proximo": None},
    ]
    server.routes["GET /ligacoes"] = lambda h: h.answer(200, pages.pop(0))
    with make_client(server.url) as client:
        read = [p.calls for p in client.iter_call_pages(*WINDOW)]
    assert [[call.remote_id for call in calls] for calls in read] == [
        ["1", "2"], ["1", "2"], [], ["2", "3"],
    ]  # fmt: skip
    # What came again is known again.
    assert read[0] == read[1]


def test_an_expired_cursor_is_told_and_the_window_can_be_read_again(sandbox, client):
    calls = [{**CALL, "id": str(number)} for number in range(5)]
    sandbox.add_calls(calls)
    pages = client.iter_call_pages(*WINDOW, limit=2)
    cursor = next(pages).cursor
    sandbox.expire_cursors()
    with pytest.raises(CursorExpired):
        next(pages)
    with pytest.raises(CursorExpired):
        list(client.iter_call_pages(*WINDOW, cursor=cursor))
    again = list(client.iter_call_pages(*WINDOW, limit=2))
    assert {call.remote_id for p in again for call in p.calls} == set("01234")


def test_calls_and_rejects_stand_side_by_side(server):
    data = [CALL, {**CALL, "id": "2", "tempo_real": "um minuto"}, "noise"]
    data += [{**CALL, "id": "3", "extra": {"unknown": [1]}}]
    server.routes["GET /ligacoes"] = (200, {"data": data, "proximo": None})
    with make_client(server.url) as client:
        (only,) = client.iter_call_pages(*WINDOW)
    assert [call.remote_id for call in only.calls] == ["1", "3"]
    assert [reject.remote_id for reject in only.rejects] == ["2", None]
    assert "tempo_real" in only.rejects[0].reason
    assert only.calls[0].start == datetime(2026, 10, 5, 13)


def test_a_month_is_read_whole_and_resumed_at_a_cursor(sandbox, client):
    plan_id = next(iter(client.iter_plans())).remote_id
    for number in range(3):
        client._send(
            "POST",
            "/circuitos",
            body={
                "referencia": f"r{number}",
                "nome": "A",
                "plano_id": plan_id,
                "tipo": "pos_pago",
                "plano_tipo": "stfc",
            },
        )
    sandbox.generate_calls("2026-10", calls_per_line=100, malformed=3, late_share=0)
    pages = list(client.iter_call_pages(*WINDOW, limit=50))
    ids = [call.remote_id for p in pages for call in p.calls]
    records = sandbox.ledger(calls=True)["records"]
    assert len(set(ids)) + 3 == len(records)
    rest = list(client.iter_call_pages(*WINDOW, cursor=pages[2].cursor, limit=50))
    # A cursor may be spelled anew each time; the calls are the same.
    assert [p.calls for p in rest] == [p.calls for p in pages[3:]]
