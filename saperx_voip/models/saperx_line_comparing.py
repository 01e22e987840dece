# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models


class SaperxLine(models.Model):
    """Where a line differs from the platform, and how a push mends that."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    difference_ids = fields.One2many(
        "saperx.line.difference", "line_id", string="Differences", readonly=True
    )
    difference_count = fields.Integer(
        string="Open differences", compute="_compute_difference_count"
    )

    def _compute_difference_count(self):
        counts = dict(
            self.env["saperx.line.difference"]._read_group(
                [("line_id", "in", self.ids), ("state", "=", "open")],
                ["line_id"],
                ["__count"],
            )
        )
        for line in self:
            line.difference_count = counts.get(line, 0)

    def action_view_differences(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_line_difference_action"
        )
        return {**action, "domain": [("line_id", "=", self.id)], "context": {}}

    def _store(self, claim, outcome):
        res = super()._store(claim, outcome)
        self._conclude_differences()
        return res

    def _conclude_differences(self):
        """What waited for the push is mended, or as open as before."""
        states = {"synced": "mended", "error": "open"}
        for line in self:
            if state := states.get(line.sync_state):
                line.env["saperx.line.difference"].sudo().search(
                    [("line_id", "=", line.id), ("state", "=", "pending")]
                ).write({"state": state, "note": line.sync_error})
