# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
from collections import defaultdict
from decimal import Decimal

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import formatLang

from ..rate_file import Known, RateFileError, add, new_prices, read

MOST_SHOWN = 500
# Reais per minute: few calls on earth cost more, and a thousands separator that was
# meant as a decimal symbol makes far more of it.
HIGH_PRICE = Decimal(50)


class SaperxRateImportWizard(models.TransientModel):
    """Rates from a CSV or XLSX file: seen first, then written whole or not at all."""

    _name = "saperx.rate.import.wizard"
    _description = "Import rates"

    tariff_id = fields.Many2one(
        "saperx.tariff", string="Billing plan", required=True, ondelete="cascade"
    )
    file = fields.Binary(attachment=False)
    filename = fields.Char()
    mode = fields.Selection(
        [("add", "Add to the plan"), ("new_prices", "New prices from a date")],
        string="What the file does",
        required=True,
        default="add",
    )
    date_from = fields.Date(
        string="From (day)",
        default=lambda self: self.env["saperx.tariff.rate"]._get_first_of_next_month(),
    )
    end_absent = fields.Boolean(
        string="End what the file lacks",
        help="Rates whose prefix and class the file lacks end the day before, too.",
    )
    separator = fields.Selection(
        [
            ("auto", "Recognise"),
            (";", "Semicolon ;"),
            (",", "Comma ,"),
            ("\t", "Tab"),
            ("|", "Bar |"),
        ],
        required=True,
        default="auto",
    )
    decimal_symbol = fields.Selection(
        [("auto", "Recognise"), (",", "Comma: 0,05"), (".", "Point: 0.05")],
        string="Decimal symbol",
        required=True,
        default="auto",
    )
    recognised = fields.Char(compute="_compute_preview")
    new_count = fields.Integer(string="New", compute="_compute_preview")
    changed_count = fields.Integer(string="Changed", compute="_compute_preview")
    ended_count = fields.Integer(string="Ended", compute="_compute_preview")
    unchanged_count = fields.Integer(string="Unchanged", compute="_compute_preview")
    price_range = fields.Char(compute="_compute_preview")
    price_warning = fields.Text(compute="_compute_preview")
    problem_count = fields.Integer(compute="_compute_preview")
    problem_table = fields.Html(compute="_compute_preview", sanitize=False)
    notes = fields.Text(compute="_compute_preview")
    error = fields.Text(compute="_compute_preview")
    is_ready = fields.Boolean(compute="_compute_preview")

    @api.depends(
        "tariff_id",
        "file",
        "mode",
        "date_from",
        "end_absent",
        "separator",
        "decimal_symbol",
    )
    def _compute_preview(self):
        for wizard in self:
            wizard.update(wizard._get_preview())

    def action_import(self):
        """Write what was shown; nothing at all if anything is wrong.

        :raise UserError: the file has problems, or changes nothing
        """
        self.ensure_one()
        try:
            file, changes = self._compare()
        except RateFileError as error:
            raise UserError(self._explain(error)) from error
        if file.problems or changes.problems:
            raise UserError(
                self.env._(
                    "The file has lines that cannot be read: nothing was imported."
                )
            )
        if not changes:
            raise UserError(self.env._("The file changes nothing in this plan."))
        self._apply(changes)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Rates: %(new)s new, %(changed)s changed, %(ended)s ended.",
                    new=len(changes.create),
                    changed=len(changes.update),
                    ended=len(changes.end),
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _get_preview(self):
        """:return: values of the fields that show what the import would do"""
        self.ensure_one()
        values = {
            "recognised": False, "new_count": 0, "changed_count": 0, "ended_count": 0,
            "unchanged_count": 0, "price_range": False, "price_warning": False,
            "problem_count": 0, "problem_table": False, "notes": False,
            "error": False, "is_ready": False,
        }  # fmt: skip
        if not self.file or (self.mode == "new_prices" and not self.date_from):
            return values
        try:
            file, changes = self._compare()
        except RateFileError as error:
            return {**values, "error": self._explain(error)}
        problems = sorted(
            [*file.problems, *changes.problems], key=lambda problem: problem.line
        )
        return {
            "recognised": self._describe(file),
            "new_count": len(changes.create),
            "changed_count": len(changes.update),
            "ended_count": len(changes.end),
            "unchanged_count": changes.unchanged,
            "price_range": self._describe_prices(file.rows),
            "price_warning": self._warn_of_prices(file.rows),
            "problem_count": len(problems),
            "problem_table": self._tabulate(problems) if problems else False,
            "notes": "\n".join(self._get_notes(file, changes)) or False,
            "error": False,
            "is_ready": bool(changes) and not problems,
        }

    def _compare(self):
        """:return: what was read, and what it changes in the plan
        :raise RateFileError: nothing can be read
        """
        self.tariff_id.check_access("write")
        file = read(
            base64.b64decode(self.with_context(bin_size=False).file),
            None if self.separator == "auto" else self.separator,
            None if self.decimal_symbol == "auto" else self.decimal_symbol,
        )
        known = [
            Known(rate.id, rate._get_file_values(), rate.is_charged)
            for rate in self.tariff_id._origin.rate_ids
        ]
        if self.mode == "add":
            return file, add(known, file.rows)
        return file, new_prices(known, file.rows, self.date_from, self.end_absent)

    def _apply(self, changes):
        rates = self.env["saperx.tariff.rate"]
        ended = defaultdict(list)
        for rate_id, last_day in changes.end:
            ended[last_day].append(rate_id)
        for last_day, rate_ids in ended.items():
            rates.browse(rate_ids).date_to = last_day
        for rate_id, values in changes.update:
            rates.browse(rate_id).write(_field_values(values))
        rates.create(
            [
                {"tariff_id": self.tariff_id.id, **_field_values(values)}
                for values in changes.create
            ]
        )

    def _describe(self, file):
        signs = dict(self._fields["separator"]._description_selection(self.env))
        decimals = dict(self._fields["decimal_symbol"]._description_selection(self.env))
        names = self._get_column_names()
        parts = ["XLSX"]
        if file.kind == "csv":
            parts = [f"CSV {file.encoding.upper()}", signs[file.separator]]
        parts.append(decimals[file.decimal])
        parts.append(", ".join(names[column] for column in file.columns))
        return " · ".join(parts)

    def _describe_prices(self, rows):
        prices = list(map(_price, rows))
        return bool(prices) and self.env._(
            "Prices from %(lowest)s to %(highest)s per minute",
            lowest=self._format_price(min(prices)),
            highest=self._format_price(max(prices)),
        )

    def _warn_of_prices(self, rows):
        """:return: which line has a price that is hardly meant, False for none"""
        highest = max(rows, key=_price, default=None)
        return bool(highest and _price(highest) > HIGH_PRICE) and self.env._(
            "The price in line %(line)s is %(price)s per minute. Make sure that the "
            "decimal symbol is read as it was meant.",
            line=highest.line,
            price=self._format_price(_price(highest)),
        )

    def _format_price(self, price):
        """As the user's language writes it, with all of its decimals and at least two.

        :param Decimal price: with six decimals at most
        """
        decimals = -price.normalize().as_tuple().exponent
        return formatLang(self.env, float(price), digits=max(decimals, 2))

    def _get_notes(self, file, changes):
        notes = []
        if file.ignored:
            notes.append(
                self.env._("Columns not read: %s.", ", ".join(file.ignored[:10]))
            )
        if changes.over:
            notes.append(
                self.env._(
                    "Lines left out, since they end before that day: %s.", changes.over
                )
            )
        if changes.kept_later:
            notes.append(
                self.env._(
                    "New prices that hold only until another begins that was planned "
                    "before: %s.",
                    changes.kept_later,
                )
            )
        if not (changes or changes.problems or file.problems):
            notes.append(self.env._("The file changes nothing in this plan."))
        return notes

    def _tabulate(self, problems):
        """A table of what is wrong, for people who have the file open beside it."""
        names, texts = self._get_column_names(), self._get_problem_texts()
        rows = Markup("").join(
            Markup("<tr><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>")
            % (
                problem.line,
                names.get(problem.column, ""),
                problem.value,
                *texts[problem.code],
            )
            for problem in problems[:MOST_SHOWN]
        )
        table = Markup(
            '<table class="table table-sm"><thead><tr><th>%s</th><th>%s</th>'
            "<th>%s</th><th>%s</th><th>%s</th></tr></thead><tbody>%s</tbody></table>"
        ) % (
            self.env._("Line"),
            self.env._("Column"),
            self.env._("There stands"),
            self.env._("What is wrong"),
            self.env._("What to do"),
            rows,
        )
        if len(problems) > MOST_SHOWN:
            table += Markup("<p>%s</p>") % self.env._(
                "And %s more.", len(problems) - MOST_SHOWN
            )
        return table

    def _get_column_names(self):
        return {
            "prefix": self.env._("Prefix"),
            "call_class": self.env._("Class"),
            "price_per_minute": self.env._("Price/min"),
            "connection_fee": self.env._("Connection"),
            "minimum_seconds": self.env._("Min. (s)"),
            "step_seconds": self.env._("Step (s)"),
            "discard_seconds": self.env._("Free (s)"),
            "cost_per_minute": self.env._("Cost/min"),
            "date_from": self.env._("Valid from"),
            "date_to": self.env._("Valid to"),
            "sequence": self.env._("Sequence"),
        }

    def _get_problem_texts(self):
        """:return: what is wrong and what to do, by the code of a problem"""
        as_text = self.env._("Format the column as text and type the prefix again.")
        as_number = self.env._("Write a number, such as 0.05 or 0,05.")
        as_seconds = self.env._("Write whole seconds, such as 30.")
        return {
            "formula": (
                self.env._("A formula"),
                self.env._("Paste its value instead."),
            ),
            "cell_error": (
                self.env._("An error or a yes/no value"),
                self.env._("Write a value."),
            ),
            "extra_cells": (
                self.env._("A value under no heading"),
                self.env._(
                    "Remove it; if it is a decimal comma, choose another separator."
                ),
            ),
            "not_digits": (
                self.env._("A prefix has digits only"),
                self.env._("Write digits, country code first: 5511."),
            ),
            "scientific": (self.env._("The spreadsheet shortened the prefix"), as_text),
            "prefix_too_long": (self.env._("Too many digits"), as_text),
            "class_unknown": (
                self.env._("Unknown class"),
                self.env._(
                    "Write LC, LDN, VC1, VC2, VC3 or LDI, or leave it empty for any."
                ),
            ),
            "price_missing": (
                self.env._("No price"),
                self.env._("Write the price per minute; 0 if such calls cost nothing."),
            ),
            "not_a_number": (
                self.env._("No number with this decimal symbol"),
                as_number,
            ),
            "negative": (
                self.env._("A negative number"),
                self.env._("Write 0 or more."),
            ),
            "too_large": (self.env._("The number is too large"), as_number),
            "too_many_decimals": (
                self.env._("More than six decimals"),
                self.env._("Round it to six decimals."),
            ),
            "is_date": (
                self.env._("The spreadsheet made a date of it"),
                self.env._("Format the cell as a number and type it again."),
            ),
            "not_whole": (self.env._("No whole number"), as_seconds),
            "step_zero": (self.env._("A step of less than a second"), as_seconds),
            "not_a_date": (
                self.env._("No date"),
                self.env._("Write it as 31/12/2026 or 2026-12-31."),
            ),
            "dates_reversed": (
                self.env._("It ends before it begins"),
                self.env._("Correct one of the two dates."),
            ),
            "duplicate": (
                self.env._("The same rate stands in the line named"),
                self.env._("Keep one of the two lines."),
            ),
            "overlaps": (
                self.env._(
                    "Another rate for it holds on the same days, in the line named or "
                    "in the plan"
                ),
                self.env._(
                    "Let one end the day before the other begins. For a rate of the "
                    "plan, choose “New prices from a date”."
                ),
            ),
            "charged": (
                self.env._("Calls were charged at this rate"),
                self.env._("Choose “New prices from a date”, with a later day."),
            ),
        }

    def _explain(self, error):
        """What is wrong with the file as a whole, and what to do."""
        facts = error.facts
        return {
            "too_large": lambda: self.env._(
                "The file is larger than %s MB: split it.", facts.get("most")
            ),
            "too_many_rates": lambda: self.env._(
                "The file has more than %s rates: split it.", facts["most"]
            ),
            "too_many_lines": lambda: self.env._(
                "The file has more than %s lines: delete the empty ones, or split it.",
                facts["most"],
            ),
            "unsafe": lambda: self.env._(
                "No spreadsheet program writes a file like this: save it again as XLSX."
            ),
            "old_excel": lambda: self.env._(
                "This is a file of an old Excel, or one with a password: save it as "
                "XLSX without a password."
            ),
            "not_a_workbook": lambda: self.env._(
                "The file cannot be opened as XLSX: save it again as XLSX or CSV."
            ),
            "not_text": lambda: self.env._("This is neither CSV nor XLSX."),
            "broken_csv": lambda: self.env._(
                "A quotation mark is not closed near line %s.", facts["line"]
            ),
            "empty": lambda: self.env._("The file holds no rate."),
            "no_header": lambda: self.env._(
                "No headings were found. The first line must name the columns: Prefix, "
                "Class, Price/min, Connection, Minimum, Step, Discard, Cost/min, Valid "
                "from, Valid to. Only the price is mandatory. Export the rates of a "
                "plan to have an example."
            ),
            "header_twice": lambda: self.env._(
                "Two headings mean the same: “%(first)s” and “%(second)s”. Remove one.",
                **facts,
            ),
            "decimal_unclear": lambda: self.env._(
                "The decimal symbol cannot be told from “%s”: choose it.",
                facts["sample"],
            ),
        }[error.code]()


def _price(row):
    return row.values["price_per_minute"]


def _field_values(values):
    """Values of a rate file as fields take them."""
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
