# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import timedelta

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import retrying
from odoo.tools import SQL, format_date


class SaperxNumber(models.Model):
    """Who may have a number, who has it, and what becomes of it afterwards."""

    _inherit = "saperx.number"

    @api.model
    def _pickable_domain(self, line):
        """Numbers that a line may take: free ones, and those kept for its customer."""
        today = line.company_id._get_telephony_today()
        free = Domain("state", "=", "available")
        rested = Domain("state", "=", "quarantine") & Domain(
            "quarantine_until", "<=", today
        )
        reserved = Domain("state", "=", "reserved") & (
            Domain("reserved_until", "<", today)
            | Domain(
                "reserved_for_id.commercial_partner_id",
                "=",
                line.partner_id.commercial_partner_id.id,
            )
        )
        there = Domain("platform_state", "!=", "in_use")
        if line.remote_id:
            there |= Domain("platform_line_remote_id", "=", line.remote_id)
        domain = Domain("company_id", "=", line.company_id.id)
        domain &= (free | rested | reserved) & there
        if line.company_id._has_number_ranges():
            domain &= Domain("range_id", "!=", False) | (
                Domain("platform_state", "=", "available")
                & Domain("is_ported_there", "=", False)
            )
        return domain

    def _is_own(self):
        """Whether the number is the provider's: of a range, or of those that the
        platform holds for the account and that nobody ported in."""
        self.ensure_one()
        return bool(self.range_id) or not self.is_ported_there

    @api.model
    def _lock_in_stock(self, company, numbers):
        """The stock's records of some numbers, locked until the transaction ends.

        Who comes second starts again, and sees what the first one did.

        :param numbers: E.164 digits
        :return: records by number; those that the stock does not know are missing
        """
        self.flush_model()
        # That somebody was faster is no fault to log.
        self.env.cr.execute(
            SQL(
                "SELECT number, id FROM saperx_number WHERE company_id = %s"
                " AND number = ANY(%s) ORDER BY number FOR NO KEY UPDATE",
                company.id,
                list(numbers),
            ),
            log_exceptions=False,
        )
        return {number: self.browse(id_) for number, id_ in self.env.cr.fetchall()}

    def _check_free_for(self, line):
        """:raise UserError: with the reason why the line cannot have the number now"""
        self.ensure_one()
        today = line.company_id._get_telephony_today()
        customer = line.partner_id.commercial_partner_id
        if self.did_id:
            raise UserError(self._explain_held(self))
        if (
            self.state == "quarantine"
            and self.quarantine_until > today
            and self._get_last_customer() != customer
        ):
            raise UserError(
                self.env._(
                    "The number %(number)s rests in quarantine until %(date)s: before, "
                    "only the customer who had it last may have it.",
                    number=self.display_name,
                    date=format_date(self.env, self.quarantine_until),
                )
            )
        if (
            self.state == "reserved"
            and self.reserved_until >= today
            and self.reserved_for_id.commercial_partner_id != customer
        ):
            raise UserError(
                self.env._(
                    "The number %(number)s is reserved for %(customer)s until "
                    "%(date)s.",
                    number=self.display_name,
                    customer=self.reserved_for_id.display_name,
                    date=format_date(self.env, self.reserved_until),
                )
            )
        if self.state == "ported_out" and line.portability != "in":
            raise UserError(
                self.env._(
                    "The number %s was ported out to another operator.",
                    self.display_name,
                )
            )

    def _get_last_customer(self):
        """The commercial partner who last had the number."""
        self.ensure_one()
        holding = (
            self.env["saperx.did"]
            .with_context(active_test=False)
            .search(
                [
                    ("company_id", "=", self.company_id.id),
                    ("number", "=", self.number),
                    ("active", "=", False),
                ],
                order="held_until desc, id desc",
                limit=1,
            )
        )
        return holding.line_id.partner_id.commercial_partner_id

    def _take(self, did):
        """What it waited for stays known, should the DID come to naught."""
        self.write({"state": "in_use", "did_id": did.id})

    def _give_back(self):
        """The DID came to naught before the platform knew of it."""
        for number in self:
            today = number.company_id._get_telephony_today()
            if number.quarantine_until and number.quarantine_until > today:
                number.write({"state": "quarantine", "did_id": False})
            elif number.reserved_until and number.reserved_until >= today:
                number.write({"state": "reserved", "did_id": False})
            else:
                number._make_available()

    def _let_rest(self):
        """Numbers whose DIDs are freed now: they rest, or leave the stock."""
        leaving = self.filtered(lambda number: number._goes_elsewhere())
        foreign = leaving.filtered(
            lambda number: number.did_id.is_ported and not number.range_id
        )
        (leaving - foreign).write(
            {"state": "ported_out", "did_id": False, **self._prepare_no_wait()}
        )
        foreign.unlink()
        for number in self - leaving:
            days = number.company_id.saperx_quarantine_days
            if not days:
                number._make_available()
                continue
            today = number.company_id._get_telephony_today()
            number.write(
                {
                    **self._prepare_no_wait(),
                    "state": "quarantine",
                    "did_id": False,
                    "quarantine_until": today + timedelta(days=days),
                }
            )

    def _goes_elsewhere(self):
        """Back to the operator that it came from, or on to another."""
        self.ensure_one()
        return self.did_id._goes_elsewhere()

    @api.model
    def _cron_end_waits(self):
        """Numbers whose quarantine or reservation is over are available again."""
        for company in self.env["res.company"].search([]):
            retrying(lambda c=company: self._end_waits(c), self.env)

    @api.model
    def _end_waits(self, company):
        today = company._get_telephony_today()
        rested = Domain("state", "=", "quarantine") & Domain(
            "quarantine_until", "<=", today
        )
        expired = Domain("state", "=", "reserved") & Domain(
            "reserved_until", "<", today
        )
        own = Domain("company_id", "=", company.id)
        self.search(own & (rested | expired))._make_available()
        self._link_holders(company)

    @api.model
    def _link_holders(self, company):
        """Let the stock say which live DID holds each number: one statement."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """
                UPDATE saperx_number number
                   SET state = 'in_use',
                       did_id = did.id,
                       line_id = did.line_id,
                       partner_id = line.partner_id,
                       reserved_for_id = NULL,
                       reserved_until = NULL
                  FROM saperx_did did
                  JOIN saperx_line line ON line.id = did.line_id
                 WHERE did.active
                   AND did.company_id = %(company)s
                   AND number.company_id = %(company)s
                   AND number.number = did.number
                   AND number.did_id IS NULL
                """,
                company=company.id,
            )
        )
        self.invalidate_model()
