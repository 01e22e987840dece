# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time
from lxml import etree

from odoo.tests import Form, new_test_user
from odoo.tools.safe_eval import safe_eval

from .overdue_common import OverdueCase


class TestOverdueView(OverdueCase):
    """The state of a contract, as lists, filters and forms have it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._make_overdue("Other", "555433330060")

    def _find(self, name, user=None):
        """What a filter of the contract list finds."""
        contracts = self.env["contract.contract"]
        if user:
            contracts = contracts.with_user(user)
        view = contracts.get_view(
            self.env.ref("contract.contract_contract_search_view").id, "search"
        )
        (node,) = etree.fromstring(view["arch"]).xpath(f"//filter[@name='{name}']")
        return contracts.search(safe_eval(node.get("domain"))).with_env(self.env)

    def test_filters_find_what_they_say(self):
        user = self._make_user("user")
        both = self.contract | self.other
        self._run_days("2026-11-16")
        self.assertEqual(self._find("saperx_overdue", user), both)
        self.assertFalse(self._find("saperx_partial", user))
        with freeze_time("2026-11-23 12:00:00"):
            self.assertFalse(self._find("saperx_next_7_days", user))
        with freeze_time("2026-11-24 12:00:00"):
            self.assertEqual(self._find("saperx_next_7_days", user), both)
        self.other._hold_overdue("promise", date(2026, 12, 31), "called")
        self._run_days("2026-12-01")
        self.assertEqual(self._find("saperx_partial", user), self.contract)
        self.assertEqual(self._find("saperx_held", user), self.other)
        self._run_days("2026-12-16")
        self.assertEqual(self._find("saperx_full", user), self.contract)
        self.case.notice_state = "failed"
        self.assertEqual(self._find("saperx_notice_failed", user), self.contract)

    def test_contracts_are_grouped_by_block_and_next_step(self):
        self._run_days("2026-11-16", "2026-12-01")
        contracts = self.env["contract.contract"].with_user(self._make_user("user"))
        found = dict(
            contracts._read_group(
                [("saperx_overdue_case_id", "!=", False)],
                ["saperx_block_level"],
                ["__count"],
            )
        )
        self.assertEqual(found, {"partial": 2})
        found = dict(
            contracts._read_group(
                [("saperx_overdue_case_id", "!=", False)],
                ["saperx_next_step"],
                ["__count"],
            )
        )
        self.assertEqual(found, {"full": 2})

    def test_every_role_sees_the_state_since_when_and_what_comes(self):
        self._run_days("2026-11-16", "2026-12-01")
        for role in ("user", "technician", "billing", "manager"):
            user = self._make_user(role)
            contract = self.contract.with_user(user)
            with Form(
                contract, view="contract.contract_contract_customer_form_view"
            ) as form:
                self.assertEqual(form.saperx_block_level, "partial")
                self.assertEqual(form.saperx_next_step, "full")
                self.assertEqual(form.saperx_next_step_on, "2026-12-16")
                self.assertEqual(form.saperx_amount_due, 100)
                self.assertTrue(form.saperx_blocked_since)
            case = self.case.with_user(user)
            case.get_view(view_type="list")
            case.web_read({"amount_due": {}, "block_ids": {"fields": {"level": {}}}})

    def test_whoever_has_no_role_here_sees_contracts_as_ever(self):
        self._run_days("2026-11-16", "2026-12-01")
        accountant = new_test_user(
            self.env,
            "accountant",
            groups="account.group_account_manager,base.group_partner_manager",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        contracts = self.env["contract.contract"].with_user(accountant)
        for xmlid, kind in (
            ("contract.contract_contract_customer_form_view", "form"),
            ("contract.contract_contract_supplier_form_view", "form"),
            ("contract.contract_contract_tree_view", "list"),
            ("contract.contract_contract_search_view", "search"),
        ):
            arch = contracts.get_view(self.env.ref(xmlid).id, kind)["arch"]
            self.assertNotRegex(arch, r'name="(action_|saperx_)\w*overdue', xmlid)
            self.assertNotIn('name="saperx_block_level"', arch, xmlid)
        with Form(
            self.contract.with_user(accountant),
            view="contract.contract_contract_customer_form_view",
        ) as form:
            form.note = "Seen"
        self.assertIn("Seen", self.contract.note)
