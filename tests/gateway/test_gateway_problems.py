"""A record that cannot be read says of what kind its trouble is: people are told it in
their own language."""

import json
from zoneinfo import ZoneInfo

import pytest
from gateway import Problem, member_text, read_call

ZONE = ZoneInfo("America/Sao_Paulo")
GOOD = {
    "id": 7,
    "conta": "000001",
    "sentido": "saida",
    "origem": "551132100000",
    "destino": "559933334444",
    "inicio": "2026-10-15 09:00:00",
    "tempo_total": 70,
    "tempo_real": 60,
    "situacao": "atendida",
}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"conta": None}, Problem.KIND),
        ({"destino": 5511}, Problem.KIND),
        ({"destino": "5" * 41}, Problem.SIZE),
        ({"id": -1}, Problem.SIZE),
        ({"id": ""}, Problem.SIZE),
        ({"circuito_id": 2**40}, Problem.SIZE),
        ({"sentido": "lunar"}, Problem.WORD),
        ({"situacao": "perdida"}, Problem.WORD),
        ({"valor_cobrado": "dez"}, Problem.AMOUNT),
        ({"valor_custo": [1]}, Problem.AMOUNT),
        ({"tempo_real": "um minuto"}, Problem.DURATION),
        ({"tempo_total": -1}, Problem.DURATION),
        ({"inicio": "15/10"}, Problem.MOMENT),
        ({"cidade_destino": "a\0b"}, Problem.NUL),
    ],
)
def test_the_kind_of_trouble(changed, problem):
    assert read_call(json.dumps(GOOD | changed), ZONE).problem is problem


def test_a_field_that_is_missing():
    text = json.dumps({name: GOOD[name] for name in GOOD if name != "inicio"})
    assert read_call(text, ZONE).problem is Problem.MISSING


@pytest.mark.parametrize("text", ['{"id": 7,', '{"id": 007}', ""])
def test_what_is_no_json(text):
    assert read_call(text, ZONE).problem is Problem.JSON


def test_what_is_no_object():
    assert read_call("[7]", ZONE).problem is Problem.KIND


def test_what_stands_in_a_field_to_the_letter():
    text = '{"id": 7, "valor_cobrado": "1,5 ", "inicio": {"a": [1, 2]}, "cut'
    assert member_text(text, "valor_cobrado") == '"1,5 "'
    assert member_text(text, "inicio") == '{"a": [1, 2]}'
    assert member_text(text, "conta") is None
