"""``python -m sandbox``: start the server and say where it listens."""

import argparse
import json
import os
import signal
import sys
import threading

from . import faults
from .options import CONTROL_PREFIX, Options, state_path
from .server import Server
from .store import StateError
from .web import Refusal


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    standard = Options()
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="A SaperX v2 server to try and test against.",
        epilog=f"Control paths for tests lie under {CONTROL_PREFIX}; see README.md.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--state", required=True, help="SQLite file, or the folder to keep it in")
    add("--port", type=int, default=8099, help="0 = a free one")
    add("--bind", default="127.0.0.1", help="address to listen at")
    add(
        "--seed",
        type=int,
        default=standard.seed,
        help="what a new state is filled from; a state that exists keeps its own",
    )
    for name in ("usuario", "senha", "api_key", "api_secret"):
        add(
            f"--{name.replace('_', '-')}",
            default=getattr(standard, name),
            help="credential that the login accepts",
        )
    add("--token-seconds", type=int, default=standard.token_seconds, help="access")
    add("--refresh-seconds", type=int, default=standard.refresh_seconds, help="refresh")
    add("--cursor-seconds", type=int, default=standard.cursor_seconds, help="cursors")
    add(
        "--rate-limit",
        type=int,
        default=standard.rate_limit,
        help="requests a second that login, line creation and calls take, each over"
        " all clients together, before they answer 429; 0 = no limit",
    )
    add(
        "--latency",
        type=seconds,
        default=standard.latency,
        help="seconds that every answer takes at least, each request by itself",
    )
    add(
        "--faults",
        type=fault_list,
        default=standard.faults,
        help="JSON list of the faults that a new state begins with; see README.md",
    )
    add(
        "--no-repeat",
        dest="repeat_records",
        action="store_false",
        help="pages of calls never repeat the last record of the page before",
    )
    add(
        "--stop-with-stdin",
        action="store_true",
        help="stop when standard input is closed: when whoever started it is gone",
    )
    return parser.parse_args(arguments)


def seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value <= faults.LONGEST_SECONDS:
        raise ValueError(text)
    return value


def fault_list(text: str) -> tuple[faults.Fault, ...]:
    try:
        ordered = json.loads(text)
        if isinstance(ordered, list) and all(type(item) is dict for item in ordered):
            for fault in ordered:
                faults.read(fault)
            return tuple(ordered)
    except Refusal as refusal:
        raise argparse.ArgumentTypeError(f"{refusal}: {refusal.errors}") from None
    raise ValueError(text)


def main() -> int:
    given = vars(parse_arguments())
    fields = Options.__dataclass_fields__
    options = Options(**{name: given[name] for name in fields})
    try:
        server = Server(
            given["bind"], given["port"], state_path(given["state"]), options
        )
    except (StateError, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    # Every answer stands on a commit, so there is nothing to finish.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if given["stop_with_stdin"]:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    print(f"SaperX sandbox listens at {server.address}", flush=True)
    server.serve_forever()
    return 0


def _stop_with_stdin() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
