# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError


class SaperxDidPortOutWizard(models.TransientModel):
    """*Portabilidade de saída*: let numbers go to another operator, now or at their
    window, after a look at what becomes of their lines."""

    _name = "saperx.did.port.out.wizard"
    _description = "Port numbers out"

    did_ids = fields.Many2many(
        "saperx.did",
        "saperx_did_port_out_wizard_did_rel",
        string="Numbers",
        required=True,
    )
    port_out_at = fields.Datetime(
        string="Portability window",
        required=True,
        default=fields.Datetime.now,
        help="At this moment the numbers leave their lines. Past: at once.",
    )
    is_now = fields.Boolean(compute="_compute_is_now")
    port_out_operator = fields.Char(string="New operator", required=True)
    port_out_protocol = fields.Char(string="Portability protocol")
    port_out_comment = fields.Text(string="Comment")
    emptied_line_ids = fields.Many2many(
        "saperx.line",
        string="Lines left without a number",
        compute="_compute_emptied_line_ids",
    )
    port_out_ends_line = fields.Boolean(
        string="End these lines as well",
        default=True,
        help="Off: they stay without a number.",
    )
    obstacle = fields.Text(compute="_compute_obstacle")
    charge_ids = fields.One2many(
        "saperx.line.end.wizard.charge",
        "port_out_wizard_id",
        compute="_compute_charges",
        string="Final charge",
    )

    @api.constrains("did_ids")
    def _check_may_port_out(self):
        """A wizard shows nothing of numbers that its user may not free."""
        self._get_dids()._check_may_port_out()

    @api.depends("port_out_at")
    def _compute_is_now(self):
        now = fields.Datetime.now()
        for wizard in self:
            wizard.is_now = bool(wizard.port_out_at) and wizard.port_out_at <= now

    @api.depends("did_ids")
    def _compute_emptied_line_ids(self):
        self._check_may_port_out()
        for wizard in self:
            dids = wizard._get_dids()
            wizard.emptied_line_ids = dids.line_id.filtered(
                lambda line, dids=dids: (
                    not line.did_ids.filtered(
                        lambda did: did not in dids and not did.port_out_at
                    )
                )
            )

    @api.depends("did_ids")
    def _compute_obstacle(self):
        for wizard in self:
            wizard.obstacle = wizard._get_obstacle()

    @api.depends("did_ids", "port_out_at", "port_out_ends_line")
    def _compute_charges(self):
        self._check_may_port_out()
        now = fields.Datetime.now()
        row_model = self.env["saperx.line.end.wizard.charge"]
        for wizard in self:
            ends = max(wizard.port_out_at or now, now)
            ending = wizard.port_out_ends_line and wizard.emptied_line_ids or ()
            rows = row_model._prepare_rows({line._origin: ends for line in ending})
            wizard.charge_ids = [Command.clear(), *map(Command.create, rows)]

    def action_port_out(self):
        """Let the numbers go, or plan it."""
        self.ensure_one()
        self._check_may_port_out()
        names = (
            "port_out_at",
            "port_out_operator",
            "port_out_protocol",
            "port_out_comment",
            "port_out_ends_line",
        )
        self._get_dids()._plan_port_out({name: self[name] for name in names})
        return {"type": "ir.actions.act_window_close"}

    def _get_dids(self):
        """Also those that left their lines since they were chosen."""
        chosen = self.with_context(active_test=False).did_ids
        return chosen._origin.with_env(self.env)

    def _get_obstacle(self):
        """Why this cannot be done, in words, or False."""
        try:
            for did in self._get_dids():
                did._check_port_out()
        except UserError as error:
            return str(error)
        return False
