"""The commands behind the Makefile."""

import argparse
import shutil

from . import config, lint, paths, postgres, steps, system, testing, venv


def build() -> None:
    """A working Odoo with its database server running."""
    with steps.lock():
        odoo = venv.build()
        postgres.start()
        config.write(odoo)


def build_for_tests() -> None:
    build()
    with steps.lock():
        venv.add_test_tools()
        system.require_chromium()


def check_code() -> int:
    with steps.lock():
        venv.build()
        venv.add_test_tools()
    return lint.lint()


def odoo() -> int:
    build()
    steps.say(f"Odoo 19 is ready: {paths.PYTHON} -m odoo -c {paths.CONFIG}")
    return 0


def test_tools() -> int:
    build_for_tests()
    return 0


def test() -> int:
    build_for_tests()
    return testing.test()


def trouble() -> int:
    build_for_tests()
    return testing.trouble()


def adoption() -> int:
    build_for_tests()
    return testing.adoption()


def oca_tests() -> int:
    build_for_tests()
    return testing.oca_tests()


def stop() -> int:
    was_running = paths.CLUSTER.exists() and postgres.stop()
    steps.say("PostgreSQL stopped." if was_running else "PostgreSQL was not running.")
    return 0


def clean() -> int:
    if paths.LOCAL.exists():
        stop()
        shutil.rmtree(paths.LOCAL)
    return 0


COMMANDS = {
    "odoo": odoo,
    "test-tools": test_tools,
    "lint": check_code,
    "test": test,
    "oca-tests": oca_tests,
    "trouble": trouble,
    "adoption": adoption,
    "stop": stop,
    "clean": clean,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="environment", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    return COMMANDS[parser.parse_args().command]()


if __name__ == "__main__":
    steps.run_main(main)
