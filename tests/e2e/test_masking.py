"""What somebody of the role *user* sees of whom a line speaks with."""

from datetime import timedelta

from playwright.sync_api import expect

from .browser import log_in


def test_support_sees_where_calls_went_but_not_to_whom(page, server, world, users):
    line = world.line(world.contract("Atendida"))
    world.wait_synced(line)
    yesterday = f"{world.today - timedelta(days=1)} 10:00:00"
    world.sandbox.add_calls(
        [
            world.record(1, line),
            world.record(2, line, destino="181"),
            # For the diagnosis, which asks for the last ones.
            world.record(3, line, inicio=yesterday),
            world.record(4, line, inicio=yesterday, destino="181"),
        ]
    )
    world.import_calls()
    first, reported = (
        world.calls(("remote_id", "=like", f"%-{number}"))[0]["id"] for number in (1, 2)
    )

    log_in(page, server, "atendente")
    # By the line: the list of all calls is long.
    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    page.locator("button[name=action_view_calls]").first.click()
    numbers = page.locator(".o_data_row [name=shown_number]")
    expect(numbers.filter(has_text="(99) 3333-••••").first).to_be_visible()
    _assert_nowhere(page, "33334444", "3333-4444", ">181<", "Serviço oculto")

    page.goto(f"{server.url}/odoo/call-records/{first}")
    title = page.locator(".o_form_view h1")
    expect(title).to_contain_text("(99) 3333-••••")
    expect(page.locator(".o_saperx_explanation")).to_contain_text("55993333••••")
    page.get_by_role("tab", name="Detalhes").click()
    expect(page.locator("[name=shown_number]")).to_contain_text("(99) 3333-••••")
    _assert_nowhere(page, "33334444", "3333-4444")

    page.goto(f"{server.url}/odoo/call-records/{reported}")
    # That somebody called a reporting line is not told at all.
    refusal = page.locator(".modal", has_text="Erro de acesso")
    expect(refusal).to_be_visible()
    _assert_nowhere(page, ">181")
    refusal.get_by_role("button", name="Fechar").last.click()

    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    page.get_by_role("button", name="Diagnóstico").click()
    numbers = page.locator(".o_saperx_other_party")
    expect(numbers.filter(has_text="55993333••••")).to_be_visible()
    expect(numbers).to_have_count(1)
    _assert_nowhere(page, "33334444", ">181<")

    page.context.clear_cookies()
    log_in(page, server, "financeiro")
    page.goto(f"{server.url}/odoo/call-records/{first}")
    expect(title).to_contain_text("(99) 3333-4444")


def _assert_nowhere(page, *texts):
    """Not even where nobody looks."""
    content = page.content()
    for text in texts:
        assert text not in content
