# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL


class SaperxDisputeCall(models.Model):
    """A call in a dispute, and what became of it.

    ``open`` and ``waived`` calls are not charged: ``saperx.cdr._settle_disputes`` sees
    to it. ``credited`` ones are charged like any other, and the credit stands beside.
    """

    _name = "saperx.dispute.call"
    _description = "Call in a dispute"
    _order = "dispute_id, id"
    _rec_name = "call_id"

    dispute_id = fields.Many2one(
        "saperx.dispute", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="dispute_id.company_id", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    call_id = fields.Many2one(
        "saperx.cdr", required=True, index=True, ondelete="restrict"
    )
    start = fields.Datetime(related="call_id.start")
    line_id = fields.Many2one(related="call_id.line_id", string="SIP line")
    shown_number = fields.Char(related="call_id.shown_number", string="Other party")
    call_class = fields.Selection(related="call_id.call_class", string="Class")
    talk_seconds = fields.Integer(related="call_id.talk_seconds")
    charge_id = fields.Many2one(related="call_id.charge_id")
    amount = fields.Monetary(
        readonly=True,
        compute="_compute_amount",
        store=True,
        precompute=True,
        help="What the call cost when it was disputed.",
    )
    is_accepted = fields.Boolean(string="Accept", default=True)
    only_amount = fields.Monetary(
        string="Accept only (0: all)",
        help="Empty: the whole call. Credited once invoiced.",
    )
    accepted_amount = fields.Monetary(string="Accepted amount", readonly=True)
    state = fields.Selection(
        [
            ("open", "Undecided"),
            ("waived", "Not charged"),
            ("credited", "Credited"),
            ("rejected", "Stays charged"),
        ],
        required=True,
        readonly=True,
        default="open",
    )

    _open_call = models.UniqueIndex(
        "(call_id) WHERE state != 'rejected'",
        "This call is in a dispute already, or one of it was accepted.",
    )
    _settled = models.Index("(call_id) WHERE state IN ('open', 'waived')")

    @api.depends("call_id")
    def _compute_amount(self):
        # As it is when the call is disputed: it depends on nothing that comes later.
        for row in self:
            row.amount = row.call_id.charged_amount

    @api.constrains("only_amount")
    def _check_only_amount(self):
        for row in self:
            if not 0 <= row.only_amount <= row.amount:
                raise ValidationError(
                    self.env._("What is accepted lies between 0 and what is disputed.")
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            for name in ("accepted_amount", "amount", "state"):
                vals.pop(name, None)
            if not self.env["saperx.dispute"]._is_billing():
                for name in ("is_accepted", "only_amount"):
                    vals.pop(name, None)
        self._check_not_disputed({vals["call_id"] for vals in vals_list})
        rows = super().create(vals_list)
        rows.call_id.check_access("read")
        rows.sudo()._hold()
        return rows

    def write(self, vals):
        if not self.env.su:
            if vals.keys() - {"is_accepted", "only_amount"}:
                raise UserError(self.env._("A dispute keeps its calls."))
            self.dispute_id._check_billing()
            if set(self.mapped("state")) - {"open"}:
                raise UserError(self.env._("This dispute is decided already."))
        return super().write(vals)

    def _hold(self):
        """Let the calls wait for the decision, if they may be disputed at all."""
        self.dispute_id._check_targets()
        for row in self:
            row._check_may_be_disputed()
        self.flush_model()
        calls = self.env["saperx.cdr"].sudo()
        calls._draw_allowances(calls._settle_disputes())
        self.call_id.charge_id._follow_disputes()

    @api.model
    def _check_not_disputed(self, call_ids):
        # Who disputes one of them in the same moment begins again, and is told.
        self.env.execute_query(
            SQL(
                "UPDATE saperx_cdr SET state = state WHERE id = ANY(%s) RETURNING id",
                sorted(call_ids),
            )
        )
        row = self.sudo().search(
            [("call_id", "in", list(call_ids)), ("state", "!=", "rejected")], limit=1
        )
        if row:
            raise UserError(
                self.env._(
                    "The call %(call)s is in the dispute %(dispute)s already.",
                    call=row.with_env(self.env).call_id.display_name,
                    dispute=row.dispute_id.name,
                )
            )

    def _check_may_be_disputed(self):
        self.ensure_one()
        call = self.call_id
        if self.dispute_id.state != "open":
            raise UserError(self.env._("This dispute is decided already."))
        if self.dispute_id.charge_id:
            raise UserError(
                self.env._("A dispute is of a whole charge or of calls, not of both.")
            )
        if call.state not in ("unbilled", "billed"):
            raise UserError(
                self.env._(
                    "The call %s is neither charged nor to be charged: there is "
                    "nothing to dispute.",
                    call.display_name,
                )
            )
        charge = call.charge_id
        if charge:
            charge._check_may_be_disputed()
        if whole := charge._get_open_disputes():
            raise UserError(
                self.env._(
                    "The charge %(charge)s is in dispute as a whole: %(dispute)s.",
                    charge=charge.display_name,
                    dispute=whole.name,
                )
            )

    @api.model
    def _get_open_of(self, charges):
        """The open rows of calls that these charges hold."""
        return self.search(
            [("state", "=", "open"), ("call_id.charge_id", "in", charges.ids)]
        )
