# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxLineProfile(models.Model):
    """What lines of this profile may do before the sentinel raises an alert."""

    _name = "saperx.line.profile"
    _inherit = ["saperx.line.profile", "saperx.sentinel.limits"]


class SaperxLine(models.Model):
    """What the line may do before the sentinel raises an alert, and what it found."""

    _name = "saperx.line"
    _inherit = ["saperx.line", "saperx.sentinel.limits"]

    sentinel_hour_amount = fields.Monetary(tracking=True, copy=False)
    sentinel_day_amount = fields.Monetary(tracking=True, copy=False)
    sentinel_country_ids = fields.Many2many(copy=False)
    sentinel_long_calls = fields.Integer(tracking=True, copy=False)
    sentinel_long_minutes = fields.Integer(tracking=True, copy=False)
    sentinel_habit_factor = fields.Float(tracking=True, copy=False)
    sentinel_action = fields.Selection(tracking=True, copy=False)
    fraud_alert_ids = fields.One2many("saperx.fraud.alert", "line_id")
    open_fraud_alerts = fields.Text(
        string="Open fraud alerts", compute="_compute_open_fraud_alerts"
    )

    def _compute_open_fraud_alerts(self):
        for line in self:
            alerts = line.fraud_alert_ids.filtered(lambda alert: alert.state == "open")
            line.open_fraud_alerts = " ".join(alerts.mapped("summary"))

    def action_view_fraud_alerts(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_fraud_alert_action"
        )
        return {**action, "domain": [("line_id", "=", self.id)], "context": {}}


class SaperxLineBlock(models.Model):
    _inherit = "saperx.line.block"

    fraud_alert_ids = fields.One2many("saperx.fraud.alert", "block_id")

    def write(self, vals):
        res = super().write(vals)
        if vals.get("date_to"):
            self._clear_alerts()
        return res

    def _clear_alerts(self):
        """Who lifts a block for fraud has looked at its calls: they make no other."""
        lifted = self.filtered(lambda block: block.is_over and block.ended_by_id)
        alerts = lifted.sudo().fraud_alert_ids
        alerts = alerts.filtered(lambda alert: alert.state == "open")
        if alerts:
            alerts.with_user(self.env.user).sudo()._acknowledge(
                self.env._("The block was lifted.")
            )
