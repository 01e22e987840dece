# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from unittest.mock import patch

from odoo.exceptions import AccessError, UserError

from ..gateway import Reject
from ..models import saperx_cdr_import_undo
from ..models.saperx_cdr_import import IMPORT_LOCK
from .common import SaperxCase, moment

COVERED = moment("2026-11-10 00:00:00")


class TestImportUndo(SaperxCase):
    def setUp(self):
        super().setUp()
        self.calls = [
            self._make_call(number, start=f"2026-10-15 12:00:0{number}")
            for number in range(1, 5)
        ]

    def _import_done(self, *calls, **kwargs):
        run = self._import(*calls, **kwargs)
        run.state = "done"
        return run

    def _finish(self):
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_undo_import").method_direct_trigger()
        self.env.invalidate_all()

    def _undo(self, run):
        run.action_undo()
        self._finish()

    def _stored(self):
        names = ["remote_id", "line_id", "start", "charged_amount", "state"]
        calls = self.env["saperx.cdr"].search([], order="remote_id")
        return [tuple(call[name] for name in names) for call in calls]

    def test_the_calls_go_and_the_window_gives_the_same_again(self):
        run = self._import_done(*self.calls)
        before = self._stored()
        self._undo(run)
        self.assertEqual(run.state, "undone")
        self.assertEqual((run.removed_count, run.kept_charged_count), (4, 0))
        self.assertEqual(run.undone_by_id, self.env.user)
        self.assertTrue(run.undone_at)
        self.assertFalse(self._stored())
        again = self._import(*self.calls)
        self.assertEqual(again.new_count, 4)
        self.assertEqual(self._stored(), before)

    def test_what_was_charged_stays_and_is_told(self):
        run = self._import_done(*self.calls[:2])
        self._charge()
        self._import(self._make_call(2, start="2026-10-15 12:00:02", talk_seconds=90))
        late = self._import_done(*self.calls[2:])
        self._undo(run)
        self._undo(late)
        self.assertEqual(
            (run.removed_count, run.kept_charged_count, run.kept_corrected_count),
            (0, 1, 1),
        )
        self.assertEqual(late.removed_count, 2)
        self.assertEqual(
            self.env["saperx.cdr"].search([]).mapped("state"), ["billed", "billed"]
        )

    def test_other_imports_calls_stay_also_those_that_the_run_knew(self):
        first = self._import_done(self.calls[0])
        second = self._import_done(*self.calls)
        self._undo(second)
        self.assertEqual(second.removed_count, 3)
        self.assertEqual(self.env["saperx.cdr"].search([]).import_id, first)

    def test_the_cycle_is_not_charged_without_them(self):
        self.assertEqual(self.integration.imported_until, COVERED)
        kept = self._make_call(9, start="2026-10-14 12:00:00")
        self._import_done(kept)
        run = self._import_done(*self.calls)
        run.action_undo()
        # At once, not only when the last is gone.
        self.assertEqual(self.integration.imported_until, self.calls[0].start)
        self.assertFalse(self._charge())
        self._finish()
        self.assertEqual(self.integration.imported_until, self.calls[0].start)
        self.assertFalse(self._charge())
        self._import(*self.calls)
        self.integration._cover(run.date_from, COVERED)
        self.assertEqual(self._charge().call_count, 5)

    def test_a_run_that_brought_nothing_leaves_the_coverage(self):
        self._import_done(*self.calls)
        second = self._import_done(*self.calls)
        self._undo(second)
        self.assertEqual(second.removed_count, 0)
        self.assertEqual(self.integration.imported_until, COVERED)

    def test_calls_imported_after_the_coverage_do_not_move_it_forward(self):
        late = self._make_call(1, start="2026-11-12 12:00:00")
        self._undo(self._import_done(late))
        self.assertEqual(self.integration.imported_until, COVERED)

    def test_what_the_removed_calls_drew_is_free_for_others(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "unit": "minutes", "quantity": 1}
        )
        run = self._import_done(self.calls[0])
        self._import_done(self.calls[1])
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._get_call(2).charged_amount, 0.12)
        self._undo(run)
        self.assertEqual(self._get_call(2).charged_amount, 0)

    def test_it_goes_on_where_it_was_broken_off(self):
        run = self._import_done(*self.calls)
        run.action_undo()
        with patch.object(saperx_cdr_import_undo, "UNDO_BATCH", 2):
            run._remove_batch()
            self.assertEqual(run.removed_count, 2)
            self.assertEqual(self.env["saperx.cdr"].search_count([]), 2)
            # An import in between covers the window, with calls that will go.
            self._import(*self.calls)
            self.integration._cover(run.date_from, COVERED)
            self._finish()
        self.assertEqual(run.state, "undone")
        self.assertEqual(run.removed_count, 4)
        self.assertEqual(self.env["saperx.cdr"].search_count([]), 2)
        self.assertLess(self.integration.imported_until, COVERED)

    def test_odoo_s_time_is_kept_to_and_the_rest_comes_next(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "unit": "minutes", "quantity": 1}
        )
        run = self._import_done(*self.calls[:3])
        self._import_done(self.calls[3])
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._get_call(4).charged_amount, 0.12)
        run.action_undo()
        cron = self.env.ref("saperx_voip.ir_cron_undo_import")
        triggers = self.env["ir.cron.trigger"].search([("cron_id", "=", cron.id)])
        triggers.unlink()
        module = saperx_cdr_import_undo
        with (
            patch.object(module, "UNDO_BATCH", 2),
            patch.object(module, "get_working_seconds", lambda: 0),
        ):
            for left in (2, 1, 1):
                self.assertEqual(run.state, "undoing")
                self._finish()
                self.assertEqual(self.env["saperx.cdr"].search_count([]), left)
        # It woke itself for the rest.
        self.assertTrue(triggers.search([("cron_id", "=", cron.id)]))
        self._finish()
        self.assertEqual((run.state, run.removed_count), ("undone", 3))
        self.assertEqual(self._get_call(4).charged_amount, 0)

    def test_a_call_charged_before_its_turn_came_stays(self):
        run = self._import_done(*self.calls)
        self._charge()
        self.env["saperx.charge"].search([]).action_cancel()
        run.action_undo()
        self.integration.imported_until = COVERED
        self._charge()
        self._finish()
        self.assertEqual((run.removed_count, run.kept_charged_count), (0, 4))

    def test_a_failed_run_is_undone_and_one_at_work_is_not(self):
        for state in ("pending", "running", "undoing", "undone"):
            run = self._import(*self.calls)
            run.state = state
            with self.assertRaisesRegex(UserError, "cannot be undone", msg=state):
                run.action_undo()
        run.state = "failed"
        self._undo(run)
        self.assertEqual(run.state, "undone")

    def test_nothing_is_undone_while_another_import_of_it_is_at_work(self):
        run = self._import_done(*self.calls)
        with self.env.registry.cursor() as cr:
            cr.execute(
                "SELECT pg_try_advisory_lock(%s, %s)",
                (IMPORT_LOCK, self.integration.id),
            )
            with self.assertRaisesRegex(UserError, "at work"):
                run.action_undo()
            cr.execute(
                "SELECT pg_advisory_unlock(%s, %s)", (IMPORT_LOCK, self.integration.id)
            )
        self.assertEqual(run.state, "done")

    def test_an_undone_run_is_not_tried_again_but_imported_anew(self):
        run = self._import_done(*self.calls)
        with self.assertRaisesRegex(UserError, "undone"):
            run.action_import_again()
        self._undo(run)
        run.action_retry()
        self.assertEqual(run.state, "undone")
        action = run.action_import_again()
        again = run.browse(action["res_id"])
        self.assertEqual(again.state, "pending")
        self.assertEqual((again.date_from, again.date_to), (run.date_from, run.date_to))

    def test_records_that_a_run_brought_in_wait_again(self):
        self._import(rejects=[Reject("{}", "broken", "77")])
        reject = self.env["saperx.cdr.reject"].search([])
        call = self._make_call(77)
        with patch.object(type(self.integration), "_read_call", lambda *_args: call):
            reject.action_process_again()
        run = reject.closing_import_id
        self._undo(run)
        self.assertFalse(self._get_call(77))
        self.assertEqual(reject.state, "open")
        self.assertFalse(reject.closed_by_id)
        with self.assertRaises(UserError):
            run.action_import_again()

    def test_a_correction_of_a_call_that_is_gone_is_gone(self):
        run = self._import_done(self.calls[0])
        charge = self._charge()
        self._import(self._make_call(1, start="2026-10-15 12:00:01", talk_seconds=90))
        charge.action_cancel()
        self._undo(run)
        self.assertFalse(self.env["saperx.cdr.change"].search([]))

    def test_the_wizard_tells_what_goes_and_what_stays(self):
        run = self._import_done(*self.calls[:2])
        self._charge()
        second = self._import_done(
            *self.calls[1:], self._make_call(9, start="2026-10-20 12:00:00")
        )
        wizards = self.env["saperx.import.undo.wizard"].with_user(
            self._make_user("billing")
        )
        wizard = wizards.create({"import_id": run.id})
        self.assertEqual((wizard.removed_count, wizard.kept_count), (0, 2))
        wizard = wizards.create({"import_id": second.id})
        self.assertEqual((wizard.removed_count, wizard.kept_count), (3, 0))
        self.assertEqual(wizard.first_start, self.calls[2].start)
        wizard.action_undo()
        self.assertEqual(second.state, "undoing")

    def test_only_billing_undoes(self):
        run = self._import_done(*self.calls)
        for role in ("user", "technician"):
            user = self._make_user(role)
            with self.assertRaises(AccessError, msg=role):
                run.with_user(user).action_undo()
            with self.assertRaises(AccessError, msg=role):
                self.env["saperx.import.undo.wizard"].with_user(user).create(
                    {"import_id": run.id}
                )
        self._undo(run.with_user(self._make_user("billing")))
        self.assertEqual(run.state, "undone")

    def test_calls_are_not_deleted_otherwise(self):
        self._import_done(*self.calls)
        with self.assertRaises(UserError):
            self._get_call(1).unlink()
