"""The assumed contract, ``saperx_v2.openapi.yaml``, in code.

The only code that holds wire names, and how the platform pages: whoever has SaperX's
own papers changes this file and that one; ``docs/fitting.md`` shows how.
Answers are decoded record by record; a bad record never takes its page with it.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from . import lenient
from .errors import AnotherPage, NotUnderstood, RequestRefused
from .records import (
    Call,
    CallPage,
    Did,
    DidTerms,
    Direction,
    Group,
    Line,
    LineSettings,
    LineStatus,
    Outcome,
    Plan,
    Problem,
    Registration,
    Reject,
    Tokens,
)
from .values import LONGEST_SECONDS, LONGEST_TEXT, duration, local_bounds, moment, money

# Paths.
LOGIN = "/auth/login"
REFRESH = "/auth/refresh"
PLANS = "/planos"
GROUPS = "/grupos"
DIDS = "/dids"
LINES = "/circuitos"
LINE = "/circuitos/{id}"
LINE_STATUS = "/circuitos/{id}/status"
LINE_DID = "/circuitos/{id}/dids/{number}"
LINE_REGISTRATION = "/circuitos/{id}/registro"
CALLS = "/ligacoes"

SECRET_FIELDS = ("senha", "api_key", "api_secret", "access_token", "refresh_token")

PER_PAGE = 500
# A token is renewed so long before it expires, or at a tenth of its life.
RENEW_BEFORE_SECONDS = 60
REJECT_CHARS = 20_000
REASON_CHARS = 300

_STATUS = {
    "ativo": LineStatus.ACTIVE,
    "bloqueado_parcial": LineStatus.PARTIALLY_BLOCKED,
    "bloqueado": LineStatus.BLOCKED,
    "inativo": LineStatus.INACTIVE,
}
_STATUS_OUT = {ours: theirs for theirs, ours in _STATUS.items()}
_SCOPE = {"nacional": "national", "internacional": "international"}
_SCOPE_OUT = {ours: theirs for theirs, ours in _SCOPE.items()}
_BILLING = {"pre_pago": "prepaid", "pos_pago": "postpaid"}
_BILLING_OUT = {ours: theirs for theirs, ours in _BILLING.items()}
_ROUTE = {"scm": "scm", "stfc": "stfc", "personalizado": "custom"}
_ROUTE_OUT = {ours: theirs for theirs, ours in _ROUTE.items()}
_PORTABILITY = {"nao": "no", "entrada": "in", "saida": "out"}
_PORTABILITY_OUT = {ours: theirs for theirs, ours in _PORTABILITY.items()}
_DIRECTION = {"saida": Direction.OUTGOING, "entrada": Direction.INCOMING}
_OUTCOME = {
    "atendida": Outcome.ANSWERED,
    "ocupado": Outcome.BUSY,
    "nao_atendida": Outcome.NO_ANSWER,
    "cancelada": Outcome.CANCELLED,
    "falha": Outcome.FAILED,
}
_CALL_CLASS = {
    "LC": "lc",
    "LDN": "ldn",
    "LDI": "ldi",
    "VC1": "vc1",
    "VC2": "vc2",
    "VC3": "vc3",
    "0800": "free",
    "INTERNA": "internal",
}
CALL_CLASS_WORDS = {ours: theirs for theirs, ours in _CALL_CLASS.items()}
"""The platform's word by our code of a class."""


@lru_cache(maxsize=1024)
def known_call_class(platform_class: str | None) -> str | None:
    """Our code of a class that the platform sent, or None for one we do not know."""
    return _CALL_CLASS.get((platform_class or "").strip().upper())


# Raw, so that amounts stay as exact as they were written.
_Money = msgspec.Raw
_NOTHING = msgspec.Raw(b"null")
_Seconds = int | float | str
# What a column of the database takes.
_Id = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Text = Annotated[str, msgspec.Meta(max_length=250)]
_Key = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Phone = Annotated[str, msgspec.Meta(max_length=40)]
_Number = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
_Cursor = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
# What an HTTP header takes.
_AccessToken = Annotated[str, msgspec.Meta(pattern=r"^[!-~]+\Z", max_length=16_000)]


class _Answer(msgspec.Struct):
    """Unknown fields are ignored, as the contract asks."""


class _Tokens(_Answer):
    access_token: _AccessToken
    refresh_token: str
    expires_in: int


class _Meta(_Answer):
    current_page: int
    last_page: int


class _Page(_Answer):
    data: list[msgspec.Raw]
    meta: _Meta


class _CallPage(_Answer):
    data: list[msgspec.Raw]
    proximo: _Cursor | None


class _Plano(_Answer):
    id: _Id
    nome: _Text
    tipo: str
    ativo: bool = True


class _Grupo(_Answer):
    id: _Id
    nome: _Text


class _Did(_Answer):
    numero: _Number
    status: str
    cidade: _Text | None = None
    uf: _Text | None = None
    circuito_id: _Id | None = None
    portado: bool = False
    valor: _Money = _NOTHING
    a_cobrar: bool | None = None


class _Circuito(_Answer):
    id: _Id
    conta: _Phone
    status: str
    referencia: _Text
    nome: _Text
    plano_id: _Id
    tipo: str
    plano_tipo: str
    documento: _Text | None = None
    grupo_id: _Id | None = None
    plano_internacional_id: _Id | None = None
    dia_fechamento: _Id | None = None
    portabilidade: str = "nao"
    bina: bool | None = None
    lc: bool | None = None
    ldn: bool | None = None
    ldi: bool | None = None
    vc1: bool | None = None
    vc2: bool | None = None
    vc3: bool | None = None
    limite_simultaneas: _Id | None = None
    limite_credito: _Money = _NOTHING
    plano_descricao: _Text | None = None
    dids: list[msgspec.Raw] | None = None
    atualizado_em: str | None = None


class _Registro(_Answer):
    online: bool
    ip: str | None = None
    latencia_ms: _Id | None = None
    saldo: _Money = _NOTHING


class _Ligacao(_Answer):
    id: _Key | _Id
    conta: _Phone
    sentido: str
    origem: _Phone
    destino: _Phone
    inicio: str
    tempo_total: _Seconds
    tempo_real: _Seconds
    situacao: str
    circuito_id: _Id | None = None
    a_cobrar: bool = False
    tempo_tarifado: _Seconds | None = None
    tipo: _Text | None = None
    valor_cobrado: _Money = _NOTHING
    valor_custo: _Money = _NOTHING
    cidade_destino: _Text | None = None


class _ReadCallPage(_Answer):
    """A page whose records are all as they should be, which goes several times as
    fast as one record after the other."""

    data: list[_Ligacao]
    proximo: _Cursor | None


class _Numbered(_Answer):
    numero: _Number


class _Erro(_Answer):
    message: Any = None
    errors: Any = None
    id: Any = None


# Decoding.

_tokens = msgspec.json.Decoder(_Tokens)
_page = msgspec.json.Decoder(_Page)
_call_page = msgspec.json.Decoder(_CallPage)
_plan = msgspec.json.Decoder(_Plano)
_group = msgspec.json.Decoder(_Grupo)
_did = msgspec.json.Decoder(_Did)
_line = msgspec.json.Decoder(_Circuito)
_registration = msgspec.json.Decoder(_Registro)
_call = msgspec.json.Decoder(_Ligacao)
_read_call_page = msgspec.json.Decoder(_ReadCallPage)
_numbered = msgspec.json.Decoder(_Numbered)
_error = msgspec.json.Decoder(_Erro)
_any_id = msgspec.json.Decoder(_Key | _Id)
_money_text = msgspec.json.Decoder(str)
_fingerprinted = msgspec.msgpack.Encoder()
# What decoding may raise, whatever comes: the last of what is nested too deeply.
_UNREADABLE = (msgspec.DecodeError, ValueError, IndexError, RecursionError)


class Malformed(ValueError):
    """A record that is not what the contract says; the text says why.

    :ivar Problem problem: the same, of what kind it is
    """

    def __init__(self, text: str, problem: Problem):
        super().__init__(text)
        self.problem = problem


def decode_tokens(body: bytes, now: datetime) -> Tokens:
    """:param now: naive UTC. :raise NotUnderstood:"""
    answer = _whole(_tokens, body)
    if not (answer.refresh_token and answer.expires_in > 0):
        raise NotUnderstood("the login answered without usable tokens")
    # A platform that promises years is not believed to the letter.
    lives = min(answer.expires_in, 10 * 365 * 24 * 3600)
    usable = lives - min(RENEW_BEFORE_SECONDS, lives / 10)
    until = (now + timedelta(seconds=usable)).replace(microsecond=0)
    return Tokens(answer.access_token, answer.refresh_token, until)


def decode_page(body: bytes, query: dict) -> tuple[list[msgspec.Raw], dict | None]:
    """:param query: what was asked; of ``page_query``, or as this function gave it

    :return: the raw records, and the query of the following page; None after the last
    :raise NotUnderstood: also for another page than the one that was asked for
    """
    page, elements = _page_of(_page, body)
    asked, came = query["page"], page.meta.current_page
    if came != asked:
        raise AnotherPage(f"asked for page {asked}, got {came}")
    is_last = came >= page.meta.last_page
    return elements, None if is_last else query | {"page": asked + 1}


def decode_plan(raw, _zone=None) -> Plan:
    plan = _record(_plan, raw)
    return Plan(plan.id, plan.nome, _known(_SCOPE, "tipo", plan.tipo), plan.ativo)


def decode_group(raw, _zone=None) -> Group:
    group = _record(_group, raw)
    return Group(group.id, group.nome)


def decode_did(raw, _zone=None) -> Did:
    did = _record(_did, raw)
    if did.status not in ("disponivel", "em_uso"):
        raise Malformed(f"status: {did.status[:40]!r} is not known", Problem.WORD)
    return Did(
        number=did.numero,
        in_use=did.status == "em_uso",
        line_remote_id=did.circuito_id,
        city=did.cidade,
        state_code=did.uf,
        ported=did.portado,
        monthly_fee=_amount("valor", did.valor),
        accept_collect_calls=did.a_cobrar,
    )


def decode_line(raw, zone: ZoneInfo) -> Line:
    line = _record(_line, raw)
    settings = LineSettings(
        reference=line.referencia,
        customer_name=line.nome,
        customer_document=line.documento,
        account_code=line.conta,
        plan_remote_id=line.plano_id,
        international_plan_remote_id=line.plano_internacional_id,
        group_remote_id=line.grupo_id,
        closing_day=line.dia_fechamento or 0,
        billing_type=_known(_BILLING, "tipo", line.tipo),
        route=_known(_ROUTE, "plano_tipo", line.plano_tipo),
        portability=_known(_PORTABILITY, "portabilidade", line.portabilidade),
        caller_id=line.bina,
        allow_lc=line.lc,
        allow_ldn=line.ldn,
        allow_ldi=line.ldi,
        allow_vc1=line.vc1,
        allow_vc2=line.vc2,
        allow_vc3=line.vc3,
        simultaneous_calls=line.limite_simultaneas,
        credit_limit=_amount("limite_credito", line.limite_credito),
    )
    return Line(
        remote_id=line.id,
        reference=line.referencia,
        account_code=line.conta,
        status=_known(_STATUS, "status", line.status),
        settings=settings,
        plan_description=line.plano_descricao,
        dids=None if line.dids is None else tuple(_known_numbers(line.dids)),
        updated_at=_moment("atualizado_em", line.atualizado_em, zone)
        if line.atualizado_em
        else None,
    )


def decode_registration(raw, _zone=None) -> Registration:
    answer = _record(_registration, raw)
    return Registration(
        answer.online,
        answer.ip,
        answer.latencia_ms,
        _amount("saldo", answer.saldo, signed=True),
    )


def decode_call(raw, zone: ZoneInfo) -> Call:
    """:raise Malformed: with the field and what is wrong with it"""
    return _call_of(_record(_call, raw), zone)


def _call_of(call: _Ligacao, zone: ZoneInfo) -> Call:
    # By the million: what can be looked up is, without a further call.
    charged = call.tempo_tarifado
    fields = (
        str(call.id),
        call.circuito_id,
        call.conta,
        _DIRECTION.get(call.sentido) or _known(_DIRECTION, "sentido", call.sentido),
        call.a_cobrar,
        call.origem,
        call.destino,
        _moment("inicio", call.inicio, zone),
        _duration("tempo_total", call.tempo_total),
        _duration("tempo_real", call.tempo_real),
        None if charged is None else _duration("tempo_tarifado", charged),
        call.tipo,
        _OUTCOME.get(call.situacao) or _known(_OUTCOME, "situacao", call.situacao),
        _amount("valor_cobrado", call.valor_cobrado),
        _amount("valor_custo", call.valor_custo),
        call.cidade_destino,
    )
    # Of the decoded content, so that another spelling of the same is the same.
    digest = blake2b(_fingerprinted.encode(fields), digest_size=16).digest()
    return Call(*fields, digest)


def decode_call_page(
    body: bytes, zone: ZoneInfo, _query: dict | None = None
) -> CallPage:
    """
    :param _query: what was asked, for an answer that does not say where it stands
    :raise NotUnderstood: if the page itself is none; its records become rejects
    """
    try:
        return _decode_clean_call_page(body, zone)
    except _UNREADABLE:
        # Something in it is not as it should be: what, and whether more than a record.
        return _decode_each_call(body, zone)


def _decode_clean_call_page(body, zone) -> CallPage:
    """:raise ValueError: or another of ``_UNREADABLE``, if anything is wrong"""
    page = _read_call_page.decode(body)
    # JSON writes what is not plain by one.
    is_plain = b"\\" not in body
    if not is_plain and b"\\u0000" in body:
        raise ValueError("maybe holds a NUL character")
    calls = tuple([_call_of(call, zone) for call in page.data])
    return CallPage(calls, (), page.proximo, is_plain)


def _decode_each_call(body, zone) -> CallPage:
    page, elements = _page_of(_call_page, body)
    calls, rejects = [], []
    for raw in elements:
        try:
            calls.append(decode_call(raw, zone))
        except Malformed as error:
            rejects.append(reject(raw, error))
    return CallPage(tuple(calls), tuple(rejects), page.proximo)


def decode_error(body: bytes) -> tuple[str, dict[str, list[str]], int | None]:
    """What a refusal says, of whatever shape it is, and of whatever length.

    :return: message (may be empty), errors by field, id of what exists already
    """
    try:
        error = _error.decode(body)
    except _UNREADABLE:
        return "", {}, None
    errors = error.errors if isinstance(error.errors, dict) else {}
    is_id = type(error.id) is int and 0 < error.id < 2**31
    return (
        error.message if isinstance(error.message, str) else "",
        {
            str(name): [str(t) for t in (texts if isinstance(texts, list) else [texts])]
            for name, texts in errors.items()
        },
        error.id if is_id else None,
    )


def reject(raw, error) -> Reject:
    text = (
        bytes(raw)[: 4 * REJECT_CHARS]
        .decode(errors="replace")[:REJECT_CHARS]
        .replace("\0", "\ufffd")
    )
    problem = getattr(error, "problem", None)
    return Reject(text, str(error)[:REASON_CHARS], id_of(raw), problem)


def read_call(text: str, zone: ZoneInfo) -> Call | Reject:
    """One record by itself, as ``Reject.raw`` keeps it."""
    raw = text.encode()
    try:
        return decode_call(raw, zone)
    except Malformed as error:
        return reject(raw, error)


def member_text(text: str, name: str) -> str | None:
    """What a record, as ``Reject.raw`` keeps it, says of a field: to the letter, so
    that a text stands in its quotes. None if that cannot be told."""
    found = lenient.members(text.encode(errors="replace")).get(name)
    return None if found is None else found.decode(errors="replace")


def named_field(reason: str) -> str | None:
    """The field that a ``Malformed`` or a ``Reject`` speaks of, if it names one."""
    found = _FIELD_IN_REASON.search(reason)
    return found[found.lastgroup] if found else None


# At its beginning, or quoted, or as a path.
_FIELD_IN_REASON = re.compile(
    r"^'?(?P<first>\w+)'?: |field `(?P<missing>\w+)`|\$\.(?P<path>\w+)"
)


def id_of(raw) -> str | None:
    """Of a record, be the rest of it readable or not."""
    try:
        return str(_any_id.decode(lenient.members(bytes(raw))["id"]))
    except (KeyError, *_UNREADABLE):
        return None


def _whole(decoder, body):
    try:
        return decoder.decode(body)
    except _UNREADABLE as error:
        raise NotUnderstood(
            f"the answer is not what the contract says: {error}"
        ) from error


def _page_of(decoder, body):
    """:return: the page, and its elements as they came"""
    try:
        page = decoder.decode(body)
        return page, page.data
    except _UNREADABLE:
        try:
            elements, rest = lenient.split_page(body, "data")
        except _UNREADABLE:
            # It is none at all.
            return _whole(decoder, body), []
        return _whole(decoder, rest), elements


def _record(decoder, raw):
    try:
        record = decoder.decode(raw)
    except _UNREADABLE as error:
        raise Malformed(_why(error, raw), _problem_of(error)) from error
    if b"\\u0000" in bytes(raw):
        _refuse_nul(record)
    return record


def _why(error, raw) -> str:
    """With the field, also where the JSON itself is wrong."""
    if not isinstance(error, msgspec.ValidationError):
        for name, value in lenient.members(bytes(raw)).items():
            try:
                msgspec.json.decode(value)
            except _UNREADABLE as reason:
                return f"{name[:40]!r}: {reason}"
    return str(error)


def _problem_of(error) -> Problem:
    """By msgspec's own words: it has no other way to tell."""
    text = str(error)
    if not isinstance(error, msgspec.ValidationError):
        return Problem.JSON
    if text.startswith("Object missing required field"):
        return Problem.MISSING
    return Problem.SIZE if _BOUND.search(text) else Problem.KIND


_BOUND = re.compile(r"^Expected `[^`]*` (?:of length|[<>]=)|out of range")


def _refuse_nul(record):
    """No database takes it."""
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, str) and "\x00" in value:
            raise Malformed(f"{name}: holds a NUL character", Problem.NUL)


def _known_numbers(raws: Iterable) -> Iterator[Did]:
    """The numbers of a line. One whose terms cannot be read is there all the same:
    it may have to be freed, or given new terms."""
    for raw in raws:
        try:
            yield decode_did(raw)
        except Malformed:
            try:
                yield Did(_record(_numbered, raw).numero, in_use=True)
            except Malformed:
                # Shown by the listing of numbers; the line is more than this one.
                continue


def _known(table, name, value):
    try:
        return table[value]
    except KeyError:
        text = f"{name}: {value[:40]!r} is not known"
        raise Malformed(text, Problem.WORD) from None


def _amount(name, raw, signed=False) -> Decimal | None:
    try:
        return _money_of(bytes(raw), signed)
    except _UNREADABLE as error:
        raise Malformed(f"{name}: {error}", Problem.AMOUNT) from error


@lru_cache(maxsize=16_384)
def _money_of(json_text: bytes, signed: bool) -> Decimal | None:
    if json_text == b"null":
        return None
    if len(json_text) > 10 * LONGEST_TEXT:
        raise ValueError("too long for an amount of money")
    is_text = json_text[:1] == b'"'
    text = _money_text.decode(json_text) if is_text else json_text.decode()
    return money(text, signed)


def _duration(name, value):
    # As most are, and without a further call.
    if type(value) is int and 0 <= value <= LONGEST_SECONDS:
        return value
    try:
        return duration(value)
    except ValueError as error:
        raise Malformed(f"{name}: {error}", Problem.DURATION) from error


def _moment(name, value, zone):
    try:
        return moment(value, zone)
    except ValueError as error:
        raise Malformed(f"{name}: {error}", Problem.MOMENT) from error


# Encoding.


_CREDENTIALS = {
    "usuario": "username",
    "senha": "password",
    "api_key": "api_key",
    "api_secret": "api_secret",
}


def encode_credentials(credentials) -> dict:
    return {name: getattr(credentials, ours) for name, ours in _CREDENTIALS.items()}


def credentials_named(text: str) -> tuple[str, ...]:
    """:return: the fields of ``Credentials`` that a refusal speaks of"""
    text = text.casefold().replace("á", "a").replace(" ", "_").replace("-", "_")
    return tuple(ours for name, ours in _CREDENTIALS.items() if name in text)


def encode_refresh(tokens: Tokens) -> dict:
    return {"refresh_token": tokens.refresh}


def encode_line(settings: LineSettings) -> dict:
    body = {
        "referencia": settings.reference,
        "nome": settings.customer_name,
        "documento": settings.customer_document,
        "grupo_id": settings.group_remote_id,
        "plano_id": settings.plan_remote_id,
        "plano_internacional_id": settings.international_plan_remote_id,
        "dia_fechamento": settings.closing_day,
        "tipo": _BILLING_OUT[settings.billing_type],
        "plano_tipo": _ROUTE_OUT[settings.route],
        "portabilidade": _PORTABILITY_OUT[settings.portability],
        "bina": settings.caller_id,
        "lc": settings.allow_lc,
        "ldn": settings.allow_ldn,
        "ldi": settings.allow_ldi,
        "vc1": settings.allow_vc1,
        "vc2": settings.allow_vc2,
        "vc3": settings.allow_vc3,
    }
    # A field left out keeps its value there, or is given one by the platform.
    optional = {
        "conta": settings.account_code,
        "senha": settings.password,
        "limite_simultaneas": settings.simultaneous_calls,
        "limite_credito": _money_out(settings.credit_limit),
    }
    return body | {name: v for name, v in optional.items() if v is not None}


def did_path(line_remote_id: int, number: str) -> str:
    """:param number: also one of the platform's, which may hold anything

    :raise RequestRefused: if it could lead to another path, as ``..`` does however it
        is quoted, and a DELETE would be one of the line; status 0: nothing was sent
    """
    if not _DIGITS.fullmatch(number):
        raise RequestRefused(0, f"{number[:40]!r} is no telephone number")
    return LINE_DID.format(id=line_remote_id, number=number)


_DIGITS = re.compile(r"[0-9]{1,20}")


def encode_status(status: LineStatus) -> dict:
    return {"status": _STATUS_OUT[status]}


def encode_did(terms: DidTerms) -> dict:
    fee = _money_out(terms.monthly_fee)
    return {"valor": fee, "a_cobrar": terms.accept_collect_calls}


def _money_out(amount: Decimal | None) -> str | None:
    """A plain decimal string, never with an exponent."""
    if amount is None:
        return None
    if not amount.is_finite():
        raise RequestRefused(0, f"{amount} is no amount of money")
    return f"{amount:f}"


def page_query(per_page: int = PER_PAGE, **filters) -> dict:
    """Query of a listing's first page; filters that are None are left out."""
    return {"page": 1, "per_page": per_page} | _given(filters)


def plan_filter(scope: str | None) -> dict:
    return {"tipo": scope and _SCOPE_OUT[scope]}


def did_filter(in_use: bool | None, area_code: str | None) -> dict:
    status = None if in_use is None else "em_uso" if in_use else "disponivel"
    return {"status": status, "ddd": area_code}


def line_filter(reference, account_code, updated_since, zone) -> dict:
    return {
        "referencia": reference,
        "conta": account_code,
        "atualizado_desde": updated_since
        and _bounds(updated_since, updated_since, zone)[0],
    }


def call_query(start, end, cursor, line_remote_id, limit, zone) -> dict:
    first, last = _bounds(start, end, zone)
    return {
        "inicio": first,
        "fim": last,
        "limite": limit,
    } | _given({"cursor": cursor, "circuito_id": line_remote_id})


def _bounds(start, end, zone) -> tuple[str, str]:
    """A window, as a query tells it."""
    return local_bounds(start, end, zone)


def _given(filters):
    return {name: value for name, value in filters.items() if value is not None}


# Where what is read of an answer, for whoever compares answers with the contract: by
# path and place, the structure that holds the fields, and the function that reads it.


ELEMENTS = "data[]"


def _listing(struct, decode, **nested):
    places = {
        "": (_Page, decode_page),
        "meta": (_Meta, decode_page),
        ELEMENTS: (struct, decode),
    }
    return places | {f"{ELEMENTS}.{name}": found for name, found in nested.items()}


_READINGS = {
    PLANS: _listing(_Plano, decode_plan),
    GROUPS: _listing(_Grupo, decode_group),
    DIDS: _listing(_Did, decode_did),
    LINES: _listing(_Circuito, decode_line, **{"dids[]": (_Did, decode_did)}),
    LINE: {"": (_Circuito, decode_line), "dids[]": (_Did, decode_did)},
    LINE_REGISTRATION: {"": (_Registro, decode_registration)},
    CALLS: {
        "": (_CallPage, decode_call_page),
        ELEMENTS: (_Ligacao, decode_call),
    },
}


def reading_of(path: str, place: str) -> tuple[str | None, bool]:
    """
    :param path: of the contract, e.g. ``/circuitos/{id}``
    :param place: of a field in its answer, e.g. ``data[].dids[].valor``
    :return: what in this file reads it, None if nothing does; and whether there is
        no reading without it
    """
    holder, _dot, name = place.rpartition(".")
    struct, decode = _READINGS.get(path, {}).get(holder, (None, None))
    for field in struct and msgspec.structs.fields(struct) or ():
        if field.encode_name == name.removesuffix("[]"):
            return f"{struct.__name__}.{name}, {decode.__name__}", field.required
    return None, False
