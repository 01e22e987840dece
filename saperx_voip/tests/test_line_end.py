# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..gateway import LineStatus
from .common import NUMBER, SaperxCase, moment

OTHER_NUMBER = "551130001000"


@tagged("post_install", "-at_install")
class TestLineEnd(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reason = cls.env["contract.terminate.reason"].create(
            {"name": "Moved", "terminate_comment_required": False}
        )
        cls.company.partner_id.tz = "America/Sao_Paulo"
        cls.fee = cls.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        )
        # So that the contract lives on without the line's own fee.
        cls.own_fee = cls.fee.copy({"contract_id": cls.contract.id, "name": "Line"})

    def _wizard(self, lines=None, user=None, **values):
        return (
            self.env["saperx.line.end.wizard"]
            .with_user(user or self.env.user)
            .create(
                {
                    "line_ids": [Command.set((lines or self.line).ids)],
                    "reason_id": self.reason.id,
                    **values,
                }
            )
        )

    def _plan(self, day="2026-11-20", lines=None, **values):
        self._wizard(lines, date=day, **values).action_end()

    def _follow(self, when):
        with self.enter_registry_test_mode(), freeze_time(when):
            self.env.ref("saperx_voip.ir_cron_moments").method_direct_trigger()

    def _messages(self, record):
        return " ".join(str(body) for body in record.message_ids.mapped("body"))

    # === Now ===

    def test_today_ends_the_line_now_and_the_platform_learns_it(self):
        before = self.line.revision
        self._wizard(comment="Protocol 1").action_end()
        self.assertEqual(self.line.state, "cancelled")
        self.assertEqual(self.line.cancelled_at, moment("2026-11-16 15:00:00"))
        self.assertEqual(self.line._get_wanted_status(), LineStatus.INACTIVE)
        self.assertGreater(self.line.revision, before)
        for record in (self.line, self.contract):
            self.assertIn("Line ended: Moved – Protocol 1.", self._messages(record))
        self.assertFalse(self.line.end_at)

    def test_a_past_day_means_now_and_says_so(self):
        wizard = self._wizard(date="2026-11-01")
        self.assertTrue(wizard.is_past)
        self.assertTrue(wizard.is_now)
        wizard.action_end()
        self.assertEqual(self.line.cancelled_at, moment("2026-11-16 15:00:00"))
        self.assertEqual(self.line.period_ids.date_to, moment("2026-11-16 15:00:00"))

    def test_several_lines_end_together_or_none_does(self):
        other = self._make_line(
            self._make_contract(self.partner_b), number=OTHER_NUMBER
        )
        third = self._make_line(self.contract, number=None)
        third._cancel()
        wizard = self._wizard(self.line | other | third)
        self.assertIn("final", wizard.obstacle)
        with self.assertRaisesRegex(UserError, "final"), self.cr.savepoint():
            wizard.action_end()
        self.assertEqual(self.line.state, "active")
        self._wizard(self.line | other).action_end()
        self.assertEqual(set((self.line | other).mapped("state")), {"cancelled"})

    def test_an_end_says_why(self):
        with self.assertRaisesRegex(UserError, "Say why"):
            self._wizard(reason_id=False).action_end()
        self.reason.terminate_comment_required = True
        with self.assertRaisesRegex(UserError, "needs a comment"):
            self._wizard().action_end()
        self._wizard(reason_id=False, comment="Because").action_end()
        self.assertEqual(self.line.end_comment, "Because")

    def test_of_two_who_end_a_line_at_once_the_second_is_told(self):
        first, second = self._wizard(), self._wizard()
        first.action_end()
        with self.assertRaisesRegex(UserError, "final"):
            second.action_end()

    # === On a day ahead ===

    def test_a_planned_end_comes_at_midnight_of_the_companys_zone(self):
        self._plan()
        self.assertEqual(self.line.end_at, moment("2026-11-20 03:00:00"))
        self.assertEqual(self.line.end_date, date(2026, 11, 20))
        self.assertEqual(self.line.state, "active")
        self.assertIn("Ends on 11/20/2026: Moved", self._messages(self.contract))
        triggers = self.env["ir.cron.trigger"].search(
            [("cron_id", "=", self.env.ref("saperx_voip.ir_cron_moments").id)]
        )
        self.assertIn(moment("2026-11-20 03:00:00"), triggers.mapped("call_at"))
        self._follow("2026-11-20 02:59:59")
        self.assertEqual(self.line.state, "active")
        self._follow("2026-11-20 03:00:00")
        self.assertEqual(self.line.state, "cancelled")
        self.assertEqual(self.line.end_reason_id, self.reason)
        self.assertFalse(self.line.end_at)

    def test_a_trigger_that_was_lost_does_not_keep_the_line_alive(self):
        self._plan()
        self.env["ir.cron.trigger"].search([]).unlink()
        self._follow("2026-11-22 12:00:00")
        self.assertEqual(self.line.state, "cancelled")

    def test_a_withdrawn_plan_does_not_come(self):
        self._plan()
        self.line.action_withdraw_end()
        self.assertFalse(self.line.end_at or self.line.end_reason_id)
        self.assertIn("withdrawn", self._messages(self.line))
        self._follow("2026-11-20 03:00:00")
        self.assertEqual(self.line.state, "active")
        with self.assertRaisesRegex(UserError, "no planned end"):
            self.line.action_withdraw_end()

    def test_a_line_has_one_planned_end(self):
        self._plan()
        with self.assertRaisesRegex(UserError, "planned already"):
            self._plan("2026-11-25")
        # It may end earlier, at once.
        self._wizard().action_end()
        self.assertEqual(self.line.state, "cancelled")

    def test_a_contract_that_ends_before_goes_first(self):
        self._plan()
        self.contract.active = False
        self.assertEqual(self.line.state, "cancelled")
        self.assertFalse(self.line.end_at)
        ended = self.line.cancelled_at
        self._follow("2026-11-20 03:00:00")
        self.assertEqual(self.line.cancelled_at, ended)

    def test_a_contract_known_to_end_before_is_told_of(self):
        self.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        ).write(
            {
                "date_end": "2026-11-18",
                "last_date_invoiced": "2026-11-18",
                "recurring_next_date": False,
            }
        )
        wizard = self._wizard(date="2026-11-20")
        self.assertIn("ends with its contract", wizard.obstacle)
        with self.assertRaisesRegex(UserError, "ends with its contract"):
            wizard.action_end()

    def test_a_line_about_to_end_goes_to_no_other_contract_unasked(self):
        other = self._make_contract(self.partner_b)
        self._plan()
        with self.assertRaisesRegex(UserError, "is to end"):
            self.line.contract_id = other
        with self.assertRaisesRegex(UserError, "is to end"):
            self.line._plan_terms(
                {"contract_id": other.id}, moment("2026-11-18 03:00:00")
            )
        self.line.action_withdraw_end()
        self.line.contract_id = other
        self._follow("2026-11-20 03:00:00")
        self.assertEqual(self.line.state, "active")

    def test_a_line_about_to_go_to_another_contract_ends_for_nobody_unasked(self):
        other = self._make_contract(self.partner_b)
        self.line._plan_terms({"contract_id": other.id}, moment("2026-11-18 03:00:00"))
        with self.assertRaisesRegex(UserError, "planned already"):
            self._plan()

    def test_terms_may_change_before_the_end_and_not_after_it(self):
        self._plan()
        plan = self.tariff.copy({"name": "Other"})
        with self.assertRaisesRegex(UserError, "does not live until then"):
            self.line._plan_terms({"tariff_id": plan.id}, moment("2026-11-20 03:00:00"))
        self.line._plan_terms({"tariff_id": plan.id}, moment("2026-11-18 03:00:00"))
        self._follow("2026-11-20 03:00:00")
        self.assertEqual(self.line.state, "cancelled")

    def test_what_refuses_one_end_stops_no_other(self):
        other = self._make_line(self.contract, number=OTHER_NUMBER)
        self._plan(lines=self.line | other)
        with self.assertLogs(level="WARNING"):
            self._refuse_end_of(self.line)
            self._follow("2026-11-20 03:00:00")
        self.assertEqual(other.state, "cancelled")
        self.assertEqual(self.line.state, "active")

    def _refuse_end_of(self, refused):
        end = type(refused)._end

        def end_unless_refused(line, *args):
            if line == refused:
                raise UserError(line.display_name)
            return end(line, *args)

        self.patch(type(refused), "_end", end_unless_refused)

    # === Its numbers ===

    def _outcomes(self, **values):
        return self._wizard(**values).number_ids.mapped("outcome")

    def test_what_becomes_of_the_numbers_is_shown(self):
        self.assertEqual(self._outcomes(), ["Is free on the platform"])
        self.line._cancel()
        self.env["saperx.number.range"].create(
            {"name": "Own", "area_code": "54", "first": "33334444"}
        )
        self.company.saperx_quarantine_days = 90
        self.line = self._make_line(self.contract, number=None)
        self.line.write(
            {"portability": "in", "did_ids": [Command.create({"number": NUMBER})]}
        )
        self.line.did_ids = [Command.create({"number": OTHER_NUMBER})]
        self.assertEqual(
            self._outcomes(date="2026-11-20"),
            [
                "Rests in quarantine until 02/18/2027",
                "Goes back to the operator that it came from",
            ],
        )
        self.line.did_ids.filtered("is_ported").unlink()
        self.line.portability = "out"
        self.assertEqual(self._outcomes(), ["Goes to another operator"])

    # === Its recurring fee ===

    def test_the_own_fee_ends_on_the_same_day_if_told_so(self):
        self.line.contract_line_id = self.own_fee
        wizard = self._wizard(date="2026-12-20", ends_fee=True)
        self.assertTrue(wizard.may_end_fee)
        self.assertEqual(wizard.fee_note, "Line ends on 12/20/2026.")
        wizard.action_end()
        self.assertEqual(self.own_fee.date_end, date(2026, 12, 20))
        self.assertFalse(self.fee.date_end)
        self._follow("2026-12-20 03:00:00")
        self.assertEqual(self.line.state, "cancelled")

    def test_a_fee_invoiced_beyond_the_day_ends_with_what_is_invoiced(self):
        self.own_fee.last_date_invoiced = "2026-11-30"
        self.line.contract_line_id = self.own_fee
        wizard = self._wizard(ends_fee=True)
        self.assertIn("up to which it is invoiced", wizard.fee_note)
        wizard.action_end()
        self.assertEqual(self.own_fee.date_end, date(2026, 11, 30))

    def test_a_past_day_means_today_for_the_fee_as_well(self):
        self.line.contract_line_id = self.own_fee
        self._wizard(date="2026-11-02", ends_fee=True).action_end()
        self.assertEqual(self.own_fee.date_end, date(2026, 11, 16))
        self.assertEqual(self.line.end_reason_id, self.reason)

    def test_a_fee_that_has_not_begun_goes_on(self):
        self.own_fee.write(
            {"date_start": "2026-12-01", "recurring_next_date": "2026-12-01"}
        )
        self.line.contract_line_id = self.own_fee
        wizard = self._wizard(ends_fee=True)
        self.assertIn("not begun", wizard.fee_note)
        wizard.action_end()
        self.assertFalse(self.own_fee.is_canceled)

    def test_a_withdrawn_plan_gives_the_fee_back(self):
        self.line.contract_line_id = self.own_fee
        self.own_fee.recurring_next_date = "2026-12-01"
        self._plan("2026-12-20", ends_fee=True)
        self.line.action_withdraw_end()
        self.assertFalse(self.own_fee.date_end)
        self.assertEqual(self.own_fee.recurring_next_date, date(2026, 12, 1))
        self.assertIn("goes on", self._messages(self.contract))

    def test_a_fee_that_was_invoiced_meanwhile_goes_on_from_there(self):
        self.line.contract_line_id = self.own_fee
        (self.own_fee | self.fee).write(
            {"last_date_invoiced": "2026-11-30", "recurring_next_date": "2026-12-01"}
        )
        self._plan("2026-12-20", ends_fee=True)
        self.env["contract.contract"].cron_recurring_create_invoice(date(2026, 12, 1))
        self.assertEqual(self.own_fee.last_date_invoiced, date(2026, 12, 20))
        self.line.action_withdraw_end()
        self.assertEqual(self.own_fee.recurring_next_date, date(2026, 12, 21))

    def test_a_fee_that_other_lines_live_by_goes_on(self):
        other = self._make_line(self.contract, number=OTHER_NUMBER)
        (self.line | other).contract_line_id = self.own_fee
        wizard = self._wizard(ends_fee=True)
        self.assertFalse(wizard.may_end_fee)
        self.assertIn("other lines live by it", wizard.fee_note)
        wizard.action_end()
        self.assertFalse(self.own_fee.date_end)
        self.assertEqual(other.state, "active")

    def test_the_contracts_last_fee_is_not_taken_from_under_other_lines(self):
        self.own_fee.cancel()
        other = self._make_line(self.contract, number=OTHER_NUMBER)
        self.line.contract_line_id = self.fee
        wizard = self._wizard(ends_fee=True, date="2026-11-20")
        self.assertIn("contract's last", wizard.fee_note)
        wizard.action_end()
        self._follow("2026-11-25 12:00:00")
        with self.enter_registry_test_mode(), freeze_time("2026-11-25 12:00:00"):
            self.env.ref("saperx_voip.ir_cron_contract_life").method_direct_trigger()
        self.assertFalse(self.fee.date_end)
        self.assertEqual(other.state, "active")

    # === What is left to charge ===

    def test_the_final_charge_is_shown_with_what_the_end_makes_of_allowances(self):
        self.line.in_use_since = "2026-11-01"
        self.integration.waiting_days = 2
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": 3, "is_pro_rata": True}
        )
        self._import(
            *(self._make_call(n, start="2026-11-10 12:00:00") for n in range(3))
        )
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        wizard = self._wizard()
        [row] = wizard.charge_ids
        self.assertEqual(
            (row.calls, row.amount, row.allowance, row.date_to, row.charged_from),
            (
                3,
                0.16,
                "1 min 36 s of 1 min 36 s",
                date(2026, 11, 16),
                date(2026, 11, 18),
            ),
        )
        [later] = self._wizard(date="2026-11-26").charge_ids
        self.assertEqual(
            (later.amount, later.allowance, later.date_to, later.charged_from),
            (0.06, "2 min 30 s of 2 min 30 s", date(2026, 11, 25), date(2026, 11, 28)),
        )
        # Nothing was written, and the charge comes out as shown.
        self.assertEqual(self.line.unbilled_amount, 0)
        wizard.action_end()
        with freeze_time("2026-11-18 15:00:00"):
            self.integration.imported_until = moment("2026-11-18 15:00:00")
            self.assertEqual(self._charge().amount, 0.16)

    def test_an_end_in_a_cycle_without_calls_shows_it_too(self):
        [row] = self._wizard(date="2027-02-10").charge_ids
        self.assertEqual(
            (row.calls, row.date_from, row.date_to),
            (0, date(2027, 2, 1), date(2027, 2, 9)),
        )

    def test_a_line_that_is_charged_nothing_shows_nothing(self):
        self.line.tariff_id = False
        self.assertFalse(self._wizard().charge_ids)

    # === Who may ===

    def test_a_technician_ends_lines_but_no_fees(self):
        technician = self._make_user("technician")
        self.line.contract_line_id = self.own_fee
        action = self.line.with_user(technician).action_end()
        form = Form(
            self.env["saperx.line.end.wizard"]
            .with_user(technician)
            .with_context(**action["context"])
        )
        form.reason_id = self.reason
        form.date = "2026-11-20"
        self.assertIn("who may change contracts", form.fee_note)
        form.save().action_end()
        self.assertEqual(self.line.end_date, date(2026, 11, 20))
        author = self.contract.message_ids[0].author_id
        self.assertEqual(author, technician.partner_id)
        with self.assertRaises(AccessError):
            self._wizard(user=technician, ends_fee=True, date="2026-11-16").action_end()
        self.line.with_user(technician).action_withdraw_end()
        self._wizard(user=technician).action_end()
        self.assertEqual(self.line.state, "cancelled")

    def test_nobody_else_ends_a_line(self):
        self._plan()
        for role in ("user", "billing"):
            user = self._make_user(role)
            for action in ("action_end", "action_withdraw_end"):
                with self.assertRaises(AccessError):
                    getattr(self.line.with_user(user), action)()
            with self.assertRaises(AccessError):
                self._wizard(user=user)
        self.assertTrue(self.line.end_at)
