# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models

from ..models.saperx_did_fee import FEE_WAITS


class SaperxDidMoveWizard(models.TransientModel):
    """A number that stays on its contract keeps its fee."""

    _inherit = "saperx.did.move.wizard"

    def action_move(self):
        chosen = self.with_context(active_test=False)
        numbers = (chosen.did_ids | chosen.target_did_ids).mapped("number")
        waiting = self.with_context(**{FEE_WAITS: True})
        res = super(SaperxDidMoveWizard, waiting).action_move()
        lines = self.line_id | self.target_line_id
        self.env["saperx.did"].with_context(active_test=False).search(
            [("line_id", "in", lines.ids), ("number", "in", numbers)]
        )._follow_fee()
        return res
