"""An upgrade from the first version, with all that a provider had in it.

``first_version/`` holds that version as it landed (5995d03, without translations, tests
and texts), since a checkout need not bring the history along:

    git archive 5995d03 saperx_voip ':!saperx_voip/'{i18n,tests,readme,README.rst} \
        ':!saperx_voip/static/description' | xz -9e
"""

import json
import os
import tarfile
from pathlib import Path

import pytest
from demo.client import OdooClient
from demo.provider import local_today
from demo.server import OdooServer
from environment import databases, logs, odoo, paths, postgres

from .world import World

ARCHIVE = Path(__file__).parent / "first_version" / "saperx_voip-19.0.1.0.0.tar.xz"
PASSWORD = "Ramal-0001-antigo"

# What an upgrade says anew of what was there: all else stays to the letter.
MENDED = {
    # Of two lines with one code the one that the platform knows keeps it.
    ("saperx_line", "account_code"),
    # The platform takes no more than 9999.
    ("saperx_line", "simultaneous_calls"),
}
# It is told so.
PUSHED_AGAIN = {
    ("saperx_line", column)
    for column in (
        "revision", "sync_state", "sync_error", "sync_attempts", "next_sync_at"
    )
}  # fmt: skip


class FirstWorld(World):
    """What the first version knew."""

    def _let_nobody_watch(self):
        """There was no sentinel."""


@pytest.fixture
def first_version(tmp_path, monkeypatch):
    """Odoo's configuration with the addon of then."""
    folder = tmp_path / "addons"
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    config = tmp_path / "odoo.conf"
    text = paths.CONFIG.read_text()
    config.write_text(text.replace(f",{paths.PROJECT}\n", f",{folder}\n"))
    assert str(folder) in config.read_text()
    with monkeypatch.context() as patch:
        patch.setattr(paths, "CONFIG", config)
        yield patch


@pytest.fixture
def database():
    name = f"saperx_upgrade_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    databases.fresh(name)
    yield name
    databases.drop(name)


def test_a_first_version_full_of_data_is_upgraded_and_goes_on(
    database, first_version, sandbox
):
    world = live_in_the_first_version(database, sandbox)
    before = everything(database)
    first_version.undo()

    log = paths.LOGS / f"{database}-upgrade.log"
    odoo.run(["-d", database, "-u", paths.ADDON], "Upgrading the first version", log)
    assert logs.is_clean(log)
    changed = changes(before, everything(database))
    assert MENDED <= changed <= MENDED | PUSHED_AGAIN

    sandbox.restart()
    log = paths.LOGS / f"{database}.log"
    log.unlink()
    with OdooServer(database, log=log) as server:
        world.odoo = OdooClient(server.url, database, "admin", "admin")
        check_everything_can_be_read(world.odoo)
        check_what_is_new_has_its_defaults(world)
        check_what_waited_goes_on(world)
        check_secrets_are_still_known(world)
        check_money_goes_on(world)
        check_books_agree(world)
    assert logs.is_clean(log)


def live_in_the_first_version(database, sandbox):
    log = paths.LOGS / f"{database}-first.log"
    odoo.run(["-d", database, "-i", paths.ADDON], "Installing the first version", log)
    logs.require_clean(log)
    with OdooServer(database, log=paths.LOGS / f"{database}.log") as server:
        client = OdooClient(server.url, database, "admin", "admin")
        world = FirstWorld(
            client,
            sandbox,
            name="Provedor",
            database=database,
            today=local_today(),
        )
        make_people(world)
        make_lines(world)
        make_calls(world)
        make_money(world)
        leave_things_half_done(world)
    return world


def make_people(world):
    for role in ("user", "technician", "billing", "manager"):
        group = world.odoo.ref(f"saperx_voip.group_{role}")
        world.odoo.create(
            "res.users",
            {"name": role, "login": role, "group_ids": [(4, group)]},
        )


def make_lines(world):
    """A line of each kind, by name; and what that version let people enter."""
    odoo = world.odoo
    other_plan = odoo.create(
        "saperx.tariff",
        {
            "name": "Por prefixo",
            "rate_ids": [
                (0, 0, {"prefix": "5599", "price_per_minute": 0.3}),
                (0, 0, {"call_class": "vc1", "price_per_minute": 0.5}),
            ],
        },
    )
    world.lines = {
        name: world.line(world.contract(name), **values)
        for name, values in {
            "invoiced": {"password": PASSWORD, "credit_limit": 300},
            "in a draft": {},
            "confirmed": {"tariff_id": other_plan},
            "cancelled charge": {"portability": "in"},
            "off": {},
            "ended": {},
            "prepaid": {"billing_type": "prepaid"},
            "no plan": {"tariff_id": False},
        }.items()
    }
    world.wait_synced(*world.lines.values())
    # Two lines with one code, and more calls than the platform takes: it refuses them.
    taken = world.circuit(world.lines["off"])["conta"]
    world.lines["same code"] = world.line(
        world.contract("same code"), account_code=taken, simultaneous_calls=12_000
    )
    world.archived = odoo.create(
        "saperx.integration", world.credentials(name="Antiga", active=False)
    )


def make_calls(world):
    lines = world.lines
    records = [
        world.record(f"{name}-{n}", line, **changes)
        for name, line in lines.items()
        if name != "same code"
        for n, changes in enumerate(
            (
                {},
                {"tempo_real": 90, "tempo_total": 95},
                {"situacao": "ocupado", "tempo_real": 0},
            )
        )
    ]
    # Without a price, of nobody, and unreadable.
    records.append(world.record("unrated", lines["confirmed"], destino="551133334444"))
    stranger = world.circuit(lines["off"]) | {"id": 987654, "conta": "987654"}
    stranger["dids"] = [{"numero": "554199998888"}]
    records.append(world.record_of(stranger, "stranger"))
    world.sandbox.add_calls(records)
    world.sandbox.add_calls(
        [{"id": "unreadable", "inicio": f"{world.first} 10:00:00", "tempo_real": "?"}]
    )
    run = world.import_calls()
    assert (run["unmatched_count"], run["rejected_count"]) == (1, 1)


def make_money(world):
    odoo, lines = world.odoo, world.lines
    world.charge()
    (charge,) = charges_of(world, "cancelled charge")
    odoo.call("saperx.charge", "action_cancel", [charge["id"]])
    for name in ("invoiced", "in a draft"):
        (contract,) = world.read_line(lines[name], "contract_id")["contract_id"][:1]
        odoo.call("contract.contract", "recurring_create_invoice", [contract])
    (posted,) = charges_of(world, "invoiced")
    odoo.call("account.move", "action_post", [posted["move_id"][0]])
    assert [charges_of(world, name)[0]["state"] for name in list(lines)[:4]] == [
        "invoiced",
        "invoiced",
        "confirmed",
        "cancelled",
    ]


def leave_things_half_done(world):
    """Some lines end, and the platform does not answer as others change."""
    odoo, lines = world.odoo, world.lines
    odoo.write("saperx.line", [lines["off"]], {"is_active": False})
    odoo.call("saperx.line", "action_cancel", [lines["ended"]])
    world.wait_synced(lines["off"], lines["ended"])
    world.sandbox.stop()
    odoo.write("saperx.line", [lines["invoiced"]], {"simultaneous_calls": 7})
    world.run = world.start_import()
    world.wait(
        "the import waits for its next attempt",
        lambda: odoo.read("saperx.cdr.import", world.run, "error")["error"],
    )


def charges_of(world, name):
    return world.odoo.search_read(
        "saperx.charge",
        [("line_id", "=", world.lines[name])],
        ["state", "amount", "move_id"],
        order="id",
    )


def everything(database):
    """All rows of the addon's tables, by table and id."""
    tables = postgres.query(
        "SELECT table_name FROM information_schema.tables"
        " WHERE table_schema = 'public' AND table_name LIKE 'saperx\\_%'"
        " AND table_name NOT LIKE '%wizard%'",
        database,
    )
    return {
        (table, row["id"]): row
        for table in tables
        for row in map(
            json.loads,
            postgres.query(f"SELECT row_to_json(t) FROM {table} AS t", database),
        )
        if "id" in row
    }


def changes(before, after):
    """The columns of rows that were there which say something else now."""
    return {
        (key[0], "gone") if key not in after else (key[0], column)
        for key, row in before.items()
        for column, value in row.items()
        if column not in ("write_date", "write_uid")
        and value != after.get(key, {}).get(column, value if key in after else None)
    }


def check_everything_can_be_read(odoo):
    """Whatever a screen may show of what was there."""
    for table in (
        "line",
        "did",
        "line.period",
        "tariff",
        "tariff.rate",
        "cdr",
        "cdr.import",
        "cdr.reject",
        "charge",
        "integration",
        "plan",
    ):
        model = f"saperx.{table}"
        ids = odoo.call(model, "search", [])
        assert odoo.call(model, "read", ids), model
    for model in ("contract.contract", "account.move"):
        assert odoo.call(model, "read", odoo.call(model, "search", [])), model


def check_what_is_new_has_its_defaults(world):
    odoo, lines = world.odoo, world.lines
    both = [world.integration, world.archived]
    watched = odoo.search_read(
        "saperx.sentinel",
        [("integration_id", "in", both), ("active", "in", [True, False])],
        ["integration_id"],
    )
    assert sorted(one["integration_id"][0] for one in watched) == sorted(both)
    assert world.read_line(
        lines["same code"], "simultaneous_calls", "account_code"
    ) == {
        "id": lines["same code"],
        "simultaneous_calls": 9999,
        "account_code": False,
    }
    ported = odoo.search_read("saperx.did", [("is_ported", "=", True)], ["line_id"])
    assert [did["line_id"][0] for did in ported] == [lines["cancelled charge"]]
    charged = odoo.search_read(
        "saperx.tariff.rate", [("is_charged", "=", True)], ["tariff_id"]
    )
    assert world.tariff in {rate["tariff_id"][0] for rate in charged}
    (reject,) = odoo.search_read("saperx.cdr.reject", [], ["problem"])
    assert reject["problem"]
    used = odoo.search_read("saperx.line", [], ["in_use_since"])
    assert not any(line["in_use_since"] for line in used)


def check_what_waited_goes_on(world):
    """A change and an import that the platform had not taken; a refused line."""
    lines = world.lines
    world.let_pauses_end()
    world.wait_all_synced()
    assert world.circuit(lines["invoiced"])["limite_simultaneas"] == 7
    world.odoo.call("saperx.cdr.import", "action_retry", [world.run])
    run = world.wait_import(world.run)
    assert (run["new_count"], run["changed_count"]) == (0, 0)
    assert run["known_count"] == len(world.calls())


def check_secrets_are_still_known(world):
    odoo = world.odoo
    shown = odoo.call(
        "saperx.line", "action_reveal_password", [world.lines["invoiced"]]
    )
    assert PASSWORD in json.dumps(shown)
    odoo.call("saperx.integration", "action_test_connection", [world.integration])


def check_money_goes_on(world):
    """What was charged stays; what was let go of, and late calls, are charged now."""
    odoo, lines = world.odoo, world.lines
    world.sandbox.add_calls([world.record("late", lines["invoiced"])])
    assert world.import_calls()["new_count"] == 1
    world.charge()
    assert [charge["amount"] for charge in charges_of(world, "invoiced")] == [0.3, 0.12]
    assert [
        (charge["state"], charge["amount"])
        for charge in charges_of(world, "cancelled charge")
    ] == [("cancelled", 0.3), ("confirmed", 0.3)]
    for name in ("confirmed", "cancelled charge"):
        (contract,) = world.read_line(lines[name], "contract_id")["contract_id"][:1]
        odoo.call("contract.contract", "recurring_create_invoice", [contract])
        charge = charges_of(world, name)[-1]
        assert charge["state"] == "invoiced"
        odoo.call("account.move", "action_post", [charge["move_id"][0]])
    (draft,) = charges_of(world, "in a draft")
    odoo.call("account.move", "unlink", [draft["move_id"][0]])
    assert charges_of(world, "in a draft")[0]["state"] == "confirmed"


def check_books_agree(world):
    """*Conferência*, of what the first version wrote too."""
    odoo = world.odoo
    audit = odoo.call("saperx.audit", "action_start", [])["res_id"]
    world.wait_for_workers(
        "the audit has ended",
        lambda: odoo.read("saperx.audit", audit, "state")["state"] == "done",
    )
    found = odoo.search_read(
        "saperx.audit.violation", [("audit_id", "=", audit)], ["display_name"]
    )
    assert not found
