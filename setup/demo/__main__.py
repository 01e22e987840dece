"""``make demo``: the whole product at work, from nothing, with one command."""

import argparse
import shutil
import time

from environment import config, databases, logs, paths, ports, steps
from environment import odoo as odoo_command
from environment.steps import Failure, lock, progress, say
from sandbox.process import SandboxError, SandboxProcess

from . import account, background, month, provider
from .check import CheckError, verify
from .client import OdooClient, OdooError
from .server import OdooServer

DATABASE = "saperx_demo"
SANDBOX_STATE = paths.LOCAL / "sandbox"


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument(
        "--check",
        action="store_true",
        help="verify the result against the sandbox's ledger, and stop everything",
    )
    parser.add_argument("--stop", action="store_true", help="stop a running demo")
    arguments = parser.parse_args()
    began = time.monotonic()
    with lock("demo"):
        if background.stop():
            say("The demo that was running is stopped.")
        if arguments.stop:
            return 0
        ok = run(arguments.check)
    say(f"({time.monotonic() - began:.0f} s)")
    return 0 if ok else 1


def run(check: bool) -> bool:
    port = 0
    if not check:
        port = config.http_port()
        ports.require_free(port, "The demo's Odoo")
    databases.fresh(DATABASE)
    log = paths.LOGS / f"{DATABASE}-install.log"
    with progress(f"Installing {paths.ADDON}"):
        odoo_command.run(
            ["-d", DATABASE, "-i", paths.ADDON], f"Installing {paths.ADDON}", log
        )
    logs.require_clean(log)
    shutil.rmtree(SANDBOX_STATE, ignore_errors=True)
    server_log = paths.LOGS / f"{DATABASE}.log"
    server_log.unlink(missing_ok=True)
    today = provider.local_today()
    sandbox = SandboxProcess(SANDBOX_STATE, stop_with_parent=check)
    server = OdooServer(DATABASE, port=port, log=server_log)
    stays = False
    try:
        with progress("Starting the sandbox platform and Odoo"):
            sandbox.start()
            server.start()
        odoo = OdooClient(server.url, DATABASE, "admin", "admin")
        with progress("Making customers, contracts and lines"):
            made = provider.make(odoo, sandbox, today)
        with progress("Waiting for the lines to be pushed"):
            month.wait_for_push(odoo, made)
        lived = month.live(odoo, sandbox, made, today, say)
        say(account.text(month.summary(odoo, made, lived)))
        if not check:
            background.remember(server.process.pid, sandbox.pid)
            say(account.where(server.url))
            stays = True
            return True
        found = verify(odoo, sandbox, made, lived)
    except (CheckError, OdooError, SandboxError, RuntimeError) as error:
        raise Failure(f"The demo failed: {error}") from error
    finally:
        if not stays:
            server.stop()
            sandbox.stop()
    logs.require_clean(server_log)
    say("Verified against the platform's ledger:")
    say("\n".join(f"  {sentence}" for sentence in found))
    return True


if __name__ == "__main__":
    steps.run_main(main)
