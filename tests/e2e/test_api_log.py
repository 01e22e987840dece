"""The request log of a real Odoo that speaks to a real platform."""

import pytest
from demo.client import OdooError


def test_a_login_that_was_refused_is_known_though_nothing_was_saved(world):
    name = f"{world.name} refused"
    with pytest.raises(OdooError):
        world.odoo.create(
            "saperx.integration",
            world.credentials(name=name, api_secret="not-the-right-one"),
        )
    assert not world.odoo.search_read("saperx.integration", [("name", "=", name)])
    (row,) = world.odoo.search_read("saperx.api.log", [("integration_name", "=", name)])
    assert (row["path"], row["status"]) == ("/auth/login", 401)
    assert row["outcome"] == "refused" and row["error"]
    assert "not-the-right-one" not in str(row)


def test_every_request_of_a_push_is_found_by_its_line(world):
    line, other = (world.line(world.contract(name)) for name in ("Maria", "Pedro"))
    world.wait_synced(line, other)
    found = world.odoo.call("saperx.line", "action_view_requests", [line])
    rows = world.odoo.search_read("saperx.api.log", found["domain"])
    asked = {(row["method"], row["template"]) for row in rows}
    assert ("POST", "/circuitos") in asked
    assert ("PUT", "/circuitos/{id}/dids/{number}") in asked
    circuit = world.circuit(line)
    for row in rows:
        assert row["outcome"] == "ok"
        if "{id}" in row["template"]:
            assert f"/circuitos/{circuit['id']}" in row["path"]


def test_calls_leave_no_number_in_the_log(world):
    world.wait_synced(line := world.line(world.contract()))
    world.sandbox.generate_calls(f"{world.first:%Y-%m}", calls_per_line=20, seed=1)
    world.import_calls()
    calls = world.calls(("line_id", "=", line))
    # "190" may well be a part of a size or a time.
    callees = {call["callee"] for call in calls if len(call["callee"] or "") > 7}
    assert callees
    rows = world.requests(("template", "=", "/ligacoes"))
    assert rows
    assert all("not kept" in row["response_body"] for row in rows)
    for row in rows:
        assert not any(callee in str(row) for callee in callees)
