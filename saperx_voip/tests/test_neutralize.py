# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.tools import file_open

from .common import SaperxCase


class TestNeutralize(SaperxCase):
    def test_a_copied_database_cannot_speak_to_the_platform(self):
        self.line.password = "Given-by-hand-1"
        schedule = self.env["saperx.schedule"].create(
            {"integration_id": self.integration.id}
        )
        self.env["saperx.token"].create({"integration_id": self.integration.id})
        self.env["saperx.api.log"].create(
            {"logged_at": "2026-11-16", "method": "GET", "path": "/", "outcome": "ok"}
        )
        self.env.flush_all()
        with file_open("saperx_voip/data/neutralize.sql") as file:
            self.env.cr.execute(file.read())
        self.env.invalidate_all()
        self.assertFalse(self.integration.active)
        self.assertEqual(self.integration.environment, "homologation")
        self.assertNotIn("127.0.0.1", self.integration.base_url)
        for name in ("password", "api_key", "api_secret"):
            self.assertIsNone(self.integration._get_secret(name))
        self.assertIsNone(self.line._get_secret("password"))
        self.assertFalse(schedule.active)
        self.assertFalse(schedule.next_run_at)
        self.assertFalse(self.env["saperx.token"].search([]))
        self.assertFalse(self.env["saperx.api.log"].search([]))
