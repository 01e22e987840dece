"""What a person does in the web client, in the words that stand on the screen."""

PASSWORD = "browser-test-1"
ROLES = {
    "atendente": ["saperx_voip.group_user"],
    "tecnico": ["saperx_voip.group_technician"],
    "financeiro": ["saperx_voip.group_billing"],
}


def log_in(page, server, login, password=PASSWORD):
    page.goto(f"{server.url}/web/login")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_selector(".o_main_navbar")


def open_menu(page, *labels):
    """The app's menu, then what it opens, by the labels that users read."""
    first, *rest = labels
    page.locator(".o_menu_sections").get_by_text(first, exact=True).click()
    for label in rest:
        page.get_by_role("menuitem", name=label, exact=True).click()


def choose(page, field, text):
    """Pick from a many2one by typing."""
    entry = page.locator(f".o_field_widget[name={field}] input")
    entry.click()
    entry.fill(text)
    page.locator(".o-autocomplete--dropdown-item", has_text=text).first.click()


def open_contract_tab(page, server, admin, contract):
    action = admin.ref("saperx_voip.contract_contract_action")
    page.goto(f"{server.url}/odoo/action-{action}/{contract}")
    page.get_by_role("tab", name="Linha SIP").click()
