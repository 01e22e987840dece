# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

import base64
from collections import Counter
from datetime import UTC
from decimal import Decimal
from functools import partial

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, file_path
from odoo.tools.misc import format_date, format_datetime

from ..number_masking import SEES_NUMBERS
from ..places import country_of, place_of
from ..rating import Balance
from ..statement import AllowanceUse, Call, ClassTotal, Party, Section, Statement
from .call_class import CALL_CLASSES
from .saperx_cdr_masking import E164_CLASSES

# Calls that are in memory at one time.
BATCH = 5_000
LISTED = Domain("is_hidden", "=", False)
HIDDEN = Domain("is_hidden", "=", True)
SUMS = (
    "__count",
    "talk_seconds:sum",
    "charged_seconds:sum",
    "gross_amount:sum",
    "covered_amount:sum",
    "charged_amount:sum",
)
COLUMNS = SQL(
    """
    saperx_cdr.id, saperx_cdr.start, saperx_cdr.direction, saperx_cdr.other_party,
    saperx_cdr.own_class, saperx_cdr.call_class, saperx_cdr.city,
    saperx_cdr.talk_seconds, saperx_cdr.charged_seconds,
    saperx_cdr.gross_amount::text, saperx_cdr.covered_amount::text,
    saperx_cdr.charged_amount::text
    """
)
FONTS = (
    "web/static/fonts/lato/Lato-Reg-webfont.ttf",
    "web/static/fonts/lato/Lato-Bol-webfont.ttf",
)
CENT = Decimal("0.01")


class SaperxStatement(models.AbstractModel):
    """What a statement says, read by set and call by call."""

    _inherit = "saperx.statement"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _get_content(self, parts, move=None, for_customer=False):
        """:return: a ``Statement`` in the customer's language"""
        self.env.flush_all()
        localized = self._in_language_of(parts)
        shown = localized._get_shower(parts[0].line.company_id, for_customer)
        company = parts[0].line.company_id
        language = self.env["res.lang"]._get_data(code=localized.env.lang)
        cdr_model = localized.env["saperx.cdr"]
        classes = dict(
            cdr_model._fields["call_class"]._description_selection(localized.env)
        )
        logo = not company.uses_default_logo and company.logo
        return Statement(
            provider=localized._get_provider(company),
            customer=localized._get_customer(parts[0].partner),
            facts=tuple(localized._get_facts(parts, move)),
            sections=tuple(localized._get_section(part, shown) for part in parts),
            words=localized._get_words(parts),
            classes=classes,
            decimal_point=language.decimal_point,
            thousands=language.thousands_sep or "",
            date_format=language.date_format,
            language=localized.env.lang or "en_US",
            is_preview=parts[0].status != "charged",
            logo=base64.b64decode(logo) if logo else None,
            color=company.primary_color or "#374151",
            fonts=_find_fonts(),
        )

    @api.model
    def _get_section(self, part, shown):
        calls = self.env["saperx.cdr"].sudo()
        found = {
            call_class: ClassTotal(call_class, count, *seconds_and_amounts)
            for call_class, count, *seconds_and_amounts in map(
                _exact, calls._read_group(part.domain() & LISTED, ["call_class"], SUMS)
            )
        }
        classes = tuple(found[code] for code, _label in CALL_CLASSES if code in found)
        section = Section(
            line=part.line.display_name,
            plan=_clean(part.plans),
            first=part.first,
            last=part.last,
            classes=classes,
            others=self._get_others(part),
            allowances=tuple(self._get_allowances(part)),
            read_calls=partial(self._read_calls, part, shown),
            note=self._get_note(part),
        )
        self._check_sum(part, section)
        return section

    @api.model
    def _get_others(self, part):
        """What calls that are not listed cost, if they cost anything: as one amount,
        without how many, when or to whom, so that the statement sums to its charge."""
        [hidden] = (
            self.env["saperx.cdr"].sudo()._read_group(part.domain() & HIDDEN, [], SUMS)
        )
        _no_class, _count, _talk, seconds, gross, covered, amount = _exact(
            ("", *hidden)
        )
        if not gross:
            return None
        return ClassTotal("", 0, 0, seconds, gross, covered, amount)

    @api.model
    def _check_sum(self, part, section):
        charged = sum(
            (_money(charge.amount) for charge in part.charges), Decimal("0.00")
        )
        if part.charges and section.total.amount != charged:
            raise UserError(
                self.env._(
                    "The calls of the line %(line)s until %(day)s sum to %(sum)s, but "
                    "%(charged)s was charged: there is no statement until the check "
                    "has found out why.",
                    line=part.line.display_name,
                    day=format_date(self.env, part.last),
                    sum=section.total.amount,
                    charged=charged,
                )
            )

    @api.model
    def _get_note(self, part):
        notes = []
        if part.charges and not part.has_free_calls:
            notes.append(
                self.env._("Calls that the platform sent after the cycle was charged.")
            )
        if part.charges and set(part.charges.mapped("state")) == {"written_off"}:
            notes.append(self.env._("Written off: it is not to be paid."))
        return " ".join(notes)

    @api.model
    def _read_calls(self, part, shown, call_class=None):
        """The calls of a part that are listed, by start, a batch at a time."""
        calls = self.env["saperx.cdr"].sudo()
        domain = part.domain() & LISTED
        if call_class:
            domain &= Domain("call_class", "=", call_class)
        zone, after = part.zone, Domain.TRUE
        while True:
            query = calls._search(domain & after, order="start, id", limit=BATCH)
            rows = self.env.execute_query(query.select(COLUMNS))
            for row in rows:
                yield _call_of(row, zone, shown)
            if len(rows) < BATCH:
                return
            last_id, last_start = rows[-1][:2]
            after = Domain("start", ">", last_start) | (
                Domain("start", "=", last_start) & Domain("id", ">", last_id)
            )

    @api.model
    def _get_shower(self, company, for_customer):
        """:return: a function from the digits of the other party and the class that
        they tell to number and place, as the reader may see them"""
        calls = self.env["saperx.cdr"]
        services = self.env["saperx.service.number"]._get_active(company)
        sees_all = for_customer or self.env.user.has_groups(SEES_NUMBERS)

        def shown(digits, own_class, city):
            text = self._format_other_party(digits, own_class)
            if not sees_all:
                text = calls._get_mask(digits, own_class, services)(text)
            return _clean(text), _clean(city or _place(digits, own_class))

        return shown

    @api.model
    def _format_other_party(self, digits, own_class):
        if not digits:
            return self.env._("Not identified")
        if own_class in E164_CLASSES:
            return self.env["saperx.did"]._format_number(digits)
        if digits.isdigit() and digits[:2] == "55" and len(digits) in (12, 13):
            # Internal: the platform says so, and the number tells no class.
            return self.env["saperx.did"]._format_number(digits)
        if digits.isdigit() and digits[0] == "0" and len(digits) == 11:
            return f"{digits[:4]} {digits[4:7]} {digits[7:]}"
        if digits.isdigit() and len(digits) == 8:
            return f"{digits[:4]}-{digits[4:]}"
        return digits

    # Allowances

    @api.model
    def _get_allowances(self, part):
        if part.charges:
            return self._get_drawn_allowances(part)
        return self._get_open_allowances(part)

    @api.model
    def _get_drawn_allowances(self, part):
        """As they stood when the charges were made."""
        made = max(part.charges.mapped("create_date"))
        kept = part.charges.allowance_ids
        for (allowance, stretch), uses in kept.grouped(
            lambda use: (use.allowance_id, use.stretch_id)
        ).items():
            of_all = uses.search(
                [
                    ("allowance_id", "=", allowance.id),
                    ("stretch_id", "=", stretch.id),
                    ("charge_id.contract_id", "=", part.contract.id),
                    ("charge_id.cycle_end", "=", part.cycle_end),
                    ("charge_id.create_date", "<=", made),
                    ("charge_id.state", "!=", "cancelled"),
                ]
            )
            before = max(uses.mapped("before_quantity"))
            balance = Balance(
                allowance._get_rating_allowance(),
                own=max(uses.mapped("own_quantity")),
                carried=max(uses.mapped("carried_quantity")),
                used=sum(of_all.mapped("used_quantity")) + before,
                carried_away=max(uses.mapped("carried_away")),
                before=before,
            )
            used_here = sum(uses.mapped("used_quantity"))
            yield self._describe_allowance(allowance, balance, used_here)

    @api.model
    def _get_open_allowances(self, part):
        """As they would stand, were everything charged now."""
        domain = part.domain() & Domain("state", "=", "unbilled")
        query = self.env["saperx.cdr"].sudo()._search(domain)
        drawn, periods = Counter(), {}
        for period_id, start, uses in self.env.execute_query(
            query.select("period_id", "start", "allowance_uses")
        ):
            periods[period_id] = start
            for allowance_id, quantity in (uses or {}).items():
                drawn[int(allowance_id)] += quantity
        for start in periods.values():
            for allowance, balance in part.line._get_allowance_balances(start):
                used_here = drawn.pop(allowance.id, 0)
                yield self._describe_allowance(
                    allowance.with_env(self.env).sudo(), balance, used_here
                )

    @api.model
    def _describe_allowance(self, allowance, balance, used_here):
        def text(quantity):
            return allowance._format_quantity(quantity) if quantity else "–"

        left = max(balance.own + balance.carried - balance.used, 0)
        name = allowance.display_name
        if balance.before:
            name = self.env._(
                "%(allowance)s (%(used)s used in the previous system)",
                allowance=name,
                used=text(balance.before),
            )
        return AllowanceUse(
            name=name,
            own=allowance._format_quantity(balance.own),
            carried=text(balance.carried),
            used=allowance._format_quantity(used_here),
            used_by_others=text(max(balance.used - balance.before - used_here, 0)),
            carried_away=text(balance.carried_away or 0),
            left=allowance._format_quantity(left),
        )

    # Who and what

    @api.model
    def _get_provider(self, company):
        partner = company.partner_id.with_context(lang=self.env.lang)
        ways = [company.phone, company.email, company.website]
        address = ", ".join(_address_lines(partner))
        details = [self._get_document(partner), address]
        details.append(" · ".join(_clean(way) for way in ways if way))
        return Party(_clean(company.name), tuple(filter(None, details)))

    @api.model
    def _get_customer(self, partner):
        partner = partner.with_context(lang=self.env.lang)
        details = [self._get_document(partner.commercial_partner_id)]
        details += _address_lines(partner)
        name = partner.name or partner.commercial_partner_id.name or ""
        return Party(_clean(name), tuple(filter(None, details)))

    @api.model
    def _get_document(self, partner):
        """CNPJ or CPF as people write it, or nothing."""
        kept = "".join(char for char in partner.vat or "" if char.isalnum())
        if len(kept) == 11 and kept.isdigit():
            return f"CPF {kept[:3]}.{kept[3:6]}.{kept[6:9]}-{kept[9:]}"
        if len(kept) == 14:
            return f"CNPJ {kept[:2]}.{kept[2:5]}.{kept[5:8]}/{kept[8:12]}-{kept[12:]}"
        return partner.vat and _clean(partner.vat)

    @api.model
    def _get_facts(self, parts, move):
        """Pairs of a label and a value."""
        contracts = {part.contract.display_name: None for part in parts}
        yield self.env._("Contract"), _clean(", ".join(contracts))
        if move:
            yield self.env._("Invoice"), self._describe_invoice(move)
        lines = {part.line.display_name: None for part in parts}
        if len(lines) == 1:
            yield self.env._("Line"), parts[0].line.display_name
            plans = {part.plans: None for part in parts}
            yield self.env._("Billing plan"), _clean(", ".join(plans))
        else:
            yield self.env._("Lines"), str(len(lines))
        yield (
            self.env._("Period"),
            self.env._(
                "%(first)s to %(last)s",
                first=format_date(self.env, min(part.first for part in parts)),
                last=format_date(self.env, max(part.last for part in parts)),
            ),
        )
        if not parts[0].charges:
            now = format_datetime(
                self.env,
                fields.Datetime.now(),
                tz=parts[0].line.integration_id.timezone,
            )
            yield self.env._("As of"), now

    @api.model
    def _describe_invoice(self, move):
        name = move.with_env(self.env).sudo().display_name
        if not move.invoice_date_due:
            return name
        return self.env._(
            "%(name)s · due %(date)s",
            name=name,
            date=format_date(self.env, move.invoice_date_due),
        )


def _call_of(row, zone, shown):
    (
        _id,
        start,
        direction,
        digits,
        own_class,
        call_class,
        city,
        talk_seconds,
        charged_seconds,
        gross,
        covered,
        amount,
    ) = row
    number, place = shown(digits or "", own_class, city)
    return Call(
        start=start.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None),
        number=number,
        place=place,
        call_class=call_class or "unknown",
        is_collect=direction == "incoming",
        talk_seconds=talk_seconds or 0,
        charged_seconds=charged_seconds or 0,
        gross=_money(gross or 0),
        covered=_money(covered or 0),
        amount=_money(amount or 0),
    )


def _exact(row):
    """A group's sums, which PostgreSQL added exactly, as they are: whole centavos."""
    call_class, count, talk, seconds, *amounts = row
    return (
        call_class or "unknown",
        count,
        talk or 0,
        seconds or 0,
        *(_money(amount or 0) for amount in amounts),
    )


def _money(amount):
    return Decimal(str(amount)).quantize(CENT)


def _place(digits, own_class):
    """Where a number belongs, for calls of which the platform does not say so."""
    if own_class not in E164_CLASSES or not digits:
        return ""
    city, state = place_of(digits)
    if own_class == "ldi":
        return city or country_of(digits) or ""
    return " – ".join(part for part in (city, state) if part)


def _address_lines(partner):
    text = partner._display_address(without_company=True)
    return [_clean(line) for line in text.splitlines() if line.strip()]


def _clean(text):
    """On one line, without signs that steer a program."""
    return "".join(char if char.isprintable() else " " for char in text or "").strip()


def _find_fonts():
    try:
        return tuple(file_path(path) for path in FONTS)
    except FileNotFoundError:
        return None
