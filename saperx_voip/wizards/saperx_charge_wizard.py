# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from decimal import Decimal

from odoo import Command, api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.call_class import CALL_CLASSES

# Of the customers in the wizard itself; the list of all has the rest.
SHOWN_ROWS = 100
# Lines that are charged while somebody waits; more are left to a scheduled action.
LINES_AT_ONCE = 1_000


class SaperxChargeWizard(models.TransientModel):
    """*Gerar adicional de telefonia*: see what would be charged, then charge it."""

    _name = "saperx.charge.wizard"
    _description = "Generate the telephony additional"
    _inherit = ["saperx.charging.filter"]

    currency_id = fields.Many2one(related="company_id.currency_id")
    preview_ids = fields.One2many(
        "saperx.charge.wizard.line",
        "wizard_id",
        compute="_compute_preview",
        string="What would be charged",
    )
    waiting_ids = fields.One2many(
        "saperx.charge.wizard.reason",
        "wizard_id",
        compute="_compute_preview",
        string="What is not charged now",
    )
    hidden_count = fields.Integer(
        string="Rows that are not shown", compute="_compute_preview"
    )
    partner_count = fields.Integer(string="Customers", compute="_compute_preview")
    line_count = fields.Integer(string="SIP lines", compute="_compute_preview")
    call_count = fields.Integer(string="Calls", compute="_compute_preview")
    charged_seconds = fields.Integer(compute="_compute_preview")
    gross_total = fields.Monetary(compute="_compute_preview")
    covered_total = fields.Monetary(string="Allowance used", compute="_compute_preview")
    charged_total = fields.Monetary(compute="_compute_preview")
    waiting_total = fields.Monetary(compute="_compute_preview")
    left_out_total = fields.Monetary(compute="_compute_preview")
    aged_total = fields.Monetary(
        compute="_compute_preview",
        help="Calls older than the maximum age: they come into additionals that ask.",
    )

    @api.depends(lambda self: self._get_filter_fields())
    def _compute_preview(self):
        for wizard in self:
            groups = wizard._get_groups()
            ripe = [group for group in groups if not group["waits_for"]]
            rows = _sum_by(
                ripe, lambda group, call_class: (group["period"].partner_id, call_class)
            )
            sums = sum((row for row in rows.values()), Row())
            wizard.partner_count = len({partner for partner, _class in rows})
            wizard.line_count = len({group["line"] for group in ripe})
            wizard.call_count = sums.calls
            wizard.charged_seconds = sums.seconds
            wizard.gross_total = sums.gross
            wizard.covered_total = sums.covered
            wizard.charged_total = sums.amount
            wizard.aged_total = sum(
                group["amount"] for group in ripe if group["is_aged"]
            )
            shown = wizard._choose_rows(rows)
            wizard.hidden_count = len(rows) - len(shown)
            wizard.preview_ids = [
                Command.clear(),
                *(
                    Command.create(
                        {
                            "currency_id": wizard.currency_id.id,
                            "partner_id": partner.id,
                            "call_class": call_class,
                            **rows[partner, call_class].values(),
                        }
                    )
                    for partner, call_class in shown
                ),
            ]
            wizard._tell_what_waits([group for group in groups if group["waits_for"]])

    def _get_groups(self):
        """As ``saperx.charge._get_ripe_groups``."""
        self.ensure_one()
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("That company is not yours."))
        charges = self._get_charges()
        return charges._get_ripe_groups(
            scope=self._get_scope(), age_limits=charges._get_age_limits()
        )

    def _choose_rows(self, rows):
        """Whole customers, those who pay most first."""
        amounts = defaultdict(Decimal)
        for (partner, _class), row in rows.items():
            amounts[partner] += row.amount
        in_order = sorted(
            rows,
            key=lambda key: (-amounts[key[0]], key[0].id, CLASS_ORDER[key[1]]),
        )
        return in_order[:SHOWN_ROWS]

    def _tell_what_waits(self, groups):
        waiting = _sum_by(
            groups, lambda group, _class: (group["is_left_out"], group["waits_for"])
        )
        lines = defaultdict(set)
        for group in groups:
            lines[group["is_left_out"], group["waits_for"]].add(group["line"].id)
        self.waiting_ids = [
            Command.clear(),
            *(
                Command.create(
                    {
                        "currency_id": self.currency_id.id,
                        "waits_for": key[1],
                        "line_count": len(lines[key]),
                        "call_count": row.calls,
                        "amount": row.amount,
                    }
                )
                for key, row in sorted(waiting.items())
            ),
        ]
        self.waiting_total = sum(
            row.amount for (left_out, _why), row in waiting.items() if not left_out
        )
        self.left_out_total = sum(
            row.amount for (left_out, _why), row in waiting.items() if left_out
        )

    def action_generate(self):
        self.ensure_one()
        self.check_access("read")
        if self.company_id not in self.env.companies:
            raise AccessError(self.env._("That company is not yours."))
        run = self.env["saperx.charging"].sudo().create(self._prepare_run())
        if self.line_count > LINES_AT_ONCE:
            run._trigger_run()
            return {
                "type": "ir.actions.act_window",
                "res_model": run._name,
                "res_id": run.id,
                "views": [(False, "form")],
            }
        charges = run._charge_all()
        if not charges:
            raise UserError(
                self.env._(
                    "There is nothing to charge now. What waits is listed with the "
                    "reason."
                )
            )
        return run._get_charges_action([("id", "in", charges.ids)])

    def _prepare_run(self):
        return {
            name: self._fields[name].convert_to_write(self[name], self)
            for name in self._get_filter_fields()
        }

    def action_view_all(self):
        """Every line, cycle and class of the preview, to search, group and export."""
        self.ensure_one()
        self.check_access("read")
        self.env["saperx.charge.preview"]._fill(self._get_groups())
        return self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_charge_preview_action"
        )


class SaperxChargeWizardLine(models.TransientModel):
    _name = "saperx.charge.wizard.line"
    _description = "Line of the preview of the telephony additional"
    _order = "id"

    wizard_id = fields.Many2one(
        "saperx.charge.wizard", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one("res.partner", string="Customer")
    call_class = fields.Selection(CALL_CLASSES, string="Class")
    call_count = fields.Integer(string="Calls")
    charged_seconds = fields.Integer()
    # Not by way of the wizard, which the web client's new rows do not know.
    currency_id = fields.Many2one("res.currency")
    gross_amount = fields.Monetary()
    covered_amount = fields.Monetary(string="Allowance used")
    amount = fields.Monetary()


class SaperxChargeWizardReason(models.TransientModel):
    _name = "saperx.charge.wizard.reason"
    _description = "What the telephony additional leaves for later, and why"
    _order = "id"

    wizard_id = fields.Many2one(
        "saperx.charge.wizard", required=True, ondelete="cascade"
    )
    waits_for = fields.Char(string="What it waits for")
    line_count = fields.Integer(string="SIP lines")
    call_count = fields.Integer(string="Calls")
    currency_id = fields.Many2one("res.currency")
    amount = fields.Monetary()


CLASS_ORDER = {name: place for place, (name, _label) in enumerate(CALL_CLASSES)}


class Row:
    """Sums of calls. Amounts in reais, exact."""

    __slots__ = ("amount", "calls", "covered", "gross", "seconds")

    def __init__(self):
        self.calls = self.seconds = 0
        self.gross = self.covered = self.amount = Decimal(0)

    def __add__(self, other):
        """:param other: a row, or ``Totals``"""
        row = Row()
        for name in self.__slots__:
            setattr(row, name, getattr(self, name) + getattr(other, name))
        return row

    def values(self):
        return {
            "call_count": self.calls,
            "charged_seconds": self.seconds,
            "gross_amount": self.gross,
            "covered_amount": self.covered,
            "amount": self.amount,
        }


def _sum_by(groups, key):
    """:param key: of a group and a class. :return: ``Row`` by key"""
    rows = {}
    for group in groups:
        for call_class, totals in group["classes"].items():
            name = key(group, call_class)
            rows[name] = rows.get(name, NOTHING) + totals
    return rows


NOTHING = Row()
