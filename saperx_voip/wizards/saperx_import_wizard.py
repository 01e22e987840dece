# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models

from ..rating import local_date


class SaperxImportWizard(models.TransientModel):
    """*Importar ligações*: read a window of calls now."""

    _name = "saperx.import.wizard"
    _description = "Import calls"

    integration_id = fields.Many2one(
        "saperx.integration",
        required=True,
        default=lambda self: self.env["saperx.integration"].search(
            [("company_id", "in", self.env.companies.ids)], limit=1
        ),
    )
    date_from = fields.Date(
        string="From",
        required=True,
        compute="_compute_window",
        store=True,
        readonly=False,
    )
    date_to = fields.Date(
        string="To",
        required=True,
        compute="_compute_window",
        store=True,
        readonly=False,
        help="Last day, inclusive.",
    )

    @api.depends("integration_id")
    def _compute_window(self):
        for wizard in self.filtered("integration_id"):
            integration = wizard.integration_id
            timezone = ZoneInfo(integration.timezone)
            date_from, date_to = integration._get_default_window()
            wizard.date_from = local_date(date_from, timezone)
            wizard.date_to = local_date(date_to - timedelta(seconds=1), timezone)

    def action_import(self):
        """Start the run and show it; it goes on whether or not somebody looks."""
        self.ensure_one()
        integration = self.integration_id
        integration.check_access("read")
        run = (
            self.env["saperx.cdr.import"]
            .sudo()
            .create(
                {
                    "integration_id": integration.id,
                    "date_from": integration._get_start_of_day(self.date_from),
                    "date_to": integration._get_start_of_day(
                        self.date_to + timedelta(days=1)
                    ),
                }
            )
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": run._name,
            "res_id": run.id,
            "views": [(False, "form")],
        }
