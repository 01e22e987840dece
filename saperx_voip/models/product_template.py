# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models


class ProductTemplate(models.Model):
    _inherit = "product.template"

    saperx_has_added_tax = fields.Boolean(compute="_compute_saperx_has_added_tax")

    @api.depends("taxes_id")
    def _compute_saperx_has_added_tax(self):
        """Whether a product of the additional would cost more than the charge."""
        integrations = self.env["saperx.integration"].sudo()
        used = integrations.with_context(active_test=False).search([]).product_id
        for template in self:
            template.saperx_has_added_tax = bool(
                template.product_variant_ids & used
            ) and not all(template.taxes_id.mapped("price_include"))
