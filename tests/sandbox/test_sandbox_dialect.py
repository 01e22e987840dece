"""The same said in other words, or something wrong."""

import pytest
from sandbox.process import SandboxError, SandboxProcess
from sandbox_client import Api


def test_answers_and_requests_are_in_the_words_of_the_dialect(
    api: Api, sandbox: SandboxProcess
) -> None:
    line = api.make_line()
    sandbox.speak(
        rename={"nome": "cliente", "conta": "account"},
        words={"ativo": "ON"},
        moment="%d/%m/%Y %H:%M:%S",
    )
    (found,) = api.get("/circuitos", account=line["conta"]).json()["data"]
    assert (found["cliente"], found["status"]) == (line["nome"], "ON")
    assert "nome" not in found
    written = api.get("/circuitos", atualizado_desde=found["atualizado_em"], per_page=1)
    assert written.json()["data"] == [found]
    body = {"referencia": "outra", "cliente": "Ana", "plano_id": line["plano_id"]}
    made = api.post("/circuitos", body | {"tipo": "pos_pago", "plano_tipo": "stfc"})
    assert made.json()["cliente"] == "Ana"
    status = f"/circuitos/{made.json()['id']}/status"
    assert api.put(status, {"status": "ON"}).json()["status"] == "ON"


def test_a_record_can_lack_have_or_write_what_it_should_not(
    api: Api, sandbox: SandboxProcess
) -> None:
    sandbox.speak(
        drop=["tipo"], add={"cor": "azul"}, as_text=["id"], content_type="text/plain"
    )
    answer = api.get("/planos")
    assert answer.headers["Content-Type"].startswith("text/plain")
    for plan in answer.json()["data"]:
        assert plan.keys() <= {"id", "nome", "ativo", "cor"}
        assert isinstance(plan["id"], str) and plan["cor"] == "azul"


def test_pages_can_be_asked_for_by_offset(api: Api, sandbox: SandboxProcess) -> None:
    plans = api.get("/planos").json()["data"]
    sandbox.speak(paging="offset")
    page = api.get("/planos", offset=4, limit=2).json()
    assert page == {"data": plans[4:6], "total": len(plans)}


def test_parameters_can_be_ignored_and_the_order_turned(
    api: Api, sandbox: SandboxProcess
) -> None:
    plans = api.get("/planos").json()["data"]
    sandbox.speak(ignore=["per_page", "tipo"], newest_first=True)
    page = api.get("/planos", tipo="nacional", per_page=1).json()
    assert page["data"] == plans[::-1]


def test_a_dialect_outlives_a_crash_and_ends_on_demand(
    api: Api, sandbox: SandboxProcess
) -> None:
    sandbox.speak(rename={"nome": "name"})
    sandbox.kill()
    sandbox.restart()
    assert "name" in api.get("/grupos").json()["data"][0]
    sandbox.speak()
    assert "nome" in api.get("/grupos").json()["data"][0]


@pytest.mark.parametrize(
    "wrong", [{"renames": {}}, {"rename": []}, {"paging": "cursor"}, {"ignore": "x"}]
)
def test_a_dialect_that_is_not_understood_is_refused(
    sandbox: SandboxProcess, wrong: dict
) -> None:
    with pytest.raises(SandboxError, match=next(iter(wrong))):
        sandbox.speak(**wrong)
