# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, models


class SaperxStatement(models.AbstractModel):
    """The statement's words, in the language of the environment."""

    _inherit = "saperx.statement"  # pylint: disable=consider-merging-classes-inherited

    @api.model
    def _get_words(self, parts):
        """:return: by the writers' names; what stands in braces is theirs to fill"""
        symbol = parts[0].line.company_id.currency_id.symbol
        return {
            **self._get_words_of_document(parts),
            **self._get_words_of_tables(symbol),
            **self._get_words_of_columns(symbol),
        }

    @api.model
    def _get_words_of_document(self, parts):
        zones = {part.line.integration_id.timezone: None for part in parts}
        return {
            "title": self.env._("Statement of telephone calls"),
            "subtitle": self.env._(
                "As Anatel's consumer regulation (RGC), art. 47, has it"
            ),
            "customer": self.env._("CUSTOMER"),
            "period": self.env._("{first} to {last}"),
            "section": self.env._("Line {line} · {period}"),
            "page": self.env._("Page {number} of"),
            "watermark": self.env._("PREVIEW · NOT YET CHARGED"),
            "lines": self.env._("Lines of this statement"),
            "no_calls": self.env._("No calls in this cycle"),
            "others": self.env._("Other services, without details"),
            "subtotal": self.env._("Subtotal · calls: {count}"),
            "continued": self.env._("{name} (continued)"),
            "total": self.env._("Total of the line"),
            "grand_total": self.env._("Total"),
            "collect_from": self.env._("Collect, from {number}"),
            "amount_covered": self.env._("in allowance"),
            "amount_free": self.env._("no cost"),
            "note_columns": self.env._(
                "Duration: the conversation. Charged time: what is charged of it, by "
                "the billing plan's minimum and steps. Gross: the price before "
                "allowances. Of each call the fraction of a centavo is cut (RGC, "
                "art. 49)."
            ),
            "note_zone": self.env._("Dates and times: time zone %s.", ", ".join(zones)),
            "note_hidden": self.env._(
                "Calls to reporting lines (disque-denúncia) are never listed (RGC, "
                "art. 47)."
            ),
        }

    @api.model
    def _get_words_of_tables(self, symbol):
        return {
            "line": self.env._("Line"),
            "cycle": self.env._("Cycle"),
            "plan": self.env._("Billing plan"),
            "summary_class": self.env._("Kind of call"),
            "summary_calls": self.env._("Calls"),
            "summary_talk": self.env._("Duration (min:s)"),
            "summary_charged": self.env._("Charged (min:s)"),
            "summary_gross": self.env._("Gross (%s)", symbol),
            "summary_covered": self.env._("Allowance (%s)", symbol),
            "summary_amount": self.env._("To pay (%s)", symbol),
            "allowance": self.env._("Allowance"),
            "allowance_own": self.env._("Of the cycle"),
            "allowance_carried": self.env._("From the cycle before"),
            "allowance_used": self.env._("Used by this line"),
            "allowance_others": self.env._("Used by other lines"),
            "allowance_left": self.env._("Left"),
            "allowance_away": self.env._("Into the next cycle"),
            "call_start": self.env._("Date and time"),
            "call_number": self.env._("Destination"),
            "call_place": self.env._("Place"),
            "call_talk": self.env._("Duration"),
            "call_charged": self.env._("Charged time"),
            "call_gross": self.env._("Gross (%s)", symbol),
            "call_covered": self.env._("Allowance (%s)", symbol),
            "call_amount": self.env._("Amount (%s)", symbol),
        }

    @api.model
    def _get_words_of_columns(self, symbol):
        return {
            "sheet_summary": self.env._("Summary"),
            "sheet_calls": self.env._("Calls"),
            "column_line": self.env._("Line"),
            "column_cycle_first": self.env._("Cycle from"),
            "column_cycle_last": self.env._("Cycle until"),
            "column_date": self.env._("Date"),
            "column_time": self.env._("Time"),
            "column_number": self.env._("Destination"),
            "column_place": self.env._("Place"),
            "column_class": self.env._("Kind of call"),
            "column_talk": self.env._("Duration"),
            "column_charged": self.env._("Charged time"),
            "column_gross": self.env._("Gross (%s)", symbol),
            "column_covered": self.env._("Allowance (%s)", symbol),
            "column_amount": self.env._("Amount (%s)", symbol),
            "column_status": self.env._("How it is charged"),
            "column_billing": self.env._("Billing state"),
            "status_charged": self.env._("Charged"),
            "status_partly_covered": self.env._("Partly in the allowance"),
            "status_covered": self.env._("In the allowance"),
            "status_free": self.env._("No cost"),
            "billing_done": self.env._("Already charged"),
            "billing_preview": self.env._("Preview, not yet charged"),
        }
