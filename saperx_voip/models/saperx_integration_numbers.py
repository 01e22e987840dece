# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re
from collections import Counter
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..bulk import copy_rows
from ..gateway import GatewayError, Reject

# What the platform said so long ago is shown without asking again, and whoever wants
# to pick a number waits no longer than this for it.
FRESH = timedelta(minutes=5)
PATIENCE_SECONDS = 8

E164 = re.compile(r"[1-9][0-9]{9,14}")

REPORTED = "saperx_number_reported"
REPORTED_COLUMNS = (
    "number", "in_use", "line_remote_id", "city", "state_code", "ported"
)  # fmt: skip


class SaperxIntegration(models.Model):
    """The numbers that the platform reports, compared with the stock."""

    _inherit = "saperx.integration"  # pylint: disable=consider-merging-classes-inherited

    def action_sync_numbers(self):
        """*Compare numbers*: read all of the platform's, and say what differs."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_technician"):
            raise AccessError(self.env._("Only technicians may change the stock."))
        total = Counter()
        for integration in self:
            try:
                with integration._get_client() as client:
                    reported, unreadable = integration._read_listing(client)
            except GatewayError as error:
                raise UserError(integration._explain_login(error)) from error
            total += integration._store_reported_numbers(reported, bool(unreadable))
            total["unreadable"] += len(unreadable)
            integration.sudo()._record_success()
        return self._notify_compared(total)

    def _notify_compared(self, total):
        message = self.env._(
            "%(reported)s numbers are on the platform, %(new)s of them new here; "
            "%(different)s differ.",
            reported=total["reported"],
            new=total["new"],
            different=total["different"],
        )
        if total["unreadable"]:
            message = self.env._(
                "%(message)s %(count)s could not be read, so nothing was taken as "
                "missing there.",
                message=message,
                count=total["unreadable"],
            )
        notification = self._notify(message)
        if total["unreadable"]:
            notification["params"] |= {"type": "warning", "sticky": True}
        return notification

    def _refresh_free_numbers(self):
        """Let the stock know of the platform's free numbers.

        :return: what went wrong; False if nothing did
        """
        self.ensure_one()
        recent = self.env["saperx.number"].search_count(
            [
                ("integration_id", "=", self.id),
                ("compared_at", ">", fields.Datetime.now() - FRESH),
            ],
            limit=1,
        )
        if recent or not self.active:
            return False
        try:
            with self._get_client() as client, client.deadline(PATIENCE_SECONDS):
                free, unreadable = self._read_listing(client, in_use=False)
        except GatewayError as error:
            return self._explain(error, self.env.user)
        # Those in use were not asked for: nothing counts as missing.
        self._store_reported_numbers(free, True)
        if unreadable:
            return self.env._("A number could not be read: %s.", unreadable[0])
        self._mark_no_longer_free(free)
        return False

    def _mark_no_longer_free(self, free):
        """What was free there, and is not told among the free ones, somebody has."""
        gone = self.env["saperx.number"].search(
            [
                ("integration_id", "=", self.id),
                ("platform_state", "=", "available"),
                ("number", "not in", [did.number for did in free]),
            ]
        )
        gone.sudo().write({"platform_state": "in_use"})

    @api.model
    def _cron_sync_numbers(self):
        """Compare the numbers of every active integration; trouble is written there."""
        self.search([])._sync_in_background(
            lambda integration, client: integration._read_listing(client),
            lambda integration, found: integration._store_compared(*found),
        )

    def _store_compared(self, reported, unreadable):
        self._store_reported_numbers(reported, bool(unreadable))
        self.sudo()._record_compared(unreadable)

    def _record_compared(self, unreadable):
        """The platform answers, if not always in a way that can be read."""
        self._record_success()
        if unreadable:
            text = self.env._("A number could not be read: %s.", unreadable[0])
            self.write({"last_error_at": fields.Datetime.now(), "last_error": text})

    @api.model
    def _read_listing(self, client, in_use=None):
        """:return: (DIDs of the platform, reasons why others could not be read)"""
        reported, unreadable = [], []
        for record in client.iter_dids(in_use=in_use):
            if isinstance(record, Reject):
                unreadable.append(record.reason)
            elif not E164.fullmatch(record.number):
                unreadable.append(f"{record.number[:40]!r} is no telephone number")
            else:
                reported.append(record)
        return reported, unreadable

    def _store_reported_numbers(self, reported, is_partial):
        """Write what the platform said into the stock, a statement for each kind.

        :param reported: DIDs of the gateway, each number once
        :param is_partial: others could not be read: nothing counts as missing
        :return: Counter of ``reported``, ``new``, ``different``
        """
        self.ensure_one()
        self.env.flush_all()
        self._fill_reported(reported)
        new = self._add_unknown_numbers()
        self.env["saperx.number"].sudo()._link_holders(self.company_id)
        self._update_reported_numbers()
        if not is_partial:
            self._mark_missing_numbers()
        self._update_differences()
        self.env["saperx.number"].invalidate_model()
        different = (
            self.env["saperx.number"]
            .sudo()
            .search_count(
                [("integration_id", "=", self.id), ("difference", "!=", "none")]
            )
        )
        return Counter(reported=len(reported), new=new, different=different)

    def _fill_reported(self, reported):
        cr = self.env.cr
        table = SQL.identifier(REPORTED)
        cr.execute(SQL("DROP TABLE IF EXISTS %s", table))
        cr.execute(
            SQL(
                """
                CREATE TEMPORARY TABLE %s (
                    number varchar PRIMARY KEY, in_use boolean, line_remote_id integer,
                    city varchar, state_code varchar, ported boolean
                ) ON COMMIT DROP
                """,
                table,
            )
        )
        copy_rows(
            cr,
            REPORTED,
            REPORTED_COLUMNS,
            (
                (
                    did.number,
                    did.in_use,
                    did.line_remote_id,
                    did.city or None,
                    did.state_code or None,
                    did.ported,
                )
                for did in reported
            ),
        )
        cr.execute(SQL("ANALYZE %s", table))

    def _add_unknown_numbers(self):
        """Numbers that only the platform knows: in the stock, in no range.

        :return: how many
        """
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO saperx_number (
                    number, company_id, integration_id, area_code, state,
                    platform_state, difference
                )
                SELECT number, %(company)s, %(integration)s,
                       CASE WHEN number LIKE '55%%' AND length(number) IN (12, 13)
                            THEN substr(number, 3, 2) END,
                       CASE WHEN in_use THEN 'in_use' ELSE 'available' END,
                       'unknown', 'none'
                  FROM %(reported)s reported
                 WHERE NOT EXISTS (
                     SELECT FROM saperx_number own
                      WHERE own.company_id = %(company)s
                        AND own.number = reported.number
                 )
                """,
                company=self.company_id.id,
                integration=self.id,
                reported=SQL.identifier(REPORTED),
            )
        )
        return self.env.cr.rowcount

    def _update_reported_numbers(self):
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_number number
                   SET integration_id = %(integration)s,
                       platform_state = CASE WHEN reported.in_use
                           THEN 'in_use' ELSE 'available' END,
                       platform_line_remote_id = reported.line_remote_id,
                       city = coalesce(reported.city, number.city),
                       state_code = coalesce(reported.state_code, number.state_code),
                       is_ported_there = reported.ported,
                       compared_at = %(now)s,
                       -- In no range, and nobody's here: as it is there.
                       state = CASE
                           WHEN number.range_id IS NOT NULL
                             OR number.did_id IS NOT NULL
                             OR number.state NOT IN ('available', 'in_use')
                           THEN number.state
                           WHEN reported.in_use THEN 'in_use'
                           ELSE 'available' END
                  FROM %(reported)s reported
                 WHERE number.company_id = %(company)s
                   AND number.number = reported.number
                """,
                integration=self.id,
                company=self.company_id.id,
                now=fields.Datetime.now(),
                reported=SQL.identifier(REPORTED),
            )
        )

    def _mark_missing_numbers(self):
        """What the platform no longer lists: absent, or forgotten if it alone knew it.

        Numbers that another integration of the company tells of, or holds, are none
        of this one's.
        """
        missing = SQL(
            """
            number.company_id = %(company)s
            AND (number.integration_id IS NULL OR number.integration_id = %(own)s)
            AND NOT EXISTS (
                SELECT FROM %(reported)s reported
                 WHERE reported.number = number.number
            )
            AND NOT EXISTS (
                SELECT FROM saperx_did did
                 WHERE did.id = number.did_id AND did.integration_id != %(own)s
            )
            """,
            company=self.company_id.id,
            own=self.id,
            reported=SQL.identifier(REPORTED),
        )
        self.env.cr.execute(
            SQL(
                "DELETE FROM saperx_number number"
                " WHERE range_id IS NULL AND did_id IS NULL AND %s",
                missing,
            )
        )
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_number number
                   SET integration_id = %s, platform_state = 'absent',
                       platform_line_remote_id = NULL, compared_at = %s
                 WHERE %s
                """,
                self.id,
                fields.Datetime.now(),
                missing,
            )
        )

    def _update_differences(self):
        """Say where stock and platform differ, of all that this integration told of."""
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_number number
                   SET difference = found.difference
                  FROM (
                    SELECT known.id,
                           CASE
                           WHEN known.platform_state = 'unknown' THEN 'none'
                           WHEN did.id IS NULL THEN CASE
                               WHEN known.range_id IS NULL
                                AND (known.state = 'in_use' OR %(has_ranges)s)
                               THEN 'unknown_here'
                               WHEN known.platform_state = 'in_use'
                               THEN 'in_use_there'
                               WHEN known.platform_state = 'absent'
                                AND known.state != 'ported_out'
                               THEN 'missing'
                               ELSE 'none' END
                           WHEN known.platform_state = 'in_use' THEN CASE
                               WHEN known.platform_line_remote_id != coalesce(
                                   line.remote_id, 0)
                               THEN 'other_line' ELSE 'none' END
                           -- Before its window, it need not be there.
                           WHEN did.is_ported AND (
                               did.porting_at IS NULL OR did.porting_at > %(now)s)
                           THEN 'none'
                           WHEN known.platform_state = 'absent' THEN 'missing'
                           ELSE 'free_there' END AS difference
                      FROM saperx_number known
                      LEFT JOIN saperx_did did ON did.id = known.did_id
                      LEFT JOIN saperx_line line ON line.id = did.line_id
                     WHERE known.integration_id = %(own)s
                  ) found
                 WHERE number.id = found.id
                   AND number.difference != found.difference
                """,
                own=self.id,
                now=fields.Datetime.now(),
                has_ranges=self.company_id._has_number_ranges(),
            )
        )
