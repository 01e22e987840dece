# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

ACTIONS = [
    ("alert", "Only alert"),
    ("international", "Block international calls"),
    ("line", "Block the line"),
]


class SaperxSentinelLimits(models.AbstractModel):
    """What a line may do before the sentinel raises an alert.

    The sentinel of an integration has them for all lines; a profile, and a line before
    its profile, may say otherwise. What they leave empty is as before them.
    """

    _name = "saperx.sentinel.limits"
    _description = "Limits of the sentinel"

    currency_id = fields.Many2one("res.currency")
    sentinel_hour_amount = fields.Monetary(
        string="Limit per hour",
        help="Reais of the calls that begin within any sixty minutes.",
    )
    sentinel_day_amount = fields.Monetary(
        string="Limit per day",
        help="Reais of the calls that begin within one day.",
    )
    sentinel_country_ids = fields.Many2many(
        "res.country",
        string="Allowed countries",
        help="A call to any other country raises an alert.",
    )
    sentinel_long_calls = fields.Integer(
        string="Long calls at once",
        help="So many calls at the same time, each at least as long as said beside, "
        "raise an alert.",
    )
    sentinel_long_minutes = fields.Integer(string="A long call lasts (minutes)")
    sentinel_habit_factor = fields.Float(
        string="Times its habit",
        digits=(6, 1),
        help="An hour that costs so many times what the same hour usually costs, or a "
        "day so many times the same day of the week, raises an alert. It never blocks.",
    )
    sentinel_action = fields.Selection(ACTIONS, string="When it finds something")

    _sentinel_limits_not_negative = models.Constraint(
        "CHECK (COALESCE(sentinel_hour_amount, 0) >= 0"
        " AND COALESCE(sentinel_day_amount, 0) >= 0"
        " AND COALESCE(sentinel_long_calls, 0) >= 0"
        " AND COALESCE(sentinel_long_minutes, 0) >= 0"
        " AND COALESCE(sentinel_habit_factor, 0) >= 0)",
        "The limits of the sentinel cannot be negative.",
    )
