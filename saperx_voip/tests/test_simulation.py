# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from itertools import product

from freezegun import freeze_time
from lxml import html

from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

from ..gateway import Direction
from .common import FIXED_OTHER_DDD, MOBILE_SAME_DDD, NUMBER, SaperxCase


def plain(markup):
    """As one reads it: text with single spaces."""
    text = " ".join(html.fromstring(markup or "<p/>").itertext())
    for character in "\N{NO-BREAK SPACE}\N{ZERO WIDTH NO-BREAK SPACE}":
        text = text.replace(character, " " if character.isspace() else "")
    return " ".join(text.split())


class WizardCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            role: cls._make_user(role)
            for role in ("user", "technician", "billing", "manager")
        }
        cls.other_company = cls.env["res.company"].create({"name": "Other"})
        cls.stranger = cls._make_user("manager", cls.other_company)

    def _as(self, role, records):
        return records.with_user(self.users[role])


@tagged("post_install", "-at_install")
class TestSimulation(WizardCase):
    def _simulate(self, **values):
        return self.env["saperx.simulation.wizard"].new(
            {
                "company_id": self.company.id,
                "line_id": self.line.id,
                "number": FIXED_OTHER_DDD,
                "start": "2026-10-15 12:00:00",
                "duration": "1:00",
                "direction": "outgoing",
                **values,
            }
        )

    def test_says_the_same_as_the_call_once_it_is_imported(self):
        for remote_id, values in enumerate(
            (
                {"callee": FIXED_OTHER_DDD, "talk_seconds": 31},
                {"callee": MOBILE_SAME_DDD, "talk_seconds": 3},
                {"callee": "3333-5555", "platform_class": "LDN"},
                {"callee": "0800 123 4567"},
                {"callee": "00 1 212 555 1234", "talk_seconds": 3600},
            ),
            1,
        ):
            self._import(self._make_call(remote_id, line_remote_id=1, **values))
            call = self._get_call(remote_id)
            wizard = self._simulate(
                number=values["callee"],
                duration=str(values.get("talk_seconds", 60)),
                platform_class=values.get("platform_class", "").lower() or False,
            )
            simulated = wizard._make_call()
            for name in (
                "other_party",
                "own_class",
                "call_class",
                "cycle_end",
                "rate_id",
                "charged_seconds",
                "gross_amount",
                "charged_amount",
                "state",
                "reason",
                "period_id",
            ):
                self.assertEqual(simulated[name], call[name], (remote_id, name))
            self.assertIn(call._explain_summary(), wizard.explanation)

    def test_writes_nothing(self):
        calls = self.env["saperx.cdr"].search_count([])
        wizard = self._simulate()
        self.assertIn("Costs $ 0.12.", plain(wizard.explanation))
        self.env.flush_all()
        self.assertEqual(self.env["saperx.cdr"].search_count([]), calls)

    def test_follows_what_is_typed(self):
        action = self.env.ref("saperx_voip.saperx_simulation_wizard_action")
        self.assertEqual(action.res_model, "saperx.simulation.wizard")
        wizards = self._as("user", self.env["saperx.simulation.wizard"])
        with Form(wizards.with_context(default_line_id=self.line.id)) as form:
            self.assertEqual(form.problem, "Enter the dialled number.")
            form.number = "11 3333-4444"
            self.assertFalse(form.problem)
            self.assertIn("Costs $ 0.12.", plain(form.explanation))
            form.duration = "10:00"
            self.assertIn("Costs $ 1.20.", plain(form.explanation))
            form.duration = "a while"
            self.assertIn("“a while” is no duration", form.problem)
            self.assertFalse(form.explanation)

    def test_a_plan_and_an_area_code_do_without_a_line(self):
        text = plain(
            self._simulate(
                line_id=False,
                tariff_id=self.tariff.id,
                area_code="11",
                number="99999-8888",
            ).explanation
        )
        for part in (
            "Costs $ 0.50.",
            "Mobile, area code 11",
            "VC1: mobile, same area code",
            "Billing plan Excess",
        ):
            self.assertIn(part, text)
        self.assertNotIn("SIP line", text)
        self.assertNotIn("On the platform", text)

    def test_what_cannot_be_understood_is_said(self):
        for values, problem in (
            ({"line_id": False}, "Choose a SIP line"),
            ({"line_id": False, "tariff_id": self.tariff.id}, "area code (DDD)"),
            (
                {"line_id": False, "tariff_id": self.tariff.id, "area_code": "10"},
                "area code (DDD)",
            ),
            ({"number": "  "}, "Enter the dialled number."),
            ({"number": "Maria"}, "“Maria” is no telephone number"),
            ({"duration": ""}, "“” is no duration"),
            ({"duration": "-5"}, "is no duration"),
            ({"duration": "1:2:3:4"}, "is no duration"),
            ({"duration": "٣"}, "is no duration"),
            ({"start": False}, "Enter the moment"),
        ):
            wizard = self._simulate(**values)
            self.assertIn(problem, wizard.problem or "", values)
            self.assertFalse(wizard.explanation)

    def test_durations(self):
        for text, seconds in (("90", 90), ("1:30", 90), ("0:05", 5), ("1:00:01", 3601)):
            self.assertEqual(self._simulate(duration=text)._get_talk_seconds(), seconds)

    def test_a_number_of_no_known_form_is_told_and_rated_as_it_would_be(self):
        text = plain(self._simulate(number="12345678901234567890").explanation)
        self.assertIn("No number that we know the form of", text)
        self.assertIn("Costs $ 0.12.", text)

    def test_the_plan_is_that_of_the_lines_period_at_the_moment(self):
        self._import(self._make_call(1))
        other = self.tariff.copy({"name": "Later"})
        self.line.tariff_id = other
        self.assertEqual(self._simulate().used_tariff_id, self.tariff)
        now = self._simulate(start="2026-11-16 16:00:00")
        self.assertEqual(now.used_tariff_id, other)
        self.assertIn("Billing plan Later", plain(now.explanation))

    def test_collect_calls(self):
        incoming = self._simulate(direction="incoming", is_collect=True)
        self.assertIn("Costs $ 0.12.", plain(incoming.explanation))
        self.assertIn(
            "the called line pays",
            plain(self._simulate(is_collect=True).explanation),
        )
        self.assertIn(
            "the line was called",
            plain(self._simulate(direction="incoming").explanation),
        )

    def test_the_platform_alone_tells_what_is_a_collect_call(self):
        number = "909033335555"
        for remote_id, (direction, is_collect) in enumerate(
            product(Direction, (False, True))
        ):
            numbers = {"callee": number}
            if direction == Direction.INCOMING:
                numbers = {"caller": number, "callee": NUMBER}
            self._import(
                self._make_call(
                    remote_id, direction=direction, is_collect=is_collect, **numbers
                )
            )
            call = self._get_call(remote_id)
            wizard = self._simulate(
                number=number, direction=direction.value, is_collect=is_collect
            )
            simulated = wizard._make_call()
            for name in ("state", "reason", "call_class", "gross_amount"):
                self.assertEqual(simulated[name], call[name], (remote_id, name))
        dialled = plain(self._simulate(number=number).explanation)
        self.assertIn("Dialled as a collect call (90)", dialled)
        self.assertIn("Costs $ 0.12.", dialled)

    def test_a_prepaid_line_and_one_without_a_plan(self):
        self.line.billing_type = "prepaid"
        self.assertIn("a prepaid line pays", plain(self._simulate().explanation))
        self.line.write({"billing_type": "postpaid", "tariff_id": False})
        self.assertIn("has no billing plan", plain(self._simulate().explanation))

    def test_the_allowance_is_drawn_as_far_as_it_is_left(self):
        self.tariff.allowance_ids = [Command.create({"name": "Bonus", "quantity": 1.5})]
        self._import(self._make_call(1))
        wizard = self._simulate()
        self.assertEqual(wizard.balances, "Bonus: 30 s left of 1 min 30 s")
        text = plain(wizard.explanation)
        self.assertIn("Costs $ 0.06.", text)
        self.assertIn("Bonus − 30 s Not covered: 30 s.", text)
        # That of another cycle is whole.
        other = self._simulate(start="2026-09-15 12:00:00")
        self.assertIn("the allowance covers it", plain(other.explanation))
        # The call that was made keeps what it drew.
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._get_call(1).covered_seconds, 60)

    def test_an_allowance_that_is_used_up_says_what_it_had(self):
        self.tariff.allowance_ids = [Command.create({"name": "Bonus", "quantity": 1})]
        self._import(self._make_call(1))
        text = plain(self._simulate().explanation)
        self.assertIn("Costs $ 0.12.", text)
        self.assertIn("Bonus Used up It fits", text)
        self.assertIn("It had 1 min for this cycle.", text)

    def test_without_a_line_no_balance_is_known(self):
        mobile = self.env["saperx.call.class"].search([("code", "=", "vc1")])
        self.tariff.allowance_ids = [
            Command.create({"name": "Bonus", "quantity": 1}),
            Command.create({"name": "Mobile", "quantity": 1, "class_ids": mobile.ids}),
        ]
        text = plain(
            self._simulate(
                line_id=False, tariff_id=self.tariff.id, area_code="54"
            ).explanation
        )
        self.assertIn("Costs $ 0.12.", text)
        self.assertIn(
            "Bonus Not known It fits; without a line no balance is known.", text
        )
        self.assertIn("Mobile Does not fit It is for", text)

    def test_the_allowance_is_that_of_the_period_at_the_moment(self):
        self.tariff.allowance_ids = [Command.create({"name": "Bonus", "quantity": 5})]
        self._import(self._make_call(1, start="2026-11-16 12:00:00"))
        self.line.tariff_id, takes_over = self.env["saperx.tariff"].create(
            [
                {"name": "A", "rate_ids": [Command.create({"price_per_minute": 1})]},
                {"name": "B", "amount_source": "platform"},
            ]
        )
        before = self._simulate(start="2026-11-16 14:59:59")
        self.assertEqual(before.balances, "Bonus: 4 min left of 5 min")
        after = self._simulate(start="2026-11-16 18:00:00")
        self.assertFalse(after.balances)
        self.assertIn("Costs $ 1.00.", plain(after.explanation))
        with freeze_time("2026-11-16 17:00:00"):
            self.line.tariff_id = takes_over
        after = self._simulate(start="2026-11-16 18:00:00", platform_amount=0.25)
        self.assertIn("Costs $ 0.25.", plain(after.explanation))

    def test_a_plan_that_charges_the_platforms_amount_asks_for_it(self):
        self.tariff.amount_source = "platform"
        self.assertIn("there is none", plain(self._simulate().explanation))
        self.assertIn(
            "Costs $ 0.25.", plain(self._simulate(platform_amount=0.259).explanation)
        )

    def test_every_role_simulates_and_a_stranger_does_not(self):
        self.tariff.allowance_ids = [
            Command.create({"name": "Bonus", "quantity": 1.5, "is_shared": True})
        ]
        self._make_line(self.contract, "555433335555")
        self._import(
            self._make_call(1, start="2026-11-05 12:00:00", caller="555433335555")
        )
        for role in self.users:
            self.env.invalidate_all()
            wizard = self._as(role, self.env["saperx.simulation.wizard"]).create(
                {"line_id": self.line.id, "number": FIXED_OTHER_DDD}
            )
            self.assertEqual(wizard.balances, "Bonus: 30 s left of 1 min 30 s")
            self.assertIn("Costs $ 0.06.", plain(wizard.explanation))
        wizards = self.env["saperx.simulation.wizard"].with_user(self.stranger)
        wizards = wizards.with_context(allowed_company_ids=self.other_company.ids)
        with self.assertRaises(AccessError):
            wizards.create({"line_id": self.line.id, "number": FIXED_OTHER_DDD}).mapped(
                "explanation"
            )
        with self.assertRaises(AccessError):
            wizards.create(
                {
                    "tariff_id": self.tariff.id,
                    "area_code": "11",
                    "number": FIXED_OTHER_DDD,
                }
            ).mapped("explanation")
        employee = new_test_user(self.env, "wizard-employee", groups="base.group_user")
        with self.assertRaises(AccessError):
            self.env["saperx.simulation.wizard"].with_user(employee).create({})


@tagged("post_install", "-at_install")
class TestWhatIfWizard(WizardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cheap, cls.dear = cls.env["saperx.tariff"].create(
            [
                {
                    "name": "Cheap",
                    "rate_ids": [Command.create({"price_per_minute": 0.05})],
                },
                {
                    "name": "Dear",
                    "rate_ids": [Command.create({"price_per_minute": 1})],
                },
            ]
        )

    def _compare(self, **values):
        return self.env["saperx.what.if.wizard"].new(
            {
                "company_id": self.company.id,
                "line_id": self.line.id,
                "date_from": "2026-08-01",
                "date_to": "2026-10-31",
                "tariff_ids": [Command.set((self.cheap | self.dear).ids)],
                **values,
            }
        )

    def _read_rows(self, wizard):
        """By label, the cells of its row: of the last table that has it."""
        return {
            cells[0]: cells[1:]
            for row in html.fromstring(wizard.comparison).iter("tr")
            if (cells := [plain(html.tostring(cell)) for cell in row.iter("td")])
        }

    def test_plans_stand_side_by_side_by_month_and_class(self):
        self._import(
            self._make_call(1, start="2026-09-15 12:00:00"),
            self._make_call(2),
            self._make_call(3, callee=MOBILE_SAME_DDD, talk_seconds=90),
        )
        self._charge()
        rows = self._read_rows(self._compare())
        self.assertEqual(
            rows["September 2026"],
            ["1", "1:00", "$ 0.12", "1:00", "$ 0.05", "-$ 0.07"]
            + ["1:00", "$ 1.00", "+$ 0.88"],
        )
        self.assertEqual(
            rows["VC1: mobile, same area code"][:6],
            ["1", "1:30", "$ 0.75", "1:30", "$ 0.07", "-$ 0.68"],
        )
        self.assertEqual(
            rows["Total"],
            ["3", "3:30", "$ 0.99", "3:30", "$ 0.17", "-$ 0.82"]
            + ["3:30", "$ 3.50", "+$ 2.51"],
        )
        self.assertNotIn("(54) 3333-4444", rows)

    def test_the_own_plan_makes_no_difference(self):
        self.tariff.allowance_ids = [Command.create({"quantity": 0.5})]
        self._import(self._make_call(1), self._make_call(2))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        rows = self._read_rows(self._compare(tariff_ids=[Command.set(self.tariff.ids)]))
        self.assertEqual(rows["Total"][2:], ["$ 0.18", "2:00", "$ 0.18", "$ 0.00"])

    def test_calls_that_cost_nothing_for_want_of_a_plan_are_in(self):
        self.line.tariff_id = False
        self._import(self._make_call(1), self._make_call(2, callee="190"))
        rows = self._read_rows(self._compare())
        self.assertEqual(rows["Total"][2:5], ["$ 0.00", "1:00", "$ 0.05"])

    def test_a_customer_with_several_lines_sees_each(self):
        line = self._make_line(self.contract, "555433335555", account_code="123456")
        self._import(self._make_call(1), self._make_call(2, account_code="123456"))
        for scope in (
            {"line_id": False, "partner_id": self.partner.id},
            {"line_id": False, "contract_id": self.contract.id},
        ):
            rows = self._read_rows(self._compare(**scope))
            for each in self.line | line:
                self.assertEqual(rows[each.display_name][2], "$ 0.12")
            self.assertEqual(rows["Total"][2], "$ 0.24")

    def test_days_are_those_that_were_chosen(self):
        # 23:59:59 of the 31st in São Paulo, and the second after it.
        self._import(
            self._make_call(1, start="2026-11-01 02:59:59"),
            self._make_call(2, start="2026-11-01 03:00:00"),
        )
        self.assertEqual(self._read_rows(self._compare())["Total"][0], "1")
        defaults = self.env["saperx.what.if.wizard"].create({})
        self.assertEqual(str(defaults.date_from), "2026-08-01")
        self.assertEqual(str(defaults.date_to), "2026-10-31")

    def test_what_is_missing_is_said(self):
        plans = self.cheap | self.dear | self.tariff | self.tariff.copy()
        for values, problem in (
            ({"line_id": False}, "Choose a customer"),
            ({"line_id": False, "partner_id": self.company.partner_id.id}, "no SIP"),
            ({"tariff_ids": False}, "Choose the billing plans"),
            ({"tariff_ids": [Command.set(plans.ids)]}, "Up to 3"),
            ({"date_from": False}, "must end after"),
            ({"date_to": "2026-07-31"}, "must end after"),
        ):
            wizard = self._compare(**values)
            self.assertIn(problem, wizard.problem or "", values)
            self.assertFalse(wizard.comparison)
        self.assertIn("there are no calls", plain(self._compare().comparison))

    def test_writes_nothing(self):
        self._import(self._make_call(1))
        before = self._get_call(1).read()
        self.assertTrue(self._compare().comparison)
        self.env.invalidate_all()
        self.assertEqual(self._get_call(1).read(), before)

    def test_billing_compares_and_nobody_else(self):
        self._import(self._make_call(1))
        self.cheap.allowance_ids = [
            Command.create({"quantity": 1, "unit": "minutes", "is_shared": True})
        ]
        self._make_line(self.contract, "555433335555", tariff_id=self.cheap.id)
        self._import(
            self._make_call(2, start="2026-10-15 11:00:00", caller="555433335555")
        )
        self.env.invalidate_all()
        wizards = self.env["saperx.what.if.wizard"]
        with Form(self._as("billing", wizards)) as form:
            form.line_id = self.line
            form.tariff_ids.add(self.cheap)
            self.assertIn("$ 0.05", plain(form.comparison))
        for role in ("user", "technician"):
            with self.assertRaises(AccessError):
                self._as(role, wizards).create({})
        stranger = wizards.with_user(self.stranger).with_context(
            allowed_company_ids=self.other_company.ids
        )
        wizard = stranger.create(
            {"company_id": self.other_company.id, "partner_id": self.partner.id}
        )
        self.assertIn("no SIP line", wizard.problem)
        for values in ({}, {"company_id": self.company.id}):
            wizard = stranger.create({"line_id": self.line.id, **values})
            self.assertIn("no SIP line", wizard.problem)
        with self.assertRaises(AccessError):
            stranger.create({"tariff_ids": [Command.set(self.cheap.ids)]})
