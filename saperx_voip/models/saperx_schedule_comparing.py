# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying

# While somebody else's reading of the same platform is at work.
LOOK_AGAIN = timedelta(minutes=1)


class SaperxSchedule(models.Model):
    """A task that compares all lines with the platform."""

    _inherit = "saperx.schedule"  # pylint: disable=consider-merging-classes-inherited

    task = fields.Selection(
        selection_add=[("compare", "Compare lines with the platform")],
        ondelete={"compare": "cascade"},
    )
    last_reading_id = fields.Many2one(
        "saperx.circuit.reading",
        string="Last comparison",
        readonly=True,
        copy=False,
        ondelete="set null",
        index="btree_not_null",
    )

    @api.depends("last_reading_id.difference_count", "last_reading_id.read_count")
    def _compute_last_result(self):
        return super()._compute_last_result()

    def action_view_comparisons(self):
        self.ensure_one()
        return self.integration_id.action_view_comparisons()

    def _tell_result(self):
        if self.task != "compare":
            return super()._tell_result()
        reading = self.last_reading_id.sudo()
        return reading.state == "done" and self.env._(
            "%(count)s differences in %(read)s lines",
            count=reading.difference_count,
            read=reading.read_count,
        )

    def _do_task(self):
        if self.task != "compare":
            return super()._do_task()
        return self._compare()

    def _compare(self):
        """Read and compare, or wait for who is at it already."""
        reading = retrying(self._get_reading, self.env)
        error = reading._run()
        if reading.state == "done":
            retrying(self._record_success, self.env)
        elif reading.state != "failed":
            self._look_again()
        elif getattr(error, "transient", False):
            self._try_later(reading.error)
        else:
            raise UserError(reading.error)

    def _get_reading(self):
        """The one that was begun for this run, or another if that failed."""
        if self.last_reading_id.state in (False, "failed"):
            reading = self.env["saperx.circuit.reading"]._begin(self.integration_id)
            self._record({"last_reading_id": reading.id})
        return self.last_reading_id

    def _begin(self):
        res = super()._begin()
        if self.task == "compare":
            self._record({"last_reading_id": False})
        return res

    def _look_again(self):
        self._record_trouble(
            {
                "last_state": "waiting",
                "retry_at": self._now() + LOOK_AGAIN,
                "last_error": self._in_its_language()._(
                    "Another reading of the same platform is at work."
                ),
            }
        )
