# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

"""Lines that were there before have their allowances since ever."""


def migrate(cr, version):
    # Made here, the column does not take today as its default for what exists.
    cr.execute("ALTER TABLE saperx_line ADD COLUMN IF NOT EXISTS in_use_since date")
