"""What a call costs and why, as a support person reads it, in Portuguese: of a call
that was made, and of one that might be."""

import pytest
from playwright.sync_api import expect

from .browser import PASSWORD, choose, log_in, open_menu

SUPPORT = "suporte"
# One minute of allowance: the first call takes 42 s of it, the second 18 s.
TALKED = {1: 40, 2: 31, 3: 60}


@pytest.fixture(scope="module")
def support(admin):
    """Somebody who reads calls and changes nothing."""
    admin.create(
        "res.users",
        {
            "name": "Suporte",
            "login": SUPPORT,
            "password": PASSWORD,
            "lang": "pt_BR",
            "tz": "America/Sao_Paulo",
            "group_ids": [(4, admin.ref("saperx_voip.group_user"))],
        },
    )


@pytest.fixture
def line(world):
    """A line with an allowance of a minute, one for Rio, and a price for VC1."""
    world.odoo.call(
        "saperx.tariff",
        "write",
        [world.tariff],
        {
            "rate_ids": [(0, 0, {"call_class": "vc1", "price_per_minute": 0.5})],
            "allowance_ids": [
                (0, 0, {"name": "Bônus", "quantity": 1, "unit": "minutes"}),
                (0, 0, {"name": "Rio", "quantity": 9, "prefixes": "5521"}),
            ],
        },
    )
    line = world.line(world.contract("Atendida"))
    world.wait_synced(line)
    return line


def row(page, label):
    """What an explanation says beside a label."""
    name = page.get_by_role("cell", name=label, exact=True)
    return page.locator(".o_saperx_explanation tr").filter(has=name)


def open_call(page, server, world, number):
    (call,) = world.calls(("remote_id", "=", f"{world.name}-{number}"))
    page.goto(f"{server.url}/odoo/call-records/{call['id']}")
    expect(page.locator(".o_saperx_explanation")).to_be_visible()


def test_support_reads_on_a_calls_form_why_it_costs_what_it_costs(
    page, server, world, support, line
):
    page.set_viewport_size({"width": 1366, "height": 768})
    world.sandbox.add_calls(
        [world.record(n, line, tempo_real=seconds) for n, seconds in TALKED.items()]
    )
    world.import_calls()
    log_in(page, server, SUPPORT)
    amount = page.locator(".oe_title .o_field_widget[name=charged_amount]")
    summary = page.locator(".o_saperx_explanation p").first

    open_call(page, server, world, 1)
    expect(amount).to_have_text("R$ 0,00")
    expect(summary).to_have_text("Não custa nada: a franquia cobre.")
    expect(row(page, "Bônus")).to_contain_text("− 42 s")
    expect(row(page, "Rio")).to_have_count(0)

    open_call(page, server, world, 2)
    expect(amount).to_have_text("R$ 0,03")
    expect(page.locator(".oe_title .o_field_widget[name=state]")).to_have_text(
        "A cobrar"
    )
    expect(summary).to_have_text("Custa R$ 0,03.")
    expect(row(page, "A classe que vale")).to_contain_text("LDN")
    expect(row(page, "Tarifa")).to_contain_text("Tarifa padrão")
    expect(row(page, "Conversação")).to_contain_text("31 s")
    expect(row(page, "Tempo tarifado").first).to_contain_text("36 s")
    expect(row(page, "Valor antes das franquias")).to_contain_text("R$ 0,07")
    expect(row(page, "Valor antes das franquias")).to_contain_text(
        "R$ 0,12 por minuto × 36 s ÷ 60 = R$ 0,072"
    )
    expect(row(page, "Bônus")).to_contain_text("− 18 s")
    expect(row(page, "Bônus")).to_contain_text("Ela tinha 1 min neste ciclo.")
    expect(row(page, "Rio")).to_contain_text("começam com 5521")
    # All of it without scrolling.
    expect(amount).to_be_in_viewport(ratio=1)
    expect(row(page, "O cliente paga")).to_be_in_viewport(ratio=1)

    used_up = "não restava nada quando chegou a vez da ligação. Ela tinha 1 min"
    open_call(page, server, world, 3)
    expect(summary).to_have_text("Custa R$ 0,12.")
    expect(row(page, "Bônus")).to_contain_text("Esgotada")
    expect(row(page, "Bônus")).to_contain_text(used_up)

    world.charge()
    open_call(page, server, world, 3)
    expect(summary).to_have_text("O cliente paga R$ 0,12.")
    expect(row(page, "Bônus")).to_contain_text(used_up)


def test_support_simulates_a_call_before_it_is_made(page, server, world, support, line):
    number = world.read_line(line, "main_number")["main_number"]
    log_in(page, server, SUPPORT)
    page.goto(f"{server.url}/odoo/call-records")
    open_menu(page, "Ligações", "Simular ligação")
    dialog = page.locator(".modal")
    told = dialog.locator(".o_field_widget[name=explanation]")

    def fill(field, value):
        entry = dialog.locator(f".o_field_widget[name={field}] input")
        entry.fill(value)
        entry.press("Tab")

    expect(dialog).to_contain_text("Número discado")
    # Found by its contract: another platform may have the same numbers.
    entry = dialog.locator(".o_field_widget[name=line_id] input")
    entry.click()
    entry.fill(f"{world.name} Atendida")
    found = page.locator(".o-autocomplete--dropdown-item", has_text=number[-4:])
    expect(found).to_have_count(1)
    found.click()
    fill("number", "99999-8888")
    moment = dialog.locator(".o_field_widget[name=start]")
    moment.locator("button, input").first.click()
    moment.locator("input").fill(f"{world.first:%d/%m/%Y} 10:00:00")
    moment.locator("input").press("Tab")
    fill("duration", "2:01")
    expect(row(page, "A classe que vale")).to_contain_text("VC1")
    expect(row(page, "Tarifa")).to_contain_text("VC1")
    expect(row(page, "Tempo tarifado")).to_contain_text("2 min 6 s")
    expect(row(page, "Valor antes das franquias")).to_contain_text("R$ 1,05")
    expect(row(page, "Bônus")).to_contain_text("Não coberto: 1 min 6 s.")
    expect(row(page, "O cliente paga")).to_contain_text("R$ 0,55")

    # Another number, and all of it follows.
    fill("number", "0 21 99 3333-4444")
    expect(row(page, "A classe que vale")).to_contain_text("LDN")
    expect(row(page, "Valor antes das franquias")).to_contain_text("R$ 0,25")
    expect(row(page, "O cliente paga")).to_contain_text("R$ 0,13")

    # Without a line: a plan and an area code.
    entry.fill("")
    # Tab would open the calendar, which lies above the other fields.
    dialog.locator(".modal-title").click()
    expect(told).to_have_count(0)
    choose(dialog, "tariff_id", world.name)
    fill("area_code", "11")
    expect(row(page, "O cliente paga")).to_contain_text("R$ 0,25")
    expect(row(page, "Bônus")).to_contain_text("sem uma linha não se conhece o saldo")
    dialog.locator("footer").get_by_role("button", name="Fechar").click()
    expect(dialog).to_have_count(0)
