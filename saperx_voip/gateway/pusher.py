"""Pushes many lines at once, over threads; nothing of Odoo."""

import logging
import threading
import time
from collections.abc import Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from .client import Client
from .errors import (
    CertificateRefused,
    CredentialsRefused,
    GatewayError,
    LoginExpired,
    RateLimited,
    Unreachable,
)
from .push import Progress, PushOutcome, WantedLine, begin_push, finish_push

_logger = logging.getLogger(__name__)

# Of a batch, counted from when it was claimed: a line is begun within the first, and
# whatever is asked for any of its lines ends within the second.
BEGIN_SECONDS = 30
SPEAK_SECONDS = 80
HALF_SECONDS = 25

# Storing them must not keep its user from claiming the next lines.
MOST_TAKEN = 32

# Whatever line meets one of these, the next would meet it too.
ACCOUNT_TROUBLE = (CertificateRefused, CredentialsRefused, LoginExpired, RateLimited)


@dataclass(slots=True)
class _Batch:
    claimed_at: float
    open_lines: int
    """Whose first half is not over."""
    parked: list[tuple[Hashable, Progress]] = field(default_factory=list)
    """Lines that have numbers to take once all have let go of theirs."""

    def seconds_left(self, until: float) -> float:
        return self.claimed_at + until - time.monotonic()


class Pusher:
    """Speaks for lines while its user claims others and stores what came of them.

    All lines of a batch let go of numbers before any of them takes one. A platform
    that does not answer is left alone: once as many lines in a row as are spoken for
    at a time found no answer, or one met trouble that is everybody's, no further line
    is begun. Used from one thread, as a context.

    :param client: closed by whoever made it, afterwards
    :param parallel: how many lines are spoken for at a time
    """

    def __init__(self, client: Client, parallel: int):
        self._client = client
        self._parallel = parallel
        self._pool = ThreadPoolExecutor(parallel, "saperx-push")
        self._outcomes: SimpleQueue[tuple[Hashable, PushOutcome | None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._unbegun = 0
        self._unanswered = 0
        self._untaken = 0
        self._silence: GatewayError | None = None
        self._is_heard = False
        self.trouble: GatewayError | None = None
        """What keeps the platform from being asked any further."""

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self._pool.shutdown(cancel_futures=True)

    @property
    def is_busy(self) -> bool:
        """Whether outcomes are still to be taken."""
        return self._untaken > 0

    @property
    def is_hungry(self) -> bool:
        """Whether threads will soon have nothing to begin."""
        return self._unbegun < 2 * self._parallel

    @property
    def silence(self) -> GatewayError | None:
        """Why nothing was heard of the platform; None if something was."""
        return None if self._is_heard else self._silence

    def add(self, wanted: Mapping[Hashable, WantedLine], claimed_at: float) -> None:
        """Begin a batch of lines.

        :param claimed_at: ``time.monotonic()`` just before; all is over
            ``SPEAK_SECONDS`` later
        """
        batch = _Batch(claimed_at, len(wanted))
        self._untaken += len(wanted)
        with self._lock:
            self._unbegun += len(wanted)
        for key, line in wanted.items():
            self._pool.submit(self._first_half, batch, key, line)

    def take(self) -> list[tuple[Hashable, PushOutcome | None]]:
        """The outcomes that came in since the last time; waits for one at least.

        None for a line that was not spoken for: it is as it was.
        """
        outcomes = [self._outcomes.get()]
        while len(outcomes) < MOST_TAKEN:
            try:
                outcomes.append(self._outcomes.get_nowait())
            except Empty:
                break
        self._untaken -= len(outcomes)
        return outcomes

    def _first_half(self, batch: _Batch, key: Hashable, wanted: WantedLine) -> None:
        with self._lock:
            self._unbegun -= 1
        progress = None
        if self.trouble is None and batch.seconds_left(BEGIN_SECONDS) > 0:
            progress = self._begin(batch, wanted)
            self._heed(progress.error)
        has_numbers_to_take = progress is not None and bool(progress.lacking())
        with self._lock:
            if has_numbers_to_take:
                batch.parked.append((key, progress))
            batch.open_lines -= 1
            ready = () if batch.open_lines else batch.parked
        if not has_numbers_to_take:
            outcome = progress and self._finish(batch, progress)
            self._outcomes.put((key, outcome))
        for parked in ready:
            self._pool.submit(self._second_half, batch, *parked)

    def _second_half(self, batch: _Batch, key: Hashable, progress: Progress) -> None:
        if self.trouble is not None:
            # Nothing more is asked, and what was learnt is kept.
            progress.error = self.trouble
        outcome = self._finish(batch, progress)
        self._heed(outcome.error)
        self._outcomes.put((key, outcome))

    def _begin(self, batch: _Batch, wanted: WantedLine) -> Progress:
        try:
            with self._deadline(batch):
                return begin_push(self._client, wanted)
        except Exception as error:  # a fault of ours must not stop other lines
            _logger.exception("pushing a line failed")
            return Progress(wanted, error=_our_fault(error))

    def _finish(self, batch: _Batch, progress: Progress) -> PushOutcome:
        try:
            with self._deadline(batch):
                return finish_push(self._client, progress)
        except Exception as error:  # as above
            _logger.exception("pushing a line's numbers failed")
            return PushOutcome(error=_our_fault(error))

    def _deadline(self, batch: _Batch):
        left = batch.seconds_left(SPEAK_SECONDS)
        return self._client.deadline(min(HALF_SECONDS, left))

    def _heed(self, error: GatewayError | None) -> None:
        with self._lock:
            # One that fails on this line may do well on the next.
            if isinstance(error, Unreachable) and error.cause != "fault":
                self._unanswered += 1
                self._silence = error
            else:
                self._unanswered = 0
                self._is_heard = True
            is_silent = self._unanswered >= self._parallel
            if is_silent or isinstance(error, ACCOUNT_TROUBLE):
                self.trouble = error


def _our_fault(error: Exception) -> GatewayError:
    return GatewayError(f"{type(error).__name__} while preparing the request")
