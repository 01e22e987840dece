# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from ..rating import AREA_CODES, NumberHolding
from .saperx_line_terms import MOST_MONEY

# Known by these digits everywhere in the country: 0800 and the like.
NON_GEOGRAPHIC = ("0300", "0500", "0800", "0900")
# Kept by taking, releasing and porting a number, never written from outside.
OWN_FIELDS = {
    "active", "held_from", "held_until", "is_live", "port_out_at",
    "port_out_comment", "port_out_ends_line", "port_out_operator",
    "port_out_protocol",
}  # fmt: skip
PUSHED_FIELDS = {
    "number", "monthly_fee", "accept_collect_calls", "is_ported", "porting_at"
}  # fmt: skip


def _is_brazilian(number):
    is_long_enough = len(number) == 12 or len(number) == 13 and number[4] == "9"
    return is_long_enough and number[2:4] in AREA_CODES


class SaperxDid(models.Model):
    """A number on a line: guide, tab *DIDs*.

    One that has left its line stays, archived, so that the calls of its time still
    find their way.
    """

    _name = "saperx.did"
    _description = "DID"
    _rec_name = "number"
    _order = "line_id, is_main desc, id"

    line_id = fields.Many2one(
        "saperx.line", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    integration_id = fields.Many2one(
        related="line_id.integration_id", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    active = fields.Boolean(default=True, readonly=True)
    number = fields.Char(
        string="Presented number",
        required=True,
        help="Digits, country and area code first, for example 555433334444.",
    )
    monthly_fee = fields.Monetary(
        string="Fee", help="Monthly fee of the customer, shown on the platform."
    )
    accept_collect_calls = fields.Boolean(string="Collect calls")
    city = fields.Char(readonly=True, help="Filled by the platform.")
    is_main = fields.Boolean(
        string="Main",
        help="The number that the line presents. The first one, unless told otherwise. "
        "Of one that has left its line: whether it was until then.",
    )
    held_from = fields.Datetime(readonly=True, help="Empty: since ever.")
    held_until = fields.Datetime(readonly=True)

    _one_live_holder = models.UniqueIndex(
        "(integration_id, number) WHERE active",
        "This number is on another line already.",
    )
    _one_main = models.UniqueIndex(
        "(line_id) WHERE active AND is_main",
        "A line presents exactly one number.",
    )
    _held_number = models.Index("(number)")

    @api.constrains("monthly_fee")
    def _check_monthly_fee(self):
        for did in self:
            if not 0 <= did.monthly_fee <= MOST_MONEY:
                raise ValidationError(
                    self.env._("The fee lies between 0 and %s.", f"{MOST_MONEY:,.0f}")
                )

    @api.constrains("number")
    def _check_number(self):
        for did in self:
            number = did.number
            if not (number.isascii() and number.isdigit() and 10 <= len(number) <= 15):
                raise ValidationError(
                    self.env._(
                        "“%s” is no number: write 10 to 15 digits, country and area "
                        "code first, for example 555433334444.",
                        number,
                    )
                )
            if number.startswith("55") and not _is_brazilian(number):
                raise ValidationError(
                    self.env._(
                        "“%s” is no Brazilian number: after 55 come one of the 67 area "
                        "codes and 8 digits, or 9 for a mobile.",
                        number,
                    )
                )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("number"):
                vals["number"] = self._clean_number(vals["number"])
            for name in OWN_FIELDS:
                vals.pop(name, None)
        presented = {v.get("line_id") for v in vals_list if v.get("is_main")}
        self._unmark_main([("line_id", "in", list(presented - {None}))])
        dids = super().create(vals_list)
        dids.line_id._check_not_cancelled()
        now = fields.Datetime.now()
        for did in dids:
            if did._was_held_before():
                did._write_own({"held_from": now})
        dids.line_id._ensure_main_did()
        dids.line_id._raise_revision()
        self.env["saperx.cdr"]._trigger_rematch(dids.integration_id)
        return dids

    def write(self, vals):
        if "line_id" in vals:
            raise UserError(
                self.env._("A number leaves its line before it goes to another.")
            )
        if OWN_FIELDS & vals.keys():
            raise UserError(
                self.env._("A number is freed by removing it from its line.")
            )
        if "number" in vals:
            vals = {**vals, "number": self._clean_number(vals["number"])}
            for did in self:
                if did.number != vals["number"] and did._may_be_known():
                    raise UserError(
                        self.env._(
                            "The number %s is on the platform already: remove it "
                            "and add the other one.",
                            did.number,
                        )
                    )
        if "is_main" in vals and not all(self.mapped("active")):
            raise UserError(self.env._("The line does not have that number now."))
        if vals.get("is_main"):
            others = [("line_id", "in", self.line_id.ids), ("id", "not in", self.ids)]
            self._unmark_main(others)
        res = super().write(vals)
        if "is_main" in vals:
            self.line_id._ensure_main_did()
        if PUSHED_FIELDS & vals.keys():
            self.line_id._raise_revision()
        return res

    def _unmark_main(self, domain):
        """Before another number is presented, lest two stand for a moment."""
        main = self.search([*domain, ("is_main", "=", True), ("active", "=", True)])
        main._write_own({"is_main": False})
        self.flush_model(["is_main"])

    def _write_own(self, values):
        """Write what only taking and releasing a number keeps."""
        return super().write(values)

    def unlink(self):
        """Removing a number from a line that the platform knows ends its holding."""
        known = self.filtered(lambda did: did.active and did._may_be_known())
        known._release(fields.Datetime.now())
        lines = self.line_id
        # Holdings of the past stay: calls of their time are found by them.
        never_there = self.filtered("active") - known
        res = super(SaperxDid, never_there).unlink()
        lines._ensure_main_did()
        lines._raise_revision()
        return res

    def _release(self, moment):
        # The main one stays marked: the past calls from its area code.
        res = self.filtered("active")._write_own(
            {"active": False, "held_until": moment}
        )
        # Before whoever takes the number in this same transaction.
        self.flush_recordset()
        return res

    def _may_be_known(self):
        """Whether the platform may have the number: also while a first push runs."""
        self.ensure_one()
        return bool(self.line_id.remote_id or self.line_id.was_claimed)

    def _was_held_before(self):
        self.ensure_one()
        return bool(
            self.with_context(active_test=False)
            .sudo()
            .search_count(
                [
                    ("integration_id", "=", self.integration_id.id),
                    ("number", "=", self.number),
                    ("id", "!=", self.id),
                ],
                limit=1,
            )
        )

    @api.model
    def _clean_number(self, number):
        """Digits alone; DDI 55 is put before a national number of 10 or 11 digits,
        written with or without the 0 of long distance."""
        number = str(number)
        digits = "".join(char for char in number if char not in " +-().")
        if number.strip().startswith("+") or digits.startswith(NON_GEOGRAPHIC):
            return digits
        national = digits.removeprefix("0")
        return f"55{national}" if len(national) in (10, 11) else digits

    @api.model
    def _format_number(self, number):
        """``555433334444`` as people write it: ``(54) 3333-4444``."""
        if number.startswith("55") and len(number) in (12, 13):
            return f"({number[2:4]}) {number[4:-4]}-{number[-4:]}"
        return f"+{number}"

    def _get_holding(self):
        """The number on its line as the pure core takes it."""
        self.ensure_one()
        return NumberHolding(
            number=self.number,
            line_id=self.line_id.id,
            since=self.held_from or None,
            until=self.held_until or None,
            is_main=self.is_main,
        )
