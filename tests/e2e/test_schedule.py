"""Scheduled tasks on a real server's workers, against a real platform."""

import re

from .browser import log_in, open_menu

# Far away: nothing here waits for a clock.
LATER = {"minute": "0", "hour": "3", "day": "1", "month": "1"}


def make_schedule(world, **values):
    return world.odoo.create(
        "saperx.schedule", {"integration_id": world.integration, **LATER, **values}
    )


def run_now(world, *schedules):
    for schedule in schedules:
        world.odoo.call("saperx.schedule", "action_run_now", [schedule])


def wait_state(world, schedule, state):
    return world.wait_for_workers(
        f"the task is {state}",
        lambda: (
            (found := world.odoo.read("saperx.schedule", schedule))["last_state"]
            == state
            and found
        ),
    )


def imports(world, schedule):
    return world.odoo.search_read(
        "saperx.cdr.import",
        [("schedule_id", "=", schedule)],
        ["state", "started_at", "ended_at", "read_count", "new_count"],
    )


def let_time_come(world, schedule, moment):
    """What time would do.

    :param moment: ``next_run_at`` of the task, or ``next_try_at`` of its import
    """
    past = "now() AT TIME ZONE 'UTC' - interval '5 hours'"
    table, cron = {
        "next_run_at": ("saperx_schedule", "schedule.cron_id"),
        "next_try_at": ("saperx_cdr_import", "integration.import_cron_id"),
    }[moment]
    column = "id" if table == "saperx_schedule" else "schedule_id"
    world.sql(f"UPDATE {table} SET {moment} = {past} WHERE {column} = {schedule}")
    world.sql(
        f"UPDATE ir_cron_trigger SET call_at = {past} WHERE cron_id ="
        f" (SELECT {cron} FROM saperx_schedule AS schedule"
        " JOIN saperx_integration AS integration"
        " ON integration.id = schedule.integration_id"
        f" WHERE schedule.id = {schedule})"
    )


def test_an_outage_is_tried_again_by_itself_and_switches_nothing_off(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    world.sandbox.add_calls([world.record(1, line)])
    schedule = make_schedule(world)
    world.sql(
        f"UPDATE saperx_integration SET imported_until = '{world.first}'"
        f" WHERE id = {world.integration}"
    )
    world.sandbox.stop()
    run_now(world, schedule)
    found = wait_state(world, schedule, "waiting")
    assert found["last_error"].startswith("A plataforma não responde")
    assert found["retry_count"] == 1
    reads = world.odoo.read("saperx.integration", world.integration, "import_cron_id")
    (cron,) = world.odoo.search_read(
        "ir.cron",
        [("id", "=", reads["import_cron_id"][0])],
        ["active", "failure_count"],
    )
    assert cron["active"]
    assert cron["failure_count"] == 0
    (planned,) = world.odoo.search_read(
        "ir.cron.trigger",
        [("cron_id", "=", cron["id"]), ("call_at", "=", found["retry_at"])],
    )
    assert planned
    world.sandbox.start()
    let_time_come(world, schedule, "next_try_at")
    wait_state(world, schedule, "done")
    (run,) = imports(world, schedule)
    assert run["state"] == "done"
    assert run["new_count"] == 1


def test_tasks_of_two_integrations_run_side_by_side(world):
    other = world.odoo.create(
        "saperx.integration", world.credentials(name=f"{world.name} B")
    )
    schedules = [make_schedule(world), make_schedule(world, integration_id=other)]
    world.sandbox.fault("/ligacoes", "delay_before", seconds=5, times=2)
    run_now(world, *schedules)
    for schedule in schedules:
        wait_state(world, schedule, "done")
    (first,), (second,) = (imports(world, schedule) for schedule in schedules)
    assert first["started_at"] < second["ended_at"]
    assert second["started_at"] < first["ended_at"]
    world.odoo.write("saperx.integration", [other], {"active": False})


def test_runs_that_were_missed_while_the_server_was_off_are_made_up_once(world, server):
    schedule = make_schedule(world, hour="Todos", day="Todos", month="Todos")
    server.stop()
    let_time_come(world, schedule, "next_run_at")
    server.start()
    found = wait_state(world, schedule, "done")
    assert found["next_run_at"] > found["last_run_at"]
    (run,) = imports(world, schedule)
    assert run["state"] == "done"


def test_killed_in_the_middle_a_task_goes_on_with_the_same_run(world, server):
    schedule = make_schedule(world)
    world.sandbox.fault("/ligacoes", "delay_before", seconds=60)
    run_now(world, schedule)
    wait_state(world, schedule, "running")
    server.kill()
    world.sandbox.clear_faults()
    server.start()
    wait_state(world, schedule, "done")
    (run,) = imports(world, schedule)
    assert run["state"] == "done"


def test_a_manager_makes_a_task_and_sees_its_next_runs_while_typing(
    world, server, page, admin
):
    log_in(page, server, "admin", "admin")
    page.goto(f"{server.url}/odoo/voip-overview")
    open_menu(page, "Configurações", "Agenda de tarefas")
    page.get_by_role("button", name="Novo", exact=True).click()
    entry = page.locator(".o_field_widget[name=integration_id] input")
    entry.fill(world.name)
    page.locator(".o-autocomplete--dropdown-item", has_text=world.name).first.click()
    page.locator("[name=hour] input").fill("7")
    page.locator("[name=minute] input").fill("30")
    page.locator("[name=every_weekday] input").click()
    page.locator("[name=weekday] input").fill("1-5")
    page.locator("[name=weekday] input").press("Tab")
    runs = page.locator("[name=next_runs] tr")
    page.get_by_text("não executa todos os dias").wait_for()
    assert runs.count() == 5
    for text in runs.all_inner_texts():
        assert re.search(r"(segunda|terça|quarta|quinta|sexta)-feira.*07:30", text)
    page.locator("[name=hour] input").fill("25")
    page.locator("[name=hour] input").press("Tab")
    page.get_by_text("Hora: 25 não está entre 0 e 23.").wait_for()
    page.locator("[name=hour] input").fill("8")
    page.locator("[name=every_weekday] input").click()
    page.get_by_text("não executa todos os dias").wait_for(state="hidden")
    page.locator(".o_form_button_save").click()
    page.get_by_role("button", name="Executar agora").wait_for()
    (found,) = admin.search_read(
        "saperx.schedule", [("integration_id", "=", world.integration)]
    )
    kept = [found[name] for name in ("task", "minute", "hour", "day", "weekday")]
    assert kept == ["import", "30", "8", "*", "*"]
    page.get_by_role("button", name="Executar agora").click()
    wait_state(world, found["id"], "done")
    page.get_by_text("0 ligações novas de 0 lidas").wait_for()
