# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time

from psycopg2 import IntegrityError, OperationalError

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import retrying

from ..forms import tell_forms
from .saperx_cdr_import import get_working_seconds

_logger = logging.getLogger(__name__)

BATCH = 50


class SaperxAdoption(models.Model):
    """Makes lines of the circuits that were chosen.

    A batch is a transaction, in which its rows are locked: killed anywhere, it goes on
    with what still waits, and whoever else is at it takes other rows.
    """

    _inherit = "saperx.adoption"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _trigger_run(self):
        self.env.ref("saperx_voip.ir_cron_adopt").sudo()._trigger()

    @api.model
    def _cron_run(self):
        """Adopt what waits, for as long as Odoo lets it, also what a crash left."""
        cron = self.env["ir.cron"]
        until = time.monotonic() + get_working_seconds()
        waiting = self.env["saperx.adoption.row"].search([("state", "=", "waiting")])
        cron._commit_progress(1, remaining=1)
        for adoption in waiting.adoption_id:
            try:
                if not adoption._adopt_until(until):
                    retrying(self._trigger_run, self.env)
                    break
            except OperationalError as error:
                # Others hold these rows for long, or the database is going down.
                _logger.info("%s goes on later: %s", adoption.display_name, error)
                self.env.cr.rollback()
                break
        # Also where something is left: Odoo would go on at once, beyond its own limit.
        cron._commit_progress(remaining=0)

    def _adopt_until(self, until):
        """Batch by batch, each committed.

        :param float until: by ``time.monotonic()``: the rest is left to another call
        :return: whether it has come to its end
        """
        while retrying(self._adopt_next, self.env):
            if time.monotonic() >= until:
                return False
        # Of several at once none may have seen that it was the last.
        retrying(self._finish, self.env)
        return True

    def _adopt_next(self):
        """:return: whether there was anything left to do"""
        waiting = self.env["saperx.adoption.row"].search(
            [("adoption_id", "=", self.id), ("state", "=", "waiting")], order="id"
        )
        rows = waiting.try_lock_for_update(limit=BATCH)
        self._adopt_rows(rows)
        if rows == waiting:
            # With the last of them: whoever dies after it has done all.
            self._finish()
        else:
            tell_forms(self)
        return bool(rows)

    def _finish(self):
        """The calls that came before their lines find them now, all at once."""
        self.env["saperx.cdr"]._trigger_rematch(self.integration_id)
        tell_forms(self)

    def _adopt_rows(self, rows):
        """All of them, or each by itself, so that one in trouble is named and holds up
        no other."""
        if not rows:
            return
        try:
            self._adopt_together(rows)
        except (UserError, AccessError, IntegrityError) as error:
            if len(rows) > 1:
                for row in rows:
                    self._adopt_rows(row)
                return
            is_expected = not isinstance(error, IntegrityError)
            rows.write(
                {
                    "state": "failed",
                    "error": str(error) if is_expected else self._explain(error),
                }
            )

    def _adopt_together(self, rows):
        with self.env.cr.savepoint():
            reader = self.confirmed_by_id
            lines_model = self.env["saperx.line"].with_context(
                allowed_company_ids=self.company_id.ids,
                lang=reader.lang,
                tracking_disable=True,
            )
            lines = lines_model.with_user(reader)._adopt(
                [(row.circuit_id, row._prepare_adopted()) for row in rows]
            )
            for row, line in zip(rows, lines, strict=True):
                row.write({"state": "adopted", "line_id": line.id, "error": False})
            self.env.flush_all()

    def _explain(self, error):
        _logger.info("A circuit was not adopted", exc_info=error)
        reason = (error.diag.message_primary or "").strip()
        return self.env._("The database refused it: %s", reason)


class SaperxAdoptionRow(models.Model):
    _inherit = "saperx.adoption.row"  # pylint: disable=consider-merging-classes-inherited

    def _prepare_adopted(self):
        """What a line is given that the platform does not know of."""
        self.ensure_one()
        adoption = self.adoption_id
        beginning = adoption.charge_calls_from
        as_all = beginning == adoption.integration_id.charge_calls_from
        return {
            "contract_id": self.contract_id.id,
            "contract_line_id": self.contract_line_id.id,
            "tariff_id": (self.tariff_id or adoption.tariff_id).id,
            "charge_calls_from": not as_all and beginning,
        }
