# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json

from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError, UserError

from ..gateway import Direction
from ..number_masking import mask_number
from .common import NUMBER, SaperxCase
from .test_simulation import plain

FIXED = "551132107654"
MOBILE = "5554999123456"
STORED = ("other_party", "caller", "callee", "rate_id", "fingerprint")
COMPUTED = ("shown_number", "shown_caller", "shown_callee", "explanation")
SEEING = ("technician", "billing", "manager")
# What would tell whole numbers, each written in one of its ways.
SECRETS = (
    FIXED,
    "32107654",
    "3210-7654",
    MOBILE,
    "999123456",
    "99912-3456",
)


class TestMasking(SaperxCase):
    """Whoever may not see whom a line speaks with does not, whichever way it asks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {role: cls._make_user(role) for role in ("user", *SEEING)}
        cls.tariff.rate_ids = [
            Command.create({"prefix": FIXED, "price_per_minute": 0.2})
        ]
        cls._import(
            cls._make_call(1, callee=FIXED, account_code=None),
            cls._make_call(
                2,
                direction=Direction.INCOMING,
                is_collect=True,
                caller=MOBILE,
                callee=NUMBER,
            ),
        )

    def _calls(self, role, *remote_ids):
        calls = self.env["saperx.cdr"].with_user(self.users[role])
        remote_ids = remote_ids or (1, 2)
        return calls.search(
            [("remote_id", "in", [str(remote_id) for remote_id in remote_ids])],
            order="id",
        )

    def _call(self, role, **values):
        """A new call to a number or from one, as a role sees it."""
        self._import(self._make_call(9, **values))
        return self._calls(role, 9)

    def _assert_hidden(self, told):
        text = told if isinstance(told, str) else json.dumps(told, default=str)
        for secret in SECRETS:
            self.assertNotIn(secret, text)

    def _assert_refused(self, ask):
        try:
            answer = ask()
        except (AccessError, UserError, ValueError):
            return
        self.fail(f"not refused: {answer}")

    def test_a_user_sees_where_a_call_went_but_not_to_whom(self):
        outgoing, incoming = self._calls("user")
        self.assertEqual(outgoing.shown_number, "(11) 3210-••••")
        self.assertEqual(outgoing.shown_caller, NUMBER)
        self.assertEqual(outgoing.shown_callee, "55113210••••")
        self.assertTrue(outgoing.display_name.startswith("(11) 3210-•••• · "))
        self.assertEqual(incoming.shown_number, "(54) 99912-••••")
        self.assertEqual(incoming.shown_caller, "555499912••••")
        self.assertEqual(incoming.shown_callee, NUMBER)
        self.assertTrue(incoming.display_name.startswith("(54) 99912-•••• · "))
        self.assertEqual(outgoing.call_class, "ldn")

    def test_the_other_roles_see_whole_numbers(self):
        for role in SEEING:
            outgoing, incoming = self._calls(role)
            self.assertEqual(outgoing.other_party, FIXED)
            self.assertEqual(outgoing.shown_callee, FIXED)
            self.assertEqual(incoming.caller, MOBILE)
            self.assertIn("(11) 3210-7654 · ", outgoing.display_name)
            explanation = plain(outgoing.explanation)
            self.assertIn(f"Dialled {FIXED} Read as (11) 3210-7654", explanation)
            self.assertIn(f"Rate {FIXED} ", explanation)
            calls = outgoing.browse()
            domain = [("other_party", "=like", "551132107%")]
            self.assertEqual(calls.search(domain), outgoing)
            self.assertTrue(calls.formatted_read_group([], ["other_party"]))

    def test_one_role_leaves_nothing_in_the_cache_for_another(self):
        call = self._calls("billing", 1)
        self.assertIn("3210-7654", call.display_name + plain(call.explanation))
        seen = call.with_user(self.users["user"])
        self._assert_hidden(seen.display_name + plain(seen.explanation))
        self._assert_hidden(seen.sudo().display_name + plain(seen.sudo().explanation))
        self.assertIn("3210-7654", call.display_name + plain(call.explanation))

    def test_reading_everything_tells_a_user_no_number(self):
        self.users["user"].group_ids |= self.env.ref("base.group_allow_export")
        calls = self._calls("user")
        self._assert_hidden(calls.read())
        self._assert_hidden(
            calls.web_search_read([], dict.fromkeys(calls.fields_get(), {}))
        )
        self._assert_hidden(calls.search_read([]))
        readable = [
            *calls.fields_get(),
            "line_id/display_name",
            "period_id/tariff_id/name",
        ]
        self._assert_hidden(calls.export_data(readable))
        self._assert_hidden(calls.name_search(""))
        for name in STORED:
            self.assertNotIn(name, calls.fields_get())
            for ask in (
                lambda name=name: calls.read([name]),
                lambda name=name: calls[0][name],
                lambda name=name: calls.mapped(name),
                lambda name=name: calls.search_read([], [name]),
                lambda name=name: calls.web_read({name: {}}),
                lambda name=name: calls.export_data([name]),
            ):
                with self.assertRaises(AccessError, msg=name):
                    ask()

    def test_a_user_cannot_search_sort_or_group_by_a_number(self):
        calls = self.env["saperx.cdr"].with_user(self.users["user"])
        for name in STORED:
            for ask in (
                lambda name=name: calls.search([(name, "!=", False)]),
                lambda name=name: calls.search_count([(name, "in", [1, 2])]),
                lambda name=name: calls.search([], order=name),
                lambda name=name: calls.search([], order=f"{name} desc, id"),
                lambda name=name: calls.search_read([(name, "=", 1)], ["id"]),
                lambda name=name: calls.formatted_read_group([], [name]),
                lambda name=name: calls.web_read_group([], [name]),
                lambda name=name: calls.formatted_read_group(
                    [], [], [f"{name}:array_agg"]
                ),
                lambda name=name: calls.formatted_read_group(
                    [], ["line_id"], [f"{name}:count_distinct"]
                ),
                lambda name=name: calls.formatted_read_group(
                    [], ["line_id"], order=f"{name}:max"
                ),
                lambda name=name: calls.search([]).filtered_domain([(name, "!=", 1)]),
                lambda name=name: calls.formatted_read_group(
                    [], ["line_id"], having=[(f"{name}:max", "!=", False)]
                ),
                lambda name=name: calls.read_progress_bar(
                    [], name, {"field": "state", "colors": {"unbilled": "info"}}
                ),
                lambda name=name: calls.search([])[:1].get_field_translations(name),
            ):
                self._assert_refused(ask)
        for name in ("other_party", "caller", "callee", "rate_id.prefix"):
            with self.assertRaises(AccessError, msg=name):
                calls.search([(name, "=like", "551132107%")])
        with self.assertRaises(AccessError):
            calls.search([("number_query", "ilike", "3210")])

    def test_a_number_is_found_however_it_is_written(self):
        outgoing, incoming = self._calls("billing")
        for text in ("(11) 3210-7654", "011 3210.7654", "3210-7654", "+55 11 3210"):
            found = outgoing.search([("number_query", "ilike", text)])
            self.assertEqual(found, outgoing, text)
        found = outgoing.search([("number_query", "not ilike", "3210-7654")])
        self.assertEqual(found, incoming)
        self.assertFalse(outgoing.search([("number_query", "ilike", "()-")]))

    def test_a_search_panel_tells_a_user_no_rate(self):
        calls = self.env["saperx.cdr"].with_user(self.users["user"])
        for ask in (
            calls.search_panel_select_range,
            calls.search_panel_select_multi_range,
        ):
            self._assert_refused(lambda ask=ask: ask("rate_id", enable_counters=True))

    def test_what_is_shown_is_nothing_to_search_sort_or_group_by(self):
        calls = self.env["saperx.cdr"].with_user(self.users["user"])
        for name in COMPUTED:
            for ask in (
                lambda name=name: calls.search([(name, "ilike", "1133")]),
                lambda name=name: calls.search([], order=name),
                lambda name=name: calls.formatted_read_group([], [name]),
            ):
                self._assert_refused(ask)
        self.assertFalse(calls.search([("display_name", "ilike", "3210")]))
        self.assertFalse(calls.name_search("3210"))

    def test_no_form_is_a_way_to_whole_numbers(self):
        call = self._calls("user", 1)
        for values in ({"direction": "incoming"}, {"own_class": "free"}):
            with self.assertRaises(AccessError):
                call.onchange(values, list(values), {"shown_callee": {}})
            with self.assertRaises(AccessError):
                call.browse().onchange(values, [], {"shown_callee": {}})
        with self.assertRaises(AccessError):
            call.write({"own_class": "free"})

    def test_views_show_each_role_its_own_fields(self):
        for role in ("user", *SEEING):
            calls = self.env["saperx.cdr"].with_user(self.users[role])
            for kind in ("form", "list", "search", "pivot", "graph"):
                arch = etree.fromstring(calls.get_view(view_type=kind)["arch"])
                names = set(arch.xpath("//field/@name"))
                if role == "user":
                    self.assertFalse(names & set(STORED), kind)
                else:
                    # A list shows it to everybody as it is written here.
                    masked = set(COMPUTED[:3]) - {"shown_number"}
                    self.assertFalse(names & masked, kind)
            arch = etree.fromstring(calls.get_view(view_type="list")["arch"])
            self.assertTrue(arch.xpath("//field[@name='shown_number']"))

    def test_an_explanation_tells_a_user_all_but_the_last_digits(self):
        outgoing, incoming = self._calls("user")
        text = plain(outgoing.explanation)
        self._assert_hidden(text)
        for part in (
            "Costs $ 0.20.",
            "Dialled 55113210•••• Read as (11) 3210-••••",
            "Fixed line, area code 11, São Paulo/SP",
            f"Found by the number {NUMBER}.",
            # The rate's prefix is the whole number.
            "Rate 55113210… Its prefix is longer",
            "0.20 a minute × 60 s ÷ 60 = $ 0.20",
        ):
            self.assertIn(part, text)
        text = plain(incoming.explanation)
        self._assert_hidden(text)
        self.assertIn("Called by 555499912•••• Read as (54) 99912-••••", text)

    def test_what_an_explanation_says_of_other_rates_hides_them_too(self):
        rate = self.tariff.rate_ids.filtered("prefix")
        self.env.cr.execute(
            "UPDATE saperx_tariff_rate SET price_per_minute = 0.4 WHERE id = %s",
            (rate.id,),
        )
        self.env.invalidate_all()
        text = plain(self._calls("user", 1).explanation)
        self._assert_hidden(text)
        self.assertIn("As it is now: 55113210…,", text)
        self.env.cr.execute(
            "UPDATE saperx_tariff_rate SET date_from = '2026-11-01'"
            " WHERE tariff_id = %s",
            (self.tariff.id,),
        )
        self.env.invalidate_all()
        self._calls("billing", 1).action_reassess()
        call = self._calls("user", 1)
        self.assertEqual(call.state, "unrated")
        text = plain(call.explanation)
        self._assert_hidden(text)
        self.assertIn("55113210… would take it, but not on 10/15/2026.", text)

    def test_a_call_that_nobody_was_found_for_is_masked_as_well(self):
        call = self._call("user", caller="551140000000")
        self.assertEqual(call.state, "unmatched")
        self._assert_hidden(call.read())
        self.assertIn("the number 551140000000", plain(call.explanation))

    def test_services_are_shown_whole_but_for_those_that_statements_hide(self):
        shown = {"190": "190", "0800 123 4567": "08001234567", "40041234": "40041234"}
        for dialled, number in shown.items():
            call = self._call("user", callee=dialled)
            self.assertEqual(call.shown_number, number)
            self.assertEqual(call.shown_callee, dialled)
            self.assertIn(f"Dialled {dialled} ", plain(call.explanation))
        for dialled in ("181", "0181", "55181"):
            for role in ("user", "technician"):
                self.assertFalse(self._call(role, callee=dialled), dialled)
            call = self._calls("billing", 9)
            self.assertEqual(call.call_class, "free")
            self.assertEqual(call.other_party, "181")

    def test_what_is_told_of_a_hidden_call_all_the_same_does_not_name_it(self):
        for dialled in ("181", "0181", "55181"):
            self._import(self._make_call(9, callee=dialled))
            for role in ("user", "technician"):
                # As the web client may not read it: by what computes by ``sudo``.
                call = self._get_call(9).with_user(self.users[role]).sudo()
                self.assertEqual(call.shown_number, "Hidden service")
                self.assertNotIn("181", json.dumps(call.read(COMPUTED[:3])))
                text = plain(call.explanation)
                self.assertIn("Dialled Hidden service Read as Hidden service", text)
                self.assertNotIn("181", text)

    def test_of_services_that_begin_alike_the_closest_says_whether_it_is_hidden(self):
        service_model = self.env["saperx.service.number"]
        service_model.create(
            {
                "number": "0800555",
                "is_prefix": True,
                "name": "Reports",
                "call_class": "free",
                "is_hidden": True,
            }
        )
        own = service_model.create(
            {"number": "08005550000", "name": "Ours", "call_class": "free"}
        )
        self.assertFalse(self._call("user", callee="08005551234"))
        for number in ("08005550000", "08001234567"):
            self.assertEqual(self._call("user", callee=number).shown_number, number)
        own.copy({"company_id": self.company.id, "is_hidden": True})
        call = self._calls("user", 9)
        services = service_model._get_active(self.company)
        self.assertTrue(services._find("08005550000").is_hidden)
        self.assertEqual(call.shown_number, "08001234567")

    def test_hidden_rates_are_not_named_by_a_hidden_service(self):
        self.tariff.rate_ids = [
            Command.create({"prefix": "181", "price_per_minute": 1})
        ]
        self._import(self._make_call(9, callee="181"))
        call = self._get_call(9).with_user(self.users["technician"]).sudo()
        text = plain(call.explanation)
        self.assertIn("Costs $ 1.00.", text)
        self.assertNotIn("181", text)

    def test_what_is_no_plain_number_shows_no_digit_of_it(self):
        for callee, shown in (
            (f"sip:{FIXED}@10.0.0.1", "sip:••••••••••••@••.•.•.•"),
            (f'"Ana" <sip:+{FIXED}@host>', '"Ana" <sip:+••••••••••••@host>'),
            ("0 15 11 3210-7654", "0 15 11 3210-••••"),
            # Digits that were pressed after the number: which are the last?
            (f"{FIXED}0000", "5511••••••••••••"),
            ("4001", "••••"),
            ("anonymous", "anonymous"),
        ):
            call = self._call("user", callee=callee)
            self.assertEqual(call.shown_callee, shown)
            self._assert_hidden(call.read())
            self._assert_hidden(plain(call.explanation))

    def test_calls_abroad_keep_their_country(self):
        call = self._call("user", callee="0021 1 212 555 1234".replace(" ", ""))
        self.assertEqual(call.call_class, "ldi")
        self.assertEqual(call.shown_number, "+1212555••••")
        self.assertIn("Read as +1212555•••• Abroad", plain(call.explanation))

    def test_a_number_of_the_users_own_is_explained_whole(self):
        wizard = (
            self.env["saperx.simulation.wizard"]
            .with_user(self.users["user"])
            .create(
                {
                    "line_id": self.line.id,
                    "number": FIXED,
                    "start": "2026-10-15 12:00:00",
                }
            )
        )
        text = plain(wizard.explanation)
        self.assertIn("Read as (11) 3210-7654", text)
        self.assertIn(f"Rate {FIXED} ", text)

    def test_records_that_hold_whole_numbers_are_not_for_users(self):
        for model in (
            "saperx.cdr.reject",
            "saperx.api.log",
            "saperx.recalculation",
            "saperx.what.if.wizard",
        ):
            with self.assertRaises(AccessError, msg=model):
                self.env[model].with_user(self.users["user"]).search([])

    def test_masks_the_last_digits_however_they_are_written(self):
        for text, masked in (
            ("", ""),
            ("123", "•••"),
            ("+55 (54) 3333-4444", "+55 (54) 3333-••••"),
            ("99 99 8 8-8 8", "99 99 • •-• •"),
            ("line 5433334444", "line ••••••••••"),
            ("٣٤", "••"),
        ):
            self.assertEqual(mask_number(text), masked)
        self.assertEqual(mask_number("555433334444", 2), "55••••••••••")
        self.assertEqual(mask_number("55543", 4), "5••••")
