# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import contextmanager
from unittest.mock import patch

from ..gateway import RequestRefused, Unreachable
from ..models import saperx_circuit_reading
from .test_circuit import CircuitCase, make_circuit


@contextmanager
def somebody_else(_env, _topic, _record_id):
    yield False


class TestScheduleComparing(CircuitCase):
    """A scheduled task that compares the lines with the platform."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.schedule = cls.env["saperx.schedule"].create(
            {"integration_id": cls.integration.id, "task": "compare", "hour": "5"}
        )
        cls.schedule.next_run_at = "2026-11-16 14:00:00"

    def _wake(self, *readings):
        self.env.flush_all()
        with self._listing(*readings), self.enter_registry_test_mode():
            self.schedule.cron_id.method_direct_trigger()
        self.env.invalidate_all()

    def test_it_compares_and_says_what_it_found(self):
        self._wake([make_circuit(8)])
        self.assertEqual(self.schedule.last_state, "done", self.schedule.last_error)
        reading = self.schedule.last_reading_id
        self.assertEqual((reading.state, reading.read_count), ("done", 1))
        self.assertIn("1 lines", self.schedule.last_result)
        self.assertEqual(
            self.schedule.action_view_comparisons()["res_model"], reading._name
        )

    def test_trouble_that_passes_is_tried_again_with_another_reading(self):
        self._wake([Unreachable("no answer")])
        self.assertEqual(self.schedule.last_state, "waiting")
        self.assertEqual(self.schedule.retry_count, 1)
        failed = self.schedule.last_reading_id
        self.assertEqual(self.schedule.last_error, failed.error)
        self.schedule.retry_at = "2026-11-16 14:30:00"
        self._wake([make_circuit(8)])
        self.assertEqual(self.schedule.last_state, "done")
        self.assertNotEqual(self.schedule.last_reading_id, failed)

    def test_a_refusal_waits_for_a_person(self):
        self._wake([RequestRefused(403, "sem permissão")])
        self.assertEqual(self.schedule.last_state, "failed")
        self.assertIn("sem permissão", self.schedule.last_error)

    def test_it_waits_while_another_reading_is_at_work(self):
        with patch.object(saperx_circuit_reading, "alone", somebody_else):
            self._wake([make_circuit(8)])
        self.assertEqual(self.schedule.last_state, "waiting")
        self.assertFalse(self.schedule.retry_count)
        self.schedule.retry_at = "2026-11-16 14:30:00"
        self._wake([make_circuit(8)])
        self.assertEqual(self.schedule.last_state, "done")
