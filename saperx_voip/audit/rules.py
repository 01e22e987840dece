"""How a rule is looked for by set: one reading of its rows for many rules."""

from typing import NamedTuple

from odoo.tools import SQL


class Rule(NamedTuple):
    """What must not be."""

    kind: str
    field: str
    """Of the record, that differs; empty if no single one does."""
    expected: SQL
    found: SQL
    broken: SQL
    """A condition on the row; never NULL where it is broken."""


class Violation(NamedTuple):
    """One field of one record that is not what it must be. Values are texts as the
    database has them, or None."""

    kind: str
    model: str
    record_id: int
    field: str
    detail: str | None
    """What the field is of, inside the record: a class, or an allowance's id."""
    expected: str | None
    found: str | None


NOTHING = SQL("NULL")


def differing(kind, field, expected, found, where="TRUE"):
    """A rule that one value is another.

    :param str expected: SQL, ours; ``found`` and ``where`` likewise
    """
    return Rule(
        kind,
        field,
        SQL(expected),
        SQL(found),
        SQL(f"({where}) AND ({found}) IS DISTINCT FROM ({expected})"),
    )


def broken_rows(rules, source, where, record_id, limit, detail=NOTHING):
    """The query of what breaks rules.

    :param SQL source: what follows FROM, in which the rules' names hold; read once
    :param SQL where: which of its rows
    :param SQL record_id: of the record that a violation is told of
    :param int limit: of rows told of each kind; all are counted
    :param SQL detail: as of ``Violation``
    :return: SQL whose rows are kind, record id, field, detail, expected, found, and
        how many there are of the kind
    """
    values = SQL(", ").join(
        SQL(
            "(%s, %s, (%s)::text, (%s)::text, %s)",
            rule.kind,
            rule.field,
            rule.expected,
            rule.found,
            rule.broken,
        )
        for rule in rules
    )
    return SQL(
        """
        SELECT kind, record_id, field, detail, expected, found, total
        FROM (
            SELECT rule.kind, %(record_id)s AS record_id, rule.field,
                   (%(detail)s)::text AS detail, rule.expected, rule.found,
                   count(*) OVER (PARTITION BY rule.kind) AS total,
                   row_number() OVER (
                       PARTITION BY rule.kind ORDER BY %(record_id)s, rule.field
                   ) AS place
            FROM %(source)s
            CROSS JOIN LATERAL (VALUES %(values)s)
                AS rule (kind, field, expected, found, broken)
            -- The first condition keeps the values from being made of sound rows.
            WHERE (%(where)s) AND (%(any_broken)s) AND rule.broken
        ) AS broken
        WHERE place <= %(limit)s
        ORDER BY kind, record_id, field
        """,
        record_id=record_id,
        detail=detail,
        source=source,
        where=where,
        any_broken=SQL(" OR ").join(SQL("(%s)", rule.broken) for rule in rules),
        values=values,
        limit=limit,
    )
