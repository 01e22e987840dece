"""Speaks to a running Odoo as its own web client does."""

import itertools

import requests


class OdooError(Exception):
    """Odoo refused; the text is what a user would read."""


class OdooClient:
    """A logged-in session.

    :param url: address of the server, e.g. ``http://127.0.0.1:8069``
    """

    def __init__(self, url: str, database: str, login: str, password: str):
        self.url = url
        self.database = database
        self._session = requests.Session()
        self._ids = itertools.count(1)
        answer = self.post(
            "/web/session/authenticate",
            {"db": database, "login": login, "password": password},
        )
        self.user_id = answer["uid"]

    def post(self, path: str, params: dict, timeout: float = 300):
        """:raise OdooError: with Odoo's own message"""
        answer = self._session.post(
            self.url + path,
            json={"jsonrpc": "2.0", "id": next(self._ids), "params": params},
            timeout=timeout,
        )
        answer.raise_for_status()
        body = answer.json()
        if error := body.get("error"):
            raise OdooError(error["data"].get("message") or error["message"])
        return body.get("result")

    def call(self, model: str, method: str, *args, **kwargs):
        return self.post(
            f"/web/dataset/call_kw/{model}/{method}",
            {"model": model, "method": method, "args": args, "kwargs": kwargs},
        )

    def create(self, model: str, values: dict, **context) -> int:
        return self.call(model, "create", [values], context=context)[0]

    def write(self, model: str, ids, values: dict) -> None:
        self.call(model, "write", ids, values)

    def search_read(self, model: str, domain=(), fields=(), **kwargs) -> list[dict]:
        return self.call(
            model, "search_read", list(domain), fields=list(fields), **kwargs
        )

    def read(self, model: str, record_id: int, *fields) -> dict:
        return self.call(model, "read", [record_id], list(fields))[0]

    def ref(self, xmlid: str) -> int:
        module, name = xmlid.split(".")
        (found,) = self.search_read(
            "ir.model.data", [("module", "=", module), ("name", "=", name)], ["res_id"]
        )
        return found["res_id"]
