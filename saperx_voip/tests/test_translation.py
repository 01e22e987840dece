# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import polib

from odoo.tests import TransactionCase, tagged
from odoo.tools import file_path
from odoo.tools.translate import TranslationModuleReader


@tagged("post_install", "-at_install")
class TestTranslation(TransactionCase):
    def test_every_string_stands_in_portuguese(self):
        """Also those that the files in i18n/ do not know of yet."""
        portuguese = {
            entry.msgid: entry
            for entry in polib.pofile(file_path("saperx_voip/i18n/pt_BR.po"))
        }
        reader = TranslationModuleReader(self.env.cr, modules=["saperx_voip"])
        # module, type, name, id, source, …
        sources = {row[4] for row in reader}
        self.assertGreater(len(sources), 100)
        missing = [
            source
            for source in sources
            if source not in portuguese or not portuguese[source].translated()
        ]
        self.assertEqual(missing, [])
        template = polib.pofile(file_path("saperx_voip/i18n/saperx_voip.pot"))
        self.assertEqual({entry.msgid for entry in template}, set(portuguese))
