# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..places import place_of


class SaperxDid(models.Model):
    """What a number on a line and the stock of numbers have to do with each other."""

    _inherit = "saperx.did"  # pylint: disable=consider-merging-classes-inherited

    state_code = fields.Char(
        string="State (UF)",
        readonly=True,
        help="Filled by the platform, else from the number itself.",
    )
    is_ported = fields.Boolean(
        string="Ported in",
        help="The number came from another operator, and goes back to it when it "
        "leaves the line.",
    )
    porting_at = fields.Datetime(
        string="Portability window",
        help="A ported number is given to the platform from this moment on. Empty: not "
        "yet.",
    )

    is_live = fields.Boolean(
        default=True,
        readonly=True,
        help="The platform is given the number: at once, or once its window has come.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        # Before anything is told of who has a number.
        self.check_access("create")
        default = self.default_get(["line_id"])
        vals_list = [self._prepare_international({**default, **v}) for v in vals_list]
        lines = self.env["saperx.line"].browse({v.get("line_id") for v in vals_list})
        lines.filtered("id").check_access("write")
        stock = self._claim_in_stock(
            [
                (self.env["saperx.line"].browse(vals["line_id"]), vals["number"][1:])
                for vals in vals_list
                if vals.get("line_id") and vals.get("number")
            ]
        )
        dids = super().create(vals_list)
        for did, vals in zip(dids, vals_list, strict=True):
            did._enter_stock(stock, vals.get("is_ported") or None)
        return dids

    def write(self, vals):
        self._check_window(vals)
        stock, changed = {}, self.browse()
        if vals.get("number"):
            place = {"city": False, "state_code": False}
            vals = {**place, **self._prepare_international(vals)}
            number = vals["number"][1:]
            changed = self.filtered(lambda did: did.active and did.number != number)
            stock = self._claim_in_stock([(did.line_id, number) for did in changed])
            changed._get_in_stock()._give_back()
        res = super().write(vals)
        for did in changed:
            did._enter_stock(stock, vals.get("is_ported") or None)
        if {"is_ported", "porting_at"} & vals.keys():
            self._follow_window()
        return res

    def unlink(self):
        never_known = self.filtered(lambda did: did.active and not did._may_be_known())
        never_known._get_in_stock()._give_back()
        return super().unlink()

    def _release(self, moment):
        # Their lines and terms are needed, and known, until they are released.
        self.filtered("active")._get_in_stock()._let_rest()
        return super()._release(moment)

    def _check_window(self, vals):
        """A ported number that is live there does not go back to waiting."""
        if "porting_at" not in vals:
            return
        window = fields.Datetime.to_datetime(vals["porting_at"]) or False
        for did in self.filtered(lambda did: did.is_live and did.is_ported):
            if did.porting_at != window:
                raise UserError(
                    self.env._(
                        "The number %s is live already: its portability window stays.",
                        self._format_number(did.number),
                    )
                )

    def _check_taken_as_own(self):
        """:raise UserError: if one is a number that only a portability brings here"""
        stock = self._get_in_stock()
        for did in self.filtered(lambda did: did.company_id._has_number_ranges()):
            record = stock.filtered(lambda record, did=did: record.did_id == did)
            if not (record and record._is_own()):
                raise UserError(
                    self.env._(
                        "The number %s lies outside every registered range: remove it "
                        "before the line stops being “Portability in”.",
                        self._format_number(did.number),
                    )
                )

    def _follow_window(self):
        """Become live, or wait; and look again when the window comes."""
        now = fields.Datetime.now()
        for did in self:
            is_live = did.is_live or did._is_live_on(now)
            if did.is_live != is_live:
                did._write_own({"is_live": is_live})
                did.line_id._raise_revision()
        self.line_id._look_again_at(
            did.porting_at for did in self if did.is_ported and did.porting_at
        )

    def _is_live_on(self, moment):
        """Whether the platform has the number at that moment.

        :param moment: naive UTC
        :return: False before a ported number's window
        """
        self.ensure_one()
        return not self.is_ported or bool(self.porting_at and self.porting_at <= moment)

    @api.model
    def _prepare_international(self, vals):
        """Values with the number as ``+5554…``: cleaned once, it is never national."""
        if not vals.get("number"):
            return vals
        return {**vals, "number": f"+{self._clean_number(vals['number'])}"}

    @api.model
    def _claim_in_stock(self, wanted):
        """See that lines may have numbers, and keep everybody else from these.

        :param wanted: list of (line, number in E.164 digits)
        :return: the stock's records by (company, number); unknown ones are missing
        :raise UserError: with the first number that its line may not have, and why
        """
        stock = {}
        by_company = {}
        for line, number in wanted:
            company = line.sudo().company_id
            by_company.setdefault(company, []).append((line.sudo(), number))
        for company, claims in by_company.items():
            found = (
                self.env["saperx.number"]
                .sudo()
                ._lock_in_stock(company, [number for _line, number in claims])
            )
            if company._has_number_ranges():
                for line, number in claims:
                    self._check_claim(line, number, found.get(number))
            stock |= {(company, number): record for number, record in found.items()}
        return stock

    @api.model
    def _check_claim(self, line, number, record):
        if record and record._is_own():
            record._check_free_for(line)
        elif line.portability != "in":
            raise UserError(
                self.env._(
                    "The number %s lies outside every registered range: only a line of "
                    "the type “Portability in” takes it.",
                    self._format_number(number),
                )
            )

    def _enter_stock(self, stock, is_ported):
        """The number is this DID's now. Its place and whether it was ported follow.

        :param is_ported: True if somebody said so; None: by the line and the stock
        """
        self.ensure_one()
        did = self.sudo()
        record = stock.get((did.company_id, did.number))
        if record and record.range_id:
            # Another one of the same save.
            record._check_not_held()
        if record and not record.did_id:
            record._take(did)
        if is_ported is None:
            is_own = bool(record) and record._is_own()
            is_ported = did.line_id.portability == "in" and not is_own
        values = {**did._prepare_place(record), "is_ported": is_ported}
        # Of a number that was just taken nothing is live yet.
        did._write_own({"is_live": not is_ported})
        did.write(values)
        did._follow_window()

    def _prepare_place(self, record):
        """The platform knows best, then the metadata of telephone numbers."""
        self.ensure_one()
        if self.city or self.state_code:
            return {}
        if record and record.city:
            return {"city": record.city, "state_code": record.state_code}
        city, state_code = place_of(self.number)
        return {
            "city": city,
            "state_code": (record and record.state_code) or state_code,
        }

    def _goes_elsewhere(self):
        """Whether it is another operator's once it leaves its line."""
        self.ensure_one()
        return (
            self.is_ported
            or bool(self.port_out_at)
            or self.line_id.portability == "out"
        )

    def _describe_leaving(self, day):
        """What becomes of the number once it leaves its line, for people.

        :param date day: when
        """
        self.ensure_one()
        did = self.sudo()
        days = did.company_id.saperx_quarantine_days
        if did._goes_elsewhere():
            if did.is_ported and not did.port_out_at:
                return self.env._("Goes back to the operator that it came from")
            return self.env._("Goes to another operator")
        if not did._get_in_stock():
            return self.env._("Is free on the platform")
        if not days or not day:
            return self.env._("Is available again")
        until = max(day, did.company_id._get_telephony_today()) + timedelta(days=days)
        return self.env._("Rests in quarantine until %s", format_date(self.env, until))

    def _get_in_stock(self):
        """The stock's records that these DIDs hold."""
        return self.env["saperx.number"].sudo().search([("did_id", "in", self.ids)])
