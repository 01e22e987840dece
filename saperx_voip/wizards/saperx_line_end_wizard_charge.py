# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models


class SaperxLineEndWizardCharge(models.TransientModel):
    """What is left to charge of a line that ends, by cycle."""

    _name = "saperx.line.end.wizard.charge"
    _description = "Final charge of a line that ends"

    wizard_id = fields.Many2one(
        "saperx.line.end.wizard", index=True, ondelete="cascade"
    )
    port_out_wizard_id = fields.Many2one(
        "saperx.did.port.out.wizard", index=True, ondelete="cascade"
    )
    line_id = fields.Many2one("saperx.line", string="SIP line")
    partner_id = fields.Many2one("res.partner", string="Customer")
    currency_id = fields.Many2one(related="line_id.currency_id")
    date_from = fields.Date(string="Cycle from")
    date_to = fields.Date(string="Until")
    calls = fields.Integer(string="Calls so far")
    amount = fields.Monetary(string="Amount so far")
    allowance = fields.Char(help="Used of what the cycle has.")
    charged_from = fields.Date(
        string="Charged from",
        help="Once its calls are imported and late ones had their time.",
    )

    @api.model
    def _prepare_rows(self, moments):
        """:param dict moments: by ``saperx.line`` record, when it ends (naive UTC)"""
        lines = self.env["saperx.line"].browse(line.id for line in moments)
        ends = {line.id: moment for line, moment in moments.items()}
        return [self._prepare_row(group) for group in lines._get_final_charges(ends)]

    @api.model
    def _prepare_row(self, group):
        period = group["period"]
        first, last = period._get_cycle(group["cycle_end"])
        if period.date_from:
            first = max(first, period._get_local_day(period.date_from))
        ends = min(filter(None, (period.date_to, group["line_ends"])))
        until = period._get_local_day(ends - timedelta(microseconds=1))
        return {
            "line_id": group["line"].id,
            "partner_id": period.partner_id.id,
            "date_from": first,
            "date_to": min(last, until),
            "calls": group["calls"],
            "amount": group["amount"],
            "allowance": "; ".join(
                self._describe_balance(allowance.sudo(), balance)
                for allowance, balance in group["balances"]
            ),
            "charged_from": period._get_local_day(group["ripe_at"]),
        }

    @api.model
    def _describe_balance(self, allowance, balance):
        return self.env._(
            "%(used)s of %(given)s",
            used=allowance._format_quantity(balance.used),
            given=allowance._format_quantity(balance.own + balance.carried),
        )
