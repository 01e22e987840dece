from odoo import fields
from odoo.tools import sql


class UnconstrainedMany2one(fields.Many2one):
    """A many2one without a foreign key in the database.

    For the call table alone: each key would be checked for each of millions of
    rows, while those that it points at cannot be deleted anyway.
    """

    def update_db_foreign_key(self, model, column):
        """Make none, and drop one that an earlier release made."""
        comodel = model.env[self.comodel_name]._table
        for rule in ("restrict", "set null", "cascade"):
            arguments = (model._table, self.name, comodel, "id", rule)
            for name in sql.get_foreign_keys(model.env.cr, *arguments):
                sql.drop_constraint(model.env.cr, model._table, name)
