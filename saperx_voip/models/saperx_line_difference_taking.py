# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import re
from decimal import Decimal

from odoo import Command, fields, models
from odoo.exceptions import UserError

from ..gateway import read_terms
from .saperx_line import AS_THERE
from .saperx_line_difference import LINE_FIELDS
from .saperx_line_difference_words import RELATED


class SaperxLineDifference(models.Model):
    """What theirs means here, for each kind of difference."""

    _inherit = "saperx.line.difference"  # pylint: disable=consider-merging-classes-inherited

    def _take(self):
        """Write the platform's value here. Several are of one kind and value.

        :raise UserError: with the reason why it cannot be taken
        """
        getattr(self, f"_take_{self[0].kind}")()

    def _take_missing(self):
        raise UserError(
            self.env._(
                "That the line is not there ends nothing here: end the line itself, "
                "with its numbers and its money, or push ours."
            )
        )

    def _take_unknown(self):
        raise UserError(
            self.env._(
                "A line belongs to a contract: adopt this one into a contract, or "
                "ignore it."
            )
        )

    def _take_reference(self):
        if not self.their_value:
            raise UserError(
                self.env._(
                    "The line there has no reference that could be taken: push ours, "
                    "or write one on the platform's own panel."
                )
            )
        self.line_id._write_sync(
            {"reference": self.their_value, "remote_id": self.circuit_id.remote_id}
        )

    def _take_setting(self):
        name = self[0].field_name
        lines = self.line_id.with_context(**{AS_THERE: True})
        lines.write({LINE_FIELDS.get(name, name): self[0]._read_setting()})

    def _read_setting(self):
        """The platform's value as the line's field takes it.

        :raise UserError: if this one cannot be taken
        """
        name, value = self.field_name, self.their_value
        if name in ("customer_name", "customer_document"):
            raise UserError(
                self.env._(
                    "Name and document are the customer's, for all contracts: correct "
                    "them in the customer's record, or push ours."
                )
            )
        if name in RELATED:
            return self._read_related(value)
        if name == "credit_limit":
            return self._read_money(Decimal(value))
        if name == "account_code":
            self._check_account_code(value or "")
        kind = self.env["saperx.line"]._fields[name].type
        if kind == "boolean":
            return value == "true"
        return int(value) if kind == "integer" else value

    def _check_account_code(self, code):
        if not re.fullmatch("[0-9]{6}", code):
            raise UserError(
                self.env._("“%s” is no account code: it has six digits.", code)
            )
        holder = self.env["saperx.line"].search(
            [
                ("integration_id", "=", self.integration_id.id),
                ("account_code", "=", code),
                ("state", "!=", "cancelled"),
            ],
            limit=1,
        )
        if holder:
            raise UserError(
                self.env._(
                    "The account code %(code)s is that of the line %(line)s here.",
                    code=code,
                    line=holder.display_name,
                )
            )

    def _read_related(self, value):
        if not value:
            return False
        record = self._get_related(value)
        if not record:
            raise UserError(
                self.env._(
                    "The platform's id %s is unknown here: synchronize plans and "
                    "groups first.",
                    value,
                )
            )
        return record.id

    def _read_money(self, amount):
        if amount is None:
            raise UserError(self.env._("The platform does not say how much it is."))
        if amount != round(amount, self.currency_id.decimal_places):
            raise UserError(
                self.env._("%s has more decimals than money has here.", f"{amount:f}")
            )
        return float(amount)

    def _take_status(self):
        line, theirs = self.line_id, self.their_value
        line._check_not_cancelled()
        integration = line.integration_id
        if theirs == "inactive":
            line.is_active = False
        else:
            line.is_active = True
            self._follow_block(theirs, integration)
        if line._get_wanted_status() != theirs:
            raise UserError(
                self.env._(
                    "Nothing that may be done here makes the line “%s”: look at its "
                    "blocks, and at what the integration says of blocks.",
                    self._say_status(theirs),
                )
            )
        line._write_sync({"pushed_status": theirs, "asked_status": False})

    def _follow_block(self, status, integration):
        """Block or unblock the line, so that it is wanted as it is there."""
        line = self.line_id
        now = fields.Datetime.now()
        running = line.block_ids.filtered(lambda block: block._is_open_at(now))
        others = running.filtered(lambda block: block.reason != "manual")
        if others:
            raise UserError(
                self.env._(
                    "The line is blocked here (%s): that ends where it was begun.",
                    line.block_summary,
                )
            )
        running.action_lift()
        if status == "active":
            return
        for level in ("partial", "full"):
            if integration._get_status_of_block(level) == status:
                self.env["saperx.line.block"].create(
                    {
                        "line_id": line.id,
                        "reason": "manual",
                        "level": level,
                        "note": self.env._("As on the platform"),
                    }
                )
                return

    def _take_did_extra(self):
        fee, collect = read_terms(self.their_value)
        did = self.env["saperx.did"].create(
            {
                "line_id": self.line_id.id,
                "number": f"+{self.number}",
                "monthly_fee": self._read_money(fee),
                "accept_collect_calls": collect,
            }
        )
        # A ported one, too, has arrived.
        did._write_own({"is_live": True})

    def _take_did_missing(self):
        self._get_did().unlink()

    def _take_did_terms(self):
        dids = self.env["saperx.did"].union(*(one._get_did() for one in self))
        fee, collect = read_terms(self[0].their_value)
        values = {}
        if fee is not None:
            values["monthly_fee"] = self[0]._read_money(fee)
        if collect is not None:
            values["accept_collect_calls"] = collect
        dids.write(values)
        if collect and any(self.line_id.mapped("block_level")):
            raise UserError(
                self.env._(
                    "While the line is blocked its numbers refuse collect calls: push "
                    "ours, or lift the block."
                )
            )

    def _take_did_elsewhere(self):
        target = self._get_holder().line_id
        if not target:
            # Whoever it is that has it there.
            return self._take_did_missing()
        wizard = self.env["saperx.did.move.wizard"].create(
            {
                "line_id": self.line_id.id,
                "target_line_id": target.id,
                "did_ids": [Command.set(self._get_did().ids)],
            }
        )
        wizard.action_move()
        return None

    def _get_did(self):
        """:raise UserError: if the number has left the line since"""
        did = self.line_id.did_ids.filtered(lambda did: did.number == self.number)
        if not did:
            raise UserError(
                self.env._(
                    "The number %(number)s is not on the line %(line)s any more.",
                    number=self.env["saperx.did"]._format_number(self.number),
                    line=self.line_id.display_name,
                )
            )
        return did
