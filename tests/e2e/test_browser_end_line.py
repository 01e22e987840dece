"""Ending one line of a living contract, and porting a number out, in a real browser, in
Portuguese; and what the platform has afterwards."""

from datetime import timedelta
from functools import partial

from playwright.sync_api import expect

from .browser import log_in
from .world import at_once


def field(page, name):
    return page.locator(f".o_field_widget[name={name}]")


def line_with_two_numbers(world, customer):
    numbers = [(0, 0, {"number": world.number()}) for _place in range(2)]
    return world.line(world.contract(customer), did_ids=numbers)


def test_one_line_is_ended_by_the_wizard(page, server, world, users):
    contract = world.contract("Encerrada")
    line, other = world.line(contract), world.line(contract)
    world.wait_synced(line, other)
    (number,) = (did["numero"] for did in world.circuit(line)["dids"])
    world.sandbox.add_calls([world.record(1, line)])
    world.import_calls()
    log_in(page, server, "tecnico")
    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    page.get_by_role("button", name="Encerrar linha…").click()
    dialog = page.locator(".modal")
    expect(dialog.locator("[name=number_ids]")).to_contain_text(number[-8:-4])
    expect(dialog.locator("[name=charge_ids]")).to_contain_text("0,12")
    # Planned first, and withdrawn.
    planned = world.today + timedelta(days=10)
    entry = dialog.locator(".o_field_widget[name=date]")
    entry.locator("button, input").first.click()
    entry.locator("input").fill(f"{planned:%d/%m/%Y}")
    entry.locator("input").press("Tab")
    dialog.locator(".o_field_widget[name=comment] textarea").fill("Mudança")
    dialog.get_by_role("button", name="Programar encerramento").click()
    expect(dialog).to_have_count(0)
    alert = page.locator(".alert", has_text="Mudança")
    expect(alert).to_contain_text("Encerra em")
    alert.get_by_role("button", name="Retirar o encerramento").click()
    page.locator(".modal").get_by_role("button", name="Ok").click()
    expect(alert).to_have_count(0)
    # Now.
    page.get_by_role("button", name="Encerrar linha…").click()
    dialog.locator(".o_field_widget[name=comment] textarea").fill("Pedido do cliente")
    dialog.get_by_role("button", name="Encerrar agora").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".o_field_widget[name=end_comment]").last).to_contain_text(
        "Pedido do cliente"
    )
    world.wait_synced(line)
    circuit = world.circuit(line)
    assert circuit["status"] == "inativo"
    assert not circuit["dids"]
    assert world.circuit(other)["status"] == "ativo"


def test_a_number_is_ported_out_by_the_wizard(page, server, world, users):
    line = world.line(world.contract("Portada"))
    world.odoo.write(
        "saperx.line", [line], {"did_ids": [(0, 0, {"number": world.number()})]}
    )
    world.wait_synced(line)
    number = world.read_line(line, "main_number")["main_number"]
    log_in(page, server, "tecnico")
    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    page.get_by_role("tab", name="DIDs").click()
    row = field(page, "did_ids").locator(".o_data_row").first
    row.get_by_role("button", name="Portabilidade de saída").click()
    dialog = page.locator(".modal")
    dialog.locator(".o_field_widget[name=port_out_operator] input").fill("Vivo")
    dialog.locator(".o_field_widget[name=port_out_protocol] input").fill("BDR-1")
    dialog.get_by_role("button", name="Portar agora").click()
    expect(dialog).to_have_count(0)
    expect(field(page, "did_ids").locator(".o_data_row")).to_have_count(1)
    world.wait_synced(line)
    circuit = world.circuit(line)
    assert circuit["status"] == "ativo"
    assert number not in [did["numero"] for did in circuit["dids"]]
    (free,) = (did for did in world.sandbox.ledger()["dids"] if did["numero"] == number)
    assert free["circuito_id"] is None


def test_two_people_end_a_line_at_once_and_one_of_them_is_told(world):
    line = world.line(world.contract("Duas vezes"))
    wizards = [
        world.odoo.create(
            "saperx.line.end.wizard", {"line_ids": [(6, 0, [line])], "comment": "Fim"}
        )
        for _person in range(2)
    ]
    end = partial(world.odoo.call, "saperx.line.end.wizard", "action_end")
    outcomes = at_once(*(partial(end, [wizard]) for wizard in wizards))
    assert sorted(map(bool, outcomes)) == [False, True]
    assert world.read_line(line, "state")["state"] == "cancelled"
    messages = world.odoo.search_read(
        "mail.message",
        [("model", "=", "saperx.line"), ("res_id", "=", line), ("body", "like", "Fim")],
        ["id"],
    )
    assert len(messages) == 1


def test_two_numbers_of_a_line_leave_at_once_and_the_last_ends_it(world):
    line = world.line(world.contract("Sem números"))
    world.odoo.write(
        "saperx.line", [line], {"did_ids": [(0, 0, {"number": world.number()})]}
    )
    world.wait_synced(line)
    dids = world.odoo.search_read("saperx.did", [("line_id", "=", line)], ["id"])
    wizards = [
        world.odoo.create(
            "saperx.did.port.out.wizard",
            {"did_ids": [(6, 0, [did["id"]])], "port_out_operator": "Vivo"},
        )
        for did in dids
    ]
    outcomes = at_once(
        *(
            partial(
                world.odoo.call,
                "saperx.did.port.out.wizard",
                "action_port_out",
                [wizard],
            )
            for wizard in wizards
        )
    )
    assert outcomes == [None, None]
    assert world.read_line(line, "state")["state"] == "cancelled"
    world.wait_synced(line)
    assert not world.circuit(line)["dids"]
