"""Starting with a platform that already runs: its circuits, a month of their calls, and
contracts in Odoo that know nothing of it.

Small here: ``make adoption`` takes five thousand circuits with sixty calls each, or as
many as ``ADOPTION_LINES`` and ``ADOPTION_CALLS`` say, and prints what each step took.
"""

import os
import time
from contextlib import contextmanager

import pytest
from demo.client import OdooClient

from .browser import log_in
from .world import WAIT_SECONDS, at_once

LINES = int(os.environ.get("ADOPTION_LINES", "60"))
CALLS = int(os.environ.get("ADOPTION_CALLS", "8"))
PATIENCE = WAIT_SECONDS + LINES
PART = 250
# Of so many customers there are two contracts, and nothing says which one it is.
TWICE = 3


@contextmanager
def timed(what):
    began = time.monotonic()
    yield
    print(f"\n{what}: {time.monotonic() - began:.1f} s")


def _written(circuit, place):
    """A customer as an office wrote him down: other spelling, a part of the facts."""
    name, document = circuit["nome"], circuit["documento"]
    ddd, local = circuit["numero"][2:4], circuit["numero"][4:]
    values = {"name": name if place % 10 else name.upper(), "lang": "pt_BR"}
    if document and place % 7:
        values["vat"] = document
    if not values.get("vat") or place % 2:
        values["phone"] = f"({ddd}) {local[:4]}-{local[4:]}"
    return values


@pytest.fixture
def started(world):
    """The platform with its circuits and calls; contracts, made in any order."""
    odoo, sandbox = world.odoo, world.sandbox
    with timed("seeded the platform"):
        circuits = sandbox.make_lines(LINES)
        sandbox.generate_calls(
            f"{world.first:%Y-%m}", calls_per_line=CALLS, seed=7, late_share=0
        )
    (journal,) = odoo.search_read(
        "account.journal", [("type", "=", "sale")], ["id"], limit=1
    )
    product = odoo.create(
        "product.product",
        {"name": "Internet", "type": "service", "taxes_id": [(6, 0, [])]},
    )
    fee = {
        "name": "Internet",
        "product_id": product,
        "quantity": 1,
        "price_unit": 100,
        "specific_price": 100,
        "recurring_invoicing_type": "pre-paid",
        "recurring_rule_type": "monthly",
        "date_start": world.today.isoformat(),
        "recurring_next_date": world.today.isoformat(),
    }
    contract_of = {}
    order = sorted(range(LINES), key=lambda place: place * 7919 % (LINES + 1))
    with timed("made customers and contracts"):
        for begin in range(0, LINES, PART):
            places = order[begin : begin + PART]
            partners = odoo.call(
                "res.partner",
                "create",
                [_written(circuits[place], place) for place in places],
                context={"no_vat_validation": True},
            )
            made = odoo.call(
                "contract.contract",
                "create",
                [
                    {
                        "name": f"{world.name} contrato {place}",
                        "partner_id": partner,
                        "contract_type": "sale",
                        "journal_id": journal["id"],
                        "contract_line_ids": [(0, 0, fee)],
                    }
                    for place, partner in zip(places, partners, strict=True)
                ],
            )
            for place, contract in zip(places, made, strict=True):
                contract_of[circuits[place]["id"]] = contract
    for circuit in circuits[1 : 1 + TWICE]:
        odoo.call("contract.contract", "copy", [contract_of[circuit["id"]]])
    world.circuits_there = circuits
    world.contract_of = contract_of
    world.ambiguous = {circuit["id"] for circuit in circuits[1 : 1 + TWICE]}
    return world


def test_circuits_are_adopted_matched_and_charged_and_nothing_changes_there(
    page, server, started
):
    world = started
    odoo = world.odoo
    before = world.sandbox.ledger()
    run = world.start_import()
    with timed("imported the month"):
        world.wait_for_workers(
            "the import has ended",
            lambda: odoo.read("saperx.cdr.import", run, "state")["state"] == "done",
            PATIENCE,
        )
    assert set(world.sql(_states(world))) == {"unmatched"}
    # What takes seconds here takes minutes with thousands.
    page.set_default_timeout(1000 * PATIENCE)
    log_in(page, server, "admin", "admin")
    integrations = odoo.ref("saperx_voip.saperx_integration_action")
    form = f"{server.url}/odoo/action-{integrations}/{world.integration}"
    with timed("read the circuits"):
        odoo.call("saperx.integration", "action_compare_lines", [world.integration])
        world.wait_for_workers(
            "all circuits are known",
            lambda: _count(world, "saperx.circuit") == LINES,
            PATIENCE,
        )
    page.goto(form)
    with timed("proposed contracts"):
        page.locator("button[name=action_adopt_circuits]").click()
        page.locator("button[name=action_propose]").wait_for()
    (adoption,) = odoo.search_read(
        "saperx.adoption",
        [("integration_id", "=", world.integration)],
        ["id", "certain_count", "likely_count", "possible_count", "none_count"],
    )
    print(adoption)
    rows = odoo.search_read(
        "saperx.adoption.row",
        [("adoption_id", "=", adoption["id"])],
        ["circuit_id", "contract_id", "certainty", "is_ambiguous"],
    )
    remote_ids = {
        circuit["id"]: circuit["remote_id"]
        for circuit in odoo.search_read(
            "saperx.circuit",
            [("integration_id", "=", world.integration)],
            ["remote_id"],
        )
    }
    assert len(rows) == LINES
    for row in rows:
        remote_id = remote_ids[row["circuit_id"][0]]
        right = world.contract_of[remote_id]
        if remote_id in world.ambiguous:
            assert row["is_ambiguous"] and not row["contract_id"]
        elif row["certainty"] == "certain":
            assert row["contract_id"][0] == right, "certain, and wrong"
    odoo.write(
        "saperx.adoption",
        [adoption["id"]],
        {
            "tariff_id": world.tariff,
            "charge_calls_from": f"{world.first} 03:00:00",
        },
    )
    page.reload()
    # All that is certain at once; the rest is looked at, and set by hand.
    page.locator("button[name=action_choose_certain]").click()
    page.locator("button[name=action_adopt]").wait_for()
    with timed("adopted what is certain"):
        _adopt(page, world, adoption["id"])
    left = [row for row in rows if row["certainty"] != "certain"]
    for row in left:
        right = world.contract_of[remote_ids[row["circuit_id"][0]]]
        values = {"contract_id": right, "is_chosen": True}
        odoo.write("saperx.adoption.row", [row["id"]], values)
    page.reload()
    with timed(f"adopted {len(left)} that were set by hand"):
        _adopt(page, world, adoption["id"])
    assert _count(world, "saperx.line", ("sync_state", "=", "synced")) == LINES
    _check_lines(world)
    with timed("matched the calls"):
        world.wait_for_workers(
            "calls have their lines",
            lambda: "unmatched" not in set(world.sql(_states(world))),
            PATIENCE,
        )
    with timed("charged"):
        odoo.call("saperx.charge.wizard", "action_generate", [world.charge_wizard()])
        world.wait_for_workers(
            "nothing is left to charge",
            lambda: not {"unbilled"} & set(world.sql(_states(world))),
            PATIENCE,
        )
    _check_sums(world)
    # Not a word was said to the platform that changes anything.
    after = world.sandbox.ledger()
    assert after["circuitos"] == before["circuitos"]
    assert after["dids"] == before["dids"]
    with timed("compared with the platform"):
        found = _compare(world)
    # The office writes some customers otherwise; all else is as it is there.
    assert {difference["field_name"] for difference in found} <= {
        "customer_name",
        "customer_document",
    }
    with timed(f"pushed what {len(found)} differences say"):
        ids = [difference["id"] for difference in found]
        odoo.call("saperx.line.difference", "action_push", ids)
        world.wait_for_workers(
            "all lines are in step",
            lambda: not world.count_lines("sync_state <> 'synced'"),
            PATIENCE,
        )
    assert _compare(world) == []


def test_two_servers_adopt_at_once_and_one_of_them_dies(second_server, world):
    """Each circuit becomes one line, whoever is at it, and however often."""
    odoo = world.odoo
    circuits = world.sandbox.make_lines(24)
    contract = world.contract("Todos")
    odoo.call("saperx.integration", "action_compare_lines", [world.integration])
    world.wait_for_workers(
        "all circuits are known", lambda: _count(world, "saperx.circuit") == 24
    )
    odoo.call("saperx.integration", "action_adopt_circuits", [world.integration])
    (adoption,) = odoo.search_read(
        "saperx.adoption", [("integration_id", "=", world.integration)], ["row_ids"]
    )
    few, many = adoption["row_ids"][:3], adoption["row_ids"][3:]
    second = OdooClient(second_server.url, second_server.database, "admin", "admin")
    choice = {"contract_id": contract, "is_chosen": True}
    odoo.write("saperx.adoption.row", few, choice)
    adopt = ("saperx.adoption", "action_adopt", [adoption["id"]])
    outcomes = at_once(lambda: odoo.call(*adopt), lambda: second.call(*adopt))
    assert None in outcomes
    assert _count(world, "saperx.line") == len(few)
    # Who is asked for the rest dies while some of them are being made.
    odoo.write("saperx.adoption.row", many, choice)
    second.call(*adopt)
    second_server.kill()
    world.wait_for_workers(
        "the other one has adopted all of them",
        lambda: _count(world, "saperx.line") == len(circuits),
    )
    rows = odoo.search_read(
        "saperx.adoption.row", [("adoption_id", "=", adoption["id"])], ["state"]
    )
    assert {row["state"] for row in rows} == {"adopted"}
    ledger = world.sandbox.ledger()
    assert {circuit["id"] for circuit in ledger["circuitos"]} == {
        circuit["id"] for circuit in circuits
    }


def _adopt(page, world, adoption):
    page.locator("button[name=action_adopt]").click()
    page.locator(".modal footer .btn-primary").click()
    page.locator(".modal").wait_for(state="detached")
    world.wait_for_workers(
        "what was chosen is adopted",
        lambda: (
            not world.odoo.read("saperx.adoption", adoption, "waiting_count")[
                "waiting_count"
            ]
        ),
        PATIENCE,
    )
    failed = world.odoo.search_read(
        "saperx.adoption.row", [("state", "=", "failed")], ["error"]
    )
    assert not failed, failed[:3]


def _compare(world):
    """:return: the differences that are found, without what is over"""
    odoo = world.odoo
    action = odoo.call(
        "saperx.integration", "action_compare_lines", [world.integration]
    )
    reading = action["res_id"]
    world.wait_for_workers(
        "the platform has been compared",
        lambda: (
            odoo.read("saperx.circuit.reading", reading, "state")["state"] == "done"
        ),
        PATIENCE,
    )
    return odoo.search_read(
        "saperx.line.difference",
        [
            ("integration_id", "=", world.integration),
            ("state", "not in", ("settled", "mended")),
        ],
        ["kind", "field_name", "state"],
    )


def _check_lines(world):
    """Each circuit is a line of the contract that it was sold by."""
    lines = world.odoo.search_read(
        "saperx.line",
        [("integration_id", "=", world.integration)],
        ["remote_id", "contract_id", "main_number", "account_code"],
    )
    found = {
        line["remote_id"]: (
            line["contract_id"][0],
            line["main_number"],
            line["account_code"],
        )
        for line in lines
    }
    assert found == {
        circuit["id"]: (
            world.contract_of[circuit["id"]],
            circuit["numero"],
            circuit["conta"],
        )
        for circuit in world.circuits_there
    }


def _check_sums(world):
    """Each charged call is in one charge, and each charge is the sum of its calls."""
    (odd,) = world.sql(
        f"""
        SELECT count(*) FROM saperx_charge AS charge
        WHERE integration_id = {world.integration} AND amount <> (
            SELECT sum(charged_amount) FROM saperx_cdr WHERE charge_id = charge.id
        )
        """
    )
    assert odd == "0"
    (charges,) = world.sql(
        "SELECT count(DISTINCT line_id) FROM saperx_charge"
        f" WHERE integration_id = {world.integration}"
    )
    assert int(charges) > LINES / 2


def _states(world):
    return (
        "SELECT DISTINCT state FROM saperx_cdr"
        f" WHERE integration_id = {world.integration}"
    )


def _count(world, model, *conditions):
    domain = [("integration_id", "=", world.integration), *conditions]
    return world.odoo.call(model, "search_count", domain)
