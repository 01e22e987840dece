"""No password, key or token stands in clear where somebody could read it."""

import sqlite3
import subprocess
from pathlib import Path

from environment import odoo, postgres

LINE_PASSWORD = "Senha-Que-Ninguem-Ve-1"


def dump(database):
    """All that a backup of the database holds, as text."""
    return subprocess.run(
        [f"{postgres.program_folder()}/pg_dump", "--inserts", database],
        env=odoo.environment(),
        check=True,
        capture_output=True,
    ).stdout


def test_a_dump_and_the_log_hold_no_secret(world, server, tmp_path):
    line = world.line(world.contract(), password=LINE_PASSWORD)
    world.wait_synced(line)
    generated = world.odoo.call("saperx.line", "generate_password")
    world.odoo.write("saperx.line", [line], {"password": generated})
    world.odoo.call("saperx.line", "action_reveal_password", [line])
    world.wait_synced(line)
    world.sandbox.generate_calls(f"{world.first:%Y-%m}", calls_per_line=20, seed=1)
    world.import_calls()
    (state,) = (tmp_path / "sandbox").glob("*.sqlite3")
    with sqlite3.connect(state) as connection:
        tokens = [row[0] for row in connection.execute("SELECT token FROM tokens")]
    assert tokens
    secrets = [
        "sandbox-senha",
        "sandbox-key",
        "sandbox-secret",
        LINE_PASSWORD,
        generated,
        *tokens,
    ]
    backup = dump(server.database)
    assert world.name.encode() in backup
    # What was asked is there as well, and all of it without secrets.
    assert b"/circuitos/{id}/dids/{number}" in backup and b"/auth/login" in backup
    log = Path(server.log).read_bytes()
    for secret in secrets:
        assert secret.encode() not in backup, f"{secret} is in the dump"
        assert secret.encode() not in log, f"{secret} is in the log"


def test_what_users_can_read_holds_no_secret(world):
    line = world.line(world.contract(), password=LINE_PASSWORD)
    world.wait_synced(line)
    for model, record in (
        ("saperx.integration", world.integration),
        ("saperx.line", line),
        *(("saperx.api.log", row["id"]) for row in world.requests()),
    ):
        answer = str(world.odoo.read(model, record))
        exported = str(
            world.odoo.call(
                model, "export_data", [record], list(world.odoo.read(model, record))
            )
        )
        for secret in ("sandbox-senha", "sandbox-key", "sandbox-secret", LINE_PASSWORD):
            assert secret not in answer
            assert secret not in exported
