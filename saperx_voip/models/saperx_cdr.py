# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import retrying
from odoo.tools import SQL
from odoo.tools.misc import format_datetime

from ..bulk import copy_rows
from ..gateway import known_call_class
from ..rating import Fact
from .call_class import CALL_CLASSES, REASONS
from .unconstrained_many2one import UnconstrainedMany2one

REASSESS_BATCH = 5000

ASSESSED_COLUMNS = (
    "line_id",
    "period_id",
    "contract_id",
    "partner_id",
    "other_party",
    "own_class",
    "call_class",
    "cycle_end",
    "rate_id",
    "charged_seconds",
    "gross_amount",
    "covered_seconds",
    "covered_amount",
    "charged_amount",
    "state",
    "reason",
)


# Amounts as text: as numbers they would come back as binary floats.
FACT_COLUMNS = """
    line_remote_id, account_code, direction, is_collect, outcome = 'answered',
    caller, callee, start, talk_seconds, platform_class, platform_amount::text,
    platform_charged_seconds
"""


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
        readonly=True, help="Digest of the record: equal means nothing changed."
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
    caller = fields.Char(readonly=True)
    callee = fields.Char(string="Called", readonly=True)
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
        string="Amount on the platform", digits=(16, 6), readonly=True
    )
    platform_cost = fields.Float(
        string="Cost on the platform",
        digits=(16, 6),
        readonly=True,
        groups="saperx_voip.group_billing",
    )

    line_id = fields.Many2one(
        "saperx.line", readonly=True, ondelete="restrict", string="SIP line"
    )
    period_id = UnconstrainedMany2one("saperx.line.period", readonly=True)
    contract_id = UnconstrainedMany2one("contract.contract", readonly=True)
    partner_id = UnconstrainedMany2one("res.partner", string="Customer", readonly=True)
    other_party = fields.Char(
        readonly=True, help="The other number, as rates match it."
    )
    own_class = fields.Selection(
        CALL_CLASSES, readonly=True, help="As the number tells."
    )
    call_class = fields.Selection(
        CALL_CLASSES, string="Class", readonly=True, help="The one that rules."
    )
    cycle_end = fields.Date(string="Cycle until", readonly=True)
    rate_id = UnconstrainedMany2one("saperx.tariff.rate", readonly=True)
    charged_seconds = fields.Integer(readonly=True)
    gross_amount = fields.Monetary(
        readonly=True, help="Price of the call before any allowance."
    )
    covered_seconds = fields.Integer(
        readonly=True, help="Taken by allowances in minutes."
    )
    covered_amount = fields.Monetary(readonly=True, help="Taken by allowances.")
    allowance_uses = fields.Json(
        readonly=True,
        help="Quantity drawn by allowance id: seconds, or centavos of one in reais.",
    )
    charged_amount = fields.Monetary(readonly=True, help="What the customer pays.")
    state = fields.Selection(
        [
            ("unmatched", "Without a line"),
            ("unrated", "Without a price"),
            ("not_chargeable", "Not chargeable"),
            ("unbilled", "To be charged"),
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

    @api.depends("start", "other_party")
    def _compute_display_name(self):
        for call in self:
            moment = format_datetime(self.env, call.start)
            call.display_name = f"{call.other_party or '?'} · {moment}"

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
    def _trigger_rematch(self, integrations):
        """A line or a number appeared: calls without a line may be its own."""
        if self.sudo().search_count(
            [("integration_id", "in", integrations.ids), ("state", "=", "unmatched")],
            limit=1,
        ):
            self.env.ref("saperx_voip.ir_cron_rematch").sudo()._trigger()

    @api.model
    def _cron_rematch(self):
        self._reassess([("state", "=", "unmatched")], commit=True)

    @api.model
    def _reassess(self, domain, commit=False):
        """Match and rate again what was not billed, by set.

        :param domain: which calls, beside their being unbilled
        :param bool commit: whether each batch is a transaction of its own
        """
        self.flush_model()
        for integration, call_ids in self.sudo()._read_group(
            [*domain, ("state", "!=", "billed")], ["integration_id"], ["id:array_agg"]
        ):
            for first in range(0, len(call_ids), REASSESS_BATCH):
                batch = call_ids[first : first + REASSESS_BATCH]
                if commit:
                    retrying(
                        lambda b=batch, i=integration: self._assess(i, b), self.env
                    )
                else:
                    self._assess(integration, batch)
        self.invalidate_model()

    @api.model
    def _assess(self, integration, call_ids):
        """Say again of these unbilled calls whose they are and what they cost."""
        # What the lines and plans say now may still wait in the cache.
        self.env.flush_all()
        assessor = integration._get_assessor()
        cr = self.env.cr
        cr.execute(
            SQL(
                "SELECT id, %s FROM saperx_cdr WHERE id = ANY(%s)",
                SQL(FACT_COLUMNS),
                list(call_ids),
            )
        )
        rows = [
            (call_id, *assessed_values(assessor.assess(fact_of(values))))
            for call_id, *values in cr.fetchall()
        ]
        columns = SQL(", ").join(map(SQL.identifier, ASSESSED_COLUMNS))
        cr.execute(
            SQL(
                "CREATE TEMP TABLE saperx_assessed ON COMMIT DROP AS"
                " SELECT id, %s FROM saperx_cdr WITH NO DATA",
                columns,
            )
        )
        copy_rows(cr, "saperx_assessed", ("id", *ASSESSED_COLUMNS), rows)
        assignments = SQL(", ").join(
            SQL("%s = assessed.%s", SQL.identifier(name), SQL.identifier(name))
            for name in ASSESSED_COLUMNS
        )
        cr.execute(
            SQL(
                "UPDATE saperx_cdr SET %s FROM saperx_assessed AS assessed"
                " WHERE saperx_cdr.id = assessed.id AND saperx_cdr.charge_id IS NULL",
                assignments,
            )
        )
        cr.execute("DROP TABLE saperx_assessed")


def fact_of(values):
    """One row of ``FACT_COLUMNS`` as the pure core takes it."""
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
        0,
        0,
        rated.gross_amount,
        rated.state,
        rated.reason,
    )
