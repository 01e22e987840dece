# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from unittest.mock import patch

from cryptography.fernet import Fernet

from odoo.exceptions import UserError, ValidationError

from .. import vault
from .common import SaperxCase

SECRETS = ("very-secret-password", "very-secret-key", "very-secret-secret")


class TestSecret(SaperxCase):
    def _all_text_of(self, table):
        self.env.flush_all()
        self.env.cr.execute(f"SELECT t::text FROM {table} AS t")  # pylint: disable=sql-injection
        return "\n".join(row for (row,) in self.env.cr.fetchall())

    def test_secrets_are_not_in_clear_in_the_table(self):
        text = self._all_text_of("saperx_integration")
        self.assertIn("SaperX", text)
        for secret in SECRETS:
            self.assertNotIn(secret, text)

    def test_secrets_come_back_only_by_the_private_way(self):
        self.assertEqual(self.integration._get_secret("password"), SECRETS[0])
        self.assertEqual(self.integration._get_secret("api_key"), SECRETS[1])
        self.assertFalse(self.integration.password)
        self.assertEqual(
            self.integration.read(["password", "api_key", "api_secret"]),
            [
                {
                    "id": self.integration.id,
                    "password": False,
                    "api_key": False,
                    "api_secret": False,
                }
            ],
        )
        exported = self.integration.export_data(["name", "password", "api_secret"])
        self.assertEqual(exported["datas"][0][1:], ["", ""])

    def test_answer_of_a_save_does_not_repeat_the_secret(self):
        (answer,) = self.integration.web_save(
            {"api_key": "another-secret"}, {"api_key": {}, "api_key_hint": {}}
        )
        self.assertFalse(answer["api_key"])
        self.assertTrue(answer["api_key_hint"])
        self.assertEqual(self.integration._get_secret("api_key"), "another-secret")

    def test_writing_one_secret_leaves_the_others(self):
        self.integration.api_key = "another-secret"
        self.assertEqual(self.integration._get_secret("password"), SECRETS[0])

    def test_an_empty_value_erases_and_the_hint_says_so(self):
        self.assertTrue(self.integration.password_hint)
        self.integration.password = False
        self.assertIsNone(self.integration._get_secret("password"))
        self.assertFalse(self.integration.password_hint)

    def test_a_copy_has_no_secrets(self):
        copy = self.integration.copy()
        self.assertIsNone(copy._get_secret("password"))

    def test_another_key_is_said_without_the_value(self):
        another = Fernet.generate_key().decode()
        with (
            patch.dict("os.environ", {vault.KEY_VARIABLE: another}),
            self.assertRaisesRegex(UserError, "type the value again"),
        ):
            self.integration._get_secret("password")

    def test_a_malformed_key_is_named(self):
        with (
            patch.dict("os.environ", {vault.KEY_VARIABLE: "too short"}),
            self.assertRaisesRegex(vault.VaultError, "32 bytes"),
        ):
            vault.encrypt("x")

    def test_a_generated_password_is_strong_and_as_the_settings_want_it(self):
        generate = self.env["saperx.line"].generate_password
        passwords = {generate() for _time in range(50)}
        self.assertEqual(len(passwords), 50)
        for password in passwords:
            self.assertEqual(len(password), 20)
            self.assertTrue(password.isalnum() and password.isascii())
            for kind in (str.islower, str.isupper, str.isdigit):
                self.assertTrue(any(map(kind, password)))
        self.company.write(
            {"saperx_password_length": 32, "saperx_password_symbols": True}
        )
        password = generate()
        self.assertEqual(len(password), 32)
        self.assertFalse(password.isalnum())
        self.line.password = password
        self.assertEqual(self.line._get_secret("password"), password)

    def test_a_password_is_shown_on_demand_and_traced(self):
        self.line.password = "Given-by-hand-1"
        shown = self.line.action_reveal_password()["params"]["message"]
        self.assertEqual(shown, "Given-by-hand-1")
        self.assertNotIn(shown, self._all_text_of("saperx_line"))
        self.assertNotIn(shown, self._all_text_of("mail_message"))
        self.assertIn("saw the SIP password", self.line.message_ids[0].body)

    def test_a_password_that_the_platform_or_phones_would_not_take_is_refused(self):
        for password in ("short-1", "with blank-1", "acentuação-1", 'quote"-12345'):
            with self.assertRaisesRegex(ValidationError, "SIP password"):
                self.line.password = password
        self.assertFalse(self.line._get_secret("password"))

    def test_a_company_may_demand_a_password_of_each_active_line(self):
        self.company.saperx_password_required = True
        with self.assertRaisesRegex(ValidationError, "Generate password"):
            self._make_line(self.contract, number="551130001001")
        line = self._make_line(
            self.contract, number="551130001000", password="Given-by-hand-1"
        )
        with self.assertRaisesRegex(ValidationError, "Generate password"):
            line.password = False
        self.line.is_active = False
        with self.assertRaisesRegex(ValidationError, "Generate password"):
            self.line.is_active = True

    def test_a_line_whose_password_cannot_be_read_says_so_and_stops_no_other(self):
        self.line.password = "Given-by-hand-1"
        another = Fernet.generate_key().decode()
        with patch.dict("os.environ", {vault.KEY_VARIABLE: another}):
            self.assertIsNone(self.line._get_wanted_line_or_explain())
        self.assertEqual(self.line.sync_state, "error")
        self.assertIn("type the value again", self.line.sync_error)
        self.line.password = "Given-by-hand-2"
        self.assertEqual(self.line.sync_state, "pending")

    def test_a_new_password_is_sent_once(self):
        self.assertIsNone(self.line._get_wanted_line().settings.password)
        self.line.password = "Given-by-hand-1"
        self.assertEqual(
            self.line._get_wanted_line().settings.password, "Given-by-hand-1"
        )
        self.line._write_sync({"pushed_revision": self.line.revision})
        self.assertIsNone(self.line._get_wanted_line().settings.password)
