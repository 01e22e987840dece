"""What holds between charges and their invoices (design §7, *Invariant*)."""

from odoo.tools import SQL

from .rules import Rule, broken_rows, differing

MODEL = "saperx.charge"

_ON_ONE = "live.moves = 1"
_RULES = [
    Rule(
        "invoice_missing",
        "state",
        SQL("NULL"),
        SQL("charge.state"),
        SQL("charge.state = 'invoiced' AND live.charge_id IS NULL"),
    ),
    Rule(
        "invoice_unexpected",
        "state",
        SQL("'invoiced'"),
        SQL("charge.state"),
        SQL("charge.state <> 'invoiced' AND live.charge_id IS NOT NULL"),
    ),
    Rule(
        "invoice_twice",
        "move_id",
        SQL("1"),
        SQL("live.names"),
        SQL("live.moves > 1"),
    ),
    differing(
        "invoice_sum",
        "amount",
        "charge.amount",
        "live.amount",
        f"charge.state = 'invoiced' AND {_ON_ONE}",
    ),
    differing(
        "invoice_other",
        "company_id",
        "charge.company_id",
        "live.company_id",
        _ON_ONE,
    ),
    differing(
        "invoice_other",
        "contract_id",
        "charge.contract_id",
        "live.contract_id",
        _ON_ONE,
    ),
    Rule(
        "invoice_other",
        "partner_id",
        SQL("customer.commercial_partner_id"),
        SQL("live.commercial_partner_id"),
        SQL(
            f"{_ON_ONE} AND live.commercial_partner_id IS DISTINCT FROM"
            " customer.commercial_partner_id"
            " AND live.commercial_partner_id IS DISTINCT FROM"
            " payer.commercial_partner_id"
        ),
    ),
]


def query(company_id, first_id, last_id, limit):
    """What is wrong between the charges between two ids and live invoices."""
    return broken_rows(
        _RULES,
        SQL(
            """
            saperx_charge AS charge
            JOIN res_partner AS customer ON customer.id = charge.partner_id
            JOIN contract_contract AS contract ON contract.id = charge.contract_id
            LEFT JOIN res_partner AS payer ON payer.id = contract.invoice_partner_id
            LEFT JOIN (
                SELECT line.saperx_charge_id AS charge_id,
                       count(DISTINCT move.id) AS moves,
                       string_agg(DISTINCT coalesce(move.name, '#' || move.id), ', ')
                           AS names,
                       sum(
                           line.price_unit * line.quantity
                           * (100 - coalesce(line.discount, 0)) / 100
                       )::numeric AS amount,
                       min(move.company_id) AS company_id,
                       min(move.commercial_partner_id) AS commercial_partner_id,
                       CASE WHEN count(*) = count(source.contract_id)
                            AND count(DISTINCT source.contract_id) = 1
                            THEN min(source.contract_id) END AS contract_id
                FROM account_move_line AS line
                JOIN account_move AS move ON move.id = line.move_id
                LEFT JOIN contract_line AS source ON source.id = line.contract_line_id
                WHERE line.saperx_charge_id BETWEEN %(first)s AND %(last)s
                AND move.state <> 'cancel' AND move.move_type = 'out_invoice'
                GROUP BY line.saperx_charge_id
            ) AS live ON live.charge_id = charge.id
            """,
            first=first_id,
            last=last_id,
        ),
        SQL(
            "charge.company_id = %s AND charge.id BETWEEN %s AND %s",
            company_id,
            first_id,
            last_id,
        ),
        SQL("charge.id"),
        limit,
    )
