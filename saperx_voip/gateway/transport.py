"""One HTTP exchange: timeouts, bounds, retries of what is safe, errors by meaning.

Knows no path and no field of the platform.
"""

import email.utils
import logging
import re
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

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
from .wire import decode_error

_logger = logging.getLogger(__name__)

POOL_SIZE = 32
CHUNK_BYTES = 64 * 1024
QUOTED_CHARS = 300
REDIRECTS = 3
# What the library repeats by itself: methods that may be sent twice, when nothing came
# back. Answers with a status, and their pauses, are for whoever asked.
SAFE_METHODS = frozenset({"GET", "PUT", "DELETE"})
RETRIES = 2

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


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
        _logger.info("%s %s broke off, trying again", method, url)
        return super().increment(method, url, response, error, **more)


class _OwnRetries(logging.Filter):
    """Keeps the library's warnings of our retries, which are ordinary, out of the
    log: what they come to in the end is an error that somebody handles."""

    def filter(self, record):
        arguments = record.args if isinstance(record.args, tuple) else ()
        return not any(isinstance(argument, _Retry) for argument in arguments)


logging.getLogger("urllib3.connectionpool").addFilter(_OwnRetries())


class _Adapter(HTTPAdapter):
    """Gives up a connection sooner than an answer."""

    def __init__(self, connect_timeout: float, **settings):
        self._connect_timeout = connect_timeout
        super().__init__(**settings)

    def send(self, request, stream=False, timeout=None, **settings):
        if isinstance(timeout, int | float):
            timeout = (min(self._connect_timeout, timeout), timeout)
        return super().send(request, stream=stream, timeout=timeout, **settings)


class Transport:
    """Sends requests below one base URL; usable from several threads at once.

    :param connect_timeout: seconds; so is ``read_timeout``, between two reads
    :param max_bytes: the most that an answer may hold, decompressed
    """

    def __init__(self, base_url, *, connect_timeout, read_timeout, max_bytes, verify):
        self._base = base_url.rstrip("/")
        parts = urlsplit(self._base)
        self._origin = (parts.scheme, parts.netloc)
        self.host = parts.hostname
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._max_bytes = max_bytes
        self._verify = verify
        self._local = threading.local()
        self._sessions: list[requests.Session] = []
        self._lock = threading.Lock()

    def send(
        self, method, path, *, query=None, body=None, token=None, secrets=()
    ) -> bytes:
        """
        :param secrets: texts that no error may repeat, should the answer quote them
        :return: the body of a 2xx answer
        :raise GatewayError: by meaning; see ``errors.py``
        """
        url = self._base + path
        for _hop in range(REDIRECTS + 1):
            response = self._exchange(method, url, query, body, token)
            try:
                if not response.is_redirect:
                    return self._read_answer(response, f"{method} {path}", secrets)
                url, query = self._follow(response, method, path), None
            finally:
                response.close()
        raise NotUnderstood(f"{method} {path}: redirected again and again")

    def close(self):
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()
        self._local = threading.local()

    def _exchange(self, method, url, query, body, token):
        timeout = min(self._read_timeout, _seconds_left())
        what = f"{method} {urlsplit(url).path} at {self.host}"
        try:
            return self._session().request(
                method,
                url,
                params=query,
                json=body,
                auth=_Bearer(token),
                timeout=timeout,
                allow_redirects=False,
                stream=True,
                verify=self._verify,
            )
        except requests.exceptions.SSLError as error:
            raise CertificateRefused(_certificate_reason(error)) from error
        except requests.exceptions.Timeout as error:
            raise Unreachable(f"{what}: no answer in time") from error
        except requests.exceptions.RequestException as error:
            raise Unreachable(f"{what}: {_connection_reason(error)}") from error

    def _session(self) -> requests.Session:
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = requests.Session()
            session.headers["Accept"] = "application/json"
            retry = _Retry(
                total=RETRIES,
                status=0,
                redirect=False,
                other=0,
                allowed_methods=SAFE_METHODS,
                backoff_factor=0.3,
                backoff_jitter=0.3,
                raise_on_status=False,
                respect_retry_after_header=False,
            )
            adapter = _Adapter(
                self._connect_timeout, pool_maxsize=POOL_SIZE, max_retries=retry
            )
            session.mount("https://", adapter)
            session.mount("http://", adapter)
            with self._lock:
                self._sessions.append(session)
        return session

    def _follow(self, response, method, path):
        target = urljoin(response.url, response.headers["Location"])
        parts = urlsplit(target)
        if (parts.scheme, parts.netloc) != self._origin or method != "GET":
            raise NotUnderstood(
                f"{method} {path}: redirected to {parts.scheme}://{parts.hostname}, "
                "where the credentials do not go"
            )
        return target

    def _read_answer(self, response, what, secrets) -> bytes:
        body = self._read_body(response, what)
        status = response.status_code
        if 200 <= status < 300:
            return body
        message, errors, remote_id = decode_error(_masked(body, secrets))
        message = message or _plain(_masked(body, secrets)) or f"status {status}"
        if status in (429, 503) and "Retry-After" in response.headers or status == 429:
            raise RateLimited(
                f"{what}: {message}", _pause(response.headers.get("Retry-After"))
            )
        if status >= 500:
            raise Unreachable(f"{what} at {self.host}: status {status}: {message}")
        if status == 409:
            raise Conflict(status, message, errors, remote_id)
        kind = {404: NotFound, 410: CursorExpired}.get(status, RequestRefused)
        if 300 <= status < 400:
            raise NotUnderstood(f"{what}: status {status}")
        raise kind(status, message, errors)

    def _read_body(self, response, what) -> bytes:
        chunks, size = [], 0
        try:
            for chunk in response.iter_content(CHUNK_BYTES):
                size += len(chunk)
                if size > self._max_bytes:
                    raise NotUnderstood(
                        f"{what}: the answer is larger than {self._max_bytes} bytes"
                    )
                chunks.append(chunk)
                _seconds_left()
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
        ) as e:
            raise Unreachable(f"{what} at {self.host}: the answer broke off") from e
        return b"".join(chunks)


@contextmanager
def deadline(seconds: float):
    """Within the block, whatever would take longer raises ``Unreachable``."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _seconds_left() -> float:
    moment = _deadline.get()
    if moment is None:
        return float("inf")
    left = moment - time.monotonic()
    if left <= 0:
        raise Unreachable("the platform took too long")
    return max(left, 0.05)


def _pause(header: str | None) -> float | None:
    """Retry-After, in seconds or as an HTTP date, in seconds from now."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _masked(body: bytes, secrets) -> bytes:
    for secret in secrets:
        if secret:
            body = body.replace(secret.encode(), b"***")
    return body


def _plain(body: bytes) -> str:
    """What an answer that is no JSON says, fit for a message."""
    text = re.sub(r"<[^>]*>", " ", body[:4096].decode(errors="replace"))
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text[:QUOTED_CHARS]


def _certificate_reason(error) -> str:
    text = str(error)
    found = re.search(r"certificate verify failed: ([^(\]]+)|hostname[^)]*", text)
    return found.group(1 if found.group(1) else 0).strip() if found else "TLS failed"


def _connection_reason(error) -> str:
    text = str(error)
    for sign, words in (
        ("NameResolutionError", "the host name is not known"),
        ("Name or service not known", "the host name is not known"),
        ("Connection refused", "the connection was refused"),
        ("timed out", "no answer in time"),
        ("InvalidURL", "the address is no URL"),
    ):
        if sign in text:
            return words
    return "the connection broke off"
