# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tools import mute_logger

from .common import SaperxCase

TODAY = date(2026, 11, 16)
DUE = date(2026, 12, 1)
SECOND = "555433335555"


class DidFeeCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_a.taxes_id = False
        cls.company.saperx_did_fee_lines = True
        cls.plan_fee = cls.contract.contract_line_ids.filtered(
            lambda line: not line.is_telephony
        )

    def _add(self, number=SECOND, fee=10, line=None, **values):
        return self.env["saperx.did"].create(
            {
                "line_id": (line or self.line).id,
                "number": f"+{number}",
                "monthly_fee": fee,
                **values,
            }
        )

    def _known(self, line=None):
        """The platform knows the line: what leaves it is released, not deleted."""
        (line or self.line)._write_sync({"remote_id": (line or self.line).id + 1000})

    def _get_fees(self, contract=None):
        contract = contract or self.contract
        return contract.contract_line_ids.filtered("is_did_fee").sorted("id")

    def _invoice(self, day=DUE):
        self.env["contract.contract"].cron_recurring_create_invoice(day)
        return self.contract._get_related_invoices().sorted("id")


class TestDidFee(DidFeeCase):
    def test_a_number_with_a_fee_makes_a_line_of_its_contract(self):
        did = self._add()
        fee = self._get_fees()
        self.assertEqual(fee, did.fee_line_id)
        self.assertEqual((fee.price_unit, fee.quantity), (10, 1))
        self.assertEqual(fee.date_start, TODAY)
        self.assertEqual(fee.product_id, self.env.ref("saperx_voip.product_did_fee"))
        self.assertIn("(54) 3333-5555", fee.name)

    def test_it_is_on_one_invoice_with_the_plan(self):
        self._add()
        move = self._invoice()
        self.assertEqual(len(move), 1)
        self.assertEqual(move.amount_total, 110)
        self.assertIn("(54) 3333-5555", move.invoice_line_ids.mapped("name")[-1])

    def test_without_the_setting_or_a_fee_there_is_none(self):
        self._add(fee=0)
        self.company.saperx_did_fee_lines = False
        self._add("555433336666")
        self.assertFalse(self._get_fees())

    def test_the_companys_product_is_taken(self):
        self.company.saperx_did_fee_product_id = self.product_b
        self._add()
        self.assertEqual(self._get_fees().product_id, self.product_b)

    def test_a_line_that_is_made_with_its_numbers_has_their_fees(self):
        line = self._make_line(
            self.contract,
            None,
            did_ids=[Command.create({"number": SECOND, "monthly_fee": 7})],
        )
        self.assertEqual(self._get_fees().saperx_did_id.line_id, line)

    def test_a_technician_makes_it_who_may_not_write_contracts(self):
        technician = self._make_user("technician")
        did = self.env["saperx.did"].with_user(technician)
        did.create({"line_id": self.line.id, "number": SECOND, "monthly_fee": 10})
        self.assertEqual(self._get_fees().price_unit, 10)

    def test_of_a_draft_it_begins_when_the_line_is_active(self):
        line = self._make_line(self.contract, None, state="draft")
        self._add(line=line)
        self.assertFalse(self._get_fees())
        line.state = "active"
        self.assertTrue(self._get_fees())
        line.state = "inactive"
        self.assertFalse(self._get_fees()._is_dead(TODAY))

    def test_a_ported_number_costs_from_its_window_on(self):
        self.line.portability = "in"
        did = self._add(is_ported=True, porting_at="2026-11-20 12:00:00")
        self.assertFalse(self._get_fees())
        with freeze_time("2026-11-20 12:30:00"):
            did._follow_window()
        self.assertEqual(self._get_fees().date_start, date(2026, 11, 20))

    def test_a_quarterly_contract_pays_three_fees(self):
        self.plan_fee.recurring_rule_type = "quarterly"
        self._add()
        fee = self._get_fees()
        self.assertEqual((fee.recurring_rule_type, fee.quantity), ("quarterly", 3))

    def test_a_contract_with_one_recurrence_keeps_it(self):
        contract = self._make_contract(
            self.partner,
            line_recurrence=False,
            recurring_rule_type="monthly",
            date_start="2026-10-01",
            recurring_next_date="2026-12-01",
        )
        line = self._make_line(contract, None)
        self._add(line=line)
        self.env["contract.contract"].cron_recurring_create_invoice(DUE)
        [move] = contract._get_related_invoices()
        self.assertEqual(move.amount_total, 110)

    def test_the_fee_ends_with_the_number(self):
        self._known()
        did = self._add()
        self._invoice()
        did.unlink()
        fee = self._get_fees()
        # It is paid until the end of December.
        self.assertEqual(fee.date_end, date(2026, 12, 31))
        self.assertEqual(self._invoice(date(2027, 1, 1))[-1].amount_total, 100)

    def test_a_number_that_was_added_by_mistake_costs_nothing(self):
        self._known()
        self._add().unlink()
        self.assertTrue(self._get_fees().is_canceled)
        self.assertEqual(self._invoice().amount_total, 100)

    def test_a_number_that_the_platform_never_knew_costs_nothing(self):
        self._add().unlink()
        self.assertTrue(self._get_fees().is_canceled)

    def test_the_fee_ends_when_the_line_is_cancelled_or_the_number_ported_out(self):
        first = self._add()
        self._known()
        self._invoice()
        first._plan_port_out(
            {"port_out_at": "2026-11-16 14:00:00", "port_out_operator": "Other"}
        )
        self.assertEqual(self._get_fees().date_end, date(2026, 12, 31))
        self._add("555433336666")
        self.line._cancel()
        self.assertTrue(self._get_fees()[-1].is_canceled)

    def test_a_number_that_goes_to_another_contract_takes_its_fee_along(self):
        other = self._make_contract(self.env["res.partner"].create({"name": "José"}))
        target = self._make_line(other, None)
        did = self._add()
        self._known()
        self._invoice()
        wizard = self.env["saperx.did.move.wizard"].create(
            {
                "line_id": self.line.id,
                "target_line_id": target.id,
                "did_ids": [Command.set(did.ids)],
            }
        )
        wizard.action_move()
        self.assertEqual(self._get_fees().date_end, date(2026, 12, 31))
        self.assertEqual(self._get_fees(other).price_unit, 10)
        self.assertFalse(self._get_fees(other).date_end)

    def test_a_number_that_moves_inside_its_contract_keeps_its_fee(self):
        target = self._make_line(self.contract, None)
        did = self._add()
        self._known()
        self.env["saperx.did.move.wizard"].create(
            {
                "line_id": self.line.id,
                "target_line_id": target.id,
                "did_ids": [Command.set(did.ids)],
            }
        ).action_move()
        fee = self._get_fees()
        self.assertEqual(len(fee), 1)
        self.assertFalse(fee.date_end or fee.is_canceled)
        self.assertEqual(fee.saperx_did_id.line_id, target)

    def test_a_line_that_goes_to_another_contract_takes_its_fees_along(self):
        self._add()
        self._invoice()
        other = self._make_contract(self.partner)
        self.line.contract_id = other
        self.assertEqual(self._get_fees().date_end, date(2026, 12, 31))
        self.assertEqual(self._get_fees(other).price_unit, 10)

    def test_another_fee_counts_from_the_next_invoice_on(self):
        did = self._add()
        first = self._invoice()
        did.monthly_fee = 15
        self.assertEqual(first.amount_total, 110)
        self.assertEqual(self._invoice(date(2027, 1, 1))[-1].amount_total, 115)
        self.assertEqual(len(self._get_fees()), 1)

    def test_in_arrears_the_running_period_keeps_its_fee(self):
        self.plan_fee.recurring_invoicing_type = "post-paid"
        self.plan_fee.recurring_next_date = DUE
        did = self._add()
        with freeze_time("2026-11-20 15:00:00"):
            did.monthly_fee = 15
            did.monthly_fee = 20
        old, new = self._get_fees()
        self.assertEqual((old.price_unit, new.price_unit), (10, 20))
        self.assertEqual(new.date_start, old.date_end + (DUE - date(2026, 11, 30)))
        self.assertEqual(old.successor_contract_line_id, new)
        self.assertEqual(did.fee_line_id, new)
        self.assertEqual(new.saperx_did_id, did)

    def test_a_fee_of_zero_ends_it_and_another_brings_it_back(self):
        did = self._add()
        did.monthly_fee = 0
        self.assertTrue(self._get_fees().is_canceled)
        did.monthly_fee = 12
        self.assertEqual(self._get_fees()[-1].price_unit, 12)
        self.assertFalse(self._get_fees()[-1].is_canceled)

    def test_a_price_that_a_person_wrote_stays_and_is_told(self):
        did = self._add()
        fee = self._get_fees()
        fee.write({"specific_price": 8, "price_unit": 8})
        did.monthly_fee = 15
        self.assertEqual(fee.price_unit, 8)
        self.assertIn("a person wrote", self.contract.message_ids[0].body)

    def test_a_fee_that_a_person_ended_is_not_made_again_by_itself(self):
        did = self._add()
        self._get_fees().cancel()
        did.monthly_fee = 15
        self.assertEqual(len(self._get_fees()), 1)
        self.assertTrue(did.lacks_fee_line)
        did.with_user(self._make_user("billing")).action_create_fee_lines()
        self.assertEqual(self._get_fees()[-1].price_unit, 15)
        self.assertFalse(did.lacks_fee_line)

    def test_the_number_is_linked_to_the_latest_successor(self):
        did = self._add()
        fee = self._get_fees()
        fee.stop(date(2026, 12, 31))
        successor = fee.plan_successor(date(2027, 1, 1), False, False)
        self.assertEqual(did.fee_line_id, successor)
        did.monthly_fee = 15
        self.assertEqual((fee.price_unit, successor.price_unit), (10, 15))

    def test_a_fee_keeps_no_contract_alive(self):
        self._add()
        self.plan_fee.cancel()
        self.assertEqual(self.line.state, "cancelled")
        self.assertTrue(self._get_fees().is_canceled)

    def test_a_contract_of_fees_alone_lives(self):
        contract = self._make_contract(self.partner, contract_line_ids=[])
        line = self._make_line(contract, None)
        self._add(line=line)
        contract._end_lines_if_dead()
        self.assertEqual(line.state, "active")
        self.assertFalse(self._get_fees(contract).is_canceled)

    def test_a_termination_ends_it_and_undoing_gives_it_back_with_the_number(self):
        did = self._add()
        self._known()
        self._invoice()
        reason = self.env["contract.terminate.reason"].create({"name": "Left"})
        self.contract._terminate_contract(reason, "", TODAY, True)
        fee = self._get_fees()
        self.assertFalse(did.active)
        self.assertEqual(fee.date_end, date(2026, 12, 31))
        self.contract.action_cancel_contract_termination()
        self.assertFalse(fee.date_end)
        self._make_line(
            self.contract,
            None,
            did_ids=[Command.create({"number": SECOND, "monthly_fee": 10})],
        )
        self.assertEqual(self._get_fees(), fee)
        self.assertTrue(fee.saperx_did_id.active)

    def test_a_fee_that_came_back_without_its_number_ends(self):
        did = self._add()
        self._known()
        self._invoice()
        did.unlink()
        fee = self._get_fees()
        fee.date_end = False
        self.assertTrue(fee.is_fee_without_line)
        with self.enter_registry_test_mode():
            self.env.ref("saperx_voip.ir_cron_did_fees").method_direct_trigger()
        self.assertEqual(fee.date_end, date(2026, 12, 31))

    def test_what_is_refused_stops_no_line(self):
        self.plan_fee.recurring_rule_type = "daily"
        contract = self._make_contract(
            self.partner,
            line_recurrence=False,
            recurring_rule_type="weekly",
            date_start="2026-10-01",
            recurring_next_date="2026-12-01",
        )
        line = self._make_line(contract, None)
        with mute_logger("odoo.addons.saperx_voip.models.saperx_did_fee"):
            did = self._add(line=line)
        self.assertTrue(did.lacks_fee_line)
        self.assertIn("days or weeks", contract.message_ids[0].body)

    def test_switched_off_the_running_fees_are_told_of_and_can_be_ended(self):
        did = self._add()
        settings = self.env["res.config.settings"].create({})
        settings.saperx_did_fee_lines = False
        settings.set_values()
        self.assertEqual(settings.saperx_did_fee_running, 1)
        fees = self.env["contract.line"].search(
            settings.action_view_did_fees()["domain"]
        )
        self.assertEqual(fees, did.fee_line_id)
        self.assertEqual(self._invoice().amount_total, 110)
        fees.action_end_did_fee()
        # It was invoiced in advance, and ends with that.
        self.assertEqual(fees.date_end, fees.last_date_invoiced)
        self.assertEqual(self._invoice(date(2027, 1, 1))[-1].amount_total, 100)
        did._follow_fee()
        self.assertEqual(self._get_fees(), fees)

    def test_only_who_may_change_contracts_ends_a_fee(self):
        fee = self._add().fee_line_id
        with self.assertRaises(AccessError):
            fee.with_user(self._make_user("user")).action_end_did_fee()

    def test_switching_it_on_later_offers_what_is_missing(self):
        self.company.saperx_did_fee_lines = False
        did = self._add()
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.saperx_did_fee_missing, 1)
        self.assertFalse(self._get_fees())
        with self.assertRaises(AccessError):
            did.with_user(self._make_user("technician")).action_create_fee_lines()
        did.action_create_fee_lines()
        did.action_create_fee_lines()
        self.assertEqual(len(self._get_fees()), 1)


class TestFeeGap(DidFeeCase):
    def _lines_without_fee(self):
        return self.env["saperx.line"].search([("lacks_fee", "=", True)])

    def _fees_without_line(self):
        return self.env["contract.line"].search([("is_fee_without_line", "=", True)])

    def test_a_line_without_a_fee_is_found_and_linked(self):
        self.assertEqual(self._lines_without_fee(), self.line)
        self.assertTrue(self.line.lacks_fee)
        self.line.action_link_fee()
        self.assertEqual(self.line.contract_line_id, self.plan_fee)
        self.assertFalse(self._lines_without_fee())

    def test_a_marked_product_is_a_fee_of_the_contracts_lines(self):
        self.product_a.is_telephony_fee = True
        self.assertFalse(self._lines_without_fee())

    def test_a_line_whose_fee_has_a_successor_has_one(self):
        self.line.action_link_fee()
        self.plan_fee.stop(date(2026, 11, 30))
        self.plan_fee.plan_successor(date(2026, 12, 1), False, False)
        with freeze_time("2026-12-10 15:00:00"):
            self.assertFalse(self._lines_without_fee())
            self.assertFalse(self._fees_without_line())

    def test_a_line_does_not_choose_among_several_fees(self):
        self.plan_fee.copy({"contract_id": self.contract.id})
        with self.assertRaisesRegex(UserError, "has 2 recurring fees"):
            self.line.action_link_fee()
        self.plan_fee.product_id.is_telephony_fee = False

    def test_cancelled_and_draft_lines_need_no_fee(self):
        self.line._cancel()
        self._make_line(self.contract, None, state="draft")
        self.assertFalse(self._lines_without_fee())

    def test_a_fee_whose_line_was_cancelled_is_found_and_ended(self):
        self.line.action_link_fee()
        self.assertFalse(self._fees_without_line())
        self.line._cancel()
        self.assertEqual(self._fees_without_line(), self.plan_fee)
        self.plan_fee.action_end_fee_without_line()
        self.assertEqual(self.plan_fee.date_end, TODAY)
        with freeze_time("2026-11-17 15:00:00"):
            self.assertFalse(self._fees_without_line())

    def test_a_marked_fee_of_a_contract_without_a_line_is_found(self):
        contract = self._make_contract(self.env["res.partner"].create({"name": "José"}))
        self.assertFalse(self._fees_without_line())
        self.product_a.is_telephony_fee = True
        fee = contract.contract_line_ids
        self.assertEqual(self._fees_without_line(), fee)
        action = fee.action_new_line_of_fee()
        self.assertEqual(action["context"]["default_contract_line_id"], fee.id)
        self._make_line(contract, None)
        self.assertFalse(self._fees_without_line())
        with self.assertRaisesRegex(UserError, "lives by"):
            fee.action_end_fee_without_line()

    def test_what_has_ended_is_no_gap(self):
        self.product_a.is_telephony_fee = True
        self.line._cancel()
        self.assertEqual(self._fees_without_line(), self.plan_fee)
        self.contract.active = False
        self.assertFalse(self._fees_without_line())

    def test_they_are_counted_on_the_overview(self):
        self.line.action_link_fee()
        self.line._cancel()
        self._make_line(self.contract, None)
        self.assertEqual(self.integration.line_without_fee_count, 1)
        self.assertEqual(self.integration.fee_without_line_count, 1)

    def test_who_may_not_write_contracts_ends_no_fee(self):
        self.line.action_link_fee()
        self.line._cancel()
        with self.assertRaises(AccessError):
            self.plan_fee.with_user(
                self._make_user("technician")
            ).action_end_fee_without_line()
