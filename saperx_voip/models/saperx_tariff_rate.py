# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..rating import Rate
from .call_class import CALL_CLASSES

PRICE_DIGITS = (12, 6)
# Decimals that are shown even where they are zeros.
SHOWN_DECIMALS = 2
# What explains the amounts of charged calls.
EXPLAINING_FIELDS = {
    "tariff_id", "prefix", "call_class", "price_per_minute", "connection_fee",
    "minimum_seconds", "step_seconds", "discard_seconds", "date_from",
}  # fmt: skip
# What the choice of a class says where a rate has none: by whether it has a prefix.
ANY_CLASS = "any"
ANY_CLASS_OF_PREFIX = "any_of_prefix"
# What a call's amount depends on.
RATING_FIELDS = {*EXPLAINING_FIELDS, "sequence", "date_to"}

TOLD_LATER = "saperx_rates_told_later"


class SaperxTariffRate(models.Model):
    """One price of a billing plan; the longest fitting prefix wins."""

    _name = "saperx.tariff.rate"
    _description = "Rate of a billing plan"
    _order = "tariff_id, sequence, id"

    tariff_id = fields.Many2one(
        "saperx.tariff", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="tariff_id.company_id", store=True, index=True)
    sequence = fields.Integer(default=10)
    prefix = fields.Char(
        help="First digits of the other number, country code first (5511…), or as "
        "dialled for 0800, 0300, 4004 and services. Empty: any number."
    )
    call_class = fields.Selection(
        CALL_CLASSES,
        string="Class of call",
        help="Empty: every class without a rate.",
    )
    class_choice = fields.Selection(
        [
            *CALL_CLASSES,
            (ANY_CLASS, "All others"),
            (ANY_CLASS_OF_PREFIX, "Any class with this prefix"),
        ],
        string="Class",
        required=True,
        compute="_compute_class_choice",
        inverse="_inverse_class_choice",
        help="The class as lists show it: a rate without one takes what has none.",
    )
    price_per_minute = fields.Float(
        digits=PRICE_DIGITS,
        min_display_digits=SHOWN_DECIMALS,
        required=True,
        default=0.0,
    )
    connection_fee = fields.Float(
        digits=PRICE_DIGITS,
        min_display_digits=SHOWN_DECIMALS,
        required=True,
        default=0.0,
    )
    minimum_seconds = fields.Integer(
        string="Minimum (seconds)", required=True, default=30
    )
    step_seconds = fields.Integer(string="Step (seconds)", required=True, default=6)
    discard_seconds = fields.Integer(
        string="Free seconds",
        required=True,
        default=3,
        help="Conversations of up to so many seconds cost nothing.",
    )
    cost_per_minute = fields.Float(
        string="Cost per minute",
        digits=PRICE_DIGITS,
        min_display_digits=SHOWN_DECIMALS,
        required=True,
        default=0.0,
        groups="saperx_voip.group_billing",
        help="What such a minute costs us.",
    )
    margin = fields.Float(
        string="Margin (%)",
        digits=(16, 1),
        compute="_compute_margin",
        groups="saperx_voip.group_billing",
        help="Of the price per minute. Empty without a cost.",
    )
    date_from = fields.Date(string="Valid from")
    date_to = fields.Date(string="Valid to", help="Last day, inclusive.")
    is_charged = fields.Boolean(
        readonly=True,
        copy=False,
        help="Charged calls have this price.",
    )
    former_prices = fields.Json(
        readonly=True,
        copy=False,
        help="What the rate said to charged calls, before it was changed.",
    )

    _amounts_not_negative = models.Constraint(
        "CHECK (price_per_minute >= 0 AND connection_fee >= 0"
        " AND cost_per_minute >= 0)",
        "Price, connection fee and cost cannot be negative.",
    )
    _cadence_sound = models.Constraint(
        "CHECK (minimum_seconds >= 0 AND step_seconds > 0 AND discard_seconds >= 0)",
        "The step must be at least one second; minimum and free seconds "
        "cannot be negative.",
    )
    _dates_ordered = models.Constraint(
        "CHECK (date_from IS NULL OR date_to IS NULL OR date_from <= date_to)",
        "A rate cannot end before it begins.",
    )

    @api.constrains("prefix")
    def _check_prefix(self):
        for rate in self:
            if rate.prefix and not (rate.prefix.isascii() and rate.prefix.isdigit()):
                raise ValidationError(
                    self.env._("The prefix “%s” must hold digits only.", rate.prefix)
                )

    @api.depends("prefix", "call_class")
    def _compute_display_name(self):
        for rate in self:
            rate.display_name = rate._get_name(rate.prefix)

    def _get_name(self, prefix):
        """:param prefix: what is shown of the rate's own"""
        classes = dict(self._fields["call_class"]._description_selection(self.env))
        parts = [prefix, classes.get(self.call_class)]
        parts = [part for part in parts if part] or [self.env._("Default rate")]
        return " · ".join(parts)

    @api.depends("call_class", "prefix")
    def _compute_class_choice(self):
        for rate in self:
            rate.class_choice = class_choice_of(rate.prefix, rate.call_class)

    def _inverse_class_choice(self):
        for rate in self:
            choice = rate.class_choice
            call_class = choice in dict(CALL_CLASSES) and choice
            if rate.call_class != call_class:
                rate.call_class = call_class

    @api.onchange("class_choice")
    def _onchange_class_choice(self):
        # A prefix that is typed afterwards finds the class that was chosen.
        self._inverse_class_choice()
        self._compute_class_choice()

    @api.depends("price_per_minute", "cost_per_minute")
    def _compute_margin(self):
        for rate in self:
            price, cost = rate.price_per_minute, rate.cost_per_minute
            rate.margin = (price - cost) / price * 100 if price and cost else 0

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._check_machine_written(vals)
        rates = super().create(vals_list)
        rates.tariff_id._rates_changed()
        return rates

    def write(self, vals):
        self._check_machine_written(vals)
        former_prices = self._get_former_prices(vals)
        tariffs = self.tariff_id
        result = super().write(vals)
        for rate, prices in former_prices.items():
            super(SaperxTariffRate, rate).write({"former_prices": prices})
        if vals.keys() & RATING_FIELDS and not self.env.context.get(TOLD_LATER):
            (tariffs | self.tariff_id)._rates_changed()
        return result

    @api.model
    def _write_each(self, values_by_id):
        """Write on each of many rates what becomes other on it, and tell once that
        prices changed: a file may change tens of thousands.

        :param dict values_by_id: values by the rate's id
        """
        rates = self.with_context(**{TOLD_LATER: True}).browse(values_by_id)
        for rate in rates:
            rate.write(values_by_id[rate.id])
        if any(values.keys() & RATING_FIELDS for values in values_by_id.values()):
            self.browse(rates.ids).tariff_id._rates_changed()

    def unlink(self):
        tariffs = self.tariff_id
        result = super().unlink()
        tariffs._rates_changed()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        if any(self.mapped("is_charged")) or self._explain_unbilled_calls():
            raise UserError(
                self.env._(
                    "A rate that explains calls cannot be deleted: let it end on a day."
                )
            )

    @api.model
    def _get_first_of_next_month(self):
        """When new prices usually begin."""
        today = fields.Date.context_today(self)
        return (today.replace(day=1) + timedelta(days=32)).replace(day=1)

    def action_new_price(self):
        """Ask for the price that follows this one, and from which day on."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New price from a date"),
            "res_model": "saperx.rate.price.wizard",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_rate_id": self.id},
        }

    @api.model
    def _check_machine_written(self, vals):
        """:raise UserError: somebody would say whether calls were charged, or at what
        price
        """
        if self.env.su:
            return
        if vals.get("is_charged") is not None:
            raise UserError(
                self.env._("Whether calls were charged at a rate is told by charging.")
            )
        if "former_prices" in vals:
            raise UserError(
                self.env._(
                    "What a rate said to charged calls is kept by itself: nobody "
                    "writes it."
                )
            )

    def _get_former_prices(self, vals):
        """What must be kept of rates that charged calls are explained by.

        :return: ``former_prices`` to be, by rate that these values change
        :raise UserError: such a rate would move to another plan
        """
        names = EXPLAINING_FIELDS & vals.keys()
        charged = self.filtered("is_charged") if names else self.browse()
        changed = charged.filtered(
            lambda rate: any(
                rate._fields[name].convert_to_cache(vals[name], rate)
                != rate._fields[name].convert_to_cache(rate[name], rate)
                for name in names
            )
        )
        if changed and "tariff_id" in vals:
            raise UserError(
                self.env._("A rate that explains calls stays in its billing plan.")
            )
        if not changed:
            return {}
        last_charge = (
            self.env["saperx.charge"].sudo().search([], limit=1, order="id desc")
        )
        return {
            rate: [
                *(rate.former_prices or ()),
                {"until_charge": last_charge.id, **rate._get_explaining_values()},
            ]
            for rate in changed
            # What no charge came by explains nothing.
            if (rate.former_prices or [{}])[-1].get("until_charge") != last_charge.id
        }

    def _get_explaining_values(self):
        """As JSON: prices as text, lest they become binary floats."""
        self.ensure_one()
        return {
            "prefix": self.prefix or "",
            "call_class": self.call_class or None,
            "price_per_minute": str(to_decimal(self.price_per_minute)),
            "connection_fee": str(to_decimal(self.connection_fee)),
            "minimum_seconds": self.minimum_seconds,
            "step_seconds": self.step_seconds,
            "discard_seconds": self.discard_seconds,
        }

    def _explain_unbilled_calls(self):
        """Whether unbilled calls have one of these prices: looked for among the calls
        of the plan's lines that are still to be charged, never among all calls."""
        self.env["saperx.cdr"].flush_model(["line_id", "state", "rate_id"])
        self.env["saperx.line.period"].flush_model(["line_id", "tariff_id"])
        return bool(
            self.env.execute_query(
                SQL(
                    """
                    WITH unbilled AS MATERIALIZED (
                        SELECT rate_id FROM saperx_cdr
                        WHERE state = 'unbilled' AND line_id IN (
                            SELECT line_id FROM saperx_line_period
                            WHERE tariff_id = ANY(%s)
                        )
                    )
                    SELECT 1 FROM unbilled WHERE rate_id = ANY(%s) LIMIT 1
                    """,
                    self.tariff_id.ids,
                    self.ids,
                )
            )
        )

    def _follow(self, day, values):
        """End these rates the day before, and let copies with other values begin.

        :param values: of the copies
        :return: the copies
        """
        followers = self.create(
            [{**data, "date_from": day, **values} for data in self.copy_data()]
        )
        self.date_to = day - timedelta(days=1)
        return followers

    def _get_overlaps(self):
        """Pairs of rates of one prefix, class and sequence that are valid on the same
        days, so that the second of them does not rule there."""
        groups = defaultdict(list)
        for rate in self:
            groups[rate.prefix or "", rate.call_class, rate.sequence].append(rate)
        pairs = []
        for rates in groups.values():
            rates.sort(key=lambda rate: rate.date_from or date.min)
            pairs += [
                (one, other)
                for one, other in pairwise(rates)
                if (one.date_to or date.max) >= (other.date_from or date.min)
            ]
        return pairs

    def _get_rating_rate(self):
        self.ensure_one()
        return Rate(
            id=self.id,
            sequence=self.sequence,
            prefix=self.prefix or "",
            call_class=self.call_class or None,
            price_per_minute=to_decimal(self.price_per_minute),
            connection_fee=to_decimal(self.connection_fee),
            minimum_seconds=self.minimum_seconds,
            step_seconds=self.step_seconds,
            discard_seconds=self.discard_seconds,
            date_from=self.date_from or None,
            date_to=self.date_to or None,
        )

    def _get_charged_rate(self, charge):
        """The rate as it was when a charge took its calls, as the pure core has it."""
        self.ensure_one()
        rate = self._get_rating_rate()
        for former in self.former_prices or ():
            if charge.id <= former["until_charge"]:
                return replace(
                    rate,
                    prefix=former["prefix"],
                    call_class=former["call_class"],
                    price_per_minute=Decimal(former["price_per_minute"]),
                    connection_fee=Decimal(former["connection_fee"]),
                    minimum_seconds=former["minimum_seconds"],
                    step_seconds=former["step_seconds"],
                    discard_seconds=former["discard_seconds"],
                )
        return rate

    def _get_file_values(self):
        """The rate as rate files have it: all of their columns."""
        self.ensure_one()
        rate = self._get_rating_rate()
        return {
            "prefix": rate.prefix,
            "call_class": rate.call_class,
            "price_per_minute": rate.price_per_minute,
            "connection_fee": rate.connection_fee,
            "minimum_seconds": rate.minimum_seconds,
            "step_seconds": rate.step_seconds,
            "discard_seconds": rate.discard_seconds,
            "cost_per_minute": to_decimal(self.cost_per_minute),
            "date_from": rate.date_from,
            "date_to": rate.date_to,
            "sequence": rate.sequence,
        }


def class_choice_of(prefix, call_class):
    """What the choice of a class says of a rate."""
    return call_class or (ANY_CLASS_OF_PREFIX if prefix else ANY_CLASS)


def to_decimal(price):
    """The exact price of a float field, through text: its own digits are not it."""
    return Decimal(f"{price:.{PRICE_DIGITS[1]}f}")
