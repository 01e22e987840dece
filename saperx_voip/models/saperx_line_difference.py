# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models

from ..gateway import COMPARED_SETTINGS

KINDS = [
    ("missing", "Not on the platform"),
    ("unknown", "Unknown here"),
    ("reference", "Other reference"),
    ("setting", "Field"),
    ("status", "Status"),
    ("did_missing", "Number only here"),
    ("did_extra", "Number only there"),
    ("did_terms", "Terms of a number"),
    ("did_elsewhere", "Number on another line there"),
]
STATES = [
    ("open", "To decide"),
    ("pending", "Push pending"),
    ("mended", "Mended"),
    ("settled", "Confirmed"),
    ("ignored", "Ignored"),
]
KEPT = timedelta(days=90)
# What the line's form calls what the gateway compares.
LINE_FIELDS = {
    "customer_name": "partner_id",
    "plan_remote_id": "plan_id",
    "international_plan_remote_id": "international_plan_id",
    "group_remote_id": "group_id",
}


class SaperxLineDifference(models.Model):
    """Something of a line that here is not as it is on the platform.

    Found by a reading of the platform's lines (``saperx_line_difference_finding.py``),
    and mended one way or the other (``saperx_line_difference_mending.py``). Values are
    kept as the gateway tells them, and put in words for whoever reads
    (``saperx_line_difference_words.py``).
    """

    _name = "saperx.line.difference"
    _description = "Difference from the platform"
    _order = "integration_id, line_id, circuit_id, kind, field_name, number, id"
    _log_access = False

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(
        related="integration_id.company_id", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    key = fields.Char(
        required=True, readonly=True, help="The same difference has the same."
    )
    line_id = fields.Many2one(
        "saperx.line", string="SIP line", readonly=True, index=True, ondelete="cascade"
    )
    contract_id = fields.Many2one(related="line_id.contract_id")
    partner_id = fields.Many2one(related="line_id.partner_id", string="Customer")
    line_sync_state = fields.Selection(related="line_id.sync_state")
    line_sync_error = fields.Text(related="line_id.sync_error")
    circuit_id = fields.Many2one(
        "saperx.circuit",
        string="Line on the platform",
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    kind = fields.Selection(KINDS, required=True, readonly=True)
    field_name = fields.Selection(
        selection="_get_field_names", string="Field", readonly=True
    )
    number = fields.Char(readonly=True)
    our_value = fields.Char(readonly=True)
    their_value = fields.Char(readonly=True)
    subject = fields.Char(string="What differs", compute="_compute_words")
    ours = fields.Char(string="Here", compute="_compute_words")
    theirs = fields.Char(string="On the platform", compute="_compute_words")
    state = fields.Selection(STATES, required=True, readonly=True, default="open")
    found_at = fields.Datetime(readonly=True, help="When it was first found.")
    reading_id = fields.Many2one(
        "saperx.circuit.reading",
        string="Last found by",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    answer = fields.Selection(
        [("push", "Pushed ours"), ("take", "Took theirs")],
        readonly=True,
        help="How it was mended here.",
    )
    answered_at = fields.Datetime(readonly=True)
    answered_by_id = fields.Many2one(
        "res.users", string="By", readonly=True, ondelete="set null"
    )
    ignore_reason = fields.Char(string="Why it is ignored", readonly=True)
    note = fields.Text(
        string="Why it could not be done",
        readonly=True,
        help="What kept the last action from mending it.",
    )

    _key_unique = models.UniqueIndex("(integration_id, key)")
    _to_do = models.Index("(integration_id) WHERE state = 'open'")

    @api.depends("subject", "kind", "line_id", "circuit_id")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for difference in self:
            whose = difference.line_id or difference.circuit_id
            words = (whose.display_name, kinds.get(difference.kind), difference.subject)
            difference.display_name = " · ".join(filter(None, words))

    @api.model
    def _get_field_names(self):
        """Fields that may differ, as the line's form names them."""
        own = {"customer_document": self.env._("CPF/CNPJ")}
        return [
            (name, own.get(name) or self._get_line_label(name))
            for name in COMPARED_SETTINGS
        ]

    @api.model
    def _get_line_label(self, name):
        field = self.env["saperx.line"]._fields[LINE_FIELDS.get(name, name)]
        return field.get_description(self.env, ["string"])["string"]

    @api.autovacuum
    def _gc_settled(self):
        old = fields.Datetime.now() - KEPT
        self.search(
            [
                ("state", "=", "settled"),
                ("reading_id.ended_at", "<", old),
            ]
        ).unlink()
