"""``/auth/login`` and ``/auth/refresh``."""

from pathlib import Path

import pytest
from sandbox.process import SandboxProcess, running
from sandbox_client import Api, credentials


def test_login_gives_tokens_that_work(sandbox: SandboxProcess) -> None:
    api = Api(sandbox).login()
    assert api.tokens["token_type"] == "Bearer"
    assert api.tokens["expires_in"] == 900
    assert api.get("/planos").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("usuario", "usuario ou senha inválidos"),
        ("senha", "usuario ou senha inválidos"),
        ("api_key", "api_key ou api_secret inválidos"),
        ("api_secret", "api_key ou api_secret inválidos"),
    ],
)
def test_refused_login_tells_which_credential_was_wrong(
    sandbox: SandboxProcess, wrong: str, message: str
) -> None:
    answer = Api(sandbox).post("/auth/login", credentials(**{wrong: "outra"}))
    assert (answer.status_code, answer.json()["message"]) == (401, message)


def test_incomplete_login_names_the_fields(sandbox: SandboxProcess) -> None:
    answer = Api(sandbox).post("/auth/login", {"usuario": "sandbox", "senha": 1})
    assert answer.status_code == 401
    assert set(answer.json()["errors"]) == {"senha", "api_key", "api_secret"}


def test_request_without_a_living_token_is_refused(
    api: Api, sandbox: SandboxProcess
) -> None:
    assert sandbox.expire_tokens() == 1
    answer = api.get("/planos")
    assert (answer.status_code, answer.json()["message"]) == (401, "token expirado")
    del api.session.headers["Authorization"]
    assert api.get("/planos").json()["message"] == "token ausente"
    api.use({"access_token": "inventado"})
    assert api.get("/planos").json()["message"] == "token inválido"


def test_access_token_dies_of_age(tmp_path: Path) -> None:
    with running(tmp_path, token_seconds=0) as sandbox:
        assert Api(sandbox).login().get("/planos").status_code == 401


def test_refresh_token_works_once(api: Api) -> None:
    old = {"refresh_token": api.tokens["refresh_token"]}
    renewed = api.post("/auth/refresh", old)
    assert renewed.status_code == 200
    assert renewed.json()["refresh_token"] != old["refresh_token"]
    again = api.post("/auth/refresh", old)
    assert again.status_code == 401
    assert again.json()["message"] == "refresh_token já utilizado"
    api.use(renewed.json())
    assert api.get("/planos").status_code == 200


def test_expired_refresh_token_leaves_only_the_login(
    api: Api, sandbox: SandboxProcess
) -> None:
    sandbox.expire_tokens(refresh=True)
    body = {"refresh_token": api.tokens["refresh_token"]}
    assert api.post("/auth/refresh", body).status_code == 401
    assert api.login().get("/planos").status_code == 200


def test_several_logins_live_at_once(api: Api, sandbox: SandboxProcess) -> None:
    other = Api(sandbox).login()
    assert api.get("/planos").status_code == 200
    assert other.get("/planos").status_code == 200


def test_other_credentials_can_be_set(tmp_path: Path) -> None:
    with running(tmp_path, usuario="outro", api_secret="segredo") as sandbox:
        api = Api(sandbox)
        assert api.post("/auth/login", credentials()).status_code == 401
        body = credentials(usuario="outro", api_secret="segredo")
        assert api.post("/auth/login", body).status_code == 200
