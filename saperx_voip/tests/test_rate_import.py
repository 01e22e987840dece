# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
import time

from freezegun import freeze_time
from lxml import html

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from .test_tariff import TariffCase

# Than the day of all tests.
LATER = "2026-11-17 15:00:00"


class TestRateImport(TariffCase):
    def _make_wizard(self, content, tariff=None, **values):
        if isinstance(content, str):
            content = content.encode()
        return self.env["saperx.rate.import.wizard"].create(
            {
                "tariff_id": (tariff or self.tariff).id,
                "file": base64.b64encode(content),
                **values,
            }
        )

    def _export(self, tariff, **values):
        wizard = self.env["saperx.rate.export.wizard"].create(
            {"tariff_id": tariff.id, **values}
        )
        action = wizard.action_export()
        self.assertIn(f"/{wizard.id}/file", action["url"])
        return base64.b64decode(wizard.file)

    def _values(self, tariff):
        return [rate._get_file_values() for rate in tariff.rate_ids]

    def _rows(self, table):
        """The cells of a table of the preview, without its titles."""
        rows = html.fromstring(str(table)).xpath("//tbody/tr")
        return [
            [cell.text_content().replace("\xa0", " ") for cell in row] for row in rows
        ]

    def test_a_file_is_shown_before_it_is_written(self):
        form = Form(
            self.env["saperx.rate.import.wizard"].with_context(
                default_tariff_id=self.tariff.id
            )
        )
        self.assertFalse(form.is_ready)
        form.file = base64.b64encode(
            b"classe;prefixo;tarifa;custo;Operadora\n"
            b";;0,12;;X\nVC1;;0,45;0,2;X\nLDI;1;1,5;;X\n"
        )
        self.assertEqual(form.summary, "1 new rate · 1 changed rate · 1 unchanged rate")
        self.assertEqual(
            self._rows(form.change_table),
            [
                ["", "VC1: mobile, same area code", "$ 0.50 → $ 0.45", "",
                 "Price/min, Cost/min"],
                ["1", "LDI: international", "$ 1.50", "", "New rate"],
            ],
        )  # fmt: skip
        self.assertIn("Semicolon", form.recognised)
        self.assertIn("Comma", form.recognised)
        self.assertIn("Operadora", form.notes)
        self.assertTrue(form.is_ready)
        wizard = form.save()
        self.assertEqual(len(self.tariff.rate_ids), 2)
        action = wizard.action_import()
        self.assertEqual(
            action["params"]["message"], "Imported: 1 new rate · 1 changed rate."
        )
        rates = self.tariff.rate_ids
        self.assertEqual(rates.mapped("price_per_minute"), [0.12, 0.45, 1.5])
        self.assertEqual(rates.mapped("cost_per_minute"), [0, 0.2, 0])
        self.assertEqual(rates[2].prefix, "1")

    def test_errors_are_shown_by_line_and_nothing_is_written(self):
        wizard = self._make_wizard(
            "class;prefix;price\nLC;;0,05\nVC9;<b>;=1\nLC;;0,06\n"
        )
        self.assertEqual(wizard.problem_count, 4)
        self.assertFalse(wizard.is_ready)
        # Nothing will happen, and nothing is said to.
        self.assertFalse(wizard.summary)
        self.assertFalse(wizard.change_table)
        table = str(wizard.problem_table)
        for text in (
            "Unknown class", "VC9", "digits only", "A formula",
            "Lines 2 and 4 hold the same rate",
        ):  # fmt: skip
            self.assertIn(text, table)
        self.assertNotIn("<b>", table)
        self.assertIn("&lt;b&gt;", table)
        with self._refused(UserError, "nothing was imported"):
            wizard.action_import()
        self.assertEqual(len(self.tariff.rate_ids), 2)

    def test_every_problem_has_words(self):
        wizard = self._make_wizard("price\n1\n")
        texts = wizard._get_problem_texts()
        for content, code in (
            ("price;step\n1;0\n", "step_zero"),
            ("price;valid from\n1;x\n", "not_a_date"),
            ("price;prefix\n1;5,5E+12\n", "scientific"),
            ("price\nx\n", "not_a_number"),
            ("price\n-1\n", "negative"),
            ("price\n0,1234567\n", "too_many_decimals"),
            ("price;minimum\n1;1,5\n", "not_whole"),
            ("price;class\n;LC\n", "price_missing"),
        ):
            table = self._make_wizard(content, decimal_symbol=",").problem_table
            for text in texts[code]:
                self.assertIn(text, str(table).replace("&#39;", "'"))

    def test_a_price_that_may_be_another_waits_for_an_answer(self):
        form = Form(
            self.env["saperx.rate.import.wizard"].with_context(
                default_tariff_id=self.tariff.id
            )
        )
        asked = base64.b64encode(b"class;price\nLC;0,09\nLDI;1.500\n")
        form.file = base64.b64encode(b"class;price\nLC;0,09\n")
        self.assertTrue(form._get_modifier("three_digits", "invisible"))
        form.file = asked
        self.assertFalse(form._get_modifier("three_digits", "invisible"))
        self.assertFalse(form.is_ready)
        words = "Line 3: 1.500 may be $ 1,500.00 or $ 1.50."
        self.assertIn(words, form.question.replace("\xa0", " "))
        self.assertEqual(
            self._rows(form.problem_table),
            [["3", "Price/min", "1.500", "May be $ 1,500.00 or $ 1.50",
              "Say above which is meant."]],
        )  # fmt: skip
        form.three_digits = "thousands"
        self.assertIn("1,500.00", form.price_warning)
        form.three_digits = "decimal"
        self.assertTrue(form.is_ready)
        self.assertFalse(form.price_warning)
        # The next file is asked about anew.
        form.file = base64.b64encode(b"class;price\nLC;0,09\nLDI;1.501\n")
        self.assertFalse(form.is_ready)
        wizard = form.save()
        with self._refused(UserError, "nothing was imported"):
            wizard.action_import()
        form.file = asked
        form.three_digits = "decimal"
        form.save().action_import()
        self.assertEqual(self.tariff.rate_ids[-1].price_per_minute, 1.5)

    def test_a_file_of_no_bytes_is_told(self):
        self.assertFalse(self._make_wizard("").error)
        # As the web client has it: a name, and nothing else.
        wizard = self._make_wizard("", filename="rates.csv")
        self.assertFalse(wizard.file)
        self.assertEqual(wizard.error, "The file is empty.")
        self.assertFalse(wizard.is_ready)
        with self._refused(UserError, "is empty"):
            wizard.action_import()

    def test_a_long_file_shows_its_first_changes(self):
        lines = [f"55{number:02};LC;0,05" for number in range(25)]
        wizard = self._make_wizard("\n".join(["prefix;class;price", *lines]))
        self.assertEqual(wizard.summary, "25 new rates")
        self.assertEqual(len(self._rows(wizard.change_table)), 20)
        self.assertIn("And 5 more.", wizard.change_table)

    def test_what_is_no_rate_file_is_explained(self):
        for content, words in (
            ("a;b\n1;2\n", "No headings"),
            (b"PK\x03\x04", "cannot be opened"),
            (b"\xd0\xcf\x11\xe0\0", "old Excel"),
            (b"\0\1\2", "neither CSV nor XLSX"),
            ("price\n", "no rate"),
            ("price;tarifa\n1;1\n", "mean the same"),
            ('price\n"1\n', "quotation mark"),
            ("price\n" + "1\n" * 50_001, "more than 50000 rates"),
            ("price\n1,234\n", "1,234"),
            (" \n", "The file is empty"),
        ):
            wizard = self._make_wizard(content)
            self.assertIn(words, wizard.error or "")
            self.assertFalse(wizard.is_ready)
            with self._refused(UserError, words):
                wizard.action_import()

    def test_an_unclear_decimal_symbol_is_chosen_by_the_user(self):
        wizard = self._make_wizard("class;price\nLC;1,234\n")
        self.assertIn("choose it", wizard.error)
        wizard.decimal_symbol = ","
        self.assertFalse(wizard.error)
        wizard.action_import()
        self.assertEqual(self.tariff.rate_ids[-1].price_per_minute, 1.234)

    def test_new_prices_from_a_date(self):
        default, vc1 = self.tariff.rate_ids
        self.env.cr.execute("UPDATE saperx_tariff_rate SET is_charged = TRUE")
        self.env.invalidate_all()
        self.tariff.rate_ids = [Command.create({"prefix": "1", "call_class": "ldi"})]
        ldi = self.tariff.rate_ids[-1]
        wizard = self._make_wizard(
            "class;price\n;0,12\nVC1;0,55\nLC;0,05\n",
            mode="new_prices",
            date_from="2027-01-01",
        )
        changed = "1 new rate · 1 changed rate%s · 1 unchanged rate"
        self.assertEqual(wizard.summary, changed % "")
        wizard.end_absent = True
        self.assertEqual(wizard.summary, changed % " · 1 ended rate")
        self.assertEqual(
            self._rows(wizard.change_table),
            [
                ["", "VC1: mobile, same area code", "$ 0.50 → $ 0.55", "01/01/2027",
                 "Price/min"],
                ["", "LC: local", "$ 0.05", "01/01/2027", "New rate"],
                ["1", "LDI: international", "$ 0.00", "", "Ends on 12/31/2026"],
            ],
        )  # fmt: skip
        wizard.action_import()
        self.assertEqual(str(vc1.date_to), "2026-12-31")
        self.assertEqual(str(ldi.date_to), "2026-12-31")
        self.assertFalse(default.date_to)
        new = self.tariff.rate_ids - default - vc1 - ldi
        self.assertEqual(
            [(rate.call_class, rate.price_per_minute) for rate in new],
            [("vc1", 0.55), ("lc", 0.05)],
        )
        self.assertEqual(set(map(str, new.mapped("date_from"))), {"2027-01-01"})
        again = self._make_wizard(
            "class;price\n;0,12\nVC1;0,55\nLC;0,05\n",
            mode="new_prices",
            date_from="2027-01-01",
        )
        self.assertFalse(again.is_ready)
        with self._refused(UserError, "changes nothing"):
            again.action_import()

    def test_two_rows_of_a_file_that_hold_on_the_same_days(self):
        wizard = self._make_wizard(
            "class;price;valid from\nLC;0,10;01/01/2026\nLC;0,20;01/06/2026\n"
        )
        self.assertEqual(wizard.problem_count, 1)
        self.assertFalse(wizard.is_ready)
        self.assertIn(
            "Lines 2 and 3 hold rates for the same calls", str(wizard.problem_table)
        )
        with self._refused(UserError, "nothing was imported"):
            wizard.action_import()

    def test_new_prices_in_steps_keep_the_cadence_and_leave_no_gap(self):
        self.default_rate.write({"connection_fee": 0.05, "step_seconds": 60})
        content = "price;valid from;valid to\n%s;;31/01/2027\n%s;01/02/2027;\n"
        for prices in (("0,12", "0,12"), ("0,13", "0,14")):
            self._make_wizard(
                content % prices, mode="new_prices", date_from="2027-01-01"
            ).action_import()
            rates = self.tariff.rate_ids - self.vc1_rate
            self.assertEqual(set(rates.mapped("connection_fee")), {0.05})
            self.assertEqual(set(rates.mapped("step_seconds")), {60})
            self.assertFalse(rates._get_overlaps())
            self.assertIn(False, rates.mapped("date_to"))
        self.assertEqual(
            [(rate.price_per_minute, str(rate.date_from)) for rate in rates],
            [(0.12, "False"), (0.14, "2027-02-01"), (0.13, "2027-01-01")],
        )

    def test_the_span_of_prices_is_shown_and_a_strange_one_told(self):
        self.env["res.lang"]._activate_lang("pt_BR")
        wizard = self._make_wizard("class;price\nLC;1234\nVC1;0,005\n")
        wizard = wizard.with_context(lang="pt_BR")
        self.assertIn("0,005", wizard.price_range)
        self.assertIn("1.234,00", wizard.price_range)
        self.assertIn("1.234,00", wizard.price_warning)
        wizard = self._make_wizard("class;price\nLC;50\n;0\n")
        self.assertEqual(
            wizard.price_range,
            "Prices from $ 0.00 to $ 50.00 per minute".replace("$ ", "$\xa0"),
        )
        self.assertFalse(wizard.price_warning)
        wizard = self._make_wizard("class;price\n;\n")
        self.assertFalse(wizard.price_range)
        self.assertFalse(wizard.price_warning)

    def test_a_charged_price_leads_to_new_prices(self):
        self.env.cr.execute("UPDATE saperx_tariff_rate SET is_charged = TRUE")
        self.env.invalidate_all()
        wizard = self._make_wizard("class;price\nVC1;0,55\n")
        self.assertIn("New prices from a date", str(wizard.problem_table))

    def test_a_plan_goes_out_and_comes_back_whole(self):
        self.tariff.rate_ids = [
            Command.create(
                {
                    "prefix": "08001",
                    "call_class": "free",
                    "price_per_minute": 1234.567891,
                    "connection_fee": 0.1,
                    "cost_per_minute": 0.000001,
                    "minimum_seconds": 0,
                    "step_seconds": 1,
                    "discard_seconds": 0,
                    "date_from": "2026-01-01",
                    "date_to": "2026-01-31",
                    "sequence": 3,
                }
            )
        ]
        self.env["res.lang"]._activate_lang("pt_BR")
        self.env.invalidate_all()
        for lang in ("en_US", "pt_BR"):
            self.env.user.lang = lang
            for file_format in ("csv", "xlsx"):
                content = self._export(
                    self.tariff, file_format=file_format, with_ended=True
                )
                other = self.env["saperx.tariff"].create(
                    {"name": "Other", "rate_ids": []}
                )
                other.rate_ids.unlink()
                self._make_wizard(content, other).action_import()
                self.assertEqual(self._values(other), self._values(self.tariff))
        self.assertIn(
            "Preço/min".encode(), self._export(self.tariff, file_format="csv")
        )
        self.assertNotIn(b"08001", content)

    def test_ten_thousand_rates_come_in_within_seconds(self):
        lines = [f"55{number:05};LC;0,05" for number in range(10_000)]
        wizard = self._make_wizard("\n".join(["prefix;class;price", *lines]))
        began = time.process_time()
        wizard.action_import()
        self.env.flush_all()
        self.assertLess(time.process_time() - began, 30)
        self.assertEqual(len(self.tariff.rate_ids), 10_002)

    def test_many_changed_prices_come_in_by_few_queries(self):
        """Some for each rate would last longer than a request may."""
        count = 1_000

        def make(price):
            lines = [f"55{number:05};LC;{price}" for number in range(count)]
            return self._make_wizard("\n".join(["prefix;class;price", *lines]))

        make("0,05").action_import()
        wizard = make("0,06")
        self.assertIn(f"{count} changed rates", wizard.summary)
        self.env.flush_all()
        before = self.tariff.rates_changed_at
        queries = self.env.cr.sql_log_count
        with freeze_time(LATER):
            wizard.action_import()
            self.env.flush_all()
        self.assertLess(self.env.cr.sql_log_count - queries, count / 2)
        prices = self.tariff.rate_ids.filtered("prefix").mapped("price_per_minute")
        self.assertEqual(prices, [0.06] * count)
        # Whoever rates calls again is told nevertheless.
        self.assertGreater(self.tariff.rates_changed_at, before)

    def test_only_billing_imports_and_exports(self):
        for role in ("user", "technician"):
            user = new_test_user(
                self.env,
                f"rates-{role}",
                groups=f"saperx_voip.group_{role}",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for model in ("saperx.rate.import.wizard", "saperx.rate.export.wizard"):
                with self.assertRaises(AccessError):
                    self.env[model].with_user(user).create(
                        {"tariff_id": self.tariff.id}
                    )

    def test_billing_of_another_company_reaches_no_plan_of_this_one(self):
        other = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("billing", other)
        wizards = (
            self._make_wizard("price\n1\n")
            .with_user(stranger)
            .with_context(allowed_company_ids=other.ids)
        )
        self.env.invalidate_all()
        for act in (
            lambda: wizards.create(
                {"tariff_id": self.tariff.id, "file": base64.b64encode(b"price\n1\n")}
            ).action_import(),
            lambda: (
                wizards.env["saperx.rate.export.wizard"]
                .create({"tariff_id": self.tariff.id})
                .action_export()
            ),
        ):
            with self.assertRaises(AccessError):
                act()
