"""What terms cost, before and after they change, in a real browser, in Portuguese."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from .browser import choose, log_in


@pytest.fixture
def line(world):
    """With three imported calls of the closed month, R$ 0,12 each."""
    line = world.line(world.contract("Condições"), in_use_since=world.first.isoformat())
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(n, line) for n in range(3)])
    world.import_calls()
    return line


@pytest.fixture
def cheap(world):
    """A plan of half the price, with ten minutes a cycle."""
    return world.odoo.create(
        "saperx.tariff",
        {
            "name": f"Barato {world.name}",
            "rate_ids": [(0, 0, {"price_per_minute": 0.06})],
            "allowance_ids": [(0, 0, {"quantity": 2, "unit": "minutes"})],
        },
    )


def _open_line(page, server, line):
    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    expect(page.locator(".o_form_view")).to_be_visible()


def _rows(dialog, name):
    return dialog.locator(f".o_field_widget[name={name}] .o_data_row")


def _day(day):
    return f"{day:%d/%m/%Y}"


def test_a_plan_changes_from_the_next_cycle_after_a_look_at_both_sides(
    page, server, world, users, line, cheap
):
    log_in(page, server, "financeiro")
    _open_line(page, server, line)
    # Beside the calls, what they come to.
    expect(page.locator(".o_stat_info", has_text="R$ 0,36")).to_be_visible()
    page.get_by_role("button", name="Alterar…").first.click()
    dialog = page.locator(".modal")
    choose(dialog, "tariff_id", f"Barato {world.name}")
    expect(dialog).to_contain_text("Com as condições atuais")
    expect(dialog).to_contain_text("Com as condições novas")
    before = _rows(dialog, "before_ids")
    # The closed month and the running one, both under the present plan.
    expect(before).to_have_count(2)
    for text in (_day(world.first), _day(world.last), "R$ 0,36", "Condições"):
        expect(before.first).to_contain_text(text)
    this_month = world.last + timedelta(days=1)
    expect(before.last).to_contain_text(_day(this_month))
    expect(before.last).to_contain_text("R$ 0,00")
    after = _rows(dialog, "after_ids")
    expect(after).to_have_count(1)
    next_month = (this_month + timedelta(days=31)).replace(day=1)
    for text in (_day(next_month), f"Barato {world.name}", "2 min", "R$ 0,00"):
        expect(after).to_contain_text(text)
    # Three minutes of last month, less the two that are included.
    estimate = _rows(dialog, "estimate_ids")
    expect(estimate).to_contain_text("R$ 0,36")
    expect(estimate).to_contain_text("R$ 0,06")
    dialog.get_by_role("button", name="Alterar", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(page.locator(".alert", has_text=f"Barato {world.name}")).to_contain_text(
        _day(next_month)
    )
    (planned,) = world.odoo.search_read(
        "saperx.line.period",
        [("line_id", "=", line), ("tariff_id", "=", cheap)],
        ["date_to"],
    )
    assert planned["date_to"] is False


def test_a_closing_day_changes_now_and_the_new_side_has_the_running_cycle(
    page, server, world, users, line
):
    log_in(page, server, "tecnico")
    _open_line(page, server, line)
    page.get_by_role("button", name="Alterar…").first.click()
    dialog = page.locator(".modal")
    dialog.get_by_label("Agora").check()
    entry = dialog.locator(".o_field_widget[name=closing_day] input")
    entry.fill(str(min(world.today.day + 1, 28)))
    entry.press("Tab")
    before = _rows(dialog, "before_ids")
    expect(before).to_have_count(1)
    expect(before).to_contain_text(_day(world.last))
    expect(before).to_contain_text("R$ 0,36")
    this_month = world.last + timedelta(days=1)
    expect(_rows(dialog, "after_ids").first).to_contain_text(_day(this_month))
    dialog.get_by_role("button", name="Descartar").click()
    expect(dialog).to_have_count(0)


def test_recalcular_takes_the_unbilled_calls_of_a_plan(
    page, server, world, users, line
):
    (rate,) = world.odoo.search_read(
        "saperx.tariff.rate", [("tariff_id", "=", world.tariff)], ["id"]
    )
    # As no user can, so that no run of its own follows.
    world.sql(
        f"UPDATE saperx_tariff_rate SET price_per_minute = 0.2 WHERE id = {rate['id']}"
    )
    log_in(page, server, "financeiro")
    page.goto(f"{server.url}/odoo/billing-plans/{world.tariff}")
    page.get_by_role("button", name="Recalcular ligações").click()
    dialog = page.locator(".modal")
    expect(dialog.locator(".o_field_widget[name=call_count]")).to_have_text("3")
    dialog.get_by_role("button", name="Recalcular").click()
    expect(page.locator(".o_form_view h1")).to_contain_text(world.name)
    current = page.locator(".o_arrow_button_current")
    expect(current).to_have_text("Concluída", timeout=60_000)
    for name, text in (
        ("changed_count", "3"),
        ("amount_before", "R$ 0,36"),
        ("amount_after", "R$ 0,60"),
        ("amount_change", "R$ 0,24"),
    ):
        expect(page.locator(f".o_field_widget[name={name}]")).to_have_text(
            re.compile(text.replace("$", r"\$").replace(" ", r"\s"))
        )
    assert {call["charged_amount"] for call in world.calls()} == {0.2}


def test_e_se_compares_a_line_with_another_plan(
    page, server, world, users, line, cheap
):
    log_in(page, server, "financeiro")
    _open_line(page, server, line)
    page.get_by_role("button", name="E se", exact=True).click()
    dialog = page.locator(".modal")
    choose(dialog, "tariff_ids", f"Barato {world.name}")
    total = dialog.locator("tr", has_text="Total").last
    for text in ("R$ 0,36", "R$ 0,06", "-R$ 0,30"):
        expect(total).to_contain_text(text)
    dialog.get_by_role("button", name="Fechar").last.click()
    expect(dialog).to_have_count(0)
    assert {call["charged_amount"] for call in world.calls()} == {0.12}
