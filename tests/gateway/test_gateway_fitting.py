"""``docs/fitting.md``: each of its examples, applied to a copy of the gateway, works
with a platform that speaks so."""

import importlib
import re
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from gateway_lines import make_settings
from sandbox.process import running

PROJECT = Path(__file__).parents[2]
GATEWAY = PROJECT / "saperx_voip" / "gateway"
MANUAL = PROJECT / "docs" / "fitting.md"
FITTED = {"wire.py", "saperx_v2.openapi.yaml"}
OCTOBER = (datetime(2026, 10, 1, 3), datetime(2026, 11, 1, 3))

# What the sandbox does in the dialect of each example.
DIALECTS = {
    "Another field name": {"rename": {"inicio": "data_hora"}},
    "Another date format": {"moment": "%d/%m/%Y %H:%M:%S"},
    "Another paging": {"paging": "offset"},
}


def sections():
    """The patches by the heading that they stand under."""
    found, heading = {}, None
    for part in re.split(r"^## (.*)$", MANUAL.read_text(encoding="utf-8"), flags=re.M):
        if "\n" not in part:
            heading = part
        elif patches := re.findall(r"```diff\n(.*?)```", part, re.S):
            found[heading] = patches
    return found


def apply(patch: str, folder: Path) -> str:
    """:return: the name of the file that it changes"""
    first, *hunks = re.split(r"^@@ .*\n", patch, flags=re.M)
    name = Path(first.split()[1]).name
    text = (folder / name).read_text(encoding="utf-8")
    for hunk in hunks:
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] or "\n" for line in lines if line[0] in " -\n")
        after = "".join(line[1:] or "\n" for line in lines if line[0] in " +\n")
        assert text.count(before) == 1, f"{name}: {before}"
        text = text.replace(before, after)
    (folder / name).write_text(text, encoding="utf-8")
    return name


@pytest.fixture
def import_gateway(tmp_path, monkeypatch):
    """The gateway as an example leaves it, as a package of its own."""
    monkeypatch.syspath_prepend(tmp_path)
    names = []

    def fit(patches):
        name = f"fitted_{len(names)}_{tmp_path.name}"
        names.append(name)
        folder = tmp_path / name
        shutil.copytree(GATEWAY, folder, ignore=shutil.ignore_patterns("__pycache__"))
        changed = {apply(patch, folder) for patch in patches}
        assert changed <= FITTED
        return importlib.import_module(name)

    yield fit
    for module in list(sys.modules):
        if module.partition(".")[0] in names:
            del sys.modules[module]


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    with running(tmp_path_factory.mktemp("fitted")) as process:
        process.make_lines(12)
        process.generate_calls("2026-10", calls_per_line=20, late_share=0)
        yield process


def connect(gateway, url):
    credentials = gateway.Credentials(
        "sandbox", "sandbox-senha", "sandbox-key", "sandbox-secret"
    )
    store = gateway.MemoryTokenStore()
    return gateway.Client(url, credentials, store, timezone="America/Sao_Paulo")


def read_all(gateway, url):
    """All that a platform tells, as text, since each gateway has classes of its own."""
    wire = importlib.import_module(f"{gateway.__name__}.wire")
    with connect(gateway, url) as client:
        small = wire.page_query

        def page_query(per_page=5, **filters):
            # Else nothing here would have a second page.
            return small(per_page=per_page, **filters)

        wire.page_query = page_query
        try:
            lines = list(client.iter_lines())
            told = {
                "plans": list(client.iter_plans()),
                "groups": list(client.iter_groups()),
                "dids": list(client.iter_dids(in_use=True)),
                "lines": lines,
                "line": client.get_line(lines[0].remote_id),
                "changed": list(client.iter_lines(updated_since=lines[0].updated_at)),
                "later": list(
                    client.iter_lines(
                        updated_since=lines[0].updated_at + timedelta(days=1)
                    )
                ),
                "registration": client.get_registration(lines[0].remote_id),
                "calls": list(client.iter_call_pages(*OCTOBER, limit=50)),
            }
        finally:
            wire.page_query = small
    # The digest is of the content; a cursor is the platform's own.
    told["calls"] = [(str(page.calls), page.rejects) for page in told["calls"]]
    assert len(told["calls"]) > 3
    return {name: str(value) for name, value in told.items()}


def test_every_example_of_the_manual_is_tried():
    assert sections().keys() == DIALECTS.keys()


@pytest.mark.parametrize("heading", DIALECTS)
def test_an_example_fits_the_gateway_to_its_dialect(heading, import_gateway, platform):
    platform.speak()
    agreed = import_gateway([])
    expected = read_all(agreed, platform.url)
    assert "Reject" not in str(expected)

    platform.speak(**DIALECTS[heading])
    fitted = import_gateway(sections()[heading])
    assert read_all(fitted, platform.url) == expected

    # Writing goes on as before.
    with connect(fitted, platform.url) as client:
        reference = heading.replace(" ", "-")
        plan = next(p for p in client.iter_plans(scope="national") if p.active)
        wanted = make_settings(reference, plan_remote_id=plan.remote_id)
        line = client.create_line(wanted)
        assert client.get_line(line.remote_id) == line
    platform.speak()
    with connect(agreed, platform.url) as client:
        assert [one.reference for one in client.iter_lines(reference=reference)] == [
            reference
        ]


@pytest.mark.parametrize("heading", DIALECTS)
def test_a_diagnosis_finds_the_dialect_and_agrees_once_it_is_fitted(
    heading, import_gateway, platform
):
    platform.speak(**DIALECTS[heading])
    verdicts = []
    for patches in ([], sections()[heading]):
        gateway = import_gateway(patches)
        diagnosis = importlib.import_module(f"{gateway.__name__}.diagnosis")
        contract = importlib.import_module(f"{gateway.__name__}.contract")
        with connect(gateway, platform.url) as client:
            found = diagnosis.diagnose(
                client, contract.load(), now=datetime(2026, 11, 2, 12)
            )
            verdicts.append({r.verdict for r in found if r.method == "GET"})
    platform.speak()
    assert "breaks" in verdicts[0]
    assert verdicts[1] == {"agreed"}
