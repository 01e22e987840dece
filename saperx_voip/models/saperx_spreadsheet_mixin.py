# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from dataclasses import replace

from odoo import api, models
from odoo.exceptions import UserError, ValidationError

from ..spreadsheet import Column

IMPORTING = "saperx_spreadsheet"
# A template that lists more than so many names would hide its own advice.
MOST_NAMES = 30
# Of these 0 is a value.
NUMBERS = ("integer", "float", "monetary")


class _RowByRow(Exception):
    """Some row of several is wrong: Odoo tries each alone, and names those that are.

    Of a ``UserError`` it would say that the first row had it.
    """


class SaperxSpreadsheetMixin(models.AbstractModel):
    """Odoo's own import, as a provider's spreadsheets need it.

    An empty cell leaves things as they are, or to the profile and the defaults; what
    Odoo would guess at, with a warning, is an error; and a row that was imported
    before is known again also without an external id.
    """

    _name = "saperx.spreadsheet.mixin"
    _description = "Model that is filled from spreadsheets"

    #: Paths of the template's columns, as the import has them, each with an example.
    _spreadsheet_columns = {}
    #: Columns whose names may stand for several records; the row says which is meant.
    _spreadsheet_relative = ()

    @api.model
    def get_import_templates(self):
        return [
            {
                "label": self.env._(
                    "Template: %s", self.env["ir.model"]._get(self._name).name
                ),
                "template": f"/saperx_voip/template/{self._name}",
            }
        ]

    @api.model
    def load(self, fields, data):
        """:return: as Odoo's, with its guesses as errors"""
        savepoint = self.env.cr.savepoint()
        result = super(
            SaperxSpreadsheetMixin, self.with_context(**{IMPORTING: True})
        ).load(fields, data)
        warnings = [
            message
            for message in result["messages"]
            if message["type"] == "warning" and message.get("field")
        ]
        guesses = [
            message
            for message in warnings
            if message["field"] not in self._spreadsheet_relative
        ]
        result["messages"] = [
            message
            for message in result["messages"]
            if message not in warnings or message in guesses
        ]
        for message in guesses:
            message["type"] = "error"
        result["messages"] = _without_consequences(result["messages"])
        if guesses:
            result["ids"] = False
        savepoint.close(rollback=bool(guesses))
        return result

    @api.model
    def _extract_records(self, *args, **kwargs):
        for record, info in super()._extract_records(*args, **kwargs):
            if self.env.context.get(IMPORTING):
                record = _without_empty_cells(record)
            yield record, info

    @api.model
    def _load_records(self, data_list, update=False):
        if not self.env.context.get(IMPORTING):
            return super()._load_records(data_list, update)
        try:
            for data in data_list:
                self._know_again(data)
            return super()._load_records(data_list, update)
        except UserError as error:
            if len(data_list) > 1:
                raise _RowByRow from error
            raise

    @api.model
    def _know_again(self, data):
        values = data["values"]
        if data.get("xml_id") or values.get("id"):
            return
        if found := self._find_imported(values):
            data["values"] = {**values, "id": found.id}
        else:
            self._check_required(values)

    @api.model
    def _check_required(self, values):
        """Before the database, which would say it in its own words.

        :raise ValidationError: naming the column that is missing
        """
        required = [
            name
            for name, field in self._fields.items()
            if field.required and field.store and not field.compute
        ]
        known = {**self.default_get(required), **self._complete_imported(values)}
        for name in required:
            if name in self._spreadsheet_columns and not (
                known.get(name) or self._fields[name].type in NUMBERS
            ):
                raise ValidationError(
                    self.env._(
                        "“%s” is missing: fill in this column.",
                        self._fields[name].get_description(self.env)["string"],
                    )
                )

    @api.model
    def _find_imported(self, values):
        """:return: the record that a row without an external id speaks of, if any"""
        return self.browse()

    @api.model
    def _complete_imported(self, values):
        """:return: what ``create`` would make of a row, beside the defaults"""
        return values

    @api.model
    def _get_spreadsheet(self):
        """:return: the template's columns in the user's language"""
        tree = self.env["base_import.import"].get_fields_tree(self._name)
        named_by = self._get_spreadsheet_names()
        columns = []
        for path, example in self._spreadsheet_columns.items():
            if found := self._get_spreadsheet_column(tree, path):
                column = self._describe_column(*found, example)
                if path in named_by:
                    column = replace(column, advice=named_by[path])
                columns.append(column)
        return columns

    @api.model
    def _get_spreadsheet_names(self):
        """:return: path of a column to how its record is named there"""
        return {}

    def _get_spreadsheet_column(self, tree, path):
        """:return: the title that the import knows the column by, and the field's
        description; None for what the user may not write"""
        titles = []
        for name in path.split("/"):
            node = next((node for node in tree if node["name"] == name), None)
            if node is None:
                return None
            titles.append(node["string"])
            tree = node["fields"]
        return "/".join(titles), node

    def _describe_column(self, title, node, example):
        if node["type"] == "id":
            return Column(title, "text", False, self._explain_external_id(), example)
        model = self.env[node["model_name"]]
        field = model._fields[node["name"]]
        told = field.get_description(self.env)
        allowed = self._get_allowed_values(field, told)
        advice = " ".join(filter(None, (told.get("help"), allowed)))
        is_required = field.required and not field.default
        if field.type == "boolean":
            example = self.env._("Yes") if example else self.env._("No")
        elif field.type == "selection":
            example = dict(told["selection"]).get(example, example)
        elif field.type == "many2one":
            example = model.env[field.comodel_name].search([], limit=1).display_name
        return Column(title, field.type, is_required, advice, example or "")

    def _get_allowed_values(self, field, told):
        if field.type == "boolean":
            return self.env._("Yes or No.")
        if field.type == "selection":
            return self.env._(
                "One of: %s.", "; ".join(label for _value, label in told["selection"])
            )
        if field.type == "many2one":
            names = self.env[field.comodel_name].search([], limit=MOST_NAMES + 1)
            names = names.mapped("display_name")
            if 0 < len(names) <= MOST_NAMES:
                return self.env._("One of: %s.", "; ".join(names))
            return self.env._("The name, as it is written in Odoo.")
        if field.type == "date":
            return self.env._("A date, such as 2026-12-31.")
        return ""

    def _explain_external_id(self):
        return self.env._(
            "Optional: a key of your own for the row, without blanks. A row with the "
            "same key changes what it made before."
        )


def asked_names(operator, value):
    """What an import looks for by name; None for any other search."""
    if operator == "=":
        return [value]
    return list(value) if operator == "in" else None


def _without_consequences(messages):
    """Of a row whose cells cannot be read nothing else is said."""
    unread = {
        message["rows"]["from"]
        for message in messages
        if message.get("field") and "rows" in message
    }
    return [
        message
        for message in messages
        if message.get("field") or message.get("rows", {}).get("from") not in unread
    ]


def _without_empty_cells(record):
    return {
        name: [_without_empty_cells(row) for row in value]
        if isinstance(value, list)
        else value
        for name, value in record.items()
        if value != ""
    }
