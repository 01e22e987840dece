# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
import time
from zoneinfo import ZoneInfo

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying

from ..forms import tell_forms
from ..schedule import pause_after
from .saperx_cdr_import import OPEN_STATES, get_working_seconds
from .saperx_integration_calls import PARKED_UNTIL

_logger = logging.getLogger(__name__)


class SaperxSchedule(models.Model):
    """How a scheduled task runs.

    Its scheduled action is parked: only triggers wake it, at ``next_run_at`` or, to
    charge, at ``retry_at``. An import is begun here and read by the scheduled action of
    its integration, as any other; what that says of it is followed. Odoo lets one
    worker at a time have an action, so that a task never runs twice at once. What is
    due is read from the record, never from the trigger: one too many does nothing, and
    one that was lost is made again by ``_cron_watch``. The next moment is reckoned from
    now: however many runs were missed, one makes up for them.

    Trouble never leaves this class, since Odoo puts off what raises for the whole of
    its interval and at last switches it off. It is written on the record, and what may
    pass by itself is tried again after a pause.
    """

    _inherit = "saperx.schedule"  # pylint: disable=consider-merging-classes-inherited

    def _make_cron(self):
        tasks = dict(self._fields["task"]._description_selection(self.env))
        for schedule in self:
            schedule.sudo().cron_id = (
                self.env["ir.cron"]
                .sudo()
                .create(
                    {
                        "name": self.env._(
                            "SaperX, scheduled task #%(number)s: %(task)s "
                            "(%(integration)s)",
                            number=schedule.id,
                            task=tasks[schedule.task],
                            integration=schedule.integration_id.name,
                        ),
                        "model_id": self.env["ir.model"]._get_id(self._name),
                        "state": "code",
                        "code": "model._cron_run()",
                        # Whoever made the task may leave.
                        "user_id": SUPERUSER_ID,
                        "interval_number": 1,
                        "interval_type": "months",
                        "nextcall": PARKED_UNTIL,
                    }
                )
            )

    def _plan(self):
        """Reckon the next run from now on, and be woken for it."""
        now = fields.Datetime.now()
        for schedule in self.sudo():
            zone = ZoneInfo(schedule.timezone)
            schedule.next_run_at = schedule.active and (
                schedule._get_timetable().next_after(now, zone)
            )
            schedule._arm()

    def _run_soon(self):
        """As if its moment had come."""
        if self.task == "import" and self._is_unfinished():
            self.last_import_id._hurry()
            return
        now = fields.Datetime.now()
        self.write({"retry_at" if self.last_state == "waiting" else "next_run_at": now})
        self._arm()

    def _is_unfinished(self):
        """What was begun and has not ended comes before anything new."""
        if self.task != "import":
            return self.last_state in ("running", "waiting")
        return self.integration_id.active and self.last_import_id.state in OPEN_STATES

    def _get_moment(self):
        """When there is something to do here, or False."""
        self.ensure_one()
        if not self.active:
            return False
        if not self._is_unfinished():
            return self.next_run_at
        if self.task == "import":
            # At its end it wakes the task, if the next moment has come meanwhile.
            return False
        # Or else it is at work, or was when its process died.
        is_waiting = self.last_state == "waiting" and self.retry_at
        return is_waiting or fields.Datetime.now()

    def _follow(self, run):
        """What was begun here fares so. In the transaction that makes it so.

        :param run: a ``saperx.cdr.import``
        """
        if self.last_import_id != run:
            return
        state = run.state
        if state in OPEN_STATES:
            state = "waiting" if run.next_try_at else "running"
        self._record(
            {
                "last_state": state,
                "last_error": run.error,
                "retry_count": run.failed_attempts,
                "retry_at": run.next_try_at,
            }
        )
        # A moment that came meanwhile is made up for now.
        self._arm()

    def _arm(self):
        """Be woken when there is something to do."""
        moment = self._get_moment()
        if not moment or not self.cron_id:
            return
        now = fields.Datetime.now()
        # One that is due may be the one that woke us: it is being deleted.
        if moment <= now or not self._has_trigger([("call_at", "=", moment)]):
            self.cron_id._trigger(max(moment, now))

    def _has_trigger(self, domain):
        return self.env["ir.cron.trigger"].search_count(
            [("cron_id", "=", self.cron_id.id), *domain], limit=1
        )

    @api.model
    def _cron_watch(self):
        """Mend what Odoo or a person did to the scheduled actions of tasks: a trigger
        that is lost, an action that is deleted or was switched off."""
        for schedule in self.search([]):
            retrying(schedule._watch, self.env)

    def _watch(self):
        if not self.cron_id:
            self._make_cron()
        if not self.cron_id.active:
            self.cron_id.active = True
        if not self.next_run_at:
            self._plan()
        moment = self._get_moment()
        if not moment:
            return
        latest = max(moment, fields.Datetime.now())
        if not self._has_trigger([("call_at", "<=", latest)]):
            _logger.info("%s: woken by the watch", self.display_name)
            self._arm()

    @api.model
    def _cron_run(self):
        """For the scheduled action of each task."""
        cron_id = self.env.context.get("cron_id")
        for schedule in self.search([("cron_id", "=", cron_id)]):
            schedule._run()

    def _run(self):
        """Do what is due, and be woken for what comes next."""
        self.ensure_one()
        cron = self.env["ir.cron"]
        # Something is done: Odoo counts a run without that as failed if it is killed
        # for its length, and in the end switches it off.
        cron._commit_progress(1, remaining=1)
        if self._is_unfinished() and self._is_due():
            self._go_on()
        if not self._is_unfinished() and self._is_due():
            retrying(self._begin, self.env)
            self._go_on()
        retrying(self._arm, self.env)
        cron._commit_progress(remaining=0)

    def _is_due(self):
        moment = self._get_moment()
        return moment and moment <= self._now()

    def _now(self):
        return fields.Datetime.now()

    def _begin(self):
        """One transaction: killed after it, the run is gone on with."""
        values = {
            "last_state": "running",
            "last_run_at": self._now(),
            "next_run_at": self._get_timetable().next_after(
                self._now(), ZoneInfo(self.timezone)
            ),
            "last_error": False,
            "retry_count": 0,
            "retry_at": False,
        }
        if self.task == "import" and self.integration_id.active:
            values["last_import_id"] = self._make_import().id
        if self.task == "charge":
            values["last_charging_id"] = self._make_charging().id
        self._record(values)

    def _make_import(self):
        date_from, date_to = self.integration_id._get_default_window()
        return self.env["saperx.cdr.import"].create(
            {
                "integration_id": self.integration_id.id,
                "schedule_id": self.id,
                "date_from": date_from,
                "date_to": date_to,
            }
        )

    def _go_on(self):
        try:
            if not self.integration_id.active:
                env = self._in_its_language()
                raise UserError(env._("Its integration is archived."))
            self._do_task()
        except UserError as error:
            # Trying again helps nobody: it waits for a correction, or the next run.
            self._record_trouble({"last_state": "failed", "last_error": str(error)})
        except Exception as error:
            _logger.exception("%s failed, and will be tried again", self.display_name)
            self._try_later(self._explain_unexpected(error))

    def _do_task(self):
        """What the task does itself: an import is left to its integration's action."""
        if self.task == "charge":
            self._charge()

    def _try_later(self, message):
        """:param message: what went wrong, in the task's language"""
        self._record_trouble(
            {
                "last_state": "waiting",
                "retry_count": self.retry_count + 1,
                "retry_at": self._now() + pause_after(self.retry_count + 1),
                "last_error": message,
            }
        )

    def _explain_unexpected(self, error):
        return self._in_its_language()._("Something unexpected happened: %s", error)

    def _record_trouble(self, values):
        self.env.cr.rollback()
        retrying(lambda: self._record(values), self.env)

    def _make_charging(self):
        return self.env["saperx.charging"].create(
            {
                "integration_id": self.integration_id.id,
                "company_id": self.company_id.id,
                "schedule_id": self.id,
            }
        )

    def _charge(self):
        """Portion by portion; what time does not suffice for is gone on with at once,
        what failed is tried again from the start after a pause."""
        if not self.last_charging_id._is_open():
            retrying(self._charge_again, self.env)
        charging = self.last_charging_id
        if not charging._proceed(time.monotonic() + get_working_seconds()):
            return
        if charging.is_unexpected:
            self._try_later(self._explain_unexpected(charging.error))
        elif charging.state == "failed":
            raise UserError(charging.error)
        else:
            retrying(self._record_success, self.env)

    def _charge_again(self):
        # None: of a task that ran before there were runs of charging.
        if self.last_charging_id:
            self.last_charging_id._begin_again()
        else:
            self._record({"last_charging_id": self._make_charging().id})

    def _record_success(self):
        self._record({"last_state": "done", "last_error": False, "retry_at": False})

    def _record(self, values):
        self.write(values)
        tell_forms(self)

    def _in_its_language(self):
        """Nobody is logged in when a scheduled action speaks: whoever answers for the
        task will read it."""
        lang = self._get_reader().lang or self.env.lang
        return self.with_context(lang=lang).env
