# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import Command, fields
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from odoo.addons.saperx_voip.gateway import (
    Conflict,
    CredentialsRefused,
    GatewayError,
    LineStatus,
    NotUnderstood,
    PushOutcome,
    RateLimited,
    RequestRefused,
    Unreachable,
)

from ..models.saperx_line_push import LEASE, Claim
from .common import NUMBER, SaperxCase

DONE = PushOutcome(remote_id=77, account_code="123456", status=LineStatus.ACTIVE)


class TestPush(SaperxCase):
    """What is kept of a push; the speaking is tested against a real platform."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Without logging in anywhere.
        cls.env.cr.execute(
            "UPDATE saperx_integration SET active = TRUE WHERE id = %s",
            [cls.integration.id],
        )
        cls.integration.invalidate_recordset(["active"])

    def _claim(self, line):
        line._write_sync(
            {
                "lease": f"lease of {line.id}",
                "lease_until": fields.Datetime.now() + LEASE,
                "was_claimed": True,
            }
        )
        return Claim(line.id, line.lease, line.revision, line._get_wanted_line())

    def _more_lines(self, count):
        return self.env["saperx.line"].union(
            *(
                self._make_line(self.contract, number=f"55113000{number:04}")
                for number in range(count)
            )
        )

    def test_many_lines_changed_at_once_are_each_one_revision_on(self):
        lines = self.line | self._more_lines(3)
        self.line.simultaneous_calls = 2
        before = {line: line.revision for line in lines}
        self.assertGreater(len(set(before.values())), 1)
        lines.write({"simultaneous_calls": 5, "password": "Secret-123456"})
        for line, revision in before.items():
            self.assertGreater(line.revision, revision)
            self.assertEqual(line.password_revision, line.revision)

    def test_only_lines_that_were_given_a_password_send_one(self):
        values = {
            "contract_id": self.contract.id,
            "integration_id": self.integration.id,
            "plan_id": self.plan.id,
            "credit_limit": 100,
        }
        given, plain = self.env["saperx.line"].create(
            [{**values, "password": "Secret-123456"}, values]
        )
        self.assertEqual(given._get_wanted_line().settings.password, "Secret-123456")
        self.assertFalse(plain.password_revision)

    def test_lines_that_waited_for_the_platform_go_as_soon_as_it_is_back(self):
        lines = self.line | self._more_lines(2)
        with mute_logger("odoo.addons.saperx_voip.models.saperx_line_push"):
            lines._postpone(self.integration, Unreachable("no answer"))
        now = fields.Datetime.now()
        self.assertTrue(self.integration.down_since)
        self.assertTrue(all(line.next_sync_at > now for line in lines))
        self.integration._record_success()
        self.assertFalse(self.integration.down_since)
        self.assertTrue(all(line.next_sync_at <= now for line in lines))

    def test_who_asks_for_a_pause_is_not_down_and_is_given_it(self):
        self.line._postpone(self.integration, RateLimited("slowly", 300))
        self.assertFalse(self.integration.down_since)
        self.integration._record_success()
        pause = self.line.next_sync_at - fields.Datetime.now()
        self.assertGreaterEqual(pause, timedelta(seconds=299))

    def test_a_line_of_an_archived_integration_is_ended_all_the_same(self):
        other = self._more_lines(1)
        self.env.cr.execute("UPDATE saperx_integration SET active = FALSE")
        self.integration.invalidate_recordset(["active"])
        self.line.action_cancel()
        due = self.env["saperx.line"].search(
            self.env["saperx.line"]._domain_due(self.integration)
        )
        self.assertEqual(due, self.line)
        self.assertNotIn(other, due)
        self.assertEqual(self.env["saperx.line"].get_sync_counts()["pending"], 1)

    def test_a_password_that_cannot_be_read_keeps_no_line_open(self):
        self.contract.user_id = new_test_user(
            self.env,
            "saperx-responsible",
            groups="saperx_voip.group_technician",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.line.password = "Secret-123456"
        self.line._write_sync({"remote_id": 77})
        self.env.cr.execute(
            "UPDATE saperx_line SET password_encrypted = 'spoiled' WHERE id = %s",
            [self.line.id],
        )
        self.assertIsNone(self.line._get_wanted_line_or_explain())
        self.assertEqual(self.line.sync_state, "error")
        self.assertTrue(self.line.activity_ids)
        self.line.action_cancel()
        wanted = self.line._get_wanted_line_or_explain()
        self.assertTrue(wanted.final)
        self.assertIsNone(wanted.settings.password)

    def test_nobody_is_asked_who_could_not_look(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = new_test_user(
            self.env,
            "saperx-elsewhere",
            groups="saperx_voip.group_technician",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.contract.user_id = stranger
        self.line._write_sync({"sync_error": "no"})
        self.line._ask_responsible()
        self.assertNotIn(stranger, self.line.activity_ids.user_id)

    def test_a_code_that_another_line_has_is_told_and_waits_for_somebody(self):
        (other,) = self._more_lines(1)
        other.account_code = "123456"
        self.line._store(self._claim(self.line), DONE)
        self.assertFalse(self.line.account_code)
        self.assertEqual(self.line.sync_state, "error")
        self.assertIn("123456", self.line.sync_error)
        self.assertIn(other.display_name, self.line.sync_error)
        # What else was learnt is kept.
        self.assertEqual(self.line.remote_id, 77)
        other.account_code = "654321"
        self.line.action_retry_push()
        self.line._store(self._claim(self.line), DONE)
        self.assertEqual(self.line.account_code, "123456")
        self.assertEqual(self.line.sync_state, "synced")

    def test_a_push_that_ends_well_leaves_the_line_in_step(self):
        self.line._store(self._claim(self.line), DONE)
        self.assertEqual(self.line.sync_state, "synced")
        self.assertEqual(self.line.remote_id, 77)
        self.assertEqual(self.line.pushed_revision, self.line.revision)
        self.assertFalse(self.line.lease)

    def test_a_line_edited_meanwhile_is_pushed_again(self):
        claim = self._claim(self.line)
        self.line.simultaneous_calls = 8
        self.line._store(claim, DONE)
        self.assertEqual(self.line.sync_state, "pending")
        self.assertEqual(self.line.remote_id, 77)
        self.assertLess(self.line.pushed_revision, self.line.revision)

    def test_what_is_learnt_of_a_line_cancelled_meanwhile_is_kept(self):
        claim = self._claim(self.line)
        self.line.action_cancel()
        self.line._store(claim, DONE)
        self.assertEqual(self.line.remote_id, 77)
        self.assertEqual(self.line.account_code, "123456")
        self.assertEqual(self.line.sync_state, "pending")

    def test_who_comes_after_its_lease_was_taken_over_stores_nothing(self):
        claim = self._claim(self.line)
        self.line._write_sync({"lease": "another's"})
        self.line._store(claim, DONE)
        self.assertFalse(self.line.remote_id)
        self.assertEqual(self.line.lease, "another's")

    def test_a_line_that_was_not_spoken_for_is_given_back_as_it_was(self):
        claim = self._claim(self.line)
        self.line._store(claim, None)
        self.assertFalse(self.line.lease)
        self.assertEqual(self.line.sync_state, "pending")
        self.assertFalse(self.line.sync_attempts)
        self.assertFalse(self.line.sync_error)

    def test_only_a_refusal_of_the_line_itself_waits_for_a_person(self):
        for error, state in (
            (Unreachable("silence"), "pending"),
            (NotUnderstood("a page"), "pending"),
            (CredentialsRefused("changed there"), "pending"),
            (RateLimited("slowly", 5), "pending"),
            (RequestRefused(422, "plan"), "error"),
            (GatewayError("our own fault"), "error"),
        ):
            self.line._raise_revision()
            self.line._store(self._claim(self.line), PushOutcome(error=error))
            self.assertEqual(self.line.sync_state, state, error)
            self.assertTrue(self.line.sync_error)

    def test_pauses_grow_unless_the_platform_names_them(self):
        now = fields.Datetime.now()
        grown = []
        for _attempt in range(4):
            self.integration.env["saperx.line"]._postpone(
                self.integration, Unreachable("silence")
            )
            grown.append(self.line.next_sync_at - now)
            self.line._write_sync({"next_sync_at": now})
        self.assertEqual(self.line.sync_attempts, 4)
        self.assertLess(grown[0], timedelta(seconds=16))
        self.assertGreater(grown[3], timedelta(seconds=59))
        self.env["saperx.line"]._postpone(self.integration, RateLimited("slowly", 7))
        self.assertEqual(self.line.sync_attempts, 4)
        pause = self.line.next_sync_at - now
        self.assertGreaterEqual(pause, timedelta(seconds=7))
        self.assertLess(pause, timedelta(seconds=11))

    def test_all_due_lines_are_postponed_each_by_its_own_attempts(self):
        lines = self._more_lines(3)
        lines[0]._write_sync({"sync_attempts": 5})
        lines[1]._write_sync({"sync_state": "error", "sync_error": "no"})
        self.env["saperx.line"]._postpone(self.integration, Unreachable("silence"))
        self.assertEqual(lines[0].sync_attempts, 6)
        self.assertEqual(lines[1].sync_attempts, 0)
        self.assertEqual(lines[1].sync_error, "no")
        self.assertEqual(lines[2].sync_attempts, 1)
        self.assertGreater(lines[0].next_sync_at, lines[2].next_sync_at)

    def test_a_number_that_another_line_lets_go_is_no_refusal(self):
        self.line._store(self._claim(self.line), DONE)
        self.line.did_ids.unlink()
        heir = self._make_line(self.contract)
        taken = PushOutcome(error=Conflict(409, "taken"), conflicting_number=NUMBER)
        heir._store(self._claim(heir), taken)
        self.assertEqual(heir.sync_state, "pending")
        # Let go between that answer and now.
        self.line._store(self._claim(self.line), DONE)
        self.assertEqual(self.line.sync_state, "synced")
        heir._store(self._claim(heir), taken)
        self.assertEqual(heir.sync_state, "pending")
        # Long ago: whoever holds it there is none of ours.
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE saperx_line SET write_date = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(hours=1), self.line.id),
        )
        self.line.invalidate_recordset()
        heir._store(self._claim(heir), taken)
        self.assertEqual(heir.sync_state, "error")

    def test_several_are_stored_together(self):
        lines = self._more_lines(3)
        outcomes = [
            (self._claim(line), PushOutcome(remote_id=number))
            for number, line in enumerate(lines, 100)
        ]
        stored = self.env["saperx.line"]._store_unheld(outcomes)
        self.assertEqual(stored, {claim for claim, _outcome in outcomes})
        self.assertEqual(lines.mapped("remote_id"), [100, 101, 102])

    @mute_logger("odoo.sql_db", "odoo.addons.saperx_voip.models.saperx_line_push")
    def test_one_that_cannot_be_stored_spoils_no_other(self):
        self.line._write_sync({"remote_id": 77})
        lines = self._more_lines(3)
        claims = [self._claim(line) for line in lines]
        ids = (101, 77, 102)
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            pushing = lines.with_env(self.env(cr=cr))
            pushing._conclude(
                [
                    (claim, PushOutcome(remote_id=remote_id))
                    for claim, remote_id in zip(claims, ids, strict=True)
                ]
            )
        lines.invalidate_recordset()
        self.assertEqual(lines.mapped("remote_id"), [101, 0, 102])
        self.assertEqual(lines.mapped("sync_state"), ["synced", "pending", "synced"])
        self.assertTrue(lines[1].sync_error)
        self.assertFalse(any(lines.mapped("lease")))
