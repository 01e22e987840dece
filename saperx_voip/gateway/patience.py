"""How long a request that can be repeated is worth waiting for."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from .errors import GatewayError, NotUnderstood, RateLimited

# A platform that asks for more than this is not waited for here.
LONGEST_PAUSE_SECONDS = 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Patience:
    """Asks again after trouble that passes, and after what is no answer of a platform:
    on the way stands many a proxy.

    :param pauses: seconds before each further attempt, of which there are so many
    :param wait: waits so many seconds, and tells whether to give up instead
    """

    pauses: tuple[float, ...] = ()
    wait: Callable[[float], bool | None] = time.sleep

    def ask(self, request: Callable[[], Answer]) -> Answer:
        """:raise GatewayError: of the last attempt, or what no repeating helps"""
        for pause in self.pauses:
            try:
                return request()
            except GatewayError as error:
                asked = error.retry_after if isinstance(error, RateLimited) else None
                if not (error.transient or isinstance(error, NotUnderstood)):
                    raise
                # Jitter: whoever failed together need not come back together.
                pause = max(pause * random.uniform(0.7, 1.3), asked or 0)  # noqa: S311
                if pause > LONGEST_PAUSE_SECONDS or self.wait(pause):
                    raise
        return request()


IMPATIENT = Patience()
