# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json

from odoo import api, fields, models
from odoo.tools import SQL

from ..bulk import copy_rows
from .call_class import BILLING_TYPES

STAGE = "saperx_circuit_stage"
# What the platform says of a circuit: what a reading compares, and writes.
TOLD_COLUMNS = (
    "reference", "customer_name", "customer_document", "account_code", "status",
    "plan_remote_id", "plan_description", "international_plan_remote_id",
    "group_remote_id", "closing_day", "billing_type", "route", "portability",
    "caller_id", "allow_lc", "allow_ldn", "allow_ldi", "allow_vc1", "allow_vc2",
    "allow_vc3", "simultaneous_calls", "credit_limit", "dids", "numbers",
)  # fmt: skip
STATUSES = [
    ("active", "Active"),
    ("partially_blocked", "Partially blocked"),
    ("blocked", "Blocked"),
    ("inactive", "Inactive"),
]


class SaperxCircuit(models.Model):
    """A line as the platform has it: *circuito*, as it calls them.

    Written by readings alone (``saperx_circuit_reading.py``), by set. Passwords never
    come from the platform.
    """

    _name = "saperx.circuit"
    _description = "Line as the platform has it"
    _order = "integration_id, account_code, id"
    _log_access = False

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    remote_id = fields.Integer(
        string="Id on the platform", required=True, readonly=True, aggregator=False
    )
    reference = fields.Char(readonly=True, index=True)
    line_id = fields.Many2one(
        "saperx.line",
        string="Line here",
        readonly=True,
        index=True,
        ondelete="set null",
        help="Of the same reference, else of the same id on the platform.",
    )
    customer_name = fields.Char(string="Customer", readonly=True)
    customer_document = fields.Char(string="CPF/CNPJ", readonly=True, index=True)
    account_code = fields.Char(readonly=True, index=True)
    status = fields.Selection(STATUSES, readonly=True)
    plan_remote_id = fields.Integer(string="Plan (id)", readonly=True, aggregator=False)
    plan_description = fields.Char(string="Plan", readonly=True)
    international_plan_remote_id = fields.Integer(
        string="International plan (id)", readonly=True, aggregator=False
    )
    group_remote_id = fields.Integer(
        string="Group (id)", readonly=True, aggregator=False
    )
    closing_day = fields.Integer(
        string="Invoice closing day", readonly=True, aggregator=False
    )
    billing_type = fields.Selection(BILLING_TYPES, string="Type", readonly=True)
    route = fields.Selection(
        [("scm", "SCM"), ("stfc", "STFC"), ("custom", "Custom")],
        string="Plan type",
        readonly=True,
    )
    portability = fields.Selection(
        [("no", "Not ported"), ("in", "Portability in"), ("out", "Portability out")],
        string="Line type",
        readonly=True,
    )
    caller_id = fields.Boolean(string="Caller ID (Bina)", readonly=True)
    allow_lc = fields.Boolean("LC", readonly=True)
    allow_ldn = fields.Boolean("LDN", readonly=True)
    allow_ldi = fields.Boolean("LDI", readonly=True)
    allow_vc1 = fields.Boolean("Allow VC1", readonly=True)
    allow_vc2 = fields.Boolean("Allow VC2", readonly=True)
    allow_vc3 = fields.Boolean("Allow VC3", readonly=True)
    simultaneous_calls = fields.Integer(
        string="Simultaneous call limit", readonly=True, aggregator=False
    )
    credit_limit = fields.Monetary(readonly=True, aggregator=False)
    dids = fields.Json(
        readonly=True,
        help="List of number, monthly_fee (decimal text) and accept_collect_calls; "
        "nothing where the platform did not say.",
    )
    numbers = fields.Char(
        readonly=True, help="Its numbers, one after the other, for searching."
    )
    read_at = fields.Datetime(string="Last seen", readonly=True)
    gone = fields.Boolean(
        string="Not there any more",
        readonly=True,
        help="The platform does not list it any more.",
    )

    _remote_unique = models.UniqueIndex("(integration_id, remote_id)")

    @api.depends("account_code", "customer_name")
    def _compute_display_name(self):
        for circuit in self:
            told = (circuit.account_code, circuit.customer_name)
            circuit.display_name = " ".join(filter(None, told)) or str(
                circuit.remote_id
            )

    @api.model
    def _prepare_row(self, line):
        """:param line: a ``gateway.Line``; :return: what COPY writes of it"""
        settings, dids = line.settings, line.dids
        return (
            line.remote_id,
            line.reference or None,
            settings.customer_name or None,
            settings.customer_document or None,
            line.account_code or None,
            line.status.value,
            settings.plan_remote_id,
            line.plan_description,
            settings.international_plan_remote_id,
            settings.group_remote_id,
            settings.closing_day or None,
            settings.billing_type,
            settings.route,
            settings.portability,
            settings.caller_id,
            settings.allow_lc,
            settings.allow_ldn,
            settings.allow_ldi,
            settings.allow_vc1,
            settings.allow_vc2,
            settings.allow_vc3,
            settings.simultaneous_calls,
            settings.credit_limit,
            None if dids is None else json.dumps(_dids_of(dids)),
            ", ".join(did.number for did in dids or ()) or None,
        )

    @api.model
    def _merge(self, integration, lines):
        """Bring a listing into the table by set, and say which line each is.

        :param lines: ``gateway.Line`` records, each id once
        :return: how many were new, and how many had changed
        """
        self.env.flush_all()
        self._fill_stage(lines)
        changed = self._count_changed(integration)
        new = self._write_staged(integration)
        self._link_lines(integration)
        self.env.cr.execute(SQL("DROP TABLE %s", SQL.identifier(STAGE)))
        self.invalidate_model()
        return new, changed

    def _fill_stage(self, lines):
        cr = self.env.cr
        cr.execute(
            SQL(
                "CREATE TEMP TABLE %s ON COMMIT DROP AS"
                " SELECT remote_id, %s FROM saperx_circuit WITH NO DATA",
                SQL.identifier(STAGE),
                _columns(),
            )
        )
        rows = map(self._prepare_row, lines)
        copy_rows(cr, STAGE, ("remote_id", *TOLD_COLUMNS), rows)
        cr.execute(SQL("ANALYZE %s", SQL.identifier(STAGE)))

    def _count_changed(self, integration):
        [[changed]] = self.env.execute_query(
            SQL(
                """
                SELECT count(*)
                  FROM saperx_circuit known
                  JOIN %s stage USING (remote_id)
                 WHERE known.integration_id = %s
                   AND ((%s) IS DISTINCT FROM (%s) OR known.gone)
                """,
                SQL.identifier(STAGE),
                integration.id,
                _columns("known"),
                _columns("stage"),
            )
        )
        return changed

    def _write_staged(self, integration):
        """:return: how many there were not"""
        rows = self.env.execute_query(
            SQL(
                """
                INSERT INTO saperx_circuit AS known (
                    integration_id, company_id, remote_id, %(names)s, read_at, gone
                )
                SELECT %(integration)s, %(company)s, remote_id, %(names)s, %(now)s,
                       FALSE
                  FROM %(stage)s
                    ON CONFLICT (integration_id, remote_id) DO UPDATE
                   SET %(assignments)s, read_at = EXCLUDED.read_at, gone = FALSE
                RETURNING known.xmax = 0
                """,
                names=_columns(),
                integration=integration.id,
                company=integration.company_id.id,
                now=fields.Datetime.now(),
                stage=SQL.identifier(STAGE),
                assignments=SQL(", ").join(
                    SQL("%s = EXCLUDED.%s", SQL.identifier(name), SQL.identifier(name))
                    for name in TOLD_COLUMNS
                ),
            )
        )
        return sum(is_new for (is_new,) in rows)

    def _mark_gone(self, integration, remote_ids):
        """:param remote_ids: of those that the platform does not list any more"""
        self.search(
            [
                ("integration_id", "=", integration.id),
                ("remote_id", "in", remote_ids),
                ("gone", "=", False),
            ]
        ).gone = True

    def _link_lines(self, integration):
        """Say which of our lines each circuit is.

        By reference first, since the push, too, takes no other for the line's own; then
        by id, of what neither of both has found by reference.
        """
        self.env["saperx.line"].flush_model(["reference", "remote_id"])
        self.env.cr.execute(
            SQL(
                """
                WITH found AS (
                    SELECT circuit.id, coalesce(known.id, CASE WHEN NOT EXISTS (
                               SELECT FROM saperx_circuit other
                                WHERE other.integration_id = circuit.integration_id
                                  AND other.reference = same.reference
                                  AND NOT other.gone
                           ) THEN same.id END) AS line_id
                      FROM saperx_circuit circuit
                      LEFT JOIN saperx_line known
                        ON known.reference = circuit.reference
                       AND known.integration_id = circuit.integration_id
                      LEFT JOIN saperx_line same
                        ON same.remote_id = circuit.remote_id
                       AND same.integration_id = circuit.integration_id
                     WHERE circuit.integration_id = %s
                )
                UPDATE saperx_circuit circuit SET line_id = found.line_id
                  FROM found
                 WHERE found.id = circuit.id
                   AND circuit.line_id IS DISTINCT FROM found.line_id
                """,
                integration.id,
            )
        )
        self.invalidate_model(["line_id"])


def _columns(table=None):
    names = map(SQL.identifier, TOLD_COLUMNS)
    if table is None:
        return SQL(", ").join(names)
    return SQL(", ").join(SQL("%s.%s", SQL.identifier(table), name) for name in names)


def _dids_of(dids):
    return [
        {
            "number": did.number,
            "monthly_fee": None if did.monthly_fee is None else f"{did.monthly_fee:f}",
            "accept_collect_calls": did.accept_collect_calls,
        }
        for did in dids
    ]
