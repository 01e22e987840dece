# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import SQL

MOST_AT_ONCE = 100


class SaperxDidBlockWizard(models.TransientModel):
    """Give a line a block of consecutive numbers in one go."""

    _name = "saperx.did.block.wizard"
    _description = "Add a block of DIDs"

    line_id = fields.Many2one("saperx.line", string="SIP line", required=True)
    company_id = fields.Many2one(related="line_id.company_id")
    currency_id = fields.Many2one(related="company_id.currency_id")
    quantity = fields.Integer(required=True, default=10)
    range_id = fields.Many2one(
        "saperx.number.range",
        domain="[('company_id', '=', company_id)]",
        help="Empty: any.",
    )
    area_code = fields.Char(string="Area code (DDD)", help="Empty: any.")
    start = fields.Char(
        string="From this number on",
        help="The block begins here or at a later number. Empty: at the first one.",
    )
    monthly_fee = fields.Monetary(string="Fee of each number")
    accept_collect_calls = fields.Boolean(string="Collect calls")
    # As shown: what is confirmed is what the user saw.
    first_number = fields.Char(
        string="First number", compute="_compute_block", store=True, readonly=False
    )
    last_number = fields.Char(
        string="Last number", compute="_compute_block", store=True, readonly=False
    )

    @api.constrains("quantity")
    def _check_quantity(self):
        for wizard in self:
            if not 1 <= wizard.quantity <= MOST_AT_ONCE:
                raise ValidationError(
                    self.env._(
                        "A block has 1 to %(most)s numbers, not %(quantity)s.",
                        most=MOST_AT_ONCE,
                        quantity=wizard.quantity,
                    )
                )

    @api.constrains("line_id")
    def _check_may_change(self):
        """A wizard shows nothing of lines that its user may not change."""
        self.line_id.check_access("write")

    @api.depends("line_id", "quantity", "range_id", "area_code", "start")
    def _compute_block(self):
        for wizard in self:
            first = wizard._find_block() if wizard.line_id else None
            wizard.first_number = first and str(first)
            wizard.last_number = first and str(first + wizard.quantity - 1)

    def action_add(self):
        """Create the DIDs that were shown; somebody may have been faster."""
        self.ensure_one()
        if not (self.first_number or "").isdecimal():
            raise UserError(
                self.env._(
                    "There are no %s consecutive numbers that this line may take.",
                    self.quantity,
                )
            )
        first = int(self.first_number)
        self.env["saperx.did"].create(
            [
                {
                    "line_id": self.line_id.id,
                    "number": f"+{number}",
                    "monthly_fee": self.monthly_fee,
                    "accept_collect_calls": self.accept_collect_calls,
                }
                for number in range(first, first + self.quantity)
            ]
        )
        return {"type": "ir.actions.act_window_close"}

    def _get_number_domain(self):
        domain = self.env["saperx.number"]._pickable_domain(self.line_id)
        if self.range_id:
            domain &= Domain("range_id", "=", self.range_id.id)
        if self.area_code:
            domain &= Domain("area_code", "=", self.area_code.strip())
        return domain

    def _find_block(self):
        """The first of ``quantity`` numbers in a row that the line may take.

        Numbers that follow one another have the same distance to their place in the
        list: they are an island.

        :return: E.164 as a whole number, or None
        """
        self.ensure_one()
        start = self.env["saperx.did"]._clean_number(self.start or "0")
        if self.quantity < 1 or not start.isdecimal():
            return None
        # Read once, in one scan: what the planner knows of a table that was filled a
        # moment ago is no ground for a join.
        numbers = self.env["saperx.number"]
        pickable = numbers._search(self._get_number_domain()).select(
            SQL("%s::bigint AS number", SQL.identifier(numbers._table, "number"))
        )
        [(first,)] = self.env.execute_query(
            SQL(
                """
                WITH pickable AS MATERIALIZED (%s), island AS (
                    SELECT min(number) AS first, count(*) AS size
                      FROM (
                        SELECT number,
                               number - row_number() OVER (ORDER BY number) AS place
                          FROM pickable WHERE number >= %s
                      ) placed
                     GROUP BY place
                )
                SELECT min(first) FROM island WHERE size >= %s
                """,
                pickable,
                int(start[:18]),
                self.quantity,
            )
        )
        return first
