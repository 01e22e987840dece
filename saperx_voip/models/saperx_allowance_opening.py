# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..rating import Key, Stretches
from .saperx_tariff_allowance import PARTS

# Where charging begins, or under which terms: the cycle that is open then follows.
PLACING_FIELDS = {
    "charge_calls_from", "closing_day", "contract_id", "integration_id", "tariff_id",
}  # fmt: skip
OWN_FIELDS = {"contract_id", "stretch_id", "cycle_start", "cycle_end"}


class SaperxAllowanceOpening(models.Model):
    """What the previous system had charged against an allowance of the cycle that was
    open when charging began here.

    Entered by hand or by Odoo's own import. The cycle is the one that the line's
    *charge calls from* lies in; the ledger of the allowance starts from it.
    """

    _name = "saperx.allowance.opening"
    _description = "Allowance used in the previous system"
    _order = "line_id, allowance_id"
    _rec_name = "line_id"

    line_id = fields.Many2one(
        "saperx.line", string="SIP line", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(related="line_id.partner_id", string="Customer")
    tariff_id = fields.Many2one(related="line_id.tariff_id", string="Billing plan")
    allowance_id = fields.Many2one(
        "saperx.tariff.allowance",
        required=True,
        index=True,
        ondelete="restrict",
        domain="[('tariff_id', '=', tariff_id)]",
    )
    unit = fields.Selection(related="allowance_id.unit")
    used = fields.Float(
        required=True,
        digits=(16, 4),
        help="In minutes or in reais, as the allowance is.",
    )
    quantity = fields.Integer(
        compute="_compute_quantity",
        store=True,
        help="The same in whole seconds or centavos.",
    )
    contract_id = fields.Many2one(
        "contract.contract", readonly=True, index="btree_not_null", ondelete="cascade"
    )
    stretch_id = fields.Many2one(
        "saperx.line.period",
        readonly=True,
        index="btree_not_null",
        ondelete="cascade",
        help="First of the periods without a break in which the line held the plan. "
        "None where the contract shares the allowance.",
    )
    cycle_start = fields.Date(string="Cycle from", readonly=True)
    cycle_end = fields.Date(string="Cycle to", readonly=True)

    _once = models.UniqueIndex(
        "(line_id, allowance_id)",
        "What the line used of this allowance before is entered already: change that.",
    )
    _used_not_negative = models.Constraint(
        "CHECK (used >= 0 AND used <= 9999999)",
        "What was used of an allowance is not negative.",
    )

    @api.depends("used", "allowance_id.unit")
    def _compute_quantity(self):
        for opening in self:
            parts = PARTS[opening.unit or "minutes"]
            exact = Decimal(f"{opening.used:.4f}") * parts
            opening.quantity = int(exact.quantize(Decimal(1), ROUND_HALF_UP))

    @api.constrains("line_id", "allowance_id")
    def _check_plan(self):
        for opening in self:
            if opening.allowance_id.tariff_id != opening.line_id.tariff_id:
                raise ValidationError(
                    self.env._(
                        "The allowance %(allowance)s is none of the billing plan of "
                        "the line %(line)s.",
                        allowance=opening.allowance_id.display_name,
                        line=opening.line_id.display_name,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            for name in OWN_FIELDS:
                vals.pop(name, None)
        openings = super().create(vals_list)
        openings._check_open()
        openings._place()
        openings._draw_again()
        return openings

    def write(self, vals):
        if OWN_FIELDS & vals.keys():
            raise UserError(self.env._("The cycle follows from the line."))
        self._check_not_charged()
        res = super().write(vals)
        self._check_open()
        self._place()
        self._draw_again()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_charged(self):
        self._check_not_charged()

    def unlink(self):
        lines = self.line_id
        res = super().unlink()
        self.env["saperx.cdr"].sudo()._draw_allowances(lines.ids)
        return res

    def _check_open(self):
        """:raise UserError: of a line all of whose calls are charged here"""
        for line in self.line_id.sudo():
            if not line._get_charged_from():
                raise UserError(
                    self.env._(
                        "All calls of the line %s are charged here: say first from "
                        "when on (“Charge Calls From”).",
                        line.display_name,
                    )
                )
        self._check_not_charged()

    def _check_not_charged(self):
        for opening in self.sudo():
            # Of whoever shares it, too: any of them fixed what was left.
            charges = self.env["saperx.charge.allowance"].sudo()
            charge = charges.search(
                [
                    ("allowance_id", "=", opening.allowance_id.id),
                    ("charge_id.state", "!=", "cancelled"),
                    ("charge_id.cycle_end", "=", opening.cycle_end),
                    ("charge_id.contract_id", "=", opening.contract_id.id),
                    ("stretch_id", "=", opening.stretch_id.id),
                ],
                limit=1,
            ).charge_id
            if charge and opening.cycle_end:
                raise UserError(
                    self.env._(
                        "The cycle of the line %(line)s is charged already "
                        "(%(charge)s): cancel that first.",
                        line=opening.line_id.display_name,
                        charge=charge.display_name,
                    )
                )

    def _place(self):
        """Say of whom and of which cycle they are, by what their lines say now."""
        lines = self.line_id.sudo()
        # Which periods are one stretch does not depend on the zone.
        stretches = Stretches(lines._read_holdings(), ZoneInfo("UTC"))
        for opening in self.sudo():
            line = opening.line_id
            began_at = line._get_charged_from()
            period = began_at and line.period_ids.filtered(
                lambda p, moment=began_at: p._covers(moment)
            )
            if not period:
                values = dict.fromkeys(OWN_FIELDS, False)
            else:
                first, last = period._get_cycle(period._get_local_day(began_at))
                values = {
                    "contract_id": period.contract_id.id,
                    "stretch_id": not opening.allowance_id.is_shared
                    and stretches.of_period(period.id).id,
                    "cycle_start": first,
                    "cycle_end": last,
                }
            opening._write_own(values)

    def _write_own(self, values):
        """Write what follows from the line."""
        return super().write(values)

    def _draw_again(self):
        self.env["saperx.cdr"].sudo()._draw_allowances(self.line_id.ids)


class SaperxLine(models.Model):
    """What the allowances of lines start from."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    opening_ids = fields.One2many("saperx.allowance.opening", "line_id")

    def write(self, vals):
        res = super().write(vals)
        if PLACING_FIELDS & vals.keys():
            self._follow_openings()
        return res

    def _follow_openings(self):
        openings = self.sudo().opening_ids
        if openings:
            openings._place()
            openings._draw_again()

    def _get_charged_from(self):
        """The moment (naive UTC) from which on its calls are charged here, or False:
        since ever."""
        self.ensure_one()
        return self.charge_calls_from or self.integration_id.charge_calls_from

    def _get_opened_cycles(self):
        """By line id, the first day of the cycle that was open when charging began
        here, of lines of which something was used by then."""
        return {
            line.id: first
            for line, first in self.env["saperx.allowance.opening"]
            .sudo()
            ._read_group(
                [("line_id", "in", self.ids), ("cycle_start", "!=", False)],
                ["line_id"],
                ["cycle_start:min"],
            )
        }

    def _read_used_before(self):
        """:return: by ``Key`` what lines used of allowances in the previous system"""
        used = Counter()
        for opening in (
            self.env["saperx.allowance.opening"]
            .sudo()
            .search_fetch(
                [("line_id", "in", self.ids), ("cycle_end", "!=", False)],
                ["allowance_id", "stretch_id", "contract_id", "cycle_end", "quantity"],
            )
        ):
            holder = opening.stretch_id or opening.contract_id
            key = Key(opening.allowance_id.id, holder.id, opening.cycle_end)
            used[key] += opening.quantity
        return used
