"""An accountant's path in a real browser, in Portuguese: preview, confirm, invoice,
delete the draft, invoice again, post, credit."""

from datetime import timedelta

from playwright.sync_api import expect

from .browser import choose, log_in, open_menu


def field(scope, name):
    return scope.locator(f".o_field_widget[name={name}]")


def open_charge(page, server, charge):
    page.goto(f"{server.url}/odoo/telephony-additionals/{charge}")
    expect(field(page, "billing_chain")).to_contain_text("fecha")


def expect_state(page, label):
    expect(page.locator(".o_arrow_button_current")).to_have_text(label)


def invoice(page, server, world, contract):
    """*Criar faturas* of the contract's own form. :return: the draft's id"""
    known = {move["id"] for move in world.moves(contract)}
    page.goto(f"{server.url}/odoo/customer-contracts/{contract}?debug=1")
    page.locator("button[name=recurring_create_invoice]").click()
    world.wait(
        "the invoice is there",
        lambda: {move["id"] for move in world.moves(contract)} - known,
    )
    (move,) = {move["id"] for move in world.moves(contract)} - known
    return move


def press_delete(page):
    page.locator(".o_cp_action_menus .dropdown-toggle").first.click()
    page.get_by_role("menuitem", name="Excluir").click()
    page.locator(".modal").get_by_role("button", name="Excluir").click()
    expect(page.locator(".modal")).to_have_count(0)


def test_an_accountants_path(page, server, world):
    # Tomorrow, so that no scheduled action invoices it meanwhile.
    contract = world.contract("Contadora", due=world.today + timedelta(days=1))
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(n, line) for n in range(2)])
    world.import_calls()
    log_in(page, server, "admin", "admin")
    # Preview: nothing is written.
    page.goto(f"{server.url}/odoo/telephony-additionals")
    open_menu(page, "Cobrança", "Gerar adicional de telefonia")
    dialog = page.locator(".modal")
    choose(dialog, "integration_id", world.name)
    expect(field(dialog, "charged_total")).to_contain_text("0,24")
    charges = [("integration_id", "=", world.integration)]
    assert not world.odoo.search_read("saperx.charge", charges, ["id"])
    # Confirmed by itself, it says what it waits for.
    dialog.get_by_role("button", name="Gerar adicional").click()
    # The list behind the dialog has other charges until it opens its own.
    expect(page.locator(".o_data_row")).to_have_count(1)
    expect(page.locator(".o_data_row")).to_contain_text("Confirmado")
    (charge,) = world.odoo.search_read("saperx.charge", charges, ["id"])
    open_charge(page, server, charge["id"])
    expect_state(page, "Confirmado")
    expect(field(page, "waits_for")).to_contain_text("A próxima fatura do contrato")
    # Invoiced with the contract's fee; the draft deleted; both come back.
    draft = invoice(page, server, world, contract)
    open_charge(page, server, charge["id"])
    expect_state(page, "Faturado")
    expect(field(page, "waits_for")).to_have_count(0)
    page.goto(f"{server.url}/odoo/account.move/{draft}")
    expect(field(page, "invoice_line_ids")).to_contain_text("0,24")
    press_delete(page)
    assert not world.moves(contract)
    open_charge(page, server, charge["id"])
    expect_state(page, "Confirmado")
    # Again, and posted.
    move = invoice(page, server, world, contract)
    page.goto(f"{server.url}/odoo/account.move/{move}")
    page.locator("button[name=action_post]:visible").first.click()
    expect_state(page, "Lançado")
    assert [found["amount_total"] for found in world.moves(contract)] == [100.24]
    # Credited, and waiting for the next invoice.
    page.get_by_role("button", name="Estornar e refaturar").click()
    expect(field(dialog, "amount")).to_contain_text("0,24")
    field(dialog, "reason").locator("input").fill("Tarifa errada")
    dialog.get_by_role("button", name="Estornar e refaturar").click()
    expect(page.locator(".o_data_row")).to_have_count(1)
    open_charge(page, server, charge["id"])
    expect_state(page, "Confirmado")
    expect(field(page, "move_line_ids").locator(".o_data_row")).to_have_count(1)
    told = page.locator(".o-mail-Message", has_text="Tarifa errada")
    expect(told).to_be_visible()
    credit = world.odoo.search_read(
        "account.move",
        [("reversed_entry_id", "=", move)],
        ["amount_total", "state", "ref"],
    )
    assert [(one["amount_total"], one["state"]) for one in credit] == [(0.24, "posted")]
    assert "Tarifa errada" in credit[0]["ref"]
