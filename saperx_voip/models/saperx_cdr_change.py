# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL
from odoo.tools.misc import format_datetime

from .call_class import CALL_CLASSES
from .saperx_cdr_columns import RECORD_COLUMNS
from .unconstrained_many2one import UnconstrainedMany2one

# What it would come to now.
RATED_COLUMNS = ("call_class", "charged_seconds", "gross_amount")


class SaperxCdr(models.Model):
    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    correction = fields.Html(
        string="What the platform says now",
        compute="_compute_correction",
        sanitize=False,
        exportable=False,
        groups="saperx_voip.group_billing",
    )

    @api.depends("is_changed_after_billing")
    @api.depends_context("lang", "tz")
    def _compute_correction(self):
        for call in self:
            call.correction = call._get_change().comparison

    def _get_change(self):
        return self.env["saperx.cdr.change"].search([("call_id", "in", self.ids)])

    def action_view_change(self):
        """Open what the platform says now of this charged call."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "saperx.cdr.change",
            "res_id": self._get_change().id,
            "views": [(False, "form")],
        }


class SaperxCdrChange(models.Model):
    """What the platform says now of a call that was charged: the call stays as it was
    charged, and billing sees the difference.

    One a call, always the platform's latest word. Columns of a call's names hold that
    word; what was charged stands on the call.
    """

    _name = "saperx.cdr.change"
    _description = "Correction of a charged call"
    _order = "seen_at desc, id desc"
    _rec_name = "remote_id"
    _log_access = False

    call_id = UnconstrainedMany2one("saperx.cdr", required=True, readonly=True)
    company_id = UnconstrainedMany2one("res.company", required=True, readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    integration_id = UnconstrainedMany2one(
        "saperx.integration", required=True, readonly=True
    )
    import_id = UnconstrainedMany2one(
        "saperx.cdr.import", string="Read by", readonly=True
    )
    remote_id = fields.Char(string="Id on the platform", required=True, readonly=True)
    charge_id = UnconstrainedMany2one(
        "saperx.charge", readonly=True, help="That the call is in, or was in."
    )
    line_id = UnconstrainedMany2one("saperx.line", string="SIP line", readonly=True)
    partner_id = UnconstrainedMany2one("res.partner", string="Customer", readonly=True)
    seen_at = fields.Datetime(
        string="Corrected at",
        required=True,
        readonly=True,
        help="When an import read the latest correction.",
    )
    state = fields.Selection(
        [
            ("open", "To be looked at"),
            ("acknowledged", "Seen"),
            ("withdrawn", "Taken back"),
            ("applied", "Rated anew"),
        ],
        required=True,
        readonly=True,
        help="Taken back: the platform says again what was charged. Rated anew: the "
        "charge was cancelled, and the call follows the correction.",
    )
    acknowledged_at = fields.Datetime(string="Seen at", readonly=True)
    acknowledged_by_id = UnconstrainedMany2one(
        "res.users", string="Seen by", readonly=True
    )

    line_remote_id = fields.Integer(string="Circuit", readonly=True, default=None)
    account_code = fields.Char(readonly=True)
    direction = fields.Selection(
        selection=lambda self: self._get_choices("direction"), readonly=True
    )
    is_collect = fields.Boolean(string="Collect", readonly=True)
    caller = fields.Char(readonly=True)
    callee = fields.Char(string="Called", readonly=True)
    city = fields.Char(readonly=True)
    start = fields.Datetime(readonly=True)
    outcome = fields.Selection(
        selection=lambda self: self._get_choices("outcome"), readonly=True
    )
    total_seconds = fields.Integer(readonly=True)
    talk_seconds = fields.Integer(readonly=True)
    platform_charged_seconds = fields.Integer(readonly=True, default=None)
    platform_class = fields.Char(string="Class on the platform", readonly=True)
    platform_amount = fields.Float(
        string="Amount on the platform", digits=(16, 6), readonly=True
    )
    platform_cost = fields.Float(
        string="Cost on the platform", digits=(16, 6), readonly=True
    )

    call_class = fields.Selection(CALL_CLASSES, string="Class", readonly=True)
    charged_seconds = fields.Integer(readonly=True)
    amount_before = fields.Monetary(
        string="As charged",
        readonly=True,
        help="Price of the call as it was charged, before any allowance.",
    )
    gross_amount = fields.Monetary(
        string="As corrected",
        readonly=True,
        help="Price of the call as the platform tells it now, before any allowance.",
    )
    difference = fields.Monetary(
        readonly=True,
        help="As corrected, less as charged. Negative: the customer was charged too "
        "much.",
    )
    changed_fields = fields.Char(
        string="What changed", compute="_compute_changed_fields"
    )
    comparison = fields.Html(
        string="Before and after",
        compute="_compute_comparison",
        sanitize=False,
        exportable=False,
    )

    _call_unique = models.UniqueIndex("(call_id)")
    _open = models.Index("(company_id) WHERE state = 'open'")

    @api.model
    def _get_choices(self, name):
        """Of a field of the call, in the reader's language."""
        return self.env["saperx.cdr"]._fields[name]._description_selection(self.env)

    @api.depends(*RECORD_COLUMNS, "call_id")
    @api.depends_context("lang")
    def _compute_changed_fields(self):
        for change in self:
            change.changed_fields = ", ".join(
                label for label, _before, _after in change._get_differences()
            )

    @api.depends(*RECORD_COLUMNS, *RATED_COLUMNS, "call_id")
    @api.depends_context("lang", "tz")
    def _compute_comparison(self):
        for change in self:
            change.comparison = self.env["ir.qweb"]._render(
                "saperx_voip.cdr_change_comparison",
                {"rows": change._get_differences((*RECORD_COLUMNS, *RATED_COLUMNS))},
            )

    def _get_differences(self, names=RECORD_COLUMNS):
        """:return: tuples of a field's label, what was charged, and what is told now,
        as text; of the fields that differ"""
        self.ensure_one()
        call = self.call_id.sudo().exists()
        return [
            (
                call._fields[name].get_description(self.env)["string"],
                self._show(call, name),
                self._show(self, name),
            )
            for name in names
            if call and call[name] != self[name]
        ]

    def _show(self, record, name):
        field, value = record._fields[name], record[name]
        if field.type == "datetime":
            return format_datetime(self.env, value)
        if field.type == "selection":
            labels = dict(
                self.env["saperx.cdr"]._fields[name]._description_selection(self.env)
            )
            return labels.get(value, value or "")
        if field.type == "boolean":
            return self.env._("Yes") if value else self.env._("No")
        if field.type == "monetary":
            return self.currency_id.format(value)
        if field.type == "float":
            return self.env["ir.qweb.field.float"].value_to_html(
                value, {"precision": 6 if value % 0.01 else 2}
            )
        return str(value) if value not in (False, None) else ""

    def action_acknowledge(self):
        """*Ciente*: somebody of billing has seen the difference."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may do this."))
        self.sudo().filtered(lambda change: change.state == "open").write(
            {
                "state": "acknowledged",
                "acknowledged_at": fields.Datetime.now(),
                "acknowledged_by_id": self.env.uid,
            }
        )

    def action_view_call(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "saperx.cdr",
            "res_id": self.call_id.id,
            "views": [(False, "form")],
        }

    @api.model
    def _keep_staged(self, stage, run):
        """Keep what a page says otherwise of charged calls, and flag them.

        The page's calls stand in a table like ``saperx_cdr``.

        :param str stage: that table's name, ours
        :param run: the ``saperx.cdr.import`` that reads
        :return: how many
        """
        stored = (*RECORD_COLUMNS, *RATED_COLUMNS)
        written = ("import_id", "charge_id", "seen_at", "state", *stored)
        self.env.cr.execute(
            SQL(
                """
                WITH kept AS (
                    INSERT INTO saperx_cdr_change AS change (
                        call_id, company_id, integration_id, remote_id, line_id,
                        partner_id, amount_before, difference, %(written)s
                    )
                    SELECT call.id, call.company_id, call.integration_id,
                           call.remote_id, call.line_id, call.partner_id,
                           call.gross_amount,
                           coalesce(stage.gross_amount, 0)
                           - coalesce(call.gross_amount, 0),
                           %(run)s, call.charge_id, %(now)s,
                           CASE WHEN %(differs)s THEN 'open' ELSE 'withdrawn' END,
                           %(staged)s
                    FROM saperx_cdr AS call
                    JOIN %(stage)s AS stage USING (integration_id, remote_id)
                    WHERE call.charge_id IS NOT NULL
                    AND call.fingerprint IS DISTINCT FROM stage.fingerprint
                    AND (
                        %(differs)s
                        OR EXISTS (
                            SELECT FROM saperx_cdr_change WHERE call_id = call.id
                        )
                    )
                    ON CONFLICT (call_id) DO UPDATE
                    SET %(assignments)s,
                        acknowledged_at = NULL, acknowledged_by_id = NULL
                    RETURNING call_id, state
                )
                UPDATE saperx_cdr AS call
                SET is_changed_after_billing = kept.state = 'open',
                    fingerprint = stage.fingerprint
                FROM kept, %(stage)s AS stage
                WHERE call.id = kept.call_id
                AND stage.integration_id = call.integration_id
                AND stage.remote_id = call.remote_id
                """,
                written=_columns(written),
                run=run.id,
                now=fields.Datetime.now(),
                differs=SQL(
                    "(%s) IS DISTINCT FROM (%s)",
                    _columns(RECORD_COLUMNS, "call"),
                    _columns(RECORD_COLUMNS, "stage"),
                ),
                staged=_columns(stored, "stage"),
                stage=SQL.identifier(stage),
                assignments=SQL(", ").join(
                    SQL("%s = EXCLUDED.%s", SQL.identifier(name), SQL.identifier(name))
                    for name in (*written, "amount_before", "difference")
                ),
            )
        )
        changed = self.env.cr.rowcount
        self.invalidate_model()
        return changed

    @api.model
    def _apply(self, charges):
        """These charges let go of their calls: those that were corrected follow the
        correction. Whoever calls this rates them again."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_cdr AS call
                SET %(assignments)s, is_changed_after_billing = FALSE
                FROM saperx_cdr_change AS change
                WHERE change.call_id = call.id AND call.charge_id = ANY(%(charges)s)
                AND change.charge_id = call.charge_id
                """,
                assignments=SQL(", ").join(
                    SQL("%s = change.%s", SQL.identifier(name), SQL.identifier(name))
                    for name in RECORD_COLUMNS
                ),
                charges=charges.ids,
            )
        )
        self.env.cr.execute(
            SQL(
                "UPDATE saperx_cdr_change SET state = 'applied'"
                " WHERE charge_id = ANY(%s) AND state != 'withdrawn'",
                charges.ids,
            )
        )
        self.invalidate_model()


def _columns(names, table=None):
    return SQL(", ").join(
        SQL.identifier(table, name) if table else SQL.identifier(name) for name in names
    )
