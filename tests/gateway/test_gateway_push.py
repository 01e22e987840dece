"""One wanted line against a real platform, at every point where it can go wrong."""

from dataclasses import replace
from decimal import Decimal

import pytest
from gateway import (
    Conflict,
    DidTerms,
    LineStatus,
    RequestRefused,
    Unreachable,
    WantedLine,
    begin_push,
    finish_push,
)
from gateway_lines import make_settings
from sandbox.process import request_count


@pytest.fixture
def wanted(sandbox, client):
    plan = next(p for p in client.iter_plans() if p.scope == "national" and p.active)
    free = [
        d["numero"] for d in sandbox.ledger()["dids"] if d["status"] == "disponivel"
    ]
    settings = make_settings(
        "line-1",
        customer_document="12345678909",
        plan_remote_id=plan.remote_id,
        simultaneous_calls=2,
        credit_limit=Decimal("100.00"),
        password="Senha-1234",
    )
    dids = tuple(DidTerms(number, Decimal("9.90"), False) for number in free[:2])
    return WantedLine(settings, LineStatus.ACTIVE, dids, None, None, False)


def push(client, wanted):
    return finish_push(client, begin_push(client, wanted))


def numbers_of(sandbox, remote_id):
    return {
        d["numero"] for d in sandbox.ledger()["dids"] if d["circuito_id"] == remote_id
    }


def matches(sandbox, wanted):
    (circuit,) = sandbox.ledger()["circuitos"]
    return circuit["nome"] == wanted.settings.customer_name and numbers_of(
        sandbox, circuit["id"]
    ) == {d.number for d in wanted.dids}


def test_a_new_line_is_there_with_its_numbers_and_its_password(sandbox, client, wanted):
    outcome = push(client, wanted)
    assert outcome.error is None
    assert outcome.status is LineStatus.ACTIVE
    assert matches(sandbox, wanted)
    (circuit,) = sandbox.ledger()["circuitos"]
    assert circuit["senha_set"]
    assert outcome.account_code == circuit["conta"]
    assert {did.city for did in outcome.dids} != {None}


def test_a_second_push_changes_nothing_and_finds_the_line_by_its_reference(
    sandbox, client, wanted
):
    first = push(client, wanted)
    puts = request_count(sandbox.ledger(), "PUT", "/circuitos/{id}/dids/{numero}")
    again = push(client, wanted)
    assert again.error is None
    assert again.remote_id == first.remote_id
    assert (
        request_count(sandbox.ledger(), "PUT", "/circuitos/{id}/dids/{numero}") == puts
    )
    assert len(sandbox.ledger()["circuitos"]) == 1


def test_only_what_differs_of_the_numbers_is_sent(sandbox, client, wanted):
    known = replace(wanted, remote_id=push(client, wanted).remote_id)
    kept = known.dids[0]
    changed = replace(kept, monthly_fee=Decimal("12.00"))
    before = len(sandbox.ledger()["history"])
    assert push(client, replace(known, dids=(changed,))).error is None
    history = sandbox.ledger()["history"][before:]
    dids = [
        (e["method"], e["path"].split("/")[-1]) for e in history if "dids" in e["path"]
    ]
    assert dids == [("DELETE", known.dids[1].number), ("PUT", kept.number)]


def test_a_platform_that_does_not_tell_a_lines_numbers_is_served_all_the_same(
    sandbox, client, wanted, monkeypatch
):
    remote_id = push(client, wanted).remote_id
    get_line, update_line = client.get_line, client.update_line
    monkeypatch.setattr(client, "get_line", lambda i: replace(get_line(i), dids=None))
    monkeypatch.setattr(
        client, "update_line", lambda i, s: replace(update_line(i, s), dids=None)
    )
    kept, gone = wanted.dids
    known = replace(wanted, remote_id=remote_id, dids=(kept,), released=(gone.number,))
    assert push(client, known).error is None
    assert numbers_of(sandbox, remote_id) == {kept.number}


def test_a_line_that_vanished_there_is_made_again(sandbox, client, wanted):
    assert push(client, replace(wanted, remote_id=4711)).error is None
    assert matches(sandbox, wanted)


def test_a_cancelled_line_is_inactive_and_free_of_numbers(sandbox, client, wanted):
    push(client, wanted)
    final = replace(wanted, final=True, status=LineStatus.INACTIVE, dids=())
    # Also when we died before we knew its id.
    outcome = push(client, final)
    assert outcome.error is None
    (circuit,) = sandbox.ledger()["circuitos"]
    assert circuit["status"] == "inativo"
    assert numbers_of(sandbox, circuit["id"]) == set()


def test_a_cancelled_line_that_never_was_there_is_done(sandbox, client, wanted):
    final = replace(wanted, final=True, status=LineStatus.INACTIVE, dids=())
    outcome = push(client, final)
    assert outcome.error is None and outcome.remote_id is None
    assert sandbox.ledger()["circuitos"] == []


def test_a_status_lowered_by_somebody_there_is_asked_about(sandbox, client, wanted):
    remote_id = push(client, wanted).remote_id
    known = replace(wanted, remote_id=remote_id, pushed_status=LineStatus.ACTIVE)
    client.set_status(remote_id, LineStatus.BLOCKED)
    outcome = push(
        client, replace(known, settings=replace(known.settings, closing_day=9))
    )
    assert outcome.question is LineStatus.BLOCKED
    (circuit,) = sandbox.ledger()["circuitos"]
    assert circuit["status"] == "bloqueado"
    assert circuit["dia_fechamento"] == 9
    # Knowing of it, we may.
    known = replace(known, pushed_status=LineStatus.BLOCKED)
    assert push(client, known).question is None
    assert sandbox.ledger()["circuitos"][0]["status"] == "ativo"


def test_what_somebody_raised_there_is_not_taken_back_without_a_question(
    sandbox, client, wanted
):
    remote_id = push(client, wanted).remote_id
    blocked = replace(
        wanted,
        remote_id=remote_id,
        status=LineStatus.BLOCKED,
        pushed_status=LineStatus.BLOCKED,
    )
    assert push(client, blocked).question is LineStatus.ACTIVE
    assert sandbox.ledger()["circuitos"][0]["status"] == "ativo"
    # What is wanted anew is no taking back, and the end of a line asks nobody.
    lower = replace(blocked, status=LineStatus.INACTIVE)
    assert push(client, lower).question is None
    client.set_status(remote_id, LineStatus.ACTIVE)
    final = replace(lower, final=True, pushed_status=LineStatus.INACTIVE, dids=())
    assert push(client, final).question is None
    assert sandbox.ledger()["circuitos"][0]["status"] == "inativo"


def test_a_status_that_was_merely_read_is_not_taken_for_ours(sandbox, client, wanted):
    remote_id = push(client, wanted).remote_id
    known = replace(wanted, remote_id=remote_id, pushed_status=LineStatus.ACTIVE)
    client.set_status(remote_id, LineStatus.BLOCKED)
    bad = replace(known, settings=replace(known.settings, plan_remote_id=999_999))
    outcome = push(client, bad)
    assert outcome.error is not None and outcome.status is None
    # The question comes once the rest is put right.
    assert push(client, known).question is LineStatus.BLOCKED
    assert sandbox.ledger()["circuitos"][0]["status"] == "bloqueado"


@pytest.mark.parametrize(
    "status",
    [LineStatus.BLOCKED, LineStatus.PARTIALLY_BLOCKED, LineStatus.INACTIVE],
)
def test_a_closed_line_that_is_made_again_is_closed_again(
    sandbox, client, wanted, status
):
    gone = replace(wanted, remote_id=4711, status=status, pushed_status=status)
    outcome = push(client, gone)
    assert outcome.question is None and outcome.error is None
    assert outcome.status is status
    (circuit,) = sandbox.ledger()["circuitos"]
    assert circuit["status"] != "ativo"


@pytest.mark.parametrize("final", [False, True])
def test_an_id_that_is_another_lines_by_now_is_left_alone(
    sandbox, client, wanted, final
):
    stranger = replace(wanted.settings, reference="somebody-else")
    remote_id = push(client, replace(wanted, settings=stranger)).remote_id
    ours = replace(wanted, remote_id=remote_id, dids=(), final=final)
    if final:
        ours = replace(ours, status=LineStatus.INACTIVE)
    outcome = push(client, ours)
    assert outcome.error is None
    circuits = {c["referencia"]: c for c in sandbox.ledger()["circuitos"]}
    assert circuits["somebody-else"]["status"] == "ativo"
    assert len(numbers_of(sandbox, remote_id)) == 2
    assert ("line-1" in circuits) == (not final)
    assert outcome.remote_id != remote_id


def test_a_line_that_has_no_key_there_is_known_by_its_account_code(
    sandbox, client, wanted, monkeypatch
):
    """As a platform that was in use before has it: adopted, it is not made anew."""
    made = push(client, wanted)
    get_line = client.get_line
    monkeypatch.setattr(
        client, "get_line", lambda id_: replace(get_line(id_), reference="")
    )
    settings = replace(
        wanted.settings,
        reference="ours",
        account_code=made.account_code,
        customer_document=None,
        password=None,
    )
    known = replace(wanted, remote_id=made.remote_id, settings=settings)
    assert push(client, known).remote_id == made.remote_id
    (circuit,) = sandbox.ledger()["circuitos"]
    assert circuit["referencia"] == "ours"
    assert circuit["senha_set"]


def test_a_line_without_a_key_that_is_somebody_elses_is_left_alone(
    sandbox, client, wanted, monkeypatch
):
    other = push(client, replace(wanted, dids=()))
    get_line = client.get_line
    monkeypatch.setattr(
        client, "get_line", lambda id_: replace(get_line(id_), reference="")
    )
    settings = replace(
        wanted.settings,
        reference="ours",
        account_code="987654",
        customer_document="52998224725",
    )
    outcome = push(
        client, replace(wanted, remote_id=other.remote_id, settings=settings)
    )
    assert outcome.remote_id != other.remote_id
    assert sorted(c["referencia"] for c in sandbox.ledger()["circuitos"]) == [
        "line-1",
        "ours",
    ]


def test_lowering_a_status_needs_no_question(sandbox, client, wanted):
    remote_id = push(client, wanted).remote_id
    lower = replace(
        wanted,
        remote_id=remote_id,
        pushed_status=LineStatus.BLOCKED,
        status=LineStatus.INACTIVE,
    )
    assert push(client, lower).question is None
    assert sandbox.ledger()["circuitos"][0]["status"] == "inativo"


def test_a_number_of_another_line_is_named_and_what_was_learnt_is_kept(
    sandbox, client, wanted
):
    push(client, wanted)
    other = replace(wanted, settings=replace(wanted.settings, reference="line-2"))
    outcome = push(client, other)
    assert isinstance(outcome.error, Conflict)
    assert outcome.conflicting_number == wanted.dids[0].number
    assert outcome.remote_id and outcome.account_code


def test_numbers_change_lines_when_all_let_go_first(sandbox, client, wanted):
    one = replace(wanted, dids=wanted.dids[:1])
    two = replace(
        wanted,
        settings=replace(wanted.settings, reference="line-2"),
        dids=wanted.dids[1:],
    )
    one = replace(one, remote_id=push(client, one).remote_id, dids=two.dids)
    two = replace(two, remote_id=push(client, two).remote_id, dids=wanted.dids[:1])
    begun = [begin_push(client, wanted) for wanted in (one, two)]
    outcomes = [finish_push(client, progress) for progress in begun]
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert numbers_of(sandbox, one.remote_id) == {one.dids[0].number}


def test_a_refusal_comes_in_the_platforms_words_by_field(client, wanted):
    bad = replace(wanted, settings=replace(wanted.settings, plan_remote_id=99999))
    outcome = push(client, bad)
    assert isinstance(outcome.error, RequestRefused)
    assert not outcome.error.transient
    assert "plano_id" in outcome.error.errors


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("skip", range(7))
def test_cut_off_at_any_request_and_repeated_it_ends_the_same(
    sandbox, client, wanted, skip, when
):
    client.ensure_token()
    sandbox.fault("*", "cut", when=when, skip=skip, times=3)
    known = wanted
    for _attempt in range(6):
        outcome = push(client, known)
        if outcome.error is None:
            break
        assert isinstance(outcome.error, Unreachable)
        known = replace(known, remote_id=outcome.remote_id or known.remote_id)
    assert outcome.error is None
    assert matches(sandbox, wanted)
