# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import fields, models
from odoo.service.model import retrying
from odoo.tools import plaintext2html

ACTIVITY = "saperx_voip.mail_activity_sentinel"
# For so long a sentinel may be blind before somebody is asked.
BLIND = timedelta(minutes=30)


class SaperxSentinel(models.Model):
    """Somebody learns of a sentinel that sees nothing any more: meanwhile no fraud is
    noticed. Asked once an outage; done as soon as it reads again."""

    _name = "saperx.sentinel"
    _inherit = ["saperx.sentinel", "mail.activity.mixin"]

    told_blind_at = fields.Datetime(
        readonly=True,
        copy=False,
        help="When the responsible was asked because of the trouble that lasts.",
    )

    def write(self, vals):
        res = super().write(vals)
        if vals.get("active") is False:
            self._close_activity()
        return res

    def _record_trouble(self, explain, error):
        super()._record_trouble(explain, error)
        retrying(self._ask_if_blind, self.env)

    def _record_success(self):
        super()._record_success()
        if self.told_blind_at:
            self.told_blind_at = False
            self._close_activity()

    def _ask_if_blind(self):
        now = fields.Datetime.now()
        if self.told_blind_at or now - self.failed_since < BLIND:
            return
        self.told_blind_at = now
        for user in (self.responsible_id, self.create_uid):
            may_look = user.active and self.company_id in user.company_ids
            if may_look and user.has_group("saperx_voip.group_user"):
                self.activity_schedule(
                    ACTIVITY, note=plaintext2html(self.last_error), user_id=user.id
                )
                return

    def _close_activity(self):
        self.sudo().activity_unlink([ACTIVITY])
