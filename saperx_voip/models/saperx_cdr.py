# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from dataclasses import dataclass
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL
from odoo.tools.misc import format_datetime

from ..bulk import update_rows
from ..gateway import known_call_class
from ..number_masking import SEES_NUMBERS
from ..rating import Fact
from .call_class import CALL_CLASSES, REASONS
from .saperx_cdr_columns import ASSESSED_COLUMNS, FOUND_COLUMNS
from .unconstrained_many2one import UnconstrainedMany2one

REASSESS_BATCH = 10_000
# In the context: calls in dispute are looked at again as well.
WITH_DISPUTED = "saperx_with_disputed"
NOT_BILLED = ("unmatched", "unrated", "not_chargeable", "unbilled", "disputed")

GROSS = FOUND_COLUMNS.index("gross_amount")
LINE = FOUND_COLUMNS.index("line_id")
# Amounts as text: as numbers they would come back as binary floats.
FACT_COLUMNS = """
    saperx_cdr.line_remote_id, saperx_cdr.account_code, saperx_cdr.direction,
    saperx_cdr.is_collect, saperx_cdr.outcome = 'answered', saperx_cdr.caller,
    saperx_cdr.callee, saperx_cdr.start, saperx_cdr.talk_seconds,
    saperx_cdr.platform_class, saperx_cdr.platform_amount::text,
    saperx_cdr.platform_charged_seconds
"""


@dataclass(frozen=True, slots=True)
class Reassessed:
    """What became of a batch of calls. Amounts in reais, before any allowance."""

    last_id: int = 0
    call_count: int = 0
    changed_count: int = 0
    line_ids: frozenset[int] = frozenset()
    """That the calls were of, or are of now."""
    amount_before: Decimal = Decimal(0)
    amount_after: Decimal = Decimal(0)


class SaperxCdr(models.Model):
    """A call. Written by set (see ``saperx_cdr_import.py``), read as a record."""

    _name = "saperx.cdr"
    _description = "Call"
    _order = "start desc, id desc"
    _log_access = False
    _rec_name = "remote_id"

    integration_id = UnconstrainedMany2one(
        "saperx.integration", required=True, readonly=True
    )
    company_id = UnconstrainedMany2one("res.company", required=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    remote_id = fields.Char(string="Id on the platform", required=True, readonly=True)
    import_id = UnconstrainedMany2one("saperx.cdr.import", readonly=True)
    fingerprint = fields.Char(
        readonly=True,
        groups=SEES_NUMBERS,
        help="Digest of the record: equal means nothing changed.",
    )
    is_changed_after_billing = fields.Boolean(
        readonly=True, help="The platform corrected the call after it was billed."
    )

    line_remote_id = fields.Integer(string="Circuit", readonly=True, default=None)
    account_code = fields.Char(readonly=True)
    direction = fields.Selection(
        [("outgoing", "Outgoing"), ("incoming", "Incoming")],
        required=True,
        readonly=True,
    )
    is_collect = fields.Boolean(string="Collect", readonly=True)
    caller = fields.Char(readonly=True, groups=SEES_NUMBERS)
    callee = fields.Char(string="Called", readonly=True, groups=SEES_NUMBERS)
    city = fields.Char(readonly=True)
    start = fields.Datetime(required=True, readonly=True)
    outcome = fields.Selection(
        [
            ("answered", "Answered"),
            ("busy", "Busy"),
            ("no_answer", "No answer"),
            ("cancelled", "Cancelled"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
    )
    total_seconds = fields.Integer(readonly=True, help="The whole call, with ringing.")
    talk_seconds = fields.Integer(readonly=True, help="The conversation.")
    platform_charged_seconds = fields.Integer(
        readonly=True, default=None, help="What the platform charged."
    )
    platform_class = fields.Char(string="Class on the platform", readonly=True)
    platform_amount = fields.Float(
        string="Amount on the platform",
        digits=(16, 6),
        readonly=True,
        help="What the platform charged for the call, in reais. Not what the customer "
        "pays here, unless the billing plan takes its amounts from the platform.",
    )
    platform_cost = fields.Float(
        string="Cost on the platform",
        digits=(16, 6),
        readonly=True,
        groups="saperx_voip.group_billing",
        help="What the call costs the provider on the platform, in reais.",
    )

    # A line with calls cannot be deleted either: ``saperx.line`` sees to it.
    line_id = UnconstrainedMany2one("saperx.line", readonly=True, string="SIP line")
    period_id = UnconstrainedMany2one("saperx.line.period", readonly=True)
    contract_id = UnconstrainedMany2one("contract.contract", readonly=True)
    partner_id = UnconstrainedMany2one("res.partner", string="Customer", readonly=True)
    other_party = fields.Char(
        readonly=True,
        groups=SEES_NUMBERS,
        help="The other number, as rates match it.",
    )
    own_class = fields.Selection(
        CALL_CLASSES, readonly=True, help="As the number tells."
    )
    call_class = fields.Selection(
        CALL_CLASSES, string="Class", readonly=True, help="The one that rules."
    )
    cycle_end = fields.Date(string="Cycle until", readonly=True)
    # Its prefix may be a whole number.
    rate_id = UnconstrainedMany2one(
        "saperx.tariff.rate", readonly=True, groups=SEES_NUMBERS
    )
    charged_seconds = fields.Integer(
        readonly=True,
        help="What is charged of the conversation, by the billing plan's minimum and "
        "steps.",
    )
    gross_amount = fields.Monetary(
        readonly=True, help="Price of the call before any allowance."
    )
    covered_seconds = fields.Integer(
        readonly=True, help="Taken by allowances in minutes."
    )
    covered_amount = fields.Monetary(
        readonly=True,
        help="What allowances take of the gross amount. Until the cycle is charged: "
        "what they would take now.",
    )
    allowance_uses = fields.Json(
        readonly=True,
        help="Quantity drawn by allowance id: seconds, or centavos of one in reais.",
    )
    charged_amount = fields.Monetary(
        readonly=True,
        help="What the customer pays: the gross amount less what allowances cover, "
        "cut to the centavo. Until the cycle is charged: what it would be now.",
    )
    state = fields.Selection(
        [
            ("unmatched", "Without a line"),
            ("unrated", "Without a price"),
            ("not_chargeable", "Not chargeable"),
            ("unbilled", "To be charged"),
            ("disputed", "In dispute"),
            ("billed", "Charged"),
        ],
        required=True,
        readonly=True,
    )
    reason = fields.Selection(REASONS, string="Why", readonly=True)
    charge_id = fields.Many2one("saperx.charge", readonly=True, ondelete="restrict")

    _remote_unique = models.UniqueIndex("(integration_id, remote_id)")
    _line_state = models.Index("(line_id, state)")
    _charge = models.Index("(charge_id) WHERE charge_id IS NOT NULL")
    _unmatched = models.Index("(integration_id) WHERE state = 'unmatched'")
    _started = models.Index("USING brin (start)")
    _imported = models.Index("USING brin (import_id)")

    def init(self):
        res = super().init()
        # By PostgreSQL's own measure, a fifth of the table, hundreds of millions of
        # calls would wait for their first vacuum; see docs/volume.md.
        self.env.cr.execute(
            """
            ALTER TABLE saperx_cdr SET (
                autovacuum_vacuum_scale_factor = 0.01,
                autovacuum_vacuum_insert_scale_factor = 0.01,
                autovacuum_analyze_scale_factor = 0.01
            )
            """
        )
        return res

    @api.depends("start", "shown_number")
    @api.depends_context("uid", "lang", "tz")
    def _compute_display_name(self):
        for call in self:
            moment = format_datetime(self.env, call.start)
            call.display_name = f"{call.shown_number or '?'} · {moment}"

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("Calls are kept: they cannot be deleted."))

    def action_reassess(self):
        """Match and rate the chosen calls again; what is billed stays as it is."""
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may rate calls again."))
        self.check_access("read")
        self._reassess([("id", "in", self.ids)])

    @api.model
    def _reassess(self, domain):
        """Match and rate again what was not billed, by set, and draw the allowances
        of the lines concerned.

        :param domain: which calls, beside their being unbilled
        """
        assessors, line_ids = {}, set()
        batch = self._reassess_batch(domain, assessors)
        while batch.call_count:
            line_ids |= batch.line_ids
            batch = self._reassess_batch(domain, assessors, batch.last_id)
        self._draw_in_batches(line_ids)

    @api.model
    def _reassess_batch(self, domain, assessors, after_id=0):
        """Say again of the next calls of a domain whose they are and what they cost.

        Only what comes out otherwise than it stands there is written; allowances are
        left to the caller.

        :param domain: as of ``_reassess``
        :param dict assessors: by integration id, kept from batch to batch by the
            caller; those that no longer hold are replaced
        :param int after_id: calls come in the order of their ids, beginning after it
        :return: a ``Reassessed``; one of no calls if there are no more
        """
        # What the lines and plans say now may still wait in the cache.
        self.env.flush_all()
        rows = self.env.execute_query(self._get_reassess_query(domain, after_id))
        if not rows:
            return Reassessed()
        integrations = self.env["saperx.integration"].sudo()
        for integration in integrations.browse({row[1] for row in rows}):
            assessors[integration.id] = integration._get_assessor(
                assessors.get(integration.id)
            )
        changed, line_ids = [], set()
        before = after = Decimal(0)
        found = 2 + len(FOUND_COLUMNS)
        for row in rows:
            stored, fact = row[2:found], fact_of(row[found:])
            values = assessed_values(assessors[row[1]].assess(fact))
            gross = Decimal(stored[GROSS] or 0)
            before += gross
            after += values[GROSS]
            line_ids.add(values[LINE])
            if (
                gross != values[GROSS]
                or stored[:GROSS] != values[:GROSS]
                or stored[GROSS + 1 :] != values[GROSS + 1 : len(FOUND_COLUMNS)]
            ):
                changed.append((row[0], *values))
                line_ids.add(stored[LINE])
        if changed:
            self._store_assessed(changed)
        return Reassessed(
            last_id=rows[-1][0],
            call_count=len(rows),
            changed_count=len(changed),
            line_ids=frozenset(line_ids - {None}),
            amount_before=before,
            amount_after=after,
        )

    @api.model
    def _get_reassess_query(self, domain, after_id):
        """Id, integration, what was found, and the facts of the next calls."""
        query = self.sudo()._search(
            [*domain, ("state", "in", NOT_BILLED), ("id", ">", after_id)],
            order="id",
            limit=REASSESS_BATCH,
        )
        columns = [
            SQL.identifier(self._table, name)
            for name in ("id", "integration_id", *FOUND_COLUMNS)
        ]
        columns[2 + GROSS] = SQL("%s::text", columns[2 + GROSS])
        return query.select(*columns, SQL(FACT_COLUMNS))

    @api.model
    def _store_assessed(self, rows):
        """:param rows: ids and ``assessed_values``, in the order of the ids"""
        update_rows(
            self.env.cr,
            self._table,
            ASSESSED_COLUMNS,
            rows,
            # Between: so that the planner does not read the whole table.
            SQL(
                "saperx_cdr.charge_id IS NULL AND saperx_cdr.id BETWEEN %s AND %s",
                rows[0][0],
                rows[-1][0],
            ),
        )
        self.invalidate_model()


def fact_of(values):
    """What ``FACT_COLUMNS`` of a call hold, as the pure core takes it."""
    (
        line_remote_id,
        account_code,
        direction,
        is_collect,
        answered,
        caller,
        callee,
        start,
        talk_seconds,
        platform_class,
        platform_amount,
        platform_seconds,
    ) = values
    return Fact(
        line_remote_id=line_remote_id,
        account_code=account_code,
        direction=direction,
        is_collect=bool(is_collect),
        answered=answered,
        caller=caller or "",
        callee=callee or "",
        start=start,
        talk_seconds=talk_seconds,
        platform_class=known_call_class(platform_class),
        platform_amount=Decimal(platform_amount) if platform_amount else None,
        platform_seconds=platform_seconds,
    )


def assessed_values(assessment):
    """What the pure core found, in the order of ``ASSESSED_COLUMNS``."""
    holding, rated = assessment.holding, assessment.rated
    return (
        holding and holding.line_id,
        holding and holding.period_id,
        holding and holding.contract_id,
        holding and holding.partner_id,
        assessment.other_party,
        assessment.own_class,
        assessment.call_class,
        assessment.cycle_end,
        rated.rate_id,
        rated.charged_seconds,
        rated.gross_amount,
        rated.state,
        rated.reason,
        0,
        0,
        rated.gross_amount,
        None,
    )
