"""Databases made from a template, so that only this addon is installed each time.

The template holds what the addon depends on, Portuguese, and a Brazilian company with
its chart of accounts. It is made once for each version of Odoo and of OCA's addons.
"""

import ast
from pathlib import Path

from . import logs, odoo, paths, postgres
from .steps import fingerprint, lock, progress

DATA = paths.HERE / "template_data.py"


def fresh(name: str) -> None:
    """Make ``name`` anew from the template; one that exists is dropped."""
    copy(_template(), name)


def copy(original: str, name: str) -> None:
    """Make ``name`` anew as another is; one that exists is dropped."""
    with lock("database"), progress(f"Creating the database {name}"):
        drop(name)
        odoo.run_database_command("duplicate", original, name)


def drop(name: str) -> None:
    if exists(name):
        odoo.run_database_command("drop", name)


def exists(name: str) -> bool:
    return bool(postgres.query(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))


def _template() -> str:
    modules = _modules()
    key = fingerprint(odoo.release(), *_oca_versions(), modules, DATA)[:8]
    name = f"saperx_template_{key}"
    with lock("template"):
        if not exists(name):
            _create_template(name, modules)
    return name


def _create_template(name: str, modules: str) -> None:
    like = "datname LIKE 'saperx\\_template\\_%'"
    for old in postgres.query(f"SELECT datname FROM pg_database WHERE {like}"):
        odoo.run_database_command("drop", old)
    partial = "saperx_template_partial"
    log = paths.LOGS / "template.log"
    with progress("Creating the template database (about a minute, once)"):
        odoo.run(
            ["-d", partial, "-i", modules],
            "Installing Odoo's own modules",
            log,
        )
        odoo.run_script(partial, DATA, "Filling the template database", log)
        logs.require_clean(log)
        odoo.run_database_command("rename", partial, name)


def _modules() -> str:
    manifest = paths.PROJECT / paths.ADDON / "__manifest__.py"
    depends = ast.literal_eval(manifest.read_text())["depends"]
    return ",".join(dict.fromkeys(["account", "l10n_br", *depends]))


def _oca_versions() -> list[str]:
    folders = Path(paths.VENV).glob("lib/*/site-packages/odoo_addon_*.dist-info")
    return sorted(folder.name for folder in folders)
