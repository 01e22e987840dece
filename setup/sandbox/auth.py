"""Tokens: ``/auth/login``, ``/auth/refresh``, and the bearer check of all others."""

import hmac
import secrets
import sqlite3

from .options import Options
from .web import Answer, Context, Refusal, json_answer

CREDENTIALS = ("usuario", "senha", "api_key", "api_secret")


def login(context: Context) -> Answer:
    """``POST /auth/login``: tokens for the account's credentials.

    The contract has no 422 here, so an incomplete body is refused with 401 too.
    The message tells which pair was wrong.
    """
    given = _text_fields(context, CREDENTIALS)
    options = context.options
    if not _same(given["usuario"], options.usuario) or not _same(
        given["senha"], options.senha
    ):
        raise Refusal(401, "usuario ou senha inválidos")
    if not _same(given["api_key"], options.api_key) or not _same(
        given["api_secret"], options.api_secret
    ):
        raise Refusal(401, "api_key ou api_secret inválidos")
    return _issue(context)


def refresh(context: Context) -> Answer:
    """``POST /auth/refresh``: a new pair; the refresh token works once."""
    token = _text_fields(context, ("refresh_token",))["refresh_token"]
    row = _find(context.db, token, "refresh")
    if row is None:
        raise Refusal(401, "refresh_token inválido")
    if row["used"]:
        raise Refusal(401, "refresh_token já utilizado")
    if row["expires_at"] <= context.now:
        raise Refusal(401, "refresh_token expirado")
    context.db.execute("UPDATE tokens SET used = 1 WHERE token = ?", (token,))
    return _issue(context)


def require_token(context: Context) -> None:
    """:raises Refusal: 401 unless the request bears a living access token"""
    given = context.request.headers.get("Authorization", "")
    scheme, _, token = given.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _unauthorized("token ausente")
    row = _find(context.db, token.strip(), "access")
    if row is None:
        raise _unauthorized("token inválido")
    if row["expires_at"] <= context.now:
        raise _unauthorized("token expirado")


def expire(db: sqlite3.Connection, refresh_too: bool) -> int:
    """Let all access tokens expire, and the refresh tokens on demand.

    :return: how many were alive
    """
    kinds = ("access", "refresh") if refresh_too else ("access",)
    marks = ", ".join("?" * len(kinds))
    return db.execute(
        f"UPDATE tokens SET expires_at = 0 WHERE expires_at > 0 AND kind IN ({marks})",
        kinds,
    ).rowcount


def _issue(context: Context) -> Answer:
    options: Options = context.options
    # Dead tokens are kept for a day, so that a late one is told "expired".
    context.db.execute(
        "DELETE FROM tokens WHERE expires_at BETWEEN 1 AND ?", (context.now - 86400,)
    )
    pair = {}
    for kind, seconds in (
        ("access", options.token_seconds),
        ("refresh", options.refresh_seconds),
    ):
        pair[kind] = secrets.token_urlsafe(32)
        context.db.execute(
            "INSERT INTO tokens (token, kind, expires_at) VALUES (?, ?, ?)",
            (pair[kind], kind, context.now + seconds),
        )
    return json_answer(
        {
            "access_token": pair["access"],
            "refresh_token": pair["refresh"],
            "token_type": "Bearer",
            "expires_in": options.token_seconds,
        }
    )


def _text_fields(context: Context, names: tuple[str, ...]) -> dict[str, str]:
    try:
        body = context.json_object()
    except Refusal as refusal:
        raise Refusal(401, refusal.message) from None
    errors = {
        name: ["é obrigatório"] for name in names if not isinstance(body.get(name), str)
    }
    if errors:
        raise Refusal(401, "credenciais incompletas", errors)
    return {name: body[name] for name in names}


def _find(db: sqlite3.Connection, token: str, kind: str) -> sqlite3.Row | None:
    return db.execute(
        "SELECT * FROM tokens WHERE token = ? AND kind = ?", (token, kind)
    ).fetchone()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _unauthorized(message: str) -> Refusal:
    return Refusal(401, message, headers={"WWW-Authenticate": "Bearer"})
