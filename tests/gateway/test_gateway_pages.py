"""One record that no JSON decoder takes, among others; listings without an end."""

import json
import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from gateway import NotUnderstood, lenient, wire
from gateway.values import local_bounds, moment
from hypothesis import given
from hypothesis import strategies as st

ZONE = ZoneInfo("America/Sao_Paulo")
WINDOW = (datetime(2026, 10, 1, 3), datetime(2026, 11, 1, 3))
GOOD = (
    b'{"id":"1","conta":"1","sentido":"saida","origem":"1","destino":"2",'
    b'"inicio":"2026-10-05 10:00:00","tempo_total":1,"tempo_real":1,'
    b'"situacao":"atendida"%s}'
)


def page_of(*records):
    return b'{"x": "]", "data": [%s], "proximo": null}' % b",\n".join(records)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (b',"cidade_destino":"\\ud800"', "cidade_destino"),
        (b',"cidade_destino":"\\udc00x"', "cidade_destino"),
        (b',"valor_custo":NaN', "valor_custo"),
        (b',"valor_custo":-Infinity', "valor_custo"),
        (b',"cidade_destino":"a\nb"', "."),
        (b',"cidade_destino":"a\x00b"', "."),
        (b',"cidade_destino":"\xff"', "cidade_destino|utf-8"),
        (b',"cidade_destino":"\\u0000"', "cidade_destino: .*NUL"),
        (b',"x":' + b"[" * 5000 + b"]" * 5000, "."),
        (b',"tempo_real":01', "."),
        (b',"valor_custo":-1', "valor_custo: .*between"),
        (b',"valor_custo":' + b"1" * 5000, "valor_custo: .*(too long|range)"),
        (b',"valor_custo":"' + b"1" * 5000 + b'"', "valor_custo: .*too long"),
        (b',"valor_custo":true', "valor_custo"),
    ],
)
def test_a_record_that_is_no_json_does_not_take_its_page_with_it(extra, reason):
    page = wire.decode_call_page(
        page_of(GOOD % b"", GOOD % extra, GOOD % b',"cidade_destino":"[{\\"}"'), ZONE
    )
    assert len(page.calls) == 2
    assert page.calls[1].city == '[{"}'
    (reject,) = page.rejects
    assert re.search(reason, reject.reason), reject.reason
    assert len(reject.reason) < 400
    (reject.raw + (reject.remote_id or "")).encode()
    assert "\0" not in reject.raw


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b'{"data": [', b'{"data": [NaN', b'{"data": [NaN]', b'{"data": NaN}',
     b'{"data": [NaN], "proximo": 5}', b'[{"data": [NaN]}]', b'{"data": ["\\ud800',
     b'{"proximo": null, "data": [NaN]]}', b'{"a": {"data": [NaN]}, "proximo": null}',
     b"[" * 10**6, b'{"data": [' + b"[" * 10**6, b'{"data": ["' + b'\\"' * 10**6],
)  # fmt: skip
def test_a_page_that_is_none_is_not_understood(body):
    with pytest.raises(NotUnderstood) as caught:
        wire.decode_call_page(body, ZONE)
    assert len(str(caught.value)) < 500


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(json_values), json_values, st.sampled_from([None, 1]))
def test_elements_are_cut_out_where_they_end(values, other, indent):
    page = {"a": other, "data": values, "z": other}
    body = json.dumps(page, indent=indent).encode()
    elements, rest = lenient.split_page(body, "data")
    assert str([json.loads(element) for element in elements]) == str(values)
    assert str(json.loads(rest)) == str({**page, "data": []})


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2030, 1, 1)),
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.sampled_from(["America/Sao_Paulo", "America/New_York", "UTC", "Asia/Kolkata"]),
)
def test_the_text_of_a_window_holds_all_of_it(start, length, name):
    zone, end = ZoneInfo(name), start + length
    first, last = local_bounds(start, end, zone)
    # Read back as a platform might, with either of two hours of one name.
    assert moment(first, zone) <= start
    assert moment(last, zone) >= end
    assert start - moment(first, zone) <= timedelta(hours=3)
    assert moment(last, zone) - end <= timedelta(hours=3)


def test_the_text_of_an_ordinary_window_is_exact():
    assert local_bounds(*WINDOW, ZONE) == ("2026-10-01 00:00:00", "2026-11-01 00:00:00")
