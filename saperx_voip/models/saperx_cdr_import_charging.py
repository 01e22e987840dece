# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class SaperxCdrImport(models.Model):
    """What an import makes ripe is charged as it ends."""

    _inherit = "saperx.cdr.import"  # pylint: disable=consider-merging-classes-inherited

    def _finish(self):
        res = super()._finish()
        tasks = self.integration_id.schedule_ids.filtered(
            lambda task: task.task == "charge" and task.charges_after_import
        )
        for task in tasks.sudo():
            task._run_soon()
        return res
