# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError


class SaperxChargeWizard(models.TransientModel):
    """*Gerar adicional de telefonia*: see what would be charged, then charge it."""

    _name = "saperx.charge.wizard"
    _description = "Generate the telephony additional"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    integration_id = fields.Many2one(
        "saperx.integration", help="Empty: every integration."
    )
    partner_id = fields.Many2one(
        "res.partner", string="Customer", help="Empty: every one."
    )
    contract_id = fields.Many2one("contract.contract", help="Empty: every one.")
    tariff_id = fields.Many2one(
        "saperx.tariff", string="Billing plan", help="Empty: every one."
    )
    preview_ids = fields.One2many(
        "saperx.charge.wizard.line",
        "wizard_id",
        compute="_compute_preview",
        string="What would be charged",
    )
    charged_total = fields.Monetary(compute="_compute_preview")
    waiting_total = fields.Monetary(compute="_compute_preview")

    def _get_line_domain(self):
        self.ensure_one()
        domain = [("company_id", "=", self.company_id.id)]
        for name in ("integration_id", "contract_id", "tariff_id"):
            if self[name]:
                domain.append((name, "=", self[name].id))
        if self.partner_id:
            domain.append(("partner_id", "child_of", self.partner_id.id))
        return domain

    @api.depends(
        "company_id", "integration_id", "partner_id", "contract_id", "tariff_id"
    )
    def _compute_preview(self):
        for wizard in self:
            groups = self.env["saperx.charge"]._get_ripe_groups(
                wizard._get_line_domain()
            )
            wizard.preview_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "currency_id": wizard.currency_id.id,
                            "line_id": group["line"].id,
                            "partner_id": group["period"].partner_id.id,
                            "cycle_end": group["cycle_end"],
                            "call_count": group["calls"],
                            "amount": group["amount"],
                            "waits_for": group["waits_for"],
                        }
                    )
                    for group in groups
                ),
            ]
            lines = wizard.preview_ids
            waiting = lines.filtered("waits_for")
            wizard.waiting_total = sum(waiting.mapped("amount"))
            wizard.charged_total = sum((lines - waiting).mapped("amount"))

    def action_generate(self):
        self.ensure_one()
        charges = self.env["saperx.charge"]._generate(self._get_line_domain())
        if not charges:
            raise UserError(
                self.env._(
                    "There is nothing to charge now. What waits is listed with the "
                    "reason."
                )
            )
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_charge_action"
        )
        return {**action, "domain": [("id", "in", charges.ids)], "context": {}}


class SaperxChargeWizardLine(models.TransientModel):
    _name = "saperx.charge.wizard.line"
    _description = "Line of the preview of the telephony additional"
    _order = "waits_for nulls first, id"

    wizard_id = fields.Many2one(
        "saperx.charge.wizard", required=True, ondelete="cascade"
    )
    line_id = fields.Many2one("saperx.line", string="SIP line")
    partner_id = fields.Many2one("res.partner", string="Customer")
    cycle_end = fields.Date(string="Cycle until")
    call_count = fields.Integer(string="Calls")
    # Not by way of the wizard, which the web client's new rows do not know.
    currency_id = fields.Many2one("res.currency")
    amount = fields.Monetary()
    waits_for = fields.Char(help="Why it is not charged now.")
