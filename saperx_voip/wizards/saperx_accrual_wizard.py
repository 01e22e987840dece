# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from datetime import timedelta
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, date_utils

from ..rating import bounds_utc
from .saperx_accrual_row import COUNTED, SOURCES

A_DAY = timedelta(days=1)


class SaperxAccrualWizard(models.TransientModel):
    """*Provisão*: what was called up to a day and not invoiced on that day.

    Told by what is known now: a call that was read, or charged, or invoiced later
    counts by the day on which it was made, and as far as it had come on the chosen day.
    """

    _name = "saperx.accrual.wizard"
    _description = "Telephony not invoiced on a day"

    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    day = fields.Date(
        required=True,
        default=lambda self: self._get_last_month_end(),
        help="Calls up to the end of this day. Default: the end of last month.",
    )
    detail = fields.Selection(
        [
            ("class", "By class"),
            ("customer", "By class and customer"),
            ("contract", "By class, customer and contract"),
        ],
        required=True,
        default="class",
    )
    row_ids = fields.One2many("saperx.accrual.row", "wizard_id")

    @api.model
    def _get_last_month_end(self):
        today = self.env.company._get_telephony_today()
        return date_utils.start_of(today, "month") - A_DAY

    def action_show(self):
        self.ensure_one()
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing may see this."))
        self.check_access("read")
        self._make_rows()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id(
                "saperx_voip.saperx_accrual_row_action"
            ),
            "domain": [("wizard_id", "=", self.id)],
            "context": {
                "saperx_detail": self.detail,
                "search_default_group_class": 1,
            },
        }

    def _make_rows(self):
        self.sudo().row_ids.unlink()
        self.env.flush_all()
        for source in dict(SOURCES):
            self.env.cr.execute(self._prepare_insert(source))
        self.env["saperx.accrual.row"].invalidate_model()
        self.invalidate_recordset(["row_ids"])

    def _prepare_insert(self, source):
        """The statement that writes the rows of one source."""
        keys = [SQL("saperx_cdr.call_class")]
        for name, details in (
            ("partner_id", ("customer", "contract")),
            ("contract_id", ("contract",)),
        ):
            known = self.detail in details
            column = SQL.identifier("saperx_cdr", name)
            keys.append(column if known else SQL("NULL::int"))
        calls = self.env["saperx.cdr"].sudo()._search(self._get_call_domain(source))
        return SQL(
            """
            INSERT INTO saperx_accrual_row (
                wizard_id, create_uid, create_date, company_id, day, source,
                call_class, partner_id, contract_id, call_count, charged_seconds,
                gross_amount, covered_amount, amount, platform_amount, cost
            )
            %s GROUP BY 7, 8, 9 ORDER BY 7, 8, 9
            """,
            calls.select(
                SQL("%s", self.id),
                SQL("%s", self.env.uid),
                SQL("%s", fields.Datetime.now()),
                SQL("%s", self.company_id.id),
                SQL("%s", self.day),
                SQL("%s", source),
                *keys,
                SQL("count(*)"),
                _sum("charged_seconds"),
                _sum("gross_amount"),
                _sum("covered_amount"),
                # Nobody will pay the others, or nobody knows how much.
                _sum("charged_amount") if source in COUNTED else SQL("0"),
                _sum("platform_amount"),
                _sum("platform_cost"),
            ),
        )

    def _get_call_domain(self, source):
        """The calls of a source (``saperx.cdr``)."""
        unbilled = Domain("state", "=", "unbilled")
        match source:
            case "uncharged":
                later = Domain("charge_id", "any", self._get_later_charges())
                domain = unbilled & ~self._get_left_out() | later
            case "disputed":
                domain = Domain("state", "=", "disputed")
            case "left_out":
                domain = unbilled & self._get_left_out()
            case "unpriced":
                domain = Domain("state", "in", ("unrated", "unmatched"))
            case _:
                domain = Domain("charge_id", "any", self._get_charges(source))
        return self._get_until_day() & domain

    def _get_until_day(self):
        """Calls up to the end of the day, where they were made."""
        integrations = self.env["saperx.integration"].with_context(active_test=False)
        by_zone = integrations.search(
            [("company_id", "=", self.company_id.id)]
        ).grouped("timezone")
        return Domain("company_id", "=", self.company_id.id) & Domain.OR(
            Domain("integration_id", "in", some.ids)
            & Domain("start", "<", bounds_utc(self.day, self.day, ZoneInfo(zone))[1])
            for zone, some in by_zone.items()
        )

    def _get_end(self):
        """The first moment after the day, in the company's zone."""
        return self.company_id._get_telephony_start_of_day(self.day + A_DAY)

    def _get_open_charges(self):
        """Charges that no invoice carried on the day: it was not posted by then."""
        return (
            Domain("company_id", "=", self.company_id.id)
            & Domain("state", "in", ("draft", "confirmed", "invoiced"))
            & ~Domain("move_line_ids", "any", self._get_recognised())
        )

    def _get_recognised(self):
        """Invoice lines that stood in the books on the day."""
        return (
            Domain("move_id.move_type", "=", "out_invoice")
            & Domain("parent_state", "=", "posted")
            & Domain("date", "<=", self.day)
            & ~self._get_reversed(Domain("date", "<=", self.day))
        )

    def _get_reversed(self, domain):
        """Invoice lines that came off by a posted credit note, such as the domain
        says."""
        posted = Domain("state", "=", "posted") & domain
        return Domain("saperx_reversal_move_id", "any", posted)

    def _get_later_charges(self):
        """Those that did not exist on the day: their calls were not charged."""
        return self._get_open_charges() & Domain("create_date", ">=", self._get_end())

    def _get_charges(self, source):
        """Those that existed on the day, by how far they have come since."""
        known = self._get_open_charges() & Domain("create_date", "<", self._get_end())
        posted = Domain(
            "move_line_ids",
            "any",
            Domain("parent_state", "=", "posted") & ~self._get_reversed(Domain.TRUE),
        )
        match source:
            case "charged":
                return known & Domain("state", "in", ("draft", "confirmed"))
            case "drafted":
                return known & Domain("state", "=", "invoiced") & ~posted
        return known & Domain("state", "=", "invoiced") & posted

    def _get_left_out(self):
        """Calls that are never charged, since their line was not active in the cycle
        (*cobrar somente ramais ativos*)."""
        groups = (
            self.env["saperx.cdr"]
            .sudo()
            ._read_group(
                [
                    ("state", "=", "unbilled"),
                    ("company_id", "=", self.company_id.id),
                    ("integration_id.charge_only_active_lines", "=", True),
                ],
                ["period_id", "cycle_end:day"],
            )
        )
        left_out = defaultdict(list)
        for period, cycle_end in groups:
            if self.env["saperx.cdr"]._is_left_out(period.id, cycle_end):
                left_out[cycle_end].append(period.id)
        return Domain.OR(
            Domain("cycle_end", "=", cycle_end) & Domain("period_id", "in", period_ids)
            for cycle_end, period_ids in left_out.items()
        )


def _sum(name):
    return SQL("coalesce(sum(%s), 0)", SQL.identifier("saperx_cdr", name))
