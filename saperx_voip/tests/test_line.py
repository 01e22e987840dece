# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import psycopg2

from odoo import Command
from odoo.exceptions import UserError, ValidationError
from odoo.tools import mute_logger

from odoo.addons.saperx_voip.gateway import LineStatus

from .common import NUMBER, SaperxCase


class TestLine(SaperxCase):
    def test_a_new_line_waits_for_its_push_and_has_a_period(self):
        self.assertEqual(self.line.state, "active")
        self.assertEqual(self.line.sync_state, "pending")
        self.assertGreater(self.line.revision, self.line.pushed_revision)
        period = self.line.period_ids
        self.assertEqual(period.contract_id, self.contract)
        self.assertEqual(period.tariff_id, self.tariff)
        self.assertFalse(period.date_from)
        self.assertFalse(period.date_to)

    def test_what_the_platform_must_learn_raises_the_revision(self):
        did = self.line.did_ids
        for change in (
            lambda: self.line.write({"simultaneous_calls": 3}),
            lambda: self.line.write({"is_active": False}),
            lambda: did.write({"monthly_fee": 5}),
            lambda: self.line.write(
                {"did_ids": [Command.create({"number": "551130001000"})]}
            ),
            lambda: self.partner.write({"name": "Maria Silva"}),
            lambda: self.line.write({"password": "Secret-123456"}),
        ):
            before = self.line.revision
            change()
            self.assertGreater(self.line.revision, before)
            self.assertEqual(self.line.sync_state, "pending")

    def test_what_it_need_not_learn_does_not(self):
        before = self.line.revision
        self.line.tariff_id = False
        self.line.message_post(body="A note")
        self.assertEqual(self.line.revision, before)

    def test_account_code_is_six_digits(self):
        self.line.account_code = "123456"
        for code in ("12345", "1234567", "12a456", "１２３４５６"):
            with self.assertRaisesRegex(ValidationError, "six digits"):
                self.line.account_code = code

    def test_closing_day_lies_in_a_month(self):
        for day in (0, 32, -1, 10**12, "x", None):
            with (
                self.subTest(day),
                self.assertRaisesRegex(ValidationError, "between 1 and 31"),
            ):
                self.line.write({"closing_day": day})

    def test_plan_of_the_wrong_kind_or_platform_is_refused(self):
        with self.assertRaises(ValidationError):
            self.line.plan_id = self.international_plan
        other = self._make_integration(name="Other")
        foreign = self.env["saperx.plan"].create(
            {
                "name": "Foreign",
                "scope": "national",
                "remote_id": 1,
                "integration_id": other.id,
            }
        )
        with self.assertRaisesRegex(ValidationError, "another integration"):
            self.line.plan_id = foreign

    def test_contract_in_another_currency_is_refused_with_the_reason(self):
        currency = self.setup_other_currency("EUR")
        contract = self._make_contract(self.partner, manual_currency_id=currency.id)
        with self.assertRaisesRegex(ValidationError, currency.name):
            self._make_line(contract, number="551130001001")

    def test_first_number_is_the_main_one_and_only_one_is(self):
        second = self.env["saperx.did"].create(
            {"line_id": self.line.id, "number": "(11) 3000-1002"}
        )
        self.assertEqual(second.number, "551130001002")
        first = self.line.did_ids - second
        self.assertTrue(first.is_main)
        self.assertFalse(second.is_main)
        second.is_main = True
        self.assertFalse(first.is_main)
        self.assertEqual(self.line.main_number, second.number)
        second.unlink()
        self.assertTrue(first.is_main)

    def test_another_number_becomes_the_main_one_in_the_save_that_adds_it(self):
        first = self.line.did_ids
        for commands in (
            [
                Command.update(first.id, {"is_main": False}),
                Command.create({"number": "551130001005", "is_main": True}),
            ],
            [Command.create({"number": "551130001006", "is_main": True})],
        ):
            self.line.write({"did_ids": commands})
            (main,) = self.line.did_ids.filtered("is_main")
            self.assertNotEqual(main, first)
            self.assertEqual(self.line.main_number, main.number)

    def test_calls_of_the_past_are_from_the_number_that_was_main_then(self):
        self.line._write_sync({"was_claimed": True})
        first = self.line.did_ids
        second = self.env["saperx.did"].create(
            {"line_id": self.line.id, "number": "555133334444"}
        )
        self._import(self._make_call(1, callee="555432221111"))
        first.unlink()
        self.assertEqual(self.line.did_ids, second)
        self.assertTrue(second.is_main)
        self.assertEqual(self.line.main_number, second.number)
        self._get_call(1).action_reassess()
        self.assertEqual(self._get_call(1).call_class, "lc")
        self._import(
            self._make_call(
                2,
                start="2026-11-16 15:00:00",
                caller=second.number,
                callee="555432221111",
            )
        )
        self.assertEqual(self._get_call(2).call_class, "ldn")

    def test_a_number_that_has_left_stays_what_it_was(self):
        self.line._write_sync({"was_claimed": True})
        gone = self.line.did_ids
        gone.unlink()
        self.assertTrue(gone.is_main)
        self.assertFalse(self.line.main_number)
        for is_main in (True, False):
            with self.assertRaisesRegex(UserError, "does not have that number"):
                gone.is_main = is_main
        new = self.env["saperx.did"].create(
            {"line_id": self.line.id, "number": "551130001005"}
        )
        self.assertTrue(new.is_main)
        self.env["saperx.did"].with_context(active_test=False).create(
            {"line_id": self.line.id, "number": "551130001006", "is_main": True}
        )
        self.assertTrue(gone.is_main)

    def test_a_line_always_presents_one_of_its_numbers(self):
        self.line.did_ids.is_main = False
        self.assertTrue(self.line.did_ids.is_main)

    def test_a_fee_is_an_amount(self):
        for fee in (-5, 1e25):
            with (
                self.subTest(fee),
                self.assertRaisesRegex(ValidationError, "fee lies between"),
                self.cr.savepoint(),
            ):
                self.line.did_ids.monthly_fee = fee

    def test_a_contract_with_lines_stays_with_its_company(self):
        other = self.env["res.company"].create({"name": "Other"})
        with self.assertRaisesRegex(UserError, "stays with its company"):
            self.contract.write({"company_id": other.id, "journal_id": False})

    @mute_logger("odoo.sql_db")
    def test_a_number_has_one_live_holder(self):
        with self.assertRaises(psycopg2.errors.UniqueViolation), self.cr.savepoint():
            self._make_line(self.contract)

    def test_a_released_number_can_be_given_again_from_that_moment(self):
        self.line._write_sync({"remote_id": 77})
        self.line.did_ids.unlink()
        self.assertFalse(self.line.did_ids)
        old = (
            self.env["saperx.did"]
            .with_context(active_test=False)
            .search([("number", "=", NUMBER)])
        )
        self.assertTrue(old.held_until)
        other = self._make_line(self.contract)
        self.assertEqual(other.did_ids.held_from, old.held_until)

    def test_a_number_removed_while_its_first_push_runs_stays_as_a_holding(self):
        self.line._write_sync({"was_claimed": True})
        self.line.did_ids.unlink()
        self.assertEqual(self.line._get_released_numbers(), [NUMBER])

    def test_numbers_that_are_none_are_refused(self):
        for number, reason in (
            ("12345", "is no number"),
            ("55543333444x", "is no number"),
            ("1" * 16, "is no number"),
            ("552033334444", "is no Brazilian number"),
            ("5554333344445", "is no Brazilian number"),
            ("55543333444", "is no Brazilian number"),
        ):
            with (
                self.subTest(number),
                self.assertRaisesRegex(ValidationError, reason),
                self.cr.savepoint(),
            ):
                self.env["saperx.did"].create(
                    {"line_id": self.line.id, "number": number}
                )

    def test_a_number_is_known_however_it_is_written(self):
        for written, number in (
            ("(54) 3333-4445", "555433334445"),
            ("054 3333-4445", "555433334445"),
            ("+55 54 99999.8888", "5554999998888"),
            ("0800 123 4567", "08001234567"),
            ("+1 (212) 555-0100", "12125550100"),
        ):
            self.assertEqual(self.env["saperx.did"]._clean_number(written), number)

    def test_inactive_is_reversible_and_keeps_the_numbers(self):
        self.line.is_active = False
        self.assertEqual(self.line.state, "inactive")
        self.assertEqual(self.line._get_wanted_status(), LineStatus.INACTIVE)
        self.assertTrue(self.line.did_ids)
        self.line.is_active = True
        self.assertEqual(self.line.state, "active")

    def test_cancelled_is_final_and_frees_the_numbers(self):
        self.line.action_cancel()
        self.assertEqual(self.line.state, "cancelled")
        self.assertFalse(self.line.did_ids)
        self.assertTrue(self.line.period_ids.date_to)
        wanted = self.line._get_wanted_line()
        self.assertTrue(wanted.final)
        self.assertEqual(wanted.status, LineStatus.INACTIVE)
        self.assertEqual(wanted.dids, ())
        for values in ({"is_active": True}, {"closing_day": 5}):
            with self.assertRaisesRegex(UserError, "final"):
                self.line.write(values)

    def test_cancelling_by_a_plain_write_frees_the_numbers_all_the_same(self):
        self.line.write({"state": "cancelled"})
        self.assertFalse(self.line.did_ids)
        self.assertTrue(self.line.cancelled_at)
        self.assertTrue(self.line.period_ids.date_to)

    def test_a_line_known_to_the_platform_is_not_deleted(self):
        self.line._write_sync({"remote_id": 77})
        with self.assertRaisesRegex(UserError, "cancel it"):
            self.line.unlink()

    def test_a_line_that_was_claimed_once_is_never_deleted(self):
        self.line._write_sync({"was_claimed": True})
        self.line.simultaneous_calls = 2
        with self.assertRaisesRegex(UserError, "cancel it"):
            self.line.unlink()

    def test_no_number_comes_onto_a_cancelled_line(self):
        self.line.action_cancel()
        with self.assertRaisesRegex(UserError, "final"):
            self.env["saperx.did"].create(
                {"line_id": self.line.id, "number": "551130001000"}
            )

    def test_a_line_stays_with_its_integration(self):
        other = self._make_integration(name="Other")
        with self.assertRaisesRegex(UserError, "stays with its integration"):
            self.line.integration_id = other

    def test_no_new_line_on_a_contract_that_has_ended(self):
        self.contract.active = False
        with self.assertRaisesRegex(ValidationError, "ended"):
            self._make_line(self.contract, number="551130001003")

    def test_terms_change_in_place_until_calls_were_told_by_them(self):
        self.line.closing_day = 10
        self.assertEqual(len(self.line.period_ids), 1)
        self.assertEqual(self.line.period_ids.closing_day, 10)
        self._import(self._make_call(1))
        self.line.closing_day = 20
        self.assertEqual(len(self.line.period_ids), 2)
        self.assertEqual(
            self.line.period_ids.filtered(lambda p: not p.date_to).closing_day, 20
        )
        self.assertEqual(self._get_call(1).period_id.closing_day, 10)

    def test_a_new_customer_of_the_contract_opens_a_period(self):
        self._import(self._make_call(1))
        heir = self.env["res.partner"].create({"name": "Heir"})
        self.contract.partner_id = heir
        self.assertEqual(self.line.partner_id, heir)
        self.assertEqual(len(self.line.period_ids), 2)
        self.assertEqual(self._get_call(1).partner_id, self.partner)

    def test_a_question_is_answered_by_trying_again_alone(self):
        self.line._write_sync({"pushed_status": "active", "asked_status": "blocked"})
        self.line.simultaneous_calls = 3
        self.assertEqual(self.line._get_wanted_line().pushed_status, "active")
        self.line.action_retry_push()
        self.assertEqual(self.line._get_wanted_line().pushed_status, "blocked")
        self.assertFalse(self.line.asked_status)

    def test_snapshot_says_all_that_is_wanted(self):
        self.line.write({"credit_limit": 50, "allow_ldi": True, "group_id": False})
        wanted = self.line._get_wanted_line()
        self.assertEqual(wanted.settings.reference, self.line.reference)
        self.assertEqual(wanted.settings.customer_name, "Maria")
        self.assertEqual(wanted.settings.customer_document, "12345678909")
        self.assertEqual(wanted.settings.plan_remote_id, 1)
        self.assertEqual(str(wanted.settings.credit_limit), "50.00")
        self.assertTrue(wanted.settings.allow_ldi)
        self.assertIsNone(wanted.settings.account_code)
        self.assertEqual([did.number for did in wanted.dids], [NUMBER])
