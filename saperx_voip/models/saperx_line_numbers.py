# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models
from odoo.fields import Domain


class SaperxLine(models.Model):
    """How a line comes by several numbers, or gives them to another."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited
    # By what a person who looks for the other line knows of it.
    _rec_names_search = ["did_ids.number", "account_code", "contract_id"]

    @api.model
    def _search_display_name(self, operator, value):
        """Also finds a number that is written as people do: ``(54) 3333-4444``."""
        domain = super()._search_display_name(operator, value)
        if operator == "in":
            # Odoo's own import asks for exactly these.
            clean_number = self.env["saperx.did"]._clean_number
            numbers = [clean_number(text) for text in value if text]
            return domain | Domain("did_ids.number", "in", numbers)
        digits = "".join(c for c in value if c.isdigit()) if value else ""
        if operator in ("ilike", "=ilike", "like", "=") and len(digits) >= 4:
            domain |= Domain("did_ids.number", "ilike", digits)
        return domain

    def write(self, vals):
        res = super().write(vals)
        if vals.get("portability", "in") != "in":
            # A number that waits for a window that will never come would be forgotten.
            waiting = self.did_ids.filtered(lambda did: not did.is_live)
            waiting._check_taken_as_own()
            waiting.write({"is_ported": False})
        return res

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
