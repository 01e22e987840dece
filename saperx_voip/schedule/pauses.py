# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""How long a task waits before it is tried again."""

from datetime import timedelta

# A short outage is over within minutes; a long one is asked for every hour.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 10, 20, 60))


def pause_after(failures: int) -> timedelta:
    """:param failures: in a row, 1 after the first"""
    return PAUSES[min(max(failures, 1), len(PAUSES)) - 1]
