"""The sandbox against ``docs/saperx_v2.openapi.yaml``, by tools that read OpenAPI.

What the contract says in words is written into a copy of its schema first, so that
the tools hold the sandbox to the words too:

- every path but the two of ``/auth`` needs a token, so 401 can be answered there;
- a wrong query parameter of a paged list is refused as on any other path, with
  ``{message, errors}`` and 422;
- the forms of money, durations and timestamps, and which plans and groups exist.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, settings
from openapi_spec_validator import validate
from sandbox import seed, store
from sandbox.fields import LARGEST_INTEGER
from sandbox.process import running
from sandbox_client import CONTRACT, MONTH, Api, credentials
from schemathesis.specs.openapi.checks import positive_data_acceptance

METHODS = {"get", "post", "put", "delete"}
ERROR = {"$ref": "#/components/responses/Error"}
LINE_IDS = [1, 2, 3, 4, 5]
#: Days after the 28th would need a calendar, which a pattern is not.
TIMESTAMP = (
    "^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    "[ T](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
)
MONEY = (
    r"^([0-9]{1,10}(\.[0-9]{1,4})?"
    r"|([0-9](\.[0-9]{3}){3}|[0-9]{1,3}(\.[0-9]{3}){0,2}),[0-9]{2,4})$"
)
DURATION = "^[0-9]{2,3}:[0-5][0-9]:[0-5][0-9]$"

#: Refusals of requests that are right by the schema: what a schema cannot say.
BEYOND_SCHEMA = {
    "já está em uso",
    "não é um número brasileiro válido",
    "deve ser posterior a inicio",
    "inválido",
    "não pode ser vazia",
    "não pode ser vazio",
}

Case = schemathesis.Case


def contract() -> dict[str, Any]:
    return yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def worded_contract() -> dict[str, Any]:
    document = contract()
    for _method, _path, operation in operations(document):
        parameters = operation.get("parameters", [])
        if operation.get("security") != []:
            operation["responses"].setdefault("401", ERROR)
        if {"$ref": "#/components/parameters/page"} in parameters:
            operation["responses"].setdefault("422", ERROR)
        for parameter in parameters:
            if parameter.get("name") in ("inicio", "fim", "atualizado_desde"):
                parameter["schema"]["pattern"] = TIMESTAMP
    document["components"]["parameters"]["id"]["schema"]["minimum"] = 1
    schemas = document["components"]["schemas"]
    schemas["Dinheiro"]["oneOf"] = [
        {"type": "number", "minimum": 0, "maximum": 9_999_999_999},
        {"type": "string", "pattern": MONEY},
    ]
    line = schemas["CircuitoEscrita"]["properties"]
    line |= {name: line[name] | {"enum": held} for name, held in known_ids().items()}
    line["documento"]["pattern"] = "^([0-9]{11}|[0-9]{14})$"
    # What a platform's database holds of a whole number.
    line["limite_simultaneas"]["maximum"] = LARGEST_INTEGER
    call = schemas["Ligacao"]["properties"]
    call["inicio"]["pattern"] = TIMESTAMP.replace("2[0-8]", "2[0-9]|3[01]")
    for form in schemas["Duracao"]["oneOf"]:
        if form["type"] == "string":
            form["pattern"] = DURATION
    return document


def known_ids() -> dict[str, list[int | None]]:
    """What the platform holds on its first day, without asking it over HTTP."""
    db = sqlite3.connect(":memory:")
    store.create_tables(db)
    seed.fill(db, 1)

    def ids(select: str) -> list[int]:
        return [row[0] for row in db.execute(select)]

    plans = "SELECT id FROM plans WHERE ativo AND tipo = "
    return {
        "plano_id": [*ids(plans + "'nacional'")],
        "plano_internacional_id": [*ids(plans + "'internacional'"), None],
        "grupo_id": [*ids("SELECT id FROM groups"), None],
    }


#: The token is sent with every request, so requests that are wrong for want of one
#: are not made; the tool's own check of a missing token is made all the same.
CONFIG = schemathesis.Config.from_dict(
    {"seed": 1, "generation": {"with-security-parameters": False}}
)
SCHEMA = schemathesis.openapi.from_dict(worded_contract(), config=CONFIG)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A platform that has lines, numbers and calls to answer with."""
    with running(tmp_path_factory.mktemp("contract"), seed=1) as sandbox:
        api = Api(sandbox).login()
        lines = api.make_lines(len(LINE_IDS))
        assert [line["id"] for line in lines] == LINE_IDS
        sandbox.generate_calls("2026-10", calls_per_line=200, late_share=0)
        yield api


def test_contract_is_valid_openapi() -> None:
    validate(contract())


@SCHEMA.parametrize()
@settings(
    max_examples=25,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_follow_the_contract(case: Case, platform: Api) -> None:
    """Right and wrong requests of every operation, answered as documented."""
    response = case.call(
        base_url=platform.sandbox.url, headers=dict(platform.session.headers)
    )
    beyond = response.status_code == 422 and beyond_schema(response.json())
    case.validate_response(
        response, excluded_checks=[positive_data_acceptance] if beyond else []
    )


def beyond_schema(error: dict[str, Any]) -> bool:
    messages = {text for texts in error.get("errors", {}).values() for text in texts}
    return bool(messages) and messages <= BEYOND_SCHEMA


def test_every_documented_answer_is_given(
    platform: Api, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each operation's each status, its body checked against the schema."""
    given: set[tuple[str, str, int]] = set()

    def ask(
        status: int, method: str, template: str, api: Api = platform, **request: Any
    ) -> Any:
        path = template.format(**request.pop("path", {}))
        response = api.request(method.upper(), path, **request)
        assert response.status_code == status, response.text
        SCHEMA[template][method].validate_response(response)
        given.add((method, template, status))
        return response.json() if response.content else None

    line = {"id": LINE_IDS[0]}
    nobody = {"id": 99}
    free, taken = platform.free_numbers(1)[0], None
    for did in ask(200, "get", "/dids", params={"status": "em_uso"})["data"]:
        if did["circuito_id"] != line["id"]:
            taken = did["numero"]
    stranger = Api(platform.sandbox)
    terms = {"valor": "1.000,50", "a_cobrar": False}
    body = platform.line("contrato")

    tokens = ask(200, "post", "/auth/login", stranger, json=credentials())
    ask(401, "post", "/auth/login", stranger, json=credentials(senha="x"))
    refresh = {"refresh_token": tokens["refresh_token"]}
    ask(200, "post", "/auth/refresh", stranger, json=refresh)
    ask(401, "post", "/auth/refresh", stranger, json=refresh)
    for path in ("/planos", "/grupos", "/dids", "/circuitos", "/ligacoes"):
        ask(401, "get", path, stranger)
    for path in ("/planos", "/grupos", "/circuitos"):
        assert ask(200, "get", path)["data"]

    created = ask(201, "post", "/circuitos", json=body)
    assert ask(409, "post", "/circuitos", json=body)["id"] == created["id"]
    ask(422, "post", "/circuitos", json=body | {"tipo": "x"})
    ask(200, "get", "/circuitos/{id}", path=line)
    ask(404, "get", "/circuitos/{id}", path=nobody)
    ask(200, "put", "/circuitos/{id}", path={"id": created["id"]}, json=body)
    ask(404, "put", "/circuitos/{id}", path=nobody, json=body)
    ask(422, "put", "/circuitos/{id}", path=line, json={})
    status = "/circuitos/{id}/status"
    ask(200, "put", status, path=line, json={"status": "bloqueado"})
    ask(404, "put", status, path=nobody, json={"status": "bloqueado"})
    ask(422, "put", status, path=line, json={"status": "x"})
    ask(200, "get", "/circuitos/{id}/registro", path=line)
    ask(404, "get", "/circuitos/{id}/registro", path=nobody)

    number = "/circuitos/{id}/dids/{numero}"
    ask(200, "put", number, path=line | {"numero": free}, json=terms)
    ask(404, "put", number, path=nobody | {"numero": free}, json=terms)
    ask(409, "put", number, path=line | {"numero": taken}, json=terms)
    ask(422, "put", number, path=line | {"numero": free}, json={})
    ask(204, "delete", number, path=line | {"numero": free})
    ask(404, "delete", number, path=nobody | {"numero": free})

    page = ask(200, "get", "/ligacoes", params=MONTH | {"limite": 10})
    ask(200, "get", "/ligacoes", params=MONTH | {"limite": 5000})
    assert len(page["data"]) == 10
    ask(422, "get", "/ligacoes", params=MONTH | {"limite": 0})
    platform.sandbox.expire_cursors()
    cursor = {"cursor": page["proximo"]}
    ask(410, "get", "/ligacoes", params=MONTH | cursor)

    # One request a second: the second of two at once is too many.
    with running(tmp_path_factory.mktemp("limited"), rate_limit=1) as limited:
        hasty = Api(limited)
        for method, path in (
            ("post", "/auth/login"),
            ("post", "/circuitos"),
            ("get", "/ligacoes"),
        ):
            for _turn in range(100):
                response = hasty.request(method.upper(), path)
                if response.status_code == 429:
                    break
            SCHEMA[path][method].validate_response(response)
            given.add((method, path, response.status_code))

    documented = {
        (method, path, int(code))
        for method, path, operation in operations(contract())
        for code in operation["responses"]
    }
    assert given >= documented, documented - given
