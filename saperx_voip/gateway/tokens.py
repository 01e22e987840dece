"""Where access tokens are kept between requests."""

import threading
from collections.abc import Callable
from typing import Protocol

from .records import Tokens


class TokenStore(Protocol):
    """Holds one account's tokens; safe from several threads and processes."""

    def get(self) -> Tokens | None:
        """The tokens as they are now."""

    def renew(
        self, used: Tokens | None, obtain: Callable[[Tokens | None], Tokens]
    ) -> Tokens:
        """Compare and swap, under an exclusive lock.

        If the stored tokens are no longer ``used``, somebody else renewed them: they
        are returned. Otherwise ``obtain(stored)`` is called, stored and returned.
        """


class MemoryTokenStore:
    """For one process: tests, and a login that must not be kept."""

    def __init__(self):
        self._tokens = None
        self._lock = threading.Lock()

    def get(self):
        return self._tokens

    def renew(self, used, obtain):
        with self._lock:
            if self._tokens is None or self._tokens == used:
                self._tokens = obtain(self._tokens)
            return self._tokens
