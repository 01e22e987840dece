"""Every spelling that the contract allows, and nothing that it does not."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from gateway import NotUnderstood, values, wire
from hypothesis import example, given, settings
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

CLOCKS = (
    "America/Sao_Paulo", "America/Manaus", "America/Noronha", "America/Caracas",
    "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca",
    "Antarctica/Troll", "Europe/Lisbon", "UTC",
)  # fmt: skip
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


@given(amounts)
def test_the_same_amount_is_the_same_to_the_digit(amount):
    spelled = [f"{amount:.2f}", f"+{amount:.10f}", f" {brazilian(amount)} "]
    spelled += [f"{amount:.2f}".replace(".", ","), f"{amount:.2e}"]
    assert {str(values.money(t)) for t in spelled[:4]} == {
        str(values.money(spelled[0]))
    }
    assert values.money(spelled[4]) == Decimal(spelled[4])


@pytest.mark.parametrize(
    ("text", "digits"),
    [("-0", "0"), ("-0,00", "0"), ("0e5", "0"), ("100.00", "100"), ("1E+2", "100"),
     ("1.000.000", "1000000"), ("1.000", "1"), ("0.000000000000000001", "1E-18")],
)  # fmt: skip
def test_an_amount_has_one_form(text, digits):
    assert str(values.money(text)) == digits


def test_only_a_balance_may_be_below_zero():
    registration = wire.decode_registration(b'{"online": true, "saldo": "-1.234,50"}')
    assert registration.balance == Decimal("-1234.5")
    with pytest.raises(ValueError, match="between"):
        values.money("-0.01")


@pytest.mark.parametrize(
    "text",
    ["", "abc", "NaN", "Infinity", "-1", "1e400", "1,2,3", "1.2.3", "9" * 400, "1_0",
     "１２", "R$ 1", "1.23,4,5", "0x10", "-Infinity", "sNaN", "1e-400", "--1", "1,",
     "1.234,", ",5", "1000000000.01", " " * 100 + "1", "1\n2", "true", "1.0.0,0"],
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


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("24:00:00", 86400), ("100:00:01", 360001), ("0:00:05", 5), ("0060", 60),
     (" 60 ", 60), (60.0, 60), (-0.0, 0), ("720:00:00", 2592000)],
)  # fmt: skip
def test_durations_of_all_sorts(value, seconds):
    assert values.duration(value) == seconds
    assert type(values.duration(value)) is int


@pytest.mark.parametrize(
    "value",
    [-1, 10**9, 10**400, 60.5, 1e300, "00:60:00", "00:00:60", "1:2", "", "-5", "1e2",
     "9" * 5000, "60.0", "720:00:01", "00:00:00.5", "١٢", "1 2", "-01:00:00"],
)  # fmt: skip
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
     "2026-10-05 10:00:00Z", "1999-12-31 23:59:59", "", "9999-12-31 23:59:59",
     "2026-10-05 10:60:00", "2026-10-05 10:00:60", "2026-13-01 00:00:00",
     "2026-10-05 10:00:00.5", "2026-10-05 10:00:00-03:00", "0000-00-00 00:00:00",
     "20261005 10:00:00", "2026-W40-1T10:00:00", "２026-10-05 10:00:00"],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        values.moment(text, ZONE)


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31, 23, 59, 59)),
    st.sampled_from(CLOCKS),
)
@example(datetime(2018, 2, 17, 23, 30), "America/Sao_Paulo")  # shown twice
@example(datetime(2018, 11, 4, 0, 30), "America/Sao_Paulo")  # skipped
@example(datetime(2018, 11, 4, 1, 0), "America/Sao_Paulo")
@example(datetime(2026, 4, 5, 1, 45), "Australia/Lord_Howe")  # half an hour twice
@example(datetime(2026, 4, 5, 1, 15), "Australia/Lord_Howe")
@example(datetime(2026, 10, 4, 2, 15), "Australia/Lord_Howe")
@example(datetime(2011, 12, 30, 12, 0), "Pacific/Apia")  # a day that never was
@example(datetime(2007, 12, 9, 2, 45), "America/Caracas")  # moved by half an hour
def test_remembered_hours_are_what_the_zone_says_of_each_moment(moment, name):
    zone = ZoneInfo(name)
    moment = moment.replace(microsecond=0)
    straight = moment.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
    assert values.moment(str(moment), zone) == straight
    # Every quarter of its hour, whichever was asked for first.
    for minute in (0, 15, 29, 30, 45, 59):
        other = moment.replace(minute=minute, second=59)
        straight = other.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)
        assert values.moment(other.isoformat(), zone) == straight


def test_an_hour_that_the_clock_shows_twice_is_the_first():
    assert values.moment("2018-02-17 23:30:00", ZONE) == datetime(2018, 2, 18, 1, 30)


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


@given(
    amounts,
    st.none() | amounts,
    st.integers(0, 10**6),
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),
    st.sampled_from(["valor_cobrado", "valor_custo", "tempo_total", "inicio", "id"]),
)
def test_a_fingerprint_knows_content_from_spelling(price, cost, seconds, start, name):
    start = start.replace(microsecond=0)
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    one = {
        "id": "7",
        "valor_cobrado": f"{price:.2f}",
        "valor_custo": cost and f"{cost:.6f}",
        "tempo_total": seconds,
        "inicio": start.isoformat(" "),
    }
    other = {
        "id": 7,
        "valor_cobrado": float(price),
        "valor_custo": cost and brazilian(cost),
        "tempo_total": clock,
        "inicio": start.isoformat("T"),
    }
    # A half of them at a time, so that no two mistakes cancel each other.
    mixed = {n: (one if n < "m" else other)[n] for n in one}
    assert decode(**one) == decode(**other) == decode(**mixed)
    changed = {
        "id": "8",
        "valor_cobrado": f"{price + Decimal('0.01'):.2f}",
        "valor_custo": None if cost is not None else "0",
        "tempo_total": seconds + 1,
        "inicio": (start + timedelta(seconds=1)).isoformat(),
    }
    digest = decode(**one | {name: changed[name]}).fingerprint
    assert digest != decode(**one).fingerprint
    assert len(digest) == 16


class Text(str):
    """Written into JSON to the letter."""


# What no well-meaning platform sends, and some do.
odd = st.sampled_from(
    [Text(t) for t in ("NaN", "-Infinity", "1e400", "1" * 5000, "1.0", "60.0", "-0",
     r'"\ud800"', r'"\u0000"', r'"a\udc00b"', '"\x01"', '"\xff"', "[" * 2000, "{", "",
     "nul",
     "[" * 500 + "]" * 500, '{"a": NaN}', '"24:00:00"', '"1.234,56"', '"\\\\u0000"',
     '"' + "9" * 5000 + '"', '"2026-02-29 00:00:00"', str(2**31), str(-(2**63)))]
)  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | odd,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


def written(value) -> str:
    if isinstance(value, Text):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, dict):
        pairs = (f"{json.dumps(k)}: {written(v)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    return json.dumps(value)


def assert_storable(call):
    """In the columns that PostgreSQL has for it."""
    texts = (call.remote_id, call.account_code, call.caller, call.callee)
    for text in (*texts, call.platform_class, call.city):
        if text is not None:
            assert "\x00" not in text and len(text) <= 250
            text.encode()
    assert call.remote_id and len(call.remote_id) <= 100
    numbers = (call.line_remote_id, call.total_seconds, call.talk_seconds)
    for number in (*numbers, call.platform_charged_seconds):
        assert number is None or (type(number) is int and 0 <= number < 2**31)
    for amount in (call.platform_amount, call.platform_cost):
        assert amount is None or (amount.is_finite() and 0 <= amount <= 10**9)
    assert datetime(1999, 12, 31) < call.start < datetime(2100, 1, 2)
    assert call.start.tzinfo is None


@settings(max_examples=400)
@given(st.dictionaries(st.sampled_from(sorted(CALL)), json_values, max_size=3))
def test_anything_at_all_is_a_call_that_can_be_stored_or_a_reject(changes):
    raw = written({**CALL, **changes}).encode("latin-1", "replace")
    try:
        call = wire.decode_call(raw, ZONE)
    except wire.Malformed as error:
        reject = wire.reject(raw, error)
        assert reject.raw and len(reject.raw) <= wire.REJECT_CHARS
        assert len(reject.reason) <= wire.REASON_CHARS
        # A record that is torn apart may hide which field it was.
        torn = any(v in ("{", "", "nul", "[" * 2000) for v in changes.values())
        assert torn or any(name in reject.reason for name in changes)
    else:
        assert_storable(call)


@settings(max_examples=200)
@given(json_values)
def test_any_element_of_a_page_leaves_its_neighbours_alone(element):
    text = written(element)
    good = json.dumps(CALL)
    body = f'{{"data": [{good}, {text}, {good}], "proximo": null}}'
    try:
        page = wire.decode_call_page(body.encode("latin-1", "replace"), ZONE)
    except NotUnderstood:
        # Only where it cannot be told where an element ends.
        with pytest.raises((ValueError, RecursionError)):
            json.loads(body, strict=False)
    else:
        assert len(page.calls) == 2
        assert len(page.calls) + len(page.rejects) == 3


@given(st.binary(max_size=60) | json_values.map(lambda v: written(v).encode()))
def test_no_bytes_at_all_make_another_error(body):
    for decode_whole in (wire.decode_call_page, wire.decode_tokens):
        with suppress(NotUnderstood):
            decode_whole(body, ZONE)
    with suppress(NotUnderstood):
        wire.decode_page(body)
    for decode_one in (
        wire.decode_call,
        wire.decode_line,
        wire.decode_did,
        wire.decode_plan,
        wire.decode_registration,
    ):
        try:
            decode_one(body, ZONE)
        except wire.Malformed as error:
            assert wire.reject(body, error).reason
    message, errors, remote_id = wire.decode_error(body)
    assert isinstance(message, str) and isinstance(errors, dict)
    assert remote_id is None or type(remote_id) is int


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
