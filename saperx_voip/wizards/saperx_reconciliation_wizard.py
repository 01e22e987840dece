# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL, date_utils

# A call of a cycle begins so long before its last day at most, in whatever zone; the
# table is read by the start of its calls.
LONGEST_CYCLE = timedelta(days=33)
A_DAY = timedelta(days=1)


class SaperxReconciliationWizard(models.TransientModel):
    """What the platform charged and what it costs, against what we charge, by cycle.

    Reckoned when asked for, from the calls themselves.
    """

    _name = "saperx.reconciliation.wizard"
    _description = "Reconciliation with the platform's amounts"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    integration_id = fields.Many2one(
        "saperx.integration",
        check_company=True,
        context={"active_test": False},
        help="Empty: every integration.",
    )
    date_from = fields.Date(
        string="Cycles that close from",
        required=True,
        default=lambda self: self._get_last_month(),
    )
    date_to = fields.Date(
        string="until",
        required=True,
        default=lambda self: self._get_last_month() + relativedelta(day=31),
    )
    row_ids = fields.One2many("saperx.reconciliation.row", "wizard_id")

    @api.model
    def _get_last_month(self):
        today = self.env.company._get_telephony_today()
        return date_utils.start_of(today, "month") - relativedelta(months=1)

    @api.constrains("date_from", "date_to")
    def _check_days(self):
        for wizard in self:
            if wizard.date_to < wizard.date_from:
                raise ValidationError(
                    self.env._("The last day must not lie before the first.")
                )

    def action_show(self):
        self.ensure_one()
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may see costs."))
        self.check_access("read")
        self._make_rows()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "saperx_voip.saperx_reconciliation_row_action"
            ),
            "domain": [("wizard_id", "=", self.id)],
        }

    def _make_rows(self):
        """One row for each integration, closing, class and state of calls."""
        self.sudo().row_ids.unlink()
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO saperx_reconciliation_row (
                    wizard_id, create_uid, create_date, company_id, integration_id,
                    day, cycle_end, call_class, state, call_count, charged_seconds,
                    platform_charged_seconds, gross_amount, covered_amount, amount,
                    platform_amount, cost, difference, margin,
                    correction_count, correction_amount, correction_platform_amount,
                    correction_cost
                )
                SELECT %(wizard)s, %(user)s, %(now)s, company_id, integration_id,
                       day, cycle_end, call_class, state, count(*),
                       sum(charged_seconds), sum(platform_charged_seconds),
                       sum(gross_amount), sum(covered_amount), sum(amount),
                       sum(platform_amount), sum(cost),
                       sum(gross_amount) - sum(platform_amount),
                       sum(amount) - sum(cost),
                       count(corrected_id), coalesce(sum(corrected), 0),
                       coalesce(sum(corrected_platform), 0),
                       coalesce(sum(corrected_cost), 0)
                FROM (
                    SELECT call.company_id, call.integration_id, call.cycle_end,
                           coalesce(call.cycle_end, %(local_day)s) AS day,
                           call.call_class, call.state,
                           coalesce(call.charged_seconds, 0) AS charged_seconds,
                           coalesce(call.platform_charged_seconds, 0)
                               AS platform_charged_seconds,
                           coalesce(call.gross_amount, 0) AS gross_amount,
                           coalesce(call.covered_amount, 0) AS covered_amount,
                           coalesce(call.charged_amount, 0) AS amount,
                           coalesce(call.platform_amount, 0) AS platform_amount,
                           coalesce(call.platform_cost, 0) AS cost,
                           change.id AS corrected_id, change.difference AS corrected,
                           CASE WHEN change.id IS NOT NULL
                               THEN coalesce(change.platform_amount, 0)
                                   - coalesce(call.platform_amount, 0)
                           END AS corrected_platform,
                           CASE WHEN change.id IS NOT NULL
                               THEN coalesce(change.platform_cost, 0)
                                   - coalesce(call.platform_cost, 0)
                           END AS corrected_cost
                    FROM saperx_cdr AS call
                    JOIN saperx_integration AS integration
                      ON integration.id = call.integration_id
                    LEFT JOIN saperx_cdr_change AS change
                           ON change.call_id = call.id AND change.state = 'open'
                    WHERE call.company_id = %(company)s AND %(of_integration)s
                    AND call.start >= %(earliest)s AND call.start < %(latest)s
                    AND coalesce(call.cycle_end, %(local_day)s)
                        BETWEEN %(first)s AND %(last)s
                ) AS call
                GROUP BY company_id, integration_id, day, cycle_end, call_class, state
                ORDER BY day, integration_id, call_class, state
                """,
                wizard=self.id,
                user=self.env.uid,
                now=fields.Datetime.now(),
                company=self.company_id.id,
                of_integration=SQL("call.integration_id = %s", self.integration_id.id)
                if self.integration_id
                else SQL("TRUE"),
                local_day=SQL(
                    "(call.start AT TIME ZONE 'UTC'"
                    " AT TIME ZONE integration.timezone)::date"
                ),
                earliest=self.date_from - LONGEST_CYCLE,
                latest=self.date_to + 2 * A_DAY,
                first=self.date_from,
                last=self.date_to,
            )
        )
        self.env["saperx.reconciliation.row"].invalidate_model()
        self.invalidate_recordset(["row_ids"])
