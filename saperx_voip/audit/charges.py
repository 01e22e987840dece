"""What holds of every charge and of its allowances (design §7, *Invariant*)."""

from odoo.tools import SQL

from .rules import Rule, broken_rows, differing

MODEL = "saperx.charge"

# Column of the charge and of its rows by class, and what it sums of the calls.
_SUMS = {
    "call_count": "count(*)",
    "charged_seconds": "coalesce(sum(charged_seconds), 0)",
    "gross_amount": "coalesce(sum(gross_amount), 0)",
    "covered_amount": "coalesce(sum(covered_amount), 0)",
    "amount": "coalesce(sum(charged_amount), 0)",
}
_IS_LIVE = "charge.state <> 'cancelled'"

_OWN_RULES = [
    *(
        differing(
            "charge_sum",
            name,
            f"coalesce(total.{name}, 0)",
            f"coalesce(charge.{name}, 0)",
            _IS_LIVE,
        )
        for name in _SUMS
    ),
    # Of six decimals: half a centavo may be rounded either way.
    *(
        Rule(
            "charge_sum",
            name,
            SQL(f"round({exact}, 2)"),
            SQL(f"coalesce(charge.{name}, 0)"),
            SQL(f"{_IS_LIVE} AND abs(coalesce(charge.{name}, 0) - {exact}) > 0.005"),
        )
        for name, exact in (
            ("cost", "coalesce(total.cost, 0)"),
            ("margin", "(coalesce(total.amount, 0) - coalesce(total.cost, 0))"),
        )
    ),
    Rule(
        "charge_cancelled",
        "call_count",
        SQL("0"),
        SQL("total.call_count"),
        SQL("charge.state = 'cancelled' AND total.call_count > 0"),
    ),
    *(
        differing("charge_holder", name, f"{table}.{name}", f"charge.{name}")
        for table, names in (
            ("period", ("line_id", "contract_id", "partner_id")),
            ("line", ("integration_id", "company_id")),
        )
        for name in names
    ),
    differing(
        "charge_holder", "company_id", "contract.company_id", "charge.company_id"
    ),
]


def query(company_id, first_id, last_id, limit):
    """What is wrong with the charges between two ids, by their calls."""
    return broken_rows(
        _OWN_RULES,
        SQL(
            """
            saperx_charge AS charge
            JOIN saperx_line AS line ON line.id = charge.line_id
            JOIN saperx_line_period AS period ON period.id = charge.period_id
            JOIN contract_contract AS contract ON contract.id = charge.contract_id
            LEFT JOIN (
                SELECT charge_id, %s, sum(platform_cost) AS cost
                FROM saperx_cdr WHERE charge_id BETWEEN %s AND %s
                GROUP BY charge_id
            ) AS total ON total.charge_id = charge.id
            """,
            _sums(),
            first_id,
            last_id,
        ),
        _within(company_id, first_id, last_id),
        SQL("charge.id"),
        limit,
    )


def class_query(company_id, first_id, last_id, limit):
    """What is wrong with the parts by class of the charges between two ids."""
    return broken_rows(
        [
            differing(
                "charge_class",
                name,
                f"coalesce(total.{name}, 0)",
                f"coalesce(part.{name}, 0)",
            )
            for name in _SUMS
        ]
        + [
            # Those of before have none.
            differing(
                "charge_class",
                "cost",
                "coalesce(total.cost, 0)",
                "part.cost",
                "part.cost IS NOT NULL",
            )
        ],
        SQL(
            """
            (
                SELECT charge_id, call_class, sum(platform_cost) AS cost, %(sums)s
                FROM saperx_cdr WHERE charge_id BETWEEN %(first)s AND %(last)s
                GROUP BY charge_id, call_class
            ) AS total
            FULL JOIN (
                SELECT charge_id, call_class, sum(cost) AS cost, %(parts)s
                FROM saperx_charge_class
                WHERE charge_id BETWEEN %(first)s AND %(last)s
                GROUP BY charge_id, call_class
            ) AS part USING (charge_id, call_class)
            JOIN saperx_charge AS charge ON charge.id = charge_id
            """,
            sums=_sums(),
            parts=SQL(", ").join(
                SQL("sum(%s) AS %s", SQL.identifier(name), SQL.identifier(name))
                for name in _SUMS
            ),
            first=first_id,
            last=last_id,
        ),
        # What a cancelled charge had stays on it, to be looked at.
        SQL("%s AND %s", _within(company_id, first_id, last_id), SQL(_IS_LIVE)),
        SQL("charge.id"),
        limit,
        SQL("call_class"),
    )


def use_query(company_id, first_id, last_id, limit):
    """What the charges between two ids say that they drew, against their calls."""
    return broken_rows(
        [
            differing(
                "allowance_use",
                "allowance_ids",
                "coalesce(drawn.quantity, 0)",
                "coalesce(used.quantity, 0)",
            )
        ],
        SQL(
            """
            (
                SELECT call.charge_id, use.key::int AS allowance_id,
                       sum(use.value::bigint) AS quantity
                FROM saperx_cdr AS call
                CROSS JOIN LATERAL jsonb_each_text(call.allowance_uses) AS use
                WHERE call.charge_id BETWEEN %(first)s AND %(last)s
                AND jsonb_typeof(call.allowance_uses) = 'object'
                GROUP BY 1, 2
            ) AS drawn
            FULL JOIN (
                SELECT charge_id, allowance_id, sum(used_quantity) AS quantity
                FROM saperx_charge_allowance
                WHERE charge_id BETWEEN %(first)s AND %(last)s
                GROUP BY 1, 2
            ) AS used USING (charge_id, allowance_id)
            JOIN saperx_charge AS charge ON charge.id = charge_id
            """,
            first=first_id,
            last=last_id,
        ),
        SQL("%s AND %s", _within(company_id, first_id, last_id), SQL(_IS_LIVE)),
        SQL("charge.id"),
        limit,
        SQL("allowance_id"),
    )


def balance_query(company_id, limit):
    """Allowances of which more was drawn in a cycle than there was.

    As the ledger has it: the carried part is drawn first, and what went to the next
    cycle is gone from the own one.
    """
    return broken_rows(
        [
            Rule(
                "allowance_exceeded",
                "allowance_ids",
                SQL("balance.own + balance.carried - balance.carried_away"),
                SQL("balance.used"),
                SQL(
                    "greatest(balance.used - balance.carried, 0)"
                    " + balance.carried_away > balance.own"
                ),
            )
        ],
        SQL(
            """
            (
                SELECT max(charge.id) AS charge_id, used.allowance_id,
                       max(used.own_quantity)::bigint AS own,
                       max(used.carried_quantity)::bigint AS carried,
                       sum(used.used_quantity) + max(used.before_quantity) AS used,
                       max(used.carried_away)::bigint AS carried_away
                FROM saperx_charge_allowance AS used
                JOIN saperx_charge AS charge ON charge.id = used.charge_id
                WHERE charge.company_id = %s AND charge.state <> 'cancelled'
                GROUP BY used.allowance_id,
                         coalesce(used.stretch_id, charge.contract_id),
                         used.stretch_id IS NULL, charge.cycle_end
            ) AS balance
            """,
            company_id,
        ),
        SQL("TRUE"),
        SQL("balance.charge_id"),
        limit,
        SQL("balance.allowance_id"),
    )


def _sums():
    return SQL(", ").join(
        SQL("%s AS %s", SQL(sums), SQL.identifier(name)) for name, sums in _SUMS.items()
    )


def _within(company_id, first_id, last_id):
    return SQL(
        "charge.company_id = %s AND charge.id BETWEEN %s AND %s",
        company_id,
        first_id,
        last_id,
    )
