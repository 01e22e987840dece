"""``make pictures``: take every picture that the documentation shows, from the demo."""

import argparse
import base64
import contextlib
import io
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import requests
from environment import config, paths, steps, system
from environment.steps import Failure, progress, say
from PIL import Image
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Locator, Page, sync_playwright

from . import month
from .client import OdooClient, OdooError
from .provider import Provider, local_today

DATABASE = "saperx_demo"
FOLDER = paths.PROJECT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 1240, "height": 760}
TALL = {"width": 1240, "height": 900}
TALLEST = {"width": 1240, "height": 1040}
A4 = {"width": 794, "height": 1123}
# So few that a picture stays small, so many that nobody sees it.
COLOURS = 128
VIEW = ".o_form_view, .o_list_view, .o_kanban_view"

COMPANY_CUSTOMER = "Clínica Vida Ltda"
HOME_CUSTOMER = "Ana Beatriz Souza"
# Closes in the middle of the month, so that calls wait to be charged.
WAITING_CUSTOMER = "Fernando Oliveira"
OTHER_PLAN = "Empresarial"
OWN_PLAN = "Residencial 100"
PRICES = {
    "lc": 0.05,
    "ldn": 0.12,
    "vc1": 0.35,
    "vc2": 0.42,
    "vc3": 0.45,
    "ldi": 1.20,
    False: 0.90,
}
# Two of its lines cannot be read.
RATE_FILE = """\
Prefixo;Classe;Preço/min;Mínimo;Custo/min
;VC1;0,35;30;0,20
5511;LC;abc;30;
;vc9;0,10;;
351;;"1,20";60;
"""

# Fields of the platform's lines: what somebody made them there, and what they are.
OTHERWISE = {
    "limite_simultaneas": (9, 2),
    "ldi": (False, True),
    "limite_credito": ("321.00", "300.00"),
}

_pictures = {}


def picture(name: str, *, size=SIZE, height: int | None = None):
    """Register what shows a screen, after which its picture is taken.

    :param height: how much of it is kept, from the top
    """

    def register(show):
        _pictures[name] = show, size, height
        return show

    return register


@dataclass
class Screen:
    """A browser on the demo, and what finds records in it."""

    page: Page
    odoo: OdooClient

    def open(self, path: str) -> None:
        self.page.goto(f"{self.odoo.url}/odoo/{path}")
        self.page.locator(VIEW).first.wait_for()
        self.settle()

    def settle(self) -> None:
        """Until what was asked for is there and drawn. (The network is never idle,
        since the web client keeps listening.)"""
        self.page.wait_for_timeout(500)
        self.page.locator(".o_loading_indicator").wait_for(state="hidden")
        self.page.wait_for_timeout(700)

    def press(self, label: str) -> None:
        # Its icon may have a title before it.
        name = re.compile(rf"(^|\s){re.escape(label)}$")
        self.page.get_by_role("button", name=name).first.click()
        self.settle()

    def dialog(self, label: str) -> Locator:
        """Press a button. :return: the dialog that it opens"""
        self.press(label)
        dialog = self.page.locator(".modal").last
        dialog.wait_for()
        return dialog

    def menu(self, heading: str, entry: str) -> None:
        self.page.get_by_role("button", name=heading, exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()
        self.settle()

    def choose(self, scope: Locator, field: str, text: str) -> None:
        entry = scope.locator(f"[name={field}] input").first
        entry.fill(text)
        self.page.locator(".o-autocomplete--dropdown-item", has_text=text).first.click()
        self._leave(scope)

    def fill(self, scope: Locator, field: str, text: str) -> None:
        entry = scope.locator(f"[name={field}] input").first
        entry.fill(text)
        self._leave(scope)

    def _leave(self, dialog: Locator) -> None:
        """Let a field's value count, and nothing be open or marked."""
        dialog.locator(".modal-title").click()
        self.settle()

    def find(self, model: str, *domain, order: str = "id") -> int:
        """The first record's id. :raise Failure: if the demo has none"""
        found = self.odoo.search_read(model, domain, ["id"], order=order, limit=1)
        if not found:
            raise Failure(f"The demo has no {model} with {domain}: run make demo.")
        return found[0]["id"]

    def open_line(self, customer: str) -> None:
        line = self.find("saperx.line", ("partner_id.name", "=", customer))
        self.open(f"sip-lines/{line}")


@picture("integration")
def _show_integration(screen):
    screen.open(f"voip-integrations/{screen.find('saperx.integration')}")


@picture("overview", height=330)
def _show_overview(screen):
    screen.open("voip-overview")


@picture("numbers")
def _show_numbers(screen):
    screen.open("numbers")


@contextlib.contextmanager
def _own_plan(screen):
    """A plan with a price for each class, which nobody has."""
    plan = screen.odoo.create(
        "saperx.tariff",
        {
            "name": OWN_PLAN,
            "included_minutes": 100,
            "rate_ids": [
                (0, 0, {"call_class": code, "price_per_minute": price})
                for code, price in PRICES.items()
            ],
        },
    )
    try:
        screen.open(f"billing-plans/{plan}")
        yield
    finally:
        screen.page.goto("about:blank")
        screen.odoo.call("saperx.tariff", "unlink", [plan])


@picture("plan")
@contextlib.contextmanager
def _show_plan(screen):
    with _own_plan(screen):
        yield


@picture("rate-import")
@contextlib.contextmanager
def _show_rate_import(screen):
    with _own_plan(screen), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "tarifas.csv"
        file.write_text(RATE_FILE)
        dialog = screen.dialog("Importar tarifas")
        dialog.locator("input[type=file]").first.set_input_files(file)
        screen.settle()
        yield


@picture("what-if", size=TALL)
def _show_what_if(screen):
    screen.open_line(HOME_CUSTOMER)
    screen.choose(screen.dialog("E se"), "tariff_ids", OTHER_PLAN)


@picture("contract-tab")
def _show_contract_tab(screen):
    contract = screen.find(
        "contract.contract", ("partner_id.name", "=", COMPANY_CUSTOMER)
    )
    screen.open(f"customer-contracts/{contract}")
    screen.page.get_by_role("tab", name="Linha SIP").click()


@picture("line")
def _show_line(screen):
    screen.open_line(COMPANY_CUSTOMER)
    screen.press("Ler agora")
    screen.page.get_by_role("tab", name="DIDs").click()


@picture("diagnosis")
def _show_diagnosis(screen):
    screen.open_line(COMPANY_CUSTOMER)
    screen.dialog("Diagnóstico")
    screen.page.wait_for_timeout(2000)  # It asks the platform.


@picture("change-terms", size=TALLEST)
def _show_change(screen):
    screen.open_line(WAITING_CUSTOMER)
    dialog = screen.dialog("Alterar…")
    screen.choose(dialog, "tariff_id", OTHER_PLAN)
    screen.fill(dialog, "closing_day", "10")


@picture("calls")
def _show_calls(screen):
    screen.open("call-records")


@picture("explanation", size=TALL)
def _show_explanation(screen):
    call = screen.find(
        "saperx.cdr",
        ("state", "=", "billed"),
        ("charged_amount", ">", 0),
        ("covered_seconds", ">", 0),
        order="start desc",
    )
    screen.open(f"call-records/{call}")
    screen.page.locator(".o_content").evaluate("e => { e.scrollTop = 3000; }")


@picture("simulation", size=TALL)
def _show_simulation(screen):
    screen.open_line(HOME_CUSTOMER)
    screen.fill(screen.dialog("Simular ligação"), "number", "0 21 11 98495-6203")


@picture("charging", size=TALLEST)
def _show_charging(screen):
    # Cycles that closed since the demo's month wait for the import of their days.
    _, last = month.closed_month(local_today())
    later = month.Month(last, local_today())
    month.import_calls(screen.odoo, Provider(screen.find("saperx.integration")), later)
    screen.open("telephony-additionals")
    screen.menu("Cobrança", "Gerar adicional de telefonia")


def _find_charge(screen):
    return screen.find("saperx.charge", ("covered_amount", ">", 0), ("amount", ">", 0))


@picture("charge")
def _show_charge(screen):
    screen.open(f"telephony-additionals/{_find_charge(screen)}")


@picture("statement", size=A4)
def _show_statement(screen):
    """The first page, as an image, since the browser shows no PDF."""
    screen.open(f"telephony-additionals/{_find_charge(screen)}")
    dialog = screen.dialog("Extrato…")
    with screen.page.expect_download() as download:
        dialog.get_by_role("button", name="Baixar extrato").click()
    system.require_pdftoppm()
    image = subprocess.run(
        ["pdftoppm", "-png", "-singlefile", "-r", "192", download.value.path()],
        capture_output=True,
        check=True,
    ).stdout
    encoded = base64.b64encode(image).decode()
    screen.page.set_content(
        f"<body style='margin: 0'><img width='100%' "
        f"src='data:image/png;base64,{encoded}'></body>"
    )


@picture("dispute", size=TALL)
@contextlib.contextmanager
def _show_dispute(screen):
    calls = screen.odoo.search_read(
        "saperx.cdr",
        [
            ("partner_id.name", "=", HOME_CUSTOMER),
            ("state", "=", "billed"),
            ("charged_amount", ">", 0),
        ],
        ["id"],
        order="start desc, id",
        limit=3,
    )
    dispute = screen.odoo.create(
        "saperx.dispute",
        {
            "reason": "not_recognised",
            "note": "Não fiz estas ligações.",
            "call_ids": [(0, 0, {"call_id": call["id"]}) for call in calls],
        },
    )
    try:
        screen.open(f"telephony-disputes/{dispute}")
        yield
    finally:
        screen.page.goto("about:blank")
        screen.odoo.call("saperx.dispute", "action_withdraw", [dispute])


@picture("audit", size=TALL)
def _show_audit(screen):
    screen.open("telephony-audits")
    screen.press("Conferir agora")
    screen.page.get_by_text("Tudo confere").wait_for()


@contextlib.contextmanager
def _other_platform(screen):
    """The platform has lines that are not known here, and some are different there."""
    found = screen.odoo.search_read("saperx.integration", [], ["base_url"], limit=1)
    levers = f"{found[0]['base_url'].split('/api/')[0]}/_sandbox/circuitos"
    customers = screen.odoo.search_read(
        "saperx.line", [], ["partner_id", "remote_id"], order="id", limit=8
    )
    made = requests.post(levers, json={"count": len(customers)}, timeout=60).json()
    made = [line["id"] for line in made["circuitos"]]
    for line, customer in zip(made, customers, strict=True):
        name = customer["partner_id"][1]
        partner = [("id", "=", customer["partner_id"][0])]
        (of,) = screen.odoo.search_read("res.partner", partner, ["vat"])
        document = re.sub(r"\D", "", of["vat"] or "") or None
        # One is of nobody here, and some without a document.
        changes = {"nome": name.upper(), "documento": document if line % 2 else None}
        if line == made[-1]:
            changes = {"nome": "PADARIA ESTRELA", "documento": None}
        _pull(levers, line, changes)
    changed = zip(customers, OTHERWISE.items(), strict=False)
    for line, (field, (there, _here)) in changed:
        _pull(levers, line["remote_id"], {field: there})
    try:
        _compare(screen, found[0]["id"])
        yield found[0]["id"]
    finally:
        screen.page.goto("about:blank")
        for line in made:
            requests.delete(f"{levers}/{line}", timeout=60).raise_for_status()
        for line, (field, (_there, here)) in zip(
            customers, OTHERWISE.items(), strict=False
        ):
            _pull(levers, line["remote_id"], {field: here})
        _compare(screen, found[0]["id"])


def _pull(levers, line, changes):
    requests.put(f"{levers}/{line}", json=changes, timeout=60).raise_for_status()


def _compare(screen, integration):
    screen.odoo.call("saperx.integration", "action_compare_lines", [integration])
    reading = screen.find("saperx.circuit.reading", order="id desc")
    for _second in range(120):
        found = screen.odoo.search_read(
            "saperx.circuit.reading", [("id", "=", reading)], ["state"]
        )
        if found[0]["state"] == "done":
            return
        screen.page.wait_for_timeout(1000)
    raise Failure("The comparison of the demo's lines came to no end.")


@picture("comparison")
@contextlib.contextmanager
def _show_comparison(screen):
    with _other_platform(screen):
        screen.open("platform-differences")
        screen.page.locator(".o_group_header").first.click()
        screen.settle()
        yield


@picture("adoption")
@contextlib.contextmanager
def _show_adoption(screen):
    with _other_platform(screen) as integration:
        screen.open(f"voip-integrations/{integration}")
        screen.press("Circuitos sem linha")
        screen.press("Escolher todos os certos")
        screen.press("A decidir")
        screen.page.locator(".o_list_view").wait_for()
        screen.settle()
        yield


@picture("api-diagnosis", size=TALL)
def _show_api_diagnosis(screen):
    screen.open(f"voip-integrations/{screen.find('saperx.integration')}")
    screen.press("Diagnosticar a API")
    screen.page.get_by_role("button", name="Relatório para imprimir").wait_for(
        timeout=180_000
    )
    screen.settle()


@picture("schedule")
@contextlib.contextmanager
def _show_schedule(screen):
    schedule = screen.odoo.create(
        "saperx.schedule",
        {
            "integration_id": screen.find("saperx.integration"),
            "minute": "30",
            "hour": "7",
        },
    )
    try:
        screen.open(f"scheduled-tasks/{schedule}")
        yield
    finally:
        screen.page.goto("about:blank")
        screen.odoo.call("saperx.schedule", "unlink", [schedule])


@picture("terminate", size=TALL)
def _show_termination(screen):
    contract = screen.find("contract.contract", ("partner_id.name", "=", HOME_CUSTOMER))
    screen.open(f"customer-contracts/{contract}")
    dialog = screen.dialog("Cancelar contrato…")
    dialog.get_by_text("Cancelar as não vencidas").click()
    screen.settle()


@picture("end-line", size=TALL)
def _show_end(screen):
    screen.open_line(WAITING_CUSTOMER)
    screen.dialog("Encerrar linha…")


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo.pictures", description=__doc__)
    parser.add_argument("names", nargs="*", help="which ones; none: all")
    names = parser.parse_args().names or list(_pictures)
    if unknown := set(names) - set(_pictures):
        raise Failure(f"There is no picture {', '.join(sorted(unknown))}.")
    url = f"http://127.0.0.1:{config.http_port()}"
    try:
        odoo = OdooClient(url, DATABASE, "admin", "admin")
    except (requests.ConnectionError, OdooError) as error:
        raise Failure(f"The demo does not run at {url}: run make demo.") from error
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        context = browser.new_context(
            viewport=SIZE, locale="pt-BR", timezone_id="America/Sao_Paulo"
        )
        screen = Screen(context.new_page(), odoo)
        _log_in(screen.page, url)
        for name in names:
            with progress(f"Taking {name}"):
                _take(screen, name)
        browser.close()
    say(f"The pictures are in {FOLDER.relative_to(paths.PROJECT)}.")
    return 0


def _log_in(page, url):
    page.goto(f"{url}/web/login")
    page.fill("input[name=login]", "admin")
    page.fill("input[name=password]", "admin")
    page.click("button[type=submit]")
    page.wait_for_selector(".o_main_navbar")


def _take(screen, name):
    show, size, height = _pictures[name]
    screen.page.set_viewport_size(size)
    try:
        with show(screen) or contextlib.nullcontext():
            # Nothing lies under the pointer.
            screen.page.mouse.move(5, 500)
            screen.settle()
            taken = screen.page.screenshot()
    except BrowserError as error:
        raise Failure(f"The picture {name} cannot be taken: {error}") from error
    image = Image.open(io.BytesIO(taken)).convert("RGB")
    if height:
        image = image.crop((0, 0, image.width, height))
    image = image.quantize(COLOURS, method=Image.Quantize.MEDIANCUT)
    image.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    steps.run_main(main)
