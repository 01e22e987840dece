# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
import time

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user

from .test_tariff import TariffCase


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

    def _counts(self, wizard):
        return (
            wizard.new_count,
            wizard.changed_count,
            wizard.ended_count,
            wizard.unchanged_count,
            wizard.problem_count,
        )

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
        self.assertEqual(
            (form.new_count, form.changed_count, form.unchanged_count), (1, 1, 1)
        )
        self.assertIn("Semicolon", form.recognised)
        self.assertIn("Comma", form.recognised)
        self.assertIn("Operadora", form.notes)
        self.assertTrue(form.is_ready)
        wizard = form.save()
        self.assertEqual(len(self.tariff.rate_ids), 2)
        wizard.action_import()
        rates = self.tariff.rate_ids
        self.assertEqual(rates.mapped("price_per_minute"), [0.12, 0.45, 1.5])
        self.assertEqual(rates.mapped("cost_per_minute"), [0, 0.2, 0])
        self.assertEqual(rates[2].prefix, "1")

    def test_errors_are_shown_by_line_and_nothing_is_written(self):
        wizard = self._make_wizard(
            "class;prefix;price\nLC;;0,05\nVC9;<b>;=1\nLC;;0,06\n"
        )
        self.assertEqual(self._counts(wizard), (1, 0, 0, 0, 4))
        self.assertFalse(wizard.is_ready)
        table = str(wizard.problem_table)
        for text in ("Unknown class", "VC9", "digits only", "A formula", "<td>4</td>"):
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
        self.assertEqual(self._counts(wizard), (2, 0, 1, 1, 0))
        wizard.end_absent = True
        self.assertEqual(self._counts(wizard), (2, 0, 2, 1, 0))
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
        self.assertIn("in the line named", str(wizard.problem_table))
        self.assertIn("<td>3</td><td></td><td>2</td>", str(wizard.problem_table))
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
        wizard = self._make_wizard("class;price\nLC;1.234\nVC1;0,005\n")
        wizard = wizard.with_context(lang="pt_BR")
        self.assertIn("0,005", wizard.price_range)
        self.assertIn("1.234,00", wizard.price_range)
        self.assertIn("1.234,00", wizard.price_warning)
        wizard = self._make_wizard("class;price\nLC;50\n;0\n")
        self.assertEqual(wizard.price_range, "Prices from 0.00 to 50.00 per minute")
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
