"""One HTTP exchange: timeouts, bounds, retries of what is safe, errors by meaning.

Knows no path and no field of the platform.
"""

import email.utils
import logging
import random
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from urllib3.util import Retry

from .body import ACCEPTED_ENCODING, decoded
from .errors import (
    CertificateRefused,
    Conflict,
    CursorExpired,
    NotFound,
    NotUnderstood,
    RateLimited,
    RequestRefused,
    Unreachable,
)
from .exchange import Draft, Exchange, Topic
from .masking import mask, plain, quotable
from .timed import TimedAdapter, deadline, seconds_left
from .wire import decode_error

_logger = logging.getLogger(__name__)

POOL_SIZE = 32
CHUNK_BYTES = 64 * 1024
PAGE_CHARS = 4096
REDIRECTS = 3
# No platform makes us wait longer than this by a Retry-After.
LONGEST_PAUSE_SECONDS = 24 * 3600
# Of an error's fields, and of the texts of each, so many are told.
FIELDS_TOLD = 20
TEXTS_TOLD = 5
# What the library repeats by itself: methods that may be sent twice, when nothing came
# back. Answers with a status, and their pauses, are for whoever asked.
SAFE_METHODS = frozenset({"GET", "PUT", "DELETE"})
RETRIES = 2

# What the libraries may raise, besides their own errors, for what a server sends.
_TROUBLE = (
    requests.exceptions.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    ValueError,
)


class _Bearer(requests.auth.AuthBase):
    """Also keeps a ``.netrc`` from putting somebody else's credentials in."""

    def __init__(self, token: str | None):
        self._token = token

    def __call__(self, request):
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class _Retry(Retry):
    """Repeats what broke off, not what was waited for in vain already."""

    def increment(self, method=None, url=None, response=None, error=None, **more):
        if isinstance(error, urllib3.exceptions.ReadTimeoutError):
            raise error
        seconds_left()
        _logger.info("%s %s broke off, trying again", method, url)
        return super().increment(method, url, response, error, **more)

    def get_backoff_time(self):
        # Jitter by hand: the library's own came with its second major release, and
        # Odoo 19 runs on the first as well.
        return super().get_backoff_time() * random.uniform(0.5, 1.5)  # noqa: S311


class _OwnRetries(logging.Filter):
    """Keeps the library's warnings of our retries, which are ordinary, out of the
    log: what they come to in the end is an error that somebody handles."""

    def filter(self, record):
        arguments = record.args if isinstance(record.args, tuple) else ()
        return not any(isinstance(argument, _Retry) for argument in arguments)


logging.getLogger("urllib3.connectionpool").addFilter(_OwnRetries())


class Transport:
    """Sends requests below one base URL; usable from several threads at once.

    :param connect_timeout: seconds; so is ``read_timeout``, between two reads
    :param total_timeout: seconds for one exchange, to the end of its answer
    :param max_bytes: the most that an answer may hold, decompressed
    :param observer: called with an ``Exchange`` after each request, in its thread
    :raise Unreachable: if the base URL is none
    """

    def __init__(
        self,
        base_url,
        *,
        connect_timeout,
        read_timeout,
        total_timeout,
        max_bytes,
        verify,
        observer: Callable[[Exchange], None] | None = None,
    ):
        self._base = base_url.rstrip("/")
        try:
            parts = urlsplit(self._base)
        except ValueError:
            raise Unreachable("the address is no URL") from None
        self._origin = (parts.scheme, parts.netloc)
        self.host = parts.hostname
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._total_timeout = total_timeout
        self._max_bytes = max_bytes
        self._verify = verify
        self._observer = observer
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def send(
        self,
        method,
        path,
        *,
        topic: Topic | None = None,
        query=None,
        body=None,
        token=None,
        secrets=(),
        witness: Callable[[int, str, bytes], None] | None = None,
    ) -> bytes:
        """
        :param topic: what it is about, for the observer
        :param secrets: texts that nothing may repeat, should the answer quote them
        :param witness: called with status, content type and body of a whole answer,
            whatever they are
        :return: the body of a 2xx answer
        :raise GatewayError: by meaning; see ``errors.py``
        """
        topic = topic or Topic(path)
        draft = Draft(method, path, topic, query, body, tuple(secrets), witness)
        began, error = time.monotonic(), None
        try:
            with deadline(self._total_timeout):
                return self._send(draft, token)
        except Exception as caught:
            error = caught
            raise
        finally:
            self._report(draft, time.monotonic() - began, error)

    def _send(self, draft, token):
        method, path, query = draft.method, draft.path, draft.query
        url = self._base + path
        for _hop in range(REDIRECTS + 1):
            response = self._exchange(method, url, query, draft.body, token)
            try:
                draft.status = response.status_code
                if not response.is_redirect:
                    return self._read_answer(response, draft)
                url, query = self._follow(response, method, path), None
            finally:
                response.close()
        raise NotUnderstood(f"{method} {path}: redirected again and again")

    def _report(self, draft, seconds, error):
        if self._observer is None:
            return
        try:
            self._observer(draft.as_exchange(seconds, error))
        except Exception:
            _logger.exception("the observer of %s failed", draft.topic.template)

    def close(self):
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()
        self._local = threading.local()

    def _exchange(self, method, url, query, body, token):
        timeout = min(self._read_timeout, seconds_left())
        what = f"{method} {urlsplit(url).path} at {self.host}"
        try:
            session = self._session()
            request = session.prepare_request(
                requests.Request(
                    method, url, params=query, json=body, auth=_Bearer(token)
                )
            )
            # The environment's proxies and certificates.
            settings = session.merge_environment_settings(
                request.url, {}, True, self._verify, None
            )
            # Past the session's own sending: it reads the body of a redirect, without
            # a bound, even where it does not follow it; and it keeps cookies.
            return session.get_adapter(url).send(request, timeout=timeout, **settings)
        except requests.exceptions.SSLError as error:
            if reason := _certificate_reason(error):
                raise CertificateRefused(reason) from error
            raise Unreachable(f"{what}: no secure connection", "insecure") from error
        except requests.exceptions.Timeout as error:
            raise Unreachable(f"{what}: no answer in time", "timeout") from error
        except _TROUBLE as error:
            words, cause = _connection_reason(error)
            raise Unreachable(f"{what}: {words}", cause) from error

    def _session(self) -> requests.Session:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers["Accept"] = "application/json"
            session.headers["Accept-Encoding"] = ACCEPTED_ENCODING
            retry = _Retry(
                total=RETRIES,
                status=0,
                redirect=False,
                other=0,
                allowed_methods=SAFE_METHODS,
                backoff_factor=0.3,
                raise_on_status=False,
                respect_retry_after_header=False,
            )
            adapter = TimedAdapter(
                self._connect_timeout, pool_maxsize=POOL_SIZE, max_retries=retry
            )
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            with self._lock:
                self._sessions.append(session)
        return session

    def _follow(self, response, method, path):
        try:
            target = urljoin(response.url, response.headers["Location"])
            parts = urlsplit(target)
            origin = (parts.scheme, parts.netloc)
        except ValueError:
            raise NotUnderstood(f"{method} {path}: redirected to no address") from None
        if origin != self._origin or method != "GET":
            raise NotUnderstood(
                f"{method} {path}: redirected to {parts.scheme}://{parts.hostname}, "
                "where the credentials do not go"
            )
        return target

    def _read_answer(self, response, draft) -> bytes:
        what = f"{draft.method} {draft.path}"
        body = draft.answer = self._read_body(response, what)
        status = response.status_code
        if draft.witness is not None:
            draft.witness(status, response.headers.get("Content-Type", ""), body)
        if 200 <= status < 300:
            return body
        if 300 <= status < 400:
            raise NotUnderstood(f"{what}: status {status}")
        message, errors, remote_id = _explain(body, draft.secrets)
        message = message or f"status {status}"
        if status in (429, 503) and "Retry-After" in response.headers or status == 429:
            raise RateLimited(
                f"{what}: {message}", _pause(response.headers.get("Retry-After"))
            )
        if status >= 500:
            # What stands before the platform answers 502 and more when it is away.
            cause = "fault" if status == 500 else ""
            raise Unreachable(
                f"{what} at {self.host}: status {status}: {message}", cause
            )
        if status == 409:
            raise Conflict(status, message, errors, remote_id)
        if status == 404 and not body.lstrip().startswith(b"{"):
            # The platform says in JSON what it does not have. This is a web server
            # that does not know the path: no reason to believe that a line is gone.
            raise NotUnderstood(f"{what}: there is no such address: {message}")
        kind = {404: NotFound, 410: CursorExpired}.get(status, RequestRefused)
        raise kind(status, message, errors)

    def _read_body(self, response, what) -> bytes:
        chunks, size = [], 0
        try:
            for chunk in decoded(response, CHUNK_BYTES):
                size += len(chunk)
                if size > self._max_bytes:
                    raise NotUnderstood(
                        f"{what}: the answer is larger than {self._max_bytes} bytes"
                    )
                chunks.append(chunk)
                seconds_left()
        except _TROUBLE as error:
            raise Unreachable(
                f"{what} at {self.host}: the answer broke off", "broken_off"
            ) from error
        return b"".join(chunks)


def _pause(header: str | None) -> float | None:
    """Retry-After, in seconds or as an HTTP date, in seconds from now."""
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]{1,300}", text):
        seconds = float(text)
    else:
        try:
            moment = email.utils.parsedate_to_datetime(text)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)


def _explain(body: bytes, secrets) -> tuple[str, dict, int | None]:
    """What a refusal says, without our secrets, cut to what a reader takes in."""
    message, errors, remote_id = decode_error(body)
    if not message:
        # No error of the contract's form, perhaps a proxy's page.
        text = mask(body[: 16 * PAGE_CHARS].decode(errors="replace"), secrets)
        message = plain(text[:PAGE_CHARS])
    told = {
        quotable(name, secrets): [quotable(t, secrets) for t in texts[:TEXTS_TOLD]]
        for name, texts in list(errors.items())[:FIELDS_TOLD]
    }
    return quotable(message, secrets), told, remote_id


def _certificate_reason(error) -> str | None:
    """Why a certificate was refused; None if it is not for its certificate's sake."""
    text = str(error)
    found = re.search(r"certificate verify failed: ([^(\]]+)|hostname [^)]*", text)
    if found:
        return (found.group(1) or found.group()).strip()
    return "the certificate was refused" if "certificate" in text.lower() else None


def _connection_reason(error) -> tuple[str, str]:
    """:return: words, and the cause of ``Unreachable``"""
    if isinstance(error, ValueError):
        return "the address is no URL", ""
    text = str(error)
    for sign, words, cause in (
        ("NameResolutionError", "the host name is not known", "unknown_host"),
        ("Name or service not known", "the host name is not known", "unknown_host"),
        ("Connection refused", "the connection was refused", "refused"),
        ("timed out", "no answer in time", "timeout"),
    ):
        if sign in text:
            return words, cause
    return "the connection broke off", "broken_off"
