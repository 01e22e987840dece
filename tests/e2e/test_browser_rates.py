"""Rates of a billing plan as a file, in a real browser, in Portuguese."""

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from .browser import log_in

FILE = (
    "Prefixo;Classe;Preço/min;Mínimo (s);Passo (s);Válida desde\r\n"
    ";;0,15;30;6;\r\n"
    ";VC1;0,45;30;6;\r\n"
    "5511;LC;0,05;60;60;01/12/2026\r\n"
    "0800;;0,00;30;6;\r\n"
)
BROKEN = "Prefixo;Classe;Preço/min\r\n;VC1;0,50\r\n55;VC9;0,05\r\n;VC1;caro\r\n"
AMBIGUOUS = "Prefixo;Classe;Preço/min\r\n;VC1;0,50\r\n1;LDI;1.500\r\n"


def as_file(text, name="tarifas.csv"):
    """What the browser's file chooser gives. Brazilian spreadsheets write so."""
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode("cp1252")}


def field(page, name):
    return page.locator(f".modal .o_field_widget[name={name}]")


def cells(page, table):
    rows = field(page, table).locator("tbody tr")
    return [
        [cell.replace("\xa0", " ") for cell in row.locator("td").all_inner_texts()]
        for row in rows.all()
    ]


@contextmanager
def importing(page, file):
    """The import's dialog with a file chosen; closed by what is done in it."""
    page.get_by_role("button", name="Importar tarifas").click()
    dialog = page.locator(".modal")
    dialog.locator("input[type=file]").set_input_files(file)
    yield dialog
    expect(dialog).to_have_count(0)


@pytest.fixture
def plan(page, server, world, users):
    """A plan of one rate, open before who bills. :return: its rates' prices"""
    log_in(page, server, "financeiro")
    page.goto(f"{server.url}/odoo/billing-plans/{world.tariff}")

    def prices():
        return [
            (rate["prefix"] or "", rate["call_class"], rate["price_per_minute"])
            for rate in world.odoo.search_read(
                "saperx.tariff.rate",
                [("tariff_id", "=", world.tariff)],
                ["prefix", "call_class", "price_per_minute"],
            )
        ]

    return prices


def test_a_file_is_seen_imported_exported_and_changes_nothing_more(page, plan):
    with importing(page, as_file(FILE)) as dialog:
        expect(field(page, "summary")).to_have_text(
            "3 tarifas novas · 1 tarifa alterada"
        )
        expect(field(page, "recognised")).to_contain_text("Ponto e vírgula")
        expect(field(page, "recognised")).to_contain_text("Vírgula: 0,05")
        assert cells(page, "change_table") == [
            ["", "Todas as outras", "R$ 0,12 → R$ 0,15", "", "Preço/min"],
            ["", "VC1: celular, mesmo DDD", "R$ 0,45", "", "Tarifa nova"],
            ["5511", "LC: local", "R$ 0,05", "01/12/2026", "Tarifa nova"],
            ["0800", "Qualquer classe do prefixo", "R$ 0,00", "", "Tarifa nova"],
        ]
        assert len(plan()) == 1
        dialog.get_by_role("button", name="Importar tarifas").click()
    expect(page.locator(".o_notification").first).to_contain_text(
        "3 tarifas novas · 1 tarifa alterada"
    )
    assert plan() == [
        ("", False, 0.15),
        ("", "vc1", 0.45),
        ("5511", "lc", 0.05),
        ("0800", False, 0),
    ]
    # Nothing is said against an 0800 that costs nothing.
    expect(page.locator(".alert-warning")).to_have_count(0)
    page.get_by_role("tab", name="Todas as tarifas").click()
    rates = page.locator(".o_field_widget[name=rate_ids]")
    expect(rates.locator(".o_data_row")).to_have_count(4)
    expect(rates.locator(".o_data_row", has_text="5511")).to_contain_text("0,05")
    for title in ("Prefixo", "Classe", "Preço/min", "Passo (s)", "Descarte (s)"):
        expect(rates.locator("th", has_text=title)).to_be_visible()

    page.get_by_role("button", name="Exportar tarifas").click()
    dialog = page.locator(".modal")
    dialog.get_by_label("CSV").check()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Exportar").click()
    path = download.value.path()
    content = path.read_bytes()
    assert content.decode("utf-8-sig").startswith("Prefixo;Classe;Preço/min;Conexão;")
    assert ";0,45;" in content.decode("utf-8-sig")
    expect(dialog).to_have_count(0)

    with importing(page, {**as_file(""), "buffer": content}) as dialog:
        expect(field(page, "summary")).to_have_text("4 tarifas sem mudança")
        expect(field(page, "notes")).to_contain_text("não muda nada neste plano")
        button = dialog.get_by_role("button", name="Importar tarifas")
        expect(button).to_have_count(0)
        dialog.get_by_role("button", name="Descartar").click()


def test_a_file_with_errors_names_their_lines_and_imports_nothing(page, plan):
    with importing(page, as_file(BROKEN)) as dialog:
        expect(dialog).to_contain_text(re.compile(r"2\s+erros: nada é importado"))
        assert [row[:4] for row in cells(page, "problem_table")] == [
            ["3", "Classe", "VC9", "Classe desconhecida"],
            ["4", "Preço/min", "caro", "Não é um número com este símbolo decimal"],
        ]
        button = dialog.get_by_role("button", name="Importar tarifas")
        expect(button).to_have_count(0)
        # What is put right in the file is read anew.
        dialog.locator("input[type=file]").set_input_files(
            as_file(BROKEN.replace("VC9", "LC").replace(";VC1;caro", "1;LDI;1,00"))
        )
        expect(button).to_be_visible()
        dialog.locator("input[type=file]").set_input_files(as_file("", "vazio.csv"))
        expect(field(page, "error")).to_have_text("O arquivo está vazio.")
        expect(button).to_have_count(0)
        dialog.get_by_role("button", name="Descartar").click()
    assert plan() == [("", False, 0.12)]


def test_a_price_that_may_be_another_is_imported_as_the_person_says(page, plan):
    with importing(page, as_file(AMBIGUOUS)) as dialog:
        expect(field(page, "question")).to_contain_text(
            re.compile(r"Linha 3: 1\.500 pode ser R\$\s1\.500,00 ou R\$\s1,50")
        )
        button = dialog.get_by_role("button", name="Importar tarifas")
        expect(button).to_have_count(0)
        field(page, "three_digits").get_by_label("Separa os milhares").check()
        expect(field(page, "price_warning")).to_contain_text("1.500,00")
        field(page, "three_digits").get_by_label("É símbolo decimal").check()
        expect(field(page, "price_warning")).to_have_count(0)
        button.click()
    assert plan()[1:] == [("", "vc1", 0.5), ("1", "ldi", 1.5)]
