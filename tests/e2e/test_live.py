"""Registration, data for the ATA and diagnosis of a line, in a real browser."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
import requests
from demo.client import OdooClient
from demo.provider import ZONE
from playwright.sync_api import expect
from sandbox.process import request_count

from .browser import PASSWORD, log_in

pytestmark = pytest.mark.usefixtures("technician")

TECHNICIAN = "tecnico.campo"
SIP_PASSWORD = "Sip-Secret-4711"
REGISTRATION = ("GET", "/circuitos/{id}/registro")
SHOWN = ".o_saperx_online, .o_saperx_offline"


@pytest.fixture
def page(chromium):
    context = chromium.new_context(
        viewport={"width": 1366, "height": 768}, locale="pt-BR"
    )
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def technician(admin):
    admin.create(
        "res.users",
        {
            "name": TECHNICIAN.title(),
            "login": TECHNICIAN,
            "password": PASSWORD,
            "lang": "pt_BR",
            "tz": "America/Sao_Paulo",
            "group_ids": [(4, admin.ref("saperx_voip.group_technician"))],
        },
    )


class Platform:
    """The platform's own word, asked past Odoo."""

    def __init__(self, world):
        self._world = world
        self._url = world.sandbox.url
        credentials = world.credentials()
        answer = requests.post(
            f"{self._url}/auth/login",
            json={
                "usuario": credentials["username"],
                "senha": credentials["password"],
                "api_key": credentials["api_key"],
                "api_secret": credentials["api_secret"],
            },
            timeout=10,
        )
        answer.raise_for_status()
        self._token = answer.json()["access_token"]

    def registration(self, line):
        circuit = self._world.circuit(line)["id"]
        answer = requests.get(
            f"{self._url}/circuitos/{circuit}/registro",
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()


@pytest.fixture
def platform(world):
    return Platform(world)


def make_lines(world, count, **values):
    contract = world.contract(f"Ao vivo {world.name}")
    lines = [world.line(contract, **values) for _unused in range(count)]
    world.wait_synced(*lines)
    return lines


def make_online_line(world, platform, **values):
    """The sandbox makes a line's registration up: take one that is online."""
    for _attempt in range(12):
        (line,) = make_lines(world, 1, **values)
        if platform.registration(line)["online"]:
            return line
    raise AssertionError("no line of the sandbox is online")


def open_line(page, server, line):
    page.goto(f"{server.url}/odoo/sip-lines/{line}")
    page.wait_for_selector(".o_saperx_registration_panel")


def add_call(world, line, number, start, **changes):
    world.sandbox.add_calls(
        [
            world.record(
                number, line, inicio=start.strftime("%Y-%m-%d %H:%M:%S"), **changes
            )
        ]
    )


def test_a_form_shows_a_registration_when_it_is_asked_for(
    page, server, world, platform
):
    line = make_online_line(world, platform)
    told = platform.registration(line)
    log_in(page, server, TECHNICIAN)
    open_line(page, server, line)
    panel = page.locator(".o_saperx_registration_panel")
    expect(panel.locator(SHOWN)).to_have_count(0)
    panel.locator(".o_saperx_read").click()
    expect(panel.locator(".o_saperx_online")).to_be_visible()
    expect(panel.locator(".o_saperx_ip")).to_have_text(told["ip"])
    expect(panel.locator(".o_saperx_latency")).to_contain_text(str(told["latencia_ms"]))
    expect(panel.locator(".o_saperx_balance")).to_contain_text("0,00")
    # It is kept: whoever opens the line next sees it without asking.
    open_line(page, server, line)
    expect(panel.locator(".o_saperx_online")).to_be_visible()


def test_a_list_shows_a_page_at_once_and_stays_usable(
    page, server, admin, world, platform
):
    lines = make_lines(world, 10)
    told = {line: platform.registration(line) for line in lines}
    log_in(page, server, TECHNICIAN)
    page.goto(f"{server.url}/odoo/sip-lines")
    page.locator(".o_searchview_input").fill(f"Ao vivo {world.name}")
    page.wait_for_selector(".o_searchview_autocomplete")
    page.locator(".o_searchview_autocomplete .o-dropdown-item, .o_menu_item").filter(
        has_text=re.compile("Contrato")
    ).first.click()
    expect(page.locator(".o_data_row")).to_have_count(10)
    asked = []
    page.on(
        "request",
        lambda request: "read_registrations" in request.url and asked.append(request),
    )
    world.sandbox.fault(
        "/circuitos/{id}/registro", "delay", method="GET", seconds=3, times=None
    )
    page.locator(".o_optional_columns_dropdown button").click()
    page.locator(".o-dropdown--menu input[name=registration]").click()
    page.keyboard.press("Escape")
    expect(page.locator(".o_saperx_registration .fa-spin")).to_have_count(10)
    # The interface answers while the platform does not.
    began = time.monotonic()
    page.locator(".o_data_row .o_list_record_selector input").first.click()
    expect(page.locator(".o_selection_box, .o_list_selection_box")).to_be_visible()
    page.locator(".o_data_row .o_list_record_selector input").first.click()
    assert time.monotonic() - began < 2.5
    assert page.locator(".o_saperx_registration .fa-spin").count()
    expect(page.locator(SHOWN)).to_have_count(10, timeout=20_000)
    assert len(asked) == 1
    for line, registration in told.items():
        cell = page.locator(f".o_saperx_registration[data-line='{line}']")
        if registration["online"]:
            expect(cell.locator(".o_saperx_online")).to_contain_text(
                str(registration["latencia_ms"])
            )
            expect(cell).to_have_attribute(
                "title", re.compile(re.escape(registration["ip"]))
            )
        else:
            expect(cell.locator(".o_saperx_offline")).to_be_visible()
    # Asked for again, by the button over the list: again in one request.
    world.sandbox.clear_faults()
    action = admin.ref("saperx_voip.saperx_read_registrations_action")
    page.locator(f".o_control_panel button[name='{action}']").click()
    expect(page.locator(".o_notification")).to_be_visible()
    assert len(asked) == 2


def test_a_platform_that_hangs_is_told_of_and_holds_nobody(page, server, world):
    (line,) = make_lines(world, 1)
    log_in(page, server, TECHNICIAN)
    open_line(page, server, line)
    world.sandbox.pause()
    try:
        page.locator(".o_saperx_read").click()
        error = page.locator(".o_saperx_error")
        expect(error).to_contain_text(re.compile(r"\w+ \w+"), timeout=20_000)
        assert "Traceback" not in error.inner_text()
        assert not page.locator(".o_error_dialog").count()
    finally:
        world.sandbox.resume()
    page.locator(".o_saperx_read").click()
    expect(page.locator(SHOWN)).to_be_visible()
    expect(error).to_have_count(0)


def test_many_lines_of_a_platform_that_hangs_take_no_longer_than_one(world):
    lines = make_lines(world, 12)
    world.sandbox.pause()
    try:
        began = time.monotonic()
        readings = world.odoo.call("saperx.line", "read_registrations", lines)
        assert time.monotonic() - began < 20
    finally:
        world.sandbox.resume()
    assert len(readings) == 12
    assert all(reading["error"] for reading in readings)
    readings = world.odoo.call("saperx.line", "read_registrations", lines)
    assert not any(reading["error"] for reading in readings)


def test_two_people_read_the_same_lines_at_once(world, server, admin):
    lines = make_lines(world, 3)
    world.sandbox.fault(
        "/circuitos/{id}/registro", "delay", method="GET", seconds=1, times=None
    )
    before = request_count(world.sandbox.ledger(), *REGISTRATION)
    people = [
        OdooClient(server.url, server.database, "admin", "admin")
        for _unused in range(2)
    ]

    def read(person):
        return person.call("saperx.line", "read_registrations", lines)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(read, people))
    assert not any(reading["error"] for answer in answers for reading in answer)
    # Neither had to ask again because of the other.
    after = request_count(world.sandbox.ledger(), *REGISTRATION)
    assert after - before == 2 * len(lines)


def test_the_data_for_the_ata_are_shown_copied_and_traced(page, server, admin, world):
    admin.write(
        "saperx.integration",
        [world.integration],
        {
            "sip_server": "sip.provedor.example",
            "sip_codecs": "G.711a, G.729",
            "sip_transport": "tcp",
        },
    )
    (line,) = make_lines(
        world, 1, password=SIP_PASSWORD, equipment_mac="aabb.ccdd.ee01"
    )
    code = world.read_line(line, "account_code")["account_code"]
    log_in(page, server, TECHNICIAN)
    open_line(page, server, line)
    page.locator("button[name=action_show_ata]").click()
    dialog = page.locator(".o_saperx_ata")

    def value(name):
        return dialog.locator(f"tr[data-name={name}] .o_saperx_ata_value")

    for name, text in {
        "server": "sip.provedor.example",
        "port": "5060",
        "transport": "TCP",
        "codecs": "G.711a, G.729",
        "user": code,
        "password": SIP_PASSWORD,
        "mac": "AA:BB:CC:DD:EE:01",
    }.items():
        expect(value(name)).to_have_text(text)
    assert dialog.locator(".o_saperx_qr").evaluate("image => image.naturalWidth")
    # Over http from this machine the clipboard is there; elsewhere it is not.
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    copy = dialog.locator("tr[data-name=password] .o_saperx_copy")
    copy.click()
    expect(page.locator(".o_notification").last).to_be_visible()
    clipboard = "() => navigator.clipboard.readText()"
    assert page.evaluate(clipboard) == SIP_PASSWORD
    page.evaluate("() => navigator.clipboard.writeText('')")
    page.evaluate(
        "() => Object.defineProperty("
        "navigator, 'clipboard', {value: null, configurable: true})"
    )
    dialog.locator("tr[data-name=user] .o_saperx_copy").click()
    expect(page.locator(".o_notification").last).to_be_visible()
    page.evaluate("() => delete navigator.clipboard")
    assert page.evaluate(clipboard) == code
    # Printed, it is this card alone.
    page.emulate_media(media="print")
    assert not page.locator(".o_form_view").is_visible()
    assert value("password").is_visible()
    assert not copy.is_visible()
    page.emulate_media(media="screen")
    dialog.locator(".o_saperx_close").click()
    expect(page.locator(".o-mail-Message").filter(has_text="ATA")).to_be_visible()
    assert SIP_PASSWORD not in page.content()
    assert SIP_PASSWORD not in page.evaluate(
        "() => JSON.stringify([sessionStorage, localStorage, location.href])"
    )


def test_a_diagnosis_tells_the_cause_and_the_last_calls(page, server, world, platform):
    line = make_online_line(world, platform, allow_vc1=False)
    now = datetime.now(ZONE).replace(tzinfo=None) - timedelta(minutes=10)
    for number, days in enumerate((20, 5, 3, 0)):
        add_call(world, line, number, now - timedelta(days=days))
    add_call(
        world,
        line,
        9,
        now - timedelta(hours=1),
        sentido="entrada",
        origem="551140028922",
        situacao="ocupado",
        tempo_real=0,
    )
    log_in(page, server, TECHNICIAN)
    open_line(page, server, line)
    page.locator("button[name=action_diagnose]").click()
    dialog = page.locator(".o_saperx_diagnosis")
    expect(dialog.locator(".o_saperx_part")).to_have_count(6)
    for part, level in {
        "state": "good",
        "registration": "good",
        "balance": "good",
        "permissions": "warning",
        "numbers": "good",
    }.items():
        expect(
            dialog.locator(f".o_saperx_part[data-name={part}].o_saperx_{level}")
        ).to_be_visible()
    expect(dialog.locator(".o_saperx_causes li").first).to_contain_text("VC1")
    parties = dialog.locator(".o_saperx_other_party")
    expect(parties).to_have_count(5)
    # Newest first.
    expect(parties.nth(0)).to_have_text("559933334444")
    expect(parties.nth(1)).to_have_text("551140028922")
    world.sandbox.pause()
    try:
        dialog.locator(".o_saperx_read_again").click()
        reading = dialog.locator(".o_saperx_reading")
        expect(reading.first).to_be_visible()
        expect(reading).to_have_count(0, timeout=30_000)
        # What Odoo knows is there all the same, and why the rest is not.
        expect(dialog.locator(".o_saperx_part[data-name=state]")).to_be_visible()
        for silent in (
            ".o_saperx_part[data-name=registration] .o_saperx_sentence",
            ".o_saperx_calls p",
        ):
            expect(dialog.locator(silent)).to_contain_text(re.compile(r"\w+ \w+"))
        assert not page.locator(".o_error_dialog").count()
    finally:
        world.sandbox.resume()
