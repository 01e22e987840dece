"""A statement that the tests of its files share."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from statement import Call, ClassTotal, Party, Section, Statement
from statement.table import COLUMNS

START = datetime(2026, 10, 1, 23, 59, 59)
CLASSES = {"lc": "LC: local", "vc1": "VC1: celular, mesmo DDD"}


class Words(defaultdict):
    """Each word is its own name; those with something to fill in are told."""

    def __missing__(self, key):
        return key


def words():
    return Words(
        None,
        period="{first} a {last}",
        section="Linha {line} · {period}",
        page="Página {number} de",
        subtotal="Subtotal {count}",
        continued="{name} (continuação)",
        collect_from="A cobrar de {number}",
        sheet_summary="Resumo",
        sheet_calls="Chamadas",
        watermark="PRÉVIA",
        **{f"column_{name}": name for name in COLUMNS},
    )


def call(minute=0, **values):
    values = {
        "start": START + timedelta(minutes=minute),
        "number": f"(11) 3333-{minute % 10_000:04}",
        "place": "São Paulo",
        "call_class": "lc" if minute % 2 else "vc1",
        "is_collect": False,
        "talk_seconds": 61,
        "charged_seconds": 66,
        "gross": Decimal("0.13"),
        "covered": Decimal("0.03"),
        "amount": Decimal("0.10"),
        **values,
    }
    return Call(**values)


def section(calls, **values):
    totals = {}
    for each in calls:
        add = ClassTotal(
            each.call_class,
            1,
            each.talk_seconds,
            each.charged_seconds,
            each.gross,
            each.covered,
            each.amount,
        )
        known = totals.get(each.call_class, ClassTotal(each.call_class))
        totals[each.call_class] = known + add
    values = {
        "line": "(54) 3333-4444",
        "plan": "Plano",
        "first": date(2026, 10, 1),
        "last": date(2026, 10, 31),
        "classes": tuple(totals.values()),
        "others": None,
        "allowances": (),
        "read_calls": lambda code: (
            each for each in calls if code in (None, each.call_class)
        ),
        **values,
    }
    return Section(**values)


def statement(*sections, **values):
    values = {
        "provider": Party("Provedor", ("CNPJ 11.222.333/0001-81",)),
        "customer": Party("Maria", ("CPF 123.456.789-09",)),
        "facts": (("Contrato", "Internet"),),
        "sections": sections,
        "words": words(),
        "classes": CLASSES,
        **values,
    }
    return Statement(**values)
