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
        _ = self.env._
        zones = {part.line.integration_id.timezone: None for part in parts}
        return {
            "title": _("Statement of telephone calls"),
            "subtitle": _("As Anatel's consumer regulation (RGC), art. 47, has it"),
            "customer": _("CUSTOMER"),
            "period": _("{first} to {last}"),
            "section": _("Line {line} · {period}"),
            "page": _("Page {number} of"),
            "watermark": _("PREVIEW · NOT YET CHARGED"),
            "lines": _("Lines of this statement"),
            "no_calls": _("No calls in this cycle"),
            "others": _("Other services, without details"),
            "subtotal": _("Subtotal: {count} calls"),
            "continued": _("{name} (continued)"),
            "total": _("Total of the line"),
            "grand_total": _("Total"),
            "collect_from": _("Collect, from {number}"),
            "amount_covered": _("in allowance"),
            "amount_free": _("no cost"),
            "note_columns": _(
                "Duration: the conversation. Charged time: what is charged of it, by "
                "the billing plan's minimum and steps. Gross: the price before "
                "allowances. Of each call the fraction of a centavo is cut (RGC, "
                "art. 49)."
            ),
            "note_zone": _("Dates and times: time zone %s.", ", ".join(zones)),
            "note_hidden": _(
                "Calls to reporting lines (disque-denúncia) are never listed (RGC, "
                "art. 47)."
            ),
        }

    @api.model
    def _get_words_of_tables(self, symbol):
        _ = self.env._
        return {
            "line": _("Line"),
            "cycle": _("Cycle"),
            "plan": _("Billing plan"),
            "summary_class": _("Kind of call"),
            "summary_calls": _("Calls"),
            "summary_talk": _("Duration (min:s)"),
            "summary_charged": _("Charged (min:s)"),
            "summary_gross": _("Gross (%s)", symbol),
            "summary_covered": _("Allowance (%s)", symbol),
            "summary_amount": _("To pay (%s)", symbol),
            "allowance": _("Allowance"),
            "allowance_own": _("Of the cycle"),
            "allowance_carried": _("From the cycle before"),
            "allowance_used": _("Used by this line"),
            "allowance_others": _("Used by other lines"),
            "allowance_left": _("Left"),
            "allowance_away": _("Into the next cycle"),
            "call_start": _("Date and time"),
            "call_number": _("Destination"),
            "call_place": _("Place"),
            "call_talk": _("Duration"),
            "call_charged": _("Charged time"),
            "call_gross": _("Gross (%s)", symbol),
            "call_covered": _("Allowance (%s)", symbol),
            "call_amount": _("Amount (%s)", symbol),
        }

    @api.model
    def _get_words_of_columns(self, symbol):
        _ = self.env._
        return {
            "sheet_summary": _("Summary"),
            "sheet_calls": _("Calls"),
            "column_line": _("Line"),
            "column_cycle_first": _("Cycle from"),
            "column_cycle_last": _("Cycle until"),
            "column_date": _("Date"),
            "column_time": _("Time"),
            "column_number": _("Destination"),
            "column_place": _("Place"),
            "column_class": _("Kind of call"),
            "column_talk": _("Duration"),
            "column_charged": _("Charged time"),
            "column_gross": _("Gross (%s)", symbol),
            "column_covered": _("Allowance (%s)", symbol),
            "column_amount": _("Amount (%s)", symbol),
            "column_status": _("How it is charged"),
            "column_billing": _("Billing"),
            "status_charged": _("Charged"),
            "status_partly_covered": _("Partly in the allowance"),
            "status_covered": _("In the allowance"),
            "status_free": _("No cost"),
            "billing_done": _("Charged"),
            "billing_preview": _("Preview, not yet charged"),
        }
