"""Read on while what was read is being stored."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_END = object()


class ReadAhead(Generic[Item]):
    """Goes through an iterable in a thread of its own, a few items ahead.

    Whatever the iterable raises comes where its next item would have come. Leave it by
    ``close()``, also before its end.

    :param depth: items that wait at most, so that memory is bounded
    :param stopped: set by ``close()``; whoever waits within the iterable watches it
    """

    def __init__(self, items: Iterable[Item], depth: int, stopped: threading.Event):
        self._items = items
        self._queue: queue.Queue = queue.Queue(depth)
        self._stopped = stopped
        self._thread = threading.Thread(
            target=self._run, name="saperx-read-ahead", daemon=True
        )
        self._thread.start()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
            self._put(_END)
        except BaseException as error:  # noqa: BLE001  it is raised where it matters
            self._put(error)

    def _put(self, item) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def __iter__(self) -> Iterator[Item]:
        while (item := self._get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _get(self):
        while True:
            try:
                return self._queue.get(timeout=0.2)
            except queue.Empty:
                # Whoever is stopped while it waits for more, as one that reads ahead
                # of another does, gets no more.
                if self._stopped.is_set():
                    return _END

    def close(self) -> None:
        """Returns once the thread has ended: it asks nobody anything any more."""
        self._stopped.set()
        self._thread.join()
