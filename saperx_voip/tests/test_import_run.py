# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.tools import mute_logger

from odoo.addons.saperx_voip.bulk import _encode
from odoo.addons.saperx_voip.gateway import CallPage, CursorExpired, Outcome
from odoo.addons.saperx_voip.models import saperx_cdr_import_storing, saperx_cdr_row
from odoo.addons.saperx_voip.models.saperx_cdr import assessed_values
from odoo.addons.saperx_voip.models.saperx_cdr_columns import ASSESSED_COLUMNS
from odoo.addons.saperx_voip.models.saperx_cdr_row import (
    COLUMNS,
    Batch,
    Gatherer,
    Rows,
)
from odoo.addons.saperx_voip.rating import Fact

from .common import MOBILE_SAME_DDD, SaperxCase, moment


class TestImportRun(SaperxCase):
    """How a run goes through its window, and what it says meanwhile."""

    def _pages(self, *pages):
        """Calls by page; every page but the last has a cursor."""
        return [
            CallPage(tuple(calls), (), f"c{n}" if n < len(pages) else None)
            for n, calls in enumerate(pages, 1)
        ]

    def test_a_row_says_what_the_assessment_says_and_nothing_else(self):
        assessor = self.integration._get_assessor()
        rows = Rows(assessor, self.integration.id, self.company.id, 7)
        for number, values in enumerate(
            (
                {},
                {"callee": MOBILE_SAME_DDD, "talk_seconds": 31},
                {"caller": "552130009999"},
                {"outcome": Outcome.BUSY, "talk_seconds": 0},
                {"callee": "190", "city": None, "platform_class": None},
                {"platform_amount": None, "platform_cost": None},
                {"platform_amount": Decimal("1234567.891234")},
                {"city": "a\tb\\c\nd\r", "account_code": "\\N"},
                {"callee": "+55 (11) 3333\\4444"},
            )
        ):
            call = self._make_call(number, **values)
            text = rows.make(call).text
            self.assertTrue(text.endswith("\n"))
            fields = dict(zip(COLUMNS, text[:-1].split("\t"), strict=True))
            self._import(call)
            stored = self._get_call(number)
            self.assertEqual(stored.remote_id, str(number))
            for name in ("caller", "callee", "city", "account_code"):
                self.assertEqual(stored[name] or None, getattr(call, name) or None)
            self.assertEqual(fields["start"], str(call.start))
            assessed = zip(
                ASSESSED_COLUMNS,
                assessed_values(self._assess(assessor, call)),
                strict=True,
            )
            for name, value in assessed:
                self.assertEqual(fields[name], _encode(value), name)

    def _assess(self, assessor, call):
        with patch.object(
            assessor, "assess_values", wraps=assessor.assess_values
        ) as assess_values:
            Rows(assessor, 1, 1, 1).make(call)
        return assessor.assess(Fact(*assess_values.call_args.args))

    def test_pages_are_gathered_and_what_came_before_trouble_is_not_lost(self):
        def pages():
            yield from self._pages([self._make_call(1)], [self._make_call(2)], [])[:2]
            raise CursorExpired(410, "expired")

        maker = Rows(self.integration._get_assessor(), 1, 1, 1)
        gathered = []
        with self.assertRaises(CursorExpired):
            for batch in Gatherer(maker).gather(pages()):
                gathered.append(batch)
        self.assertEqual([list(batch.calls) for batch in gathered], [["1", "2"]])
        self.assertEqual(gathered[0].cursor, "c2")

    def test_how_far_it_came_is_told_only_while_the_oldest_come_first(self):
        early = self._make_call(1, start="2026-10-02 12:00:00")
        late = self._make_call(2, start="2026-10-03 12:00:00")
        maker = Rows(self.integration._get_assessor(), 1, 1, 1)
        [batch] = Gatherer(maker).gather(iter(self._pages([early, late], [late])))
        self.assertEqual(batch.read_until, late.start)
        [batch] = Gatherer(maker).gather(iter(self._pages([late], [early])))
        self.assertIsNone(batch.read_until)
        # The page before once more, as a cache on the way gives it, is no disorder: the
        # window would be read from its beginning whenever a cursor expires.
        again = self._pages([early, late], [early, late], [late])
        [batch] = Gatherer(maker).gather(iter(again))
        self.assertEqual(batch.read_until, late.start)

    def test_after_an_expired_cursor_it_goes_on_from_the_latest_call(self):
        run = self._make_run()
        batch = Batch(run._get_maker())
        batch.add(self._pages([self._make_call(1)], [])[0])
        batch.read_until = moment("2026-10-15 12:00:00")
        run._store_batch(batch)
        self.assertEqual(run.cursor, "c1")
        self.assertEqual(run.phase, "reading")
        self.assertAlmostEqual(run.progress, 100 * (14 + 9 / 24) / 31, 1)
        run._forget_cursor()
        self.assertFalse(run.cursor)
        self.assertEqual(run.read_from, moment("2026-10-15 12:00:00"))

    def test_one_call_that_is_known_among_many_new_ones_is_found(self):
        run = self._make_run()
        first, *rest = (self._make_call(number) for number in range(6))
        changed = self._make_call(3, talk_seconds=120)
        with patch.object(saperx_cdr_import_storing, "SAMPLE", 1):
            self.assertEqual(run._merge([rest[3], changed]), (2, 0, 0))
            changed = self._make_call(3, talk_seconds=180)
            self.assertEqual(run._merge([first, *rest[:2], changed]), (3, 1, 0))
        self.assertEqual(self.env["saperx.cdr"].search_count([]), 5)
        self.assertEqual(self._get_call(3).charged_amount, 0.36)

    def test_what_a_page_repeats_of_the_one_before_is_known_without_asking(self):
        run = self._make_run()
        one, two, three = (self._make_call(number) for number in range(1, 4))
        again = self._make_call(3, talk_seconds=120)
        pages = self._pages([one, two], [two, three], [again])
        gatherer = Gatherer(run._get_maker())
        asked = self.patch_read_stored(run)
        with patch.object(saperx_cdr_row, "BATCH_CALLS", 1):
            for batch in gatherer.gather(iter(pages)):
                run._store_batch(batch)
                gatherer.waiting |= batch.line_ids
        self.assertEqual(asked, [["1", "2"], ["3"], ["3"], ["3"]])
        counts = run.read_count, run.new_count, run.known_count, run.changed_count
        self.assertEqual(counts, (5, 3, 1, 1))
        self.assertEqual(gatherer.waiting, {self.line.id})
        self.assertEqual(run.undrawn_line_ids, self.line)

    def patch_read_stored(self, run):
        """:return: the ids that are asked for, as they will be"""
        asked = []
        real = type(run)._read_stored

        def spy(self, remote_ids):
            asked.append(remote_ids)
            return real(self, remote_ids)

        self.patch(type(run), "_read_stored", spy)
        return asked

    def test_a_call_that_somebody_else_stored_meanwhile_is_known(self):
        run = self._make_run()
        call = self._make_call(1)
        with patch.object(type(run), "_read_stored", return_value={}):
            run._merge([call])
            with (
                self.assertRaises(ConcurrencyError),
                mute_logger("odoo.sql_db"),
                self.cr.savepoint(),
            ):
                run._merge([call])
        self.assertEqual(run._merge([call]), (0, 0, 0))

    def test_of_two_runs_of_one_integration_the_later_says_that_it_waits(self):
        first, second = self._make_run(), self._make_run()
        self.assertFalse(first.waits_for_id)
        self.assertEqual(second.waits_for_id, first)
        first._start()
        self.assertEqual(second.waits_for_id, first)
        first.state = "done"
        self.assertFalse(second.waits_for_id)

    def test_another_integrations_run_is_not_waited_for(self):
        self._make_run()._start()
        other = self._make_integration(name="Other")
        self.assertFalse(self._make_run(integration_id=other.id).waits_for_id)
        actions = (self.integration | other).sudo().import_cron_id
        self.assertEqual(len(actions), 2)
        self.assertIn(f"({other.id})", other.sudo().import_cron_id.code)

    def test_the_action_of_an_integration_goes_with_it(self):
        other = self._make_integration(name="Other")
        cron = other.sudo()._get_import_cron()
        self.assertEqual(other.sudo()._get_import_cron(), cron)
        action = cron.ir_actions_server_id
        other.unlink()
        self.assertFalse(cron.exists())
        self.assertFalse(action.exists())

    def _set_active(self, active):
        """Past the login that saving would try."""
        self.integration.flush_recordset()
        self.env.cr.execute(
            "UPDATE saperx_integration SET active = %s WHERE id = %s",
            (active, self.integration.id),
        )
        self.integration.invalidate_recordset()

    def test_only_what_is_due_goes_on(self):
        self._set_active(True)
        run = self._make_run()
        self.assertEqual(run._get_due(self.integration.id), run)
        run.next_try_at = self.env.cr.now() + timedelta(hours=1)
        self.assertFalse(run._get_due(self.integration.id))
        run.next_try_at = False
        self._set_active(False)
        self.assertFalse(run._get_due(self.integration.id))

    def test_what_was_read_to_its_end_covers_and_nothing_else_does(self):
        self.integration.imported_until = moment("2026-10-01 03:00:00")
        run = self._make_run()
        run._start()
        run._store_batch(self._batch(run, "c1"))
        self.assertEqual(self.integration.imported_until, run.date_from)
        run._store_batch(self._batch(run, None))
        self.assertEqual(run.phase, "checking")
        self.assertEqual(self.integration.imported_until, run.date_from)
        run._finish()
        self.assertEqual(self.integration.imported_until, run.date_to)

    def _batch(self, run, cursor):
        batch = Batch(run._get_maker())
        batch.add(replace(self._pages([])[0], cursor=cursor))
        return batch

    def test_a_window_that_ends_before_it_begins_is_refused(self):
        wizard = self.env["saperx.import.wizard"].create(
            {
                "integration_id": self.integration.id,
                "date_from": "2026-10-10",
                "date_to": "2026-10-08",
            }
        )
        with self.assertRaisesRegex(ValidationError, "end after"):
            wizard.action_import()

    def test_a_line_with_calls_is_not_deleted(self):
        self._import(self._make_call(1))
        with self.assertRaisesRegex(UserError, "has calls"):
            self.line.unlink()
