"""What goes wrong with calls and how it is put right, in a real browser, in
Portuguese, each step by its own role."""

import json
import re

from playwright.sync_api import expect

from .browser import choose, log_in, open_menu


def test_a_manager_corrects_a_rejected_record_and_it_becomes_a_call(
    page, server, admin, world
):
    line = world.line(world.contract("Rejeitada"))
    world.wait_synced(line)
    good = world.record(1, line)
    world.sandbox.add_calls([{**good, "inicio": "ontem"}], inicio=good["inicio"])
    run = world.import_calls()
    assert run["rejected_count"] == 1
    log_in(page, server, "admin", "admin")
    page.goto(f"{server.url}/odoo/call-imports/{run['id']}")
    page.get_by_role("button", name="Rejeitados").click()
    page.locator(".o_data_row").first.click()
    expect(page.locator(".o_field_widget[name=field_name]")).to_have_text("inicio")
    page.get_by_role("button", name="Corrigir").click()
    text = page.locator(".o_field_widget[name=corrected] textarea")
    expect(text).to_have_value(re.compile("ontem"))
    # Still bad: it says what is wrong, and stays.
    text.fill(json.dumps({**good, "situacao": "perdida"}))
    page.get_by_role("button", name="Processar de novo").click()
    expect(page.locator(".alert-warning").first).to_contain_text("perdida")
    text.fill(json.dumps(good))
    page.get_by_role("button", name="Processar de novo").click()
    current = page.locator(".o_arrow_button_current")
    expect(current).to_have_text("Processado")
    expect(page.locator(".o_field_widget[name=raw]")).to_contain_text("ontem")
    page.get_by_role("button", name="Abrir a ligação").click()
    expect(page.locator(".o_field_widget[name=charged_amount]")).to_contain_text("0,12")


def test_a_technician_says_which_line_unknown_calls_are_of(
    page, server, admin, world, users
):
    line = world.line(world.contract("Sem Linha"))
    world.wait_synced(line)
    number = world.number()
    record = world.record(1, line, origem=number)
    world.sandbox.add_calls([{**record, "circuito_id": None, "conta": "777777"}])
    assert world.import_calls()["unmatched_count"] == 1
    log_in(page, server, "tecnico")
    page.goto(f"{server.url}/odoo/sip-lines")
    open_menu(page, "Ligações", "Ligações sem linha")
    row = page.locator(".o_data_row", has_text=number)
    expect(row).to_contain_text("777777")
    row.get_by_role("button", name="Escolher linha").click()
    dialog = page.locator(".modal")
    own = world.read_line(line, "main_number")["main_number"]
    choose(dialog, "line_id", own[-4:])
    dialog.get_by_role("button", name="Estas ligações são desta linha").click()
    expect(page.locator(".o_notification_body").first).to_contain_text(
        "1 ligações têm linha agora"
    )
    (call,) = world.calls()
    assert call["line_id"][0] == line
    assert call["charged_amount"] == 0.12


def test_billing_undoes_an_import_and_reads_the_window_again(
    page, server, admin, world, users
):
    line = world.line(world.contract("Desfeita"))
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(n, line) for n in range(5)])
    run = world.import_calls()
    names = ("remote_id", "start", "line_id", "charged_amount", "state")

    def stored():
        return sorted(tuple(str(call[n]) for n in names) for call in world.calls())

    before = stored()
    log_in(page, server, "financeiro")
    page.goto(f"{server.url}/odoo/call-imports/{run['id']}")
    page.get_by_role("button", name="Desfazer importação").click()
    dialog = page.locator(".modal")
    expect(dialog.locator(".o_field_widget[name=removed_count]")).to_have_text("5")
    dialog.get_by_role("button", name="Desfazer esta importação").click()
    current = page.locator(".o_arrow_button_current")
    expect(current).to_have_text("Desfeita", timeout=60_000)
    expect(page.locator(".o_field_widget[name=removed_count]")).to_have_text("5")
    assert not stored()
    page.get_by_role("button", name="Importar o período de novo").click()
    expect(current).to_have_text("Concluída", timeout=60_000)
    assert stored() == before


def test_billing_sees_what_changed_of_a_charged_call_and_the_look_is_traced(
    page, server, admin, world, users
):
    line = world.line(world.contract("Corrigida"))
    world.wait_synced(line)
    record = world.record(1, line)
    world.sandbox.add_calls([record])
    world.import_calls()
    world.charge()
    world.sandbox.add_calls([{**record, "tempo_real": 120}], replace=True)
    assert world.import_calls()["changed_count"] == 1
    log_in(page, server, "financeiro")
    page.goto(f"{server.url}/odoo/corrected-calls")
    page.locator(".o_data_row", has_text="Corrigida").click()
    expect(page.locator(".o_field_widget[name=difference]")).to_contain_text("0,12")
    expect(page.locator(".o_field_widget[name=comparison]")).to_contain_text("120")
    page.get_by_role("button", name="Ciente", exact=True).click()
    expect(page.locator(".o_arrow_button_current")).to_have_text("Ciente")
    page.locator("button[name=action_view_call]").click()
    expect(page.locator(".alert-warning").first).to_contain_text("corrigiu")
    (trace,) = admin.search_read(
        "saperx.cdr.access",
        [("remote_id", "=", record["id"]), ("kind", "=", "form")],
        ["user_id"],
    )
    assert trace["user_id"][1] == "Financeiro"
