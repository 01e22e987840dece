"""Encryption of what must never stand in clear in the database.

The key comes, in this order, from the environment (``SAPERX_SECRET_KEY``), from
``odoo.conf`` (section ``[saperx_voip]``, option ``secret_key``), or from a file
that is made once in Odoo's data folder, outside the filestore that backups take.
Several Odoo hosts on one database must share one of the first two.
"""

import configparser
import contextlib
import os
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from odoo.tools import config

KEY_VARIABLE = "SAPERX_SECRET_KEY"
KEY_SECTION, KEY_OPTION = "saperx_voip", "secret_key"
KEY_FILE = "saperx_voip.key"


class VaultError(Exception):
    """The key is missing, malformed, or not the one that encrypted a value."""


def encrypt(text: str) -> str:
    """:raise VaultError: if the configured key is malformed"""
    return _cipher(_find_key()).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """:raise VaultError: if the key is not the one that encrypted the value"""
    try:
        return _cipher(_find_key()).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise VaultError(
            "the encryption key is not the one that this value was stored with"
        ) from error


@lru_cache(maxsize=4)
def _cipher(key: str) -> Fernet:
    try:
        return Fernet(key)
    except ValueError as error:
        raise VaultError(
            f"the encryption key ({KEY_VARIABLE}, or {KEY_OPTION} in section "
            f"[{KEY_SECTION}] of odoo.conf) must be 32 bytes in URL-safe base64"
        ) from error


def _find_key() -> str:
    return (
        os.environ.get(KEY_VARIABLE)
        or _key_from_config(config["config"])
        or _key_from_file(Path(config["data_dir"]) / KEY_FILE)
    )


@lru_cache(maxsize=4)
def _key_from_config(path: str | None) -> str | None:
    # An option of ours in [options] would make Odoo warn at every start.
    parser = configparser.RawConfigParser()
    if path:
        parser.read([path])
    return parser.get(KEY_SECTION, KEY_OPTION, fallback=None)


@lru_cache(maxsize=4)
def _key_from_file(path: Path) -> str:
    if not path.exists():
        _make_key_file(path)
    return path.read_text().strip()


def _make_key_file(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        # A link appears whole or not at all, and never replaces another's key.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
