# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.exceptions import ValidationError


class SaperxLine(models.Model):
    """Lines that share an allowance close their cycles on one day."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    @api.constrains("tariff_id", "closing_day", "contract_id")
    def _check_shared_closing_day(self):
        """Lines of one contract with a plan whose allowance they share have one
        closing day; cancelled lines do not count.

        :raise ValidationError: names the two lines
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
            ["closing_day:count_distinct", "id:recordset"],
        )
        for _contract, tariff, days, together in groups:
            if days > 1:
                line = (together & lines)[:1]
                other = together.filtered(
                    lambda other, line=line: other.closing_day != line.closing_day
                )[:1]
                if not line or not other:
                    continue
                raise ValidationError(
                    self.env._(
                        "The lines of a contract share the allowance of the billing "
                        "plan “%(tariff)s”, so that they need one closing day: "
                        "%(line)s closes on day %(day)s, %(other)s on day "
                        "%(other_day)s.",
                        tariff=tariff.display_name,
                        line=line.display_name,
                        day=line.closing_day,
                        other=other.display_name,
                        other_day=other.closing_day,
                    )
                )
