# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta
from decimal import Decimal
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.service.model import retrying
from odoo.tools import SQL

from ..gateway import GatewayError, Registration, read_registrations
from ..sentinel import Finding

# Of one reading: the lines that it does not get to are the first of the next one.
BALANCE_SECONDS = 30
ANSWER_SECONDS = 8
BALANCES_AT_ONCE = 1000
HOUR = timedelta(hours=1)


class SaperxSentinelBalance(models.Model):
    """What the platform told of a line's balance: since when it is compared, and last.

    What is spent shows here before the calls that spend it have ended.
    """

    _name = "saperx.sentinel.balance"
    _description = "Balance seen by the sentinel"
    _log_access = False
    _rec_name = "line_id"

    line_id = fields.Many2one(
        "saperx.line", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="line_id.company_id", store=True, index=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    since = fields.Datetime(required=True, readonly=True)
    since_balance = fields.Monetary(required=True, readonly=True)
    read_at = fields.Datetime(required=True, readonly=True)
    balance = fields.Monetary(
        required=True,
        readonly=True,
        help="Prepaid: what is left. Postpaid: what was used.",
    )

    _line_unique = models.UniqueIndex("(line_id)")

    @api.model
    def _follow(self, line, balance, read_at):
        """Keep a balance.

        :param Decimal balance: as the platform told it
        :return: the reais spent within the last hour, as far as readings know
        """
        row = self.search([("line_id", "=", line.id)])
        values = {"read_at": read_at, "balance": balance}
        if not row:
            values |= {"since": read_at, "since_balance": balance}
            self.create({**values, "line_id": line.id})
            return Decimal(0)
        spent = balance - Decimal(str(row.since_balance))
        if line.billing_type == "prepaid":
            spent = -spent
        if spent < 0 or read_at - row.since > HOUR:
            # Topped up, a new cycle, or too long ago.
            values |= {"since": read_at, "since_balance": balance}
            spent = Decimal(0)
        row.write(values)
        return spent


class SaperxSentinel(models.Model):
    """How a sentinel reads balances, if it is told to."""

    _inherit = "saperx.sentinel"  # pylint: disable=consider-merging-classes-inherited

    watch_balances = fields.Boolean(
        tracking=True,
        help="Calls show when they have ended, balances before. One request a line and "
        "reading, for half a minute at most: the rest of the lines is read next time.",
    )

    def _look(self):
        res = super()._look()
        if self.watch_balances:
            self._look_at_balances()
        return res

    def _look_at_balances(self):
        """No transaction is open while the platform is asked."""
        lines = retrying(self._get_lines_to_weigh, self.env)
        integration = self.integration_id
        remote_ids = lines.mapped("remote_id")
        if not remote_ids:
            return
        try:
            with retrying(integration._get_client, self.env) as client:
                found = read_registrations(
                    client,
                    remote_ids,
                    parallel=integration.parallel_requests,
                    seconds=BALANCE_SECONDS,
                    answer_seconds=ANSWER_SECONDS,
                )
        except (GatewayError, UserError) as error:
            self._record_trouble(integration._explain, error)
            return
        retrying(partial(self._weigh, lines, found), self.env)

    def _get_lines_to_weigh(self):
        """Those that were not read for the longest."""
        rows = self.env.execute_query(
            SQL(
                """
                SELECT line.id
                FROM saperx_line AS line
                LEFT JOIN saperx_sentinel_balance AS seen ON seen.line_id = line.id
                WHERE line.integration_id = %s AND line.state = 'active'
                  AND line.remote_id > 0
                ORDER BY seen.read_at NULLS FIRST, line.id
                LIMIT %s
                """,
                self.integration_id.id,
                BALANCES_AT_ONCE,
            )
        )
        lines = self.env["saperx.line"].browse(line_id for [line_id] in rows)
        lines.mapped("remote_id")
        return lines

    def _weigh(self, lines, found):
        """:param found: id on the platform to ``Registration``, or to an error"""
        now = fields.Datetime.now()
        for line in lines:
            told = found.get(line.remote_id)
            if not isinstance(told, Registration) or told.balance is None:
                continue
            spent = self.env["saperx.sentinel.balance"]._follow(line, told.balance, now)
            limit = self._get_limits(line).hour_amount
            if limit is not None and spent > limit:
                finding = Finding("balance", spent, limit, spent, ())
                self.env["saperx.fraud.alert"]._raise(self, line, [finding])
