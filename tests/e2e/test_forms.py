"""What saving a form does between Odoo and the platform, and how it is told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from demo.client import OdooError


@pytest.fixture
def website():
    """A web server that is no SaperX API. :return: its address"""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            page = b"<html><h1>It works!</h1></html>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api/v2"
    server.shutdown()
    server.server_close()


def test_saving_an_integration_tells_what_is_wrong_with_it(world, website):
    for changes, words in (
        ({"password": "errada"}, ("Usuário Acesso", "Senha Acesso")),
        ({"api_key": "errada"}, ("API Key", "API Secret")),
        ({"base_url": "http://127.0.0.1:9/api/v2"}, ("Não foi possível acessar",)),
        ({"base_url": website}, ("não é uma API",)),
        ({"environment": "production"}, ("https://",)),
    ):
        with pytest.raises(OdooError) as caught:
            world.odoo.create(
                "saperx.integration",
                world.credentials(name="Wrong", **changes),
                lang="pt_BR",
            )
        message = str(caught.value)
        assert all(word in message for word in words), message
        assert "errada" not in message
    # Nothing of it was saved, and the wrong pair alone is named.
    assert not world.odoo.search_read("saperx.integration", [("name", "=", "Wrong")])
    with pytest.raises(OdooError) as caught:
        world.odoo.create(
            "saperx.integration",
            world.credentials(name="W", api_secret="x" * 9),
            lang="pt_BR",
        )
    assert "Senha Acesso" not in str(caught.value)


def test_an_inactive_integration_is_saved_without_asking_the_platform(world):
    integration = world.odoo.create(
        "saperx.integration",
        world.credentials(
            name="Later", active=False, base_url="http://127.0.0.1:9/api/v2"
        ),
    )
    with pytest.raises(OdooError):
        world.odoo.write("saperx.integration", [integration], {"active": True})


def test_tokens_are_told_as_present_and_never_shown(world):
    names = ("access_token_state", "refresh_token_state", "token_expires_at")
    found = world.odoo.read("saperx.integration", world.integration, *names)
    assert found["access_token_state"] == "present"
    assert found["refresh_token_state"] == "present"
    assert found["token_expires_at"]


def test_an_integration_that_fails_says_since_when_until_it_answers(world):
    def down_since():
        return world.read_line(line, "integration_down_since")["integration_down_since"]

    line = world.line(world.contract())
    world.wait_synced(line)
    assert not down_since()
    world.sandbox.stop()
    world.odoo.write("saperx.line", [line], {"simultaneous_calls": 2})
    began = world.wait("the trouble shows", down_since)
    world.odoo.call("saperx.line", "action_retry_push", [line])
    world.wait(
        "it was tried once more",
        lambda: world.read_line(line, "sync_attempts")["sync_attempts"],
    )
    assert down_since() == began
    world.sandbox.start()
    world.odoo.call("saperx.line", "action_retry_push", [line])
    world.wait_synced(line)
    # The integration is told after its lines.
    world.wait("the trouble is over", lambda: not down_since())


def test_plans_that_vanish_there_are_archived_and_shown_on_their_lines(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    plan = world.odoo.read("saperx.plan", world.plan, "remote_id", "active")
    world.sandbox.remove_plan(plan["remote_id"])
    world.odoo.call("saperx.integration", "action_sync_plans", [world.integration])
    assert not world.odoo.read("saperx.plan", world.plan, "active")["active"]
    assert world.read_line(line, "has_gone_plan")["has_gone_plan"]


def test_a_block_reaches_the_platform_and_its_lifting_too(world):
    line = world.line(world.contract())
    world.wait_synced(line)

    def block(**values):
        made = world.odoo.create("saperx.line.block", {"line_id": line, **values})
        world.wait_synced(line)
        return made

    def status():
        return world.circuit(line)["status"]

    overdue = block(reason="overdue", level="partial")
    assert status() == "bloqueado_parcial"
    fraud = block(reason="fraud", level="full")
    assert status() == "bloqueado"
    world.odoo.call("saperx.line.block", "action_lift", [fraud])
    world.wait_synced(line)
    assert status() == "bloqueado_parcial"
    world.odoo.call("saperx.line.block", "action_lift", [overdue])
    world.wait_synced(line)
    assert status() == "ativo"


def test_what_the_panel_changed_is_not_undone_without_a_question(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    block = world.odoo.create(
        "saperx.line.block", {"line_id": line, "reason": "manual", "level": "full"}
    )
    world.wait_synced(line)
    circuit = world.circuit(line)["id"]
    # Somebody there opens what is blocked here.
    world.sandbox.change_line(circuit, status="ativo")
    world.odoo.write("saperx.line", [line], {"simultaneous_calls": 4})

    def asked():
        return world.read_line(line, "sync_state")["sync_state"] == "error"

    world.wait("the question shows", asked)
    assert world.circuit(line)["status"] == "ativo"
    assert world.circuit(line)["limite_simultaneas"] == 4
    assert "painel" in world.read_line(line, "sync_error")["sync_error"]
    world.odoo.call("saperx.line", "action_retry_push", [line])
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "bloqueado"
    # And closes what is opened here.
    world.sandbox.change_line(circuit, status="inativo")
    world.odoo.call("saperx.line.block", "action_lift", [block])
    world.wait("the question shows", asked)
    assert world.circuit(line)["status"] == "inativo"
    world.odoo.call("saperx.line", "action_retry_push", [line])
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "ativo"


def test_a_cancellation_goes_before_whatever_the_panel_says(world):
    line = world.line(world.contract())
    world.wait_synced(line)
    world.sandbox.change_line(world.circuit(line)["id"], status="bloqueado_parcial")
    world.odoo.call("saperx.line", "action_cancel", [line])
    world.wait_synced(line)
    assert world.circuit(line)["status"] == "inativo"


def test_a_profile_and_a_generated_password_make_a_line_in_few_steps(world):
    profile = world.odoo.create(
        "saperx.line.profile",
        {
            "name": "Residencial",
            "integration_id": world.integration,
            "plan_id": world.plan,
            "credit_limit": 120,
            "simultaneous_calls": 2,
            "route": "scm",
        },
    )
    password = world.odoo.call("saperx.line", "generate_password")
    line = world.odoo.create(
        "saperx.line",
        {
            "contract_id": world.contract(),
            "integration_id": world.integration,
            "password": password,
            "did_ids": [(0, 0, {"number": world.number()})],
        },
    )
    world.wait_synced(line)
    assert world.read_line(line, "profile_id")["profile_id"][0] == profile
    circuit = world.circuit(line)
    assert circuit["plano_tipo"] == "scm"
    assert circuit["limite_simultaneas"] == 2
    assert float(circuit["limite_credito"]) == 120
    assert circuit["senha_set"]
