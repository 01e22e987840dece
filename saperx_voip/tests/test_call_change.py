# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo.exceptions import AccessError

from .common import MOBILE_SAME_DDD, SaperxCase
from .test_simulation import plain


class TestCallChange(SaperxCase):
    """What the platform says otherwise of calls that were charged."""

    def setUp(self):
        super().setUp()
        self._import(self._make_call(1), self._make_call(2))
        self.charge = self._charge()

    def _correct(self, remote_id=1, **values):
        self._import(self._make_call(remote_id, **values))
        return self._change(remote_id)

    def _change(self, remote_id=1):
        return self.env["saperx.cdr.change"].search([("remote_id", "=", remote_id)])

    def _as(self, role, records):
        return records.with_user(self._make_user(role))

    def test_the_difference_is_kept_field_by_field_and_in_reais(self):
        change = self._correct(talk_seconds=120, city="Caxias")
        self.assertEqual(self._get_call(1).charged_amount, 0.12)
        self.assertTrue(self._get_call(1).is_changed_after_billing)
        self.assertEqual(change.changed_fields, "City, Talk Seconds")
        self.assertEqual(
            (change.amount_before, change.gross_amount, change.difference),
            (0.12, 0.24, 0.12),
        )
        self.assertEqual(change.charge_id, self.charge)
        self.assertEqual(change.partner_id, self.partner)
        text = plain(change.comparison)
        self.assertIn("Talk Seconds 60 120", text)
        self.assertIn("City Porto Alegre Caxias", text)
        self.assertIn("Charged Seconds 60 120", text)
        self.assertFalse(self._change(2))

    def test_what_was_charged_too_much_is_a_negative_difference(self):
        self.assertEqual(self._correct(talk_seconds=30).difference, -0.06)

    def test_another_number_is_another_class_and_price(self):
        change = self._correct(callee=MOBILE_SAME_DDD)
        self.assertEqual((change.call_class, change.gross_amount), ("vc1", 0.5))
        self.assertIn(MOBILE_SAME_DDD, plain(change.comparison))

    def test_reading_the_correction_again_changes_nothing(self):
        change = self._correct(talk_seconds=120)
        change.action_acknowledge()
        run = self._import(self._make_call(1, talk_seconds=120))
        self.assertEqual(run.known_count, 1)
        self.assertEqual(change.state, "acknowledged")

    def test_billing_acknowledges_with_a_trace_and_a_second_correction_reopens(self):
        change = self._correct(talk_seconds=120)
        billing = self._make_user("billing")
        change.with_user(billing).action_acknowledge()
        self.assertEqual(change.state, "acknowledged")
        self.assertEqual(change.acknowledged_by_id, billing)
        self.assertTrue(change.acknowledged_at)
        self.assertEqual(self._correct(talk_seconds=180), change)
        self.assertEqual(change.state, "open")
        self.assertFalse(change.acknowledged_by_id)
        self.assertEqual(change.difference, 0.24)

    def test_a_correction_that_is_taken_back_leaves_no_flag(self):
        change = self._correct(talk_seconds=120)
        self._correct()
        self.assertEqual(change.state, "withdrawn")
        self.assertEqual(change.difference, 0)
        self.assertFalse(self._get_call(1).is_changed_after_billing)
        self.assertEqual(self._get_call(1).charge_id, self.charge)
        self._correct(talk_seconds=90)
        self.assertEqual(change.state, "open")
        self.assertTrue(self._get_call(1).is_changed_after_billing)

    def test_a_call_that_is_let_go_follows_the_newest_record_at_once(self):
        change = self._correct(talk_seconds=120)
        self._correct(talk_seconds=180, city="Caxias")
        self.charge.action_cancel()
        call = self._get_call(1)
        self.assertEqual((call.talk_seconds, call.city), (180, "Caxias"))
        self.assertEqual((call.state, call.charged_amount), ("unbilled", 0.36))
        self.assertFalse(call.is_changed_after_billing)
        self.assertEqual(change.state, "applied")
        self.assertEqual(change.difference, 0.24)
        self.assertEqual(self._get_call(2).charged_amount, 0.12)
        run = self._import(self._make_call(1, talk_seconds=180, city="Caxias"))
        self.assertEqual(run.known_count, 1)
        self.assertEqual(self._charge().amount, 0.48)

    def test_an_old_correction_is_not_applied_to_a_later_charge(self):
        self._correct(talk_seconds=120)
        self.charge.action_cancel()
        self._import(self._make_call(1, talk_seconds=60))
        self._charge().action_cancel()
        self.assertEqual(self._get_call(1).charged_amount, 0.12)

    def test_an_uncharged_call_has_nothing_to_compare(self):
        self._import(self._make_call(3))
        self.assertFalse(self._correct(3, talk_seconds=120))

    def test_what_was_flagged_before_corrections_were_kept_is_read_again(self):
        self.env.cr.execute(
            "UPDATE saperx_cdr SET is_changed_after_billing = TRUE"
            " WHERE charge_id IS NOT NULL"
        )
        self.env.invalidate_all()
        self.charge.action_cancel()
        run = self._import(self._make_call(1, talk_seconds=120))
        self.assertEqual(run.changed_count, 1)
        self.assertEqual(self._get_call(1).charged_amount, 0.24)

    def test_the_call_tells_billing_what_differs(self):
        self._correct(talk_seconds=120)
        call = self._as("billing", self._get_call(1))
        self.assertIn("Talk Seconds 60 120", plain(call.correction))
        self.assertEqual(call.action_view_change()["res_id"], self._change().id)
        self.assertEqual(self._change().action_view_call()["res_id"], call.id)
        self.assertFalse(self._get_call(2).correction)
        for role in ("user", "technician"):
            with self.assertRaises(AccessError, msg=role):
                self._as(role, call).read(["correction"])
            with self.assertRaises(AccessError, msg=role):
                self._as(role, self._change()).read(["callee"])
            with self.assertRaises(AccessError, msg=role):
                self._as(role, self._change()).action_acknowledge()

    def test_corrections_follow_customers_that_are_merged(self):
        change = self._correct(talk_seconds=120)
        twin = self.env["res.partner"].create({"name": "Maria"})
        wizard = self.env["base.partner.merge.automatic.wizard"].create({})
        wizard._merge((twin | self.partner).ids, twin)
        self.assertEqual(change.partner_id, twin)

    def test_nobody_writes_or_deletes_one(self):
        change = self._as("manager", self._correct(talk_seconds=120))
        with self.assertRaises(AccessError):
            change.write({"state": "acknowledged"})
        with self.assertRaises(AccessError):
            change.unlink()

    def test_its_words_are_those_of_a_call_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("pt_BR")
        fields = self.env["saperx.cdr.change"].with_context(lang="pt_BR")
        outcomes = dict(fields.fields_get(["outcome"])["outcome"]["selection"])
        self.assertEqual(outcomes["answered"], "Atendida")
        directions = dict(fields.fields_get(["direction"])["direction"]["selection"])
        self.assertEqual(directions["outgoing"], "Realizada")
