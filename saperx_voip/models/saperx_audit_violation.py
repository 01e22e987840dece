# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.tools.misc import format_date, formatLang

KINDS = [
    ("call_state", "Call: not in one of its states"),
    ("call_with_line", "Call: “without a line”, yet it names one"),
    ("call_without_line", "Call: line, customer or cycle is missing"),
    ("call_holder", "Call: not as its line was held when it began"),
    ("call_company", "Call: another company's or integration's"),
    ("call_cycle", "Call: outside its cycle"),
    ("call_reason", "Call: state and reason disagree"),
    ("call_without_amount", "Call: an amount is missing"),
    ("call_with_amount", "Call: costs nothing, yet has an amount"),
    ("call_amount", "Call: gross less allowance is not what is charged"),
    ("call_allowance", "Call: allowance used and allowance noted disagree"),
    ("call_without_charge", "Call: charged, but in no additional"),
    ("call_with_charge", "Call: in an additional, but not charged"),
    ("call_of_other_charge", "Call: in an additional that is not its own"),
    ("charge_sum", "Additional: not the sum of its calls"),
    ("charge_class", "Additional: a class is not the sum of its calls"),
    ("charge_cancelled", "Additional: cancelled, but still holds calls"),
    ("charge_holder", "Additional: not as its line was held"),
    ("allowance_use", "Additional: allowance used is not what its calls drew"),
    ("allowance_exceeded", "Allowance: more was used than there was"),
    ("invoice_missing", "Additional: invoiced, but on no invoice"),
    ("invoice_unexpected", "Additional: on an invoice, but not invoiced"),
    ("invoice_twice", "Additional: on more than one invoice"),
    ("invoice_sum", "Invoice: its lines are not the additional's amount"),
    ("invoice_other", "Invoice: another customer's, contract's or company's"),
    ("import_count", "Import: its counts do not sum to what it read"),
    ("correction_of_uncharged", "Correction: waits, but its call is not charged"),
]

# What to do about it, by kind.
RATE_AGAIN = {
    "call_state",
    "call_with_line",
    "call_without_line",
    "call_holder",
    "call_company",
    "call_cycle",
    "call_reason",
    "call_without_amount",
    "call_with_amount",
    "call_amount",
    "call_allowance",
}
CHARGE_AGAIN = {
    "call_without_charge",
    "call_with_charge",
    "call_of_other_charge",
    "charge_sum",
    "charge_class",
    "charge_cancelled",
    "charge_holder",
    "allowance_use",
    "allowance_exceeded",
}
INVOICE_AGAIN = {"invoice_missing", "invoice_unexpected", "invoice_twice"}


class SaperxAuditViolation(models.Model):
    """One thing that an audit found: a record that is not what it must be."""

    _name = "saperx.audit.violation"
    _description = "Finding of an audit"
    _order = "audit_id desc, id"
    _rec_name = "kind"
    _log_access = False

    audit_id = fields.Many2one(
        "saperx.audit", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="audit_id.company_id", store=True, index=True, readonly=True
    )
    kind = fields.Selection(KINDS, string="What is wrong", required=True, readonly=True)
    model = fields.Char(required=True, readonly=True)
    record_id = fields.Many2oneReference(
        string="Id of the record", model_field="model", required=True, readonly=True
    )
    field_name = fields.Char(readonly=True)
    detail = fields.Char(readonly=True, help="A class, or the id of an allowance.")
    expected_value = fields.Char(readonly=True, help="As the database has it.")
    found_value = fields.Char(readonly=True, help="As the database has it.")

    record_name = fields.Char(string="Record", compute="_compute_texts")
    field_label = fields.Char(string="Field", compute="_compute_texts")
    expected = fields.Char(compute="_compute_texts")
    found = fields.Char(compute="_compute_texts")
    advice = fields.Char(string="What to do", compute="_compute_texts")

    @api.depends(
        "kind", "model", "record_id", "field_name", "expected_value", "found_value"
    )
    @api.depends_context("uid", "lang", "tz")
    def _compute_texts(self):
        for violation in self:
            violation.record_name = violation._name_record()
            violation.field_label = violation._name_field()
            violation.expected = violation._tell_expected()
            violation.found = violation._tell(violation.found_value)
            violation.advice = violation._advise()

    def _get_record(self):
        """The record, empty if it is gone or the user may not see it."""
        self.ensure_one()
        return (
            self.env[self.model]
            .browse(self.record_id)
            .exists()
            ._filtered_access("read")
        )

    def _name_record(self):
        model = self.env["ir.model"]._get(self.model).name
        record = self._get_record()
        return f"{model} {record.display_name if record else f'#{self.record_id}'}"

    def _name_field(self):
        field = self.env[self.model]._fields[self.field_name]
        label = field.get_description(self.env, ["string"])["string"]
        return f"{label} · {detail}" if (detail := self._name_detail()) else label

    def _name_detail(self):
        if not self.detail:
            return False
        if self.field_name == "allowance_ids":
            allowance = self.env["saperx.tariff.allowance"].browse(int(self.detail))
            return allowance.exists().display_name or f"#{self.detail}"
        field = self.env["saperx.charge.class"]._fields["call_class"]
        return dict(field._description_selection(self.env)).get(self.detail)

    def _tell_expected(self):
        if self.expected_value is not False:
            return self._tell(self.expected_value)
        match self.kind:
            case (
                "call_without_line"
                | "call_without_amount"
                | "call_without_charge"
                | "call_state"
            ):
                return self.env._("a value")
            case "call_holder":
                return self.env._("the one of that moment")
            case "call_reason":
                return self.env._("none") if self.found_value else self.env._("a value")
            case "call_allowance":
                return self.env._("the other of the two")
            case "invoice_missing":
                return self.env._("an invoice")
        return self.env._("none")

    def _tell(self, value):
        """A value of the database in the reader's words."""
        if value is False:
            return self.env._("nothing")
        field = self.env[self.model]._fields[self.field_name]
        if self.kind in ("allowance_use", "allowance_exceeded"):
            allowance = self.env["saperx.tariff.allowance"].browse(int(self.detail))
            return (
                allowance._format_quantity(int(value)) if allowance.exists() else value
            )
        if self.kind == "invoice_twice":
            return value
        match field.type:
            case "monetary":
                return formatLang(
                    self.env, float(value), currency_obj=self.company_id.currency_id
                )
            case "date":
                return format_date(self.env, value)
            case "selection":
                return dict(field._description_selection(self.env)).get(value, value)
            case "many2one":
                record = self.env[field.comodel_name].browse(int(value)).exists()
                record = record._filtered_access("read")
                return record.display_name if record else f"#{value}"
        return value

    def _advise(self):
        if self.kind in RATE_AGAIN:
            return self.env._(
                "Rate the call again (Calls, “Recalculate”). If it is charged, cancel "
                "its additional first. If it comes back, keep this report and ask "
                "whoever looks after the system: it was written by other ways."
            )
        if self.kind in CHARGE_AGAIN:
            return self.env._(
                "Cancel the additional, which frees its calls, and generate it again. "
                "If it is invoiced, delete the draft or take the invoice back first. "
                "Keep this report: no ordinary way leads here."
            )
        if self.kind in INVOICE_AGAIN:
            return self.env._(
                "Look at the additional's invoice lines. It must be on one invoice, or "
                "wait for the next: take back the invoice that is too much, and ask "
                "whoever looks after the system if none is."
            )
        match self.kind:
            case "invoice_sum":
                return self.env._(
                    "Somebody changed a price or a quantity on the invoice. Put it "
                    "back, or delete the draft and invoice again; a deliberate "
                    "discount belongs on a line of its own."
                )
            case "invoice_other":
                return self.env._(
                    "Take the invoice back and invoice the additional from its own "
                    "contract. If the contract's payer has changed since, nothing is "
                    "to be done."
                )
            case "import_count":
                return self.env._(
                    "Import the same window again: what is known is not stored twice."
                )
        return self.env._("Acknowledge the correction: the call follows it already.")

    def action_open_record(self):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": self.model,
            "res_id": self.record_id,
            "views": [(False, "form")],
        }
