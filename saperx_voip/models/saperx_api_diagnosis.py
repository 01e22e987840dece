# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
import json
import logging
from urllib.parse import urlsplit

from odoo import api, fields, models, release
from odoo.exceptions import UserError
from odoo.modules import Manifest
from odoo.service.model import retrying

from ..alone import alone
from ..forms import tell_forms
from ..gateway import contract

_logger = logging.getLogger(__name__)

OPEN_STATES = ("waiting", "running")
DIAGNOSIS_LOCK = 0xD1A6
# Whoever takes its process along each time is given up.
ATTEMPTS = 3
VERDICTS = [
    ("agreed", "As agreed"),
    ("bearable", "Differs, bearable"),
    ("breaks", "Differs, breaks"),
    ("no_answer", "Without an answer"),
    ("not_tried", "Not tried"),
]
# The worst first.
SEVERITY = ("breaks", "no_answer", "bearable", "agreed")


class SaperxApiDiagnosis(models.Model):
    """*Diagnóstico da API*: each path that reads is asked, and its answers compared
    with the contract. Nothing is written on the platform.

    It works in the background, with no transaction open while the platform is asked.
    A run that was killed begins anew: it holds nothing that could be lost.
    """

    _name = "saperx.api.diagnosis"
    _description = "Diagnosis of the API"
    _order = "id desc"

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
    state = fields.Selection(
        [
            ("waiting", "Waiting"),
            ("running", "Asking"),
            ("done", "Ended"),
            ("failed", "Failed"),
        ],
        required=True,
        readonly=True,
        default="waiting",
    )
    verdict = fields.Selection(
        VERDICTS, compute="_compute_verdict", store=True, help="The worst of its paths."
    )
    started_at = fields.Datetime(readonly=True)
    ended_at = fields.Datetime(readonly=True)
    attempts = fields.Integer(readonly=True)
    error = fields.Text(readonly=True)
    contract_version = fields.Char(string="Contract", readonly=True)
    addon_version = fields.Char(string="Version of the addon", readonly=True)
    path_ids = fields.One2many(
        "saperx.api.diagnosis.path", "diagnosis_id", string="Paths", readonly=True
    )
    finding_ids = fields.One2many(
        "saperx.api.diagnosis.finding",
        "diagnosis_id",
        string="What differs",
        readonly=True,
    )
    report_json = fields.Binary(compute="_compute_report_json")
    report_html = fields.Binary(compute="_compute_report_html")

    _one_at_a_time = models.UniqueIndex(
        "(integration_id) WHERE state IN ('waiting', 'running')",
        "A diagnosis of this integration is under way.",
    )

    def _compute_display_name(self):
        for diagnosis in self:
            diagnosis.display_name = self.env._(
                "Diagnosis #%(number)s of %(integration)s",
                number=diagnosis.id,
                integration=diagnosis.integration_id.name,
            )

    @api.depends("state", "path_ids.verdict")
    def _compute_verdict(self):
        for diagnosis in self:
            found = set(diagnosis.path_ids.mapped("verdict"))
            worst = next((one for one in SEVERITY if one in found), False)
            diagnosis.verdict = diagnosis.state == "done" and (worst or "not_tried")

    def _compute_report_json(self):
        for diagnosis in self:
            text = json.dumps(diagnosis._prepare_report(), ensure_ascii=False, indent=2)
            diagnosis.report_json = base64.b64encode(text.encode())

    def _compute_report_html(self):
        for diagnosis in self:
            page = self.env["ir.qweb"]._render(
                "saperx_voip.api_diagnosis_report",
                {
                    "diagnosis": diagnosis,
                    "host": diagnosis._get_host(),
                    "lang": (self.env.lang or "en_US").replace("_", "-"),
                },
            )
            diagnosis.report_html = base64.b64encode(f"<!DOCTYPE html>{page}".encode())

    def _get_host(self):
        """Of the platform, without whatever else an address may hold."""
        return urlsplit(self.integration_id.base_url or "").hostname or ""

    def _prepare_report(self):
        """What is sent to the support: no secret, no name, no number."""
        self.ensure_one()
        return {
            "integration": self.integration_id.name,
            "host": self._get_host(),
            "environment": self.integration_id.environment,
            "started_at": fields.Datetime.to_string(self.started_at) or None,
            "ended_at": fields.Datetime.to_string(self.ended_at) or None,
            "contract": self.contract_version or None,
            "addon": self.addon_version or None,
            "odoo": release.version,
            "state": self.state,
            "error": self.error or None,
            "verdict": self.verdict or None,
            "paths": [path._prepare_report() for path in self.path_ids],
        }

    @api.model
    def _start(self, integration):
        """:return: the diagnosis that is under way, or a new one"""
        diagnosis = self.search(
            [
                ("integration_id", "=", integration.id),
                ("state", "in", OPEN_STATES),
            ],
            limit=1,
        )
        diagnosis = diagnosis or self.create({"integration_id": integration.id})
        self.env.ref("saperx_voip.ir_cron_diagnose_api").sudo()._trigger()
        return diagnosis

    def action_again(self):
        self.ensure_one()
        return self.integration_id.action_diagnose_api()

    def action_download_json(self):
        return self._download("report_json", "json")

    def action_download_html(self):
        return self._download("report_html", "html")

    def _download(self, name, extension):
        self.ensure_one()
        filename = f"diagnostico-api-{self.id}.{extension}"
        return {
            "type": "ir.actions.act_url",
            "url": f"/web/content/{self._name}/{self.id}/{name}/{filename}"
            "?download=true",
            "target": "download",
        }

    @api.model
    def _cron_run(self):
        """Do what waits, oldest first, also what a crash left."""
        runs = self.search([("state", "in", OPEN_STATES)], order="id")
        for done, run in enumerate(runs, 1):
            run._run()
            remaining = len(runs) - done
            if not self.env["ir.cron"]._commit_progress(1, remaining=remaining):
                break

    def _run(self):
        self.ensure_one()
        with alone(self.env, DIAGNOSIS_LOCK, self.integration_id.id) as is_alone:
            if not is_alone:
                return
            # Somebody may have done it while this one waited.
            self.invalidate_recordset(["state"])
            if self.state not in OPEN_STATES:
                return
            try:
                self._ask()
            except UserError as error:
                self._conclude("failed", str(error))
            except Exception as error:
                _logger.exception("diagnosis %s stopped", self.id)
                # Its words may hold what was said, and the report is sent to others.
                reason = self.env._(
                    "An error of the addon itself stopped it (%s): the server's log "
                    "says more.",
                    type(error).__name__,
                )
                self._conclude("failed", reason)

    def _ask(self):
        # Its secrets are read in a transaction that ends here.
        client, reports = retrying(self._begin, self.env)
        with client:
            for report in reports:
                retrying(lambda r=report: self._keep(r), self.env)
        self._conclude("done")

    def _begin(self):
        """:return: a client, and what asks by it as it is gone through"""
        if self.attempts >= ATTEMPTS:
            raise UserError(
                self.env._("It was interrupted %s times and is given up.", ATTEMPTS)
            )
        self.path_ids.unlink()
        self.write(
            {
                "state": "running",
                "started_at": fields.Datetime.now(),
                "attempts": self.attempts + 1,
                "contract_version": contract.load().version,
                "addon_version": Manifest.for_addon("saperx_voip")["version"],
            }
        )
        tell_forms(self)
        client = self.integration_id._get_client()
        return client, self.integration_id._diagnose_api(client)

    def _keep(self, report):
        """:param report: ``gateway.diagnosis.PathReport``"""
        self.env["saperx.api.diagnosis.path"].create(
            {
                "diagnosis_id": self.id,
                "method": report.method,
                "path": report.path,
                "verdict": report.verdict.value,
                "reason": report.not_tried and report.not_tried.value,
                "request_count": report.requests,
                "milliseconds": report.milliseconds,
                "record_count": report.records,
                "finding_ids": [
                    fields.Command.create(
                        self.env["saperx.api.diagnosis.finding"]._prepare(one)
                    )
                    for one in report.differing
                ],
            }
        )
        tell_forms(self)

    def _conclude(self, state, error=False):
        # Whatever broke off is void.
        self.env.cr.rollback()
        values = {"state": state, "error": error, "ended_at": fields.Datetime.now()}
        retrying(lambda: self.write(values) and tell_forms(self), self.env)
