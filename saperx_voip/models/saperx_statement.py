# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain

from ..statement import WRITERS

# Calls that cost nothing by their kind: they are in no charge, but the law has them
# listed.
FREE_REASONS = ("free", "internal")
STATUSES = ("charged", "draft", "preview")


@dataclass(frozen=True, slots=True)
class StatementPart:
    """The calls of a line in a cycle, as one customer has them. Records are sudo's."""

    line: models.BaseModel
    contract: models.BaseModel
    partner: models.BaseModel
    cycle_end: date
    first: date
    """Local; of the part of the cycle in which the customer held the line."""
    last: date
    """Inclusive."""
    terms: models.BaseModel
    """The line's periods that the calls are of."""
    charges: models.BaseModel
    """None: a preview of what is not charged yet."""
    has_free_calls: bool
    """Whether the calls that are in no charge, since they are free, belong here."""

    @property
    def status(self):
        """``charged``, ``draft`` (a rule holds it) or ``preview`` (no charge yet)."""
        if not self.charges:
            return "preview"
        return "draft" if "draft" in self.charges.mapped("state") else "charged"

    @property
    def plans(self):
        return ", ".join(self.terms.tariff_id.mapped("name"))

    @property
    def periods(self):
        """All in which the customer held the line: free calls may be of any."""
        return self.line.period_ids.filtered(
            lambda period: (
                period.contract_id == self.contract
                and period.partner_id == self.partner
            )
        )

    @property
    def zone(self):
        return ZoneInfo(self.line.integration_id.timezone)

    def domain(self):
        """The calls, those to hidden services among them."""
        if self.charges:
            domain = Domain("charge_id", "in", self.charges.ids)
        else:
            domain = self._of_cycle() & Domain("state", "=", "unbilled")
        if self.has_free_calls:
            domain |= (
                self._of_cycle()
                & Domain("state", "=", "not_chargeable")
                & Domain("reason", "in", FREE_REASONS)
            )
        return domain

    def _of_cycle(self):
        return Domain(
            [
                ("line_id", "=", self.line.id),
                ("period_id", "in", self.periods.ids),
                ("cycle_end", "=", self.cycle_end),
            ]
        )


class SaperxStatement(models.AbstractModel):
    """The statement of calls (extrato, RGC art. 47) of lines and cycles.

    A statement is made of parts: ``_get_parts_of_charges`` and
    ``_get_parts_of_lines`` say of which, ``_write`` makes the file. Whoever may see the
    parts is for their callers: a button, an invoice that is sent, a portal.
    """

    _name = "saperx.statement"
    _description = "Statement of calls"

    @api.model
    def _check_may_make(self, records):
        """Those who see lines and charges may have statements of them; numbers are
        masked for whom they are masked anywhere else.

        :raise AccessError: for whoever has no role, or may not read one of the records
        """
        if not self.env.user.has_group("saperx_voip.group_user"):
            raise AccessError(
                self.env._("Statements of calls are for those who work on lines.")
            )
        records.check_access("read")

    @api.model
    def _get_parts_of_charges(self, charges):
        """Exactly what these charges took; late calls of a cycle are in a charge of
        their own.

        :return: a list of ``StatementPart``, by line and cycle
        """
        charges = charges.sudo().filtered(lambda charge: charge.state != "cancelled")
        parts = []
        for (key, _is_draft), some in charges.grouped(
            lambda charge: (_key_of_charge(charge), charge.state == "draft")
        ).items():
            line, contract, partner, cycle_end = key
            first_charge = charges.search(
                [*_domain_of_key(key), ("state", "!=", "cancelled")],
                order="id",
                limit=1,
            )
            parts.append(
                StatementPart(
                    line,
                    contract,
                    partner,
                    cycle_end,
                    min(some.mapped("cycle_start")),
                    max(some.mapped("last_day")),
                    some.period_id,
                    some.sorted("id"),
                    has_free_calls=first_charge in some,
                )
            )
        return sorted(parts, key=_order)

    @api.model
    def _get_parts_of_lines(self, lines, date_from, date_to):
        """All there is of lines: what was charged of a cycle, and, apart from it, what
        is not charged yet.

        :param date_from: local day, as ``date_to`` inclusive: cycles that end between
            them
        :return: a list of ``StatementPart``, by line and cycle
        """
        lines = lines.sudo()
        of_cycles = Domain("line_id", "in", lines.ids) & Domain(
            "cycle_end", ">=", date_from
        )
        of_cycles &= Domain("cycle_end", "<=", date_to)
        charges = self.env["saperx.charge"].sudo()
        charges = charges.search(of_cycles & Domain("state", "!=", "cancelled"))
        parts = self._get_parts_of_charges(charges)
        charged = {_key_of_part(part) for part in parts}
        free = Domain("state", "=", "not_chargeable") & Domain(
            "reason", "in", FREE_REASONS
        )
        open_periods = {}
        for period, cycle_end, state in (
            self.env["saperx.cdr"]
            .sudo()
            ._read_group(
                of_cycles & (Domain("state", "=", "unbilled") | free),
                ["period_id", "cycle_end:day", "state"],
            )
        ):
            key = (period.line_id, period.contract_id, period.partner_id, cycle_end)
            if state == "unbilled" or key not in charged:
                known = open_periods.get(key, period.browse())
                open_periods[key] = known | period
        for key, periods in open_periods.items():
            parts.append(self._get_open_part(key, periods, key not in charged))
        return sorted(parts, key=_order)

    @api.model
    def _get_open_part(self, key, periods, has_free_calls):
        line, contract, partner, cycle_end = key
        zone = ZoneInfo(line.integration_id.timezone)
        days = [
            period._get_holding().days_of(*period._get_cycle(cycle_end), zone)
            for period in periods
        ]
        return StatementPart(
            line,
            contract,
            partner,
            cycle_end,
            min(first for first, _last in days),
            max(last for _first, last in days),
            periods,
            self.env["saperx.charge"].sudo(),
            has_free_calls,
        )

    @api.model
    def _write(self, parts, file_format, file, *, move=None, for_customer=False):
        """Make a statement of parts of one customer.

        :param parts: a list of ``StatementPart``
        :param str file_format: ``pdf``, ``csv`` or ``xlsx``
        :param file: a binary file, written to as the calls are read
        :param move: the invoice that it explains
        :param bool for_customer: whether all numbers are whole, whoever makes it: the
            customer knows whom they called
        :raise UserError: parts of several customers, or of none; charged ones together
            with others; or a charge that its calls do not sum to
        """
        self._check_parts(parts)
        statement = self._get_content(parts, move, for_customer)
        WRITERS[file_format](statement, file)

    @api.model
    def _check_parts(self, parts):
        if not parts:
            raise UserError(self.env._("There are no calls for a statement."))
        partners = {part.partner for part in parts}
        if len(partners) > 1:
            raise UserError(
                self.env._(
                    "A statement is of one customer. These calls are of several: %s.",
                    ", ".join(sorted(partner.display_name for partner in partners)),
                )
            )
        if len({part.status == "charged" for part in parts}) > 1:
            raise UserError(
                self.env._(
                    "A statement is either of what was charged or a preview of what "
                    "was not: choose one kind."
                )
            )

    @api.model
    def _get_filename(self, parts, file_format, move=None):
        """What the file is called, in the customer's language."""
        env = self._in_language_of(parts).env
        if move:
            about = move.name or move.display_name
        else:
            lines = {part.line for part in parts}
            lines = parts[0].line.display_name if len(lines) == 1 else ""
            last = max(part.last for part in parts)
            about = f"{lines or parts[0].contract.display_name} {last:%Y-%m-%d}"
        name = env._("Statement %s", about)
        kept = (char if char.isalnum() or char in " -_()" else "_" for char in name)
        return f"{''.join(kept)[:120]}.{file_format}"

    @api.model
    def _in_language_of(self, parts):
        language = parts[0].partner.lang or self.env.lang
        return self.with_context(lang=language)

    @api.model
    def _leave_trace(self, parts):
        """Who looks at a statement looks at call details."""
        lines_by_company = {}
        for part in parts:
            lines = lines_by_company.setdefault(part.line.company_id, set())
            lines.add(part.line.id)
        for company, line_ids in lines_by_company.items():
            keys = [(0, None, line_id) for line_id in sorted(line_ids)]
            self.env["saperx.cdr.access"]._store(company, "statement", keys, 0)


def _key_of_charge(charge):
    return charge.line_id, charge.contract_id, charge.partner_id, charge.cycle_end


def _key_of_part(part):
    return part.line, part.contract, part.partner, part.cycle_end


def _domain_of_key(key):
    line, contract, partner, cycle_end = key
    return [
        ("line_id", "=", line.id),
        ("contract_id", "=", contract.id),
        ("partner_id", "=", partner.id),
        ("cycle_end", "=", cycle_end),
    ]


def _order(part):
    return (
        part.line.display_name,
        part.line.id,
        part.cycle_end,
        STATUSES.index(part.status),
    )
