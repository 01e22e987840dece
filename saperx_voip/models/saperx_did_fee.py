# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL, format_amount

from .contract_line import SUCCESSION

_logger = logging.getLogger(__name__)

# The fees of numbers that are moved are looked at once both lines are done.
FEE_WAITS = "saperx_fee_waits"
# Months of a contract's recurrence. What is no number of months has no monthly fee.
MONTHS = {
    "monthly": 1, "monthlylastday": 1, "quarterly": 3, "semesterly": 6, "yearly": 12,
}  # fmt: skip


class SaperxDid(models.Model):
    """The monthly fee of a number as a line of its contract, if the company wants it.

    ``_follow_fee`` compares what the number is with what the contract says of it, and
    can be repeated. What a person changed on the contract line is left, and told.
    """

    _inherit = "saperx.did"  # pylint: disable=consider-merging-classes-inherited

    fee_line_ids = fields.One2many(
        "contract.line", "saperx_did_id", string="Contract lines of the fee"
    )
    fee_line_id = fields.Many2one(
        "contract.line", string="Fee in the contract", compute="_compute_fee_line_id"
    )
    contract_id = fields.Many2one(related="line_id.contract_id", string="Contract")
    partner_id = fields.Many2one(related="line_id.partner_id", string="Customer")
    lacks_fee_line = fields.Boolean(
        string="Fee without a contract line",
        compute="_compute_lacks_fee_line",
        search="_search_lacks_fee_line",
        help="The number has a fee that its contract does not charge.",
    )

    @api.depends("fee_line_ids.is_canceled")
    def _compute_fee_line_id(self):
        for did in self:
            # Successors come later than whom they succeed.
            lines = did.fee_line_ids.sorted("id", reverse=True)
            did.fee_line_id = lines.filtered(lambda line: not line.is_canceled)[:1]

    @api.depends("active", "monthly_fee", "fee_line_ids.is_canceled", "line_id.state")
    def _compute_lacks_fee_line(self):
        lacking = self.search([("id", "in", self.ids), ("lacks_fee_line", "=", True)])
        for did in self:
            did.lacks_fee_line = did in lacking

    def _search_lacks_fee_line(self, operator, value):
        if operator != "in":
            return NotImplemented
        runs = SQL(
            """(
                SELECT did.id FROM saperx_did AS did
                JOIN saperx_line AS line ON line.id = did.line_id
                WHERE did.active AND did.is_live AND did.monthly_fee > 0
                AND line.state IN ('active', 'inactive')
                AND NOT EXISTS (
                    SELECT FROM contract_line AS fee
                    WHERE fee.saperx_did_id = did.id
                    AND fee.contract_id = line.contract_id
                    AND fee.is_canceled IS NOT TRUE
                    AND (fee.date_end IS NULL OR fee.date_end >= %s
                         OR fee.is_auto_renew)
                )
            )""",
            self.env.company._get_telephony_today(),
        )
        return [("id", "in" if True in value else "not in", runs)]

    @api.model_create_multi
    def create(self, vals_list):
        waiting = self.with_context(**{FEE_WAITS: True})
        dids = super(SaperxDid, waiting).create(vals_list).with_env(self.env)
        dids._follow_fee()
        return dids

    def write(self, vals):
        names = {did: did._get_fee_name() for did in self if "number" in vals}
        res = super().write(vals)
        for did, name in names.items():
            line = did.sudo().fee_line_id
            if line.name == name:
                line.name = did._get_fee_name()
        if "monthly_fee" in vals:
            self._follow_fee()
        return res

    def _write_own(self, values):
        res = super()._write_own(values)
        if "is_live" in values:
            self._follow_fee()
        return res

    def _release(self, moment):
        res = super()._release(moment)
        self._follow_fee()
        return res

    def unlink(self):
        for did in self.filtered(lambda did: did.active and not did._may_be_known()):
            # It goes without a trace.
            did.sudo().fee_line_ids._end_did_fee(did._get_fee_day())
        return super().unlink()

    def action_create_fee_lines(self):
        """Let the contracts charge the fees of these numbers that they do not."""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing adds fees to contracts."))
        for did in self.filtered("lacks_fee_line"):
            did.sudo()._create_fee_line()

    # === Following ===

    def _follow_fee(self):
        """Let contracts say what these numbers cost. Never stops what is done with a
        number: what is refused is told on the contract, and tried again daily."""
        if self.env.context.get(FEE_WAITS):
            return
        dids = self.exists().sudo().with_context(active_test=False)
        dids = dids.filtered(lambda did: did.monthly_fee or did.fee_line_ids)
        # Who takes a number over takes its fee over before that ends.
        for did in dids.sorted(lambda did: not did.active):
            try:
                with self.env.cr.savepoint():
                    did._follow_own_fee()
            except UserError as error:
                _logger.warning("the fee of the DID %s: %s", did.id, error)
                did.contract_id.message_post(
                    body=self.env._(
                        "The fee of the number %(number)s: %(error)s",
                        number=did._format_number(did.number),
                        error=str(error),
                    )
                )

    def _follow_own_fee(self):
        self.ensure_one()
        day = self._get_fee_day()
        running = self.fee_line_ids.filtered(lambda line: not line._is_dead(day))
        here = running.filtered(lambda line: line.contract_id == self.contract_id)
        # Of a successor that is planned, and of what runs until then, the latter stays.
        (running - here)._end_did_fee(day)
        if not (self._has_fee_now() and self.monthly_fee):
            here._end_did_fee(day)
        elif here:
            here.sorted("id")[-1]._follow_did_price(self.monthly_fee)
        elif former := self._get_former_fee_line():
            former.write(
                {"saperx_did_id": self.id, "saperx_did_price": former.price_unit}
            )
            former._follow_did_price(self.monthly_fee)
        elif self.company_id.saperx_did_fee_lines and not self._was_ended_by_hand():
            self._create_fee_line()

    def _has_fee_now(self):
        self.ensure_one()
        return (
            self.active
            and self.is_live
            and self.line_id.state in ("active", "inactive")
            and not self.contract_id._is_dead(self._get_fee_day())
        )

    def _was_ended_by_hand(self):
        """Whether somebody ended the fee on the contract, and not the number."""
        self.ensure_one()
        return bool(
            self.fee_line_ids.filtered(
                lambda line: (
                    line.contract_id == self.contract_id and line.saperx_did_price
                )
            )
        )

    def _get_fee_day(self):
        return self.sudo().company_id._get_telephony_today()

    # === The contract line ===

    def _create_fee_line(self):
        self.ensure_one()
        # Who does so at the same moment finds the row changed, and begins again.
        self.env.execute_query(
            SQL(
                "UPDATE saperx_did SET write_date = write_date WHERE id = %s"
                " RETURNING id",
                self.id,
            )
        )
        self.env["contract.line"].create(self._prepare_fee_line())

    def _get_former_fee_line(self):
        """What the number cost here on another line, or before it left: it goes on,
        unless it has its end."""
        self.ensure_one()
        return self.contract_id.contract_line_ids.filtered(
            lambda line: (
                line.is_did_fee
                and line.saperx_did_id.number == self.number
                and not line.saperx_did_id.active
                and not line.is_canceled
                and (not line.date_end or line.is_auto_renew)
            )
        ).sorted("id")[-1:]

    def _get_fee_name(self):
        self.ensure_one()
        did = self.sudo().with_context(lang=self.sudo().partner_id.lang)
        return did.env._(
            "Number %s, #START# to #END#", self._format_number(self.number)
        )

    def _prepare_fee_line(self):
        """Values of a contract line that is invoiced together with the plan's."""
        self.ensure_one()
        product = self.company_id._get_did_fee_product()
        # Numbers are followed on the day on which they come, or become live.
        start = self._get_fee_day()
        values = {
            "contract_id": self.contract_id.id,
            "saperx_did_id": self.id,
            "saperx_did_price": self.monthly_fee,
            "is_did_fee": True,
            "product_id": product.id,
            "uom_id": product.uom_id.id,
            "name": self._get_fee_name(),
            "price_unit": self.monthly_fee,
            "specific_price": self.monthly_fee,
            "date_start": start,
            "is_auto_renew": False,
            "sequence": 900,
            **self._get_fee_recurrence(start),
        }
        rule = values.get("recurring_rule_type", self.contract_id.recurring_rule_type)
        interval = values.get("recurring_interval", self.contract_id.recurring_interval)
        if rule not in MONTHS:
            raise UserError(
                self.env._(
                    "a monthly fee cannot be invoiced by days or weeks: add it by hand."
                )
            )
        return {**values, "quantity": MONTHS[rule] * interval}

    def _get_fee_recurrence(self, start):
        """As the fee that the line lives by, else the contract's first one: on one
        invoice with it. Without either, monthly and in advance."""
        self.ensure_one()
        contract = self.contract_id
        if not contract.line_recurrence:
            next_date = contract.recurring_next_date
            return {"recurring_next_date": max(next_date, start)} if next_date else {}
        own = self.line_id.contract_line_id
        lines = (own | contract._get_life_lines()).filtered(
            lambda line: (
                not line.is_canceled
                and line.recurring_next_date
                and line.recurring_rule_type in MONTHS
            )
        )
        model = lines[:1]
        if not model:
            return {
                "recurring_rule_type": "monthly",
                "recurring_interval": 1,
                "recurring_invoicing_type": "pre-paid",
                "recurring_next_date": start,
            }
        return {
            "recurring_rule_type": model.recurring_rule_type,
            "recurring_interval": model.recurring_interval,
            "recurring_invoicing_type": model.recurring_invoicing_type,
            "recurring_next_date": max(model.recurring_next_date, start),
        }

    @api.model
    def _cron_follow_fees(self):
        """End fees whose number has gone, whatever brought them back or kept them."""
        lines = self.env["contract.line"].search(
            [("is_did_fee", "=", True), ("is_canceled", "=", False)]
        )
        for line in lines:
            did = line.saperx_did_id
            if did.active and did.contract_id == line.contract_id:
                continue
            today = line.contract_id.company_id._get_telephony_today()
            if not line._is_dead(today):
                line._end_did_fee(today)
                self.env["ir.cron"]._commit_progress(1)


class ContractLine(models.Model):
    _inherit = "contract.line"  # pylint: disable=consider-merging-classes-inherited

    # Both go to a line's successors, which are made of all its values.
    is_did_fee = fields.Boolean(
        string="Fee of a number",
        readonly=True,
        help="Follows the fee of a number on a SIP line, and ends with it.",
    )
    saperx_did_id = fields.Many2one(
        "saperx.did",
        string="Number",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )
    saperx_did_price = fields.Float(
        digits="Product Price",
        readonly=True,
        copy=False,
        help="As the number's fee was written here: another price was put by a person. "
        "0: the number ended the line.",
    )

    def action_end_did_fee(self):
        """End these fees today, or with what is invoiced of them: of a company that
        charges them no longer."""
        self.check_access("write")
        for line in self.filtered("is_did_fee"):
            line._end_did_fee(line.contract_id.company_id._get_telephony_today())
            line.contract_id.message_post(
                body=self.env._("Fee of a number ended: %s.", line.name)
            )

    def _end_did_fee(self, day):
        """End with the day, or with what is invoiced already."""
        for line in self.with_context(**{SUCCESSION: True}):
            line.saperx_did_price = 0
            if line.date_start >= day and not line.last_date_invoiced:
                # Nothing of it was ever to be paid.
                line.predecessor_contract_line_id.successor_contract_line_id = False
                line.write({"is_canceled": True, "is_auto_renew": False})
            else:
                line._stop_at(day, True)

    def _follow_did_price(self, price):
        """Charge another fee from the next period on; no invoice changes.

        What is invoiced in advance takes the price at once, since the running period
        has its invoice. Afterwards, the running period keeps it, by a successor.
        """
        self.ensure_one()
        currency = self.currency_id
        if currency.compare_amounts(self.price_unit, self.saperx_did_price):
            if currency.compare_amounts(self.price_unit, price):
                self._tell_changed_by_hand(price)
            return
        if not currency.compare_amounts(self.price_unit, price):
            return
        line = self.with_context(**{SUCCESSION: True})
        today = self.contract_id.company_id._get_telephony_today()
        if line.recurring_invoicing_type == "post-paid" and line.date_start <= today:
            line = line._split_after(today)
        line.write(
            {"price_unit": price, "specific_price": price, "saperx_did_price": price}
        )

    def _split_after(self, day):
        """:return: a successor from the end of the period that a day lies in; itself
        if it ends before"""
        self.ensure_one()
        last = self.next_period_date_end
        while last and last < day:
            following = self.get_next_period_date_end(
                last + timedelta(days=1),
                self.recurring_rule_type,
                self.recurring_interval,
                max_date_end=self.date_end,
            )
            if following <= last:
                break
            last = following
        until, renews = self.date_end, self.is_auto_renew
        if not last or (until and until <= last):
            return self
        self.stop(last, post_message=False)
        return self.plan_successor(
            last + timedelta(days=1), until, renews, post_message=False
        )

    def _tell_changed_by_hand(self, price):
        self.contract_id.message_post(
            body=self.env._(
                "The fee of the number %(number)s is %(fee)s now. Its contract line "
                "says %(price)s, which a person wrote: it stays. Change it there if it "
                "is to follow.",
                number=self.saperx_did_id._format_number(self.saperx_did_id.number),
                fee=format_amount(self.env, price, self.currency_id),
                price=format_amount(self.env, self.price_unit, self.currency_id),
            )
        )


class SaperxLine(models.Model):
    _inherit = "saperx.line"

    def write(self, vals):
        res = super().write(vals)
        if {"contract_id", "state"} & vals.keys():
            self.sudo().did_ids._follow_fee()
        return res
