"""Holds the result in Odoo against the sandbox's own ledger.

The sums are made here anew from the platform's raw records, with integers, and with
no code of the addon.
"""

from collections import defaultdict
from datetime import date

from .client import OdooClient
from .month import Month
from .provider import ALLOWANCES, CUSTOMERS, MONTHLY_FEE, TARIFFS, Provider

EMERGENCY = {
    *("100", "128", "151", "152", "153", "156", "180", "181", "185", "188"),
    *(str(number) for number in (190, 191, 192, 193, 194, 197, 198, 199)),
}


class CheckError(Exception):
    """A figure in Odoo is not what the ledger says it must be."""


def verify(odoo: OdooClient, sandbox, provider: Provider, month: Month) -> list[str]:
    """:return: what was found to hold, a sentence each
    :raise CheckError: on the first thing that does not hold
    """
    ledger = sandbox.ledger(calls=True)
    found = []
    _verify_lines(odoo, ledger, provider, found)
    good = _verify_calls(odoo, ledger, found)
    _verify_amounts(odoo, ledger, good, provider, month, found)
    _verify_nothing_twice(odoo, found)
    return found


def _expect(what, present, wanted):
    if present != wanted:
        raise CheckError(f"{what}: Odoo has {present!r}, the ledger says {wanted!r}")


def _verify_lines(odoo, ledger, provider, found):
    lines = odoo.search_read(
        "saperx.line",
        [("id", "in", provider.lines)],
        ["reference", "remote_id", "account_code"],
    )
    circuits = {circuit["referencia"]: circuit for circuit in ledger["circuitos"]}
    _expect(
        "lines on the platform",
        sorted((line["reference"], line["remote_id"]) for line in lines),
        sorted((key, circuit["id"]) for key, circuit in circuits.items()),
    )
    created = [
        entry
        for entry in ledger["history"]
        if (entry["method"], entry["status"]) == ("POST", 201)
        and entry["path"].endswith("/circuitos")
    ]
    _expect("creations on the platform", len(created), len(lines))
    found.append(f"each of the {len(lines)} lines was created on the platform once")


def _verify_calls(odoo, ledger, found):
    """Every call of the ledger is here once, or among the rejects."""
    good, bad = {}, 0
    for record in ledger["records"]:
        if _is_readable(record):
            good[record["id"]] = record
        else:
            bad += 1
    stored = odoo.search_read("saperx.cdr", [], ["remote_id"])
    _expect("calls", sorted(call["remote_id"] for call in stored), sorted(good))
    rejects = odoo.call("saperx.cdr.reject", "search_count", [])
    _expect("rejected records", rejects, bad)
    found.append(f"each of the {len(good)} calls of the ledger is in Odoo once")
    found.append(f"each of the {bad} malformed records is among the rejects")
    return good


def _verify_amounts(odoo, ledger, good, provider, month, found):
    line_of = {}
    for line in odoo.search_read(
        "saperx.line",
        [("id", "in", provider.lines)],
        ["remote_id", "account_code", "contract_id"],
    ):
        # A record may lack the circuit, and then names its account.
        line_of[line["remote_id"]] = line_of[line["account_code"]] = line
    customer_of = dict(zip(provider.contracts, CUSTOMERS, strict=True))
    wanted, waiting = defaultdict(int), 0
    seconds_left = {}
    for record in sorted(good.values(), key=lambda record: _turn(record, month)):
        line = line_of.get(record.get("circuito_id") or record["conta"])
        if line is None:
            continue
        contract = line["contract_id"][0]
        _name, _document, tariff, closing_day, _count, _yearly = customer_of[contract]
        minutes, is_shared = ALLOWANCES[tariff]
        day = date.fromisoformat(record["inicio"][:10]).day
        is_over = day <= min(closing_day, month.last.day)
        holder = (contract if is_shared else line["id"], is_shared, is_over)
        centavos_per_minute, cadence = TARIFFS[tariff]
        seconds = _charged_seconds(record, cadence)
        covered = min(seconds, seconds_left.setdefault(holder, minutes * 60))
        seconds_left[holder] -= covered
        centavos = centavos_per_minute * (seconds - covered) // 60
        if is_over:
            wanted[contract] += centavos
        else:
            waiting += centavos
    fee = round(MONTHLY_FEE * 100)
    billed = dict.fromkeys(provider.contracts, 0)
    for contract in provider.contracts:
        for move in _moves_of(odoo, contract):
            billed[contract] += round(move["amount_total"] * 100)
    _expect(
        "centavos invoiced by contract",
        billed,
        {
            contract: wanted[contract] + fee * (contract in provider.monthly)
            for contract in provider.contracts
        },
    )
    left = odoo.call(
        "saperx.cdr",
        "formatted_read_group",
        [("state", "=", "unbilled")],
        groupby=[],
        aggregates=["charged_amount:sum"],
    )[0]["charged_amount:sum"]
    _expect(
        "centavos that wait for their cycle's end", round((left or 0) * 100), waiting
    )
    total = sum(wanted.values())
    found.append(
        f"R$ {total / 100:.2f} of calls are invoiced, as summed from the ledger"
    )
    found.append(f"R$ {waiting / 100:.2f} wait for their cycle's end")


def _verify_nothing_twice(odoo, found):
    lines = odoo.search_read(
        "account.move.line",
        [("saperx_charge_id", "!=", False), ("parent_state", "!=", "cancel")],
        ["saperx_charge_id"],
    )
    charges = [line["saperx_charge_id"][0] for line in lines]
    _expect("charges on two invoices", len(charges) - len(set(charges)), 0)
    for charge in odoo.search_read("saperx.charge", [], ["amount", "call_count"]):
        calls = odoo.search_read(
            "saperx.cdr", [("charge_id", "=", charge["id"])], ["charged_amount"]
        )
        _expect("calls of a charge", len(calls), charge["call_count"])
        _expect(
            "sum of a charge",
            round(charge["amount"] * 100),
            sum(round(call["charged_amount"] * 100) for call in calls),
        )
    found.append("no charge is on two invoices, and each is the sum of its calls")


def _moves_of(odoo, contract):
    lines = odoo.search_read(
        "account.move.line",
        [("contract_line_id.contract_id", "=", contract)],
        ["move_id"],
    )
    moves = sorted({line["move_id"][0] for line in lines})
    return odoo.call("account.move", "read", moves, ["amount_total"])


def _turn(record, month):
    """Calls draw on an allowance by start and id; those that came late, of a cycle that
    was charged already, after the others. Of a cycle that runs, nothing is late."""
    # The platform writes moments in two ways: with a space, and with a T.
    begins = record["inicio"].replace("T", " ")
    return record["id"] not in month.early, begins, record["id"]


def _charged_seconds(record, cadence):
    minimum, step, free = cadence
    pays = record["situacao"] == "atendida" and (
        (record["sentido"] == "saida" and not record.get("a_cobrar"))
        or (record["sentido"] == "entrada" and record.get("a_cobrar"))
    )
    other = record["destino" if record["sentido"] == "saida" else "origem"]
    if not pays or record.get("tipo") == "INTERNA" or _is_free(other):
        return 0
    talk = _seconds(record["tempo_real"])
    if talk <= free:
        return 0
    return max(minimum, -(-talk // step) * step)


def _is_free(number):
    return number.startswith(("0800", "550800", "800")) or number in EMERGENCY


def _seconds(value):
    if isinstance(value, int):
        return value
    if value.isdigit():
        return int(value)
    hours, minutes, seconds = map(int, value.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def _is_readable(record):
    """Whether a record has what the contract demands, of the right kinds."""
    try:
        date.fromisoformat(record["inicio"][:10])
        return (
            isinstance(record["id"], str)
            and isinstance(record["origem"], str)
            and isinstance(record["destino"], str)
            and isinstance(record["conta"], str)
            and record["sentido"] in ("saida", "entrada")
            and record["situacao"]
            in ("atendida", "ocupado", "nao_atendida", "cancelada", "falha")
            and _seconds(record["tempo_total"]) >= 0
            and _seconds(record["tempo_real"]) >= 0
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return False
