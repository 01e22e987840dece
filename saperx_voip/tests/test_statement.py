# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import csv
import io
import time
from datetime import date, datetime, timedelta
from decimal import Decimal

import openpyxl
from PyPDF2 import PdfReader

from odoo import Command
from odoo.exceptions import UserError

from ..gateway import Direction
from .common import FIXED_OTHER_DDD, MOBILE_SAME_DDD, NUMBER, SaperxCase

HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "a;b\n=1")


class StatementCase(SaperxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.statement = cls.env["saperx.statement"]

    def _make(self, source, file_format, **options):
        """:param source: charges, or parts"""
        parts = source
        if not isinstance(source, list):
            parts = self.statement._get_parts_of_charges(source)
        file = io.BytesIO()
        self.statement._write(parts, file_format, file, **options)
        return file.getvalue()

    def _csv(self, source, **options):
        """The rows of the CSV as dicts."""
        text = self._make(source, "csv", **options).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text), delimiter=";"))

    def _pdf(self, source, **options):
        """The PDF's text, and how many pages it has."""
        reader = PdfReader(io.BytesIO(self._make(source, "pdf", **options)))
        return "\n".join(page.extract_text() for page in reader.pages), len(
            reader.pages
        )

    def _xlsx(self, source, **options):
        content = self._make(source, "xlsx", **options)
        return openpyxl.load_workbook(io.BytesIO(content))

    def _parts_of_line(self, first="2026-10-01", last="2026-12-31", line=None):
        return self.statement._get_parts_of_lines(
            line or self.line, date.fromisoformat(first), date.fromisoformat(last)
        )

    def _sum(self, rows, column="Amount ($)"):
        return sum(Decimal(row[column].replace(",", ".")) for row in rows)


class TestStatement(StatementCase):
    def test_all_formats_say_what_was_charged_and_free_calls_too(self):
        self.tariff.allowance_ids = [
            Command.create({"unit": "reais", "quantity": 0.15}),
        ]
        self._import(
            self._make_call(1),
            self._make_call(2, start="2026-10-16 12:00:00"),
            self._make_call(
                3, start="2026-10-17 12:00:00", callee=MOBILE_SAME_DDD, talk_seconds=125
            ),
            self._make_call(4, start="2026-10-18 12:00:00", callee="08001234567"),
            self._make_call(5, start="2026-10-19 12:00:00", talk_seconds=0),
            self._make_call(6, direction=Direction.INCOMING, callee=NUMBER),
        )
        charge = self._charge()
        # 0.12 + 0.12 − 0.15 covered; 125 s are 126 s at 0.50; by hand.
        expected = Decimal("0.24") - Decimal("0.15") + Decimal("1.05")
        self.assertEqual(Decimal(str(charge.amount)), expected)
        rows = self._csv(charge)
        self.assertEqual(self._sum(rows), expected)
        self.assertEqual(
            [
                (row["Destination"], row["Charged time"], row["How it is charged"])
                for row in rows
            ],
            [
                ("(11) 3333-4444", "00:01:00", "In the allowance"),
                ("(11) 3333-4444", "00:01:00", "Partly in the allowance"),
                ("(54) 99999-8888", "00:02:06", "Charged"),
                ("0800 123 4567", "00:00:00", "No cost"),
                ("(11) 3333-4444", "00:00:00", "No cost"),
            ],
        )
        text, _pages = self._pdf(charge)
        for told in ("1.14", "0.15", "in allowance", "no cost", "0800 123 4567"):
            self.assertIn(told, text)
        summary = self._xlsx(charge).worksheets[0]
        [total] = [
            row for row in summary.values if row and row[0] == "Total of the line"
        ]
        self.assertEqual(Decimal(str(round(total[6], 2))), expected)
        self.assertEqual(total[1], 5)

    def test_xlsx_holds_numbers_dates_and_times(self):
        self._import(self._make_call(1))
        sheet = self._xlsx(self._charge()).worksheets[1]
        titles = [cell.value for cell in sheet[1]]
        row = dict(zip(titles, sheet[2], strict=True))
        self.assertEqual(row["Date"].value, datetime(2026, 10, 15))
        self.assertEqual(str(row["Time"].value), "09:00:00")
        self.assertEqual(row["Amount ($)"].value, 0.12)
        self.assertEqual(row["Charged time"].value, timedelta(minutes=1))
        self.assertEqual(row["Destination"].value, "(11) 3333-4444")

    def test_csv_is_as_brazilian_spreadsheets_open_it(self):
        self._import(self._make_call(1, city="São José"))
        content = self._make(self._charge(), "csv")
        self.assertTrue(content.startswith(b"\xef\xbb\xbf"))
        self.assertIn("15/10/2026;09:00:00;", content.decode("utf-8-sig"))
        self.assertIn(";São José;", content.decode("utf-8-sig"))
        self.assertIn(";0,12;", content.decode("utf-8-sig"))

    def test_no_text_becomes_a_formula(self):
        self._import(
            *(
                self._make_call(n, start=f"2026-10-{n + 1:02} 12:00:00", city=text)
                for n, text in enumerate(HOSTILE, 1)
            )
        )
        self.partner.name = "=cmd|' /C calc'!A0"
        charge = self._charge()
        places = [row["Place"] for row in self._csv(charge)]
        self.assertEqual(len(places), len(HOSTILE))
        for place in places:
            self.assertNotIn(place.lstrip()[:1], list("=+-@\t\r\n"))
            self.assertNotIn("\n", place)
        book = self._xlsx(charge)
        for sheet in book.worksheets:
            for row in sheet.iter_rows():
                for cell in row:
                    self.assertNotEqual(cell.data_type, "f")
                    if isinstance(cell.value, str):
                        self.assertNotIn(cell.value[:1], list("=+-@"))
        self._pdf(charge)

    def test_hidden_services_are_in_no_format_and_no_total(self):
        self._import(
            self._make_call(1),
            self._make_call(2, callee="181"),
            self._make_call(3, callee="190"),
        )
        charge = self._charge()
        with_it = self._csv(charge), self._pdf(charge)
        self.assertEqual(
            [row["Destination"] for row in with_it[0]], ["(11) 3333-4444", "190"]
        )
        book = self._xlsx(charge)
        cells = [str(value) for sheet in book for row in sheet.values for value in row]
        self.assertNotIn("181", cells)
        # As if it had not been made at all.
        self.env.cr.execute("DELETE FROM saperx_cdr WHERE remote_id = '2'")
        self.env.invalidate_all()
        self.assertEqual((self._csv(charge), self._pdf(charge)), with_it)

    def test_a_hidden_service_that_costs_is_an_amount_without_a_call(self):
        self.tariff.rate_ids = [
            Command.create({"prefix": "181", "price_per_minute": 3})
        ]
        self._import(self._make_call(1), self._make_call(2, callee="181"))
        charge = self._charge()
        self.assertEqual(charge.amount, 3.12)
        call, others = self._csv(charge)
        self.assertEqual(call["Destination"], "(11) 3333-4444")
        self.assertEqual(others["Destination"], "Other services, without details")
        self.assertEqual(others["Date"] + others["Time"] + others["Charged time"], "")
        self.assertEqual(self._sum([call, others]), Decimal("3.12"))
        text, _pages = self._pdf(charge)
        self.assertIn("3.12", text)
        self.assertNotIn("181", text)

    def test_a_call_is_of_the_local_day(self):
        self._import(
            self._make_call(1, start="2026-11-01 02:59:59"),
            self._make_call(2, start="2026-11-01 03:00:00"),
        )
        [row] = self._csv(self._charge())
        self.assertEqual((row["Date"], row["Time"]), ("31/10/2026", "23:59:59"))

    def test_clocks_that_go_back_tell_the_hour_twice(self):
        self.line.period_ids.flush_recordset()
        self.env.cr.execute(
            "UPDATE saperx_integration SET timezone = 'America/New_York'"
        )
        self.env.invalidate_all()
        self._import(
            self._make_call(1, start="2025-11-02 05:30:00"),
            self._make_call(2, start="2025-11-02 06:30:00"),
        )
        rows = self._csv(self._charge())
        self.assertEqual([row["Time"] for row in rows], ["01:30:00"] * 2)
        self.assertEqual({row["Date"] for row in rows}, {"02/11/2025"})

    def test_late_calls_have_the_statement_of_their_charge(self):
        self._import(self._make_call(1), self._make_call(2, callee="0800123456"))
        first = self._charge()
        before = self._make(first, "pdf")
        self._import(self._make_call(3, talk_seconds=120))
        late = self._charge()
        self.assertEqual(self._make(first, "pdf"), before)
        [row] = self._csv(late)
        self.assertEqual(row["Amount ($)"], "0,24")
        self.assertIn("after the cycle was charged", self._pdf(late)[0])
        # The line's own has both, once.
        [part] = self._parts_of_line(last="2026-10-31")
        self.assertEqual(self._sum(self._csv([part])), Decimal("0.36"))

    def test_made_again_it_is_the_same_file(self):
        self._import(self._make_call(1), self._make_call(2, callee=MOBILE_SAME_DDD))
        charge = self._charge()
        for file_format in ("pdf", "csv", "xlsx"):
            once = self._make(charge, file_format)
            self.env.invalidate_all()
            self.assertEqual(self._make(charge, file_format), once, file_format)

    def test_allowances_tell_what_was_used_and_what_is_left(self):
        self.tariff.allowance_ids = [
            Command.create(
                {"unit": "minutes", "quantity": 10, "is_shared": True},
            ),
        ]
        other = self._make_line(self.contract, "555433335555")
        self._import(
            self._make_call(1),
            self._make_call(2, caller="555433335555", talk_seconds=180),
        )
        charges = self._charge()
        mine = charges.filtered(lambda charge: charge.line_id == self.line)
        [part] = self.statement._get_parts_of_charges(mine)
        [use] = self.statement._get_allowances(part)
        self.assertEqual(
            (use.own, use.used, use.used_by_others, use.left),
            ("10 min", "1 min", "3 min", "6 min"),
        )
        self.assertEqual(len(self._csv(charges)), 2)
        self.assertIn(other.display_name, self._pdf(charges)[0])

    def test_a_cycle_that_is_not_charged_is_a_preview(self):
        self.tariff.allowance_ids = [
            Command.create({"unit": "minutes", "quantity": 10}),
        ]
        self._import(self._make_call(1, start="2026-11-05 12:00:00"))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        [part] = self._parts_of_line()
        self.assertFalse(part.charges)
        self.assertEqual(
            (part.first, part.last), (date(2026, 11, 1), date(2026, 11, 30))
        )
        text, _pages = self._pdf([part])
        self.assertIn("NOT YET CHARGED", text)
        self.assertIn("As of", text)
        [row] = self._csv([part])
        self.assertEqual(row["Billing state"], "Preview, not yet charged")
        [use] = self.statement._get_allowances(part)
        self.assertEqual((use.used, use.left), ("1 min", "9 min"))

    def test_what_is_charged_and_what_is_not_are_apart(self):
        self._import(self._make_call(1))
        self._charge()
        self._import(self._make_call(2))
        charged, preview = self._parts_of_line(last="2026-10-31")
        self.assertTrue(charged.charges)
        self.assertFalse(preview.charges)
        self.assertEqual(len(self._csv([preview])), 1)
        with self.assertRaisesRegex(UserError, "choose one kind"):
            self._csv([charged, preview])

    def test_a_charge_that_is_held_is_a_preview(self):
        self._import(self._make_call(1))
        first = self._charge()
        self._import(self._make_call(2))
        held = self._charge()
        held.state = "draft"
        self.assertIn("NOT YET CHARGED", self._pdf(held)[0])
        charged, draft = self._parts_of_line(last="2026-10-31")
        self.assertEqual((charged.charges, charged.status), (first, "charged"))
        self.assertEqual((draft.charges, draft.status), (held, "draft"))
        with self.assertRaisesRegex(UserError, "choose one kind"):
            self._csv(first | held)

    def test_a_statement_is_of_one_customer(self):
        self._import(self._make_call(1))
        other = self.env["res.partner"].create({"name": "João"})
        contract = self._make_contract(other)
        line = self._make_line(contract, "555433335555")
        self._import(self._make_call(2, caller="555433335555"))
        charges = self._charge()
        self.assertEqual(len(charges), 2)
        with self.assertRaisesRegex(UserError, "of one customer"):
            self._csv(charges)
        self.assertEqual(
            {part.partner for part in self._parts_of_line(line=line)}, {other}
        )

    def test_a_change_of_holder_keeps_customers_apart(self):
        self._import(self._make_call(1))
        first = self._charge()
        other = self.env["res.partner"].create({"name": "João"})
        self.contract.partner_id = other
        self._import(self._make_call(2, start="2026-11-16 16:00:00"))
        mine, theirs = self._parts_of_line()
        self.assertEqual((mine.charges, mine.partner), (first, self.partner))
        self.assertEqual(theirs.partner, other)
        self.assertEqual(len(self._csv([theirs])), 1)

    def test_the_plan_is_that_of_the_cycle(self):
        self._import(self._make_call(1))
        charge = self._charge()
        other = self.env["saperx.tariff"].create({"name": "Later plan"})
        self.line.tariff_id = other
        self.assertGreater(len(self.line.period_ids), 1)
        [part] = self.statement._get_parts_of_charges(charge)
        content = self.statement._get_content([part])
        self.assertEqual(content.sections[0].plan, "Excess")
        self.assertEqual(dict(content.facts)["Billing plan"], "Excess")

    def test_a_place_that_the_platform_does_not_name_is_that_of_the_number(self):
        self._import(
            self._make_call(1, city=None),
            self._make_call(2, city=None, start="2026-10-16 12:00:00", callee="190"),
        )
        first, second = self._csv(self._charge())
        self.assertEqual(first["Place"], "São Paulo – SP")
        self.assertEqual(second["Place"], "")

    def test_a_collect_call_tells_from_whom(self):
        self._import(
            self._make_call(
                1,
                direction=Direction.INCOMING,
                is_collect=True,
                caller=FIXED_OTHER_DDD,
                callee=NUMBER,
            )
        )
        self.line.did_ids.accept_collect_calls = True
        self.env["saperx.cdr"]._reassess([])
        [row] = self._csv(self._charge())
        self.assertEqual(row["Destination"], "Collect, from (11) 3333-4444")

    def test_a_charge_that_its_calls_do_not_sum_to_has_none(self):
        self._import(self._make_call(1))
        charge = self._charge()
        self.env.flush_all()
        self.env.cr.execute("UPDATE saperx_cdr SET charged_amount = 0.11")
        self.env.invalidate_all()
        with self.assertRaisesRegex(UserError, "sum to 0.11, but 0.12"):
            self._csv(charge)

    def test_it_speaks_the_customers_language(self):
        self.env["res.lang"]._activate_lang("pt_BR")
        self.partner.lang = "pt_BR"
        self._import(self._make_call(1))
        charge = self._charge()
        text, _pages = self._pdf(charge)
        self.assertIn("01/10/2026", text)
        self.assertIn("0,12", text)

    def test_ten_thousand_calls_make_pages_in_seconds(self):
        start = datetime(2026, 10, 1, 3)
        self._import(
            *(
                self._make_call(
                    n,
                    start=str(start + timedelta(minutes=4 * n)),
                    callee=f"{FIXED_OTHER_DDD[:8]}{n:04}",
                    talk_seconds=10 + n % 500,
                )
                for n in range(10_000)
            )
        )
        charge = self._charge()
        began = time.monotonic()
        text, pages = self._pdf(charge)
        self.assertIn(f"Page {pages} of", text)
        self.assertLess(pages, 170)
        self.assertIn("(11) 3333-9999", text)
        rows = self._csv(charge)
        self.assertEqual(len(rows), 10_000)
        self.assertEqual(self._sum(rows), Decimal(str(charge.amount)))
        # Made in three seconds; the rest is for a machine with other work.
        self.assertLess(time.monotonic() - began, 60)
