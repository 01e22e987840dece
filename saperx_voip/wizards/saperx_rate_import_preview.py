# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from decimal import Decimal

from markupsafe import Markup

from odoo import models
from odoo.tools.misc import format_date, formatLang

from ..models.saperx_tariff_rate import class_choice_of

MOST_SHOWN = 500
MOST_CHANGES_SHOWN = 20
# Reais per minute: few calls on earth cost more.
HIGH_PRICE = Decimal(50)
# Columns that a new price has of its own anyway.
UNTOLD = ("date_from", "sequence")


class SaperxRateImportWizard(models.TransientModel):
    """What an import would do, as people see it before it does it."""

    # pylint: disable=consider-merging-classes-inherited
    _inherit = "saperx.rate.import.wizard"

    def _describe(self, file):
        signs = dict(self._fields["separator"]._description_selection(self.env))
        decimals = dict(self._fields["decimal_symbol"]._description_selection(self.env))
        names = self._get_column_names()
        parts = ["XLSX"]
        if file.kind == "csv":
            parts = [f"CSV {file.encoding.upper()}", signs[file.separator]]
        parts.append(decimals[file.decimal])
        parts.append(", ".join(names[column] for column in file.columns))
        return " · ".join(parts)

    def _describe_prices(self, rows):
        prices = list(map(_price, rows))
        return bool(prices) and self.env._(
            "Prices from %(lowest)s to %(highest)s per minute",
            lowest=self._format_price(min(prices)),
            highest=self._format_price(max(prices)),
        )

    def _warn_of_prices(self, rows):
        """:return: which line has a price that is hardly meant, False for none"""
        highest = max(rows, key=_price, default=None)
        return bool(highest and _price(highest) > HIGH_PRICE) and self.env._(
            "The price in line %(line)s is %(price)s per minute. Make sure that the "
            "decimal symbol is read as it was meant.",
            line=highest.line,
            price=self._format_price(_price(highest)),
        )

    def _format_price(self, price):
        """As the user's language writes it, with all of its decimals and at least two.

        :param Decimal price: with six decimals at most
        """
        decimals = -price.normalize().as_tuple().exponent
        number = formatLang(self.env, float(price), digits=max(decimals, 2))
        currency = self.tariff_id.currency_id
        parts = [currency.symbol, number]
        if currency.position == "after":
            parts.reverse()
        return "\N{NO-BREAK SPACE}".join(parts)

    def _ask(self, problems):
        """:return: the question that ``three_digits`` answers, False for none"""
        problem = next((one for one in problems if one.code == "ambiguous"), None)
        return bool(problem) and self.env._(
            "Line %(line)s: %(value)s may be %(thousands)s or %(decimal)s. Say which "
            "is meant, here and in all prices of its kind.",
            value=problem.value,
            **self._get_facts(problem),
        )

    def _get_notes(self, file, changes):
        notes = []
        if file.ignored:
            notes.append(
                self.env._("Columns not read: %s.", ", ".join(file.ignored[:10]))
            )
        if changes.over:
            notes.append(
                self.env._(
                    "Lines left out, since they end before that day: %s.", changes.over
                )
            )
        if changes.kept_later:
            notes.append(
                self.env._(
                    "New prices that hold only until another begins that was planned "
                    "before: %s.",
                    changes.kept_later,
                )
            )
        if not (changes or changes.problems or file.problems):
            notes.append(self.env._("The file changes nothing in this plan."))
        return notes

    def _tabulate_problems(self, problems):
        """A table of what is wrong, for people who have the file open beside it."""
        names, texts = self._get_column_names(), self._get_problem_texts()
        rows = []
        for problem in problems[:MOST_SHOWN]:
            what, remedy = texts[self._get_text_key(problem)]
            cells = (
                problem.line,
                names.get(problem.column, ""),
                problem.value,
                what % self._get_facts(problem),
                remedy,
            )
            rows.append(Markup("<td>%s</td>" * len(cells)) % cells)
        titles = (
            self.env._("Line"),
            self.env._("Column"),
            self.env._("There stands"),
            self.env._("What is wrong"),
            self.env._("What to do"),
        )
        return self._make_table(titles, rows, len(problems) - MOST_SHOWN)

    def _tabulate_changes(self, told):
        """A table of what becomes of the plan's prices, False if nothing does."""
        if not told:
            return False
        names = self._get_column_names()
        choice = self.env["saperx.tariff.rate"]._fields["class_choice"]
        classes = dict(choice._description_selection(self.env))
        rows = []
        for change in told[:MOST_CHANGES_SHOWN]:
            values = change.after or change.before
            rows.append(
                Markup(
                    "<td>%s</td><td>%s</td>"
                    '<td class="text-nowrap">%s</td><td>%s</td><td>%s</td>'
                )
                % (
                    values["prefix"],
                    classes[class_choice_of(values["prefix"], values["call_class"])],
                    self._show_price(change),
                    format_date(self.env, values["date_from"]),
                    self._say_what_changes(change, names),
                )
            )
        titles = (
            names["prefix"],
            names["call_class"],
            names["price_per_minute"],
            names["date_from"],
            self.env._("What changes"),
        )
        return self._make_table(titles, rows, len(told) - MOST_CHANGES_SHOWN)

    def _show_price(self, change):
        """The price; of one that changes, the old and the new."""
        old, new = (
            values and self._format_price(values["price_per_minute"])
            for values in (change.before, change.after)
        )
        if not old or not new or old == new:
            return new or old
        return Markup('<span class="text-muted">%s</span> → <b>%s</b>') % (old, new)

    def _say_what_changes(self, change, names):
        if change.before is None:
            return self.env._("New rate")
        if change.after is None:
            return self.env._("Ends on %s", format_date(self.env, change.last_day))
        different = [
            names[column]
            for column, value in change.after.items()
            if column not in UNTOLD and value != change.before[column]
        ]
        return ", ".join(different or [names["date_from"]])

    def _make_table(self, titles, rows, more):
        """:param rows: cells of a row each, as markup
        :param int more: rows that are not shown, if positive"""
        table = Markup(
            '<table class="table table-sm"><thead><tr>%s</tr></thead>'
            "<tbody>%s</tbody></table>"
        ) % (
            Markup("<th>%s</th>" * len(titles)) % titles,
            Markup("").join(Markup("<tr>%s</tr>") % row for row in rows),
        )
        if more > 0:
            table += Markup("<p>%s</p>") % self.env._("And %s more.", more)
        return table


def _price(row):
    return row.values["price_per_minute"]
