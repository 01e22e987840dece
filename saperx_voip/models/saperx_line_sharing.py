# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.exceptions import ValidationError


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
