"""What holds of every call (design §7, *Invariant*)."""

from odoo.tools import SQL

from .rules import Rule, broken_rows, differing

MODEL = "saperx.cdr"

STATES = (
    "unmatched", "unrated", "not_chargeable", "unbilled", "disputed", "billed"
)  # fmt: skip
_PRICED = "call.state IN ('unbilled', 'disputed', 'billed')"
_DAY = """
    (call.start AT TIME ZONE 'UTC' AT TIME ZONE integration.timezone)::date
"""
_HAS_USES = "coalesce(call.allowance_uses, '{}') NOT IN ('{}', 'null')"
_IS_COVERED = "(call.covered_amount <> 0 OR call.covered_seconds > 0)"


def _rule(kind, field, expected, found, broken):
    return Rule(kind, field, SQL(expected), SQL(found), SQL(broken))


_STATE = [
    Rule(
        "call_state",
        "state",
        SQL("NULL"),
        SQL("call.state"),
        SQL("call.state IS NULL OR call.state <> ALL(%s)", list(STATES)),
    ),
    _rule(
        "call_with_line",
        "line_id",
        "NULL",
        "coalesce(call.line_id, call.period_id, call.contract_id, call.partner_id)",
        "call.state = 'unmatched' AND num_nonnulls(call.line_id, call.period_id,"
        " call.contract_id, call.partner_id) > 0",
    ),
    *(
        _rule(
            "call_without_line",
            name,
            "NULL",
            "NULL",
            f"call.state <> 'unmatched' AND call.{name} IS NULL",
        )
        for name in ("line_id", "period_id", "contract_id", "partner_id", "cycle_end")
    ),
    _rule(
        "call_without_charge",
        "charge_id",
        "NULL",
        "NULL",
        "call.state = 'billed' AND call.charge_id IS NULL",
    ),
    _rule(
        "call_with_charge",
        "charge_id",
        "NULL",
        "call.charge_id",
        "call.state <> 'billed' AND call.charge_id IS NOT NULL",
    ),
    _rule(
        "call_reason",
        "reason",
        "NULL",
        "call.reason",
        "(call.state IN ('unrated', 'not_chargeable')) <> (call.reason IS NOT NULL)",
    ),
]

_AMOUNTS = [
    *(
        _rule(
            "call_without_amount",
            name,
            "NULL",
            "NULL",
            f"{_PRICED} AND call.{name} IS NULL",
        )
        for name in (
            "call_class",
            "charged_seconds",
            "gross_amount",
            "covered_seconds",
            "covered_amount",
            "charged_amount",
        )
    ),
    *(
        differing("call_with_amount", name, "0", f"coalesce(call.{name}, 0)", where)
        for where in ("call.state IN ('unmatched', 'unrated', 'not_chargeable')",)
        for name in ("gross_amount", "covered_amount", "charged_amount")
    ),
    _rule(
        "call_amount",
        "charged_amount",
        "call.gross_amount - call.covered_amount",
        "call.charged_amount",
        f"{_PRICED} AND call.gross_amount - call.covered_amount <> call.charged_amount",
    ),
    *(
        _rule(
            "call_amount",
            name,
            "0",
            f"call.{name}",
            f"call.{name} < 0",
        )
        for name in ("gross_amount", "covered_amount", "charged_amount")
    ),
    _rule(
        "call_allowance",
        "covered_seconds",
        "call.charged_seconds",
        "call.covered_seconds",
        f"{_PRICED} AND call.covered_seconds NOT BETWEEN 0 AND call.charged_seconds",
    ),
    _rule(
        "call_allowance",
        "allowance_uses",
        "NULL",
        "call.allowance_uses",
        f"{_PRICED} AND {_IS_COVERED} <> ({_HAS_USES})",
    ),
]

_HOLDER = [
    _rule(
        "call_holder",
        "period_id",
        "NULL",
        "call.period_id",
        "call.period_id IS NOT NULL AND (period.id IS NULL"
        " OR call.start < period.date_from OR call.start >= period.date_to)",
    ),
    *(
        differing(
            "call_holder",
            name,
            f"period.{name}",
            f"call.{name}",
            f"call.state <> 'unmatched' AND period.id IS NOT NULL"
            f" AND call.{name} IS NOT NULL",
        )
        for name in ("line_id", "contract_id", "partner_id")
    ),
    differing(
        "call_company", "company_id", "integration.company_id", "call.company_id"
    ),
    differing(
        "call_company",
        "integration_id",
        "line.integration_id",
        "call.integration_id",
        "line.id IS NOT NULL",
    ),
    Rule(
        "call_cycle",
        "cycle_end",
        SQL(_DAY),
        SQL("call.cycle_end"),
        SQL(f"call.cycle_end - {_DAY} NOT BETWEEN 0 AND 30"),
    ),
]

_CHARGE = [
    differing(
        "call_of_other_charge",
        name,
        f"charge.{name}",
        f"call.{name}",
        "charge.id IS NOT NULL",
    )
    for name in (
        "line_id",
        "period_id",
        "cycle_end",
        "contract_id",
        "partner_id",
        "integration_id",
        "company_id",
    )
]

_RULES = [*_STATE, *_AMOUNTS, *_HOLDER, *_CHARGE]


def query(company_id, first_id, last_id, limit):
    """What is wrong with the calls between two ids: see ``broken_rows``."""
    return broken_rows(
        _RULES,
        SQL(
            """
            saperx_cdr AS call
            LEFT JOIN saperx_integration AS integration
                   ON integration.id = call.integration_id
            LEFT JOIN saperx_line AS line ON line.id = call.line_id
            LEFT JOIN saperx_line_period AS period ON period.id = call.period_id
            LEFT JOIN saperx_charge AS charge ON charge.id = call.charge_id
            """
        ),
        SQL(
            "call.company_id = %s AND call.id BETWEEN %s AND %s",
            company_id,
            first_id,
            last_id,
        ),
        SQL("call.id"),
        limit,
    )
