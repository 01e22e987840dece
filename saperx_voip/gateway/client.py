"""The platform's paths as methods, with tokens and paging; nothing of Odoo."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from . import wire
from .errors import (
    CredentialsRefused,
    GatewayError,
    LoginExpired,
    NotUnderstood,
    RequestRefused,
)
from .exchange import Exchange, Look, Topic
from .masking import mask, quotable
from .patience import IMPATIENT, Patience
from .records import (
    CallPage,
    Credentials,
    Did,
    DidTerms,
    Group,
    Line,
    LineSettings,
    LineStatus,
    Plan,
    Registration,
    Reject,
    Tokens,
)
from .timed import deadline
from .tokens import TokenStore
from .transport import Transport
from .wire import Malformed

MAX_BYTES = 64 * 1024 * 1024
MAX_PAGES = 1_000_000
# So many pages that bring nothing new, one after the other, have no end.
MAX_STALE_PAGES = 20
# So often a page is asked for again that came as one from before.
MAX_REPEATED_PAGES = 3


class Client:
    """Speaks to one account. Usable from several threads; close it after use.

    :param base_url: address of the API, e.g. ``https://host/api/v2``
    :param token_store: see ``tokens.TokenStore``
    :param timezone: of the account: its timestamps carry none
    :param total_timeout: seconds for one exchange; see ``deadline`` for several
    :param verify: False, or a file of certificates, as ``requests`` takes it
    :param on_exchange: called after each request, in the thread that asked, with
        secrets masked; what it raises is logged and forgotten
    :param on_close: called when the client is closed
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        token_store: TokenStore,
        *,
        timezone: str,
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
        total_timeout: float = 300.0,
        max_bytes: int = MAX_BYTES,
        verify: bool | str = True,
        on_exchange: Callable[[Exchange], None] | None = None,
        on_close: Callable[[], None] | None = None,
    ):
        self._credentials = credentials
        self._store = token_store
        self._tokens: Tokens | None = None
        self._on_close = on_close
        # Our references of the lines that were spoken of, by the platform's ids.
        self._references: dict[int, str] = {}
        self._zone = ZoneInfo(timezone)
        self._transport = Transport(
            base_url,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            total_timeout=total_timeout,
            max_bytes=max_bytes,
            verify=verify,
            observer=on_exchange,
        )

    def __repr__(self):
        return f"<Client of {self._transport.host}>"

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self) -> None:
        self._transport.close()
        if self._on_close is not None:
            self._on_close()

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Bounds, in this thread, all that is asked within the block."""
        return deadline(seconds)

    # Tokens

    def login(self) -> Tokens:
        """``POST /auth/login``, past the store.

        :raise CredentialsRefused: in the platform's own words
        """
        try:
            body = self._transport.send(
                "POST",
                wire.LOGIN,
                topic=Topic(wire.LOGIN, is_private=True),
                body=wire.encode_credentials(self._credentials),
                secrets=self._secrets,
            )
        except RequestRefused as error:
            if error.status in (401, 403):
                named = wire.credentials_named(str(error))
                raise CredentialsRefused(str(error), named) from error
            if error.status in (404, 405):
                raise NotUnderstood("it knows no login") from error
            raise
        return wire.decode_tokens(body, _now())

    def ensure_token(self) -> None:
        """Have a token that lives for a while, before several threads need one."""
        self._token()

    def _token(self) -> Tokens:
        # Those of the last request, while they live: if somebody renewed them since,
        # the platform's 401 leads to theirs.
        tokens = self._tokens
        if tokens is None or tokens.expires_at <= _now():
            tokens = self._store.get()
        if tokens is None or tokens.expires_at <= _now():
            tokens = self._store.renew(tokens, self._obtain)
        self._tokens = tokens
        return tokens

    def _obtain(self, stored: Tokens | None) -> Tokens:
        if stored is not None:
            # Used up, or not known at all: the credentials may still serve.
            with suppress(RequestRefused, NotUnderstood):
                body = self._transport.send(
                    "POST",
                    wire.REFRESH,
                    topic=Topic(wire.REFRESH, is_private=True),
                    body=wire.encode_refresh(stored),
                    secrets=(*self._secrets, stored.access, stored.refresh),
                )
                return wire.decode_tokens(body, _now())
        return self.login()

    @property
    def _secrets(self):
        """What no text that quotes an answer may show."""
        given, tokens = self._credentials, self._tokens
        found = given.password, given.api_key, given.api_secret
        return found if tokens is None else (*found, tokens.access, tokens.refresh)

    def _send(
        self,
        method,
        path,
        *,
        topic=None,
        query=None,
        body=None,
        secrets=(),
        witness=None,
    ) -> bytes:
        """One request with a token; a 401 leads to one refresh, then one login."""
        tokens = self._token()
        for renew in (self._obtain, lambda _stored: self.login(), None):
            self._tokens = tokens
            try:
                return self._transport.send(
                    method,
                    path,
                    topic=topic,
                    query=query,
                    body=body,
                    token=tokens.access,
                    # Another thread may have others by now.
                    secrets=(*self._secrets, tokens.access, tokens.refresh, *secrets),
                    witness=witness,
                )
            except RequestRefused as error:
                if error.status != 401:
                    raise
                if renew is None:
                    raise LoginExpired(
                        "the platform refuses the token that it just gave: "
                        f"{error.message}"
                    ) from error
                tokens = self._store.renew(tokens, renew)
        raise AssertionError("unreachable")

    def look(self, template: str, query: dict | None = None, **parts) -> Look:
        """``GET`` as the platform answers it, for whoever compares it with the
        contract. Raises nothing of ``errors.py``.

        :param template: the path, e.g. ``/circuitos/{id}``; ``parts`` fill it
        """
        seen: list[tuple[int, str, bytes]] = []
        began, error = time.monotonic(), None
        try:
            self._send(
                "GET",
                template.format(**parts),
                topic=Topic(template, is_private=True),
                query=query,
                witness=lambda *answer: seen.append(answer),
            )
        except GatewayError as caught:
            error = caught
        milliseconds = round((time.monotonic() - began) * 1000)
        # Of the last attempt, should a token have been renewed before it.
        status, content_type, body = seen[-1] if seen else (None, "", b"")
        return Look(status, content_type, body, milliseconds, error)

    @property
    def zone(self) -> ZoneInfo:
        return self._zone

    # Listings

    def iter_plans(self, scope: str | None = None) -> Iterator[Plan | Reject]:
        """``GET /planos``. :param scope: ``national``, ``international`` or all"""
        return self._iter_pages(wire.PLANS, wire.decode_plan, wire.plan_filter(scope))

    def iter_groups(self) -> Iterator[Group | Reject]:
        """``GET /grupos``"""
        return self._iter_pages(wire.GROUPS, wire.decode_group, {})

    def iter_dids(
        self, in_use: bool | None = None, area_code: str | None = None
    ) -> Iterator[Did | Reject]:
        """``GET /dids``"""
        return self._iter_pages(
            wire.DIDS, wire.decode_did, wire.did_filter(in_use, area_code)
        )

    def iter_lines(
        self,
        reference: str | None = None,
        account_code: str | None = None,
        updated_since: datetime | None = None,
        *,
        patience: Patience = IMPATIENT,
    ) -> Iterator[Line | Reject]:
        """``GET /circuitos``.

        :param updated_since: naive UTC
        :param patience: with a page that does not come, or not as one
        """
        filters = wire.line_filter(reference, account_code, updated_since, self._zone)
        topic = Topic(wire.LINES, reference=reference)
        return self._iter_pages(wire.LINES, wire.decode_line, filters, topic, patience)

    def _iter_pages(self, path, decode, filters, topic=None, patience=IMPATIENT):
        """Records of all pages; one that cannot be read comes as a ``Reject``."""
        query, seen, stale = wire.page_query(**filters), set(), 0
        for _page in range(MAX_PAGES):
            raws, query = patience.ask(lambda q=query: self._page(path, topic, q))
            known = len(seen)
            for raw in raws:
                record = self._decode_or_reject(decode, raw)
                # A record that moved to the next page while we read comes once.
                key = record if isinstance(record, Reject) else _key(record)
                if key not in seen:
                    seen.add(key)
                    yield record
            if query is None:
                return
            stale = self._still_stale(stale, len(seen) > known, path)
        raise NotUnderstood(f"{path}: more than {MAX_PAGES} pages")

    def _page(self, path, topic, query):
        body = self._send("GET", path, topic=topic, query=query)
        try:
            return wire.decode_page(body, query)
        except NotUnderstood as error:
            raise NotUnderstood(f"{path}: {error}") from error

    def _decode_or_reject(self, decode, raw):
        try:
            return decode(raw, self._zone)
        except Malformed as error:
            return self._masked(wire.reject(raw, error))

    def _masked(self, reject: Reject) -> Reject:
        raw, reason = (mask(t, self._secrets) for t in (reject.raw, reject.reason))
        return replace(reject, raw=raw, reason=reason)

    def _still_stale(self, stale: int, is_new: bool, path: str) -> int:
        """How many pages in a row brought nothing new. :raise NotUnderstood:"""
        stale = 0 if is_new else stale + 1
        if stale >= MAX_STALE_PAGES:
            raise NotUnderstood(f"{path}: page after page with nothing new")
        return stale

    # Lines

    def create_line(self, settings: LineSettings) -> Line:
        """``POST /circuitos``. :raise Conflict: with the id of the one that exists"""
        topic = Topic(wire.LINES, reference=settings.reference)
        body, secrets = wire.encode_line(settings), (settings.password,)
        return self._line("POST", wire.LINES, topic, body, secrets)

    def get_line(self, remote_id: int) -> Line:
        """``GET /circuitos/{id}``. :raise NotFound:"""
        path = wire.LINE.format(id=remote_id)
        return self._line("GET", path, self._topic(wire.LINE, remote_id))

    def update_line(self, remote_id: int, settings: LineSettings) -> Line:
        """``PUT /circuitos/{id}``. :raise NotFound: :raise RequestRefused:"""
        path = wire.LINE.format(id=remote_id)
        topic = self._topic(wire.LINE, remote_id, settings.reference)
        body, secrets = wire.encode_line(settings), (settings.password,)
        return self._line("PUT", path, topic, body, secrets)

    def set_status(self, remote_id: int, status: LineStatus) -> Line:
        """``PUT /circuitos/{id}/status``"""
        path = wire.LINE_STATUS.format(id=remote_id)
        topic = self._topic(wire.LINE_STATUS, remote_id)
        return self._line("PUT", path, topic, wire.encode_status(status))

    def put_did(self, remote_id: int, terms: DidTerms) -> Did:
        """``PUT /circuitos/{id}/dids/{numero}``, repeatable.

        :raise Conflict: the number belongs to another line
        """
        path = wire.did_path(remote_id, terms.number)
        topic = self._topic(wire.LINE_DID, remote_id)
        body = self._send("PUT", path, topic=topic, body=wire.encode_did(terms))
        return self._understand(wire.decode_did, body)

    def delete_did(self, remote_id: int, number: str) -> None:
        """``DELETE /circuitos/{id}/dids/{numero}``, repeatable"""
        path = wire.did_path(remote_id, number)
        self._send("DELETE", path, topic=self._topic(wire.LINE_DID, remote_id))

    def get_registration(self, remote_id: int) -> Registration:
        """``GET /circuitos/{id}/registro``"""
        path = wire.LINE_REGISTRATION.format(id=remote_id)
        topic = self._topic(wire.LINE_REGISTRATION, remote_id)
        body = self._send("GET", path, topic=topic)
        return self._understand(wire.decode_registration, body)

    def _topic(self, template, remote_id, reference=None):
        reference = reference or self._references.get(remote_id)
        return Topic(template, remote_id, reference)

    def _line(self, method, path, topic, body=None, secrets=()):
        answer = self._send(method, path, topic=topic, body=body, secrets=secrets)
        line = self._understand(wire.decode_line, answer, secrets)
        self._references[line.remote_id] = line.reference
        return line

    def _understand(self, decode, body, secrets=()):
        try:
            return decode(body, self._zone)
        except Malformed as error:
            reason = quotable(str(error), (*self._secrets, *secrets))
        raise NotUnderstood(reason)

    # Calls

    def iter_call_pages(
        self,
        start: datetime,
        end: datetime,
        *,
        cursor: str | None = None,
        line_remote_id: int | None = None,
        limit: int = 1000,
        patience: Patience = IMPATIENT,
    ) -> Iterator[CallPage]:
        """``GET /ligacoes``: calls that began in [start, end), naive UTC.

        :param cursor: where an earlier reading stopped
        :param patience: with a page that does not come, or not as one
        :raise CursorExpired: read the window again from its beginning
        """
        # Their hashes: a month may have many, and they may be long.
        cursors, before, stale = {hash(cursor)}, frozenset(), 0
        # Whom people call is nobody's business.
        topic = Topic(wire.CALLS, line_remote_id, is_private=True)
        repeated = 0
        for _page in range(MAX_PAGES):
            query = wire.call_query(
                start, end, cursor, line_remote_id, limit, self._zone
            )
            page = patience.ask(lambda q=query: self._call_page(q, topic))
            if page.cursor is not None and hash(page.cursor) in cursors:
                repeated += 1
                if repeated > MAX_REPEATED_PAGES:
                    raise NotUnderstood(f"{wire.CALLS}: the same page again and again")
                # One from before, as a cache on the way gives it.
                continue
            repeated = 0
            yield page
            if page.cursor is None:
                return
            cursor = page.cursor
            cursors.add(hash(cursor))
            held = {call.remote_id for call in page.calls} | set(page.rejects)
            stale = self._still_stale(stale, not held <= before, wire.CALLS)
            before = held
        raise NotUnderstood(f"{wire.CALLS}: more than {MAX_PAGES} pages")

    def _call_page(self, query, topic) -> CallPage:
        body = self._send("GET", wire.CALLS, topic=topic, query=query)
        page = wire.decode_call_page(body, self._zone, query)
        if page.rejects:
            page = replace(page, rejects=tuple(map(self._masked, page.rejects)))
        return page


def _key(record: Plan | Group | Did | Line):
    return record.number if isinstance(record, Did) else record.remote_id


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
