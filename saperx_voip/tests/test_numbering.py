# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date
from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..places import place_of
from ..rating import LOCAL_SINCE, SERVICE_CLASSES
from .common import SaperxCase

FIXED_SAME_DDD = "555432221111"


class TestNumbering(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.services = cls.env["saperx.service.number"]
        cls.areas = cls.env["saperx.area.code"]
        cls.other_company = cls.env["res.company"].create({"name": "Other"})

    def _make_service(self, number, call_class="special", **values):
        return self.services.create(
            {"number": number, "name": number, "call_class": call_class, **values}
        )

    def _class_of(self, remote_id=1):
        self.env["saperx.cdr"]._reassess([("remote_id", "=", str(remote_id))])
        return self._get_call(remote_id).call_class

    # What a fresh installation has

    def test_shipped_numbers_say_the_same_as_the_pure_core(self):
        shipped = self.services.with_context(active_test=False).search([])
        shipped = shipped.filtered(lambda s: s.get_external_id()[s.id])
        self.assertEqual(
            {s.number + "*" * s.is_prefix: s.call_class for s in shipped},
            SERVICE_CLASSES,
        )
        self.assertFalse(shipped.company_id)
        hidden = shipped.filtered("is_hidden")
        self.assertEqual(hidden.mapped("number"), ["100", "180", "181"])

    def test_shipped_numbers_keep_their_rules(self):
        self.services.search([])._check_number()

    def test_shipped_area_codes_say_the_same_as_the_pure_core(self):
        self.assertEqual(self.areas._get_local_since(), LOCAL_SINCE)
        self.assertEqual(self.areas.search_count([]), 67)

    def test_each_area_code_stands_in_its_state(self):
        for area in self.areas.search([]):
            _city, state = place_of(f"55{area.code}991234567")
            self.assertEqual(area.region[-4:], f"({state or 'DF'})", area.code)

    # What an edit changes

    def test_a_service_numbers_class_is_that_of_its_calls(self):
        self._import(self._make_call(1, callee="40041234"))
        self.assertEqual(self._get_call(1).call_class, "special")
        nationwide = self.env.ref("saperx_voip.service_number_400")
        nationwide.call_class = "lc"
        self.assertEqual(self._class_of(), "lc")
        self._import(self._make_call(2, callee="40045678"))
        self.assertEqual(self._get_call(2).call_class, "lc")

    def test_a_number_made_free_costs_nothing_whatever_the_platform_says(self):
        support = {"callee": "555421100000", "platform_class": "LC"}
        self._import(self._make_call(1, **support))
        self.assertEqual(self._get_call(1).charged_amount, 0.12)
        service = self._make_service("55 (54) 2110-0000", "free")
        self.assertEqual(service.number, "555421100000")
        self.assertEqual(self._class_of(), "free")
        self.assertEqual(self._get_call(1).reason, "free")
        service.active = False
        self.assertEqual(self._class_of(), "lc")
        self.assertEqual(self._get_call(1).charged_amount, 0.12)

    def test_a_billed_call_stays_of_its_class(self):
        self._import(self._make_call(1, callee="40041234"))
        self._charge()
        self.env.ref("saperx_voip.service_number_400").call_class = "free"
        self.assertEqual(self._class_of(), "special")

    def test_a_companys_own_number_goes_before_that_of_every_company(self):
        self._import(self._make_call(1, callee="40041234"))
        own = self._make_service(
            "400", "lc", is_prefix=True, company_id=self.company.id
        )
        own.company_id = self.other_company
        self.assertEqual(self._class_of(), "special")
        own.company_id = self.company
        self.assertEqual(self._class_of(), "lc")
        self.env.ref("saperx_voip.service_number_400").call_class = "free"
        self.assertEqual(self._class_of(), "lc")
        own.unlink()
        self.assertEqual(self._class_of(), "free")

    def test_an_area_codes_date_says_from_when_its_ldn_is_local(self):
        inside = {"callee": FIXED_SAME_DDD, "platform_class": "LDN"}
        self._import(self._make_call(1, **inside))
        self.assertEqual(self._get_call(1).call_class, "lc")
        area = self.env.ref("saperx_voip.area_code_54")
        # The call is of 15 October, 9 o'clock in Brazil.
        for day, expected in (
            ("2026-10-16", "ldn"),
            ("2026-10-15", "lc"),
            (False, "lc"),
        ):
            area.local_since = day
            self.assertEqual(self._class_of(), expected, day)
        area.local_since = "2026-10-16"
        self._import(self._make_call(2, **inside))
        self.assertEqual(self._get_call(2).call_class, "ldn")
        # Nobody else's date.
        self.env.ref("saperx_voip.area_code_53").local_since = False
        self.assertEqual(self._class_of(2), "ldn")

    def test_a_change_rates_again_the_plans_that_it_concerns(self):
        tariffs = self.env["saperx.tariff"]
        other = tariffs.create({"name": "Other", "company_id": self.other_company.id})
        asked = tariffs.browse()

        def note(self):
            nonlocal asked
            asked |= self

        def concerned(change):
            nonlocal asked
            asked = tariffs.browse()
            change()
            return asked & (self.tariff | other)

        self.tariff.active = False  # its calls may wait for a charge all the same
        with patch.object(type(tariffs), "_rates_changed", note):
            own, general = self.services, self.services

            def make_own():
                nonlocal own
                own = self._make_service("1400", company_id=self.company.id)

            def make_general():
                nonlocal general
                general = self._make_service("1500")

            self.assertEqual(concerned(make_own), self.tariff)
            self.assertEqual(concerned(make_general), self.tariff | other)
            for change, expected in (
                (lambda: own.write({"call_class": "free"}), self.tariff),
                (lambda: own.write({"name": "Ours"}), tariffs),
                (lambda: own.write({"is_hidden": True}), tariffs),
                (
                    lambda: own.write({"company_id": self.other_company.id}),
                    self.tariff | other,
                ),
                (lambda: own.action_archive(), other),
                (lambda: own.unlink(), other),
                (lambda: general.unlink(), self.tariff | other),
                (
                    lambda: self.areas.search([], limit=1).write(
                        {"local_since": "2026-12-01"}
                    ),
                    self.tariff | other,
                ),
            ):
                self.assertEqual(concerned(change), expected)

    # What is refused

    def test_a_number_that_no_call_can_have_is_refused(self):
        for number in ("", "19x", "1133334444", "991234567", "0800", "١٩٠"):
            with self.assertRaises(ValidationError, msg=number):
                self._make_service(number)
        for prefix in ("", "08x", "1133334444", "551133334444", "5511", "40"):
            with self.assertRaises(ValidationError, msg=prefix):
                self._make_service(prefix, is_prefix=True)
        with self.assertRaisesRegex(ValidationError, "1133334444.*551133334444"):
            self._make_service("11 3333-4444")
        with self.assertRaisesRegex(ValidationError, "begins with “40”"):
            self._make_service("40", is_prefix=True)
        self._make_service("103", call_class="free")  # beside all that begins so

    def test_a_number_stands_once_for_a_company(self):
        self._make_service("1400")
        self._make_service("1400", company_id=self.company.id)
        for values in ({}, {"company_id": self.company.id}, {"active": False}):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaises(IntegrityError),
                self.cr.savepoint(),
            ):
                self._make_service("14-00", **values)

    def test_what_came_with_the_application_is_archived_not_deleted(self):
        police = self.env.ref("saperx_voip.service_number_190")
        with self.assertRaisesRegex(UserError, "archive"):
            police.unlink()
        police.action_archive()
        # Any 1XX is a service, if not a free one.
        self._import(self._make_call(1, callee="190"))
        self.assertEqual(self._get_call(1).call_class, "special")

    # Who may do what

    def test_only_a_manager_edits(self):
        police = self.env.ref("saperx_voip.service_number_190")
        area = self.env.ref("saperx_voip.area_code_11")
        values = {"number": "1400", "name": "Mine", "call_class": "free"}
        for role in ("user", "technician", "billing"):
            user = self._make_user(role)
            self.assertEqual(police.with_user(user).call_class, "free")
            self.assertEqual(area.with_user(user).display_name, "11 São Paulo (SP)")
            for change in (
                lambda user=user: self.services.with_user(user).create(values),
                lambda user=user: police.with_user(user).write({"name": "Mine"}),
                lambda user=user: police.with_user(user).unlink(),
                lambda user=user: area.with_user(user).write({"local_since": False}),
            ):
                with self.assertRaises(AccessError):
                    change()
        manager = self._make_user("manager")
        service = self.services.with_user(manager).create(values)
        service.call_class = "special"
        service.unlink()
        area.with_user(manager).local_since = "2026-07-01"
        self.assertEqual(area.local_since, date(2026, 7, 1))
        for change in (
            lambda: area.with_user(manager).write({"code": "10"}),
            lambda: area.with_user(manager).write({"region": "Mine"}),
            lambda: area.with_user(manager).unlink(),
            lambda: self.areas.with_user(manager).create({"code": "10", "region": "-"}),
        ):
            with self.assertRaises(UserError):
                change()

    def test_strangers_see_none_of_them(self):
        stranger = new_test_user(self.env, "numbering-employee", "base.group_user")
        for model in (self.services, self.areas):
            with self.assertRaises(AccessError):
                model.with_user(stranger).search([])

    def test_another_company_sees_no_number_of_this_one(self):
        own = self._make_service("1400", company_id=self.company.id)
        manager = self._make_user("manager", self.other_company)
        seen = (
            self.services.with_user(manager)
            .with_context(allowed_company_ids=self.other_company.ids)
            .search([])
        )
        self.assertIn(self.env.ref("saperx_voip.service_number_190"), seen.sudo())
        self.assertNotIn(own, seen.sudo())
