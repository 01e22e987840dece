# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.misc import get_lang

from ..gateway import CALL_CLASS_WORDS, known_call_class
from ..rating import Directory, local_date, normalise, rate_call

# Decimals that are shown of a value before its cut.
EXACT_DECIMALS = 8
# Of numbers that have an E.164 form.
E164_KINDS = ("fixed", "mobile", "international")
# What rating says by what a call does not keep.
NOT_RATED_AGAIN = ("previous_system", "collect_refused")


class SaperxCdr(models.Model):
    """Why a call costs what it costs, in words (``rating/explanation.py``).

    All is told from what is stored on the call. Plans, rates and lines are asked for
    the way that led there; where they say something else today, that is said too.
    An explanation is a list of sections, each with a title and rows: those of the
    call in ``saperx_cdr_explanation_call.py``, those of its price in
    ``saperx_cdr_explanation_price.py`` and ``saperx_cdr_explanation_allowance.py``.
    """

    _inherit = "saperx.cdr"  # pylint: disable=consider-merging-classes-inherited

    is_class_disputed = fields.Boolean(
        string="Class differs from the platform's",
        compute="_compute_is_class_disputed",
        search="_search_is_class_disputed",
        help="The platform sent a class that we know, and the number tells another.",
    )
    explanation = fields.Html(
        string="Why this amount",
        compute="_compute_explanation",
        # What the user may not see of it is masked: see ``_get_explained``.
        compute_sudo=True,
        sanitize=False,
        exportable=False,
    )

    @api.depends("platform_class", "own_class")
    def _compute_is_class_disputed(self):
        for call in self:
            platform_class = known_call_class(call.platform_class)
            call.is_class_disputed = (
                platform_class is not None and platform_class != call.own_class
            )

    def _search_is_class_disputed(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(
            [("platform_class", "=ilike", word), ("own_class", "!=", call_class)]
            for call_class, word in CALL_CLASS_WORDS.items()
        )

    # Without depends: much of it lies in what other records say at this moment.
    @api.depends_context("uid", "lang", "tz")
    def _compute_explanation(self):
        for call in self:
            call.explanation = call._render_explanation()

    def _render_explanation(self, **known):
        """The explanation as HTML. For calls that are not stored as well.

        :param known: see ``_get_explained``
        """
        self.ensure_one()
        explained = self._get_explained(**known)
        return self.env["ir.qweb"]._render(
            "saperx_voip.cdr_explanation",
            {
                "summary": self._explain_summary(),
                "warnings": self._explain_warnings(explained),
                "sections": self._explain_sections(explained),
            },
        )

    def _get_explained(self, tariff=None, area_code=None, mask=None):
        """What the sections are told from.

        :param tariff: the billing plan, of a call without a period
        :param area_code: that of the caller, of a call without a line
        :param mask: how the other party is shown, of a number that the user gave
        """
        own, other = self.caller, self.callee
        if self.direction == "incoming":
            own, other = other, own
        area_code = area_code or self._get_area_code(own)
        services = self.env["saperx.service.number"]._get_active(
            self.company_id or self.env.company
        )
        number = normalise(other or "", area_code, services._as_table())
        if number.digits != (self.other_party or ""):
            # Read in another way then: what is stored counts.
            number = None
        tariff = tariff or self.period_id.tariff_id
        return {
            "own": own,
            "other": other,
            "mask": mask or self._get_mask(self.other_party, self.own_class, services),
            "area_code": area_code,
            "number": number,
            "on": local_date(self.start, self._get_timezone()),
            "tariff": tariff,
            "rating_tariff": tariff
            and tariff._get_rating_tariff_for(self.other_party or ""),
            "rate": self._get_explaining_rate(),
        }

    def _get_explaining_rate(self):
        if not self.rate_id:
            return None
        if self.charge_id:
            return self.rate_id._get_charged_rate(self.charge_id)
        return self.rate_id._get_rating_rate()

    def _explain_sections(self, explained):
        return [
            {"title": title, "rows": rows}
            for title, rows in (
                (self.env._("Number"), self._explain_number(explained)),
                (self.env._("Class"), self._explain_class(explained)),
                (self.env._("Whose call"), self._explain_holder(explained)),
                (self.env._("Price"), self._explain_price(explained)),
                (self.env._("Allowances"), self._explain_allowances(explained)),
                (self.env._("Result"), self._explain_result()),
                (self.env._("On the platform"), self._explain_platform()),
            )
            if rows
        ]

    def _explain_summary(self):
        amount = self._format_amount(self.charged_amount)
        if self.state in ("not_chargeable", "unmatched", "unrated"):
            return self.env._("Costs nothing: %s", self._explain_reason())
        if not self.charged_seconds:
            return self.env._("Costs nothing: the conversation was too short.")
        if self.covered_amount and not self.charged_amount:
            return self.env._("Costs nothing: the allowance covers it.")
        if self.state == "billed":
            return self.env._("The customer pays %s.", amount)
        return self.env._("Costs %s.", amount)

    def _explain_warnings(self, explained):
        """Where today's rates or plan say something else than what is stored."""
        if not self.id or not self.line_id or self.reason in NOT_RATED_AGAIN:
            return []
        today = self._rate_today(explained)
        same = (today.state, today.rate_id, today.charged_seconds) == (
            "unbilled" if self.state == "billed" else self.state,
            self.rate_id.id or None,
            self.charged_seconds,
        ) and today.gross_amount == self._decimal(self.gross_amount)
        if same:
            return []
        rate = self.env["saperx.tariff.rate"].browse(today.rate_id)
        said = self.env._(
            "The billing plan has changed since this call was rated. As it is now: "
            "%(rate)s, %(seconds)s charged, %(amount)s before allowances.",
            rate=self._name_rates(rate, explained) or self._label("state", today.state),
            seconds=self._format_seconds(today.charged_seconds),
            amount=self._format_amount(today.gross_amount),
        )
        if self.state == "billed":
            then = self.env._("What was charged stays as it was.")
        else:
            then = self.env._("“Recalculate” brings the call up to date.")
        return [f"{said} {then}"]

    def _rate_today(self, explained):
        """What rating says now of the call as it is stored. Its holder and class
        stay."""
        has_amount = self.reason != "no_platform_amount"
        return rate_call(
            explained["rating_tariff"] or None,
            prepaid=self.period_id.billing_type == "prepaid",
            direction=self.direction,
            answered=self.outcome == "answered",
            is_collect=self.is_collect,
            call_class=self.call_class,
            digits=self.other_party or "",
            talk_seconds=self.talk_seconds,
            local_date=explained["on"],
            platform_amount=self._decimal(self.platform_amount, 6)
            if has_amount
            else None,
            # 0 and "not sent" are told apart by what was charged.
            platform_seconds=self.platform_charged_seconds
            or (None if self.charged_seconds else 0),
        )

    def _explain_reason(self):
        """Why a call costs nothing, as one says it to a customer."""
        if self.state == "unmatched":
            return self.env._("the call could not be given to any line.")
        return {
            "not_answered": self.env._("only answered calls are charged."),
            "incoming": self.env._(
                "the line was called; only collect calls cost the called line."
            ),
            "collect_refused": self.env._("the line refused the collect call."),
            "paid_by_other": self.env._("the called line pays for a collect call."),
            "free": self.env._(
                "free and emergency numbers cost the caller nothing, unless a rate "
                "names them by their digits."
            ),
            "internal": self.env._(
                "the platform calls it internal, and no rate names the number."
            ),
            "prepaid": self.env._(
                "a prepaid line pays with its credit on the platform."
            ),
            "no_tariff": self.env._(
                "the line has no billing plan for that time. Once it has one, its "
                "calls are rated."
            ),
            "previous_system": self.env._(
                "it began before calls were charged here: the previous system did."
            ),
            "no_rate": self.env._(
                "no rate of the billing plan takes it. It is not invoiced."
            ),
            "no_platform_amount": self.env._(
                "the plan charges the platform's amount, and there is none."
            ),
        }.get(self.reason, "")

    def _row(self, label, value, note=None, level=None):
        """:param level: ``strong``, ``warning`` or None"""
        return {"label": label, "value": value, "note": note or "", "level": level}

    def _label(self, name, value):
        return dict(self._fields[name]._description_selection(self.env)).get(value, "")

    def _get_timezone(self):
        return ZoneInfo(self.integration_id.timezone or "America/Sao_Paulo")

    def _get_area_code(self, own_number):
        """The DDD that the line called from, or was called in."""
        line = self.line_id
        dids = line.with_context(active_test=False).did_ids
        directory = Directory((), (), (did._get_holding() for did in dids))
        return (
            directory.area_code(line.id, self.start)
            or normalise(own_number or "", None).area_code
        )

    def _format_other_party(self, number):
        digits = self.other_party
        if number is None or number.kind in E164_KINDS:
            return self.env["saperx.did"]._format_number(digits)
        return digits

    def _format_number(self, text):
        number = normalise(text, None)
        if number.kind not in E164_KINDS:
            # An account code or an extension: no "+" makes a number of it.
            return text
        return self.env["saperx.did"]._format_number(number.digits)

    def _format_seconds(self, seconds):
        """``75`` as ``1 min 15 s``."""
        minutes, rest = divmod(seconds, 60)
        if not minutes:
            return f"{seconds} s"
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"

    def _format_amount(self, amount):
        return (self.currency_id or self.env.company.currency_id).format(float(amount))

    def _format_exact_amount(self, amount):
        """An amount of six decimals; 0 is also one that was not sent."""
        if not amount:
            return "—"
        return self._format_money(self._decimal(amount, 6))

    def _format_money(self, number):
        """Reais with two decimals, or as many more as they have."""
        return self._add_currency(self._format_decimal(number))

    def _add_currency(self, text):
        currency = self.currency_id or self.env.company.currency_id
        parts = [currency.symbol, text]
        if currency.position == "after":
            parts.reverse()
        return "\N{NO-BREAK SPACE}".join(parts)

    def _format_exact(self, fraction):
        """Reais with so many decimals as they have, or ``…`` after the eighth."""
        scaled = fraction * 10**EXACT_DECIMALS
        number = Decimal(int(scaled)).scaleb(-EXACT_DECIMALS)
        text = self._format_decimal(number)
        return self._add_currency(text if scaled.denominator == 1 else f"{text}…")

    def _format_decimal(self, number):
        """A number with two decimals, or as many more as it has."""
        text = format(number.normalize(), "f")
        if -number.normalize().as_tuple().exponent < 2:
            text = str(number.quantize(Decimal("0.01"), rounding=ROUND_DOWN))
        return text.replace(".", get_lang(self.env).decimal_point)

    def _decimal(self, amount, places=2):
        """A float column of the database as the exact number that it stands for."""
        return Decimal(f"{amount:.{places}f}")
