"""What is asked of the platform while somebody waits: bounded, several at once."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from .client import Client
from .errors import GatewayError, RateLimited, Unreachable
from .records import Call, Registration

# How far back calls are looked for, one stretch after the other.
WINDOWS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
# A call that begins while we ask; and a clock there that is ahead of ours.
AHEAD = timedelta(minutes=5)


def read_registrations(
    client: Client,
    remote_ids: Iterable[int],
    *,
    parallel: int,
    seconds: float,
    answer_seconds: float,
) -> Mapping[int, Registration | GatewayError]:
    """Registration and balance of several lines, or why one could not be read.

    Once as many lines as are asked for at a time found no answer, and none did, the
    rest is not asked for; nor once the platform wants a pause.

    :param parallel: requests at a time
    :param seconds: for all of them
    :param answer_seconds: for one of them
    """
    remote_ids = list(remote_ids)
    ends = time.monotonic() + seconds
    unanswered: list[GatewayError] = []
    pauses: list[GatewayError] = []
    answered = threading.Event()

    def read(remote_id):
        if pauses:
            return pauses[0]
        if len(unanswered) >= parallel and not answered.is_set():
            return unanswered[0]
        left = ends - time.monotonic()
        if left <= 0:
            return Unreachable("it answers too slowly for so many lines")
        try:
            with client.deadline(min(left, answer_seconds)):
                registration = client.get_registration(remote_id)
        except Unreachable as error:
            unanswered.append(error)
            return error
        except RateLimited as error:
            pauses.append(error)
            return error
        except GatewayError as error:
            answered.set()
            return error
        answered.set()
        return registration

    try:
        with client.deadline(min(seconds, answer_seconds)):
            client.ensure_token()
    except GatewayError as error:
        return dict.fromkeys(remote_ids, error)
    with ThreadPoolExecutor(parallel) as pool:
        return dict(zip(remote_ids, pool.map(read, remote_ids), strict=True))


@dataclass(frozen=True, slots=True)
class LastCalls:
    calls: tuple[Call, ...]
    """Newest first."""
    unreadable: int
    """Records that could not be decoded."""
    error: GatewayError | None
    """Why the platform was not asked to the end; what was found is in ``calls``."""


def read_last_calls(
    client: Client, remote_id: int, *, now: datetime, count: int, seconds: float
) -> LastCalls:
    """The line's last ``count`` calls of the last 30 days.

    The platform lists the oldest first: stretches of time are read backwards.

    :param now: naive UTC
    :param seconds: for all of it
    """
    found: dict[str, Call] = {}
    unreadable, error = 0, None
    end = now + AHEAD
    try:
        with client.deadline(seconds):
            for window in WINDOWS:
                start = now - window
                newest: deque[Call] = deque(maxlen=count)
                for page in client.iter_call_pages(
                    start, end, line_remote_id=remote_id
                ):
                    newest.extend(page.calls)
                    unreadable += len(page.rejects)
                found.update((call.remote_id, call) for call in newest)
                if len(found) >= count:
                    break
                end = start
    except GatewayError as trouble:
        error = trouble
    calls = sorted(found.values(), key=lambda call: call.start, reverse=True)
    return LastCalls(tuple(calls[:count]), unreadable, error)
