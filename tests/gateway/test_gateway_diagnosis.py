"""Whatever differs from the contract is found and named, and nothing else is told."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest
from gateway import MemoryTokenStore, contract
from gateway.diagnosis import Finding, Reason, Verdict, diagnose
from gateway.masking import shape
from gateway_server import CREDENTIALS, make_client
from sandbox.process import running

NOW = datetime(2026, 11, 2, 12)
LISTINGS = ["/planos", "/grupos", "/dids", "/circuitos"]
READING = [*LISTINGS, "/circuitos/{id}", "/circuitos/{id}/registro", "/ligacoes"]
CUSTOMER = "Hermenegilda Quaresma"


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """With lines and calls, which no test changes."""
    with running(tmp_path_factory.mktemp("diagnosed")) as process:
        process.make_lines(30)
        process.change_line(1, nome=CUSTOMER)
        process.generate_calls("2026-10", calls_per_line=20, late_share=0)
        yield process


@pytest.fixture
def sandbox(platform):
    yield platform
    platform.clear_faults()
    platform.speak()


def reports(url, *, seconds=60.0, answer_seconds=10.0, **settings):
    with make_client(url, **settings) as client:
        return {
            (report.method, report.path): report
            for report in diagnose(
                client,
                contract.load(),
                now=NOW,
                seconds=seconds,
                answer_seconds=answer_seconds,
            )
        }


def reading(found):
    return {path: report for (method, path), report in found.items() if method == "GET"}


def findings(report):
    return {(one.finding, one.place): one for one in report.differing}


def test_a_platform_that_keeps_the_contract_agrees_in_every_path(sandbox):
    before = sandbox.ledger()
    found = reports(sandbox.url)
    assert {path: r.verdict for path, r in reading(found).items()} == dict.fromkeys(
        READING, Verdict.AGREED
    )
    assert set(found) == set(contract.load().operations())
    after = sandbox.ledger()
    assert after["history"] == before["history"]
    writes = [r for r in found.values() if r.method != "GET"]
    assert {r.not_tried for r in writes} == {Reason.WRITES}
    assert {r.verdict for r in writes} == {Verdict.NOT_TRIED}


def test_it_asks_little(sandbox):
    found = reading(reports(sandbox.url))
    assert sum(report.requests for report in found.values()) <= 40
    assert all(report.records <= 100 for report in found.values())
    assert all(report.milliseconds for report in found.values())


# Each of them in one reading: a dialect, and what it makes of which field.
OF_RECORDS = [
    (
        {
            "rename": {"inicio": "data_hora"},
            "as_text": ["tempo_total"],
            "add": {"cor": CUSTOMER},
            "drop": ["referencia"],
        },
        [
            ("/ligacoes", "missing", "inicio", True),
            ("/ligacoes", "extra", "data_hora", False),
            ("/ligacoes", "kind", "tempo_total", False),
            ("/dids", "extra", "cor", False),
            ("/circuitos", "missing", "referencia", True),
        ],
    ),
    (
        {"moment": "%d/%m/%Y %H:%M", "as_text": ["id"], "drop": ["nome"]},
        [
            ("/ligacoes", "form", "inicio", True),
            ("/circuitos", "form", "atualizado_em", False),
            ("/circuitos", "kind", "id", True),
            ("/grupos", "kind", "id", True),
            ("/planos", "missing", "nome", True),
        ],
    ),
    (
        {
            "moment": "%d/%m/%Y %H:%M",
            "words": {"saida": "OUT", "nacional": "NATIONAL", "disponivel": "FREE"},
        },
        [
            ("/circuitos", "form", "atualizado_em", True),
            ("/ligacoes", "word", "sentido", True),
            ("/planos", "word", "tipo", True),
            ("/dids", "word", "status", True),
        ],
    ),
]


@pytest.mark.parametrize(("dialect", "expected"), OF_RECORDS)
def test_each_difference_of_a_record_is_named_with_its_place(
    sandbox, dialect, expected
):
    sandbox.speak(**dialect)
    found = reading(reports(sandbox.url))
    for path, finding, place, breaks in expected:
        one = findings(found[path])[Finding(finding), f"data[].{place}"]
        assert one.breaks == breaks, place
        assert 0 < one.count <= one.total
        wanted = [Verdict.BREAKS] if breaks else [Verdict.BREAKS, Verdict.BEARABLE]
        assert found[path].verdict in wanted


def test_a_field_of_another_name_is_told_with_those_that_never_came(sandbox):
    sandbox.speak(rename={"inicio": "data_hora"})
    found = findings(reading(reports(sandbox.url))["/ligacoes"])
    assert found[Finding.EXTRA, "data[].data_hora"].perhaps == "inicio"
    assert found[Finding.MISSING, "data[].inicio"].reading == (
        "_Ligacao.inicio, decode_call"
    )


def test_one_record_is_compared_as_well_as_many(sandbox):
    sandbox.speak(words={"ativo": "ACTIVE"}, drop=["online"])
    found = reading(reports(sandbox.url))
    line = findings(found["/circuitos/{id}"])
    assert line[Finding.WORD, "status"].shape == '"ACTIVE"'
    registration = findings(found["/circuitos/{id}/registro"])
    assert registration[Finding.MISSING, "online"].breaks


def test_a_nested_number_that_differs_is_named(sandbox):
    sandbox.speak(words={"em_uso": "USADO"})
    found = findings(reading(reports(sandbox.url))["/circuitos"])
    one = found[Finding.WORD, "data[].dids[].status"]
    assert one.reading == "_Did.status, decode_did"
    # A line is more than one of its numbers.
    assert not one.breaks


FILTERS = {
    "tipo": "/planos",
    "status": "/dids",
    "ddd": "/dids",
    "referencia": "/circuitos",
    "conta": "/circuitos",
    "atualizado_desde": "/circuitos",
    "circuito_id": "/ligacoes",
}


def test_each_filter_that_is_not_obeyed_is_named(sandbox):
    sandbox.speak(ignore=list(FILTERS))
    sandbox.put_did("551133334444")
    found = reading(reports(sandbox.url))
    named = {
        (path, one.finding, one.place, one.breaks)
        for path, report in found.items()
        for one in report.differing
    }
    assert named == {(path, Finding.FILTER, n, False) for n, path in FILTERS.items()}


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        (
            {"ignore": ["per_page", "limite"]},
            [
                *((path, "page_size", "per_page", False) for path in LISTINGS),
                ("/ligacoes", "page_size", "limite", False),
            ],
        ),
        (
            {"ignore": ["page", "cursor"]},
            [(path, "page_again", "", True) for path in [*LISTINGS, "/ligacoes"]],
        ),
        ({"ignore": ["inicio"]}, [("/ligacoes", "window", "", True)]),
        (
            {"ignore": ["fim"], "content_type": "text/plain"},
            [
                ("/ligacoes", "window_end", "", False),
                *((path, "content_type", "", False) for path in READING),
            ],
        ),
        (
            {"newest_first": True, "paging": "offset"},
            [
                ("/ligacoes", "order", "", False),
                *((path, "missing", "meta", True) for path in LISTINGS),
            ],
        ),
    ],
)
def test_each_difference_of_behaviour_is_named(sandbox, dialect, expected):
    sandbox.speak(**dialect)
    found = reading(reports(sandbox.url))
    for path, finding, place, breaks in expected:
        assert findings(found[path])[Finding(finding), place].breaks == breaks, path


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ({"action": "foreign"}, "foreign"),
        ({"action": "status", "status": 500}, "fault"),
        ({"action": "status", "status": 404, "body": "<h1>?</h1>"}, "foreign"),
        ({"action": "status", "status": 429, "retry_after": 60}, "pause"),
        ({"action": "cut"}, "broken_off"),
        ({"action": "cut_body"}, "broken_off"),
        ({"action": "silence"}, "timeout"),
    ],
)
def test_a_path_without_an_answer_is_named_and_the_others_are_asked(
    sandbox, fault, finding
):
    sandbox.fault("/grupos", times=None, **fault)
    found = reading(reports(sandbox.url, answer_seconds=1.0))
    report = found["/grupos"]
    assert report.verdict == Verdict.NO_ANSWER
    assert (Finding(finding), "") in findings(report)
    assert found["/planos"].verdict == Verdict.AGREED
    last = found["/ligacoes"]
    if finding == "pause":
        # Who asks for a pause gets one.
        assert last.verdict == Verdict.NOT_TRIED and last.not_tried == Reason.TIME
    else:
        assert last.verdict == Verdict.AGREED


def test_a_short_pause_is_waited_for_and_told(sandbox):
    sandbox.fault("/grupos", "status", status=429, retry_after=0)
    report = reading(reports(sandbox.url))["/grupos"]
    assert [one.finding for one in report.differing] == [Finding.PAUSE]
    assert report.verdict == Verdict.BEARABLE


def test_broken_json_is_named_as_such(sandbox):
    sandbox.fault("/circuitos/{id}/registro", "broken")
    report = reading(reports(sandbox.url))["/circuitos/{id}/registro"]
    assert findings(report)[Finding.NOT_JSON, ""].breaks


def test_a_refusal_is_named_with_its_status(sandbox):
    sandbox.fault("/dids", "status", status=403, body={"message": CUSTOMER}, times=None)
    report = reading(reports(sandbox.url))["/dids"]
    one = findings(report)[Finding.STATUS, ""]
    assert (one.expected, one.shape, one.breaks) == ("200", "403", True)
    assert len(report.differing) == 1
    assert report.verdict == Verdict.BREAKS


def test_refused_credentials_stop_it(sandbox):
    wrong = type(CREDENTIALS)("sandbox", "wrong", "sandbox-key", "sandbox-secret")
    first, *rest = reading(reports(sandbox.url, credentials=wrong)).values()
    assert [one.finding for one in first.differing] == [Finding.CREDENTIALS]
    assert {report.verdict for report in rest} == {Verdict.NOT_TRIED}


def test_a_platform_that_is_not_there_is_asked_once():
    first, *rest = reading(reports("http://127.0.0.1:9/api/v2")).values()
    assert [one.finding for one in first.differing] == [Finding.UNREACHED]
    assert {report.not_tried for report in rest} == {Reason.TIME}


def test_a_time_that_is_over_is_told(sandbox):
    found = reading(reports(sandbox.url, seconds=0.0))
    assert {report.not_tried for report in found.values()} == {Reason.TIME}
    assert {report.verdict for report in found.values()} == {Verdict.NOT_TRIED}


def test_what_has_no_record_is_not_tried(tmp_path):
    with running(tmp_path) as empty:
        found = reading(reports(empty.url))
    assert found["/circuitos/{id}/registro"].not_tried == Reason.NOTHING
    assert found["/circuitos/{id}"].verdict == Verdict.NOT_TRIED
    assert found["/ligacoes"].verdict == Verdict.AGREED


def test_tokens_that_live_are_used_and_kept(sandbox):
    store = MemoryTokenStore()
    reports(sandbox.url, token_store=store)
    tokens = store.get()
    before = sandbox.ledger()["requests"]
    reports(sandbox.url, token_store=store)
    assert store.get() == tokens
    after = sandbox.ledger()["requests"]
    for path in ("/auth/login", "/auth/refresh"):
        of_path = [[r for r in rs if r["path"] == path] for rs in (before, after)]
        assert of_path[0] == of_path[1]


def test_nothing_that_was_said_is_told(sandbox):
    """Neither names, nor numbers, nor secrets, wherever they turn up."""
    secret = CREDENTIALS.password
    sandbox.speak(
        rename={"nome": "cliente", "origem": "de", "inicio": "quando"},
        words={"ativo": CUSTOMER, "atendida": "5554999998888"},
        add={CUSTOMER: secret, "5554999998888": 1, "x": secret, "y": CUSTOMER},
        moment=f"{CUSTOMER} %d/%m/%Y",
        content_type=f"text/{secret}; name={CUSTOMER}",
    )
    text = json.dumps(
        [asdict(report) for report in reports(sandbox.url).values()], default=str
    )
    assert "cliente" in text
    numbers = {did["numero"] for did in sandbox.ledger()["dids"]}
    said = ["Hermenegilda", "Quaresma", "5554999998888", *CREDENTIALS_TEXTS, *numbers]
    assert [one for one in said if one in text] == []


CREDENTIALS_TEXTS = (
    CREDENTIALS.password,
    CREDENTIALS.api_key,
    CREDENTIALS.api_secret,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("João 12", '"Aaaa 99"'),
        ("2026-10-05T10:00:00Z", '"9999-99-99T99:99:99Z"'),
        ("TZ", '"TZ"'),
        (12.5, "99.9"),
        (True, "true"),
        (None, "null"),
        ({"a": 1}, "{…}"),
        ([1], "[…]"),
        ("\ud800\0", '"?\\u0000"'),
        ("x" * 500, '"' + "a" * 59 + "…"),
    ],
)
def test_a_shape_tells_how_a_value_looks(value, shown):
    assert shape(value) == shown


def test_the_contract_in_the_documentation_is_the_one_that_is_compared_with():
    documented = Path(__file__).parents[2] / "docs" / contract.FILE.name
    assert documented.resolve() == contract.FILE.resolve()
