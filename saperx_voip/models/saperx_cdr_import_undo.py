# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.service.model import retrying
from odoo.tools import SQL

from ..alone import alone
from ..forms import tell_forms
from .saperx_cdr_import import IMPORT_LOCK, get_working_seconds
from .unconstrained_many2one import UnconstrainedMany2one

_logger = logging.getLogger(__name__)

UNDO_BATCH = 20_000
UNDOABLE = ("done", "failed")


class SaperxCdrImport(models.Model):
    """A run is undone: its calls go, but for those that a charge took.

    This is the one way in which calls are removed. With each batch ``imported_until``
    is put back to the first of them in the same transaction, so that at no moment a
    cycle can be charged without calls that are gone. Killed half-way it goes on.
    """

    _inherit = "saperx.cdr.import"  # pylint: disable=consider-merging-classes-inherited

    undone_at = fields.Datetime(readonly=True)
    undone_by_id = UnconstrainedMany2one("res.users", readonly=True)
    removed_count = fields.Integer(
        string="Removed", readonly=True, help="Calls that undoing this run removed."
    )
    kept_charged_count = fields.Integer(
        string="Kept: charged",
        readonly=True,
        help="Calls that undoing this run left, since a charge holds them.",
    )
    kept_corrected_count = fields.Integer(
        string="Kept: charged, and corrected since",
        readonly=True,
        help="Calls that undoing this run left, since a charge holds them; the "
        "platform tells them otherwise now.",
    )

    def action_undo(self):
        """Remove the run's calls that nothing charged; in the background."""
        self.check_access("read")
        self._check_undoable()
        runs = self.sudo()
        for run in runs:
            # That of a run: no other may be reading, while what it takes for known
            # goes. It ends with this transaction.
            [[is_alone]] = self.env.execute_query(
                SQL(
                    "SELECT pg_try_advisory_xact_lock(%s, %s)",
                    IMPORT_LOCK,
                    run.integration_id.id,
                )
            )
            if not is_alone:
                raise UserError(
                    self.env._(
                        "An import of “%s” is at work: undo this one once it is done.",
                        run.integration_id.name,
                    )
                )
        runs.write(
            {
                "state": "undoing",
                "undone_at": fields.Datetime.now(),
                "undone_by_id": self.env.uid,
                "cursor": False,
                "next_try_at": False,
                "error": False,
            }
        )
        runs._count_kept()
        for run in runs:
            run._uncover(run._get_first_removable())
        self.env.ref("saperx_voip.ir_cron_undo_import").sudo()._trigger()
        tell_forms(runs)

    def _check_undoable(self):
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may undo an import."))
        for run in self:
            if run.state not in UNDOABLE:
                raise UserError(
                    self.env._(
                        "“%s” cannot be undone: only an import that is done or has "
                        "failed can.",
                        run.display_name,
                    )
                )

    @api.model
    def _cron_undo(self):
        """Go on with every run that is being undone; also those that a crash left."""
        cron = self.env["ir.cron"]
        # Something is done: Odoo counts a run without that as failed if it is killed
        # for its length, and in the end switches it off.
        cron._commit_progress(1, remaining=1)
        until = time.monotonic() + get_working_seconds()
        for run in self.search([("state", "=", "undoing")], order="id"):
            run._undo(until)
            if time.monotonic() >= until:
                action = self.env.ref("saperx_voip.ir_cron_undo_import").sudo()
                retrying(action._trigger, self.env)
                break
        cron._commit_progress(remaining=0)

    def _undo(self, until=float("inf")):
        """Remove batch by batch, each a transaction of its own.

        :param float until: by ``time.monotonic()``: once it is over, the rest is left
            to another call, and the run stays in the state *undoing*
        """
        self.ensure_one()
        with alone(self.env, IMPORT_LOCK, self.integration_id.id) as is_alone:
            if not is_alone:
                _logger.info("%s: an import is at work", self.display_name)
                return
            while retrying(self._remove_batch, self.env):
                if time.monotonic() >= until:
                    return
            # What the removed calls drew on is free for others.
            if self._draw_allowances(until):
                retrying(self._end_undoing, self.env)
            # Who found the integration at work left it to us to wake them.
            retrying(self._wake_others, self.env)

    def _remove_batch(self):
        """:return: how many calls were removed"""
        removed = self.env.execute_query(
            SQL(
                """
                DELETE FROM saperx_cdr WHERE id = ANY(ARRAY(
                    SELECT id FROM saperx_cdr
                    WHERE import_id = %s AND charge_id IS NULL
                    AND NOT EXISTS (
                        SELECT FROM saperx_dispute_call WHERE call_id = saperx_cdr.id
                    )
                    LIMIT %s FOR UPDATE
                ))
                RETURNING id, start, line_id
                """,
                self.id,
                UNDO_BATCH,
            )
        )
        if removed:
            # Of a charge that was cancelled; what it told of is gone.
            self.env.execute_query(
                SQL(
                    "DELETE FROM saperx_cdr_change WHERE call_id = ANY(%s)"
                    " RETURNING id",
                    [call_id for call_id, _start, _line_id in removed],
                )
            )
            self.env["saperx.cdr"].invalidate_model()
            self._uncover(min(start for _call_id, start, _line_id in removed))
            self._add_undrawn({line_id for *_call, line_id in removed} - {None})
            self.removed_count += len(removed)
            tell_forms(self)
        return len(removed)

    def _end_undoing(self):
        self._count_kept()
        self.env["saperx.cdr.reject"]._reopen(self)
        self.state = "undone"
        tell_forms(self)

    def _count_kept(self):
        for run in self:
            [[charged, corrected]] = self.env.execute_query(
                SQL(
                    """
                    SELECT count(*) FILTER (WHERE is_changed_after_billing IS NOT TRUE),
                           count(*) FILTER (WHERE is_changed_after_billing)
                    FROM saperx_cdr WHERE import_id = %s AND charge_id IS NOT NULL
                    """,
                    run.id,
                )
            )
            run.kept_charged_count = charged
            run.kept_corrected_count = corrected

    def _get_first_removable(self):
        """When the first of the calls began that would be removed, or None."""
        self.ensure_one()
        [[first]] = self.env.execute_query(
            SQL(
                "SELECT min(start) FROM saperx_cdr"
                " WHERE import_id = %s AND charge_id IS NULL AND NOT EXISTS"
                " (SELECT FROM saperx_dispute_call WHERE call_id = saperx_cdr.id)",
                self.id,
            )
        )
        return first

    def _uncover(self, moment):
        """From this moment (naive UTC) on, calls are missing: what was imported ends
        before. Nothing if None."""
        integration = self.integration_id
        covered = integration.imported_until
        if moment and covered and covered > moment:
            integration.imported_until = moment

    def action_import_again(self):
        """Read the window of an undone run again, in a new run."""
        self.ensure_one()
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may import calls."))
        if self.state != "undone" or self.origin != "platform":
            raise UserError(self.env._("Only an import that was undone is read again."))
        run = self.sudo().create(
            {
                "integration_id": self.integration_id.id,
                "date_from": self.date_from,
                "date_to": self.date_to,
            }
        )
        return {
            "type": "ir.actions.act_window",
            "res_model": run._name,
            "res_id": run.id,
            "views": [(False, "form")],
        }
