"""How fast calls are imported: ``python -m tests.performance.import_speed``.
"""

import sys
import tempfile
import time
from datetime import datetime

from sandbox.process import running

from .recalculation_speed import made_database, make_integration, make_lines

LINES = 5_000
MONTH = "2026-10"
WINDOW = datetime(2026, 10, 1, 3), datetime(2026, 11, 1, 3)


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
    env.cr.execute_values(
        "UPDATE saperx_line SET remote_id = there.id, account_code = there.conta"
        " FROM (VALUES %s) AS there (line_id, id, conta)"
        " WHERE saperx_line.id = there.line_id",
        [(i, line["id"], line["conta"]) for i, line in zip(ids, lines, strict=True)],
    )
    env.cr.execute_values(
        "UPDATE saperx_did SET number = there.numero"
        " FROM (VALUES %s) AS there (line_id, numero)"
        " WHERE saperx_did.line_id = there.line_id",
        [(i, line["numero"]) for i, line in zip(ids, lines, strict=True)],
    )
    # Nobody changed anything of late.
    env.cr.execute("UPDATE saperx_line_period SET write_date = %s", [WINDOW[0]])
    env.cr.execute("UPDATE saperx_tariff SET rates_changed_at = %s", [WINDOW[0]])
    env.cr.execute("ANALYZE")
    env.cr.commit()
    env.invalidate_all()
    return integration


def import_window(env, integration, window=WINDOW):
    run = env["saperx.cdr.import"].create(
        {"integration_id": integration.id, "date_from": window[0], "date_to": window[1]}
    )
    env.cr.commit()
    began = time.perf_counter()
    run._run()
    seconds = time.perf_counter() - began
    assert run.state == "done", run.error
    return run, seconds
