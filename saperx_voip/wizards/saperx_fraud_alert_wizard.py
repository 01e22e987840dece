# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError


class SaperxFraudAlertWizard(models.TransientModel):
    """Say what came of an alert, and lift what the sentinel blocked if it was none."""

    _name = "saperx.fraud.alert.wizard"
    _description = "Handle a fraud alert"

    alert_id = fields.Many2one("saperx.fraud.alert", required=True, readonly=True)
    line_id = fields.Many2one(related="alert_id.line_id")
    summary = fields.Text(related="line_id.open_fraud_alerts")
    has_blocked = fields.Boolean(compute="_compute_has_blocked")
    undo = fields.Boolean(
        string="Lift what the sentinel blocked",
        help="The line may do again what it did before. Other blocks stay.",
    )
    note = fields.Text(string="What came of it", required=True)

    @api.depends("alert_id")
    def _compute_has_blocked(self):
        for wizard in self:
            alerts = wizard.line_id.fraud_alert_ids
            wizard.has_blocked = any(
                alert.state == "open" and alert.done != "nothing" for alert in alerts
            )

    @api.constrains("alert_id")
    def _check_may_handle(self):
        """A wizard shows nothing of alerts that are not its user's to handle."""
        self.alert_id._check_may_handle()

    def action_acknowledge(self):
        self.ensure_one()
        alert = self.alert_id
        alert._check_may_handle()
        if alert.state != "open":
            raise UserError(
                self.env._(
                    "%s has handled this alert already.",
                    alert.acknowledged_by_id.name,
                )
            )
        alert.sudo()._acknowledge(self.note, undo=self.undo)
        return {"type": "ir.actions.act_window_close"}
