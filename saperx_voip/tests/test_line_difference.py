# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from dataclasses import replace
from decimal import Decimal

from odoo import fields
from odoo.exceptions import AccessError, UserError

from ..gateway import Did, LineStatus, PushOutcome, Reject, RequestRefused
from ..models.saperx_line_push import LEASE, Claim
from .common import NUMBER
from .test_circuit import CircuitCase, make_circuit

OTHER_NUMBER = "555433335555"


class TestLineDifference(CircuitCase):
    """A line in step with circuit 7, which somebody changes there or here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.technician = cls._make_user("technician")
        cls.line.account_code = "000007"
        cls._be_in_step(cls.line, 7)

    @classmethod
    def _be_in_step(cls, line, remote_id):
        line._write_sync(
            {
                "remote_id": remote_id,
                "was_claimed": True,
                "sync_state": "synced",
                "pushed_status": "active",
                "pushed_revision": line.revision,
                "next_sync_at": False,
            }
        )

    def _circuit(self, numbers=(NUMBER,), line=None, **values):
        line = line or self.line
        return make_circuit(line.remote_id, line.reference, numbers=numbers, **values)

    def _compare(self, *circuits):
        """:return: what differs"""
        self.env.flush_all()
        # As if nobody had touched them for a while.
        self.env.cr.execute("UPDATE saperx_line SET write_date = '2026-11-01'")
        self.env.invalidate_all()
        reading = self._read(list(circuits))
        self.assertEqual(reading.state, "done", reading.error)
        return self.env["saperx.line.difference"].search([("state", "!=", "settled")])

    def _push(self, line, **outcome):
        """As the push stores that it sent what is wanted now."""
        line._write_sync(
            {"lease": "ours", "lease_until": fields.Datetime.now() + LEASE}
        )
        claim = Claim(line.id, "ours", line.revision, line._get_wanted_line())
        line._store(claim, PushOutcome(remote_id=line.remote_id, **outcome))

    def _mend(self, differences, action):
        return getattr(differences.with_user(self.technician), f"action_{action}")()

    # Finding

    def test_a_line_as_it_is_wanted_does_not_differ(self):
        self.assertFalse(self._compare(self._circuit()))

    def test_each_field_that_differs_is_named_with_both_values(self):
        found = self._compare(
            self._circuit(
                closing_day=5,
                allow_ldi=True,
                route="scm",
                plan_remote_id=99,
                credit_limit=Decimal("12.5"),
                customer_name="Maria da Silva",
                customer_document=None,
            )
        )
        self.assertEqual(
            {(one.subject, one.ours, one.theirs) for one in found},
            {
                ("Invoice closing day", "31", "5"),
                ("LDI", "No", "Yes"),
                ("Plan type", "STFC", "SCM"),
                ("Plan", "national", "Unknown here (id 99)"),
                ("Credit Limit", "$\xa0300.00", "$\xa012.50"),
                ("Customer", "Maria", "Maria da Silva"),
                ("CPF/CNPJ", "12345678909", "None"),
            },
        )
        self.assertEqual(set(found.mapped("state")), {"open"})
        self.assertEqual(found.line_id, self.line)
        self.assertEqual(self.line.difference_count, 7)
        self.assertEqual(self.integration.difference_count, 7)

    def test_what_is_left_open_here_or_there_is_no_difference(self):
        self.line.write({"account_code": False, "billing_type": "prepaid"})
        self._be_in_step(self.line, 7)
        self.assertFalse(
            self._compare(
                self._circuit(
                    billing_type="prepaid",
                    closing_day=0,
                    credit_limit=None,
                    simultaneous_calls=None,
                )
            )
        )

    def test_a_limit_of_nothing_there_is_a_difference(self):
        found = self._compare(
            self._circuit(credit_limit=Decimal(0), simultaneous_calls=0)
        )
        self.assertEqual(
            set(found.mapped("field_name")), {"credit_limit", "simultaneous_calls"}
        )
        self._mend(found, "take")
        self.assertEqual(self.line.credit_limit, 0)
        # No line here goes without any call: it says so, and ours can be pushed.
        left = found.filtered(lambda one: one.state == "open")
        self.assertEqual(left.field_name, "simultaneous_calls")
        self.assertTrue(left.note)
        self._mend(left, "push")
        self.assertEqual(left.state, "pending")

    def test_what_the_platform_leaves_out_does_not_differ(self):
        circuit = self._circuit(
            caller_id=None, allow_lc=None, allow_ldi=None, customer_document=""
        )
        did = Did(NUMBER, True, 7, None, None, False, None, None)
        self.partner.vat = False
        self._be_in_step(self.line, 7)
        self.assertFalse(self._compare(replace(circuit, dids=(did,))))

    def test_of_a_numbers_terms_what_is_told_is_taken(self):
        did = Did(NUMBER, True, 7, None, None, False, None, True)
        self.line.did_ids.monthly_fee = 9.9
        self._be_in_step(self.line, 7)
        circuit = replace(self._circuit(), dids=(did,))
        found = self._compare(circuit)
        self.assertEqual(found.theirs, "Fee: unknown; collect calls: Yes")
        self._mend(found, "take")
        self.assertEqual(self.line.did_ids.monthly_fee, 9.9)
        self.assertTrue(self.line.did_ids.accept_collect_calls)
        self.assertFalse(self._compare(circuit))

    def test_status_and_numbers_differ_too(self):
        circuit = self._circuit((OTHER_NUMBER,), status="blocked")
        found = self._compare(circuit).grouped("kind")
        self.assertEqual(set(found), {"status", "did_missing", "did_extra"})
        self.assertEqual(found["status"].ours, "Active")
        self.assertEqual(found["status"].theirs, "Blocked")
        self.assertEqual(found["did_missing"].number, NUMBER)
        self.assertEqual(found["did_extra"].number, OTHER_NUMBER)

    def test_terms_of_a_number_differ(self):
        circuit = self._circuit()
        did = Did(NUMBER, True, 7, None, None, False, Decimal("9.9"), True)
        found = self._compare(replace(circuit, dids=(did,)))
        self.assertEqual(found.kind, "did_terms")
        self.assertEqual(found.subject, "(54) 3333-4444")
        self.assertEqual(found.theirs, "Fee: $\xa09.90; collect calls: Yes")

    def test_numbers_that_the_platform_does_not_tell_of_do_not_differ(self):
        self.assertFalse(self._compare(replace(self._circuit(), dids=None)))

    def test_a_number_that_another_line_has_there_is_one_difference(self):
        other = self._make_line(self.contract, OTHER_NUMBER, account_code="000008")
        self._be_in_step(other, 8)
        found = self._compare(
            self._circuit(()), self._circuit((NUMBER, OTHER_NUMBER), other)
        )
        self.assertEqual(found.kind, "did_elsewhere")
        self.assertEqual(found.line_id, self.line)
        self.assertEqual(found.theirs, "On the line 000008 of Maria")

    def test_what_is_missing_there_and_what_is_unknown_here_is_told(self):
        found = self._compare(make_circuit(8)).grouped("kind")
        self.assertEqual(found["missing"].line_id, self.line)
        self.assertEqual(found["unknown"].circuit_id, self._get_circuit(8))
        self.assertFalse(found["unknown"].line_id)

    def test_what_is_over_there_is_not_missed_here(self):
        self.assertFalse(
            self._compare(self._circuit(), make_circuit(8, status="inactive"))
        )

    def test_a_cancelled_line_that_lives_there_differs_in_nothing_else(self):
        self.line.action_cancel()
        self._be_in_step(self.line, 7)
        self.assertFalse(self._compare(self._circuit((), status="inactive")))
        self.assertFalse(self._compare(make_circuit(8, status="inactive")))
        found = self._compare(self._circuit(closing_day=5))
        self.assertEqual(set(found.mapped("kind")), {"status", "did_extra"})

    def test_a_line_of_another_reference_there_is_told_apart(self):
        found = self._compare(make_circuit(7, "another", numbers=[NUMBER]))
        self.assertEqual(found.kind, "reference")

    def test_a_line_that_waits_for_the_push_is_nothing_to_act_on(self):
        self.line.closing_day = 10
        found = self._compare(self._circuit())
        self.assertEqual(found.state, "pending")
        self.assertFalse(self.integration.difference_count)
        with self.assertRaises(UserError):
            self._mend(found, "take")

    def test_a_line_changed_while_the_platform_was_read_waits_for_the_next(self):
        found = self._compare(self._circuit(closing_day=5))
        self.env.cr.execute("UPDATE saperx_line SET write_date = '2030-01-01'")
        self.env.invalidate_all()
        reading = self._read([self._circuit()])
        self.assertEqual(reading.skipped_count, 1)
        self.assertEqual(found.state, "open")

    def test_what_could_not_be_read_there_is_neither_missing_nor_settled(self):
        found = self._compare(self._circuit(closing_day=5))
        self.assertEqual(self._compare(Reject("{}", "status: odd", "7")), found)
        self.assertEqual(found.state, "open")

    def test_what_does_not_differ_any_more_is_settled_and_may_come_back(self):
        found = self._compare(self._circuit(closing_day=5))
        self._compare(self._circuit())
        self.assertEqual(found.state, "settled")
        self.assertEqual(self._compare(self._circuit(closing_day=6)), found)
        self.assertEqual((found.state, found.theirs), ("open", "6"))

    # Mending

    def test_ours_is_pushed_and_the_next_reading_confirms(self):
        found = self._compare(self._circuit(closing_day=5))
        self._mend(found, "push")
        self.assertEqual((found.state, found.answer), ("pending", "push"))
        self.assertEqual(found.answered_by_id, self.technician)
        self.assertEqual(self.line.sync_state, "pending")
        self._push(self.line, status=LineStatus.ACTIVE)
        self.assertEqual(found.state, "mended")
        self._compare(self._circuit())
        self.assertEqual(found.state, "settled")

    def test_a_push_that_is_refused_leaves_it_open_and_says_why(self):
        found = self._compare(self._circuit(closing_day=5))
        self._mend(found, "push")
        self._push(self.line, error=RequestRefused(422, "plano inválido"))
        self.assertEqual(found.state, "open")
        self.assertIn("plano inválido", found.note)

    def test_a_status_is_raised_again_only_if_that_was_asked_for(self):
        found = self._compare(self._circuit(closing_day=5, status="blocked"))
        status = found.filtered(lambda one: one.kind == "status")
        self._mend(found - status, "push")
        self.assertEqual(status.state, "open")
        self.assertEqual(self.line.pushed_status, "active")
        self._mend(status, "push")
        self.assertEqual(status.state, "pending")
        # As it is there: the push has nothing left to ask.
        self.assertEqual(self.line.pushed_status, "blocked")

    def test_theirs_is_taken_without_a_push_and_nothing_else_with_it(self):
        found = self._compare(
            self._circuit(closing_day=5, allow_ldi=True, simultaneous_calls=3)
        )
        taken = found.filtered(lambda one: one.field_name != "allow_ldi")
        self._mend(taken, "take")
        self.assertEqual(set(taken.mapped("state")), {"mended"})
        self.assertEqual((found - taken).state, "open")
        self.assertEqual(self.line.closing_day, 5)
        self.assertEqual(self.line.simultaneous_calls, 3)
        self.assertFalse(self.line.allow_ldi)
        self.assertEqual(self.line.sync_state, "synced")
        self.assertEqual(self.line.pushed_revision, self.line.revision)
        left = self._compare(
            self._circuit(closing_day=5, allow_ldi=True, simultaneous_calls=3)
        )
        self.assertEqual(left, found - taken)

    def test_what_was_to_be_pushed_already_is_still_pushed(self):
        found = self._compare(self._circuit(closing_day=5))
        self.line.simultaneous_calls = 4
        self._mend(found, "take")
        self.assertEqual(self.line.closing_day, 5)
        self.assertEqual(self.line.sync_state, "pending")

    def test_what_cannot_be_taken_says_why_and_keeps_the_others_away_from_nothing(self):
        circuit = self._circuit(closing_day=5, customer_name="Outra", plan_remote_id=99)
        found = self._compare(circuit, make_circuit(8))
        self._mend(found, "take")
        by_state = found.grouped("state")
        self.assertEqual(by_state["mended"].field_name, "closing_day")
        self.assertEqual(len(by_state["open"]), 3)
        self.assertTrue(all(one.note for one in by_state["open"]))
        self.assertEqual(self.partner.name, "Maria")

    def test_numbers_are_taken_and_given_back_as_the_platform_has_them(self):
        circuit = self._circuit((OTHER_NUMBER,))
        found = self._compare(circuit)
        self._mend(found, "take")
        self.assertEqual(self.line.did_ids.mapped("number"), [OTHER_NUMBER])
        self.assertEqual(self.line.sync_state, "synced")
        self.assertFalse(self._compare(circuit))

    def test_terms_of_a_number_are_taken(self):
        did = Did(NUMBER, True, 7, None, None, False, Decimal("9.9"), True)
        circuit = replace(self._circuit(), dids=(did,))
        self._mend(self._compare(circuit), "take")
        self.assertEqual(self.line.did_ids.monthly_fee, 9.9)
        self.assertFalse(self._compare(circuit))

    def test_a_number_moves_here_to_the_line_that_has_it_there(self):
        other = self._make_line(self.contract, OTHER_NUMBER, account_code="000008")
        self._be_in_step(other, 8)
        circuits = (
            self._circuit(()),
            self._circuit((NUMBER, OTHER_NUMBER), other),
        )
        self._mend(self._compare(*circuits), "take")
        self.assertFalse(self.line.did_ids)
        self.assertEqual(len(other.did_ids), 2)
        self.assertEqual(other.sync_state, "synced")
        self.assertFalse(self._compare(*circuits))

    def test_a_number_that_moved_there_is_pushed_by_both_lines(self):
        other = self._make_line(self.contract, OTHER_NUMBER, account_code="000008")
        self._be_in_step(other, 8)
        found = self._compare(
            self._circuit(()), self._circuit((NUMBER, OTHER_NUMBER), other)
        )
        self._mend(found, "push")
        self.assertEqual((self.line | other).mapped("sync_state"), ["pending"] * 2)

    def test_a_number_on_a_line_unknown_here_cannot_be_pushed(self):
        found = self._compare(self._circuit(()), make_circuit(8, numbers=[NUMBER]))
        elsewhere = found.filtered(lambda one: one.kind == "did_elsewhere")
        self._mend(elsewhere, "push")
        self.assertEqual(elsewhere.state, "open")
        self.assertTrue(elsewhere.note)
        self.assertEqual(self.line.sync_state, "synced")

    def test_each_status_there_is_taken(self):
        for status, state, level in (
            ("blocked", "active", "full"),
            ("inactive", "inactive", "full"),
            ("partially_blocked", "active", "partial"),
            ("active", "active", False),
        ):
            with self.subTest(status):
                circuit = self._circuit(status=status)
                self._mend(self._compare(circuit), "take")
                self.assertEqual(self.line.state, state)
                self.assertEqual(self.line.block_level, level)
                self.assertEqual(self.line.pushed_status, status)
                self.assertFalse(self._compare(circuit))

    def test_a_block_of_another_reason_is_not_lifted_by_taking_theirs(self):
        self.env["saperx.line.block"].create(
            {"line_id": self.line.id, "reason": "fraud", "level": "full"}
        )
        self._be_in_step(self.line, 7)
        found = self._compare(self._circuit())
        self._mend(found, "take")
        self.assertEqual(found.state, "open")
        self.assertEqual(self.line.block_level, "full")

    def test_a_reference_is_taken_and_never_pushed(self):
        circuit = make_circuit(7, "another", numbers=[NUMBER], closing_day=5)
        found = self._compare(circuit)
        # Nor is what else differs: a push would make a second line there.
        self._mend(found, "push")
        self.assertEqual(found.mapped("state"), ["open", "open"])
        self.assertEqual(self.line.sync_state, "synced")
        reference = found.filtered(lambda one: one.kind == "reference")
        self._mend(reference, "take")
        self.assertEqual(self.line.reference, "another")
        self.assertEqual(self._compare(circuit), found - reference)
        self._mend(found - reference, "push")
        self.assertEqual(self.line.sync_state, "pending")

    def test_a_line_without_a_reference_there_is_given_ours(self):
        circuit = make_circuit(7, "", numbers=[NUMBER])
        found = self._compare(circuit)
        self.assertEqual(found.kind, "reference")
        self._mend(found, "take")
        self.assertIn("push ours", found.note)
        self._mend(found, "push")
        self.assertEqual((found.state, self.line.sync_state), ("pending", "pending"))
        # One that a push would not know again would be made a second time.
        self.line.account_code = "000009"
        self.partner.vat = False
        self._be_in_step(self.line, 7)
        found = self._compare(circuit).filtered(lambda one: one.kind == "reference")
        self._mend(found, "push")
        self.assertEqual((found.state, self.line.sync_state), ("open", "synced"))

    def test_a_line_that_is_missing_is_pushed_but_never_ended(self):
        found = self._compare()
        self._mend(found, "take")
        self.assertEqual((found.state, self.line.state), ("open", "active"))
        self._mend(found, "push")
        self.assertEqual(self.line.sync_state, "pending")

    def test_what_was_mended_already_is_not_mended_again(self):
        found = self._compare(self._circuit(closing_day=5))
        self._mend(found, "take")
        with self.assertRaises(UserError):
            self._mend(found, "push")

    # Ignoring

    def _ignore(self, found):
        wizard = self.env["saperx.line.difference.ignore.wizard"]
        wizard = wizard.with_user(self.technician).with_context(
            **self._mend(found, "ignore")["context"]
        )
        wizard.create({"reason": "agreed"}).action_ignore()

    def test_what_is_ignored_stays_so_until_a_value_changes(self):
        found = self._compare(self._circuit(closing_day=5))
        self._ignore(found)
        self.assertEqual((found.state, found.ignore_reason), ("ignored", "agreed"))
        self._compare(self._circuit(closing_day=5))
        self.assertEqual((found.state, found.ignore_reason), ("ignored", "agreed"))
        self.assertFalse(self.integration.difference_count)
        self._compare(self._circuit(closing_day=6))
        self.assertEqual((found.state, found.ignore_reason), ("open", False))

    def test_what_is_ignored_may_be_looked_at_again(self):
        found = self._compare(self._circuit(closing_day=5))
        self._ignore(found)
        self._mend(found, "reopen")
        self.assertEqual(found.state, "open")

    # Roles

    def test_users_see_differences_and_only_technicians_mend_them(self):
        found = self._compare(self._circuit(closing_day=5))
        for role in ("user", "billing"):
            user = self._make_user(role)
            seen = found.with_user(user)
            self.assertEqual(seen.theirs, "5")
            self.assertTrue(seen.circuit_id.display_name)
            self.assertTrue(seen.reading_id.display_name)
            for action in ("push", "take", "ignore", "reopen"):
                with self.assertRaises(AccessError):
                    getattr(seen, f"action_{action}")()
            with self.assertRaises(AccessError):
                seen.write({"state": "mended"})
            with self.assertRaises(AccessError):
                self.integration.with_user(user).action_compare_lines()
        action = self.integration.with_user(self.technician).action_compare_lines()
        self.assertEqual(action["res_model"], "saperx.circuit.reading")

    def test_another_company_sees_nothing_of_it(self):
        found = self._compare(self._circuit(closing_day=5))
        company = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("technician", company)
        for record in (found, found.circuit_id, found.reading_id):
            theirs = record.with_user(stranger).with_context(
                allowed_company_ids=company.ids
            )
            self.assertFalse(theirs.search([("id", "=", record.id)]))
            with self.assertRaises(AccessError):
                theirs.read(["company_id"])

    def test_many_are_taken_at_once_and_one_that_cannot_be_is_left(self):
        other = self._make_line(self.contract, OTHER_NUMBER, account_code="000008")
        self._be_in_step(other, 8)
        circuits = (
            self._circuit(closing_day=5, account_code="000009"),
            self._circuit((OTHER_NUMBER,), other, closing_day=5),
        )
        found = self._compare(*circuits)
        self._make_line(self.contract, "555433336666", account_code="000009")
        self._mend(found, "take")
        self.assertEqual((self.line | other).mapped("closing_day"), [5, 5])
        left = found.filtered(lambda one: one.state == "open")
        self.assertEqual(left.field_name, "account_code")
        self.assertIn("account code", left.note)
