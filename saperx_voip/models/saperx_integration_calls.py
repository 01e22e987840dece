# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import fields, models

from ..rating import (
    Assessor,
    Directory,
    LineKeys,
    bounds_utc,
    local_date,
)


class SaperxIntegration(models.Model):
    """What the import and the charging ask of an integration."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    def _get_assessor(self, lines=None):
        """Everything that calls are matched and rated by, read once, for the pure
        core.

        :param lines: only these lines of the integration; None: all
        """
        self.ensure_one()
        lines = (
            self.env["saperx.line"].sudo().search([("integration_id", "=", self.id)])
            if lines is None
            else lines
        ).sudo()
        periods = (
            self.env["saperx.line.period"].sudo().search([("line_id", "in", lines.ids)])
        )
        dids = (
            self.env["saperx.did"]
            .sudo()
            .with_context(active_test=False)
            .search([("line_id", "in", lines.ids)])
        )
        directory = Directory(
            lines=(
                LineKeys(line.id, line.remote_id or None, line.account_code or None)
                for line in lines
            ),
            holdings=(period._get_holding() for period in periods),
            numbers=(did._get_holding() for did in dids),
        )
        return Assessor(
            directory,
            {
                tariff.id: tariff._get_rating_tariff()
                for tariff in periods.tariff_id.with_context(active_test=False)
            },
            ZoneInfo(self.timezone),
            charge_from=self.charge_calls_from or None,
            line_charge_from={
                line.id: line.charge_calls_from
                for line in lines
                if line.charge_calls_from
            },
        )

    def _get_local_today(self):
        self.ensure_one()
        return local_date(fields.Datetime.now(), ZoneInfo(self.timezone))

    def _get_default_window(self):
        """The window that a scheduled import reads: design §6.

        Daily: from the start of the day ``lookback_days`` before the last covered
        moment up to now. Monthly: the previous month, with the same look-back.

        :return: (from, to) as naive UTC, half open
        """
        self.ensure_one()
        now = fields.Datetime.now()
        lookback = timedelta(days=self.lookback_days)
        if self.cdr_import_period == "monthly":
            month = self._get_local_today().replace(day=1)
            first = month - relativedelta(months=1) - lookback
            return self._get_start_of_day(first), self._get_start_of_day(month)
        covered = self.imported_until or now - timedelta(days=1)
        first = local_date(covered, ZoneInfo(self.timezone)) - lookback
        return self._get_start_of_day(first), now

    def _get_start_of_day(self, day):
        """The first moment of a local day, as naive UTC."""
        self.ensure_one()
        return bounds_utc(day, day, ZoneInfo(self.timezone))[0]

    def _cover(self, date_from, date_to):
        """A window was read to its end: it counts if it joins what was covered."""
        self.ensure_one()
        covered = self.imported_until
        if date_from >= date_to:
            return
        if (not covered or date_from <= covered) and (not covered or date_to > covered):
            self.imported_until = date_to
