# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
import json
from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.tools import mute_logger

from ..gateway import contract
from ..gateway.diagnosis import Differing, Finding, PathReport, Reason
from ..models.saperx_api_diagnosis import ATTEMPTS
from .common import SaperxCase

SECRETS = ("very-secret-password", "very-secret-key", "very-secret-secret", "sandbox")


def path_report(path="/ligacoes", *differing, **values):
    values = {"requests": 2, "milliseconds": 40, "records": 100, **values}
    return PathReport("GET", path, differing=list(differing), **values)


def missing(**values):
    return Differing(
        Finding.MISSING,
        "data[].inicio",
        count=100,
        total=100,
        breaks=True,
        reading="_Ligacao.inicio, decode_call",
        **values,
    )


class TestApiDiagnosis(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._make_user(role)
            for role in ("user", "technician", "billing", "manager")
        }

    def _diagnose(self, *reports, user=None):
        """:param reports: of the platform, or what asking it raises"""

        def ask(_integration, _client):
            for report in reports:
                if isinstance(report, BaseException):
                    raise report
                yield report

        integration = self.integration.with_user(user or self.users["technician"])
        action = integration.action_diagnose_api()
        self._run_cron(ask)
        return self.env[action["res_model"]].browse(action["res_id"])

    def _run_cron(self, ask):
        integrations = type(self.integration)
        cron = self.env.ref("saperx_voip.ir_cron_diagnose_api")
        with patch.object(integrations, "_diagnose_api", ask):
            with self.enter_registry_test_mode():
                cron.method_direct_trigger()
        self.env.invalidate_all()

    def test_each_path_has_a_verdict_and_the_diagnosis_the_worst_of_them(self):
        order = Differing(Finding.ORDER, "", count=1)
        diagnosis = self._diagnose(
            path_report("/planos"),
            path_report("/grupos", order),
            path_report("/ligacoes", missing()),
            PathReport("POST", "/circuitos", Reason.WRITES),
        )
        self.assertEqual(diagnosis.state, "done")
        self.assertEqual(
            diagnosis.path_ids.mapped("verdict"),
            ["agreed", "bearable", "breaks", "not_tried"],
        )
        self.assertEqual(diagnosis.verdict, "breaks")
        self.assertEqual(diagnosis.path_ids[-1].reason, "writes")
        self.assertEqual(diagnosis.contract_version, contract.load().version)

    def test_a_finding_says_what_reads_it_and_what_to_do(self):
        (finding,) = self._diagnose(path_report("/x", missing())).finding_ids
        self.assertEqual(finding.occurrences, "100 of 100")
        self.assertEqual(finding.severity, "breaks")
        self.assertIn("_Ligacao.inicio, decode_call", finding.advice)
        self.assertIn("gateway/wire.py", finding.advice)

    def test_every_kind_of_finding_is_explained(self):
        differing = [
            Differing(kind, "x", count=1, breaks=breaks, reading=reading, perhaps="y")
            for kind in Finding
            for breaks in (False, True)
            for reading in (None, "_Plano.x, decode_plan")
        ]
        diagnosis = self._diagnose(path_report("/x", *differing))
        self.assertEqual(len(diagnosis.finding_ids), len(differing))
        self.assertTrue(all(diagnosis.finding_ids.mapped("advice")))
        kinds = self.env["saperx.api.diagnosis.finding"]._fields["kind"].selection
        self.assertEqual({kind for kind, _ in kinds}, {kind.value for kind in Finding})

    def test_the_files_for_the_support_tell_all_and_hold_no_secret(self):
        self.integration.base_url = "http://127.0.0.1:9/api/v2?key=very-secret-key"
        diagnosis = self._diagnose(
            path_report("/ligacoes", missing(), Differing(Finding.EXTRA, "data[].<b>"))
        )
        technician = diagnosis.with_user(self.users["technician"])
        text = base64.b64decode(technician.report_json).decode()
        page = base64.b64decode(technician.report_html).decode()
        (path,) = json.loads(text)["paths"]
        self.assertEqual(path["findings"][0]["where"], "data[].inicio")
        self.assertEqual(path["findings"][0]["times"], 100)
        self.assertIn("data[].inicio", page)
        self.assertNotIn("<b>", page)
        for secret in SECRETS:
            self.assertNotIn(secret, text)
            self.assertNotIn(secret, page)

    def test_technicians_and_managers_diagnose_and_others_do_not(self):
        for role in ("user", "billing"):
            with self.assertRaises(AccessError):
                self.integration.with_user(self.users[role]).action_diagnose_api()
        for role in ("technician", "manager"):
            diagnosis = self._diagnose(path_report(), user=self.users[role])
            seen = diagnosis.with_user(self.users[role])
            self.assertEqual(seen.path_ids.mapped("path"), ["/ligacoes"])
            with self.assertRaises(AccessError):
                seen.write({"state": "waiting"})
        with self.assertRaises(AccessError):
            diagnosis.with_user(self.users["billing"]).read(["verdict"])
        with self.assertRaises(AccessError):
            diagnosis.with_user(self.users["technician"]).unlink()
        diagnosis.with_user(self.users["manager"]).unlink()

    def test_another_company_sees_nothing_of_it(self):
        diagnosis = self._diagnose(path_report("/ligacoes", missing()))
        company = self.env["res.company"].create({"name": "Other"})
        other = self._make_user("manager", company)
        for records in (diagnosis, diagnosis.path_ids, diagnosis.finding_ids):
            self.assertTrue(records.with_user(self.users["manager"]).search_count([]))
            theirs = records.with_user(other).with_context(
                allowed_company_ids=company.ids
            )
            self.assertFalse(theirs.search_count([]))
            with self.assertRaises(AccessError):
                theirs.read(["display_name"])

    def test_asked_twice_it_is_one_diagnosis(self):
        technician = self.integration.with_user(self.users["technician"])
        first, second = (technician.action_diagnose_api() for _turn in range(2))
        self.assertEqual(first["res_id"], second["res_id"])
        self._run_cron(lambda *_: iter([path_report()]))
        third = technician.action_diagnose_api()
        self.assertNotEqual(first["res_id"], third["res_id"])

    def test_a_diagnosis_that_was_killed_begins_anew(self):
        diagnosis = self.env["saperx.api.diagnosis"]._start(self.integration)
        diagnosis._begin()
        diagnosis._keep(path_report("/planos"))
        self._run_cron(lambda *_: iter([path_report("/grupos")]))
        self.assertEqual(diagnosis.state, "done")
        self.assertEqual(diagnosis.path_ids.mapped("path"), ["/grupos"])
        self.assertEqual(diagnosis.attempts, 2)

    def test_what_takes_its_process_along_is_given_up(self):
        diagnosis = self.env["saperx.api.diagnosis"]._start(self.integration)
        diagnosis.attempts = ATTEMPTS
        self._run_cron(lambda *_: self.fail("the platform was asked"))
        self.assertEqual(diagnosis.state, "failed")
        self.assertIn(str(ATTEMPTS), diagnosis.error)

    def test_without_a_credential_it_says_which_one_is_missing(self):
        bare = self._make_integration(name="Bare", api_key=False)
        diagnosis = self.env["saperx.api.diagnosis"]._start(bare)
        self._run_cron(lambda *_: iter([]))
        self.assertEqual(diagnosis.state, "failed")
        self.assertIn("API Key", diagnosis.error)

    def test_what_nobody_expected_is_kept_and_the_next_one_is_done(self):
        other = self._make_integration(name="Other")
        diagnosis = self.env["saperx.api.diagnosis"]._start(other)
        with mute_logger("odoo.addons.saperx_voip.models.saperx_api_diagnosis"):
            failed = self._diagnose(path_report("/planos"), ZeroDivisionError("oops"))
        self.assertEqual(failed.state, "failed")
        self.assertEqual(failed.path_ids.mapped("path"), ["/planos"])
        self.assertEqual(diagnosis.state, "failed")
        self.assertFalse(
            self.env["saperx.api.diagnosis"].search([("state", "=", "running")])
        )

    def test_an_archived_integration_can_be_diagnosed_before_it_is_used(self):
        self.assertFalse(self.integration.active)
        self.assertEqual(self._diagnose(path_report()).verdict, "agreed")
