# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models


class SaperxRateImportWizard(models.TransientModel):
    """The words of an import: the columns, what is wrong and what was done."""

    # pylint: disable=consider-merging-classes-inherited
    _inherit = "saperx.rate.import.wizard"

    def _summarise(self, told, unchanged=0):
        """:return: "2 new rates · 1 changed rate", empty if there is nothing to say"""
        new = sum(change.before is None for change in told)
        ended = sum(change.after is None for change in told)
        changed = len(told) - new - ended
        parts = []
        if new:
            parts.append(
                self.env._("1 new rate")
                if new == 1
                else self.env._("%s new rates", new)
            )
        if changed:
            parts.append(
                self.env._("1 changed rate")
                if changed == 1
                else self.env._("%s changed rates", changed)
            )
        if ended:
            parts.append(
                self.env._("1 ended rate")
                if ended == 1
                else self.env._("%s ended rates", ended)
            )
        if unchanged:
            parts.append(
                self.env._("1 unchanged rate")
                if unchanged == 1
                else self.env._("%s unchanged rates", unchanged)
            )
        return " · ".join(parts)

    def _get_column_names(self):
        return {
            "prefix": self.env._("Prefix"),
            "call_class": self.env._("Class"),
            "price_per_minute": self.env._("Price/min"),
            "connection_fee": self.env._("Connection"),
            "minimum_seconds": self.env._("Minimum (s)"),
            "step_seconds": self.env._("Step (s)"),
            "discard_seconds": self.env._("Free (s)"),
            "cost_per_minute": self.env._("Cost/min"),
            "date_from": self.env._("Valid from"),
            "date_to": self.env._("Valid to"),
            "sequence": self.env._("Sequence"),
        }

    def _get_text_key(self, problem):
        """:return: where ``_get_problem_texts`` has its words"""
        if problem.code == "overlaps" and not problem.other_line:
            return "overlaps_plan"
        return problem.code

    def _get_facts(self, problem):
        """What the words of a problem may name."""
        facts = {"line": problem.line, "other_line": problem.other_line}
        names = ("thousands", "decimal")
        return facts | dict(
            zip(names, map(self._format_price, problem.readings), strict=False)
        )

    def _get_problem_texts(self):
        """:return: what is wrong, with the places of its facts, and what to do"""
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
            "ambiguous": (
                self.env._("May be %(thousands)s or %(decimal)s"),
                self.env._("Say above which is meant."),
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
                self.env._("Lines %(other_line)s and %(line)s hold the same rate"),
                self.env._("Keep one of the two lines."),
            ),
            "overlaps": (
                self.env._(
                    "Lines %(other_line)s and %(line)s hold rates for the same calls "
                    "on the same days"
                ),
                self.env._("Let one end the day before the other begins."),
            ),
            "overlaps_plan": (
                self.env._("A rate of the plan holds on the same days"),
                self.env._(
                    "Choose “New prices from a date”, or let one end the day before "
                    "the other begins."
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
            "blank": lambda: self.env._("The file is empty."),
            "empty": lambda: self.env._("The file holds no rate."),
            "no_header": lambda: self.env._(
                "No headings were found. The first line must name the columns: Prefix, "
                "Class, Price/min, Connection, Minimum (s), Step (s), Free (s), "
                "Cost/min, Valid from, Valid to. Only the price is mandatory. Export "
                "the rates of a plan to have an example."
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
