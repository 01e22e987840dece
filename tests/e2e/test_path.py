"""From a contract to a call on its invoice, and what may happen on the way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from demo.client import OdooError


def test_a_line_is_created_on_the_platform_with_all_that_was_entered(world):
    number = world.number()
    contract = world.contract("João")
    line = world.line(
        contract,
        did_ids=[
            (0, 0, {"number": number, "monthly_fee": 9.9, "accept_collect_calls": 1})
        ],
        closing_day=15,
        allow_ldi=True,
        allow_vc3=False,
        simultaneous_calls=4,
        credit_limit=150.5,
        password="Senha-do-ramal-1",
    )
    world.wait_synced(line)
    circuit = world.circuit(line)
    assert circuit["nome"] == "João"
    assert circuit["status"] == "ativo"
    assert circuit["dia_fechamento"] == 15
    assert (circuit["ldi"], circuit["vc3"], circuit["lc"]) == (True, False, True)
    assert circuit["limite_simultaneas"] == 4
    assert circuit["senha_set"]
    (did,) = circuit["dids"]
    assert (did["numero"], did["a_cobrar"]) == (number, True)
    here = world.read_line(line, "remote_id", "account_code", "plan_description")
    assert here["remote_id"] == circuit["id"]
    assert here["account_code"] == circuit["conta"]
    assert (
        here["plan_description"]
        == world.odoo.read("saperx.plan", world.plan, "name")["name"]
    )


def test_calls_become_a_charge_and_the_charge_an_invoice_line(world):
    contract = world.contract()
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls(
        [world.record(number, line) for number in range(3)]
        + [world.record("bad", line, tempo_real=-5)]
        + [
            world.record(
                "stranger",
                line,
                circuito_id=None,
                conta="999999",
                origem="551130000000",
            )
        ]
    )
    run = world.import_calls()
    assert run["read_count"] == 5
    assert run["new_count"] == 4
    assert run["rejected_count"] == 1
    assert run["unmatched_count"] == 1
    (charge,) = world.charge()
    assert world.odoo.read("saperx.charge", charge, "amount")["amount"] == 0.36
    world.odoo.call("contract.contract", "recurring_create_invoice", [contract])
    (move,) = world.moves(contract)
    assert move["amount_total"] == 100.36
    found = world.odoo.read("saperx.charge", charge, "state", "move_id")
    assert found["state"] == "invoiced"
    assert found["move_id"][0] == move["id"]


def test_the_same_window_again_adds_nothing_even_after_a_restart_there(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    world.sandbox.generate_calls(
        f"{world.first:%Y-%m}", calls_per_line=150, malformed=2, seed=3
    )
    first = world.import_calls()
    assert first["new_count"] > 100
    before = world.calls()
    world.sandbox.kill()
    world.sandbox.restart()
    second = world.import_calls()
    assert second["new_count"] == second["changed_count"] == 0
    assert second["read_count"] == first["read_count"]
    assert world.calls() == before
    assert (
        world.odoo.call(
            "saperx.cdr.reject",
            "search_count",
            [("integration_id", "=", world.integration)],
        )
        == 2
    )


def test_a_late_call_is_charged_in_the_next_run(world):
    contract = world.contract()
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(1, line)])
    world.import_calls()
    world.charge()
    world.sandbox.add_calls([world.record(2, line, tempo_real=120)])
    assert world.import_calls()["new_count"] == 1
    (late,) = world.charge()
    charge = world.odoo.read("saperx.charge", late, "amount", "cycle_end")
    assert charge["amount"] == 0.24
    assert charge["cycle_end"] == world.last.isoformat()
    with pytest.raises(OdooError):
        world.charge()


def test_two_charge_runs_at_once_charge_once(world):
    lines = [world.line(world.contract(f"Customer {n}")) for n in range(3)]
    world.wait_synced(*lines)
    world.sandbox.add_calls(
        [world.record(f"{line}-{n}", line) for line in lines for n in range(20)]
    )
    world.import_calls()

    def run(wizard):
        try:
            return world.odoo.call("saperx.charge.wizard", "action_generate", [wizard])
        except OdooError as error:
            return error

    wizards = [world.charge_wizard() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, wizards))
    assert sum(isinstance(result, dict) for result in results) >= 1
    charges = world.odoo.search_read(
        "saperx.charge",
        [("integration_id", "=", world.integration)],
        ["line_id", "call_count", "amount"],
    )
    assert sorted(charge["line_id"][0] for charge in charges) == sorted(lines)
    assert {charge["call_count"] for charge in charges} == {20}
    assert {charge["amount"] for charge in charges} == {2.4}


def test_yearly_and_finished_contracts_beside_the_others(world):
    """OCA's cron, button and wizard do what they did, and the charges arrive."""
    monthly, yearly, finished = (
        world.contract("Monthly"),
        world.contract("Yearly", due=date(world.today.year + 1, 3, 1), rule="yearly"),
        world.contract("Finished"),
    )
    lines = {contract: world.line(contract) for contract in (monthly, yearly, finished)}
    world.wait_synced(*lines.values())
    world.sandbox.add_calls(
        [world.record(contract, line) for contract, line in lines.items()]
    )
    world.import_calls()
    world.charge()
    world.odoo.call("contract.contract", "recurring_create_invoice", [finished])
    fee = world.odoo.search_read(
        "contract.line",
        [("contract_id", "=", finished), ("is_telephony", "=", False)],
        ["last_date_invoiced"],
    )[0]
    world.odoo.write(
        "contract.line",
        [fee["id"]],
        {"date_end": fee["last_date_invoiced"], "recurring_next_date": False},
    )
    world.sandbox.add_calls([world.record("late", lines[finished])])
    world.import_calls()
    world.charge()
    world.odoo.call("contract.contract", "cron_recurring_create_invoice")
    assert [move["amount_total"] for move in world.moves(monthly)] == [100.12]
    assert [move["amount_total"] for move in world.moves(finished)] == [100.12]
    assert world.moves(yearly) == []
    assert not world.odoo.call(
        "contract.contract", "recurring_create_invoice", [finished]
    )
    wizard = world.odoo.create(
        "contract.manually.create.invoice", {"invoice_date": world.today.isoformat()}
    )
    world.odoo.call("contract.manually.create.invoice", "create_invoice", [wizard])
    assert world.moves(yearly) == []
    cron = world.odoo.ref("saperx_voip.ir_cron_invoice_telephony")
    world.odoo.call("ir.cron", "method_direct_trigger", [cron])
    assert [move["amount_total"] for move in world.moves(yearly)] == [0.12]
    assert [move["amount_total"] for move in world.moves(finished)] == [100.12, 0.12]


def test_deleting_the_draft_and_invoicing_again_gives_the_same_total(world):
    contract = world.contract()
    line = world.line(contract)
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(1, line)])
    world.import_calls()
    world.charge()
    world.odoo.call("contract.contract", "recurring_create_invoice", [contract])
    (draft,) = world.moves(contract)
    world.odoo.call("account.move", "unlink", [draft["id"]])
    world.odoo.call("contract.contract", "recurring_create_invoice", [contract])
    (again,) = world.moves(contract)
    assert again["amount_total"] == draft["amount_total"] == 100.12


def test_each_refusal_of_a_login_names_what_is_wrong(world):
    for changes, words in (
        ({"password": "wrong"}, "usuario ou senha"),
        ({"api_key": "wrong"}, "api_key ou api_secret"),
        ({"base_url": "http://127.0.0.1:9/api/v2"}, "127.0.0.1"),
        ({"base_url": world.sandbox.url.replace("/api/v2", "/other")}, "SaperX"),
    ):
        with pytest.raises(OdooError, match=words):
            world.odoo.create("saperx.integration", world.credentials(**changes))
    with pytest.raises(OdooError, match="usuario ou senha"):
        world.odoo.write(
            "saperx.integration", [world.integration], {"password": "wrong"}
        )
    # The refused save changed nothing.
    world.odoo.call("saperx.integration", "action_test_connection", [world.integration])
