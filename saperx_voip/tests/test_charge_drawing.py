# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter
from contextlib import closing, contextmanager
from random import Random
from unittest.mock import patch

from .common import FIXED_OTHER_DDD, MOBILE_SAME_DDD, NUMBER, SaperxCase

OTHER_NUMBER = "555433334445"
STRANGER = "555433334446"
HISTORIES = 10


class TestChargeDrawing(SaperxCase):
    """Charges take what calls drew beforehand where they would draw the same again,
    and let them draw one by one elsewhere: to the same end."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_line = cls._make_line(cls.contract, OTHER_NUMBER)
        stranger = cls._make_contract(cls.partner_b)
        cls.stranger = cls._make_line(stranger, STRANGER)
        cls.charge_type = type(cls.env["saperx.charge"])

    def _give(self, quantity, **values):
        return self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "quantity": quantity, **values}
        )

    def _import_drawn(self, *calls):
        """As a run does that comes to its end."""
        self._import(*calls)
        self._draw()

    def _draw(self):
        lines = self.line | self.other_line | self.stranger
        self.env["saperx.cdr"]._draw_allowances(lines.ids)

    def _skip_recalculation(self):
        """As if it had come to its end without a word to the allowances: until then
        nothing is charged."""
        self.env["saperx.recalculation"].search([]).state = "done"

    @contextmanager
    def _watching(self):
        """:return: a list that the charges come into whose calls drew one by one"""
        seen = []
        draw = self.charge_type._draw_calls

        def watch(charges, ledger, rates):
            seen.extend(charges)
            return draw(charges, ledger, rates)

        with patch.object(self.charge_type, "_draw_calls", watch):
            yield seen

    @contextmanager
    def _doubting_all(self):
        def doubt(charges, *_ledger_rates_sums):
            return Counter(), set(charges.contract_id.ids)

        with patch.object(self.charge_type, "_take_drawn", doubt):
            yield

    def _charge_and_tell(self):
        """:return: all that stands of calls and charges afterwards"""
        self.env["saperx.charge"]._generate()
        self.env.flush_all()
        statements = (
            """
            SELECT call.remote_id, call.state, charge.period_id, charge.cycle_end,
                   charge.is_aged, coalesce(call.charged_seconds, 0),
                   coalesce(call.covered_seconds, 0), coalesce(call.covered_amount, 0),
                   coalesce(call.charged_amount, 0), call.allowance_uses::text
            FROM saperx_cdr AS call LEFT JOIN saperx_charge AS charge
              ON charge.id = call.charge_id
            ORDER BY call.remote_id
            """,
            """
            SELECT charge.state, charge.period_id, charge.cycle_end, charge.is_aged,
                   charge.covered_amount, charge.amount, allowance_id, stretch_id,
                   used.company_id, own_quantity, carried_quantity, used_quantity,
                   carried_away
            FROM saperx_charge AS charge LEFT JOIN saperx_charge_allowance AS used
              ON used.charge_id = charge.id
            ORDER BY charge.id, allowance_id
            """,
            """
            SELECT charge.period_id, charge.cycle_end, charge.is_aged, item.call_class,
                   item.call_count, item.covered_amount, item.amount
            FROM saperx_charge AS charge JOIN saperx_charge_class AS item
              ON item.charge_id = charge.id
            ORDER BY charge.id, item.call_class
            """,
        )
        told = []
        for statement in statements:
            self.env.cr.execute(statement)
            told.append(self.env.cr.fetchall())
        return told

    def _compare(self):
        """Charge both ways.

        :return: how many charges there are of calls that drew one by one, and of others
        """
        with closing(self.env.cr.savepoint()), self._doubting_all():
            one_by_one = self._charge_and_tell()
        self.env.invalidate_all()
        before = self.env["saperx.charge"].search([])
        with self._watching() as drawn:
            by_sums = self._charge_and_tell()
        made = self.env["saperx.charge"].search([]) - before
        for one, other in zip(one_by_one, by_sums, strict=True):
            self.assertEqual(one, other)
        return Counter(one_by_one=len(drawn), by_sums=len(made) - len(drawn))

    # Random histories

    def _make_some_calls(self, random, first):
        for number in range(first, first + random.randint(1, 14)):
            yield self._make_call(
                number,
                start=f"2026-{random.choice(('08', '09', '10'))}-"
                f"{random.randint(1, 30):02} {random.randint(3, 23):02}:"
                f"{random.randint(0, 59):02}:00",
                caller=random.choice((NUMBER, NUMBER, OTHER_NUMBER, STRANGER)),
                callee=random.choice(
                    (FIXED_OTHER_DDD, FIXED_OTHER_DDD, MOBILE_SAME_DDD, "190")
                ),
                talk_seconds=random.choice((2, 30, 60, random.randint(1, 300))),
            )

    def _give_some(self, random):
        unit = random.choice(("minutes", "minutes", "reais"))
        values = {}
        if random.random() < 0.3:
            code = random.choice(("vc1", "ldn"))
            values["class_ids"] = (
                self.env["saperx.call.class"].search([("code", "=", code)]).ids
            )
        if random.random() < 0.15:
            values["prefixes"] = "5511"
        if random.random() < 0.15:
            values["date_from"] = f"2026-09-{random.randint(1, 30):02}"
        self._give(
            random.choice((0, 1, 3, 10)) if unit == "minutes" else random.random() * 2,
            unit=unit,
            is_shared=random.random() < 0.3,
            carries_over=random.random() < 0.5,
            is_pro_rata=random.random() < 0.3,
            **values,
        )

    def _change_something(self, random):
        """What happens between an import and a charge, mostly without drawing anew."""
        what = random.choice(
            ("nothing", "nothing", "quantity", "carry", "use", "cancel", "row", "price")
        )
        allowances = self.tariff.allowance_ids
        if what == "quantity":
            allowances[:1].quantity = random.choice((1, 2, 5))
        elif what == "carry":
            allowances[:1].carries_over = not allowances[:1].carries_over
        elif what == "use":
            self.line.in_use_since = f"2026-{random.choice((8, 9)):02}-20"
        elif what == "cancel":
            charges = self.env["saperx.charge"].search([("state", "=", "confirmed")])
            charges[: random.randint(0, 2)].action_cancel()
        elif what == "price":
            self.env.cr.execute(
                "UPDATE saperx_tariff_rate SET price_per_minute = 0.18 WHERE tariff_id"
                " = %s",
                self.tariff.ids,
            )
            self.env.invalidate_all()
        elif what == "row":
            # Of a process that died, or of two.
            change = random.choice(
                (
                    "covered_seconds = 0, covered_amount = 0, allowance_uses = NULL,"
                    " charged_amount = gross_amount",
                    "covered_seconds = covered_seconds + 1",
                    "charged_amount = charged_amount + 0.01",
                    "allowance_uses = NULL",
                    "covered_amount = 0",
                )
            )
            self.env.cr.execute(
                f"UPDATE saperx_cdr SET {change}"
                " WHERE state = 'unbilled' AND mod(id, 3) = %s",
                [random.randrange(3)],
            )
            self.env.invalidate_all()

    def test_random_histories_come_to_the_same_as_drawing_one_by_one(self):
        seen = Counter()
        for seed in range(HISTORIES):
            random = Random(f"charge {seed}")
            with self.subTest(seed=seed), closing(self.env.cr.savepoint()):
                for _number in range(random.choice((1, 1, 1, 2, 3))):
                    self._give_some(random)
                for step in range(3):
                    self._import(*self._make_some_calls(random, 100 * step))
                    if random.random() < 0.8:
                        self._draw()
                    self._change_something(random)
                    self._skip_recalculation()
                    seen += self._compare()
            self.env.invalidate_all()
        # Neither way is left out.
        self.assertGreater(seen["by_sums"], 20)
        self.assertGreater(seen["one_by_one"], 20)

    # What is taken as it is stored

    def _assert_taken(self):
        seen = self._compare()
        self.assertTrue(seen["by_sums"])
        self.assertFalse(seen["one_by_one"])

    def _assert_drawn_anew(self):
        self.assertTrue(self._compare()["one_by_one"])

    def _make_month(self, month="10", first=1, caller=NUMBER):
        return [
            self._make_call(
                first + n, start=f"2026-{month}-1{n} 12:00:00", caller=caller
            )
            for n in range(4)
        ]

    def test_what_an_import_drew_is_taken(self):
        self._give(2.5)
        self._import_drawn(*self._make_month())
        self._assert_taken()
        charge = self.env["saperx.charge"].search([])
        self.assertEqual(charge.amount, 0.18)
        self.assertEqual(charge.allowance_ids.used_quantity, 150)

    def test_reais_too(self):
        self._give(0.20, unit="reais")
        self._import_drawn(*self._make_month())
        self._assert_taken()
        self.assertEqual(self.env["saperx.charge"].search([]).amount, 0.28)

    def test_two_cycles_of_which_one_leaves_to_the_other(self):
        self._give(3, carries_over=True)
        self._import_drawn(
            *self._make_month("09")[:2], *self._make_month("10", first=11)
        )
        self._assert_taken()
        charges = self.env["saperx.charge"].search([], order="cycle_end")
        self.assertEqual(charges.mapped("amount"), [0, 0])
        self.assertEqual(charges.allowance_ids.mapped("carried_away"), [60, 0])

    def test_lines_that_share(self):
        self._give(5, is_shared=True)
        self._import_drawn(
            *self._make_month(), *self._make_month(first=11, caller=OTHER_NUMBER)[:2]
        )
        self._assert_taken()

    def test_late_calls_that_were_drawn_again(self):
        self._give(5)
        self._import_drawn(*self._make_month())
        self._charge()
        self._import_drawn(*self._make_month(first=11)[:2])
        self._assert_taken()
        charges = self.env["saperx.charge"].search([])
        self.assertEqual(sum(charges.mapped("amount")), 0.12)

    # What is not

    def test_a_run_that_died_before_it_drew(self):
        self._give(2.5)
        self._import(*self._make_month())
        self._assert_drawn_anew()

    def test_a_call_that_came_since(self):
        self._give(2.5)
        self._import_drawn(*self._make_month()[1:])
        self._import(*self._make_month()[:1])
        self._assert_drawn_anew()

    def test_a_cycle_before_that_left_less_than_it_seemed(self):
        self._give(3, carries_over=True)
        self._import_drawn(*self._make_month("10", first=11))
        self._import(*self._make_month("09"))
        self._assert_drawn_anew()

    def test_a_sharer_whose_calls_came_since(self):
        self._give(2.5, is_shared=True)
        self._import_drawn(*self._make_month())
        self._import(*self._make_month(first=11, caller=OTHER_NUMBER))
        self._assert_drawn_anew()

    def test_a_charge_that_was_cancelled_gives_back(self):
        self._give(2.5)
        self._import_drawn(*self._make_month()[:2])
        charge = self._charge()
        self._import_drawn(*self._make_month()[2:])
        charge.action_cancel()
        self._compare()
        self.assertEqual(self._get_call(3).covered_seconds, 30)
        self.assertEqual(self._get_call(4).covered_seconds, 0)

    def test_an_allowance_of_another_quantity(self):
        allowance = self._give(2.5)
        self._import_drawn(*self._make_month())
        allowance.quantity = 3
        self._skip_recalculation()
        self._assert_drawn_anew()

    def test_an_allowance_that_was_taken_away(self):
        allowance = self._give(2.5)
        self._import_drawn(*self._make_month())
        self._give(0)
        allowance.unlink()
        self._skip_recalculation()
        self._assert_drawn_anew()

    def test_a_day_from_which_on_the_line_is_in_use(self):
        self._give(2.5, is_pro_rata=True)
        self._import_drawn(*self._make_month())
        self.line.in_use_since = "2026-10-11"
        self._assert_drawn_anew()

    def test_prices_that_changed_under_a_call_that_is_covered_in_part(self):
        self._give(2.5)
        self._import_drawn(*self._make_month())
        self.env.cr.execute("UPDATE saperx_tariff_rate SET price_per_minute = 0.18")
        self.env.invalidate_all()
        self._assert_drawn_anew()

    def test_calls_that_begin_together_where_the_allowance_ends(self):
        self._give(1)
        self._import_drawn(self._make_call(9), self._make_call(10))
        self._assert_drawn_anew()

    def test_two_allowances_for_one_call(self):
        self._give(1)
        self._give(2)
        self._import_drawn(*self._make_month())
        self._assert_drawn_anew()

    def test_only_the_contract_in_doubt_is_drawn_anew(self):
        self._give(2.5)
        self._import_drawn(
            *self._make_month(), *self._make_month(first=11, caller=STRANGER)
        )
        self.env.cr.execute(
            "UPDATE saperx_cdr SET covered_seconds = 1 WHERE remote_id = '1'"
        )
        self.env.invalidate_all()
        with self._watching() as drawn:
            self._charge()
        self.assertEqual([charge.line_id for charge in drawn], [self.line])
        self.assertEqual(self._get_call(1).covered_seconds, 60)

    def test_each_column_must_agree_with_the_others(self):
        self._give(2.5)
        self._give(0.70, unit="reais").class_ids = self.env["saperx.call.class"].search(
            [("code", "=", "vc1")]
        )
        self.tariff.allowance_ids[0].class_ids = self.env["saperx.call.class"].search(
            [("code", "=", "ldn")]
        )
        mobile = [
            self._make_call(n, start=f"2026-10-{n} 12:00:00", callee=MOBILE_SAME_DDD)
            for n in (11, 12)
        ]
        self._import_drawn(*self._make_month(), *mobile)
        foreign = self.env["saperx.tariff"].create(
            {"name": "Other", "rate_ids": [(0, 0, {"price_per_minute": 0.12})]}
        )
        spoilt = (
            "covered_seconds = covered_seconds + 1",
            "covered_seconds = covered_seconds - 1",
            "covered_amount = covered_amount + 0.01",
            "charged_amount = charged_amount + 0.01",
            "covered_amount = covered_amount + 0.01,"
            " charged_amount = charged_amount - 0.01",
            "allowance_uses = NULL",
            "allowance_uses = '{}'",
            "allowance_uses = 'null'",
            """allowance_uses = '{"999999": 60}'""",
            """allowance_uses = coalesce(allowance_uses, '{}') || '{"999999": 1}'""",
            "gross_amount = gross_amount + 0.01",
            "gross_amount = gross_amount + 0.001,"
            " charged_amount = charged_amount + 0.001",
            f"rate_id = {foreign.rate_ids.id}",
        )
        # Covered in full, in part and not at all, in minutes and in reais.
        for remote_id in ("1", "3", "4", "11", "12"):
            for change in spoilt:
                if "NULL" in change and remote_id == "4":
                    continue
                with (
                    self.subTest(remote_id=remote_id, change=change),
                    closing(self.env.cr.savepoint()),
                ):
                    self.env.cr.execute(
                        f"UPDATE saperx_cdr SET {change} WHERE remote_id = %s",
                        [remote_id],
                    )
                    self.env.invalidate_all()
                    with self._watching() as drawn:
                        self._charge()
                    self.assertTrue(drawn)
                self.env.invalidate_all()
        self._assert_taken()
