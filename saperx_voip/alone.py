# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).
"""One at a time, on however many hosts."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg2 import InterfaceError, OperationalError

from odoo.service.model import retrying
from odoo.tools import SQL


@contextmanager
def alone(env, topic: int, record_id: int) -> Iterator[bool]:
    """Hold PostgreSQL's advisory lock (``topic``, ``record_id``) while the body runs.

    The lock is the connection's: it survives commits, and dies with the process. What
    the body left uncommitted is rolled back.

    :param topic: a number that no other kind of work has
    :return: whether nobody else holds it
    """
    key = SQL("%s, %s", topic, record_id)
    [[is_alone]] = retrying(
        lambda: env.execute_query(SQL("SELECT pg_try_advisory_lock(%s)", key)), env
    )
    try:
        yield is_alone
    finally:
        if is_alone:
            # A connection that is lost holds no lock.
            with suppress(InterfaceError, OperationalError):
                # Whatever broke off before this was not committed and is void.
                env.cr.rollback()
                env.execute_query(SQL("SELECT pg_advisory_unlock(%s)", key))
