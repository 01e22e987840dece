from odoo import fields


class UnconstrainedMany2one(fields.Many2one):
    """A many2one without a foreign key in the database.

    For the call table alone: each key would be checked for each of millions of
    rows, while those that it points at cannot be deleted anyway.
    """

    def update_db_foreign_key(self, model, column):
        """Make none."""
