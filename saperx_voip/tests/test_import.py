# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo.exceptions import UserError

from odoo.addons.saperx_voip.gateway import Direction, Outcome, Reject

from .common import MOBILE_SAME_DDD, SaperxCase, moment


class TestImport(SaperxCase):
    def _counts(self, run):
        return {
            name: run[f"{name}_count"]
            for name in ("read", "new", "known", "changed", "rejected", "unmatched")
            if run[f"{name}_count"]
        }

    def test_a_call_is_matched_classed_and_rated(self):
        self._import(self._make_call(1))
        call = self._get_call(1)
        self.assertEqual(call.line_id, self.line)
        self.assertEqual(call.contract_id, self.contract)
        self.assertEqual(call.partner_id, self.partner)
        self.assertEqual(call.company_id, self.company)
        self.assertEqual(call.call_class, "ldn")
        self.assertEqual(call.rate_id.price_per_minute, 0.12)
        self.assertEqual(call.charged_seconds, 60)
        self.assertEqual(call.charged_amount, 0.12)
        self.assertEqual(call.cycle_end, date(2026, 10, 31))
        self.assertEqual(call.state, "unbilled")

    def test_a_rate_of_the_class_goes_before_the_default(self):
        self._import(self._make_call(1, callee=MOBILE_SAME_DDD, talk_seconds=31))
        call = self._get_call(1)
        self.assertEqual(call.call_class, "vc1")
        self.assertEqual(call.charged_seconds, 36)
        self.assertEqual(call.charged_amount, 0.30)

    def test_reading_again_adds_nothing(self):
        calls = [self._make_call(number) for number in range(5)]
        self.assertEqual(self._counts(self._import(*calls)), {"read": 5, "new": 5})
        self.assertEqual(self._counts(self._import(*calls)), {"read": 5, "known": 5})
        self.assertEqual(self.env["saperx.cdr"].search_count([]), 5)

    def test_a_record_twice_in_one_page_is_stored_once_and_counted(self):
        run = self._import(self._make_call(1), self._make_call(1), self._make_call(2))
        self.assertEqual(self._counts(run), {"read": 3, "new": 2, "known": 1})

    def test_counts_add_up_with_rejects_kept_once(self):
        reject = Reject('{"id": "x"}', "inicio: missing", "x")
        run = self._import(self._make_call(1), rejects=[reject, reject])
        self.assertEqual(self._counts(run), {"read": 3, "new": 1, "rejected": 2})
        self._import(rejects=[reject])
        stored = self.env["saperx.cdr.reject"].search([])
        self.assertEqual(stored.mapped("raw"), ['{"id": "x"}'])
        self.assertEqual(stored.reason, "inicio: missing")

    def test_what_postgresql_cannot_store_is_kept_as_a_reject_all_the_same(self):
        self._import(rejects=[Reject("a\x00b\ud800", "unreadable")])
        self.assertIn("a", self.env["saperx.cdr.reject"].search([]).raw)

    def test_text_that_copy_could_mistake_arrives_as_it_was(self):
        city = 'São "Tomé"\tdas\\Letras\nNL \\N'
        self._import(self._make_call(1, city=city))
        self.assertEqual(self._get_call(1).city, city)

    def test_a_changed_record_is_rated_again_while_unbilled(self):
        self._import(self._make_call(1))
        run = self._import(self._make_call(1, talk_seconds=120))
        self.assertEqual(self._counts(run), {"read": 1, "changed": 1})
        self.assertEqual(self._get_call(1).charged_amount, 0.24)

    def test_a_changed_record_stays_as_billed_and_is_flagged(self):
        self._import(self._make_call(1))
        self._charge()
        changed = self._make_call(1, talk_seconds=120)
        self.assertEqual(self._counts(self._import(changed)), {"read": 1, "changed": 1})
        call = self._get_call(1)
        self.assertEqual(call.charged_amount, 0.12)
        self.assertTrue(call.is_changed_after_billing)
        self.assertEqual(self._counts(self._import(changed)), {"read": 1, "known": 1})

    def test_an_unknown_account_is_stored_and_matched_once_its_line_appears(self):
        run = self._import(self._make_call(1, caller="552130001000"))
        self.assertEqual(self._counts(run), {"read": 1, "new": 1, "unmatched": 1})
        self.assertEqual(self._get_call(1).state, "unmatched")
        line = self._make_line(self.contract, number="552130001000")
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_rematch").method_direct_trigger()
        self.assertEqual(self._get_call(1).line_id, line)
        self.assertEqual(self._get_call(1).state, "unbilled")

    def test_circuit_goes_before_account_and_account_before_number(self):
        by_number = self.line
        by_account = self._make_line(
            self.contract, number="551130001001", account_code="111111"
        )
        by_circuit = self._make_line(self.contract, number="551130001002")
        by_circuit._write_sync({"remote_id": 42})
        self._import(
            self._make_call(1, account_code="111111", line_remote_id=42),
            self._make_call(2, account_code="111111", line_remote_id=43),
            self._make_call(3, account_code="222222", line_remote_id=43),
        )
        self.assertEqual(self._get_call(1).line_id, by_circuit)
        self.assertEqual(self._get_call(2).line_id, by_account)
        self.assertEqual(self._get_call(3).line_id, by_number)

    def test_a_call_belongs_to_who_held_the_number_at_its_start(self):
        self.line._write_sync({"remote_id": 42})
        self.line.action_cancel()
        heir = self._make_line(self.contract)
        self._import(
            self._make_call(1, start="2026-11-16 14:59:59"),
            self._make_call(2, start="2026-11-16 15:00:00"),
        )
        self.assertEqual(self._get_call(1).line_id, self.line)
        self.assertEqual(self._get_call(2).line_id, heir)

    def test_what_costs_nothing_says_why(self):
        self._import(
            self._make_call(1, outcome=Outcome.BUSY, talk_seconds=0),
            self._make_call(
                2,
                direction=Direction.INCOMING,
                caller="551133334444",
                callee="555433334444",
            ),
            self._make_call(3, callee="190"),
            self._make_call(4, platform_class="INTERNA"),
        )
        self.assertEqual(
            [self._get_call(number).reason for number in range(1, 5)],
            ["not_answered", "incoming", "free", "internal"],
        )
        self.assertEqual(
            {self._get_call(number).state for number in range(1, 5)},
            {"not_chargeable"},
        )

    def test_a_plan_given_later_rates_what_came_before(self):
        line = self._make_line(self.contract, number="551130001000", tariff_id=False)
        self._import(self._make_call(1, caller="551130001000"))
        self.assertEqual(self._get_call(1).reason, "no_tariff")
        line.tariff_id = self.tariff
        self.assertEqual(self._get_call(1).state, "unbilled")
        self.assertEqual(self._get_call(1).charged_amount, 0.12)
        self.assertEqual(len(line.period_ids), 1)

    def test_a_prepaid_line_is_never_charged_here(self):
        self._make_line(self.contract, number="551130001000", billing_type="prepaid")
        self._import(self._make_call(1, caller="551130001000"))
        self.assertEqual(self._get_call(1).reason, "prepaid")

    def test_calls_of_the_previous_system_are_stored_and_never_charged(self):
        self.integration.charge_calls_from = moment("2026-10-10 00:00:00")
        self._import(
            self._make_call(1, start="2026-10-09 23:59:59"),
            self._make_call(2, start="2026-10-10 00:00:00"),
        )
        self.assertEqual(self._get_call(1).reason, "previous_system")
        self.assertEqual(self._get_call(2).state, "unbilled")

    def test_the_previous_systems_date_set_later_reaches_stored_calls(self):
        self._import(self._make_call(1))
        self.integration.charge_calls_from = moment("2026-11-01 00:00:00")
        self.assertEqual(self._get_call(1).reason, "previous_system")

    def test_an_account_code_given_again_was_the_former_lines_before(self):
        former = self._make_line(
            self.contract, number="551130001001", account_code="111111"
        )
        former.action_cancel()
        earlier_contract = self.contract.copy()
        self._make_line(earlier_contract, number="551130001002", account_code="111111")
        self._import(
            self._make_call(
                1, account_code="111111", caller="", start="2026-11-16 14:00:00"
            )
        )
        self.assertEqual(self._get_call(1).line_id, former)

    def test_calls_follow_customers_that_are_merged(self):
        self._import(self._make_call(1))
        twin = self.env["res.partner"].create({"name": "Maria"})
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((twin | self.partner).ids, twin)
        self.assertEqual(self._get_call(1).partner_id, twin)

    def test_a_call_without_a_rate_is_unrated_and_stops_nothing(self):
        self.tariff.rate_ids.filtered(
            lambda rate: not rate.call_class
        ).call_class = "ldi"
        run = self._import(
            self._make_call(1), self._make_call(2, callee=MOBILE_SAME_DDD)
        )
        self.assertEqual(self._counts(run), {"read": 2, "new": 2})
        self.assertEqual(self._get_call(1).state, "unrated")
        self.assertEqual(self._get_call(2).state, "unbilled")

    def test_a_rate_given_later_takes_the_chosen_calls_when_asked(self):
        default = self.tariff.rate_ids.filtered(lambda rate: not rate.call_class)
        default.call_class = "ldi"
        self._import(self._make_call(1), self._make_call(2))
        default.call_class = False
        self._get_call(1).action_reassess()
        self.assertEqual(self._get_call(1).state, "unbilled")
        self.assertEqual(self._get_call(2).state, "unrated")

    def test_a_billed_call_is_not_rated_again(self):
        self._import(self._make_call(1))
        self._charge()
        self.tariff.rate_ids.price_per_minute = 9
        self._get_call(1).action_reassess()
        self.assertEqual(self._get_call(1).charged_amount, 0.12)

    def test_calls_are_never_deleted(self):
        self._import(self._make_call(1))
        with self.assertRaisesRegex(UserError, "kept"):
            self._get_call(1).unlink()
