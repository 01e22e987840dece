# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError

from odoo.addons.saperx_voip.gateway import LineStatus

from .common import TODAY, SaperxCase


class TestLineBlock(SaperxCase):
    def _block(self, level="full", reason="manual", **values):
        return self.env["saperx.line.block"].create(
            {"line_id": self.line.id, "level": level, "reason": reason, **values}
        )

    def _follow(self):
        """As the scheduled action does."""
        self.env["saperx.line"]._get_lines_to_follow()._follow_moments()

    def _wanted(self):
        return self.line._get_wanted_status()

    def test_a_block_reaches_the_platform_and_leaves_the_line_active_here(self):
        before = self.line.revision
        self._block("partial", "overdue")
        self.assertEqual(self._wanted(), LineStatus.PARTIALLY_BLOCKED)
        self.assertEqual(self.line.state, "active")
        self.assertGreater(self.line.revision, before)
        self.assertEqual(self.line.sync_state, "pending")
        self.assertIn("Overdue payment", self.line.block_summary)

    def test_the_strictest_rules_and_each_lifts_only_itself(self):
        overdue = self._block("partial", "overdue")
        fraud = self._block("full", "fraud")
        manual = self._block("full", "manual")
        self.assertEqual(self._wanted(), LineStatus.BLOCKED)
        fraud.action_lift()
        self.assertEqual(self._wanted(), LineStatus.BLOCKED)
        manual.action_lift()
        self.assertEqual(self._wanted(), LineStatus.PARTIALLY_BLOCKED)
        self.assertTrue(overdue.is_open)
        overdue.action_lift()
        self.assertEqual(self._wanted(), LineStatus.ACTIVE)
        self.assertFalse(self.line.block_level)

    def test_a_looser_block_beside_a_stricter_one_sends_nothing(self):
        self._block("full", "fraud")
        before = self.line.revision
        self._block("partial", "overdue").action_lift()
        self.assertEqual(self.line.revision, before)

    def test_a_block_on_request_ends_by_itself(self):
        with (
            self.assertRaisesRegex(ValidationError, "date on which it ends"),
            self.cr.savepoint(),
        ):
            self._block(reason="on_request")
        start = fields.Datetime.now()
        self._block(reason="on_request", date_to=start + timedelta(days=30))
        with freeze_time(start + timedelta(days=29)):
            self._follow()
            self.assertEqual(self._wanted(), LineStatus.BLOCKED)
        before = self.line.revision
        with freeze_time(start + timedelta(days=30)):
            self._follow()
            self.assertEqual(self._wanted(), LineStatus.ACTIVE)
        self.assertGreater(self.line.revision, before)

    def test_a_block_may_begin_on_a_day_ahead(self):
        start = fields.Datetime.now()
        block = self._block(date_from=start + timedelta(days=1))
        self.assertEqual(self._wanted(), LineStatus.ACTIVE)
        with freeze_time(start + timedelta(days=1)):
            self._follow()
            self.assertEqual(self._wanted(), LineStatus.BLOCKED)
            block.action_lift()
            self.assertEqual(self._wanted(), LineStatus.ACTIVE)

    def test_a_block_that_never_began_can_be_taken_back(self):
        start = fields.Datetime.now()
        block = self._block(date_from=start + timedelta(days=1))
        block.action_lift()
        with freeze_time(start + timedelta(days=2)):
            self._follow()
            self.assertEqual(self._wanted(), LineStatus.ACTIVE)

    def test_a_block_that_is_planned_with_an_end_can_be_taken_back_too(self):
        start = fields.Datetime.now()
        block = self._block(
            reason="on_request",
            date_from=start + timedelta(days=3),
            date_to=start + timedelta(days=9),
        )
        self.assertFalse(block.is_over)
        block.action_lift()
        with freeze_time(start + timedelta(days=4)):
            self._follow()
            self.assertEqual(self._wanted(), LineStatus.ACTIVE)

    def test_many_blocks_that_end_at_once_are_few_statements(self):
        lines = self.line.union(
            *(
                self._make_line(self.contract, number=f"55113000{number:04}")
                for number in range(20)
            )
        )
        end = fields.Datetime.now() + timedelta(days=1)
        self.env["saperx.line.block"].create(
            [{"line_id": line.id, "date_to": end} for line in lines]
        )
        self.assertEqual(set(lines.mapped("block_level")), {"full"})
        with freeze_time(end):
            self.env.flush_all()
            with self.assertQueryCount(60):
                self._follow()
                self.env.flush_all()
        self.assertFalse(any(lines.mapped("block_level")))

    def test_a_block_stays_as_it_was_made(self):
        block = self._block()
        for values in ({"level": "partial"}, {"reason": "fraud"}, {"line_id": 0}):
            with self.assertRaisesRegex(UserError, "stays as it was made"):
                block.write(values)
        block.action_lift()
        with self.assertRaisesRegex(UserError, "stays ended"):
            block.date_to = False
        with self.assertRaisesRegex(UserError, "kept"):
            block.unlink()
        self.assertEqual(block.user_id, self.env.user)

    def test_the_integration_says_what_a_level_does_there(self):
        self._block("full")
        before = self.line.revision
        self.integration.full_block_status = "partially_blocked"
        self.assertEqual(self._wanted(), LineStatus.PARTIALLY_BLOCKED)
        self.assertGreater(self.line.revision, before)

    def test_an_inactive_or_cancelled_line_is_not_opened_by_lifting(self):
        block = self._block("partial")
        self.line.is_active = False
        self.assertEqual(self._wanted(), LineStatus.INACTIVE)
        block.action_lift()
        self.assertEqual(self._wanted(), LineStatus.INACTIVE)
        self.line.action_cancel()
        with self.assertRaisesRegex(UserError, "final"):
            self._block()

    def test_a_blocked_line_counts_as_active_for_charges(self):
        self._block("full")
        now = fields.Datetime.to_datetime(TODAY)
        self.assertTrue(self.line._was_active(now, now + timedelta(days=1)))

    def test_each_block_and_its_lifting_is_told_on_the_line(self):
        block = self._block("full", "fraud", note="Calls to Cuba")
        block.action_lift()
        lifted, made = self.line.message_ids[:2].mapped("body")
        self.assertIn("Calls to Cuba", made)
        self.assertIn("lifted", lifted)

    def test_a_block_level_is_nobodys_to_write(self):
        with self.assertRaises(UserError):
            self.line.block_level = "full"
