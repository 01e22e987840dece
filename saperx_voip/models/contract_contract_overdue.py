# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from datetime import date

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools.misc import format_date

from .contract_contract import ROLES

ACTIVITY = "saperx_voip.mail_activity_overdue"
HOLDS = [("promise", "Promise of payment"), ("exempt", "Exempt")]


class ContractContract(models.Model):
    """What a contract shows of its overdue payment, and what holds it."""

    _inherit = "contract.contract"  # pylint: disable=consider-merging-classes-inherited

    saperx_overdue_case_ids = fields.One2many(
        "saperx.overdue.case", "contract_id", groups=ROLES
    )
    saperx_overdue_case_id = fields.Many2one(
        "saperx.overdue.case",
        string="Overdue payment",
        compute="_compute_saperx_overdue_case_id",
        store=True,
        index="btree_not_null",
        groups=ROLES,
        help="That is open now.",
    )
    saperx_block_level = fields.Selection(
        string="Block",
        related="saperx_overdue_case_id.level",
        store=True,
        index="btree_not_null",
        groups=ROLES,
    )
    saperx_blocked_since = fields.Datetime(
        string="Blocked since",
        related="saperx_overdue_case_id.blocked_since",
        groups=ROLES,
    )
    saperx_next_step = fields.Selection(
        string="Next step",
        related="saperx_overdue_case_id.next_step",
        groups=ROLES,
    )
    saperx_next_step_on = fields.Date(
        string="On",
        related="saperx_overdue_case_id.next_step_on",
        groups=ROLES,
    )
    saperx_due_date = fields.Date(
        string="Overdue since",
        related="saperx_overdue_case_id.due_date",
        groups=ROLES,
    )
    saperx_amount_due = fields.Monetary(
        string="Overdue amount",
        related="saperx_overdue_case_id.amount_due",
        groups=ROLES,
    )
    saperx_notice_state = fields.Selection(
        related="saperx_overdue_case_id.notice_state", groups=ROLES
    )
    saperx_hold = fields.Selection(
        HOLDS,
        string="Held by",
        readonly=True,
        copy=False,
        tracking=True,
        groups=ROLES,
        help="As long as it holds, nothing is blocked or cancelled for overdue "
        "payment.",
    )
    saperx_held_until = fields.Date(
        string="Held until",
        index="btree_not_null",
        readonly=True,
        copy=False,
        tracking=True,
        groups=ROLES,
        help="The end of this day. Empty: until somebody ends it.",
    )
    saperx_hold_note = fields.Char(
        string="Why it is held", readonly=True, copy=False, groups=ROLES
    )

    @api.depends("saperx_overdue_case_ids.state")
    def _compute_saperx_overdue_case_id(self):
        for contract in self:
            contract.saperx_overdue_case_id = contract.saperx_overdue_case_ids.filtered(
                lambda case: case.state == "open"
            )[:1]

    @api.constrains("saperx_hold", "saperx_held_until")
    def _check_saperx_hold(self):
        for contract in self.sudo():
            if contract.saperx_hold == "promise" and not contract.saperx_held_until:
                raise ValidationError(
                    self.env._("A promise of payment needs the day until which it is.")
                )

    def _get_held_until(self):
        """The last day on which nothing happens for overdue payment, or None."""
        self.ensure_one()
        if not self.saperx_hold:
            return None
        return self.saperx_held_until or date.max

    # === What people do ===

    def action_hold_overdue(self):
        """Ask for a promise of payment, or an exemption."""
        return self._ask_for_hold("promise")

    def action_exempt_overdue(self):
        return self._ask_for_hold("exempt")

    def _ask_for_hold(self, hold):
        self.ensure_one()
        self._check_may_hold_overdue()
        names = {
            "promise": self.env._("Promise of payment"),
            "exempt": self.env._("Exemption from blocks"),
        }
        return {
            "type": "ir.actions.act_window",
            "name": names[hold],
            "res_model": "saperx.overdue.hold.wizard",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_contract_id": self.id, "default_hold": hold},
        }

    def action_end_overdue_hold(self):
        """End the promise or the exemption now: what was lifted comes back with the
        next step."""
        self._check_may_hold_overdue()
        self._hold_overdue(False, False, False)

    def action_register_overdue_notice(self):
        """Ask when and how somebody told the customer."""
        self.ensure_one()
        self._check_may_hold_overdue()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Register notice"),
            "res_model": "saperx.overdue.notice.wizard",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_case_id": self.saperx_overdue_case_id.id},
        }

    def action_send_overdue_notice_again(self):
        self.ensure_one()
        self.saperx_overdue_case_id.action_send_notice_again()

    def _check_may_hold_overdue(self):
        """:raise AccessError: unless it is billing's to say, of a contract they see"""
        self.check_access("read")
        if not self.env.user.has_group("saperx_voip.group_billing"):
            raise AccessError(self.env._("Only billing decides on what is overdue."))

    # === Holds ===

    def _hold_overdue(self, hold, until, note):
        """Let nothing be blocked or cancelled, and lift what was blocked.

        :param hold: ``"promise"`` or ``"exempt"``, or False: it goes on
        :param until: the last day, or False: without end
        :param note: why, in somebody's words
        """
        contracts = self.sudo()
        contracts.write(
            {
                "saperx_hold": hold,
                "saperx_held_until": until,
                "saperx_hold_note": note,
            }
        )
        contracts.saperx_overdue_case_id._follow()

    @api.model
    def _get_past_holds(self):
        """Contracts whose hold ended with a day that is over."""
        past = self.sudo()
        for company in self.env["res.company"].sudo().search([]):
            past |= past.search(
                [
                    ("company_id", "=", company.id),
                    ("saperx_held_until", "<", company._get_telephony_today()),
                ]
            )
        return past

    def _end_past_hold(self):
        """Count a promise that was broken."""
        self.ensure_one()
        contract = self._in_language_of_responsible()
        day = format_date(contract.env, self.saperx_held_until)
        case = contract.saperx_overdue_case_id
        text = ""
        if self.saperx_hold == "exempt":
            text = contract.env._("The exemption from blocks ended on %s.", day)
        elif case and case._get_due_items():
            # Else it was paid on the last day, and is followed in a moment.
            case.broken_promises += 1
            text = contract.env._("The promise of payment until %s was not kept.", day)
        contract._clear_hold()
        if text:
            contract.message_post(body=text)

    def _settle_promise(self):
        """A promise is about what is overdue now: the next debt has none."""
        promised = self.filtered(lambda contract: contract.saperx_hold == "promise")
        promised._clear_hold()

    def _clear_hold(self):
        self.write(
            {
                "saperx_hold": False,
                "saperx_held_until": False,
                "saperx_hold_note": False,
            }
        )

    def _is_held(self, day):
        self.ensure_one()
        until = self._get_held_until()
        return until is not None and day <= until

    # === Whom it concerns ===

    def _get_paying_partners(self):
        """Whose invoices of the contract are its customer's: commercial partners."""
        self.ensure_one()
        # One by one: of a union of records, Odoo would read each contract's alone.
        holder = self.partner_id.commercial_partner_id
        return holder | self.invoice_partner_id.commercial_partner_id

    def _is_owed_by_its_customer(self, move):
        """Whether an invoice is not one of a former customer of the contract."""
        return move.commercial_partner_id in self._get_paying_partners()

    def _has_living_lines(self):
        self.ensure_one()
        return any(line.state != "cancelled" for line in self.saperx_line_ids)

    def _get_latest_overdue_case(self):
        """Of which the mails tell: the open one, else the one that ended last."""
        self.ensure_one()
        return self.sudo().saperx_overdue_case_ids.sorted("id")[-1:]

    def _get_saperx_responsible(self):
        """Whoever is asked about overdue payment: the company's own choice, else who
        answers for the contract and may look at its telephony, else nobody."""
        self.ensure_one()
        company = self.company_id
        for user in (company.saperx_overdue_user_id, self.user_id, self.create_uid):
            may_look = user.active and company in user.company_ids
            if may_look and user.has_group("saperx_voip.group_user"):
                return user
        return self.env["res.users"]

    def _in_language_of_responsible(self):
        """For what a task writes in the name of nobody."""
        self.ensure_one()
        user = self._get_saperx_responsible() or self.create_uid
        return self.with_context(lang=user.lang)

    def _ask_somebody_about_overdue(self, note):
        """One open activity for whoever answers for it, and a note."""
        self.ensure_one()
        self.activity_unlink([ACTIVITY])
        if user := self._get_saperx_responsible():
            self.activity_schedule(ACTIVITY, note=note, user_id=user.id)
        self.message_post(body=note)
