# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError

from ..gateway import Reject
from .common import SaperxCase

HIDING = ("user", "technician")
SEEING = ("billing", "manager")
FORM = {"start": {}, "explanation": {}}
LIST = {"start": {}, "shown_number": {}}


class TestHiddenCalls(SaperxCase):
    """Calls to reporting lines are for billing alone, whichever way it is asked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {role: cls._make_user(role) for role in (*HIDING, *SEEING)}
        cls._import(
            cls._make_call(1),
            cls._make_call(2, callee="181"),
            cls._make_call(3, callee="190"),
            cls._make_call(4, callee="anonymous"),
        )

    def _calls(self, role):
        return self.env["saperx.cdr"].with_user(self.users[role])

    def _ids(self, role):
        return set(self._calls(role).search([]).mapped("remote_id"))

    def test_lists_and_counts_leave_them_out(self):
        for role in HIDING:
            self.assertEqual(self._ids(role), {"1", "3", "4"})
            self.assertEqual(self._calls(role).search_count([]), 3)
            line = self.line.with_user(self.users[role])
            line.invalidate_recordset()
            self.assertEqual(line.call_count, 3)
        for role in SEEING:
            self.assertEqual(self._ids(role), {"1", "2", "3", "4"})

    def test_groups_and_exports_leave_them_out(self):
        for role in HIDING:
            [(count, seconds)] = self._calls(role)._read_group(
                [], [], ["__count", "talk_seconds:sum"]
            )
            self.assertEqual((count, seconds), (3, 180))
            groups = dict(self._calls(role)._read_group([], ["state"], ["__count"]))
            self.assertEqual(groups["not_chargeable"], 1 + 0)

    def test_nobody_else_opens_or_exports_one_by_its_id(self):
        hidden = self._get_call(2)
        for role in HIDING:
            call = hidden.with_user(self.users[role])
            self.users[role].group_ids |= self.env.ref("base.group_allow_export")
            for ask in (
                lambda call=call: call.read(["start"]),
                lambda call=call: call.web_read(FORM),
                lambda call=call: call.export_data(["start"]),
            ):
                with self.assertRaises(AccessError):
                    ask()
            self.assertFalse(call.search([("id", "=", call.id)]))
        with self.assertRaises(AccessError):
            self._calls("user").search([("is_hidden", "=", True)])
        self.assertFalse(self._calls("technician").search([("is_hidden", "=", True)]))
        call = hidden.with_user(self.users["billing"])
        self.assertTrue(call.is_hidden)
        self.assertEqual(call.search([("is_hidden", "=", True)]), call)

    def test_marking_a_service_hides_the_calls_that_were_there(self):
        police = self.env.ref("saperx_voip.service_number_190")
        self.assertIn("3", self._ids("user"))
        police.is_hidden = True
        self.assertEqual(self._ids("user"), {"1", "4"})
        self.env.ref("saperx_voip.service_number_181").is_hidden = False
        self.assertEqual(self._ids("user"), {"1", "2", "4"})

    def test_a_companys_own_service_goes_before(self):
        service = self.env.ref("saperx_voip.service_number_181")
        service.copy({"company_id": self.company.id, "is_hidden": False})
        self.assertIn("2", self._ids("user"))
        other = self.env["res.company"].create({"name": "Other"})
        self.env.ref("saperx_voip.service_number_190").copy(
            {"company_id": other.id, "is_hidden": True}
        )
        self.assertIn("3", self._ids("user"))

    def test_the_closest_of_those_that_begin_numbers_decides(self):
        services = self.env["saperx.service.number"]
        values = {"is_prefix": True, "name": "X", "call_class": "free"}
        services.create({**values, "number": "0800555", "is_hidden": True})
        services.create({**values, "number": "08005551"})
        services.create({**values, "number": "080055512", "is_hidden": True})
        services.create({"number": "08005559999", "name": "Ours", "call_class": "free"})
        shown = {
            "08005550000": False,
            "08005551000": True,
            "08005551200": False,
            "08005559999": True,
            "08001234567": True,
        }
        self._import(*(self._make_call(number, callee=number) for number in shown))
        stored = self.env["saperx.cdr"].search([("remote_id", "in", list(shown))])
        self.assertEqual({call.remote_id: not call.is_hidden for call in stored}, shown)
        self.assertEqual(
            self._ids("user") & set(shown),
            {number for number, is_shown in shown.items() if is_shown},
        )

    def test_a_number_abroad_is_not_taken_for_a_service(self):
        self.env["saperx.service.number"].create(
            {
                "number": "1817",
                "is_prefix": True,
                "name": "X",
                "call_class": "free",
                "is_hidden": True,
            }
        )
        self._import(self._make_call(9, callee="00211 817 555 1234".replace(" ", "")))
        self.assertTrue(self._get_call(9).other_party.startswith("1817"))
        self.assertIn("9", self._ids("user"))


class TestCallAccess(SaperxCase):
    """Who looked at whose calls stays known."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls._make_user("user")
        cls.billing = cls._make_user("billing")
        cls.manager = cls._make_user("manager")
        cls._import(cls._make_call(1), cls._make_call(2))

    def _traces(self, user=None, **values):
        domain = [(name, "=", value) for name, value in values.items()]
        if user:
            domain.append(("user_id", "=", user.id))
        return self.env["saperx.cdr.access"].search(domain)

    def test_opening_a_call_is_noted_once_a_day(self):
        call = self._get_call(1).with_user(self.user)
        call.web_read(FORM)
        call.web_read(FORM)
        trace = self._traces()
        self.assertEqual(trace.user_id, self.user)
        self.assertEqual((trace.kind, trace.remote_id), ("form", "1"))
        self.assertEqual(trace.line_id, self.line)
        self.assertTrue(trace.accessed_at)
        with freeze_time(trace.accessed_at + timedelta(days=1)):
            call.web_read(FORM)
        self.assertEqual(len(self._traces()), 2)

    def test_each_user_and_call_has_its_own(self):
        for user in (self.user, self.billing):
            for number in (1, 2):
                self._get_call(number).with_user(user).web_read(FORM)
        self.assertEqual(len(self._traces()), 4)
        self.assertEqual(len(self._traces(self.billing, remote_id="2")), 1)

    def test_whatever_reads_the_details_is_noted(self):
        calls = self.env["saperx.cdr"].with_user(self.billing)
        calls.search_read([("remote_id", "=", "1")], ["callee"])
        calls.search([("remote_id", "=", "2")]).read()
        self.assertEqual(set(self._traces(kind="form").mapped("remote_id")), {"1", "2"})

    def test_a_list_is_noted_once_for_its_line(self):
        calls = self.env["saperx.cdr"].with_user(self.user)
        for _time in range(2):
            calls.web_search_read([("line_id", "=", self.line.id)], LIST)
        trace = self._traces()
        self.assertEqual((trace.kind, trace.line_id), ("list", self.line))
        other = self._make_line(self.contract, number="551130001000")
        self._import(self._make_call(3, caller="551130001000"))
        self.assertEqual(self._get_call(3).line_id, other)
        calls.web_search_read([], LIST)
        self.assertEqual(len(self._traces(line_id=False, kind="list")), 1)

    def test_counts_and_sums_leave_no_trace(self):
        calls = self.env["saperx.cdr"].with_user(self.user)
        calls.search_count([])
        calls.formatted_read_group([], ["call_class"], ["charged_amount:sum"])
        calls.web_search_read([], {"start": {}, "charged_amount": {}})
        self.assertFalse(self._traces())

    def test_grouping_by_number_is_noted_whatever_view_asks(self):
        calls = self.env["saperx.cdr"].with_user(self.billing)
        asks = {
            "formatted_read_group": ([], ["callee"], ["__count"]),
            "web_read_group": ([], ["other_party"], ["__count"]),
            "formatted_read_grouping_sets": (
                [],
                [[], ["call_class", "caller"]],
                ["__count"],
            ),
        }
        for method, args in asks.items():
            getattr(calls, method)(*args)
            trace = self._traces(self.billing)
            self.assertEqual((trace.kind, trace.line_id), ("group", self.line), method)
            # Past the rule that keeps traces, for the next one.
            self.env.cr.execute("DELETE FROM saperx_cdr_access")
            trace.invalidate_model()
        calls.formatted_read_group([], ["call_class"], ["other_party:array_agg"])
        self.assertEqual(self._traces(self.billing).kind, "group")
        calls.formatted_read_group([("remote_id", "=", "none")], ["callee"])
        self.assertEqual(len(self._traces(self.billing)), 1)

    def test_groups_of_several_lines_are_one_trace_of_none(self):
        self._make_line(self.contract, number="551130001000")
        self._import(self._make_call(3, caller="551130001000"))
        calls = self.env["saperx.cdr"].with_user(self.billing)
        calls.formatted_read_group([], ["callee"])
        trace = self._traces(self.billing)
        self.assertEqual((trace.kind, trace.line_id.id), ("group", False))

    def test_the_name_of_a_call_is_a_detail(self):
        self.env["saperx.cdr"].with_user(self.user).search([]).read(["display_name"])
        self.assertEqual(self._traces(self.user).kind, "list")

    def test_details_that_stand_elsewhere_leave_their_trace(self):
        charge = self._charge()
        self._import(self._make_call(1, talk_seconds=90))
        change = self.env["saperx.cdr.change"].search([]).with_user(self.billing)
        self.assertEqual(len(change), 1)
        change.web_read({"difference": {}})
        self.assertFalse(self._traces())
        change.web_read({"comparison": {}})
        self.assertEqual(self._traces(kind="form").remote_id, "1")
        self.assertTrue(charge)
        self._import(rejects=[Reject("{}", "broken", "77")])
        reject = self.env["saperx.cdr.reject"].search([]).with_user(self.billing)
        reject.web_read({"explanation": {}})
        self.assertFalse(self._traces(kind="list"))
        reject.web_read({"raw": {}})
        self.assertEqual(self._traces(kind="list").line_id.id, False)

    def test_each_export_is_noted_with_its_size(self):
        self.billing.group_ids |= self.env.ref("base.group_allow_export")
        calls = self.env["saperx.cdr"].with_user(self.billing).search([])
        calls.export_data(["start", "other_party"])
        calls.export_data(["start"])
        traces = self._traces(self.billing, kind="export")
        self.assertEqual(traces.mapped("call_count"), [2, 2])
        self.assertEqual(traces.line_id, self.line)

    def test_a_refused_look_leaves_no_trace(self):
        stranger = self._make_user(
            "billing", self.env["res.company"].create({"name": "Other"})
        )
        with self.assertRaises(AccessError):
            self._get_call(1).with_user(stranger).with_context(
                allowed_company_ids=stranger.company_id.ids
            ).web_read(FORM)

    def test_only_managers_see_the_traces_and_nobody_changes_them(self):
        self._get_call(1).with_user(self.user).web_read(FORM)
        trace = self._traces()
        for user in (self.user, self.billing):
            with self.assertRaises(AccessError):
                trace.with_user(user).read(["user_id"])
        seen = trace.with_user(self.manager)
        self.assertEqual(seen.user_id, self.user)
        with self.assertRaises(AccessError):
            seen.create({"user_id": self.user.id})
        with self.assertRaises(AccessError):
            seen.write({"kind": "list"})
        for someone in (seen, trace):
            with self.assertRaises(UserError):
                someone.unlink()

    def test_the_trace_outlives_the_call(self):
        run = self._get_call(1).import_id
        self._get_call(1).with_user(self.user).web_read(FORM)
        run.state = "done"
        run.action_undo()
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_undo_import").method_direct_trigger()
        self.assertEqual(self._traces().remote_id, "1")
