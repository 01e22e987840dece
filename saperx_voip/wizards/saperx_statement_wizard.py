# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import Command, api, fields, models
from odoo.exceptions import UserError

# Two cycles that are over and the one that runs.
DAYS_BACK = 62
DAYS_AHEAD = 31


class SaperxStatementWizard(models.TransientModel):
    """*Extrato*: which lines and cycles, and as what."""

    _name = "saperx.statement.wizard"
    _description = "Statement of calls"

    charge_ids = fields.Many2many(
        "saperx.charge",
        string="Telephony additionals",
        help="Exactly these. None: what there is of the lines.",
    )
    move_id = fields.Many2one("account.move", string="Invoice")
    line_ids = fields.Many2many("saperx.line", string="SIP lines")
    contract_id = fields.Many2one(
        "contract.contract", help="Only what the lines did for it. Empty: all."
    )
    date_from = fields.Date(
        string="Cycles that end from",
        default=lambda self: self._get_today() - timedelta(days=DAYS_BACK),
    )
    date_to = fields.Date(
        string="Until",
        default=lambda self: self._get_today() + timedelta(days=DAYS_AHEAD),
    )
    file_format = fields.Selection(
        [("pdf", "PDF"), ("xlsx", "Spreadsheet (XLSX)"), ("csv", "CSV")],
        string="Format",
        required=True,
        default="pdf",
    )
    row_ids = fields.One2many(
        "saperx.statement.wizard.row",
        "wizard_id",
        compute="_compute_row_ids",
        store=True,
        readonly=False,
        string="Lines and cycles",
    )

    @api.model
    def _get_today(self):
        return self.env.company._get_telephony_today()

    @api.depends("charge_ids", "line_ids", "contract_id", "date_from", "date_to")
    def _compute_row_ids(self):
        for wizard in self:
            parts = wizard._get_parts()
            charged = [part for part in parts if part.status == "charged"]
            latest = max((part.cycle_end for part in charged), default=None)
            wizard.row_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            **wizard._prepare_row(part),
                            "is_chosen": bool(wizard.charge_ids)
                            or (part in charged and part.cycle_end == latest)
                            or len(parts) == 1,
                        }
                    )
                    for part in parts
                ),
            ]

    @api.model
    def _prepare_row(self, part):
        if part.charges:
            amount = sum(part.charges.mapped("amount"))
        else:
            calls = self.env["saperx.cdr"].sudo()
            [(amount,)] = calls._read_group(part.domain(), [], ["charged_amount:sum"])
        return {
            "line_id": part.line.id,
            "contract_id": part.contract.id,
            "partner_id": part.partner.id,
            "cycle_end": part.cycle_end,
            "date_from": part.first,
            "date_to": part.last,
            "status": part.status,
            "amount": amount,
            "currency_id": part.line.company_id.currency_id.id,
        }

    def _get_parts(self):
        self.ensure_one()
        statement_model = self.env["saperx.statement"]
        # As they are in the database: a wizard that is not saved has copies.
        charges, lines = self.charge_ids._origin, self.line_ids._origin
        statement_model._check_may_make(charges or lines)
        if charges:
            return statement_model._get_parts_of_charges(charges)
        if not (lines and self.date_from and self.date_to):
            return []
        parts = statement_model._get_parts_of_lines(lines, self.date_from, self.date_to)
        contract_id = self.contract_id.id
        return [part for part in parts if contract_id in (False, part.contract.id)]

    def _get_chosen_parts(self):
        chosen = {row._get_key() for row in self.row_ids if row.is_chosen}
        return [part for part in self._get_parts() if _key(part) in chosen]

    def action_make(self):
        """Have the file sent; what stands against it is told here, not there."""
        self.ensure_one()
        parts = self._get_chosen_parts()
        if not parts:
            raise UserError(self.env._("Choose a line and cycle."))
        self.env["saperx.statement"]._check_parts(parts)
        self.env["saperx.statement"]._get_content(parts, self._get_move())
        return {
            "type": "ir.actions.act_url",
            "url": f"/saperx_voip/statement/{self.id}",
            # Of "download" the web client would not close the dialog.
            "target": "new",
            "close": True,
        }

    def _write_file(self, file):
        """:return: the file's name"""
        self.ensure_one()
        parts = self._get_chosen_parts()
        statement_model = self.env["saperx.statement"]
        move = self._get_move()
        statement_model._write(parts, self.file_format, file, move=move)
        statement_model._leave_trace(parts)
        return statement_model._get_filename(parts, self.file_format, move)

    def _get_move(self):
        """The invoice, of which whoever sees its charges may see name and due date."""
        return self.move_id.sudo() if self.move_id in self.charge_ids.move_id else None


class SaperxStatementWizardRow(models.TransientModel):
    _name = "saperx.statement.wizard.row"
    _description = "Line and cycle of a statement"
    _order = "id"

    wizard_id = fields.Many2one(
        "saperx.statement.wizard", required=True, ondelete="cascade"
    )
    is_chosen = fields.Boolean(string="Chosen")
    line_id = fields.Many2one("saperx.line", string="SIP line", readonly=True)
    contract_id = fields.Many2one("contract.contract", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    cycle_end = fields.Date(readonly=True)
    date_from = fields.Date(string="From", readonly=True)
    date_to = fields.Date(string="To", readonly=True)
    status = fields.Selection(
        [
            ("charged", "Already charged"),
            ("draft", "Draft, not yet confirmed"),
            ("preview", "Preview, not yet charged"),
        ],
        readonly=True,
    )
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary(readonly=True)

    def _get_key(self):
        self.ensure_one()
        return (
            self.line_id.id,
            self.contract_id.id,
            self.partner_id.id,
            self.cycle_end,
            self.status,
        )


def _key(part):
    return (
        part.line.id,
        part.contract.id,
        part.partner.id,
        part.cycle_end,
        part.status,
    )
