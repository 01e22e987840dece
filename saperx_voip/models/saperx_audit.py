# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import Counter

from odoo import api, models
from odoo.tools import SQL

from ..audit import LISTED, STEPS, Violation


class SaperxAudit(models.Model):
    """*Conferência*: whether calls, charges and invoices agree, of one company."""

    _name = "saperx.audit"
    _description = "Audit of calls, charges and invoices"
    _order = "id desc"

    @api.model
    def _find_violations(self, company):
        """Look at all records of a company now, in one transaction.

        :return: a list of ``Violation``; empty if everything agrees. Of one kind in one
            batch, no more than ``LISTED``.
        """
        self.env.flush_all()
        found = []
        for step in STEPS:
            last_id = 0
            while batch := self._look(step, company, last_id):
                last_id, _checked, violations, _totals = batch
                found += violations
        return found

    @api.model
    def _look(self, step, company, after_id):
        """Look at the next records of a step.

        :return: the last id looked at, how many records, the violations told, and how
            many there are by kind; None if there are no more
        """
        [[first_id, greatest_id]] = self.env.execute_query(
            SQL(
                "SELECT min(id), max(id) FROM %s WHERE id > %s",
                SQL.identifier(step.table),
                after_id,
            )
        )
        if first_id is None:
            return None
        last_id = min(greatest_id, first_id + step.batch - 1)
        bounds = company.id, first_id, last_id
        [[checked]] = self.env.execute_query(step.count_query(*bounds))
        violations, totals = [], Counter()
        for model, query in step.queries:
            for kind, *values, total in self.env.execute_query(query(*bounds, LISTED)):
                violations.append(Violation(kind, model, *values))
                totals[kind] = total
        return last_id, checked, violations, totals
