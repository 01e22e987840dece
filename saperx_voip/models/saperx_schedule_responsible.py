# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models
from odoo.tools import plaintext2html

ACTIVITY = "saperx_voip.mail_activity_task"
# So many attempts in a row, some twenty minutes, before somebody is asked: most
# trouble passes sooner.
ATTEMPTS = 3
READS_TASKS = "saperx_voip.group_technician,saperx_voip.group_billing"


class SaperxSchedule(models.Model):
    """Somebody learns of a task that goes on failing, without having to look.

    One open activity a task, made at most once a run, so that whoever marks it done is
    not asked again each hour; it goes away as soon as the task works again.
    """

    _name = "saperx.schedule"
    _inherit = ["saperx.schedule", "mail.activity.mixin"]

    responsible_id = fields.Many2one(
        "res.users",
        default=lambda self: self.env.user,
        tracking=True,
        ondelete="set null",
        index="btree_not_null",
        help="Has an activity when the task fails, or failed three times in a row. "
        "Empty: whoever made the task.",
    )
    told_at = fields.Datetime(
        readonly=True,
        copy=False,
        help="When the responsible was asked because of the last run. Empty: not yet.",
    )

    def write(self, vals):
        res = super().write(vals)
        if vals.get("active") is False:
            self._close_activity()
        return res

    def _begin(self):
        res = super()._begin()
        self.told_at = False
        return res

    def _record(self, values):
        res = super()._record(values)
        for schedule in self:
            if schedule.last_state == "done":
                schedule._close_activity()
            elif schedule._is_in_trouble() and not schedule.told_at:
                schedule._ask_responsible()
        return res

    def _is_in_trouble(self):
        return self.active and (
            self.last_state == "failed"
            or (self.last_state == "waiting" and self.retry_count >= ATTEMPTS)
        )

    def _ask_responsible(self):
        self.told_at = fields.Datetime.now()
        user = self._get_responsible()
        if user and not self.activity_search([ACTIVITY]):
            self.activity_schedule(
                ACTIVITY, note=plaintext2html(self.last_error or ""), user_id=user.id
            )

    def _close_activity(self):
        self.sudo().activity_unlink([ACTIVITY])

    def _get_responsible(self):
        """Whoever answers for it, or made it, and may look at it. Maybe nobody."""
        for user in (self.responsible_id, self.create_uid):
            may_look = user.active and self.company_id in user.company_ids
            if may_look and user.has_groups(READS_TASKS):
                return user
        return self.env["res.users"]

    def _get_reader(self):
        """Whose language trouble is told in."""
        return self._get_responsible() or self.create_uid
