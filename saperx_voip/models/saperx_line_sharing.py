# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools.misc import format_date


class SaperxLine(models.Model):
    """Lines that share an allowance close their cycles on one day, at one moment."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    @api.constrains("tariff_id", "closing_day", "contract_id")
    def _check_shared_closing_day(self):
        """Lines of one contract with a plan whose allowance they share have one
        closing day and one time zone; cancelled lines do not count.

        :raise ValidationError: names the two lines, or their integrations
        """
        lines = self.sudo().filtered(
            lambda line: (
                line.state != "cancelled"
                and any(line.tariff_id.allowance_ids.mapped("is_shared"))
            )
        )
        groups = self.sudo()._read_group(
            [
                ("contract_id", "in", lines.contract_id.ids),
                ("tariff_id", "in", lines.tariff_id.ids),
                ("state", "!=", "cancelled"),
            ],
            ["contract_id", "tariff_id"],
            ["id:recordset"],
        )
        for _contract, tariff, together in groups:
            if line := (together & lines)[:1]:
                line._check_closes_with(together, tariff)
                line._check_closes_with_planned(tariff, lines)
                line._check_one_timezone(together, tariff)

    def _check_closes_with(self, sharers, tariff):
        self.ensure_one()
        other = sharers.filtered(lambda other: other.closing_day != self.closing_day)
        if other:
            raise ValidationError(
                self.env._(
                    "The lines of a contract share the allowance of the billing "
                    "plan “%(tariff)s”, so that they need one closing day: "
                    "%(line)s closes on day %(day)s, %(other)s on day "
                    "%(other_day)s.",
                    tariff=tariff.display_name,
                    line=self.display_name,
                    day=self.closing_day,
                    other=other[0].display_name,
                    other_day=other[0].closing_day,
                )
            )

    def _check_closes_with_planned(self, tariff, lines):
        """Nor may a line that shares it from some day on close on another one then.

        :param lines: those that change together
        """
        self.ensure_one()
        planned = self.env["saperx.line.period"].sudo()
        planned = planned.search(
            [
                ("line_id", "not in", lines.ids),
                ("line_id.state", "!=", "cancelled"),
                ("contract_id", "=", self.contract_id.id),
                ("tariff_id", "=", tariff.id),
                ("closing_day", "!=", self.closing_day),
                ("date_from", ">", fields.Datetime.now()),
            ],
            limit=1,
        )
        if planned:
            raise ValidationError(
                self.env._(
                    "From %(date)s on %(other)s shares the allowance of the billing "
                    "plan “%(tariff)s”, and closes on day %(other_day)s then, "
                    "%(line)s on day %(day)s: take its planned change back first.",
                    date=format_date(
                        self.env, planned._get_local_day(planned.date_from)
                    ),
                    other=planned.line_id.display_name,
                    tariff=tariff.display_name,
                    other_day=planned.closing_day,
                    line=self.display_name,
                    day=self.closing_day,
                )
            )

    def _check_one_timezone(self, sharers, tariff):
        """Their cycles end at one moment, or the allowance would be given once for
        each time zone.

        :raise ValidationError: names the two integrations
        """
        self.ensure_one()
        integration = self.integration_id
        other = sharers.integration_id.filtered(
            lambda other: other.timezone != integration.timezone
        )
        if other:
            raise ValidationError(
                self.env._(
                    "The lines of a contract share the allowance of the billing "
                    "plan “%(tariff)s”, so that they need one time zone: that of "
                    "“%(integration)s” is %(timezone)s, that of “%(other)s” "
                    "%(other_timezone)s.",
                    tariff=tariff.display_name,
                    integration=integration.name,
                    timezone=integration.timezone,
                    other=other[0].name,
                    other_timezone=other[0].timezone,
                )
            )
