"""Connections on which nothing lasts past the deadline of whoever asked.

A socket's timeout counts from one packet to the next: a server that sends a byte now
and then, be it of its headers, would keep a reader for hours.
"""

import io
import time
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPResponse

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from .errors import Unreachable

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline(seconds: float):
    """Within the block, whatever would take longer raises ``Unreachable``.

    Of two around each other the earlier one counts.
    """
    moment, outer = time.monotonic() + seconds, _deadline.get()
    token = _deadline.set(moment if outer is None else min(moment, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def seconds_left() -> float:
    """:raise Unreachable: if there is no time left"""
    moment = _deadline.get()
    if moment is None:
        return float("inf")
    left = moment - time.monotonic()
    if left <= 0:
        raise Unreachable("the platform took too long", "timeout")
    return max(left, 0.05)


class _TimedReader(io.RawIOBase):
    """Reads a socket; each time no longer than its timeout, nor than is left."""

    def __init__(self, raw, sock):
        self._raw = raw
        self._sock = sock
        self._timeout = sock.gettimeout()

    def readable(self):
        return True

    def readinto(self, buffer):
        self._sock.settimeout(min(self._timeout, seconds_left()))
        return self._raw.readinto(buffer)

    def close(self):
        self._raw.close()
        return super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock, *arguments, **settings):
        super().__init__(sock, *arguments, **settings)
        self.fp = io.BufferedReader(_TimedReader(self.fp.detach(), sock))


class _TimedConnect:
    response_class = _TimedResponse

    def connect(self):
        self.timeout = min(self.timeout, seconds_left())
        return super().connect()


class _Connection(_TimedConnect, HTTPConnection):
    pass


class _SecureConnection(_TimedConnect, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class TimedAdapter(HTTPAdapter):
    """Gives up a connection sooner than an answer, and both at the deadline."""

    def __init__(self, connect_timeout: float, **settings):
        self._connect_timeout = connect_timeout
        super().__init__(**settings)

    def init_poolmanager(self, *arguments, **settings):
        res = super().init_poolmanager(*arguments, **settings)
        self.poolmanager.pool_classes_by_scheme = _POOLS
        return res

    def proxy_manager_for(self, *arguments, **settings):
        manager = super().proxy_manager_for(*arguments, **settings)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request, stream=False, timeout=None, **settings):
        if isinstance(timeout, int | float):
            timeout = (min(self._connect_timeout, timeout), timeout)
        return super().send(request, stream=stream, timeout=timeout, **settings)
