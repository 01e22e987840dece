# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user

from .common import NUMBER, moment
from .test_number_range import TODAY, StockCase

FREE = "555433334440"
OUTSIDE = "551130001000"


class TestDid(StockCase):
    def setUp(self):
        super().setUp()
        self.line._write_sync({"remote_id": 77})
        self.range = self._make_range("33334440", "33334449")
        self.other = self._make_other_line()
        self.other._write_sync({"remote_id": 78})

    def test_a_number_that_a_line_takes_is_in_use(self):
        did = self._give("(54) 3333-4440")
        number = self._get_number(FREE)
        self.assertEqual(number.state, "in_use")
        self.assertEqual((number.did_id, number.line_id), (did, self.line))
        self.assertEqual(number.partner_id, self.partner)

    def test_a_number_in_use_is_refused_and_its_holder_named(self):
        with self.assertRaisesRegex(
            UserError, r"\(54\) 3333-4444 is on the line .* of Maria already"
        ):
            self._give(NUMBER, self.other)

    def test_a_freed_number_rests_for_everybody_but_its_last_customer(self):
        self.line.did_ids.unlink()
        number = self._get_number(NUMBER)
        self.assertEqual(number.state, "quarantine")
        self.assertEqual(number.quarantine_until, TODAY + timedelta(days=180))
        self.assertFalse(number.line_id)
        with self.assertRaisesRegex(UserError, "quarantine until 05/15/2027"):
            self._give(NUMBER, self.other)
        self._give(NUMBER)
        self.assertEqual(number.state, "in_use")

    def test_another_contact_of_the_same_customer_is_the_same_customer(self):
        self.line.did_ids.unlink()
        branch = self.env["res.partner"].create(
            {"name": "Branch", "parent_id": self.partner.id}
        )
        line = self._make_line(self._make_contract(branch), number=NUMBER)
        self.assertEqual(self._get_number(NUMBER).line_id, line)

    def test_quarantine_ends_on_its_day_or_by_hand(self):
        self.line.did_ids.unlink()
        number = self._get_number(NUMBER)
        number.quarantine_until = TODAY + timedelta(days=1)
        self.env["saperx.number"]._end_waits(self.company)
        self.assertEqual(number.state, "quarantine")
        number.quarantine_until = TODAY
        # Also before the scheduled action saw it.
        self.assertIn(
            number,
            number.search(number._pickable_domain(self.other)),
        )
        self.env["saperx.number"]._end_waits(self.company)
        self.assertEqual(number.state, "available")
        self.assertFalse(number.quarantine_until)
        number.write({"state": "quarantine", "quarantine_until": "2027-01-01"})
        number.action_end_quarantine()
        self.assertEqual(number.state, "available")

    def test_quarantine_of_no_days_frees_at_once(self):
        self.company.saperx_quarantine_days = 0
        self.line.did_ids.unlink()
        self.assertEqual(self._get_number(NUMBER).state, "available")
        self._give(NUMBER, self.other)

    def test_a_cancelled_lines_numbers_rest(self):
        self.line.action_cancel()
        self.assertEqual(self._get_number(NUMBER).state, "quarantine")

    def test_a_line_that_is_ported_out_takes_its_numbers_along(self):
        self.line.portability = "out"
        self.line.action_cancel()
        number = self._get_number(NUMBER)
        self.assertEqual(number.state, "ported_out")
        with self.assertRaisesRegex(UserError, "ported out"):
            self._give(NUMBER, self.other)
        # One that comes back is ported in.
        self.other.portability = "in"
        self._give(NUMBER, self.other)
        self.assertEqual(number.state, "in_use")

    def test_a_number_that_the_platform_never_saw_does_not_rest(self):
        self.other._write_sync({"remote_id": False})
        did = self._give(FREE, self.other)
        number = self._get_number(FREE)
        did.number = "555433334441"
        self.assertEqual(number.state, "available")
        self.assertEqual(self._get_number("555433334441").did_id, did)
        did.unlink()
        self.assertEqual(self._get_number("555433334441").state, "available")
        self._give(FREE, self.other)
        self.other.unlink()
        self.assertEqual(number.state, "available")
        self.assertFalse(number.did_id)

    def test_a_quarantine_is_not_cut_short_by_a_try(self):
        self.line.did_ids.unlink()
        number = self._get_number(NUMBER)
        until = number.quarantine_until
        line = self._make_line(self.contract, number=NUMBER)
        self.assertEqual(number.state, "in_use")
        line.did_ids.unlink()
        self.assertEqual((number.state, number.quarantine_until), ("quarantine", until))

    def test_changing_a_number_to_one_in_use_is_refused(self):
        self.other._write_sync({"remote_id": False})
        did = self._give(FREE, self.other)
        with self.assertRaisesRegex(UserError, "already"):
            did.number = NUMBER

    def test_a_reserved_number_goes_to_its_customer_only(self):
        number = self._get_number(FREE)
        number._reserve(self.partner, TODAY)
        numbers = self.env["saperx.number"]
        self.assertNotIn(number, number.search(numbers._pickable_domain(self.other)))
        self.assertIn(number, number.search(numbers._pickable_domain(self.line)))
        with self.assertRaisesRegex(UserError, "reserved for Maria until 11/16/2026"):
            self._give(FREE, self.other)
        new_line = self._make_line(self.contract, number=None)
        did = self._give(FREE, new_line)
        self.assertEqual(number.state, "in_use")
        # Taken off before the platform knew of it, it is kept for him again.
        did.unlink()
        self.assertEqual(number.state, "reserved")
        self.assertEqual(number.reserved_for_id, self.partner)

    def test_a_reservation_is_not_taken_over_by_another(self):
        number = self._get_number(FREE)
        number._reserve(self.partner, TODAY)
        somebody = self.env["res.partner"].create({"name": "Somebody"})
        with self.assertRaisesRegex(UserError, "reserved for Maria"):
            number._reserve(somebody, TODAY)
        number._reserve(self.partner, TODAY + timedelta(days=1))

    def test_what_was_marked_as_ported_out_can_be_taken_back(self):
        number = self._get_number(FREE)
        number.action_mark_ported_out()
        number.action_take_back()
        self.assertEqual(number.state, "available")

    def test_a_reservation_of_yesterday_keeps_nobody_away(self):
        number = self._get_number(FREE)
        number._reserve(self.partner, TODAY - timedelta(days=1))
        self._give(FREE, self.other)
        self.assertEqual(number.line_id, self.other)

    def test_outside_every_range_only_a_ported_number_is_taken(self):
        with self.assertRaisesRegex(UserError, "outside every registered range"):
            self._give(OUTSIDE)
        with self.assertRaisesRegex(UserError, "outside every registered range"):
            # Nor by saying so.
            self._give(OUTSIDE, is_ported=True)
        with self.assertRaisesRegex(UserError, "outside every registered range"):
            self.env["saperx.did"].with_context(default_line_id=self.line.id).create(
                {"number": OUTSIDE}
            )
        self.other.portability = "in"
        did = self._give(OUTSIDE, self.other)
        self.assertTrue(did.is_ported)
        # One of our own is not ported, whatever its line.
        self.assertFalse(self._give(FREE, self.other).is_ported)
        did.unlink()
        self.assertFalse(self._get_number(OUTSIDE))

    def test_a_ported_number_that_the_platform_told_of_leaves_the_stock(self):
        self.other.portability = "in"
        did = self._give(OUTSIDE, self.other)
        self.env["saperx.number"].create(
            {"number": OUTSIDE, "company_id": self.company.id, "did_id": did.id}
        )
        self.other.action_cancel()
        self.assertFalse(self._get_number(OUTSIDE))

    def test_without_any_range_every_number_is_taken(self):
        self.line.did_ids.unlink()
        self._get_number(NUMBER).action_end_quarantine()
        self.range.unlink()
        self._give(OUTSIDE)
        self._give(NUMBER, self.other)

    def test_a_ported_number_is_live_from_its_window_on(self):
        self.other.portability = "in"
        did = self._give(OUTSIDE, self.other)
        noon = moment("2026-11-20 12:00:00")
        self.assertFalse(did._is_live_on(noon))
        before = self.other.revision
        did.porting_at = noon
        self.assertGreater(self.other.revision, before)
        self.assertFalse(did._is_live_on(noon - timedelta(seconds=1)))
        self.assertTrue(did._is_live_on(noon))
        self.assertTrue(self.line.did_ids._is_live_on(moment("2000-01-01 00:00:00")))

    def test_one_save_gives_a_number_to_one_line_whatever_their_platforms(self):
        integration = self._make_integration(name="Elsewhere")
        line = self._make_line(
            self.contract,
            number=None,
            integration_id=integration.id,
            plan_id=self.plan.copy({"integration_id": integration.id}).id,
        )
        with self.assertRaisesRegex(UserError, "already"), self.cr.savepoint():
            self.env["saperx.did"].create(
                [{"line_id": id_, "number": FREE} for id_ in (self.line.id, line.id)]
            )
        self._give(FREE)
        with self.assertRaisesRegex(UserError, "already"):
            self._give(FREE, line)

    def test_a_number_leaves_and_comes_back_in_one_save(self):
        did = self.line.did_ids
        self.line.write(
            {
                "did_ids": [
                    Command.delete(did.id),
                    Command.create({"number": NUMBER, "monthly_fee": 5}),
                ]
            }
        )
        self.assertEqual(self._get_number(NUMBER).did_id, self.line.did_ids)


class TestBlock(StockCase):
    def setUp(self):
        super().setUp()
        # 4444 is in use: 4440 to 4443, and 4445 to 4449, are in a row.
        self.range = self._make_range("33334440", "33334449")

    def _open(self, line=None, **values):
        action = (line or self.line).action_add_did_block()
        form = Form(
            self.env[action["res_model"]].with_context(**action["context"]),
            "saperx_voip.saperx_did_block_wizard_form",
        )
        for name, value in values.items():
            form[name] = value
        return form

    def test_the_first_run_that_is_long_enough_is_shown_and_added(self):
        form = self._open(quantity=4, monthly_fee=7.5, accept_collect_calls=True)
        self.assertEqual(form.first_number, "555433334440")
        form.quantity = 5
        self.assertEqual(form.first_number, "555433334445")
        self.assertEqual(form.last_number, "555433334449")
        form.save().action_add()
        added = self.line.did_ids.filtered("accept_collect_calls")
        self.assertEqual(
            added.mapped("number"), [f"55543333444{digit}" for digit in range(5, 10)]
        )
        self.assertEqual(set(added.mapped("monthly_fee")), {7.5})
        self.assertEqual(len(self.line.did_ids.filtered("is_main")), 1)
        self.assertEqual(self.range.in_use_count, 6)

    def test_no_run_is_long_enough(self):
        form = self._open(quantity=6)
        self.assertFalse(form.first_number)
        with self.assertRaisesRegex(UserError, "no 6 consecutive"):
            form.save().action_add()

    def test_a_block_is_sought_where_the_user_says(self):
        other = self._make_range("30001000", "30001003", area_code="11", name="SP")
        self.assertEqual(self._open(quantity=2).first_number, "551130001000")
        self.assertEqual(self._open(quantity=2, range_id=self.range).first_number, FREE)
        self.assertEqual(self._open(quantity=2, area_code="54").first_number, FREE)
        self.assertEqual(
            self._open(quantity=2, start="(54) 3333-4442").first_number, "555433334442"
        )
        self.assertEqual(
            self._open(quantity=4, start="(54) 3333-4442").first_number, "555433334445"
        )
        self.assertFalse(self._open(quantity=2, start="not a number").first_number)
        # Two ranges that follow one another are one row of numbers.
        self._make_range("30001004", "30001009", area_code="11", name="SP 2")
        self.assertEqual(
            self._open(quantity=6, area_code="11").last_number, "551130001005"
        )
        self.assertTrue(other)

    def test_numbers_reserved_for_others_break_a_run(self):
        self._get_number("555433334441")._reserve(self.partner, TODAY)
        stranger = self._make_other_line()
        self.assertEqual(self._open(stranger, quantity=3).first_number, "555433334445")
        self.assertEqual(self._open(quantity=3).first_number, FREE)

    def test_what_somebody_took_meanwhile_is_refused_and_nothing_is_added(self):
        wizard = self._open(quantity=4).save()
        self._make_other_line(number="555433334442")
        with (
            self.assertRaisesRegex(UserError, "3333-4442 is on the line"),
            self.cr.savepoint(),
        ):
            wizard.action_add()
        self.assertEqual(self.line.did_ids.mapped("number"), [NUMBER])

    def test_the_block_is_the_first_run_whatever_is_taken(self):
        numbers = self._make_range("30001000", "30001015", area_code="11").number_ids
        wizard = self.env["saperx.did.block.wizard"].create(
            {"line_id": self.line.id, "quantity": 1, "area_code": "11"}
        )

        @settings(
            max_examples=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            is_free=st.lists(st.booleans(), min_size=16, max_size=16),
            quantity=st.integers(1, 6),
            start=st.integers(0, 15),
        )
        def check(is_free, quantity, start):
            for number, free in zip(numbers, is_free, strict=True):
                number.state = "available" if free else "ported_out"
            wizard.write({"quantity": quantity, "start": f"11300010{start:02}"})
            runs = [
                first
                for first in range(start, 17 - quantity)
                if all(is_free[first : first + quantity])
            ]
            expected = numbers[runs[0]].number if runs else False
            self.assertEqual(wizard.first_number, expected)

        check()

    def test_a_block_has_limits(self):
        for quantity in (0, -1, 101):
            with self.assertRaisesRegex(ValidationError, "1 to 100"):
                self.env["saperx.did.block.wizard"].create(
                    {"line_id": self.line.id, "quantity": quantity}
                )


class TestMove(StockCase):
    def setUp(self):
        super().setUp()
        self.range = self._make_range("33334440", "33334449")
        self.second = self._give("555433334445", monthly_fee=3)
        self.first = self.line.did_ids - self.second
        self.other = self._make_other_line()
        self.other_first = self._give(FREE, self.other, accept_collect_calls=True)
        self.other_second = self._give("555433334441", self.other)
        self.line._write_sync({"remote_id": 77})
        self.other._write_sync({"remote_id": 78})

    def _open(self, **values):
        action = self.line.action_move_dids()
        form = Form(
            self.env[action["res_model"]].with_context(**action["context"]),
            "saperx_voip.saperx_did_move_wizard_form",
        )
        form.target_line_id = self.other
        for name, value in values.items():
            form[name] = value
        return form

    def _numbers(self, line):
        return set(line.did_ids.mapped("number"))

    def test_the_other_line_is_found_by_what_is_known_of_it(self):
        self.other.account_code = "123456"
        for text in (FREE, "33334441", "123456", "João"):
            found = self.env["saperx.line"].name_search(text)
            self.assertIn(self.other.id, [id_ for id_, _name in found], text)

    def test_all_numbers_move_without_a_rest_and_keep_their_terms(self):
        before = (self.line.revision, self.other.revision)
        self._open().save().action_move()
        self.assertFalse(self.line.did_ids)
        self.assertEqual(
            self._numbers(self.other),
            {NUMBER, "555433334445", FREE, "555433334441"},
        )
        moved = self.other.did_ids.filtered(lambda did: did.number == "555433334445")
        self.assertEqual(moved.monthly_fee, 3)
        number = self._get_number(NUMBER)
        self.assertEqual((number.state, number.line_id), ("in_use", self.other))
        # The other line goes on presenting its own.
        self.assertEqual(self.other.main_number, FREE)
        self.assertFalse(self.line.main_number)
        self.assertGreater(self.line.revision, before[0])
        self.assertGreater(self.other.revision, before[1])
        self.assertEqual(self.line._get_released_numbers(), [NUMBER, "555433334445"])

    def test_one_chosen_number_moves_and_the_rest_presents_another(self):
        form = self._open()
        form.did_ids.remove(id=self.second.id)
        form.save().action_move()
        self.assertEqual(self._numbers(self.line), {"555433334445"})
        self.assertEqual(self.line.main_number, "555433334445")
        self.assertEqual(self.other.main_number, FREE)

    def test_a_swap_exchanges_numbers_and_main_ones(self):
        form = self._open(is_swap=True)
        self.assertEqual(len(form.target_did_ids), 2)
        form.save().action_move()
        self.assertEqual(self._numbers(self.line), {FREE, "555433334441"})
        self.assertEqual(self._numbers(self.other), {NUMBER, "555433334445"})
        self.assertEqual(self.line.main_number, FREE)
        self.assertEqual(self.other.main_number, NUMBER)
        self.assertTrue(
            self.line.did_ids.filtered("is_main").accept_collect_calls, "terms"
        )
        self.assertEqual(self.range.in_use_count, 4)
        self.assertEqual(self.range.quarantine_count, 0)

    def test_a_line_without_numbers_presents_the_moved_main_one(self):
        self.other.did_ids.unlink()
        self.first.is_main = False
        self.second.is_main = True
        self._open().save().action_move()
        self.assertEqual(self.other.main_number, "555433334445")
        self.assertEqual(len(self.other.did_ids.filtered("is_main")), 1)

    def test_calls_of_before_the_move_stay_with_the_line_of_then(self):
        self._open().save().action_move()
        self._import(
            self._make_call(1),
            self._make_call(2, start="2026-11-16 16:00:00"),
        )
        self.assertEqual(self._get_call(1).line_id, self.line)
        self.assertEqual(self._get_call(2).line_id, self.other)

    def test_a_ported_number_stays_ported_and_keeps_its_window(self):
        (self.line | self.other).portability = "in"
        did = self._give(OUTSIDE, porting_at="2026-12-01 12:00:00")
        form = self._open()
        form.did_ids.remove(id=self.first.id)
        form.did_ids.remove(id=self.second.id)
        form.save().action_move()
        self.assertFalse(did.active)
        moved = self.other.did_ids.filtered("is_ported")
        self.assertEqual(moved.number, OUTSIDE)
        self.assertEqual(str(moved.porting_at), "2026-12-01 12:00:00")

    def test_a_ported_number_does_not_move_to_a_line_that_takes_none(self):
        self.line.portability = "in"
        self._give(OUTSIDE)
        with self.assertRaisesRegex(UserError, "Portability in"), self.cr.savepoint():
            self._open().save().action_move()
        self.assertEqual(len(self.line.did_ids), 3)

    def test_moves_that_make_no_sense_are_refused(self):
        wizard = self.env["saperx.did.move.wizard"]
        values = {"line_id": self.line.id, "target_line_id": self.other.id}
        with self.assertRaisesRegex(UserError, "on that line already"):
            wizard.create(values | {"target_line_id": self.line.id}).action_move()
        with self.assertRaisesRegex(UserError, "Choose the numbers"):
            wizard.create(values | {"did_ids": [Command.clear()]}).action_move()
        with self.assertRaisesRegex(UserError, "is not on the line"):
            wizard.create(
                values | {"did_ids": [Command.set(self.other_first.ids)]}
            ).action_move()
        stale = wizard.create(values)
        self.first.unlink()
        with self.assertRaisesRegex(UserError, "is not on the line"):
            stale.action_move()
        integration = self._make_integration(name="Elsewhere")
        plan = self.plan.copy({"integration_id": integration.id})
        foreign = self._make_line(
            self.contract,
            number=None,
            integration_id=integration.id,
            plan_id=plan.id,
        )
        with self.assertRaisesRegex(UserError, "same integration"):
            wizard.create(values | {"target_line_id": foreign.id}).action_move()
        self.other.action_cancel()
        with self.assertRaisesRegex(UserError, "final"):
            wizard.create(values).action_move()


class TestStockAccess(StockCase):
    def setUp(self):
        super().setUp()
        self.range = self._make_range("33334440", "33334449")
        self.number = self._get_number(FREE)
        self.users = {
            role: new_test_user(
                self.env,
                f"stock-{role}",
                groups=f"saperx_voip.group_{role}",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for role in ("user", "technician", "billing", "manager")
        }

    def test_everybody_reads_and_nobody_writes_the_stock(self):
        for user in self.users.values():
            number = self.number.with_user(user)
            self.assertEqual(number.state, "available")
            for change in (
                lambda n=number: n.write({"state": "in_use"}),
                lambda n=number: n.unlink(),
                lambda n=number: n.create(
                    {"number": OUTSIDE, "company_id": self.company.id}
                ),
            ):
                with self.assertRaises(AccessError):
                    change()

    def test_a_technician_makes_ranges_and_works_with_numbers(self):
        user = self.users["technician"]
        ranges = self.env["saperx.number.range"].with_user(user)
        made = ranges.create({"name": "T", "area_code": "51", "first": "33330000"})
        made.last = "33330009"
        number = made.number_ids[0]
        number._reserve(self.partner, TODAY)
        number.action_release_reservation()
        number.action_mark_ported_out()
        line = self.line.with_user(user)
        wizard = self.env["saperx.did.block.wizard"].with_user(user)
        wizard.create(
            {"line_id": line.id, "quantity": 3, "range_id": made.id}
        ).action_add()
        self.assertEqual(len(line.did_ids), 4)
        self.line._write_sync({"remote_id": 77})
        target = self._make_other_line().with_user(user)
        self.env["saperx.did.move.wizard"].with_user(user).create(
            {"line_id": line.id, "target_line_id": target.id}
        ).action_move()
        self.assertEqual(len(target.did_ids), 4)
        target.action_cancel()
        self.assertEqual(self._get_number(NUMBER).state, "quarantine")

    def test_other_roles_change_nothing(self):
        for role in ("user", "billing"):
            user = self.users[role]
            number = self.number.with_user(user)
            integration = self.integration.with_user(user)
            for change in (
                lambda u=user: self.range.with_user(u).write({"last": False}),
                lambda u=user: self.range.with_user(u).unlink(),
                number.action_reserve,
                number.action_release_reservation,
                number.action_end_quarantine,
                number.action_mark_ported_out,
                lambda n=number: n._reserve(self.partner, TODAY),
                number.action_compare,
                integration.action_sync_numbers,
                self.line.with_user(user).action_add_did_block,
                self.line.with_user(user).action_move_dids,
                lambda u=user: (
                    self.env["saperx.did.move.wizard"].with_user(u).create({})
                ),
            ):
                with self.assertRaises(AccessError):
                    change()
