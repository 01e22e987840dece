"""Numbers: two people at once, many at once, and moves that are interrupted."""

import time
from functools import partial

import pytest
from demo.client import OdooClient

from .world import at_once


@pytest.fixture(autouse=True)
def nobody_has_a_number(world):
    """Every test's platform holds the same numbers: those of before are gone."""
    world.sql("UPDATE saperx_did SET active = FALSE, is_main = FALSE")
    # Compared when a test says so.
    cron = world.odoo.ref("saperx_voip.ir_cron_compare_numbers")
    world.sql(f"UPDATE ir_cron SET nextcall = now() + '1 day' WHERE id = {cron}")


@pytest.fixture
def technician(server, admin):
    """A second person at a second screen."""
    login = f"technician-{time.monotonic_ns()}"
    company = admin.read("res.users", admin.user_id, "company_id")["company_id"][0]
    groups = [
        admin.ref("saperx_voip.group_technician"),
        admin.ref("base.group_partner_manager"),
    ]
    admin.create(
        "res.users",
        {
            "name": "Técnico",
            "login": login,
            "password": login,
            "lang": "pt_BR",
            "company_id": company,
            "company_ids": [(6, 0, [company])],
            "group_ids": [(6, 0, groups)],
        },
    )
    return OdooClient(server.url, server.database, login, login)


@pytest.fixture
def ranges(world):
    """Makes ranges of numbers that leave nothing behind for other tests."""
    made = []

    def make(first, last=False, area_code="54"):
        values = {
            "name": world.name,
            "area_code": area_code,
            "first": first,
            "last": last,
        }
        made.append(world.odoo.create("saperx.number.range", values))
        return made[-1]

    yield make
    if made:
        ids = ", ".join(map(str, made))
        world.sql(f"DELETE FROM saperx_number_range WHERE id IN ({ids})")
    world.sql("DELETE FROM saperx_number")


def _numbers(world, *conditions):
    return world.odoo.search_read(
        "saperx.number", list(conditions), ["number", "state", "line_id", "difference"]
    )


def _holders(world, number):
    return world.odoo.search_read("saperx.did", [("number", "=", number)], ["line_id"])


@pytest.mark.parametrize("is_in_stock", [True, False])
def test_two_people_save_one_number_at_once_and_one_of_them_has_it(
    world, technician, ranges, is_in_stock
):
    numbers = [world.number() for _unused in range(6)]
    if is_in_stock:
        # Consecutive on the platform.
        ranges(numbers[0][4:], numbers[-1][4:], numbers[0][2:4])
    lines = [world.line(world.contract(name), did_ids=[]) for name in ("A", "B")]
    for number in numbers:
        outcomes = at_once(
            *(
                partial(
                    person.write,
                    "saperx.line",
                    [line],
                    {"did_ids": [(0, 0, {"number": number})]},
                )
                for person, line in zip((world.odoo, technician), lines, strict=True)
            )
        )
        (refusal,) = filter(None, outcomes)
        assert len(_holders(world, number)) == 1
        holder = lines[outcomes.index(None)]
        assert _holders(world, number)[0]["line_id"][0] == holder
        if is_in_stock:
            assert number[-4:] in refusal and "saperx_did" not in refusal
            (in_stock,) = _numbers(world, ("number", "=", number))
            assert in_stock["line_id"][0] == holder
        # In plain words, with nothing of the database in them.
        assert "duplicate" not in refusal and "_one_" not in refusal


def test_two_people_register_the_same_rangeat_once(world, technician, ranges):
    values = {"name": "R", "area_code": "51", "first": "30000000", "last": "30000999"}
    outcomes = at_once(
        *(
            partial(person.create, "saperx.number.range", values)
            for person in (world.odoo, technician)
        )
    )
    made = world.odoo.search_read("saperx.number.range", [("name", "=", "R")], ["id"])
    world.sql("DELETE FROM saperx_number_range WHERE name = 'R'")
    assert len(made) == 1
    (refusal,) = filter(None, outcomes)
    assert "duplicate" not in refusal and "constraint" not in refusal


def test_a_hundred_thousand_numbers_are_made_in_seconds(world, ranges):
    began = time.monotonic()
    made = ranges("20000000", "20099999")
    seconds = time.monotonic() - began
    found = world.odoo.read("saperx.number.range", made, "number_count")
    assert found["number_count"] == 100_000
    print(f"100,000 numbers in {seconds:.1f} s")
    assert seconds < 30
    began = time.monotonic()
    found = world.odoo.search_read(
        "saperx.number",
        [("display_name", "ilike", "(54) 2004-5678")],
        ["number"],
        limit=80,
    )
    print(f"one of them found in {time.monotonic() - began:.1f} s")
    assert [number["number"] for number in found] == ["555420045678"]
    line = world.line(world.contract(), did_ids=[])
    began = time.monotonic()
    wizard = world.odoo.create(
        "saperx.did.block.wizard",
        {"line_id": line, "quantity": 30, "start": "5420050000"},
    )
    print(f"a block of them found in {time.monotonic() - began:.1f} s")
    block = world.odoo.read("saperx.did.block.wizard", wizard, "first_number")
    assert block["first_number"] == "555420050000"


def _move(world, line, target, **values):
    wizard = world.odoo.create(
        "saperx.did.move.wizard",
        {"line_id": line, "target_line_id": target, **values},
    )
    world.odoo.call("saperx.did.move.wizard", "action_move", [wizard])


def _there(world, line):
    return {did["numero"] for did in world.circuit(line)["dids"]}


def _push_on(world, *lines):
    world.sql("UPDATE saperx_line SET lease_until = now() - interval '1 hour'")
    world.odoo.call("saperx.line", "action_retry_push", list(lines))
    world.wait_synced(*lines)


def test_a_move_that_the_platform_dies_under_ends_right(world):
    first, second = world.number(), world.number()
    line = world.line(
        world.contract(),
        did_ids=[(0, 0, {"number": number}) for number in (first, second)],
    )
    target = world.line(world.contract("Other"))
    world.wait_synced(line, target)
    own = _there(world, target)
    # It lets the numbers go, and dies before anybody takes them.
    world.sandbox.fault("/circuitos/{id}/dids/{numero}", "delay_after", seconds=20)
    _move(world, line, target)
    world.sandbox.wait_for_requests("DELETE", "/circuitos/{id}/dids/{numero}")
    world.sandbox.kill()
    assert {len(_holders(world, number)) for number in (first, second)} == {1}
    world.sandbox.start()
    world.sandbox.clear_faults()
    _push_on(world, line, target)
    assert _there(world, line) == set()
    assert _there(world, target) == {first, second} | own


def test_a_swap_that_odoo_and_the_platform_die_under_ends_right(world, server):
    here, there = world.number(), world.number()
    line = world.line(world.contract(), did_ids=[(0, 0, {"number": here})])
    target = world.line(world.contract("O"), did_ids=[(0, 0, {"number": there})])
    world.wait_synced(line, target)
    world.sandbox.fault(
        "/circuitos/{id}/dids/{numero}", "delay_after", method="PUT", seconds=20
    )
    before = world.sandbox.ledger()
    puts = sum(
        row["count"]
        for row in before["requests"]
        if (row["method"], row["path"]) == ("PUT", "/circuitos/{id}/dids/{numero}")
    )
    _move(world, line, target, is_swap=True)
    world.sandbox.wait_for_requests("PUT", "/circuitos/{id}/dids/{numero}", puts + 1)
    server.kill()
    world.sandbox.kill()
    world.sandbox.start()
    world.sandbox.clear_faults()
    server.start()
    _push_on(world, line, target)
    assert _there(world, line) == {there}
    assert _there(world, target) == {here}
    assert world.read_line(line, "main_number")["main_number"] == there
    assert world.read_line(target, "main_number")["main_number"] == here


def test_the_stock_is_compared_with_what_the_platform_has(world, ranges):
    numbers = sorted(
        did["numero"]
        for did in world.sandbox.ledger()["dids"]
        if did["numero"].startswith("5554")
    )
    held, stolen = numbers[0], numbers[1]
    ranges(numbers[0][4:], numbers[-1][4:])
    ranges("20000000")
    line = world.line(world.contract(), did_ids=[(0, 0, {"number": held})])
    thief = world.line(world.contract("Thief"), did_ids=[(0, 0, {"number": stolen})])
    world.wait_synced(line, thief)
    # Here it is free, and there it is not.
    world.sql(f"DELETE FROM saperx_did WHERE number = '{stolen}'")
    world.sql(
        "UPDATE saperx_number SET state = 'available', did_id = NULL, line_id = NULL,"
        f" partner_id = NULL WHERE number = '{stolen}'"
    )
    action = world.odoo.call(
        "saperx.integration", "action_sync_numbers", [world.integration]
    )
    assert action["params"]["type"] == "success"
    found = {number["number"]: number["difference"] for number in _numbers(world)}
    assert found[held] == "none"
    assert found[stolen] == "in_use_there"
    assert found["555420000000"] == "missing"
    # All others of the platform are known by now, and lie in no range.
    assert len(found) == 801
    others = [number for number in found if not number.startswith("5554")]
    assert {found[number] for number in others} == {"unknown_here"}
    assert {found[number] for number in numbers[2:]} == {"none"}


def test_a_freed_number_is_available_again_after_its_quarantine(world, ranges):
    number = world.number()
    ranges(number[4:], area_code=number[2:4])
    line = world.line(world.contract(), did_ids=[(0, 0, {"number": number})])
    world.wait_synced(line)
    world.odoo.call("saperx.line", "action_cancel", [line])
    cron = world.odoo.ref("saperx_voip.ir_cron_numbers")
    for days, state in ((1, "quarantine"), (-1, "available")):
        world.sql(
            f"UPDATE saperx_number SET quarantine_until = current_date + ({days})"
        )
        world.odoo.call("ir.cron", "method_direct_trigger", [cron])
        assert _numbers(world)[0]["state"] == state


def test_records_that_cannot_be_read_make_nothing_missing(world, ranges):
    ranges("20000000")
    page = {
        "data": [
            {"numero": "551130001000", "status": "disponivel"},
            {"numero": "551130001001", "status": "sumido"},
            {"numero": "veja o painel", "status": "disponivel"},
        ],
        "meta": {"current_page": 1, "last_page": 1, "per_page": 100, "total": 3},
    }
    world.sandbox.fault("/dids", "status", status=200, body=page, times=1)
    action = world.odoo.call(
        "saperx.integration", "action_sync_numbers", [world.integration]
    )
    assert action["params"]["type"] == "warning"
    assert "2" in action["params"]["message"]
    assert _numbers(world, ("number", "=", "551130001000"))
    (number,) = _numbers(world, ("number", "=", "555420000000"))
    assert number["difference"] == "none"


def test_the_scheduled_comparison_records_its_trouble_and_goes_on(world, ranges):
    ranges("20000000")
    world.sandbox.stop()
    cron = world.odoo.ref("saperx_voip.ir_cron_compare_numbers")
    world.odoo.call("ir.cron", "method_direct_trigger", [cron])
    found = world.odoo.read("saperx.integration", world.integration, "last_error")
    assert found["last_error"]
    (number,) = _numbers(world, ("number", "=", "555420000000"))
    assert number["difference"] == "none"
    world.sandbox.start()
    world.odoo.call("ir.cron", "method_direct_trigger", [cron])
    (number,) = _numbers(world, ("number", "=", "555420000000"))
    assert number["difference"] == "missing"
