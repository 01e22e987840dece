"""``.local/odoo.conf``: everything Odoo needs to run here."""

import configparser
import io
import os
import secrets
from pathlib import Path

from . import paths, ports, postgres
from .steps import Failure, write_file


def write(odoo: Path) -> None:
    """Write what this environment decides; keep what a person added or changed.

    :param odoo: the folder that holds the package ``odoo``.
    """
    parser = configparser.RawConfigParser()
    if paths.CONFIG.exists():
        parser.read(paths.CONFIG)
    if not parser.has_section("options"):
        parser.add_section("options")
    options = parser["options"]
    options.update(_decided(odoo))
    for name, default in {
        "admin_passwd": lambda: secrets.token_urlsafe(24),
        "http_port": lambda: str(ports.free_port(8069)),
        "gevent_port": lambda: str(ports.free_port(8169)),
        "list_db": lambda: "True",
    }.items():
        if name not in options:
            options[name] = default()
    if given := os.environ.get("HTTP_PORT"):
        if not given.isdigit() or not 0 < int(given) < 65536:
            raise Failure(
                f"HTTP_PORT={given} is not a port: give a number up to 65535."
            )
        options["http_port"] = given
    content = io.StringIO()
    parser.write(content)
    if not paths.CONFIG.exists() or paths.CONFIG.read_text() != content.getvalue():
        write_file(paths.CONFIG, content.getvalue(), 0o600)


def http_port() -> int:
    parser = configparser.RawConfigParser()
    parser.read(paths.CONFIG)
    return parser.getint("options", "http_port")


def _decided(odoo: Path) -> dict[str, str]:
    addons = [odoo / "odoo/addons", odoo / "addons", paths.PROJECT]
    paths.DATA.mkdir(parents=True, exist_ok=True)
    return {
        "addons_path": ",".join(str(path) for path in addons if path.is_dir()),
        "data_dir": str(paths.DATA),
        "db_host": "127.0.0.1",
        "db_port": str(postgres.port()),
        "db_user": postgres.ROLE,
        "db_password": postgres.password(),
        "pg_path": str(postgres.program_folder()),
        "http_interface": "127.0.0.1",
        "screenshots": str(paths.LOGS / "screenshots"),
    }
