# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tools import SQL

from ..alone import alone
from ..forms import tell_forms
from ..gateway import GatewayError, known_call_class
from ..places import country_of
from ..rating import Fact
from ..sentinel import SeenCall, find
from .saperx_sentinel_call import KEPT

_logger = logging.getLogger(__name__)

# First key of the advisory lock of a reading; the second is the integration's id. Not
# the import's: neither waits for the other.
SENTINEL_LOCK = 0x5E17
PAGE_LIMIT = 1000
# Of one reading: what it does not get to comes with the next.
READING_SECONDS = 240
LINES_AT_ONCE = 50
# A first reading, and the longest way back after an outage.
FIRST_READING = timedelta(days=1)
FURTHEST_BACK = timedelta(days=7)
# Shorter ones that cost nothing and stay in the country make no fraud.
SHORTEST_SECONDS = 60
UNKNOWN_COUNTRY = "?"


class SaperxSentinel(models.Model):
    """How a sentinel reads and looks.

    Killed anywhere and run again it ends the same: a call is known by its id, is looked
    at until it is marked so together with the alert that came of it, and the moment
    that it read up to moves only past what was stored.
    """

    _inherit = "saperx.sentinel"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _cron_watch(self):
        """For the scheduled action of each sentinel. Trouble never leaves it: Odoo
        would put it off, and at last switch it off."""
        cron_id = self.env.context.get("cron_id")
        for sentinel in self.search([("cron_id", "=", cron_id)]):
            self.env["ir.cron"]._commit_progress(1, remaining=1)
            sentinel._watch()
        self.env["ir.cron"]._commit_progress(remaining=0)

    def _watch(self):
        """Read what is new, look at it, and do what is to be done."""
        self.ensure_one()
        if not self.integration_id.active:
            return
        with alone(self.env, SENTINEL_LOCK, self.integration_id.id) as is_alone:
            if not is_alone:
                _logger.info("%s: another reading is at work", self.display_name)
                return
            if self._is_done(self._read):
                retrying(self._record_success, self.env)
            # Also what came before the trouble.
            self._is_done(self._look)

    def _is_done(self, step):
        """Do a part of a reading; trouble is recorded, since Odoo would in the end
        switch an action off that lets it out. :return: whether there was none"""
        try:
            step()
        except (GatewayError, UserError) as error:
            self._record_trouble(self.integration_id._explain, error)
        except Exception as error:
            _logger.exception("The sentinel of %s failed", self.display_name)
            self._record_trouble(lambda error, _reader: str(error), error)
        else:
            return True
        return False

    def _record_trouble(self, explain, error):
        """Nothing is lost by it: the next reading begins where this one stopped."""
        self.env.cr.rollback()

        def record():
            self.last_error = explain(error, self.responsible_id or self.create_uid)
            self.failed_since = self.failed_since or fields.Datetime.now()
            tell_forms(self)

        retrying(record, self.env)

    def _record_success(self):
        self.write({"last_error": False, "failed_since": False})
        tell_forms(self)

    # Reading

    def _get_window(self):
        """:return: (from, to), naive UTC"""
        now = fields.Datetime.now()
        since = (self.read_until or now - FIRST_READING) - timedelta(
            hours=self.lookback_hours
        )
        return max(since, now - FURTHEST_BACK), now

    def _read(self):
        """Take the calls of the window in, page by page, no transaction being open
        while the platform is asked."""
        start, end = retrying(self._get_window, self.env)
        integration, assessor = self.integration_id, None
        with retrying(integration._get_client, self.env) as client:
            with client.deadline(READING_SECONDS):
                for page in client.iter_call_pages(start, end, limit=PAGE_LIMIT):
                    assessor = retrying(
                        partial(self._store_page, page, assessor), self.env
                    )
        retrying(partial(self._move_on, end), self.env)

    def _move_on(self, moment):
        if not self.read_until or moment > self.read_until:
            self.read_until = moment

    def _store_page(self, page, assessor):
        """Price the calls of a page and keep those that may matter.

        :param assessor: that of the page before
        :return: the assessor by which it was priced
        """
        assessor = self.integration_id._get_assessor(assessor)
        rows = {}
        for call in page.calls:
            if row := self._prepare_call(call, assessor):
                rows[call.remote_id] = row
        self.env["saperx.sentinel.call"]._keep(list(rows.values()))
        if page.calls and page.cursor is not None:
            # The oldest come first: should this reading be cut, the next one goes on.
            self._move_on(max(call.start for call in page.calls))
        return assessor

    def _prepare_call(self, call, assessor):
        """A row of ``saperx.sentinel.call``, or None for what cannot be fraud.

        Calls that are free by law (emergency, reports of crimes) are never kept.
        """
        if call.outcome.value != "answered" or call.talk_seconds <= 0:
            return None
        if call.direction.value != "outgoing" and not call.is_collect:
            return None
        found = assessor.assess(_fact_of(call))
        if not found.holding or found.call_class in ("free", "internal"):
            return None
        amount = max(found.rated.gross_amount, call.platform_amount or Decimal(0))
        abroad = found.call_class == "ldi"
        if not (amount or abroad or call.talk_seconds >= SHORTEST_SECONDS):
            return None
        return (
            self.id,
            self.company_id.id,
            call.remote_id,
            found.holding.line_id,
            call.start,
            call.start + timedelta(seconds=call.talk_seconds),
            amount,
            found.call_class,
            (country_of(found.other_party) or UNKNOWN_COUNTRY) if abroad else None,
            found.other_party,
            found.own_class,
        )

    # Looking

    def _look(self):
        """Look at each line of which something is new, some lines a transaction."""
        while retrying(self._look_at_some, self.env):
            pass
        retrying(self._forget, self.env)

    def _forget(self):
        read_until = self.read_until or fields.Datetime.now()
        self.env["saperx.sentinel.call"]._forget(self, read_until - KEPT)

    def _look_at_some(self):
        """:return: whether there was anything to look at"""
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT line_id FROM saperx_sentinel_call"
                " WHERE sentinel_id = %s AND is_checked IS NOT TRUE"
                " ORDER BY line_id LIMIT %s",
                self.id,
                LINES_AT_ONCE,
            )
        )
        lines = self.env["saperx.line"].browse(line_id for [line_id] in rows)
        if not lines:
            return False
        zone = ZoneInfo(self.integration_id.timezone)
        calls = self._get_seen_calls(lines)
        limits = {line: self._get_limits(line) for line in lines}
        habits = self._get_habits(
            lines.filtered(
                lambda line: (
                    limits[line].habit_factor
                    and sum(call.amount for call in calls[line.id])
                    > limits[line].habit_floor
                )
            )
        )
        for line in lines:
            found = find(calls[line.id], limits[line], zone, habits.get(line.id))
            self.env["saperx.fraud.alert"]._raise(self, line, found)
        self.env.cr.execute(
            SQL(
                "UPDATE saperx_sentinel_call SET is_checked = TRUE"
                " WHERE sentinel_id = %s AND line_id = ANY(%s)"
                " AND is_checked IS NOT TRUE",
                self.id,
                lines.ids,
            )
        )
        return True

    def _get_seen_calls(self, lines):
        """Line id to what the rules look at, with what nobody looked at yet."""
        calls = defaultdict(list)
        for line_id, key, start, end, amount, country in self.env.execute_query(
            SQL(
                """
                SELECT line_id, id, start, ended_at, amount::text, country_code
                FROM saperx_sentinel_call
                WHERE sentinel_id = %s AND line_id = ANY(%s)
                  AND is_cleared IS NOT TRUE
                """,
                self.id,
                lines.ids,
            )
        ):
            calls[line_id].append(SeenCall(key, start, end, Decimal(amount), country))
        return calls


def _fact_of(call):
    return Fact(
        line_remote_id=call.line_remote_id,
        account_code=call.account_code,
        direction=call.direction.value,
        is_collect=call.is_collect,
        answered=True,
        caller=call.caller,
        callee=call.callee,
        start=call.start,
        talk_seconds=call.talk_seconds,
        platform_class=known_call_class(call.platform_class),
        platform_amount=call.platform_amount,
        platform_seconds=call.platform_charged_seconds,
    )
