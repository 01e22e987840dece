# License AGPL-3.0 or later (https://www.gnu.org/licenses/agpl).

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..overdue import Standing, StepKind, next_step
from .contract_contract_overdue import ACTIVITY
from .saperx_line_block import LEVELS

STEPS = [
    (StepKind.NOTICE.value, "Notice"),
    (StepKind.PARTIAL.value, "Partial block"),
    (StepKind.FULL.value, "Full block"),
    (StepKind.LAST_NOTICE.value, "Last notice"),
    (StepKind.CANCEL.value, "Cancellation"),
]
FAILED = {"bounce", "exception", "canceled"}
DELIVERED = {"sent", "pending"}


class SaperxOverdueCase(models.Model):
    """A contract's overdue payment, from the notice until it is paid or the contract
    ends. Only the invoices that the notice told of count: others need their own."""

    _name = "saperx.overdue.case"
    _description = "Overdue payment of a contract"
    _order = "opened_on desc, id desc"
    _rec_name = "contract_id"

    contract_id = fields.Many2one(
        "contract.contract", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        related="contract_id.company_id", store=True, index=True
    )
    partner_id = fields.Many2one(
        related="contract_id.partner_id", string="Customer", store=True, index=True
    )
    currency_id = fields.Many2one(related="company_id.currency_id")
    state = fields.Selection(
        [("open", "Open"), ("closed", "Closed")], required=True, default="open"
    )
    opened_on = fields.Date(required=True)
    due_date = fields.Date(
        string="Due since", required=True, help="Of the oldest unpaid invoice."
    )
    move_ids = fields.Many2many(
        "account.move",
        "saperx_overdue_case_move_rel",
        "case_id",
        "move_id",
        string="Invoices",
        help="That the notice told of.",
    )
    amount_due = fields.Monetary(
        compute="_compute_amount_due",
        compute_sudo=True,
        help="What is unpaid and due of these invoices.",
    )
    noticed_on = fields.Date(help="Days count from here.")
    last_noticed_on = fields.Date()
    notice_message_id = fields.Many2one(
        "mail.message", string="Latest notice", index=True, ondelete="set null"
    )
    notice_state = fields.Selection(
        [
            ("waiting", "On its way"),
            ("sent", "Sent"),
            ("failed", "Not delivered"),
            ("by_hand", "Told by somebody"),
        ],
        string="State of the notice",
        help="A notice that was not delivered stops the clock, until somebody tells "
        "the customer and registers it.",
    )
    partial_on = fields.Date(string="Partial block on")
    full_on = fields.Date(string="Full block on")
    level = fields.Selection(LEVELS, string="Block", help="Of the contract, now.")
    blocked_since = fields.Datetime()
    last_step_on = fields.Date()
    next_step = fields.Selection(STEPS)
    next_step_on = fields.Date(string="On")
    hold = fields.Selection(related="contract_id.saperx_hold")
    held_until = fields.Date(related="contract_id.saperx_held_until")
    hold_note = fields.Char(related="contract_id.saperx_hold_note")
    block_ids = fields.One2many(
        "saperx.line.block", "overdue_case_id", string="Blocks of the SIP lines"
    )
    broken_promises = fields.Integer(
        readonly=True, help="Of payment, whose day passed without it."
    )
    closed_on = fields.Date()
    closed_because = fields.Selection(
        [
            ("paid", "Paid"),
            ("cancelled", "Contract cancelled for it"),
            ("ended", "Contract ended"),
            ("passed_on", "Contract passed to another customer"),
        ]
    )

    _one_open = models.UniqueIndex(
        "(contract_id) WHERE state = 'open'",
        "The overdue payment of this contract is being followed already.",
    )
    _open_by_company = models.Index("(company_id) WHERE state = 'open'")

    @api.depends(
        "move_ids.payment_state",
        "move_ids.amount_residual",
        "move_ids.state",
        "contract_id.partner_id",
        "contract_id.invoice_partner_id",
    )
    def _compute_amount_due(self):
        for case in self:
            case.amount_due = sum(case._get_due_items().mapped("amount_residual"))

    # === What holds now ===

    def _get_due_items(self):
        """The journal items of the told invoices that are due and unpaid."""
        self.ensure_one()
        return self._get_due_items_of(
            self.move_ids.filtered(self.contract_id._is_owed_by_its_customer),
            self.company_id._get_telephony_today(),
        )

    def _fetch_due_items(self):
        """What follows reads of all these cases, in a few statements for all."""
        items = self.move_ids.line_ids
        self.move_ids.fetch(
            ["state", "payment_state", "line_ids", "commercial_partner_id"]
        )
        items.fetch(
            [
                "display_type",
                "reconciled",
                "amount_residual",
                "date_maturity",
                "saperx_charge_id",
            ]
        )

    @api.model
    def _get_due_items_of(self, moves, today):
        unpaid = moves.filtered(
            lambda move: (
                move.state == "posted" and move.payment_state in ("not_paid", "partial")
            )
        )
        return unpaid.line_ids.filtered(
            lambda item: (
                item.display_type == "payment_term"
                and not item.reconciled
                and item.amount_residual > 0
                and item.date_maturity < today
            )
        )

    def _get_standing(self):
        self.ensure_one()
        return Standing(
            due=self.due_date,
            noticed=self.noticed_on or None,
            partial=self.partial_on or None,
            full=self.full_on or None,
            last_noticed=self.last_noticed_on or None,
            level=self.level or None,
            held_until=self.contract_id._get_held_until(),
        )

    def _get_next_step(self):
        """The next step and its day, or None if none comes by itself."""
        self.ensure_one()
        company = self.company_id
        is_stopped = self.notice_state == "failed" or self.state == "closed"
        if is_stopped or not company.saperx_overdue_active:
            return None
        return next_step(
            self._get_standing(),
            company._get_overdue_rules(),
            company._get_overdue_calendar(),
        )

    def _plan(self):
        """Keep what comes next, for lists and filters."""
        for case in self:
            step = case._get_next_step()
            values = {
                "next_step": step.kind.value if step else False,
                "next_step_on": step.day if step else False,
            }
            case.write(
                {name: value for name, value in values.items() if case[name] != value}
            )

    def _follow_notice(self):
        """Learn what became of the latest notice."""
        for case in self.filtered("notice_message_id"):
            # What failed is for somebody to mend, also if it got there after all.
            if case.notice_state in ("by_hand", "failed"):
                continue
            notices = case._get_notices()
            # What was delivered is forgotten by the mail's own housekeeping.
            if not notices and case.notice_state == "sent":
                continue
            state = case._get_state_of_notice(notices)
            if state == case.notice_state:
                continue
            if state == "sent":
                # Days count from when it left, also if the queue stood still.
                name = "last_noticed_on" if case.last_noticed_on else "noticed_on"
                case[name] = case.company_id._get_telephony_today()
            case.notice_state = state
            if state == "failed":
                case._ask_somebody(
                    self.env._(
                        "The notice of overdue payment did not reach the customer: no "
                        "further step is taken until somebody tells them and registers "
                        "it here."
                    )
                )

    def _get_notices(self):
        """The ``mail.notification`` of those whom the latest notice is for. Whoever
        follows the contract gets a copy: that one arrives, or not, tells nothing."""
        self.ensure_one()
        message = self.notice_message_id
        return message.notification_ids.filtered(
            lambda notice: (
                not notice.res_partner_id
                or notice.res_partner_id in message.partner_ids
            )
        )

    @api.model
    def _get_state_of_notice(self, notices):
        """:param notices: the ``mail.notification`` of those who were told"""
        statuses = set(notices.mapped("notification_status"))
        if not notices or statuses & FAILED:
            return "failed"
        return "sent" if statuses <= DELIVERED else "waiting"

    # === What people do ===

    def _register_notice(self, day, how):
        """Somebody told the customer: the clock runs from that day on.

        :param how: in somebody's words
        :raise UserError: saying why not
        """
        self.ensure_one()
        today = self.company_id._get_telephony_today()
        if self.state == "closed":
            raise UserError(self.env._("Nothing is overdue any more."))
        if not self.due_date < day <= today:
            raise UserError(
                self.env._(
                    "A notice is given after %(due)s, when the invoice fell due, and "
                    "not in the future.",
                    due=format_date(self.env, self.due_date),
                )
            )
        name = "last_noticed_on" if self.last_noticed_on else "noticed_on"
        self.write({name: day, "notice_state": "by_hand"})
        self.contract_id.message_post(
            body=self.env._(
                "%(user)s told the customer of the overdue payment on %(day)s: %(how)s",
                user=self.env.user.name,
                day=format_date(self.env, day),
                how=how,
            )
        )
        self.contract_id.activity_feedback([ACTIVITY])
        self._plan()

    def action_send_notice_again(self):
        """Another try, to the address of today: days count from today on."""
        self.check_access("read")
        self.contract_id._check_may_hold_overdue()
        for case in self.sudo():
            if case.notice_state != "failed":
                raise UserError(self.env._("This notice did not fail."))
            today = case.company_id._get_telephony_today()
            kind = "last_notice" if case.last_noticed_on else "notice"
            case._take(StepKind(kind), today)
            case.contract_id.activity_feedback([ACTIVITY])

    def _ask_somebody(self, note):
        self.ensure_one()
        self.contract_id._ask_somebody_about_overdue(note)
