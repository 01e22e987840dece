# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from markupsafe import Markup

from odoo import models

from ..forms import tell_forms
from .saperx_fraud_alert import NEVER_BLOCKS

ACTIVITY = "saperx_voip.mail_activity_fraud"


class SaperxFraudAlert(models.Model):
    """What an alert does: to the line, and to those who must know."""

    _inherit = "saperx.fraud.alert"  # pylint: disable=consider-merging-classes-inherited

    def _act(self, action):
        """Block what the settings say, once an alert; the push follows at once.

        :param action: of ``ACTIONS``; the alerts are of one line
        """
        line = self.line_id
        waiting = self.filtered(
            lambda alert: alert.done == "nothing" and alert.rule not in NEVER_BLOCKS
        )
        if not waiting or line.state == "cancelled":
            return
        if action == "international":
            # Of a balance nobody knows by which calls it falls.
            waiting.filtered(
                lambda alert: alert.countries or alert.rule == "balance"
            )._cut_international(line)
        elif action == "line":
            waiting._block(line)

    def _cut_international(self, line):
        """Nothing is cut that was not allowed anyway."""
        if self and line.allow_ldi:
            line.allow_ldi = False
            self.write({"done": "international", "cut_international": True})

    def _block(self, line):
        """A block for fraud that is open already serves."""
        block = line.block_ids.filtered(
            lambda block: (
                block.reason == "fraud" and block.level == "full" and block.is_open
            )
        )[:1]
        if not block:
            block = self.env["saperx.line.block"].create(
                {
                    "line_id": line.id,
                    "reason": "fraud",
                    "level": "full",
                    "note": self._in_their_language().env._("Sentinel"),
                }
            )
        self.write({"done": "line", "block_id": block.id})

    def _undo(self):
        for line, alerts in self.grouped("line_id").items():
            alerts.block_id._lift(self.env.user)
            cut = any(alerts.mapped("cut_international"))
            if cut and line.state != "cancelled":
                line.allow_ldi = True

    def _get_responsible(self):
        """Whoever the sentinel names, if he may look at the line; else whoever answers
        for the line."""
        user = self.sentinel_id.responsible_id
        may_look = (
            user.active
            and self.company_id in user.company_ids
            and user.has_group("saperx_voip.group_user")
        )
        return user if may_look else self.line_id._get_responsible()

    def _in_their_language(self):
        """Nobody is logged in when a scheduled action speaks."""
        user = self._get_responsible()
        lang = (user or self.sentinel_id.create_uid).lang or self.env.lang
        return self.with_context(lang=lang)

    def _tell(self):
        """One message and one activity a line, a mail for each alert if one is set."""
        told = self._in_their_language()
        line = told.line_id
        did = dict(told._fields["done"]._description_selection(told.env))
        done = {alert.done for alert in told}
        text = told.env._("Sentinel: this looks like fraud.")
        body = Markup("<p>%s</p>%s<p>%s</p>") % (
            text,
            told._describe(),
            " ".join(f"{did[one]}." for one in sorted(done)),
        )
        line.message_post(body=body)
        line.activity_unlink([ACTIVITY])
        if user := told._get_responsible():
            line.activity_schedule(ACTIVITY, note=body, user_id=user.id)
        for alert in told:
            if template := alert.sentinel_id.template_id:
                template.send_mail(alert.id)
                self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()
        tell_forms(line)

    def _close_activities(self):
        self.line_id.sudo().activity_unlink([ACTIVITY])
