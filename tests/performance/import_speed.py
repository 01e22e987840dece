"""How fast calls are imported: ``python -m tests.performance.import_speed``.

A real database with 5,000 lines (ten a contract, a number each), and the sandbox as a
process of its own with as many lines and a month of their calls, which it serves over
HTTP, 1,000 a page. A run reads the window as its scheduled action does: every call is
matched, classed, rated, stored and committed with its cursor. Measured is the whole
run, also what comes after the reading: under a plan without an allowance, and under one
with an allowance that every line draws on, since drawing writes most calls again.

References, in the same run and on the same machine:

- a bare COPY, from memory and in one transaction, of the very same rows into the same
  table with all its indexes, after it was emptied; in the order in which the import
  stored them, in which a COPY is quicker than in the one in which they came;
- ``create()`` of some of the same rows by the ORM.

Beside that: the same window read again, which adds nothing; by how much this process,
in which the run works, grew at most; the speed of the window's first three days alone;
and with ``--filled`` the speed on top of ten million calls that are there already.

Three processes share the machine's cores, while a bare COPY needs little more than one:
on two cores that are busy otherwise the ratio falls.

    python -m tests.performance.import_speed [calls] [--filled]
"""

import io
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.process import running

from .recalculation_speed import made_database, make_integration, make_lines

CALLS = 1_000_000
LINES = 5_000
MONTH = "2026-10"
WINDOW = datetime(2026, 10, 1, 3), datetime(2026, 11, 1, 3)
FILLED = 10_000_000
ORM_CALLS = 2_000
GOAL = 0.6
LEAST = 20_000
MOST_MEGABYTES = 150


@dataclass(frozen=True)
class Speeds:
    """Calls per second, unless their name says otherwise."""

    calls: int
    imported: float
    """Under a plan without an allowance."""
    again: float
    with_allowance: float
    copied: float
    created: float
    small: float
    """Of a tenth of the window."""
    grown_megabytes: float
    bytes_a_call: dict[str, float]
    """Of the table and of each of its indexes, as the import filled them."""
    filled: float | None = None
    """Into a table of ten million calls."""


def make_world(env, sandbox):
    """The platform's lines, in Odoo too. :return: the integration"""
    lines = sandbox.make_lines(LINES)
    integration = make_integration(
        env,
        environment="homologation",
        base_url=sandbox.url,
        password="sandbox-senha",
        api_key="sandbox-key",
        api_secret="sandbox-secret",
    )
    make_lines(env, LINES)
    env.cr.execute("SELECT id FROM saperx_line ORDER BY id")
    ids = [line_id for (line_id,) in env.cr.fetchall()]
    pairs = list(zip(ids, lines, strict=True))
    env.cr.execute_values(
        "UPDATE saperx_line SET remote_id = there.id, account_code = there.conta"
        " FROM (VALUES %s) AS there (line_id, id, conta)"
        " WHERE saperx_line.id = there.line_id",
        [(line_id, line["id"], line["conta"]) for line_id, line in pairs],
    )
    env.cr.execute_values(
        "UPDATE saperx_did SET number = there.numero"
        " FROM (VALUES %s) AS there (line_id, numero)"
        " WHERE saperx_did.line_id = there.line_id",
        [(line_id, line["numero"]) for line_id, line in pairs],
    )
    # Nobody changed anything of late.
    env.cr.execute("UPDATE saperx_line_period SET write_date = %s", [WINDOW[0]])
    env.cr.execute("UPDATE saperx_tariff SET rates_changed_at = %s", [WINDOW[0]])
    env.cr.execute("ANALYZE")
    env.cr.commit()
    env.invalidate_all()
    return integration


def import_window(env, integration, window=WINDOW):
    """:return: the run, and the seconds that it took"""
    run = env["saperx.cdr.import"].create(
        {"integration_id": integration.id, "date_from": window[0], "date_to": window[1]}
    )
    env.cr.commit()
    began = time.perf_counter()
    run._run()
    seconds = time.perf_counter() - began
    assert run.state == "done", run.error
    return run, seconds


def speed_of(env, integration, window=WINDOW):
    run, seconds = import_window(env, integration, window)
    return (run.new_count or run.read_count) / seconds


def give_allowance(env, minutes):
    """Past the ORM, which would have all calls rated again. :param minutes: 0: none"""
    env.cr.execute("UPDATE saperx_tariff_allowance SET quantity = %s", [minutes])
    if not minutes:
        env.cr.execute("DELETE FROM saperx_tariff_allowance")
    env.cr.commit()
    env.invalidate_all()


def empty(env):
    env.cr.execute("TRUNCATE saperx_cdr CASCADE")
    env.cr.commit()


def copy_again(env) -> float:
    """The rows that there are, as they came, into the emptied table. An import stores
    them by batches in the order of their ids, in which a COPY is faster by a third.

    :return: rows a second
    """
    env.cr.execute(
        "SELECT string_agg(quote_ident(column_name), ', ')"
        " FROM information_schema.columns"
        " WHERE table_name = 'saperx_cdr' AND column_name <> 'id'"
    )
    (columns,) = env.cr.fetchone()
    with tempfile.TemporaryFile() as rows:
        env.cr.copy_expert(
            f"COPY (SELECT {columns} FROM saperx_cdr ORDER BY start, remote_id)"
            " TO STDOUT",
            rows,
        )
        empty(env)
        rows.seek(0)
        text = io.BytesIO(rows.read())
    began = time.perf_counter()
    env.cr.copy_expert(f"COPY saperx_cdr ({columns}) FROM STDIN", text, size=1 << 18)
    env.cr.commit()
    seconds = time.perf_counter() - began
    env.cr.execute("SELECT count(*) FROM saperx_cdr")
    return env.cr.fetchone()[0] / seconds


def measure_sizes(env) -> dict[str, float]:
    """:return: bytes a call, by name of table or index"""
    env.cr.execute(
        """
        SELECT part, size / (SELECT count(*) FROM saperx_cdr)::float
          FROM (SELECT 'saperx_cdr' AS part, pg_table_size('saperx_cdr') AS size
                UNION ALL
                SELECT indexrelid::regclass::text, pg_relation_size(indexrelid)
                  FROM pg_index WHERE indrelid = 'saperx_cdr'::regclass) AS parts
         ORDER BY size DESC
        """
    )
    return dict(env.cr.fetchall())


def create_again(env) -> float:
    """Some of the rows that there are, under other ids, and not committed."""
    calls = env["saperx.cdr"]
    names = [
        name for name, field in calls._fields.items() if field.store and name != "id"
    ]
    values = calls.search([], limit=ORM_CALLS).read(names, load=None)
    for value in values:
        value["remote_id"] = f"orm-{value.pop('id')}"
    env.invalidate_all()
    began = time.perf_counter()
    calls.create(values)
    env.flush_all()
    seconds = time.perf_counter() - began
    env.cr.rollback()
    return len(values) / seconds


def fill(env, count: int) -> None:
    """Older calls of the same lines, with ids and starts of their own."""
    env.cr.execute("SELECT count(*) FROM saperx_cdr")
    (there,) = env.cr.fetchone()
    names = "SELECT column_name FROM information_schema.columns"
    env.cr.execute(f"{names} WHERE table_name = 'saperx_cdr' AND column_name <> 'id'")
    columns = [name for (name,) in env.cr.fetchall()]
    changed = {
        "remote_id": "'old-' || n || '-' || remote_id",
        "start": "start - n * interval '31 days'",
    }
    copied = ", ".join(changed.get(name, name) for name in columns)
    for n in range(1, -(-count // there) + 1):
        env.cr.execute(
            f"INSERT INTO saperx_cdr ({', '.join(columns)})"
            f" SELECT {copied} FROM saperx_cdr, (SELECT {n} AS n) AS month"
            " WHERE remote_id NOT LIKE 'old-%'"
        )
        env.cr.commit()
    env.cr.execute("DELETE FROM saperx_cdr WHERE remote_id NOT LIKE 'old-%'")
    env.cr.commit()
    env.cr.execute("ANALYZE saperx_cdr")
    env.cr.commit()


class Memory(threading.Thread):
    """Watches how large this process is."""

    def __init__(self):
        super().__init__(daemon=True)
        self.first = self.largest = self._now()
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(0.1):
            self.largest = max(self.largest, self._now())

    def _now(self):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    @property
    def grown(self):
        return self.largest - self.first

    @classmethod
    @contextmanager
    def watched(cls) -> Iterator["Memory"]:
        memory = cls()
        memory.start()
        try:
            yield memory
        finally:
            memory._ended.set()


def measure(count: int = CALLS, filled: bool = False) -> Speeds:
    with (
        tempfile.TemporaryDirectory() as state,
        running(state) as sandbox,
        made_database() as env,
    ):
        integration = make_world(env, sandbox)
        sandbox.generate_calls(MONTH, calls_per_line=count // LINES, late_share=0)
        # The first run of a process also loads what later ones find.
        tenth = WINDOW[0], WINDOW[0] + timedelta(days=3)
        with_allowance = speed_of(env, integration)
        empty(env)
        give_allowance(env, 0)
        small = speed_of(env, integration, tenth)
        empty(env)
        with Memory.watched() as memory:
            imported = speed_of(env, integration)
        sizes = measure_sizes(env)
        again = speed_of(env, integration)
        created = create_again(env)
        copied = copy_again(env)
        on_top = None
        if filled:
            fill(env, FILLED)
            on_top = speed_of(env, integration)
    return Speeds(
        count,
        imported,
        again,
        with_allowance,
        copied,
        created,
        small,
        memory.grown,
        sizes,
        on_top,
    )


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    speeds = measure(*numbers, filled="--filled" in sys.argv)
    for part, size in speeds.bytes_a_call.items():
        print(f"{size:>12,.1f} bytes a call: {part}")
    for name, value in vars(speeds).items():
        if isinstance(value, int | float):
            ratio = f"  {value / speeds.copied:.2f} of the bare COPY"
            plain = name in ("calls", "grown_megabytes", "copied")
            print(f"{value:>12,.0f} {name}{'' if plain else ratio}")
