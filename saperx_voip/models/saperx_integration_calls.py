# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL

from ..rating import (
    Assessor,
    Directory,
    Holding,
    LineKeys,
    NumberHolding,
    bounds_utc,
    local_date,
)

# Nobody waits for it: triggers alone wake a scheduled action that is parked.
PARKED_UNTIL = "2999-12-31 00:00:00"
# Whatever changes in a row of these may change whose a call is and what it costs.
ASSESSOR_TABLES = (
    "saperx_line_period",
    "saperx_did",
    "saperx_tariff",
    "saperx_tariff_rate",
    "saperx_service_number",
    "saperx_area_code",
)


class SaperxIntegration(models.Model):
    """What the import and the charging ask of an integration."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    reading_since = fields.Datetime(
        compute="_compute_reading_since",
        compute_sudo=True,
        help="Since when calls are being imported. Empty: they are not.",
    )

    import_cron_id = fields.Many2one(
        "ir.cron",
        readonly=True,
        copy=False,
        ondelete="set null",
        groups="base.group_system",
        help="Reads the calls of this integration.",
    )

    @api.depends("import_ids.state", "import_ids.started_at")
    def _compute_reading_since(self):
        since = dict(
            self.env["saperx.cdr.import"]._read_group(
                [("integration_id", "in", self.ids), ("state", "=", "running")],
                ["integration_id"],
                ["started_at:min"],
            )
        )
        for integration in self:
            integration.reading_since = since.get(integration)

    def _get_import_cron(self):
        """The scheduled action that reads its calls. Parked: only triggers wake it."""
        self.ensure_one()
        if not self.import_cron_id:
            # Of two at once the second fails at this write, and begins again.
            self.import_cron_id = (
                self.env["ir.cron"]
                .sudo()
                .create(
                    {
                        "name": self.env._("SaperX: import calls of %s", self.name),
                        "model_id": self.env["ir.model"]._get_id("saperx.cdr.import"),
                        "state": "code",
                        "code": f"model._cron_run_of({self.id})",
                        # Whoever made the integration may leave.
                        "user_id": SUPERUSER_ID,
                        "interval_number": 1,
                        "interval_type": "months",
                        "nextcall": PARKED_UNTIL,
                    }
                )
            )
        return self.import_cron_id

    @api.ondelete(at_uninstall=False)
    def _unlink_import_cron(self):
        crons = self.sudo().import_cron_id
        actions = crons.ir_actions_server_id
        # Refused while it reads.
        crons.unlink()
        actions.unlink()

    def _get_assessor(self, known=None, lines=None):
        """Everything that calls are matched and rated by, read once, for the pure
        core.

        :param known: an assessor that this method gave earlier, maybe in another
            transaction; it is given back if nothing that it was built from changed
        :param lines: only these lines of the integration; None: all
        """
        self.ensure_one()
        self.env.flush_all()
        stamp = self._get_assessor_stamp()
        if known and known.stamp == stamp:
            return known
        which = SQL("line.integration_id = %s", self.id)
        if lines is not None:
            which = SQL("line.id = ANY(%s)", lines.ids)
        line_rows = self._read_lines(which)
        holdings = self._read_holdings(which)
        tariffs = (
            self.env["saperx.tariff"]
            .sudo()
            .browse({holding.tariff_id for holding in holdings} - {None})
        )
        # Maybe written behind the cache's back, as the stamp saw.
        tariffs.invalidate_model()
        tariffs.rate_ids.invalidate_model()
        directory = Directory(
            lines=(LineKeys(*keys) for *keys, _charge_from in line_rows),
            holdings=holdings,
            numbers=self._read_numbers(which),
        )
        assessor = Assessor(
            directory,
            {tariff.id: tariff._get_rating_tariff() for tariff in tariffs},
            ZoneInfo(self.timezone),
            charge_from=self.charge_calls_from or None,
            line_charge_from={
                line_id: charge_from
                for line_id, *_keys, charge_from in line_rows
                if charge_from
            },
            services=self.env["saperx.service.number"]._get_services(self.company_id),
            local_since=self.env["saperx.area.code"]._get_local_since(),
        )
        assessor.stamp = stamp
        return assessor

    def _get_assessor_stamp(self):
        """What an assessor is built from, so short that it is read for every batch.

        Of lines, what counts: their state towards the platform changes often. Of the
        rest, the versions of all rows: each write makes a new one, in whichever
        transaction, and by whatever means.

        :return: a tuple; equal means that nothing changed
        """
        versions = (
            SQL(
                "(SELECT concat_ws(' ', count(*),"
                " sum(hashtextextended(ctid::text || xmin::text, 0))) FROM %s)",
                SQL.identifier(table),
            )
            for table in ASSESSOR_TABLES
        )
        [stamp] = self.env.execute_query(
            SQL(
                """
                SELECT timezone, charge_calls_from, %s, (
                    SELECT concat_ws(
                        ' ', count(*),
                        sum(hashint8extended(id, remote_id)),
                        sum(hashtextextended(account_code, id)),
                        sum(timestamp_hash_extended(charge_calls_from, id))
                    )
                    FROM saperx_line WHERE integration_id = integration.id
                )
                FROM saperx_integration AS integration WHERE id = %s
                """,
                SQL(", ").join(versions),
                self.id,
            )
        )
        return stamp

    def _read_lines(self, which):
        """Id, id on the platform, account code and ``charge_calls_from`` of lines."""
        return self.env.execute_query(
            SQL(
                """
                SELECT id, nullif(remote_id, 0), nullif(account_code, ''),
                       charge_calls_from
                FROM saperx_line AS line WHERE %s
                ORDER BY contract_id, id
                """,
                which,
            )
        )

    def _read_holdings(self, which):
        return [
            Holding(
                period_id=period_id,
                line_id=line_id,
                contract_id=contract_id,
                partner_id=partner_id,
                tariff_id=tariff_id,
                closing_day=closing_day,
                prepaid=prepaid,
                since=since,
                until=until,
            )
            for (
                period_id,
                line_id,
                contract_id,
                partner_id,
                tariff_id,
                closing_day,
                prepaid,
                since,
                until,
            ) in self.env.execute_query(
                SQL(
                    """
                    SELECT period.id, line_id, period.contract_id, period.partner_id,
                           period.tariff_id, period.closing_day,
                           period.billing_type = 'prepaid', date_from, date_to
                    FROM saperx_line_period AS period
                    JOIN saperx_line AS line ON line.id = line_id
                    WHERE %s
                    """,
                    which,
                )
            )
        ]

    def _read_numbers(self, which):
        return [
            NumberHolding(
                number=number,
                line_id=line_id,
                since=since,
                until=until,
                is_main=bool(is_main),
            )
            for number, line_id, since, until, is_main in self.env.execute_query(
                SQL(
                    """
                    SELECT number, line_id, held_from, held_until, is_main
                    FROM saperx_did JOIN saperx_line AS line ON line.id = line_id
                    WHERE %s
                    ORDER BY line_id, is_main DESC, saperx_did.id
                    """,
                    which,
                )
            )
        ]

    def _get_local_today(self):
        self.ensure_one()
        return local_date(fields.Datetime.now(), ZoneInfo(self.timezone))

    def _get_default_window(self):
        """The window that a scheduled import reads: design §6.

        Daily: from the start of the day ``lookback_days`` before the last covered
        moment up to now. Monthly: the previous month, with the same look-back; earlier
        months as well that no run covered.

        :return: (from, to) as naive UTC, half open
        """
        self.ensure_one()
        now = fields.Datetime.now()
        zone = ZoneInfo(self.timezone)
        lookback = timedelta(days=self.lookback_days)
        if self.cdr_import_period == "monthly":
            month = self._get_local_today().replace(day=1)
            first = month - relativedelta(months=1)
            if self.imported_until:
                first = min(first, local_date(self.imported_until, zone))
            return self._get_start_of_day(first - lookback), self._get_start_of_day(
                month
            )
        covered = self.imported_until or now - timedelta(days=1)
        first = local_date(covered, zone) - lookback
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
