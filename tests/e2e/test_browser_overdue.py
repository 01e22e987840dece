"""Overdue payment in a real browser, in Portuguese: from the settings by the notice, a
partial block and a promise to the payment, as billing sees it."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from .browser import log_in, open_contract_tab, open_menu
from .overdue_world import overdue_world


@pytest.fixture
def overdue(world):
    with overdue_world(world) as overdue:
        yield overdue


def field(page, name):
    return page.locator(f".o_field_widget[name={name}]")


def give_day(scope, name, day):
    entry = scope.locator(f".o_field_widget[name={name}]")
    entry.locator("button, input").first.click()
    entry.locator("input").fill(f"{day:%d/%m/%Y}")
    entry.locator("input").press("Tab")


def open_contract(page, server, overdue, contract):
    action = overdue.odoo.ref("saperx_voip.contract_contract_action")
    page.goto(f"{server.url}/odoo/action-{action}/{contract}")
    page.wait_for_selector(".o_form_view")


def test_it_is_off_until_somebody_switches_it_on(page, server, world, users):
    admin = world.odoo
    log_in(page, server, "admin", "admin")
    action = admin.ref("saperx_voip.res_config_settings_action")
    page.goto(f"{server.url}/odoo/action-{action}")
    switch = page.get_by_label("Bloqueio e cancelamento automático por inadimplência")
    together = page.get_by_label(
        "Bloquear e desbloquear linhas de telefone junto com o contrato"
    )
    expect(switch).not_to_be_checked()
    expect(together).not_to_be_checked()
    page.get_by_role("button", name="Ver o que aconteceria").click()
    dialog = page.locator(".modal")
    expect(dialog).to_contain_text("estão desligados")
    dialog.get_by_role("button", name="Fechar").last.click()
    # Days out of order are refused, and nothing is kept.
    full = page.locator("#saperx_overdue_full input")
    full.fill("10")
    page.get_by_role("button", name="Salvar").first.click()
    expect(page.locator(".modal")).to_contain_text("nesta ordem")
    page.locator(".modal").get_by_role("button").last.click()


def test_from_the_notice_by_a_promise_to_the_payment(page, server, overdue, users):
    world = overdue.world
    contract, line, move = overdue.contract("Davi Devedor")
    world.wait_synced(line)
    overdue.give_notice(contract)
    overdue.wait_for_mail("Davi Devedor", "Aviso de pagamento em atraso")
    overdue.let_bounce(contract)
    overdue.follow()
    log_in(page, server, "financeiro")
    # The notice came back: somebody tells the customer.
    open_contract(page, server, overdue, contract)
    alert = page.locator(".alert-danger", has_text="não foi entregue")
    alert.get_by_role("button", name="Registrar aviso").click()
    dialog = page.locator(".modal")
    give_day(dialog, "day", world.today - timedelta(days=16))
    field(dialog, "how").locator("input").fill("Por telefone, protocolo 77")
    dialog.get_by_role("button", name="Registrar aviso").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".alert-danger", has_text="não foi entregue")).to_be_hidden()
    state = page.locator(".alert-warning", has_text="Em atraso desde")
    expect(state).to_contain_text("R$ 100,00")
    expect(state).to_contain_text("Bloqueio parcial")
    expect(page.locator(".o-mail-Thread")).to_contain_text("protocolo 77")
    # What tonight would bring.
    open_menu(page, "Inadimplência", "Simular etapas do dia")
    due = field(page.locator(".modal"), "due_ids")
    row = due.locator(".o_data_row", has_text="Davi Devedor").first
    expect(row).to_contain_text("Bloqueio parcial")
    page.locator(".modal").get_by_role("button", name="Fechar").last.click()
    assert not overdue.case(contract)["level"]
    # The night comes, while the form is open.
    open_contract(page, server, overdue, contract)
    overdue.let_days_pass(1)
    overdue.run()
    ribbon = page.locator(".ribbon", has_text="Bloqueio parcial")
    expect(ribbon).to_be_visible()
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "bloqueado_parcial"
    # In the list.
    open_menu(page, "Inadimplência", "Contratos inadimplentes")
    row = page.locator(".o_data_row", has_text="Davi Devedor")
    expect(row).to_contain_text("Parcial")
    expect(row).to_contain_text("Bloqueio total")
    action = overdue.odoo.ref("saperx_voip.contract_contract_action")
    page.goto(f"{server.url}/odoo/action-{action}")
    page.locator(".o_searchview_dropdown_toggler").click()
    page.get_by_role("menuitemcheckbox", name="Parcialmente bloqueado").click()
    row = page.locator(".o_data_row", has_text="Davi Devedor").first
    expect(row).to_contain_text("Parcial")
    expect(row).to_contain_text("Bloqueio total")
    # A promise brings the service back.
    open_contract(page, server, overdue, contract)
    page.get_by_role("button", name="Promessa de pagamento").click()
    give_day(dialog, "until", world.today + timedelta(days=5))
    field(dialog, "note").locator("input").fill("Recebe na sexta")
    dialog.get_by_role("button", name="Registrar promessa").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".alert-info", has_text="Recebe na sexta")).to_be_visible()
    expect(ribbon).to_be_hidden()
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "ativo"
    # Paid.
    overdue.pay(move)
    overdue.follow()
    open_contract_tab(page, server, overdue.odoo, contract)
    history = field(page, "saperx_overdue_case_ids").locator(".o_data_row")
    expect(history).to_have_count(1)
    expect(history).to_contain_text("Pago")
    expect(page.locator(".alert-info", has_text="Recebe na sexta")).to_be_hidden()


def test_a_technician_sees_the_state_and_decides_nothing(page, server, overdue, users):
    contract, _line, _move = overdue.contract("Eva Devedora")
    overdue.give_notice(contract)
    log_in(page, server, "tecnico")
    open_contract(page, server, overdue, contract)
    state = page.locator(".alert-warning", has_text="Em atraso desde")
    expect(state).to_be_visible()
    expect(state.get_by_role("button")).to_have_count(0)
