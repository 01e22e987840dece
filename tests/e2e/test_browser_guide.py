"""The guide's sections *Cadastro da Integração*, 1 and 2, step by step as it tells
them, in a real browser, in Portuguese."""

import re

import pytest
from playwright.sync_api import expect

from .browser import choose, log_in, open_contract_tab, open_menu


def fill(page, field, value):
    page.locator(f".o_field_widget[name={field}] input").first.fill(value)


def save(page):
    page.locator(".o_form_button_save").click()


def saved(page):
    expect(page.locator(".o_form_button_save")).not_to_be_visible()


def field(page, name):
    return page.locator(f".o_field_widget[name={name}]")


@pytest.fixture
def credentials(world):
    return {
        "base_url": world.sandbox.url,
        "username": "sandbox",
        "password": "sandbox-senha",
        "api_key": "sandbox-key",
        "api_secret": "sandbox-secret",
    }


def test_the_integration_is_registered_as_the_guide_says(
    page, server, admin, world, credentials
):
    log_in(page, server, "admin", "admin")
    page.goto(f"{server.url}/odoo/voip-overview")
    open_menu(page, "Configurações", "Integrações VoIP")
    page.get_by_role("button", name="Novo").click()
    fill(page, "name", "SaperX da matriz")
    expect(field(page, "active").locator("input")).to_be_checked()
    expect(field(page, "gateway").locator("input")).to_have_value("SaperX v2")
    field(page, "environment").get_by_label("Homologação").check()
    for label in (
        "Cobrar somente ramais ativos",
        "Período de Importação CDR",
        "URL Acesso",
        "Usuário Acesso",
        "Senha Acesso",
        "API Key",
        "API Secret",
        "Token Acesso",
        "Refresh Token",
    ):
        expect(page.locator("label", has_text=label).first).to_be_visible()
    field(page, "cdr_import_period").get_by_label("Diária").check()
    for name, value in credentials.items():
        fill(page, name, value)
    # A wrong key is told, in words that name it, and nothing is saved.
    fill(page, "api_key", "errada")
    save(page)
    dialog = page.locator(".modal")
    expect(dialog).to_contain_text("API Key")
    expect(dialog).not_to_contain_text("Senha Acesso")
    dialog.get_by_role("button").first.click()
    fill(page, "api_key", credentials["api_key"])
    save(page)
    saved(page)
    expect(field(page, "access_token_state")).to_have_text("Presente")
    expect(field(page, "refresh_token_state")).to_have_text("Presente")
    # The gateway and the environment are fixed now.
    expect(field(page, "gateway").locator("input")).to_have_count(0)
    expect(field(page, "environment")).to_have_class(re.compile("o_readonly_modifier"))
    expect(page.locator(".o_form_view")).not_to_contain_text("sandbox-s")
    page.get_by_role("button", name="Testar conexão").click()
    expect(page.locator(".o_notification").first).to_contain_text("aceitou")
    page.get_by_role("button", name="Sincronizar planos e grupos").click()
    expect(page.locator(".o_notification").last).to_contain_text("planos")
    open_menu(page, "Configurações", "Planos da plataforma")
    expect(page.locator(".o_data_row", has_text="Nacional").first).to_be_visible()
    (integration,) = admin.search_read(
        "saperx.integration", [("name", "=", "SaperX da matriz")], ["id"]
    )
    admin.write("saperx.integration", [integration["id"]], {"active": False})


def test_a_range_of_numbers_is_registered_as_the_guide_says(
    page, server, admin, world, users
):
    log_in(page, server, "tecnico")
    page.goto(f"{server.url}/odoo/voip-overview")
    open_menu(page, "Configurações", "Range de números cadastrados")
    page.get_by_role("button", name="Novo").click()
    fill(page, "name", "Sede")
    fill(page, "country_code", "55")
    fill(page, "area_code", "54")
    fill(page, "first", "3555-0000")
    fill(page, "last", "3555-0019")
    save(page)
    saved(page)
    page.locator("button[name=action_view_numbers]").first.click()
    expect(page.locator(".o_data_row")).to_have_count(20)
    expect(page.locator(".o_data_row").first).to_contain_text("Disponível")
    # Overlap is refused, and the other range named.
    page.goto(f"{server.url}/odoo/number-ranges/new")
    fill(page, "name", "Outra")
    fill(page, "area_code", "54")
    fill(page, "first", "35550019")
    save(page)
    expect(page.locator(".modal")).to_contain_text("Sede")
    page.locator(".modal").get_by_role("button").first.click()
    # Left open, the form would be saved after all when the page goes.
    page.locator(".o_form_button_cancel").click()
    (made,) = admin.search_read("saperx.number.range", [("name", "=", "Sede")], ["id"])
    admin.call("saperx.number.range", "unlink", [made["id"]])


@pytest.fixture
def branch(world):
    """A range of ten numbers; without ranges, other tests' numbers are free again."""
    values = {"name": "Filial", "area_code": "54", "first": "36660000"}
    range_id = world.odoo.create("saperx.number.range", {**values, "last": "36660009"})
    yield range_id
    world.sql(f"DELETE FROM saperx_number_range WHERE id = {range_id}")
    world.sql("DELETE FROM saperx_number")


def test_a_sip_line_is_made_as_the_guide_says(
    page, server, admin, world, users, branch
):
    contract = world.contract("Guiada")
    log_in(page, server, "tecnico")
    open_contract_tab(page, server, admin, contract)
    page.get_by_role("button", name="Nova linha SIP").click()
    choose(page, "integration_id", world.name)
    choose(page, "tariff_id", world.name)
    field(page, "portability").locator("input, select").first.click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Gerar senha").click()
    expect(field(page, "password").locator("input")).to_have_value(re.compile(".{20}"))
    expect(field(page, "is_active").locator("input")).to_be_checked()

    page.get_by_role("tab", name="Configurações adicionais").click()
    fill(page, "simultaneous_calls", "3")
    fill(page, "credit_limit", "150,00")

    page.get_by_role("tab", name="Configuração SaperX").click()
    dialog = page.locator(".modal")
    page.get_by_role("button", name=re.compile(r"Buscar plano$")).click()
    dialog.locator(".o_data_row", has_text="Nacional Básico").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Buscar plano internacional").click()
    dialog.locator(".o_data_row").first.click()
    expect(dialog).to_have_count(0)
    expect(field(page, "plan_id").locator("input")).to_have_value(
        re.compile("Nacional")
    )
    fill(page, "closing_day", "20")
    field(page, "billing_type").get_by_label("Pós-pago").check()
    field(page, "route").get_by_label("SCM").check()
    field(page, "allow_ldi").locator("input").check()
    field(page, "allow_vc3").locator("input").uncheck()

    page.get_by_role("tab", name="DIDs").click()
    page.get_by_role("button", name="Listar").click()
    # The own stock, and what the platform holds for the account.
    expect(dialog.locator(".o_data_row", has_text="Filial").first).to_be_visible()
    dialog.locator(".o_searchview_input").fill("3666-0003")
    dialog.locator(".o_searchview_input").press("Enter")
    row = dialog.locator(".o_data_row")
    expect(row).to_have_count(1)
    row.first.click()
    expect(dialog).to_have_count(0)
    dids = field(page, "did_ids")
    expect(dids).to_contain_text("555436660003")
    save(page)
    badge = field(page, "sync_state")
    expect(badge).to_have_text("Sincronizada", timeout=60_000)
    page.get_by_role("tab", name="Configuração SaperX").click()
    expect(field(page, "plan_description")).to_contain_text("Nacional")
    page.get_by_role("tab", name="DIDs").click()
    expect(dids).to_contain_text("RS")

    (circuit,) = world.circuits().values()
    assert [did["numero"] for did in circuit["dids"]] == ["555436660003"]
    assert circuit["limite_simultaneas"] == 3
    assert float(circuit["limite_credito"]) == 150
    assert circuit["dia_fechamento"] == 20
    assert circuit["plano_tipo"] == "scm"
    assert circuit["ldi"] is True and circuit["vc3"] is False
    assert circuit["plano_internacional_id"]
    assert circuit["senha_set"] and circuit["status"] == "ativo"
    # The range knows who has it now.
    (number,) = admin.search_read(
        "saperx.number",
        [("number", "=", "555436660003")],
        ["state", "partner_id", "range_id"],
    )
    assert number["state"] == "in_use"
    assert number["range_id"][0] == branch
    assert "Guiada" in number["partner_id"][1]


def test_a_line_is_blocked_and_unblocked_with_a_reason(
    page, server, admin, world, users
):
    line = world.line(world.contract("Bloqueada"))
    world.wait_synced(line)
    log_in(page, server, "tecnico")
    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    page.get_by_role("button", name="Bloquear linha").click()
    dialog = page.locator(".modal")
    dialog.locator(".o_field_widget[name=note] input").fill("Protocolo 123")
    dialog.get_by_role("button", name="Salvar").click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".alert", has_text="Protocolo 123")).to_be_visible()
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "bloqueado"
    page.get_by_role("tab", name="Bloqueios").click()
    field(page, "block_ids").get_by_role("button", name="Desbloquear").click()
    expect(page.locator(".alert", has_text="Protocolo 123")).to_have_count(0)
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "ativo"


def test_what_waits_and_what_was_refused_stands_in_the_menu_bar(
    page, server, world, users
):
    line = world.line(world.contract("Recusada"))
    world.wait_synced(line)
    world.sandbox.fault(
        "/circuitos/{id}",
        "status",
        method="PUT",
        status=422,
        body={"message": "limite recusado"},
    )
    world.odoo.write("saperx.line", [line], {"simultaneous_calls": 7})
    world.wait(
        "the refusal shows",
        lambda: world.read_line(line, "sync_state")["sync_state"] == "error",
    )
    log_in(page, server, "tecnico")
    counter = page.locator(".o_saperx_sync_counter .text-bg-danger")
    expect(counter).to_be_visible()
    counter.click()
    expect(page.locator(".o_data_row", has_text="Recusada")).to_be_visible()
    page.locator(".o_data_row", has_text="Recusada").click()
    expect(page.locator(".alert-danger")).to_contain_text("limite recusado")
    world.sandbox.clear_faults()
    page.get_by_role("button", name="Tentar de novo").click()
    expect(page.locator(".o_field_widget[name=sync_state]")).to_have_text(
        "Sincronizada", timeout=60_000
    )
