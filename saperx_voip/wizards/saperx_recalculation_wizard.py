# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class SaperxRecalculationWizard(models.TransientModel):
    """*Recalcular*: see how many calls it would be, then have them rated again."""

    _name = "saperx.recalculation.wizard"
    _description = "Recalculate calls"
    _inherit = ["saperx.recalculation.filter"]

    call_count = fields.Integer(string="Calls found", compute="_compute_call_count")

    @api.model
    def default_get(self, fields_list):
        """Opened from a plan or a line, it is of that one's company."""
        res = super().default_get(fields_list)
        for name in ("tariff_id", "line_id"):
            if record := self.env[self._fields[name].comodel_name].browse(
                res.get(name)
            ):
                res["company_id"] = record.company_id.id
        return res

    @api.depends(lambda self: self._get_filter_fields())
    def _compute_call_count(self):
        for wizard in self:
            wizard.call_count = self.env["saperx.cdr"].search_count(
                wizard._get_call_domain()
            )

    def action_recalculate(self):
        """Start it and show it; it goes on whether or not somebody looks."""
        self.ensure_one()
        self.check_access("read")
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("That company is not yours."))
        if not self.call_count:
            raise UserError(self.env._("No call fits: there is nothing to calculate."))
        run = self.env["saperx.recalculation"].sudo().create(self._prepare_run())
        return {
            "type": "ir.actions.act_window",
            "res_model": run._name,
            "res_id": run.id,
            "views": [(False, "form")],
        }

    def _prepare_run(self):
        return {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in self._get_filter_fields()
        }
