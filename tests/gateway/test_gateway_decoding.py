"""Every spelling that the contract allows, and nothing that it does not."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from gateway import values, wire
from gateway.records import Call, CallPage
from hypothesis import given
from hypothesis import strategies as st

ZONE = ZoneInfo("America/Sao_Paulo")
CALL = {
    "id": "c-1",
    "circuito_id": 7,
    "conta": "100001",
    "sentido": "saida",
    "origem": "555433334444",
    "destino": "551133334444",
    "inicio": "2026-10-05 10:00:00",
    "tempo_total": 70,
    "tempo_real": 60,
    "tempo_tarifado": 60,
    "tipo": "LDN",
    "situacao": "atendida",
    "valor_cobrado": "0.10",
    "valor_custo": 0.04,
    "cidade_destino": "São Paulo",
}

amounts = st.decimals(0, 10**6, places=2, allow_nan=False, allow_infinity=False)


def decode(**changes):
    return wire.decode_call(json.dumps({**CALL, **changes}).encode(), ZONE)


def brazilian(amount):
    whole, cents = f"{amount:.2f}".split(".")
    groups = f"{int(whole):,}".replace(",", ".")
    return f"{groups},{cents}"


@given(amounts)
def test_money_is_the_same_in_every_spelling(amount):
    plain = f"{amount:.2f}"
    assert values.money(plain) == amount
    assert values.money(f"{amount:.4f}") == amount
    assert values.money(brazilian(amount)) == amount


@pytest.mark.parametrize(
    "text",
    ["", "abc", "NaN", "Infinity", "-1", "1e400", "1,2,3", "1.2.3", "9" * 400, "1_0",
     "１２", "R$ 1", "1.23,4,5", "0x10"],
)  # fmt: skip
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        values.money(text)


def test_a_json_number_keeps_all_its_digits():
    raw = json.dumps(CALL).replace('"0.10"', "0.123456789012345678").encode()
    call = wire.decode_call(raw, ZONE)
    assert call.platform_amount == Decimal("0.123456789012345678")


@given(st.integers(0, values.LONGEST_SECONDS))
def test_durations_are_the_same_in_both_spellings(seconds):
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    assert values.duration(seconds) == seconds
    assert values.duration(clock) == seconds


@pytest.mark.parametrize("value", [-1, 10**9, "00:60:00", "00:00:60", "1:2", "", "-5"])
def test_what_is_no_duration_is_refused(value):
    with pytest.raises(ValueError, match=r"."):
        values.duration(value)


@given(st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)))
def test_moments_come_back_as_they_were_sent(moment):
    moment = moment.replace(microsecond=0)
    text = values.local_text(moment, ZONE)
    # An hour that the clock shows twice is taken as the first.
    read = values.moment(text, ZONE)
    local = moment.replace(tzinfo=UTC).astimezone(ZONE)
    assert read == moment or local.fold
    assert values.moment(text.replace(" ", "T"), ZONE) == read


@pytest.mark.parametrize(
    "text",
    ["2026-02-30 10:00:00", "2026-10-05", "2026-10-05 24:00:00", "05/10/2026 10:00:00",
     "2026-10-05 10:00:00Z", "1999-12-31 23:59:59", "", "9999-12-31 23:59:59"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        values.moment(text, ZONE)


def test_an_hour_that_the_clock_skipped_is_read_all_the_same():
    # Summer time began at midnight of 4 November 2018.
    assert values.moment("2018-11-04 00:30:00", ZONE) == datetime(2018, 11, 4, 3, 30)


@given(amounts, st.integers(0, 86400))
def test_another_spelling_of_the_same_call_is_the_same_call(amount, seconds):
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    one = decode(valor_cobrado=f"{amount:.2f}", tempo_real=seconds)
    other = decode(
        valor_cobrado=brazilian(amount),
        tempo_real=clock,
        inicio="2026-10-05T10:00:00",
        extra="ignored",
    )
    assert one == other
    assert one.fingerprint == other.fingerprint


WORSE = (
    {}, {}, {}, {"sentido": "ambos"}, {"tempo_real": "1:2"}, {"inicio": "ontem"},
    {"valor_cobrado": "caro"}, {"destino": 190}, {"tipo": "x\x00y"}, {"id": ""},
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 10**4), st.sampled_from(WORSE)), max_size=8))
def test_a_page_is_what_its_records_are_each_by_itself(records):
    raws = [
        json.dumps(
            {**CALL, "id": str(n), "tempo_real": n, "valor_cobrado": n / 100} | worse
        ).encode()
        for n, worse in records
    ]
    page = wire.decode_call_page(
        b'{"data": [%s], "proximo": "c"}' % b", ".join(raws), ZONE
    )
    calls, rejects = [], []
    for raw in raws:
        try:
            calls.append(wire.decode_call(raw, ZONE))
        except wire.Malformed as error:
            rejects.append(wire.reject(raw, error))
    assert page == CallPage(tuple(calls), tuple(rejects), "c")


@pytest.mark.parametrize(
    "change",
    [{"valor_cobrado": "0.11"}, {"tempo_real": 61}, {"destino": "551133334445"},
     {"situacao": "ocupado"}, {"valor_cobrado": None}, {"tipo": None},
     {"a_cobrar": True}, {"circuito_id": None}],
)  # fmt: skip
def test_a_changed_call_has_another_fingerprint(change):
    assert decode(**change).fingerprint != decode().fingerprint


@pytest.mark.parametrize(
    ("change", "word"),
    [({"sentido": "ambos"}, "sentido"), ({"situacao": "talvez"}, "situacao"),
     ({"tempo_real": None}, "tempo_real"), ({"destino": 190}, "destino"),
     ({"id": ""}, "id"), ({"circuito_id": 2**31}, "circuito_id"),
     ({"valor_cobrado": "caro"}, "valor_cobrado"), ({"inicio": "ontem"}, "inicio"),
     ({"cidade_destino": "x\x00y"}, "NUL"), ({"origem": "5" * 41}, "origem"),
     ({"valor_custo": {"a": 1}}, "valor_custo"), ({"a_cobrar": "sim"}, "a_cobrar")],
)  # fmt: skip
def test_a_bad_field_is_named(change, word):
    with pytest.raises(wire.Malformed, match=word):
        decode(**change)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(CALL)), json_values, max_size=4))
def test_anything_at_all_is_a_call_that_can_be_stored_or_malformed(changes):
    raw = json.dumps({**CALL, **changes}).encode(errors="surrogatepass")
    try:
        call = wire.decode_call(raw, ZONE)
    except wire.Malformed as error:
        reject = wire.reject(raw, error)
        assert reject.reason and reject.raw
        return
    assert isinstance(call, Call)
    for text in (
        call.remote_id,
        call.caller,
        call.callee,
        call.city,
        call.account_code,
    ):
        assert text is None or "\x00" not in text
        (text or "").encode()
    for number in (call.total_seconds, call.talk_seconds, call.line_remote_id or 0):
        assert 0 <= number < 2**31


@pytest.mark.parametrize("raw", [b"5", b"null", b"[]", b'"x"', b"{}", b"nonsense"])
def test_what_is_no_record_is_malformed(raw):
    with pytest.raises(wire.Malformed):
        wire.decode_call(raw, ZONE)


def test_a_number_that_cannot_be_read_does_not_take_its_line_with_it():
    line = wire.decode_line(
        json.dumps(
            {
                "id": 1, "conta": "100001", "status": "ativo", "referencia": "r",
                "nome": "A", "plano_id": 1, "tipo": "pos_pago", "plano_tipo": "stfc",
                "dids": [{"numero": "551133334444", "status": "em_uso"}, {"x": 1}, 5],
            }
        ).encode(),
        ZONE,
    )  # fmt: skip
    assert [did.number for did in line.dids] == ["551133334444"]
