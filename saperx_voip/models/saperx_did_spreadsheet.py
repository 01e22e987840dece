# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re

from odoo import api, models
from odoo.exceptions import ValidationError

from .saperx_spreadsheet_mixin import IMPORTING

# What spreadsheets make of long numbers: 5,43333E+09, and 5433334444.0
SHORTENED = re.compile(r"\d([.,]\d+)?E\+?\d+", re.IGNORECASE)
WITH_DECIMALS = re.compile(r"(\d{8,})[.,]0+")


class SaperxDid(models.Model):
    """Numbers from a spreadsheet of their own, each with the line that it goes to."""

    _name = "saperx.did"
    _inherit = ["saperx.did", "saperx.spreadsheet.mixin"]

    _spreadsheet_columns = {
        "id": "did_001",
        "line_id": "",
        "number": "(54) 3333-4444",
        "monthly_fee": 9.9,
        "accept_collect_calls": False,
        "is_main": False,
        "is_ported": False,
    }

    @api.model
    def _get_spreadsheet_names(self):
        return {
            "line_id": self.env._("One of the line's numbers, or its account code."),
        }

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get(IMPORTING):
            self._check_nobody_has(vals_list)
        return super().create(vals_list)

    @api.model
    def _check_nobody_has(self, vals_list):
        """Before the database, which would not say who has the number.

        :raise ValidationError: naming the number and its line
        """
        wanted = set()
        for vals in vals_list:
            number = self._clean_number(vals.get("number") or "")
            line = self.env["saperx.line"].browse(vals.get("line_id"))
            key = (line.integration_id, number)
            if key in wanted:
                raise ValidationError(
                    self.env._("The number %s stands in the file twice.", number)
                )
            wanted.add(key)
        taken = self.search(
            [
                ("number", "in", [number for _integration, number in wanted]),
                ("integration_id", "in", [one.id for one, _number in wanted]),
            ]
        ).filtered(lambda did: (did.integration_id, did.number) in wanted)
        if taken:
            raise ValidationError(
                self.env._(
                    "The number %(number)s is on the line %(line)s of the contract "
                    "“%(contract)s” already: take it from there, or correct the row.",
                    number=taken[0].number,
                    line=taken[0].line_id.display_name,
                    contract=taken[0].line_id.contract_id.display_name,
                )
            )

    @api.model
    def _clean_number(self, number):
        text = str(number).strip()
        if SHORTENED.fullmatch(text):
            raise ValidationError(
                self.env._(
                    "“%s” was shortened by the spreadsheet, and its last digits are "
                    "lost: format the column as text and write the number again.",
                    text,
                )
            )
        if with_decimals := WITH_DECIMALS.fullmatch(text):
            text = with_decimals[1]
        return super()._clean_number(text)

    @api.model
    def _find_imported(self, values):
        return self.search(
            [
                ("line_id", "=", values.get("line_id")),
                ("number", "=", self._clean_number(values.get("number") or "")),
            ],
            limit=1,
        )

    def _load_records_write(self, values):
        if self.env.context.get(IMPORTING) and self.line_id.id == values.get("line_id"):
            # A number never moves from line to line, and says so.
            del values["line_id"]
        return super()._load_records_write(values)
