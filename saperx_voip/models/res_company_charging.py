# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import datetime, timedelta

from odoo import fields, models


class ResCompany(models.Model):
    """What a company asks about before it charges."""

    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    saperx_hold_amount = fields.Monetary(
        string="Hold additionals above",
        help="An additional of a higher amount stays a draft until somebody confirms "
        "it. 0: no limit.",
    )
    saperx_hold_times = fields.Float(
        string="Hold additionals of so many times the habit",
        digits=(6, 1),
        default=5,
        help="Compared with the average of the line's last three charged cycles. A "
        "line without any has no habit. 0: not compared.",
    )
    saperx_hold_floor = fields.Monetary(
        string="Not held below",
        default=100,
        help="An additional up to this amount is never far above the habit.",
    )
    saperx_hold_unrated = fields.Boolean(
        string="Hold additionals beside calls without a price",
        default=True,
        help="As long as calls of the same line and cycle have no price.",
    )
    saperx_charge_age_days = fields.Integer(
        string="Days within which calls are charged",
        default=90,
        help="Older calls are charged apart, in an additional that asks. "
        "0: however old.",
    )
    saperx_charge_age_days_ldi = fields.Integer(
        string="Days within which international calls are charged",
        default=150,
        help="As above, for LDI. 0: however old.",
    )
    saperx_charge_user_id = fields.Many2one(
        "res.users",
        string="Who is asked about held additionals",
        index="btree_not_null",
        ondelete="set null",
        help="Gets the activities. Empty: whoever answers for the contract.",
    )

    _saperx_charge_limits_not_negative = models.Constraint(
        "CHECK (saperx_hold_amount >= 0 AND saperx_hold_times >= 0"
        " AND saperx_hold_floor >= 0 AND saperx_charge_age_days >= 0"
        " AND saperx_charge_age_days_ldi >= 0)",
        "Limits of charging cannot be negative.",
    )

    def _get_charge_age_limits(self):
        """Before which moments calls are too old to be charged without a question.

        :return: by class, and for any other class by None, naive UTC; empty if calls
            may be however old
        """
        self.ensure_one()
        days = {
            None: self.saperx_charge_age_days,
            "ldi": self.saperx_charge_age_days_ldi,
        }
        if not any(days.values()):
            return {}
        today = self._get_telephony_today()
        return {
            call_class: self._get_telephony_start_of_day(today - timedelta(days=count))
            if count
            else datetime.min
            for call_class, count in days.items()
        }
