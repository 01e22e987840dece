# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import time
from functools import partial

from odoo import api, models
from odoo.service.model import retrying

from .saperx_cdr_import import get_working_seconds

UNMATCHED = [("state", "=", "unmatched")]
# In the context of whoever makes many lines, and triggers it once they are all there.
REMATCH_WAITS = "saperx_rematch_waits"


class SaperxCdr(models.Model):
    """Calls without a line find theirs once there is one."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _trigger_rematch(self, integrations):
        """A line or a number appeared: calls without a line may be its own."""
        if self.env.context.get(REMATCH_WAITS):
            return
        if self.sudo().search_count(
            [("integration_id", "in", integrations.ids), *UNMATCHED], limit=1
        ):
            self._get_rematch_action()._trigger()

    def _get_rematch_action(self):
        return self.env.ref("saperx_voip.ir_cron_rematch").sudo()

    @api.model
    def _cron_rematch(self):
        """Batch by batch, each a transaction, for as long as Odoo lets it. A call that
        found its line is without one no more, so that going on begins anew."""
        cron = self.env["ir.cron"]
        # Something is done: Odoo counts a run without that as failed if it is killed
        # for its length, and in the end switches it off.
        cron._commit_progress(1, remaining=1)
        until = time.monotonic() + get_working_seconds()
        assessors, after_id, has_matched = {}, 0, False
        while True:
            step = partial(self._rematch_batch, assessors, after_id)
            batch = retrying(step, self.env)
            after_id = batch.last_id
            has_matched |= bool(batch.line_ids)
            if not batch.call_count:
                break
            if time.monotonic() >= until:
                # If none was matched, there is nothing that the rest need not wait for.
                if has_matched:
                    retrying(self._get_rematch_action()._trigger, self.env)
                break
        cron._commit_progress(remaining=0)

    def _rematch_batch(self, assessors, after_id):
        """Also what the calls that found their line draw on: whoever dies here has done
        all of it, or nothing."""
        batch = self._reassess_batch(UNMATCHED, assessors, after_id)
        self._draw_in_batches(batch.line_ids)
        return batch
