"""What somebody does on the platform's own panel."""

import pytest
from sandbox.process import SandboxError, SandboxProcess
from sandbox_client import Api


def test_line_changed_on_the_panel_is_seen_by_the_client(
    api: Api, sandbox: SandboxProcess
) -> None:
    line = api.make_line(limite_credito="1.234,50", senha="segredo-forte")
    path = f"/circuitos/{line['id']}"
    before = sandbox.ledger()
    sandbox.change_line(line["id"], status="bloqueado", nome="Outro Nome", ldi=True)
    seen = api.get(path).json()
    assert (seen["status"], seen["nome"], seen["ldi"]) == (
        "bloqueado",
        "Outro Nome",
        True,
    )
    # Nothing else changed, and no client did it.
    kept = set(line) - {"status", "nome", "ldi", "atualizado_em"}
    assert {name: seen[name] for name in kept} == {name: line[name] for name in kept}
    after = sandbox.ledger()
    assert after["history"] == before["history"]
    assert (
        after["circuitos"][0]["senha_sha256"] == before["circuitos"][0]["senha_sha256"]
    )
    assert seen["atualizado_em"].replace("T", " ") >= line["atualizado_em"].replace(
        "T", " "
    )


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"status": "suspenso"}, "status"),
        ({"plano_id": 0}, "plano_id"),
        ({"tipo": "fiado"}, "tipo"),
        ({"stauts": "ativo"}, "stauts"),
    ],
)
def test_wrong_change_on_the_panel_changes_nothing(
    api: Api, sandbox: SandboxProcess, changes: dict[str, object], wrong: str
) -> None:
    line = api.make_line()
    with pytest.raises(SandboxError, match=f'422 .*"{wrong}"'):
        sandbox.change_line(line["id"], **({"nome": "Outro"} | changes))
    assert api.get(f"/circuitos/{line['id']}").json() == line
    with pytest.raises(SandboxError, match="404"):
        sandbox.change_line(77, status="ativo")


def test_registration_and_balance_as_ordered(api: Api, sandbox: SandboxProcess) -> None:
    line = api.make_line()
    path = f"/circuitos/{line['id']}/registro"
    made_up = api.get(path).json()
    ordered = {"online": True, "ip": "203.0.113.9", "latencia_ms": 31}
    sandbox.set_registration(line["id"], **ordered, saldo="1.234,56")
    assert api.get(path).json() == ordered | {"saldo": "1.234,56"}
    sandbox.set_registration(line["id"], online=False)
    assert api.get(path).json() == made_up | {
        "online": False,
        "ip": None,
        "latencia_ms": None,
    }
    # Registered somewhere, though the test does not say where.
    sandbox.set_registration(line["id"], online=True)
    assert api.get(path).json()["ip"].startswith("100.64.")
    sandbox.set_registration(line["id"], saldo=-1.5)
    assert api.get(path).json() == made_up | {"saldo": -1.5}
    sandbox.set_registration(line["id"])
    assert api.get(path).json() == made_up


@pytest.mark.parametrize(
    ("member", "value"),
    [("online", "sim"), ("latencia_ms", -1), ("saldo", "muito"), ("sado", 1)],
)
def test_wrong_registration_is_refused(
    api: Api, sandbox: SandboxProcess, member: str, value: object
) -> None:
    line = api.make_line()
    with pytest.raises(SandboxError, match=f'422 .*"{member}"'):
        sandbox.set_registration(line["id"], **{member: value})


def test_plan_and_group_appear_change_and_vanish(
    api: Api, sandbox: SandboxProcess
) -> None:
    for put, remove, path in (
        (sandbox.put_plan, sandbox.remove_plan, "/planos"),
        (sandbox.put_group, sandbox.remove_group, "/grupos"),
    ):
        before = api.get(path).json()["data"]
        put(9000, "Novo")
        put(9001, "Outro")
        put(9000, "Novo nome")
        names = {row["id"]: row["nome"] for row in api.get(path).json()["data"]}
        assert (names[9000], names[9001]) == ("Novo nome", "Outro")
        assert [remove(9000), remove(9001), remove(9000)] == [True, True, False]
        assert api.get(path).json()["data"] == before


def test_withdrawn_plan_stays_on_its_lines(api: Api, sandbox: SandboxProcess) -> None:
    sandbox.put_plan(9000, "Passageiro", ativo=True)
    line = api.make_line(plano_id=9000)
    sandbox.put_plan(9000, "Passageiro", ativo=False)
    answer = api.post("/circuitos", api.line("linha-2", plano_id=9000))
    assert answer.status_code == 422
    sandbox.remove_plan(9000)
    assert api.get(f"/circuitos/{line['id']}").json()["plano_id"] == 9000


def test_number_appears_changes_hands_and_vanishes(
    api: Api, sandbox: SandboxProcess
) -> None:
    one, two = api.make_lines(2)
    numero = "555435550000"
    sandbox.put_did(numero, cidade="Caxias do Sul", uf="RS")
    free = api.get("/dids", status="disponivel", ddd="54", per_page=500).json()["data"]
    assert numero in {did["numero"] for did in free}
    for line in (one, two):
        sandbox.put_did(numero, circuito_id=line["id"], valor=5, a_cobrar=False)
    held = [
        {did["numero"] for did in api.get(f"/circuitos/{line['id']}").json()["dids"]}
        for line in (one, two)
    ]
    assert numero not in held[0] and numero in held[1]
    assert sandbox.remove_did(numero)
    assert not sandbox.remove_did(numero)
    dids = api.get(f"/circuitos/{two['id']}").json()["dids"]
    assert numero not in {did["numero"] for did in dids}
    with pytest.raises(SandboxError, match="404"):
        sandbox.put_did(numero, circuito_id=77)


def test_line_vanishes_and_its_numbers_are_free(
    api: Api, sandbox: SandboxProcess
) -> None:
    line = api.make_line()
    sandbox.put_did("555433330000", circuito_id=line["id"], valor="5")
    assert sandbox.remove_line(line["id"])
    assert api.get(f"/circuitos/{line['id']}").status_code == 404
    (did,) = (
        did for did in sandbox.ledger()["dids"] if did["numero"] == "555433330000"
    )
    assert did["status"] == "disponivel"


def test_many_lines_are_made_after_others_have_vanished(
    api: Api, sandbox: SandboxProcess
) -> None:
    first = sandbox.make_lines(3)
    assert sandbox.remove_line(first[0]["id"])
    assert sandbox.remove_line(first[2]["id"])
    for line in sandbox.make_lines(2):
        (did,) = api.get(f"/circuitos/{line['id']}").json()["dids"]
        assert did["numero"] == line["numero"] != first[1]["numero"]
