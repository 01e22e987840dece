"""A private PostgreSQL cluster in ``.local/postgres``, reached over 127.0.0.1.

PostgreSQL refuses to run as root, and Odoo refuses the database user *postgres*. So
the server runs as the system's user postgres when we are root, and Odoo connects as the
role *odoo*. Nobody can log in as the cluster's superuser: it has no password, and there
is no local socket.
"""

import pwd
import re
import secrets
import shutil
import subprocess
from pathlib import Path

from . import paths, ports, system
from .steps import Failure, is_root, progress, run, write_file

ROLE = "odoo"
OWNER = "postgres"
DATA = paths.CLUSTER / "data"
PASSWORD_FILE = paths.CLUSTER / "password"
PORT_FILE = paths.CLUSTER / "port"
LOG = paths.CLUSTER / "log"

# Everything in here can be made again, so speed comes before surviving a power cut.
# A killed process loses nothing with these settings.
SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
wal_level = minimal
max_wal_senders = 0
fsync = off
synchronous_commit = off
full_page_writes = off
jit = off
"""


def start() -> None:
    """Have the cluster made and running; its port is then in ``PORT_FILE``."""
    _programs()  # has them installed where they are missing
    if not (DATA / "PG_VERSION").exists():
        with progress("Creating the PostgreSQL cluster"):
            _create()
    if _answers():
        return
    with progress("Starting PostgreSQL"):
        _start()


def stop() -> bool:
    """:return: whether it was running."""
    if not (DATA / "postmaster.pid").exists():
        return False
    command = [_programs() / "pg_ctl", "-D", DATA, "-m", "fast", "-w", "stop"]
    _as_owner(command, "Stopping PostgreSQL")
    return True


def port() -> int:
    return int(PORT_FILE.read_text())


def password() -> str:
    return PASSWORD_FILE.read_text()


def program_folder() -> Path:
    """Where psql, createdb and pg_dump of the cluster's version are."""
    return _programs()


def client_environment() -> dict[str, str]:
    """What makes libpq's programs and psycopg2 reach the cluster."""
    return {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(port()),
        "PGUSER": ROLE,
        "PGPASSWORD": password(),
    }


def query(statement: str, database: str = "postgres") -> list[str]:
    """Run one statement.

    :return: its rows, unaligned, as psql prints them.
    """
    options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]
    command = [_programs() / "psql", *options, "-c", statement]
    return run(command, "Asking PostgreSQL", env=client_environment()).splitlines()


def _programs() -> Path:
    """The server's programs: those of the cluster's version, else the newest."""
    versions = sorted(
        (int(path.parent.parent.name), path.parent)
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if path.parent.parent.name.isdigit()
    )
    if not versions and (found := shutil.which("initdb")):
        versions = [(0, Path(found).resolve().parent)]
    marker = DATA / "PG_VERSION"
    if marker.exists():
        wanted = marker.read_text().strip()
        versions = [(v, folder) for v, folder in versions if v in (0, int(wanted))]
        if not versions:
            raise Failure(
                f"{DATA} was made by PostgreSQL {wanted}, which is not installed: "
                f"install postgresql-{wanted}, or run 'make clean' to start afresh."
            )
    if versions:
        return versions[-1][1]
    system.install(["postgresql"], "A PostgreSQL server is missing")
    return _programs()


def _create() -> None:
    programs = _programs()
    partial = paths.CLUSTER / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    paths.CLUSTER.mkdir(parents=True, exist_ok=True)
    partial.mkdir(mode=0o700)
    LOG.mkdir(exist_ok=True)
    if is_root():
        for folder in (partial, LOG):
            shutil.chown(folder, OWNER)
    options = ["--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"]
    # "trust" never takes effect: pg_hba.conf is written anew below.
    command = [
        programs / "initdb",
        "-D",
        partial,
        *options,
        "--auth=trust",
        "--no-sync",
    ]
    _as_owner(command, "Creating the PostgreSQL cluster")
    with (partial / "postgresql.conf").open("a") as file:
        file.write(SETTINGS)
    with (partial / "pg_hba.conf").open("w") as file:
        file.write("host all all 127.0.0.1/32 scram-sha-256\n")
    secret = secrets.token_urlsafe(24)
    statements = (
        f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{secret}';\n"
        f"GRANT pg_monitor TO {ROLE};\n"
    )
    _as_owner(
        [programs / "postgres", "--single", "-D", partial, "postgres"],
        "Creating the database role",
        stdin=statements,
    )
    write_file(PASSWORD_FILE, secret, 0o600)
    partial.rename(DATA)


def _start() -> None:
    if not (PORT_FILE.exists() and ports.is_free(port())):
        write_file(PORT_FILE, str(ports.free_port(54320)))
    log = LOG / "postgresql.log"
    command = [_programs() / "pg_ctl", "-D", DATA, "-w", "-t", "60", "-l", log]
    try:
        _as_owner([*command, "-o", f"-p {port()}", "start"], "Starting PostgreSQL")
    except Failure as failure:
        raise Failure(f"{failure} {_last_line(log)}".strip()) from failure


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    causes = [line for line in lines if re.search(r"FATAL|PANIC|ERROR", line)]
    return f"PostgreSQL said: {causes[-1]}" if causes else ""


def _answers() -> bool:
    """Whether *our* cluster serves the recorded port."""
    pid_file = DATA / "postmaster.pid"
    if not (pid_file.exists() and PORT_FILE.exists()):
        return False
    lines = pid_file.read_text().splitlines()
    if len(lines) < 8 or lines[3] != str(port()) or lines[7].strip() != "ready":
        return False
    return Path(f"/proc/{lines[0]}").exists() and not ports.is_free(port())


def _as_owner(command: list[str | Path], what: str, stdin: str | None = None) -> str:
    return run([*_become_owner(), *command], what, stdin=stdin, cwd=Path("/"))


def _become_owner() -> list[str]:
    """What to put before a command so that it runs as the cluster's owner.

    The folders that lead to the cluster may be closed to that user (a clone below
    /root, a temporary folder of mode 0700). Then it is lent the one capability that
    lets it pass.
    """
    if not is_root():
        return []
    try:
        owner = pwd.getpwnam(OWNER)
    except KeyError as error:
        raise Failure(
            f"PostgreSQL refuses to run as root and the system user {OWNER} is "
            f"missing: create it with 'adduser --system {OWNER}'."
        ) from error
    user, group = f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}"
    drop = ["setpriv", user, group, "--init-groups"]
    for capability in (None, "dac_read_search", "dac_override"):
        lent = f"+{capability}"
        lend = [f"--inh-caps={lent}", f"--ambient-caps={lent}"] if capability else []
        probe = [*drop, *lend, "stat", f"{LOG}/."]  # "test -x" ignores capabilities
        if not subprocess.run(probe, check=False, capture_output=True).returncode:
            return [*drop, *lend]
    raise Failure(
        f"The system user {OWNER} may not enter {paths.CLUSTER}: move the project to a "
        "folder that everybody may enter, or work as an ordinary user."
    )
