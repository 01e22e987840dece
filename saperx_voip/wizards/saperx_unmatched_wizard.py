# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, fields, models
from odoo.exceptions import UserError


class SaperxUnmatchedWizard(models.TransientModel):
    """*Escolher linha*: say which line the calls of an account or number are of.

    The line is given what the calls name, so that those to come find it too: the
    number, or the account code if it has none yet. Both go to the platform as with any
    change of the line.
    """

    _name = "saperx.unmatched.wizard"
    _description = "Choose the line of calls"

    integration_id = fields.Many2one("saperx.integration", required=True, readonly=True)
    number = fields.Char(readonly=True)
    account_code = fields.Char(readonly=True)
    call_count = fields.Integer(string="Calls", readonly=True)
    line_id = fields.Many2one(
        "saperx.line",
        string="SIP line",
        required=True,
        domain="[('integration_id', '=', integration_id),"
        " ('state', '!=', 'cancelled')]",
    )
    gives_number = fields.Boolean(
        string="Give the line this number",
        compute="_compute_gives",
        store=True,
        readonly=False,
        help="It becomes one of the line's numbers here and on the platform.",
    )
    gives_code = fields.Boolean(
        string="Give the line this account code",
        compute="_compute_gives",
        store=True,
        readonly=False,
        help="For a line that has none.",
    )
    has_code = fields.Boolean(compute="_compute_has_code")

    @api.depends("line_id")
    def _compute_has_code(self):
        for wizard in self:
            wizard.has_code = bool(wizard.line_id.account_code)

    @api.depends("line_id", "number", "account_code")
    def _compute_gives(self):
        for wizard in self:
            free = wizard.account_code and not wizard.line_id.account_code
            wizard.gives_code = bool(wizard.line_id and free)
            wizard.gives_number = bool(wizard.number and not wizard.gives_code)

    def action_choose(self):
        self.ensure_one()
        line = self.line_id
        if line.integration_id != self.integration_id:
            raise UserError(
                self.env._("Choose a line of “%s”.", self.integration_id.name)
            )
        values = {}
        if self.gives_number and self.number:
            values["did_ids"] = [Command.create({"number": self.number})]
        if self.gives_code and self.account_code and not line.account_code:
            values["account_code"] = self.account_code
        if not values:
            raise UserError(
                self.env._(
                    "Say what the line is given: without the number or the account "
                    "code the calls cannot be found to be of it."
                )
            )
        line.write(values)
        calls = self.env["saperx.cdr"].sudo()
        unmatched = [
            ("integration_id", "=", self.integration_id.id),
            ("state", "=", "unmatched"),
        ]
        before = calls.search_count(unmatched)
        calls._reassess(unmatched)
        matched = before - calls.search_count(unmatched)
        return self.integration_id._notify(
            self.env._("%s calls have a line now.", matched)
        )
