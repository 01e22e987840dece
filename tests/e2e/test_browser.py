"""The guide's path in a real browser, in Portuguese, each step by its own role."""

import re

from playwright.sync_api import expect

from .browser import ROLES, choose, log_in, open_contract_tab, open_menu


def test_a_technician_makes_a_line_and_sees_it_synchronized(
    page, server, admin, world, users
):
    contract = world.contract("Navegadora")
    number = world.number()
    log_in(page, server, "tecnico")
    open_contract_tab(page, server, admin, contract)
    page.get_by_role("button", name="Nova linha SIP").click()
    expect(page.locator(".o_field_widget[name=contract_id] input")).to_have_value(
        re.compile("Navegadora")
    )
    choose(page, "integration_id", world.name)
    choose(page, "tariff_id", world.name)
    page.locator(".o_field_widget[name=credit_limit] input").fill("100")
    page.get_by_role("tab", name="Configuração SaperX").click()
    choose(page, "plan_id", "Nacional")
    page.get_by_role("tab", name="DIDs").click()
    page.get_by_role("button", name="Adicionar uma linha").click()
    page.locator(".o_field_widget[name=number] input").fill(number)
    page.locator(".o_form_button_save").click()
    # No reload: the form learns what came of the push.
    badge = page.locator(".o_field_widget[name=sync_state]")
    expect(badge).to_have_text("Sincronizada", timeout=60_000)
    expect(page.locator(".o_field_widget[name=account_code] input")).to_have_value(
        re.compile(r"^\d{6}$")
    )
    (circuit,) = world.circuits().values()
    assert [did["numero"] for did in circuit["dids"]] == [number]
    # And stands on the contract's tab, from where it opens in its own form.
    open_contract_tab(page, server, admin, contract)
    page.locator(".o_field_widget[name=saperx_line_ids] .o_data_row").first.click()
    expect(page.locator(".o_breadcrumb")).to_contain_text(number[-4:])


def test_a_new_password_is_shown_once_and_reaches_the_platform(
    page, server, admin, world, users
):
    line = world.line(world.contract("Senha"))
    world.wait_synced(line)
    log_in(page, server, "tecnico")
    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    page.get_by_role("button", name="Gerar senha").click()
    entry = page.locator(".o_field_widget[name=password] input")
    expect(entry).to_have_value(re.compile(r"^[A-Za-z0-9]{20}$"))
    expect(entry).to_have_attribute("type", "text")
    password = entry.input_value()
    page.locator(".o_form_button_save").click()
    expect(entry).to_have_value("")
    world.wait_synced(line)
    assert world.circuit(line)["senha_set"]
    page.get_by_role("button", name="Mostrar senha").click()
    expect(page.locator(".o_notification_body").first).to_contain_text(password)
    expect(page.locator(".o-mail-Message").first).to_contain_text("viu a senha SIP")


def test_billing_imports_charges_and_invoices(page, server, admin, world, users):
    contract = world.contract("Pagadora")
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(n, line) for n in range(5)])
    log_in(page, server, "financeiro")
    page.goto(f"{server.url}/odoo/call-records")
    open_menu(page, "Ligações", "Importar ligações")
    dialog = page.locator(".modal")
    choose(dialog, "integration_id", world.name)
    for field, day in (("date_from", world.first), ("date_to", world.last)):
        entry = dialog.locator(f".o_field_widget[name={field}]")
        entry.locator("button, input").first.click()
        entry.locator("input").fill(f"{day:%d/%m/%Y}")
        entry.locator("input").press("Tab")
    dialog.get_by_role("button", name="Importar ligações").click()
    current = page.locator(".o_arrow_button_current")
    expect(current).to_have_text("Concluída", timeout=60_000)
    expect(page.locator(".o_field_widget[name=new_count]").last).to_have_text("5")

    open_menu(page, "Cobrança", "Gerar adicional de telefonia")
    choose(dialog, "integration_id", world.name)
    expect(dialog.locator(".o_field_widget[name=charged_total]")).to_contain_text(
        "0,60"
    )
    dialog.get_by_role("button", name="Gerar adicional").click()
    row = page.locator(".o_data_row")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("0,60")
    expect(row).to_contain_text("Confirmado")

    open_contract_tab(page, server, admin, contract)
    page.get_by_role("button", name="Faturar telefonia agora").click()
    expect(page.locator(".o_field_widget[name=invoice_line_ids]")).to_contain_text(
        "0,60"
    )
    (move,) = world.moves(contract)
    assert move["amount_total"] == 0.6


def test_an_accountant_creates_the_contracts_invoice_with_the_charge(
    page, server, admin, world
):
    contract = world.contract("Contábil")
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(1, line)])
    world.import_calls()
    world.charge()
    log_in(page, server, "admin", "admin")
    page.goto(f"{server.url}/odoo/customer-contracts/{contract}?debug=1")
    page.locator("button[name=recurring_create_invoice]").click()
    expect(page.locator(".o_data_row").first).to_be_visible()
    world.wait("the invoice is there", lambda: world.moves(contract))
    (move,) = world.moves(contract)
    assert move["amount_total"] == 100.12
    page.goto(f"{server.url}/odoo/account.move/{move['id']}")
    lines = page.locator(".o_field_widget[name=invoice_line_ids]")
    expect(lines).to_contain_text("Telefonia")
    expect(lines).to_contain_text("0,12")


def test_each_screen_opens_without_an_error_for_each_role(page, server, users):
    for login in ROLES:
        page.context.clear_cookies()
        log_in(page, server, login)
        for path in (
            "sip-lines",
            "call-records",
            "call-imports",
            "telephony-additionals",
            "billing-plans",
            "voip-integrations",
            "line-blocks",
            "line-profiles",
            "numbers",
            "number-ranges",
        ):
            page.goto(f"{server.url}/odoo/{path}")
            page.wait_for_selector(".o_list_view, .o_view_nocontent")
            assert not page.locator(".o_error_dialog").count()
        page.goto(f"{server.url}/odoo/voip-overview")
        page.wait_for_selector(".o_kanban_view")
        assert not page.locator(".o_error_dialog").count()
        # Else the login page offers who was here before.
        page.evaluate("localStorage.clear()")
