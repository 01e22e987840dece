# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from lxml import html

from odoo import Command
from odoo.tests import new_test_user, tagged

from ..gateway import Direction, Outcome
from .common import FIXED_OTHER_DDD, MOBILE_SAME_DDD, NUMBER, SaperxCase


@tagged("post_install", "-at_install")
class TestExplanation(SaperxCase):
    """A support person explains any call's amount from its form alone."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.default_rate, cls.mobile_rate = cls.tariff.rate_ids

    def _explain(self, remote_id=1, user=None):
        """The explanation as one reads it: text with single spaces."""
        call = self._get_call(remote_id)
        call.invalidate_recordset(["explanation"])
        call = call.with_user(user) if user else call
        text = " ".join(html.fromstring(call.explanation).itertext())
        return " ".join(text.replace("\N{NO-BREAK SPACE}", " ").split())

    def _assert_told(self, text, *parts):
        for part in parts:
            self.assertIn(part, text)

    def test_tells_the_whole_way_to_an_amount(self):
        self._import(
            self._make_call(1, talk_seconds=31, total_seconds=40, account_code=None)
        )
        text = self._explain()
        self._assert_told(
            text,
            "Costs $ 0.07.",
            f"Dialled {FIXED_OTHER_DDD} Read as (11) 3333-4444",
            "Fixed line, area code 11, São Paulo/SP",
            "Area code 54 (54) 3333-4444",
            "The platform says Nothing",
            "The class that rules LDN: national long distance",
            f"Found by the number {NUMBER}.",
            "Customer Maria",
            "Billing plan Excess",
            "Rate Default rate The only one that fits on 10/15/2026.",
            "Conversation 31 s",
            "Charged time 36 s In steps of 6 s: 36 s. At least 30 s.",
            "$ 0.12 a minute × 36 s ÷ 60 = $ 0.072, cut to the centavo",
            "The customer pays $ 0.07 Not charged yet.",
        )

    def test_a_caller_without_a_number_is_shown_as_it_was_sent(self):
        code = self.line.account_code = "955185"
        for number, caller in enumerate((code, "08001234567"), 1):
            call = self._make_call(number, caller=caller, account_code=code)
            self._import(call)
            text = self._explain(number)
            self._assert_told(text, f"The line calls from Area code 54 {caller} ")
            self.assertNotIn(f"+{caller}", text)

    def test_a_connection_fee_and_an_exact_amount_are_shown(self):
        self.default_rate.connection_fee = 0.2
        self._import(self._make_call(1))
        self._assert_told(
            self._explain(),
            "connection $ 0.20 + $ 0.12 a minute × 60 s ÷ 60 = $ 0.32 ",
            "Costs $ 0.32.",
        )

    def test_endless_decimals_are_said_to_go_on(self):
        self.default_rate.price_per_minute = 0.01
        self._import(self._make_call(1, talk_seconds=61))
        self._assert_told(
            self._explain(),
            "$ 0.01 a minute × 66 s ÷ 60 = $ 0.011, cut to the centavo",
        )
        self.default_rate.write({"price_per_minute": 0.1, "step_seconds": 1})
        self._get_call(1).action_reassess()
        self._assert_told(
            self._explain(),
            "$ 0.10 a minute × 61 s ÷ 60 = $ 0.10166666…, cut to the centavo",
        )

    def test_a_rate_of_the_class_is_said_to_go_before_the_default(self):
        self._import(self._make_call(1, callee=MOBILE_SAME_DDD))
        self._assert_told(
            self._explain(),
            "Rate VC1: mobile, same area code Made for this class; it goes before "
            "those that are not: Default rate.",
        )

    def test_a_longer_prefix_is_said_to_win(self):
        self.tariff.rate_ids = [
            Command.create({"prefix": "5511", "price_per_minute": 0.05})
        ]
        self._import(self._make_call(1))
        self._assert_told(
            self._explain(),
            "Rate 5511 Its prefix is longer than that of the others that fit: "
            "Default rate.",
        )

    def test_a_short_call_costs_nothing_and_says_so(self):
        self._import(self._make_call(1, talk_seconds=3))
        self._assert_told(
            self._explain(),
            "Costs nothing: the conversation was too short.",
            "Charged time 0 s Conversations of up to 3 s cost nothing.",
            "No charged time, no connection fee.",
        )

    def test_each_reason_for_costing_nothing_is_told(self):
        self._import(
            self._make_call(1, outcome=Outcome.BUSY, talk_seconds=0),
            self._make_call(2, callee="190"),
            self._make_call(3, platform_class="INTERNA"),
            self._make_call(4, is_collect=True),
            self._make_call(
                5,
                direction=Direction.INCOMING,
                caller=FIXED_OTHER_DDD,
                callee=NUMBER,
            ),
            self._make_call(6, caller="551140000000"),
        )
        for remote_id, reason in enumerate(
            (
                "only answered calls are charged.",
                "free and emergency numbers cost the caller nothing",
                "the platform calls it internal",
                "the called line pays for a collect call.",
                "the line was called",
                "the call could not be given to any line.",
            ),
            1,
        ):
            self._assert_told(self._explain(remote_id), f"Costs nothing: {reason}")
        self._assert_told(
            self._explain(6), "account code 000000 or the number 551140000000"
        )

    def test_calls_of_a_line_without_a_plan_and_of_a_prepaid_one(self):
        self.line.tariff_id = False
        self._import(self._make_call(1))
        self._assert_told(
            self._explain(), "the line has no billing plan", "Billing plan None"
        )
        self.line.write({"tariff_id": self.tariff.id, "billing_type": "prepaid"})
        self._import(self._make_call(2, start="2026-11-16 16:00:00"))
        self._assert_told(self._explain(2), "a prepaid line pays with its credit")

    def test_a_call_that_no_rate_takes_says_which_came_near(self):
        self.default_rate.date_to = "2026-10-14"
        self._import(self._make_call(1))
        self._assert_told(
            self._explain(),
            "no rate of the billing plan takes it",
            "Default rate would take it, but not on 10/15/2026.",
        )

    def test_platform_and_number_may_disagree_on_the_class(self):
        self._import(
            self._make_call(1, platform_class="LC"),
            self._make_call(2, platform_class="LDN"),
            self._make_call(3, platform_class="ldn", callee="555430001000"),
            self._make_call(4, platform_class="VC9"),
            self._make_call(5, platform_class="LDN", callee="190"),
        )
        self._assert_told(
            self._explain(1),
            "The platform says LC: local",
            "LDN: national long distance Platform and number disagree.",
            "The platform's class wins over ours.",
        )
        self._assert_told(self._explain(2), "Both agree.")
        self._assert_told(
            self._explain(3),
            "Fixed to fixed inside area code 54 is local since 03/15/2026",
        )
        self._assert_told(self._explain(4), "VC9 A class that we do not know")
        self._assert_told(
            self._explain(5), "Free and emergency numbers stay free, whatever"
        )
        calls = self.env["saperx.cdr"].search([("is_class_disputed", "=", True)])
        self.assertEqual(set(calls.mapped("remote_id")), {"1", "3", "5"})
        self.assertTrue(all(calls.mapped("is_class_disputed")))
        others = self.env["saperx.cdr"].search(
            [
                ("integration_id", "=", self.integration.id),
                ("is_class_disputed", "=", False),
            ]
        )
        self.assertEqual(set(others.mapped("remote_id")), {"2", "4"})

    def test_what_was_drawn_of_each_allowance_is_told(self):
        self.tariff.allowance_ids = [
            Command.create({"name": "Bonus", "quantity": 0.5}),
            Command.create({"name": "Credit", "unit": "reais", "quantity": 0.01}),
        ]
        self._import(self._make_call(1))
        self._charge()
        call = self._get_call(1)
        self.assertEqual(call.covered_seconds, 30)
        text = self._explain()
        self._assert_told(
            text,
            "Bonus − 30 s Not covered: 30 s. Left to pay: $ 0.12 a minute × 30 s ÷ "
            "60 = $ 0.06 → $ 0.06.",
            "Credit − $ 0.01 Covers $ 0.01. Left to pay: $ 0.05.",
            "The customer pays $ 0.05. ",
            "In the charge",
        )
        self.assertNotIn("Not final", text)

    def _give(self, name, quantity, **values):
        return self.env["saperx.tariff.allowance"].create(
            {
                "tariff_id": self.tariff.id,
                "name": name,
                "quantity": quantity,
                "unit": "minutes",
                **values,
            }
        )

    def test_an_allowance_that_does_not_fit_says_why(self):
        vc1 = self.env["saperx.call.class"].search([("code", "in", ("vc1", "vc2"))])
        self._give("Mobile", 10, class_ids=vc1.ids)
        self._give("Rio", 10, prefixes="5521, 5522")
        self._give("Later", 10, date_from="2026-10-16")
        self._give("Ended", 10, date_from="2026-09-01", date_to="2026-10-14")
        self._import(self._make_call(1))
        told = (
            "Mobile Does not fit It is for "
            f"{', '.join(vc1.mapped('name'))}; the class of the call is LDN: national",
            "Rio Does not fit It is for numbers that begin with 5521, 5522.",
            "Later Does not fit It is valid from 10/16/2026 to …; the call was on "
            "10/15/2026.",
            "Ended Does not fit It is valid from 09/01/2026 to 10/14/2026; the call",
        )
        self._assert_told(self._explain(), "Costs $ 0.12.", *told)
        self._charge()
        self._assert_told(self._explain(), "The customer pays $ 0.12.", *told)

    def test_an_allowance_that_was_used_up_says_what_it_had(self):
        self._give("Bonus", 1.5)
        self._give("Credit", 0.05, unit="reais")
        self._import(
            *(self._make_call(n, start=f"2026-10-{14 + n} 12:00:00") for n in (1, 2, 3))
        )
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        told = {
            2: (
                "60 = $ 0.06 → $ 0.06. It had 1 min 30 s for this cycle. The call took "
                "the rest.",
                "Left to pay: $ 0.01. It had $ 0.05 for this cycle. The call took the "
                "rest.",
            ),
            3: (
                "Bonus Used up It fits, and nothing of it was left when the call's "
                "turn came. It had 1 min 30 s for this cycle.",
                "Credit Used up It fits, and nothing of it was left when the call's "
                "turn came. It had $ 0.05 for this cycle.",
                "The customer pays $ 0.12",
            ),
        }
        covered = self._explain(1)
        self.assertNotIn("It had", covered)
        self.assertNotIn("Credit", covered)
        for remote_id, parts in told.items():
            self._assert_told(self._explain(remote_id), "Not final", *parts)
        self._charge()
        # What the plan gives later changes nothing of what was charged.
        self.tariff.allowance_ids[0].write({"name": "Bonus", "quantity": 100})
        self._give("New", 100)
        for remote_id, parts in told.items():
            text = self._explain(remote_id)
            self._assert_told(text, *parts)
            self.assertNotIn("New", text)
            self.assertNotIn("Not final", text)

    def test_a_late_call_says_what_went_into_the_next_cycle(self):
        self._give("Bonus", 2, carries_over=True)
        self._import(self._make_call(1, start="2026-09-15 12:00:00"))
        september = self._charge()
        self.assertEqual(september.allowance_ids.carried_away, 60)
        # Not of the same run as what follows.
        self.env.cr.execute(
            "UPDATE saperx_charge SET create_date = create_date - interval '1 day'"
        )
        self.env.invalidate_all()
        self._import(
            self._make_call(2, start="2026-09-16 12:00:00"),
            self._make_call(3, start="2026-10-15 12:00:00", talk_seconds=181),
        )
        late = (
            "Bonus Used up It fits, and nothing of it was left when the call's turn "
            "came. It had 2 min for this cycle. 1 min of it had already gone into the "
            "next cycle.",
        )
        self._assert_told(self._explain(2), *late)
        self._charge()
        self._assert_told(self._explain(2), "In the charge", *late)
        self._assert_told(
            self._explain(3),
            "Bonus − 3 min Not covered: 6 s.",
            "It had 2 min for this cycle and 1 min from the cycle before. The call "
            "took the rest.",
        )
        # That the first charge was cancelled since does not change what this one found.
        september.action_cancel()
        self._assert_told(self._explain(2), *late)

    def test_another_line_may_have_used_up_what_is_shared(self):
        self._give("Ours", 1, is_shared=True)
        other = self._make_line(self.contract, "555433335555")
        self._import(
            self._make_call(1, caller="555433335555"),
            self._make_call(2, start="2026-10-16 12:00:00"),
        )
        told = "Ours Used up It fits, and nothing of it was left"
        self._assert_told(self._explain(2), told)
        self._charge()
        self.assertEqual(self._get_call(1).line_id, other)
        self._assert_told(self._explain(2), told, "It had 1 min for this cycle.")

    def test_a_short_call_draws_on_no_allowance(self):
        self._give("Bonus", 10)
        self._import(self._make_call(1, talk_seconds=3))
        text = self._explain()
        self._assert_told(
            text,
            "Nothing drawn A call without charged time draws on no allowance.",
        )
        self.assertNotIn("Bonus", text)

    def test_a_call_that_costs_nothing_leaves_nothing_to_cover(self):
        self._give("Credit", 10, unit="reais")
        self.default_rate.price_per_minute = 0
        self._import(self._make_call(1))
        self._assert_told(self._explain(), "Credit Not used Nothing to cover.")

    def test_calls_of_a_cycle_that_is_left_out_say_that_they_draw_on_nothing(self):
        self._give("Bonus", 10)
        self.integration.charge_only_active_lines = True
        self.env["saperx.line.activity"].search([]).write(
            {"date_from": "2026-11-02 12:00:00"}
        )
        self._import(self._make_call(1))
        self._assert_told(
            self._explain(),
            "Nothing drawn The line was not active in this cycle",
        )

    def test_an_allowance_given_since_is_said_to_be_drawn_on_next(self):
        self._import(self._make_call(1))
        self._give("Bonus", 10)
        self.env["saperx.tariff"].flush_model()
        self.env.cr.execute(
            "UPDATE saperx_cdr SET covered_seconds = 0, covered_amount = 0,"
            " charged_amount = gross_amount, allowance_uses = NULL"
        )
        self._assert_told(
            self._explain(),
            "Bonus Not used yet It fits, and 9 min of it are left. “Recalculate”",
        )

    def test_dates_that_changed_since_the_charge_are_not_taken_for_those_of_then(self):
        bonus = self._give("Bonus", 10, date_from="2026-10-16", carries_over=True)
        self._import(self._make_call(1))
        self._charge()
        bonus.date_from = "2026-10-01"
        self._assert_told(
            self._explain(),
            "Bonus Not used It did not fit when the call was charged.",
        )

    def test_every_role_is_told_of_allowances(self):
        self._give("Bonus", 0.5, is_shared=True)
        self._import(self._make_call(1), self._make_call(2))
        users = [self._make_user(role) for role in ("user", "technician", "billing")]
        for told in ("Not charged yet.", "In the charge"):
            for user in users:
                self.env.invalidate_all()
                self._assert_told(
                    self._explain(2, user),
                    "Bonus Used up It fits",
                    "It had 30 s for this cycle.",
                    told,
                )
            self._charge()

    def test_a_charged_call_is_explained_by_the_price_that_it_had(self):
        self._import(self._make_call(1))
        self._charge()
        self.tariff.rate_ids[0].price_per_minute = 0.3
        self.tariff.rate_ids[0].price_per_minute = 0.4
        self._assert_told(
            self._explain(),
            "$ 0.12 a minute × 60 s ÷ 60 = $ 0.12",
            "What was charged stays as it was.",
        )
        self._import(self._make_call(2))
        self.env["saperx.cdr"].action_reassess()
        self.assertEqual(self._get_call(2).gross_amount, 0.4)

    def test_a_call_that_is_not_charged_yet_draws_beforehand(self):
        self.tariff.allowance_ids = [Command.create({"name": "Bonus", "quantity": 1})]
        self._import(self._make_call(1), self._make_call(2, callee="190"))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self._assert_told(
            self._explain(),
            "Costs nothing: the allowance covers it.",
            "Bonus − 1 min Covers the whole charged time.",
            "finally when their cycle is charged",
        )
        self.assertNotIn("Allowances", self._explain(2))

    def test_a_plan_that_changed_since_is_said_to_have(self):
        self._import(self._make_call(1), self._make_call(2, talk_seconds=60))
        self.assertNotIn("has changed since", self._explain())
        # Past whatever the forms of plans allow.
        self.env.cr.execute(
            "UPDATE saperx_tariff_rate SET price_per_minute = 0.24 WHERE id = %s",
            (self.default_rate.id,),
        )
        self.env.invalidate_all()
        self._assert_told(
            self._explain(),
            "The billing plan has changed since this call was rated. As it is now: "
            "Default rate, 1 min charged, $ 0.24 before allowances.",
            "“Recalculate” brings the call up to date.",
            "By the price that the rate had when the call was rated.",
            "Costs $ 0.12.",
        )
        self._charge()
        self._assert_told(
            self._explain(),
            "What was charged stays as it was.",
            "The customer pays $ 0.12.",
        )

    def test_the_platforms_amount_as_the_source(self):
        self.tariff.amount_source = "platform"
        self._import(self._make_call(1, platform_amount=Decimal("0.119")))
        text = self._explain()
        self._assert_told(
            text,
            "Costs $ 0.11.",
            "The plan charges what the platform charges: $ 0.119, cut to the centavo.",
        )
        self.assertNotIn("has changed since", text)

    def test_costs_are_for_billing_alone(self):
        self._import(self._make_call(1))
        for role, sees in (("user", False), ("technician", False), ("billing", True)):
            user = new_test_user(
                self.env,
                f"explains-{role}",
                groups=f"saperx_voip.group_{role}",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            text = self._explain(user=user)
            self._assert_told(text, "Amount $ 0.10")
            self.assertEqual("Cost $ 0.04" in text, sees)
            call = self._get_call(1).with_user(user)
            self.assertEqual("platform_cost" in call.read()[0], sees)

    def test_what_the_platform_sent_is_shown_as_text(self):
        self._import(self._make_call(1, callee="<b>bold</b>", platform_class="<i>"))
        markup = self._get_call(1).explanation
        self.assertIn("&lt;b&gt;bold", markup)
        self.assertNotIn("<b>", markup)
        self.assertNotIn("<i>", markup)
        self._assert_told(self._explain(), "No telephone number")
