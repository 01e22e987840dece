# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL
from odoo.tools.misc import format_date

from ..rating import local_date


class SaperxCharge(models.Model):
    """The telephony additional: the calls of one line, in one cycle, of one run.

    Late calls of an older cycle make a charge of that cycle in the next run, so
    that a line and a cycle may have several.
    """

    _name = "saperx.charge"
    _description = "Telephony additional"
    _inherit = ["mail.thread"]
    _mail_post_access = "read"
    _order = "cycle_end desc, id desc"
    _check_company_auto = True

    line_id = fields.Many2one(
        "saperx.line",
        string="SIP line",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    period_id = fields.Many2one(
        "saperx.line.period",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    contract_id = fields.Many2one(
        "contract.contract",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    cycle_start = fields.Date(required=True, readonly=True)
    cycle_end = fields.Date(
        required=True, readonly=True, help="Its last day, inclusive."
    )
    class_ids = fields.One2many(
        "saperx.charge.class", "charge_id", string="By class", readonly=True
    )
    allowance_ids = fields.One2many(
        "saperx.charge.allowance", "charge_id", string="Allowances", readonly=True
    )
    call_count = fields.Integer(string="Calls", readonly=True)
    charged_seconds = fields.Integer(readonly=True)
    gross_amount = fields.Monetary(readonly=True)
    covered_amount = fields.Monetary(string="Allowance used", readonly=True)
    amount = fields.Monetary(readonly=True, tracking=True)
    cost = fields.Monetary(
        readonly=True,
        groups="saperx_voip.group_billing",
        help="What the calls cost on the platform, also those that were covered.",
    )
    margin = fields.Monetary(
        compute="_compute_margin",
        store=True,
        groups="saperx_voip.group_billing",
        help="Amount less cost.",
    )
    state = fields.Selection(
        [
            ("draft", "Draft"),
            ("confirmed", "Confirmed"),
            ("invoiced", "Invoiced"),
            ("written_off", "Written off"),
            ("cancelled", "Cancelled"),
        ],
        required=True,
        readonly=True,
        default="draft",
        index=True,
        tracking=True,
    )
    confirmed_at = fields.Datetime(readonly=True)
    last_day = fields.Date(
        compute="_compute_last_day",
        help="Of the cycle, or of the line's terms if they ended inside it.",
    )
    move_line_ids = fields.One2many(
        "account.move.line", "saperx_charge_id", string="Invoice lines", readonly=True
    )
    move_id = fields.Many2one(
        "account.move", string="Invoice", compute="_compute_move_id", compute_sudo=True
    )
    is_on_posted_invoice = fields.Boolean(compute="_compute_move_id", compute_sudo=True)

    @api.depends("line_id", "cycle_start", "last_day")
    def _compute_display_name(self):
        for charge in self:
            charge.display_name = (
                f"{charge.line_id.display_name} "
                f"{format_date(self.env, charge.cycle_start)} – "
                f"{format_date(self.env, charge.last_day)}"
            )

    @api.depends("cycle_end", "period_id.date_to", "integration_id.timezone")
    def _compute_last_day(self):
        for charge in self.sudo():
            charge.last_day = charge.cycle_end
            if ends := charge.period_id.date_to:
                zone = ZoneInfo(charge.integration_id.timezone)
                before = local_date(ends - timedelta(microseconds=1), zone)
                charge.last_day = min(charge.cycle_end, before)

    @api.depends("amount", "cost")
    def _compute_margin(self):
        for charge in self:
            charge.margin = charge.amount - charge.cost

    @api.depends(
        "move_line_ids.move_id",
        "move_line_ids.parent_state",
        "move_line_ids.saperx_reversal_move_id.state",
    )
    def _compute_move_id(self):
        for charge in self:
            move = charge._get_live_move_lines().move_id[:1]
            charge.move_id = move
            charge.is_on_posted_invoice = move.state == "posted"

    @api.ondelete(at_uninstall=False)
    def _unlink_except_empty(self):
        if any(charge.call_count for charge in self):
            raise UserError(
                self.env._("A charge that took calls is cancelled, not deleted.")
            )

    def _check_billing(self):
        """Charges are changed by their buttons alone, and by billing alone."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may change charges."))

    def action_confirm(self):
        self._check_billing()
        self.filtered(lambda charge: charge.state == "draft").sudo()._confirm()

    def action_cancel(self):
        """Let go of the calls: they can be charged again."""
        self._check_billing()
        if "invoiced" in self.mapped("state"):
            raise UserError(
                self.env._(
                    "An invoiced charge is freed by deleting or cancelling its "
                    "invoice, or by reversing it once it is posted."
                )
            )
        if "written_off" in self.mapped("state"):
            raise UserError(
                self.env._(
                    "A charge that was written off stays so: its calls are not "
                    "charged again."
                )
            )
        charges = self.filtered(lambda charge: charge.state != "cancelled").sudo()
        self.env.flush_all()
        # What the platform corrected meanwhile counts from now on.
        self.env["saperx.cdr.change"]._apply(charges)
        freed = self.env.execute_query(
            SQL(
                # Of what it corrected before corrections were kept, the next reading
                # tells.
                "UPDATE saperx_cdr SET charge_id = NULL, state = 'unbilled',"
                " fingerprint = CASE WHEN is_changed_after_billing THEN NULL"
                " ELSE fingerprint END, is_changed_after_billing = FALSE"
                " WHERE charge_id = ANY(%s) RETURNING id",
                charges.ids,
            )
        )
        self.env["saperx.cdr"].invalidate_model()
        charges.state = "cancelled"
        # Prices, lines and numbers may have changed since they were charged.
        self.env["saperx.cdr"]._reassess([("id", "in", [call for [call] in freed])])

    def action_view_calls(self):
        self.ensure_one()
        return self._get_calls_action([])

    def _get_calls_action(self, domain):
        """:param domain: which of its calls"""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {
            **action,
            "domain": [("charge_id", "=", self.id), *domain],
            "context": {},
        }

    def action_view_invoice(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.move_id.id,
            "views": [(False, "form")],
        }

    def _confirm(self):
        self.write({"state": "confirmed", "confirmed_at": fields.Datetime.now()})
