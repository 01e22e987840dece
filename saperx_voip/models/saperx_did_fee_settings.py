# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class ResCompany(models.Model):
    _inherit = "res.company"  # pylint: disable=consider-merging-classes-inherited

    saperx_did_fee_lines = fields.Boolean(
        string="Fees of numbers on the contract",
        help="The monthly fee of each number is a line of its contract, which is made, "
        "changed and ended with the number. Off: no more are made; those that run "
        "go on until they are ended.",
    )
    saperx_did_fee_product_id = fields.Many2one(
        "product.product",
        string="Product of the fee of numbers",
        ondelete="restrict",
        check_company=True,
    )

    def _get_did_fee_product(self):
        self.ensure_one()
        return self.saperx_did_fee_product_id or self.env.ref(
            "saperx_voip.product_did_fee"
        )


class ResConfigSettings(models.TransientModel):
    # pylint: disable-next=consider-merging-classes-inherited
    _inherit = "res.config.settings"

    saperx_did_fee_lines = fields.Boolean(
        related="company_id.saperx_did_fee_lines", readonly=False
    )
    saperx_did_fee_product_id = fields.Many2one(
        related="company_id.saperx_did_fee_product_id", readonly=False
    )
    saperx_did_fee_missing = fields.Integer(compute="_compute_saperx_did_fee_missing")
    saperx_did_fee_running = fields.Integer(compute="_compute_saperx_did_fee_running")

    @api.depends("company_id")
    def _compute_saperx_did_fee_missing(self):
        for settings in self:
            dids = self.env["saperx.did"].with_company(settings.company_id)
            settings.saperx_did_fee_missing = dids.search_count(
                [
                    ("company_id", "=", settings.company_id.id),
                    ("lacks_fee_line", "=", True),
                ]
            )

    @api.depends("company_id")
    def _compute_saperx_did_fee_running(self):
        for settings in self:
            settings.saperx_did_fee_running = (
                self.env["contract.line"]
                .sudo()
                .search_count(
                    [
                        ("contract_id.company_id", "=", settings.company_id.id),
                        *self._get_running_did_fees_domain(),
                    ]
                )
            )

    def action_view_did_fees(self):
        """What contracts still charge for numbers."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.contract_line_did_fee_action"
        )
        return {**action, "domain": self._get_running_did_fees_domain()}

    @api.model
    def _get_running_did_fees_domain(self):
        today = self.env.company._get_telephony_today()
        return [
            ("is_did_fee", "=", True),
            ("is_canceled", "=", False),
            "|",
            ("date_end", "=", False),
            ("date_end", ">=", today),
        ]
