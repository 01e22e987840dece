# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import models
from odoo.tools.misc import format_date

from ..rating import (
    Balance,
    explain_draws,
    explain_price,
    explain_untouched,
    from_centavos,
    in_drawing_order,
    in_order_of_draw,
)


class SaperxCdr(models.Model):
    """What an explanation says of allowances: what each took, or why nothing."""

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    def _explain_allowances(self, explained):
        allowances = self._get_explained_allowances(explained)
        if self.state not in ("unbilled", "billed") or not (
            allowances or self.covered_amount or self.covered_seconds
        ):
            return []
        if not self.charged_seconds:
            return [
                self._explain_nothing_drawn(
                    self.env._("A call without charged time draws on no allowance.")
                )
            ]
        if self._draws_on_nothing():
            return [
                self._explain_nothing_drawn(
                    self.env._(
                        "The line was not active in this cycle: the cycle is not "
                        "charged, and its calls draw on nothing."
                    )
                )
            ]
        rows = []
        if self.covered_amount or self.covered_seconds:
            rows = self._explain_draws(explained)
        if self.charged_amount or not rows:
            rows += self._explain_untouched(allowances, explained)
        if self.state == "unbilled":
            rows.append(
                self._row(
                    self.env._("Not final"),
                    "",
                    self.env._(
                        "Calls draw on allowances in the order of their beginning: "
                        "finally when their cycle is charged."
                    ),
                )
            )
        return rows

    def _explain_nothing_drawn(self, why):
        return self._row(self.env._("Nothing drawn"), "", why)

    def _get_explained_allowances(self, explained):
        """Those that the call might have drawn on: of a charged one, those that its
        charge knew."""
        allowances = explained["tariff"].allowance_ids
        if self.charge_id:
            allowances = self.charge_id.allowance_ids.allowance_id
        return allowances

    def _draws_on_nothing(self):
        """Whether the call's cycle is left out, as ``_draw_beforehand`` has it."""
        return (
            bool(self.id)
            and self.state == "unbilled"
            and self.env["saperx.cdr"]
            .sudo()
            ._is_left_out(self.sudo().period_id.id, self.cycle_end)
        )

    def _explain_untouched(self, allowances, explained):
        """A row for each allowance that took nothing of the call."""
        by_id = {allowance.id: allowance for allowance in allowances}
        rows = []
        for each in in_drawing_order(
            allowance._get_rating_allowance() for allowance in allowances
        ):
            if str(each.id) in (self.allowance_uses or {}):
                continue
            why = explain_untouched(
                each,
                self.call_class,
                self.other_party or "",
                explained["on"],
                self.charged_seconds - self.covered_seconds,
                self._decimal(self.charged_amount),
            )
            allowance = by_id[each.id]
            if why == "covered":
                value, note = self.env._("Not used"), self.env._("Nothing to cover.")
            elif why == "empty":
                value, note = self._describe_empty(allowance, explained)
            else:
                value = self.env._("Does not fit")
                note = self._describe_obstacle(why, allowance, explained)
            rows.append(self._row(allowance.display_name, value, note))
        return rows

    def _describe_obstacle(self, why, allowance, explained):
        if why == "class":
            return self.env._(
                "It is for %(classes)s; the class of the call is %(call_class)s.",
                classes=", ".join(allowance.class_ids.mapped("name")),
                call_class=self._label("call_class", self.call_class),
            )
        if why == "prefix":
            return self.env._(
                "It is for numbers that begin with %s.", allowance.prefixes
            )
        return self.env._(
            "It is valid from %(validity)s; the call was on %(day)s.",
            validity=allowance.tariff_id._format_validity(allowance),
            day=format_date(self.env, explained["on"]),
        )

    def _describe_empty(self, allowance, explained):
        """What there was of an allowance that fits, and that nothing of it was left."""
        if not self.line_id:
            return (
                self.env._("Not known"),
                self.env._("It fits; without a line no balance is known."),
            )
        balance = self._get_explained_balance(allowance, explained)
        left = balance.carried_left + balance.own_left
        if left and self.charge_id:
            return (
                self.env._("Not used"),
                self.env._("It did not fit when the call was charged."),
            )
        if left:
            return (
                self.env._("Not used yet"),
                self.env._(
                    "It fits, and %s of it are left. “Recalculate” brings the call up "
                    "to date.",
                    allowance._format_quantity(left),
                ),
            )
        note = self.env._(
            "It fits, and nothing of it was left when the call's turn came."
        )
        return (
            self.env._("Used up"),
            f"{note} {self._describe_balance(allowance, balance)}",
        )

    def _describe_balance(self, allowance, balance):
        """What the cycle had of an allowance."""
        as_text = allowance._format_quantity
        if balance.carried:
            given = self.env._(
                "It had %(own)s for this cycle and %(carried)s from the cycle before.",
                own=as_text(balance.own),
                carried=as_text(balance.carried),
            )
        else:
            given = self.env._("It had %s for this cycle.", as_text(balance.own))
        if balance.before:
            used = self.env._(
                "%s of it were used in the previous system.", as_text(balance.before)
            )
            given = f"{given} {used}"
        if not balance.carried_away:
            return given
        gone = self.env._(
            "%s of it had already gone into the next cycle.",
            as_text(balance.carried_away),
        )
        return f"{given} {gone}"

    def _get_explained_balance(self, allowance, explained):
        """What there was of an allowance in the call's cycle, and what is left of it:
        a ``rating.Balance``."""
        if self.charge_id:
            return self._get_charged_balance(allowance)
        if "balances" not in explained:
            # Read once for all allowances, and only if one is asked for.
            explained["balances"] = dict(
                self.line_id._get_allowance_balances(self.start)
            )
        return explained["balances"].get(allowance) or Balance(
            allowance._get_rating_allowance(), own=0
        )

    def _get_charged_balance(self, allowance):
        """What a charged call found of an allowance, by what its charge keeps, those
        that were made with it, and those before. Cancelled ones count: that may have
        come later."""
        charge = self.charge_id
        kept = charge.allowance_ids.filtered(lambda use: use.allowance_id == allowance)
        uses = kept.search(
            [
                ("allowance_id", "=", allowance.id),
                ("stretch_id", "=", kept.stretch_id.id),
                ("charge_id.contract_id", "=", charge.contract_id.id),
                ("charge_id.cycle_end", "=", charge.cycle_end),
                ("charge_id.create_date", "<=", charge.create_date),
            ]
        )
        # The first run carries the rest away after its calls drew.
        is_late = any(use.charge_id.create_date < charge.create_date for use in uses)
        return Balance(
            allowance._get_rating_allowance(),
            own=kept.own_quantity,
            carried=kept.carried_quantity,
            used=sum(uses.mapped("used_quantity")) + kept.before_quantity,
            carried_away=kept.carried_away if is_late else 0,
            before=kept.before_quantity,
        )

    def _explain_draws(self, explained):
        kept = {
            int(allowance_id): quantity
            for allowance_id, quantity in (self.allowance_uses or {}).items()
        }
        allowances = self.env["saperx.tariff.allowance"].browse(kept).exists()
        by_id = {allowance.id: allowance for allowance in allowances}
        uses = in_order_of_draw(
            kept,
            in_drawing_order(each._get_rating_allowance() for each in allowances),
        )
        draws = self._get_draws(explained, uses)
        rows = []
        for draw in draws:
            allowance = by_id[draw.use.allowance_id]
            rows.append(
                self._row(
                    allowance.display_name,
                    f"− {self._format_use(draw.use)}",
                    " ".join(self._describe_draw(draw, allowance, explained)),
                )
            )
        if not draws:
            rows.append(
                self._row(
                    self.env._("Covered"),
                    f"− {self._format_amount(self.covered_amount)}",
                    self._format_seconds(self.covered_seconds)
                    if self.covered_seconds
                    else None,
                )
            )
        return rows

    def _get_draws(self, explained, uses):
        """The steps of the draw, if they end at what is stored; else none."""
        try:
            draws = explain_draws(
                explained["rate"] or None,
                self.charged_seconds,
                self._decimal(self.gross_amount),
                uses or (),
            )
        except ValueError:
            return ()
        charged = self._decimal(self.charged_amount)
        return draws if draws and draws[-1].amount_left == charged else ()

    def _format_use(self, use):
        if use.unit == "minutes":
            return self._format_seconds(use.quantity)
        return self._format_amount(from_centavos(use.quantity))

    def _describe_draw(self, draw, allowance, explained):
        """:return: sentences; one that took all that was left says what there was"""
        left = self._format_amount(draw.amount_left)
        if draw.use.unit == "minutes" and not draw.seconds_left:
            return [self.env._("Covers the whole charged time.")]
        if draw.use.unit == "reais":
            told = self.env._(
                "Covers %(amount)s. Left to pay: %(left)s.",
                amount=self._format_use(draw.use),
                left=left,
            )
        else:
            told = self.env._(
                "Not covered: %(seconds)s. Left to pay: %(how)s → %(left)s.",
                seconds=self._format_seconds(draw.seconds_left),
                how=self._describe_priced(
                    explain_price(explained["rate"], draw.seconds_left)
                ),
                left=left,
            )
        if not draw.amount_left:
            return [told]
        balance = self._get_explained_balance(allowance, explained)
        return [
            told,
            self._describe_balance(allowance, balance),
            self.env._("The call took the rest."),
        ]
