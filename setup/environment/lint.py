"""``make lint``: ruff, pylint-odoo and OCA's hooks, at OCA's settings."""

import subprocess

from . import paths
from .steps import say


def lint() -> int:
    """Run every check, also after one that failed."""
    translations = (paths.PROJECT / paths.ADDON / "i18n").glob("*.po*")
    checks = [
        ["ruff", "check", "--no-fix", "."],
        ["ruff", "format", "--check", "."],
        ["pylint", "--rcfile=.pylintrc-mandatory", paths.ADDON],
        ["oca-checks-odoo-module", paths.ADDON],
        ["oca-checks-po", "--disable=po-pretty-format", *sorted(translations)],
    ]
    return 1 if [check for check in checks if not _passes(check)] else 0


def _passes(check: list) -> bool:
    program, *arguments = map(str, check)
    say(f"$ {program} {' '.join(arguments)}")
    command = [str(paths.VENV / "bin" / program), *arguments]
    result = subprocess.run(command, check=False, cwd=paths.PROJECT)
    return not result.returncode
