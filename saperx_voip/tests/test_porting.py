# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError

from .common import SaperxCase

PORTED = "551140001234"


class TestPorting(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ported_line = cls._make_line(cls.contract, PORTED, portability="in")
        cls.did = cls.ported_line.did_ids

    def _sent(self):
        return [did.number for did in self.ported_line._get_wanted_line().dids]

    def _follow(self):
        """As the scheduled action does."""
        self.env["saperx.line"]._get_lines_to_follow()._follow_moments()

    def test_a_ported_number_waits_for_its_window(self):
        self.assertTrue(self.did.is_ported)
        self.assertEqual(self._sent(), [])
        now = fields.Datetime.now()
        self.did.porting_at = now + timedelta(days=3)
        self._follow()
        self.assertEqual(self._sent(), [])
        before = self.ported_line.revision
        with freeze_time(now + timedelta(days=3)):
            self._follow()
            self.assertEqual(self._sent(), [PORTED])
        self.assertGreater(self.ported_line.revision, before)

    def test_a_window_that_has_begun_lets_it_live_at_once(self):
        self.did.porting_at = fields.Datetime.now()
        self.assertEqual(self._sent(), [PORTED])

    def test_a_number_that_is_live_does_not_go_back_to_waiting(self):
        self.did.porting_at = fields.Datetime.now()
        with self.assertRaisesRegex(UserError, "live already"):
            self.did.porting_at = False
        self.did.monthly_fee = 3
        self.assertEqual(self._sent(), [PORTED])

    def test_one_that_is_not_ported_after_all_lives_at_once(self):
        self.did.is_ported = False
        self.assertEqual(self._sent(), [PORTED])

    def test_an_own_number_beside_it_serves_until_then(self):
        self.env["saperx.number.range"].create(
            {"name": "Own", "area_code": "11", "first": "30001000"}
        )
        self.env["saperx.did"].create(
            {"line_id": self.ported_line.id, "number": "551130001000"}
        )
        self.assertEqual(self._sent(), ["551130001000"])

    def test_a_line_that_is_ported_no_more_forgets_no_number(self):
        self.ported_line.portability = "no"
        self.assertFalse(self.did.is_ported)
        self.assertEqual(self._sent(), [PORTED])

    def test_nor_keeps_one_that_only_a_portability_brings(self):
        self.env["saperx.number.range"].create(
            {"name": "Own", "area_code": "11", "first": "30001000"}
        )
        with self.assertRaisesRegex(UserError, "outside every registered range"):
            self.ported_line.portability = "no"

    def test_a_number_corrected_to_an_own_one_is_ported_no_more(self):
        self.env["saperx.number.range"].create(
            {"name": "Own", "area_code": "11", "first": "30001000"}
        )
        self.did.number = "551130001000"
        self.assertFalse(self.did.is_ported)
        self.assertEqual(self._sent(), ["551130001000"])

    def test_a_live_number_that_moves_to_a_ported_line_stays_live(self):
        wizard = self.env["saperx.did.move.wizard"].create(
            {"line_id": self.line.id, "target_line_id": self.ported_line.id}
        )
        number = self.line.did_ids.number
        wizard.action_move()
        self.assertEqual(self._sent(), [number])
        moved = self.ported_line.did_ids - self.did
        self.assertFalse(moved.is_ported)

    def test_whether_a_number_lives_is_nobodys_to_write(self):
        with self.assertRaises(UserError):
            self.did.is_live = True
