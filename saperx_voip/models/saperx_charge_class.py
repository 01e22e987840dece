# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

from .call_class import CALL_CLASSES


class SaperxChargeClass(models.Model):
    """What one class of calls adds to a charge."""

    _name = "saperx.charge.class"
    _description = "Charge by call class"
    _order = "charge_id, id"
    _rec_name = "call_class"
    # Who made them, and when, stands on the charge.
    _log_access = False

    charge_id = fields.Many2one(
        "saperx.charge", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="charge_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="charge_id.currency_id")
    call_class = fields.Selection(CALL_CLASSES, string="Class", required=True)
    call_count = fields.Integer(string="Calls")
    charged_seconds = fields.Integer()
    gross_amount = fields.Monetary()
    covered_amount = fields.Monetary(string="Allowance used")
    amount = fields.Monetary()
    cost = fields.Float(
        digits=(16, 6),
        groups="saperx_voip.group_billing",
        help="What the calls cost on the platform, also those that were covered.",
    )

    def action_view_calls(self):
        """Those behind these figures."""
        self.ensure_one()
        return self.charge_id._get_calls_action([("call_class", "=", self.call_class)])
