"""A bare client of the sandbox, for its own tests."""

from pathlib import Path
from typing import Any

import requests
from sandbox.options import Options
from sandbox.process import SandboxProcess

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "docs" / "saperx_v2.openapi.yaml"
MONTH = {"inicio": "2026-10-01 00:00:00", "fim": "2026-11-01 00:00:00"}


class Api:
    """A client without any cleverness: what is sent is what the test says."""

    def __init__(self, sandbox: SandboxProcess):
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False
        self.tokens: dict[str, Any] = {}

    def request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        arguments.setdefault("timeout", 30)
        return self.session.request(method, self.sandbox.url + path, **arguments)

    def get(self, path: str, **parameters: Any) -> requests.Response:
        return self.request("GET", path, params=parameters)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.request("POST", path, json=body)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.request("PUT", path, json=body)

    def delete(self, path: str) -> requests.Response:
        return self.request("DELETE", path)

    def login(self) -> "Api":
        answer = self.post("/auth/login", credentials())
        assert answer.status_code == 200, answer.text
        self.use(answer.json())
        return self

    def use(self, tokens: dict[str, Any]) -> None:
        self.tokens = tokens
        self.session.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def plan_id(self, tipo: str = "nacional") -> int:
        return self.get("/planos", tipo=tipo).json()["data"][0]["id"]

    def free_numbers(self, count: int, ddd: str = "54") -> list[str]:
        answer = self.get("/dids", status="disponivel", ddd=ddd, per_page=count)
        return [did["numero"] for did in answer.json()["data"]]

    def make_line(self, referencia: str = "linha-1", **settings: Any) -> dict[str, Any]:
        answer = self.post("/circuitos", self.line(referencia, **settings))
        assert answer.status_code == 201, answer.text
        return answer.json()

    def line(self, referencia: str = "linha-1", **settings: Any) -> dict[str, Any]:
        """A body that CircuitoEscrita allows."""
        return {
            "referencia": referencia,
            "nome": "Padaria da Serra",
            "plano_id": self.plan_id(),
            "tipo": "pos_pago",
            "plano_tipo": "stfc",
        } | settings

    def make_lines(self, count: int) -> list[dict[str, Any]]:
        """Lines with a number each, that take collect calls."""
        lines = []
        for index, numero in enumerate(self.free_numbers(count)):
            line = self.make_line(f"linha-{index}")
            terms = {"valor": "9,90", "a_cobrar": True}
            answer = self.put(f"/circuitos/{line['id']}/dids/{numero}", terms)
            assert answer.status_code == 200, answer.text
            lines.append(line)
        return lines

    def calls(self, limite: int = 1000, **window: Any) -> list[dict[str, Any]]:
        """All records of a window, page by page, repeated ones included."""
        parameters = MONTH | window | {"limite": limite}
        records = []
        while True:
            answer = self.get("/ligacoes", **parameters)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            assert len(page["data"]) <= limite
            records += page["data"]
            if page["proximo"] is None:
                return records
            parameters["cursor"] = page["proximo"]


def credentials(**changes: Any) -> dict[str, Any]:
    options = Options()
    return {
        "usuario": options.usuario,
        "senha": options.senha,
        "api_key": options.api_key,
        "api_secret": options.api_secret,
    } | changes
