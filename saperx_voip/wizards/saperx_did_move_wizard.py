# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError

MOVED_FIELDS = (
    "accept_collect_calls", "city", "is_ported", "monthly_fee", "porting_at",
    "state_code",
)  # fmt: skip


class SaperxDidMoveWizard(models.TransientModel):
    """Move numbers of a line to another one, or swap them.

    One transaction here. Both lines are pushed after it, until the platform agrees:
    the one that loses a number lets go before the other takes it.
    """

    _name = "saperx.did.move.wizard"
    _description = "Move or swap DIDs"

    line_id = fields.Many2one("saperx.line", string="From line", required=True)
    integration_id = fields.Many2one(related="line_id.integration_id")
    did_ids = fields.Many2many(
        "saperx.did",
        "saperx_did_move_wizard_did_rel",
        string="DIDs",
        compute="_compute_dids",
        store=True,
        readonly=False,
        domain="[('line_id', '=', line_id)]",
    )
    target_line_id = fields.Many2one(
        "saperx.line",
        string="To line",
        required=True,
        domain="[('integration_id', '=', integration_id), ('id', '!=', line_id),"
        " ('state', '!=', 'cancelled')]",
    )
    is_swap = fields.Boolean(
        string="Swap", help="The other line's DIDs come to this one."
    )
    target_did_ids = fields.Many2many(
        "saperx.did",
        "saperx_did_move_wizard_target_did_rel",
        string="DIDs that come back",
        compute="_compute_target_dids",
        store=True,
        readonly=False,
        domain="[('line_id', '=', target_line_id)]",
    )

    @api.constrains("line_id", "target_line_id")
    def _check_may_change(self):
        """A wizard shows nothing of lines that its user may not change."""
        (self.line_id | self.target_line_id).check_access("write")

    @api.depends("line_id")
    def _compute_dids(self):
        for wizard in self:
            wizard.did_ids = wizard.line_id.did_ids

    @api.depends("target_line_id", "is_swap")
    def _compute_target_dids(self):
        for wizard in self:
            wizard.target_did_ids = wizard.is_swap and wizard.target_line_id.did_ids

    def action_move(self):
        self.ensure_one()
        # Those that left their line since they were chosen are archived.
        chosen = self.with_context(active_test=False)
        going = chosen.did_ids.with_env(self.env)
        coming = (chosen.is_swap and chosen.target_did_ids or going[:0]).with_env(
            self.env
        )
        self._check_lines()
        self._check_dids(going, self.line_id)
        self._check_dids(coming, self.target_line_id)
        if not going | coming:
            raise UserError(self.env._("Choose the numbers to move."))
        # Both are taken off before either is put on, lest a line has two main ones.
        going_vals = self._take_off(going)
        coming_vals = self._take_off(coming)
        self._put_on(self.target_line_id, going_vals)
        self._put_on(self.line_id, coming_vals)
        return {"type": "ir.actions.act_window_close"}

    def _check_lines(self):
        if self.line_id == self.target_line_id:
            raise UserError(self.env._("The numbers are on that line already."))
        if self.line_id.integration_id != self.target_line_id.integration_id:
            raise UserError(
                self.env._("Numbers move between lines of the same integration only.")
            )
        (self.line_id | self.target_line_id)._check_not_cancelled()

    def _check_dids(self, dids, line):
        for did in dids:
            if not did.active or did.line_id != line:
                raise UserError(
                    self.env._(
                        "The number %(number)s is not on the line %(line)s any more.",
                        number=did._format_number(did.number),
                        line=line.display_name,
                    )
                )
            if did.port_out_at:
                raise UserError(
                    self.env._(
                        "The number %s is about to be ported out: withdraw that first.",
                        did._format_number(did.number),
                    )
                )

    def _take_off(self, dids):
        """Take numbers off their line without a rest. :return: values to put them on"""
        vals_list = [self._prepare_did(did) for did in dids]
        in_stock = dids._get_in_stock()
        dids.unlink()
        in_stock.exists()._make_available()
        return vals_list

    @api.model
    def _prepare_did(self, did):
        return {
            "number": f"+{did.number}",
            "is_main": did.is_main,
            "is_live": did.is_live,
            **{name: did[name] for name in MOVED_FIELDS},
        }

    @api.model
    def _put_on(self, line, vals_list):
        """A line that has a main number keeps it; else the moved main one stays it."""
        has_main = bool(line.did_ids.filtered("is_main"))
        dids = self.env["saperx.did"].create(
            [
                {
                    **vals,
                    "line_id": line.id,
                    "is_main": vals["is_main"] and not has_main,
                }
                for vals in vals_list
            ]
        )
        # Whatever the type of their new line: a move changes nothing else of them.
        for did, vals in zip(dids, vals_list, strict=True):
            kept = {name: vals[name] for name in ("is_live", "is_ported")}
            did._write_own(kept)
