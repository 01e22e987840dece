# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from os.path import commonprefix

from odoo import models
from odoo.tools.misc import format_date

from ..rating import (
    explain_cadence,
    explain_choice,
    explain_price,
)


class SaperxCdr(models.Model):
    """What an explanation says of the price: rate, cadence, amount, result."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    def _explain_price(self, explained):
        if self.state in ("not_chargeable", "unrated", "unmatched"):
            return self._explain_no_price(explained)
        if not self.rate_id:
            return self._explain_price_of_platform()
        return [
            self._row(
                self.env._("Rate"),
                self._name_rates(self.rate_id, explained),
                self._explain_rate_choice(explained),
            ),
            *self._explain_cadence(explained),
            *self._explain_gross(explained),
        ]

    def _explain_no_price(self, explained):
        reason = self._explain_reason()
        rows = [
            self._row(
                self.env._("Costs nothing"),
                self._label("reason", self.reason) or self._label("state", self.state),
                reason[:1].upper() + reason[1:],
                level="warning" if self.state == "unrated" else None,
            )
        ]
        if self.reason == "no_rate" and explained["rating_tariff"]:
            rows.append(
                self._row(
                    self.env._("Rates of the plan"),
                    self.env._("None fits"),
                    self._explain_rate_choice(explained),
                )
            )
        return rows

    def _explain_rate_choice(self, explained):
        if not explained["rating_tariff"]:
            return None
        choice = explain_choice(
            explained["rating_tariff"],
            self.other_party or "",
            self.call_class,
            explained["on"],
        )
        if (choice.rate and choice.rate.id) != (self.rate_id.id or None):
            return self.env._("Chosen when the call was rated.")
        others = self._name_rates(
            self.rate_id.browse(rate.id for rate in choice.others[:3]), explained
        )
        day = format_date(self.env, explained["on"])
        if choice.rate is None:
            return {
                "date": self.env._(
                    "%(rates)s would take it, but not on %(day)s.",
                    rates=others,
                    day=day,
                ),
                "class": self.env._("%s fits the number, but another class.", others),
            }.get(
                choice.why,
                self.env._("None is for a number that begins so, nor for any number."),
            )
        return {
            "only": self.env._("The only one that fits on %s.", day),
            "prefix": self.env._(
                "Its prefix is longer than that of the others that fit: %s.", others
            ),
            "class": self.env._(
                "Made for this class; it goes before those that are not: %s.", others
            ),
            "order": self.env._(
                "The first in the plan's order of those that fit; after it: %s.", others
            ),
        }[choice.why]

    def _name_rates(self, rates, explained):
        """Their names, without what their prefixes tell of digits that are hidden."""
        digits = self.other_party or ""
        seen = commonprefix([digits, explained["mask"](digits)])

        def name(rate):
            prefix = rate.prefix or ""
            return rate._get_name(prefix if len(prefix) <= len(seen) else f"{seen}…")

        return ", ".join(map(name, rates))

    def _explain_cadence(self, explained):
        cadence = explain_cadence(explained["rate"], self.talk_seconds)
        rows = [
            self._row(
                self.env._("Conversation"), self._format_seconds(self.talk_seconds)
            )
        ]
        if cadence.charged_seconds != self.charged_seconds:
            note = self.env._("As the rate was when the call was rated.")
        elif cadence.is_discarded:
            note = self.env._(
                "Conversations of up to %s cost nothing.",
                self._format_seconds(cadence.discard_seconds),
            )
        else:
            note = self.env._(
                "In steps of %(step)s: %(stepped)s. At least %(minimum)s.",
                step=self._format_seconds(cadence.step_seconds),
                stepped=self._format_seconds(cadence.stepped_seconds),
                minimum=self._format_seconds(cadence.minimum_seconds),
            )
        rows.append(
            self._row(
                self.env._("Charged time"),
                self._format_seconds(self.charged_seconds),
                note,
            )
        )
        return rows

    def _explain_gross(self, explained):
        amount = self._format_amount(self.gross_amount)
        label = self.env._("Amount before allowances")
        if not self.charged_seconds:
            return [
                self._row(
                    label, amount, self.env._("No charged time, no connection fee.")
                )
            ]
        priced = explain_price(explained["rate"], self.charged_seconds)
        if priced.amount != self._decimal(self.gross_amount):
            note = self.env._("By the price that the rate had when the call was rated.")
        else:
            note = self._describe_priced(priced)
        return [self._row(label, amount, note)]

    def _describe_priced(self, priced):
        """``0.12 a minute × 36 s ÷ 60 = 0.072, cut to the centavo``"""
        parts = [
            self.env._(
                "%(price)s a minute × %(seconds)s s ÷ 60",
                price=self._format_money(priced.price_per_minute),
                seconds=priced.seconds,
            )
        ]
        if priced.connection_fee:
            parts.insert(
                0,
                self.env._("connection %s", self._format_money(priced.connection_fee)),
            )
        sum_of_parts = " + ".join(parts)
        exact = self._format_exact(priced.exact)
        if priced.exact == priced.amount:
            return f"{sum_of_parts} = {exact}"
        return self.env._(
            "%(sum)s = %(exact)s, cut to the centavo", sum=sum_of_parts, exact=exact
        )

    def _explain_price_of_platform(self):
        return [
            self._row(
                self.env._("Charged time"),
                self._format_seconds(self.charged_seconds),
                self.env._("As the platform counted it."),
            ),
            self._row(
                self.env._("Amount before allowances"),
                self._format_amount(self.gross_amount),
                self.env._(
                    "The plan charges what the platform charges: %s, cut to the "
                    "centavo.",
                    self._format_money(self._decimal(self.platform_amount, 6)),
                ),
            ),
        ]

    def _explain_result(self):
        if self.state not in ("unbilled", "billed"):
            return []
        if self.charge_id:
            note = self.env._("In the charge %s.", self.charge_id.display_name)
        elif self.id:
            note = self.env._("Not charged yet.")
        else:
            note = None
        return [
            self._row(
                self.env._("The customer pays"),
                self._format_amount(self.charged_amount),
                note,
                level="strong",
            )
        ]
