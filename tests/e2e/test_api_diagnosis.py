"""A diagnosis of a real platform by a real Odoo, in the background."""


def start(world):
    action = world.odoo.call(
        "saperx.integration", "action_diagnose_api", [world.integration]
    )
    return action["res_id"]


def read(world, diagnosis, *names):
    return world.odoo.read("saperx.api.diagnosis", diagnosis, *names)


def test_a_diagnosis_finds_what_differs_and_holds_nothing_up_meanwhile(world):
    world.wait_synced(world.line(world.contract("Hermenegilda Quaresma")))
    # Refresh tokens serve once: those of the integration go on being used.
    world.sandbox.speak(as_text=["id"], add={"cliente": "Hermenegilda"})
    world.sandbox.fault("/planos", "delay", seconds=4)
    before = world.sandbox.ledger()["history"]
    diagnosis = start(world)
    world.wait(
        "the platform is being asked",
        lambda: read(world, diagnosis, "state")["state"] == "running",
    )
    # A transaction that has looked at our tables and is open. That in which Odoo holds
    # the scheduled action itself is none of them.
    open_transactions = world.sql(
        "SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid"
        " JOIN pg_class c ON c.oid = l.relation"
        " WHERE a.datname = current_database() AND c.relname LIKE 'saperx%'"
        " AND a.state LIKE 'idle in transaction%'"
        " AND a.xact_start < clock_timestamp() - interval '1 second'"
    )
    world.odoo.write("saperx.integration", [world.integration], {"lookback_days": 4})
    assert read(world, diagnosis, "state")["state"] == "running"
    assert open_transactions == ["0"]

    world.wait("it is done", lambda: read(world, diagnosis, "state")["state"] == "done")
    assert read(world, diagnosis, "verdict")["verdict"] == "breaks"
    rows = world.odoo.search_read(
        "saperx.api.diagnosis.finding",
        [("diagnosis_id", "=", diagnosis)],
        ["path", "kind", "place", "found", "breaks", "advice"],
    )
    found = {(row["path"], row["kind"], row["place"]): row for row in rows}
    assert found["/circuitos", "kind", "data[].id"]["breaks"]
    assert found["/circuitos", "extra", "data[].cliente"]["found"] == '"Aaaaaaaaaaaa"'
    assert "Hermenegilda" not in str(rows)
    assert world.sandbox.ledger()["history"] == before

    world.sandbox.speak()
    again = start(world)
    assert again != diagnosis
    world.wait("it is done", lambda: read(world, again, "state")["state"] == "done")
    assert read(world, again, "verdict")["verdict"] == "agreed"
