"""The levers of a test: ``/_sandbox/…``, outside the contract, without a token."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from . import auth, calls, dialect, faults, forms, generate, ledger, many, panel, seed
from .fields import Fields
from .store import create_tables, drop_tables, get_meta
from .web import Answer, Context, Refusal, json_answer


def _body(context: Context) -> dict:
    """An absent body stands for an empty object."""
    value = _parsed(context.body or b"{}")
    if not isinstance(value, dict):
        raise Refusal(422, "O corpo deve ser um objeto JSON.")
    return value


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(422, "O corpo não é JSON válido.") from None


def show_ledger(context: Context) -> Answer:
    """``GET /_sandbox/ledger?calls=1``"""
    which = context.request.args.get("calls")
    text = ledger.text(context.db, context.now, which)
    return Answer(body=text.encode("utf-8", "replace"))


def reset(context: Context) -> Answer:
    """``POST /_sandbox/reset {"seed": 1}``: as on the first day, tokens gone too."""
    fields = Fields(_body(context))
    number = fields.integer("seed")
    fields.check()
    if number is None:
        number = get_meta(context.db, "seed")
    drop_tables(context.db)
    create_tables(context.db)
    seed.fill(context.db, number, context.options.faults)
    return json_answer({"seed": number})


def expire_tokens(context: Context) -> Answer:
    """``POST /_sandbox/tokens/expire {"refresh": false}``"""
    fields = Fields(_body(context))
    refresh = fields.boolean("refresh")
    fields.check()
    return json_answer({"expired": auth.expire(context.db, bool(refresh))})


def expire_cursors(context: Context) -> Answer:
    """``POST /_sandbox/cursors/expire``: cursors given so far answer 410."""
    calls.expire_cursors(context.db)
    return json_answer({})


def generate_calls(context: Context) -> Answer:
    """``POST /_sandbox/calls/generate``; the members are those of the README."""
    body = _body(context)
    fields = Fields(body)
    month = fields.text(
        "month",
        required=True,
        pattern="[1-9][0-9]{3}-(0[1-9]|1[0-2])",
        message="deve ter a forma AAAA-MM",
    )
    per_line = fields.integer("calls_per_line", low=0, high=10**7)
    number = fields.integer("seed")
    unknown = fields.integer("unknown", low=0, high=10**6)
    malformed = fields.integer("malformed", low=0, high=10**6)
    share = fields.number("late_share", low=0, high=1)
    late_until = fields.text("late_until", nullable=True)
    moment = forms.parse_timestamp(late_until)
    if late_until is not None and moment is None:
        fields.refuse("late_until", "deve ter a forma AAAA-MM-DD HH:MM:SS")
    line_ids = body.get("circuits")
    if line_ids is not None and not (
        isinstance(line_ids, list) and all(type(item) is int for item in line_ids)
    ):
        fields.refuse("circuits", "deve ser uma lista de ids")
    fields.check()
    assert month is not None
    start = datetime.strptime(month, "%Y-%m")
    order = generate.Order(
        start=start,
        end=start.replace(
            year=start.year + start.month // 12, month=start.month % 12 + 1
        ),
        calls_per_line=60 if per_line is None else per_line,
        seed=get_meta(context.db, "seed") if number is None else number,
        line_ids=None if line_ids is None else set(line_ids),
        late_share=0.02 if share is None else float(share),
        late_until=forms.epoch(moment) if moment else calls.NEVER,
        unknown=unknown or 0,
        malformed=malformed or 0,
    )
    return json_answer(generate.run(context.db, order))


def release_calls(context: Context) -> Answer:
    """``POST /_sandbox/calls/release``: what is late appears now."""
    return json_answer({"released": calls.release_late(context.db, context.now)})


def add_calls(context: Context) -> Answer:
    """``POST /_sandbox/calls?inicio=…&replace=1``: records to the letter.

    The body is a JSON list of records, right or wrong. ``inicio`` says where a record
    lies that has no readable start of its own (default: now); with ``replace`` the
    records that have the same id go away first.
    """
    query = context.query("inicio", "replace")
    inicio = query.moment("inicio")
    replace = query.matching("replace", "[01]", "deve ser 0 ou 1")
    query.check()
    if not isinstance(_parsed(context.body), list):
        raise Refusal(422, "O corpo deve ser uma lista JSON de registros.")
    texts = calls.array_texts(context.body.decode())
    added = calls.add_raw(
        context.db,
        texts,
        forms.sortable(inicio) if inicio else forms.local_now(),
        replace == "1",
    )
    return json_answer({"added": added})


def add_fault(context: Context) -> Answer:
    """``POST /_sandbox/faults``; see :mod:`sandbox.faults`."""
    return json_answer({"id": faults.add(context.db, _body(context))})


def list_faults(context: Context) -> Answer:
    """``GET /_sandbox/faults?all=1``: without ``all``, those that were not used up."""
    query = context.query("all")
    every = query.matching("all", "[01]", "deve ser 0 ou 1")
    query.check()
    return json_answer({"faults": faults.listed(context.db, used_up=every == "1")})


def clear_faults(context: Context) -> Answer:
    """``DELETE /_sandbox/faults``: all, the used ones too."""
    return json_answer({"removed": faults.clear(context.db)})


def speak(context: Context) -> Answer:
    """``PUT /_sandbox/dialect``: see :mod:`sandbox.dialect`; ``{}`` is the contract."""
    dialect.store(context.db, _body(context))
    return json_answer({})


#: (method, path after ``/_sandbox``) to its function.
ROUTES: dict[tuple[str, str], Callable[..., Answer]] = {
    ("GET", "/ledger"): show_ledger,
    ("POST", "/reset"): reset,
    ("POST", "/tokens/expire"): expire_tokens,
    ("POST", "/cursors/expire"): expire_cursors,
    ("POST", "/calls/generate"): generate_calls,
    ("POST", "/calls/release"): release_calls,
    ("POST", "/calls"): add_calls,
    ("POST", "/circuitos"): many.make_lines,
    ("POST", "/faults"): add_fault,
    ("GET", "/faults"): list_faults,
    ("DELETE", "/faults"): clear_faults,
    ("PUT", "/dialect"): speak,
    **panel.ROUTES,
}
