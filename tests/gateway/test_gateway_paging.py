"""Pages are read to their end, whatever stands in them."""

from datetime import datetime

import pytest
from gateway import CursorExpired, NotUnderstood, Plan, Reject
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


def test_the_same_page_for_ever_is_an_error(server):
    server.routes["GET /planos"] = (200, page([plan(1)], 1, 99))
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        list(client.iter_plans())


def test_a_cursor_that_leads_nowhere_is_an_error(server):
    server.routes["GET /ligacoes"] = (200, {"data": [CALL], "proximo": "again"})
    with make_client(server.url) as client, pytest.raises(NotUnderstood):
        list(client.iter_call_pages(*WINDOW))


def test_an_expired_cursor_is_told(sandbox, client):
    sandbox.fault("/ligacoes", "status", status=410, body={"message": "expirou"})
    with pytest.raises(CursorExpired):
        list(client.iter_call_pages(*WINDOW, cursor="old"))


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
