"""The HTTP server: routes of the contract, and one request's way."""

import re
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import ThreadedWSGIServer
from werkzeug.wrappers import Request, Response

from . import (
    auth,
    calls,
    catalog,
    control,
    dialect,
    dids,
    faults,
    ledger,
    lines,
    registration,
    seed,
)
from .actions import Cut
from .handler import Handler
from .options import API_PREFIX, CONTROL_PREFIX, Options
from .store import Store
from .web import LARGEST_INTEGER, Answer, Context, Refusal, not_found

Endpoint = Callable[..., Answer]

API_BODY_BYTES = 1_000_000
CONTROL_BODY_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Route:
    """One operation of the contract, or of the control paths."""

    method: str
    template: str
    endpoint: Endpoint
    needs_token: bool = True
    #: The operations for which the contract names 429.
    rate_limited: bool = False
    is_control: bool = False

    @property
    def rule(self) -> Rule:
        prefix = CONTROL_PREFIX if self.is_control else API_PREFIX
        path = prefix + self.template.replace("{", "<").replace("}", ">")
        return Rule(path, methods=[self.method], endpoint=self)

    @property
    def writes(self) -> bool:
        return self.method != "GET"


ROUTES = (
    Route("POST", "/auth/login", auth.login, needs_token=False, rate_limited=True),
    Route("POST", "/auth/refresh", auth.refresh, needs_token=False),
    Route("GET", "/planos", catalog.list_plans),
    Route("GET", "/grupos", catalog.list_groups),
    Route("GET", "/dids", dids.list_dids),
    Route("GET", "/circuitos", lines.list_lines),
    Route("POST", "/circuitos", lines.create, rate_limited=True),
    Route("GET", "/circuitos/{id}", lines.show),
    Route("PUT", "/circuitos/{id}", lines.change),
    Route("PUT", "/circuitos/{id}/status", lines.set_status),
    Route("PUT", "/circuitos/{id}/dids/{numero}", dids.give),
    Route("DELETE", "/circuitos/{id}/dids/{numero}", dids.free),
    Route("GET", "/circuitos/{id}/registro", registration.show),
    Route("GET", "/ligacoes", calls.list_calls, rate_limited=True),
    *(
        Route(method, path, endpoint, needs_token=False, is_control=True)
        for (method, path), endpoint in control.ROUTES.items()
    ),
)


class RateLimit:
    """So many requests in each second of the clock; the rest wait for the next."""

    def __init__(self, per_second: int):
        self._per_second = per_second
        self._lock = threading.Lock()
        self._second = 0
        self._taken = 0
        self._refused = 0

    def take(self) -> None:
        """:raises Refusal: 429, with Retry-After in both of its forms by turns"""
        if not self._per_second:
            return
        with self._lock:
            second = int(time.time())
            if second != self._second:
                self._second, self._taken = second, 0
            self._taken += 1
            if self._taken <= self._per_second:
                return
            self._refused += 1
            as_date = self._refused % 2 == 0
        wait = formatdate(second + 2, usegmt=True) if as_date else "1"
        raise Refusal(429, "Muitas requisições.", headers={"Retry-After": wait})


class Sandbox:
    """The WSGI application."""

    def __init__(self, store: Store, options: Options):
        self.store = store
        self.options = options
        self._rate_limit = RateLimit(options.rate_limit)
        self._routes = Map(
            [route.rule for route in ROUTES],
            strict_slashes=True,
            merge_slashes=False,
        )
        if store.is_new:
            with store.write() as db:
                seed.fill(db, options.seed, options.faults)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """:raises Cut: when the connection is to be closed unanswered"""
        environ[ledger.BEGAN] = time.time()
        request = Request(environ, populate_request=False)
        try:
            answer = self._answer(request)
        except Refusal as refusal:
            answer = refusal.answer()
        except HTTPException as error:
            # 404, 405 and 413, in the contract's form.
            answer = Refusal(error.code or 500, error.description or "").answer()
            answer.headers.update(
                (name, value) for name, value in error.get_headers() if name == "Allow"
            )
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001  a slip of the sandbox is answered, not hidden
            traceback.print_exc(file=sys.stderr)
            answer = Refusal(500, "Erro interno.").answer()
        response = Response(
            # As bytes it would set a Content-Length of its own.
            [answer.body],
            status=answer.status,
            headers=answer.headers,
            content_type=answer.content_type,
        )
        if answer.content_type is None:
            response.headers.remove("Content-Type")
        return response(environ, start_response)

    def _answer(self, request: Request) -> Answer:
        body = self._read_body(request)
        adapter = self._routes.bind("sandbox")
        route, arguments = adapter.match(request.path, request.method)
        if route.is_control:
            return self._run_control(request, route, arguments, body)
        earliest = time.monotonic() + self.options.latency
        try:
            return self._answer_api(request, route, arguments, body)
        finally:
            time.sleep(max(0, earliest - time.monotonic()))

    def _answer_api(
        self,
        request: Request,
        route: Route,
        arguments: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        path = request.path.removeprefix(API_PREFIX)
        with self.store.read() as db:
            spoken = dialect.current(db)
        if spoken is not None:
            request = spoken.asked(request)
            body = spoken.read_body(body)
        answer = self._answer_by_contract(request, route, path, arguments, body)
        return answer if spoken is None else spoken.said(answer)

    def _answer_by_contract(
        self,
        request: Request,
        route: Route,
        path: str,
        arguments: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        fault = self._take_fault(request, route, path)
        kind = f"{fault['action']} {fault['when']}" if fault else None
        try:
            early = faults.apply(fault, "before", None, request)
        except Cut:
            self._record_untouched(request, route, path, body, 0, kind)
            raise
        if early is not None:
            self._record_untouched(request, route, path, body, early.status, kind)
            return early
        answer = self._run(request, route, path, arguments, body, kind)
        changed = faults.apply(fault, "after", answer, request)
        assert changed is not None
        return changed

    def _read_body(self, request: Request) -> bytes:
        """The whole body, so that the connection can take another request."""
        is_control = request.path.startswith(CONTROL_PREFIX)
        request.max_content_length = (
            CONTROL_BODY_BYTES if is_control else API_BODY_BYTES
        )
        return request.get_data()

    def _take_fault(
        self, request: Request, route: Route, path: str
    ) -> faults.Fault | None:
        with self.store.read() as db:
            if not faults.waiting(db):
                return None
        with self.store.write() as db:
            return faults.take(db, request, route.template, path)

    def _record_untouched(
        self,
        request: Request,
        route: Route,
        path: str,
        body: bytes,
        status: int,
        fault: str | None,
    ) -> None:
        """A request that a fault kept from being processed."""
        with self.store.write() as db:
            ledger.count(db, route.method, route.template, status)
            if route.writes:
                context = Context(request, body, db, self.options)
                ledger.remember(
                    context, route.method, route.template, path, None, fault
                )

    def _run(
        self,
        request: Request,
        route: Route,
        path: str,
        arguments: Mapping[str, str],
        body: bytes,
        fault: str | None,
    ) -> Answer:
        """Process, and write down in the same transaction what was processed."""
        if not route.writes:
            with self.store.read() as db:
                context = Context(request, body, db, self.options)
                answer = self._call(context, route, arguments)
            with self.store.write() as db:
                ledger.count(db, route.method, route.template, answer.status)
            return answer
        with self.store.write() as db:
            context = Context(request, body, db, self.options)
            db.execute("SAVEPOINT request")
            answer = self._call(context, route, arguments)
            if answer.status >= 400:
                db.execute("ROLLBACK TO request")
            ledger.count(db, route.method, route.template, answer.status)
            ledger.remember(
                context, route.method, route.template, path, answer.status, fault
            )
        return answer

    def _call(
        self, context: Context, route: Route, arguments: Mapping[str, str]
    ) -> Answer:
        try:
            if route.rate_limited:
                self._rate_limit.take()
            if route.needs_token:
                auth.require_token(context)
            return self._call_endpoint(context, route, arguments)
        except Refusal as refusal:
            return refusal.answer()

    def _call_endpoint(
        self, context: Context, route: Route, arguments: Mapping[str, str]
    ) -> Answer:
        values: dict[str, Any] = dict(arguments)
        if "id" in values:
            values["line_id"] = _line_id(context, values.pop("id"))
        return route.endpoint(context, **values)

    def _run_control(
        self,
        request: Request,
        route: Route,
        arguments: Mapping[str, str],
        body: bytes,
    ) -> Answer:
        transaction = self.store.write if route.writes else self.store.read
        with transaction() as db:
            context = Context(request, body, db, self.options)
            return self._call_endpoint(context, route, arguments)


def _line_id(context: Context, text: str) -> int:
    """:raises Refusal: 404 when there is no such line"""
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > LARGEST_INTEGER:
        raise not_found("Circuito")
    return lines.find(context.db, int(text))["id"]


class Server(ThreadedWSGIServer):
    """Listens at once, serves after :meth:`serve_forever`."""

    daemon_threads = True
    # Clients that open many connections at once wait instead of being refused.
    request_queue_size = 512

    def __init__(self, bind: str, port: int, state: Path, options: Options):
        self.store = Store(state)
        super().__init__(bind, port, Sandbox(self.store, options), Handler)

    @property
    def address(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{API_PREFIX}"
