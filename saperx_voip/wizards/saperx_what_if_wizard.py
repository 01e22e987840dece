# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from collections import defaultdict
from decimal import Decimal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools.misc import format_date

from ..rating import bounds_utc

MOST_PLANS = 3
MONTHS = 3
# Calls that another plan would price: also those that have no price today.
COMPARED_CALLS = [
    "|",
    ("state", "in", ("unbilled", "billed", "unrated")),
    ("reason", "=", "no_tariff"),
]


class SaperxWhatIfWizard(models.TransientModel):
    """*E se*: calls that were made, priced on other billing plans. Writes nothing."""

    _name = "saperx.what.if.wizard"
    _description = "Calls priced on another billing plan"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        compute="_compute_company_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    partner_id = fields.Many2one(
        "res.partner", string="Customer", help="With all its contracts."
    )
    contract_id = fields.Many2one(
        "contract.contract",
        domain="[('contract_type', '=', 'sale'), ('company_id', '=', company_id)]",
    )
    line_id = fields.Many2one(
        "saperx.line", string="SIP line", domain="[('company_id', '=', company_id)]"
    )
    date_from = fields.Date(
        string="From",
        required=True,
        default=lambda self: self._get_this_month() - relativedelta(months=MONTHS),
    )
    date_to = fields.Date(
        string="To",
        required=True,
        default=lambda self: self._get_this_month() - relativedelta(days=1),
        help="Last day, inclusive.",
    )
    tariff_ids = fields.Many2many(
        "saperx.tariff",
        "saperx_what_if_wizard_tariff_rel",
        string="Other billing plans",
        domain="[('company_id', '=', company_id)]",
        help="Up to three, side by side.",
    )
    problem = fields.Char(compute="_compute_comparison")
    comparison = fields.Html(compute="_compute_comparison", sanitize=False)

    @api.model
    def _get_this_month(self):
        return self.env.company._get_telephony_today().replace(day=1)

    @api.depends("line_id", "contract_id")
    def _compute_company_id(self):
        for wizard in self:
            chosen = wizard.line_id or wizard.contract_id
            # Who may not read it is told so later.
            wizard.company_id = (
                chosen.sudo().company_id or wizard.company_id or self.env.company
            )

    @api.depends(
        "company_id", "partner_id", "contract_id", "line_id", "date_from", "date_to",
        "tariff_ids",
    )  # fmt: skip
    def _compute_comparison(self):
        for wizard in self:
            lines = wizard._get_lines()
            wizard.problem = wizard._get_problem(lines)
            wizard.comparison = not wizard.problem and wizard._render(lines)

    def _get_lines(self):
        """The lines that all that was chosen leaves, those that ended too."""
        domain = [("company_id", "=", self.company_id.id)]
        if self.line_id:
            domain.append(("id", "=", self.line_id._origin.id))
        if self.contract_id:
            domain.append(("contract_id", "=", self.contract_id._origin.id))
        if self.partner_id:
            domain.append(("partner_id", "child_of", self.partner_id._origin.ids))
        line_model = self.env["saperx.line"]
        return line_model.search(domain) if len(domain) > 1 else line_model

    def _get_problem(self, lines):
        """What is missing, in words; None if nothing is."""
        if not (self.partner_id or self.contract_id or self.line_id):
            return self.env._("Choose a customer, a contract or a SIP line.")
        if not lines:
            return self.env._("There is no SIP line of that choice.")
        if not self.tariff_ids:
            return self.env._("Choose the billing plans to compare with.")
        if len(self.tariff_ids) > MOST_PLANS:
            return self.env._("Up to %s billing plans stand side by side.", MOST_PLANS)
        if not self.date_from or not self.date_to or self.date_from > self.date_to:
            return self.env._("The days must end after they begin.")
        return None

    def _render(self, lines):
        plans = self.tariff_ids._origin
        # Rating reads past the rules: the lines were searched for by them.
        plans.check_access("read")
        totals = self._read_totals(lines, plans)
        if not totals:
            return self.env["ir.qweb"]._render("saperx_voip.what_if_nothing", {})
        return self.env["ir.qweb"]._render(
            "saperx_voip.what_if_comparison",
            {
                "plans": plans,
                "tables": self._prepare_tables(totals, plans),
                "format_amount": self._format_amount,
                "format_difference": self._format_difference,
                "format_minutes": lambda seconds: f"{seconds // 60}:{seconds % 60:02}",
                "has_unbilled": bool(
                    self.env["saperx.cdr"].search_count(
                        [("line_id", "in", lines.ids), ("state", "=", "unbilled")],
                        limit=1,
                    )
                ),
            },
        )

    def _format_amount(self, amount):
        return self.company_id.currency_id.format(float(amount))

    def _format_difference(self, amount):
        """The sign goes before the currency, as people write it."""
        sign = "+" if amount > 0 else "-" if amount < 0 else ""
        return sign + self._format_amount(abs(amount))

    def _read_totals(self, lines, plans):
        """Calls, charged seconds and amount of each plan and of today.

        :return: by line, month of the closing and class: by plan (an empty one for
            what is stored) a list of calls, seconds and reais (``Decimal``)
        """
        totals = defaultdict(lambda: defaultdict(lambda: [0, 0, Decimal(0)]))
        stored = self.env["saperx.tariff"]
        rows = [(stored, row) for row in self._read_stored(lines)]
        for plan in plans:
            rows += [
                (plan, row)
                for row in self.env["saperx.cdr"]._what_if(
                    lines, self.date_from, self.date_to, plan
                )
            ]
        for plan, row in rows:
            key = row["line_id"], row["cycle_end"].replace(day=1), row["call_class"]
            total = totals[key][plan]
            total[0] += row["calls"]
            total[1] += row["charged_seconds"]
            total[2] += row["charged_amount"]
        return totals

    def _read_stored(self, lines):
        """As ``_what_if`` gives it, what is stored on the calls."""
        calls = self.env["saperx.cdr"]
        for integration, some in lines.grouped("integration_id").items():
            begins, ends = bounds_utc(
                self.date_from, self.date_to, ZoneInfo(integration.timezone)
            )
            for line, cycle_end, call_class, *sums in calls._read_group(
                [
                    ("line_id", "in", some.ids),
                    ("start", ">=", begins),
                    ("start", "<", ends),
                    *COMPARED_CALLS,
                ],
                ["line_id", "cycle_end:day", "call_class"],
                ["__count", "charged_seconds:sum", "charged_amount:sum"],
            ):
                count, seconds, amount = sums
                yield {
                    "line_id": line.id,
                    "cycle_end": cycle_end,
                    "call_class": call_class,
                    "calls": count,
                    "charged_seconds": seconds,
                    "charged_amount": Decimal(f"{amount:.2f}"),
                }

    def _prepare_tables(self, totals, plans):
        """A table by month and class and, of several lines, one by line."""
        classes = self.env["saperx.cdr"]._fields["call_class"]
        labels = dict(classes._description_selection(self.env))
        order = list(labels)
        by_month = self._sum_by(totals, lambda line, month, call_class: month)
        by_class = self._sum_by(totals, lambda line, *key: key)
        by_line = self._sum_by(totals, lambda line, *key: line)
        rows = []
        for month in sorted(by_month):
            rows.append(
                self._prepare_row(
                    format_date(self.env, month, date_format="MMMM y"),
                    by_month[month],
                    plans,
                    is_group=True,
                )
            )
            rows += [
                self._prepare_row(labels[code], by_class[month, code], plans)
                for code in order
                if (month, code) in by_class
            ]
        everything = self._sum_by(totals, lambda *key: None)
        total = self._prepare_row(self.env._("Total"), everything[None], plans, True)
        tables = [
            {"title": self.env._("Month of closing"), "rows": [*rows, total]},
        ]
        if len(by_line) > 1:
            lines = self.env["saperx.line"].browse(by_line)
            tables.append(
                {
                    "title": self.env._("SIP line"),
                    "rows": [
                        *(
                            self._prepare_row(
                                line.display_name, by_line[line.id], plans
                            )
                            for line in lines.sorted("display_name")
                        ),
                        total,
                    ],
                }
            )
        return tables

    @api.model
    def _sum_by(self, totals, group_of):
        sums = defaultdict(lambda: defaultdict(lambda: [0, 0, Decimal(0)]))
        for key, by_plan in totals.items():
            for plan, values in by_plan.items():
                total = sums[group_of(*key)][plan]
                for index, value in enumerate(values):
                    total[index] += value
        return sums

    @api.model
    def _prepare_row(self, label, by_plan, plans, is_group=False):
        calls, seconds, amount = by_plan[self.env["saperx.tariff"]]
        return {
            "label": label,
            "is_group": is_group,
            "calls": calls,
            "seconds": seconds,
            "amount": amount,
            "plans": [
                {
                    "seconds": by_plan[plan][1],
                    "amount": by_plan[plan][2],
                    "difference": by_plan[plan][2] - amount,
                }
                for plan in plans
            ],
        }
