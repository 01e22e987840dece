"""``/circuitos`` and the numbers on them."""

from typing import Any

import pytest
from sandbox.forms import parse_money
from sandbox.process import SandboxProcess
from sandbox_client import Api


def test_new_line_is_active_and_complete(api: Api) -> None:
    line = api.make_line(
        senha="segredo-forte", limite_credito="1.234,56", vc3=False, documento=None
    )
    assert line["status"] == "ativo"
    assert len(line["conta"]) == 6 and line["conta"].isdigit()
    assert line["plano_descricao"] == "Nacional Básico"
    assert parse_money(str(line["limite_credito"])) == 12_345_600
    assert (line["vc2"], line["vc3"]) == (True, False)
    assert line["dids"] == []
    assert "senha" not in line
    assert api.get(f"/circuitos/{line['id']}").json() == line


def test_repeated_create_gives_the_id_and_makes_nothing(
    api: Api, sandbox: SandboxProcess
) -> None:
    body = api.line("linha-1", conta="123456")
    first = api.post("/circuitos", body)
    again = api.post("/circuitos", body)
    assert again.status_code == 409
    assert again.json()["id"] == first.json()["id"]
    # Harmless also when the rest could not be made any more.
    gone = api.post("/circuitos", api.line("linha-1", plano_id=10**9))
    assert (gone.status_code, gone.json()["id"]) == (409, first.json()["id"])
    assert len(sandbox.ledger()["circuitos"]) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("referencia", None),
        ("referencia", " "),
        ("conta", "12345"),
        ("conta", "12345\n"),
        ("nome", 7),
        ("documento", "123.456.789-09"),
        ("senha", "curta"),
        ("senha", None),
        ("grupo_id", 10**9),
        ("plano_id", True),
        ("plano_id", 10**30),
        ("plano_internacional_id", 1.5),
        ("dia_fechamento", 32),
        ("tipo", "prepago"),
        ("plano_tipo", None),
        ("portabilidade", "sim"),
        ("bina", "true"),
        ("limite_simultaneas", 0),
        ("limite_credito", "muito"),
        ("limite_credito", -1),
        ("limite_credito", "1.23,4"),
    ],
)
def test_wrong_field_is_refused_by_name(api: Api, field: str, value: Any) -> None:
    answer = api.post("/circuitos", api.line(**{field: value}))
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {field}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"nome": NaN}', b"\xff"])
def test_body_that_is_no_json_object_is_refused(api: Api, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = api.request("POST", "/circuitos", data=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["message"]


def test_wrong_kind_of_plan_is_refused(api: Api) -> None:
    body = api.line(
        plano_id=api.plan_id("internacional"), plano_internacional_id=api.plan_id()
    )
    answer = api.post("/circuitos", body)
    assert set(answer.json()["errors"]) == {"plano_id", "plano_internacional_id"}


def test_inactive_plan_is_refused_to_new_lines(api: Api) -> None:
    plans = api.get("/planos", tipo="nacional").json()["data"]
    inactive = next(plan["id"] for plan in plans if plan.get("ativo") is False)
    answer = api.post("/circuitos", api.line(plano_id=inactive))
    assert set(answer.json()["errors"]) == {"plano_id"}


def test_change_keeps_what_it_leaves_out(api: Api, sandbox: SandboxProcess) -> None:
    line = api.make_line(senha="segredo-forte", ldi=True, dia_fechamento=10)
    path = f"/circuitos/{line['id']}"
    changed = api.put(path, api.line(nome="Outro Nome")).json()
    assert (changed["nome"], changed["ldi"]) == ("Outro Nome", True)
    assert (changed["dia_fechamento"], changed["conta"]) == (10, line["conta"])
    before = sandbox.ledger()["circuitos"][0]["senha_sha256"]
    api.put(path, api.line(senha="outro-segredo", grupo_id=None))
    after = sandbox.ledger()["circuitos"][0]["senha_sha256"]
    assert before and after and before != after


def test_keys_of_another_line_cannot_be_taken(api: Api) -> None:
    first = api.make_line("linha-1")
    second = api.make_line("linha-2")
    path = f"/circuitos/{second['id']}"
    answer = api.put(path, api.line("linha-1"))
    assert answer.status_code == 422 and set(answer.json()["errors"]) == {"referencia"}
    answer = api.put(path, api.line("linha-2", conta=first["conta"]))
    assert answer.status_code == 422 and set(answer.json()["errors"]) == {"conta"}


def test_lines_are_found_by_key_and_by_change(api: Api) -> None:
    first = api.make_line("linha-1")
    api.make_line("linha-2")

    def found(**query: Any) -> list[str]:
        answer = api.get("/circuitos", **query).json()
        return [line["referencia"] for line in answer["data"]]

    assert found(referencia="linha-2") == ["linha-2"]
    assert found(conta=first["conta"]) == ["linha-1"]
    assert found(referencia="linha") == []
    assert found(atualizado_desde="2000-01-01T00:00:00") == ["linha-1", "linha-2"]
    assert found(atualizado_desde="2999-01-01 00:00:00") == []
    assert api.get("/circuitos", atualizado_desde="ontem").status_code == 422


@pytest.mark.parametrize("line_id", ["999", "abc", "-1", "1.0", "9" * 30, "%C3%A9"])
def test_unknown_line_is_not_found(api: Api, line_id: str) -> None:
    path = f"/circuitos/{line_id}"
    terms = {"valor": 1, "a_cobrar": True}
    assert api.get(path).status_code == 404
    assert api.put(path, api.line()).status_code == 404
    assert api.put(f"{path}/status", {"status": "ativo"}).status_code == 404
    assert api.put(f"{path}/dids/555433334444", terms).status_code == 404
    assert api.delete(f"{path}/dids/555433334444").status_code == 404
    assert api.get(f"{path}/registro").status_code == 404


def test_status_leaves_the_numbers(api: Api) -> None:
    (line,) = api.make_lines(1)
    for status in ("bloqueado_parcial", "bloqueado", "inativo", "ativo"):
        answer = api.put(f"/circuitos/{line['id']}/status", {"status": status})
        assert answer.status_code == 200
        assert answer.json()["status"] == status
        assert len(answer.json()["dids"]) == 1
    answer = api.put(f"/circuitos/{line['id']}/status", {"status": "cancelado"})
    assert answer.status_code == 422


def test_number_is_given_changed_and_freed_repeatably(api: Api) -> None:
    line = api.make_line()
    (numero,) = api.free_numbers(1)
    path = f"/circuitos/{line['id']}/dids/{numero}"
    for valor, units in ((19.9, 199_000), ("1.019,90", 10_199_000), ("5.0", 50_000)):
        for _repeated in range(2):
            did = api.put(path, {"valor": valor, "a_cobrar": False}).json()
            assert did["status"] == "em_uso"
            assert did["circuito_id"] == line["id"]
            assert parse_money(str(did["valor"])) == units
    assert [d["numero"] for d in api.get("/dids", status="em_uso").json()["data"]] == [
        numero
    ]
    for _repeated in range(2):
        assert api.delete(path).status_code == 204
    assert api.get(f"/circuitos/{line['id']}").json()["dids"] == []
    assert numero in api.free_numbers(500)


def test_number_of_another_line_is_a_conflict(
    api: Api, sandbox: SandboxProcess
) -> None:
    first, second = api.make_line("linha-1"), api.make_line("linha-2")
    (numero,) = api.free_numbers(1)
    terms = {"valor": 0, "a_cobrar": False}
    assert api.put(f"/circuitos/{first['id']}/dids/{numero}", terms).ok
    path = f"/circuitos/{second['id']}/dids/{numero}"
    assert api.put(path, terms).status_code == 409
    assert api.delete(path).status_code == 404
    owners = [did["circuito_id"] for did in sandbox.ledger()["dids"]]
    assert [owner for owner in owners if owner] == [first["id"]]


def test_valid_unknown_number_is_ported_in_and_leaves_when_freed(
    api: Api, sandbox: SandboxProcess
) -> None:
    line = api.make_line(portabilidade="entrada")
    path = f"/circuitos/{line['id']}/dids/555432221100"
    did = api.put(path, {"valor": 0, "a_cobrar": False}).json()
    assert (did["portado"], did["cidade"], did["uf"]) == (True, "Caxias do Sul", "RS")
    for _repeated in range(2):
        assert api.delete(path).status_code == 204
    assert "555432221100" not in [did["numero"] for did in sandbox.ledger()["dids"]]


@pytest.mark.parametrize(
    "numero", ["5433334444", "552033334444", "5554833334444", "13055551234", "12"]
)
def test_unknown_number_that_is_not_brazilian_is_refused(api: Api, numero: str) -> None:
    line = api.make_line()
    path = f"/circuitos/{line['id']}/dids/{numero}"
    answer = api.put(path, {"valor": 0, "a_cobrar": False})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"numero"}


def test_number_needs_its_terms(api: Api) -> None:
    line = api.make_line()
    (numero,) = api.free_numbers(1)
    answer = api.put(f"/circuitos/{line['id']}/dids/{numero}", {"valor": "grátis"})
    assert set(answer.json()["errors"]) == {"valor", "a_cobrar"}


def test_registration_tells_balance_by_kind_of_line(
    api: Api, sandbox: SandboxProcess
) -> None:
    postpaid = api.make_line("pos")
    prepaid = api.make_line("pre", tipo="pre_pago", limite_credito=1000)
    sandbox.generate_calls("2026-10", calls_per_line=50, late_share=0)

    def saldo(line: dict[str, Any]) -> int:
        answer = api.get(f"/circuitos/{line['id']}/registro").json()
        return parse_money(str(answer["saldo"])) or 0

    used = {
        line["id"]: sum(
            parse_money(str(call.get("valor_cobrado"))) or 0
            for call in sandbox.ledger(calls=True)["records"]
            if call["conta"] == line["conta"]
        )
        for line in (postpaid, prepaid)
    }
    assert saldo(postpaid) == used[postpaid["id"]] > 0
    assert saldo(prepaid) == 10_000_000 - used[prepaid["id"]]
    api.put(f"/circuitos/{postpaid['id']}/status", {"status": "inativo"})
    answer = api.get(f"/circuitos/{postpaid['id']}/registro").json()
    assert (answer["online"], answer["ip"], answer["latencia_ms"]) == (
        False,
        None,
        None,
    )
