# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class SaperxNumberReserveWizard(models.TransientModel):
    """Keep numbers of the stock for a customer until a day."""

    _name = "saperx.number.reserve.wizard"
    _description = "Reserve numbers"

    number_ids = fields.Many2many("saperx.number", string="Numbers", required=True)
    partner_id = fields.Many2one("res.partner", string="Customer", required=True)
    until = fields.Date(
        required=True,
        default=lambda self: (
            self.env.company._get_telephony_today() + timedelta(days=30)
        ),
        help="Last day of the reservation.",
    )

    @api.constrains("until")
    def _check_until(self):
        for wizard in self:
            if wizard.until < self.env.company._get_telephony_today():
                raise ValidationError(
                    self.env._("A reservation ends today at the earliest.")
                )

    def action_reserve(self):
        self.ensure_one()
        self.number_ids._reserve(self.partner_id, self.until)
        return {"type": "ir.actions.act_window_close"}
