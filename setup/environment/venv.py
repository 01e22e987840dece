"""The virtual environment: Odoo on its path, and the Python packages beside it."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

from . import apt, paths, system
from .steps import Failure, fingerprint, forget, once, progress, run

OFFLINE = "Check the network and run the command again; it goes on where it stopped."
BASE = [paths.ODOO_REQUIREMENTS, paths.OCA_REQUIREMENTS, paths.ADDON_REQUIREMENTS]


def odoo_folder() -> Path:
    """The folder to put on Python's path: that of ``ODOO_PATH``, else a download."""
    given = os.environ.get("ODOO_PATH")
    if not given:
        return apt.unpack_odoo()
    folder = Path(given).expanduser().resolve()
    if folder.name == "odoo" and (folder / "release.py").exists():
        folder = folder.parent
    release = folder / "odoo/release.py"
    if not release.exists():
        raise Failure(f"ODOO_PATH={given} holds no Odoo: there is no {release}.")
    version = runpy.run_path(str(release))["version_info"]
    if version[0] != 19:
        raise Failure(f"ODOO_PATH={given} holds Odoo {version[0]}, and 19 is needed.")
    return folder


def build() -> Path:
    """:return: the folder that holds the package ``odoo``."""
    odoo = odoo_folder()
    key = fingerprint(sys.version, str(paths.VENV), str(odoo))
    once("venv", "", key, lambda: _create(odoo))
    key = fingerprint(key, *BASE)
    once("python-packages", "Installing Python packages", key, lambda: _install(BASE))
    return odoo


def add_test_tools() -> None:
    """What only tests need. Resolved with the rest, so that nothing else changes."""
    files = [*BASE, paths.TEST_REQUIREMENTS]
    key = fingerprint(sys.version, str(paths.VENV), *files)
    label = "Installing the tests' Python packages"
    once("test-tools", label, key, lambda: _install(files))


def _create(odoo: Path) -> None:
    # On Debian the module venv is there without what it needs to work.
    probe = [sys.executable, "-c", "import ensurepip"]
    if subprocess.run(probe, check=False, capture_output=True).returncode:
        system.install(["python3-venv"], "Python's venv module is missing")
    with progress("Creating the virtual environment"):
        _create_with_odoo(odoo)


def _create_with_odoo(odoo: Path) -> None:
    forget("python-packages")
    forget("test-tools")
    shutil.rmtree(paths.VENV, ignore_errors=True)
    run([sys.executable, "-m", "venv", paths.VENV], "Creating the virtual environment")
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site_packages = Path(run([paths.PYTHON, "-c", ask], "Asking Python").strip())
    (site_packages / "odoo19.pth").write_text(f"{odoo}\n")
    ask = "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    if "odoo" not in run([paths.PYTHON, "-c", ask], "Asking Python").split():
        _declare_odoo(site_packages)


def _declare_odoo(site_packages: Path) -> None:
    """Tell pip that Odoo is there; a bare source folder carries no metadata."""
    folder = site_packages / "odoo-19.0.dist-info"
    folder.mkdir()
    metadata = "Metadata-Version: 2.1\nName: odoo\nVersion: 19.0\n"
    (folder / "METADATA").write_text(metadata)
    (folder / "INSTALLER").write_text("saperx_voip setup\n")
    (folder / "RECORD").write_text("")


def _install(requirements: list[Path]) -> None:
    options = ["--quiet", "--no-input", "--prefer-binary"]
    options += ["--disable-pip-version-check"]
    files = [word for path in requirements for word in ("-r", path)]
    command = [paths.PYTHON, "-m", "pip", "install", *options, *files]
    run(command, "Installing Python packages", OFFLINE)
