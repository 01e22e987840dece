# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

ACTIVITY = "saperx_voip.mail_activity_charge_held"
# Of cycles that the habit is the average of.
HABIT_CYCLES = 3


class SaperxCharge(models.Model):
    """Charges confirm themselves, except those that a rule holds for a person."""

    _inherit = ["saperx.charge", "mail.activity.mixin"]  # pylint: disable=consider-merging-classes-inherited
    _name = "saperx.charge"

    is_aged = fields.Boolean(
        string="Old calls",
        readonly=True,
        help="Its calls are older than the company charges without a question.",
    )
    hold_ids = fields.One2many(
        "saperx.charge.hold", "charge_id", string="Reasons to ask", readonly=True
    )
    hold_reasons = fields.Char(string="Held because", compute="_compute_hold_reasons")
    hold_explanation = fields.Text(
        string="What is asked", compute="_compute_hold_reasons"
    )
    confirmed_by_id = fields.Many2one(
        "res.users",
        string="Confirmed by",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty: by itself.",
    )

    @api.depends("state", "hold_ids.reason")
    @api.depends_context("lang")
    def _compute_hold_reasons(self):
        words = dict(
            self.env["saperx.charge.hold"]
            ._fields["reason"]
            ._description_selection(self.env)
        )
        for charge in self:
            reasons = charge.state == "draft" and charge.hold_ids.mapped("reason")
            charge.hold_reasons = reasons and ", ".join(words[each] for each in reasons)
            charge.hold_explanation = "\n".join(charge.hold_ids.mapped("explanation"))

    def action_confirm(self):
        """Whoever presses it answers for what a rule held."""
        drafts = self.filtered(lambda charge: charge.state == "draft")
        held = {charge: charge.hold_reasons for charge in drafts if charge.hold_ids}
        res = super().action_confirm()
        for charge, reasons in held.items():
            charge.sudo()._message_log(
                body=self.env._("Confirmed in spite of: %s.", reasons)
            )
        drafts.sudo().write({"confirmed_by_id": self.env.uid})
        drafts._asked_no_longer()
        return res

    def action_cancel(self):
        res = super().action_cancel()
        self._asked_no_longer()
        return res

    def action_write_off(self):
        """Nobody is to pay these drafts: their calls stay with them, so that no run
        charges them again, and what they drew on allowances stays drawn."""
        self._check_billing()
        if set(self.mapped("state")) - {"draft"}:
            raise UserError(
                self.env._(
                    "Only a draft is written off. A confirmed additional is cancelled, "
                    "or invoiced and credited."
                )
            )
        self.sudo().write({"state": "written_off"})
        self._asked_no_longer()

    def _asked_no_longer(self):
        """The question was answered by whoever did this."""
        self.sudo().activity_feedback([ACTIVITY])

    def _hold_by_rules(self):
        """Say of these drafts which rules hold them, one statement a rule, and ask
        somebody about them."""
        self.flush_recordset(["amount"])
        for reason, columns, select in self._get_hold_rules():
            self.env.cr.execute(
                SQL(
                    """
                    INSERT INTO saperx_charge_hold (
                        charge_id, company_id, reason,
                        create_uid, create_date, write_uid, write_date, %(columns)s
                    )
                    SELECT charge.id, charge.company_id, %(reason)s,
                           %(author)s, %(author)s, %(select)s
                    """,
                    columns=SQL(", ").join(map(SQL.identifier, columns)),
                    reason=reason,
                    author=SQL("%s, now() AT TIME ZONE 'UTC'", self.env.uid),
                    select=select,
                )
            )
        self.invalidate_recordset(["hold_ids"])
        self.filtered("hold_ids")._ask_somebody()

    def _get_hold_rules(self):
        """What may hold these charges.

        :return: a list of a reason, the columns of ``saperx.charge.hold`` with its
            figures, and SQL: these figures, from ``saperx_charge AS charge``, of those
            that are held
        """
        of_these = SQL(
            "saperx_charge AS charge"
            " JOIN res_company AS company ON company.id = charge.company_id"
        )
        ids = SQL("charge.id = ANY(%s)", self.ids)
        return [
            (
                "amount",
                ["limit_amount"],
                SQL(
                    """
                    company.saperx_hold_amount FROM %s
                    WHERE %s AND company.saperx_hold_amount > 0
                    AND charge.amount > company.saperx_hold_amount
                    """,
                    of_these,
                    ids,
                ),
            ),
            (
                "habit",
                ["usual_amount", "limit_amount"],
                SQL(
                    """
                    round(habit.amount, 2),
                    greatest(
                        round(habit.amount * company.saperx_hold_times, 2),
                        company.saperx_hold_floor
                    )
                    FROM %s
                    CROSS JOIN LATERAL (
                        SELECT avg(cycle.amount) AS amount FROM (
                            SELECT sum(former.amount) AS amount
                            FROM saperx_charge AS former
                            WHERE former.line_id = charge.line_id
                            AND former.contract_id = charge.contract_id
                            AND former.cycle_end < charge.cycle_end
                            AND former.state IN ('confirmed', 'invoiced')
                            GROUP BY former.cycle_end
                            ORDER BY former.cycle_end DESC LIMIT %s
                        ) AS cycle
                    ) AS habit
                    WHERE %s AND company.saperx_hold_times > 0
                    AND charge.amount > coalesce(company.saperx_hold_floor, 0)
                    AND charge.amount > habit.amount * company.saperx_hold_times
                    """,
                    of_these,
                    HABIT_CYCLES,
                    ids,
                ),
            ),
            (
                "unrated",
                ["call_count"],
                SQL(
                    """
                    count(*) FROM %s
                    JOIN saperx_cdr AS call ON call.line_id = charge.line_id
                        AND call.state = 'unrated'
                        AND call.period_id = charge.period_id
                        AND call.cycle_end = charge.cycle_end
                    WHERE %s AND company.saperx_hold_unrated
                    GROUP BY charge.id, charge.company_id
                    """,
                    of_these,
                    ids,
                ),
            ),
            (
                "age",
                ["call_count", "since"],
                SQL(
                    """
                    count(*),
                    (min(call.start) AT TIME ZONE 'UTC' AT TIME ZONE
                     min(integration.timezone))::date
                    FROM saperx_charge AS charge
                    JOIN saperx_integration AS integration
                        ON integration.id = charge.integration_id
                    JOIN saperx_cdr AS call ON call.charge_id = charge.id
                    WHERE %s AND charge.is_aged
                    GROUP BY charge.id, charge.company_id
                    """,
                    ids,
                ),
            ),
        ]

    def _ask_somebody(self):
        """An activity for each, for whoever answers for it."""
        for charge in self:
            if user := charge._get_person_to_ask():
                charge = charge.with_context(lang=user.lang)
                charge.activity_schedule(
                    ACTIVITY, note=charge.hold_explanation, user_id=user.id
                )

    def _get_person_to_ask(self):
        """The company's own choice, else who answers for the contract, if it is one of
        billing, else nobody: the list of held ones shows it all the same."""
        self.ensure_one()
        company = self.company_id
        contract = self.contract_id
        for user in (
            company.saperx_charge_user_id,
            contract.user_id,
            contract.create_uid,
        ):
            may_bill = user.active and company in user.company_ids
            if may_bill and user.has_group("saperx_voip.group_billing"):
                return user
        return self.env["res.users"]
