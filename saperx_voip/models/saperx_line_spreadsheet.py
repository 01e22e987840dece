# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import Command, api, models
from odoo.fields import Domain

from .saperx_spreadsheet_mixin import IMPORTING, asked_names


class SaperxLine(models.Model):
    """Lines from a spreadsheet, with their numbers in the rows below them."""

    _name = "saperx.line"
    _inherit = ["saperx.line", "saperx.spreadsheet.mixin"]

    _spreadsheet_columns = {
        "id": "linha_001",
        "contract_id": "",
        "integration_id": "",
        "profile_id": "",
        "tariff_id": "",
        "plan_id": "",
        "international_plan_id": "",
        "billing_type": "postpaid",
        "closing_day": 10,
        "credit_limit": 300,
        "simultaneous_calls": 2,
        "portability": "no",
        "account_code": "",
        "password": "",
        "is_active": True,
        "did_ids/number": "(54) 3333-4444",
        "did_ids/monthly_fee": 9.9,
        "did_ids/accept_collect_calls": False,
    }

    @api.model
    def _get_spreadsheet_names(self):
        return {
            "contract_id": self.env._(
                "The contract's name or its code; or, if the customer has one alone, "
                "their name, CPF or CNPJ."
            ),
        }

    @api.model
    def _search_display_name(self, operator, value):
        """In a spreadsheet a line is named by one of its numbers or by its code."""
        names = asked_names(operator, value)
        if not self.env.context.get(IMPORTING) or names is None:
            return super()._search_display_name(operator, value)
        numbers = [self.env["saperx.did"]._clean_number(name) for name in names]
        return Domain("did_ids.number", "in", numbers) | Domain(
            "account_code", "in", names
        )

    @api.model
    def _find_imported(self, values):
        """The line of the same contract that has one of the row's numbers, or its
        code."""
        did_model = self.env["saperx.did"]
        numbers = [
            did_model._clean_number(command[2]["number"])
            for command in values.get("did_ids") or ()
            if command[0] == Command.CREATE and command[2].get("number")
        ]
        known_by = Domain("did_ids.number", "in", numbers)
        if code := values.get("account_code"):
            known_by |= Domain("account_code", "=", code)
        return self.search(
            Domain("contract_id", "=", values.get("contract_id"))
            & Domain("state", "!=", "cancelled")
            & known_by,
            limit=1,
        )

    @api.model
    def _complete_imported(self, values):
        return self._complete_from_profile(values)

    def _load_records_write(self, values):
        if self.env.context.get(IMPORTING) and values.get("did_ids"):
            values["did_ids"] = [self._know_did(row) for row in values["did_ids"]]
        return super()._load_records_write(values)

    def _know_did(self, command):
        """A number that the line has is changed, not taken a second time."""
        if command[0] != Command.CREATE or not command[2].get("number"):
            return command
        values = dict(command[2])
        number = self.env["saperx.did"]._clean_number(values["number"])
        did = self.did_ids.filtered(lambda did: did.number == number)
        if not did:
            return command
        del values["number"]
        return Command.update(did.id, values)
