# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.service.model import retrying

from .saperx_line_block import LEVELS

BATCH = 500


class SaperxLine(models.Model):
    """What changes on a line because a moment has come: its blocks begin and end,
    ported numbers go live, planned terms come into force."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    block_ids = fields.One2many("saperx.line.block", "line_id", string="Blocks")
    block_level = fields.Selection(
        LEVELS,
        string="Block",
        readonly=True,
        copy=False,
        index="btree_not_null",
        help="Of the strictest block that is open now.",
    )
    block_summary = fields.Char(
        string="Blocked because of", compute="_compute_block_summary"
    )

    @api.depends("block_level", "block_ids.date_to")
    def _compute_block_summary(self):
        now = fields.Datetime.now()
        for line in self:
            blocks = line.block_ids.filtered(lambda block: block._is_open_at(now))
            line.block_summary = "; ".join(block._describe() for block in blocks)

    def action_block(self):
        """Ask for reason, level and end of a block of this line."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Block line"),
            "res_model": "saperx.line.block",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_line_id": self.id},
        }

    def _get_block_level(self, moment):
        self.ensure_one()
        levels = {block.level for block in self.block_ids if block._is_open_at(moment)}
        return "full" if "full" in levels else "partial" if levels else False

    def _follow_moments(self):
        """Let the lines say what holds now; the platform follows."""
        now = fields.Datetime.now()
        lines = self.sudo()
        lines.did_ids._follow_window()
        moved = lines.filtered(
            lambda line: line.block_level != line._get_block_level(now)
        )
        by_level = moved.grouped(lambda line: line._get_block_level(now))
        for level, alike in by_level.items():
            alike._write_sync({"block_level": level})
        open_lines = moved.filtered(lambda line: line.state != "cancelled")
        if open_lines:
            open_lines._raise_revision()

    @api.model
    def _look_again_at(self, moments):
        """Follow again at each of these moments (naive UTC) that is still to come."""
        now = fields.Datetime.now()
        cron = self.env.ref("saperx_voip.ir_cron_moments").sudo()
        for moment in {moment for moment in moments if moment and moment > now}:
            cron._trigger(moment)

    @api.model
    def _get_lines_to_follow(self):
        """Lines on which something began or ended since anybody looked."""
        now = fields.Datetime.now()
        blocks = self.env["saperx.line.block"].search(
            [
                ("date_from", "<=", now),
                "|",
                ("date_to", "=", False),
                ("date_to", ">", now),
            ]
        )
        blocked = self.search([("block_level", "!=", False)])
        ported = self.env["saperx.did"].search(
            [("is_live", "=", False), ("porting_at", "<=", now)]
        )
        moved = (blocks.line_id | blocked).filtered(
            lambda line: line.block_level != line._get_block_level(now)
        )
        return moved | ported.line_id | self._get_periods_to_take_over().line_id

    def _follow_clock(self):
        self._take_over_terms()
        self._follow_moments()

    @api.model
    def _cron_follow_moments(self):
        """What changes because its moment has come."""
        lines = self._get_lines_to_follow()
        for begin in range(0, len(lines), BATCH):
            batch = lines[begin : begin + BATCH]
            retrying(batch._follow_clock, self.env)
            self.env["ir.cron"]._commit_progress(
                len(batch), remaining=len(lines) - begin - len(batch)
            )
