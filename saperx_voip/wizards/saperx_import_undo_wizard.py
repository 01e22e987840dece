# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL


class SaperxImportUndoWizard(models.TransientModel):
    """*Desfazer importação*: what would go and what would stay, before it does."""

    _name = "saperx.import.undo.wizard"
    _description = "Undo an import"

    import_id = fields.Many2one("saperx.cdr.import", required=True, readonly=True)
    removed_count = fields.Integer(
        string="Calls that will be removed", compute="_compute_counts"
    )
    kept_count = fields.Integer(
        string="Calls that stay: charged", compute="_compute_counts"
    )
    changed_count = fields.Integer(
        related="import_id.changed_count",
        string="Calls that stay: corrected by this import",
        help="They came with an earlier import. What this one corrected stays "
        "corrected.",
    )
    first_start = fields.Datetime(
        string="Imported until, afterwards",
        compute="_compute_counts",
        help="Cycles are charged again once the calls since then were imported again.",
    )

    @api.depends("import_id")
    def _compute_counts(self):
        for wizard in self:
            run = wizard.import_id.sudo()
            [[total, removable, first]] = self.env.execute_query(
                SQL(
                    """
                    SELECT count(*), count(*) FILTER (WHERE charge_id IS NULL),
                           min(start) FILTER (WHERE charge_id IS NULL)
                    FROM saperx_cdr WHERE import_id = %s
                    """,
                    run.id,
                )
            )
            covered = run.integration_id.imported_until
            wizard.removed_count = removable
            wizard.kept_count = total - removable
            wizard.first_start = min(filter(None, (first, covered)), default=False)

    def action_undo(self):
        self.ensure_one()
        self.import_id.action_undo()
        return {
            "type": "ir.actions.act_window",
            "res_model": "saperx.cdr.import",
            "res_id": self.import_id.id,
            "views": [(False, "form")],
        }
