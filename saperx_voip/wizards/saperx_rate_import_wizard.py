# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
from collections import defaultdict
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..rate_file import Known, RateFileError, add, new_prices, read


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
    three_digits = fields.Selection(
        [
            ("thousands", "Separates thousands (1500)"),
            ("decimal", "Is a decimal symbol (1.5)"),
        ],
        string="The sign in 1.500 or 1,500",
        help="Asked where the file alone does not say it.",
    )
    recognised = fields.Char(compute="_compute_preview")
    question = fields.Text(compute="_compute_preview")
    summary = fields.Char(compute="_compute_preview")
    change_table = fields.Html(compute="_compute_preview", sanitize=False)
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
        "filename",
        "mode",
        "date_from",
        "end_absent",
        "separator",
        "decimal_symbol",
        "three_digits",
    )
    def _compute_preview(self):
        for wizard in self:
            wizard.update(wizard._get_preview())

    @api.onchange("file", "decimal_symbol")
    def _onchange_file(self):
        # What was said of one file is not said of the next.
        self.three_digits = False

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
                "message": self.env._("Imported: %s.", self._summarise(changes.told)),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _get_preview(self):
        """:return: values of the fields that show what the import would do"""
        self.ensure_one()
        values = {
            "recognised": False, "question": False, "summary": False,
            "change_table": False, "price_range": False, "price_warning": False,
            "problem_count": 0, "problem_table": False, "notes": False,
            "error": False, "is_ready": False,
        }  # fmt: skip
        # A file of no bytes has but its name.
        is_chosen = self.file or self.filename
        if not is_chosen or (self.mode == "new_prices" and not self.date_from):
            return values
        try:
            file, changes = self._compare()
        except RateFileError as error:
            return {**values, "error": self._explain(error)}
        problems = sorted(
            [*file.problems, *changes.problems], key=lambda problem: problem.line
        )
        values |= {
            "recognised": self._describe(file),
            "notes": "\n".join(self._get_notes(file, changes)) or False,
        }
        if problems:
            return values | {
                "question": self._ask(problems),
                "problem_count": len(problems),
                "problem_table": self._tabulate_problems(problems),
            }
        return values | {
            "summary": self._summarise(changes.told, changes.unchanged),
            "change_table": self._tabulate_changes(changes.told),
            "price_range": self._describe_prices(file.rows),
            "price_warning": self._warn_of_prices(file.rows),
            "is_ready": bool(changes),
        }

    def _compare(self):
        """:return: what was read, and what it changes in the plan
        :raise RateFileError: nothing can be read
        """
        self.tariff_id.check_access("write")
        file = read(
            base64.b64decode(self.with_context(bin_size=False).file or b""),
            None if self.separator == "auto" else self.separator,
            None if self.decimal_symbol == "auto" else self.decimal_symbol,
            self.three_digits or None,
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
        rates._write_each(
            {rate_id: _field_values(values) for rate_id, values in changes.update}
        )
        rates.create(
            [
                {"tariff_id": self.tariff_id.id, **_field_values(values)}
                for values in changes.create
            ]
        )


def _field_values(values):
    """Values of a rate file as fields take them."""
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
