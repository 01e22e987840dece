# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from decimal import Decimal

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError

from ..sentinel import Limits
from .saperx_sentinel_limits import ACTIONS


class SaperxSentinel(models.Model):
    """The watch over the latest calls of one integration, against toll fraud.

    Apart from billing: it neither waits for an import nor holds one up, and writes no
    row that either works on. A scheduled action of its own, so that a platform that
    hangs delays nobody else's. How it reads stands in ``saperx_sentinel_reading``.
    """

    _name = "saperx.sentinel"
    _description = "Sentinel against toll fraud"
    _inherit = ["mail.thread", "saperx.sentinel.limits"]
    _order = "integration_id"
    _rec_name = "integration_id"

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        index=True,
        ondelete="cascade",
        default=lambda self: self.env["saperx.integration"].search(
            [("company_id", "in", self.env.companies.ids)], limit=1
        ),
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    active = fields.Boolean(default=True, tracking=True)
    interval_minutes = fields.Integer(
        string="Minutes between readings", required=True, default=5, tracking=True
    )
    lookback_hours = fields.Integer(
        required=True,
        default=6,
        tracking=True,
        help="A call shows when it has ended: so many hours are read again each time. "
        "A call that lasts longer is missed.",
    )
    responsible_id = fields.Many2one(
        "res.users",
        default=lambda self: self.env.user,
        tracking=True,
        ondelete="set null",
        index=True,
        help="Has an activity for each line with an alert. Empty: whoever answers for "
        "the contract.",
    )
    template_id = fields.Many2one(
        "mail.template",
        string="Mail of an alert",
        domain="[('model', '=', 'saperx.fraud.alert')]",
        ondelete="set null",
        help="Sent at once for each alert. Empty: none is sent.",
    )
    sentinel_hour_amount = fields.Monetary(default=50, tracking=True)
    sentinel_day_amount = fields.Monetary(default=200, tracking=True)
    sentinel_long_calls = fields.Integer(default=3, tracking=True)
    sentinel_long_minutes = fields.Integer(default=10, tracking=True)
    sentinel_habit_factor = fields.Float(default=5, tracking=True)
    habit_floor = fields.Monetary(
        string="Not far above habit up to",
        default=20,
        help="Whoever hardly calls is soon far above habit: so little is none.",
    )
    sentinel_action = fields.Selection(
        ACTIONS, required=True, default="alert", tracking=True
    )
    cron_id = fields.Many2one(
        "ir.cron",
        string="Scheduled action",
        readonly=True,
        copy=False,
        index=True,
        ondelete="set null",
        groups="base.group_system",
    )
    read_until = fields.Datetime(
        string="Watched until",
        readonly=True,
        copy=False,
        help="All calls that had ended by then were looked at.",
    )
    last_error = fields.Text(readonly=True, copy=False)
    failed_since = fields.Datetime(readonly=True, copy=False)
    open_alert_count = fields.Integer(compute="_compute_open_alert_count")

    _one_an_integration = models.UniqueIndex(
        "(integration_id)", "This integration has a sentinel already."
    )
    _intervals_in_range = models.Constraint(
        "CHECK (interval_minutes BETWEEN 1 AND 1440 AND lookback_hours BETWEEN 0 AND"
        " 72)",
        "Between readings lie 1 to 1440 minutes, and 0 to 72 hours are read again.",
    )

    def _compute_open_alert_count(self):
        counts = dict(
            self.env["saperx.fraud.alert"]._read_group(
                [("sentinel_id", "in", self.ids), ("state", "=", "open")],
                ["sentinel_id"],
                ["__count"],
            )
        )
        for sentinel in self:
            sentinel.open_alert_count = counts.get(sentinel, 0)

    @api.model_create_multi
    def create(self, vals_list):
        sentinels = super().create(vals_list)
        sentinels._follow_cron()
        return sentinels

    def write(self, vals):
        if "integration_id" in vals and any(
            sentinel.integration_id.id != vals["integration_id"] for sentinel in self
        ):
            raise UserError(
                self.env._("A sentinel stays with its integration. Make another one.")
            )
        if vals.get("active") and not all(self.mapped("active")):
            # What happened while nobody watched is not alerted of now.
            vals = {**vals, "read_until": False}
        res = super().write(vals)
        if {"active", "interval_minutes"} & vals.keys():
            self._follow_cron()
        return res

    def unlink(self):
        crons = self.sudo().cron_id
        res = super().unlink()
        actions = crons.ir_actions_server_id
        crons.unlink()
        actions.unlink()
        return res

    def _follow_cron(self):
        """Each has a scheduled action that runs as often as it says."""
        for sentinel in self.sudo():
            if not sentinel.cron_id:
                sentinel.cron_id = (
                    self.env["ir.cron"]
                    .sudo()
                    .create(
                        {
                            "name": self.env._(
                                "SaperX, sentinel: %s", sentinel.integration_id.name
                            ),
                            "model_id": self.env["ir.model"]._get_id(self._name),
                            "state": "code",
                            "code": "model._cron_watch()",
                            # Whoever made it may leave.
                            "user_id": SUPERUSER_ID,
                            "interval_number": sentinel.interval_minutes,
                            "interval_type": "minutes",
                            "nextcall": fields.Datetime.now()
                            + timedelta(minutes=sentinel.interval_minutes),
                            "active": sentinel.active,
                        }
                    )
                )
                continue
            sentinel.cron_id.write(
                {
                    "active": sentinel.active,
                    "interval_number": sentinel.interval_minutes,
                }
            )

    def action_read_now(self):
        self.check_access("read")
        if not self.env.user.has_groups(
            "saperx_voip.group_technician,saperx_voip.group_billing"
        ):
            raise AccessError(
                self.env._("Only technicians and billing may begin a reading.")
            )
        for sentinel in self.sudo():
            if not sentinel.active or not sentinel.integration_id.active:
                raise UserError(
                    self.env._(
                        "“%s” is not watched: the sentinel or its integration is "
                        "archived.",
                        sentinel.display_name,
                    )
                )
            sentinel.cron_id._trigger()

    def action_view_alerts(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_fraud_alert_action"
        )
        return {**action, "domain": [("sentinel_id", "=", self.id)]}

    def _get_limits(self, line):
        """Of a line: what it says, else its profile, else this sentinel.

        :return: ``Limits``
        """
        self.ensure_one()

        def said(name):
            return next((one[name] for one in holders if one[name]), None)

        holders = (line, line.profile_id, self)
        hour, day, factor = (
            Decimal(str(value)) if (value := said(f"sentinel_{name}")) else None
            for name in ("hour_amount", "day_amount", "habit_factor")
        )
        countries = said("sentinel_country_ids")
        return Limits(
            hour_amount=hour,
            day_amount=day,
            countries=frozenset(countries.mapped("code")) if countries else frozenset(),
            long_calls=said("sentinel_long_calls"),
            long_seconds=60 * (said("sentinel_long_minutes") or 0),
            habit_factor=factor,
            habit_floor=Decimal(str(self.habit_floor or 0)),
        )

    def _get_action(self, line):
        """:return: what is done to a line on which something is found"""
        self.ensure_one()
        return (
            line.sentinel_action
            or line.profile_id.sentinel_action
            or self.sentinel_action
        )
