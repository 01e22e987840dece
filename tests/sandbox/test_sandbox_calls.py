"""``/ligacoes``, and how the sandbox makes calls."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sandbox.forms import parse_money, parse_timestamp
from sandbox.process import SandboxProcess, running
from sandbox_client import MONTH, Api

CLASSES = {"LC", "LDN", "LDI", "VC1", "VC2", "VC3", "0800", "INTERNA"}


def record(ident: str, inicio: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": ident,
        "conta": "100001",
        "sentido": "saida",
        "origem": "555433334444",
        "destino": "555433335555",
        "inicio": inicio,
        "tempo_total": 40,
        "tempo_real": 30,
        "situacao": "atendida",
    } | changes


def ids(records: list[dict[str, Any]]) -> list[str]:
    return [call["id"] for call in records]


def test_window_is_half_open_and_oldest_first(
    api: Api, sandbox: SandboxProcess
) -> None:
    moments = {
        "d": "2026-10-02T00:00:00",
        "b": "2026-10-01 10:00:00",
        "a": "2026-10-01 10:00:00",
        "0": "2026-09-30 23:59:59",
        "c": "2026-10-01 23:59:59",
        "1": "2026-10-01T00:00:00",
    }
    sandbox.add_calls([record(ident, inicio) for ident, inicio in moments.items()])
    day = {"inicio": "2026-10-01T00:00:00", "fim": "2026-10-02 00:00:00"}
    assert ids(api.calls(**day)) == ["1", "a", "b", "c"]
    assert api.calls(inicio=day["inicio"], fim=day["inicio"]) == []


@pytest.mark.parametrize("limite", [1, 2, 3, 50, 299, 300, 301])
def test_pages_together_are_the_window(
    api: Api, sandbox: SandboxProcess, limite: int
) -> None:
    api.make_lines(3)
    sandbox.generate_calls("2026-10", calls_per_line=100, late_share=0)
    read = api.calls(limite=limite)
    unique = list(dict.fromkeys(ids(read)))
    expected = sandbox.ledger(calls=True)["records"]
    assert unique == ids(expected)
    if 1 < limite < 300:
        # Each following page repeats one record, as the contract allows.
        assert len(read) > len(unique)


def test_repeating_can_be_switched_off(tmp_path: Path) -> None:
    with running(tmp_path, no_repeat=True) as sandbox:
        api = Api(sandbox).login()
        api.make_lines(1)
        sandbox.generate_calls("2026-10", calls_per_line=100, late_share=0)
        assert len(api.calls(limite=7)) == 100


def test_calls_of_one_line(api: Api, sandbox: SandboxProcess) -> None:
    first, _second = api.make_lines(2)
    sandbox.generate_calls("2026-10", calls_per_line=100, late_share=0)
    read = api.calls(limite=9, circuito_id=first["id"])
    assert len(set(ids(read))) == 100
    assert {call["conta"] for call in read} == {first["conta"]}
    assert api.calls(circuito_id=10**9) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("inicio", None),
        ("fim", "2026-13-01 00:00:00"),
        ("fim", "2026-10-01"),
        ("fim", "2026-09-01 00:00:00"),
        ("circuito_id", "x"),
        ("cursor", "inventado"),
        ("cursor", ""),
        ("limite", 0),
        ("limite", 5001),
    ],
)
def test_wrong_parameter_is_refused_by_name(api: Api, field: str, value: Any) -> None:
    answer = api.get("/ligacoes", **(MONTH | {field: value}))
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {field}


def first_cursor(api: Api, sandbox: SandboxProcess) -> str:
    api.make_lines(1)
    sandbox.generate_calls("2026-10", calls_per_line=20, late_share=0)
    return api.get("/ligacoes", **MONTH, limite=5).json()["proximo"]


def test_expired_cursor_answers_410(api: Api, sandbox: SandboxProcess) -> None:
    cursor = first_cursor(api, sandbox)
    sandbox.expire_cursors()
    answer = api.get("/ligacoes", **MONTH, limite=5, cursor=cursor)
    assert answer.status_code == 410
    assert answer.json()["message"]


def test_cursor_dies_of_age(tmp_path: Path) -> None:
    with running(tmp_path, cursor_seconds=0) as sandbox:
        api = Api(sandbox).login()
        cursor = first_cursor(api, sandbox)
        assert api.get("/ligacoes", **MONTH, cursor=cursor).status_code == 410


def test_cursor_belongs_to_its_window(api: Api, sandbox: SandboxProcess) -> None:
    cursor = first_cursor(api, sandbox)
    other = MONTH | {"fim": "2026-10-20 00:00:00", "cursor": cursor}
    assert api.get("/ligacoes", **other).status_code == 422


def test_late_calls_appear_when_released(api: Api, sandbox: SandboxProcess) -> None:
    api.make_lines(4)
    counts = sandbox.generate_calls("2026-10", calls_per_line=100, late_share=0.1)
    assert 0 < counts["late"] < 100
    before = set(ids(api.calls()))
    assert len(before) == 400 - counts["late"]
    hidden = [row for row in sandbox.ledger()["calls"] if not row["visible"]]
    assert sum(row["count"] for row in hidden) == counts["late"]
    assert sandbox.release_late() == counts["late"]
    after = set(ids(api.calls()))
    assert before < after and len(after) == 400
    assert sandbox.release_late() == 0


@pytest.mark.parametrize(
    ("late_until", "visible"),
    [("2020-01-01 00:00:00", 100), ("2999-01-01T00:00:00", 0)],
)
def test_late_calls_appear_at_their_moment(
    api: Api, sandbox: SandboxProcess, late_until: str, visible: int
) -> None:
    api.make_lines(1)
    sandbox.generate_calls(
        "2026-10", calls_per_line=100, late_share=1, late_until=late_until
    )
    assert len(set(ids(api.calls()))) == visible


def test_generating_is_deterministic(sandbox: SandboxProcess) -> None:
    def month(seed: int, lines: int = 3) -> list[dict[str, Any]]:
        sandbox.reset(seed=1)
        Api(sandbox).login().make_lines(lines)
        sandbox.generate_calls("2026-10", calls_per_line=50, seed=seed, unknown=5)
        return sandbox.ledger(calls="all")["records"]

    first = month(1)
    assert month(1) == first
    assert month(2) != first
    # One line more leaves the others' calls alone, but for those between lines.
    contas = {call["conta"] for call in first}
    grown = {call["id"]: call for call in month(1, lines=4) if call["conta"] in contas}
    for call in first:
        if call["tipo"] != "INTERNA" and call["circuito_id"]:
            assert grown[call["id"]]["situacao"] == call["situacao"]


def test_generating_again_adds_nothing(sandbox: SandboxProcess, api: Api) -> None:
    api.make_lines(2)
    wanted = {"calls_per_line": 10, "unknown": 3, "malformed": 3}
    assert sandbox.generate_calls("2026-10", **wanted)["generated"] == 20
    again = sandbox.generate_calls("2026-10", **wanted)
    assert (again["generated"], again["skipped_lines"]) == (0, 2)
    assert (again["unknown"], again["malformed"]) == (0, 0)
    assert sandbox.generate_calls("2026-11", **wanted)["generated"] == 20
    assert sandbox.generate_calls("2026-10", seed=9, **wanted)["generated"] == 20


def test_generating_for_chosen_lines(sandbox: SandboxProcess, api: Api) -> None:
    first, second = api.make_lines(2)
    sandbox.generate_calls("2026-10", calls_per_line=10, circuits=[second["id"]])
    contas = {call["conta"] for call in sandbox.ledger(calls="all")["records"]}
    assert contas == {second["conta"]}
    assert sandbox.generate_calls("2026-10", calls_per_line=10)["skipped_lines"] == 1
    assert first["conta"]


def seconds(value: int | str | None) -> int:
    if isinstance(value, str):
        hours, minutes, rest = map(int, value.split(":"))
        return hours * 3600 + minutes * 60 + rest
    return value or 0


def test_month_is_plausible_and_shows_every_form(
    api: Api, sandbox: SandboxProcess
) -> None:
    """Everything that a client must understand occurs in an ordinary month."""
    api.make_lines(20)
    sandbox.generate_calls("2026-10", calls_per_line=500, late_share=0, unknown=7)
    calls = sandbox.ledger(calls=True)["records"]
    assert len(calls) == 10_007 and len(set(ids(calls))) == len(calls)

    types = Counter(call["tipo"] for call in calls)
    assert set(types) > CLASSES | {None, "OUTROS"}
    assert {call["situacao"] for call in calls} == {
        "atendida",
        "ocupado",
        "nao_atendida",
        "cancelada",
        "falha",
    }
    lines = {line["conta"] for line in sandbox.ledger()["circuitos"]}
    unknown = [call for call in calls if call["conta"] not in lines]
    assert len(unknown) == 7
    assert all(call["circuito_id"] is None for call in unknown)
    assert any(c["circuito_id"] is None and c["conta"] in lines for c in calls)
    assert any(c.get("a_cobrar") and c["sentido"] == "entrada" for c in calls)
    assert any("a_cobrar" not in call for call in calls)

    dialled = [call["destino"] for call in calls if call["sentido"] == "saida"]
    for prefix in ("55", "0", "0800", "00", "9090", "4004", "190", "1"):
        assert any(number.startswith(prefix) for number in dialled), prefix
    assert all(number.isdigit() for number in dialled)

    for call in calls:
        moment = parse_timestamp(call["inicio"])
        assert moment is not None and (moment.year, moment.month) == (2026, 10)
        total, talk = seconds(call["tempo_total"]), seconds(call["tempo_real"])
        assert total >= talk >= 0
        charged = parse_money(str(call.get("valor_cobrado"))) or 0
        cost = parse_money(str(call.get("valor_custo"))) or 0
        assert cost < charged or cost == charged == 0
        if call["situacao"] != "atendida":
            assert talk == charged == 0

    money = [call.get("valor_cobrado") for call in calls]
    assert {type(value) for value in money} == {float, str, type(None)}
    texts = [value for value in money if isinstance(value, str)]
    assert any("," in value for value in texts)
    assert any("," not in value for value in texts)
    assert {type(call["tempo_real"]) for call in calls} == {int, str}
    assert {call["inicio"][10] for call in calls} == {" ", "T"}
    hours = Counter(parse_timestamp(c["inicio"]).hour for c in calls)  # type: ignore[union-attr]
    assert hours[10] > 10 * hours[3]


def test_denied_class_fails(api: Api, sandbox: SandboxProcess) -> None:
    api.make_line(vc1=False)
    sandbox.generate_calls("2026-10", calls_per_line=300, late_share=0)
    calls = [call for call in api.calls() if call["tipo"] == "VC1"]
    assert {call["situacao"] for call in calls} == {"falha"}


def test_malformed_records_are_among_the_others(
    api: Api, sandbox: SandboxProcess
) -> None:
    api.make_lines(1)
    sandbox.generate_calls("2026-10", calls_per_line=50, late_share=0, malformed=40)
    read = api.calls(limite=5000)
    assert len(read) == 90
    spoilt = [call for call in read if call["conta"] in ("999999", None)]
    assert len(spoilt) == 40
    assert any("inicio" not in call for call in spoilt)
    assert any(call.get("inicio", "").startswith("2026-10-32") for call in spoilt)
    assert any(call.get("situacao") == "desligada" for call in spoilt)
    assert any(type(call["destino"]) is int for call in spoilt)


def test_raw_records_are_served_to_the_letter(
    api: Api, sandbox: SandboxProcess
) -> None:
    good = '{"id":"x","inicio":"2026-10-05 10:00:00","valor_cobrado":1.10, "id":"y"}'
    texts = [good, '"só um texto"', "null", '{"conta": "a,]b"}', "17", "[1, [2]]"]
    raw = "[ " + " ,\n".join(texts) + " ]"
    assert sandbox.add_calls(raw, inicio="2026-10-06 00:00:00") == len(texts)
    body = api.get("/ligacoes", **MONTH).text
    assert body.startswith('{"data":[' + good)
    assert all(text in body for text in texts)
    assert sandbox.add_calls("[]") == 0


def test_same_record_can_be_added_twice_or_changed(
    api: Api, sandbox: SandboxProcess
) -> None:
    call = record("a", "2026-10-05 10:00:00")
    sandbox.add_calls([call, call])
    assert ids(api.calls()) == ["a", "a"]
    later = call | {"inicio": "2026-10-07 10:00:00", "tempo_real": 31}
    sandbox.add_calls([later], replace=True)
    assert api.calls() == [later]


def test_large_month_is_made_and_read_quickly(
    api: Api, sandbox: SandboxProcess
) -> None:
    """A guard against a slip in the wrong order of magnitude, not a benchmark."""
    api.make_lines(20)
    made = sandbox.generate_calls("2026-10", calls_per_line=1_000, late_share=0)
    assert made["generated"] == 20_000
    answer = api.get("/ligacoes", **MONTH, limite=5000)
    assert len(answer.json()["data"]) == 5000
    assert answer.elapsed.total_seconds() < 2


def test_many_lines_at_once_are_the_same_each_time(
    api: Api, sandbox: SandboxProcess
) -> None:
    made = sandbox.make_lines(30) + sandbox.make_lines(20)
    assert len({line["conta"] for line in made}) == 50
    assert len({line["numero"] for line in made}) == 50
    first = api.get(f"/circuitos/{made[0]['id']}").json()
    assert first["conta"] == made[0]["conta"] and first["status"] == "ativo"
    assert [did["numero"] for did in first["dids"]] == [made[0]["numero"]]
    counts = sandbox.generate_calls("2026-10", calls_per_line=20, late_share=0)
    assert (counts["lines"], counts["generated"]) == (50, 1000)
    records = sandbox.ledger(calls=True)["records"]
    sandbox.reset(seed=1)
    assert sandbox.make_lines(50) == made
    sandbox.generate_calls("2026-10", calls_per_line=20, late_share=0)
    assert sandbox.ledger(calls=True)["records"] == records
