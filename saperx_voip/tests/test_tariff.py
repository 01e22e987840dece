# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from unittest.mock import patch

from odoo import Command
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form

from .common import MOBILE_SAME_DDD, SaperxCase


class TariffCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.default_rate, cls.vc1_rate = cls.tariff.rate_ids

    @contextmanager
    def _refused(self, error, words):
        """Something raises an error with these words, and is rolled back."""
        with self.assertRaises(error) as caught:
            yield
        self.assertRegex(str(caught.exception), words)

    def _make_allowance(self, **values):
        return self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": 100, **values}
        )

    def _charge_rate(self, rate):
        """As charging does."""
        self.env.cr.execute(
            "UPDATE saperx_tariff_rate SET is_charged = TRUE WHERE id = %s", [rate.id]
        )
        rate.invalidate_recordset()

    def _use_allowance(self, allowance):
        """A charge that drew on the allowance."""
        self._import(self._make_call(1))
        charge = self._charge()
        self.env["saperx.charge.allowance"].create(
            {
                "charge_id": charge.id,
                "allowance_id": allowance.id,
                "own_quantity": 6000,
                "carried_quantity": 0,
                "used_quantity": 60,
                "carried_away": 0,
            }
        )


class TestTariffForm(TariffCase):
    def test_a_new_plan_lists_every_class_and_takes_minutes(self):
        form = Form(self.env["saperx.tariff"])
        form.name = "Residential"
        form.included_minutes = 100
        self.assertEqual(len(form.class_rate_ids), 7)
        with form.class_rate_ids.edit(0) as rate:
            self.assertEqual(rate.class_choice, "lc")
            rate.price_per_minute = 0.05
        with form.class_rate_ids.edit(1) as rate:
            rate.class_choice = "special"
        tariff = form.save()
        self.assertEqual(
            tariff.rate_ids.mapped("call_class"),
            ["lc", "special", "vc1", "vc2", "vc3", "ldi", False],
        )
        self.assertEqual(tariff.rate_ids[0].price_per_minute, 0.05)
        self.assertEqual(tariff.allowance_ids.name, "100 min")

    def test_classes_without_a_price_are_told_before_a_plan_is_saved(self):
        form = Form(self.env["saperx.tariff"])
        self.assertFalse(form._get_modifier("rate_warning", "invisible"))
        self.assertIn("LC", form.rate_warning)
        with form.class_rate_ids.edit(0) as rate:
            rate.price_per_minute = 0.05
        self.assertNotIn("LC", form.rate_warning)
        self.assertIn("LDN", form.rate_warning)
        form.name = "Residential"
        tariff = form.save()
        self.assertNotIn("LC", tariff.rate_warning)
        self.assertIn("LDN", tariff.rate_warning)

    def test_prices_are_shown_with_two_decimals_at_least(self):
        for model, names in (
            (
                "saperx.tariff.rate",
                ["price_per_minute", "connection_fee", "cost_per_minute"],
            ),
            (
                "saperx.rate.price.wizard",
                ["old_price", "price_per_minute", "connection_fee", "cost_per_minute"],
            ),
        ):
            for name, field in self.env[model].fields_get(names).items():
                with self.subTest(model=model, field=name):
                    self.assertEqual(field["min_display_digits"], 2)
                    self.assertEqual(field["digits"], (12, 6))

    def test_rates_that_are_brought_are_all_there_are(self):
        self.assertEqual(len(self.tariff.rate_ids), 2)
        self.assertEqual(self.tariff.class_rate_ids, self.tariff.rate_ids)

    def test_the_price_list_shows_what_holds_and_edits_the_rates(self):
        self.tariff.rate_ids = [
            Command.create({"prefix": "55", "price_per_minute": 1}),
            Command.create({"call_class": "lc", "date_to": "2026-11-15"}),
            Command.create({"call_class": "lc", "date_from": "2027-01-01"}),
        ]
        self.env.invalidate_all()
        shown = self.tariff.class_rate_ids
        self.assertEqual(shown.mapped("call_class"), [False, "vc1", "lc"])
        with Form(self.tariff) as form, form.class_rate_ids.edit(1) as rate:
            rate.price_per_minute = 0.6
        self.assertEqual(self.vc1_rate.price_per_minute, 0.6)

    def test_included_minutes_are_the_plain_allowance(self):
        self._make_allowance(unit="reais", quantity=50)
        self.assertEqual(self.tariff.included_minutes, 0)
        self.tariff.included_minutes = 100
        plain = self.tariff.allowance_ids.filtered(lambda a: a.unit == "minutes")
        self.assertEqual(plain.quantity, 100)
        self.tariff.included_minutes = 200
        self.assertEqual(plain.quantity, 200)
        with Form(self.tariff) as form:
            form.included_minutes = 0
        self.assertFalse(plain.exists())

    def test_minutes_that_charges_used_become_none_and_stay(self):
        plain = self._make_allowance()
        self._use_allowance(plain)
        self.tariff.included_minutes = 0
        self.assertEqual(plain.quantity, 0)

    def test_elaborate_allowances_are_summed_up_in_words(self):
        self.assertFalse(self.tariff.allowance_summary)
        self._make_allowance()
        self.assertFalse(self.tariff.allowance_summary)
        self._make_allowance(unit="reais", quantity=50)
        summary = self.tariff.allowance_summary
        self.assertIn("100 min + ", summary)
        self.assertIn("50.00", summary)
        self._make_allowance(prefixes="55")
        self.assertIn("one more allowance", self.tariff.allowance_summary)
        self._make_allowance(is_shared=True)
        self.assertIn("2 more allowances", self.tariff.allowance_summary)
        self.assertEqual(self.tariff.included_minutes, 100)

    def test_what_ended_or_begins_later_includes_nothing_now(self):
        self._make_allowance(date_to="2026-11-15")
        self._make_allowance(date_from="2026-11-17")
        self.assertEqual(self.tariff.included_minutes, 0)
        self.assertFalse(self.tariff.allowance_summary)

    def test_a_free_service_needs_no_price(self):
        self.tariff.rate_ids = [
            Command.create({"prefix": prefix, "call_class": call_class})
            for prefix, call_class in (
                ("0800", False),
                ("08001", "free"),
                ("190", "lc"),
            )
        ]
        self.assertFalse(self.tariff.rate_warning)
        self.tariff.rate_ids = [Command.create({"prefix": "4004"})]
        self.assertIn("cost nothing: 4004.", self.tariff.rate_warning)

    def test_a_rate_with_a_prefix_says_that_it_takes_any_class_of_it(self):
        form = Form(self.tariff)
        with form.rate_ids.new() as rate:
            self.assertEqual(rate.class_choice, "any")
            rate.class_choice = "ldi"
            rate.prefix = "1"
            self.assertEqual(rate.class_choice, "ldi")
            rate.class_choice = "any"
            self.assertEqual(rate.class_choice, "any_of_prefix")
        with form.rate_ids.new() as rate:
            rate.class_choice = "vc2"
            rate.prefix = "55"
        form.save()
        self.assertEqual(
            [(rate.prefix, rate.call_class) for rate in self.tariff.rate_ids[-2:]],
            [("1", False), ("55", "vc2")],
        )

    def test_mistakes_are_told_and_do_not_stop_saving(self):
        self.assertFalse(self.tariff.rate_warning)
        self.tariff.rate_ids = [
            Command.create({"call_class": "vc1", "date_from": "2027-01-01"})
        ]
        self.assertIn("hold on the same days", self.tariff.rate_warning)
        self.assertIn("cost nothing", self.tariff.rate_warning)
        self.vc1_rate.date_to = "2026-12-31"
        self.assertNotIn("hold on the same days", self.tariff.rate_warning)
        self.default_rate.unlink()
        self.assertIn("all other calls", self.tariff.rate_warning)
        self.tariff.amount_source = "platform"
        self.assertFalse(self.tariff.rate_warning)

    def test_a_copy_has_what_holds_and_is_nobodys(self):
        self._charge_rate(self.vc1_rate)
        self.tariff.rate_ids = [
            Command.create({"prefix": "1", "date_to": "2026-11-15"}),
            Command.create({"prefix": "2", "date_from": "2027-01-01"}),
        ]
        lc = self.env.ref("saperx_voip.call_class_lc")
        self._make_allowance(class_ids=lc.ids, carries_over=True)
        self._make_allowance(date_to="2026-11-15")
        copy = self.tariff.copy()
        self.assertEqual(copy.name, "Excess (copy)")
        self.assertEqual(copy.rate_ids.mapped("prefix"), [False, False, "2"])
        self.assertEqual(copy.rate_ids[1].price_per_minute, 0.5)
        self.assertFalse(any(copy.rate_ids.mapped("is_charged")))
        self.assertEqual(copy.allowance_ids.class_ids, lc)
        self.assertTrue(copy.allowance_ids.carries_over)
        self.assertEqual(copy.line_count, 0)
        copy.unlink()


class TestAllowance(TariffCase):
    def test_only_whole_seconds_and_nothing_below_zero(self):
        self.assertEqual(self._make_allowance(quantity=0.05)._get_parts(), 3)
        with self._refused(ValidationError, "33.33 minutes"):
            self._make_allowance(quantity=33.33)
        with self._refused(ValidationError, "0.01 minutes"):
            self._make_allowance(quantity=0.01)
        self.assertEqual(
            self._make_allowance(unit="reais", quantity=0.01)._get_parts(), 1
        )

    def test_prefixes_are_digits_between_commas(self):
        allowance = self._make_allowance(prefixes="5511, 55 ")
        self.assertEqual(allowance._get_rating_allowance().prefixes, ("5511", "55"))
        for text in ("55;11", "55,,11", "+55", "5a", "٣", ","):
            with self._refused(ValidationError, "digits only"):
                self._make_allowance(prefixes=text)

    def test_classes_are_those_of_the_core(self):
        classes = self.env["saperx.call.class"].search([])
        allowance = self._make_allowance(class_ids=classes.ids)
        selection = dict(self.env["saperx.cdr"]._fields["call_class"].selection)
        self.assertEqual(
            allowance._get_rating_allowance().call_classes, frozenset(selection)
        )

    def test_minutes_typed_before_the_platform_was_chosen_are_not_meant(self):
        form = Form(self.env["saperx.tariff"])
        form.name = "Platform"
        form.included_minutes = 100
        form.amount_source = "platform"
        self.assertFalse(form.save().allowance_ids)

    def test_more_than_charges_can_keep_twice_is_refused(self):
        for unit, most, too_much in (
            ("minutes", 17_895_697, 17_895_698),
            ("reais", 10_737_418.23, 10_737_418.24),
        ):
            self._make_allowance(unit=unit, quantity=most)
            with self._refused(ValidationError, "too large"):
                self._make_allowance(unit=unit, quantity=too_much)
        with self._refused(ValidationError, "at most 17895697 min 3 s"):
            self.tariff.included_minutes = 99_999_999

    def test_a_plan_of_platform_amounts_has_no_minutes(self):
        self._make_allowance()
        with self._refused(ValidationError, "reais"):
            self.tariff.amount_source = "platform"
        with self._refused(ValidationError, "reais"):
            self.env["saperx.tariff"].create(
                {
                    "name": "Platform",
                    "amount_source": "platform",
                    "allowance_ids": [
                        Command.create({"unit": "minutes", "quantity": 1})
                    ],
                }
            )
        platform = self.env["saperx.tariff"].create(
            {
                "name": "Platform",
                "amount_source": "platform",
                "allowance_ids": [Command.create({"quantity": 1})],
            }
        )
        self.assertEqual(platform.allowance_ids.unit, "reais")
        with self._refused(ValidationError, "no allowance in minutes"):
            platform.included_minutes = 100
            platform.flush_recordset()
        with self._refused(ValidationError, "reais"):
            platform.allowance_ids.unit = "minutes"

    def test_sharing_asks_for_one_closing_day(self):
        other = self._make_line(self.contract, "555433334445", closing_day=10)
        with self._refused(ValidationError, "3333-4445"):
            self._make_allowance(is_shared=True)
        other.closing_day = 31
        allowance = self._make_allowance(is_shared=True)
        with self._refused(ValidationError, "3333-4444"):
            other.closing_day = 5
        allowance.is_shared = False
        other.closing_day = 5
        with self._refused(ValidationError, "closing day"):
            allowance.is_shared = True

    def test_cancelled_lines_and_other_contracts_may_close_when_they_like(self):
        self._make_allowance(is_shared=True)
        other = self._make_line(self.contract, "555433334445")
        other.action_cancel()
        self.line.closing_day = 5
        stranger = self._make_contract(self.partner)
        self._make_line(stranger, "555433334446", closing_day=20)
        with self._refused(ValidationError, "closing day"):
            self._make_line(self.contract, "555433334447", closing_day=20)

    def test_what_charges_drew_on_stays_what_it_was(self):
        lc = self.env.ref("saperx_voip.call_class_lc")
        allowance = self._make_allowance(class_ids=lc.ids)
        self.assertFalse(allowance.is_used)
        self._use_allowance(allowance)
        allowance.invalidate_recordset()
        self.assertTrue(allowance.is_used)
        for values in (
            {"unit": "reais"},
            {"prefixes": "55"},
            {"is_shared": True},
            {"class_ids": [Command.clear()]},
            {"class_ids": [Command.link(lc.id + 1)]},
            {"tariff_id": self.tariff.copy().id},
        ):
            with self._refused(UserError, "stay as they are"):
                allowance.write(values)
        allowance.write(
            {
                "unit": "minutes",
                "class_ids": [Command.set(lc.ids)],
                "quantity": 50,
                "date_to": "2026-12-31",
            }
        )
        with self._refused(UserError, "cannot be deleted"):
            allowance.unlink()


class TestRate(TariffCase):
    def test_what_a_rate_said_to_charged_calls_is_kept(self):
        self._import(self._make_call(1, callee=MOBILE_SAME_DDD))
        first = self._charge()
        for price in (0.6, 0.7):
            self.vc1_rate.price_per_minute = price
        self.vc1_rate.prefix = "55"
        self._import(self._make_call(2, callee=MOBILE_SAME_DDD))
        self.env["saperx.cdr"]._reassess([("remote_id", "=", "2")])
        self.env["saperx.recalculation"].search([]).state = "done"
        second = self._charge()
        self.vc1_rate.step_seconds = 1
        at_first, at_second = map(self.vc1_rate._get_charged_rate, (first, second))
        self.assertEqual(at_first.price_per_minute, Decimal("0.5"))
        self.assertEqual(at_first.prefix, "")
        self.assertEqual(at_second.price_per_minute, Decimal("0.7"))
        self.assertEqual((at_second.prefix, at_second.step_seconds), ("55", 6))
        self.assertEqual(self.vc1_rate._get_rating_rate().step_seconds, 1)

    def test_a_rate_of_charged_calls_is_neither_deleted_nor_moved(self):
        self._charge_rate(self.vc1_rate)
        with self._refused(UserError, "cannot be deleted"):
            self.vc1_rate.unlink()
        with self._refused(UserError, "stays in its billing plan"):
            self.vc1_rate.tariff_id = self.tariff.copy()

    def test_nobody_rewrites_what_charged_calls_are_explained_by(self):
        self._import(self._make_call(1))
        charge = self._charge()
        self.default_rate.price_per_minute = 0.2
        rate = self.default_rate.with_user(self._make_user("billing"))
        with self._refused(UserError, "nobody writes it"):
            rate.former_prices = []
        with self._refused(UserError, "nobody writes it"):
            rate.copy({"former_prices": [{}]})
        then = self.default_rate._get_charged_rate(charge)
        self.assertEqual(then.price_per_minute, Decimal("0.12"))
        # Another change keeps what was kept.
        rate.price_per_minute = 0.3
        then = self.default_rate._get_charged_rate(charge)
        self.assertEqual(then.price_per_minute, Decimal("0.12"))

    def test_a_plan_that_lines_had_stays_in_their_company(self):
        """Who explains their calls must be able to read it, and nobody else price
        them."""
        other = self.env["res.company"].create({"name": "Other"})
        self.line.state = "cancelled"
        with self._refused(ValidationError, "stays in their company"):
            self.tariff.company_id = other
        copy = self.tariff.copy()
        copy.company_id = other
        self.assertEqual(copy.rate_ids.company_id, other)

    def test_the_amount_source_of_charged_calls_stays(self):
        self._import(self._make_call(1))
        self._charge()
        with self._refused(UserError, "Copy the plan"):
            self.tariff.amount_source = "platform"
        self.tariff.write({"amount_source": "own", "name": "Other"})

    def test_a_rate_of_unbilled_calls_is_not_deleted(self):
        self._import(self._make_call(1))
        self.assertEqual(self._get_call(1).rate_id, self.default_rate)
        # Also once the line has another plan.
        self.line.tariff_id = self.tariff.copy()
        with self._refused(UserError, "cannot be deleted"):
            self.default_rate.unlink()
        self.vc1_rate.unlink()

    def test_a_new_price_from_a_date(self):
        self._charge_rate(self.vc1_rate)
        action = self.vc1_rate.action_new_price()
        form = Form(
            self.env["saperx.rate.price.wizard"].with_context(**action["context"])
        )
        self.assertEqual(form.old_price, 0.5)
        self.assertEqual(form.price_per_minute, 0.5)
        self.assertEqual(form.date_from, date(2026, 12, 1))
        form.price_per_minute = 0.55
        form.save().action_apply()
        new = self.tariff.rate_ids - self.vc1_rate - self.default_rate
        self.assertEqual(self.vc1_rate.date_to, date(2026, 11, 30))
        self.assertEqual(
            (new.call_class, new.price_per_minute, new.date_from, new.is_charged),
            ("vc1", 0.55, date(2026, 12, 1), False),
        )
        self.assertFalse(self.tariff.rate_warning)

    def test_a_new_price_keeps_the_end_and_comes_after_the_beginning(self):
        self.vc1_rate.write({"date_from": "2026-01-01", "date_to": "2026-12-31"})
        wizard = self.env["saperx.rate.price.wizard"].create(
            {"rate_id": self.vc1_rate.id, "date_from": "2026-01-01"}
        )
        with self._refused(UserError, "later day"):
            wizard.action_apply()
        wizard.date_from = "2027-01-02"
        with self._refused(UserError, "ends on"):
            wizard.action_apply()
        wizard.date_from = "2026-06-01"
        wizard.action_apply()
        new = self.tariff.rate_ids - self.vc1_rate - self.default_rate
        self.assertEqual(new.date_to, date(2026, 12, 31))
        self.assertEqual(self.vc1_rate.date_to, date(2026, 5, 31))

    def test_the_margin_is_of_the_price(self):
        self.vc1_rate.cost_per_minute = 0.2
        self.assertAlmostEqual(self.vc1_rate.margin, 60)
        self.assertEqual(self.default_rate.margin, 0)

    def test_whoever_rates_calls_again_is_told_of_what_matters(self):
        told = []
        with patch.object(
            self.env.registry["saperx.tariff"],
            "_rates_changed",
            lambda tariffs: told.append(tariffs),
        ):
            allowance = self._make_allowance()
            rate = self.vc1_rate.copy()
            for change in (
                lambda: rate.write({"price_per_minute": 1}),
                lambda: rate.write({"date_to": "2026-12-31"}),
                lambda: rate.write({"sequence": 1}),
                lambda: rate.unlink(),
                lambda: allowance.write({"quantity": 1}),
                lambda: allowance.unlink(),
                lambda: self.tariff.write({"amount_source": "platform"}),
            ):
                told.clear()
                change()
                self.assertEqual(told, [self.tariff])
            told.clear()
            self.vc1_rate.cost_per_minute = 0.1
            self.tariff.name = "Other"
            self.assertFalse(told)


class TestTariffRoles(TariffCase):
    def test_billing_makes_and_changes_plans(self):
        billing = self._make_user("billing")
        tariff = self.env["saperx.tariff"].with_user(billing).create({"name": "Mine"})
        tariff.included_minutes = 50
        tariff.rate_ids[0].cost_per_minute = 0.01
        tariff.copy()
        self._charge_rate(tariff.rate_ids[0])
        for change in (
            lambda: tariff.rate_ids[0].write({"is_charged": False}),
            lambda: tariff.write({"rate_ids": [Command.create({"is_charged": True})]}),
        ):
            with self._refused(UserError, "told by charging"):
                change()
        self.env["saperx.rate.price.wizard"].with_user(billing).create(
            {"rate_id": tariff.rate_ids[0].id}
        ).action_apply()
        self.env.invalidate_all()
        Form(tariff)

    def test_users_and_technicians_read_plans_without_costs(self):
        self.vc1_rate.cost_per_minute = 0.2
        self._make_allowance(class_ids=self.env.ref("saperx_voip.call_class_lc").ids)
        for role in ("user", "technician"):
            tariff = self.tariff.with_user(self._make_user(role))
            self.env.invalidate_all()
            self.assertTrue(tariff.read(["rate_warning", "allowance_summary"]))
            self.assertTrue(tariff.allowance_ids.class_ids.name)
            self.assertNotIn("cost_per_minute", tariff.rate_ids.read()[0])
            self.assertNotIn("margin", tariff.rate_ids.read()[0])
            for change in (
                lambda tariff=tariff: tariff.write({"included_minutes": 7}),
                lambda tariff=tariff: tariff.rate_ids.write({"sequence": 1}),
                lambda tariff=tariff: tariff.rate_ids[0].read(["cost_per_minute"]),
                lambda tariff=tariff: tariff.env["saperx.rate.price.wizard"].create(
                    {"rate_id": tariff.rate_ids[0].id}
                ),
                lambda tariff=tariff: tariff.env["saperx.call.class"].create(
                    {"code": "x", "name": "x"}
                ),
            ):
                with self.assertRaises(AccessError):
                    change()

    def test_not_even_a_manager_makes_classes(self):
        call_class = self.env.ref("saperx_voip.call_class_lc")
        with self.assertRaises(AccessError):
            call_class.with_user(self._make_user("manager")).name = "x"
