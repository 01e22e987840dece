# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools import SQL

from ..bulk import copy_rows
from ..models.call_class import CALL_CLASSES

COLUMNS = (
    "line_id", "contract_id", "partner_id", "tariff_id", "integration_id", "currency_id",
    "cycle_end", "call_class", "state", "waits_for", "call_count", "charged_seconds",
    "gross_amount", "covered_amount", "amount",
)  # fmt: skip


class SaperxChargePreview(models.TransientModel):
    """What a run would charge: one line, cycle and class. As many as there are, so that
    they are written by COPY."""

    _name = "saperx.charge.preview"
    _description = "Preview of the telephony additional"
    _order = "state, amount desc, id"
    _rec_name = "line_id"

    line_id = fields.Many2one("saperx.line", string="SIP line", readonly=True)
    contract_id = fields.Many2one("contract.contract", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Customer", readonly=True)
    tariff_id = fields.Many2one("saperx.tariff", string="Billing plan", readonly=True)
    integration_id = fields.Many2one("saperx.integration", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    cycle_end = fields.Date(string="Cycle until", readonly=True)
    call_class = fields.Selection(CALL_CLASSES, string="Class", readonly=True)
    state = fields.Selection(
        [
            ("charged", "Would be charged"),
            ("held", "Would ask, since its calls are old"),
            ("waiting", "Waits"),
            ("left_out", "Is not charged"),
        ],
        readonly=True,
    )
    waits_for = fields.Char(string="What it waits for", readonly=True)
    call_count = fields.Integer(string="Calls", readonly=True)
    charged_seconds = fields.Integer(readonly=True)
    gross_amount = fields.Monetary(readonly=True)
    covered_amount = fields.Monetary(string="Allowance used", readonly=True)
    amount = fields.Monetary(readonly=True)

    @api.model
    def _fill(self, groups):
        """Show these instead of what the user saw before.

        :param groups: as ``saperx.charge._get_ripe_groups`` has them
        """
        table = SQL.identifier(self._table)
        self.env.cr.execute(
            SQL("DELETE FROM %s WHERE create_uid = %s", table, self.env.uid)
        )
        self.invalidate_model()
        now = fields.Datetime.now()
        author = (self.env.uid, now, self.env.uid, now)
        copy_rows(
            self.env.cr,
            self._table,
            (*COLUMNS, "create_uid", "create_date", "write_uid", "write_date"),
            (
                (*self._prepare_row(group, call_class, totals), *author)
                for group in groups
                for call_class, totals in group["classes"].items()
            ),
        )

    def _prepare_row(self, group, call_class, totals):
        """In the order of ``COLUMNS``."""
        line, period = group["line"], group["period"]
        return (
            line.id,
            period.contract_id.id,
            period.partner_id.id,
            period.tariff_id.id or None,
            line.integration_id.id,
            line.company_id.currency_id.id,
            group["cycle_end"],
            call_class,
            _state_of(group),
            group["waits_for"],
            totals.calls,
            totals.seconds,
            totals.gross,
            totals.covered,
            totals.amount,
        )

    def action_view_calls(self):
        """The calls behind a row."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {
            **action,
            "domain": [
                ("state", "=", "unbilled"),
                ("line_id", "=", self.line_id.id),
                ("contract_id", "=", self.contract_id.id),
                ("cycle_end", "=", self.cycle_end),
                ("call_class", "=", self.call_class),
            ],
            "context": {},
        }


def _state_of(group):
    if group["is_left_out"]:
        return "left_out"
    if group["waits_for"]:
        return "waiting"
    return "held" if group["is_aged"] else "charged"
