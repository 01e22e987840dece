# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import psycopg2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form
from odoo.tools import mute_logger

from odoo.addons.saperx_voip.gateway import Did
from odoo.addons.saperx_voip.places import place_of

from .common import NUMBER, SaperxCase, moment

TODAY = moment("2026-11-16 15:00:00").date()


class StockCase(SaperxCase):
    def _make_range(self, first="33334000", last="33334009", **values):
        return self.env["saperx.number.range"].create(
            {"name": "Caxias", "area_code": "54", "first": first, "last": last} | values
        )

    def _get_number(self, number):
        return self.env["saperx.number"].search([("number", "=", number)])

    def _give(self, number, line=None, **values):
        return self.env["saperx.did"].create(
            {"line_id": (line or self.line).id, "number": number, **values}
        )

    def _make_other_line(self, number=None, name="João", **values):
        partner = self.env["res.partner"].create({"name": name})
        return self._make_line(self._make_contract(partner), number=number, **values)


class TestNumberRange(StockCase):
    def test_a_range_makes_every_number_from_first_to_last(self):
        made = self._make_range()
        self.assertEqual(
            made.number_ids.mapped("number"),
            [f"55543333400{digit}" for digit in range(10)],
        )
        self.assertEqual(set(made.number_ids.mapped("state")), {"available"})
        self.assertEqual(set(made.number_ids.mapped("area_code")), {"54"})
        self.assertEqual(made.number_count, made.available_count)

    def test_last_left_empty_is_one_number(self):
        made = self._make_range(last=False)
        self.assertFalse(made.last)
        self.assertEqual(made.number_ids.number, "555433334000")

    def test_the_form_of_the_guide(self):
        with Form(self.env["saperx.number.range"]) as form:
            form.name = "Celulares"
            form.area_code = "54"
            form.first = "99999-0000"
            form.last = "99999-0099"
        made = form.record
        self.assertEqual((made.country_code, made.first), ("55", "999990000"))
        self.assertEqual(made.number_count, 100)

    def test_numbers_that_lines_hold_are_in_use_from_the_start(self):
        made = self._make_range("33334440", "33334449")
        number = made.number_ids.filtered("did_id")
        self.assertEqual(number.number, NUMBER)
        self.assertEqual(number.state, "in_use")
        self.assertEqual(number.line_id, self.line)
        self.assertEqual(number.partner_id, self.partner)
        self.assertEqual((made.in_use_count, made.available_count), (1, 9))

    def test_what_is_no_number_is_refused_and_the_digit_named(self):
        for values, message in (
            ({"first": "3333-4x00"}, "“x” in position 7"),
            ({"last": "3333400９"}, "“９” in position 8"),
            ({"area_code": "5A"}, "“A” in position 2"),
            ({"country_code": "5 5#"}, "“#” in position 4"),
            ({"area_code": "20"}, "“20” is no area code"),
            ({"area_code": False}, "no area code"),
            ({"country_code": "999"}, "“999” is no country code"),
            # Brazil in disguise.
            ({"country_code": "5", "area_code": "554"}, "no country code"),
            ({"first": "13334000"}, "begins with 1"),
            ({"first": "63334000"}, "begins with 6"),
            ({"first": "833340000", "last": False}, "begins with 8"),
            ({"first": "3334000", "last": False}, "has 7 digits"),
            ({"last": "933334009"}, "same count of digits"),
            ({"first": "33334010"}, "reversed: the first number 33334010"),
            (
                {"first": "20000000", "last": "21000000"},
                "1000001 numbers: a range has 1000000 at most",
            ),
        ):
            with self.assertRaisesRegex(ValidationError, message):
                self._make_range(**values)

    def test_numbers_of_another_country_have_lengths_of_their_own(self):
        made = self._make_range(
            "5551000", "5551009", country_code="1", area_code="+212"
        )
        self.assertEqual(made.number_ids[0].number, "12125551000")
        self.assertEqual(
            self._make_range(
                "12345678", False, country_code="49", area_code=False
            ).number_ids.number,
            "4912345678",
        )
        for first, message in (
            ("555", "3 digits"),
            ("1" * 13, "13 digits"),
            ("1" * 12, "16 with"),
        ):
            with self.assertRaisesRegex(ValidationError, message):
                self._make_range(first, False, country_code="1", area_code="212")
        line = self._make_other_line()
        did = self._give("+12125551003", line)
        self.assertEqual(self._get_number("12125551003").did_id, did)

    def test_overlap_is_refused_and_the_other_range_named(self):
        self._make_range()
        for first, last in (
            ("33334000", False),
            ("33333990", "33334000"),
            ("33334009", "33334020"),
            ("33330000", "33339999"),
        ):
            with self.assertRaisesRegex(ValidationError, "“Caxias” has the number"):
                self._make_range(first, last, name="Other")
        # Also among those that are saved together.
        free = self._make_range("33339000", False)
        with (
            self.assertRaisesRegex(ValidationError, "may not overlap"),
            self.cr.savepoint(),
        ):
            self.env["saperx.number.range"].create(
                [
                    {"name": name, "area_code": "54", "first": "33338000"}
                    for name in ("A", "B")
                ]
            )
        with (
            self.assertRaisesRegex(ValidationError, "may not overlap"),
            self.cr.savepoint(),
        ):
            free.write({"first": "33334001"})
        # Same digits elsewhere, and neighbours, are no overlap.
        self._make_range(area_code="51")
        self._make_range("33334010", "33334019")

    @mute_logger("odoo.sql_db")
    def test_what_two_savers_both_made_is_refused_in_readable_words(self):
        made = self._make_range()
        with (
            self.assertRaises(psycopg2.errors.UniqueViolation) as caught,
            self.cr.savepoint(),
        ):
            # The other saver's row, which this transaction could not see.
            self.cr.execute(
                "INSERT INTO saperx_number (number, company_id, state, platform_state,"
                " difference) VALUES ('555433334000', %s, 'available', 'unknown',"
                " 'none')",
                [made.company_id.id],
            )
        message = self.env["saperx.number"]._sql_error_to_message(caught.exception)
        self.assertIn("ranges may not overlap", message)

    def test_another_company_may_have_the_same_numbers(self):
        self._make_range()
        other = self.env["res.company"].create({"name": "Other"})
        made = self._make_range(company_id=other.id)
        self.assertEqual(made.number_count, 10)
        with self.assertRaisesRegex(UserError, "stays with its company"):
            made.company_id = self.company

    def test_a_range_grows_and_shrinks_over_free_numbers(self):
        made = self._make_range()
        kept = self._get_number("555433334003")
        made.write({"first": "3333-4002", "last": "3333-4011"})
        self.assertEqual(
            made.number_ids.mapped("number"),
            [f"5554333340{digit:02}" for digit in range(2, 12)],
        )
        self.assertTrue(kept.exists())
        made.last = False
        self.assertEqual(made.number_ids.mapped("number"), ["555433334002"])
        made.area_code = "51"
        self.assertEqual(made.number_ids.mapped("number"), ["555133334002"])

    def test_a_range_does_not_shrink_over_numbers_in_somebodys_hands(self):
        made = self._make_range()
        self._give("555433334007")
        self._get_number("555433334008")._reserve(self.partner, TODAY)
        resting = self._get_number("555433334005")
        resting.write({"state": "quarantine", "quarantine_until": TODAY})
        for values in (
            {"last": "33334004"},
            {"area_code": "51"},
        ):
            with (
                self.assertRaisesRegex(
                    UserError, r"3 numbers.*first is \(54\) 3333-4005"
                ),
                self.cr.savepoint(),
            ):
                made.write(values)
        with (
            self.assertRaisesRegex(UserError, r"1 numbers.*3333-4008"),
            self.cr.savepoint(),
        ):
            made.last = "33334007"
        with self.assertRaisesRegex(UserError, "3 numbers"):
            made.unlink()
        made.write({"first": "33334005", "last": "33334008"})
        self.assertEqual(made.number_count, 4)

    def test_a_range_of_free_numbers_is_deleted_with_them(self):
        made = self._make_range()
        made.unlink()
        self.assertFalse(self._get_number("555433334000"))

    def test_any_change_of_the_bounds_leaves_exactly_the_numbers_between_them(self):
        bound = st.integers(0, 30)

        @settings(
            max_examples=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(
            before=st.tuples(bound, bound).map(sorted),
            after=st.tuples(bound, bound),
            held=bound,
        )
        def check(before, after, held):
            with self.cr.savepoint() as savepoint:
                self._check_change(before, after, held)
                savepoint.rollback()
                self.env.invalidate_all()

        check()

    def _check_change(self, before, after, held):
        first, last = (f"333350{bound:02}" for bound in before)
        made = self._make_range(first, last)
        is_held = before[0] <= held <= before[1]
        if is_held:
            self._give(f"5554333350{held:02}")
        first, last = (f"333350{bound:02}" for bound in after)
        low, high = after
        if high < low:
            refusal = ValidationError
        elif is_held and not low <= held <= high:
            refusal = UserError
        else:
            made.write({"first": first, "last": last})
            self.assertEqual(
                made.number_ids.mapped("number"),
                [f"5554333350{bound:02}" for bound in range(low, high + 1)],
            )
            self.assertEqual(made.in_use_count, int(is_held))
            return
        with self.assertRaises(refusal):
            made.write({"first": first, "last": last})

    def test_a_number_is_found_however_it_is_written(self):
        self._make_range()
        numbers = self.env["saperx.number"]
        for text in ("(54) 3333-4003", "+55 54 3333 4003", "555433334003", "34003"):
            self.assertEqual(
                numbers.search([("display_name", "ilike", text)]).mapped(
                    "display_name"
                ),
                ["(54) 3333-4003"],
            )
        self.assertFalse(numbers.search([("display_name", "ilike", "Maria")]))

    def test_the_list_is_searched_by_line_and_customer(self):
        self._make_range("33334440", "33334449")
        numbers = self.env["saperx.number"]
        for domain in (
            [("line_id", "=", self.line.id)],
            [("partner_id", "child_of", "Maria")],
        ):
            self.assertEqual(numbers.search(domain).number, NUMBER)
        heir = self.env["res.partner"].create({"name": "Heir"})
        self.contract.partner_id = heir
        self.assertEqual(numbers.search([("partner_id", "=", heir.id)]).number, NUMBER)

    def test_reservation_is_for_a_customer_and_ends_by_itself(self):
        self._make_range()
        number = self._get_number("555433334000")
        action = number.action_reserve()
        wizard = (
            self.env["saperx.number.reserve.wizard"]
            .with_context(**action["context"])
            .create({"partner_id": self.partner.id, "until": TODAY})
        )
        wizard.action_reserve()
        self.assertEqual(number.reserved_for_id, self.partner)
        with self.assertRaisesRegex(ValidationError, "today at the earliest"):
            wizard.until = "2026-11-15"
        self.env["saperx.number"]._end_waits(self.company)
        self.assertEqual(number.state, "reserved")
        number.reserved_until = "2026-11-15"
        self.env["saperx.number"]._end_waits(self.company)
        self.assertEqual(number.state, "available")
        self.assertFalse(number.reserved_for_id)

    def test_each_action_takes_the_states_that_it_is_for(self):
        self._make_range("33334440", "33334449")
        held = self._get_number(NUMBER)
        free = self._get_number("555433334440")
        for refused in (
            held.action_mark_ported_out,
            held.action_end_quarantine,
            held.action_release_reservation,
            free.action_end_quarantine,
            lambda: held._reserve(self.partner, TODAY),
        ):
            with self.assertRaises(UserError):
                refused()
        free._reserve(self.partner, TODAY)
        free.action_release_reservation()
        self.assertEqual(free.state, "available")
        free.action_mark_ported_out()
        self.assertEqual(free.state, "ported_out")

    def test_the_cron_mends_a_number_whose_holder_was_lost(self):
        self._make_range("33334440", "33334449")
        number = self._get_number(NUMBER)
        number.write({"state": "available", "did_id": False})
        self.env["saperx.number"]._end_waits(self.company)
        self.assertEqual(number.did_id, self.line.did_ids)
        self.assertEqual(number.state, "in_use")


class TestComparison(StockCase):
    def setUp(self):
        super().setUp()
        self.line._write_sync({"remote_id": 77})
        self.range = self._make_range("33334440", "33334449")

    def _compare(self, *dids, integration=None, is_partial=False):
        return (integration or self.integration)._store_reported_numbers(
            dids, is_partial
        )

    def _free_rest(self, *without):
        return [
            Did(number, in_use=False)
            for number in self.range.number_ids.mapped("number")
            if number not in (NUMBER, *without)
        ]

    def test_what_agrees_is_no_difference_and_brings_the_place(self):
        total = self._compare(
            *self._free_rest(),
            Did(NUMBER, True, 77, city="Farroupilha", state_code="RS"),
        )
        self.assertEqual(total, {"reported": 10, "new": 0, "different": 0})
        number = self._get_number(NUMBER)
        self.assertEqual((number.city, number.state_code), ("Farroupilha", "RS"))
        self.assertEqual(number.platform_line_remote_id, 77)
        self.assertEqual(number.platform_state, "in_use")
        self.assertTrue(number.compared_at)

    def test_each_difference_has_its_name(self):
        line = self._make_other_line()
        free_there = self._give("555433334441", line)
        line._write_sync({"remote_id": 78})
        missing = self._give("555433334442", line)
        total = self._compare(
            *self._free_rest("555433334442", "555433334443", "555433334444"),
            Did(NUMBER, True, 99),
            Did("555433334443", True, 99),
            Did("551130001000", True, 99),
            Did("551130001001", False),
        )
        expected = {
            NUMBER: "other_line",
            free_there.number: "free_there",
            missing.number: "missing",
            "555433334443": "in_use_there",
            "551130001000": "unknown_here",
            "551130001001": "unknown_here",
            "555433334440": "none",
        }
        for number, difference in expected.items():
            self.assertEqual(self._get_number(number).difference, difference, number)
        self.assertEqual(total, {"reported": 11, "new": 2, "different": 6})
        self.assertEqual(self._get_number("551130001000").state, "in_use")
        pickable = self.env["saperx.number"].search(
            self.env["saperx.number"]._pickable_domain(line)
        )
        found = set(pickable.mapped("number"))
        self.assertFalse({"555433334443", "551130001000"} & found)
        # What the platform holds for the account, and nobody has, is as good.
        self.assertIn("551130001001", found)

    def test_what_mends_itself_is_no_difference_any_more(self):
        self._compare(Did(NUMBER, True, 99), Did("551130001000", True, 5))
        self._compare(
            *self._free_rest(), Did(NUMBER, True, 77), Did("551130001000", False)
        )
        self.assertEqual(self._get_number(NUMBER).difference, "none")
        self.assertEqual(self._get_number("551130001000").state, "available")
        # Known to the platform alone, and to it no more.
        self._compare(*self._free_rest(), Did(NUMBER, True, 77))
        self.assertFalse(self._get_number("551130001000"))

    def test_a_partial_listing_makes_nothing_missing(self):
        self._compare(Did("555433334440", False), is_partial=True)
        self.assertEqual(self._get_number(NUMBER).platform_state, "unknown")
        self.assertEqual(self._get_number(NUMBER).difference, "none")
        self._compare(Did("555433334440", False))
        self.assertEqual(self._get_number(NUMBER).platform_state, "absent")
        self.assertEqual(self._get_number(NUMBER).difference, "missing")

    def test_two_platforms_of_a_company_leave_each_others_numbers_alone(self):
        other = self._make_integration(name="Other")
        self._compare(*self._free_rest(), Did(NUMBER, True, 77))
        self._compare(Did("551130001000", False), integration=other)
        self.assertEqual(self._get_number(NUMBER).difference, "none")
        self.assertEqual(self._get_number("555433334440").platform_state, "available")

    def test_a_ported_number_before_its_window_is_not_missed(self):
        line = self._make_other_line(portability="in")
        did = self._give("551130001000", line)
        # The platform had told of it before, as a number of nobody's.
        self._compare(Did("551130001000", False))
        number = self._get_number("551130001000")
        self.assertEqual(number.did_id, did)
        self.assertEqual(number.difference, "none")
        did.porting_at = "2026-11-16 14:00:00"
        self._compare(Did("551130001000", False))
        self.assertEqual(number.difference, "free_there")

    def test_a_range_takes_in_what_only_the_platform_had_told_of(self):
        self._compare(
            Did("551130001000", True, 5), Did("551130001001", False), is_partial=True
        )
        made = self._make_range("30001000", "30001009", area_code="11")
        self.assertEqual(made.number_count, 10)
        first, second = made.number_ids[:2]
        self.assertEqual((first.state, first.difference), ("available", "in_use_there"))
        self.assertEqual((second.state, second.difference), ("available", "none"))

    def test_without_ranges_the_platforms_free_numbers_can_be_picked(self):
        self.range.number_ids.did_id = False
        self.range.number_ids.state = "available"
        self.range.unlink()
        self._compare(
            Did("551130001000", True, 5),
            Did("551130001001", False),
            Did(NUMBER, True, 77),
        )
        numbers = self.env["saperx.number"]
        pickable = numbers.search(numbers._pickable_domain(self.line))
        self.assertEqual(pickable.mapped("number"), ["551130001001"])
        self.assertEqual(pickable.difference, "none")
        self.assertEqual(self._get_number("551130001000").difference, "unknown_here")
        did = self._give("551130001001")
        self.assertEqual(pickable.did_id, did)
        # It rests as any other of the stock.
        did.unlink()
        self.assertEqual(pickable.state, "quarantine")

    def test_the_platforms_place_goes_before_the_numbers_own(self):
        self._compare(Did("555433334441", False, city="Antônio Prado", state_code="RS"))
        did = self._give("555433334441")
        self.assertEqual((did.city, did.state_code), ("Antônio Prado", "RS"))


class TestPlace(StockCase):
    def test_city_and_state_come_from_the_number_itself(self):
        for number, place in (
            ("555133334444", ("Porto Alegre", "RS")),
            ("551133334444", ("São Paulo", "SP")),
            ("5511999998888", (None, "SP")),
            ("5527999998888", (None, "ES")),
            ("493012345678", ("Berlin", None)),
            ("55", (None, None)),
            ("", (None, None)),
        ):
            self.assertEqual(place_of(number), place)
        did = self._give("555133334444")
        self.assertEqual((did.city, did.state_code), ("Porto Alegre", "RS"))
        did.number = "555433334445"
        self.assertEqual((did.city, did.state_code), ("Chapada", "RS"))
