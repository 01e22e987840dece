"""Paged lists: ``/planos``, ``/grupos``, ``/dids``, and what the seed fills in."""

import re
from typing import Any

import pytest
from sandbox.process import SandboxProcess
from sandbox_client import Api


def all_pages(api: Api, path: str, **parameters: Any) -> list[dict[str, Any]]:
    records, page = [], 1
    while True:
        answer = api.get(path, page=page, **parameters).json()
        records += answer["data"]
        if page >= answer["meta"]["last_page"]:
            assert len(records) == answer["meta"]["total"]
            return records
        page += 1


def test_plans_are_filtered_by_kind(api: Api) -> None:
    national = all_pages(api, "/planos", tipo="nacional", per_page=5)
    abroad = all_pages(api, "/planos", tipo="internacional")
    assert {plan["tipo"] for plan in national} == {"nacional"}
    assert {plan["tipo"] for plan in abroad} == {"internacional"}
    everything = all_pages(api, "/planos")
    assert len(everything) == len(national) + len(abroad)
    # Left out means active; a plan that is not says so.
    assert any("ativo" not in plan for plan in everything)
    assert any(plan.get("ativo") is False for plan in everything)


def test_pages_hold_each_record_once(api: Api) -> None:
    by_seven = all_pages(api, "/dids", per_page=7)
    at_once = all_pages(api, "/dids", per_page=500)
    assert by_seven == at_once
    assert len({did["numero"] for did in at_once}) == len(at_once) > 500


def test_page_after_the_last_is_empty(api: Api) -> None:
    answer = api.get("/grupos", page=10**30).json()
    assert answer["data"] == []
    assert answer["meta"]["current_page"] == 10**30


@pytest.mark.parametrize(
    ("name", "value"),
    [("page", "0"), ("page", "um"), ("per_page", "501"), ("per_page", "")],
)
def test_wrong_page_is_refused_by_field(api: Api, name: str, value: str) -> None:
    answer = api.get("/dids", **{name: value})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {name}


def test_stock_has_numbers_of_several_areas(api: Api) -> None:
    dids = all_pages(api, "/dids", status="disponivel", per_page=500)
    assert len({did["numero"][:4] for did in dids}) >= 5
    assert all(re.fullmatch("55[1-9][1-9][2-5][0-9]{7}", d["numero"]) for d in dids)
    assert all(did["uf"] for did in dids)
    assert any(did["cidade"] is None for did in dids)
    here = all_pages(api, "/dids", ddd="54")
    assert {did["numero"][:4] for did in here} == {"5554"}
    assert len({did["cidade"] for did in here if did["cidade"]}) == 2


def test_same_seed_gives_the_same_platform(sandbox: SandboxProcess) -> None:
    def contents(seed: int) -> list[Any]:
        sandbox.reset(seed=seed)
        api = Api(sandbox).login()
        return [all_pages(api, path) for path in ("/planos", "/grupos", "/dids")]

    first = contents(1)
    assert contents(1) == first
    assert contents(2) != first


@pytest.mark.parametrize("path", ["/desconhecido", "/planos/", "//planos"])
def test_unknown_path_answers_in_the_contracts_form(api: Api, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 404
    assert answer.json()["message"]


def test_wrong_method_names_the_right_ones(api: Api) -> None:
    answer = api.delete("/planos")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
