"""Pages read ahead in a thread, and asked for again when they do not come."""

import json
import threading

import pytest
from gateway import (
    CredentialsRefused,
    NotUnderstood,
    Patience,
    RateLimited,
    ReadAhead,
    Unreachable,
)
from gateway_server import make_client
from test_gateway_paging import CALL, WINDOW


def read_ahead(items, depth=2):
    return ReadAhead(items, depth, threading.Event())


def test_all_comes_in_order_and_then_it_ends():
    ahead = read_ahead(range(50))
    assert list(ahead) == list(range(50))
    ahead.close()


def test_what_was_read_before_trouble_comes_before_it():
    def items():
        yield 1
        yield 2
        raise Unreachable("gone")

    ahead, got = read_ahead(items()), []
    with pytest.raises(Unreachable, match="gone"):
        for item in ahead:
            got.append(item)
    assert got == [1, 2]
    ahead.close()


def test_it_reads_no_further_ahead_than_it_may():
    taken, enough = [], threading.Event()

    def items():
        for number in range(100):
            taken.append(number)
            if len(taken) == 4:
                enough.set()
            yield number

    ahead = read_ahead(items())
    next(iter(ahead))
    assert enough.wait(10)
    # One was taken away, two wait, and one more is in hand.
    assert len(taken) == 4
    ahead.close()
    assert len(taken) <= 5


def test_closed_in_the_middle_it_asks_nobody_any_more():
    before = threading.active_count()
    ahead = read_ahead(iter(int, 1))
    assert next(iter(ahead)) == 0
    ahead.close()
    assert threading.active_count() == before


def test_one_that_waits_for_another_ends_with_it():
    before = threading.active_count()
    stopped, asked = threading.Event(), threading.Event()

    def items():
        yield 1
        asked.set()
        stopped.wait(10)

    first = ReadAhead(items(), 2, stopped)
    second = ReadAhead((item for item in first), 2, stopped)
    assert next(iter(second)) == 1
    assert asked.wait(10)
    second.close()
    first.close()
    assert threading.active_count() == before


def failing(*errors):
    left = list(errors)

    def request():
        if left:
            raise left.pop(0)
        return "page"

    return request


def test_trouble_that_passes_is_waited_for():
    waited = []
    patience = Patience((1.0, 2.0), waited.append)
    request = failing(Unreachable("cut"), NotUnderstood("<html>"))
    assert patience.ask(request) == "page"
    assert 0.7 <= waited[0] <= 1.3 and 1.4 <= waited[1] <= 2.6


def test_a_pause_that_the_platform_asks_for_is_kept():
    waited = []
    patience = Patience((1.0,), waited.append)
    assert patience.ask(failing(RateLimited("slow", 7.0))) == "page"
    assert waited == [7.0]


@pytest.mark.parametrize(
    "error", [CredentialsRefused("no"), RateLimited("later", 3600.0)]
)
def test_what_no_repeating_helps_is_told_at_once(error):
    waited = []
    with pytest.raises(type(error)):
        Patience((1.0, 1.0), waited.append).ask(failing(error))
    assert not waited


def test_patience_ends_and_so_it_does_when_it_is_told_to():
    errors = [Unreachable(str(number)) for number in range(5)]
    with pytest.raises(Unreachable, match="2"):
        Patience((0, 0), lambda _seconds: None).ask(failing(*errors))
    with pytest.raises(Unreachable, match="0"):
        Patience((0, 0), lambda _seconds: True).ask(failing(*errors))


def test_a_page_from_before_is_asked_for_again(server):
    first = {"data": [CALL], "proximo": "a"}
    last = {"data": [{**CALL, "id": "2"}], "proximo": None}
    pages = [first, first, first, last]
    server.routes["GET /ligacoes"] = lambda h: h.answer(200, pages.pop(0))
    with make_client(server.url) as client:
        read = list(client.iter_call_pages(*WINDOW))
    assert [call.remote_id for page in read for call in page.calls] == ["1", "2"]


def test_pages_that_break_off_or_are_none_are_asked_for_again(server):
    good = json.dumps({"data": [CALL], "proximo": None}).encode()
    answers = [(500, b"{}"), (200, b"<html>"), (200, good[:20]), (200, good)]
    server.routes["GET /ligacoes"] = lambda h: h.answer(*answers.pop(0))
    patience = Patience((0, 0, 0), lambda _seconds: None)
    with make_client(server.url) as client:
        (page,) = client.iter_call_pages(*WINDOW, patience=patience)
    assert [call.remote_id for call in page.calls] == ["1"]
