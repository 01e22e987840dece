# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from odoo import models
from odoo.tools import SQL

from ..rating import local_date
from ..sentinel import Habit

HABIT_DAYS = 28
# Fewer days are no habit.
LEAST_DAYS = 7


class SaperxSentinel(models.Model):
    """What is usual for a line, from the calls that billing has imported."""

    _inherit = "saperx.sentinel"  # pylint: disable=consider-merging-classes-inherited

    def _get_habits(self, lines):
        """Line id to ``Habit``, of lines that have one.

        Four weeks up to the day before yesterday, or to where the import has come.
        """
        integration = self.integration_id
        if not lines or not integration.imported_until:
            return {}
        zone = ZoneInfo(integration.timezone)
        last = min(
            integration._get_local_today() - timedelta(days=1),
            local_date(integration.imported_until, zone),
        )
        first = last - timedelta(days=HABIT_DAYS)
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line_id, min(start), extract(hour FROM local)::int,
                       extract(isodow FROM local)::int - 1,
                       sum(greatest(gross_amount, platform_amount))::text
                FROM (
                    SELECT *, start AT TIME ZONE 'UTC' AT TIME ZONE %s AS local
                    FROM saperx_cdr
                    WHERE line_id = ANY(%s) AND start >= %s AND start < %s
                      AND outcome = 'answered'
                      AND (direction = 'outgoing' OR is_collect)
                ) AS call
                GROUP BY line_id, extract(hour FROM local), extract(isodow FROM local)
                """,
                integration.timezone,
                lines.ids,
                integration._get_start_of_day(first),
                integration._get_start_of_day(last),
            )
        )
        totals = defaultdict(list)
        for line_id, *total in rows:
            totals[line_id].append(total)
        habits = {}
        for line_id, found in totals.items():
            begin = local_date(min(start for start, *_rest in found), zone)
            days = (last - begin).days
            if days >= LEAST_DAYS:
                habits[line_id] = _habit_of(found, days)
        return habits


def _habit_of(totals, days):
    hours, weekdays = [Decimal(0)] * 24, [Decimal(0)] * 7
    for _start, hour, weekday, amount in totals:
        hours[hour] += Decimal(amount or 0)
        weekdays[weekday] += Decimal(amount or 0)
    return Habit(
        by_hour=tuple(total / days for total in hours),
        by_weekday=tuple(total * 7 / days for total in weekdays),
    )
