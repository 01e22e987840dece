# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from unittest.mock import MagicMock, patch

from odoo import fields
from odoo.exceptions import UserError, ValidationError

from odoo.addons.saperx_voip.gateway import Group, MemoryTokenStore, Plan, Tokens

from .common import TODAY, SaperxCase, moment


class TestIntegration(SaperxCase):
    def test_gateway_environment_and_company_are_fixed_once_saved(self):
        other_company = self.env["res.company"].create({"name": "Other"})
        for values in (
            {"environment": "production"},
            {"company_id": other_company.id},
        ):
            with self.assertRaisesRegex(UserError, "fixed"):
                self.integration.write(values)
        # The same value again is no change.
        self.integration.write({"environment": "homologation", "name": "New name"})

    def test_a_copy_waits_for_its_credentials(self):
        self.assertFalse(self.integration.copy().active)

    def test_production_demands_https(self):
        with self.assertRaisesRegex(ValidationError, "https"):
            self._make_integration(environment="production")

    def test_an_address_without_host_or_with_credentials_is_refused(self):
        for url in ("sandbox", "https://", "ftp://host/x"):
            with self.assertRaises(ValidationError):
                self.integration.base_url = url
        with self.assertRaisesRegex(ValidationError, "fields of their own"):
            self.integration.base_url = "https://user:pass@host/api"

    def test_the_check_on_saving_asks_the_gateways_own_client(self):
        """What another addon's gateway gives by ``_get_client``; docs/fitting.md."""
        client = MagicMock()
        client.__enter__.return_value.login.return_value = Tokens(
            "a", "r", moment(TODAY)
        )
        integrations = type(self.integration)
        with patch.object(integrations, "_get_client", return_value=client) as get:
            self.integration.active = True
        self.assertEqual(client.__enter__.return_value.login.call_count, 1)
        # Past the stored tokens, whose row another transaction may hold.
        (store,) = get.call_args.args
        self.assertIsInstance(store, MemoryTokenStore)

    def test_saving_an_active_one_that_is_out_of_reach_says_so(self):
        # Nothing listens on that port.
        with self.assertRaisesRegex(UserError, "could not be reached"):
            self._make_integration(active=True)

    def test_plans_follow_the_platform_and_what_is_gone_is_archived(self):
        plan_model = self.env["saperx.plan"]
        plan_model._sync(
            self.integration,
            [
                Plan(1, "Renamed", "national"),
                Plan(7, "New", "national"),
                Plan(8, "Off", "international", active=False),
            ],
        )
        self.assertEqual(self.plan.name, "Renamed")
        self.assertFalse(self.international_plan.active)
        plans = plan_model.search([("integration_id", "=", self.integration.id)])
        self.assertEqual(plans.mapped("remote_id"), [7, 1])
        plan_model._sync(self.integration, [Plan(2, "Back", "international")])
        self.assertTrue(self.international_plan.active)
        self.assertFalse(self.plan.active)

    def test_groups_follow_the_platform(self):
        self.env["saperx.group"]._sync(self.integration, [Group(3, "Sales")])
        self.assertEqual(self.env["saperx.group"].search([]).mapped("name"), ["Sales"])

    def test_daily_window_reaches_back_from_what_was_covered(self):
        self.integration.lookback_days = 3
        self.integration.imported_until = moment("2026-11-10 15:00:00")
        self.assertEqual(
            self.integration._get_default_window(),
            (moment("2026-11-07 03:00:00"), fields.Datetime.now()),
        )

    def test_monthly_window_is_the_previous_month_with_its_look_back(self):
        self.integration.cdr_import_period = "monthly"
        self.integration.lookback_days = 2
        self.assertEqual(
            self.integration._get_default_window(),
            (moment("2026-09-29 03:00:00"), moment("2026-11-01 03:00:00")),
        )

    def test_only_a_window_that_joins_moves_the_covered_moment(self):
        integration = self.integration
        integration.imported_until = moment("2026-11-10 00:00:00")
        integration._cover(moment("2026-11-12 00:00:00"), moment("2026-11-13 00:00:00"))
        self.assertEqual(integration.imported_until, moment("2026-11-10 00:00:00"))
        integration._cover(moment("2026-11-01 00:00:00"), moment("2026-11-05 00:00:00"))
        self.assertEqual(integration.imported_until, moment("2026-11-10 00:00:00"))
        integration._cover(moment("2026-11-09 00:00:00"), moment("2026-11-13 00:00:00"))
        self.assertEqual(integration.imported_until, moment("2026-11-13 00:00:00"))
