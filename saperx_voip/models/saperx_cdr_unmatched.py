# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..number_masking import SEES_NUMBERS


class SaperxLine(models.Model):
    _inherit = "saperx.line"  # pylint: disable=consider-merging-classes-inherited

    def write(self, vals):
        res = super().write(vals)
        if not vals.keys().isdisjoint(("account_code", "remote_id")):
            # By these calls are matched as by numbers.
            self.env["saperx.cdr"]._trigger_rematch(self.integration_id)
        return res


class SaperxCdrUnmatched(models.Model):
    """Calls without a line, by whom they are of on the platform: circuit, account code
    and own number. A view of the calls themselves: what is matched is gone from it."""

    _name = "saperx.cdr.unmatched"
    _description = "Calls without a line"
    _auto = False
    _order = "call_count desc, id"
    _rec_name = "own_number"

    integration_id = fields.Many2one("saperx.integration", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    currency_id = fields.Many2one(related="company_id.currency_id")
    line_remote_id = fields.Integer(string="Circuit", readonly=True)
    account_code = fields.Char(readonly=True)
    own_number = fields.Char(
        readonly=True,
        help="The customer's number: the caller of outgoing calls, the called one of "
        "incoming ones.",
    )
    call_count = fields.Integer(string="Calls", readonly=True)
    first_start = fields.Datetime(string="First call", readonly=True)
    last_start = fields.Datetime(string="Last call", readonly=True)
    talk_seconds = fields.Integer(
        string="Talk (s)",
        readonly=True,
        help="Conversation of the calls that may be charged once they have a line.",
    )
    platform_amount = fields.Float(
        string="Amount on the platform",
        digits=(16, 6),
        readonly=True,
        groups="saperx_voip.group_billing",
        help="What the platform charged for these calls; what the customer pays is "
        "known once they have a line and its billing plan.",
    )

    @property
    def _table_query(self):
        calls = self.env["saperx.cdr"]
        # Those that the user may see; the numbers that they are grouped by are the
        # customer's own.
        query = calls._search([("state", "=", "unmatched")])
        own = SQL("CASE direction WHEN 'incoming' THEN callee ELSE caller END")
        keys = SQL(
            "integration_id, company_id, line_remote_id,"
            " coalesce(account_code, ''), coalesce(%s, '')",
            own,
        )
        return SQL(
            """
            SELECT min(id) AS id, integration_id, company_id, line_remote_id,
                   nullif(coalesce(account_code, ''), '') AS account_code,
                   nullif(coalesce(%(own)s, ''), '') AS own_number,
                   count(*) AS call_count, min(start) AS first_start,
                   max(start) AS last_start,
                   coalesce(sum(talk_seconds) FILTER (
                       WHERE outcome = 'answered'
                       AND (direction = 'outgoing' OR is_collect)
                   ), 0) AS talk_seconds,
                   sum(platform_amount) AS platform_amount
            FROM saperx_cdr WHERE id IN %(ids)s
            GROUP BY %(keys)s
            """,
            own=own,
            ids=query.subselect(),
            keys=keys,
        )

    def _get_domain(self):
        """The calls of one row."""
        self.ensure_one()
        number = self.own_number or ""
        names = ("caller", "callee")
        outgoing, incoming = (
            [(name, "=", number)] if number else [(name, "in", (False, ""))]
            for name in names
        )
        code = self.account_code
        circuit = self.line_remote_id
        return [
            ("integration_id", "=", self.integration_id.id),
            ("state", "=", "unmatched"),
            ("account_code", "=", code)
            if code
            else ("account_code", "in", (False, "")),
            ("line_remote_id", "=", circuit or False),
            "|",
            *("&", ("direction", "=", "outgoing"), *outgoing),
            *("&", ("direction", "=", "incoming"), *incoming),
        ]

    def action_view_calls(self):
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_cdr_action"
        )
        return {**action, "domain": self._get_domain(), "context": {}}

    def action_match_again(self):
        """Look for a line for these calls now; by itself it is done when a line, a
        number or other terms appear."""
        self._check_may_match()
        before = sum(self.mapped("call_count"))
        domains = [row._get_domain() for row in self]
        integration = self.integration_id[:1]
        calls = self.env["saperx.cdr"].sudo()
        for domain in domains:
            calls._reassess(domain)
        left = sum(calls.search_count(domain) for domain in domains)
        self.invalidate_model()
        return integration._notify(
            self.env._(
                "%(matched)s of %(count)s calls have a line now.",
                matched=before - left,
                count=before,
            )
        )

    def _check_may_match(self):
        self.check_access("read")
        if not self.env.user.has_groups(SEES_NUMBERS):
            raise AccessError(
                self.env._("Only technicians and billing may match calls to lines.")
            )

    def action_new_line(self):
        """A new line's form with what is known of it."""
        self.ensure_one()
        own = self.own_number or ""
        context = {
            "default_integration_id": self.integration_id.id,
            "default_account_code": self._get_free_code(),
        }
        if self._is_number(own):
            context["default_did_ids"] = [
                fields.Command.create({"number": own, "is_main": True})
            ]
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New SIP line"),
            "res_model": "saperx.line",
            "views": [(False, "form")],
            "context": context,
        }

    def action_choose_line(self):
        """Ask which line these calls are of."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "saperx_voip.saperx_unmatched_wizard_action"
        )
        return {
            **action,
            "context": {
                "default_integration_id": self.integration_id.id,
                "default_number": self.own_number
                if self._is_number(self.own_number or "")
                else False,
                "default_account_code": self._get_free_code(),
                "default_call_count": self.call_count,
            },
        }

    def _get_free_code(self):
        """The account code if it is one that a line may have, else False."""
        code = self.account_code or ""
        is_code = len(code) == 6 and code.isascii() and code.isdigit() and int(code)
        return code if is_code else False

    @api.model
    def _is_number(self, text):
        """Whether it is a number with country and area code, as a line holds it."""
        return text.isascii() and text.isdigit() and len(text) in (12, 13)
