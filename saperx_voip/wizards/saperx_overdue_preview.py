# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import Command, api, fields, models

from ..models.saperx_overdue_case import STEPS
from ..models.saperx_overdue_plan import OBSTACLES


class SaperxOverduePreview(models.TransientModel):
    """A dry run: what the nightly task would do on a day, and what it would not."""

    _name = "saperx.overdue.preview"
    _description = "Steps of a day for overdue payment"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    is_on = fields.Boolean(related="company_id.saperx_overdue_active")
    day = fields.Date(
        required=True,
        default=lambda self: (
            self.env.company._get_telephony_today() + timedelta(days=1)
        ),
    )
    due_ids = fields.One2many(
        "saperx.overdue.preview.row",
        "preview_id",
        compute="_compute_rows",
        string="What would be done",
    )
    waiting_ids = fields.One2many(
        "saperx.overdue.preview.row",
        "preview_id",
        compute="_compute_rows",
        string="What would not, and why",
    )
    summary = fields.Char(compute="_compute_rows")

    @api.depends("company_id", "day")
    def _compute_rows(self):
        labels = dict(
            self.env["saperx.overdue.case"]
            ._fields["next_step"]
            ._description_selection(self.env)
        )
        for preview in self:
            foreseen = preview._foresee()
            due = [item for item in foreseen if not item.obstacle]
            waiting = [item for item in foreseen if item.obstacle]
            preview.due_ids = preview._make_rows(due)
            preview.waiting_ids = preview._make_rows(waiting)
            counts = [
                (label, sum(item.step.kind == kind for item in due))
                for kind, label in labels.items()
            ]
            preview.summary = " · ".join(
                f"{label}: {count}" for label, count in counts if count
            )

    def _foresee(self):
        """Of a day that is not past; whatever is switched off counts as on."""
        self.ensure_one()
        self.env["saperx.overdue.case"].check_access("read")
        if not self.day or self.company_id not in self.env.companies:
            return []
        company = self.company_id.sudo()
        day = max(self.day, company._get_telephony_today())
        cases = self.env["saperx.overdue.case"].sudo()
        return cases._foresee(company, day, notice_days=1)

    @api.model
    def _make_rows(self, foreseen):
        far = self.env["saperx.overdue.preview.row"]._get_sort_key
        return [
            Command.clear(),
            *(
                Command.create(
                    {
                        "contract_id": item.contract.id,
                        "partner_id": item.contract.partner_id.id,
                        "due_date": item.due,
                        "level": item.case.level,
                        "step": item.step and item.step.kind.value,
                        "step_on": item.step and item.step.day,
                        "obstacle": item.obstacle,
                        "held_until": item.contract.saperx_held_until,
                    }
                )
                for item in sorted(foreseen, key=far)
            ),
        ]


class SaperxOverduePreviewRow(models.TransientModel):
    _name = "saperx.overdue.preview.row"
    _description = "Contract in the dry run for overdue payment"

    preview_id = fields.Many2one(
        "saperx.overdue.preview", required=True, ondelete="cascade"
    )
    contract_id = fields.Many2one("contract.contract")
    partner_id = fields.Many2one("res.partner", string="Customer")
    due_date = fields.Date(string="Due since")
    level = fields.Selection([("partial", "Partial"), ("full", "Full")], string="Block")
    step = fields.Selection(STEPS, string="Next step")
    step_on = fields.Date(string="On")
    obstacle = fields.Selection(OBSTACLES, string="Why not")
    held_until = fields.Date(string="Held until")

    @api.model
    def _get_sort_key(self, item):
        """By day, then by who is overdue for longest; what has no day comes last."""
        day = item.step.day if item.step else None
        return (day is None, day or item.due, item.due, item.contract.id)
