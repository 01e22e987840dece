"""What only the system's package manager can install: as root it does, else it says."""

import shutil

from .steps import Failure, is_root, progress, run


def install(packages: list[str], why: str) -> None:
    """Install Debian packages as root.

    :raise Failure: an ordinary user is told what to have installed.
    """
    names = " ".join(packages)
    if not is_root():
        raise Failure(f"{why}: have it installed with 'apt-get install {names}'.")
    if not shutil.which("apt-get"):
        raise Failure(f"{why}: install {names} with this system's package manager.")
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    hint = "Check the network and run the command again."
    with progress(f"Installing {names}"):
        lists = "Reading the system's package lists"
        run(["apt-get", "-q", "update"], lists, hint, env=env)
        options = ["-q", "-y", "--no-install-recommends"]
        command = ["apt-get", "install", *options, *packages]
        run(command, f"Installing {names}", hint, env=env)


def require_chromium() -> None:
    """Browser tests and screenshots drive a real browser."""
    browsers = ("chromium", "google-chrome", "google-chrome-stable")
    if not any(map(shutil.which, browsers)):
        install(["chromium"], "Browser tests need Chromium")


def require_pdftoppm() -> None:
    """A statement's picture is made of its PDF."""
    if not shutil.which("pdftoppm"):
        install(["poppler-utils"], "Pictures of statements need pdftoppm")
