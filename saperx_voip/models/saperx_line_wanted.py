# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

from odoo import models
from odoo.exceptions import UserError

from ..gateway import DidTerms, LineSettings, LineStatus, WantedLine


class SaperxLine(models.Model):
    """What is wanted of a line on the platform: a snapshot for the gateway."""

    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    def _get_wanted_status(self):
        self.ensure_one()
        if self.state != "active":
            return LineStatus.INACTIVE
        if self.block_level:
            return LineStatus(
                self.integration_id._get_status_of_block(self.block_level)
            )
        return LineStatus.ACTIVE

    def _get_wanted_line(self):
        """A snapshot of all that is wanted of the line, for the gateway."""
        self.ensure_one()
        line = self.sudo()
        return WantedLine(
            settings=replace(
                line._get_wanted_settings(), password=line._get_changed_password()
            ),
            status=line._get_wanted_status(),
            dids=line._get_wanted_dids(),
            remote_id=line.remote_id or None,
            pushed_status=LineStatus(line.pushed_status)
            if line.pushed_status
            else None,
            final=line.state == "cancelled",
            released=tuple(line._get_released_numbers()),
            password=line._get_known_password(),
        )

    def _get_wanted_dids(self):
        self.ensure_one()
        return tuple(
            DidTerms(
                number=did.number,
                monthly_fee=Decimal(f"{did.monthly_fee:.2f}"),
                # They cost the customer: refused while blocked, also partially.
                accept_collect_calls=did.accept_collect_calls and not self.block_level,
            )
            for did in self.did_ids.filtered("is_live")
        )

    def _get_known_password(self):
        """For a line that has to be made anew; None if it cannot be read, which keeps
        nobody from closing a line or changing the rest of it."""
        self.ensure_one()
        with suppress(UserError):
            return self._get_secret("password")
        return None

    def _get_released_numbers(self):
        """Numbers that this line had; on a cancelled line, all that it ever had."""
        self.ensure_one()
        holdings = self.with_context(active_test=False).did_ids
        released = holdings.filtered(lambda did: not did.active)
        return sorted(set(released.mapped("number")))

    def _get_changed_password(self):
        """To be sent, or None. :raise UserError: if it cannot be read"""
        self.ensure_one()
        is_new = self.password_revision > self.pushed_revision
        sends_password = is_new and self.state != "cancelled"
        return self._get_secret("password") if sends_password else None

    def _get_wanted_settings(self):
        """Without the password, which is no part of what the platform tells."""
        self.ensure_one()
        return LineSettings(
            reference=self.reference,
            customer_name=self.partner_id.name or "",
            customer_document=self._get_customer_document(),
            account_code=self.account_code or None,
            plan_remote_id=self.plan_id.remote_id,
            international_plan_remote_id=self.international_plan_id.remote_id or None,
            group_remote_id=self.group_id.remote_id or None,
            closing_day=self.closing_day,
            billing_type=self.billing_type,
            route=self.route,
            portability=self.portability,
            caller_id=self.caller_id,
            allow_lc=self.allow_lc,
            allow_ldn=self.allow_ldn,
            allow_ldi=self.allow_ldi,
            allow_vc1=self.allow_vc1,
            allow_vc2=self.allow_vc2,
            allow_vc3=self.allow_vc3,
            simultaneous_calls=self.simultaneous_calls or None,
            credit_limit=Decimal(f"{self.credit_limit:.2f}")
            if self.credit_limit
            else None,
        )

    def _get_customer_document(self):
        """CPF (11) or CNPJ (14 characters), or None where the customer has neither."""
        document = re.sub(r"\W", "", self.partner_id.commercial_partner_id.vat or "")
        document = document.removeprefix("BR")
        return document if len(document) in (11, 14) and document.isdigit() else None
