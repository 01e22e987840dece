"""A PostgreSQL cluster of a test's own, which it may restart: the common one serves the
tests that run beside it."""

import configparser
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from environment import paths, postgres

# Unlike the common cluster's: what a restart takes must be what it takes in use.
DURABLE = """
fsync = on
synchronous_commit = on
full_page_writes = on
"""


@contextmanager
def private_cluster(folder: Path, database: str, name: str) -> Iterator[None]:
    """Within the block ``environment.postgres`` and servers that are started speak to
    a new cluster, which holds a copy of a database.

    :param database: of the common cluster
    :param name: of the copy
    """
    dump = folder / "dump"
    _run("pg_dump", "--format=custom", f"--file={dump}", database)
    with pytest.MonkeyPatch.context() as patch:
        cluster = folder / "postgres"
        patch.setattr(paths, "CLUSTER", cluster)
        patch.setattr(postgres, "DATA", cluster / "data")
        patch.setattr(postgres, "PASSWORD_FILE", cluster / "password")
        patch.setattr(postgres, "PORT_FILE", cluster / "port")
        patch.setattr(postgres, "LOG", cluster / "log")
        patch.setattr(postgres, "SETTINGS", postgres.SETTINGS + DURABLE)
        postgres.start()
        filestores = paths.DATA / "filestore"
        try:
            config = _write_config(folder / "odoo.conf")
            patch.setattr(paths, "CONFIG", config)
            # To Odoo these go before its configuration.
            for variable, value in postgres.client_environment().items():
                patch.setenv(variable, value)
            _run("createdb", name)
            _run("pg_restore", "--no-owner", "--exit-on-error", f"-d{name}", dump)
            shutil.copytree(filestores / database, filestores / name)
            yield
        finally:
            shutil.rmtree(filestores / name, ignore_errors=True)
            postgres.stop()


def restart_at_once() -> None:
    """As a crash: nobody is waited for, and the next start recovers."""
    program = postgres.program_folder() / "pg_ctl"
    words = ["restart", "-w", "-t", "120", "-m", "immediate"]
    log = postgres.LOG / "postgresql.log"
    command = [program, "-D", postgres.DATA, "-l", log, "-o", f"-p {postgres.port()}"]
    postgres._as_owner([*command, *words], "Restarting PostgreSQL")


def _write_config(path: Path) -> Path:
    parser = configparser.RawConfigParser()
    parser.read(paths.CONFIG)
    parser["options"]["db_port"] = str(postgres.port())
    parser["options"]["db_password"] = postgres.password()
    with path.open("w") as file:
        parser.write(file)
    return path


def _run(program: str, *arguments) -> None:
    subprocess.run(
        [postgres.program_folder() / program, *map(str, arguments)],
        check=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **postgres.client_environment()},
    )
