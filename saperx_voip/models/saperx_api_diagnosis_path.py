# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import fields, models

from .saperx_api_diagnosis import VERDICTS


class SaperxApiDiagnosisPath(models.Model):
    """What one diagnosis found on one path of the contract."""

    _name = "saperx.api.diagnosis.path"
    _description = "Path of a diagnosis of the API"
    _order = "id"
    _rec_name = "path"

    diagnosis_id = fields.Many2one(
        "saperx.api.diagnosis",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="diagnosis_id.company_id", store=True)
    method = fields.Char(required=True, readonly=True)
    path = fields.Char(required=True, readonly=True)
    verdict = fields.Selection(VERDICTS, required=True, readonly=True)
    reason = fields.Selection(
        [
            ("writes", "It writes, or gives out tokens: a diagnosis only reads."),
            ("nothing", "There was no record to ask for."),
            ("time", "The time was over, or the platform could not be asked further."),
        ],
        string="Why not tried",
        readonly=True,
    )
    request_count = fields.Integer(string="Requests", readonly=True, aggregator=None)
    milliseconds = fields.Integer(
        string="Slowest answer (ms)", readonly=True, aggregator=None
    )
    record_count = fields.Integer(
        string="Records looked at", readonly=True, aggregator=None
    )
    finding_ids = fields.One2many(
        "saperx.api.diagnosis.finding", "path_id", string="What differs", readonly=True
    )

    def _prepare_report(self):
        self.ensure_one()
        return {
            "method": self.method,
            "path": self.path,
            "verdict": self.verdict,
            "reason": self.reason or None,
            "requests": self.request_count,
            "milliseconds": self.milliseconds,
            "records": self.record_count,
            "findings": [one._prepare_report() for one in self.finding_ids],
        }
