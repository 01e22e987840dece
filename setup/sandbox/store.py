"""The sandbox's state: one SQLite file, written before each answer.

WAL and a commit per write let the process be killed at any moment and go on from
the same file. Readers never wait; writers take turns.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, LifoQueue

#: Raised with any change of the tables below; an older state is refused, not mended.
VERSION = 2

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

CREATE TABLE tokens (
    token TEXT PRIMARY KEY,
    kind TEXT NOT NULL,              -- access, refresh
    expires_at REAL NOT NULL,        -- seconds since 1970
    used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE plans (
    id INTEGER PRIMARY KEY, nome TEXT NOT NULL, tipo TEXT NOT NULL,
    ativo INTEGER NOT NULL
);
CREATE TABLE groups (id INTEGER PRIMARY KEY, nome TEXT NOT NULL);

CREATE TABLE lines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    referencia TEXT NOT NULL UNIQUE,
    conta TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    settings TEXT NOT NULL,          -- JSON of the contract's other fields
    senha_sha256 TEXT,
    criado_em TEXT NOT NULL,
    atualizado_em TEXT NOT NULL
);
CREATE INDEX lines_atualizado_em ON lines (atualizado_em);

-- What was ordered for lines; all others have one made up.
CREATE TABLE registrations (
    circuito_id INTEGER PRIMARY KEY REFERENCES lines (id),
    registro TEXT NOT NULL           -- JSON of some members of the answer
);

CREATE TABLE dids (
    numero TEXT PRIMARY KEY,
    cidade TEXT, uf TEXT,
    circuito_id INTEGER REFERENCES lines (id),
    portado INTEGER NOT NULL DEFAULT 0,
    valor INTEGER,                   -- ten-thousandths of a real
    a_cobrar INTEGER
) WITHOUT ROWID;
CREATE INDEX dids_circuito_id ON dids (circuito_id);

-- Clustered by the order in which calls are read, so that a page is one scan.
CREATE TABLE calls (
    inicio TEXT NOT NULL,
    ident TEXT NOT NULL,             -- the record's id, else a made-up one
    copy INTEGER NOT NULL,           -- tells verbatim duplicates apart
    visible_at INTEGER NOT NULL,     -- seconds since 1970; 0 = always
    circuito_id INTEGER,
    situacao TEXT,
    cobrado INTEGER NOT NULL,        -- ten-thousandths of a real
    record TEXT NOT NULL,            -- JSON as it is sent
    PRIMARY KEY (inicio, ident, copy)
) WITHOUT ROWID;
CREATE INDEX calls_circuito_id ON calls (circuito_id, inicio, ident, copy);
CREATE INDEX calls_late ON calls (visible_at) WHERE visible_at > 0;

-- What was generated already: the same month, seed and line adds nothing twice.
CREATE TABLE batches (key TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    remaining INTEGER,               -- NULL = for ever
    skip INTEGER NOT NULL,           -- fitting requests that still pass
    seen INTEGER NOT NULL DEFAULT 0, -- fitting requests since
    used INTEGER NOT NULL DEFAULT 0, -- those of them that got the fault
    fault TEXT NOT NULL              -- JSON
);

CREATE TABLE requests (
    method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (method, path, status)
) WITHOUT ROWID;
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    entry TEXT NOT NULL              -- JSON
);
"""


class StateError(Exception):
    """The state file cannot be used; the text says what to do."""


class Store:
    """Connections to the state of one server process."""

    def __init__(self, path: Path):
        self.path = path
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._writing = threading.Lock()
        with self.write() as db:
            self.is_new = not _has_table(db, "meta")
            if self.is_new:
                create_tables(db)
            elif get_meta(db, "version") != VERSION:
                raise StateError(
                    f"{path} was made by another version of the sandbox:"
                    " delete it or name another --state"
                )

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self.path, timeout=60, isolation_level=None, check_same_thread=False
        )
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing at NORMAL; only a power cut could.
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA cache_size = -16000")
        return db

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._idle.get_nowait()
        except Empty:
            db = self._connect()
        try:
            yield db
        finally:
            self._idle.put(db)

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One consistent view; nothing may be written."""
        with self._connection() as db:
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end, rolled back on an exception."""
        with self._connection() as db, self._writing:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def close(self) -> None:
        with suppress(Empty):
            while True:
                self._idle.get_nowait().close()


def create_tables(db: sqlite3.Connection) -> None:
    # Statement by statement: executescript() would commit the open transaction.
    for statement in _statements(TABLES):
        db.execute(statement)
    set_meta(db, "version", VERSION)


def drop_tables(db: sqlite3.Connection) -> None:
    for (name,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite_%' ORDER BY name = 'lines'"
    ).fetchall():
        db.execute(f"DROP TABLE {name}")
    # Else ids would go on where they were before the reset.
    db.execute("DELETE FROM sqlite_sequence")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _has_table(db: sqlite3.Connection, name: str) -> bool:
    found = db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,))
    return found.fetchone() is not None


def get_meta(db: sqlite3.Connection, key: str):
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def set_meta(db: sqlite3.Connection, key: str, value) -> None:
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
