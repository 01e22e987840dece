# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from odoo import api, models
from odoo.tools.misc import format_amount

from ..gateway import read_terms
from .saperx_line_difference import LINE_FIELDS

RELATED = {
    "plan_remote_id": ("saperx.plan", "national"),
    "international_plan_remote_id": ("saperx.plan", "international"),
    "group_remote_id": ("saperx.group", None),
}


class SaperxLineDifference(models.Model):
    """What differs, in words: names instead of ids, labels instead of codes."""

    _inherit = "saperx.line.difference"  # pylint: disable=consider-merging-classes-inherited

    @api.depends("kind", "field_name", "number", "our_value", "their_value")
    @api.depends_context("lang")
    def _compute_words(self):
        labels = dict(self._fields["field_name"]._description_selection(self.env))
        for difference in self:
            number = difference.number
            difference.subject = (
                self.env["saperx.did"]._format_number(number)
                if number
                else labels.get(difference.field_name)
            )
            difference.ours = difference._say_ours()
            difference.theirs = difference._say_theirs()

    def _say_ours(self):
        match self.kind:
            case "unknown":
                return self.env._("No line")
            case "missing" | "status":
                return self._say_status(self.our_value)
            case "did_extra":
                return self.env._("Not on the line")
            case "did_elsewhere":
                return self.env._("On this line")
            case "did_missing" | "did_terms":
                return self._say_terms(self.our_value)
            case "reference":
                return self.our_value
        return self._say_setting(self.our_value)

    def _say_theirs(self):
        match self.kind:
            case "missing":
                return self.env._("No line")
            case "unknown":
                circuit = self.circuit_id
                words = (
                    circuit.display_name,
                    circuit.numbers,
                    self._say_status(self.their_value),
                )
                return " · ".join(filter(None, words))
            case "status":
                return self._say_status(self.their_value)
            case "did_missing":
                return self.env._("Not on the line")
            case "did_extra" | "did_terms":
                return self._say_terms(self.their_value)
            case "did_elsewhere":
                return self._say_holder()
            case "reference":
                return self.their_value
        return self._say_setting(self.their_value)

    def _say_status(self, value):
        field = self.env["saperx.circuit"]._fields["status"]
        return dict(field._description_selection(self.env)).get(value, value)

    def _say_terms(self, value):
        fee, collect = read_terms(value or "")
        unknown = self.env._("unknown")
        return self.env._(
            "Fee: %(fee)s; collect calls: %(collect)s",
            fee=unknown if fee is None else self._say_money(fee),
            collect=unknown if collect is None else self._say_flag(collect),
        )

    def _say_holder(self):
        """Who has the number there."""
        holder = self._get_holder()
        whose = holder.line_id.sudo().partner_id.display_name or holder.customer_name
        return self.env._(
            "On the line %(code)s of %(customer)s",
            code=holder.account_code or self.their_value,
            customer=whose or "?",
        )

    def _get_holder(self):
        """The circuit that has the number of a ``did_elsewhere``."""
        self.ensure_one()
        return self.env["saperx.circuit"].search(
            [
                ("integration_id", "=", self.integration_id.id),
                ("remote_id", "=", int(self.their_value)),
            ]
        )

    def _say_setting(self, value):
        name = self.field_name
        if not value:
            return self.env._("None")
        if name in RELATED:
            record = self._get_related(value)
            return record.name or self.env._("Unknown here (id %s)", value)
        if name == "credit_limit":
            return self._say_money(Decimal(value))
        field = self.env["saperx.line"]._fields.get(LINE_FIELDS.get(name, name))
        if field is not None and field.type == "boolean":
            return self._say_flag(value == "true")
        if field is not None and field.type == "selection":
            return dict(field._description_selection(self.env)).get(value, value)
        return value

    def _get_related(self, value):
        """The plan or group of that id on the platform, also one that is gone there."""
        model, scope = RELATED[self.field_name]
        domain = [
            ("integration_id", "=", self.integration_id.id),
            ("remote_id", "=", int(value)),
        ]
        if scope:
            domain.append(("scope", "=", scope))
        return self.env[model].with_context(active_test=False).search(domain, limit=1)

    def _say_money(self, amount):
        """With all of its decimals, should there be more than the currency has."""
        if amount != round(amount, self.currency_id.decimal_places):
            return f"{amount:f}"
        return format_amount(self.env, float(amount), self.currency_id)

    @api.model
    def _say_flag(self, value):
        return self.env._("Yes") if value else self.env._("No")
