# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import json
from unittest.mock import patch
from zoneinfo import ZoneInfo

import msgspec

from odoo.exceptions import AccessError, UserError

from ..gateway import Call, CallPage, Reject, read_call, wire
from ..models import saperx_cdr_reject
from ..models.saperx_cdr_reject import field_in
from ..models.saperx_cdr_row import Batch
from .common import FIXED_OTHER_DDD, NUMBER, SaperxCase

COUNTS = ("read", "new", "known", "changed", "rejected")


def written(**values):
    """A record as the platform writes it."""
    record = {
        "id": 7,
        "conta": "000000",
        "sentido": "saida",
        "origem": NUMBER,
        "destino": FIXED_OTHER_DDD,
        "inicio": "2026-10-15 09:00:00",
        "tempo_total": 70,
        "tempo_real": 60,
        "situacao": "atendida",
        **values,
    }
    return json.dumps({name: v for name, v in record.items() if v is not None})


class TestReject(SaperxCase):
    def setUp(self):
        super().setUp()
        # The frozen clock's moments are of a type that msgspec does not know.
        encoder = msgspec.msgpack.Encoder(enc_hook=str)
        self.patch(wire, "_fingerprinted", encoder)

    def _reject(self, text):
        """What an import keeps of a record that it cannot read."""
        record = read_call(text, ZoneInfo(self.integration.timezone))
        self.assertIsInstance(record, Reject)
        self._import(rejects=[record])
        return self.env["saperx.cdr.reject"].search([("raw", "=", text)])

    def _as(self, role, records):
        return records.with_user(self._make_user(role))

    def _last_run(self):
        return self.env["saperx.cdr.import"].search([], limit=1)

    def _counts(self, run):
        return {name: run[f"{name}_count"] for name in COUNTS if run[f"{name}_count"]}

    def test_a_correction_brings_the_call_in_and_the_original_stays(self):
        text = written(inicio="15/10")
        reject = self._reject(text)
        self.assertEqual(reject.field_name, "inicio")
        manager = self._make_user("manager")
        reject.with_user(manager).corrected = written()
        reject.with_user(manager).action_process_again()
        call = self._get_call(7)
        self.assertEqual((call.line_id, call.charged_amount), (self.line, 0.12))
        self.assertEqual(reject.raw, text)
        self.assertEqual(reject.state, "read")
        self.assertEqual(reject.closed_by_id, manager)
        self.assertEqual(reject.corrected_by_id, manager)
        self.assertTrue(reject.closed_at)
        run = reject.closing_import_id
        self.assertEqual(run.origin, "rejects")
        self.assertEqual(call.import_id, run)
        self.assertEqual(self._counts(run), {"read": 1, "new": 1})

    def test_a_correction_begins_with_what_was_sent(self):
        reject = self._reject(written(inicio="15/10"))
        manager = self._as("manager", reject)
        manager.action_correct()
        self.assertEqual(reject.corrected, reject.raw)
        manager.corrected = written()
        manager.action_correct()
        self.assertEqual(reject.corrected, written())

    def test_what_an_update_understands_is_read_without_a_correction(self):
        self._import(rejects=[Reject(written(), "sentido: 'saida' is not known", "7")])
        reject = self.env["saperx.cdr.reject"].search([])
        self._as("billing", reject).action_process_again()
        self.assertEqual(reject.state, "read")
        self.assertEqual(self._get_call(7).state, "unbilled")

    def test_what_is_still_bad_says_what_is_wrong_now_and_stays(self):
        reject = self._reject(written(inicio="15/10"))
        reject.corrected = written(situacao="perdida")
        self._as("billing", reject).action_process_again()
        self.assertEqual(reject.state, "open")
        self.assertEqual(reject.field_name, "situacao")
        self.assertIn("perdida", reject.reason)
        self.assertEqual(reject.tried_by_id.login[:14], "saperx-billing")
        self.assertFalse(reject.closed_at)
        self.assertEqual(self._counts(self._last_run()), {"read": 1, "rejected": 1})
        self.assertFalse(self._get_call(7))

    def test_good_and_bad_ones_together_add_up(self):
        good = self._reject(written(inicio="15/10"))
        good.corrected = written()
        bad = self._reject(written(id=8, inicio="15/10"))
        self._as("billing", good | bad).action_process_again()
        self.assertEqual(good.state, "read")
        self.assertEqual(bad.state, "open")
        self.assertEqual(
            self._counts(self._last_run()), {"read": 2, "new": 1, "rejected": 1}
        )

    def test_a_record_is_brought_in_once(self):
        reject = self._reject(written(inicio="15/10"))
        reject.corrected = written()
        reject.action_process_again()
        self._charge()
        with self.assertRaisesRegex(UserError, "solved already"):
            reject.action_process_again()
        # The look-back reads the bad record again.
        self._import(rejects=[Reject(reject.raw, "again", "7")])
        self.assertEqual(reject.state, "read")
        self.assertEqual(self._get_call(7).state, "billed")
        self.assertFalse(self._charge())

    def test_what_the_platform_sent_well_since_is_not_overwritten(self):
        reject = self._reject(written(id="9", inicio="15/10"))
        other = self._reject(written(id="10", inicio="15/10"))
        run = self._import(self._make_call(9, talk_seconds=120))
        self.assertEqual(reject.state, "superseded")
        self.assertEqual(reject.closing_import_id, run)
        self.assertEqual(other.state, "open")
        with self.assertRaisesRegex(UserError, "solved already"):
            reject.action_process_again()
        self.assertEqual(self._get_call(9).charged_amount, 0.24)

    def test_within_a_batch_the_order_in_which_records_came_counts(self):
        zone = ZoneInfo(self.integration.timezone)
        early, late = (
            read_call(written(id=str(number), inicio="15/10"), zone)
            for number in (9, 10)
        )
        run = self._make_run()
        batch = Batch(run._get_maker())
        batch.add(CallPage((self._make_call(10),), (early,), "c1"))
        batch.add(CallPage((self._make_call(9),), (late,), None))
        run._store_batch(batch)
        self.assertEqual(self._counts(run), {"read": 4, "new": 2, "rejected": 2})
        kept = self.env["saperx.cdr.reject"].search([])
        states = {reject.remote_id: reject.state for reject in kept}
        # What stays open is newer than what is stored.
        self.assertEqual(states, {"9": "superseded", "10": "open"})

    def test_however_many_wait_those_that_came_well_are_closed(self):
        rejects = [
            self._reject(written(id=str(number), inicio="15/10"))
            for number in (9, 10, 11)
        ]
        with patch.object(saperx_cdr_reject, "FEW_OPEN", 1):
            self._import(self._make_call(10))
        self.assertEqual(
            [reject.state for reject in rejects], ["open", "superseded", "open"]
        )

    def test_a_bad_record_of_a_known_call_corrects_it(self):
        self._import(self._make_call(7))
        reject = self._reject(written(inicio="15/10"))
        reject.corrected = written(tempo_real=120)
        reject.action_process_again()
        self.assertEqual(self._counts(self._last_run()), {"read": 1, "changed": 1})
        self.assertEqual(self._get_call(7).charged_amount, 0.24)

    def test_a_charged_call_stays_as_charged_whatever_the_correction_says(self):
        self._import(self._make_call(7))
        self._charge()
        reject = self._reject(written(inicio="15/10"))
        reject.corrected = written(tempo_real=120)
        reject.action_process_again()
        self.assertEqual(self._get_call(7).charged_amount, 0.12)
        self.assertTrue(self._get_call(7).is_changed_after_billing)

    def test_a_correction_cannot_make_it_another_call(self):
        self._import(self._make_call(8))
        reject = self._reject(written(inicio="15/10"))
        reject.corrected = written(id=8)
        reject.action_process_again()
        self.assertEqual(reject.state, "open")
        self.assertEqual((reject.problem, reject.found), ("id_changed", "8"))
        nameless = self._reject(written(id=None))
        nameless.corrected = written(id=8, tempo_real=600)
        nameless.action_process_again()
        self.assertEqual((nameless.problem, nameless.found), ("id_taken", "8"))
        self.assertEqual(self._get_call(8).charged_amount, 0.12)
        nameless.corrected = written(id=11)
        nameless.action_process_again()
        self.assertEqual(nameless.state, "read")

    def test_two_corrections_with_one_id_are_not_one_call(self):
        first = self._reject(written(id=None))
        second = self._reject(written(id=None, tempo_real=90))
        first.corrected = written(id=12)
        second.corrected = written(id=12, tempo_real=90)
        (first | second).action_process_again()
        self.assertEqual((first | second).mapped("state"), ["read", "open"])

    def test_late_calls_draw_on_allowances_again(self):
        self.env["saperx.tariff.allowance"].create(
            {"tariff_id": self.tariff.id, "unit": "minutes", "quantity": 1}
        )
        self._import(self._make_call(1, start="2026-10-15 13:00:00"))
        self.env["saperx.cdr"]._draw_allowances(self.line.ids)
        self.assertEqual(self._get_call(1).charged_amount, 0)
        reject = self._reject(written(inicio="15/10"))
        reject.corrected = written()
        reject.action_process_again()
        self.assertEqual(self._get_call(7).charged_amount, 0)
        self.assertEqual(self._get_call(1).charged_amount, 0.12)

    def test_only_a_manager_corrects_and_only_the_correction(self):
        reject = self._reject(written(inicio="15/10"))
        for role in ("user", "technician", "billing"):
            with self.assertRaises(AccessError, msg=role):
                self._as(role, reject).corrected = written()
        manager = self._as("manager", reject)
        for values in ({"raw": "x"}, {"state": "read"}, {"reason": "x"}):
            with self.assertRaises(AccessError):
                manager.write(values)
        with self.assertRaises(AccessError):
            manager.unlink()
        manager.corrected = written()
        manager.action_process_again()
        with self.assertRaisesRegex(UserError, "solved"):
            manager.corrected = "x"

    def test_users_and_technicians_neither_see_nor_process(self):
        reject = self._reject(written(inicio="15/10"))
        for role in ("user", "technician"):
            with self.assertRaises(AccessError, msg=role):
                self._as(role, reject).read(["raw"])
            with self.assertRaises(AccessError, msg=role):
                self._as(role, reject).action_process_again()

    def test_another_companys_records_are_not_seen(self):
        reject = self._reject(written(inicio="15/10"))
        company = self.env["res.company"].create({"name": "Other"})
        stranger = self._make_user("manager", company)
        rejects = (
            self.env["saperx.cdr.reject"]
            .with_user(stranger)
            .with_context(allowed_company_ids=company.ids)
        )
        self.assertFalse(rejects.search([]))
        with self.assertRaises(AccessError):
            rejects.browse(reject.id).action_process_again()

    def test_the_list_tells_which_field_is_at_fault(self):
        for reason, name in (
            ("inicio: missing", "inicio"),
            ("Object missing required field `conta`", "conta"),
            ("Expected `str`, got `int` - at `$.origem`", "origem"),
            ("'valor_cobrado': JSON is malformed", "valor_cobrado"),
            ("Expected `object`, got `array`", False),
        ):
            self.assertEqual(field_in(reason), name)

    def test_the_reason_is_told_in_the_reader_s_language(self):
        self.env["res.lang"]._activate_lang("pt_BR")
        reject = self._reject(written(inicio="15/10"))
        self.assertEqual(reject.explanation, 'No date with a time: inicio = "15/10"')
        field = self.env["ir.model.fields.selection"].search(
            [("field_id.model", "=", reject._name), ("value", "=", "moment")]
        )
        field.with_context(lang="pt_BR").name = "Sem data e hora"
        in_portuguese = reject.with_context(lang="pt_BR")
        self.assertEqual(in_portuguese.explanation, 'Sem data e hora: inicio = "15/10"')
        self.assertEqual(in_portuguese.display_name, in_portuguese.explanation)

    def test_reasons_are_found_in_any_language_and_grouped(self):
        self.env["res.lang"]._activate_lang("pt_BR")
        date = self._reject(written(inicio="15/10"))
        gone = self._reject(written(id=8, conta=None))
        field = self.env["ir.model.fields.selection"].search(
            [("field_id.model", "=", date._name), ("value", "=", "moment")]
        )
        field.with_context(lang="pt_BR").name = "Sem data e hora"
        rejects = self.env["saperx.cdr.reject"]
        for lang in ("en_US", "pt_BR"):
            spoken = rejects.with_context(lang=lang)
            for words in ("No date", "DATA E HORA", "15/10", "inicio"):
                self.assertEqual(
                    spoken.search([("explanation", "ilike", words)]), date, words
                )
            self.assertEqual(
                spoken.search([("explanation", "not ilike", "data e hora")]), gone
            )
        self.assertEqual(
            rejects._read_group([], ["problem"], ["__count"]),
            [("missing", 1), ("moment", 1)],
        )

    def test_what_an_older_version_kept_shows_its_words(self):
        self._import(rejects=[Reject("{}", "conta: odd", "9")])
        self.assertEqual(
            self.env["saperx.cdr.reject"].search([]).explanation, "conta: odd"
        )

    def test_what_an_older_version_kept_is_told_anew_by_an_upgrade(self):
        bad = written(inicio="15/10")
        self._import(
            rejects=[Reject(bad, "inicio: odd", "7"), Reject(written(), "odd", "7")]
        )
        rejects = self.env["saperx.cdr.reject"].search([])
        rejects._explain_again()
        told = {reject.raw: reject.explanation for reject in rejects}
        self.assertEqual(told[bad], 'No date with a time: inicio = "15/10"')
        self.assertEqual(told[written()], "odd")

    def test_the_call_opens_from_the_record(self):
        reject = self._reject(written(inicio="15/10"))
        with self.assertRaisesRegex(UserError, "no call"):
            reject.action_view_call()
        reject.corrected = written()
        reject.action_process_again()
        action = reject.action_view_call()
        self.assertEqual(action["res_id"], self._get_call(7).id)

    def test_a_kept_record_reads_as_the_page_did(self):
        call = read_call(written(), ZoneInfo(self.integration.timezone))
        self.assertIsInstance(call, Call)
        self.assertEqual(call.remote_id, "7")
