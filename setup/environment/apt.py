"""Odoo 19 as Debian's unstable suite packages it, unpacked beside the project.

It is not installed: on a stable Debian its dependencies cannot be met, and nothing of
the system has to change. apt checks every signature and checksum; no root is needed.
"""

import re
import shutil
from pathlib import Path

from . import paths
from .steps import Failure, fingerprint, once, progress, require_space, run, write_file

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# Suite -> packages. Odoo's web libraries and fonts are links into usr/share of the same
# root. Unstable's Font Awesome has other file names: the fonts are those of Debian 12.
PACKAGES = {
    "sid": ["odoo-19", "fonts-montserrat"],
    "bookworm": [
        "libjs-jquery",
        "libjs-jquery-form",
        "libjs-underscore",
        "fonts-roboto-unhinted",
        "fonts-ocr-b",
        "fonts-inconsolata",
        "fonts-font-awesome",
    ],
}
# Left out by Debian for its licence. Odoo's web client asks for it (to blur the picture
# of a video call) and logs errors, also in the browser, where they fail every tour.
LEFT_OUT = (
    "usr/lib/python3/dist-packages/odoo/addons/mail/static/lib/selfie_segmentation/"
    "selfie_segmentation.js"
)
OFFLINE = "Check the network and run the command again; it goes on where it stopped."


def unpack_odoo() -> Path:
    """:return: the folder to put on Python's path so that ``import odoo`` works."""
    once("odoo", "", fingerprint(PACKAGES, LEFT_OUT), _download_and_unpack)
    return paths.ODOO_ROOT / "usr/lib/python3/dist-packages"


def _download_and_unpack() -> None:
    require_space()
    if not KEYRING.exists():
        raise Failure(
            "Debian's archive keyring is missing: install the package "
            "debian-archive-keyring, or set ODOO_PATH to a folder that holds Odoo 19."
        )
    paths.DEBS.mkdir(parents=True, exist_ok=True)
    wanted = [
        (name, suite)
        for suite, names in PACKAGES.items()
        for name in names
        if not any(paths.DEBS.glob(f"{name}_*.deb"))
    ]
    if wanted:
        options = _own_lists()
        for name, suite in wanted:
            with progress(f"Downloading {name}"):
                _download(name, suite, options)
    partial = paths.ODOO_ROOT.with_name("odoo.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with progress("Unpacking Odoo"):
        for deb in sorted(paths.DEBS.glob("*.deb")):
            run(["dpkg", "-x", deb, partial], f"Unpacking {deb.name}")
    stand_in = partial / LEFT_OUT
    stand_in.parent.mkdir(exist_ok=True)
    stand_in.write_text("/* Left out of Debian's package. */\n")
    shutil.rmtree(paths.ODOO_ROOT, ignore_errors=True)
    partial.rename(paths.ODOO_ROOT)
    shutil.rmtree(paths.DEBS)
    shutil.rmtree(paths.LOCAL / "apt", ignore_errors=True)


def _own_lists() -> list[str]:
    """Fetch the package lists of both suites into a folder of our own.

    :return: the options that make apt use them, and nothing of the system's.
    """
    folder = paths.LOCAL / "apt"
    sources = folder / "sources.list"
    options = []
    for name, value in {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",  # the sandbox's user may not enter this folder
        "APT::Update::Error-Mode": "any",
    }.items():
        options += ["-o", f"{name}={value}"]
    (folder / "lists/partial").mkdir(parents=True, exist_ok=True)
    (folder / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
    failure = None
    for mirror in _mirrors():
        lines = [
            f"deb [signed-by={KEYRING}] {mirror} {suite} main" for suite in PACKAGES
        ]
        write_file(sources, "\n".join(lines) + "\n")
        try:
            with progress("Reading Debian's package lists"):
                command = ["apt-get", *options, "update"]
                run(command, "Reading Debian's package lists", OFFLINE)
            return options
        except Failure as error:
            failure = failure or error
    raise failure or Failure(
        "apt on this machine names no Debian mirror: set one up in /etc/apt, or set "
        "ODOO_PATH to a folder that holds Odoo 19."
    )


def _mirrors() -> list[str]:
    """The addresses apt has for this release, Debian's own before others."""
    printed = run(
        ["apt-get", "-o", f"Dir::State::Lists={paths.LOCAL / 'apt/lists'}"]
        + ["update", "--print-uris"],
        "Reading apt's configuration",
    )
    release = re.search(r"^VERSION_CODENAME=(.*)$", _os_release(), re.MULTILINE)
    suites = {release.group(1).strip('"'), "stable"} if release else {"stable"}
    found = re.findall(r"^'(\S+?/)dists/([^/]+)/InRelease'", printed, re.MULTILINE)
    return list(dict.fromkeys(address for address, suite in found if suite in suites))


def _os_release() -> str:
    file = Path("/etc/os-release")
    return file.read_text() if file.exists() else ""


def _download(name: str, suite: str, options: list[str]) -> None:
    partial = paths.DEBS / "partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    command = ["apt-get", *options, "download", f"{name}/{suite}"]
    run(command, f"Downloading {name}", OFFLINE, cwd=partial)
    for deb in partial.glob("*.deb"):
        deb.rename(paths.DEBS / deb.name)
    partial.rmdir()
