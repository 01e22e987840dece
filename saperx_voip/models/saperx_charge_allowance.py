# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict

from odoo import api, fields, models


class SaperxChargeAllowance(models.Model):
    """What a charge drew on an allowance in its cycle.

    The rows of the charges that were not cancelled are the ledger of the allowance:
    what is left of a cycle, and what was carried away from it, is read from them.
    Quantities are whole seconds, or centavos of an allowance in reais.
    """

    _name = "saperx.charge.allowance"
    _description = "Allowance used by a charge"
    _order = "charge_id, id"
    _rec_name = "allowance_id"

    charge_id = fields.Many2one(
        "saperx.charge", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="charge_id.company_id", store=True, index=True)
    allowance_id = fields.Many2one(
        "saperx.tariff.allowance", required=True, index=True, ondelete="restrict"
    )
    stretch_id = fields.Many2one(
        "saperx.line.period",
        index="btree_not_null",
        ondelete="restrict",
        help="First of the periods without a break in which the line held the plan. "
        "None where the contract shares the allowance.",
    )
    own_quantity = fields.Integer(required=True, help="Of the whole cycle.")
    carried_quantity = fields.Integer(
        required=True, help="What the cycle before left for this one."
    )
    used_quantity = fields.Integer(required=True, help="By the calls of this charge.")
    carried_away = fields.Integer(
        required=True,
        help="What this cycle left for the next, fixed when first charged.",
    )
    before_quantity = fields.Integer(
        default=0,
        help="Used in the previous system, before calls were charged here.",
    )
    own = fields.Char(string="Of the cycle", compute="_compute_texts")
    carried = fields.Char(string="From the cycle before", compute="_compute_texts")
    before = fields.Char(string="Used in the previous system", compute="_compute_texts")
    used = fields.Char(string="Used here", compute="_compute_texts")
    left_over = fields.Char(string="Into the next cycle", compute="_compute_texts")
    left = fields.Char(
        string="Left now",
        compute="_compute_left",
        help="What late calls of the cycle may still draw on, after all charges of it.",
    )

    @api.depends(
        "allowance_id",
        "own_quantity",
        "carried_quantity",
        "before_quantity",
        "used_quantity",
        "carried_away",
    )
    def _compute_texts(self):
        for use in self:
            as_text = use.allowance_id._format_quantity
            use.own = as_text(use.own_quantity)
            use.carried = use.carried_quantity and as_text(use.carried_quantity)
            use.before = use.before_quantity and as_text(use.before_quantity)
            use.used = as_text(use.used_quantity)
            use.left_over = use.carried_away and as_text(use.carried_away)

    @api.depends("allowance_id", "charge_id.state")
    def _compute_left(self):
        balances = self._get_balances()
        for use in self:
            balance = balances[use._get_balance_key()]
            use.left = use.allowance_id._format_quantity(balance)

    def _get_balance_key(self):
        """Of whom the allowance is, and of which cycle."""
        self.ensure_one()
        holder = self.stretch_id or self.charge_id.contract_id
        return self.allowance_id, holder, self.charge_id.cycle_end

    def _get_balances(self):
        """:return: by key what the charges that count have left, in whole units"""
        uses = self.sudo().search(
            [
                ("allowance_id", "in", self.allowance_id.ids),
                ("charge_id.contract_id", "in", self.charge_id.contract_id.ids),
                ("charge_id.cycle_end", "in", self.charge_id.mapped("cycle_end")),
                ("charge_id.state", "!=", "cancelled"),
            ]
        )
        left = defaultdict(int)
        for key, some in uses.grouped(self.__class__._get_balance_key).items():
            given = max(some.mapped("own_quantity"))
            carried = max(some.mapped("carried_quantity"))
            away = max(some.mapped("carried_away"))
            before = max(some.mapped("before_quantity"))
            used = before + sum(some.mapped("used_quantity"))
            # The carried part is drawn first, and is not carried again.
            own_left = given - away - max(used - carried, 0)
            left[key] = max(carried - used, 0) + max(own_left, 0)
        return left

    def action_view_calls(self):
        """Those that drew on it in this charge."""
        self.ensure_one()
        return self.charge_id._get_calls_action(
            [("drawn_allowance_id", "=", self.allowance_id.id)]
        )
