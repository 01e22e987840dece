"""Overdue payment up to the platform: blocks arrive there, payment lifts them, and two
workers take a step once."""

import threading

import pytest
from demo.client import OdooClient

from .overdue_world import overdue_world

COMPETING = 8


@pytest.fixture
def overdue(world):
    with overdue_world(world) as overdue:
        yield overdue


def test_a_block_for_overdue_payment_arrives_and_payment_lifts_it(overdue):
    world = overdue.world
    number = (0, 0, {"number": world.number(), "accept_collect_calls": True})
    contract, line, move = overdue.contract("Ana Devedora", did_ids=[number])
    fraud_contract, fraud_line, fraud_move = overdue.contract("Bia Fraude")
    world.odoo.create("saperx.line.block", {"line_id": fraud_line, "reason": "fraud"})
    world.wait_synced(line, fraud_line)
    assert world.circuit(line)["status"] == "ativo"
    for each in (contract, fraud_contract):
        overdue.give_notice(each)
    notice = overdue.wait_for_mail("Ana Devedora", "Aviso de pagamento em atraso")
    assert "R$" in notice and "será bloqueado a partir de" in notice
    overdue.wait_for_mail("Bia Fraude", "Aviso de pagamento em atraso")
    overdue.follow()
    assert overdue.case(contract)["notice_state"] == "sent"
    overdue.let_days_pass(15)
    overdue.run()
    world.wait_synced(line, fraud_line)
    circuit = world.circuit(line)
    assert circuit["status"] == "bloqueado_parcial"
    assert [did["a_cobrar"] for did in circuit["dids"]] == [False]
    overdue.wait_for_mail("Ana Devedora", "Bloqueio parcial")
    overdue.let_days_pass(15)
    overdue.run()
    world.wait_synced(line, fraud_line)
    assert world.circuit(line)["status"] == "bloqueado"
    overdue.pay(move)
    overdue.pay(fraud_move)
    overdue.follow()
    world.wait_synced(line, fraud_line)
    circuit = world.circuit(line)
    assert circuit["status"] == "ativo"
    assert [did["a_cobrar"] for did in circuit["dids"]] == [True]
    assert world.circuit(fraud_line)["status"] == "bloqueado"
    overdue.wait_for_mail("Ana Devedora", "Seu serviço foi restabelecido")


def test_without_the_parameter_the_platform_hears_of_the_end_alone(overdue):
    world = overdue.world
    contract, line, _move = overdue.contract("Caio Devedor")
    world.wait_synced(line)
    company = world.odoo.search_read("res.company", [], ["id"], limit=1)[0]["id"]
    world.odoo.write("res.company", [company], {"saperx_block_lines_with_contract": 0})
    overdue.give_notice(contract)
    overdue.wait_for_mail("Caio Devedor", "Aviso de pagamento em atraso")
    overdue.follow()
    for days in (15, 15):
        overdue.let_days_pass(days)
        overdue.run()
    world.trigger_push()
    assert overdue.case(contract)["level"] == "full"
    assert world.circuit(line)["status"] == "ativo"
    # A last notice goes out on working days alone.
    world.sql(
        f"UPDATE saperx_overdue_case SET last_noticed_on = '{world.today}'"
        f" WHERE contract_id = {contract}"
    )
    overdue.let_days_pass(60)
    overdue.run()
    world.wait_synced(line)
    assert overdue.case(contract)["closed_because"] == "cancelled"
    assert world.circuit(line)["status"] == "inativo"
    overdue.wait_for_mail("Caio Devedor", "Cancelamento do seu contrato")


def test_two_workers_take_each_step_once(overdue, server, second_server):
    world = overdue.world
    made = [overdue.contract(f"Disputado {n}") for n in range(COMPETING)]
    world.wait_synced(*(line for _contract, line, _move in made))
    for contract, _line, _move in made:
        overdue.give_notice(contract)
    for n in range(COMPETING):
        overdue.wait_for_mail(f"Disputado {n}", "Aviso de pagamento em atraso")
    overdue.follow()
    overdue.let_days_pass(15)
    # Two scheduled actions, since one alone runs in one worker at a time.
    second = OdooClient(second_server.url, server.database, "admin", "admin")
    model = world.odoo.ref("saperx_voip.model_saperx_overdue_case")
    crons = [
        world.odoo.create(
            "ir.cron",
            {
                "name": f"Steps {n}",
                "model_id": model,
                # As the nightly task's own does.
                "user_id": world.odoo.ref("base.user_root"),
                "state": "code",
                "code": "model._cron_take_steps()",
                "interval_number": 999,
            },
        )
        for n in range(2)
    ]
    barrier = threading.Barrier(2)
    failures = []

    def work(odoo, cron):
        barrier.wait()
        try:
            odoo.call("ir.cron", "method_direct_trigger", [cron])
        except Exception as error:
            failures.append(error)

    threads = [
        threading.Thread(target=work, args=work_of)
        for work_of in zip((world.odoo, second), crons, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for n, (contract, line, _move) in enumerate(made):
        blocks = world.odoo.search_read("saperx.line.block", [("line_id", "=", line)])
        assert [block["level"] for block in blocks] == ["partial"]
        assert overdue.case(contract)["level"] == "partial"
        overdue.wait_for_mail(f"Disputado {n}", "Bloqueio parcial")
        told = overdue.box.to(overdue.address(f"Disputado {n}"))
        assert len([title for title, _body in told if "Bloqueio" in title]) == 1
