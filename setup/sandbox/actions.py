"""What a fault does to a request or its answer: one function a kind of trouble.

Each takes the fault, the answer (None before the request was processed) and the
request. What it returns is answered; a ``before`` action that returns None lets the
request go on. A new kind is one function and its line in ``ACTIONS``.
"""

import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, NamedTuple

from werkzeug.wrappers import Request

from .web import REPEAT_PAGE, Answer, Refusal, dumps, json_answer

Fault = dict[str, Any]

BEFORE, AFTER = "before", "after"
#: Codes whose answers carry Retry-After in the contract.
WITH_RETRY_AFTER = (429, 503)
#: The ways in which Retry-After may be written.
RETRY_FORMS = ("seconds", "date")
HTML = "text/html; charset=utf-8"

PORTAL = """<!DOCTYPE html>
<html><head><title>Acesso à rede</title></head>
<body><h1>Identifique-se para navegar</h1><form><input name="cpf"></form></body></html>
"""


class Cut(ConnectionAbortedError):
    """The connection is closed without an answer."""


class Silence(Cut):
    """There is no answer either, but the connection stays open."""


def _status(fault: Fault, answer: Answer | None, request: Request) -> Answer:
    """Answers ``status`` with ``body`` (text, or JSON), ``headers``, ``retry_after``.

    ``retry_after`` is a number of seconds, sent as it is or, with ``retry_as`` "date",
    as the moment that lies so far ahead; a text is sent to the letter. 429 and 503
    have one of a second by themselves.
    """
    status = fault["status"]
    headers = {name: str(value) for name, value in fault.get("headers", {}).items()}
    if "retry_after" in fault or status in WITH_RETRY_AFTER:
        headers.setdefault("Retry-After", _retry_after(fault))
    body = fault.get("body", "")
    if isinstance(body, str):
        kind = HTML if body.startswith("<") else "text/plain"
        return Answer(status, body.encode(), headers, kind)
    return Answer(status, dumps(body).encode(), headers)


def _retry_after(fault: Fault) -> str:
    pause = fault.get("retry_after", 1)
    if fault.get("retry_as") == "date":
        return formatdate(time.time() + pause, usegmt=True)
    return str(pause)


def _delay(fault: Fault, answer: Answer | None, request: Request) -> Answer | None:
    """Waits ``seconds``, then goes on."""
    time.sleep(fault["seconds"])
    return answer


def _silence(fault: Fault, answer: Answer | None, request: Request) -> Answer:
    """Never answers; ends when the client goes away or the sandbox stops."""
    raise Silence


def _cut(fault: Fault, answer: Answer | None, request: Request) -> Answer:
    """Closes the connection without an answer."""
    raise Cut


def _cut_body(fault: Fault, answer: Answer | None, request: Request) -> Answer:
    """Closes the connection in the middle of the body; at once if there is none."""
    answer = answer or _unprocessed()
    if not answer.body:
        raise Cut
    answer.headers |= {"Content-Length": str(len(answer.body)), "Connection": "close"}
    answer.body = answer.body[: len(answer.body) // 2]
    return answer


def _broken(fault: Fault, answer: Answer | None, request: Request) -> Answer:
    """A whole answer whose body is no JSON: ``body``, else its JSON cut in half."""
    answer = answer or _unprocessed()
    if "body" in fault:
        answer.body = fault["body"].encode()
    else:
        answer.body = answer.body[: len(answer.body) // 2]
    return answer


def _unprocessed() -> Answer:
    """What is spoilt when the request was not processed."""
    return json_answer({"message": "Em processamento."})


def _foreign(fault: Fault, answer: Answer | None, request: Request) -> Answer:
    """200 with somebody else's page: a captive portal's, or ``body``."""
    return Answer(200, fault.get("body", PORTAL).encode(), content_type=HTML)


def _repeat_page(fault: Fault, answer: Answer | None, request: Request) -> None:
    """The page before is answered once more, with its own ``meta`` or ``proximo``."""
    request.environ[REPEAT_PAGE] = True


def _expire_cursor(fault: Fault, answer: Answer | None, request: Request) -> Answer:
    """410: the window is to be read again from its start."""
    return Refusal(410, "O cursor expirou: leia a janela desde o início.").answer()


def _any(request: Request) -> bool:
    return True


def _has_cursor(request: Request) -> bool:
    return "cursor" in request.args


def _has_page_before(request: Request) -> bool:
    return _has_cursor(request) or request.args.get("page", "1") != "1"


class Action(NamedTuple):
    """One kind of trouble."""

    run: Callable[[Fault, Answer | None, Request], Answer | None]
    #: The members of a fault that only this action has.
    members: tuple[str, ...] = ()
    #: When it can happen; the first is the default.
    phases: tuple[str, ...] = (BEFORE, AFTER)
    #: Which requests it can happen to.
    fits: Callable[[Request], bool] = _any


ACTIONS: dict[str, Action] = {
    "status": Action(_status, ("status", "body", "headers", "retry_after", "retry_as")),
    "delay": Action(_delay, ("seconds",)),
    "silence": Action(_silence),
    "cut": Action(_cut),
    "cut_body": Action(_cut_body, phases=(AFTER, BEFORE)),
    "broken": Action(_broken, ("body",), (AFTER, BEFORE)),
    "foreign": Action(_foreign, ("body",)),
    "repeat_page": Action(_repeat_page, phases=(BEFORE,), fits=_has_page_before),
    "expire_cursor": Action(_expire_cursor, phases=(BEFORE,), fits=_has_cursor),
}
