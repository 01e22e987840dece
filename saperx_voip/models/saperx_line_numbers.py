# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class SaperxLine(models.Model):
    """How a line comes by several numbers, or gives them to another."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited
    # By what a person who looks for the other line knows of it.
    _rec_names_search = ["did_ids.number", "account_code", "contract_id"]

    def unlink(self):
        # The database would take the numbers away without telling the stock.
        self.did_ids.unlink()
        return super().unlink()

    def action_add_did_block(self):
        """Ask for a block of consecutive numbers."""
        return self._open_number_wizard(
            "saperx.did.block.wizard", self.env._("Add a block of DIDs")
        )

    def action_move_dids(self):
        """Ask which numbers go to which other line."""
        return self._open_number_wizard(
            "saperx.did.move.wizard", self.env._("Move or swap DIDs")
        )

    def _open_number_wizard(self, model, title):
        self.ensure_one()
        self.check_access("write")
        self._check_not_cancelled()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": model,
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_line_id": self.id},
        }
