# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import io

import openpyxl

from odoo import fields
from odoo.tests import tagged

from ..spreadsheet import Column, write_template
from .common import NUMBER, SaperxCase

OPTIONS = {
    "has_headers": True,
    "quoting": '"',
    "separator": "",
    "encoding": "",
    "date_format": "",
    "datetime_format": "",
    "float_thousand_separator": ",",
    "float_decimal_separator": ".",
    "advanced": True,
    "sheet": "",
    "keep_matches": False,
}


@tagged("post_install", "-at_install")
class TestSpreadsheet(SaperxCase):
    """Through Odoo's own import, as its screen calls it, in Portuguese."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("pt_BR")
        cls.env.ref("base.module_saperx_voip")._update_translations(["pt_BR"])
        for name in ("technician", "billing", "user"):
            user = cls._make_user(name)
            user.lang = "pt_BR"
            setattr(cls, name, user)
        # Without logging in.
        cls.env.cr.execute("UPDATE saperx_integration SET active = TRUE")
        cls.integration.invalidate_recordset(["active"])
        cls.env["saperx.line.profile"].create(
            {
                "name": "Residencial",
                "integration_id": cls.integration.id,
                "plan_id": cls.plan.id,
                "tariff_id": cls.tariff.id,
                "credit_limit": 150,
                "simultaneous_calls": 2,
                "closing_day": 10,
                "allow_ldi": True,
            }
        )
        cls.maria = cls._make_contract(
            cls.env["res.partner"].create(
                {"name": "Mariana Alves", "vat": "11144477735"}
            ),
            name="Contrato Maria",
            code="C-001",
        )
        cls.joao = cls._make_contract(
            cls.env["res.partner"].create({"name": "João"}), name="Contrato João"
        )

    def _import(self, model, rows, user=None, dryrun=False, kind="csv"):
        """:param rows: first the fields, whose Portuguese titles the file has

        :return: the import's result
        """
        env = self.env(
            user=user or self.technician,
            context={**self.env.context, "lang": "pt_BR"},
        )
        tree = env["base_import.import"].get_fields_tree(model)
        wanted = rows[0]
        titles = [env[model]._get_spreadsheet_column(tree, path)[0] for path in wanted]
        rows = [titles, *rows[1:]]
        record = env["base_import.import"].create(
            {
                "res_model": model,
                "file": (_csv if kind == "csv" else _xlsx)(rows),
                "file_name": f"linhas.{kind}",
                "file_type": "text/csv" if kind == "csv" else "",
            }
        )
        preview = record.parse_preview(dict(OPTIONS))
        self.assertNotIn("error", preview)
        matches = {int(place): path for place, path in preview["matches"].items()}
        paths = ["/".join(matches.get(place, [])) for place in range(len(rows[0]))]
        self.assertEqual(paths, wanted)
        result = record.execute_import(paths, rows[0], preview["options"], dryrun)
        self.last_import = record
        return result

    def _import_well(self, model, rows, **options):
        result = self._import(model, rows, **options)
        self.assertFalse(result["messages"])
        return self.env[model].browse(result["ids"])

    def _errors(self, result):
        """Row (as in the file) to message."""
        self.assertFalse(result["ids"])
        return {
            message["rows"]["from"] + 2: message["message"]
            for message in result["messages"]
            if message["type"] == "error"
        }

    def test_lines_take_what_the_file_leaves_open_from_their_profile(self):
        rows = [
            [
                "contract_id",
                "profile_id",
                "credit_limit",
                "allow_ldi",
                "did_ids/number",
            ],
            ["Contrato Maria", "Residencial", "1.250,50", "não", "(54) 3333-5554"],
            ["", "", "", "", "54 3333-5555"],
            ["Contrato João", "Residencial", "", "", "+55 54 3333-5556"],
        ]
        for kind in ("csv", "xlsx"):
            with self.subTest(kind), self.env.cr.savepoint() as savepoint:
                first, second = self._import_well("saperx.line", rows, kind=kind)
                self.assertEqual(first.contract_id, self.maria)
                self.assertEqual(
                    first.did_ids.mapped("number"), ["555433335554", "555433335555"]
                )
                self.assertEqual(first.credit_limit, 1250.5)
                self.assertFalse(first.allow_ldi)
                self.assertEqual(first.closing_day, 10)
                self.assertEqual(second.credit_limit, 150)
                self.assertTrue(second.allow_ldi)
                self.assertEqual(second.plan_id, self.plan)
                self.assertEqual(second.sync_state, "pending")
                savepoint.rollback()

    def test_a_name_in_a_template_is_no_formula(self):
        name = '=HYPERLINK("http://evil.example")'
        column = Column("Contrato", "many2one", True, name, name)
        content = write_template([column], ("A", "B"), ("C", "D", "E"), "Sim")
        for sheet in openpyxl.load_workbook(io.BytesIO(content)):
            self.assertEqual({cell.data_type for cell in sheet[2]} - {"n"}, {"s"})

    def test_a_contract_is_named_by_its_code_customer_or_document_too(self):
        rows = [
            ["contract_id", "did_ids/number"],
            ["C-001", "5433335554"],
            ["Mariana Alves", "5433335555"],
            ["111.444.777-35", "5433335556"],
        ]
        lines = self._import_well("saperx.line", rows)
        self.assertEqual(lines.contract_id, self.maria)
        self.assertEqual(len(lines), 3)

    def test_what_is_ambiguous_or_unclear_is_refused_not_guessed(self):
        self._make_contract(self.joao.partner_id, name="Outro")
        rows = [
            ["contract_id", "is_active", "did_ids/number"],
            ["João", "sim", "5433335554"],
            ["Contrato João", "talvez", "5433335555"],
            ["Ninguém", "não", "5433335556"],
        ]
        errors = self._errors(self._import("saperx.line", rows))
        self.assertEqual(set(errors), {2, 3, 4})
        self.assertIn("João", errors[2])
        self.assertIn("talvez", errors[3])
        self.assertIn("Ninguém", errors[4])
        self.assertFalse(self.joao.saperx_line_ids)

    def test_each_bad_row_is_named_with_what_is_wrong(self):
        rows = [
            ["contract_id", "did_ids/number", "account_code", "password"],
            # On another contract's line.
            ["Contrato João", NUMBER, "", ""],
            ["Contrato João", "5,43333E+09", "", ""],
            ["Contrato João", "5433335557", "123", ""],
            ["Contrato João", "5433335558", "", "xyz99"],
            ["Contrato João", "5433335559", "", ""],
            ["Contrato João", "123", "", ""],
            ["", "5433334450", "", ""],
        ]
        result = self._import("saperx.line", rows, dryrun=True)
        errors = self._errors(result)
        self.assertEqual(set(errors), {2, 3, 4, 5, 7})
        self.assertNotIn("xyz99", str(result["messages"]))
        self.assertIn("5,43333E+09", errors[3])
        self.assertIn(self.line.contract_id.name, errors[2])

    def test_the_same_file_again_changes_lines_instead_of_making_more(self):
        titles = [
            "contract_id",
            "credit_limit",
            "did_ids/number",
            "did_ids/monthly_fee",
        ]
        (line,) = self._import_well(
            "saperx.line", [titles, ["C-001", "200", "5433335554", "5,00"]]
        )
        again = self._import_well(
            "saperx.line",
            [
                titles,
                ["C-001", "300", "5433335554", "9,90"],
                ["", "", "5433335555", ""],
            ],
        )
        self.assertEqual(again, line)
        self.assertEqual(line.credit_limit, 300)
        self.assertEqual(line.did_ids.mapped("monthly_fee"), [9.9, 0])
        keyed = [["id", *titles], ["linha_1", "C-001", "1", "5433335557", ""]]
        (other,) = self._import_well("saperx.line", keyed)
        keyed[1][2] = "7"
        self.assertEqual(self._import_well("saperx.line", keyed), other)
        self.assertEqual(other.credit_limit, 7)

    def test_a_password_is_kept_encrypted_and_its_file_is_not_kept(self):
        rows = [
            ["contract_id", "did_ids/number", "password"],
            ["C-001", "5433335554", "Ramal-0001-planilha"],
        ]
        self._import("saperx.line", rows, dryrun=True)
        self.assertTrue(self.last_import.file)
        (line,) = self._import_well("saperx.line", rows)
        self.assertEqual(line._get_secret("password"), "Ramal-0001-planilha")
        self.assertFalse(self.last_import.sudo().file)

    def test_dids_come_from_a_file_of_their_own(self):
        self.line.account_code = "123456"
        rows = [
            ["line_id", "number", "monthly_fee"],
            ["(54) 3333-4444", "5433335555", "9,90"],
            ["123456", 5433335556, ""],
        ]
        for _time in range(2):
            dids = self._import_well("saperx.did", rows, kind="xlsx")
            self.assertEqual(dids.line_id, self.line)
            self.assertEqual(dids.mapped("monthly_fee"), [9.9, 0])
        self.assertEqual(len(self.line.did_ids), 3)

    def test_ranges_come_from_a_file(self):
        rows = [
            ["name", "area_code", "first", "last"],
            ["Centro", "54", "3333-4000", "3333-4099"],
        ]
        (found,) = self._import_well("saperx.number.range", rows)
        self.assertEqual(found.number_count, 100)
        rows[1][0] = "Sede"
        self.assertEqual(self._import_well("saperx.number.range", rows), found)
        self.assertEqual(found.name, "Sede")
        rows += [["Outro", "54", "3333-4050", "3333-4150"], ["X", "20", "33334000", ""]]
        errors = self._errors(self._import("saperx.number.range", rows))
        self.assertEqual(set(errors), {3, 4})

    def test_rates_come_from_a_file(self):
        rows = [
            ["tariff_id", "prefix", "price_per_minute", "date_from"],
            [self.tariff.name, "5554", "0,123456", "2026-12-01"],
        ]
        rates = self._import_well("saperx.tariff.rate", rows, user=self.billing)
        self.assertEqual(rates.price_per_minute, 0.123456)
        self.assertEqual(rates.date_from, fields.Date.to_date("2026-12-01"))
        rows[1][2] = "0,2"
        again = self._import_well("saperx.tariff.rate", rows, user=self.billing)
        self.assertEqual(again, rates)
        self.assertEqual(rates.price_per_minute, 0.2)

    def test_only_who_may_make_lines_imports_them(self):
        rows = [["contract_id", "did_ids/number"], ["C-001", "5433335554"]]
        result = self._import("saperx.line", rows, user=self.user)
        self.assertTrue(self._errors(result))

    def test_each_title_of_a_template_leads_to_its_own_field(self):
        for model in (
            "saperx.line",
            "saperx.did",
            "saperx.number.range",
            "saperx.tariff.rate",
            "saperx.allowance.opening",
        ):
            for language in ("pt_BR", "en_US"):
                with self.subTest(model, language=language):
                    records = self.env[model].with_context(lang=language)
                    titles = [column.title for column in records._get_spreadsheet()]
                    wanted = list(records._spreadsheet_columns)
                    record = records.env["base_import.import"].create(
                        {
                            "res_model": model,
                            "file": _xlsx([titles, ["x"] * len(titles)]),
                            "file_name": "modelo.xlsx",
                        }
                    )
                    matches = record.parse_preview(dict(OPTIONS))["matches"]
                    found = {int(k): "/".join(v) for k, v in matches.items()}
                    self.assertEqual([found.get(n) for n in range(len(wanted))], wanted)


def _csv(rows):
    return "\n".join(";".join(f'"{cell}"' for cell in row) for row in rows).encode()


def _xlsx(rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()
