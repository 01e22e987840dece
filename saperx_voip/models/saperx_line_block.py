# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

LEVELS = [("partial", "Partial"), ("full", "Full")]
REASONS = [
    ("overdue", "Overdue payment"),
    ("fraud", "Fraud"),
    ("on_request", "On request"),
    ("manual", "Manual"),
]
# What a block is, is told when it is made: it is ended and another one made.
FIXED_FIELDS = {"line_id", "reason", "level", "date_from", "user_id", "overdue_case_id"}


class SaperxLineBlock(models.Model):
    """One block of a line. The strictest open one rules; each lifts only itself."""

    _name = "saperx.line.block"
    _description = "Line block"
    _order = "date_from desc, id desc"
    _rec_name = "reason"

    line_id = fields.Many2one(
        "saperx.line", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(related="line_id.partner_id", string="Customer")
    reason = fields.Selection(REASONS, required=True, default="manual")
    level = fields.Selection(
        LEVELS,
        required=True,
        default="full",
        help="What each level does on the platform stands in the integration.",
    )
    date_from = fields.Datetime(
        string="From", required=True, default=fields.Datetime.now, index=True
    )
    date_to = fields.Datetime(
        string="To", index=True, help="Empty: until somebody lifts it."
    )
    user_id = fields.Many2one(
        "res.users",
        string="Blocked by",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.user,
    )
    ended_by_id = fields.Many2one(
        "res.users",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Who said when it ends. Empty: nobody, or its reason ended.",
    )
    note = fields.Char()
    overdue_case_id = fields.Many2one(
        "saperx.overdue.case", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    is_open = fields.Boolean(compute="_compute_is_open")
    is_over = fields.Boolean(compute="_compute_is_open")

    _ends_after_it_begins = models.Constraint(
        "CHECK (date_to IS NULL OR date_to >= date_from)",
        "A block ends after it begins.",
    )

    @api.depends("date_from", "date_to")
    def _compute_is_open(self):
        now = fields.Datetime.now()
        for block in self:
            block.is_open = block._is_open_at(now)
            block.is_over = block._is_over_at(now)

    @api.constrains("reason", "date_to")
    def _check_end(self):
        for block in self:
            if block.reason == "on_request" and not block.date_to:
                raise ValidationError(
                    self.env._("A block on request needs the date on which it ends.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals.pop("user_id", None)
            vals.pop("ended_by_id", None)
        blocks = super().create(vals_list)
        blocks.line_id._check_not_cancelled()
        for block in blocks:
            block.line_id.message_post(body=block._describe())
        blocks._follow()
        return blocks

    def write(self, vals):
        fixed = FIXED_FIELDS & vals.keys()
        if fixed:
            raise UserError(
                self.env._("A block stays as it was made: lift it and make another.")
            )
        now = fields.Datetime.now()
        if "date_to" in vals and any(
            block.date_to and block.date_to <= now for block in self
        ):
            raise UserError(self.env._("A block that has ended stays ended."))
        if "date_to" in vals and "ended_by_id" not in vals:
            vals = {**vals, "ended_by_id": vals["date_to"] and self.env.uid}
        res = super().write(vals)
        self._follow()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("Blocks are kept: lift this one instead."))

    def action_lift(self):
        """End these blocks now, and no other."""
        self.check_access("write")
        self._lift(self.env.user)

    def _lift(self, user=None):
        """:param user: who wants it so; None: their reason ended"""
        now = fields.Datetime.now()
        for block in self.filtered(lambda block: not block._is_over_at(now)):
            # One that has not begun yet ends where it would begin.
            block.write(
                {
                    "date_to": max(now, block.date_from),
                    "ended_by_id": user.id if user else False,
                }
            )
            block.line_id.message_post(
                body=self.env._("Block lifted: %s.", block._describe())
            )

    def _is_open_at(self, moment):
        self.ensure_one()
        begun = bool(self.date_from) and self.date_from <= moment
        return begun and not self._is_over_at(moment)

    def _is_over_at(self, moment):
        self.ensure_one()
        return bool(self.date_to) and self.date_to <= moment

    def _describe(self):
        self.ensure_one()
        described = [
            dict(self._fields[name]._description_selection(self.env))[self[name]]
            for name in ("reason", "level")
        ]
        return self.env._(
            "%(reason)s, %(level)s block%(note)s",
            reason=described[0],
            level=described[1].lower(),
            note=f": {self.note}" if self.note else "",
        )

    def _follow(self):
        """Let the lines follow now, and again when a block begins or ends."""
        self.line_id._follow_moments()
        moments = [*self.mapped("date_from"), *self.mapped("date_to")]
        self.line_id._look_again_at(moments)
