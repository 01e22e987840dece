# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..rating import AREA_CODES
from ..rating.countries import country_code

BRAZIL = "55"
MOST_NUMBERS = 1_000_000
# What a DID takes.
SHORTEST_E164, LONGEST_E164 = 10, 15
SHORTEST_LOCAL, LONGEST_LOCAL = 4, 12

BOUNDS = ("country_code", "area_code", "first", "last")
# A range lets these go; whoever holds another number would lose it.
LOOSE_STATES = ("available", "ported_out")


class SaperxNumberRange(models.Model):
    """Numbers from first to last: guide, *Range de Números Cadastrados*.

    A company that has one controls its stock; without any, every number is accepted.
    """

    _name = "saperx.number.range"
    _description = "Registered number range"
    _order = "country_code, area_code, first, id"

    name = fields.Char(required=True)
    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    country_code = fields.Char(string="Country code (DDI)", required=True, default="55")
    area_code = fields.Char(string="Area code (DDD)")
    first = fields.Char(string="First number", required=True)
    last = fields.Char(string="Last number", help="Empty: the range is one number.")
    number_ids = fields.One2many("saperx.number", "range_id", string="Numbers")
    number_count = fields.Integer(string="Size", compute="_compute_counts")
    available_count = fields.Integer(string="Available", compute="_compute_counts")
    reserved_count = fields.Integer(string="Reserved", compute="_compute_counts")
    in_use_count = fields.Integer(string="In use", compute="_compute_counts")
    quarantine_count = fields.Integer(string="In quarantine", compute="_compute_counts")

    def _compute_counts(self):
        counts = {
            (number_range, state): count
            for number_range, state, count in self.env["saperx.number"]._read_group(
                [("range_id", "in", self.ids)], ["range_id", "state"], ["__count"]
            )
        }
        states = dict(self.env["saperx.number"]._fields["state"].selection)
        for record in self:
            by_state = {state: counts.get((record, state), 0) for state in states}
            record.number_count = sum(by_state.values())
            for state in ("available", "reserved", "in_use", "quarantine"):
                record[f"{state}_count"] = by_state[state]

    @api.constrains(*BOUNDS)
    def _check_bounds(self):
        for record in self:
            record._check_prefix()
            for number in filter(None, (record.first, record.last)):
                record._check_local_number(number)
            record._check_span()

    def _check_prefix(self):
        if country_code(self.country_code) != self.country_code:
            raise ValidationError(
                self.env._("“%s” is no country code (DDI).", self.country_code)
            )
        if self.country_code == BRAZIL and self.area_code not in AREA_CODES:
            raise ValidationError(
                self.env._(
                    "“%s” is no area code (DDD) of Brazil.", self.area_code or ""
                )
            )

    def _check_local_number(self, number):
        """:raise ValidationError: naming the digit that no number has there"""
        if self.country_code != BRAZIL:
            total = len(self._get_prefix() + number)
            if not (
                SHORTEST_LOCAL <= len(number) <= LONGEST_LOCAL
                and SHORTEST_E164 <= total <= LONGEST_E164
            ):
                raise ValidationError(
                    self.env._(
                        "“%(number)s” has %(count)s digits, and %(total)s with country "
                        "and area code: there must be 4 to 12, and 10 to 15.",
                        number=number,
                        count=len(number),
                        total=total,
                    )
                )
        elif len(number) not in (8, 9):
            raise ValidationError(
                self.env._(
                    "“%(number)s” has %(count)s digits: a number without its area code "
                    "has 8 (fixed) or 9 (mobile).",
                    number=number,
                    count=len(number),
                )
            )
        elif number[0] not in ("2345" if len(number) == 8 else "9"):
            raise ValidationError(
                self.env._(
                    "“%(number)s” begins with %(digit)s (digit 1): a fixed number has "
                    "8 digits and begins with 2 to 5, a mobile one has 9 and begins "
                    "with 9.",
                    number=number,
                    digit=number[0],
                )
            )

    def _check_span(self):
        if not self.last:
            return
        if len(self.first) != len(self.last):
            raise ValidationError(
                self.env._(
                    "The first number “%(first)s” and the last one “%(last)s” must "
                    "have the same count of digits.",
                    first=self.first,
                    last=self.last,
                )
            )
        low, high = self._get_bounds()
        if high < low:
            raise ValidationError(
                self.env._(
                    "The range is reversed: the first number %(first)s comes after the "
                    "last one %(last)s.",
                    first=self.first,
                    last=self.last,
                )
            )
        if high - low >= MOST_NUMBERS:
            raise ValidationError(
                self.env._(
                    "From %(first)s to %(last)s there are %(count)s numbers: a range "
                    "has %(most)s at most.",
                    first=self.first,
                    last=self.last,
                    count=high - low + 1,
                    most=MOST_NUMBERS,
                )
            )

    def _check_no_overlap(self):
        found = self.env.execute_query(
            SQL(
                "SELECT id FROM saperx_number WHERE company_id = %s AND %s"
                " AND range_id != %s ORDER BY number LIMIT 1",
                self.company_id.id,
                self._sql_inside(),
                self.id,
            )
        )
        if found:
            other = self.env["saperx.number"].sudo().browse(found[0])
            raise ValidationError(
                self.env._(
                    "The range “%(other)s” has the number %(number)s already: ranges "
                    "may not overlap.",
                    other=other.range_id.name,
                    number=other.display_name,
                )
            )

    @api.model_create_multi
    def create(self, vals_list):
        ranges = super().create([self._clean(vals) for vals in vals_list])
        for record in ranges:
            record._make_numbers()
        return ranges

    def write(self, vals):
        if any(
            "company_id" in vals and record.company_id.id != vals["company_id"]
            for record in self
        ):
            raise UserError(self.env._("A range stays with its company."))
        res = super().write(self._clean(vals))
        if any(name in vals for name in BOUNDS):
            for record in self:
                record._drop_numbers_outside()
                record._make_numbers()
        return res

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for record in self:
            record._check_loose(SQL("TRUE"))

    def action_view_numbers(self):
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_number_action"
        )
        return {**action, "domain": [("range_id", "=", self.id)], "context": {}}

    @api.model
    def _clean(self, vals):
        """Values whose numbers are digits alone.

        :raise ValidationError: naming the first character that is none, and its place
        """
        vals = dict(vals)
        for name in BOUNDS:
            if name not in vals:
                continue
            text = str(vals[name] or "").strip()
            digits = ""
            for position, char in enumerate(text, 1):
                if char.isascii() and char.isdigit():
                    digits += char
                elif char not in " +-().":
                    raise ValidationError(
                        self.env._(
                            "%(field)s “%(text)s”: the character “%(char)s” in "
                            "position %(position)s is no digit.",
                            field=self._fields[name].get_description(self.env)[
                                "string"
                            ],
                            text=text,
                            char=char,
                            position=position,
                        )
                    )
            vals[name] = digits or False
        return vals

    def _get_prefix(self):
        return f"{self.country_code}{self.area_code or ''}"

    def _get_bounds(self):
        """First and last number as whole numbers: E.164 never begins with 0."""
        self.ensure_one()
        prefix = self._get_prefix()
        return int(prefix + self.first), int(prefix + (self.last or self.first))

    def _sql_inside(self):
        """The condition that ``saperx_number.number`` lies in this range.

        Numbers of one length compare as texts; those of another are none of its.
        """
        low, high = map(str, self._get_bounds())
        return SQL(
            "(number BETWEEN %s AND %s AND length(number) = %s)", low, high, len(low)
        )

    def _check_loose(self, condition):
        """:raise UserError: if numbers that meet it are in somebody's hands"""
        self.env.flush_all()
        [(count, first)] = self.env.execute_query(
            SQL(
                "SELECT count(*), min(number) FROM saperx_number WHERE range_id = %s"
                " AND state != ALL(%s) AND %s",
                self.id,
                list(LOOSE_STATES),
                condition,
            )
        )
        if count:
            raise UserError(
                self.env._(
                    "The range “%(range)s” cannot let go of %(count)s numbers that are "
                    "in use, reserved or in quarantine; the first is %(number)s.",
                    range=self.name,
                    count=count,
                    number=self.env["saperx.did"]._format_number(first),
                )
            )

    def _drop_numbers_outside(self):
        outside = SQL("NOT %s", self._sql_inside())
        self._check_loose(outside)
        self.env.cr.execute(
            SQL(
                "DELETE FROM saperx_number WHERE range_id = %s AND %s",
                self.id,
                outside,
            )
        )

    def _make_numbers(self):
        """Put the range's numbers into the stock, by set.

        What only the platform had told of so far belongs to the range from now on.

        :raise ValidationError: if another range has one of them
        """
        self.env.flush_all()
        self._check_no_overlap()
        low, high = self._get_bounds()
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_number
                   SET range_id = %(range)s,
                       difference = CASE
                           WHEN difference != 'unknown_here' THEN difference
                           WHEN platform_state = 'in_use' THEN 'in_use_there'
                           ELSE 'none' END,
                       state = CASE WHEN did_id IS NULL AND state = 'in_use'
                           THEN 'available' ELSE state END
                 WHERE company_id = %(company)s AND range_id IS NULL AND %(inside)s
                """,
                range=self.id,
                company=self.company_id.id,
                inside=self._sql_inside(),
            )
        )
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO saperx_number (
                    number, range_id, company_id, area_code, state, platform_state,
                    difference
                )
                SELECT made::text, %(range)s, %(company)s, %(area_code)s, 'available',
                       'unknown', 'none'
                  FROM generate_series(%(low)s, %(high)s) made
                 WHERE NOT EXISTS (
                     SELECT FROM saperx_number own
                      WHERE own.company_id = %(company)s AND own.number = made::text
                 )
                """,
                range=self.id,
                company=self.company_id.id,
                area_code=self.area_code or None,
                low=low,
                high=high,
            )
        )
        self.env["saperx.number"]._link_holders(self.company_id)
        self.invalidate_recordset()
