"""A contract is terminated in a real browser, in Portuguese, with its money."""

from datetime import timedelta
from functools import partial

from playwright.sync_api import expect

from .browser import log_in
from .world import at_once


def field(scope, name):
    return scope.locator(f".o_field_widget[name={name}]")


def make_reason(world, name):
    return world.odoo.create(
        "contract.terminate.reason", {"name": name, "terminate_comment_required": False}
    )


def choose_reason(page, dialog, name):
    field(dialog, "terminate_reason_id").locator("input").first.click()
    page.locator(".o_select_menu_item", has_text=name).click()


def invoice(world, contract, *, post=True):
    """The contract's next fee of 100."""
    known = {move["id"] for move in world.moves(contract)}
    world.odoo.call("contract.contract", "recurring_create_invoice", [contract])
    (move,) = {move["id"] for move in world.moves(contract)} - known
    if post:
        world.odoo.call("account.move", "action_post", [move])
    return move


def pay(world, move, amount):
    context = {"active_model": "account.move", "active_ids": [move]}
    wizard = world.odoo.call(
        "account.payment.register", "create", {"amount": amount}, context=context
    )
    world.odoo.call("account.payment.register", "action_create_payments", [wizard])


def read_move(world, move):
    return world.odoo.read(
        "account.move", move, "state", "payment_state", "amount_residual"
    )


def test_a_contract_is_terminated_with_its_money(page, server, world):
    contract = world.contract("Rescisão")
    line = world.line(contract)
    partly, unpaid = invoice(world, contract), invoice(world, contract)
    draft = invoice(world, contract, post=False)
    pay(world, partly, 40)
    # Three months are invoiced; seven more and some days are promised.
    world.odoo.write(
        "contract.contract",
        [contract],
        {"saperx_minimum_term_until": str(world.today + timedelta(days=330))},
    )
    make_reason(world, "Mudou de endereço")
    log_in(page, server, "admin", "admin")
    action = world.odoo.ref("saperx_voip.contract_contract_action")
    page.goto(f"{server.url}/odoo/action-{action}/{contract}")
    page.get_by_role("button", name="Cancelar contrato…").click()
    dialog = page.locator(".modal")
    expect(dialog.locator(".modal-title")).to_have_text("Cancelar contrato")
    expect(field(dialog, "terminate_with_last_date_invoiced")).to_be_visible()
    choose_reason(page, dialog, "Mudou de endereço")
    # Nothing is touched until somebody chooses so.
    rows = field(dialog, "invoice_row_ids").locator(".o_data_row")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="Continua em aberto")).to_have_count(3)
    dialog.get_by_text("Cancelar todas (contrato e financeiro)").click()
    expect(rows.filter(has_text="Será cancelada")).to_have_count(2)
    credited = rows.filter(has_text="Será estornada")
    expect(credited).to_contain_text("está parcialmente paga")
    expect(credited).to_contain_text("60,00")
    # The remaining financial: proposed, changed by a person, then invoiced.
    dialog.get_by_label("Gerar financeiro remanescente").check()
    fee = field(dialog, "fee_row_ids").locator(".o_data_row")
    expect(fee).to_contain_text("Internet")
    fee.locator("[name=amount]").click()
    entry = fee.locator("[name=amount] input")
    entry.fill("250,50")
    entry.press("Tab")
    expect(field(dialog, "remaining_total")).to_contain_text("250,50")
    dialog.locator(".modal-footer").get_by_role(
        "button", name="Cancelar contrato"
    ).click()
    page.locator(".modal", has_text="Cancelar este contrato?").get_by_role(
        "button", name="Ok"
    ).click()
    expect(dialog).to_have_count(0)
    told = page.locator(".o-mail-Message", has_text="com o financeiro")
    expect(told).to_contain_text("Estornada")
    expect(told).to_contain_text("Financeiro remanescente de")
    assert world.read_line(line, "state")["state"] == "cancelled"
    states = [read_move(world, move) for move in (partly, unpaid, draft)]
    assert [state["state"] for state in states] == ["posted", "cancel", "cancel"]
    assert states[0]["amount_residual"] == 0
    (remaining,) = world.odoo.search_read(
        "account.move",
        [("is_saperx_fee", "=", True), ("partner_id.name", "=", "Rescisão")],
        ["amount_total", "state"],
    )
    assert remaining["amount_total"] == 250.5
    assert remaining["state"] == "draft"
    # Undone: the money is not, and that is said.
    page.get_by_role("button", name="Desfazer cancelamento").click()
    page.locator(".modal").get_by_role("button", name="Ok").click()
    undone = page.locator(".o-mail-Message", has_text="faça manualmente")
    page.goto(f"{server.url}/odoo/action-{action}/{contract}")
    expect(undone).to_contain_text("cobra o financeiro remanescente")
    assert read_move(world, unpaid)["state"] == "cancel"


def test_a_fine_is_proposed_and_waived_with_a_reason(page, server, world):
    contract = world.contract("Isenta")
    make_reason(world, "Óbito do titular")
    log_in(page, server, "admin", "admin")
    action = world.odoo.ref("saperx_voip.contract_contract_action")
    page.goto(f"{server.url}/odoo/action-{action}/{contract}")
    page.get_by_role("button", name="Cancelar contrato…").click()
    dialog = page.locator(".modal")
    expect(dialog).to_contain_text("O contrato não tem fatura em aberto.")
    choose_reason(page, dialog, "Óbito do titular")
    dialog.get_by_label("Gerar financeiro remanescente").check()
    dialog.get_by_text("Multa proporcional ao benefício").click()
    field(dialog, "benefit_amount").locator("input").fill("600,00")
    start = field(dialog, "benefit_start")
    start.locator("button, input").first.click()
    start.locator("input").fill(f"{world.today:%d/%m/%Y}")
    start.locator("input").press("Tab")
    # It begins today: the whole of it is left.
    expect(field(dialog, "proposed_fine")).to_contain_text("600,00")
    expect(field(dialog, "fine_amount").locator("input")).to_have_value("600,00")
    dialog.get_by_label("Isentar").check()
    field(dialog, "waiver_reason").locator("input").fill("Falecimento")
    dialog.locator(".modal-footer").get_by_role(
        "button", name="Cancelar contrato"
    ).click()
    page.locator(".modal", has_text="Cancelar este contrato?").get_by_role(
        "button", name="Ok"
    ).click()
    told = page.locator(".o-mail-Message", has_text="com o financeiro")
    expect(told).to_contain_text("isentado: Falecimento")
    assert not world.moves(contract)


def test_two_people_terminate_a_contract_at_once_and_one_of_them_is_told(world):
    contract = world.contract("Duas pessoas")
    move = invoice(world, contract)
    pay(world, move, 40)
    values = {
        "contract_id": contract,
        "terminate_reason_id": make_reason(world, "Mudou-se"),
        "terminate_date": world.today.isoformat(),
        "open_invoices": "cancel_all",
        "generates_remaining": True,
        "remaining_by": "fine",
        "fine_amount": 50,
    }
    wizards = [
        world.odoo.create("contract.contract.terminate", values) for _person in "ab"
    ]
    press = partial(
        world.odoo.call, "contract.contract.terminate", "terminate_contract"
    )
    outcomes = at_once(*(partial(press, [wizard]) for wizard in wizards))
    assert sorted(map(bool, outcomes)) == [False, True]
    made = [found for found in world.moves(contract) if found["id"] != move]
    assert sorted(found["amount_total"] for found in made) == [50, 60]
